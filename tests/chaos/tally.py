"""What was tried and what came of it, counted by fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Trials by fault and outcome, and every broken promise.

    Attributes
    ----------
    counts : dict
        Fault -> outcome -> number.
    broken : list of str
        One sentence a promise that was not kept, with what repeats it.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    trials: int = 0

    def add(self, faults: tuple[str, ...], outcome: str, broken: str = "") -> None:
        """One trial; it counts once for each of its faults."""
        self.trials += 1
        for fault in dict.fromkeys(faults):
            self.counts.setdefault(fault, Counter())[outcome] += 1
        if broken:
            self.broken.append(broken)

    def merge(self, other: Tally) -> None:
        """Take another's trials in."""
        self.trials += other.trials
        self.broken += other.broken
        for fault, outcomes in other.counts.items():
            self.counts.setdefault(fault, Counter()).update(outcomes)

    def table(self, title: str) -> str:
        """Counts as text, one fault a line."""
        outcomes = sorted({name for counts in self.counts.values() for name in counts})
        width = max((len(name) for name in self.counts), default=8)
        heads = "  ".join(outcomes)
        lines = [f"{title}: {self.trials} trials, {len(self.broken)} broken promises", f"{'fault':<{width}}  {heads}"]
        for fault, counts in sorted(self.counts.items()):
            cells = "  ".join(f"{counts[name] or '.':>{len(name)}}" for name in outcomes)
            lines.append(f"{fault:<{width}}  {cells}")
        return "\n".join([*lines, *(f"BROKEN {sentence}" for sentence in self.broken)])

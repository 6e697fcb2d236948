"""Rows on which a model of the variance could not be estimated: counted and said, refused where there is no other."""

from __future__ import annotations

from dataclasses import dataclass

from eventstudy.engine.models import MODELS
from eventstudy.errors import UsageError
from eventstudy.flags import STAND_IN, marked
from eventstudy.measured import MeasuredEvents
from eventstudy.spec import StudySpec


@dataclass(slots=True)
class Fallbacks:
    """Studied rows, those of them with a simpler model in place of the study's, and those of these with too few valid
    sessions for it."""

    studied: int = 0
    replaced: int = 0
    short: int = 0

    @classmethod
    def of(cls, found: MeasuredEvents, spec: StudySpec) -> Fallbacks:
        """Those of measured events."""
        replaced = marked(found.row_flags, "model_fallback")
        short = replaced & (found.models["n_estimation"] < MODELS[spec.model].least)
        return cls(len(replaced), int(replaced.sum()), int(short.sum()))

    def add(self, other: Fallbacks) -> None:
        """Count some more rows."""
        self.studied += other.studied
        self.replaced += other.replaced
        self.short += other.short

    def notices(self, spec: StudySpec) -> tuple[str, ...]:
        """Which model was estimated for how many rows; empty where it was for all. Raises ``UsageError`` where it was
        estimated for none."""
        if not self.replaced:
            return ()
        least = MODELS[spec.model].least
        others = self.replaced - self.short
        causes = [f"{self.short} have fewer than {least} valid sessions before the event"] if self.short else []
        if others:
            causes.append(f"the variance of {others} does not converge or does not settle")
        why = ", ".join(causes)
        if self.replaced == self.studied:
            raise UsageError(
                f"{spec.model} could not be estimated for any of {self.studied} rows: {why}",
                f"at least one row with {least} valid sessions before its event and a variance that settles",
                "prices that reach further back, --exclude none, or --model market-model",
            )
        return (
            f"{spec.model} was estimated for {self.studied - self.replaced} of {self.studied} rows; for the other "
            f"{self.replaced} the {STAND_IN} with the scale of the 20 latest sessions is used instead (flag "
            f"model_fallback): "
            f"{why}",
        )

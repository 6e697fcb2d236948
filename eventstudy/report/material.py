"""What the pages of one study share: its moves, the days around them, and figures made from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.evaluate.around import Around, around
from eventstudy.evaluate.ordinary import ordinary_moves
from eventstudy.report.figures.curve import curve_figure
from eventstudy.report.figures.days import days_figure
from eventstudy.report.figures.dots import DotRow, dots_figure
from eventstudy.report.figures.expected import expected_figure
from eventstudy.report.figures.histogram import ordinary_figure
from eventstudy.report.figures.paths import path_figure
from eventstudy.report.moves import Moves, Share, moves_of
from eventstudy.report.sentences import explainer
from eventstudy.report.tables import rows_by_event

if TYPE_CHECKING:
    from eventstudy.report.figures.marks import Figure
    from eventstudy.results import StudyResult

# shares that figures of a session hold; of more, those with the smallest p
PANELS = 6


@dataclass(slots=True)
class Material:
    """The material of pages about ``result``, which holds the events that they show."""

    result: StudyResult
    _made: dict[str, Any] | None = None

    def _once(self, name: str, make: Any) -> Any:
        if self._made is None:
            self._made = {}
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @property
    def moves(self) -> Moves:
        """Every share and session."""
        found: Moves = self._once("moves", lambda: moves_of(self.result))
        return found

    @property
    def what(self) -> str:
        """What explains the expected move."""
        return explainer(self.result.spec)

    @property
    def around(self) -> Around:
        """The days around every share; rows as in ``row``."""
        found: Around = self._once("around", lambda: around(self.result.studied, self._positions))
        return found

    @property
    def ordinary(self) -> list[np.ndarray]:
        """The ordinary days of every share."""
        found: list[np.ndarray] = self._once("ordinary", lambda: ordinary_moves(self.result.studied, self._positions))
        return found

    @property
    def _positions(self) -> np.ndarray:
        return np.array([share.position for share in self.moves.shares], dtype=np.int64)

    def row(self, share: Share) -> int:
        """Row of a share in ``around`` and ``ordinary``."""
        rows: dict[int, int] = self._once("rows", lambda: {s.position: k for k, s in enumerate(self.moves.shares)})
        return rows[share.position]

    def market(self, share: Share) -> float:
        """Return of the benchmark on day 0."""
        return float(self.around.market[self.row(share)])

    def table(self, name: str, share: Share) -> list[dict[str, Any]]:
        """The rows of a table that belong to a share."""
        tables: dict[tuple[str, str], list[dict[str, Any]]] = self._once(
            f"table {name}", lambda: rows_by_event(self.result.table(name))
        )
        return tables.get((share.event_id, share.ticker), [])

    def expected(self, name: str, shares: Sequence[Share]) -> Figure | None:
        """Price against what the market explains."""
        some = [s for s in pictured(shares) if np.isfinite(s.whole.moved)]
        if not some:
            return None
        log = self.result.spec.returns == "log"
        return expected_figure(f"expected-{name}", some, [self.row(s) for s in some], self.around, log=log)

    def figures(self, name: str, shares: Sequence[Share]) -> dict[str, Figure]:
        """Every figure of some shares of one session, by kind; those that there is something for."""
        some = pictured(shares)
        rows = [self.row(s) for s in some]
        made = {
            "expected": self.expected(name, shares),
            "days": days_figure(f"days-{name}", some, rows, self.around),
            "curve": curve_figure(f"curve-{name}", some),
            "placebo": ordinary_figure(f"placebo-{name}", some, [self.ordinary[k] for k in rows]),
            "car": self._car(name, some, rows),
        }
        return {kind: figure for kind, figure in made.items() if figure is not None}

    def _car(self, name: str, shares: Sequence[Share], rows: Sequence[int]) -> Figure | None:
        found = self.around
        paths = [
            (
                share.name,
                [
                    (int(day), float(found.added[row, k]), float(found.added_half[row, k]))
                    for k, day in enumerate(found.days)
                ],
            )
            for share, row in zip(shares, rows, strict=True)
        ]
        return path_figure(
            f"car-{name}",
            "Own move added up",
            paths,
            (shares[0].window.start, shares[0].window.end),
            "Own moves (CAR) added up from the close of day -1 outward both ways, by their exact error. Shaded: their "
            f"{100 * self.result.spec.level:g} % interval; pale strip: the window.",
        )

    def cluster(self, day0: str, shares: Sequence[Share]) -> Figure | None:
        """The shares of one session with their intervals."""
        rows = [DotRow(s.name, s.whole.own, s.whole.low, s.whole.high, s.whole.outside) for s in shares[:40]]
        return dots_figure(
            f"cluster-{day0}",
            f"Own moves on {day0}",
            rows,
            f"Own moves of the shares of one session with their {100 * self.result.spec.level:g} % intervals, in "
            "percent. Thick and filled: outside the band of an ordinary day.",
        )


def pictured(shares: Sequence[Share]) -> list[Share]:
    """The shares that figures hold."""
    if len(shares) <= PANELS:
        return list(shares)
    chosen = sorted(shares, key=lambda s: s.whole.p if np.isfinite(s.whole.p) else np.inf)[:PANELS]
    return [share for share in shares if share in chosen]

"""How many primary windows of a study are unusual, how many chance would make so, and which survive the number of looks
(methods 11, A4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eventstudy.data.row_keys import first_of
from eventstudy.engine.significance.headline import unusual
from eventstudy.engine.significance.multiple import holm
from eventstudy.roster import REPORTED
from eventstudy.spec import StudySpec

if TYPE_CHECKING:
    from eventstudy.prepare import Prepared
    from eventstudy.scale.first_pass import FirstPass

# Share of studies without any effect, of so many windows with t4 errors, in which Holm and the headline p find one at
# 5 % (docs/validation.md): above MOST_FALSE nothing is said to survive.
FAMILYWISE_T4 = {1: 0.030, 2: 0.053, 3: 0.069, 5: 0.079, 10: 0.136, 20: 0.183, 31: 0.244}
MOST_FALSE = 0.06
FAMILYWISE_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """The primary windows of direct and peer rows, one for each firm and session.

    Attributes
    ----------
    by : {"headline", "t"}
        Which p value calls a window unusual: the t test's only where the headline p was not requested.
    tested, found : int
        Windows that have a p value, and those of them with p <= 1 - level.
    survivors : int
        Those of them whose p value of the t test, adjusted for all tested windows (Holm), is <= 1 - level too.
    """

    level: float
    by: Literal["headline", "t"]
    tested: int
    found: int
    survivors: int

    @property
    def false_share(self) -> float:
        """Share of studies of so many windows without any effect in which something survives, with t4 errors."""
        sizes = list(FAMILYWISE_T4)
        return float(np.interp(self.tested, sizes, [FAMILYWISE_T4[n] for n in sizes]))

    @property
    def counts_survivors(self) -> bool:
        """Whether pages may say how many survive: only where that is known to err in at most 6 % of such
        studies."""
        return self.tested > 0 and self.measured and self.false_share <= MOST_FALSE

    @property
    def measured(self) -> bool:
        """Whether ``false_share`` is known: of the headline p, at the level of ``FAMILYWISE_T4`` or above."""
        return self.by == "headline" and self.level >= FAMILYWISE_LEVEL


def unusual_windows(prepared: Prepared, first: FirstPass, spec: StudySpec) -> Unusual:
    """Count the primary windows of a study, whatever its size."""
    events, index = prepared.roster, prepared.index
    by: Literal["headline", "t"] = "headline" if np.isfinite(first.primary_headline).any() else "t"
    p = first.primary_headline if by == "headline" else first.primary_p
    counted = index.events.columns["role"].where(lambda role: role in ("direct", "peer"))
    tested = np.flatnonzero(first.kept & events.marked(REPORTED) & counted[events.row] & np.isfinite(p))
    pair = np.asarray(prepared.series.pair)[events.series[tested]]
    tickers = np.array([symbol for symbol, _ in index.pairs])
    day = prepared.panel.facts.day(events.series[tested], events.session[tested])
    number = np.unique(tickers, return_inverse=True)[1][pair] if len(tickers) else pair
    # one number for each firm, day and window, without a copy of millions of rows of three
    identity = ((number * 200_000 + day + 100_000) * len(spec.windows) + first.primary[tested]).astype(np.int64)
    looks = tested[first_of(identity)]
    adjusted, hit = holm(first.primary_p[looks]), unusual(p[looks], spec.level)
    return Unusual(
        level=spec.level,
        by=by,
        tested=len(looks),
        found=int(hit.sum()),
        survivors=int((hit & unusual(adjusted, spec.level)).sum()) if by == "headline" else 0,
    )

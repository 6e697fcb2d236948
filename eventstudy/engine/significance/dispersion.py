"""``conformal-dispersion``: do the events' CARs differ more from each other than on other days (methods A10)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.models import Model
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.windows import Design

FEWEST = 3
# events below which a doubled variance is found in less than half of the groups
FEW = 10
RISEN_P = 0.10
ROUNDING = 1e-12
# events whose days are held at a time
AT_ONCE = 256


def dispersion_sums(design: Design, model: Model, rows: Ints, window: tuple[int, int]) -> Floats:
    """Count, sum and sum of squares over events of the moves of every run of days, (3, N + L) float64.

    Each event's model is fitted on its estimation and window days together; its residuals of one-session scale are
    divided by their root mean square, aligned in event time, and summed over the window's length along the ring of
    estimation and window days; a run that holds a missing or masked day has no move. The last entry is the window.
    """
    parts = (rows[at : at + AT_ONCE] for at in range(0, max(len(rows), 1), AT_ONCE))
    return np.asarray(np.sum([_sums_of_some(design, model, some, window) for some in parts], axis=0))


def _sums_of_some(design: Design, model: Model, rows: Ints, window: tuple[int, int]) -> Floats:
    days = design.days(*window)
    used = np.zeros((len(rows), design.y.shape[1]), dtype=bool)
    used[:, design.estimation] = design.usable[rows][:, design.estimation]
    used[:, days] = design.observed[rows][:, days]
    some = Design(
        **{name: getattr(design, name)[rows] for name in ("y", "x", "span", "observed", "masked", "offset")},
        plan=design.plan,
    )
    z = np.where(used, model.refit(some, used) / np.sqrt(some.span), np.nan)
    ring = np.concatenate([z[:, design.estimation], z[:, days]], axis=1)
    return sums_of_runs(ring, window[1] - window[0] + 1)


def sums_of_runs(ring: Floats, length: int) -> Floats:
    """The same from the residuals of every event (n, T), of one-session scale, NaN where unknown; the window last."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ring = ring / (np.sqrt(np.nanmean(ring**2, axis=1, keepdims=True)) if len(ring) else 1.0)
    moves = circular_sums(np.ascontiguousarray(ring.T), np.ones(length)).T
    known = np.isfinite(moves)
    filled = np.where(known, moves, 0.0)
    return np.stack([known.sum(axis=0).astype(np.float64), filled.sum(axis=0), (filled**2).sum(axis=0)])


@dataclass(frozen=True, slots=True)
class Dispersion:
    """The cross-sectional variance of the window's moves over its mean, and its rank among T runs of days."""

    ratio: float
    p: float
    n_runs: int


def dispersion_of(sums: Mapping[str, Floats]) -> Dispersion | None:
    """From the sums over all events; None where they were not wanted or fewer than three events have the window."""
    if "dispersion" not in sums:
        return None
    count, total, squares = sums["dispersion"]
    known: Bools = count >= FEWEST
    if not len(known) or not known[-1]:
        return None
    n = count[known]
    variance = (squares[known] - total[known] ** 2 / n) / (n - 1)
    own = variance[-1]
    p = float((variance >= own * (1 - ROUNDING)).mean())
    return Dispersion(float(own / variance.mean()), p, int(known.sum()))


def conformal_dispersion(sums: Mapping[str, Floats]) -> TestResult:
    """The share of runs of days over which the events differed at least as much; upper tail.

    Assumes no distribution. Dates are independent, and the dependence within a date is that of the other days; only the
    part of the variance that differs between firms is seen.

    Checked against
    ---------------
    The golden values of the reference and loops (tests/oracles/test_dispersion.py); sizes in tests/properties.
    """
    found = dispersion_of(sums)
    if found is None:
        return undefined("conformal-dispersion", "permutation", f"fewer than {FEWEST} events have the window")
    few = f"a doubled variance would be found in less than half of groups of fewer than {FEW} events"
    note = few if sums["dispersion"][0, -1] < FEW else ""
    return computed("conformal-dispersion", found.ratio, "permutation", str(found.n_runs), found.p, [], note)


def risen(sums: Mapping[str, Floats], read: str = "kolari-pynnonen or bmp") -> list[str] | None:
    """A sentence where the events visibly raised the variance, which names tests to read; None where not requested."""
    found = dispersion_of(sums)
    if found is None:
        return None
    if found.p > RISEN_P:
        return []
    return [
        f"event-induced variance: CARs differ {found.ratio:.2g} times as much between firms as on other days "
        f"(conformal-dispersion, p {found.p:.2g}); read {read}"
    ]

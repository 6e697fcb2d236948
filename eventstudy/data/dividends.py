"""Whether closes beside a column of dividends are adjusted for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.moves import Moves, likelihood_ratio, log_moves, moves_at
from eventstudy.data.prices import Floats
from eventstudy.data.written import grid_verdict
from eventstudy.engine.panel import Bools

# log likelihood ratio over all ex-days from which the moves decide
FIRM = np.log(99.0)
# log likelihood ratio from which dividends in another unit are refused
CERTAIN = np.log(1e4)
GRID = "the grid of prices"
# what hangs on the basis: a basis point a day over a year of sessions
YEAR, A_POINT_A_DAY = 250, 1e-4
# units that dividends are mistaken for
UNITS = {"a tenth of": 0.1, "a hundredth of": 0.01, "ten times": 10.0, "a hundred times": 100.0}
ADJUSTED, UNADJUSTED = "fully adjusted", "split-adjusted"


@dataclass(frozen=True, slots=True)
class DividendBasis:
    """Basis of closes beside dividends.

    Attributes
    ----------
    basis : str
        ``fully adjusted`` or ``split-adjusted``.
    why : str
        How it was decided, as a clause.
    doubtful : bool (n,)
        Sessions where the figures depend on headings that do not describe the closes.
    trouble : str
        Why the headings and the figures contradict each other; empty where they do not.
    """

    basis: str
    why: str
    doubtful: Bools
    trouble: str = ""


def dividend_basis(
    close: Floats, dividend: Floats, *, after_splits: int, finer: bool, heading: str, layout: str
) -> DividendBasis:
    """Decide by the grid of the closes, else by their moves on the ex-days, else by the headings.

    Parameters
    ----------
    close : float64 (n,)
        Adjusted for splits.
    dividend : float64 (n,)
        Cash per share earned with the row, 0 on other days.
    after_splits : int
        First row after every stated split.
    finer : bool
        Some price of the series is written with four or more places.
    heading : str
        What the layout says of the close: ``adjusted``, ``split-adjusted``, ``raw`` or empty.
    layout : str
        Its name, for the sentences.
    """
    nothing = np.zeros(len(close), dtype=bool)
    at = np.flatnonzero(dividend > 0)
    at = at[at > 0]
    said = ADJUSTED if heading == "adjusted" else UNADJUSTED
    if not len(at):
        return DividendBasis(said, _by_layout(layout) if heading else "no dividend was paid", nothing)
    verdict, how = _figures(close, dividend, at, after_splits, finer=finer)
    scaled, weight = _another_unit(close, dividend, at)
    if weight > CERTAIN:
        return DividendBasis(said, "", nothing, f"the closes fall by {scaled} the dividends; correct the column")
    if verdict and heading and verdict != said:
        return DividendBasis(said, "", nothing, _contradiction(layout, said, verdict, how))
    if verdict and weight > FIRM and GRID not in how:
        why = f"{how}; they seem to fall by {scaled} the dividends"
        return DividendBasis(verdict, why, _matters(close, dividend, at))
    paid = np.zeros(len(close), dtype=bool)
    paid[at] = True
    if verdict:
        # closes that do not fall by the dividends are adjusted, or the dividends are wrong
        one_of_two = verdict == ADJUSTED and GRID not in how and not heading
        return DividendBasis(verdict, how, paid if one_of_two else nothing)
    if heading:
        # nothing but the headings says so: what is paid in the event window decides its return
        return DividendBasis(said, _by_layout(layout), paid)
    return DividendBasis(
        UNADJUSTED, "by the headings alone: there are dividends beside the close", _matters(close, dividend, at)
    )


def _figures(close: Floats, dividend: Floats, at: np.ndarray, after_splits: int, *, finer: bool) -> tuple[str, str]:
    """Verdict of the figures and its reason; empty without one."""
    last = int(at[-1])
    if last > after_splits:
        grid = grid_verdict(close[after_splits:last], close[last:], finer=finer)
        if grid == "divided":
            return ADJUSTED, f"the closes before the last dividend are off {GRID}"
        if grid:
            return UNADJUSTED, f"the closes before the last dividend are on {GRID}"
    moves = moves_at(log_moves(close), at)
    llr = _ratio_of(moves, dividend, close, at)
    if abs(llr) > FIRM:
        falls = "fall by the dividends on their ex-days" if llr > 0 else "do not fall by the dividends on their ex-days"
        return (UNADJUSTED if llr > 0 else ADJUSTED), f"the closes {falls}"
    return "", ""


def _ratio_of(moves: Moves, dividend: Floats, close: Floats, at: np.ndarray) -> float:
    """Log likelihood ratio that the closes fall by the dividends against that they do not."""
    return float(likelihood_ratio(moves, np.log1p(dividend[at] / close[at - 1])).sum())


def _another_unit(close: Floats, dividend: Floats, at: np.ndarray) -> tuple[str, float]:
    """The unit by which the closes fall most likely, and the log likelihood ratio of that against falling by the
    dividends as stated or not at all, whichever is likelier."""
    moves = moves_at(log_moves(close), at)
    stated = _ratio_of(moves, dividend, close, at)
    found = {unit: _ratio_of(moves, dividend * factor, close, at) for unit, factor in UNITS.items()}
    best = max(found, key=lambda unit: found[unit])
    return best, found[best] - max(stated, 0.0)


def _matters(close: Floats, dividend: Floats, at: np.ndarray) -> Bools:
    """Ex-days; and every session of a year over which the dividends make a basis point a day."""
    doubtful = np.zeros(len(close), dtype=bool)
    doubtful[at] = True
    paid = np.zeros(len(close))
    paid[at] = np.log1p(dividend[at] / close[at - 1])
    total = np.cumsum(paid)
    within = total - np.concatenate([np.zeros(min(YEAR, len(close))), total[:-YEAR]])
    for end in np.flatnonzero(within >= YEAR * A_POINT_A_DAY):
        doubtful[max(0, end - YEAR + 1) : end + 1] = True
    return doubtful


def _by_layout(layout: str) -> str:
    return f"by the headings of {layout or 'the file'}"


def _contradiction(layout: str, said: str, verdict: str, how: str) -> str:
    return (
        f"the headings are those of {layout or 'a known layout'}, whose closes are {said}, but {how}, as "
        f"{verdict} closes do; add the adjusted close as Adj Close, or take the column of dividends out"
    )

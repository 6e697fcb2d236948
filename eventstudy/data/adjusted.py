"""An adjusted close against the close, the dividends and the splits beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.moves import moves_at
from eventstudy.data.prices import Dates, Floats
from eventstudy.data.splits import APPLIED, FAR, FAR_AT_LEAST, RAW, StatedSplit, ratio_text
from eventstudy.data.written import half_place

# single precision of both columns; rounding of intermediate figures; a tenth of the dividend
ROUNDING, SLACK, SHARE = 3e-7, 2e-4, 0.1
HALF_A_CENT = 0.005
# a step of the adjustment from here on that no dividend explains may be a split of raw closes
STEP = np.log(1.18)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What an adjusted close says of the close beside it.

    Attributes
    ----------
    splits : list of StatedSplit
        Splits that the adjusted close has seen, each with the state of the close.
    trouble : str
        The first contradiction, with its day and both figures; empty where there is none.
    n_troubles : int
    damaged : str
        The first step of the adjusted close that nothing paid or split can make: it falls against the close; empty
        where there is none.
    """

    splits: list[StatedSplit]
    trouble: str
    n_troubles: int
    damaged: str = ""


def compared(
    dates: Dates, close: Floats, adjusted: Floats, dividend: Floats | None, split: Floats | None
) -> Adjustment:
    """Compare the steps of the adjustment with the dividends and splits that are stated.

    Dividends may be taken off the close before (``1 - D/P0``) or put on the close after (``1 + D/P1``); both
    conventions are tried.

    Parameters
    ----------
    dates : datetime64[D] (n,)
        Strictly increasing.
    close, adjusted : float64 (n,)
        Positive and finite.
    dividend : float64 (n,) or None
        Cash per share earned with the row; None where the source has no such column, and then only splits are sought.
    split : float64 (n,) or None
        Ratio on its day, 1 on other days.
    """
    step = np.diff(np.log(adjusted) - np.log(close))
    ratio = np.ones(len(step)) if split is None else split[1:]
    paid = np.zeros(len(step)) if dividend is None else dividend[1:]
    shift, candidates = np.log(ratio), _expected(close, paid, ratio)
    slack = _bound(close, adjusted, dividend) + SLACK + SHARE * np.abs(candidates).min(axis=0)
    plain = np.abs(step - candidates).min(axis=0)
    with_split = np.abs(step - shift - candidates).min(axis=0)
    jump = np.diff(np.log(close))
    splits, hidden = [], np.zeros(len(step), dtype=bool)
    for at in np.flatnonzero(ratio != 1).tolist():
        splits.append(StatedSplit(at + 1, float(ratio[at]), RAW if with_split[at] < plain[at] else APPLIED))
    bad = np.minimum(plain, with_split) > slack
    for at in np.flatnonzero((np.abs(step) > STEP) & (bad | (dividend is None)) & (ratio == 1)).tolist():
        # the close makes the opposite move, so that the adjusted close makes none
        usual = moves_at(np.append(jump + step, np.nan), np.array([at]))
        if np.abs(jump[at] + step[at]) <= max(FAR * float(usual.scale[0]), FAR_AT_LEAST):
            splits.append(StatedSplit(at + 1, float(np.exp(step[at])), RAW))
            hidden[at] = True
    bad &= ~hidden
    if dividend is None:
        # what was paid is unknown, so only stated splits can be contradicted
        bad &= ratio != 1
        bad &= np.minimum(np.abs(step), np.abs(step - shift)) > STEP
    wrong = np.flatnonzero(bad)
    told = _trouble(dates, close, adjusted, paid, ratio, int(wrong[0])) if len(wrong) else ""
    fallen = wrong[step[wrong] < -slack[wrong]]
    damaged = _trouble(dates, close, adjusted, paid, ratio, int(fallen[0])) if len(fallen) else ""
    return Adjustment(sorted(splits, key=lambda one: one.at), told, len(wrong), damaged)


def _expected(close: Floats, paid: Floats, ratio: Floats) -> Floats:
    """Log steps that a dividend makes under each convention: float64 (4, n - 1); a split beside it may have reached
    the close before or not."""
    before, after = close[:-1], close[1:]
    # a stated ratio may be any number above zero
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        taken = [-np.log(np.maximum(1 - paid / base, 1e-9)) for base in (before, before / ratio)]
        return np.array([*taken, np.log1p(paid / after), np.log1p(paid * ratio / after)])


def _bound(close: Floats, adjusted: Floats, dividend: Floats | None) -> Floats:
    """How far rounding can move a step: float64 (n - 1,)."""
    close_half, adjusted_half = half_place(close), half_place(adjusted)
    bound = adjusted_half / adjusted + close_half / close
    bound = bound[1:] + bound[:-1] + ROUNDING
    if dividend is not None and (paying := dividend[dividend != 0]).size:
        # a handful of dividends may all happen to be whole numbers
        bound = bound + min(half_place(paying), max(HALF_A_CENT, close_half)) / close[:-1]
    return np.asarray(bound)


def _trouble(dates: Dates, close: Floats, adjusted: Floats, paid: Floats, ratio: Floats, at: int) -> str:
    """The sentence on a step that the stated figures do not explain."""
    step = float(np.log(adjusted[at + 1] / close[at + 1]) - np.log(adjusted[at] / close[at]))
    implied = close[at] * -np.expm1(-step)
    stated = f"a dividend of {paid[at]:.6g}"
    if ratio[at] != 1:
        stated += f" and a split of {ratio_text(float(ratio[at]))}"
    return (
        f"{dates[at + 1]}: {stated} is stated, and the close ({close[at]:.6g} to {close[at + 1]:.6g}) and the adjusted "
        f"close ({adjusted[at]:.6g} to {adjusted[at + 1]:.6g}) imply a dividend of {implied:.6g}; correct the "
        "dividends, or leave out the column that is wrong"
    )

"""An adjusted close against the close, the dividends and the splits beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.data.moves import moves_at
from eventstudy.data.prices import Dates, Floats
from eventstudy.data.splits import APPLIED, FAR, FAR_AT_LEAST, RAW, StatedSplit, ratio_text
from eventstudy.data.written import FINELY, half_of, places_of

# single precision of both columns; rounding of intermediate figures; a tenth of the dividend
ROUNDING, SLACK, SHARE = 3e-7, 2e-4, 0.1
HALF_A_CENT = 0.005
# a step of the adjustment from here on that no dividend explains may be a split of raw closes
STEP = np.log(1.18)
# share of days on which an adjustment moves that no calendar of dividends explains: a weekly payer has 0.2
APART, FEWEST_APART = 1 / 3, 10


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Evidence of an adjusted close on the close beside it.

    Attributes
    ----------
    splits : list of StatedSplit
        Splits that the adjusted close has seen, each with the state of the close.
    trouble : str
        The first contradiction, with its day and both figures; empty where there is none.
    damaged : str
        The first step of the adjusted close that nothing paid or split can make: it falls against the close, or, where
        no dividends are stated, it moves apart from the close on more than a third of the days; empty where there is
        none.
    finely : bool
        The close or the adjusted close is written with four or more places.
    """

    splits: list[StatedSplit]
    trouble: str
    n_troubles: int
    damaged: str = ""
    finely: bool = False


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
    level = np.log(close)
    factor = np.log(adjusted) - level
    steps = factor[1:] - factor[:-1]
    differs = np.abs(steps) > SLACK
    for values, nothing in ((dividend, 0.0), (split, 1.0)):
        if values is not None:
            differs |= values[1:] != nothing
    # on the other days nothing is stated and the adjusted close goes with the close, whatever the rounding
    at = np.flatnonzero(differs)
    before, after, step = close[at], close[at + 1], steps[at]
    paid = np.zeros(len(at)) if dividend is None else dividend[at + 1]
    ratio = np.ones(len(at)) if split is None else split[at + 1]
    written = _Written.of(close, adjusted, dividend)
    candidates = _expected(before, after, paid, ratio)
    slack = written.bound(before, after, adjusted[at], adjusted[at + 1]) + SLACK
    slack += SHARE * np.abs(candidates).min(axis=0)
    plain = np.abs(step - candidates).min(axis=0)
    with_split = np.abs(step - np.log(ratio) - candidates).min(axis=0)
    states = np.where(with_split < plain, RAW, APPLIED)
    splits = [StatedSplit(int(at[i]) + 1, float(ratio[i]), str(states[i])) for i in np.flatnonzero(ratio != 1).tolist()]
    bad = np.minimum(plain, with_split) > slack
    for i in np.flatnonzero((np.abs(step) > STEP) & (bad | (dividend is None)) & (ratio == 1)).tolist():
        # the close makes the opposite move, so that the adjusted close makes none
        move = np.append(level[1:] - level[:-1] + steps, np.nan)
        usual = moves_at(move, at[i : i + 1])
        if np.abs(move[at[i]]) <= max(FAR * float(usual.scale[0]), FAR_AT_LEAST):
            splits.append(StatedSplit(int(at[i]) + 1, float(np.exp(step[i])), RAW))
            bad[i] = False
    apart = np.flatnonzero(np.minimum(plain, with_split) > slack)
    if dividend is None:
        # what was paid is unknown, so only stated splits can be contradicted
        bad &= ratio != 1
        bad &= np.minimum(np.abs(step), np.abs(step - np.log(ratio))) > STEP
    wrong = np.flatnonzero(bad)
    fallen = wrong[step[wrong] < -slack[wrong]]
    told, damaged = (
        _trouble(dates, close, adjusted, float(paid[found[0]]), float(ratio[found[0]]), int(at[found[0]]))
        if len(found)
        else ""
        for found in (wrong, fallen)
    )
    if dividend is None and len(apart) > max(APART * len(steps), FEWEST_APART):
        damaged = _apart(dates, close, adjusted, int(at[apart[0]]), len(apart))
    return Adjustment(sorted(splits, key=lambda one: one.at), told, len(wrong), damaged, written.finely)


def _expected(before: Floats, after: Floats, paid: Floats, ratio: Floats) -> Floats:
    """Log steps that a dividend makes under each convention: float64 (4, m); a split beside it may have reached the
    close before or not."""
    # a stated ratio may be any number above zero
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        taken = [-np.log(np.maximum(1 - paid / base, 1e-9)) for base in (before, before / ratio)]
        return np.array([*taken, np.log1p(paid / after), np.log1p(paid * ratio / after)])


@dataclass(frozen=True, slots=True)
class _Written:
    """Half of the last place written of each column, and whether a price has four places or more."""

    close: float
    adjusted: float
    dividend: float
    finely: bool

    @classmethod
    def of(cls, close: Floats, adjusted: Floats, dividend: Floats | None) -> _Written:
        places = [places_of(close), places_of(adjusted)]
        halves = [half_of(n) for n in places]
        paid = 0.0
        if dividend is not None and (paying := dividend[dividend != 0]).size:
            # a handful of dividends may all happen to be whole numbers
            paid = min(half_of(places_of(paying)), max(HALF_A_CENT, halves[0]))
        return cls(halves[0], halves[1], paid, max(places) >= FINELY)

    def bound(self, before: Floats, after: Floats, adjusted_before: Floats, adjusted_after: Floats) -> Floats:
        """Largest effect of rounding on the steps between some closes: float64 (m,)."""
        first, second = self.adjusted / adjusted_before + self.close / before, self.adjusted / adjusted_after
        return np.asarray(second + self.close / after + first + ROUNDING + self.dividend / before)


def _trouble(dates: Dates, close: Floats, adjusted: Floats, paid: float, ratio: float, at: int) -> str:
    """The sentence on a step that the stated figures do not explain."""
    step = float(np.log(adjusted[at + 1] / close[at + 1]) - np.log(adjusted[at] / close[at]))
    implied = close[at] * -np.expm1(-step)
    stated = f"a dividend of {paid:.6g}"
    if ratio != 1:
        stated += f" and a split of {ratio_text(ratio)}"
    return (
        f"{dates[at + 1]}: {stated} is stated, and the close ({close[at]:.6g} to {close[at + 1]:.6g}) and the adjusted "
        f"close ({adjusted[at]:.6g} to {adjusted[at + 1]:.6g}) imply a dividend of {implied:.6g}; correct the "
        "dividends, or leave out the column that is wrong"
    )


def _apart(dates: Dates, close: Floats, adjusted: Floats, at: int, n: int) -> str:
    """The sentence on an adjusted close that does not go with the close."""
    return (
        f"{dates[at + 1]}: the close goes from {close[at]:.6g} to {close[at + 1]:.6g} and the adjusted close from "
        f"{adjusted[at]:.6g} to {adjusted[at + 1]:.6g}, and they move apart on {n} of {len(dates) - 1} days: an "
        "adjusted close does so on days of dividends and splits alone; leave out the column that is wrong"
    )

"""Raw figures of a vendor as bars, and what its columns say against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eventstudy.data.prices import HIGHEST, LOWEST, Dates, Floats
from eventstudy.data.splits import ratio_text
from eventstudy.data.vintage import COLUMNS, Bars, market_calendar
from eventstudy.data.written import half_of, places_of

# No price is this many times the one before it.
LEAP = 1e5
# Columns agree up to this relative difference beside the rounding of what is written.
AGREEMENT = 2e-6
PRICES = ("open", "high", "low", "close", "adj_close")


def bars_of(days: Sequence[str], columns: Mapping[str, Sequence[float]]) -> Bars:
    """Rows in any order as bars, oldest first; columns that a vendor does not have are NaN, actions 0. Raises
    ``ValueError``: two rows of one day, a price that none can be, or a split that is not a ratio."""
    dates = np.array(days, dtype="datetime64[D]")
    order = np.argsort(dates, kind="stable")
    dates = dates[order]
    if (again := np.flatnonzero(dates[1:] == dates[:-1])).size:
        raise ValueError(f"two bars of {dates[again[0]]}")
    made: dict[str, Floats] = {}
    for name in COLUMNS:
        empty = 0.0 if name in ("dividend", "split", "capital_gain") else np.nan
        made[name] = np.array(columns[name], dtype=np.float64)[order] if name in columns else np.full(len(dates), empty)
    for name in PRICES:
        values = made[name]
        wrong = np.isinf(values) | (values <= 0) | (values < LOWEST) | (values > HIGHEST)
        known = np.flatnonzero(np.isfinite(values) & (values > 0))
        wrong[known[1:][np.abs(np.diff(np.log(values[known]))) > np.log(LEAP)]] = True
        if wrong.any():
            raise ValueError(f"an impossible price on {dates[wrong][0]} ({name} {values[wrong][0]:g})")
    for name in ("dividend", "split"):
        wrong = ~np.isfinite(made[name]) | (made[name] < 0) | (made[name] > HIGHEST)
        if wrong.any():
            raise ValueError(f"an impossible {name} on {dates[wrong][0]} ({made[name][wrong][0]:g})")
    return Bars(dates, made)


def on_sessions(bars: Bars, timezone: str) -> tuple[Bars, str]:
    """The bars without prices on days that are not sessions of the exchange, and a sentence on them.

    What was paid or split on such a day stays, and counts with the next close.
    """
    if not len(bars.dates):
        return bars, ""
    calendar = market_calendar(timezone, bars.dates[0].item(), bars.dates[-1].item())
    if calendar is None:
        return bars, ""
    known = (bars.dates >= calendar.sessions[0]) & (bars.dates <= calendar.sessions[-1])
    off = known & ~np.isin(bars.dates, calendar.sessions)
    if not off.any():
        return bars, ""
    columns = {
        name: values if name in ("dividend", "split", "capital_gain") else np.where(off, np.nan, values)
        for name, values in bars.columns.items()
    }
    days = ", ".join(map(str, bars.dates[off][:3])) + (", .." if off.sum() > 3 else "")
    return Bars(bars.dates, columns), f"{off.sum()} rows on days without a session left out ({days})"


def expected_steps(bars: Bars, *, taken_off: bool) -> tuple[Dates, Floats, Floats, Floats]:
    """Steps of the adjusted close, as stated and as close, dividend and split make them.

    Parameters
    ----------
    bars : Bars
        Raw closes.
    taken_off : bool
        A dividend is taken off the close before it (Yahoo, EODHD), not put on its own (CRSP, Tiingo).

    Returns
    -------
    datetime64[D] (m,), float64 (m,), float64 (2, m), float64 (m,)
        Day of each step; stated ratio; ratios made, the dividend paid on new or on old shares; relative rounding.
    """
    kept = np.isfinite(bars.columns["close"]) & np.isfinite(bars.columns["adj_close"])
    close, adjusted = bars.columns["close"][kept], bars.columns["adj_close"][kept]
    paid, ratio = _joined(bars.columns["dividend"], kept, 0.0), _joined(bars.columns["split"], kept, 1.0)
    before, after, paid, ratio = close[:-1], close[1:], paid[1:], ratio[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        if taken_off:
            made = np.array([after * ratio / (before - paid * ratio), after * ratio / (before - paid)])
        else:
            made = np.array([(after + paid) * ratio / before, (after * ratio + paid) / before])
        rounding = half_of(places_of(adjusted)) / adjusted
    stated = adjusted[1:] / adjusted[:-1]
    return bars.dates[kept][1:], stated, made, rounding[1:] + rounding[:-1] + AGREEMENT


def _joined(values: Floats, kept: np.ndarray, nothing: float) -> Floats:
    """Actions on the rows that are kept; those of other rows count with the next one that is."""
    out = np.full(int(kept.sum()), nothing)
    rows = np.flatnonzero((values != 0) & (values != nothing) & np.isfinite(values))
    at = np.searchsorted(np.flatnonzero(kept), rows)
    for row, place in zip(rows.tolist(), at.tolist(), strict=True):
        if place < len(out):
            out[place] = out[place] * values[row] if nothing else out[place] + values[row]
    return out


def contradiction(bars: Bars, *, taken_off: bool) -> str:
    """The first day on which the adjusted close is not what close, dividend and split make; empty without one."""
    days, stated, made, rounding = expected_steps(bars, taken_off=taken_off)
    bad = np.flatnonzero(~(np.abs(made / stated - 1).min(axis=0) <= rounding))
    if not len(bad):
        return ""
    at = int(bad[0])
    day = np.flatnonzero(bars.dates == days[at])[0]
    split = bars.columns["split"][day]
    said = f"a dividend of {bars.columns['dividend'][day]:g}" + (
        f" and a split of {ratio_text(split)}" if split else ""
    )
    more = f" (and on {len(bad) - 1} days more)" if len(bad) > 1 else ""
    return (
        f"{days[at]}: with {said} the adjusted close should move by {100 * (made[0, at] - 1):.6g} %, and it moves by "
        f"{100 * (stated[at] - 1):.6g} %{more}"
    )

"""Daily figures as stated -> a series on one basis, or why the series is refused.

Only contradictions between stated figures refuse; a price move never does. The order: dates, columns that
are swapped, the adjusted close, splits, dividends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventstudy.data.adjusted import compared
from eventstudy.data.dividends import ADJUSTED, UNADJUSTED, dividend_basis
from eventstudy.data.doubtful import (
    EXCHANGED_NOTE,
    ONE_WAY_NOTE,
    SMOOTHED_NOTE,
    exchanged,
    in_range,
    interpolated,
    interpolated_note,
    one_way,
    repeated,
    repeated_note,
    smoothed,
    unordered,
    unordered_note,
)
from eventstudy.data.prices import (
    BY_HEADING,
    DOUBTFUL,
    SPLIT_UNCLEAR,
    SPLITS_UNKNOWN,
    Basis,
    Daily,
    Dates,
    Floats,
    PriceSeries,
    Refusal,
    Supplied,
    make_series,
)
from eventstudy.data.raw import RawSeries
from eventstudy.data.splits import RAW, StatedSplit, divisor, ratio_text, stated_splits, written_finely
from eventstudy.engine.panel import Bools, Ints

# a close outside low..high by more than rounding; beyond this share of the rows the columns are swapped
ROUNDED, SWAPPED = 1e-6, 0.05
# shares of days and months that change places
FEWEST_DAYS, WEEKENDS = 20, 0.01


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows with a close, oldest first; dividends and splits of rows without one are moved to the next."""

    dates: Dates
    close: Floats
    adjusted: Floats | None
    dividend: Floats | None
    split: Floats | None
    columns: Mapping[str, Floats]


def accept(raw: RawSeries, *, trust_adjusted: bool = False) -> PriceSeries | Refusal:
    """A series on one basis: closes adjusted for splits, with dividends or an adjusted close; or a refusal.

    Parameters
    ----------
    trust_adjusted : bool
        Where the adjusted close contradicts close, dividends and splits, take the adjusted close and say so, instead of
        refusing the series: for sources that compute it themselves.

    Returns
    -------
    PriceSeries or Refusal
        Missing rule: rows without a close are holes; a dividend or split there counts with the next close.
    """
    if why := swapped_days(raw.dates):
        return Refusal(raw.symbol, why)
    rows = _rows(raw)
    if rows is None:
        return Refusal(raw.symbol, "no row has a close")
    outside, why = _outside_range(rows)
    why = why or ("" if trust_adjusted else _paid_away(rows))
    if why:
        return Refusal(raw.symbol, why)
    decided = _with_adjusted(rows, raw, trust_adjusted) if rows.adjusted is not None else _without(rows, raw)
    if isinstance(decided, str):
        return Refusal(raw.symbol, decided)
    return _made(raw, rows, decided, outside)


@dataclass(frozen=True, slots=True)
class _Decided:
    """The basis of a series.

    ``by`` divides prices and dividends per old share, ``by_adjusted`` the adjusted close; ``paid`` adds the dividends,
    ``ratio`` takes total returns from the adjusted close (or, where there is none, from the close).
    """

    basis: Basis
    by: Floats
    by_adjusted: Floats
    returns_from: str
    doubt: np.ndarray


def swapped_days(dates: Dates) -> str:
    """Whether day and month changed places in the dates up to the twelfth, as a sentence; empty where they did not."""
    days = dates.astype(np.int64)
    before, after = days[:-1], days[1:]
    in_order = bool((after > before).all() or (after < before).all())
    if in_order and (len(days) < FEWEST_DAYS or np.count_nonzero((days + 3) % 7 >= 5) <= WEEKENDS * len(days)):
        return ""
    months = dates.astype("datetime64[M]")
    day, month = (dates - months.astype("datetime64[D]")).astype(np.int64), months.astype(np.int64) % 12
    other = (months - month + day).astype("datetime64[D]") + month
    other = np.where(day < 12, other, dates).astype(np.int64)
    changed = np.diff(other)
    found = bool((changed > 0).all() or (changed < 0).all()) if not in_order else not ((other + 3) % 7 >= 5).any()
    if not found or len(days) < 3 or (other == days).all():
        return ""
    first = dates[np.flatnonzero(other != days)[0]]
    place = "rows out of order" if not in_order else "rows on weekends"
    return (
        f"day and month changed places in dates such as {first}: as written there are {place}, and none when day "
        "and month are exchanged up to the twelfth of a month;  read the column with pd.to_datetime(df[column], "
        "dayfirst=True)"
    )


def _rows(raw: RawSeries) -> _Rows | None:
    """Sorted rows with a close, without the row of a running session."""
    dates, columns = raw.dates, dict(raw.columns)
    if raw.running >= 0 or not (dates[1:] > dates[:-1]).all():
        order = np.argsort(dates, kind="stable")
        order = order[order != raw.running] if raw.running >= 0 else order
        dates, columns = dates[order], {name: values[order] for name, values in columns.items()}
    close = columns.get("close", columns.get("adj_close"))
    if close is None:
        return None
    kept = np.flatnonzero(np.isfinite(close))
    if not len(kept):
        return None
    whole = len(kept) == len(close)
    figures = columns if whole else {name: values[kept] for name, values in columns.items()}
    dates = dates if whole else dates[kept]
    adjusted = figures.get("adj_close")
    if adjusted is not None and not np.isfinite(adjusted).any():
        adjusted = None
    dividend, split = columns.get("dividend"), columns.get("split")
    if dividend is not None:
        dividend = dividend if np.isfinite(dividend).all() else np.nan_to_num(dividend)
        dividend = joined_to_next(dividend, kept, np.add, 0.0)
    if split is not None:
        split = joined_to_next(np.where(split > 0, split, 1.0), kept, np.multiply, 1.0)
    return _Rows(dates, close if whole else close[kept], adjusted, dividend, split, figures)


def joined_to_next(values: Floats, kept: Ints, combine: np.ufunc, nothing: float) -> Floats:
    """Actions on the rows that are kept, those of other rows joined to the next row that is; float64 (m,).

    Parameters
    ----------
    values : float64 (n,)
    kept : int (m,)
        Rows, increasing.
    combine : ufunc
        ``add`` for cash, ``multiply`` for ratios.
    nothing : float
        The value where there is no action.
    """
    if len(kept) == len(values):
        return values
    out: Floats = values[kept]
    lost = np.setdiff1d(np.flatnonzero(values != nothing), kept)
    earned = np.searchsorted(kept, lost)
    reached = earned < len(kept)
    combine.at(out, earned[reached], values[lost[reached]])
    return out


def _outside_range(rows: _Rows) -> tuple[int, str]:
    """Number of closes outside low..high, and the reason to refuse the series; empty where there is none."""
    high, low = rows.columns.get("high"), rows.columns.get("low")
    if high is None or low is None:
        return 0, ""
    with np.errstate(invalid="ignore"):
        wrong = (rows.close > high * (1 + ROUNDED)) | (rows.close < low * (1 - ROUNDED))
    if not (n := int(np.count_nonzero(wrong))):
        return 0, ""
    known = int(np.count_nonzero(np.isfinite(high) & np.isfinite(low)))
    if n <= SWAPPED * known:
        return n, ""
    at = int(np.flatnonzero(wrong)[0])
    return n, (
        f"{rows.dates[at]}: the close {rows.close[at]:.6g} is outside low {low[at]:.6g} to high {high[at]:.6g}, as "
        f"on {n} of {known} rows; columns are swapped, or are on another basis: correct the headings"
    )


def _paid_away(rows: _Rows) -> str:
    """Why a dividend refuses the series: it is not smaller than the close before it, out of which it is paid."""
    if rows.dividend is None or not len(at := np.flatnonzero(rows.dividend[1:] >= rows.close[:-1])):
        return ""
    day = int(at[0]) + 1
    more = f" (and {len(at) - 1} days more)" if len(at) > 1 else ""
    return (
        f"{rows.dates[day]}: a dividend of {rows.dividend[day]:.6g} is stated, and the close before it is "
        f"{rows.close[day - 1]:.6g}{more}: a share cannot pay more than its price; write the cash paid per share, in "
        "the currency of the closes and for the same shares"
    )


def _with_adjusted(rows: _Rows, raw: RawSeries, trust: bool) -> _Decided | str:
    """The basis of a close with an adjusted close beside it."""
    assert rows.adjusted is not None, "asked only where there is one"
    if "close" not in raw.columns:
        return _adjusted_alone(rows)
    place = np.flatnonzero(np.isfinite(rows.adjusted))
    dates, close, adjusted = rows.dates, rows.close, rows.adjusted
    if len(place) < len(close):
        dates, close, adjusted = dates[place], close[place], adjusted[place]
    dividend = None if rows.dividend is None else joined_to_next(rows.dividend, place, np.add, 0.0)
    split = None if rows.split is None else joined_to_next(rows.split, place, np.multiply, 1.0)
    found = compared(dates, close, adjusted, dividend, split)
    if found.damaged or (found.trouble and not trust):
        return found.damaged or found.trouble
    late: list[StatedSplit] = []
    if split is not None:
        judged = stated_splits(dates, adjusted, split, finer=found.finely, heading="")
        if trouble := next((one.trouble for one in judged if one.trouble), ""):
            return trouble
        late = [one for one in judged if one.state == RAW]
    both = [*(one for one in found.splits if one.state == RAW), *late]
    raw_closes = [StatedSplit(int(place[one.at]), one.ratio, RAW) for one in both]
    by_adjusted = divisor(len(rows.close), [StatedSplit(int(place[one.at]), one.ratio, RAW) for one in late])
    notice = _told_splits(rows.dates, raw_closes)
    if found.trouble:
        why = "the adjusted close, which the dividends or splits beside it contradict"
        more = f" (and {found.n_troubles - 1} days more)" if found.n_troubles > 1 else ""
        notice = "; ".join(filter(None, (notice, f"taken from the adjusted close, because {found.trouble}{more}")))
    elif dividend is None:
        why = "the adjusted close is taken as it is: the file has no dividends"
    else:
        why = "close, dividends and splits agree with the adjusted close"
    kind = RAW if raw_closes or raw.heading_basis == RAW else UNADJUSTED
    if raw.heading_basis == "adjusted" and dividend is None:
        # the source states one close, the adjusted one
        kind = ADJUSTED
    returns_from = "adj_close" if found.trouble or rows.dividend is None else "dividends"
    if returns_from == "adj_close" and len(place) < len(rows.close):
        notice = "; ".join(filter(None, (notice, _without_adjusted(rows))))
    by = divisor(len(rows.close), raw_closes)
    return _Decided(Basis(kind, why, notice), by, by_adjusted, returns_from, np.zeros(len(by), dtype=np.uint8))


def _without_adjusted(rows: _Rows) -> str:
    """The sentence on closes that have no adjusted close beside them."""
    assert rows.adjusted is not None, "asked only where there is one"
    lacking = rows.dates[~np.isfinite(rows.adjusted)]
    days = f"on {lacking[0]}" if len(lacking) == 1 else f"on {len(lacking):,} days from {lacking[0]} to {lacking[-1]}"
    return (
        f"the adjusted close is empty {days}, where there is a close: the returns of these days are missing; complete "
        "the column, or remove it and state Dividends and Stock Splits"
    )


def _adjusted_alone(rows: _Rows) -> _Decided:
    ones = np.ones(len(rows.close))
    basis = Basis(ADJUSTED, "the source states adjusted closes alone")
    return _Decided(basis, ones, ones, "adj_close", np.zeros(len(ones), dtype=np.uint8))


def _without(rows: _Rows, raw: RawSeries) -> _Decided | str:
    """The basis of a close with no adjusted close beside it."""
    n, columns = len(rows.close), rows.columns
    acts = rows.split is not None and bool((rows.split != 1).any())
    pays = rows.dividend is not None and bool((rows.dividend > 0).any())
    finer = (acts or pays) and written_finely(rows.close, *(columns.get(name) for name in ("open", "high", "low")))
    splits = (
        stated_splits(rows.dates, rows.close, rows.split, finer=finer, heading=raw.heading_basis)
        if rows.split is not None and acts
        else []
    )
    if trouble := next((one.trouble for one in splits if one.trouble), ""):
        return trouble
    by = divisor(n, splits)
    doubt = np.zeros(n, dtype=np.uint8)
    doubt[[one.at for one in splits if one.unclear]] |= np.uint8(SPLIT_UNCLEAR)
    was_raw = [one for one in splits if one.state == RAW]
    notice = _told_splits(rows.dates, was_raw)
    if rows.split is None and raw.heading_basis == RAW:
        doubt |= np.uint8(SPLITS_UNKNOWN)
        notice = "closes are raw and no column states splits: a split counts as a return"
    ones = np.ones(n)
    if rows.dividend is None:
        kind = (
            RAW if was_raw or raw.heading_basis == RAW else ADJUSTED if raw.heading_basis == "adjusted" else UNADJUSTED
        )
        why = _split_why(splits) or "the file has no dividends and no adjusted close"
        return _Decided(Basis(kind, why, notice), by, ones, "adj_close" if kind == ADJUSTED else "price", doubt)
    after = max((one.at for one in splits), default=0)
    found = dividend_basis(
        rows.close / by, rows.dividend / by, after_splits=after, finer=finer, heading=raw.heading_basis,
        layout=raw.layout,
    )  # fmt: skip
    if found.trouble:
        return found.trouble
    doubt[found.doubtful] |= np.uint8(BY_HEADING)
    why = "; ".join(filter(None, (_split_why(splits), found.why)))
    if found.basis == ADJUSTED:
        said = "closes read as adjusted for dividends, which are not added: " + found.why
        return _Decided(Basis(ADJUSTED, why, "; ".join(filter(None, (notice, said)))), by, ones, "adj_close", doubt)
    kind = RAW if was_raw or raw.heading_basis == RAW else UNADJUSTED
    return _Decided(Basis(kind, why, notice), by, ones, "dividends", doubt)


def _split_why(splits: list[StatedSplit]) -> str:
    if not splits:
        return ""
    if any(one.unclear for one in splits):
        return "splits by the headings: neither the closes nor their grid decide"
    raw = any(one.state == RAW for one in splits)
    return "the closes jump by the stated splits" if raw else "the closes do not jump by the stated splits"


def _told_splits(dates: Dates, splits: list[StatedSplit]) -> str:
    if not splits:
        return ""
    named = ", ".join(f"{ratio_text(one.ratio)} on {dates[one.at]}" for one in splits[:5])
    more = f" and {len(splits) - 5} more" if len(splits) > 5 else ""
    return f"closes before the split {named}{more} are divided by it: they are those of the old shares"


def _made(raw: RawSeries, rows: _Rows, decided: _Decided, outside: int) -> PriceSeries:
    columns, by = rows.columns, decided.by
    said = [decided.basis.notice, *raw.notes]
    if outside:
        rows_word = "1 row" if outside == 1 else f"{outside} rows"
        said.append(f"the close of {rows_word} is outside low..high")
    if raw.running >= 0:
        day = raw.dates[raw.running]
        said.append(f"the row of {day} is left out: it is stamped inside the session, which had not ended")
    opens, volume = columns.get("open"), columns.get("volume")
    opens = None if opens is None else opens / by
    adjusted = columns.get("adj_close") if decided.returns_from == "adj_close" else None
    close = rows.close / by
    if decided.returns_from == "adj_close":
        adjusted = close if adjusted is None or rows.adjusted is None else adjusted / decided.by_adjusted
    doubt, doubts = decided.doubt, _doubts(rows.dates, close if adjusted is None else adjusted, close, opens)
    for where, sentence in doubts:
        doubt = doubt | np.where(where, np.uint8(DOUBTFUL), np.uint8(0))
        said.append(sentence)
    high, low = columns.get("high"), columns.get("low")
    if high is not None and low is not None and (what := in_range(rows.close, high, low)):
        doubt = np.full(len(by), np.uint8(DOUBTFUL)) | doubt
        said.append(f"the closes are {what} on nine of ten days or more: another column seems to be in their place")
    basis = Basis(decided.basis.kind, decided.basis.why, "; ".join(filter(None, said)))
    figures = Daily(
        close,
        open=opens,
        volume=None if volume is None else volume * by,
        adj_close=adjusted,
        dividend=rows.dividend / by if decided.returns_from == "dividends" and rows.dividend is not None else None,
        doubt=doubt if doubt.any() else None,
    )
    supplied = Supplied(raw.source, raw.origin, raw.fetched_at, raw.currency, raw.layout)
    return make_series(raw.symbol, rows.dates, figures, supplied, basis)


def _doubts(dates: Dates, level: Floats, close: Floats, opens: Floats | None) -> list[tuple[Bools, str]]:
    """Rows that are doubtful for themselves, and why; ``level`` is what returns are made from."""
    moves = np.full(len(level), np.nan)
    np.divide(level[1:], level[:-1], out=moves[1:])
    moves -= 1
    found = [(again, repeated_note(dates, again))] if (again := repeated(moves)).any() else []
    if (apart := unordered(level)).any():
        found.append((apart, unordered_note(dates, apart)))
    elif one_way(moves):
        found.append((np.ones(len(close), dtype=bool), ONE_WAY_NOTE))
    elif smoothed(moves):
        found.append((np.ones(len(close), dtype=bool), SMOOTHED_NOTE))
    elif (halfway := interpolated(level)).any():
        found.append((halfway, interpolated_note(dates, halfway)))
    if opens is not None and exchanged(opens, close):
        found.append((np.ones(len(close), dtype=bool), EXCHANGED_NOTE))
    return found

"""The days of a column of daily figures, in exchange time: text, numbers, dates or moments. Nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eventstudy.data.calendar import WEEKDAYS, ZONES, load_calendar
from eventstudy.data.date_readings import ISO, MOMENT, UnreadableDates, days_by_form, number_trouble, text_trouble
from eventstudy.data.dates import FIRST_YEAR, LAST_YEAR
from eventstudy.data.prices import Dates

FIRST_DAY, LAST_DAY = np.datetime64(f"{FIRST_YEAR}-01-01", "D"), np.datetime64(f"{LAST_YEAR}-12-31", "D")
DAY = 86_400
_NUMBER = re.compile(r"\d{1,20}(?:\.0*)?", re.ASCII)
_NO_STAMP = np.iinfo(np.int64).min
_MISSING = ("", "nan", "nat", "none", "null", "<na>")


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a column.

    Attributes
    ----------
    dates : datetime64[D] (n,)
        In the order of the column; NaT where a cell is empty.
    running : int
        The row that is stamped inside a session, whose figures are not final; -1 for none.
    """

    dates: Dates
    running: int = -1


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Dates and moments of a column, in seconds since 1970; ``_NO_STAMP`` where a cell is empty.

    ``clocked`` marks the rows with a clock; ``utc`` is None where they have no offset.
    """

    local: NDArray[np.int64]
    utc: NDArray[np.int64] | None
    clocked: NDArray[np.bool_]


def days_of(values: Any, exchange: str, form: str = "") -> Days:
    """The exchange days that a column of dates, text, numbers or moments states.

    ISO text and ``YYYYMMDD`` (text or numbers) are read. Moments whose clock is midnight as written, or midnight in
    UTC, are calendar dates; other moments count as the exchange's day at that moment. Raises ``UnreadableDates`` with
    every problem and its row: text in another form, mixed forms, moments without an offset, numbers that count seconds
    or days.

    Parameters
    ----------
    values : sequence of str, numpy array, pandas Series or Index, pyarrow Array or ChunkedArray
    exchange : str
        Calendar code of the listing, whose time zone dates a moment.
    form : str
        ``strptime`` form of text of a known layout, such as ``%m/%d/%Y``; empty reads ISO text and ``YYYYMMDD`` only.

    Returns
    -------
    Days
        Missing rule: empty cells are NaT.
    """
    column = _column(values)
    if isinstance(column, _Stamps):
        found = _of_stamps(column, exchange)
    elif column.dtype.kind == "M":
        found = Days(column)
    elif column.dtype.kind == "f":
        found = Days(_of_numbers(column))
    else:
        found = _of_text(column, exchange, form)
    return _within_years(found)


def _column(values: Any) -> NDArray[Any] | _Stamps:
    """Any column as text, as numbers (float64), as days (datetime64[D]) or as stamps."""
    if hasattr(values, "to_pandas") and hasattr(values, "null_count"):
        values = _of_arrow(values)
    if isinstance(values, pd.Series | pd.Index):
        values = _of_pandas(pd.Series(values))
    if isinstance(values, _Stamps):
        return values
    array = values if isinstance(values, np.ndarray) else _of_list(list(values))
    if array.dtype.kind == "M":
        return array if array.dtype == "datetime64[D]" else _naive(array)
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.dtype.kind == "b":
        raise UnreadableDates.of_column("holds true and false; write YYYY-MM-DD")
    return array if array.dtype.kind == "U" else _of_objects(array)


def _of_list(values: list[Any]) -> NDArray[Any]:
    if values and all(type(value) is str for value in values):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _of_arrow(values: Any) -> Any:
    """A column of Arrow: moments and text as pandas knows them, everything else as numpy does."""
    import pyarrow

    if pyarrow.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pyarrow.types.is_date(kind):
        return values.cast(pyarrow.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    if pyarrow.types.is_timestamp(kind) and kind.tz is None:
        return values.to_numpy(zero_copy_only=False)
    if pyarrow.types.is_timestamp(kind):
        return pd.Series(values.to_pandas())
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind):
        return values.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pyarrow.types.is_null(kind):
        return np.full(len(values), np.nan)
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return ["" if value is None else value for value in values.to_pylist()]
    raise UnreadableDates.of_column(f"is of type {kind}; write dates, timestamps, or text as YYYY-MM-DD")


def _of_pandas(values: pd.Series) -> Any:
    kind = values.dtype
    if isinstance(kind, pd.PeriodDtype):
        raise UnreadableDates.of_column("holds periods; convert them: df[column].dt.to_timestamp()")
    if isinstance(kind, pd.CategoricalDtype):
        return _of_pandas(values.astype(kind.categories.dtype))
    if isinstance(kind, pd.DatetimeTZDtype):
        local, utc = values.dt.tz_localize(None), values.dt.tz_convert("UTC").dt.tz_localize(None)
        seconds = _seconds(local.to_numpy())
        return _Stamps(seconds, _seconds(utc.to_numpy()), np.ones(len(values), dtype=bool))
    if pd.api.types.is_bool_dtype(kind):
        return values.to_numpy(dtype=bool, na_value=False)
    if pd.api.types.is_numeric_dtype(kind):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_string_dtype(kind) and not pd.api.types.is_object_dtype(kind):
        return ["" if value is pd.NA or value != value else value for value in values.tolist()]
    return values.to_numpy()


def _seconds(values: NDArray[Any]) -> NDArray[np.int64]:
    """datetime64 of any unit as whole seconds since 1970."""
    return np.asarray(values.astype("datetime64[s]").astype(np.int64))


def _naive(values: NDArray[Any]) -> _Stamps:
    """Dates, or stamps without an offset."""
    local = _seconds(values)
    return _Stamps(local, None, np.full(len(local), np.datetime_data(values.dtype)[0] not in ("D", "W", "M", "Y")))


def _of_objects(values: NDArray[Any]) -> NDArray[Any] | _Stamps:
    """Objects of Python, all of one kind: text, dates, moments or numbers."""
    empty = np.array(
        [value is None or value is pd.NaT or value is pd.NA or value != value for value in values], dtype=bool
    )
    kinds = {_kind(value) for value in values[~empty]}
    if len(kinds) > 1:
        raise UnreadableDates.of_column(f"mixes {' and '.join(sorted(kinds))}; write YYYY-MM-DD in every row")
    kind = next(iter(kinds), "numbers")
    if kind == "text":
        return np.array(["" if lost else str(value) for value, lost in zip(values, empty, strict=True)])
    if kind == "numbers":
        numbers = [np.nan if lost else float(value) for value, lost in zip(values, empty, strict=True)]
        return np.array(numbers, dtype=np.float64)
    local, utc = np.full((2, len(values)), _NO_STAMP, dtype=np.int64)
    for at in np.flatnonzero(~empty):
        local[at], utc[at] = _clock(values[at])
    return _Stamps(local, utc if kind == "moments" else None, np.full(len(values), kind != "dates"))


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime):
        return "stamps without an offset" if value.tzinfo is None else "moments"
    if isinstance(value, date):
        return "dates"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise UnreadableDates.of_column(f"holds {type(value).__name__}; write dates, or text as YYYY-MM-DD")
    return "numbers"


def _clock(value: date | datetime) -> tuple[int, int]:
    """Seconds since 1970 of a date or moment as written, and in UTC where it has an offset."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    local = int(value.replace(tzinfo=UTC).timestamp())
    return local, local if value.tzinfo is None else int(value.timestamp())


def _of_text(texts: NDArray[Any], exchange: str, form: str) -> Days:
    """Text of one form; a last row with a clock may be below plain dates."""
    if not form and (plain := _of_iso(texts)) is not None:
        return Days(plain)
    known, codes = np.unique(np.char.strip(texts), return_inverse=True)
    cells = known.tolist()
    lost = np.array([cell.lower() in _MISSING for cell in cells])
    kept = [cell for cell, gone in zip(cells, lost, strict=True) if not gone]
    stamps = np.full(len(cells), _NO_STAMP, dtype=np.int64)
    if form:
        stamps[~lost] = days_by_form(kept, form, texts) * DAY
        return Days(_as_days(stamps)[codes])
    if kept and all(_NUMBER.fullmatch(cell) for cell in kept):
        numbers = np.full(len(cells), np.nan)
        numbers[~lost] = [float(cell) for cell in kept]
        return Days(_of_numbers(numbers[codes]))
    clocks = [MOMENT.fullmatch(cell) for cell in cells]
    if not all(clock or gone or ISO.fullmatch(cell) for cell, clock, gone in zip(cells, clocks, lost, strict=True)):
        raise text_trouble(texts, _MISSING)
    return _of_moments(cells, clocks, lost, codes, exchange)


def _of_iso(texts: NDArray[Any]) -> Dates | None:
    """Nothing but ``YYYY-MM-DD``, read at once; None where there is anything else."""
    if texts.dtype.itemsize != 40 or not len(texts):
        return None
    letters = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), 10)
    dashes = letters[:, [4, 7]] == ord("-")
    digits = letters[:, [0, 1, 2, 3, 5, 6, 8, 9]] - ord("0")
    if not dashes.all() or (digits > 9).any():
        return None
    try:
        return np.asarray(texts.astype("datetime64[D]"))
    except ValueError:
        return None


def _of_moments(
    cells: list[str], clocks: list[Any], lost: NDArray[np.bool_], codes: NDArray[Any], exchange: str
) -> Days:
    """ISO dates and moments."""
    local, utc = np.full((2, len(cells)), _NO_STAMP, dtype=np.int64)
    clocked, offset = np.zeros((2, len(cells)), dtype=bool)
    problems = []
    for at in np.flatnonzero(~lost):
        day, clock, zone = clocks[at].groups() if clocks[at] else (cells[at], "", "")
        try:
            moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{'Z' if zone == 'UTC' else zone or ''}")
        except ValueError:
            problems += [
                (int(row), cells[at], "is not a date; write YYYY-MM-DD") for row in np.flatnonzero(codes == at)
            ]
            continue
        local[at], utc[at] = _clock(moment)
        clocked[at], offset[at] = bool(clock), bool(zone)
    if problems:
        raise UnreadableDates(problems)
    if (clocked & ~lost).any() and (offset != clocked).any() and (offset & clocked).any() and (clocked & ~offset).any():
        raise UnreadableDates.of_column("mixes moments with an offset and without; write YYYY-MM-DD in every row")
    with_offset = bool((offset & clocked).any()) or not clocked.any()
    return _of_stamps(_Stamps(local[codes], utc[codes] if with_offset else None, clocked[codes]), exchange)


def _of_stamps(stamps: _Stamps, exchange: str) -> Days:
    """Stamps at midnight are dates; a moment belongs to the exchange's day."""
    there, dates = stamps.local != _NO_STAMP, _as_days(stamps.local)
    at = np.flatnonzero(there & stamps.clocked)
    last = _latest(stamps.local, there)
    # below plain dates may be the row of a session that had not ended
    if 0 < len(at) < there.sum() and (list(at) != [last] or stamps.utc is None):
        cells = f"rows {int(np.flatnonzero(there & ~stamps.clocked)[0]) + 1} and {int(at[0]) + 1}"
        raise UnreadableDates.of_column(f"mixes dates and moments ({cells}); write YYYY-MM-DD in every row")
    if not len(at) or not (stamps.local[at] % DAY).any():
        return Days(dates)
    if stamps.utc is None:
        raise UnreadableDates.of_column(_without_offset(stamps.local[at], exchange))
    if len(at) > 1 and not (stamps.utc[at] % DAY).any():
        return Days(_as_days(stamps.utc))
    zone = zone_of(exchange)
    dates[at] = [datetime.fromtimestamp(second, zone).date() for second in stamps.utc[at].tolist()]
    return Days(dates, last if _is_running(stamps.utc, at, last, exchange) else -1)


def _latest(local: NDArray[np.int64], there: NDArray[np.bool_]) -> int:
    return int(np.argmax(local)) if there.any() else -1


def _is_running(utc: NDArray[np.int64], at: NDArray[Any], last: int, exchange: str) -> bool:
    """Whether the last row is stamped inside a session, at another hour than the row before."""
    if last not in at:
        return False
    moment, others = int(utc[last]), at[at != last]
    zone = zone_of(exchange)
    clock = datetime.fromtimestamp(moment, zone).timetz().replace(tzinfo=None)
    hours = {datetime.fromtimestamp(second, zone).timetz().replace(tzinfo=None) for second in utc[others].tolist()}
    if clock in hours:
        return False
    day = datetime.fromtimestamp(moment, zone).date()
    calendar = load_calendar(exchange, day, day)
    session = np.flatnonzero(calendar.sessions == np.datetime64(day, "D"))
    stamp = np.datetime64(moment, "s")
    return bool(len(session) and calendar.opens[session[0]] < stamp < calendar.closes[session[0]])


@lru_cache(maxsize=64)
def zone_of(exchange: str) -> ZoneInfo:
    """The time zone of an exchange."""
    # a day of a currency pair is London's at Yahoo and in the feeds that follow it
    names = {code: zone for zone, code in ZONES.items()} | {WEEKDAYS: "Europe/London"}
    return ZoneInfo(names.get(exchange) or load_calendar(exchange, date(2020, 1, 1), date(2020, 12, 31)).zone)


def _without_offset(local: NDArray[np.int64], exchange: str) -> str:
    """The sentence on stamps with a clock and without an offset."""
    clocks, zone = np.unique(local % DAY), zone_of(exchange).key
    start = "holds moments without an offset, such as " + str(local[0].astype("datetime64[s]"))
    if (len(clocks) == 2 and clocks[1] - clocks[0] == 3600) or len(clocks) == 1:
        cure = f"if the clock is UTC, write df[column].dt.tz_localize('UTC').dt.tz_convert({zone!r})"
        return f"{start}; {cure}, if it is the exchange's clock, write df[column].dt.normalize()"
    return f"{start}; write YYYY-MM-DD, or df[column].dt.tz_localize({zone!r}) where it is the exchange's clock"


def _of_numbers(numbers: NDArray[np.float64]) -> Dates:
    """``YYYYMMDD`` as numbers."""
    there = np.isfinite(numbers)
    whole = np.where(there, numbers, 0).astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]")
    last = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    good = (whole == np.where(there, numbers, 0)) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= last.astype(np.int64))
    if (~good & there).any():
        raise number_trouble(numbers, good)
    found = first.astype("datetime64[D]") + (day - 1)
    return np.where(there, found, np.datetime64("NaT", "D"))


def _as_days(seconds: NDArray[np.int64]) -> Dates:
    days = np.where(seconds == _NO_STAMP, _NO_STAMP, seconds // DAY)
    return np.asarray(days.astype("datetime64[D]"))


def _within_years(found: Days) -> Days:
    """Refuse what lies outside the years in which daily figures can lie."""
    with np.errstate(invalid="ignore"):
        outside = (found.dates < FIRST_DAY) | (found.dates > LAST_DAY)
    if outside.any():
        message = f"is outside {FIRST_YEAR} to {LAST_YEAR}; check the year"
        raise UnreadableDates([(int(row), str(found.dates[row]), message) for row in np.flatnonzero(outside)])
    return found

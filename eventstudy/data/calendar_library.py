"""exchange_calendars as it should answer: its calendars, with the special sessions that newer versions of pandas lose.

From pandas 3.1 on offsets are added by ``_add_datetime`` and no longer by ``_apply``, which the library still defines.
Calendars with an Orthodox Easter cannot be built then, Hebrew holidays fall on Easter, and weeks with other trading
days (Saturdays of Bombay and Moscow, Sundays of Tel Aviv) are read as weeks from Monday to Friday. All of it is
corrected here, for any version.
"""

from __future__ import annotations

import os
import warnings
from contextvars import ContextVar
from datetime import datetime
from functools import cached_property, lru_cache
from threading import RLock
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.holiday import AbstractHolidayCalendar, Holiday

from eventstudy.errors import UnknownExchange

DAY = "datetime64[ns]"
NO_DAYS = np.empty(0, DAY)
ONE_MONTH = pd.Timedelta(days=31)
# holidays of another year that may be observed in this one
ONE_YEAR = pd.Timedelta(days=366)
# between which holidays are laid out; the library does so from 1970 to 2200, which takes most of the time
_HOLIDAYS: ContextVar[tuple[pd.Timestamp, pd.Timestamp]] = ContextVar(
    "_HOLIDAYS", default=(AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date)
)


def built(code: str, start: pd.Timestamp, end: pd.Timestamp) -> Any:
    """The library's calendar of the years asked for, as far as it knows them. Raises ``UnknownExchange`` if it cannot
    be built at all."""
    try:
        return _of_years(code, start, end)
    except ValueError:
        # its bounds can be asked of a calendar that exists only: the default one, twenty years of it
        try:
            default = _quietly(code)
        except ValueError as error:
            raise UnknownExchange(
                f"calendar {code!r} cannot be built by exchange_calendars {library().__version__}",
                "an exchange whose calendar it can build",
                "give the code of an exchange with the same sessions in a `calendar` column, or leave these rows out",
            ) from error
        lowest, highest = default.bound_min() or start, default.bound_max() or end
        # a month at least, also when the range lies outside altogether: sessions there must be, before or after
        first = max(lowest, min(start, highest - ONE_MONTH))
        return _of_years(code, first, max(first + ONE_MONTH, min(end, highest)))


def known_throughout(code: str, start: pd.Timestamp, end: pd.Timestamp) -> Any | None:
    """The library's calendar of a range that it knows to both ends; None where it does not."""
    try:
        return _of_years(code, start, end)
    except ValueError:
        return None


def _of_years(code: str, start: pd.Timestamp, end: pd.Timestamp) -> Any:
    token = _HOLIDAYS.set((start - ONE_YEAR, end + ONE_YEAR))
    try:
        return _quietly(code, start=start, end=end)
    finally:
        _HOLIDAYS.reset(token)


def _quietly(code: str, **years: Any) -> Any:
    # one at a time: filters of warnings belong to the process, not to a thread
    with _Building.lock, warnings.catch_warnings():
        # the library uses parts of pandas that are about to change; a user can do nothing about it
        for kind in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)
        return library().get_calendar(code, **years)


class _Building:
    """The lock under which calendars are built; a process that is forked has its own."""

    lock = RLock()

    @classmethod
    def unlock(cls) -> None:
        """A lock that no thread holds."""
        cls.lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Building.unlock)


def _holidays(calendar: Any, start: Any = None, end: Any = None, return_name: bool = False) -> Any:
    """Holidays of the years that are wanted."""
    first, last = _HOLIDAYS.get()
    start, end = pd.Timestamp(start or first), pd.Timestamp(end or last)
    if return_name:
        return AbstractHolidayCalendar.holidays(calendar, start, end, return_name)
    days = [_dates(rule, min(start, first), max(end, last)) for rule in calendar.rules]
    every = np.sort(np.concatenate(days)) if days else NO_DAYS
    return pd.DatetimeIndex(every[(every >= start.to_datetime64()) & (every <= end.to_datetime64())])


@lru_cache(maxsize=1024)
def _dates(rule: Holiday, start: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
    """Days of one holiday within a range. The library applies a rule to every year since its own first one."""
    usual = all(getattr(type(rule), name) is getattr(Holiday, name) for name in ("dates", "_reference_dates"))
    if not usual or rule.year is not None or (rule.month, rule.day) == (2, 29):
        return np.asarray(rule.dates(start, end), dtype=DAY)
    begins = start if rule.start_date is None else max(start, rule.start_date)
    ends = end if rule.end_date is None else min(end, rule.end_date)
    if begins > ends:
        return NO_DAYS
    # a year more on both sides: a holiday may be observed in another year than its own
    years = range(begins.year - 1, ends.year + 2)
    days = rule._apply_rule(pd.DatetimeIndex([datetime(year, rule.month, rule.day) for year in years]))
    if rule.days_of_week is not None:
        days = days[np.isin(days.day_of_week, rule.days_of_week)]
    days = days[(days >= begins) & (days <= ends)]
    left_out = getattr(rule, "exclude_dates", None)  # newer versions of pandas
    return np.asarray(days if left_out is None else days.difference(left_out), dtype=DAY)


@lru_cache(maxsize=1)
def library() -> Any:
    """The module, corrected once."""
    import exchange_calendars
    from exchange_calendars.calendar_utils import _default_calendar_factories
    from exchange_calendars.exchange_calendar import HolidayCalendar
    from exchange_calendars.pandas_extensions.offsets import OrthodoxEaster
    from exchange_calendars.tase_holidays import _HolidayOffset

    HolidayCalendar.holidays = _holidays
    for offset in (OrthodoxEaster, _HolidayOffset):
        offset._add_datetime = offset._apply
        offset._add_datetime_ndarray = _one_by_one
    for kind in set(_default_calendar_factories.values()):
        if isinstance(getattr(kind, "special_weekmasks", None), property):
            day = cached_property(_trading_day)
            day.__set_name__(kind, "day")
            kind.day = day
    return exchange_calendars


def _one_by_one(offset: Any, values: Any) -> Any:
    """Raise the error upon which pandas adds an offset to each date by itself."""
    raise NotImplementedError(f"{type(offset).__name__} is added to one date at a time")


def _trading_day(calendar: Any) -> pd.offsets.CustomBusinessDay:
    """The offset from session to session of a calendar with weeks of other trading days: every day that is not a
    session is a holiday."""
    days = np.arange(*(np.datetime64(pd.Timestamp(end).date(), "D") for end in _HOLIDAYS.get()))
    weekday = (days.astype(np.int64) + 3) % 7
    trading = _mask(calendar.weekmask)[weekday]
    for start, end, mask in calendar.special_weekmasks:
        first, last = (None if one is None else np.datetime64(one.date(), "D") for one in (start, end))
        within = (days >= (days[0] if first is None else first)) & (days <= (days[-1] if last is None else last))
        trading[within] = _mask(mask)[weekday[within]]
    regular = calendar.regular_holidays
    holidays = [*(() if regular is None else regular.holidays()), *calendar.adhoc_holidays]
    named = np.array([pd.Timestamp(day).date() for day in holidays], dtype="datetime64[D]")
    trading &= ~np.isin(days, named)
    return pd.offsets.CustomBusinessDay(weekmask="1111111", holidays=days[~trading])


def _mask(weekmask: str) -> np.ndarray:
    return np.array([letter == "1" for letter in weekmask])

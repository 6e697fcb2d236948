"""Volumes of a study as logarithms on exchange calendars: what abnormal volume is measured from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eventstudy.data.calendar import TradingCalendar
from eventstudy.data.market import Market
from eventstudy.data.prices import PriceSeries
from eventstudy.data.series_index import SeriesKey
from eventstudy.engine.panel import Floats, ReturnPanel

# Percent of the shares outstanding: keeps the logarithm of a session without a trade (Campbell & Wasley 1996).
TURNOVER_CONSTANT = 0.000255


def volume_panel(
    market: Market, keys: Sequence[SeriesKey], outstanding: Mapping[str, float], *, against_market: bool
) -> ReturnPanel:
    """Log volume of every key in place of its returns, so that the engine can treat it like one.

    Parameters
    ----------
    market, keys
        As ``Market.stack`` takes them.
    outstanding : mapping
        Ticker -> shares outstanding, in units of today's splits like the volumes: its turnover instead of its volume.
    against_market : bool
        The first benchmark's log volume is the regressor; otherwise there is a constant one, for the constant mean.

    Returns
    -------
    ReturnPanel
        ln(1 + n), or ln(100 n / S + 0.000255) where S is known; NaN on a session without a figure, and throughout where
        the source reports no volume or nothing but zeros, or a symbol has no prices. Every figure covers one session.

    Source
    ------
    Ajinkya & Jain (1989); Campbell & Wasley (1996); methods 9.1.
    """
    calendars = [market.calendars[key.exchange] for key in keys]
    width = max(len(calendar.sessions) for calendar in calendars)
    values, explained = np.full((len(keys), width), np.nan), np.zeros((len(keys), 1, width))
    days = np.full((len(keys), width), -1, dtype=np.int64)
    for row, (key, calendar) in enumerate(zip(keys, calendars, strict=True)):
        n = len(calendar.sessions)
        days[row, :n] = calendar.sessions.astype(np.int64)
        if market.trouble(key) is not None:
            continue
        values[row, :n] = log_volume(market.prices.series[key.ticker], calendar, outstanding.get(key.ticker))
        if against_market:
            explained[row, 0] = np.nan
            explained[row, 0, :n] = log_volume(market.prices.series[key.benchmarks[0]], calendar)
    return ReturnPanel(
        returns=values, factors=explained, span=np.isfinite(values).astype(np.int16), day_number=days, offset=None
    )


def log_volume(series: PriceSeries, calendar: TradingCalendar, outstanding: float | None = None) -> Floats:
    """Log volume (or log turnover in percent) on every session of a calendar; NaN where there is no figure."""
    out = np.full(len(calendar.sessions), np.nan)
    if not has_volume(series):
        return out
    assert series.volume is not None, "it has volumes"
    at = np.searchsorted(calendar.sessions, series.dates)
    inside = at < len(out)
    hit = np.zeros(len(at), dtype=bool)
    hit[inside] = calendar.sessions[at[inside]] == series.dates[inside]
    out[at[hit]] = series.volume[hit]
    if outstanding is None:
        return np.asarray(np.log1p(out))
    return np.asarray(np.log(100 * out / outstanding + TURNOVER_CONSTANT))


def has_volume(series: PriceSeries) -> bool:
    """Whether a source reports volumes of a symbol: of an index it often writes zeros."""
    return series.volume is not None and bool((series.volume > 0).any())

"""Bars from the figures of a valid reply, and the checks for impossible figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.data.intake import joined_to_next
from eventstudy.data.moves import likelihood_ratio, moves_at
from eventstudy.data.prices import HIGHEST, LOWEST, Dates, Floats
from eventstudy.data.splits import ALONE, RAW, StatedSplit, ratio_text, stated_splits
from eventstudy.data.vintage import COLUMNS, HEADINGS, Bars

PRICES = ("close", "open", "adj_close")
# name of a column -> how the chart calls its list of events
ACTIONS = {"dividend": "dividends", "split": "splits", "capital_gain": "capitalGains"}
# No price is this many times the one before it, or its own session's open.
LEAP = 1e5
# A split that did not reach the prices before it shows on its day as a move of its size, whatever the ratio. On earlier
# days, where chance has many days to look alike, it is looked for from this ratio on, up to this difference of
# logarithms.
LIKENESS, BEFORE_IT = 0.12, 2.9


def bars_of(frame: Any, events: Mapping[str, Any], zone: str, *, adjusted: bool) -> Bars:
    """The client's frame as arrays, dates in exchange time; with cash and splits where the reply dates them.

    The client hands what was paid on a date without a bar to the bar before it, whose buyers had not earned it. Here
    such a date is a row of its own without a close. Raises ``ValueError``, ``TypeError`` or ``KeyError`` or
    ``AttributeError`` if an event cannot be read.

    Parameters
    ----------
    frame : DataFrame
        Of the client.
    events : mapping
        ``events`` of the reply.
    zone : str
        Time zone of the exchange.
    adjusted : bool
        Whether the reply holds adjusted closes; the client puts plain ones in their place where it does not.
    """
    days = np.array([stamp.date() for stamp in frame.index], dtype="datetime64[D]")
    columns: dict[str, Floats] = {
        name: frame[heading].to_numpy(dtype=np.float64) if heading in frame.columns else np.zeros(len(days))
        for name, heading in HEADINGS.items()
    }
    # a row that only carries an action has no volume either; below zero it is a counter that ran over
    lost = np.isnan(columns["close"]) & (columns["volume"] == 0) | (columns["volume"] < 0)
    columns["volume"] = np.where(lost, np.nan, columns["volume"])
    if not adjusted:
        columns["adj_close"] = np.full(len(days), np.nan)
    for name in ACTIONS:
        columns[name] = np.zeros(len(days))
    bars = Bars(days, columns)
    dated = [(name, day, value) for name in ACTIONS for day, value in _dated(events, name, zone)]
    bars = _with_rows(bars, np.unique(np.array([day for _, day, _ in dated], dtype="datetime64[D]")))
    for name, day, value in dated:
        at = np.flatnonzero(bars.dates == day)[0]
        if name == "split":
            bars.columns[name][at] = (bars.columns[name][at] or 1.0) * value
        else:
            bars.columns[name][at] += value
    return bars


def _dated(events: Mapping[str, Any], name: str, zone: str) -> Iterator[tuple[np.datetime64, float]]:
    for event in ((events or {}).get(ACTIONS[name]) or {}).values():
        day = np.datetime64(datetime.fromtimestamp(int(event["date"]), ZoneInfo(zone)).date(), "D")
        value = event["numerator"] / event["denominator"] if name == "split" else event["amount"]
        yield day, float(value)


def _with_rows(bars: Bars, days: Dates) -> Bars:
    """The bars and, for every further day, a row without prices."""
    further = days[~np.isin(days, bars.dates)]
    if not len(further):
        return bars
    dates = np.concatenate([bars.dates, further])
    order = np.argsort(dates, kind="stable")
    empty = {name: np.full(len(further), 0.0 if name in ACTIONS else np.nan) for name in COLUMNS}
    columns = {name: np.concatenate([bars.columns[name], empty[name]])[order] for name in COLUMNS}
    return replace(bars, dates=dates[order], columns=columns)


def impossible(bars: Bars) -> str:
    """Impossible figures as the end of a sentence; empty where all are possible."""
    if not (bars.dates[1:] > bars.dates[:-1]).all():
        again = bars.dates[1:][bars.dates[1:] <= bars.dates[:-1]][0]
        return f"two bars of {again}"
    for name in PRICES:
        values = bars.columns[name]
        wrong = np.isinf(values) | (values <= 0) | (values < LOWEST) | (values > HIGHEST)
        wrong |= _leaps(values)
        if name == "open":
            with np.errstate(invalid="ignore", divide="ignore"):
                wrong |= np.abs(np.log(np.abs(values) / np.abs(bars.columns["close"]))) > np.log(LEAP)
        if wrong.any():
            return f"an impossible price on {bars.dates[wrong][0]} ({name} {values[wrong][0]:g})"
    for name in ("high", "low", "volume"):
        if (wrong := np.isinf(bars.columns[name])).any():
            return f"an infinite {name} on {bars.dates[wrong][0]}"
    for name in ("dividend", "capital_gain", "split"):
        values = bars.columns[name]
        # a dividend that is taken back is printed with a minus
        wrong = ~np.isfinite(values) | (np.abs(values) > HIGHEST) | ((name == "split") & (values < 0))
        if wrong.any():
            return f"an impossible {name.replace('_', ' ')} on {bars.dates[wrong][0]} ({values[wrong][0]:g})"
    return _unapplied(bars)


def _leaps(values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Prices too far from the one before; bool (n,)."""
    wrong = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(np.isfinite(values) & (values > 0))
    far = np.abs(np.diff(np.log(values[known]))) > np.log(LEAP)
    wrong[known[1:][far]] = True
    return wrong


def _unapplied(bars: Bars) -> str:
    """A listed split that some prices have not seen, or that no price shows as it is listed."""
    split = np.where(bars.columns["split"] > 0, bars.columns["split"], 1.0)
    if not (split != 1).any():
        return ""
    for name in ("close", "adj_close"):
        known = np.flatnonzero(np.isfinite(bars.columns[name]))
        if not len(known):
            continue
        values = bars.columns[name][known]
        stated = joined_to_next(split, known, np.multiply, 1.0)
        for one in stated_splits(bars.dates[known], values, stated, finer=False, heading=""):
            if one.trouble:
                return one.trouble
            if (one.state == RAW and one.certain) or _seen_before(values, one):
                day = bars.dates[known][one.at]
                return f"a split of {ratio_text(one.ratio)} on {day} that did not reach every price before"
    return _open_unapplied(bars)


def _seen_before(values: Floats, split: StatedSplit) -> bool:
    """Whether an earlier close made the move of a large split."""
    if abs(np.log(split.ratio)) < np.log(BEFORE_IT):
        return False
    move = np.diff(np.log(values[: split.at]), prepend=np.nan)
    days = np.arange(1, len(move))
    alike = days[np.abs(move[days] + np.log(split.ratio)) < LIKENESS]
    return bool(len(alike)) and bool(
        (likelihood_ratio(moves_at(move, alike), np.full(len(alike), np.log(split.ratio))) > ALONE).any()
    )


def _open_unapplied(bars: Bars) -> str:
    """A listed split that some opens have not seen."""
    for at in np.flatnonzero((bars.columns["split"] > 0) & (bars.columns["split"] != 1)):
        ratio = np.log(bars.columns["split"][at])
        if abs(ratio) >= np.log(BEFORE_IT):
            with np.errstate(invalid="ignore", divide="ignore"):
                inner = np.log(bars.columns["open"][:at] / bars.columns["close"][:at])
            if (np.abs(np.abs(inner) - abs(ratio)) < LIKENESS).any():
                said = ratio_text(bars.columns["split"][at])
                return f"a split of {said} on {bars.dates[at]} that did not reach every price before"
    return ""

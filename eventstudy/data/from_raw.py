"""Figures as stated -> a series for a study or its refusal: prices through the intake gate, returns as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from eventstudy.data import clock
from eventstudy.data.doubtful import LARGE, LARGE_NOTE, SMOOTHED_NOTE, repeated, repeated_note, smoothed
from eventstudy.data.intake import accept
from eventstudy.data.prices import (
    DOUBTFUL,
    Basis,
    Daily,
    PriceSeries,
    PriceTable,
    Refusal,
    Supplied,
    make_series,
    price_table,
)
from eventstudy.data.raw import RawSeries
from eventstudy.errors import InputFileError, Problem, flat

RETURNS = "returns"
# problems of a file that its refusal names
SHOWN = 5
# returns of which the median says something
SOME = 20
# days that a sentence lists
NAMED = 5
_BARE = re.compile(r"^file(: |  )")


def series_of(raw: RawSeries) -> PriceSeries | Refusal:
    """The series that figures make, or why they make none.

    Rows dated after today are left out, with a note: no close is final before its day.
    """
    later = np.flatnonzero(raw.dates > np.datetime64(clock.utc_now().date()))
    if len(later):
        named = ", ".join(str(day) for day in np.sort(raw.dates[later])[:NAMED])
        rows = "1 row" if len(later) == 1 else f"{len(later):,} rows"
        said = (
            f"{rows} dated after today left out ({named}{', ...' if len(later) > NAMED else ''}): no close is final yet"
        )
        if len(later) == len(raw.dates):
            return Refusal(raw.symbol, f"{said}; no other row is left: correct the dates")
        raw = _without(raw, later, said)
    return returns_series(raw) if raw.heading_basis == RETURNS else accept(raw)


def _without(raw: RawSeries, rows: np.ndarray, why: str) -> RawSeries:
    kept = np.setdiff1d(np.arange(len(raw.dates)), rows)
    return replace(
        raw,
        dates=raw.dates[kept],
        columns={name: values[kept] for name, values in raw.columns.items()},
        running=int(np.searchsorted(kept, raw.running)) if raw.running in kept else -1,
        notes=(*raw.notes, why),
    )


def returns_series(raw: RawSeries) -> PriceSeries | Refusal:
    """A series of returns: its closes are an index of them that begins at 1, and no price.

    Missing rule: rows without a return are left out; what the next return covers is not known then, unless the source
    states it.
    """
    values = raw.columns["return"]
    kept = np.isfinite(values)
    if raw.running >= 0:
        kept[raw.running] = False
    if not kept.any():
        return Refusal(raw.symbol, "no row has a return")
    order = np.argsort(raw.dates, kind="stable")
    order = order[kept[order]]
    spans, volume = raw.columns.get("span"), raw.columns.get("volume")
    again = repeated(values[order])
    said = [*raw.notes, *([repeated_note(raw.dates[order], again)] if again.any() else [])]
    if smoothed(values[order]):
        again, said = np.ones(len(order), dtype=bool), [*said, SMOOTHED_NOTE]
    if len(order) >= SOME and float(np.median(np.abs(values[order]))) > LARGE:
        again, said = np.ones(len(order), dtype=bool), [*said, LARGE_NOTE]
    return make_series(
        raw.symbol,
        raw.dates[order],
        Daily(
            np.cumprod(1 + values[order], dtype=np.float64),
            volume=None if volume is None else volume[order],
            spans=np.full(len(order), np.nan) if spans is None else spans[order],
            doubt=np.where(again, np.uint8(DOUBTFUL), np.uint8(0)) if again.any() else None,
        ),
        Supplied(raw.source, raw.origin, raw.fetched_at, raw.currency, raw.layout),
        Basis(RETURNS, "the source states returns", "; ".join(said)),
    )


def read_series(readers: Mapping[str, Callable[[], RawSeries]], unknown: dict[str, str]) -> PriceTable:
    """Every symbol read; one whose figures cannot be read is refused, and the others are not."""
    return price_table((_read(symbol, reader) for symbol, reader in readers.items()), unknown)


def _read(symbol: str, reader: Callable[[], RawSeries]) -> PriceSeries | Refusal:
    try:
        return series_of(reader())
    except InputFileError as error:
        return Refusal(symbol, refusal_of(error))


def refusal_of(error: InputFileError) -> str:
    """A file that cannot be read, in one line: the first problems, and how many more there are."""
    listed = [problem.at(error.unit) for problem in error.problems[:SHOWN]]
    said = "; ".join(
        one if problem.line else _BARE.sub("", one) for one, problem in zip(listed, error.problems, strict=False)
    )
    more = len(error.problems) - SHOWN
    rest = f"; and {more:,} more problem{'' if more == 1 else 's'}" if more > 0 else ""
    return flat(f"{error.path}: {said}{rest}", 2000)


def accepted(raw: RawSeries) -> PriceSeries:
    """The series that figures make.

    Raises
    ------
    InputFileError
        If they are refused.
    """
    found = series_of(raw)
    if isinstance(found, Refusal):
        raise InputFileError(raw.origin, [Problem(0, "", "", found.why)])
    return found

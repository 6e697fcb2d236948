"""A tail of repeated closes: rows that a source goes on to write after the last trade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eventstudy.data.prices import PriceSeries

# fewest rows of a tail, chance that a file ends in one by itself, and the least share of unchanged closes
FEWEST, CHANCE, LEAST = 6, 1e-4, 0.005
MOVED = 1e-6


def without_tail(series: PriceSeries, other: PriceSeries) -> PriceSeries:
    """The series without the rows at its end that repeat its last close; the first of them stays.

    Parameters
    ----------
    other : PriceSeries
        Its benchmark, or of a benchmark the stock: rows count as stale only on days on which it has a changed close.

    Returns
    -------
    PriceSeries
        The same object where there is no such tail. It must be so long that a thin stock does not end in one by
        chance once in ten thousand files: six rows, or more where unchanged closes are common. A file of 1.4 million
        rows of 500 US firms, cut on any day, has no such tail.
    """
    close, others = series.quoted, other.quoted
    if len(close) <= FEWEST or close[-1] != close[-FEWEST]:
        return series
    changed = np.flatnonzero(close != close[-1])
    if not len(changed):
        return series
    start = int(changed[-1]) + 1
    days = other.dates[1:][np.abs(others[1:] / others[:-1] - 1) > MOVED]
    length = 1 + int(np.isin(series.dates[start + 1 :], days).sum())
    before = close[: start + 1]
    same = float((before[1:] == before[:-1]).mean()) if start else 0.0
    if length < max(FEWEST, int(np.ceil(1 + np.log(CHANCE / len(series.dates)) / np.log(max(same, LEAST))))):
        return series
    stop = start + 1

    def cut(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[:stop]

    return replace(
        series,
        dates=series.dates[:stop],
        close=series.close[:stop],
        open=cut(series.open),
        volume=cut(series.volume),
        adj_close=cut(series.adj_close),
        dividend=series.dividend[:stop],
        doubt=cut(series.doubt),
        spans=cut(series.spans),
    )

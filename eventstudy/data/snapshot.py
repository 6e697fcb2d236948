"""The embedded prices: five New York listings, 2021-07-01 to 2025-06-30 (see snapshot/README.md)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources

import numpy as np

from eventstudy.data.prices import Daily, PriceSeries, PriceTable, Supplied, make_series

ORIGIN = "package data"
_FOLDER = "snapshot"


def _rows(name: str) -> list[list[str]]:
    with resources.files("eventstudy.data").joinpath(_FOLDER, name).open(encoding="utf-8") as handle:
        return list(csv.reader(handle))[1:]


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """Prices that come with the package."""

    name: str = "snapshot"

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols, whole: the figures are few and their hash should not depend on the study."""
        del start, end
        lines: dict[str, list[list[str]]] = defaultdict(list)
        wanted = set(symbols)
        for row in _rows("prices.csv"):
            if row[0] in wanted:
                lines[row[0]].append(row)
        paid: dict[str, dict[str, float]] = defaultdict(dict)
        for symbol, day, amount in _rows("dividends.csv"):
            paid[symbol][day] = paid[symbol].get(day, 0.0) + float(amount)
        series = {symbol: _series(symbol, rows, paid[symbol]) for symbol, rows in lines.items()}
        return PriceTable(series, {s: "not in the package's snapshot" for s in symbols if s not in series})


def _series(symbol: str, rows: list[list[str]], paid: dict[str, float]) -> PriceSeries:
    volume = np.array([float(row[4]) if row[4] else np.nan for row in rows])
    return make_series(
        symbol,
        np.array([row[1] for row in rows], dtype="datetime64[D]"),
        Daily(
            np.array([float(row[3]) for row in rows]),
            open=np.array([float(row[2]) for row in rows]),
            volume=None if np.isnan(volume).all() else volume,
            dividend=np.array([paid.get(row[1], 0.0) for row in rows]),
        ),
        Supplied("snapshot", ORIGIN, currency="USD"),
    )

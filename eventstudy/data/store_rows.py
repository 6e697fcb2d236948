"""Vintages as rows of the store's tables, and back; the seal that tells a damaged one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from eventstudy.data.vintage import COLUMNS, Bars, Vintage, no_bars

HEADER = tuple(one.name for one in fields(Vintage) if one.name not in ("id", "bars"))


@dataclass(frozen=True, slots=True)
class Header:
    """A vintage without its bars.

    Attributes
    ----------
    vintage : Vintage
        With no bars.
    rows : int
        Of this fetch alone.
    rows_sha256 : str
        Seal of this header and of the rows of this fetch alone; in stores of earlier versions of the rows only.
    """

    vintage: Vintage
    rows: int
    rows_sha256: str


def seal(vintage: Vintage, rows: int, digest: str) -> str:
    """sha256 over a header and the digest of its rows: a changed currency, note or date is a changed vintage."""
    values = [rows, digest, *(plain(getattr(vintage, name)) for name in HEADER)]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def plain(value: Any) -> Any:
    """A field of a vintage as the table holds it."""
    return value.isoformat() if isinstance(value, date | datetime) else value


def header_of(row: Sequence[Any]) -> Header:
    """A row of the table of fetches. Raises ``ValueError``, ``TypeError`` or ``OverflowError`` if it makes no sense."""
    named = dict(zip(HEADER, row[1:-2], strict=True))
    named["requested_start"] = date.fromisoformat(named["requested_start"])
    named["requested_end"] = date.fromisoformat(named["requested_end"])
    named["fetched_at"] = datetime.fromisoformat(named["fetched_at"]).astimezone(UTC)
    return Header(Vintage(id=int(row[0]), bars=no_bars(), **named), int(row[-2]), str(row[-1]))


def rows_of(bars: Bars) -> Iterator[tuple[Any, ...]]:
    """Rows for the table; NaN becomes NULL."""
    columns = [bars.columns[name].tolist() for name in COLUMNS]
    for day, *values in zip(bars.dates.astype(str).tolist(), *columns, strict=True):
        yield (day, *(None if value != value else value for value in values))


def bars_of(rows: Sequence[Sequence[Any]]) -> Bars:
    """Rows of the table of bars, in the order of their dates."""
    if not rows:
        return no_bars()
    dates, *columns = zip(*rows, strict=True)
    return Bars(
        np.array(dates, dtype="datetime64[D]"),
        {
            name: np.array([np.nan if value is None else value for value in values], dtype=np.float64)
            for name, values in zip(COLUMNS, columns, strict=True)
        },
    )

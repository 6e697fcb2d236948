"""Daily prices as records, and the interface that every price source keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Beyond these nothing is a price: returns between such figures overflow where they are squared.
LOWEST, HIGHEST = 1e-12, 1e15
Dates = NDArray[np.datetime64]
# what is in doubt on a row, one bit each
SPLIT_UNCLEAR, BY_HEADING, SPLITS_UNKNOWN = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Basis:
    """What the closes of a source are, and how that was decided.

    Attributes
    ----------
    kind : str
        ``raw``, ``split-adjusted``, ``fully adjusted`` (for splits and dividends) or ``returns``.
    why : str
        How it was decided, as a clause.
    notice : str
        What was corrected or left out, for the pages; empty where nothing was.
    """

    kind: str = "split-adjusted"
    why: str = "the source adjusts its closes for splits"
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a series comes from.

    Attributes
    ----------
    symbol, source, origin : str
        Origin is the file or request behind the source; it may be a path.
    fetched_at : str
        When, as far as it is known.
    rows : int
    first, last : str
        ISO dates.
    sha256 : str
        Over the canonical bytes of the series: equal figures, equal hash.
    basis : str
        What the closes of the source are: ``raw``, ``split-adjusted``, ``fully adjusted`` or ``returns``.
    currency : str
        Empty where the source does not say.
    returns_from : str
        What total returns are made from: ``dividends``, ``adj_close``, ``price`` or ``returns``.
    basis_why : str
        How the basis was decided.
    notice : str
        What was corrected or left out; empty where nothing was.
    layout : str
        The known layout that the figures were read from; empty for the program's own headings.
    """

    symbol: str
    source: str
    origin: str
    fetched_at: str
    rows: int
    first: str
    last: str
    sha256: str
    basis: str
    currency: str
    returns_from: str
    basis_why: str
    notice: str
    layout: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Daily figures of one symbol, oldest first; a date without a close is absent.

    Attributes
    ----------
    symbol : str
    dates : datetime64[D] (n,)
        Strictly increasing.
    close : float64 (n,)
        Adjusted for splits only, positive.
    open, volume, adj_close : float64 (n,) or None
        None where the source has no such column; NaN where a cell is empty.
    dividend : float64 (n,)
        Cash per share with this ex-date, on the same split basis; 0 on other days.
    provenance : Provenance
    doubt : uint8 (n,) or None
        ``SPLIT_UNCLEAR``, ``BY_HEADING`` and ``SPLITS_UNKNOWN`` of each row; None where nothing is in doubt.
    spans : float64 (n,) or None
        None of prices. Of a source of returns the sessions that each return covers: NaN where that is not stated,
        infinite where it covers all sessions since the row before. ``close`` is then an index of the returns that
        begins at 1 before the first of them, and no price.
    """

    symbol: str
    dates: Dates
    close: Floats
    open: Floats | None
    volume: Floats | None
    adj_close: Floats | None
    dividend: Floats
    provenance: Provenance
    doubt: NDArray[np.uint8] | None = None
    spans: Floats | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a series is refused: its figures contradict each other or cannot be.

    Attributes
    ----------
    symbol : str
    why : str
        A sentence with the day, the figures and what to do.
    """

    symbol: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which source a run took when it had a choice, and why.

    Attributes
    ----------
    source : str
        ``store``, ``yahoo`` or ``snapshot``.
    why : tuple of str
        What was tried, in order, as sentences; may name files and hours.
    stale : str
        A sentence for the pages when older prices than asked for had to do; names no hour and no file.
    """

    source: str
    why: tuple[str, ...]
    stale: str = ""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """What a source delivered.

    Attributes
    ----------
    series : dict
        Symbol -> PriceSeries.
    unknown : dict
        Symbol -> why the source has no prices for it.
    choice : Choice or None
        Set by sources that choose between others.
    refused : dict
        Symbol -> why its figures are refused; it is in neither of the others.
    """

    series: dict[str, PriceSeries]
    unknown: dict[str, str]
    choice: Choice | None = None
    refused: dict[str, str] = field(default_factory=dict)


def price_table(
    found: Iterable[PriceSeries | Refusal], unknown: dict[str, str], choice: Choice | None = None
) -> PriceTable:
    """What a source found, as a table."""
    table = PriceTable({}, unknown, choice)
    for one in found:
        if isinstance(one, Refusal):
            table.refused[one.symbol] = one.why
        else:
            table.series[one.provenance.symbol] = one
    return table


class PriceSource(Protocol):
    """Anything that can deliver daily prices."""

    @property
    def name(self) -> str:
        """How provenance and messages call it."""

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """Prices of the symbols within [start, end], as far as the source has them.

        Symbols it does not know are listed in ``unknown``, never raised.
        """


def make_series(
    symbol: str,
    dates: Dates,
    close: Floats,
    *,
    source: str,
    origin: str,
    fetched_at: str,
    opens: Floats | None = None,
    volume: Floats | None = None,
    adj_close: Floats | None = None,
    dividend: Floats | None = None,
    currency: str = "",
    basis: Basis = Basis(),
    doubt: NDArray[np.uint8] | None = None,
    spans: Floats | None = None,
    layout: str = "",
) -> PriceSeries:
    """A series in canonical form, with its hash. Rows must already be valid; they are sorted here.

    Missing rule: a row whose close is NaN is a hole and left out; its dividend is earned with the next close.
    """
    order = np.argsort(dates, kind="stable")
    if dividend is not None:
        dividend = carried(close[order], np.nan_to_num(dividend[order]))[np.argsort(order)]
    order = order[np.isfinite(close[order])]
    days = dates[order].astype("datetime64[D]")
    columns: Mapping[str, Floats | None] = {
        "close": close[order],
        "open": None if opens is None else opens[order],
        "volume": None if volume is None else volume[order],
        "adj_close": None if adj_close is None else adj_close[order],
        "dividend": None if dividend is None else dividend[order],
        "spans": None if spans is None else spans[order],
    }
    digest = hashlib.sha256(days.astype(np.int64).tobytes())
    for name, values in columns.items():
        if values is not None:
            digest.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
    returns_from = "dividends" if dividend is not None else "adj_close" if adj_close is not None else "price"
    returns_from = "returns" if spans is not None else returns_from
    paid = columns["dividend"]
    return PriceSeries(
        symbol=symbol,
        dates=days,
        close=close[order],
        open=columns["open"],
        volume=columns["volume"],
        adj_close=columns["adj_close"],
        dividend=np.zeros(len(days)) if paid is None else paid,
        provenance=Provenance(
            symbol=symbol,
            source=source,
            origin=origin,
            fetched_at=fetched_at,
            rows=len(days),
            first=str(days[0]) if len(days) else "",
            last=str(days[-1]) if len(days) else "",
            sha256=digest.hexdigest(),
            basis=basis.kind,
            currency=currency,
            returns_from=returns_from,
            basis_why=basis.why,
            notice=basis.notice,
            layout=layout,
        ),
        doubt=None if doubt is None else doubt[order],
        spans=columns["spans"],
    )


def carried(close: Floats, dividend: Floats) -> Floats:
    """Dividends of rows without a close, added to the next row that has one; sorted by date."""
    kept = np.flatnonzero(np.isfinite(close))
    lost = np.flatnonzero(~np.isfinite(close) & (dividend != 0))
    earned = np.searchsorted(kept, lost)
    out = dividend.copy()
    # after the last close no return earns it any more
    reached = earned < len(kept)
    np.add.at(out, kept[earned[reached]], dividend[lost[reached]])
    return out

"""Daily prices as records, and the interface that every price source keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Beyond these nothing is a price: returns between such figures overflow where they are squared.
LOWEST, HIGHEST = 1e-12, 1e15
Dates = NDArray[np.datetime64]
# what is in doubt on a row, one bit each
SPLIT_UNCLEAR, BY_HEADING, SPLITS_UNKNOWN, OFF_CALENDAR, DOUBTFUL = 1, 2, 4, 8, 64
# columns of a series that its hash covers, in this order
HASHED = ("close", "open", "volume", "adj_close", "dividend", "spans")


@dataclass(frozen=True, slots=True)
class Basis:
    """Basis of the closes of a source, and its evidence.

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
    """Origin of a series.

    Attributes
    ----------
    symbol, source, origin : str
        Origin is the file or request behind the source; it may be a path.
    fetched_at : str
        When, as far as it is known.
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
    off_calendar : int
        Rows that are not sessions of the listing's exchange, in the range of the events; they are left out.
    off_calendar_first : str
        The first dates of them, joined by ``;``.
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
    off_calendar: int = 0
    off_calendar_first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Daily figures of one symbol, oldest first; a date without a close is absent.

    Attributes
    ----------
    dates : datetime64[D] (n,)
        Strictly increasing.
    close : float64 (n,)
        Adjusted for splits only, positive.
    open, volume, adj_close : float64 (n,) or None
        None where the source has no such column; NaN where a cell is empty.
    dividend : float64 (n,)
        Cash per share with this ex-date, on the same split basis; 0 on other days.
    doubt : uint8 (n,) or None
        ``SPLIT_UNCLEAR``, ``BY_HEADING``, ``SPLITS_UNKNOWN``, ``OFF_CALENDAR`` and ``DOUBTFUL`` of each row; None where
        nothing is in doubt.
    spans : float64 (n,) or None
        None of prices. Of a source of returns the sessions that each return covers: NaN where that is not stated,
        infinite where it covers all sessions since the row before. ``close`` is then an index of the returns that
        begins at 1 before the first of them, and no price.
    local : PriceSeries or None
        The same closes in their own currency, with the days that have no rate; sessions are proven by them. None where
        the closes are in their own currency.
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
    local: PriceSeries | None = None

    @property
    def quoted(self) -> Floats:
        """The closes in their own currency: whether one repeats the one before is not known of others. float64 (n,)."""
        return self.close if self.local is None else self.local.close[np.searchsorted(self.local.dates, self.dates)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a series is refused: its figures contradict each other or cannot be.

    Attributes
    ----------
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
    """Series and refusals of a source.

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
    wrong : dict
        (ticker, exchange) -> why the ticker's rows are not those of that exchange.
    """

    series: dict[str, PriceSeries]
    unknown: dict[str, str]
    choice: Choice | None = None
    refused: dict[str, str] = field(default_factory=dict)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)


def price_table(
    found: Iterable[PriceSeries | Refusal], unknown: dict[str, str], choice: Choice | None = None
) -> PriceTable:
    """Findings of a source as a table."""
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
        """Name in provenance and messages."""

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """Prices of the symbols within [start, end], as far as the source has them.

        Symbols it does not know are listed in ``unknown``, never raised.
        """


@dataclass(frozen=True, slots=True)
class Supplied:
    """Origin of the figures of a series, as ``Provenance`` has it."""

    source: str
    origin: str
    fetched_at: str = ""
    currency: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Daily:
    """Daily figures, one row per date, as ``PriceSeries`` has them; a close may be NaN, and rows be in any order."""

    close: Floats
    open: Floats | None = None
    volume: Floats | None = None
    adj_close: Floats | None = None
    dividend: Floats | None = None
    spans: Floats | None = None
    doubt: NDArray[np.uint8] | None = None


def make_series(symbol: str, dates: Dates, figures: Daily, supplied: Supplied, basis: Basis = Basis()) -> PriceSeries:
    """A series in canonical form, with its hash. Rows must already be valid; they are sorted here.

    Missing rule: a row whose close is NaN is a hole and left out; its dividend is earned with the next close.
    """
    days, figures = _in_order(dates.astype("datetime64[D]"), figures)
    digest = hashlib.sha256(days.astype(np.int64).tobytes())
    for name in HASHED:
        values = getattr(figures, name)
        if values is not None:
            digest.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
    stated = ("returns", figures.spans), ("dividends", figures.dividend), ("adj_close", figures.adj_close)
    return PriceSeries(
        symbol=symbol,
        dates=days,
        close=figures.close,
        open=figures.open,
        volume=figures.volume,
        adj_close=figures.adj_close,
        dividend=np.zeros(len(days)) if figures.dividend is None else figures.dividend,
        provenance=Provenance(
            symbol=symbol,
            source=supplied.source,
            origin=supplied.origin,
            fetched_at=supplied.fetched_at,
            rows=len(days),
            first=str(days[0]) if len(days) else "",
            last=str(days[-1]) if len(days) else "",
            sha256=digest.hexdigest(),
            basis=basis.kind,
            currency=supplied.currency,
            returns_from=next((name for name, values in stated if values is not None), "price"),
            basis_why=basis.why,
            notice=basis.notice,
            layout=supplied.layout,
        ),
        doubt=figures.doubt,
        spans=figures.spans,
    )


def _in_order(dates: Dates, figures: Daily) -> tuple[Dates, Daily]:
    """Rows with a close, oldest first; the dividends of others moved to the next."""
    rising, whole = bool((dates[1:] >= dates[:-1]).all()), bool(np.isfinite(figures.close).all())
    dividend = figures.dividend
    if rising and whole and (dividend is None or np.isfinite(dividend).all()):
        return dates, figures
    order = np.argsort(dates, kind="stable")
    if dividend is not None:
        dividend = carried(figures.close[order], np.nan_to_num(dividend[order]))[np.argsort(order)]
    order = order[np.isfinite(figures.close[order])]

    def kept(values: NDArray[Any] | None) -> Any:
        return None if values is None else values[order]

    return dates[order], Daily(
        figures.close[order],
        open=kept(figures.open),
        volume=kept(figures.volume),
        adj_close=kept(figures.adj_close),
        dividend=kept(dividend),
        spans=kept(figures.spans),
        doubt=kept(figures.doubt),
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

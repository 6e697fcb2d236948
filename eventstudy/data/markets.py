"""Facts on exchanges: the broad local index, and the currency of listings.

Sources: Yahoo's symbols as several public tables and recorded answers give them; an index whose symbol answers without
closes (^PSI20, ^WIG20, ^PX, ^BUX, ^IPSA) is not offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from eventstudy.data.calendar import DEFAULT_EXCHANGE, FX, QUOTED_IN, SUFFIXES, suffix_of
from eventstudy.lists import listed

PRICE, FUND = "price index", "fund"


@dataclass(frozen=True, slots=True)
class LocalMarket:
    """An exchange.

    Attributes
    ----------
    index : str
        Symbol of its broad index; empty where none is sure.
    kind : str
        ``price index``, ``total-return index``, ``fund`` or empty.
    currency : str
        ISO code of its listings; pence and cents as Yahoo writes them (GBp, ZAc, ILA).
    """

    index: str
    kind: str
    currency: str


MARKETS = {code: LocalMarket(*entry) for code, entry in listed("exchanges")["markets"].items()}

# suffix of a line whose currency is not that of its exchange: London's order book of receipts
LINES: dict[str, str] = listed("exchanges")["lines"]
# index -> firm -> the firm's share of it, in words; from memory, so that a figure of the day must be looked up
LARGE: dict[str, dict[str, str]] = listed("exchanges")["large"]


def index_notices(
    keys: Iterable[tuple[str, str, tuple[str, ...]]], chosen: Collection[str], weighed: Collection[str]
) -> list[str]:
    """Notes on listings that are measured against the broad index of their exchange.

    Parameters
    ----------
    keys : iterable of (ticker, exchange, benchmarks)
    chosen : collection of str
        Tickers without a named benchmark, so that the program took the index.
    weighed : collection of str
        Tickers whose share of the index the study knows already.
    """
    found = []
    for ticker, exchange, benchmarks in sorted(set(keys)):
        local = MARKETS.get(exchange)
        if local is None or exchange == DEFAULT_EXCHANGE or benchmarks[:1] != (local.index,):
            continue
        if ticker in chosen:
            more = ", without dividends" if local.kind == PRICE else ""
            found.append(
                f"{ticker} is measured against {local.index}, the broad index of its exchange ({local.kind}{more})"
            )
        if (part := LARGE.get(local.index, {}).get(ticker)) and ticker not in weighed:
            found.append(
                f"{ticker} is {part} of {local.index} (unverified), which takes about that share of its own effect "
                f"away: --index-weight {ticker}=W gives it back"
            )
    return found


def market_of(symbol: str) -> LocalMarket | None:
    """The exchange of a listing by its suffix; None where it is not known."""
    suffix = suffix_of(symbol)
    return MARKETS.get(SUFFIXES.get(suffix, "") if suffix in SUFFIXES else DEFAULT_EXCHANGE)


def currency_of(symbol: str) -> str:
    """Currency of a listing, an index, a coin or a rate, as its symbol says; empty where it is not known."""
    if symbol.endswith(FX):
        pair = symbol.removesuffix(FX)
        return pair[-3:].upper() if len(pair) in (3, 6) else ""
    if "-" in symbol and (quoted := symbol.rsplit("-", 1)[1].upper()) in QUOTED_IN:
        return quoted
    if line := LINES.get(suffix_of(symbol)):
        return line
    if symbol.startswith("^"):
        return MARKETS[exchange].currency if (exchange := index_exchange(symbol)) else ""
    found = market_of(symbol)
    return found.currency if found else ""


def index_exchange(symbol: str) -> str:
    """The exchange whose broad index a symbol is; empty where there is none."""
    if symbol in ("^GSPC", "^DJI", "^IXIC"):
        return DEFAULT_EXCHANGE
    # the fund that represents New York is a listing like any other
    return next((code for code, market in MARKETS.items() if market.index == symbol and market.kind != FUND), "")

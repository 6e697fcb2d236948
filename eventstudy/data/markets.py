"""Facts on exchanges: the broad local index, and the currency of listings.

Sources: Yahoo's symbols as several public tables and recorded answers give them; an index whose symbol answers without
closes (^PSI20, ^WIG20, ^PX, ^BUX, ^IPSA) is not offered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from eventstudy.data.calendar import DEFAULT_EXCHANGE, FX, QUOTED_IN, SUFFIXES, suffix_of

PRICE, TOTAL, FUND = "price index", "total-return index", "fund"


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


MARKETS: dict[str, LocalMarket] = {
    "XNYS": LocalMarket("SPY", FUND, "USD"),
    "XTSE": LocalMarket("^GSPTSE", PRICE, "CAD"),
    "XMEX": LocalMarket("^MXX", PRICE, "MXN"),
    "BVMF": LocalMarket("^BVSP", TOTAL, "BRL"),
    "XBUE": LocalMarket("^MERV", PRICE, "ARS"),
    "XSGO": LocalMarket("", "", "CLP"),
    "XLON": LocalMarket("^FTSE", PRICE, "GBp"),
    "XDUB": LocalMarket("^ISEQ", PRICE, "EUR"),
    "XAMS": LocalMarket("^AEX", PRICE, "EUR"),
    "XBRU": LocalMarket("^BFX", PRICE, "EUR"),
    "XPAR": LocalMarket("^FCHI", PRICE, "EUR"),
    "XLIS": LocalMarket("PSI20.LS", PRICE, "EUR"),
    "XMIL": LocalMarket("FTSEMIB.MI", PRICE, "EUR"),
    "XMAD": LocalMarket("^IBEX", PRICE, "EUR"),
    "XETR": LocalMarket("^GDAXI", TOTAL, "EUR"),
    "XFRA": LocalMarket("^GDAXI", TOTAL, "EUR"),
    "XSWX": LocalMarket("^SSMI", PRICE, "CHF"),
    "XWBO": LocalMarket("^ATX", PRICE, "EUR"),
    "XSTO": LocalMarket("^OMX", PRICE, "SEK"),
    "XCSE": LocalMarket("^OMXC25", PRICE, "DKK"),
    "XHEL": LocalMarket("^OMXH25", PRICE, "EUR"),
    "XOSL": LocalMarket("OSEBX.OL", TOTAL, "NOK"),
    "XICE": LocalMarket("", "", "ISK"),
    "XWAR": LocalMarket("WIG20.WA", PRICE, "PLN"),
    "XPRA": LocalMarket("", "", "CZK"),
    "XBUD": LocalMarket("^BUX.BD", TOTAL, "HUF"),
    "ASEX": LocalMarket("", "", "EUR"),
    "XIST": LocalMarket("XU100.IS", PRICE, "TRY"),
    "XTAE": LocalMarket("^TA125.TA", PRICE, "ILA"),
    "XJSE": LocalMarket("^J203.JO", PRICE, "ZAc"),
    "XSAU": LocalMarket("^TASI.SR", PRICE, "SAR"),
    "XBOM": LocalMarket("^BSESN", PRICE, "INR"),
    "XSHG": LocalMarket("000001.SS", PRICE, "CNY"),
    "XHKG": LocalMarket("^HSI", PRICE, "HKD"),
    "XTAI": LocalMarket("^TWII", PRICE, "TWD"),
    "XKRX": LocalMarket("^KS11", PRICE, "KRW"),
    "XTKS": LocalMarket("^N225", PRICE, "JPY"),
    "XSES": LocalMarket("^STI", PRICE, "SGD"),
    "XKLS": LocalMarket("^KLSE", PRICE, "MYR"),
    "XIDX": LocalMarket("^JKSE", PRICE, "IDR"),
    "XBKK": LocalMarket("^SET.BK", PRICE, "THB"),
    "XPHS": LocalMarket("PSEI.PS", PRICE, "PHP"),
    "XASX": LocalMarket("^AXJO", PRICE, "AUD"),
    "XNZE": LocalMarket("^NZ50", TOTAL, "NZD"),
}

# suffix of a line whose currency is not that of its exchange: London's order book of receipts
LINES = {"IL": "USD"}
# (firm, its index) -> the firm's share of it, in words; from memory, so that a figure of the day must be looked up
LARGE: dict[tuple[str, str], str] = {
    ("2330.TW", "^TWII"): "more than a third",
    ("ASML.AS", "^AEX"): "about a seventh",
    ("005930.KS", "^KS11"): "about a fifth",
    ("NOVO-B.CO", "^OMXC25"): "a large part",
    ("NESN.SW", "^SSMI"): "a large part",
    ("ROG.SW", "^SSMI"): "a large part",
    ("NOVN.SW", "^SSMI"): "a large part",
    ("SAP.DE", "^GDAXI"): "a large part",
}


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
        if (part := LARGE.get((ticker, local.index))) and ticker not in weighed:
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

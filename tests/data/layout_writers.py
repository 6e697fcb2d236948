"""Daily figures written as programs and vendors write them, each writer from its own description of the form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Bars:
    """Rows of one symbol, oldest first."""

    symbol: str
    days: list[date]
    close: list[float]
    volume: list[int]


def _grouped(value: float) -> str:
    whole, _, rest = repr(value).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def _lines(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows]) + "\n"


def own(b: Bars) -> str:
    return _lines("Date,Close,Volume", [f"{d},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)])


def download(b: Bars) -> str:
    rows = [f"{d},{c!r},{c!r},{c!r},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    head = f"Price,Close,High,Low,Open,Volume\nTicker{f',{b.symbol}' * 5}\nDate,,,,,"
    return _lines(head, rows)


def download_by_ticker(b: Bars) -> str:
    rows = [f"{d},{c!r},{c!r},{c!r},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    head = f"Ticker{f',{b.symbol}' * 5}\nPrice,Open,High,Low,Close,Volume\nDate,,,,,"
    return _lines(head, rows)


def history(b: Bars) -> str:
    rows = [
        f"{datetime(d.year, d.month, d.day, tzinfo=NEW_YORK)},{c!r},{c!r},{c!r},{c!r},{v},0.0,0.0"
        for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    return _lines("Date,Open,High,Low,Close,Volume,Dividends,Stock Splits", rows)


def yahoo_page(b: Bars) -> str:
    rows = [
        f'"{d:%b} {d.day}, {d.year}",{c!r},{c!r},{c!r},{c!r},{c!r},"{v:,}"'
        for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ][::-1]
    rows.insert(2, f'"{b.days[-2]:%b} {b.days[-2].day}, {b.days[-2].year}",0.25 Dividend,,,,,')
    return _lines("Date,Open,High,Low,Close,Adj Close,Volume", rows)


def nasdaq(b: Bars) -> str:
    rows = [f"{d:%m/%d/%Y},${c!r},{v},${c!r},${c!r},${c!r}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    return _lines("Date,Close/Last,Volume,Open,High,Low", rows[::-1])


def investing(b: Bars) -> str:
    rows = [
        f'"{d:%m/%d/%Y}","{_grouped(c)}","{_grouped(c)}","{_grouped(c)}","{_grouped(c)}","{v}","0.10%"'
        for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    return "\ufeff" + _lines('"Date","Price","Open","High","Low","Vol.","Change %"', rows[::-1])


def stooq_bulk(b: Bars) -> str:
    rows = [
        f"{b.symbol}.US,D,{d:%Y%m%d},000000,{c!r},{c!r},{c!r},{c!r},{v},0"
        for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    return _lines("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>", rows)


def tiingo(b: Bars) -> str:
    rows = [
        f"{d}T00:00:00.000Z,{c!r},{c!r},{c!r},{c!r},{v},{c!r},{c!r},{c!r},{c!r},{v},0.0,1.0"
        for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    head = "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor"
    return _lines(head, rows)


def eodhd(b: Bars) -> str:
    rows = [f"{d},{c!r},{c!r},{c!r},{c!r},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    return _lines("Date,Open,High,Low,Close,Adjusted_close,Volume", rows)


def alpha_vantage(b: Bars) -> str:
    rows = [f"{d},{c!r},{c!r},{c!r},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    return _lines("timestamp,open,high,low,close,volume", rows[::-1])


def alpha_vantage_adjusted(b: Bars) -> str:
    rows = [
        f"{d},{c!r},{c!r},{c!r},{c!r},{c!r},{v},0.0000,1.0" for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    head = "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"
    return _lines(head, rows[::-1])


def massive(b: Bars) -> str:
    stamps = [int(datetime(d.year, d.month, d.day, tzinfo=NEW_YORK).astimezone(UTC).timestamp() * 1000) for d in b.days]
    rows = [f"{v},{c!r},{c!r},{c!r},{c!r},{c!r},{t},100" for t, c, v in zip(stamps, b.close, b.volume, strict=True)]
    return _lines("v,vw,o,c,h,l,t,n", rows)


def compustat(b: Bars) -> str:
    rows = [
        f"001234,01,{d},{b.symbol},MADE INC,1,{c!r},1.0,{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)
    ]
    return _lines("gvkey,iid,datadate,tic,conm,ajexdi,prccd,trfd,cshtrd", rows)


def lseg(b: Bars) -> str:
    rows = [f"{b.symbol}.N,{d}T00:00:00Z,{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    return _lines("Instrument,Date,Price Close,Volume", rows)


def bloomberg(b: Bars) -> str:
    rows = [f"{d.month}/{d.day}/{d.year},{c!r},{v}" for d, c, v in zip(b.days, b.close, b.volume, strict=True)]
    head = f"Security,{b.symbol} US Equity\nStart Date,6/1/2023\nEnd Date,6/30/2025\nPeriod,D\n\nDate,PX_LAST,PX_VOLUME"
    return _lines(head, rows[::-1])


WRITERS: dict[str, tuple[Callable[[Bars], str], str]] = {
    "own": (own, ""),
    "download": (download, "yfinance download()"),
    "download by ticker": (download_by_ticker, "yfinance download()"),
    "history": (history, "yfinance Ticker.history()"),
    "yahoo page": (yahoo_page, "Yahoo web page"),
    "nasdaq": (nasdaq, "Nasdaq"),
    "investing": (investing, "Investing.com"),
    "stooq bulk": (stooq_bulk, "Stooq bulk"),
    "tiingo": (tiingo, "Tiingo"),
    "eodhd": (eodhd, "EODHD"),
    "alpha vantage": (alpha_vantage, "Alpha Vantage"),
    "alpha vantage adjusted": (alpha_vantage_adjusted, "Alpha Vantage (adjusted)"),
    "massive": (massive, "Massive (Polygon) aggregates"),
    "compustat": (compustat, "Compustat daily"),
    "lseg": (lseg, "LSEG Workspace"),
    "bloomberg": (bloomberg, "Bloomberg"),
}

"""Registry of price vendors over the network: one entry per vendor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from eventstudy.data.vintage import Vintage


class Client(Protocol):
    """Client of a vendor."""

    def ask(self, symbol: str, start: date, end: date) -> Vintage:
        """Everything the vendor has of a symbol from start to end, both included, as far as it is final. Raises
        ``SourceUnavailable`` if the vendor refuses or does not answer; also ``RateLimited`` and ``MalformedResponse``.
        """


def _yahoo(folder: Path) -> Client:
    from eventstudy.data.yahoo.client import YahooClient

    return YahooClient(folder / "yfinance")


def _tiingo(folder: Path) -> Client:
    from eventstudy.data.vendors.tiingo import TiingoClient

    del folder
    return TiingoClient.with_key()


def _eodhd(folder: Path) -> Client:
    from eventstudy.data.vendors.eodhd import EodhdClient

    del folder
    return EodhdClient.with_key()


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor.

    Attributes
    ----------
    name : str
        As ``--source`` and vintages write it.
    title : str
        As messages call it.
    client : callable
        Makes what asks it, from the folder of the store.
    key : str
        Variable of the environment that holds its key; empty where it needs none.
    """

    name: str
    title: str
    client: Callable[[Path], Client]
    key: str = ""


VENDORS: dict[str, Vendor] = {
    "yahoo": Vendor("yahoo", "Yahoo", _yahoo),
    "tiingo": Vendor("tiingo", "Tiingo", _tiingo, "TIINGO_API_KEY"),
    "eodhd": Vendor("eodhd", "EODHD", _eodhd, "EODHD_API_KEY"),
}


def others_with_key(asked: str) -> str:
    """Which other vendors could be asked because a key of theirs is set, as a clause; empty where none could."""
    ready: Iterable[Vendor] = (v for v in VENDORS.values() if v.name != asked and v.key and os.environ.get(v.key))
    return "; ".join(f"{vendor.key} is set: --source {vendor.name} asks {vendor.title}" for vendor in ready)

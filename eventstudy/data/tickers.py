"""Spellings of a ticker elsewhere: share classes, and the codes of New York that some programs add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from eventstudy.data.calendar import NEW_YORK, SHARE_CLASSES, suffix_of
from eventstudy.data.prices import PriceTable

Held = TypeVar("Held")


def spellings(ticker: str) -> tuple[str, ...]:
    """Every way in which sources write a ticker, its own first: ``BRK.B`` is ``BRK-B``, ``AAPL.US`` is ``AAPL``."""
    found = [ticker]
    suffix = suffix_of(ticker)
    if suffix in NEW_YORK:
        found += spellings(ticker.rsplit(".", 1)[0])
    elif suffix in SHARE_CLASSES:
        stem = ticker.rsplit(".", 1)[0]
        found += [f"{stem}-{suffix}", f"{stem}/{suffix}"]
    elif len(ticker) > 2 and ticker[-2] == "-" and ticker[-1] in SHARE_CLASSES:
        found += [f"{ticker[:-2]}.{ticker[-1]}", f"{ticker[:-2]}/{ticker[-1]}"]
    return tuple(dict.fromkeys(found))


def yahoo_spelling(ticker: str) -> str:
    """A ticker as Yahoo writes it: share classes with a dash, nothing for New York."""
    suffix = suffix_of(ticker)
    stem = ticker.rsplit(".", 1)[0]
    if suffix in NEW_YORK:
        return yahoo_spelling(stem)
    return f"{stem}-{suffix}" if suffix in SHARE_CLASSES else ticker


def held_as(ticker: str, held: Mapping[str, Held]) -> Held | None:
    """The entry of a source under the first spelling of a ticker that it knows."""
    return next((held[name] for name in spellings(ticker) if name in held), None)


def asked_as(ticker: str) -> str:
    """The spellings in words, for a source that knows neither spelling."""
    return " or ".join(spellings(ticker))


def spelled(table: PriceTable, names: Mapping[str, str]) -> PriceTable:
    """A source's prices under the tickers that were asked for.

    Parameters
    ----------
    table : PriceTable
        By the source's own spelling.
    names : mapping
        Ticker -> its spelling.
    """

    def under(held: Mapping[str, Held]) -> dict[str, Held]:
        return {ticker: held[name] for ticker, name in names.items() if name in held}

    return PriceTable(under(table.series), under(table.unknown), table.choice, under(table.refused))

"""Prices in one currency: every series times the daily rate of the same source, on the days that have both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from eventstudy.data.calendar import SUFFIXES, suffix_of
from eventstudy.data.markets import currency_of
from eventstudy.data.prices import (
    Basis,
    Daily,
    Floats,
    PriceSeries,
    PriceSource,
    PriceTable,
    Supplied,
    carried,
    make_series,
)

LOCAL, USD = "local", "USD"
CHOICES = (LOCAL, USD)
# Currencies in hundredths, as Yahoo writes them -> the whole one
HUNDREDTHS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
# Yahoo quotes these as dollars a unit, all others as units a dollar
DIRECT = ("EUR", "GBP", "AUD", "NZD", "CAD")
# what coins are quoted in besides money
COINS = ("BTC", "ETH", "USDC", "USDT")
# exchanges whose lines are quoted in pounds, pence, dollars and euros
MIXED = ("XLON",)
ASSUMED = "{currency} is assumed, for its source states no currency; a column `currency` of the price file states it"
NOTE = (
    "closes in USD by {pair} on {n} days{lost}; a day's rate is that of London's midnight, 19:00 in New York and hours "
    "after the close of any exchange in Europe or Asia, so a return mixes two clocks"
)


@dataclass(frozen=True, slots=True)
class InDollars:
    """A source whose series are turned into US dollars."""

    source: PriceSource

    @property
    def name(self) -> str:
        """That of the source."""
        return self.source.name

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """The wanted symbols in dollars; those whose currency or rate is not known are refused."""
        pairs = {symbol: pair_of(currency_of(symbol)) for symbol in symbols}
        wanted = sorted({*symbols, *filter(None, pairs.values())})
        table = self.source.fetch(wanted, start, end)
        # the currency that the source states wins over that of the exchange, and may need another rate
        pairs |= {symbol: pair_of(_currency(table.series[symbol])) for symbol in symbols if symbol in table.series}
        if more := sorted({*pairs.values()} - {"", *wanted}):
            rates = self.source.fetch(more, start, end)
            table = replace(
                table,
                series={**table.series, **rates.series},
                unknown={**table.unknown, **rates.unknown},
                refused={**table.refused, **rates.refused},
            )
        series, refused = {}, {s: why for s, why in table.refused.items() if s in pairs}
        for symbol in symbols:
            if (one := table.series.get(symbol)) is None:
                continue
            found = in_dollars(one, pairs[symbol], table)
            if isinstance(found, str):
                refused[symbol] = f"{found}; the option --currency local studies it in its own currency"
            else:
                series[symbol] = found
        unknown = {symbol: why for symbol, why in table.unknown.items() if symbol in pairs}
        return PriceTable(series, unknown, table.choice, refused)


def pair_of(currency: str) -> str:
    """Yahoo's symbol of a currency's rate to the dollar; empty for the dollar and for an unknown currency."""
    whole = HUNDREDTHS.get(currency, currency.upper())
    if whole in ("", USD):
        return ""
    if whole in COINS:
        return f"{whole}-USD"
    return f"{whole}USD=X" if whole in DIRECT else f"{whole}=X"


def in_dollars(one: PriceSeries, pair: str, table: PriceTable) -> PriceSeries | str:
    """A series in dollars, or why there is none.

    Returns
    -------
    PriceSeries or str
        Missing rule: a day without a rate is a hole; no rate is carried forward. Opens are left out, for no rate is
        that of an open.
    """
    own = _currency(one)
    if not own:
        return f"the currency of {one.symbol} is not known"
    if one.spans is not None:
        return f"the source states returns of {one.symbol}, which cannot be turned into another currency"
    assumed = ASSUMED.format(currency=own) if not one.provenance.currency and _is_line(one.symbol) else ""
    if not pair:
        return _told(one, assumed)
    if pair == one.symbol:
        return f"{pair} is the price of a dollar, which does not move in dollars"
    rate = table.series.get(pair)
    if rate is None:
        why = table.refused.get(pair) or table.unknown.get(pair) or "the source does not know it"
        return f"no rate of {own} to USD: {pair}: {why}"
    factor = rate_on(one, rate, direct=pair.endswith(("USD=X", "-USD")))
    factor = factor / (100 if own in HUNDREDTHS else 1)
    lost = int(np.isnan(factor).sum())
    if lost == len(factor):
        return f"{pair} has no rate on any day of {one.symbol}"
    paid = carried(np.where(np.isnan(factor), np.nan, one.close), one.dividend)
    from_dividends = one.provenance.returns_from == "dividends"
    told = NOTE.format(pair=pair, n=len(factor) - lost, lost=f", {lost} days without a rate left out" if lost else "")
    basis = Basis(one.provenance.basis, one.provenance.basis_why, one.provenance.notice)
    figures = Daily(
        one.close * factor,
        volume=one.volume,
        adj_close=None if one.adj_close is None else one.adj_close * factor,
        dividend=paid * factor if from_dividends else None,
        doubt=one.doubt,
    )
    origin = one.provenance
    supplied = Supplied(origin.source, origin.origin, origin.fetched_at, USD, origin.layout)
    made = make_series(one.symbol, one.dates, figures, supplied, basis)
    provenance = replace(made.provenance, returns_from=one.provenance.returns_from)
    return _told(replace(made, provenance=provenance, local=one), f"{told}{f'; {assumed}' if assumed else ''}")


def _currency(one: PriceSeries) -> str:
    return one.provenance.currency or currency_of(one.symbol)


def _is_line(symbol: str) -> bool:
    """Whether a symbol is a listing on an exchange whose lines have several currencies."""
    return SUFFIXES.get(suffix_of(symbol)) in MIXED


def _told(one: PriceSeries, note: str) -> PriceSeries:
    notice = "; ".join(filter(None, (one.provenance.notice, note)))
    return replace(one, provenance=replace(one.provenance, notice=notice))


def rate_on(one: PriceSeries, rate: PriceSeries, *, direct: bool) -> Floats:
    """Dollars for a unit on each day of a series; NaN on days without a rate."""
    at = np.minimum(np.searchsorted(rate.dates, one.dates), len(rate.dates) - 1)
    found = np.where(rate.dates[at] == one.dates, rate.close[at], np.nan)
    return np.asarray(found if direct else 1 / found)

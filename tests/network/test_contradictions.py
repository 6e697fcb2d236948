"""Replies that contradict themselves: each is right, refused, or used and reported; none is used without a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.prices import PriceSeries, price_table
from eventstudy.data.proven_calendars import judged as judged_prices
from eventstudy.data.series_index import SeriesKey
from eventstudy.data.sessions import Range
from eventstudy.data.vintage import to_series
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.errors import SourceUnavailable
from tests.network.conftest import LISTINGS
from tests.network.stand_in import Listing, StandIn

START, END = date(2023, 1, 3), date(2024, 12, 31)
Chart = dict[str, Any]
Edit = Callable[[Chart], None]
CALENDAR = load_calendar("XNYS", date(2022, 12, 1), date(2025, 1, 31))
DAY = 86_400
# the payer among the listings; a session of it without any action
SYMBOL, QUIET = "NVDA", date(2024, 4, 17)


def at(chart: Chart, day: date) -> int:
    """The row of a session."""
    wanted = LISTINGS[SYMBOL].stamp(day)
    return int(chart["timestamp"].index(wanted))


def adjusted(chart: Chart) -> list[Any]:
    return chart["indicators"]["adjclose"][0]["adjclose"]  # type: ignore[no-any-return]


def quote(chart: Chart) -> dict[str, list[Any]]:
    return chart["indicators"]["quote"][0]  # type: ignore[no-any-return]


def paid(chart: Chart) -> dict[str, Any]:
    return chart.setdefault("events", {}).setdefault("dividends", {})  # type: ignore[no-any-return]


def scaled(chart: Chart, until: int, factor: float, *names: str) -> None:
    """Figures before a row times a factor."""
    for name in names:
        column = adjusted(chart) if name == "adjclose" else quote(chart)[name]
        column[:until] = [None if v is None else v * factor for v in column[:until]]


PRICES = ("open", "high", "low", "close")


def split_event(day: date, new: float, old: float = 1.0) -> Edit:
    def edit(chart: Chart) -> None:
        stamp = LISTINGS[SYMBOL].stamp(day)
        event = {"date": stamp, "numerator": new, "denominator": old, "splitRatio": f"{new:g}:{old:g}"}
        chart.setdefault("events", {})["splits"] = {str(stamp): event}

    return edit


def unapplied(ratio: float, *names: str, stated: float | None = None, moved: int = 0) -> Edit:
    """A split that some figures have not seen, perhaps stated with another ratio or on another day."""

    def edit(chart: Chart) -> None:
        split_event(QUIET, stated or ratio)(chart)
        scaled(chart, at(chart, QUIET) + moved, ratio, *names)

    return edit


def dividends(change: Callable[[dict[str, Any]], None]) -> Edit:
    def edit(chart: Chart) -> None:
        for event in paid(chart).values():
            change(event)

    return edit


def times(factor: float) -> Edit:
    return dividends(lambda event: event.update(amount=event["amount"] * factor))


def later(days: int) -> Edit:
    def edit(chart: Chart) -> None:
        found = paid(chart)
        moved = {}
        for event in list(found.values()):
            place = chart["timestamp"].index(event["date"]) + days
            stamp = chart["timestamp"][place]
            moved[str(stamp)] = {**event, "date": stamp}
        chart["events"]["dividends"] = moved

    return edit


def cell(column: str, change: Callable[[float], Any], day: date = QUIET) -> Edit:
    def edit(chart: Chart) -> None:
        values = adjusted(chart) if column == "adjclose" else quote(chart)[column]
        place = at(chart, day)
        values[place] = change(values[place])

    return edit


def every(column: str, change: Callable[[Chart, int], Any]) -> Edit:
    def edit(chart: Chart) -> None:
        values = adjusted(chart) if column == "adjclose" else quote(chart)[column]
        values[:] = [change(chart, place) for place in range(len(values))]

    return edit


def stamps(change: Callable[[int], int]) -> Edit:
    """Other moments; events keep to their bars."""

    def edit(chart: Chart) -> None:
        chart["timestamp"] = [change(stamp) for stamp in chart["timestamp"]]
        for found in chart.get("events", {}).values():
            for event in found.values():
                event["date"] = change(event["date"])

    return edit


def meta(**values: Any) -> Edit:
    return lambda chart: chart["meta"].update(values)


def utc_midnight(stamp: int) -> int:
    return stamp // DAY * DAY


def extra_dividend(day: date, amount: float, clock: int = 0) -> Edit:
    def edit(chart: Chart) -> None:
        stamp = int(datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC).timestamp()) + clock
        paid(chart)[f"x{stamp}"] = {"amount": amount, "date": stamp}

    return edit


def summer_midnights(stamp: int) -> int:
    month = datetime.fromtimestamp(stamp, UTC).month
    return utc_midnight(stamp) if 4 <= month <= 9 else stamp


def swapped(chart: Chart) -> None:
    quote(chart)["high"], quote(chart)["low"] = quote(chart)["low"], quote(chart)["high"]


def second_bar(chart: Chart) -> None:
    """The bar of a running session beside the one of the same day."""
    place = at(chart, QUIET)
    chart["timestamp"].insert(place + 1, chart["timestamp"][place] + 3600)
    for column in (adjusted(chart), *quote(chart).values()):
        column.insert(place + 1, column[place] * 1.02)


def backwards(chart: Chart) -> None:
    for column in (chart["timestamp"], adjusted(chart), *quote(chart).values()):
        column.reverse()


def twice_named(chart: Chart) -> None:
    found = paid(chart)
    for key, event in list(found.items()):
        found[f"{key}0"] = dict(event)


def shortened(chart: Chart) -> None:
    adjusted(chart).pop()


def saturday_bar(chart: Chart) -> None:
    place = at(chart, date(2024, 4, 19)) + 1
    chart["timestamp"].insert(place, chart["timestamp"][place - 1] + DAY)
    for column in (adjusted(chart), *quote(chart).values()):
        column.insert(place, column[place - 1])


RIGHT, REFUSED, REPORTED = "right", "refused", "reported"
REPLIES: dict[str, tuple[Edit, str]] = {
    # the adjusted close against close and dividends
    "dividends ten times too large": (times(1000.0), REPORTED),
    "dividends missing": (lambda chart: chart["events"].pop("dividends"), RIGHT),
    "dividends a session late": (later(1), RIGHT),
    "a dividend the adjusted close has not": (extra_dividend(QUIET, 4.0), REPORTED),
    "a dividend above the price": (extra_dividend(QUIET, 5000.0), REPORTED),
    "a dividend in pence beside pounds": (extra_dividend(QUIET, 120.0), REPORTED),
    "every dividend stated twice": (twice_named, RIGHT),
    "adjusted close of one day wrong": (cell("adjclose", lambda v: v * 1.5), REFUSED),
    "adjusted close of one day slightly wrong": (cell("adjclose", lambda v: v * 1.002), REFUSED),
    "adjusted close of one day missing": (cell("adjclose", lambda v: None), RIGHT),
    "adjusted close negative": (cell("adjclose", lambda v: -v), REFUSED),
    "adjusted closes on another scale": (every("adjclose", lambda c, i: quote(c)["close"][i] * 0.5), RIGHT),
    "adjusted closes all missing": (every("adjclose", lambda c, i: None), RIGHT),
    "adjusted closes one short": (shortened, REFUSED),
    # splits
    "2:1 unapplied": (unapplied(2.0, *PRICES, "adjclose"), REFUSED),
    "3:2 unapplied": (unapplied(1.5, *PRICES, "adjclose"), RIGHT),
    "6:5 unapplied": (unapplied(1.2, *PRICES, "adjclose"), RIGHT),
    "1:8 unapplied": (unapplied(0.125, *PRICES, "adjclose"), REFUSED),
    "4:1 applied to the adjusted close only": (unapplied(4.0, *PRICES), REFUSED),
    "4:1 applied to the close only": (unapplied(4.0, "adjclose"), REFUSED),
    "another ratio than the closes make": (unapplied(4.0, *PRICES, "adjclose", stated=2.0), REFUSED),
    "applied twice": (unapplied(0.25, *PRICES, "adjclose", stated=4.0), REFUSED),
    "three sessions late": (unapplied(4.0, *PRICES, "adjclose", moved=-3), REFUSED),
    "three sessions early": (unapplied(4.0, *PRICES, "adjclose", moved=3), REFUSED),
    "stated and applied": (split_event(QUIET, 4.0), RIGHT),
    "stated upside down and applied": (split_event(QUIET, 1.0, 4.0), RIGHT),
    "of nothing": (split_event(QUIET, 0.0), RIGHT),
    "by nothing": (split_event(QUIET, 4.0, 0.0), REFUSED),
    "negative": (split_event(QUIET, -4.0), REFUSED),
    # dates
    "a dividend of nothing on a Saturday": (extra_dividend(date(2024, 4, 20), 0.0), RIGHT),
    "stamps at midnight of UTC": (stamps(utc_midnight), REFUSED),
    "stamps at midnight of UTC in summer": (stamps(summer_midnights), REFUSED),
    "stamps a day late": (stamps(lambda s: s + DAY), REFUSED),
    "stamps in milliseconds": (stamps(lambda s: s * 1000), REFUSED),
    "a zone far to the east": (meta(exchangeTimezoneName="Pacific/Auckland"), REFUSED),
    "another offset than the zone's": (meta(gmtoffset=32_400, timezone="JST"), RIGHT),
    "backwards": (backwards, RIGHT),
    "two bars of one session": (second_bar, REFUSED),
    "a bar on a Saturday": (saturday_bar, RIGHT),
    "first trade after the first bar": (meta(firstTradeDate=1_720_000_000), RIGHT),
    "another last price": (meta(regularMarketPrice=0.01, chartPreviousClose=9e9), RIGHT),
    # the rows themselves
    "high and low swapped": (swapped, REFUSED),
    "one high below its low": (cell("high", lambda v: v * 0.5), REPORTED),
    "one close above its high": (cell("high", lambda v: v * 0.9), REPORTED),
    "volume below zero": (cell("volume", lambda v: -v), RIGHT),
    "no close and a volume": (cell("close", lambda v: None), RIGHT),
}  # fmt: skip


def served(edit: Edit) -> Listing:
    listing = LISTINGS[SYMBOL]
    made = Listing(listing.symbol, listing.bars, listing.dividends)
    plain = made.chart

    def chart(start: int, end: int) -> Chart:
        found = plain(start, end)
        if len(found.get("timestamp", [])) > 100:
            edit(found)
        return found

    object.__setattr__(made, "chart", chart)
    return made


def totals(series: PriceSeries) -> dict[str, float]:
    """Total return of each session that closes one."""
    if series.provenance.returns_from == "adj_close":
        assert series.adj_close is not None
        values = series.adj_close[1:] / series.adj_close[:-1] - 1
    else:
        values = (series.close[1:] + series.dividend[1:]) / series.close[:-1] - 1
    inside = np.isin(series.dates[1:], CALENDAR.sessions)
    return dict(zip(series.dates[1:][inside].astype(str).tolist(), values[inside].tolist(), strict=True))


def judged(yahoo: StandIn, client: YahooClient, edit: Edit | None) -> tuple[str, dict[str, float], str]:
    """What becomes of a reply: ``refused`` or ``used``, its returns, and what is said."""
    yahoo.listings[SYMBOL] = LISTINGS[SYMBOL] if edit is None else served(edit)
    try:
        found = to_series(client.ask(SYMBOL, START, END), "")
    except SourceUnavailable as error:
        return REFUSED, {}, error.found
    key = SeriesKey(SYMBOL, "XNYS", ())
    every = Range(np.datetime64(START, "D"), np.datetime64(END, "D"))
    table = judged_prices(price_table([found], {}), [key], {"XNYS": CALENDAR}, {key: every})
    if SYMBOL in table.refused:
        return REFUSED, {}, table.refused[SYMBOL]
    series = table.series[SYMBOL]
    return "used", totals(series), series.provenance.notice


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Equal on the sessions both have, up to the convention by which a dividend of cents is counted."""
    common = sorted(set(one) & set(other))
    return len(common) > 400 and max(abs(one[day] - other[day]) for day in common) < 3e-4


@pytest.mark.parametrize("name", REPLIES)
def test_no_reply_that_contradicts_itself_is_taken_in_silence(yahoo: StandIn, client: YahooClient, name: str) -> None:
    edit, expected = REPLIES[name]
    outcome, clean, notice = judged(yahoo, client, None)
    assert outcome == "used" and not notice
    outcome, found, said = judged(yahoo, client, edit)
    if expected == REFUSED:
        assert outcome == REFUSED, (outcome, said)
        assert said
    elif expected == REPORTED:
        assert outcome == "used" and said, (outcome, said)
    else:
        assert outcome == "used", said
        drop = {str(QUIET), str(QUIET + timedelta(days=1))} if name.startswith("no close") else set()
        assert same({d: v for d, v in found.items() if d not in drop}, clean), said


def test_a_contradiction_names_the_day_and_both_figures(yahoo: StandIn, client: YahooClient) -> None:
    _, _, said = judged(yahoo, client, REPLIES["a dividend the adjusted close has not"][0])
    assert "2024-04-17: a dividend of 4 is stated" in said and "taken from the adjusted close" in said


def closes(change: Callable[[np.ndarray], np.ndarray]) -> Edit:
    """Other closes in rows that stay possible: the adjusted close follows, and no dividend is stated."""

    def edit(chart: Chart) -> None:
        values = change(np.array(quote(chart)["close"], dtype=float)).tolist()
        for column in (adjusted(chart), *(quote(chart)[name] for name in PRICES)):
            column[:] = values
        chart.get("events", {}).pop("dividends", None)

    return edit


def exchanged(chart: Chart) -> None:
    """A real open beside its close, each under the other's name."""
    prices = quote(chart)
    close = np.array(prices["close"], dtype=float)
    opens = np.append(close[0], close[:-1]) * np.exp(np.random.default_rng(3).normal(0, 0.004, len(close)))
    prices["close"], prices["open"] = opens.tolist(), close.tolist()
    prices["high"], prices["low"] = np.maximum(opens, close).tolist(), np.minimum(opens, close).tolist()
    chart["indicators"]["adjclose"][0]["adjclose"] = opens.tolist()
    chart.get("events", {}).pop("dividends", None)


def with_copied_block(values: np.ndarray) -> np.ndarray:
    values[200:221] = values[100:121] * values[200] / values[100]
    return values


# closes that are doubtful for themselves, without a second figure that contradicts them
DOUBTFUL: dict[str, tuple[Edit, str]] = {
    "means over five days": (
        closes(lambda v: np.convolve(np.append(np.repeat(v[0], 4), v), np.ones(5) / 5, "valid")),
        "means over several days",
    ),
    "a copied block": (closes(with_copied_block), "occur twice"),
    "rows in a wrong order": (
        closes(lambda v: np.random.default_rng(1).permutation(v)),
        "do not follow each other",
    ),
    "gross returns": (closes(lambda v: np.append(1.0, v[1:] / v[:-1])), "do not follow each other"),
    "opens and closes exchanged": (exchanged, "exchanged"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_closes_that_are_doubtful_for_themselves_are_reported(yahoo: StandIn, client: YahooClient, name: str) -> None:
    edit, words = DOUBTFUL[name]
    outcome, _, said = judged(yahoo, client, edit)
    assert outcome == "used" and words in said, (outcome, said)
    outcome, _, said = judged(yahoo, client, closes(lambda v: v))
    assert outcome == "used" and not any(words in said for _, words in DOUBTFUL.values()), said

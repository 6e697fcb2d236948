"""The real yfinance against the stand-in, in this process: every reply is judged for what it is, and healed by asking again."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from eventstudy.data.prices import Refusal
from eventstudy.data.vintage import NOTHING, PRICES, UNKNOWN, Vintage, to_series
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.data.yahoo.wire import Limits, reply_failure, retry_after
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable
from tests.network.conftest import LISTINGS
from tests.network.stand_in import StandIn, split_now

START, END = date(2024, 1, 2), date(2025, 4, 30)

# fault -> class of the error, words of its sentence
STICKY: dict[str, tuple[type[SourceUnavailable], str]] = {
    "429": (RateLimited, "too many requests"),
    "500": (SourceUnavailable, "trouble of its own"),
    "503": (SourceUnavailable, "status 503"),
    "401": (SourceUnavailable, "refuses the request"),
    "404page": (MalformedResponse, "cannot be read (a web page"),
    "html": (MalformedResponse, "a web page"),
    "textcut": (MalformedResponse, "half of it"),
    "lencut": (SourceUnavailable, "broke off"),
    "drop": (SourceUnavailable, "broke off"),
    "down": (SourceUnavailable, "maintenance"),
    "nullresult": (MalformedResponse, "no result"),
    "empty": (MalformedResponse, "no prices although it knows"),
    "nometa": (MalformedResponse, "does not say what it is"),
    "nan": (MalformedResponse, "no prices although it knows"),
    "othersymbol": (MalformedResponse, "answered for OTHER"),
    "granularity": (MalformedResponse, "bars of 1mo"),
    "wrongperiod": (MalformedResponse, "another period"),
    "unequal": (MalformedResponse, "unequal length"),
    "negative": (MalformedResponse, "impossible price"),
    "zero": (MalformedResponse, "impossible price"),
    "absurd": (MalformedResponse, "(close 1e+300)"),
    "tiny": (MalformedResponse, "impossible price"),
    "absurdopen": (MalformedResponse, "(open 1e+300)"),
    "duplicate": (MalformedResponse, "two closes of one session"),
    "unsplit": (MalformedResponse, "a split of 10:1"),
    "halfsplit": (MalformedResponse, "a split of"),
    "halfadjusted": (MalformedResponse, "did not reach every price before"),
    "403": (SourceUnavailable, "refuses the request"),
    "blank": (MalformedResponse, "0 bytes"),
    "reset": (SourceUnavailable, "broke off"),
    "closed": (SourceUnavailable, "broke off"),
    "notls": (SourceUnavailable, "broke off"),
    "charterror": (MalformedResponse, "Something went wrong"),
    "noclose": (MalformedResponse, "no prices although it knows"),
    "words": (MalformedResponse, "cannot be used"),
    "events": (MalformedResponse, "cannot be used"),
}
# What the client's own second try, or nobody's, may heal.
NOT_AGAIN = ("429", "401", "403", "charterror")


def closes(vintage: Vintage) -> np.ndarray:
    return vintage.bars.columns["close"]


def test_a_normal_answer_is_what_was_served(yahoo: StandIn, client: YahooClient) -> None:
    found = client.ask("NVDA", START, END)
    listing = LISTINGS["NVDA"]
    days = [d for d in sorted(listing.bars) if START <= d <= END]
    assert found.outcome == PRICES and found.status == 200
    assert found.bars.dates.tolist() == days
    for at, name in enumerate(("open", "high", "low", "close", "volume")):
        served = [listing.bars[d][at] for d in days]
        np.testing.assert_array_equal(found.bars.columns[name], np.array(served, dtype=float), err_msg=name)
    np.testing.assert_array_equal(found.bars.columns["dividend"], [listing.dividends.get(d, 0.0) for d in days])
    adjusted = listing.adjusted()
    np.testing.assert_allclose(found.bars.columns["adj_close"], [adjusted[d] for d in days], rtol=1e-12)
    assert (found.bars.columns["split"] == 0).all()
    assert (found.currency, found.timezone, found.instrument) == ("USD", "America/New_York", "EQUITY")
    assert len(found.body_sha256) == 64 and found.client == "yfinance"
    asked = [query for _, path, query in yahoo.log if path.endswith("NVDA") and "period1" in query]
    assert len(asked) == 1 and asked[0]["interval"] == ["1d"]
    assert asked[0]["events"] == ["div,splits,capitalGains"]


@pytest.mark.parametrize("kind", STICKY)
def test_a_lasting_failure_is_named_and_not_remembered(yahoo: StandIn, client: YahooClient, kind: str) -> None:
    expected, words = STICKY[kind]
    client.ask("SPY", START, END)
    yahoo.fault(kind, "NVDA", times=None)
    with pytest.raises(SourceUnavailable) as caught:
        client.ask("NVDA", START, END)
    assert type(caught.value) is expected, caught.value
    assert words in caught.value.found and "NVDA" in caught.value.found
    assert "delisted" not in str(caught.value)
    assert caught.value.hint, "what to do next"
    yahoo.heal()
    again = YahooClient(client.cache)
    assert len(again.ask("NVDA", START, END).bars.closed()) > 300, "the server has recovered"


@pytest.mark.parametrize("kind", [k for k in STICKY if k not in NOT_AGAIN])
def test_a_passing_failure_is_overcome_within_one_call(
    yahoo: StandIn, client: YahooClient, pauses: list[float], kind: str
) -> None:
    client.ask("SPY", START, END)
    yahoo.fault(kind, "NVDA", times=2)
    found = client.ask("NVDA", START, END)
    assert len(found.bars.closed()) > 300
    assert len(pauses) in (1, 2) and all(0 < pause < 3 for pause in pauses)
    if len(pauses) == 2:
        assert pauses[1] > pauses[0], "each pause is longer"


def test_the_first_request_of_all_may_fail_as_well(yahoo: StandIn, client: YahooClient) -> None:
    for kind in ("500", "html", "textcut", "drop", "nullresult"):
        yahoo.fault(kind, "NVDA", times=1)
        assert client.ask("NVDA", START, END).outcome == PRICES, kind


def test_a_stale_crumb_is_mended_by_the_client_itself(yahoo: StandIn, client: YahooClient) -> None:
    yahoo.fault("401", "NVDA", times=1)
    assert client.ask("NVDA", START, END).outcome == PRICES


@pytest.mark.parametrize("target", ["cookie", "crumb"])
@pytest.mark.parametrize("kind", ["429", "500", "drop", "html"])
def test_prices_come_without_cookie_and_crumb(yahoo: StandIn, client: YahooClient, target: str, kind: str) -> None:
    yahoo.fault(kind, target, times=None)
    assert client.ask("NVDA", START, END).outcome == PRICES


def test_after_a_refusal_nothing_more_is_asked(yahoo: StandIn, client: YahooClient, pauses: list[float]) -> None:
    yahoo.fault("429", "NVDA", times=None)
    with pytest.raises(RateLimited):
        client.ask("NVDA", START, END)
    before = len(yahoo.log)
    with pytest.raises(RateLimited):
        client.ask("SPY", START, END)
    assert len(yahoo.log) == before and yahoo.charts("NVDA") == 1 and not pauses


def test_retry_after_is_honoured_once_and_within_the_budget(
    yahoo: StandIn, client: YahooClient, pauses: list[float]
) -> None:
    yahoo.fault("429", "NVDA", times=1, Retry_After="7")
    assert client.ask("NVDA", START, END).outcome == PRICES
    assert pauses == [7.0]
    yahoo.fault("429", "SPY", times=None, Retry_After="3600")
    with pytest.raises(RateLimited, match="pause of 3600 s"):
        client.ask("SPY", START, END)
    assert pauses == [7.0]


def test_pauses_end_with_the_budget(yahoo: StandIn, client: YahooClient, pauses: list[float]) -> None:
    yahoo.fault("500", times=None)
    client.limits = Limits(tries=50, pause=4.0, waiting=20.0)
    with pytest.raises(SourceUnavailable):
        client.ask("NVDA", START, END)
    assert 0 < sum(pauses) <= 20.0 and len(pauses) < 4


def test_an_unknown_symbol_costs_one_request(yahoo: StandIn, client: YahooClient) -> None:
    found = client.ask("ZZZZ", START, END)
    assert found.outcome == UNKNOWN and "Yahoo knows no symbol ZZZZ" in found.note
    assert yahoo.charts("ZZZZ") == 1, "the client alone would send sixteen or more"
    assert not [path for _, path, _ in yahoo.log if "quoteSummary" in path or "quote" in path.rsplit("/", 1)[-1]]


def test_a_range_before_the_listing_is_no_failure(yahoo: StandIn, client: YahooClient) -> None:
    yahoo.fault("badperiod", "NVDA", times=None)
    found = client.ask("NVDA", START, END)
    assert found.outcome == NOTHING and "Data doesn't exist" in found.note


def test_an_isin_is_not_looked_up(yahoo: StandIn, client: YahooClient) -> None:
    assert client.ask("US67066G1040", START, END).outcome == UNKNOWN
    assert not yahoo.log


def test_a_slow_answer_ends_the_run_s_patience(yahoo: StandIn, quick: YahooClient) -> None:
    yahoo.fault("slow", times=None)
    with pytest.raises(SourceUnavailable, match="no reply in time"):
        quick.ask("NVDA", START, END)
    assert yahoo.charts() == 1, "a time-out is not tried again"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "HTTPS_PROXY"])
def test_what_stands_in_between(yahoo: StandIn, tmp_path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    if variable == "HTTPS_PROXY":
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
        words = "refuses"
    else:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name, raising=False)
        words = "certificate does not verify"
    with pytest.raises(SourceUnavailable, match=words):
        YahooClient(tmp_path / "yf").ask("NVDA", START, END)
    assert not yahoo.charts()


def test_no_network_at_all_is_known_at_once(tmp_path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    from tests.network.conftest import forget

    forget()
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setenv("ALL_PROXY", "socks5h://no-such-host.invalid:1")
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        YahooClient(tmp_path / "yf", sleep=pauses.append).ask("NVDA", START, END)
    # one pause of a fault that may pass, and none of the long ones
    assert sum(pauses) < 8
    forget()


def test_a_hole_is_asked_for_again_and_filled(yahoo: StandIn, client: YahooClient) -> None:
    whole = LISTINGS["NVDA"]
    day = date(2025, 4, 16)
    bars = {**whole.bars, day: (None, None, None, None, whole.bars[day][4])}
    yahoo.listings["NVDA"] = replace(whole, bars=bars)
    found = client.ask("NVDA", START, END)
    asked = [1 for _, path, query in yahoo.log if path.endswith("NVDA") and "period1" in query]
    assert len(asked) == 2, "a lapse is asked for once more"
    assert np.datetime64(day) not in found.bars.closed() and np.datetime64(day) in found.bars.dates
    del bars[day]
    yahoo.listings["NVDA"] = replace(whole, bars=bars)
    assert np.datetime64(day) not in client.ask("NVDA", START, END).bars.dates
    yahoo.listings["NVDA"] = whole
    assert np.datetime64(day) in client.ask("NVDA", START, END).bars.closed()


def test_a_market_that_stops_is_not_asked_for_twice(yahoo: StandIn, client: YahooClient) -> None:
    whole = LISTINGS["NVDA"]
    yahoo.listings["NVDA"] = replace(whole, bars={d: b for d, b in whole.bars.items() if d < date(2025, 3, 1)})
    client.ask("NVDA", START, END)
    assert yahoo.charts("NVDA") == 2, "the probe of the zone and one request for bars"


def test_splits_and_capital_gains_have_columns_of_their_own(yahoo: StandIn, client: YahooClient) -> None:
    day = date(2024, 6, 10)
    yahoo.listings["NVDA"] = split_now(LISTINGS["NVDA"], 10.0, day)
    found = client.ask("NVDA", START, END)
    assert found.bars.columns["split"][found.bars.dates == np.datetime64(day)] == [10.0]
    paid = date(2024, 12, 20)
    yahoo.listings["SPY"] = replace(LISTINGS["SPY"], gains={paid: 1.5})
    fund = client.ask("SPY", START, END)
    at = fund.bars.dates == np.datetime64(paid)
    assert fund.bars.columns["capital_gain"][at] == [1.5]
    series = to_series(fund, "")
    assert series.dividend[series.dates == np.datetime64(paid)] == pytest.approx(
        1.5 + LISTINGS["SPY"].dividends.get(paid, 0.0)
    )


def test_a_gain_inside_the_dividend_counts_once(yahoo: StandIn, client: YahooClient) -> None:
    paid = date(2024, 12, 23)
    fund = replace(LISTINGS["SPY"], dividends={paid: 3.0}, gains={})
    served = replace(fund, gains={paid: 2.0})
    # the adjusted close knows 3.0 only: the gain of 2.0 is part of the dividend
    object.__setattr__(served, "adjusted", fund.adjusted)
    yahoo.listings["SPY"] = served
    series = to_series(client.ask("SPY", START, END), "")
    assert series.dividend[series.dates == np.datetime64(paid)] == [3.0]


def test_dividends_in_another_currency_are_not_added(yahoo: StandIn, client: YahooClient) -> None:
    yahoo.listings["NVDA"] = replace(LISTINGS["NVDA"], paid_in="EUR")
    found = client.ask("NVDA", START, END)
    assert "another currency (EUR)" in found.note
    series = to_series(found, "")
    assert series.provenance.returns_from == "adj_close" and (series.dividend == 0).all()
    yahoo.listings["NVDA"] = replace(LISTINGS["NVDA"], paid_in="USD")
    assert to_series(client.ask("NVDA", START, END), "").provenance.returns_from == "dividends"


def test_a_payment_on_a_dropped_row_counts_at_the_next_close(yahoo: StandIn, client: YahooClient) -> None:
    """The client moves such a dividend to the close before, whose buyers have not earned it."""
    whole = LISTINGS["NVDA"]
    day = date(2024, 9, 12)
    assert whole.dividends[day] > 0
    yahoo.listings["NVDA"] = replace(whole, bars={d: bar for d, bar in whole.bars.items() if d != day})
    found = client.ask("NVDA", START, END)
    at = found.bars.dates == np.datetime64(day)
    assert np.isnan(closes(found)[at]).all() and found.bars.columns["dividend"][at] == [whole.dividends[day]]
    series = to_series(found, "")
    earned = {str(d): paid for d, paid in zip(series.dates, series.dividend, strict=True) if paid}
    assert "2024-09-11" not in earned and earned["2024-09-13"] == whole.dividends[day]


def test_without_adjusted_closes_none_are_made_up(yahoo: StandIn, client: YahooClient) -> None:
    """The client puts plain closes in their place; a total return from those would lack every dividend."""
    yahoo.fault("noadjclose", "NVDA", times=None)
    yahoo.listings["NVDA"] = replace(LISTINGS["NVDA"], paid_in="EUR")
    found = client.ask("NVDA", START, END)
    assert np.isnan(found.bars.columns["adj_close"]).all() and np.isfinite(closes(found)).all()
    refused = to_series(found, "")
    assert isinstance(refused, Refusal) and "another currency" in refused.why


def test_figures_of_a_real_split_and_of_wild_days_are_possible() -> None:
    """A split that was applied, a crash of 60 %, a tripling, and prices rewritten by many reverse splits."""
    from eventstudy.data.vintage import COLUMNS, Bars
    from eventstudy.data.yahoo.figures import impossible

    def bars(close: list[float], split: dict[int, float]) -> Bars:
        days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2024-01-02") + len(close))
        columns = {name: np.zeros(len(close)) for name in COLUMNS}
        columns |= {name: np.array(close) for name in ("open", "close", "adj_close")}
        for at, ratio in split.items():
            columns["split"][at] = ratio
        return Bars(days, columns)

    for close in ([100.0, 101, 102, 40, 41], [1.0, 3.0, 2.9, 3.1, 3.0], [4e9, 3e9, 6e8, 3e8, 9e7]):
        for ratio in (10.0, 2.0, 1.5, 0.1, 0.05):
            assert not impossible(bars(close, {4: ratio})), (close, ratio)
    assert "a split of 1:10" in impossible(bars([1.0, 1.1, 10.9, 11.0, 11.2], {2: 0.1}))
    assert "two bars of" in impossible(Bars(np.array(["2024-01-02"] * 2, dtype="M8[D]"), bars([1.0, 1], {}).columns))


def test_one_client_does_not_live_on_what_another_was_told(yahoo: StandIn, client: YahooClient, tmp_path) -> None:
    """The client of Yahoo remembers within a process what looked like an answer."""
    yahoo.fault("words", "NVDA", times=None)
    with pytest.raises(MalformedResponse):
        client.ask("NVDA", START, END)
    yahoo.heal()
    pauses: list[float] = []
    again = YahooClient(tmp_path / "yf", sleep=pauses.append)
    assert again.ask("NVDA", START, END).outcome == PRICES and not pauses


def test_two_clients_use_their_own_folders(yahoo: StandIn, tmp_path: Path) -> None:
    for name in ("one", "two"):
        YahooClient(tmp_path / name).ask("NVDA", START, END)
    assert {path.parent.name for path in tmp_path.rglob("tkr-tz.db")} == {"one", "two"}


def test_no_database_of_the_client_stays_open(yahoo: StandIn, client: YahooClient) -> None:
    before = open_databases()
    client.ask("NVDA", START, END)
    assert open_databases() == before


def open_databases() -> int:
    """Connections of this thread that nobody has closed."""
    found = 0
    for one in gc.get_objects():
        if isinstance(one, sqlite3.Connection):
            with suppress(sqlite3.ProgrammingError):
                found += one.total_changes >= 0
    return found


def test_a_clock_that_is_ahead_makes_no_session_final(
    yahoo: StandIn, client: YahooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    from eventstudy.data import clock

    # noon in New York by Yahoo's clock, the evening by this machine's
    yahoo.date_header = "Wed, 30 Apr 2025 16:00:00 GMT"
    theirs = datetime(2025, 4, 30, 16, tzinfo=UTC)
    monkeypatch.setattr(clock, "utc_now", lambda: theirs + timedelta(hours=8))
    found = client.ask("NVDA", START, END)
    assert str(found.bars.dates[-1]) == "2025-04-29" and found.fetched_at == theirs
    monkeypatch.setattr(clock, "utc_now", lambda: theirs + timedelta(minutes=2))
    assert client.ask("SPY", START, END).fetched_at == theirs + timedelta(minutes=2), "a little ahead is no matter"


def test_headers_that_say_when_to_come_back() -> None:
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    assert retry_after("12") == 12.0 and retry_after("-3") == 0.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < (retry_after(soon) or 0) <= 90
    assert retry_after("") is None and retry_after("soon") is None


def test_only_yahoo_s_own_404_makes_a_symbol_unknown() -> None:
    from eventstudy.errors import UnknownSymbol

    body = b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}'
    assert isinstance(reply_failure(404, {}, body, "X").error, UnknownSymbol)
    for status, other in ((404, b"<html>proxy</html>"), (404, b"{}"), (200, body[:40]), (404, b"[]")):
        assert isinstance(reply_failure(status, {}, other, "X").error, MalformedResponse), (status, other)

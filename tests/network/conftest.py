"""The stand-in for Yahoo, met by environment variables: in this process, or by a command of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventstudy.data import clock
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.data.yahoo.wire import Limits
from tests.cli.conftest import Outcome, run_in
from tests.network.stand_in import Listing, StandIn, snapshot_listings, stand_in

# Two symbols are enough for most questions.
LISTINGS = {name: listing for name, listing in snapshot_listings().items() if name in ("NVDA", "SPY")}


@pytest.fixture
def yahoo(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that this process and its children meet instead of Yahoo."""
    folder = tmp_path_factory.mktemp("yahoo")
    with stand_in(folder, LISTINGS) as server:
        for name in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in server.environment(folder / "cache").items():
            monkeypatch.setenv(name, value)
        forget()
        yield server
        forget()


def forget() -> None:
    """What the client remembers within a process; its private names are here and nowhere else."""
    import yfinance.cache
    import yfinance.data

    yfinance.data.SingletonMeta._instances.clear()
    yfinance.data.YfData.cache_get.cache_clear()
    yfinance.cache._CookieCacheManager._Cookie_cache = None


@pytest.fixture
def pauses() -> list[float]:
    """Every pause a client made."""
    return []


@pytest.fixture
def client(yahoo: StandIn, tmp_path: Path, pauses: list[float]) -> YahooClient:
    """A client in this process that does not really wait."""
    return YahooClient(tmp_path / "yf", sleep=pauses.append, jitter=lambda: 0.5)


@pytest.fixture
def quick(yahoo: StandIn, tmp_path: Path) -> YahooClient:
    """A client that loses patience after a second."""
    return YahooClient(tmp_path / "yf", Limits(connect=0.5, first_reply=1.0, reply=1.0))


Live = Callable[..., Outcome]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> list[float]:
    """Commands of this process pause a hundredth of what they would; the whole pauses are listed."""

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds / 100)

    # a field of a dataclass has its default in the signature
    known = YahooClient.__init__.__defaults__ or ()
    assert time.sleep in known
    monkeypatch.setattr(
        YahooClient.__init__, "__defaults__", tuple(pause if value is time.sleep else value for value in known)
    )
    return pauses


@pytest.fixture
def live(yahoo: StandIn, tmp_path: Path, hurried: list[float]) -> Live:
    """Run a command that may ask the stand-in, with a store in this test's folder."""

    def command(*arguments: str, env: dict[str, str] | None = None) -> Outcome:
        settings = {"EVENTSTUDY_OFFLINE": "no", "EVENTSTUDY_STORE": str(tmp_path / "store")}
        forget()
        try:
            return run_in(tmp_path, *arguments, env={**settings, **yahoo.environment(tmp_path / "home"), **(env or {})})
        finally:
            forget()

    return command


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the clock."""
    from datetime import datetime

    def put(text: str) -> None:
        moment = datetime.fromisoformat(text)
        monkeypatch.setattr(clock, "utc_now", lambda: moment)

    return put


def shorter(listing: Listing, last: str) -> Listing:
    """The listing as Yahoo had it at the end of an earlier day."""
    from dataclasses import replace
    from datetime import date

    return replace(listing, bars={d: bar for d, bar in listing.bars.items() if d <= date.fromisoformat(last)})

"""Yahoo misbehaving at random: the real client against the stand-in, in this process, with injected clock and pauses.

A sequence draws what the store holds beforehand, which source is asked, and up to four faults of cookie, crumb and
charts, some passing and some lasting. It must end with the undisturbed prices, or with fewer of them where Yahoo left
some out, or with an error that says what to do. Afterwards Yahoo recovers, and the next fetch must be the undisturbed
one to the last digit.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from eventstudy.data import clock
from eventstudy.data.live import LiveSource
from eventstudy.data.prices import PriceSeries, PriceTable
from eventstudy.data.snapshot import SnapshotSource
from eventstudy.data.store import open_store
from eventstudy.data.store_session import Access
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.data.yahoo.wire import Limits
from eventstudy.errors import EventStudyError, SourceUnavailable
from tests.chaos.tally import Tally
from tests.network.conftest import LISTINGS, forget
from tests.network.spoilt import FIGURES, KINDS, SHAPE, STATUS, TEXT, WIRE
from tests.network.stand_in import StandIn, stand_in

START, END = date(2024, 1, 2), date(2025, 4, 30)
SYMBOLS = ("NVDA", "SPY")
EARLIER = datetime(2025, 3, 31, 22, tzinfo=UTC)
LATER = datetime(2025, 5, 2, 22, tzinfo=UTC)
NOW = datetime(2025, 5, 5, 22, tzinfo=UTC)
TARGETS = ("NVDA", "SPY", "chart", "cookie", "crumb")
# Faults that leave sessions out: the others must not cost a single one.
LEAVING_OUT = ("missing", "taillost", "somenull", "nanword", "nan")
QUICK = Limits(connect=0.5, first_reply=0.6, reply=0.6)
# Where nothing is played, a busy machine must not look like a slow Yahoo.
PATIENT = Limits(connect=20.0, first_reply=40.0, reply=40.0)
# A sequence that takes this long hangs, on a busy machine too: pauses are injected, and a reply is waited for 0.6 s.
LONGEST = 120.0
PROXIES = ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True)
class Plan:
    """A sequence: what the store holds, who is asked, and what goes wrong."""

    number: int
    before: str
    source: str
    max_age: float | None
    faults: tuple[tuple[str, str, int | None, int, str], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind, *_ in self.faults)


def plan(seed: int, number: int) -> Plan:
    """The sequence of a number: the same for ever."""
    chance = random.Random(f"{seed}/{number}")
    groups = (STATUS, TEXT, WIRE, SHAPE, FIGURES)
    faults = []
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4))):
        kind = chance.choice(chance.choice(groups))
        if kind == "slow" and chance.random() < 0.6:
            kind = "drop"
        wait = chance.choice(("", "1", "20", "3600", "soon", "-5")) if kind in ("429", "503") else ""
        times = chance.choice((1, 1, 2, 3, None))
        faults.append((kind, chance.choice(TARGETS), times, chance.randrange(10**6), wait))
    before = chance.choice(("nothing", "nothing", "nothing", "older", "older", "whole"))
    max_age = 0.0 if before == "whole" else None
    return Plan(number, before, chance.choice(("yahoo", "auto")), max_age, tuple(faults))


class Arena:
    """The stand-in, two stores to begin from, and the undisturbed answer."""

    def __init__(self, folder: Path, yahoo: StandIn) -> None:
        self.folder, self.yahoo = folder, yahoo
        with at(EARLIER):
            self._fetch(folder / "older", "yahoo", None)
        with at(LATER):
            self.whole = self._fetch(folder / "whole", "yahoo", None)
        self.snapshot = SnapshotSource().fetch(SYMBOLS, START, END)

    def _fetch(self, store: Path, name: str, max_age: float | None, pauses: list[float] | None = None) -> PriceTable:
        waits = [] if pauses is None else pauses
        limits = PATIENT if pauses is None else QUICK
        client = YahooClient(self.folder / "client", limits, sleep=waits.append, jitter=lambda: 0.5)
        access = Access(folder=store, benchmark="SPY", max_age=max_age)
        return LiveSource(name, access, client).fetch(SYMBOLS, START, END)

    def run(self, drawn: Plan) -> tuple[str, str]:
        """One sequence: its outcome, and the promise it broke."""
        store = self.folder / f"store-{drawn.number}"
        if drawn.before != "nothing":
            shutil.copytree(self.folder / drawn.before, store)
        self.yahoo.heal()
        for kind, target, times, seed, wait in drawn.faults:
            headers = {"Retry_After": wait} if wait else {}
            self.yahoo.then(kind, target, times=times, seed=seed, **headers)
        if drawn.number % 3:
            # a process of its own would know neither zones nor replies
            forget()
        pauses: list[float] = []
        began = time.monotonic()
        with at(NOW):
            outcome, broken = self._judged(drawn, store, pauses)
            if time.monotonic() - began > LONGEST:
                broken = broken or f"took {time.monotonic() - began:.0f} s"
            if sum(pauses) > 2 * QUICK.waiting:
                broken = broken or f"paused {sum(pauses):.0f} s in all"
            self.yahoo.heal()
            broken = broken or self._recovered(drawn, store)
        shutil.rmtree(store, ignore_errors=True)
        return outcome, f"sequence {drawn.number}: {broken}; {drawn}" if broken else ""

    def _judged(self, drawn: Plan, store: Path, pauses: list[float]) -> tuple[str, str]:
        try:
            table = self._fetch(store, drawn.source, drawn.max_age, pauses)
        except EventStudyError as error:
            outcome = f"error {type(error).__name__}"
            if not isinstance(error, SourceUnavailable) or error.exit_code != 4:
                return outcome, f"exit code {error.exit_code}: {error}"
            return outcome, "" if error.hint and error.found else f"no advice: {error}"
        except Exception as error:
            return "traceback", f"{type(error).__name__}: {error}"
        assert table.choice is not None
        if table.choice.source == "snapshot":
            wrong = "" if _same(table, self.snapshot) else "not the snapshot's prices"
            return "snapshot", wrong or ("not allowed" if drawn.source == "yahoo" else "")
        absent = [s for s in SYMBOLS if s not in table.series]
        if any(not table.unknown.get(symbol) for symbol in absent):
            return "excluded", "a symbol is gone without a word"
        if absent and not {"404", "badperiod"} & set(drawn.kinds):
            return "excluded", f"Yahoo did not say so: {table.unknown}"
        for symbol, series in table.series.items():
            if wrong := difference(series, self.whole.series[symbol]):
                return "wrong", f"{symbol}: {wrong}"
        fewer = any(len(s.dates) < len(self.whole.series[name].dates) for name, s in table.series.items())
        if fewer and not set(LEAVING_OUT) & set(drawn.kinds):
            return "holes", "sessions are gone that Yahoo sent"
        if drawn.before == "whole" and table.choice.source == "store" and not table.choice.stale:
            return "right (store)", "old prices without the banner"
        return ("excluded" if absent else "holes" if fewer else f"right ({table.choice.source})"), ""

    def _recovered(self, drawn: Plan, store: Path) -> str:
        """What is wrong once Yahoo is well again."""
        try:
            again = self._fetch(store, "yahoo", drawn.max_age)
        except Exception as error:
            return f"after recovery: {type(error).__name__}: {error}"
        if not _same(again, self.whole):
            return "after recovery the prices are not the undisturbed ones"
        held = open_store(store, lambda line: None)
        found = held.integrity()
        held.close()
        return f"the store: {found}" if found else ""


def _same(one: PriceTable, other: PriceTable) -> bool:
    return {s: p.provenance.sha256 for s, p in one.series.items()} == {
        s: p.provenance.sha256 for s, p in other.series.items()
    }


def difference(series: PriceSeries, whole: PriceSeries) -> str:
    """What a series says that the undisturbed one does not; sessions it does not have are not a difference."""
    found, at_one, at_other = np.intersect1d(series.dates, whole.dates, return_indices=True)
    if len(found) < len(series.dates):
        return "sessions that never were"
    if not (series.close[at_one] == whole.close[at_other]).all():
        return "a close"
    for name in ("open", "volume"):
        one, other = getattr(series, name)[at_one], getattr(whole, name)[at_other]
        if not ((one == other) | np.isnan(one)).all():
            return f"a figure of {name}"
    if series.provenance.returns_from != whole.provenance.returns_from:
        return f"total returns from {series.provenance.returns_from}"
    # what was paid since the session before: a payment on a session left out is earned with the next close
    paid = np.diff(np.cumsum(whole.dividend)[at_other])
    return "" if np.allclose(series.dividend[at_one][1:], paid, rtol=0, atol=1e-9) else "a dividend"


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Another clock."""
    real = clock.utc_now
    clock.utc_now = lambda: moment
    try:
        yield
    finally:
        clock.utc_now = real


@contextmanager
def arena() -> Iterator[Arena]:
    """A stand-in that this process meets instead of Yahoo."""
    kept = {name: os.environ.get(name) for name in (*PROXIES, "HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "XDG_CACHE_HOME")}
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        with stand_in(folder, {name: replace(listing) for name, listing in LISTINGS.items()}) as yahoo:
            yahoo.pause = 2.0
            for name in PROXIES:
                os.environ.pop(name, None)
            os.environ.update(yahoo.environment(folder / "home"))
            forget()
            yield Arena(folder, yahoo)
    finally:
        forget()
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def slice_of(seed: int, numbers: range) -> Tally:
    """Some sequences, one after the other."""
    tally = Tally()
    with arena() as here:
        for number in numbers:
            drawn = plan(seed, number)
            outcome, broken = here.run(drawn)
            tally.add(drawn.kinds, outcome, broken)
    return tally


def campaign(seed: int, sequences: int, workers: int = 2) -> Tally:
    """All sequences, shared between processes."""
    tally = Tally()
    step = -(-sequences // workers)
    parts = [range(at_, min(at_ + step, sequences)) for at_ in range(0, sequences, step)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(slice_of, [seed] * len(parts), parts):
            tally.merge(part)
    return tally


assert {*STATUS, *TEXT, *WIRE, *SHAPE, *FIGURES} == set(KINDS)

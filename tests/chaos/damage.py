"""Stores whose bytes were changed at random: what is read afterwards is right, or less and said, never wrong."""

from __future__ import annotations

import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from eventstudy.data.live import LiveSource
from eventstudy.data.prices import PriceTable
from eventstudy.data.store import FILE, open_store
from eventstudy.data.store_session import Access
from eventstudy.data.vintage import FOREIGN_DIVIDENDS
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.errors import EventStudyError
from tests.chaos.source import EARLIER, END, LATER, NOW, PATIENT, START, SYMBOLS, Arena, arena, at, difference
from tests.chaos.tally import Tally

KINDS = ("one byte", "some bytes", "a run of zeros", "a page", "two pages swapped", "cut off", "a header's text")
PAGE = 4096


class Shelves:
    """A store of four vintages, two of which continue the others, and what it says undisturbed."""

    def __init__(self, here: Arena) -> None:
        self.here, self.folder = here, here.folder / "damage"
        for moment in (EARLIER, LATER):
            with at(moment):
                self._fetch(self.folder / "whole", online=True)
        store = open_store(self.folder / "whole", lambda line: None)
        spy = store.load(store.headers("SPY")[-1])
        # a note decides what total returns are made from: it must not change unnoticed
        store.record(replace(spy, note=FOREIGN_DIVIDENDS + " (EUR)", extends=0))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert [h.vintage.extends > 0 for h in store.headers()] == [False, False, True, True, False]
        store.close()
        self.lines: list[str] = []
        with at(NOW):
            self.whole = self._fetch(self.folder / "whole")
        assert not self.lines

    def _fetch(self, store: Path, *, online: bool = False) -> PriceTable:
        self.lines = []
        client = YahooClient(self.here.folder / "client", PATIENT, sleep=lambda s: None, jitter=lambda: 0.5)
        access = Access(folder=store, benchmark="SPY", offline=not online, warn=self.lines.append)
        return LiveSource("yahoo", access, client).fetch(SYMBOLS, START, END)

    def run(self, seed: int, number: int) -> tuple[str, str, str]:
        """One damaged store: kind, outcome, broken promise."""
        chance = random.Random(f"{seed}/{number}")
        kind = KINDS[number % len(KINDS)]
        store = self.folder / f"store-{number}"
        shutil.copytree(self.folder / "whole", store)
        data = (store / FILE).read_bytes()
        (store / FILE).write_bytes(damaged(kind, data, chance))
        with at(NOW):
            outcome, broken = self._judged(store)
            broken = broken or self._online(store)
        shutil.rmtree(store)
        return kind, outcome, f"damage {seed}/{number} ({kind}): {broken}" if broken else ""

    def _judged(self, store: Path) -> tuple[str, str]:
        try:
            table = self._fetch(store)
        except EventStudyError as error:
            return f"error {type(error).__name__}", "" if error.hint else f"no advice: {error}"
        except Exception as error:
            return "traceback", f"{type(error).__name__}: {error}"
        exact = [s for s in table.series if table.series[s].provenance == self._moved(store, s)]
        if len(exact) == len(SYMBOLS):
            return "right", ""
        for symbol in set(table.series) - set(exact):
            series, whole = table.series[symbol], self.whole.series[symbol]
            if wrong := _wrong(series, whole):
                return "wrong", f"{symbol}: {wrong}"
            if series.provenance.origin.rsplit("#")[1] == whole.provenance.origin.rsplit("#")[1]:
                return "wrong", f"{symbol}: a changed header was taken for the true one: {series.provenance}"
        # an intact older vintage needs no word where it covers the study; a series that is gone does
        return "less", "" if self.lines or len(table.series) == len(SYMBOLS) else f"without a word: {table.unknown}"

    def _moved(self, store: Path, symbol: str) -> object:
        known = self.whole.series[symbol].provenance
        return replace(known, origin=known.origin.replace(str(self.folder / "whole"), str(store)))

    def _online(self, store: Path) -> str:
        """What is wrong when Yahoo may be asked."""
        try:
            table = self._fetch(store, online=True)
        except EventStudyError as error:
            return "" if "newer version" in error.found else f"online: {error}"
        except Exception as error:
            return f"online: {type(error).__name__}: {error}"
        for symbol in SYMBOLS:
            series = table.series.get(symbol)
            if series is None or _wrong(series, self.whole.series[symbol]) or str(series.dates[-1]) != "2025-04-30":
                return f"online: {symbol} is not what Yahoo sends"
        return ""


def _wrong(series: object, whole: object) -> str:
    """What contradicts the undisturbed series; the kind of total return is determined first."""
    one, other = series, whole
    if one.provenance.returns_from != other.provenance.returns_from:  # type: ignore[attr-defined]
        # SPY's newest vintage has it from adjusted closes, the older ones from dividends: both are as recorded
        return "" if (one.close == other.close[: len(one.close)]).all() else "a close"  # type: ignore[attr-defined]
    return difference(one, other)  # type: ignore[arg-type]


def damaged(kind: str, data: bytes, chance: random.Random) -> bytes:
    """A store's bytes, changed."""
    out = bytearray(data)
    if kind == "one byte":
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    elif kind == "some bytes":
        for _ in range(chance.randint(2, 64)):
            out[chance.randrange(len(out))] = chance.randrange(256)
    elif kind == "a run of zeros":
        start = chance.randrange(len(out))
        stop = min(len(out), start + chance.randint(1, 3000))
        out[start:stop] = bytes(stop - start)
    elif kind == "a page":
        start = chance.randrange(len(out) // PAGE) * PAGE
        out[start : start + PAGE] = chance.randbytes(PAGE)
    elif kind == "two pages swapped":
        one, other = (chance.randrange(len(out) // PAGE) * PAGE for _ in range(2))
        out[one : one + PAGE], out[other : other + PAGE] = out[other : other + PAGE], out[one : one + PAGE]
    elif kind == "cut off":
        del out[chance.randrange(len(out)) :]
    else:
        # a digit or a letter of a text becomes another: what only a seal can see
        words = [b"USD", b"2024-01-02", b"2025-0", b"America/New_York", b"NVDA", b"SPY", b"another currency", b"prices"]
        word = chance.choice(words)
        places = [at_ for at_ in range(len(out)) if out.startswith(word, at_)]
        where = chance.choice(places) + chance.randrange(len(word))
        out[where] = chance.choice(b"0123456789") if chr(out[where]).isdigit() else chance.choice(b"ABCXYZabcxyz")
    return bytes(out)


def slice_of(seed: int, numbers: range) -> Tally:
    """Some damaged stores, one after the other."""
    tally = Tally()
    with arena() as here:
        shelves = Shelves(here)
        for number in numbers:
            kind, outcome, broken = shelves.run(seed, number)
            tally.add((kind,), outcome, broken)
    return tally


def campaign(seed: int, trials: int, workers: int = 2) -> Tally:
    """All of them, shared between processes."""
    tally = Tally()
    step = -(-trials // workers)
    parts = [range(first, min(first + step, trials)) for first in range(0, trials, step)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(slice_of, [seed] * len(parts), parts):
            tally.merge(part)
    return tally

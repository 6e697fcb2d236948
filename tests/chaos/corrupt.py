"""Price series damaged at random: every study on them is right, refused or flagged.

Real series of the package's snapshot are damaged in one of many ways that people's files are, and go in as a file, as a
frame or through Yahoo's stand-in. The number of the event is then held against plain least squares on the undamaged
closes. A number that differs needs a flag on the row, a notice, an exclusion or a refusal that says what to do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from eventstudy.data.calendar import load_calendar
from eventstudy.data.levels import LevelMarks
from eventstudy.data.live import LiveSource
from eventstudy.data.prices import PriceTable
from eventstudy.data.snapshot import SnapshotSource
from eventstudy.data.store_session import Access
from eventstudy.data.yahoo.client import YahooClient
from eventstudy.engine_options import window_plan
from eventstudy.errors import EventStudyError
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.chaos.source import NOW, PATIENT, Arena, arena, at
from tests.chaos.tally import Tally
from tests.network.conftest import forget
from tests.network.stand_in import Listing

STOCKS, BENCHMARK = ("NVDA", "AMD", "ASML"), "SPY"
SPEC = StudySpec(tests=("car-t",), benchmarks=(BENCHMARK,))
# events are placed where their windows and what looks around them lie within the snapshot
FIRST, LAST = 330, 960
EXACT = 1e-9
# dividends that are wrong by less than an adjusted close shows move a return by no more
UNSEEN_DIVIDEND = 5e-4
Damage = Callable[["Case"], None]


@dataclass
class Case:
    """A study that is damaged: frames of the stock and the benchmark, and where the event is.

    ``frames`` have the columns date, open, high, low, close, adj_close, volume and dividend (and split); the date is
    ISO text.
    """

    chance: random.Random
    stock: str
    at: int
    frames: dict[str, pd.DataFrame]
    hurt: str
    allowed: float = EXACT
    text: Callable[[pd.DataFrame], str] | None = None
    said: list[str] = field(default_factory=list)

    @property
    def frame(self) -> pd.DataFrame:
        return self.frames[self.hurt]

    @frame.setter
    def frame(self, table: pd.DataFrame) -> None:
        self.frames[self.hurt] = table.reset_index(drop=True)

    def row(self, before: int = 255, after: int = 8) -> int:
        """A row that the event's estimation or event window touches."""
        return self.at + self.chance.randint(-before, after)

    def scale(self, rows: slice, by: float) -> None:
        """Prices of some rows times a number."""
        for name in ("open", "high", "low", "close", "adj_close"):
            column = self.frame.columns.get_loc(name)
            self.frame.iloc[rows, column] = self.frame.iloc[rows, column] * by


@lru_cache(maxsize=1)
def clean() -> dict[str, pd.DataFrame]:
    """The snapshot's series with highs, lows and adjusted closes that agree with them."""
    table = SnapshotSource().fetch((*STOCKS, BENCHMARK), date(2021, 7, 1), date(2025, 6, 30))
    found = {}
    for symbol, series in table.series.items():
        opens = series.close if series.open is None else series.open
        factor = np.ones(len(series.close))
        paid = series.dividend[1:] / series.close[:-1]
        factor[:-1] = np.cumprod((1 - paid)[::-1])[::-1]
        found[symbol] = pd.DataFrame(
            {
                "date": series.dates.astype(str),
                "open": opens,
                "high": np.maximum(opens, series.close) * 1.004,
                "low": np.minimum(opens, series.close) * 0.996,
                "close": series.close,
                "adj_close": np.round(series.close * factor, 6),
                "volume": np.full(len(opens), 1e6) if series.volume is None else series.volume,
                "dividend": series.dividend,
            }
        )
    return found


def truth(stock: str, where: int) -> tuple[float, float]:
    """CAR over [0,0] and its standard error by least squares on the undamaged closes and dividends."""

    def returns(symbol: str) -> np.ndarray:
        close, paid = clean()[symbol]["close"].to_numpy(), clean()[symbol]["dividend"].to_numpy()
        return np.append(np.nan, (close[1:] + paid[1:]) / close[:-1] - 1)

    y, x, plan = returns(stock), returns(BENCHMARK), window_plan(SPEC)
    rows = slice(where + plan.estimation_start, where + plan.estimation_end + 1)
    design = np.column_stack([np.ones(plan.estimation), x[rows]])
    inverse = np.linalg.inv(design.T @ design)
    theta = inverse @ design.T @ y[rows]
    left = y[rows] - design @ theta
    day = np.array([1.0, x[where]])
    return float(y[where] - day @ theta), float(
        np.sqrt(left @ left / (plan.estimation - 2) * (1 + day @ inverse @ day))
    )


# what is done to a series, by name: each takes a case and changes its frames


def shifted(days: int, part: bool = False) -> Damage:
    def damage(case: Case) -> None:
        moved = (pd.to_datetime(case.frame["date"]) + pd.Timedelta(days=days)).dt.strftime("%Y-%m-%d")
        if part:
            # two months and more: shorter ones may be taken for another trouble
            start = case.at - case.chance.randint(40, 200)
            rows = (case.frame.index >= start) & (case.frame.index < start + case.chance.randint(45, 120))
            moved = moved.where(rows, case.frame["date"])
            moved = moved[~moved.duplicated()]
            case.frame = case.frame.loc[moved.index]
        case.frame = case.frame.assign(date=moved.to_numpy())

    return damage


def moments(case: Case) -> None:
    """Local midnights of another zone, written in UTC."""
    zone = case.chance.choice(("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland"))
    stamps = pd.to_datetime(case.frame["date"]).dt.tz_localize(zone).dt.tz_convert("UTC")
    case.frame = case.frame.assign(date=stamps.dt.strftime("%Y-%m-%d %H:%M:%S+00:00"))


def day_and_month(case: Case) -> None:
    days = pd.to_datetime(case.frame["date"])
    swapped = [f"{d.year}-{d.day:02d}-{d.month:02d}" if d.day <= 12 else str(d.date()) for d in days]
    case.frame = case.frame.assign(date=swapped)


def other_calendar(case: Case) -> None:
    code = case.chance.choice(("XLON", "XETR", "XTKS", "XHKG", "24/7"))
    days = load_calendar(code, date(2021, 7, 1), date(2025, 12, 31)).sessions
    n = min(len(days), len(case.frame))
    case.frame = case.frame.iloc[:n].assign(date=days[:n].astype(str))


def split(stated: bool, least: float) -> Damage:
    def damage(case: Case) -> None:
        ratio = float(np.exp(case.chance.uniform(np.log(least), np.log(200.0))))
        ratio = round(ratio * 10) / 10 if ratio < 3 else float(round(ratio))
        where = case.row()
        case.frame = case.frame.drop(columns=["adj_close", "dividend"]).assign(adj_close=np.nan)
        case.scale(slice(0, where), ratio)
        if stated:
            case.frame = case.frame.assign(split=np.where(np.arange(len(case.frame)) == where, ratio, 0.0))
        case.frame = case.frame.drop(columns=["adj_close"])
        case.allowed = UNSEEN_DIVIDEND * 4

    return damage


def dividends(how: str) -> Damage:
    def damage(case: Case) -> None:
        paid = case.frame["dividend"].to_numpy().copy()
        days = [int(day) for day in np.flatnonzero(paid) if case.at - 260 < day < case.at + 10]
        case.allowed = UNSEEN_DIVIDEND
        if not days:
            return
        day = case.chance.choice(days)
        if how == "doubled":
            paid[day] *= 2
        elif how == "dropped":
            paid[day] = 0
        else:
            late = min(len(paid) - 1, day + case.chance.randint(1, 6))
            paid[late], paid[day] = paid[late] + paid[day], 0
        case.frame = case.frame.assign(dividend=paid)

    return damage


def plain(case: Case) -> None:
    """In half of the cases closes alone, without what could contradict them."""
    if case.chance.random() < 0.5:
        case.frame = case.frame.drop(columns=["dividend"]).assign(adj_close=np.nan)
        case.allowed = UNSEEN_DIVIDEND * 4


def units(case: Case) -> None:
    plain(case)
    case.scale(slice(case.row(), None), case.chance.choice((100.0, 0.01, 1000.0, 0.001)))


def units_for_a_while(case: Case) -> None:
    plain(case)
    where = case.row(before=200, after=0)
    case.scale(slice(where, where + case.chance.choice((1, 3, 10))), case.chance.choice((100.0, 0.01)))


def joined(hole: bool) -> Damage:
    def damage(case: Case) -> None:
        other = clean()[case.chance.choice([s for s in STOCKS if s != case.stock])]
        where = case.row(before=230, after=-25)
        prices = ["open", "high", "low", "close", "adj_close"]
        jump = float(np.exp(case.chance.choice((-1, 1)) * case.chance.uniform(0.7, 3.0)))
        by = case.frame["close"].iloc[where] / other["close"].iloc[where - 1] / jump
        table = case.frame.drop(columns=["dividend"])
        table.loc[: where - 1, prices] = other.loc[: where - 1, prices].to_numpy() * by
        if hole:
            gap = case.chance.randint(21, 300)
            table = table.drop(index=range(max(1, where - gap), where))
        case.frame = table

    return damage


def padded(case: Case) -> None:
    """Holidays filled with the row before, as some terminals do."""
    days = pd.to_datetime(case.frame["date"])
    every = pd.date_range(days.iloc[0], days.iloc[-1], freq="B")
    table = case.frame.assign(dividend=case.frame["dividend"]).set_index(days).reindex(every)
    table["dividend"] = table["dividend"].fillna(0.0)
    case.frame = table.ffill().assign(date=every.strftime("%Y-%m-%d"))


def weekends(case: Case) -> None:
    """Rows of weekends between the closes around them."""
    days = pd.to_datetime(case.frame["date"])
    every = pd.date_range(days.iloc[0], days.iloc[-1])
    table = case.frame.set_index(days).drop(columns=["date"]).reindex(every)
    table["dividend"] = table["dividend"].fillna(0.0)
    case.frame = table.interpolate().assign(date=every.strftime("%Y-%m-%d"))


def duplicated(case: Case) -> None:
    where = case.row()
    again = case.frame.iloc[[where]].copy()
    if case.chance.random() < 0.5:
        again["close"] *= 1.02
    case.frame = pd.concat([case.frame, again])


def shuffled(case: Case) -> None:
    case.frame = case.frame.sample(frac=1, random_state=case.chance.randrange(10**6))


def exchanged(case: Case) -> None:
    """Closes of 80 rows or more of the estimation window in another order, under dates in order."""
    table = case.frame[["date", "close"]].copy()
    rows = case.chance.randint(80, 200)
    first = case.at - 20 - case.chance.randint(0, 30) - rows
    block = slice(first, first + rows - 1)
    table.loc[block, "close"] = (
        table.loc[block, "close"].sample(frac=1, random_state=case.chance.randrange(10**6)).to_numpy()
    )
    case.frame = table
    case.allowed = UNSEEN_DIVIDEND * 4


def swapped(case: Case) -> None:
    one, other = case.chance.choice((("close", "high"), ("close", "low"), ("close", "volume"), ("high", "low")))
    case.frame = case.frame.rename(columns={one: other, other: one}).drop(columns=["adj_close", "dividend"])
    case.allowed = UNSEEN_DIVIDEND * 4


def tail(case: Case) -> None:
    where = case.at + case.chance.randint(-30, 6)
    stop = min(len(case.frame), where + case.chance.randint(8, 60))
    table = case.frame.iloc[:stop].copy()
    for name in ("open", "high", "low", "close", "adj_close"):
        table.loc[table.index >= where, name] = table[name].iloc[where]
    case.frame = table.drop(columns=["dividend", "adj_close"])
    case.allowed = UNSEEN_DIVIDEND * 4


def mistyped(case: Case) -> None:
    """One close with a digit too many, or too few."""
    where, by = case.row(), case.chance.choice((1.6, 2.0, 10.0, 0.1, 0.5))
    table = case.frame.drop(columns=["adj_close", "dividend", "high", "low"])
    table.loc[where, "close"] = table["close"].iloc[where] * by
    case.frame = table
    case.allowed = UNSEEN_DIVIDEND * 4


def layout(case: Case) -> None:
    """The headings and the dates of another program."""
    table = case.frame
    days = pd.to_datetime(table["date"])
    kind = case.chance.choice(("day first", "american", "numbers", "nasdaq", "thousands", "yahoo"))
    case.allowed = UNSEEN_DIVIDEND * 4
    names = {"date": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    plain = table[list(names)].rename(columns=names)
    if kind == "day first":
        plain = plain.assign(Date=days.dt.strftime("%d/%m/%Y"))
    elif kind == "american":
        plain = plain.assign(Date=days.dt.strftime("%m/%d/%Y"))
    elif kind == "numbers":
        plain = plain.assign(Date=days.dt.strftime("%Y%m%d"))
    elif kind == "nasdaq":
        cells = {"Close/Last": [f"${close!r}" for close in plain["Close"]], "Date": days.dt.strftime("%m/%d/%Y")}
        plain = plain.assign(**cells)[["Date", "Close/Last", "Volume", "Open", "High", "Low"]][::-1]
    elif kind == "thousands":
        plain = plain.assign(Close=[f"{close:,.6f}" for close in plain["Close"] * 10])
    else:
        plain = table.rename(columns={**names, "adj_close": "Adj Close"}).drop(columns=["dividend"])
    case.text = lambda _: plain.to_csv(index=False)


FILES, FRAMES, YAHOO = "file", "frame", "Yahoo"
KINDS: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "dates a day early": (shifted(-1), (FILES, FRAMES, YAHOO)),
    "dates a day late": (shifted(1), (FILES, FRAMES, YAHOO)),
    "months a day early": (shifted(-1, part=True), (FILES, FRAMES)),
    "moments of another zone": (moments, (FILES, FRAMES)),
    "day and month exchanged": (day_and_month, (FILES, FRAMES)),
    "sessions of another exchange": (other_calendar, (FILES, FRAMES)),
    "a stated split not applied": (split(True, 1.2), (FILES, FRAMES)),
    "a split not applied": (split(False, 2.0), (FILES, FRAMES, YAHOO)),
    "a dividend doubled": (dividends("doubled"), (FILES, FRAMES)),
    "a dividend dropped": (dividends("dropped"), (FILES, FRAMES)),
    "a dividend misdated": (dividends("misdated"), (FILES, FRAMES)),
    "units changed": (units, (FILES, FRAMES, YAHOO)),
    "units changed for a while": (units_for_a_while, (FILES, FRAMES, YAHOO)),
    "two firms joined": (joined(hole=False), (FILES, FRAMES, YAHOO)),
    "two firms joined over a hole": (joined(hole=True), (FILES, FRAMES, YAHOO)),
    "holidays padded": (padded, (FILES, FRAMES)),
    "weekends filled": (weekends, (FILES, FRAMES)),
    "a row twice": (duplicated, (FILES, FRAMES)),
    "rows shuffled": (shuffled, (FILES, FRAMES)),
    "closes exchanged among themselves": (exchanged, (FILES, FRAMES)),
    "columns exchanged": (swapped, (FILES, FRAMES)),
    "a tail repeated": (tail, (FILES, FRAMES)),
    "a close mistyped": (mistyped, (FILES, FRAMES, YAHOO)),
    "another layout": (layout, (FILES,)),
}
HEADINGS = {
    "date": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close", "adj_close": "Adj Close",
    "volume": "Volume", "dividend": "Dividends", "split": "Stock Splits",
}  # fmt: skip


@dataclass(frozen=True)
class Fresh:
    """Yahoo, asked again into a store of its own."""

    folder: Path
    name: str = "yahoo"

    def fetch(self, symbols: Any, start: date, end: date) -> PriceTable:
        client = YahooClient(self.folder / "client", PATIENT, sleep=lambda s: None, jitter=lambda: 0.5)
        with at(NOW):
            return LiveSource("yahoo", Access(folder=self.folder, benchmark=BENCHMARK), client).fetch(
                symbols, start, end
            )


def drawn(seed: int, number: int) -> tuple[str, str, Case]:
    """The kind, the way in and the damaged case of a number: the same for ever."""
    chance = random.Random(f"{seed}/{number}")
    kind = list(KINDS)[number % len(KINDS)]
    damage, ways = KINDS[kind]
    stock = chance.choice(STOCKS)
    # the benchmark is damaged too, where a benchmark may be; the dividends of note are its own
    hurt = BENCHMARK if "dividend" in kind or chance.random() < 0.25 else stock
    hurt = stock if "joined" in kind or "tail" in kind else hurt
    frames = {symbol: clean()[symbol].copy() for symbol in (stock, BENCHMARK)}
    case = Case(chance, stock, chance.randint(FIRST, LAST), frames, hurt)
    way = chance.choice(ways)
    damage(case)
    return kind, way, case


def one(seed: int, number: int, folder: Path, here: Arena | None) -> tuple[str, str, str]:
    """One round: its kind, what became of it, and the promise it broke."""
    kind, way, case = drawn(seed, number)
    if way == YAHOO and here is None:
        way = FILES
    day = clean()[case.stock]["date"].iloc[case.at]
    events = pd.DataFrame({"event_id": ["x"], "ticker": [case.stock], "announced_at": [day], "timing": ["bmo"]})
    outcome, broken = _judged(case, lambda: _studied(case, way, events, folder, here))
    return kind, outcome, f"corruption {seed}/{number} ({kind} as a {way}): {broken}" if broken else ""


def _studied(case: Case, way: str, events: pd.DataFrame, folder: Path, here: Arena | None) -> Any:
    if way == YAHOO:
        assert here is not None
        before = dict(here.yahoo.listings)
        here.yahoo.listings.update({symbol: _listed(symbol, frame) for symbol, frame in case.frames.items()})
        # a process of its own would know neither zones nor replies
        forget()
        try:
            return run(events, Fresh(folder), SPEC)
        finally:
            here.yahoo.listings.clear()
            here.yahoo.listings.update(before)
    if way == FRAMES:
        tables = [frame.assign(ticker=symbol) for symbol, frame in case.frames.items()]
        return run(events, pd.concat(tables, ignore_index=True), SPEC)
    for symbol, frame in case.frames.items():
        text = frame.rename(columns=HEADINGS).to_csv(index=False)
        if case.text is not None and symbol == case.hurt:
            text = case.text(frame)
        (folder / f"{symbol}.csv").write_text(text, encoding="utf-8")
    return run(events, spec=SPEC.with_changes(source=f"csv:{folder}"))


def _listed(symbol: str, frame: pd.DataFrame) -> Listing:
    """A damaged series as Yahoo would serve it; its adjusted closes follow from the closes and dividends."""
    names = ("open", "high", "low", "close", "volume")
    cells = frame.reindex(columns=list(names)).astype(float)
    bars = {
        date.fromisoformat(day): tuple(None if np.isnan(v) else float(v) for v in row)
        for day, row in zip(frame["date"], cells.itertuples(index=False), strict=True)
    }
    paid = frame.get("dividend", pd.Series(0.0, index=frame.index))
    days = {date.fromisoformat(d): float(p) for d, p in zip(frame["date"], paid, strict=True) if p}
    kind = "ETF" if symbol == BENCHMARK else "EQUITY"
    return Listing(symbol=symbol, bars=bars, dividends=days, kind=kind)  # type: ignore[arg-type]


def _judged(case: Case, study: Callable[[], Any]) -> tuple[str, str]:
    try:
        result = study()
    except EventStudyError as error:
        return "refused", "" if str(error).strip() else "a refusal without a word"
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error}"
    if len(result.exclusions):
        (lost,) = result.exclusions
        return "refused", "" if lost.detail else f"excluded without a word: {lost.reason}"
    row = result.windows[result.windows["window"] == "[0,0]"].iloc[0]
    car, error = truth(case.stock, case.at)
    close = abs(row["car"] - car) <= case.allowed and abs(row["std_error"] - error) <= max(case.allowed, EXACT)
    if close:
        return "right", ""
    said = [*str(row["flags"]).split(";"), *(n for n in result.notices if n.startswith((case.stock, BENCHMARK, "X")))]
    if any(said):
        return "flagged", ""
    return "wrong", f"CAR {row['car']:.6f} (se {row['std_error']:.6f}), true {car:.6f} ({error:.6f}), and no flag"


@contextmanager
def unchecked() -> Iterator[None]:
    """The program without what part two of its checks of prices does: a negative control."""
    nothing = lambda stack: np.zeros(stack.total.shape, dtype=bool)  # noqa: E731
    with (
        patch("eventstudy.data.quality.level_marks", lambda stack: LevelMarks(*(nothing(stack) for _ in range(3)))),
        patch("eventstudy.data.quality.bad_tick", nothing),
        patch("eventstudy.data.quality.against_benchmark", nothing),
        patch("eventstudy.data.returns.without_tail", lambda series, other: series),
        patch("eventstudy.data.returns.LONG_HOLE", 30_000),
        patch("eventstudy.data.checked_prices._mixed", lambda series: []),
        patch("eventstudy.data.proven_calendars.shifted", lambda *given: ""),
        patch("eventstudy.data.proven_calendars.wrong_calendar", lambda *given: ""),
        patch("eventstudy.data.proven_calendars.marked_off", lambda series, *given: series),
    ):
        yield


def slice_of(seed: int, numbers: range) -> Tally:
    """Some rounds, one after the other."""
    tally = Tally()
    with arena() as here:
        for number in numbers:
            folder = here.folder / f"corrupt-{number}"
            folder.mkdir()
            kind, outcome, broken = one(seed, number, folder, here)
            tally.add((kind,), outcome, broken)
    return tally


def campaign(seed: int, rounds: int, workers: int = 2) -> Tally:
    """All of them, shared between processes."""
    tally = Tally()
    step = -(-rounds // workers)
    parts = [range(first, min(first + step, rounds)) for first in range(0, rounds, step)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(slice_of, [seed] * len(parts), parts):
            tally.merge(part)
    return tally

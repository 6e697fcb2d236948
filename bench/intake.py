"""What the checks of dates and basis cost: the same studies with and without them, side by side.

``python -m bench.intake`` studies the prices of the sample, exported with every column, and 5,000 events on 500 made-up
firms with dividends, splits and adjusted closes, which is the most that the checks can have to do; one test an event
leaves the least of other work. Processor time of whole processes (``run --formats csv``), as the system counts it; and,
since a busy machine spreads that by a tenth, the share of one process that is spent inside the checks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import machine, ratio

FIRMS, EVENTS, SESSIONS, ROUNDS = 500, 5_000, 1_500, 7
WAYS = ("with", "without")
HEADING = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"


def unchecked() -> None:
    """Take the checks out of this process: figures become series unchecked."""
    from eventstudy.data import from_raw, proven_calendars, quality
    from eventstudy.data.prices import Daily, PriceSeries, Supplied, make_series
    from eventstudy.data.raw import RawSeries

    def bare(raw: RawSeries) -> PriceSeries:
        columns = raw.columns
        return make_series(
            raw.symbol,
            raw.dates,
            Daily(
                columns["close"],
                open=columns.get("open"),
                volume=columns.get("volume"),
                adj_close=None if "dividend" in columns else columns.get("adj_close"),
                dividend=columns.get("dividend"),
            ),
            Supplied(raw.source, raw.origin),
        )

    setattr(from_raw, "accept", bare)  # noqa: B010
    setattr(proven_calendars, "shifted", lambda *_: "")  # noqa: B010
    setattr(quality, "against_benchmark", lambda stack: np.zeros(stack.total.shape, dtype=bool))  # noqa: B010


def counted() -> list[float]:
    """Count the processor seconds inside the checks of this process, without those that make a series."""
    from eventstudy.data import from_raw, intake, proven_calendars, quality

    spent = [0.0]

    def clocked(module: Any, name: str, sign: int) -> None:
        plain = getattr(module, name)

        def timed(*args: object, **named: object) -> object:
            began = time.process_time()
            try:
                return plain(*args, **named)
            finally:
                spent[0] += sign * (time.process_time() - began)

        setattr(module, name, timed)

    clocked(intake, "make_series", -1)
    clocked(from_raw, "accept", 1)
    clocked(proven_calendars, "shifted", 1)
    clocked(quality, "against_benchmark", 1)
    return spent


def sessions() -> np.ndarray:
    """Sessions of New York."""
    from datetime import date

    from eventstudy.data.calendar import load_calendar

    return load_calendar("XNYS", date(2018, 1, 2), date(2025, 6, 30)).sessions[-SESSIONS:]


def write_firm(path: Path, days: np.ndarray, rng: np.random.Generator) -> None:
    """A price on cents with quarterly dividends and two splits, and its adjusted close."""
    n = len(days)
    close = np.round(60 * np.exp(np.cumsum(rng.normal(0, 0.012, n))) + 5, 2)
    paid = np.where(np.arange(n) % 63 == 40, np.round(close * 0.005, 2), 0.0)
    split = np.zeros(n)
    split[rng.integers(100, n - 100, 2)] = 2.0
    factor = np.concatenate([np.cumprod((1 - paid[1:] / close[:-1])[::-1])[::-1], [1.0]])
    rows = zip(days.astype(str), close, close * 1.01, close * 0.99, close, close * factor, paid, split, strict=True)
    lines = (f"{d},{o:.2f},{h:.2f},{w:.2f},{c:.2f},{a:.6f},1000,{p:.2f},{s:g}\n" for d, o, h, w, c, a, p, s in rows)
    path.write_text(HEADING + "".join(lines))


def made_up(folder: Path) -> None:
    """Five thousand events on five hundred firms."""
    rng, days = np.random.default_rng(1), sessions()
    (folder / "prices").mkdir()
    names = [f"F{i:03d}" for i in range(FIRMS)]
    for name in [*names, "SPY"]:
        write_firm(folder / "prices" / f"{name}.csv", days, rng)
    chosen = [days[300 + 100 * (i // FIRMS) + i % 7] for i in range(EVENTS)]
    rows = "".join(f"e{i},{names[i % FIRMS]},{day},bmo\n" for i, day in enumerate(chosen))
    (folder / "events.csv").write_text("event_id,ticker,announced_at,timing\n" + rows)


def sample(folder: Path) -> None:
    """The sample's events on the snapshot, written as a store exports it."""
    from datetime import date

    from eventstudy.data.snapshot import SnapshotSource

    names = ("NVDA", "AMD", "ASML", "SPY", "SOXX")
    table = SnapshotSource().fetch(names, date(2021, 7, 1), date(2025, 6, 30))
    (folder / "prices").mkdir()
    for name, one in table.series.items():
        factor = np.concatenate([np.cumprod((1 - one.dividend[1:] / one.close[:-1])[::-1])[::-1], [1.0]])
        adjusted, days = one.close * factor, one.dates.astype(str).tolist()
        figures = zip(days, one.close.tolist(), adjusted.tolist(), one.dividend.tolist(), strict=True)
        rows = "".join(f"{d},{c!r},{c!r},{c!r},{c!r},{a!r},1000,{p!r},0\n" for d, c, a, p in figures)
        (folder / "prices" / f"{name}.csv").write_text(HEADING + rows)
    own = Path(__file__).parent.parent
    for name in ("events.csv", "confounders.csv"):
        (folder / name).write_bytes((own / name).read_bytes())


def seconds(folder: Path, way: str) -> float:
    """Processor seconds of one process; of the way ``counted`` the share of them inside the checks."""
    command = [sys.executable, "-m", "bench.intake", "--child", way, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = process.stdout.read() if process.stdout else b""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(said.decode())
    return float(said.split()[-1]) if way == "counted" else used.ru_utime + used.ru_stime


def child(way: str, folder: Path) -> None:
    """One study, with or without the checks."""
    if way == "without":
        unchecked()
    spent = counted() if way == "counted" else []
    os.chdir(folder)
    choices = ("--source", "csv:prices", "--formats", "csv", "--tests", "car-t", "-o", f"out-{way}", "-q")
    sys.argv = ["eventstudy", "run", "events.csv", *choices]
    from eventstudy.cli.app import main

    try:
        main()
    finally:
        if spent:
            print(spent[0] / time.process_time(), flush=True)


def compare(name: str, folder: Path, rounds: int) -> None:
    """Print what the checks cost in one study; the order within a round is drawn."""
    rng, found = np.random.default_rng(0), {way: [seconds(folder, way)] for way in WAYS}
    for _ in range(rounds):
        for at in rng.permutation(len(WAYS)):
            found[WAYS[at]].append(seconds(folder, WAYS[at]))
    # the first of each made what later ones find in the system's caches
    checked, bare = found["with"][1:], found["without"][1:]
    middle, low, high = ratio(checked, bare)
    print(f"{name}: {np.median(checked):.2f} s with the checks, {np.median(bare):.2f} s without; ", end="")
    print(f"ratio {middle:.3f}, rounds {low:.3f} to {high:.3f}; ", end="")
    inside = sorted(seconds(folder, "counted") for _ in range(rounds))
    print(f"inside the checks {inside[len(inside) // 2]:.1%} ({inside[0]:.1%} to {inside[-1]:.1%})", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], Path(asked.child[1]))
        sys.exit()
    print(machine())
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        sample(Path(one))
        compare("the sample", Path(one), asked.rounds)
        made_up(Path(other))
        compare("5,000 events on 500 firms", Path(other), asked.rounds)

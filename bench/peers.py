"""The engine against five packages of the Python index: the same events, market model, AR and CAR of every event.

``python -m bench.peers [--venvs DIR]`` installs every peer into a virtual environment of its own (in a temporary
folder, or kept in DIR/NAME), which needs a package index; what is measured needs no network. Estimation 250 sessions,
gap 10, event window -10..10, no missing day, for peers treat those in different ways. Processor time of one thread,
imports, the peers' reading of files and a first run on five events excluded; every round runs each once, in drawn
order. A peer gets only the securities of its events, and the call that costs it least. It does not compute the same
standard errors and degrees of freedom; that AR and CAR are the same is checked in every round. Like with like is our
row ``estimated``: AR, CAR, t and p of a table of events from prices in memory, though each event has a security of its
own there, which is brought onto its calendar and checked.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench import large
from bench.harness import Job, machine, ratio
from bench.kernels import MODEL, PLAN
from bench.peer_scripts import HEAD, PEERS, TAIL, Peer
from bench.ranked import WHOLE, compiled_battery
from eventstudy import study
from eventstudy.data.sources import source_from_frame
from eventstudy.engine.measure import Engine, measure
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window

SERIES, SESSIONS, EVENTS, FEW, MANY, ROUNDS = 400, 1000, 4000, 400, 40_960, 5
# the calendar of event-study-toolkit ends on 2023-07-10
LAST = np.datetime64("2023-06-30")
WINDOWS = [(0, 0), (-1, 1), (-10, 10)]
OPTIONS = Options(plan=PLAN, model=MODEL, windows=tuple(WINDOWS))
EQUAL = 1e-9
LONGEST = 900

Cars = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Data:
    """Returns without a hole, their sessions and the events; no security twice in the first ``SERIES`` of them."""

    returns: np.ndarray
    market: np.ndarray
    dates: np.ndarray
    series: np.ndarray
    session: np.ndarray


def simulated() -> Data:
    """Securities of usual betas and fat tails over four years of New York's sessions, and the events."""
    rng = np.random.default_rng(7)
    dates = large.sessions()
    dates = dates[dates <= LAST][-SESSIONS:]
    market = rng.normal(4e-4, 0.01, SESSIONS)
    errors = np.clip(rng.standard_t(5, (SERIES, SESSIONS)) * 0.014, -0.3, 0.3)
    series = np.concatenate([rng.permutation(SERIES) for _ in range(-(-MANY // SERIES))])[:MANY]
    session = rng.integers(-PLAN.estimation_start + 1, SESSIONS - PLAN.end - 1, MANY)
    return Data(rng.uniform(0.8, 1.5, (SERIES, 1)) * market + errors, market, dates, series, session)


def panel_of(data: Data) -> ReturnPanel:
    """The returns as the engine reads them."""
    shape = data.returns.shape
    return ReturnPanel(
        returns=data.returns,
        factors=np.broadcast_to(data.market, (shape[0], 1, shape[1])),
        span=np.ones(shape, dtype=np.int64),
        day_number=np.broadcast_to(np.arange(shape[1]), shape),
    )


def placed_of(data: Data, n: int, in_order: bool = False) -> Placed:
    """The first events, as they come or sorted by security and session as a study has them."""
    series, session = data.series[:n], data.session[:n]
    order = np.lexsort((session, series)) if in_order else np.arange(n)
    return Placed(
        series=series[order],
        session=session[order],
        masked=np.broadcast_to(False, (n, PLAN.n_days)),
        history_mask=np.zeros(data.returns.shape, dtype=bool),
        seed=np.zeros(n, dtype=np.int64),
    )


def events_of(data: Data) -> pd.DataFrame:
    """The first events as a person writes them down, before the opening of their sessions."""
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(FEW)],
            "ticker": [large.ticker(s) for s in data.series[:FEW]],
            "announced_at": np.datetime_as_string(data.dates[data.session[:FEW]], unit="D"),
            "timing": "bmo",
        }
    )


def prices_of(data: Data) -> dict[str, pd.DataFrame]:
    """Closes of every security that have these returns."""
    found = {}
    for number in range(-1, SERIES):
        own = data.market if number < 0 else data.returns[number]
        # the first return would need a close before it; no event reads the first session
        close = 100 * np.cumprod(np.concatenate([[1.0], 1 + own[1:]]))
        name = large.MARKET if number < 0 else large.ticker(number)
        found[name] = pd.DataFrame({"ticker": name, "date": data.dates, "close": close})
    return found


def studies(data: Data, folder: Path) -> dict[str, Callable[[], StudyResult]]:
    """A small study: its CARs from prices in memory as the peers have them, the whole, and the whole from files."""
    events, prices = events_of(data), prices_of(data)
    for name, frame in prices.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    held = source_from_frame(pd.concat(prices.values()))
    windows = tuple(Window(*pair) for pair in WINDOWS)
    spec = StudySpec(source=f"csv:{folder}", benchmarks=(large.MARKET,), windows=windows, offline=True)
    lean = replace(spec, tests=("car-t",))
    return {
        "estimated": lambda: study.run(events, held, lean),
        "run": lambda: study.run(events, held, spec),
        "run from CSV": lambda: study.run(events, spec=spec),
    }


def cars_of(result: StudyResult) -> Cars:
    """AR of day 0 and CAR(-10, 10) of a small study, of which every event must have been studied."""
    block = result.studied.block
    if result.exclusions or block is None:
        raise SystemExit(f"{len(result.exclusions)} events left out: {result.exclusions[:1]}")
    return block.cars.car[:, 0], block.cars.car[:, 2]


def difference(found: Cars, known: Cars) -> float:
    """Largest difference of AR of day 0 and CAR(-10, 10) on the common events."""
    gap = max(float(np.max(np.abs(np.asarray(a) - b[: len(a)]))) for a, b in zip(found, known, strict=True))
    # a missing figure is not an agreement
    return gap if all(np.isfinite(each).all() for each in found) else float("inf")


def interpreter(peer: Peer, folder: Path) -> Path:
    """The Python of the peer's own environment, which is made where there is none."""
    home = folder / peer.name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        try:
            called([sys.executable, "-m", "venv", str(home)])
            called([str(python), "-m", "pip", "install", "--quiet", f"{peer.name}=={peer.version}"])
        except (RuntimeError, subprocess.TimeoutExpired):
            # half an environment would pass for one the next time
            shutil.rmtree(home, ignore_errors=True)
            raise
    return python


def called(command: list[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; RuntimeError with its last words where it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        wrong = [line for line in said if "rror" in line]
        raise RuntimeError(" ".join((wrong or said or [f"exit status {done.returncode}"])[-1].split())[:160])
    return done.stdout


def asked(peer: Peer, python: Path, cwd: Path) -> tuple[float, Cars]:
    """One child process: its processor seconds an event, AR of day 0 and CAR of each event."""
    script = cwd / f"{peer.name}.py"
    script.write_text(HEAD + peer.source + TAIL, encoding="utf-8")
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LANG")}
    environment = {**kept, **dict.fromkeys(names, "1"), "HOME": str(cwd), "MPLBACKEND": "Agg"}
    # isolated: one of the peers has our package's name, and neither this folder nor the user's may be searched
    command = [str(python), "-I", str(script), str(cwd / "data.npz"), str(peer.events), peer.name]
    said = json.loads(called(command, cwd, environment).splitlines()[-1])
    if said["version"] != peer.version:
        raise RuntimeError(f"version {said['version']} is installed, not {peer.version}")
    if len(said["car"]) != peer.events:
        raise RuntimeError(f"{len(said['car'])} of {peer.events} events came back")
    return said["seconds"] / peer.events, (np.array(said["day0"]), np.array(said["car"]))


def repeated(job: Job, times: int) -> Job:
    """A short job often enough for the clock."""

    def run() -> None:
        for _ in range(times):
            job()

    return run


def timed(job: Job, n: int) -> Callable[[], float]:
    """Processor seconds an event of a job on so many events."""

    def run() -> float:
        began = time.process_time()
        job()
        return (time.process_time() - began) / n

    return run


def own_jobs(data: Data, folder: Path, known: Cars) -> tuple[dict[str, Callable[[], float]], float]:
    """Our ways, warm, and the largest difference of the small studies from the kernel."""
    panel, placed, many = panel_of(data), placed_of(data, EVENTS), placed_of(data, MANY, in_order=True)

    def kernel(engine: Engine, times: int) -> tuple[Job, int]:
        return repeated(lambda: measure(panel, placed, replace(OPTIONS, engine=engine)), times), times * EVENTS

    small = studies(data, folder)
    gap = max(difference(cars_of(run()), known) for run in small.values())
    jobs: dict[str, tuple[Job, int]] = {
        **{name: (run, FEW) for name, run in small.items()},
        "numpy": kernel("numpy", 5),
        "numba": kernel("numba", 100),
        "battery": (lambda: compiled_battery(panel, many, WHOLE), MANY),
    }
    for name in ("numpy", "numba", "battery"):
        jobs[name][0]()
    return {name: timed(job, n) for name, (job, n) in jobs.items()}, gap


# events and what is computed
OWN = {
    "estimated": (FEW, "study.run, prices in memory: AR, CAR, t, p; calendars, price checks, flags"),
    "run": (FEW, "study.run, prices in memory: the default tests (of events, across, groups, clusters), other models"),
    "run from CSV": (FEW, f"the same from {SERIES + 1} text files, reading included"),
    "numpy": (EVENTS, "measure, arrays in: AR, CAR by day and of three windows, with errors"),
    "numba": (EVENTS, "the same, compiled"),
    "battery": (MANY, f"measure compiled, three windows, and {len(WHOLE)} tests across events"),
}


def measured(
    jobs: Mapping[str, Callable[[], float]], peers: Mapping[Peer, Callable[[], tuple[float, Cars]]], known: Cars,
    rounds: int,
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, str]]:  # fmt: skip
    """Seconds an event of each round, the largest difference of each peer, and why some were not measured."""
    spent: dict[str, list[float]] = {name: [] for name in [*jobs, *(peer.name for peer in peers)]}
    gaps: dict[str, float] = {}
    failed: dict[str, str] = {}
    turns = [*jobs, *peers]
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        for at in rng.permutation(len(turns)):
            one = turns[at]
            if isinstance(one, str):
                spent[one].append(jobs[one]())
            elif one.name not in failed:
                try:
                    seconds, found = peers[one]()
                except (RuntimeError, subprocess.TimeoutExpired, ValueError, IndexError) as wrong:
                    failed[one.name] = str(wrong) or type(wrong).__name__
                    continue
                spent[one.name].append(seconds)
                gaps[one.name] = max(gaps.get(one.name, 0.0), difference(found, known))
    return spent, gaps, failed


def reported(spent: Mapping[str, list[float]], gaps: Mapping[str, float], failed: Mapping[str, str]) -> None:
    """Print both tables: events a second of each, and each of ours over each peer."""

    def line(name: str, version: str, n: int, times: list[float], computes: str) -> None:
        middle, low, high = ratio([1.0] * len(times), times)
        print(f"{name:<20} {version:<7} {n:>6,} {spread(middle, low, high):<27} {computes}")

    print(f"{'':<20} {'version':<7} {'events':>6} {'a second (lowest-highest)':<27} computes")
    for peer in PEERS:
        if peer.name in failed:
            print(f"{peer.name:<20} {peer.version:<7} not measured: {failed[peer.name]}")
        else:
            computes = f"{peer.computes}; {verdict(gaps[peer.name])}"
            line(peer.name, peer.version, peer.events, spent[peer.name], computes)
    for name, (n, computes) in OWN.items():
        line(f"ours: {name}", "", n, spent[name], computes)
    print("\nours over each, median of rounds (lowest-highest)")
    print(f"{'':<20} " + " ".join(f"{name:<21}" for name in OWN))
    for peer in PEERS:
        if peer.name not in failed:
            each = (ratio(spent[peer.name], spent[name]) for name in OWN)
            print(f"{peer.name:<20} " + " ".join(f"{spread(*one):<21}" for one in each))


def spread(middle: float, low: float, high: float) -> str:
    """Median, lowest and highest in three digits or whole numbers."""
    shown = [f"{one:,.0f}" if one >= 100 else f"{one:.3g}" for one in (middle, low, high)]
    return f"{shown[0]} ({shown[1]}-{shown[2]})"


def verdict(gap: float) -> str:
    """Whether the same thing was computed."""
    if gap <= EQUAL:
        return f"same AR and CAR to {gap:.0e}"
    return f"NOT THE SAME by {gap:.0e}: another estimation window or model"


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser()
    options.add_argument("--venvs", type=Path, help="where the peers' environments are or shall be kept")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    given = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), simulated()
        venvs, prices, cwd = given.venvs or folder / "venvs", folder / "prices", folder / "children"
        for each in (venvs, prices, cwd):
            each.mkdir(parents=True, exist_ok=True)
        np.savez(cwd / "data.npz", **vars(data))
        found = measure(panel_of(data), placed_of(data, EVENTS), OPTIONS)
        known = found.car[:, 0], found.car[:, 2]
        jobs, gap = own_jobs(data, prices, known)
        print(f"AR of day 0 and CAR(-10,10) of our small studies and of the kernel differ by {gap:.0e} at most\n")
        peers: dict[Peer, Callable[[], tuple[float, Cars]]] = {}
        refused: dict[str, str] = {}
        for peer in PEERS:
            try:
                python = interpreter(peer, venvs.resolve())
                peers[peer] = lambda peer=peer, python=python: asked(peer, python, cwd)  # type: ignore[misc]
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as wrong:
                refused[peer.name] = f"not installed, {wrong}"
        spent, gaps, failed = measured(jobs, peers, known, given.rounds)
        reported(spent, gaps, {**refused, **failed})


if __name__ == "__main__":
    main()

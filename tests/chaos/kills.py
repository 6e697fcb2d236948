"""``kill -9`` and Ctrl-C at random moments: what is left can be read, and the next run's output is the undisturbed one.

Most commands run in a child forked from a process that has everything imported, so that the kills hit work; a part
runs as a process of its own from the first instruction. The delays are drawn from a seed; half of them count from the
start, half from the moment at which the command begins to write.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from eventstudy.data.store import FILE, open_store
from tests.chaos.tally import Tally
from tests.network.stand_in import StandIn, snapshot_listings, stand_in

ROOT = Path(__file__).parent.parent.parent
EVENTS = """event_id,ticker,announced_at,timing
a,NVDA,2025-04-15,amc
b,AMD,2025-01-27,bmo
c,NVDA,2024-05-22,amc
"""
# bytes of measured events: a study of three events is kept, one of four hundred is not
KEPT = 1_500_000
# No command takes this long unless it hangs.
LONGEST = 150.0
# dates of results as a file, and a list of announcements without headings of ours, long enough to take a while
RESULTS = "ticker,date,hour\n" + "".join(
    f"NVDA,{year}-{month:02}-{day:02},amc\n"
    for year in range(1999, 2026)
    for month in (2, 5, 8, 11)
    for day in (20, 21)
)
RUN = ("--benchmark", "SPY", "--formats", "csv,json", "--spec-curve", "off")
STREAM = ("--source", "snapshot", "--benchmark", "SPY", "--formats", "csv", "--exclude", "none", "--engine", "numpy")
# Jobs after which the store holds every series.
FILLING = ("fetch", "cache import")
# What a manifest says of the moment and the place, documented as varying.
VARYING = ("written_at", "command", "versions")


def many_events(n: int) -> str:
    """Enough events for a streamed study, the same for ever."""
    chance = random.Random(4)
    days = [f"202{chance.randint(2, 4)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}" for _ in range(n)]
    rows = [f"e{i},{chance.choice(('NVDA', 'AMD', 'ASML', 'SOXX'))},{day},amc" for i, day in enumerate(days)]
    return "\n".join(["event_id,ticker,announced_at,timing", *rows]) + "\n"


@dataclass(frozen=True)
class Job:
    """A command to be killed.

    Attributes
    ----------
    name : str
    arguments : tuple of str
    before : tuple of str
        A command that fills the folder first; empty for none.
    """

    name: str
    arguments: tuple[str, ...]
    before: tuple[str, ...] = ()


OTHER = ("run", "--source", "snapshot", "-o", "out", *RUN[:3], "csv,json,md", "--window", "0:3", "--event", "a")
JOBS = (
    Job("fetch", ("fetch", "events.csv", "--benchmark", "SPY")),
    Job("run", ("run", "--source", "snapshot", "-o", "out", *RUN)),
    Job("run over another", ("run", "--source", "snapshot", "-o", "out", *RUN), OTHER),
    Job("run from Yahoo", ("run", "--source", "yahoo", "-o", "out", *RUN)),
    Job("cache import", ("cache", "import", "export")),
    Job(
        "collect earnings",
        ("collect", "earnings", "NVDA", "--since", "1999", "--from", "results.csv", "--to", "out/c.csv"),
    ),
    Job("import", ("import", "results.csv", "-o", "out/imported.csv")),
    Job("streamed", ("run", "many.csv", "-o", "out", *STREAM)),
)


class Zygote:
    """The forking process, asked for one child at a time."""

    def __init__(self) -> None:
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready" in self._line()

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found = json.loads(self.process.stdout.readline())
        assert isinstance(found, dict)
        return found

    def run(
        self, arguments: tuple[str, ...], cwd: Path, env: dict[str, str], during: Callable[[int], None] | None = None
    ) -> tuple[int, str]:
        """Exit code (or minus the signal) and what was said; ``during`` may kill the child."""
        log = cwd / "log.txt"
        order = {"argv": list(arguments), "cwd": str(cwd), "env": env, "log": str(log), "kept": KEPT}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        pid = int(self._line()["pid"])
        watch = threading.Timer(LONGEST, lambda: os.kill(pid, signal.SIGABRT))
        watch.start()
        try:
            if during is not None:
                during(pid)
            status = int(self._line()["status"])
        finally:
            watch.cancel()
        return status, log.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def spawned(
    arguments: tuple[str, ...], cwd: Path, env: dict[str, str], during: Callable[[int], None] | None = None
) -> tuple[int, str]:
    """The same as a process of its own, imports and all."""
    log = cwd / "log.txt"
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [sys.executable, "-m", "eventstudy", *arguments],
            cwd=cwd,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
        )
        try:
            if during is not None:
                during(process.pid)
            status = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            status = -signal.SIGABRT
            process.wait()
    return status, log.read_text(encoding="utf-8", errors="replace")


class Yard:
    """A stand-in, a forking process, and what every command makes undisturbed."""

    def __init__(self, folder: Path, yahoo: StandIn, jobs: tuple[Job, ...] = JOBS) -> None:
        self.folder, self.yahoo, self.jobs = folder, yahoo, jobs
        self.zygote = Zygote()
        self.digests: set[tuple[str, str]] = set()
        self.expected: dict[str, dict[str, bytes]] = {}
        self.began: dict[str, dict[str, bytes]] = {}
        self.seconds: dict[str, float] = {}
        for job in jobs:
            place = self.place("undisturbed")
            if job.before:
                status, said = self.zygote.run(job.before, place, self.environment(place))
                assert status == 0, said
                shutil.copytree(place / "out", self.folder / "before")
            self.began[job.name] = tree(place / "out")
            started = time.monotonic()
            status, said = self.zygote.run(job.arguments, place, self.environment(place))
            assert status == 0, said
            self.seconds[job.name] = time.monotonic() - started
            self.expected[job.name] = tree(place / "out")
            if job.name == "fetch":
                self.digests = digests(place / "store")
                status, said = self.zygote.run(("cache", "export", "export"), place, self.environment(place))
                assert status == 0, said
                shutil.copytree(place / "export", self.folder / "export")
            shutil.rmtree(place)

    def place(self, name: str) -> Path:
        """A folder with the events."""
        place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        (place / "events.csv").write_text(EVENTS)
        (place / "many.csv").write_text(many_events(400))
        (place / "results.csv").write_text(RESULTS)
        if (self.folder / "export").exists():
            shutil.copytree(self.folder / "export", place / "export")
        return place

    def environment(self, place: Path) -> dict[str, str]:
        kept = {"EVENTSTUDY_STORE": str(place / "store"), "EVENTSTUDY_OFFLINE": "no", "NO_COLOR": "1"}
        return {**kept, **self.yahoo.environment(self.folder / "home")}

    def trial(self, seed: int, number: int, how: signal.Signals) -> tuple[str, str, str]:
        """One command killed (or interrupted): its name, outcome, broken promise."""
        chance = random.Random(f"{seed}/{number}/{how.name}")
        job = self.jobs[number % len(self.jobs)]
        place = self.place("kill")
        before = self.began[job.name]
        if job.before:
            shutil.copytree(self.folder / "before", place / "out")
        # a process of its own does not stream so few events
        own = number // len(self.jobs) % 4 == 3 and job.name != "streamed"
        start = spawned if own else self.zygote.run
        longest = self.seconds[job.name] + (self.seconds.get("run", self.seconds[job.name]) + 2.0 if own else 0.0)
        status, said = start(
            job.arguments,
            place,
            self.environment(place),
            lambda pid: _strike(pid, how, chance, longest, place, own and how == signal.SIGINT),
        )
        broken = self._after(job, place, before, status, said, how)
        if not broken:
            broken = self._again(job, place)
        shutil.rmtree(place)
        outcome = {-how: "killed", 128 + how: "interrupted", 0: "was faster"}.get(status, f"code {status}")
        name = job.name + (", from its start" if own else "")
        return name, outcome, f"{how.name} {seed}/{number} ({name}, {outcome}): {broken}" if broken else ""

    def _after(
        self, job: Job, place: Path, before: dict[str, bytes], status: int, said: str, how: signal.Signals
    ) -> str:
        """What a reader who comes now sees that he must not."""
        # before its first line runs, a process has no answer to SIGTERM yet
        allowed = {signal.SIGKILL: (0, -how), signal.SIGTERM: (0, 128 + how, -how)}.get(how, (0, 128 + how))
        if status not in allowed:
            return f"exit {status}: {said[-800:]}"
        if "Traceback" in said or "Exception ignored" in said:
            return f"a traceback: {said[-800:]}"
        wanted, now = self.expected[job.name], tree(place / "out")
        for name, data in now.items():
            if data not in (wanted.get(name), before.get(name)):
                return f"{name} is neither the old nor the new file"
        if "manifest.json" in now and now["manifest.json"] == wanted["manifest.json"] and now.keys() < wanted.keys():
            return "the manifest is there before its files"
        if how != signal.SIGKILL and status == 128 + how and now not in (before, wanted):
            return f"half a report: {sorted(set(now.items()) ^ set(before.items()))[:3]}"
        if how != signal.SIGKILL and list((place / "out").glob(".eventstudy-*")):
            return "an unfinished folder stays"
        return _store_is_sound(place / "store", self.digests)

    def _again(self, job: Job, place: Path) -> str:
        status, said = self.zygote.run(job.arguments, place, self.environment(place))
        if status != 0 or "Traceback" in said:
            return f"the next run: exit {status}: {said[-800:]}"
        if "damaged" in said or "cannot be" in said:
            return f"the next run found damage: {said[-800:]}"
        if (found := tree(place / "out", hidden=True)) != (wanted := self.expected[job.name]):
            differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
            return f"the next run's output is not the undisturbed one: {differing}"
        if job.name in FILLING and not digests(place / "store") >= self.digests:
            return "the next fetch's store is not the undisturbed one"
        return ""


def _strike(pid: int, how: signal.Signals, chance: random.Random, longest: float, place: Path, answered: bool) -> None:
    """Wait for the drawn moment and send the signal; where it must be answered, not before the program can answer."""
    if chance.random() < 0.5:
        time.sleep(chance.random() * longest * 1.05)
    else:
        # from the moment at which something appears on the disk
        end = time.monotonic() + longest * 1.5
        while time.monotonic() < end and not _writing(place):
            time.sleep(0.001)
        time.sleep(chance.random() ** 2 * 0.3 * longest)
    while answered and not _answers(pid):
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def _answers(pid: int) -> bool:
    """Whether a process has its own answer to SIGTERM, which a program sets with its first lines; also if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return True
    caught = re.search(r"(?m)^SigCgt:\s*([0-9a-f]+)$", status)
    return caught is None or "\nState:\tZ" in status or bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def _writing(place: Path) -> bool:
    return any((place / "out").glob(".eventstudy-*")) or (place / "store" / f"{FILE}-wal").exists()


def tree(folder: Path, *, hidden: bool = False) -> dict[str, bytes]:
    """Every file by name; what a manifest says of moment and place is left out, and so are folders being built."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        name = path.relative_to(folder).as_posix()
        if name.startswith(".eventstudy-") and not hidden:
            continue
        if path.is_file() or (hidden and name.startswith(".eventstudy-")):
            found[name] = plain(name, path.read_bytes() if path.is_file() else b"")
    return found


def plain(name: str, data: bytes) -> bytes:
    """A file without the moment and the place."""
    if name != "manifest.json":
        return data
    listed = {key: value for key, value in json.loads(data).items() if key not in VARYING}
    listed["series"] = [{**one, "origin": "", "fetched_at": ""} for one in listed["series"]]
    # the store of a killed run may serve the next one
    listed["prices"] = {**listed["prices"], "why": "", "chosen": ""}
    listed["spec"] = {key: value for key, value in listed["spec"].items() if key not in ("store", "offline")}
    listed["spec_sha256"] = ""
    return json.dumps(listed).encode()


def digests(folder: Path) -> set[tuple[str, str]]:
    """Symbol and digest of every vintage of a store."""
    store = open_store(folder, lambda line: None)
    found = {(h.vintage.symbol, store.load(h).bars.digest()) for h in store.headers()}
    store.close()
    return found


def _store_is_sound(folder: Path, known: set[tuple[str, str]]) -> str:
    if not (folder / FILE).exists():
        return ""
    lines: list[str] = []
    store = open_store(folder, lines.append)
    found = store.integrity()
    store.close()
    if lines or found:
        return f"the store: {lines} {found}"
    return "" if digests(folder) <= known else "the store holds what nobody sent"


@contextmanager
def yard(jobs: tuple[Job, ...] = JOBS) -> Iterator[Yard]:
    """Everything that kills of these commands need."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        with stand_in(folder, snapshot_listings()) as yahoo:
            here = Yard(folder, yahoo, jobs)
            try:
                yield here
            finally:
                here.zygote.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def part(seed: int, share: int, shares: int, kills: int, interrupts: int, seconds: float) -> Tally:
    """Every ``shares``-th kill and interrupt, alternating, as many as the time allows."""
    tally, end = Tally(), time.monotonic() + seconds
    plan = [(n / kills, n, signal.SIGKILL) for n in range(kills)]
    # Ctrl-C and the signal of a system that shuts down, in turns
    plan += [(n / interrupts, n, (signal.SIGINT, signal.SIGTERM)[n % 2]) for n in range(interrupts)]
    with yard() as here:
        for _, number, how in sorted(plan)[share::shares]:
            if time.monotonic() > end:
                break
            name, outcome, broken = here.trial(seed, number, how)
            tally.add((f"{how.name} {name}",), outcome, broken)
    return tally


def campaign(seed: int, kills: int, interrupts: int, seconds: float = 1e9, workers: int = 2) -> Tally:
    """So many kills and interrupts, or as many as the time allows, shared between processes."""
    tally = Tally()
    shares, one = list(range(workers)), [seed] * workers
    rest = [[value] * workers for value in (workers, kills, interrupts, seconds)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for found in pool.map(part, one, shares, *rest):
            tally.merge(found)
    return tally

"""Many processes on one store, and workers of a cluster that are killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from eventstudy.data.store import open_store
from tests.chaos.kills import ROOT, many_events, tree
from tests.chaos.tally import Tally

# Each process writes vintages of its own symbol and reads everybody's; one in three finds the store damaged first.
WRITER = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
import numpy as np
from eventstudy.data.store import open_store
from eventstudy.data.vintage import COLUMNS, PRICES, Bars, Vintage
folder, name, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2024-04-02"))
for k in range(n):
    store = open_store(folder, lambda line: print("note:", line))
    bars = Bars(days, {c: np.full(len(days), float(k + 1)) for c in COLUMNS})
    store.record(Vintage(symbol=name, source="yahoo", outcome=PRICES, requested_start=date(2024, 1, 2),
        requested_end=date(2024, 4, 1), fetched_at=datetime(2024, 5, 1, tzinfo=UTC), status=200, body_sha256="",
        client="x", client_version="1", timezone="America/New_York", currency="USD", bars=bars))
    found = store.integrity()
    assert not found, found
    store.close()
"""
CLUSTER = """
import sys
from pathlib import Path
from eventstudy.data.events import read_events
from eventstudy.scale.executors import executor
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study_report import Order, study_into
if __name__ == "__main__":
    spec = StudySpec(source="snapshot", exclude="none", engine="numpy", tests=("csect-t", "bmp"))
    with executor(1, int(sys.argv[1]), "") as chosen:
        order = Order(out=Path("out"), formats=("csv",), executor=chosen, limits=Limits(block=2048, kept=0))
        study_into(read_events("many.csv"), spec, order)
"""


def together(folder: Path, processes: int, each: int, *, damaged: bool = False) -> str:
    """Processes that write to one store at once; what is wrong afterwards."""
    folder.mkdir(exist_ok=True)
    if damaged:
        (folder / "prices.db").write_bytes(b"no store at all" * 1000)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), f"S{n}", str(each)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for n in range(processes)
    ]
    said = [process.communicate(timeout=300)[0] for process in running]
    wrong = [text for process, text in zip(running, said, strict=True) if process.returncode]
    if wrong:
        return wrong[0][-600:]
    store = open_store(folder, said.append)
    counts = {f"S{n}": len(store.headers(f"S{n}")) for n in range(processes)}
    found = store.integrity()
    store.close()
    if found or set(counts.values()) != {each}:
        return f"{found} {counts}"
    aside = len(
        [path for path in folder.glob("prices.db.damaged-*") if "-wal" not in path.name and "-shm" not in path.name]
    )
    return "" if aside == int(damaged) else f"{aside} stores set aside: {said}"


def lost_worker(folder: Path, chance: random.Random, wanted: dict[str, bytes]) -> tuple[str, str]:
    """A study on two workers one of which is killed: what became of it, and what is wrong."""
    process = _cluster(folder, 2)
    workers: list[int] = []
    end = time.monotonic() + 60
    while len(workers) < 2 and process.poll() is None and time.monotonic() < end:
        workers = _workers(process.pid)
        time.sleep(0.02)
    if chance.random() < 0.75:
        # not while they start, but while they work
        while process.poll() is None and time.monotonic() < end and not list((folder / "out").glob(".eventstudy-*")):
            time.sleep(0.01)
    time.sleep(chance.random() * 3)
    workers = _workers(process.pid) or workers
    if process.poll() is None and workers:
        os.kill(chance.choice(workers), signal.SIGKILL)
    said = process.communicate(timeout=300)[0]
    if process.returncode:
        clear = "UsageError" in said and "worker" in said
        return "error", "" if clear and not (folder / "out").exists() else said[-800:]
    return "right", "" if tree(folder / "out", hidden=True) == wanted else "not the undisturbed report"


def _cluster(folder: Path, workers: int) -> subprocess.Popen[str]:
    (folder / "study.py").write_text(CLUSTER)
    return subprocess.Popen(
        [sys.executable, "study.py", str(workers)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _workers(parent: int) -> list[int]:
    """Descendants of a process that are started by multiprocessing's spawn."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(above, []).append(int(entry.name))
    found, todo = [], [parent]
    while todo:
        for child in children.get(todo.pop(), []):
            todo.append(child)
            try:
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
            except OSError:
                continue
    return found


def campaign(seed: int, stores: int, workers: int) -> Tally:
    """So many stores under ten processes, and so many killed workers."""
    tally, chance = Tally(), random.Random(seed)
    base = Path(tempfile.mkdtemp(prefix="company-"))
    try:
        for n in range(stores):
            many, damaged = (2, 10)[n % 2], n % 3 == 0
            wrong = together(base / f"store{n}", many, 3, damaged=damaged)
            name = f"{many} processes on one {'damaged ' if damaged else ''}store"
            tally.add((name,), "wrong" if wrong else "right", wrong and f"{name}: {wrong}")
        (base / "many.csv").write_text(many_events(12_000))
        alone = _cluster(base, 0)
        said = alone.communicate(timeout=300)[0]
        assert alone.returncode == 0, said
        wanted = tree(base / "out", hidden=True)
        for n in range(workers):
            place = base / f"workers{n}"
            place.mkdir()
            shutil.copy(base / "many.csv", place)
            outcome, wrong = lost_worker(place, chance, _without_executor(wanted))
            tally.add(("SIGKILL a worker of --workers 2",), outcome, wrong and f"worker {seed}/{n}: {wrong}")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return tally


def _without_executor(files: dict[str, bytes]) -> dict[str, bytes]:
    return {
        name: data.replace(b'"one process"', b'"2 local Dask workers"') if name == "manifest.json" else data
        for name, data in files.items()
    }

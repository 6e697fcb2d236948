"""A scheduler and workers started by hand, as docs/scale.md says; one worker is killed while it counts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import large
from eventstudy.errors import UsageError
from eventstudy.scale import executors
from eventstudy.scale.executors import executor
from eventstudy.scale.limits import LIMITS
from tests.cli.conftest import clean_environment
from tests.conftest import module_needs
from tests.scale.test_parts import same_rows

module_needs("scale")
pytestmark = pytest.mark.slow
EVENTS, SECURITIES, LONGEST = 60_000, 20, 60


def waiting_for(path: Path, process: subprocess.Popen[bytes]) -> str:
    """The address that a scheduler writes down when it listens."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        assert process.poll() is None, "the scheduler ended"
        if path.exists() and path.read_text().strip():
            address = json.loads(path.read_text())["address"]
            assert isinstance(address, str)
            return address
        time.sleep(0.05)
    raise AssertionError("the scheduler does not listen")


def present(address: str) -> bool:
    """Whether both workers have come."""
    from distributed import Client

    with Client(address, timeout=LONGEST) as client:
        return len(client.nthreads()) == 2


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler on loopback and two workers, by the documented commands."""
    listening, started = tmp_path / "scheduler.json", []

    def dask(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            cwd=tmp_path,
            env=clean_environment(OMP_NUM_THREADS="1"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    try:
        scheduler = dask(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(listening))
        )
        address = waiting_for(listening, scheduler)
        # without a nanny, that would start a killed worker again
        workers = [dask("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
        end = time.monotonic() + LONGEST
        while not present(address) and time.monotonic() < end:
            time.sleep(0.1)
        yield address, workers
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_worker_that_is_killed_changes_no_byte(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = cluster
    large.write_prices(tmp_path / "prices.parquet", SECURITIES)
    large.write_events(tmp_path / "events.parquet", EVENTS, SECURITIES)
    command = [
        *(sys.executable, "-m", "eventstudy", "run", "events.parquet", "--source", "parquet:prices.parquet"),
        *("--benchmark", large.MARKET, "--tests", "csect-t,corrado,grank-t", "--exclude", "none", "--engine", "numpy"),
        *("--formats", "csv,parquet"),
    ]
    alone = subprocess.Popen([*command, "-o", "alone"], cwd=tmp_path, env=clean_environment())
    assert alone.wait(LONGEST * 4) == 0
    process = subprocess.Popen(
        [*command, "--scheduler", address, "-o", "shared"], cwd=tmp_path, env=clean_environment()
    )
    try:
        # rows of the first block are on the disk: others are at work
        while not list((tmp_path / "shared").glob(".eventstudy-*/windows.parquet/*")):
            assert process.poll() is None, "it was too fast to be disturbed"
            time.sleep(0.01)
        workers[0].send_signal(signal.SIGKILL)
        assert process.wait(LONGEST * 4) == 0
    finally:
        process.kill()
        process.wait()
    assert workers[0].wait(10) == -signal.SIGKILL and workers[1].poll() is None
    manifest = json.loads((tmp_path / "shared" / "manifest.json").read_text())
    assert "Dask cluster with" in json.dumps(manifest), "the cluster did it"
    assert len(list((tmp_path / "shared" / "windows.parquet").iterdir())) == -(-EVENTS // LIMITS.block)
    same_rows(tmp_path / "alone", tmp_path / "shared")


def test_a_cluster_that_goes_away_is_told(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every worker is killed while a task runs: an error, where a run once waited for ever."""
    address, workers = cluster
    monkeypatch.setattr(executors, "LOST_AFTER", 1)
    with executor(1, 0, address) as who:
        results = who.run(time.sleep, [(0.01,), (LONGEST,), (LONGEST,), (LONGEST,), (LONGEST,)])
        assert next(results) is None
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        with pytest.raises(UsageError, match="no worker has been connected"):
            next(results)

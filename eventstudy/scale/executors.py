"""Executors: this process, threads, or a Dask cluster. Results come in the order of the tasks."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from eventstudy.errors import UsageError
from eventstudy.extras import missing
from eventstudy.libraries import SAFE_PATH

# seconds in which a scheduler must answer
ANSWER_WITHIN = 8
# seconds of waiting for a block after which it is asked whether anybody works
LOST_AFTER = 30
# tasks handed out beyond those at work, so that workers do not wait and little memory is held
AHEAD = 2


class Executor(Protocol):
    """Runs one function on many tasks."""

    @property
    def words(self) -> str:
        """Description for the manifest."""

    @property
    def apart(self) -> bool:
        """Whether tasks run in other processes, which do not share this one's memory."""

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The function's results, in the order of the tasks."""


@dataclass(frozen=True, slots=True)
class Here:
    """This process, one task after the other."""

    words: str = "one process"
    apart: bool = False

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The function's results, in the order of the tasks."""
        return (function(*task) for task in tasks)


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads of this process: NumPy and compiled kernels release the GIL."""

    n: int
    apart: bool = False

    @property
    def words(self) -> str:
        """Description for the manifest."""
        return f"{self.n} threads"

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The function's results, in the order of the tasks."""
        with ThreadPoolExecutor(self.n) as pool:
            waiting: deque[Any] = deque()
            try:
                for task in tasks:
                    waiting.append(pool.submit(function, *task))
                    if len(waiting) >= self.n + AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


@dataclass(frozen=True, slots=True)
class Dask:
    """Workers of a Dask cluster, which see the same folders. A lost worker's tasks run again elsewhere."""

    client: Any
    words: str
    apart: bool = True

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The function's results, in the order of the tasks."""
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        room = max(1, sum(self.client.nthreads().values())) + AHEAD
        waiting: deque[Any] = deque()
        try:
            for task in tasks:
                waiting.append(self.client.submit(function, *task, pure=False, retries=2))
                if len(waiting) >= room:
                    yield self._next(waiting)
            while waiting:
                yield self._next(waiting)
        except KilledWorker as error:
            raise UsageError(
                f"a block of events ended its worker several times: {str(error).splitlines()[0][:200]}",
                "workers with room for a block of 16,384 events (about 300 MB)",
                "look at the workers' logs, or give them more memory",
            ) from error
        except CancelledError as error:
            # nothing here cancels what it waits for
            raise UsageError(
                "the Dask scheduler stopped during the run",
                "a scheduler that runs until the end",
                "look at its log, restart it and its workers, and run again",
            ) from error
        except FileNotFoundError as error:
            raise UsageError(
                f"a worker cannot see {error.filename}",
                "a report folder that every worker reaches under the same name",
                "put -o on a file system that they share",
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def _next(self, waiting: deque[Any]) -> Any:
        future = waiting.popleft()
        while True:
            try:
                result = future.result(timeout=LOST_AFTER)
                break
            except TimeoutError:
                # a long block, or no worker left to compute it
                if future.status == "pending" and not self.client.nthreads():
                    raise UsageError(
                        f"no worker has been connected for up to {LOST_AFTER} s",
                        "at least one that runs until the end",
                        "look at the workers' logs, start some, and run again",
                    ) from None
        # the cluster may forget it
        future.release()
        return result


@contextmanager
def executor(threads: int, workers: int, scheduler: str) -> Iterator[Executor]:
    """The executor that options name; a local cluster ends with it. Raises ``UsageError`` if options contradict each
    other, Dask is not installed, or no scheduler answers."""
    chosen = [name for name, on in (("--workers", workers), ("--scheduler", scheduler)) if on]
    if len(chosen) > 1:
        raise UsageError("--workers starts a cluster and --scheduler uses an existing one", "one of the two")
    if threads < 1 or workers < 0:
        raise UsageError("threads and workers are counted from 1", "a whole number such as 2")
    if not chosen:
        yield Threads(threads) if threads > 1 else Here()
        return
    client_type, cluster_type = _distributed(chosen[0])
    if workers:
        with _environment(), _started(cluster_type, workers, threads) as cluster, client_type(cluster) as client:
            yield Dask(client, f"{workers} local Dask workers")
        return
    try:
        client = client_type(scheduler, timeout=ANSWER_WITHIN)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {scheduler} within {ANSWER_WITHIN} s",
            "the address of a running scheduler, such as tcp://10.0.0.1:8786",
            "start one with `dask scheduler`, workers with `dask worker ADDRESS`, or use --workers N",
        ) from error
    with client:
        if not client.nthreads():
            raise UsageError(
                f"the scheduler at {scheduler} has no workers", "at least one", f"start one: dask worker {scheduler}"
            )
        yield Dask(client, f"Dask cluster with {len(client.nthreads())} workers")


@contextmanager
def _environment() -> Iterator[None]:
    """This process's environment as it was: Dask sets one thread of linear algebra a worker, and leaves that here."""
    before = dict(os.environ)
    # workers are new interpreters, which would look for modules in the folder of the study first
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _started(cluster_type: Any, workers: int, threads: int) -> Any:
    """A local cluster whose workers run."""
    try:
        return cluster_type(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            # any free port: two runs at once would both ask for the usual one
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        )
    except (RuntimeError, OSError) as error:
        raise UsageError(
            f"the {workers} workers did not start: {(str(error) or repr(error)).splitlines()[0][:200]}",
            "processes that keep running, and memory for them",
            "try again, or without --workers",
        ) from error


def _distributed(option: str) -> tuple[Any, Any]:
    """Dask's client and local cluster."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise missing(option, "distributed", "scale") from error
    # this program reports what happens to the cluster
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return Client, LocalCluster

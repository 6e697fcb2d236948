"""A process that has the libraries imported, none of our own modules, and forks pytest on demand.

Starting an interpreter with SciPy, pandas and statsmodels takes longer than most mutants live. One JSON object a line on
stdin: ``tests`` (node ids or paths), ``words`` (options of pytest), ``env``, ``processor`` (seconds of processor time) and
``clock`` (seconds of the clock). It answers with one number a line: the exit code of pytest, minus the signal that ended it,
or ``CLOCK`` where it was stopped for the clock. What pytest says is in ``log.txt``.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from typing import Any

CLOCK = 1000
LIBRARIES = (
    "pytest", "hypothesis", "hypothesis.strategies", "xdist.plugin", "pytest_randomly", "coverage", "numpy", "scipy.special", "scipy.stats", "scipy.optimize",
    "scipy.signal", "pandas", "statsmodels.api", "statsmodels.stats.api", "formulaic", "exchange_calendars", "typer",
    "matplotlib.figure", "matplotlib.backends.backend_svg", "arch", "pandas_datareader", "numba", "pyarrow.parquet",
)  # fmt: skip


def child(order: dict[str, Any]) -> None:
    """Become pytest."""
    os.setsid()
    seconds = int(order["processor"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    null, log = os.open(os.devnull, os.O_RDONLY), os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.update(order["env"])
    if "numba" in sys.modules:
        # the folder of compiled code is read when numba is imported
        sys.modules["numba"].config.reload_config()  # type: ignore[attr-defined]
    import pytest

    code = 3
    try:
        code = int(pytest.main([*order["words"], *order["tests"]]))
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def waited(pid: int, clock: float) -> int:
    """How a child ended."""
    end = time.monotonic() + clock
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return CLOCK


def serve() -> None:
    """Until stdin ends."""
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            child(order)
        print(waited(pid, order["clock"]), file=answers, flush=True)


if __name__ == "__main__":
    serve()

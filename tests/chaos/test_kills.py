"""A slice of the campaign of kills and interrupts, and Ctrl-C where libraries would swallow it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.chaos.kills import JOBS, Job, yard
from tests.cli.conftest import clean_environment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals of POSIX")
SEED = 7


RUN = tuple(job for job in JOBS if job.name == "run")


@pytest.mark.parametrize("jobs", [RUN, pytest.param(JOBS, marks=pytest.mark.slow)], ids=["run", "every command"])
def test_commands_that_are_killed_or_interrupted_leave_nothing_half_done(jobs: tuple[Job, ...]) -> None:
    outcomes = set()
    with yard(jobs) as here:
        for number in range(max(len(jobs), 20)):
            for how in (signal.SIGKILL, signal.SIGINT):
                _, outcome, broken = here.trial(SEED, number, how)
                assert not broken, broken
                outcomes.add(outcome)
            # moments are drawn, and a command may be faster than its signal
            if number + 1 >= len(jobs) and {"killed", "interrupted"} <= outcomes:
                break
    assert {"killed", "interrupted"} <= outcomes


SWALLOWED = {
    "a callback of a weak reference": """
import weakref
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda ref: signal.raise_signal(signal.SIGINT))
del thing
time.sleep(30)
""",
    "an import that makes an error of its own of it": """
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("half of a library")
""",
    "an error of ours that it causes": """
from eventstudy.errors import SourceUnavailable
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    raise SystemExit(4)
""",
    "the end that an earlier one asked for": """
ignore = signal.signal
def once_more(*arguments):
    signal.signal = ignore
    signal.raise_signal(signal.SIGINT)
    return ignore(*arguments)
signal.signal = once_more
signal.raise_signal(signal.SIGINT)
""",
    "the work itself": "signal.raise_signal(signal.SIGINT)\ntime.sleep(30)\n",
}


@pytest.mark.parametrize("where", SWALLOWED)
def test_ctrl_c_is_130_wherever_it_falls(where: str) -> None:
    code = (
        "import signal, sys, time, types\n"
        "def work():\n" + "".join(f"    {line}\n" for line in SWALLOWED[where].splitlines()) + "\n"
        "app = types.ModuleType('eventstudy.cli.app'); app.main = work\n"
        "sys.modules['eventstudy.cli.app'] = app\n"
        "from eventstudy.cli.start import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "interrupted; nothing half-written\n"


def test_other_errors_stay_what_they_are() -> None:
    code = (
        "import sys, types\n"
        "def work():\n    raise ZeroDivisionError('a bug')\n"
        "app = types.ModuleType('eventstudy.cli.app'); app.main = work\n"
        "sys.modules['eventstudy.cli.app'] = app\n"
        "from eventstudy.cli.start import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ZeroDivisionError: a bug" in done.stderr


def test_ctrl_c_while_a_command_that_ended_well_says_so_changes_nothing() -> None:
    code = (
        "import signal, sys, types\n"
        "ignore = signal.signal\n"
        "def late(*arguments):\n    signal.signal = ignore\n    signal.raise_signal(signal.SIGINT)\n"
        "    return ignore(*arguments)\n"
        "def work():\n    signal.signal = late\n    raise SystemExit(0)\n"
        "app = types.ModuleType('eventstudy.cli.app'); app.main = work\n"
        "sys.modules['eventstudy.cli.app'] = app\n"
        "from eventstudy.cli.start import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr


def test_a_command_that_ends_well_is_not_interrupted_by_a_late_ctrl_c() -> None:
    code = (
        "import atexit, signal, sys\nsys.argv = ['eventstudy', '--version']\n"
        "atexit.register(lambda: signal.raise_signal(signal.SIGINT))\n"
        "from eventstudy.cli.start import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=clean_environment()
    )
    assert done.returncode == 0 and done.stdout.startswith("eventstudy") and not done.stderr

"""What many tests share: the sample study, run once from the package's own snapshot, and what a test may need."""

from __future__ import annotations

import os

# Workers share the processors already: a second thread of BLAS in each of them waits more than it works, and makes tests
# of small matrices fifteen times as expensive. OpenBLAS reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import signal
import socket
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec

ROOT = Path(__file__).parent.parent
EXTRAS = {
    "fast": ("numba",),
    "factors": ("pandas_datareader",),
    "garch": ("arch",),
    "scale": ("dask", "distributed", "pyarrow"),
    "xlsx": ("openpyxl",),
}


def lacks(extra: str) -> str:
    """Why a test that needs an extra cannot run here; empty if it can."""
    absent = [name for name in EXTRAS[extra] if find_spec(name) is None]
    return f"the extra [{extra}] is not installed (no {', '.join(absent)})" if absent else ""


def needs(extra: str) -> pytest.MarkDecorator:
    """The mark of a test, or a parameter, that needs an extra: without it the test is skipped with the extra's name."""
    return pytest.mark.skipif(bool(lacks(extra)), reason=lacks(extra) or extra)


def module_needs(extra: str) -> None:
    """Skip the module that calls this, where an extra is not installed; for modules that import it at their top."""
    if lacks(extra):
        pytest.skip(lacks(extra), allow_module_level=True)


def pytest_configure() -> None:
    """Ctrl-C works although the shell that starts the tests in its background makes them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # nohup makes them ignore this one, and commands that they start would too
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


BEGUN = pytest.StashKey[float]()
PROCESSOR = "seconds of processor time"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The clock on the wall says little where many things run; what a test costs is processor time."""
    words = (
        f"list so many tests by {PROCESSOR}, with the fixtures that they were the first to ask for and their processes"
    )
    parser.addoption("--slowest", type=int, default=0, help=words)


def processor_time() -> float:
    """Of this process and of those that it started and waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins."""
    item.stash[BEGUN] = processor_time()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """A test has ended; its cost is a part of the report of its teardown."""
    yield
    item.user_properties.append((PROCESSOR, processor_time() - item.stash[BEGUN]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The dearest tests, and in which order the tests ran; `-q` leaves out the header that says it."""
    if most := config.getoption("--slowest"):
        ended = [report for report in terminalreporter.stats.get("", ()) if report.when == "teardown"]
        costs = sorted(((dict(report.user_properties)[PROCESSOR], report.nodeid) for report in ended), reverse=True)
        terminalreporter.section(f"slowest by {PROCESSOR}: {sum(seconds for seconds, _ in costs):.0f} in all")
        for seconds, name in costs[:most]:
            terminalreporter.write_line(f"{seconds:6.1f}  {name}")
    seed = config.getoption("randomly_seed", None)
    if isinstance(seed, int):
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches beyond this machine is a mistake."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        assert host in ("127.0.0.1", "::1", "localhost", "local"), f"a test tries to reach {host}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    # clients that do not use Python's sockets are sent where nobody listens
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def no_cache_of_this_person(monkeypatch: pytest.MonkeyPatch, cache_home: Path) -> None:
    """Prices that the person who runs the tests has fetched must not be read, nor written to."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))


@pytest.fixture(autouse=True)
def no_parquet_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that comes to write a Parquet file is skipped there with the extra's name, whatever it did before."""
    if lacks("scale"):
        monkeypatch.setattr("pandas.DataFrame.to_parquet", lambda *_, **__: pytest.skip(lacks("scale")))


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests: plotting keeps its list of fonts there."""
    return tmp_path_factory.mktemp("cache-home")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not change them."""
    for name in list(os.environ):
        if name.startswith("EVENTSTUDY_") and name not in ("EVENTSTUDY_TEST_DATA", "EVENTSTUDY_REPLICATIONS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sample() -> StudyResult:
    """The repository's own study."""
    from eventstudy.study import run

    spec = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"))
    return run(ROOT / "events.csv", spec=spec)


@pytest.fixture(scope="session")
def few() -> StudyResult:
    """Two announcements of it, for what does not depend on how many there are: every file of a report, in a tenth of the
    time."""
    from eventstudy.study import run

    spec = StudySpec(source="snapshot", benchmarks=("SPY", "SOXX"))
    return run(ROOT / "events.csv", spec=spec, only=["h20_license_8k", "deepseek_shock"])


@pytest.fixture(scope="session")
def sample_pages(sample: StudyResult) -> dict[str, str]:
    """Every page and figure of the repository's own study, by file name."""
    from eventstudy.report.pages import page_files

    return {name: data.decode() for name, data in page_files(sample, ("md", "html", "tex"), None).items()}

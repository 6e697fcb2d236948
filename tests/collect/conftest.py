"""Services on loopback that this process meets, and commands that ask them without really waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from eventstudy.data import clock
from eventstudy.data.http import Patience, Web
from tests.cli.conftest import Cli, Outcome, run_in
from tests.network.services import Services


def some(kinds: Iterable[Any], *fast: Any) -> list[Any]:
    """Cases of which a few belong to the fast part of the suite and the others to the slow one."""
    known = list(kinds)
    assert set(fast) <= set(known), set(fast) - set(known)
    slow = pytest.mark.slow
    return [
        pytest.param(*(kind if isinstance(kind, tuple) else (kind,)), marks=[] if kind in fast else [slow])
        for kind in known
    ]


NOW = "2026-02-20T15:00:00+00:00"


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One server for all tests of a worker."""
    server = Services(tmp_path_factory.mktemp("services"))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def services(loopback: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services, empty, instead of the internet; the clock stands still."""
    for name in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in loopback.environment().items():
        monkeypatch.setenv(name, value)
    moment = datetime.fromisoformat(NOW)
    monkeypatch.setattr(clock, "utc_now", lambda: moment)
    loopback.forget()
    yield loopback
    loopback.forget()


@pytest.fixture
def pauses() -> list[float]:
    """Every pause that a client made."""
    return []


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    """Clients note their pauses and make none."""
    known = Web.__init__.__kwdefaults__
    assert known["sleep"] is time.sleep
    changed = {**known, "sleep": pauses.append}
    monkeypatch.setattr(Web.__init__, "__kwdefaults__", changed)


Asking = Callable[..., Outcome]


@pytest.fixture
def asking(services: Services, hurried: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Run a command that may ask the services, with a store in this test's folder."""
    usual = Patience.__init__.__kwdefaults__

    def command(*arguments: str, env: dict[str, str] | None = None) -> Outcome:
        # only where no reply comes at all; elsewhere a busy machine must not look like a slow service
        slow = any("slow" in kinds for kinds in services.faults.values())
        monkeypatch.setattr(
            Patience.__init__, "__kwdefaults__", {**usual, "connect": 20.0, "reply": 2.0 if slow else 40.0}
        )
        settings = {"EVENTSTUDY_OFFLINE": "no", "EVENTSTUDY_STORE": str(tmp_path / "store")}
        return run_in(tmp_path, *arguments, env={**settings, **services.environment(), **(env or {})})

    return command


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run a command in this test's empty folder."""
    return lambda *arguments, env=None: run_in(tmp_path, *arguments, env=env)

"""What only this machine and the vendor may know is in no report, log, manifest, store or error.

Yahoo gives a cookie and a crumb and requires no key; a proxy may want a password. Each is a canary here, and so is a key of some
other vendor in the environment. The client keeps no cookie beyond the command, so that no file may hold any of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Outcome
from tests.network.conftest import Live, hurried, pauses, yahoo  # noqa: F401
from tests.network.conftest import live as live
from tests.network.stand_in import StandIn

PASSWORD, KEY = "canary-7f3a-proxy-password", "canary-9c1e-vendor-key"
CRUMB, COOKIE = "crumb.of.a.stand.in", "d=stand-in"
CANARIES = (PASSWORD, KEY, CRUMB, COOKIE)
ENVIRONMENT = dict.fromkeys(
    ("ALPHAVANTAGE_API_KEY", "POLYGON_API_KEY", "TIINGO_API_KEY", "YAHOO_API_KEY", "API_KEY"), KEY
)
FAULTS = ("401", "404", "429", "notjson", "redirect", "reset")
EVENT = ("event", "NVDA", "2025-04-15", "--timing", "amc", "--source", "yahoo", "-v")


def told(outcome: Outcome, folder: Path) -> list[str]:
    """Where a canary is: in what was said, and in every byte that was written."""
    found = [name for name in CANARIES if name in outcome.out or name in outcome.err]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found += [f"{path.relative_to(folder)}: {name}" for name in CANARIES if name.encode() in data]
    return found


def secretly(server: StandIn) -> dict[str, str]:
    return {**ENVIRONMENT, "HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:{server.port}"}


def test_a_run_that_succeeds(yahoo: StandIn, live: Live, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "events.csv").write_text("event_id,ticker,announced_at,timing\nx,NVDA,2025-04-15,amc\n")
    done = live("run", "--source", "yahoo", "-v", "-o", "out", "--formats", "md,html,csv,json", env=secretly(yahoo))
    assert done.code == 0, done.err
    assert yahoo.log and (tmp_path / "out" / "manifest.json").is_file() and list((tmp_path / "store").iterdir())
    assert not told(done, tmp_path)
    for command in (("doctor",), ("doctor", "--json"), ("cache", "export", "exported"), ("config", "show", "--origin")):
        assert not told(live(*command, env=secretly(yahoo)), tmp_path), command
    # and the search itself finds what is there
    (tmp_path / "leak").write_text(f"?crumb={CRUMB}")
    assert told(done, tmp_path) == [f"leak: {CRUMB}"]


@pytest.mark.parametrize("fault", FAULTS)
def test_runs_that_fail(yahoo: StandIn, live: Live, tmp_path: Path, fault: str) -> None:  # noqa: F811
    yahoo.fault(fault, times=None)
    done = live(*EVENT, env=secretly(yahoo))
    assert done.code in (2, 3, 4) and "Traceback" not in done.err, done.err
    assert not told(done, tmp_path)


def test_a_proxy_that_is_not_there(yahoo: StandIn, live: Live, tmp_path: Path) -> None:  # noqa: F811
    environment = {**ENVIRONMENT, "HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:9"}
    for command in (EVENT, ("doctor",)):
        done = live(*command, env=environment)
        assert done.code and "Traceback" not in done.err, done.err
        assert not told(done, tmp_path)

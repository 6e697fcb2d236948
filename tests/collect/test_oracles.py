"""Other people's readers of the same services, held against ours on the same answers."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.collect.conftest import Asking
from tests.collect.sec import IDENTITY, Company, Paper, Sec
from tests.collect.test_earnings import TABLE, Calendar
from tests.network.services import Services

pytestmark = pytest.mark.slow


@pytest.fixture
def cleared(services: Services) -> Iterator[Services]:
    from tests.network.conftest import forget

    forget()
    yield services
    forget()


def test_dates_of_a_clean_page_are_those_of_yfinance(cleared: Services, asking: Asking, tmp_path: Path) -> None:
    """On a page without faults yfinance reads the same days and hours of New York; its faults are tests of ours."""
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path / "yf"))
    cleared.handlers["finance.yahoo.com"] = Calendar(decoy="")
    theirs = yfinance.Ticker("MADE").get_earnings_dates(limit=100)
    assert theirs is not None and len(theirs) == len(TABLE)
    assert asking("collect", "earnings", "MADE", "--since", "2024", "--to", "confounders.csv").code == 0
    with (tmp_path / "confounders.csv").open() as handle:
        mine = {row["at"]: row["timing"] for row in csv.DictReader(handle)}
    past = [stamp for stamp in theirs.index if stamp.year < 2026 or stamp.month < 3]
    assert sorted(mine) == sorted(str(stamp.date()) for stamp in past)
    for stamp in past:
        bucket = "amc" if stamp.hour >= 16 else "bmo" if 1 <= stamp.hour <= 8 else ""
        assert mine[str(stamp.date())] == bucket


ASK = """
import os, sys
os.environ["EDGAR_IDENTITY"] = sys.argv[1]
os.environ["EDGAR_LOCAL_DATA_DIR"] = sys.argv[2]
import edgar
for number, day in zip(sys.argv[3::2], sys.argv[4::2]):
    filing = edgar.Filing(cik=999001, company="MADE UP INC", form="8-K", filing_date=day, accession_no=number)
    print(filing.accession_no, filing.header.acceptance_datetime.isoformat())
"""


@pytest.mark.skipif(find_spec("edgar") is None, reason="edgartools is not installed")
def test_clocks_of_headers_are_those_of_edgartools(services: Services, asking: Asking, tmp_path: Path) -> None:
    papers = [
        Paper("0000999001-25-000007", "8-K", "2025-05-01 16:21:40", "2025-05-01", "2025-05-01", "2.02,9.01"),
        Paper("0000999001-25-000006", "8-K", "2025-01-15 18:05:10", "2025-01-16", "2025-01-14", "8.01"),
    ]
    served = Sec([Company(999001, "MADE UP INC", ("MADE",), papers, convention="mixed")])
    services.handlers |= dict.fromkeys(("www.sec.gov", "data.sec.gov"), served)
    import os

    env = {**os.environ, **services.environment(), "SSL_CERT_FILE": str(services.authority)}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            ASK,
            IDENTITY,
            str(tmp_path / "edgar"),
            *(w for p in papers for w in (p.number, p.filed)),
        ],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = dict(line.split() for line in done.stdout.splitlines())
    assert asking("collect", "filings", "MADE", "--since", "2025", "--identity", IDENTITY).code == 0
    with (tmp_path / "events.csv").open() as handle:
        mine = {row["event_id"].split("_")[-1]: row["announced_at"][:19] for row in csv.DictReader(handle)}
    assert mine == theirs and len(mine) == 2

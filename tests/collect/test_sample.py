"""The announcements of the sample, played from made-up answers in the real form, get the timing of its events.csv.

What is compared is day 0: the sample writes buckets where only the bucket is sure, the SEC's header a clock.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.collect.conftest import Asking
from tests.collect.sec import IDENTITY, Company, Paper, Sec
from tests.conftest import ROOT
from tests.network.services import Services

# event of the sample -> ticker and its filing: the hour in the header, the SEC's date, the date of the event
FILED: dict[str, tuple[str, Paper]] = {
    "us_ai_chip_rule_2022_8k": ("NVDA", Paper("0001045810-22-000146", "8-K", "2022-08-31 16:36:12", "2022-08-31", "2022-08-26", "8.01")),
    "h20_license_8k": ("NVDA", Paper("0001045810-25-000082", "8-K", "2025-04-15 17:10:09", "2025-04-15", "2025-04-09", "8.01,9.01")),
    "amd_mi308_8k": ("AMD", Paper("0000002488-25-000039", "8-K", "2025-04-16 06:58:31", "2025-04-16", "2025-04-15", "7.01")),
}  # fmt: skip
RESULTS = {
    "NVDA": [Paper("0001045810-24-000316", "8-K", "2024-11-20 16:20:33", "2024-11-20", "2024-11-20", "2.02,9.01")],
    "AMD": [Paper("0000002488-25-000009", "8-K", "2025-02-04 16:16:51", "2025-02-04", "2025-02-04", "2.02,9.01")],
    "ASML": [
        Paper("0000937966-25-000002", "6-K", "2025-01-29 06:02:11", "2025-01-29", "2024-12-31"),
        Paper("0000937966-24-000052", "6-K", "2024-10-15 11:34:59", "2024-10-15", "2024-09-30"),
    ],
}
CIKS = {"NVDA": 1045810, "AMD": 2488, "ASML": 937966}


@pytest.fixture
def sec(services: Services) -> Iterator[Sec]:
    papers = {t: list(found) for t, found in RESULTS.items()}
    for ticker, paper in FILED.values():
        papers[ticker].append(paper)
    served = Sec([Company(CIKS[t], f"{t} INC", (t,), found, convention="mixed") for t, found in papers.items()])
    services.handlers |= {"www.sec.gov": served, "data.sec.gov": served}
    yield served


def day_zero(path: Path, asking: Asking) -> pd.DataFrame:
    done = asking("validate", str(path), "--output-format", "csv")
    assert done.code == 0, done.out + done.err
    from io import StringIO

    return pd.read_csv(StringIO(done.out), dtype=str, keep_default_na=False)


def test_collected_rows_have_day_0_of_the_sample(sec: Sec, asking: Asking, tmp_path: Path) -> None:
    done = asking("collect", "filings", "NVDA", "AMD", "ASML", "--since", "2022", "--identity", IDENTITY)
    assert done.code == 0, done.err
    mine = day_zero(tmp_path / "events.csv", asking)
    (tmp_path / "sample").mkdir()
    for name in ("events.csv", "confounders.csv"):
        (tmp_path / "sample" / name).write_bytes((ROOT / name).read_bytes())
    theirs = day_zero(tmp_path / "sample" / "events.csv", asking)
    compared = 0
    for event, (ticker, paper) in FILED.items():
        found = mine[mine["event_id"].str.endswith(paper.number)].iloc[0]
        known = theirs[(theirs["event_id"] == event) & (theirs["ticker"] == ticker)]
        if known.empty:
            continue
        compared += 1
        assert found["day0"] == known.iloc[0]["day0"], event
    assert compared >= 2
    # results against the sample's confounders: the session that reacts, by the same rule
    with (ROOT / "confounders.csv").open(encoding="utf-8", newline="") as handle:
        known_results = [row for row in csv.DictReader(handle) if row["kind"] == "earnings"]
    for ticker, papers in RESULTS.items():
        for paper in papers:
            found = mine[mine["event_id"].str.endswith(paper.number)].iloc[0]
            row = next(r for r in known_results if r["tickers"] == ticker and r["at"][:10] == paper.accepted[:10])  # type: ignore[index]
            (tmp_path / "one.csv").write_text(f"ticker,announced_at,timing\n{ticker},{row['at']},{row['timing']}\n")
            assert found["day0"] == day_zero(tmp_path / "one.csv", asking).iloc[0]["day0"], (ticker, paper)


def test_the_widened_window_reaches_the_day_the_firm_was_told(sec: Sec, asking: Asking, tmp_path: Path) -> None:
    assert asking("collect", "filings", "NVDA", "--since", "2022", "--identity", IDENTITY).code == 0
    with (tmp_path / "events.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["event_id"].rsplit("_", 1)[1]: row for row in csv.DictReader(handle)}
    assert rows["0001045810-25-000082"]["window"] == "-5:0" and "2025-04-09" in rows["0001045810-25-000082"]["notes"]
    assert rows["0001045810-22-000146"]["window"] == "-4:0", (
        "announced on a Friday, filed the Wednesday after its close"
    )
    assert rows["0001045810-24-000316"]["window"] == ""

"""The README's figures of 16 April 2025, read from reports/ by code of their own."""

from __future__ import annotations

import csv
import re

import pytest

from eventstudy.engine.models import MODELS
from tests.conftest import ROOT

EVENTS = {"NVDA": "h20_license_8k", "AMD": "amd_mi308_8k", "ASML": "asml_q1_2025"}
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def table(name: str, ticker: str, **where: str) -> dict[str, str]:
    """The only line of a table of the sample about a ticker's own announcement."""
    with (ROOT / "reports" / f"{name}.csv").open(encoding="utf-8") as handle:
        wanted = {"event_id": EVENTS[ticker], "ticker": ticker, **where}
        (line,) = [row for row in csv.DictReader(handle) if all(row[k] == v for k, v in wanted.items())]
    return line


def percent(text: str) -> str:
    return f"{100 * float(text):+.2f} %"


@pytest.mark.parametrize("ticker", EVENTS)
def test_the_table_is_that_of_the_sample(ticker: str) -> None:
    (line,) = re.findall(rf"^\| {ticker} \|(.*)\|$", TEXT, flags=re.M)
    cells = [cell.strip() for cell in line.split("|")]
    day = table("abnormal_returns", ticker, day="0")
    window = table("windows", ticker, window="[0,0]")
    night, session = (table("overnight", ticker, part=part) for part in ("overnight", "intraday"))
    assert cells[1:] == [
        percent(day["return"]), percent(day["expected_return"]), percent(window["car"]), f"{float(window['p_headline']):.3f}",
        percent(night["abnormal_return"]), f"{float(night['p_headline']):.3f}",
        percent(session["abnormal_return"]), f"{float(session['p_headline']):.3f}",
    ]  # fmt: skip


def test_the_sentences_hold_in_the_sample() -> None:
    text = " ".join(TEXT.split())
    curves = {ticker: table("curves", ticker, part="day") for ticker in EVENTS}
    nights = {ticker: table("curves", ticker, part="overnight") for ticker in EVENTS}
    windows = {ticker: table("windows", ticker, window="[0,0]") for ticker in EVENTS}
    assert nights["AMD"]["n_rejecting"] == nights["AMD"]["n_specifications"], "no specification takes it for ordinary"
    assert curves["NVDA"]["n_rejecting"] == "0"
    counts = {ticker: f"({c['n_rejecting']} of {c['n_specifications']}" for ticker, c in curves.items()}
    assert f"AMD {counts['AMD']} call it unusual) and ASML {counts['ASML']})" in text
    mde = sorted(100 * float(w["mde80"]) for w in windows.values())
    assert f"below {mde[0]:.1f} to {mde[-1]:.1f} % over the day" in text
    assert f"for NVDA below {100 * float(windows['NVDA']['mde80_local']):.1f} %" in text
    assert abs(float(windows["NVDA"]["local_scale"]) - 1) > 0.25
    back = [100 * float(table("overnight", t, part="intraday")["abnormal_return"]) for t in ("NVDA", "AMD")]
    assert f"took back {back[0]:.1f} % and {back[1]:.1f} % during the day" in text
    market = 100 * float(curves["NVDA"]["market_return"])
    assert f"the market fell {-market:.1f} % that day" in text


def test_the_paper_cites_what_its_bibliography_has() -> None:
    paper = (ROOT / "paper.md").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{(\w+),", (ROOT / "paper.bib").read_text(encoding="utf-8"), flags=re.M)
    assert len(entries) == len(set(entries)) and set(re.findall(r"@(\w+)", paper)) == set(entries)


def test_the_paper_counts_the_models() -> None:
    assert f"one of {len(MODELS)} models" in " ".join((ROOT / "paper.md").read_text(encoding="utf-8").split())

"""Pictures cannot contradict the verdict: what each states as ``data-`` attributes, what it draws, and the numbers
below it are held against the tables, for the sample and for random studies."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from eventstudy.report.figures.svg import read_metadata
from eventstudy.report.pages import page_files
from eventstudy.results import StudyResult
from tests.report.random_studies import random_study
from tests.report.reading import Row, counted_variants, pictures, rows_of, values

FEW, MANY = range(20, 25), (*range(25, 30), *range(300, 500))
KINDS = {"actual-expected", "own-by-day", "spec-curve", "placebo", "path"}


def band_of(row: Row) -> tuple[float, float]:
    """Where an ordinary move lies, from the interval of the table."""
    low = -np.inf if np.isnan(row.high) else row.own / 100 - row.high
    return low, np.inf if np.isnan(row.low) else row.own / 100 - row.low


def hold_expected(held: dict[str, str], row: Row) -> None:
    assert float(held["data-own"]) == pytest.approx(row.own / 100, abs=1e-6)
    assert values(held["data-band"]) == pytest.approx(band_of(row), abs=1e-6)
    assert held["data-outside"] == str(int(row.outside))
    # the picture's own numbers say the same: outside its band exactly when p is low
    low, high = values(held["data-band"])
    gap = min(abs(float(held["data-own"]) - low), abs(float(held["data-own"]) - high))
    if gap > 1e-5:
        assert (not low <= float(held["data-own"]) <= high) == row.outside
    if "overnight" in row.parts:
        night = row.parts["overnight"]
        assert float(held["data-open-own"]) == pytest.approx(night["abnormal_return"], abs=1e-6)
        p = night.get("p_headline", night["p_t"])
        assert held["data-open-outside"] == str(int(p <= 1 - row.level + 1e-12))


def hold_days(result: StudyResult, event_id: str, held: dict[str, str], row: Row) -> None:
    daily = result.tables["abnormal_returns"]
    mine = daily[(daily["event_id"] == event_id) & (daily["ticker"] == row.ticker)].set_index("day")
    days = [int(day) for day in held["data-days"].split(",")]
    assert days == [d for d in mine.index if abs(d) <= 5 and np.isfinite(mine.at[d, "std_error"])]
    assert values(held["data-own"]) == pytest.approx([mine.at[d, "abnormal_return"] for d in days], abs=1e-6)
    outside = {int(day) for day in held["data-outside"].split(",") if day}
    wanted = {d for d in days if mine.at[d, "p_value"] <= 1 - row.level and (d != 0 or row.days > 1)}
    if row.days == 1 and row.outside:
        wanted.add(0)
    assert outside == wanted


def hold_curve(result: StudyResult, event_id: str, held: dict[str, str], row: Row) -> None:
    mine = counted_variants(result, event_id, row.ticker)
    assert int(held["data-variants"]) == len(mine) == row.variants
    assert int(held["data-outside"]) == row.unusual
    assert values(held["data-band"]) == pytest.approx([mine["car"].min(), mine["car"].max()], abs=1e-6)
    assert float(held["data-own"]) == pytest.approx(row.own / 100, abs=1e-6)
    curves = result.tables["curves"]
    own = curves[(curves["event_id"] == event_id) & (curves["ticker"] == row.ticker) & (curves["part"] == "day")]
    assert float(held["data-joint"]) == pytest.approx(own["p_median_z"].iloc[0], abs=1e-6, nan_ok=True)


def hold_placebo(held: dict[str, str], row: Row) -> None:
    assert (int(held["data-days"]), int(held["data-as-far"])) == (row.ordinary, row.as_far)
    assert float(held["data-own"]) == pytest.approx(row.own / 100, abs=1e-6)
    assert held["data-outside"] == str(int(row.outside))


def hold_study(result: StudyResult) -> int:
    """Every picture of every page of announcements; how many were held."""
    files = {name: data.decode() for name, data in page_files(result, ("html",), None).items()}
    seen = 0
    for event_id in result.detailed:
        rows = rows_of(result, event_id)
        for held in pictures(files[f"events/{event_id}.html"]):
            assert {"data-own", "data-band", "data-outside"} <= set(held), held["data-kind"]
            assert held["data-kind"] in KINDS and held["aria-label"]
            if held["data-kind"] == "path":
                continue
            row = rows[held["data-ticker"]]
            if held["data-kind"] == "actual-expected":
                hold_expected(held, row)
            elif held["data-kind"] == "own-by-day":
                hold_days(result, event_id, held, row)
            elif held["data-kind"] == "spec-curve":
                hold_curve(result, event_id, held, row)
            else:
                hold_placebo(held, row)
            seen += 1
    return seen


def test_the_sample(sample: StudyResult) -> None:
    assert hold_study(sample) > 150


@pytest.mark.parametrize("seed", FEW)
def test_random_studies(seed: int) -> None:
    assert hold_study(random_study(seed)) > 0


@pytest.mark.slow
def test_two_hundred_random_studies() -> None:
    assert sum(hold_study(random_study(seed)) for seed in MANY) > 1000


def numbers_of(files: dict[str, str], name: str) -> dict[str, Any]:
    return read_metadata(files[f"figures/{name}.svg"])


def test_the_path_of_prices_is_that_of_the_returns(sample: StudyResult, sample_pages: dict[str, str]) -> None:
    """Closes by compounding the returns of the table; the gap to what is expected is the own move of the table."""
    plotted = numbers_of(sample_pages, "expected-h20_license_8k")["shares"]["NVDA"]
    daily = sample.tables["abnormal_returns"]
    mine = daily[(daily["event_id"] == "h20_license_8k") & (daily["ticker"] == "NVDA")].set_index("day")
    by_day = {point["day"]: point for point in plotted}
    assert by_day[-1]["actual"] == 100 and by_day[-1]["expected"] == 100
    level = 100.0
    for day in range(4):
        level *= 1 + mine.at[day, "return"]
        assert by_day[day]["actual"] == pytest.approx(level, rel=1e-9)
        added = mine.loc[0:day, "abnormal_return"].sum()
        assert by_day[day]["actual"] - by_day[day]["expected"] == pytest.approx(100 * added, rel=1e-7)
    assert by_day[-3]["actual"] == pytest.approx(100 / (1 + mine.at[-1, "return"]) / (1 + mine.at[-2, "return"]))
    windows = sample.tables["windows"]
    two = windows[
        (windows["event_id"] == "h20_license_8k") & (windows["ticker"] == "NVDA") & (windows["window"] == "[0,1]")
    ]
    half = (by_day[1]["high"] - by_day[1]["low"]) / 2
    assert half == pytest.approx(100 * (two["ci_high"] - two["ci_low"]).iloc[0] / 2, rel=1e-9), "its exact error"


def test_the_path_of_own_moves_goes_outward(sample: StudyResult, sample_pages: dict[str, str]) -> None:
    paths = numbers_of(sample_pages, "car-h20_license_8k")["paths"]
    daily = sample.tables["abnormal_returns"]
    for ticker, name in (("NVDA", "NVIDIA"), ("AMD", "AMD"), ("ASML", "ASML")):
        mine = daily[(daily["event_id"] == "h20_license_8k") & (daily["ticker"] == ticker)].set_index("day")
        for point in paths[name]:
            day = point["day"]
            days = range(day + 1) if day >= 0 else range(day, 0)
            wanted = sum(mine.at[d, "abnormal_return"] for d in days)
            assert point["value"] == pytest.approx(wanted, rel=1e-7, abs=1e-12)


def test_files_are_well_formed_and_say_what_they_show(sample_pages: dict[str, str]) -> None:
    drawn = {name: text for name, text in sample_pages.items() if name.endswith(".svg")}
    kinds = {name.split("/")[1].partition("-")[0] for name in drawn}
    assert {"expected", "days", "curve", "placebo", "car", "cluster"} <= kinds
    for name, text in drawn.items():
        root = ElementTree.fromstring(text)
        space = "{http://www.w3.org/2000/svg}"
        assert root.get("role") == "img" and root.find(f"{space}title") is not None, name
        assert root.find(f"{space}desc") is not None and root.find(f".//{space}script") is None
        assert read_metadata(text)
        sizes = [float(size) for size in re.findall(r"font(?:-size)?:[ ]?(?:\w+ )?([\d.]+)px", text)]
        assert min(sizes) >= 11, "text keeps 11 px"


def test_every_figure_of_a_page_has_its_numbers_beneath(sample_pages: dict[str, str]) -> None:
    for name in ("report.html", "events/h20_license_8k.html"):
        shown = re.findall(r"<figure[ >].*?</figure>", sample_pages[name], re.S)
        assert len(shown) >= 5
        for part in shown:
            table = re.search(r"<details><summary>The numbers of this figure</summary>.*?</details>", part, re.S)
            assert table, part[:200]
            heads = re.findall(r"<th( [^>]*)?>", table[0])
            assert heads and all('scope="' in head for head in heads)
            cells = re.findall(r"<td[^>]*>([^<]*)", table[0])
            assert cells and all(cells)


def test_pages_of_events_carry_them_in_markdown(sample_pages: dict[str, str]) -> None:
    page = sample_pages["events/h20_license_8k.md"]
    found = set(re.findall(r"!\[.*?\]\(\.\./figures/(.+?)\.svg\)", page))
    assert {f"{kind}-h20_license_8k" for kind in ("expected", "days", "curve", "placebo", "car")} == found
    assert all(f"figures/{name}.svg" in sample_pages for name in found)

"""A study too large to read announcement by announcement: what its report leaves out, and says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eventstudy.data.events import events_from_frame
from eventstudy.evaluate.typical import ordinary_spans
from eventstudy.report.pages import page_files
from eventstudy.results import PAGES, StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run
from eventstudy.study_report import Order, report_into, study_into
from tests.report.random_studies import DAYS as BUSINESS
from tests.report.random_studies import prices

DAYS = [str(day.date()) for day in pd.bdate_range("2023-01-09", periods=PAGES + 10, freq="W-WED")]
ROWS = pd.DataFrame(
    {"event_id": [f"e{n:03}" for n in range(len(DAYS))], "ticker": "NVDA", "announced_at": DAYS, "timing": "bmo"}
)
SPEC = StudySpec(source="snapshot", windows=(Window(0, 0),))


@pytest.fixture(scope="module")
def many() -> StudyResult:
    return run(events_from_frame(ROWS), spec=SPEC)


def test_pages_of_all_announcements_need_to_be_asked_for(sample: StudyResult, tmp_path: Path) -> None:
    assert sample.detailed == sample.announcements, "a small study has them all"
    assert not any("--detail writes all" in notice for notice in sample.notices)

    def written(*, detail: bool) -> tuple[StudyResult, set[str]]:
        order = Order(out=tmp_path / str(detail), formats=("md",), detail=detail)
        found = study_into(events_from_frame(ROWS), SPEC.with_changes(tests=("car-t",)), order)
        return found.result, {Path(name).stem for name in found.files if name.startswith("events/")}

    few, pages = written(detail=False)
    every = list(ROWS["event_id"])
    assert few.announcements == every and few.detailed == every[:PAGES] and pages == set(every[:PAGES])
    assert few.notices[-1] == "pages and figures of the first 50 of 60 announcements; --detail writes all"
    whole, pages = written(detail=True)
    assert whole.detailed == every and pages == set(every)
    assert not any("--detail writes all" in notice for notice in whole.notices)


def test_the_first_announcements_have_pages_and_figures(sample: StudyResult) -> None:
    few = replace(sample, pages=3)
    files = page_files(few, ("md", "html"), None)
    first = sample.announcements[:3]
    assert {name for name in files if name.startswith("events/")} == {
        f"events/{event_id}.{form}" for event_id in first for form in ("md", "html")
    }
    assert {f"figures/car-{event_id}.svg" for event_id in first} <= set(files)
    drawn = {Path(name).stem.partition("-")[2] for name in files if "/car-" in name or "/days-" in name}
    assert drawn <= {*first, "2025-04-16"}


def test_the_page_speaks_of_all_events(many: StudyResult, tmp_path: Path) -> None:
    files = report_into(many, Order(out=tmp_path, formats=("md", "html", "csv"))).files
    windows = pd.read_csv(tmp_path / "windows.csv")
    primary = windows[windows["primary"] == "yes"]
    assert len(primary) == 60 and {"figures/caar-groups.svg", "figures/distribution.svg"} <= set(files)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    title = re.search(r"# After 60 announcements the typical share moved ([\d.]+) % beyond the market in one day", text)
    assert title and float(title[1]) == pytest.approx(100 * primary["car"].abs().median(), abs=0.05)
    average = re.search(r"average own move is ([+-][\d.]+) %", text)
    assert average and float(average[1]) == pytest.approx(100 * primary["car"].mean(), abs=0.005)
    rose = re.search(r"and (\d+) of 60 rose", text)
    assert rose and int(rose[1]) == int((primary["car"] > 0).sum())
    outside = re.search(r"(\d+) of 60 \(\d+ %\) lie outside", text)
    assert outside and int(outside[1]) == int((primary["p_headline"] <= 0.05).sum())
    # no row an event: the ten largest, in the order of their size
    table = re.search(r'id="largest".*?</table>', page, re.S)
    assert table
    shown = [float(x.replace("\u2212", "-")) for x in re.findall(r'<td class="n[^>]*>([+\u2212][\d.]+)', table[0])]
    largest = primary["car"].reindex(primary["car"].abs().sort_values(ascending=False).index)[:10]
    assert shown == pytest.approx((100 * largest).round(1).tolist(), abs=0.051)
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'\bid="([^"]+)"', page))
    assert 'href="windows.csv"' in page


def test_ordinary_spans_by_hand(many: StudyResult) -> None:
    """Residuals of an estimation by another solver, scaled to predictions."""
    assert many.typical is not None and len(many.typical.moves) == 60
    one = many.studied.one(7)
    found = ordinary_spans(one, np.array([0]), many.spec)
    used = one.fits.used[0]
    x, y = (values[0, one.design.estimation][used] for values in (one.design.x[:, :, 0], one.design.y))
    slope, intercept = np.polyfit(x, y, 1)
    q = (one.exact.std_error[0, 0] ** 2) / one.measures.s2[0]
    wanted = (y - intercept - slope * x) * np.sqrt(q * len(x) / (len(x) - 2))
    assert np.sort(found) == pytest.approx(np.sort(wanted), rel=1e-7, abs=1e-12)
    # those of all events, which are fewer than 1,024
    every = np.concatenate([ordinary_spans(many.studied.one(i), np.array([0]), many.spec) for i in range(60)])
    assert np.sort(many.typical.ordinary) == pytest.approx(np.sort(every), rel=1e-9)


def test_a_study_that_keeps_no_events_says_the_same(many: StudyResult, tmp_path: Path) -> None:
    """Above the memory limit the typical move and the ten largest are those of all events."""
    order = Order(out=tmp_path / "large", formats=("md",), limits=Limits(kept=1, block=2_048))
    large = study_into(events_from_frame(ROWS), SPEC, order).result
    assert not large.budget.kept and large.typical is not None and many.typical is not None
    assert np.array_equal(large.typical.moves, many.typical.moves)
    names = [[found.typical.largest.text(i, "event_id") for i in range(10)] for found in (large, many) if found.typical]
    assert names[0] == names[1]
    assert large.typical.ordinary == pytest.approx(many.typical.ordinary, rel=1e-9)
    assert "moved" in (tmp_path / "large" / "summary.md").read_text(encoding="utf-8").split("\n")[0]


def test_the_average_of_a_lead_allows_for_what_events_share(tmp_path: Path) -> None:
    """Announcements of several firms on one date each: the interval and p of the lead are the widest and largest of three,
    from aggregate.csv by SciPy; that of events taken as independent is narrower."""
    rng = np.random.default_rng(4)
    tickers = [f"T{n:02}" for n in range(8)]
    made = prices(rng, tickers, {})
    days = [str(day.date()) for day in BUSINESS[300:396:4]]
    # what the firms have in common beyond the market
    shared = pd.Series(np.cumsum(rng.normal(0, 0.015, len(BUSINESS))), index=BUSINESS)
    firms = made["ticker"].ne("SPY")
    made.loc[firms, ["open", "close"]] = made[firms][["open", "close"]].mul(
        np.exp(made[firms]["date"].map(shared)), axis=0
    )
    rows = [(f"e{d}-{t}", t, day, "bmo", "data") for d, day in enumerate(days) for t in tickers]
    frame = pd.DataFrame(rows, columns=["event_id", "ticker", "announced_at", "timing", "calendar"])
    spec = StudySpec(event_window=Window(-2, 2), windows=(Window(0, 0),), estimation=200, spec_curve="off")
    found = run(events_from_frame(frame), made, spec)
    said = re.search(
        r"\(95 % interval (\S+) to (\S+) %, p ([^)]+)\)", page_files(found, ("md",), None)["summary.md"].decode()
    )
    assert said is not None
    table = found.tables["aggregate"]
    table = table[(table["group"] == "all") & (table["window"] == "[0,0]")].set_index("test")
    mean, n = table["caar"].iloc[0], table["n_events"].iloc[0]
    ratio = table.at["bmp", "statistic"] / table.at["kolari-pynnonen", "statistic"]
    assert ratio > 1.5
    spread = abs(mean / table.at["csect-t", "statistic"])
    halves = [stats.t.ppf(0.975, n - 1) * spread * ratio, stats.t.ppf(0.975, n - 1) * spread]
    halves.append(
        stats.t.ppf(0.975, float(table.at["calendar-cov", "df"])) * abs(mean / table.at["calendar-cov", "statistic"])
    )
    low, high = 100 * (mean - max(halves)), 100 * (mean + max(halves))
    assert float(said[1]) == pytest.approx(low, abs=0.0051) and float(said[2]) == pytest.approx(high, abs=0.0051)
    p = max(2 * stats.t.sf(abs(mean / spread / ratio), n - 1), *table.loc[["csect-t", "calendar-cov"], "p_value"])
    assert float(said[3]) == pytest.approx(p, rel=0.06)
    assert max(halves) > 1.2 * halves[1]

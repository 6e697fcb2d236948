"""What the figures plot, against the tables and against numbers worked out elsewhere, and the tables beneath them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from eventstudy.report.gallery import draw
from eventstudy.report.summary_page import summary_page

from eventstudy.engine.moments import summarise
from eventstudy.evaluate.bands import Bands
from eventstudy.report.figures import Figure, car_path, cluster, group_caar, placebo, read_metadata
from eventstudy.report.html import report_page
from eventstudy.report.write import build_files
from eventstudy.results import GroupDay, StudyResult
from eventstudy.spec import StudySpec
from eventstudy.study import run
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def figures(sample_figures: dict[str, Figure]) -> dict[str, Figure]:
    return sample_figures


def numbers_of(figure: Figure) -> dict[str, Any]:
    return read_metadata(figure.svg)


def test_the_estimation_is_that_of_the_tables(sample: StudyResult, figures: dict[str, Figure]) -> None:
    models = sample.tables["models"].set_index(["event_id", "ticker"])
    daily = sample.tables["abnormal_returns"]
    drawn = {name: figure for name, figure in figures.items() if name.startswith("scatter-")}
    direct = [i for i in sample.studied.reported if sample.studied.text(i, "role") == "direct"]
    assert len(drawn) == len(direct) > 10
    for i in direct:
        key = sample.studied.text(i, "event_id"), sample.studied.text(i, "ticker")
        figure, model = drawn[f"scatter-{key[0]}-{key[1]}"], models.loc[key]
        plotted = numbers_of(figure)
        x, y = np.array(plotted["x"]), np.array(plotted["y"])
        assert len(x) == model["n_estimation"]
        # the line is least squares of the dots that are shown, by another solver
        slope, intercept = np.polyfit(x, y, 1)
        assert np.allclose([slope, intercept], [model["beta"], model["alpha"]], rtol=1e-8, atol=1e-12)
        assert np.isclose(np.corrcoef(x, y)[0, 1] ** 2, plotted["r_squared"], rtol=1e-8)
        day = daily[(daily["event_id"] == key[0]) & (daily["ticker"] == key[1]) & (daily["day"] == 0)].iloc[0]
        at = plotted["days"].index(0)
        assert np.isclose(plotted["event_y"][at], day["return"], rtol=1e-12)
        off = plotted["event_y"][at] - plotted["alpha"] - plotted["beta"] * plotted["event_x"][at]
        assert np.isclose(off, day["abnormal_return"], rtol=1e-9)
        assert "day 0" in figure.svg and f"return of {key[1]}" in figure.svg


def test_its_band_is_the_prediction_interval_of_statsmodels(sample: StudyResult) -> None:
    import statsmodels.api as sm
    from eventstudy.report.gallery import _estimation

    seen = _estimation(sample, sample.studied.reported[0])
    at = np.linspace(-0.05, 0.05, 7)
    fitted = sm.OLS(seen.y, sm.add_constant(seen.x)).fit()
    low, high = fitted.get_prediction(sm.add_constant(at)).conf_int(obs=True, alpha=1 - seen.level).T
    assert np.allclose(seen.line(at) - seen.half_band(at), low, rtol=1e-9)
    assert np.allclose(seen.line(at) + seen.half_band(at), high, rtol=1e-9)


@pytest.mark.parametrize(("model", "drawn"), [("market-adjusted", True), ("multi-index", False), ("dimson", False)])
def test_models_without_one_regressor_have_no_line(model: str, drawn: bool) -> None:
    spec = StudySpec(source="snapshot", model=model, benchmarks=("SPY", "SOXX"), tests=("car-t",))
    found = {
        n: f for n, f in draw(run(ROOT / "events.csv", spec=spec, only=["h20_license_8k"])).items() if "scatter" in n
    }
    assert bool(found) is drawn
    for figure in found.values():
        plotted = numbers_of(figure)
        assert (plotted["alpha"], plotted["beta"], plotted["r_squared"]) == (0, 1, None)


def test_averages_and_their_intervals_by_hand() -> None:
    """Three events with a return on day 0, two on day 1, one on day 2: t(2) and t(1) quantiles from tables."""
    ar = {0: [0.01, 0.02, 0.06], 1: [0.02, -0.04, np.nan], 2: [0.05, np.nan, np.nan]}
    days = [GroupDay(group="a", day=d, ar=summarise(np.array(v)), car=summarise(np.array(v))) for d, v in ar.items()]
    figure = group_caar([*days, *(replace(day, group="b" * 40) for day in days)], 0.95)
    plotted = numbers_of(figure)["group a"]
    assert plotted["n"] == [3, 2, 1] and plotted["aar"] == pytest.approx([0.03, -0.01, 0.05])
    deviations = [np.sqrt(0.0014 / 2), np.sqrt(0.0018)]
    assert plotted["aar_half"][0] == pytest.approx(4.302653 * deviations[0] / np.sqrt(3), rel=1e-6)
    assert plotted["caar_half"][1] == pytest.approx(12.706205 * deviations[1] / np.sqrt(2), rel=1e-6)
    assert plotted["aar_half"][2] is None, "one event has no interval"
    assert [row[:4] for row in figure.rows[:3]] == [
        ("a", "0", "3", "+3.00 %"),
        ("a", "1", "2", "-1.00 %"),
        ("a", "2", "1", "+5.00 %"),
    ]
    assert figure.rows[2][4] == "–" and figure.rows[3][0] == "b" * 24
    shown = "".join(ElementTree.fromstring(figure.svg).itertext())
    assert all(f"n {n}" in shown for n in (3, 2, 1)), "under each day the number of its events"


def test_a_path_of_every_ticker() -> None:
    """More tickers than colours: each has its panel, up to the number that anybody reads."""
    tickers = [f"T{k}" for k in range(26)]
    rows = pd.DataFrame(
        [(t, day, 0.01 * day, 0.02) for t in tickers for day in range(-1, 2)],
        columns=["ticker", "day", "car", "car_std_error"],
    )
    bands = dict.fromkeys(tickers, Bands(2.0, 3.0))
    seven = car_path("e", "E", rows[rows["ticker"].isin(tickers[:7])], 0.95, bands)
    plotted = numbers_of(seven)
    assert all(plotted[ticker]["car"] == pytest.approx([-0.01, 0, 0.01]) for ticker in tickers[:7])
    assert len(seven.rows) == 21 and seven.rows[0] == ("T0", "-1", "-1.00 %", "4.00 %", "6.00 %")
    assert all(re.search(rf">{ticker}</text>", seven.svg) for ticker in tickers[:7])
    all_of_them = car_path("e", "E", rows, 0.95, bands)
    assert "The first 24 of 26 tickers." in all_of_them.description and "T25" not in numbers_of(all_of_them)


def test_a_session_of_many_firms_is_no_wider_than_needed() -> None:
    def width(n: int) -> float:
        names = [f"T{k}" for k in range(n)]
        rows = pd.DataFrame({"ticker": names, "return": 0.01, "expected_return": 0.0, "abnormal_return": 0.01})
        figure = cluster("2025-01-02", rows.assign(ci_low=-0.01, ci_high=0.03))
        assert figure.rows[0] == ("T0", "+1.00 %", "0.00 %", "+1.00 %", "-1.00 to +3.00 %")
        found = re.search(r'viewBox="0 0 ([\d.]+)', figure.svg)
        assert found
        return float(found[1])

    assert width(8) > width(12) / 1.2


def test_the_event_among_uneventful_sessions() -> None:
    t = np.arange(1.0, 101.0)
    figure = placebo("e", "T", t, 90.5, 0.11, 100)
    told = dict(figure.rows)
    assert told["median"] == "50.50" and told["largest"] == "100.00" and told["the event"] == "90.50"
    assert told["its place, from the smallest"] == "91 of 101" and told["p, as the test counts"] == "0.110"


def test_every_figure_has_its_numbers_beneath(sample: StudyResult, figures: dict[str, Figure]) -> None:
    assert {name.partition("-")[0] for name in figures} == {"car", "cluster", "forest", "caar", "scatter", "placebo"}
    for figure in figures.values():
        assert figure.rows and {len(row) for row in figure.rows} == {len(figure.columns)}, figure.name
        assert all(cell for row in figure.rows for cell in row), figure.name
    page = report_page(summary_page(sample, figures, None))
    shown = re.findall(r"<figure>.*?</figure>", page, re.S)
    assert len(shown) > 50
    for part in shown:
        table = re.search(r'<details class="fold numbers">.*?</details>', part, re.S)
        assert table, part[:200]
        heads = re.findall(r"<th( [^>]*)?>", table[0])
        assert heads and all('scope="' in head for head in heads)


def test_event_pages_carry_them_too(sample: StudyResult, figures: dict[str, Figure]) -> None:
    files = build_files(sample, ("md",), figures, None)
    page = files["events/h20_license_8k.md"].decode()
    pictures = re.findall(r"!\[.*?\]\(\.\./figures/(.+?)\.svg\)\n\n<details><summary>", page)
    assert len(pictures) == page.count("![") == page.count("</details>") >= 5
    assert {"car-h20_license_8k", "scatter-h20_license_8k-NVDA", "placebo-h20_license_8k-NVDA"} == set(pictures)
    assert "| alpha, a session |" in page and "| its place, from the smallest |" in page

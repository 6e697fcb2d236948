"""What a result is: small to show at any size, honest about its types, whole after a pickle, the same in threads."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.api import pickled, progress
from eventstudy.report.columns import COLUMNS
from tests.conftest import ROOT


def test_every_table_is_an_attribute_named_like_its_file(result: es.StudyResult) -> None:
    for name in COLUMNS:
        frame = getattr(result, name)
        assert isinstance(frame, pd.DataFrame)
        wide = result.table(name, wide=True)
        assert set(COLUMNS[name]) <= set(wide.columns) and set(frame.columns) <= set(wide.columns)
    # tests that were not asked for, and rates of a study that is not calibrated
    left = set(result.table("windows", wide=True).columns) - set(result.windows.columns)
    assert {"p_boot_iid", "placebo_rate_t", "n_uneventful"} <= left and "p_conformal" not in left


def test_frames_hold_dates_booleans_and_categories(result: es.StudyResult) -> None:
    windows, models = result.windows, result.models
    assert windows["day0"].dtype.kind == "M" and models["estimation_start"].dtype.kind == "M"
    assert windows["primary"].dtype == bool and result.robustness["masked"].dtype == bool
    assert all(isinstance(windows[name].dtype, pd.CategoricalDtype) for name in ("window", "role"))
    assert windows.loc[windows["primary"], "window"].astype(str).tolist() == ["[0,0]"] * 6
    # the tables of the files are the same figures
    from eventstudy.api.result import record_of

    plain = record_of(result).tables["windows"]
    np.testing.assert_array_equal(plain["car"], windows["car"])
    assert plain["day0"].tolist() == windows["day0"].dt.strftime("%Y-%m-%d").tolist()


def test_own_columns_and_index_come_out_beside_their_rows(market: dict[str, Any]) -> None:
    events = market["events"].assign(car="taken", row=range(6))
    # one row that is nothing, and one that cannot be studied
    empty = pd.DataFrame([{}], index=["gap"])
    unknown = pd.DataFrame({"ticker": ["ZZZZ"], "announced_at": ["2024-03-12"], "sector": ["lost"]}, index=["z"])
    with pytest.warns(es.EventStudyWarning, match="1 empty row left out"):
        result = es.run(pd.concat([events.iloc[:3], empty, events.iloc[3:], unknown]), market["prices"])
    windows = result.windows
    first = windows.drop_duplicates("event_id")
    assert first["row"].tolist() == list("abcdef") and first["sector"].tolist() == events["sector"].tolist()
    assert first["size"].tolist() == events["size"].tolist() and windows["size"].dtype == np.float64
    assert (windows["car_events"] == "taken").all() and first["row_events"].tolist() == [0, 1, 2, 3, 4, 5]
    (lost,) = result.excluded.to_dict("records")
    assert lost["row"] == "z" and lost["sector"] == "lost" and lost["reason"] == "no_prices"
    for name in ("models", "abnormal_returns", "robustness"):
        frame = getattr(result, name)
        assert dict(zip(frame["event_id"], frame["row"], strict=True)) == dict(
            zip(first["event_id"], first["row"], strict=True)
        )


def test_a_card_is_small_escaped_and_of_no_colour_of_its_own(market: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    days = market["wide"].index[320:-15]
    many = pd.DataFrame(
        {
            "event_id": [f"e{n}" for n in range(5000)],
            "ticker": rng.choice(["F001", "F002", "F003", "F004"], 5000),
            "announced_at": rng.choice(days.strftime("%Y-%m-%d"), 5000),
            "timing": "bmo",
            "kind": rng.choice(["<script>alert(1)</script>", "b"], 5000),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", es.EventStudyWarning)
        result = es.run(many, market["prices"], by="kind", tests=["car-t", "csect-t"], windows=["0:0", "0:1"])
    text, page = repr(result), result._repr_html_()
    assert len(text) < 2000 and len(page) < 6000 and " of 5,000 events" in text
    assert "<script" not in page and "color:inherit" in page and "background:transparent" in page
    assert not re.search(r"#[0-9a-f]{3,6}|rgb\(|(?<!-)color:(?!inherit)", page)
    assert "alert(1)" not in result.summary("html").replace("&lt;script&gt;alert(1)", "")
    one = es.run({"ticker": "F001", "announced_at": "2024-06-12", "event_id": "x", "timing": "bmo"}, market["prices"])
    assert "CAR [0,0]" in repr(one) and "MDE" in one.summary()


def test_a_result_comes_back_from_a_pickle_whole(result: es.StudyResult, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(result))
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))
    assert repr(again) == repr(result)
    assert es.regress(again).params.equals(es.regress(result).params)
    pd.testing.assert_frame_equal(
        es.compare(again, models=["constant-mean"]).frame, es.compare(result, models=["constant-mean"]).frame
    )


def test_another_version_names_the_reason_why_not(result: es.StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(result)
    monkeypatch.setattr(pickled, "FORMAT", 2)
    monkeypatch.setattr(pickled, "__version__", "9.0")
    with pytest.raises(
        es.UsageError, match=r"pickled by eventstudy 0\.2\.0, and this is 9\.0, which reads form 2"
    ) as e:
        pickle.loads(data)
    assert "run the study again" in str(e.value)
    monkeypatch.setattr(pickled, "FORMAT", 1)
    # what the state is made of is no longer there
    monkeypatch.delattr("eventstudy.results.Studied")
    with pytest.raises(es.UsageError, match=r"0\.2\.0, and this is 9\.0: .*Studied"):
        pickle.loads(data)


def study(market: dict[str, Any]) -> pd.DataFrame:
    return es.run(market["events"], market["prices"]).windows


def test_runs_in_threads_and_forks_give_the_same(market: dict[str, Any], result: es.StudyResult) -> None:
    with ThreadPoolExecutor(4) as pool:
        for frame in pool.map(study, [market] * 6):
            pd.testing.assert_frame_equal(frame, result.windows)
    if "fork" in multiprocessing.get_all_start_methods():
        with warnings.catch_warnings():
            # Python warns of forks beside threads, which are those of the test above
            warnings.simplefilter("ignore", DeprecationWarning)
            with multiprocessing.get_context("fork").Pool(2) as processes:
                frames = processes.map(study, [market] * 2)
                whole = processes.apply(es.run, (market["events"], market["prices"]))
        for frame in (*frames, whole.windows):
            pd.testing.assert_frame_equal(frame, result.windows)


def test_warnings_have_a_category_and_come_once(market: dict[str, Any]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        es.run(market["events"], market["returns"], input="returns", event_window=(-5, 5))
    texts = [str(one.message) for one in caught]
    assert len(texts) == len(set(texts)) == 2 and all(one.category is es.EventStudyWarning for one in caught)
    assert all(one.filename == __file__ for one in caught), "the place that called"
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # a caller who listens has no warnings
        es.run(market["events"], market["returns"], input="returns", warn=said.append)


def test_nothing_that_could_be_studied_is_said(market: dict[str, Any]) -> None:
    with pytest.warns(es.EventStudyWarning, match="no event could be studied: 6 of 6 rows no_benchmark"):
        result = es.run(market["events"], market["prices"], benchmark="QQQ")
    assert len(result) == 0 and "no event could be studied" in repr(result) and len(result.excluded) == 6


def test_progress_is_a_bar_where_a_person_watches(
    market: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert progress.watched() == ""
    es.run(market["events"], market["prices"])
    assert capsys.readouterr() == ("", "")
    lines: list[str] = []
    es.run(market["events"], market["prices"], progress=lines.append)
    assert any(line.startswith("studying 6 of 6") for line in lines)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    es.run(market["events"], market["prices"], progress=True)
    said = capsys.readouterr()
    assert not said.out and "[####" in said.err and said.err.endswith("\x1b[2K")
    shown: list[str] = []

    class Cell:
        def update(self, text: Any) -> None:
            shown.append(text)

    import IPython.display

    monkeypatch.setattr(progress, "watched", lambda: "notebook")
    monkeypatch.setattr(IPython.display, "HTML", str)
    monkeypatch.setattr(IPython.display, "display", lambda text, display_id: shown.append(text) or Cell())
    es.run(market["events"], market["prices"])
    assert "<progress" in shown[0] and shown[-1] == "" and capsys.readouterr() == ("", "")


def test_plots_change_no_global_setting_and_take_axes(result: es.StudyResult) -> None:
    import matplotlib
    import matplotlib.pyplot as plt

    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    figure, axes = plt.subplots(1, 2)
    assert result.plot(ax=axes[0]) is axes[0]
    assert result.plot("F001-2024-03-12", ax=axes[1]) is axes[1]
    assert es.compare(result, models=["constant-mean"], windows="0:0").plot(ax=axes[1]) is axes[1]
    assert len(plt.get_fignums()) == len(figures) + 1 and dict(matplotlib.rcParams) == before
    (line,) = (one for one in axes[0].lines if len(one.get_xdata()) > 2)
    everyone = result.aar[result.aar["group"] == "all"]
    np.testing.assert_allclose(line.get_ydata(), 100 * everyone["caar"])
    plt.close(figure)


def test_a_plot_is_not_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, eventstudy as es; es.run('NVDA', '2025-04-15', timing='amc', source='snapshot').summary(); "
        "print([m for m in ('matplotlib', 'statsmodels', 'polars', 'plotly', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_costs_runs_when_it_is_first_read(market: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import eventstudy.evaluate.robustness as module

    called: list[str] = []
    computed = module.robustness
    monkeypatch.setattr(module, "robustness", lambda studied: called.append("robustness") or computed(studied))
    result = es.run(market["events"], market["prices"])
    _ = result.windows, result.aggregate, repr(result), result.summary()
    assert not called
    _ = result.robustness, result.robustness
    assert called == ["robustness"]


def test_inner_objects_are_private_and_old_names_warn(result: es.StudyResult) -> None:
    public = [name for name in dir(result) if not name.startswith("_")]
    assert not {"studied", "prepared", "budget", "totals", "evaluations"} & set(public)
    with pytest.warns(DeprecationWarning, match=r"result\.cluster_tests is now result\.clusters"):
        old = result.cluster_tests
    pd.testing.assert_frame_equal(old, result.clusters)
    with pytest.raises(AttributeError, match=r"has no 'window'; did you mean windows\?"):
        _ = result.window


def test_only_public_names_are_offered() -> None:
    assert dir(es) == sorted([*es.__all__, "__version__"])
    import eventstudy.report.write  # noqa: F401  a folder of the same name takes nothing away

    assert callable(es.report) and "report" in dir(es)
    reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in es.__all__ if f"::: eventstudy.{name}\n" not in reference] == []


def test_a_choice_given_twice_or_for_nothing_is_refused(market: dict[str, Any]) -> None:
    with pytest.raises(es.UsageError, match="are the same choice"):
        es.run(market["events"], market["prices"], benchmark="SPY", benchmarks="SPY")
    with pytest.raises(es.UsageError, match="given by position and by name"):
        es.run(market["events"], market["prices"], prices=market["prices"])
    with pytest.raises(es.UsageError, match="by position"):
        es.run(market["events"], market["prices"], None, 5)


def test_keywords_override_the_spec(market: dict[str, Any]) -> None:
    spec = es.StudySpec(windows="0:0", level=0.9, model="constant-mean")
    result = es.run(market["events"], market["prices"], spec, model="market-model", level=None)
    assert (result.spec.model, result.spec.level, result.spec.windows) == ("market-model", 0.9, (es.Window(0, 0),))
    assert spec.model == "constant-mean"


def test_compare_holds_what_single_runs_give(market: dict[str, Any], result: es.StudyResult) -> None:
    frame = es.compare(
        result, models=["market-model", "constant-mean"], windows=["0:0", "-1:1"], estimation=[120]
    ).frame
    for model in ("market-model", "constant-mean"):
        alone = es.run(market["events"], market["prices"], model=model, estimation=120, windows=["0:0", "-1:1"])
        caar = alone.aggregate.query("group == 'all' and test == 'csect-t'").set_index("window")["caar"]
        mine = frame[frame["model"] == model].set_index("window")["car"]
        assert mine.to_dict() == pytest.approx(caar.to_dict(), rel=1e-12)
    assert not frame["main"].any()
    own = es.compare(result, estimation=[250], windows="0:0").frame
    assert own["main"].tolist() == [True]
    with pytest.raises(es.UsageError, match="too short"):
        es.compare(result, estimation=[5])


def test_the_interval_of_an_average_is_cross_sectional(result: es.StudyResult) -> None:
    """An oracle that shares no code: the t interval of six CARs by SciPy."""
    from scipy import stats

    from eventstudy.api.averages import averages
    from eventstudy.api.result import record_of

    (one,) = (a for a in averages(record_of(result)) if (a.group, a.window) == ("all", "[0,0]"))
    cars = result.windows.loc[result.windows["window"] == "[0,0]", "car"].to_numpy()
    low, high = stats.t.interval(0.95, 5, loc=cars.mean(), scale=stats.sem(cars))
    assert (one.caar, one.ci_low, one.ci_high) == pytest.approx((cars.mean(), low, high), rel=1e-12)
    assert one.interval == "csect-t" and one.n == 6


def test_clusters_of_a_regression(market: dict[str, Any]) -> None:
    events = market["events"].assign(announced_at=["2024-03-12"] * 3 + ["2024-06-12"] * 2 + ["2024-10-15"])
    result = es.run(events.drop_duplicates(["ticker", "announced_at"]), market["prices"], windows="0:0")
    for cluster, main in (("date", "wild-cluster"), ("none", "hc3"), (None, None)):
        found = es.regress(result, "car ~ 1", cluster=cluster)
        assert main is None or found.regressions[0].main == main
        assert found.frame["main"].sum() == 1
    for form in ("text", "markdown", "latex", "html"):
        assert "Intercept" in es.regress(result).summary(form)


def test_a_table_is_made_alone(market: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one table makes that table, and computes no evaluation that it does not show."""
    from eventstudy.report import tables

    fresh = es.run(market["events"], market["prices"])
    made: list[str] = []
    one_table = tables.one_table
    monkeypatch.setattr(tables, "one_table", lambda study, name: made.append(name) or one_table(study, name))
    assert len(fresh.windows) == len(fresh.windows)
    costly = {"robustness", "parts", "curves", "clusters", "claims", "differences", "calendar", "dollars", "volume"}
    assert made == ["windows"] and not costly & set(vars(fresh._study.evaluations))

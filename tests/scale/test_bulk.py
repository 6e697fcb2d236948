"""A study whose events are not kept has the numbers of one whose events are, whoever does the work."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar, place, place_many
from eventstudy.data.events import events_from_frame, read_events
from eventstudy.errors import UsageError
from eventstudy.report.csv_rows import csv_text
from eventstudy.report.provenance import counts
from eventstudy.scale.executors import Executor, Here, Threads, executor
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec
from eventstudy.study import run
from eventstudy.study_report import Order, study_into
from tests.conftest import needs

KEYS = {
    "windows": ["event_id", "ticker", "window"],
    "models": ["event_id", "ticker"],
    "abnormal_returns": ["event_id", "ticker", "day"],
    "excluded": ["event_id", "ticker"],
    "aar": ["group", "day"],
    "aggregate": ["group", "window", "test"],
}
NAMED = (
    "car-t-ar1", "ar-t-local", "sq", "csect-t", "patell", "patell-sum", "stouffer-t", "bmp", "skew-t-hall",
    "crude-dependence", "corrado", "cumrank-t", "cumrank-z", "corrado-zivney", "grank-t", "grank-z", "grank-raw", "sign",
    "generalized-sign", "cz-sign", "wilcoxon", "wild-bootstrap", "lbt-bootstrap", "sign-flip", "vol-ratio-csect", "avar",
    "adj-patell", "kolari-pynnonen", "kpp", "calendar-cov", "grank-t-clu", "skew-t-johnson",
)  # fmt: skip
SPEC = StudySpec(
    source="snapshot", benchmarks=("SPY", "SOXX"), tests=NAMED, exclude="none", engine="numpy", precision="full",
    # tests/oracles/test_curve.py has the curves of streamed studies
    spec_curve="off",
)  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred events on the snapshot's firms: shared days, days outside the prices, an unknown ticker."""
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2021-09-01", "2025-08-01")
    frame = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(600)],
            "ticker": rng.choice(["NVDA", "AMD", "ASML", "SOXX", "NONE"], 600, p=[0.3, 0.3, 0.3, 0.09, 0.01]),
            "announced_at": days[rng.integers(0, len(days), 600)].strftime("%Y-%m-%d"),
            "timing": rng.choice(["bmo", "amc", ""], 600),
            "role": rng.choice(["direct", "peer", "placebo"], 600, p=[0.7, 0.2, 0.1]),
        }
    )
    path = tmp_path_factory.mktemp("many") / "events.csv"
    frame.to_csv(path, index=False)
    return path


def bulk(path: Path, out: Path, spec: StudySpec = SPEC, who: Executor | None = None, **order: Any) -> Any:
    order = {"formats": ("csv",), "limits": Limits(block=2048, kept=0), **order}
    return study_into(read_events(path), spec, Order(out=out, executor=who or Here(), **order)).result


def hashes(folder: Path) -> dict[str, str]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.json"]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("choices", [{}, {"exclude": "catalogued", "returns": "log"}], ids=["plain", "masked"])
def test_every_column_is_that_of_a_small_study(many: Path, tmp_path: Path, choices: dict[str, Any]) -> None:
    spec = SPEC.with_changes(**choices)
    result = bulk(many, tmp_path / "out", spec)
    small = run(read_events(many), spec=spec)
    assert not result.budget.kept and small.budget.kept
    assert result.n_read == 600 == result.totals.n_studied + len(result.exclusions)
    assert sum(n for *_, n in result.reasons) == len(result.exclusions) == len(small.exclusions) > 10
    assert counts(result) == counts(small) and result.totals == small.totals
    same_tables(tmp_path / "out", small, KEYS, tmp_path)
    aggregate = pd.read_csv(tmp_path / "out" / "aggregate.csv").set_index("test")
    assert aggregate.loc[["calendar-cov", "kolari-pynnonen"], "statistic"].notna().all()


def test_one_date_has_the_ranks_of_correlated_events(many: Path, tmp_path: Path) -> None:
    """On one date the mean correlation of pairs is read by the second pass; both engines and both sizes agree."""
    frame = pd.read_csv(many, keep_default_na=False)[:8].assign(announced_at="2024-05-22", timing="bmo", role="direct")
    frame["ticker"] = ["NVDA", "AMD", "ASML", "SOXX", "NVDA", "AMD", "ASML", "SOXX"]
    frame.to_csv(tmp_path / "events.csv", index=False)
    spec = SPEC.with_changes(tests=("grank-t", "grank-t-clu", "corrado", "calendar-cov"))
    small = run(read_events(tmp_path / "events.csv"), spec=spec)
    for engine in ("numpy", "numba") if find_spec("numba") else ("numpy",):
        bulk(tmp_path / "events.csv", tmp_path / engine, spec.with_changes(engine=engine))
        same_tables(tmp_path / engine, small, {"aggregate": KEYS["aggregate"]}, tmp_path)
    found = small.aggregate.set_index(["test", "window"])["statistic"]
    assert (found["grank-t-clu"] != found["grank-t"]).any() and found["grank-t-clu"].notna().all()


def test_costly_tests_of_large_samples_wait_to_be_named(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study has one bound a sample: its small groups are tested whatever the size of the study."""
    monkeypatch.setattr("eventstudy.engine.significance.battery.MOST_PAIRS", 500)
    unasked = SPEC.with_changes(tests=("auto",))
    small = run(read_events(many), spec=unasked)
    bulk(many, tmp_path / "out", unasked)
    same_tables(tmp_path / "out", small, {"aggregate": KEYS["aggregate"]}, tmp_path)
    rows = small.aggregate[small.aggregate["test"] == "calendar-cov"].set_index(["group", "window"])
    costly = rows.loc[("all", "[-5,5]")]
    assert costly["applicable"] == "no" and "--tests names calendar-cov" in costly["reason"]
    assert "pairs overlap" in costly["reason"] and "500" in costly["reason"]
    assert np.isfinite(rows.loc[("placebo", "[0,0]"), "statistic"])
    named = run(read_events(many), spec=SPEC.with_changes(tests=("calendar-cov",))).aggregate
    assert named["statistic"].notna().all()


def same_tables(out: Path, small: Any, tables: dict[str, list[str]], folder: Path) -> None:
    """The files of a streamed study hold what the tables of a small one hold."""
    for name, keys in tables.items():
        (folder / "small.csv").write_text(csv_text(small.tables[name], None), encoding="utf-8")
        one, other = (
            pd.read_csv(p).sort_values(keys).reset_index(drop=True) for p in (out / f"{name}.csv", folder / "small.csv")
        )
        assert list(one.columns) == list(other.columns) and len(one) == len(other) > 0, name
        for column in one.columns:
            if other[column].dtype.kind in "fi":
                np.testing.assert_allclose(
                    one[column].astype(float), other[column].astype(float), rtol=1e-12, atol=1e-12, err_msg=column
                )
            else:
                assert one[column].fillna("").tolist() == other[column].fillna("").tolist(), (name, column)


def test_blocks_of_several_chunks_and_a_last_short_one(many: Path, tmp_path: Path) -> None:
    """Blocks hold whole chunks of 2,048 events, the last what is left; however they are cut, the bytes are the same."""
    once = pd.read_csv(many, dtype=str, keep_default_na=False)
    frames = [once.assign(event_id=[f"{name}.{copy}" for name in once["event_id"]]) for copy in range(8)]
    path = tmp_path / "events.csv"
    pd.concat(frames).to_csv(path, index=False)
    spec = SPEC.with_changes(tests=("csect-t", "wilcoxon", "corrado", "calendar-cov", "lbt-bootstrap"))
    for block in (2048, 4096, 16_384):
        bulk(path, tmp_path / str(block), spec, limits=Limits(block=block, kept=0))
    tables = sorted(file.name for file in (tmp_path / "2048").glob("*.csv"))
    assert {"windows.csv", "aggregate.csv", "aar.csv", "excluded.csv"} <= set(tables)
    for name in tables:
        first = (tmp_path / "2048" / name).read_bytes()
        assert first == (tmp_path / "4096" / name).read_bytes() == (tmp_path / "16384" / name).read_bytes(), name
    assert pd.read_csv(tmp_path / "4096" / "aggregate.csv")["p_value"].notna().any()


@needs("scale")
def test_threads_and_csv_against_parquet(many: Path, tmp_path: Path) -> None:
    from pyarrow.parquet import read_table as read

    copies = pd.concat([pd.read_csv(many).assign(event_id=lambda f, k=k: f["event_id"] + f"_{k}") for k in range(8)])
    copies.to_csv(tmp_path / "events.csv", index=False)
    spec = SPEC.with_changes(tests=("csect-t", "patell", "grank-t", "calendar-cov"))
    kinds = {"formats": ("csv", "parquet")}
    bulk(tmp_path / "events.csv", tmp_path / "one", spec, **kinds)
    bulk(tmp_path / "events.csv", tmp_path / "two", spec, Threads(2), **kinds)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    text = pd.read_csv(tmp_path / "one" / "windows.csv", converters={"car": lambda cell: float(cell or "nan")})
    table = read(tmp_path / "one" / "windows.parquet").to_pandas()
    np.testing.assert_allclose(text["car"], table["car"], rtol=1e-14)
    assert text["flags"].fillna("").tolist() == table["flags"].astype(str).tolist()


@needs("scale")
def test_a_dask_cluster_gives_the_same_bytes(many: Path, tmp_path: Path) -> None:
    """Also where all events are kept: workers hand back rows alone, and the days of the events are gathered here."""
    spec, kept = SPEC.with_changes(tests=("csect-t", "bmp", "kolari-pynnonen")), Limits(block=2048)
    bulk(many, tmp_path / "one", spec)
    bulk(many, tmp_path / "kept one", spec, limits=kept)
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with executor(1, 1, "") as cluster:
        bulk(many, tmp_path / "two", spec, cluster)
        found = bulk(many, tmp_path / "kept two", spec, cluster, limits=kept)
    assert found.budget.kept and len(found.windows) == 5 * found.totals.n_studied
    assert hashes(tmp_path / "kept one") == hashes(tmp_path / "kept two")
    assert environment.items() <= os.environ.items() and "OMP_NUM_THREADS" not in os.environ.keys() - environment.keys()
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


@needs("scale")
def test_an_unreachable_scheduler_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstudy.scale.executors.ANSWER_WITHIN", 1)
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers"),
        executor(1, 0, "tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(UsageError, match="one of the two"), executor(1, 2, "tcp://127.0.0.1:9"):
        pass


@needs("scale")
def test_workers_that_do_not_start_are_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def failing(**_: Any) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", failing)
    with pytest.raises(UsageError, match="the 2 workers did not start: Nanny failed to start"), executor(1, 2, ""):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_the_folder_as_it_was(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(import_module("eventstudy.report.streams").Hashed, "write", broken)
    wanted = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else UsageError
    # the error keeps every frame of the run alive, and with them the files that nothing closed
    with pytest.raises(wanted) as raised:
        bulk(many, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not open_files(tmp_path), raised


def open_files(folder: Path) -> list[str]:
    """Files of a folder that this process holds open, without mapped arrays; none on a system without ``/proc``."""
    handles = list(Path("/proc/self/fd").glob("*"))
    # that of the listing itself is closed
    paths = [os.readlink(handle) for handle in handles if os.path.lexists(handle)]
    return [path for path in paths if path.startswith(str(folder)) and "/panel/" not in path]


def test_many_placements_are_those_of_one_by_one() -> None:
    calendar = load_calendar("XNYS", pd.Timestamp("2024-01-02").date(), pd.Timestamp("2024-12-31").date())
    rng = np.random.default_rng(1)
    instants = (np.datetime64("2023-12-25", "s") + rng.integers(0, 380 * 86400, 400)).astype("datetime64[us]")
    days = np.datetime64("2023-12-25", "D") + rng.integers(0, 380, 400)
    late = rng.random(400) < 0.5
    none = np.full(400, np.datetime64("NaT", "D"))
    for got, want in (
        (
            place_many(calendar, instants, none, late),
            [place(calendar, pd.Timestamp(t, tz="UTC"), pd.NaT, "") for t in instants],
        ),
        (
            place_many(calendar, np.full(400, np.datetime64("NaT", "us")), days, late),
            [place(calendar, pd.NaT, pd.Timestamp(d), "amc" if a else "bmo") for d, a in zip(days, late, strict=True)],
        ),
    ):
        assert got.tolist() == [-1 if p is None else p.session for p in want]


def test_events_of_a_frame_keep_their_checks() -> None:
    table = events_from_frame(pd.DataFrame({"ticker": ["NVDA"], "announced_at": ["2024-05-22"]}))
    assert table.frame()["event_id"].tolist() == ["NVDA-2024-05-22"]


def test_a_model_without_standard_errors_keeps_its_events(many: Path, tmp_path: Path) -> None:
    """Its p values come from the days of each event, so that they are kept whatever the bound."""
    frame = pd.read_csv(many, keep_default_na=False)
    frame[frame["ticker"] == "NVDA"].head(5).to_csv(tmp_path / "events.csv", index=False)
    spec = StudySpec(source="snapshot", benchmarks=("SPY",), model="synthetic", peers=("AMD", "ASML", "SOXX"))
    result = bulk(tmp_path / "events.csv", tmp_path / "out", spec)
    assert result.budget.kept and result.totals.n_studied == 5
    pd.testing.assert_frame_equal(result.windows, run(tmp_path / "events.csv", spec=spec).windows)


def test_a_misspelt_column_is_named_here_too(many: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(many, keep_default_na=False).assign(role="direct").rename(columns={"role": "rolle"})
    frame.to_csv(tmp_path / "events.csv", index=False)
    result = bulk(tmp_path / "events.csv", tmp_path / "out")
    assert [text for text in result.notices if "rolle" in text] == [
        "column 'rolle' of events.csv is kept as an extra one; did you mean role?"
    ]
    assert not any("rolle" in text for text in bulk(many, tmp_path / "plain").notices)


@pytest.mark.slow
def test_two_threads_of_blas_keep_what_one_keeps() -> None:
    """Tests take one thread of BLAS a worker; what promises equal numbers holds with the threads that users have, too."""
    names = ("every_column", "one_date", "blocks_of_several", "threads_and_csv", "dask_cluster")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", __file__, "-k", " or ".join(names)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0 and "......" in done.stdout, done.stdout[-3000:]

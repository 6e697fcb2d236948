"""Averages of groups by loops over the tables of single events."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from eventstudy.engine.aggregates import Member, days_of
from eventstudy.engine.moments import summarise_columns
from eventstudy.results import StudyResult


def distinct(table: pd.DataFrame, roles: pd.DataFrame, role: str) -> pd.DataFrame:
    """Rows of a role, one per ticker and day 0: the first of the file."""
    own = roles[roles["role"] == role].drop_duplicates(["ticker", "day0"])
    return table.merge(own[["event_id", "ticker"]])


@pytest.mark.parametrize(("group", "role"), [("all", "direct"), ("peer", "peer")])
def test_averages_of_every_day_and_window_by_hand(sample: StudyResult, group: str, role: str) -> None:
    roles = sample.windows[["event_id", "ticker", "role", "day0"]].drop_duplicates()
    windows, daily = (distinct(t, roles, role) for t in (sample.windows, sample.abnormal_returns))
    groups = sample.aggregate[sample.aggregate["group"] == group].drop_duplicates("window").set_index("window")
    assert len(groups) == 5
    for window, line in groups.iterrows():
        rows = windows[(windows["window"] == window) & windows["car"].notna()]
        car, se, bhar = (list(rows[name]) for name in ("car", "std_error", "bhar"))
        assert line["n_events"] == len(car) > 10
        assert line["caar"] == pytest.approx(math.fsum(car) / len(car), rel=1e-12)
        assert line["abhar"] == pytest.approx(math.fsum(bhar) / len(bhar), rel=1e-12)
        precise = math.fsum(c / s for c, s in zip(car, se, strict=True)) / math.fsum(1 / s for s in se)
        inverse = math.fsum(c / s**2 for c, s in zip(car, se, strict=True)) / math.fsum(1 / s**2 for s in se)
        assert line["pw_caar"] == pytest.approx(precise, rel=1e-12)
        assert line["ivw_caar"] == pytest.approx(inverse, rel=1e-12)
        assert len({line["caar"], line["pw_caar"], line["ivw_caar"]}) == 3
    table = sample.aar[sample.aar["group"] == group].set_index("day")
    assert list(table.index) == list(range(-10, 11))
    for day, line in table.iterrows():
        for value, error, column in (("aar", "std_error", "abnormal_return"), ("caar", "caar_std_error", "car")):
            values = [v for v in daily.loc[daily["day"] == day, column] if not math.isnan(v)]
            mean = math.fsum(values) / len(values)
            spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
            assert line[value] == pytest.approx(mean, rel=1e-10, abs=1e-15), (day, value)
            assert line[error] == pytest.approx(spread, rel=1e-10), (day, error)
        own = [v for v in daily.loc[daily["day"] == day, "abnormal_return"] if not math.isnan(v)]
        assert line["n"] == len(own)
        assert line["share_positive"] == pytest.approx(sum(v > 0 for v in own) / len(own), rel=1e-12)


def test_columns_merge_to_what_numpy_says_of_all_rows() -> None:
    """Parts of different size and mean, with holes and one part without a value in a column."""
    rng = np.random.default_rng(6)
    parts = [rng.normal(k, 1 + k, (n, 3)) for k, n in enumerate((7, 40, 1, 12))]
    parts[1][::5, 1], parts[1][1::7, 0] = np.nan, 0.0
    parts[2][:, 2] = np.nan
    merged = summarise_columns(parts[0])
    for part in parts[1:]:
        merged = merged.merge(summarise_columns(part))
    for k in range(3):
        values = np.concatenate(parts)[:, k]
        values = values[np.isfinite(values)]
        about = values - values.mean()
        found = merged.column(k)
        assert (found.count, found.positive) == (len(values), (values > 0).sum())
        wanted = (values.mean(), (about**2).sum(), (about**3).sum())
        assert (found.mean, found.sum_of_squares, found.sum_of_cubes) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("length", [1, 2, 21])
def test_returns_and_paths_of_a_chunk_are_averaged_by_hand(length: int) -> None:
    """With holes, over which the path goes on and has no value itself; some events do not count."""
    rng = np.random.default_rng(length)
    ar, counted = rng.normal(0.001, 0.02, (300, length)), rng.random(300) < 0.7
    ar[rng.random(ar.shape) < 0.1] = np.nan
    found = days_of(ar, Member(counted, 290))
    assert (found.n_rows, found.n_members) == (290, counted.sum())
    for day in range(length):
        own = [row for row in ar[counted].tolist() if not math.isnan(row[day])]
        paths = [math.fsum(v for v in row[: day + 1] if not math.isnan(v)) for row in own]
        for values, moments in (([row[day] for row in own], found.ar), (paths, found.path)):
            mean, one = math.fsum(values) / len(values), moments.column(day)
            assert (one.count, one.positive) == (len(values), sum(v > 0 for v in values))
            assert one.mean == pytest.approx(mean, rel=1e-11, abs=1e-16)
            assert one.sum_of_squares == pytest.approx(math.fsum((v - mean) ** 2 for v in values), rel=1e-11)

"""The whole sample against two implementations that share no code with the engine.

statsmodels: OLS with one dummy per event day, from returns built here from the raw price file.
``naive``: plain loops from the methods reference.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from eventstudy.evaluate.audit import audit
from eventstudy.results import StudyResult
from tests.oracles import naive

RTOL = 1e-9
MASKING = {"earnings", "preannouncement", "company_filing", "corporate_action"}


def price_file(name: str) -> list[dict[str, str]]:
    with resources.files("eventstudy.data").joinpath("snapshot", name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    """Total returns by date and ticker, from the raw figures with pandas alone."""
    prices = pd.DataFrame(price_file("prices.csv"))
    close = prices.assign(close=prices["close"].astype(float)).pivot(index="date", columns="ticker", values="close")
    paid = pd.DataFrame(price_file("dividends.csv"))
    dividend = paid.assign(amount=paid["amount"].astype(float)).pivot_table(
        index="ex_date", columns="ticker", values="amount", aggfunc="sum"
    )
    dividend = dividend.reindex(index=close.index, columns=close.columns).fillna(0.0)
    return (close + dividend) / close.shift(1) - 1


def masked_dates(sample: StudyResult, row: int, dates: list[str]) -> set[str]:
    """Dates one session around the firm's other announcements and own filings, from the placed events."""
    index = sample.studied.index
    frame = index.events.frame()
    ticker, code = index.firm(row)
    sessions = [str(day) for day in index.calendars[code].sessions]
    own = index.placement(row)
    assert own is not None
    centres = set()
    for other in range(len(index)):
        placement = index.placement(other)
        same = frame["ticker"].iat[other] == ticker and frame["role"].iat[other] not in ("placebo", "outcome")
        if same and placement is not None and placement.session != own.session:
            centres.add(placement.session)
    for session, kind, _ in index.confounders[ticker, code]:
        if kind in MASKING and session != own.session:
            centres.add(session)
    found = {sessions[c + k] for c in centres for k in (-1, 0, 1) if 0 <= c + k < len(sessions)}
    return found & set(dates)


def test_every_studied_row_against_statsmodels(sample: StudyResult, returns: pd.DataFrame) -> None:
    """alpha, beta, sigma, every AR and its t, every CAR and its t: 1e-9 relative."""
    dates = list(returns.index)
    models = sample.models.set_index(["event_id", "ticker"])
    daily = sample.abnormal_returns.set_index(["event_id", "ticker"])
    windows = sample.windows.set_index(["event_id", "ticker"])
    assert len(models) >= 45
    for i in sample.studied.reported:
        event_id, ticker = sample.studied.text(i, "event_id"), sample.studied.text(i, "ticker")
        zero = dates.index(str(sample.studied.day0(i)))
        masked = masked_dates(sample, int(sample.studied.rows[i]), dates)
        estimation = [t for t in range(max(1, zero - 270), zero - 20) if dates[t] not in masked]
        event = [t for t in range(zero - 10, zero + 11) if t < len(dates)]
        rows = estimation + event
        dummies = np.zeros((len(rows), len(event)))
        dummies[len(estimation) :] = np.eye(len(event))
        x = np.column_stack([np.ones(len(rows)), returns["SPY"].to_numpy()[rows], dummies])
        fitted = sm.OLS(returns[ticker].to_numpy()[rows], x).fit()
        ours = models.loc[(event_id, ticker)]
        np.testing.assert_allclose([ours["alpha"], ours["beta"]], fitted.params[:2], rtol=RTOL)
        np.testing.assert_allclose(ours["sigma"], np.sqrt(fitted.scale), rtol=RTOL)
        assert ours["n_estimation"] == len(estimation)
        days = daily.loc[[(event_id, ticker)]]
        np.testing.assert_allclose(days["abnormal_return"], fitted.params[2:], rtol=RTOL)
        np.testing.assert_allclose(days["t"], fitted.tvalues[2:], rtol=RTOL)
        np.testing.assert_allclose(days["p_value"], fitted.pvalues[2:], rtol=1e-7)
        for _, line in windows.loc[[(event_id, ticker)]].iterrows():
            start, end = (int(v) for v in line["window"].strip("[]").split(","))
            contrast = np.concatenate([[0, 0], [start <= t - zero <= end for t in event]]).astype(float)
            if zero + end >= len(dates):
                assert np.isnan(line["car"]) and "window_incomplete" in line["flags"]
                continue
            summed = fitted.t_test(contrast)
            np.testing.assert_allclose(line["car"], summed.effect.item(), rtol=RTOL)
            np.testing.assert_allclose(line["t"], summed.tvalue.item(), rtol=RTOL)
            np.testing.assert_allclose(line["std_error"], summed.sd.item(), rtol=RTOL)


def test_the_audit_agrees_and_would_notice(sample: StudyResult) -> None:
    found = audit(sample.studied)
    assert found.n_checked == found.n_studied == len(sample.studied.rows)
    assert found.agrees, f"{found.largest_gap} at {found.worst}"
    assert 0 < found.largest_gap < RTOL
    block = sample.studied.block
    assert block is not None
    kept = block.abnormal.ar[3, 10]
    block.abnormal.ar[3, 10] = kept * (1 + 1e-6)
    try:
        assert not audit(sample.studied).agrees, "a wrong abnormal return must be found"
    finally:
        block.abnormal.ar[3, 10] = kept


def naive_events(sample: StudyResult, dates: list[str]) -> list[tuple[str, str, str, set[str], set[str]]]:
    """Inputs of the naive study: day 0 and masked dates; everything else it works out from the price files."""
    events = []
    own: dict[str, set[str]] = {}
    for i in sample.studied.reported:
        row, ticker = int(sample.studied.rows[i]), sample.studied.text(i, "ticker")
        masked = masked_dates(sample, row, dates)
        own.setdefault(ticker, set()).update(masked)
        events.append((sample.studied.text(i, "event_id"), ticker, str(sample.studied.day0(i)), masked))
    # pseudo-events keep away from every catalogued session of the firm, so the union over its rows serves them
    return [(*event, own[event[1]]) for event in events]


def files() -> tuple[str, str]:
    folder = resources.files("eventstudy.data").joinpath("snapshot")
    return str(folder.joinpath("prices.csv")), str(folder.joinpath("dividends.csv"))


EXACT = (
    "car",
    "std_error",
    "t",
    "df",
    "ci_low",
    "ci_high",
    "p_t_ar1",
    "p_local",
    "bhar",
    "p_min_sq",
    "p_min_conformal",
)
COUNTED = ("p_sq", "p_conformal", "p_placebo", "n_placebo")


def test_every_window_against_plain_loops(sample: StudyResult, returns: pd.DataFrame) -> None:
    """Every column of windows.csv that carries a number, on every row and window."""
    events = naive_events(sample, list(returns.index))
    theirs = naive.study(*files(), events, [(w.start, w.end) for w in sample.spec.windows])
    ours = sample.windows.set_index(["event_id", "ticker", "window"])
    assert len(theirs) == ours["car"].notna().sum() > 200
    for row in theirs:
        line = ours.loc[(row["event_id"], row["ticker"], row["window"])]
        place = str((row["event_id"], row["ticker"], row["window"]))
        for name in EXACT:
            np.testing.assert_allclose(line[name], row[name], rtol=1e-8, atol=1e-15, err_msg=f"{place} {name}")
        np.testing.assert_allclose(line["p_t"], row["p_t"], rtol=1e-7, err_msg=place)
        np.testing.assert_allclose(line["mde80"], row["mde80"], rtol=1e-7, err_msg=place)
        for name in COUNTED:
            np.testing.assert_allclose(line[name], row[name], rtol=1e-12, err_msg=f"{place} {name}")


def test_overnight_and_intraday_against_plain_loops(sample: StudyResult, returns: pd.DataFrame) -> None:
    theirs = naive.day0_parts(*files(), naive_events(sample, list(returns.index)))
    assert len(theirs) == len(sample.overnight)
    for line in sample.overnight.to_dict("records"):
        row = theirs[line["event_id"], line["ticker"], line["part"]]
        for name, value in row.items():
            np.testing.assert_allclose(line[name], value, rtol=1e-8, err_msg=f"{line['event_id']} {name}")


def test_models_side_by_side(sample: StudyResult, returns: pd.DataFrame) -> None:
    """robustness.csv: each model and both masks, by statsmodels with one dummy per day of the primary window."""
    dates = list(returns.index)
    for line in sample.model_lines.to_dict("records"):
        i = next(
            i
            for i in sample.studied.reported
            if (sample.studied.text(i, "event_id"), sample.studied.text(i, "ticker"))
            == (line["event_id"], line["ticker"])
        )
        zero = dates.index(str(sample.studied.day0(i)))
        masked = masked_dates(sample, int(sample.studied.rows[i]), dates) if line["masked"] == "yes" else set()
        estimation = [t for t in range(max(1, zero - 270), zero - 20) if dates[t] not in masked]
        start, end = (int(v) for v in line["window"].strip("[]").split(","))
        event = list(range(zero + start, zero + end + 1))
        rows = estimation + event
        dummies = np.zeros((len(rows), len(event)))
        dummies[len(estimation) :] = np.eye(len(event))
        y, spy, soxx = (returns[name].to_numpy()[rows] for name in (line["ticker"], "SPY", "SOXX"))
        assert line["n_estimation"] == len(estimation)
        if line["model"] == "market-adjusted":
            excess = y - spy
            car = excess[len(estimation) :].sum()
            std_error = np.std(excess[: len(estimation)], ddof=1) * np.sqrt(len(event))
        else:
            columns = {"constant-mean": [], "market-model": [spy], "multi-index": [spy, soxx]}[line["model"]]
            x = np.column_stack([np.ones(len(rows)), *columns, dummies])
            fitted = sm.OLS(y, x).fit()
            test = fitted.t_test(np.r_[np.zeros(1 + len(columns)), np.ones(len(event))])
            car, std_error = test.effect.item(), test.sd.item()
        np.testing.assert_allclose([line["car"], line["std_error"]], [car, std_error], rtol=RTOL)
        np.testing.assert_allclose(line["t"], car / std_error, rtol=RTOL)


@pytest.mark.parametrize(
    ("ticker", "day", "expected"),
    [
        ("NVDA", "2025-04-16", -0.0687),
        ("AMD", "2025-04-16", -0.0735),
        ("ASML", "2025-04-16", -0.0706),
        ("NVDA", "2025-01-27", -0.1697),
    ],
)
def test_fixed_points_of_the_press(sample: StudyResult, ticker: str, day: str, expected: float) -> None:
    daily = sample.abnormal_returns
    found = daily[(daily["ticker"] == ticker) & (daily["session"] == day) & (daily["day"] == 0)]["return"]
    assert len(found) and (abs(found - expected) < 5e-5).all()

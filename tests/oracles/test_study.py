"""The whole sample against two implementations that share no code with the engine.

statsmodels: OLS with one dummy per event day, from returns built here from the raw price file.
``naive``: plain loops from the methods reference.
"""

from __future__ import annotations

import csv
from importlib import resources
from typing import Any

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
    """Dates one session around the firm's other announcements and own filings, from the placed catalogue."""
    catalogue = sample.studied.catalogue
    frame = catalogue.events.frame
    ticker, code = catalogue.key(row)
    sessions = [str(day) for day in catalogue.calendars[code].sessions]
    own = catalogue.placements[row]
    assert own is not None
    centres = set()
    for other, placement in enumerate(catalogue.placements):
        same = frame["ticker"].iat[other] == ticker and frame["role"].iat[other] != "placebo"
        if same and placement is not None and placement.session != own.session:
            centres.add(placement.session)
    for session, kind, _ in catalogue.confounders[ticker, code]:
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


def naive_rows(sample: StudyResult, returns: pd.DataFrame) -> dict[tuple[str, str], Any]:
    dates = list(returns.index)
    events = []
    for i in sample.studied.reported:
        row = int(sample.studied.rows[i])
        key = (sample.studied.text(i, "event_id"), sample.studied.text(i, "ticker"))
        events.append((*key, str(sample.studied.day0(i)), masked_dates(sample, row, dates)))
    folder = resources.files("eventstudy.data").joinpath("snapshot")
    found = naive.study(str(folder.joinpath("prices.csv")), str(folder.joinpath("dividends.csv")), events)
    return {(row["event_id"], row["ticker"]): row for row in found}

"""The basis of prices: every form of one firm gives its true CAR, or is refused with the day and both figures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.checked_prices import basis_notices
from eventstudy.data.files import read_prices
from eventstudy.data.intake import accept
from eventstudy.data.price_dates import days_of
from eventstudy.data.prices import BY_HEADING, SPLIT_UNCLEAR, PriceSeries, Refusal
from eventstudy.data.raw import RawSeries
from eventstudy.errors import InputFileError
from eventstudy.results import StudyResult
from eventstudy.spec import StudySpec, Window
from eventstudy.study import run

FORMS = Path(__file__).parent / "forms"
EVENTS = pd.DataFrame({"event_id": ["news"], "ticker": ["ABC"], "announced_at": ["2025-04-16"], "timing": ["bmo"]})
# CAR over [0,0] and its standard error of the firm without dividends, and of the one that pays
PLAIN, PAYER = (-0.0550632, 0.0146070), (-0.0568010, 0.0146076)
# what is read of these studies are tables of single events; curves would take most of their time
SPEC = StudySpec(source="", tests=("car-t",), spec_curve="off")
Frame = pd.DataFrame
Edit = Callable[[Frame], Frame]


def clean(name: str) -> Frame:
    return pd.read_csv(FORMS / f"{name}.csv")


def naive(own: np.ndarray, market: np.ndarray, at: int) -> tuple[float, float]:
    """The market model of 250 sessions that end 21 before ``at``, by hand: AR and its standard error."""
    r, m = own[1:] / own[:-1] - 1, market[1:] / market[:-1] - 1
    day = at - 1
    y, x = r[day - 270 : day - 20], m[day - 270 : day - 20]
    design = np.column_stack([np.ones(250), x])
    theta, *_ = np.linalg.lstsq(design, y, rcond=None)
    s2 = ((y - design @ theta) ** 2).sum() / 248
    now = np.array([1.0, m[day]])
    return float(r[day] - now @ theta), float(np.sqrt(s2 * (1 + now @ np.linalg.solve(design.T @ design, now))))


def test_the_truth_of_both_firms_by_hand() -> None:
    market = clean("SPY")["Close"].to_numpy()
    at = int(np.flatnonzero(clean("ABC")["Date"] == "2025-04-16")[0])
    assert naive(clean("ABC")["Close"].to_numpy(), market, at) == pytest.approx(PLAIN, abs=1e-7)
    assert naive(clean("PAYER")["Adj Close"].to_numpy(), market, at) == pytest.approx(PAYER, abs=1e-7)


# ---- the same figures as a folder of files, a Parquet file and a frame

COLUMNS = {
    "Date": "date", "Open": "open", "High": "high", "Low": "low", "Close": "close", "Adj Close": "adj_close",
    "Volume": "volume", "Dividends": "dividend", "Stock Splits": "split",
}  # fmt: skip


def as_csv(own: Frame, folder: Path) -> StudyResult:
    own.to_csv(folder / "ABC.csv", index=False)
    clean("SPY").to_csv(folder / "SPY.csv", index=False)
    return run(EVENTS, spec=SPEC.with_changes(source=f"csv:{folder}"))


def long(own: Frame) -> Frame:
    both = [own.rename(columns=COLUMNS).assign(ticker="ABC"), clean("SPY").rename(columns=COLUMNS).assign(ticker="SPY")]
    return pd.concat(both, ignore_index=True)


def as_parquet(own: Frame, folder: Path) -> StudyResult:
    long(own).to_parquet(folder / "p.parquet", index=False)
    return run(EVENTS, spec=SPEC.with_changes(source=f"parquet:{folder / 'p.parquet'}"))


def as_frame(own: Frame, folder: Path) -> StudyResult:
    del folder
    return run(EVENTS, long(own), SPEC)


WAYS = {"csv": as_csv, "parquet": as_parquet, "frame": as_frame}


def measured(result: StudyResult) -> tuple[float, float]:
    row = result.windows[result.windows["window"] == "[0,0]"].iloc[0]
    return float(row["car"]), float(row["std_error"])


def flags(result: StudyResult) -> set[str]:
    return set(result.windows["flags"].iloc[0].split(";")) - {""}


def split_at(day: str, ratio: float, column: str = "Stock Splits") -> Edit:
    """Raw closes: those before the day are of old shares."""

    def edit(own: Frame) -> Frame:
        before = own["Date"] < day
        for name in ("Open", "Close"):
            own[name] = np.where(before, own[name] * ratio, own[name])
        own[column] = np.where(own["Date"] == day, ratio, 0.0)
        return own

    return edit


def stated_split(day: str, ratio: float) -> Edit:
    """Closes that are adjusted already, with the split stated beside them."""

    def edit(own: Frame) -> Frame:
        return own.assign(**{"Stock Splits": np.where(own["Date"] == day, ratio, 0.0)})

    return edit


RAW_SPLITS: dict[str, Edit] = {
    "4:1 on day 0": split_at("2025-04-16", 4.0),
    "1:190 in the estimation window": split_at("2024-09-20", 1 / 190),
    "2:1 the day before": split_at("2025-04-15", 2.0),
    "3:2 in the estimation window": split_at("2024-08-20", 1.5),
    "1:10 on day 0": split_at("2025-04-16", 0.1),
    "7:1 before the estimation window": split_at("2023-07-20", 7.0),
    "two splits": lambda own: split_at("2024-10-10", 2.0)(own).assign(
        **{
            "Close": lambda f: np.where(f["Date"] < "2024-07-11", f["Close"] * 3, f["Close"]),
            "Open": lambda f: np.where(f["Date"] < "2024-07-11", f["Open"] * 3, f["Open"]),
            "Stock Splits": lambda f: np.where(f["Date"] == "2024-07-11", 3.0, f["Stock Splits"]),
        }
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", RAW_SPLITS)
def test_closes_that_jump_by_a_split_are_adjusted(tmp_path: Path, way: str, case: str) -> None:
    result = WAYS[way](RAW_SPLITS[case](clean("ABC")), tmp_path)
    assert measured(result) == pytest.approx(PLAIN, abs=1e-7)
    assert any("are divided by it" in notice for notice in result.notices)
    own = next(one for one in result.provenance if one.symbol == "ABC")
    assert own.basis == "raw" and "jump" in own.basis_why


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("day", "ratio"), [("2025-04-16", 4.0), ("2024-09-20", 1 / 190), ("2024-08-20", 1.5)])
def test_a_split_that_the_closes_have_seen_changes_nothing(tmp_path: Path, way: str, day: str, ratio: float) -> None:
    result = WAYS[way](stated_split(day, ratio)(clean("ABC")), tmp_path)
    assert measured(result) == pytest.approx(PLAIN, abs=1e-7) and not flags(result)
    assert not any("divided" in notice for notice in result.notices)
    assert next(one for one in result.provenance if one.symbol == "ABC").basis == "split-adjusted"


def contradicting(day: str, ratio: float, stated: float) -> Edit:
    return lambda own: split_at(day, ratio)(own).assign(
        **{"Stock Splits": lambda f: np.where(f["Date"] == day, stated, 0.0)}
    )


def elsewhere(day: str, other: str) -> Edit:
    return lambda own: split_at(day, 4.0)(own).assign(
        **{"Stock Splits": lambda f: np.where(f["Date"] == other, 4.0, 0.0)}
    )


CONTRADICTIONS: dict[str, tuple[Edit, str]] = {
    "another ratio": (contradicting("2025-04-16", 4.0, 2.0), "2025-04-16: a split of 2:1 is stated"),
    "applied twice": (contradicting("2025-04-16", 0.25, 4.0), "neither that split nor the move of a day"),
    "two days late": (elsewhere("2025-04-14", "2025-04-16"), "the close makes that move on 2025-04-14"),
    "three days early": (elsewhere("2025-04-16", "2025-04-11"), "the close makes that move on 2025-04-16"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_split_against_the_closes_is_refused(tmp_path: Path, way: str, case: str) -> None:
    edit, words = CONTRADICTIONS[case]
    with pytest.raises(InputFileError) as caught:
        WAYS[way](edit(clean("ABC")), tmp_path)
    assert words in str(caught.value) and "ABC" in str(caught.value)


# ---- dividends and adjusted closes


def paying(own: Frame) -> Frame:
    """What ``cache export`` writes: close, adjusted close and dividends."""
    return own


def history(own: Frame) -> Frame:
    """What yfinance's ``Ticker.history().to_csv()`` writes."""
    close = own["Adj Close"]
    stamps = pd.to_datetime(own["Date"]).dt.tz_localize("America/New_York").astype(str)
    bars = {"Date": stamps, "Open": close, "High": close * 1.01, "Low": close * 0.99, "Close": close}
    return Frame({**bars, "Volume": own["Volume"], "Dividends": own["Dividends"], "Stock Splits": 0.0})


def of_tiingo(own: Frame) -> Frame:
    """Raw closes with a split, dividends per old share, and Tiingo's convention of the adjusted close."""
    old = own["Date"] < "2024-10-01"
    close = own["Close"] * np.where(old, 2, 1)
    paid = own["Dividends"] * np.where(old, 2, 1)
    growth = (own["Close"] + own["Dividends"]) / own["Close"].shift()
    adjusted = own["Close"].iloc[-1] * growth[::-1].cumprod().shift(fill_value=1.0)[::-1] ** -1
    return Frame(
        {
            "date": own["Date"] + "T00:00:00.000Z", "close": close, "high": close, "low": close, "open": close,
            "volume": own["Volume"], "adjClose": adjusted, "divCash": paid,
            "splitFactor": np.where(own["Date"] == "2024-10-01", 2.0, 1.0),
        }
    )  # fmt: skip


def of_eodhd(own: Frame) -> Frame:
    """Raw closes with a split beside an adjusted close, and nothing else."""
    close = own["Close"] * np.where(own["Date"] < "2024-10-01", 2, 1)
    bars = dict.fromkeys(("Open", "High", "Low", "Close"), close)
    return Frame({"Date": own["Date"], **bars, "Adjusted_close": own["Adj Close"], "Volume": own["Volume"]})


PAYERS: dict[str, tuple[Edit, str, str]] = {
    "close, adjusted close and dividends": (paying, "split-adjusted", "agree with the adjusted close"),
    "the history of yfinance": (history, "fully adjusted", "by the headings of yfinance"),
    "Tiingo with a split": (of_tiingo, "raw", "agree with the adjusted close"),
    "EODHD with a split": (of_eodhd, "raw", "taken as it is"),
    "close and adjusted close": (lambda f: f.drop(columns="Dividends"), "split-adjusted", "taken as it is"),
    "adjusted close as close": (
        lambda f: f.assign(Close=f["Adj Close"])[["Date", "Close"]], "split-adjusted", "no dividends"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PAYERS)
def test_a_payer_has_one_total_return_in_every_form(tmp_path: Path, case: str) -> None:
    edit, basis, why = PAYERS[case]
    result = as_csv(edit(clean("PAYER")), tmp_path)
    # dividends are put on the close after; this adjusted close takes them off the close before
    added = next(one for one in result.provenance if one.symbol == "ABC").returns_from == "dividends"
    assert measured(result) == pytest.approx(PLAIN if added else PAYER, abs=1e-6)
    own = next(one for one in result.provenance if one.symbol == "ABC")
    assert own.basis == basis and why in own.basis_why


def test_dividends_of_a_history_are_not_added(tmp_path: Path) -> None:
    """yfinance#1333: the closes of ``history()`` hold the dividends beside them."""
    result = as_csv(history(clean("PAYER")), tmp_path)
    assert measured(result) == pytest.approx(PAYER, abs=1e-7)
    assert any("which are not added" in notice for notice in result.notices)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (10.0, "2024-05-10: a dividend of 5 is stated"),
        (2.0, "2024-05-10: a dividend of 1 is stated"),
        (0.0, "2024-05-10: a dividend of 0 is stated"),
    ],
)
def test_dividends_against_the_adjusted_close_are_refused(tmp_path: Path, way: str, factor: float, words: str) -> None:
    own = clean("PAYER")
    own["Dividends"] *= factor
    with pytest.raises(InputFileError) as caught:
        WAYS[way](own, tmp_path)
    assert words in str(caught.value) and "imply a dividend of 0.5" in str(caught.value)


def test_a_dividend_on_another_day_than_adjusted_is_refused() -> None:
    own = clean("PAYER")
    own["Dividends"] = own["Dividends"].shift(1, fill_value=0.0)
    found = accept(raw_of(own))
    assert isinstance(found, Refusal) and found.why.startswith("2024-05-10: a dividend of 0 is stated")


def test_a_computed_adjusted_close_wins_a_contradiction() -> None:
    own = clean("PAYER")
    own["Dividends"] *= 10
    found = accept(raw_of(own), trust_adjusted=True)
    assert isinstance(found, PriceSeries) and found.provenance.returns_from == "adj_close"
    assert "2024-05-10: a dividend of 5 is stated" in found.provenance.notice
    np.testing.assert_array_equal(found.adj_close, clean("PAYER")["Adj Close"])


# ---- single series


def raw_of(own: Frame, heading: str = "", layout: str = "") -> RawSeries:
    columns = {COLUMNS[name]: own[name].to_numpy(float) for name in own.columns if name in COLUMNS and name != "Date"}
    days = days_of(own["Date"], "XNYS")
    return RawSeries(
        symbol="ABC", dates=days.dates, columns=columns, layout=layout, heading_basis=heading, source="t", origin="t",
        running=days.running,
    )  # fmt: skip


def walk(n: int = 600, sigma: float = 0.012, seed: int = 3) -> Frame:
    """A price on cents."""
    rng = np.random.default_rng(seed)
    days = np.arange("2020-01-01", "2024-01-01", dtype="datetime64[D]")
    days = days[(days.astype(int) + 3) % 7 < 5][:n]
    return Frame({"Date": days.astype(str), "Close": np.round(80 * np.exp(np.cumsum(rng.normal(0, sigma, n))), 2)})


def test_the_grid_tells_what_the_moves_cannot() -> None:
    """A split of 21:20 in a stock of 2 % a day: the closes before it lie off the cents if they are divided."""
    own = walk(sigma=0.02)
    day = own["Date"][300]
    stated = {"Stock Splits": np.where(own["Date"] == day, 1.05, 0.0)}
    before = own["Date"] < day
    divided = own.assign(**stated, Close=np.where(before, own["Close"] / 1.05, own["Close"]))
    found = accept(raw_of(divided))
    assert isinstance(found, PriceSeries) and found.provenance.basis == "split-adjusted" and found.doubt is None
    finely = own.assign(**stated, Open=own["Close"] + 0.00013)
    kept = accept(raw_of(finely))
    assert isinstance(kept, PriceSeries) and kept.provenance.basis == "raw" and kept.doubt is None
    assert kept.close[0] == own["Close"][0] / 1.05


@pytest.mark.parametrize(("heading", "basis"), [("", "split-adjusted"), ("raw", "raw")])
def test_a_split_too_small_to_see_follows_the_headings(heading: str, basis: str) -> None:
    own = walk(sigma=0.02)
    own["Stock Splits"] = np.where(own.index == 300, 1.02, 0.0)
    found = accept(raw_of(own, heading))
    assert isinstance(found, PriceSeries) and found.provenance.basis == basis
    assert "by the headings" in found.provenance.basis_why
    assert found.doubt is not None and np.flatnonzero(found.doubt & SPLIT_UNCLEAR).tolist() == [300]


def quarterly(own: Frame, share: float) -> np.ndarray:
    return np.where(own.index % 63 == 62, np.round(own["Close"] * share, 2), 0.0)


def adjusted_for(own: Frame, paid: np.ndarray) -> np.ndarray:
    close = own["Close"].to_numpy()
    factor = np.concatenate([(1 - paid[1:] / close[:-1])[::-1].cumprod()[::-1], [1.0]])
    return close * factor


def test_closes_off_the_price_grid_include_dividends() -> None:
    own = walk()
    paid = quarterly(own, 0.005)
    found = accept(raw_of(own.assign(Close=adjusted_for(own, paid), Dividends=paid)))
    assert isinstance(found, PriceSeries) and found.provenance.basis == "fully adjusted" and found.doubt is None
    assert "off the grid" in found.provenance.basis_why
    kept = accept(raw_of(own.assign(Dividends=paid, Open=own["Close"] + 0.00013)))
    assert isinstance(kept, PriceSeries) and kept.provenance.basis == "split-adjusted" and kept.doubt is None
    assert "on the grid" in kept.provenance.basis_why


def test_large_dividends_show_in_the_moves() -> None:
    own = walk(seed=8)
    paid = quarterly(own, 0.06)
    fallen = own.assign(Close=np.round(own["Close"] * np.cumprod(1 - paid / own["Close"]), 2), Dividends=paid)
    found = accept(raw_of(fallen))
    assert isinstance(found, PriceSeries) and "fall by the dividends" in found.provenance.basis_why
    assert found.provenance.basis == "split-adjusted" and found.doubt is None
    held = accept(raw_of(own.assign(Dividends=paid)))
    assert isinstance(held, PriceSeries) and held.provenance.basis == "fully adjusted"


def test_headings_that_the_figures_contradict_are_refused() -> None:
    own = walk()
    paid = quarterly(own, 0.005)
    raw = raw_of(own.assign(Dividends=paid, Open=own["Close"] + 0.00013), "adjusted", "a vendor")
    found = accept(raw)
    assert isinstance(found, Refusal) and "a vendor" in found.why and "on the grid" in found.why


def test_what_hangs_on_headings_is_marked() -> None:
    """Ex-days of a small payer; every session of a year in which a basis point a day hangs on them."""
    own = walk(300)
    for share, marked in ((0.002, 4), (0.008, 260)):
        paid = quarterly(own, share)
        found = accept(raw_of(own.assign(Dividends=paid)))
        assert isinstance(found, PriceSeries) and found.doubt is not None
        assert found.provenance.basis == "split-adjusted" and "by the headings alone" in found.provenance.basis_why
        n = int((found.doubt & BY_HEADING > 0).sum())
        assert n == marked if share < 0.005 else n > 200


@pytest.mark.parametrize("engine", ["small", "streamed"])
def test_flags_stand_on_rows_whose_windows_hold_the_doubt(tmp_path: Path, engine: str) -> None:
    own = clean("ABC")
    at = {"split": own.index[own["Date"] == "2024-10-10"][0], "paid": own.index[own["Date"] == "2025-04-10"][0]}
    own["Stock Splits"] = np.where(own.index == at["split"], 1.01, 0.0)
    own["Dividends"] = np.where(own.index == at["paid"], 0.2, 0.0)
    own.to_csv(tmp_path / "ABC.csv", index=False)
    clean("SPY").to_csv(tmp_path / "SPY.csv", index=False)
    events = EVENTS.assign(event_id=["near"])
    later = EVENTS.assign(event_id=["later"], announced_at=["2025-06-02"])
    both = pd.concat([events, later], ignore_index=True)
    spec = SPEC.with_changes(source=f"csv:{tmp_path}")
    windows = run(both, spec=spec).windows if engine == "small" else streamed(both, spec, tmp_path)
    marks = {name: set(group["flags"].iloc[0].split(";")) for name, group in windows.groupby("event_id")}
    assert {"split_unclear", "basis_by_heading"} <= marks["near"]
    assert "split_unclear" in marks["later"] and "basis_by_heading" not in marks["later"]


def streamed(events: Frame, spec: StudySpec, folder: Path) -> Frame:
    """The same study by the path of large ones."""
    from tests.scale.test_bulk import bulk

    events.to_csv(folder / "events.csv", index=False)
    bulk(folder / "events.csv", folder / "out", spec)
    return pd.read_csv(folder / "out" / "windows.csv", keep_default_na=False)


# ---- refused series beside sound ones


def test_one_bad_file_excludes_its_rows_and_no_others(tmp_path: Path) -> None:
    bad = clean("PAYER")
    bad["Dividends"] *= 10
    bad.to_csv(tmp_path / "BAD.csv", index=False)
    events = pd.concat([EVENTS, EVENTS.assign(event_id=["other"], ticker=["BAD"])], ignore_index=True)
    clean("ABC").to_csv(tmp_path / "ABC.csv", index=False)
    clean("SPY").to_csv(tmp_path / "SPY.csv", index=False)
    result = run(events, spec=SPEC.with_changes(source=f"csv:{tmp_path}"))
    assert measured(result) == pytest.approx(PLAIN, abs=1e-7)
    (row,) = result.exclusions
    assert row.reason == "prices_refused" and row.stage == "priced"
    assert "BAD: 2024-05-10: a dividend of 5 is stated" in row.detail and "imply a dividend of 0.5" in row.detail


def test_a_refused_benchmark_of_every_row_ends_the_study(tmp_path: Path) -> None:
    bad = clean("PAYER")
    bad["Dividends"] *= 10
    bad.to_csv(tmp_path / "SPY.csv", index=False)
    clean("ABC").to_csv(tmp_path / "ABC.csv", index=False)
    with pytest.raises(InputFileError, match="nothing was run") as caught:
        run(EVENTS, spec=SPEC.with_changes(source=f"csv:{tmp_path}"))
    assert "SPY: 2024-05-10" in str(caught.value)


# ---- dates


@pytest.mark.parametrize("way", WAYS)
def test_day_first_text_is_refused_with_a_cure(tmp_path: Path, way: str) -> None:
    """pandas#25847: cell by cell, the days up to the twelfth are read as months."""
    own = clean("ABC").assign(Date=lambda f: pd.to_datetime(f["Date"]).dt.strftime("%d/%m/%Y"))
    market = clean("SPY").assign(Date=lambda f: pd.to_datetime(f["Date"]).dt.strftime("%d/%m/%Y"))
    if way == "csv":
        market.to_csv(tmp_path / "SPY.csv", index=False)
    with pytest.raises(InputFileError) as caught:
        if way == "csv":
            own.to_csv(tmp_path / "ABC.csv", index=False)
            run(EVENTS, spec=SPEC.with_changes(source=f"csv:{tmp_path}"))
        else:
            named = {"ABC": own, "SPY": market}
            table = pd.concat([f.rename(columns=COLUMNS).assign(ticker=t) for t, f in named.items()], ignore_index=True)
            if way == "frame":
                run(EVENTS, table, SPEC)
            else:
                table.to_parquet(tmp_path / "p.parquet", index=False)
                run(EVENTS, spec=SPEC.with_changes(source=f"parquet:{tmp_path / 'p.parquet'}"))
    assert "DD/MM/YYYY: pd.to_datetime(df[column], format='%d/%m/%Y')" in str(caught.value)


@pytest.mark.parametrize("order", ["as it came", "sorted"])
def test_days_and_months_that_changed_places_are_recognised(tmp_path: Path, order: str) -> None:
    own = clean("ABC")
    days = pd.to_datetime(own["Date"])
    own["Date"] = [f"{d:%Y-%d-%m}" if d.day <= 12 else f"{d:%Y-%m-%d}" for d in days]
    if order == "sorted":
        own = own.sort_values("Date", ignore_index=True)
    with pytest.raises(InputFileError, match="day and month changed places"):
        as_csv(own, tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("days", [-1, 1])
def test_dates_that_lie_a_day_off_are_refused(tmp_path: Path, way: str, days: int) -> None:
    moved = pd.to_datetime(clean("ABC")["Date"]) + pd.Timedelta(days=days)
    own = clean("ABC").assign(Date=moved.astype(str))
    with pytest.raises(InputFileError, match=f"one day {'before' if days < 0 else 'after'} the sessions of XNYS"):
        WAYS[way](own, tmp_path)


@pytest.mark.parametrize("way", ["csv", "frame"])
def test_the_row_of_a_running_session_is_not_final(tmp_path: Path, way: str) -> None:
    """yahooquery#176."""
    own = clean("ABC")[["Date", "Close"]]
    own = own[own["Date"] <= "2025-04-17"].reset_index(drop=True)
    own.loc[len(own) - 1, "Date"] = "2025-04-17 11:32:08-04:00"
    events = pd.concat([EVENTS, EVENTS.assign(event_id=["next"], announced_at=["2025-04-17"])], ignore_index=True)
    if way == "csv":
        own.to_csv(tmp_path / "ABC.csv", index=False)
        clean("SPY").to_csv(tmp_path / "SPY.csv", index=False)
        result = run(events, spec=SPEC.with_changes(source=f"csv:{tmp_path}"))
    else:
        result = run(events, long(own), SPEC)
    assert measured(result) == pytest.approx(PLAIN, abs=1e-7)
    (row,) = result.exclusions
    assert row.reason == "day0_not_observed" and "prices of ABC end 2025-04-16" in row.detail
    assert any("inside the session, which had not ended" in notice for notice in result.notices)


def test_rows_padded_over_holidays_change_nothing(tmp_path: Path) -> None:
    """Datastream repeats the last close on holidays."""
    days = pd.bdate_range("2023-06-01", "2025-06-30").strftime("%Y-%m-%d")
    for name in ("ABC", "SPY"):
        padded = clean(name).set_index("Date").reindex(days).ffill().rename_axis("Date").reset_index()
        assert len(padded) > len(clean(name))
        padded.to_csv(tmp_path / f"{name}.csv", index=False)
    result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{tmp_path}"))
    assert measured(result) == pytest.approx(PLAIN, abs=1e-7)


# ---- columns that are swapped, and the manifest


def test_many_closes_outside_low_and_high_mean_swapped_columns() -> None:
    own = clean("ABC")
    bars = own.assign(High=np.maximum(own["Open"], own["Close"]), Low=np.minimum(own["Open"], own["Close"]))
    assert isinstance(accept(raw_of(bars)), PriceSeries)
    swapped = accept(raw_of(bars.rename(columns={"High": "Low", "Low": "High"})))
    assert isinstance(swapped, Refusal) and "columns are swapped" in swapped.why
    few = bars.assign(High=np.where(bars.index < 5, bars["Close"] * 0.9, bars["High"]))
    noted = accept(raw_of(few))
    assert isinstance(noted, PriceSeries) and "the close of 5 rows is outside" in noted.provenance.notice


def test_the_basis_stands_in_the_manifest_and_in_the_progress(tmp_path: Path) -> None:
    from eventstudy.report.provenance import manifest

    own = split_at("2025-04-16", 4.0)(clean("ABC"))
    own.to_csv(tmp_path / "ABC.csv", index=False)
    clean("SPY").to_csv(tmp_path / "SPY.csv", index=False)
    lines: list[str] = []
    result = run(EVENTS, spec=SPEC.with_changes(source=f"csv:{tmp_path}"), progress=lines.append)
    written: dict[str, Any] = json.loads(json.dumps(manifest(result, {}, None)))
    bases = {one["symbol"]: (one["basis"], one["basis_why"]) for one in written["series"]}
    assert bases["ABC"][0] == "raw" and "jump by the stated splits" in bases["ABC"][1]
    assert bases["SPY"][0] == "split-adjusted"
    (line,) = [line for line in lines if line.startswith("prices: ")]
    assert "ABC: raw closes (the closes jump by the stated splits)" in line


# ---- real series, where their folder is named


def tables() -> Path:
    folder = os.environ.get("EVENTSTUDY_TEST_DATA", "")
    if not folder or not (Path(folder) / "panel.parquet").is_file():
        pytest.skip("EVENTSTUDY_TEST_DATA names no folder with panel.parquet")
    return Path(folder)


def test_nothing_of_five_hundred_real_firms_is_refused() -> None:
    """Adjusted closes of 2015 to 2026, read as they are; and the dates against the calendar."""
    from datetime import date

    from eventstudy.data.calendar import load_calendar
    from eventstudy.data.proven_calendars import judged
    from eventstudy.data.series_index import SeriesKey
    from eventstudy.data.sessions import Range
    from eventstudy.data.sources import open_source

    path = tables() / "panel.parquet"
    symbols = sorted(pd.read_parquet(path, columns=["ticker"])["ticker"].unique())
    start, end = date(2015, 1, 1), date(2026, 8, 31)
    table = open_source(SPEC.with_changes(source=f"parquet:{path}")).fetch(symbols, start, end)
    keys = [SeriesKey(symbol, "XNYS", ()) for symbol in symbols]
    every = Range(np.datetime64(start, "D"), np.datetime64(end, "D"))
    table = judged(table, keys, {"XNYS": load_calendar("XNYS", start, end)}, dict.fromkeys(keys, every))
    assert not table.refused and not table.wrong and len(table.series) == len(symbols) == 506
    assert not [s for s, one in table.series.items() if one.doubt is not None or one.provenance.notice]


@pytest.mark.parametrize("places", [2, 4, 6])
def test_no_honest_adjusted_close_contradicts_its_dividends(places: int) -> None:
    """Dividends that the real closes and adjusted closes imply, both written with few places."""
    table = pd.read_csv(tables() / "prices.csv")
    days = 0
    for ticker, own in table.groupby("ticker"):
        close, adjusted = own["close"].to_numpy(), own["adj_close"].to_numpy()
        paid = close[:-1] * -np.expm1(-np.diff(np.log(adjusted / close)))
        paid = np.concatenate([[0.0], np.where(np.abs(paid) > 2e-4 * close[:-1], paid, 0.0)])
        stated = Frame({"Date": own["date"], "Close": close, "Adj Close": np.round(adjusted, places)})
        found = accept(raw_of(stated.assign(Dividends=np.round(paid, max(places, 3)))))
        assert isinstance(found, PriceSeries), (ticker, found)
        days += len(close)
    assert days > 9_000


SPLITS = {
    "NVDA": [("2021-07-20", 4.0), ("2024-06-10", 10.0)],
    "SMH": [("2023-05-05", 2.0)],
    "SOXX": [("2024-03-07", 3.0)],
}


@pytest.mark.parametrize("as_traded", [True, False])
@pytest.mark.parametrize("ticker", SPLITS)
def test_real_splits_are_read_in_raw_and_adjusted_closes(ticker: str, as_traded: bool) -> None:
    table = pd.read_csv(tables() / "prices.csv")
    own = table[table["ticker"] == ticker].reset_index(drop=True)
    split, by = np.zeros(len(own)), np.ones(len(own))
    for day, ratio in SPLITS[ticker]:
        split[own["date"] == day] = ratio
        by[own["date"] < day] *= ratio
    close = np.round(own["close"] * by, 4) if as_traded else own["close"]
    found = accept(raw_of(Frame({"Date": own["date"], "Close": close, "Stock Splits": split})))
    assert isinstance(found, PriceSeries) and found.doubt is None
    assert found.provenance.basis == ("raw" if as_traded else "split-adjusted")
    np.testing.assert_allclose(found.close, own["close"], rtol=1e-5)


def test_the_smallest_split_that_is_decided_is_ten_daily_scales() -> None:
    """What docs/prices.md states, on every 50th day of the real firms: closes that have seen the split."""
    from eventstudy.data.moves import likelihood_ratio, moves_at
    from eventstudy.data.splits import FIRM

    table = pd.read_parquet(tables() / "panel.parquet")
    decided: dict[int, list[bool]] = {5: [], 10: [], 12: []}
    wrong = n = 0
    for _, own in table.groupby("ticker"):
        move = np.diff(np.log(own["adj_close"].to_numpy()), prepend=np.nan)
        moves = moves_at(move, np.arange(60, len(move) - 60, 50))
        for many, found in decided.items():
            ratio = likelihood_ratio(moves, many * moves.scale)
            found += (np.abs(ratio) > FIRM).tolist()
        doubled = likelihood_ratio(moves, np.full(len(moves.size), np.log(2.0)))
        wrong, n = wrong + int((doubled > FIRM).sum()), n + len(moves.size)
    shares = {many: float(np.mean(found)) for many, found in decided.items()}
    assert shares[5] < 0.3 and shares[10] > 0.93 and shares[12] > 0.96
    assert wrong <= 2 and n > 25_000


@pytest.mark.parametrize(("finer", "marked"), [(True, True), (False, False)])
def test_a_split_that_grid_and_move_judge_differently_is_marked(tmp_path: Path, finer: bool, marked: bool) -> None:
    """Raw closes of 7:5 before the split: on three places they look divided, and the move of the day is that of the split."""
    rng = np.random.default_rng(5)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.02, 300))), 2)
    days = np.arange("2023-01-02", "2024-06-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)][: len(close)]
    before = np.arange(len(close)) < 200
    raw = np.where(before, np.round(close * 1.4, 3 if finer else 2), close)
    ratio = np.where(np.arange(len(close)) == 200, 1.4, 0.0)
    table = pd.DataFrame({"Date": days, "Close": raw, "Stock Splits": ratio})
    table.to_csv(tmp_path / "ABC.csv", index=False)
    series = read_prices(tmp_path / "ABC.csv", "ABC")
    doubted = bool((series.doubt & SPLIT_UNCLEAR).any()) if series.doubt is not None else False
    assert doubted == marked
    if not marked:
        np.testing.assert_allclose(series.close[:200], close[:200], rtol=1e-4)


@pytest.mark.parametrize(("stock", "market"), [(True, False), (False, True), (True, True), (False, False)])
def test_dividends_of_one_side_alone_are_named(tmp_path: Path, stock: bool, market: bool) -> None:
    """The stock's file states dividends and the benchmark's does not, or the other way round."""
    days = load_calendar("XNYS", date(2023, 1, 3), date(2024, 12, 31)).sessions
    rng = np.random.default_rng(2)
    for symbol, stated in (("ZZ", stock), ("SPY", market)):
        table = pd.DataFrame({"Date": days, "Close": 50 * np.cumprod(1 + rng.normal(0, 0.01, len(days)))})
        paid = {"Dividends": np.where(np.arange(len(days)) % 63 == 20, 0.2, 0.0)} if stated else {}
        table.assign(**paid).to_csv(tmp_path / f"{symbol}.csv", index=False)
    events = pd.DataFrame({"event_id": ["x"], "ticker": ["ZZ"], "announced_at": ["2024-08-14"], "timing": ["bmo"]})
    found = run(events, spec=StudySpec(source=f"csv:{tmp_path}", windows=(Window(0, 0),), windows_given=True))
    without, counted = ("SPY", "ZZ") if stock else ("ZZ", "SPY")
    said = [note for note in found.notices if "no dividends are stated" in note]
    assert len(said) == (stock != market)
    assert all(note.startswith(f"{without}: ") and f"those of {counted} are counted" in note for note in said)


def test_no_note_is_dropped_without_a_word(tmp_path: Path) -> None:
    """Twenty series with notes and the note on dividends: the last series is counted."""
    days = load_calendar("XNYS", date(2024, 1, 2), date(2024, 12, 31)).sessions
    pd.DataFrame({"Date": days, "Close": 50.0 + np.arange(len(days)) % 7}).to_csv(tmp_path / "ZZ.csv", index=False)
    plain = read_prices(tmp_path / "ZZ.csv", "ZZ")
    noted = [replace(plain.provenance, symbol=f"N{i:02}", notice="has a split") for i in range(20)]
    paying = replace(plain.provenance, symbol="PAYS", returns_from="dividends", notice="")
    assert len(basis_notices(noted)) == 20
    found = basis_notices([*noted, paying])
    assert found[0].startswith("N00, N01") and "PAYS are counted" in found[0]
    assert found[-1] == "1 more series have notes in manifest.json" and len(found) == 21

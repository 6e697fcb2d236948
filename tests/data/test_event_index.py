"""The index of events: each ticker judged by itself, and masks against plain loops."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.data.calendar import load_calendar
from eventstudy.data.event_index import index_events
from eventstudy.data.events import events_from_frame
from eventstudy.data.surroundings import MASKING, Surroundings, masked_history
from eventstudy.engine.windows import WindowPlan
from eventstudy.spec import StudySpec
from eventstudy.study import run

UNKNOWN = {"suffix": "FOO.QQ", "calendar that cannot be built": "TEVA.TA"}


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the library could not build Tel Aviv's calendar."""
    import exchange_calendars

    build = exchange_calendars.get_calendar

    def broken(code: str, **named: object) -> object:
        if code == "XTAE":
            raise ValueError("special dates are not sessions")
        return build(code, **named)

    load_calendar.cache_clear()
    monkeypatch.setattr(exchange_calendars, "get_calendar", broken)
    yield
    load_calendar.cache_clear()


def events(*tickers: str) -> pd.DataFrame:
    return pd.DataFrame({"ticker": tickers, "announced_at": ["2025-04-16"] * len(tickers), "timing": "bmo"})


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize("ticker", UNKNOWN.values(), ids=UNKNOWN)
def test_a_ticker_without_a_calendar_is_a_row_with_a_reason(ticker: str) -> None:
    result = run(events("NVDA", ticker), spec=StudySpec(source="snapshot"))
    assert result.windows["ticker"].unique().tolist() == ["NVDA"]
    (lost,) = result.excluded.to_dict("records")
    assert (lost["ticker"], lost["stage"], lost["reason"]) == (ticker, "dated", "unknown_exchange")
    assert "`calendar` column" in lost["detail"], "it says what to write"


@pytest.mark.usefixtures("unbuilt")
def test_a_study_without_any_known_exchange_has_rows_with_reasons() -> None:
    result = run(events(*UNKNOWN.values()), spec=StudySpec(source="snapshot"))
    assert result.n_read == 2 and result.windows.empty
    assert result.excluded["reason"].tolist() == ["unknown_exchange"] * 2


@pytest.mark.usefixtures("unbuilt")
def test_other_rows_are_what_they_are_without_the_unknown_ones() -> None:
    spec = StudySpec(source="snapshot")
    alone, beside = run(events("NVDA"), spec=spec), run(events("NVDA", *UNKNOWN.values()), spec=spec)
    pd.testing.assert_frame_equal(alone.windows, beside.windows, check_exact=True)


@settings(max_examples=40, deadline=None)
@given(
    masking=st.lists(st.integers(0, 59), max_size=8),
    session=st.integers(0, 59),
    estimation=st.integers(3, 30),
    gap=st.integers(0, 5),
)
def test_masked_days_are_those_of_a_loop(masking: list[int], session: int, estimation: int, gap: int) -> None:
    plan = WindowPlan(estimation=estimation, gap=gap, start=-2, end=3)
    bits = np.zeros((1, 60), dtype=np.uint16)
    bits[0, masking] = MASKING
    at = np.array([session])
    around = Surroundings.of(bits, np.array([0]), at, 1 - plan.estimation_start, plan.end + 1)
    centres = {other for other in masking if other != session}
    days = range(plan.estimation_start, plan.end + 1)
    assert around.masked(plan)[0].tolist() == [any(abs(session + day - c) <= 1 for c in centres) for day in days]
    assert masked_history(bits)[0].tolist() == [any(abs(t - c) <= 1 for c in masking) for t in range(60)]


def test_day_0_and_firms_as_one_by_one() -> None:
    frame = pd.DataFrame(
        {
            "event_id": ["a", "b", "c", "d"],
            "ticker": ["NVDA", "ASML.AS", "NVDA", "AMD"],
            "announced_at": ["2025-04-15", "2025-04-18", "2025-04-15T17:10:00-04:00", "2025-04-19"],
            "timing": ["amc", "", "", "bmo"],
        }
    )
    index = index_events(events_from_frame(frame), None)
    placed = [index.placement(row) for row in range(4)]
    assert [str(place.date) for place in placed if place] == ["2025-04-16", "2025-04-22", "2025-04-16", "2025-04-21"]
    assert index.session.tolist() == [place.session for place in placed if place]
    assert [index.name(row)[1] for row in range(4)] == ["NVDA", "ASML.AS", "NVDA", "AMD"]
    assert index.shares_session().tolist() == [True, False, True, False]
    assert index.uncertain().tolist() == [False, True, False, False]
    assert index.rows_of(int(index.pair[0])).tolist() == [0, 2] and index.other_days(0).tolist() == [0]
    sessions = load_calendar("XNYS", date(2025, 4, 1), date(2025, 4, 30)).sessions
    assert np.isin(np.datetime64("2025-04-16"), sessions)

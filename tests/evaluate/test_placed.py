"""Rows on the panel of their series: what is read for a few rows is what all rows have."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.data import market
from eventstudy.data.event_index import happenings
from eventstudy.data.series_index import series_of
from eventstudy.evaluate.placed import bits_of, place_rows
from eventstudy.results import StudyResult


def test_bits_of_some_firms_are_those_of_the_index(sample: StudyResult) -> None:
    index = sample.studied.index
    firms = np.arange(len(index.pairs))[::-2]
    none = np.zeros((len(firms), index.n_sessions), dtype=bool)
    expected = happenings(index)[firms]
    assert expected.any()
    np.testing.assert_array_equal(bits_of(sample.studied, firms, none), expected)


def test_series_of_some_rows_are_those_of_all(sample: StudyResult) -> None:
    index, spec, rows = sample.studied.index, sample.spec, sample.studied.rows[::-3]
    every, some = series_of(index, spec), series_of(index, spec, rows)
    assert len(some.keys) < len(every.keys)
    assert [some.keys[k] for k in some.series] == [every.keys[k] for k in every.series[rows]]
    assert [index.pairs[firm] for firm in some.pair] == [(key.ticker, key.exchange) for key in some.keys]


def test_series_made_again_are_the_same(sample: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    studied, parts = sample.studied, ("total", "overnight", "intraday")
    _, _, before = place_rows(studied, studied.rows, sample.spec, parts=parts)
    monkeypatch.setattr(market, "HELD", 1)
    studied.market._made.clear()
    keys, _, panels = place_rows(studied, studied.rows, sample.spec, parts=parts)
    assert len(keys) > 1 and len(studied.market._made) == 1
    for part, panel, other in zip(parts, panels, before, strict=True):
        alone = studied.market.stack(keys[:1], sample.spec.returns, part)
        for name in ("returns", "factors", "span", "day_number"):
            np.testing.assert_array_equal(getattr(panel, name), getattr(other, name))
            width = getattr(alone, name).shape[-1]
            np.testing.assert_array_equal(getattr(panel, name)[:1, ..., :width], getattr(alone, name))

"""The short list by situation (methods 0): what is read first, and what never appears."""

from __future__ import annotations

import pytest

from eventstudy.evaluate.recommend import MONTHS, recommend
from eventstudy.spec import GROUP_TESTS, LONG_RUN_TESTS

IGNORE_CORRELATION = {"csect-t", "patell", "bmp", "stouffer-t", "grank-t", "sign-flip", "generalized-sign"}


@pytest.mark.parametrize(
    ("n", "dates", "pairs", "length", "first", "never"),
    [
        (4, 4, 0, 1, "stouffer-t", {"grank-t", "corrado-zivney", "csect-t"}),
        (12, 12, 0, 3, "stouffer-t", {"grank-t", "corrado-zivney"}),
        (20, 20, 0, 1, "bmp", {"patell", "csect-t"}),
        (500, 500, 0, 11, "bmp", {"patell", "csect-t"}),
        (3, 1, 3, 1, "kolari-pynnonen", IGNORE_CORRELATION),
        (50, 1, 1225, 1, "kolari-pynnonen", IGNORE_CORRELATION),
        (30, 12, 40, 1, "im-t", IGNORE_CORRELATION),
        (30, 4, 40, 1, "im-t", IGNORE_CORRELATION),
        (30, 3, 40, 1, "calendar-cov", IGNORE_CORRELATION),
        (90, 30, 40, 1, "calendar-cov", IGNORE_CORRELATION),
        (30, 30, 2, 11, "calendar-cov", IGNORE_CORRELATION),
        (80, 80, 0, MONTHS + 1, "calendar-time-alpha", {"csect-t", "bmp", "patell"}),
        (80, 20, 900, 250, "calendar-time-alpha", {"csect-t", "bmp", "patell", "kolari-pynnonen"}),
    ],
)
def test_the_headline_and_what_must_not_be_read(
    n: int, dates: int, pairs: int, length: int, first: str, never: set[str]
) -> None:
    advice = recommend(n, dates, pairs, length)
    assert advice.tests[0] == first
    assert not never & set(advice.tests)
    assert set(advice.tests) <= {*GROUP_TESTS, *LONG_RUN_TESTS}
    assert len(advice.why) > 40


def test_sign_flips_need_an_attainable_five_percent() -> None:
    assert "sign-flip" in recommend(6, 6, 0).tests and "sign-flip" not in recommend(5, 5, 0).tests


def test_many_firms_of_one_date_get_the_clustered_ranks() -> None:
    assert "grank-t-clu" in recommend(20, 1, 190).tests and "grank-t-clu" not in recommend(19, 1, 171).tests

"""Which multi-event tests to read for the sample at hand, and why (methods 0)."""

from __future__ import annotations

from dataclasses import dataclass

MANY = 20
SIGNS = 6
# Dates from and below which the average over dates is the one to read (Ibragimov & Mueller 2010; methods A6).
FEW_DATES, MANY_DATES = 4, 30
# Sessions beyond which a window is one of months.
MONTHS = 60


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The tests to read first.

    Attributes
    ----------
    tests : tuple of str
        The headline first, then what should agree with it.
    why : str
        One sentence.
    """

    tests: tuple[str, ...]
    why: str


def recommend_weighted(n: int, n_dates: int, n_overlapping: int) -> tuple[str, ...]:
    """The tests of a value-weighted mean to read for such a sample, the headline first (methods A7)."""
    return ("vw-kp", "vw-calendar-cov") if n_overlapping or n_dates < n else ("vw-bmp",)


def recommend(n: int, n_dates: int, n_overlapping: int, length: int = 1) -> Recommendation:
    """The short list for N events on a number of dates, with so many pairs of overlapping windows of a length."""
    if length > MONTHS:
        return Recommendation(
            ("calendar-time-alpha", "lbt-bootstrap"),
            f"a window of {length} sessions: over months returns compound, are skewed and overlap, so the headline is "
            "the calendar-time portfolio (--hold), and the bootstrap of buy-and-hold returns where events are "
            "independent",
        )
    if n_dates == 1:
        more = ("grank-t-clu", "corrado") if n >= MANY else ("corrado", "crude-dependence")
        return Recommendation(
            ("kolari-pynnonen", "adj-patell", "calendar-cov", *more),
            "all events fall on one date, so their errors are correlated and tests that count them as independent are "
            "left out",
        )
    if n_overlapping or n_dates < n:
        dated = n_dates < n and FEW_DATES <= n_dates < MANY_DATES
        return Recommendation(
            (*(("im-t",) if dated else ()), "calendar-cov", "kolari-pynnonen", "kpp", "corrado"),
            "events share dates or their windows overlap, so the tests of the table count what events have in common"
            f"{'; the first is of the average over dates, each date counting once' if dated else ''}; a test marked "
            "warn relies on something that does not hold here",
        )
    if n >= MANY:
        return Recommendation(
            ("bmp", "grank-t", "corrado", "generalized-sign", "skew-t-hall"),
            "twenty events and more whose windows do not overlap: tests that hold where prices move more than usual "
            "on event days",
        )
    signs = ("sign-flip",) if n >= SIGNS else ()
    return Recommendation(
        ("stouffer-t", "patell", "bmp", *signs),
        "fewer than twenty events, windows apart: distributions that hold for small samples, none that is asymptotic",
    )

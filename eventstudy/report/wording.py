"""Numbers, days and counts as pages print them."""

from __future__ import annotations

import math
from datetime import date

from eventstudy.report.format import NOTHING

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def counted(n: int) -> str:
    """A small number in words."""
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else f"{n:,}"


def day_words(text: str, *, year: bool = True) -> str:
    """``2025-04-16`` -> ``16 April 2025``."""
    found = date.fromisoformat(text)
    return f"{found.day} {found:%B}" + (f" {found.year}" if year else "")


def short_day(text: str) -> str:
    """``2025-04-16`` -> ``16 Apr 2025``."""
    found = date.fromisoformat(text)
    return f"{found.day} {found:%b} {found.year}"


def rounded(value: float, digits: int = 2) -> float:
    """A decimal as the percent that is printed; never -0."""
    return round(100 * value, digits) + 0.0


def plain(value: float, digits: int = 2) -> str:
    """A printed percent without sign and unit: ``6.87``."""
    return f"{abs(value):.{digits}f}"


def signed(value: float, digits: int = 2) -> str:
    """A decimal as a signed percentage; zero has no sign."""
    if not math.isfinite(value):
        return NOTHING
    number = rounded(value, digits)
    return f"{number:+.{digits}f} %" if number else f"{0:.{digits}f} %"


def points(value: float, digits: int = 2) -> str:
    """A printed percent with its sign and without its unit; zero has no sign."""
    return f"{value:+.{digits}f}" if value else f"{0:.{digits}f}"


def span(low: float, high: float, digits: int = 1) -> str:
    """An interval: ``-6.1 to +3.5 %``; a side without a bound is open."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return NOTHING
    if not math.isfinite(low):
        return f"up to {signed(high, digits)}"
    return (
        f"{signed(low, digits)[:-2]} to {signed(high, digits)}"
        if math.isfinite(high)
        else (f"{signed(low, digits)} or more")
    )


def p_text(p: float) -> str:
    """A p value: two significant digits below 0.1, two decimals above, never 0."""
    if not math.isfinite(p):
        return NOTHING
    if p >= 0.1:
        return f"{p:.2f}"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


# what a move that stands out is called, and how far others go, by the side that the tests look at
SIDES = {"two-sided": ("unusual", "far"), "less": ("unusually low", "low"), "greater": ("unusually high", "high")}


def called(side: str) -> str:
    """What a move that stands out is called."""
    return SIDES[side][0]


def as_ordinary(side: str, n: int = 1, noun: str = "day") -> str:
    """What is said of ``n`` own moves that do not stand out; of one side alone, that they do not on that side."""
    if side == "two-sided":
        return f"could be an ordinary {noun}"
    return f"{'is' if n == 1 else 'are'} not {called(side)}"


def side_words(side: str) -> str:
    """What a one-sided study does not look at; empty for tests of both sides."""
    if side == "two-sided":
        return ""
    one, other = ("below", "above") if side == "less" else ("above", "below")
    return f"Tests look for own moves {one} zero only; one {other} zero is not tested."


def odds(alpha: float) -> str:
    """How often chance alone calls an ordinary day unusual."""
    return "one in twenty" if abs(alpha - 0.05) < 1e-9 else f"{100 * alpha:g} %"


def over(days: int) -> str:
    """Behind a verb, where the window is longer than a day."""
    return "" if days == 1 else f" over {counted(days)} days"


def upper(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]

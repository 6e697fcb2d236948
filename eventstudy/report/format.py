"""Numbers as people read them: at most six significant digits, never a p value of 0."""

from __future__ import annotations

import math
from collections.abc import Iterable

NOTHING = "–"


def percent(value: float, digits: int = 2) -> str:
    """A decimal as a signed percentage: ``-0.0687`` -> ``-6.87 %``."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{100 * value:+.{digits}f}"
    return f"{'0.' + '0' * digits if float(text) == 0 else text} %"


def size(value: float, digits: int = 1) -> str:
    """A magnitude as a percentage without sign."""
    return NOTHING if not math.isfinite(value) else f"{100 * abs(value):.{digits}f} %"


def number(value: float, digits: int = 3) -> str:
    """A plain number with up to ``digits`` decimals."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def p_value(value: float) -> str:
    """A p value: three decimals, two significant digits when small, never 0."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def share(value: float) -> str:
    """A rate as a percentage without sign, one decimal."""
    return NOTHING if not math.isfinite(value) else f"{100 * value:.1f} %"


def rated(p: float, rate: float) -> str:
    """A p value, and behind it how often its test rejects when nothing happens, where that is known."""
    return f"{p_value(p)} ({share(rate)})" if math.isfinite(p) and math.isfinite(rate) else p_value(p)


def interval(low: float, high: float) -> str:
    """An interval of returns."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{percent(low)[:-2]} to {percent(high)}"


def listed(items: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    names = list(items)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def count(n: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{n:,} {noun if n == 1 else noun + 's'}"


def clipped(text: str, longest: int = 160) -> str:
    """Text cut to the length of a heading; the tables have all of it."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"

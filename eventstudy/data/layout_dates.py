"""The dates of a known layout: the form in which it writes them, and whether they are those of a price column."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np

from eventstudy.data.layouts import MILLISECONDS, OWN, YAHOO_DATES, Recognised
from eventstudy.data.price_dates import Days

_ISO = re.compile(r"\d{4}-?\d{2}-?\d{2}")
# cells by which the form of a column is known
TRIED = 20


def may_be_yahoo_page(found: Recognised) -> bool:
    """Whether the columns of a table are those of Yahoo's web page."""
    return found.layout.name == OWN and "adj_close" in found.place


def is_yahoo_page(found: Recognised, dates: Any) -> bool:
    """Whether a table is one of Yahoo's web page, which its dates tell from the program's own headings."""
    if not may_be_yahoo_page(found) or not isinstance(dates, list):
        return False
    first = next((cell for cell in dates if cell), "")
    return any(_reads(first, form) for form in YAHOO_DATES)


def form_of(found: Recognised, values: Any) -> str:
    """The form of text in which a layout writes its dates; empty where they are ISO text or no text."""
    if found.layout.dates == (MILLISECONDS,):
        return MILLISECONDS
    forms = found.layout.dates or (YAHOO_DATES if found.layout.name == OWN and "adj_close" in found.place else ())
    if not forms:
        return ""
    cells = [str(value).strip() for value in list(values[:TRIED]) if isinstance(value, str) and value.strip()]
    if not cells or _ISO.match(cells[0]):
        return ""
    readable = [form for form in forms if _reads(cells[0], form)]
    return readable[0] if readable else forms[0] if found.layout.dates else ""


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def swappable(days: Days) -> bool:
    """Whether every date would also be one with day and month in the other order."""
    there = days.dates[~np.isnat(days.dates)]
    day = (there - there.astype("datetime64[M]")).astype(np.int64) + 1
    return bool((day <= 12).all())


def orderly(days: Days) -> bool:
    """Whether days are those of a price column: in order, each once, hardly a weekend, no step beyond 20 days."""
    numbers = days.dates[~np.isnat(days.dates)].astype(np.int64)
    steps = np.diff(numbers)
    in_order = bool((steps > 0).all() or (steps < 0).all())
    weekends = float(((numbers + 3) % 7 >= 5).mean()) if len(numbers) else 0.0
    return in_order and weekends <= 0.02 and bool((np.abs(steps) <= 20).all())

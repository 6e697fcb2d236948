"""Dates that are not read: which readings a column of text or numbers allows, and the line of code for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

# weeks and days of the year are ISO text too, and no dates of a table of prices
ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?", re.ASCII
)
# forms in which daily figures are dated; a column is never read by one of them unless its layout is known
FORMS = (
    "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y/%d/%m", "%d.%m.%Y", "%m.%d.%Y", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y",
    "%m/%d/%y", "%d/%m/%y", "%y/%m/%d", "%d.%m.%y", "%m.%d.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d",
    "%b %d, %Y", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%Y", "%B %d, %Y", "%d %B %Y", "%Y%m%d",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S",
)  # fmt: skip
# (lowest, highest, what such numbers count, the line that reads them)
COUNTS = (
    (10957, 22000, "days since 1970", "pd.to_datetime(df[column], unit='D')"),
    (25569, 60000, "days of a spreadsheet", "pd.to_datetime(df[column], unit='D', origin='1899-12-30')"),
    (1e8, 5e9, "seconds since 1970", "pd.to_datetime(df[column], unit='s')"),
    (1e11, 5e12, "milliseconds since 1970", "pd.to_datetime(df[column], unit='ms')"),
    (1e14, 5e15, "microseconds since 1970", "pd.to_datetime(df[column], unit='us')"),
    (1e17, 5e18, "nanoseconds since 1970", "pd.to_datetime(df[column], unit='ns')"),
)  # fmt: skip


class UnreadableDates(Exception):
    """A column of dates that cannot be read, with every problem.

    Parameters
    ----------
    problems : sequence of (row, value, message)
        The row counts from 0; -1 where the whole column is meant.
    """

    def __init__(self, problems: Sequence[tuple[int, str, str]]) -> None:
        self.problems = tuple(problems)
        row, value, message = self.problems[0]
        super().__init__(f"{message}" if row < 0 else f"row {row + 1} {value!r} {message}")

    @classmethod
    def of_column(cls, message: str) -> UnreadableDates:
        """The error of a column as a whole."""
        return cls([(-1, "", message)])


def text_trouble(texts: NDArray[Any], missing: Sequence[str]) -> UnreadableDates:
    """Why text is not read, and the line of code that reads it where one reading of the whole column is possible."""
    cells = [str(text).strip() for text in texts]
    kept = [cell for cell in dict.fromkeys(cells) if cell.lower() not in missing]
    found = [form for form in FORMS if _reads(kept, form)]
    line = "pd.to_datetime(df[column], format={!r})"
    first = kept[0]
    row = cells.index(first)
    if len(found) == 1:
        message = f"is not ISO text; only one reading of the column is possible, {_named(found[0])}: "
        return UnreadableDates([(row, first, message + line.format(found[0]))])
    if found:
        likely = [form for form in found if _plausible(days_by_form(cells, form, texts))]
        hint = f", and only {_named(likely[0])} gives rows in order" if len(likely) == 1 else ""
        several = " or ".join(f"{_named(form)}: {line.format(form)}" for form in found)
        return UnreadableDates([(row, first, f"is ambiguous{hint}; read the column as what it is, {several}")])
    return UnreadableDates(_odd_cells(cells, kept, missing))


def _odd_cells(cells: Sequence[str], kept: Sequence[str], missing: Sequence[str]) -> list[tuple[int, str, str]]:
    readings = {cell: {form for form in ("", *FORMS) if _read_one(cell, form) is not None} for cell in kept}
    counts: dict[str, int] = {}
    for forms in readings.values():
        for form in forms:
            counts[form] = counts.get(form, 0) + 1
    common = max(counts, key=lambda form: counts[form], default=None)
    if common is not None and counts[common] < len(kept) / 2:
        common = None
    problems = []
    for row, cell in enumerate(cells):
        if cell.lower() in missing or (common is not None and common in readings[cell]):
            continue
        mixed = bool(readings[cell]) and common is not None
        why = f"is in another form than the rows that read as {_named(common or '')}" if mixed else "is not a date"
        problems.append((row, cell, f"{why}; write YYYY-MM-DD"))
    return problems


def _reads(cells: Sequence[str], form: str) -> bool:
    return all(_read_one(cell, form) is not None for cell in cells)


def _read_one(text: str, form: str) -> date | None:
    try:
        if not form:
            return date.fromisoformat(text[:10]) if ISO.fullmatch(text) or MOMENT.fullmatch(text) else None
        return datetime.strptime(text, form).date()
    except ValueError:
        return None


def _named(form: str) -> str:
    """A form in letters: ``%m/%d/%Y`` is MM/DD/YYYY."""
    letters = {"%d": "DD", "%m": "MM", "%b": "Mon", "%B": "Month", "%Y": "YYYY", "%y": "YY", "%H:%M:%S": "clock"}
    for mark, word in {**letters, "%H:%M": "clock"}.items():
        form = form.replace(mark, word)
    return form or "YYYY-MM-DD"


def _plausible(days: NDArray[np.int64]) -> bool:
    """Whether days are those of a price column: each once, in order, without weekends or steps beyond 20 days."""
    steps = np.diff(days)
    rising = bool((steps > 0).all() or (steps < 0).all())
    weekend = ((days + 3) % 7 >= 5).mean()
    return rising and weekend <= 0.02 and bool((np.abs(steps) <= 20).all())


def days_by_form(cells: Sequence[str], form: str, texts: NDArray[Any]) -> NDArray[np.int64]:
    """Days since 1970 of text in the form of a known layout.

    Raises
    ------
    UnreadableDates
        Cells that are in another form.
    """
    epoch, found, wrong = date(1970, 1, 1), [], []
    for cell in cells:
        day = _read_one(cell, form)
        if day is None:
            wrong.append(cell)
        found.append(0 if day is None else (day - epoch).days)
    if wrong:
        rows = [str(text).strip() for text in texts]
        message = f"is not a date in the form of this layout, {_named(form)}"
        raise UnreadableDates([(rows.index(cell), cell, message) for cell in wrong])
    return np.array(found, dtype=np.int64)


def number_trouble(numbers: NDArray[np.float64], good: NDArray[np.bool_]) -> UnreadableDates:
    """Why numbers are not read as dates, and the line of code that reads them."""
    there = np.isfinite(numbers)
    kept = numbers[there]
    first = int(np.flatnonzero(there & ~good)[0])
    shown = f"{numbers[first]:.15g}"
    if (good & there).any():
        message = "is not a day of the calendar, and other rows are written YYYYMMDD; write YYYY-MM-DD in every row"
        return UnreadableDates([(first, shown, message)])
    readings = [(what, line) for low, high, what, line in COUNTS if ((kept >= low) & (kept <= high)).all()]
    if readings:
        said = " or ".join(f"{what}: {line}" for what, line in readings)
        return UnreadableDates([(first, shown, f"is a number that may count {said}; write YYYY-MM-DD")])
    return UnreadableDates([(first, shown, "is not a date; write YYYY-MM-DD or YYYYMMDD")])

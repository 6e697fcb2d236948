"""Events as people have them -> the columns a study reads, and the caller's own columns and index beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.frames import as_pandas, dialect_of
from eventstudy.data.event_columns import EventColumns
from eventstudy.data.event_headings import ALIASES, OPTIONAL, REQUIRED
from eventstudy.errors import UsageError, flat
from eventstudy.opening import exists
from eventstudy.spec import is_ticker

if TYPE_CHECKING:
    import pandas as pd

FRAME = "<frame>"
WANTED = (
    "a path, a pandas, polars, pyarrow or DuckDB frame, a list of dicts, a dict, or a ticker and a date such as "
    "es.run('NVDA', '2025-04-15', timing='amc')"
)
# a year, and a day and month in any form: what cannot be read is refused with what to write
_DAY = re.compile(r"\b(19|20)\d\d(\d{4})?\b|^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}\b")
# endings by which a text is known to be a file and no ticker
SUFFIXES = (".csv", ".parquet", ".pq", ".txt", ".tsv", ".xlsx")


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """Extra columns of the caller's table.

    Attributes
    ----------
    labels : (n,)
        The caller's index.
    columns : dict
        Name -> values (n,), in the caller's own types.
    """

    labels: Any
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenEvents:
    """Events as a study reads them.

    Attributes
    ----------
    columns : EventColumns
    own : OwnColumns
        One value a row of ``columns``.
    """

    columns: EventColumns
    own: OwnColumns


def given_events(events: Any) -> GivenEvents:
    """Read events however they are held.

    Raises
    ------
    InputFileError
        With every problem; of a missing column with the line of code that adds it.
    UsageError
        If the value is neither a table nor a path.
    """
    from eventstudy.data.events import events_from_frame

    if isinstance(events, GivenEvents):
        return events
    if isinstance(events, EventColumns):
        return GivenEvents(events, of_columns(events))
    if isinstance(events, str | os.PathLike):
        return _of_path(events)
    frame = as_pandas(events)
    if frame is None:
        raise UsageError(f"events are of type {type(events).__name__}", WANTED)
    frame = _with_index(frame)
    columns = events_from_frame(frame, FRAME, dialect_of(events))
    at = columns.lines - 2
    extra = [name for name in columns.columns if name not in (*REQUIRED, *OPTIONAL)]
    own = {name: frame[name].iloc[at].reset_index(drop=True) for name in frame.columns if str(name) in extra}
    return GivenEvents(columns, OwnColumns(frame.index[at], {str(name): values for name, values in own.items()}))


def one_event(ticker: str, when: Any, timing: str, claimed_return: Any, event_id: str = "") -> EventColumns:
    """One announcement as events."""
    import pandas as pd

    from eventstudy.data.events import default_id, events_from_frame

    row = {
        "event_id": event_id or default_id(ticker.lstrip("^"), _when(when)),
        "ticker": ticker,
        "announced_at": _when(when),
        "timing": timing or "",
        "claimed_return": "" if claimed_return is None else str(claimed_return),
        "title": f"{ticker} {_when(when)}",
    }
    return events_from_frame(pd.DataFrame([row]), "command line")


def beside_catalogue(known: EventColumns, ticker: str, when: Any, timing: str, claimed_return: Any) -> EventColumns:
    """A catalogue of announcements with one more behind it, whose event_id no other has; it is the last row."""
    from eventstudy.data.events import default_id

    event_id = default_id(ticker.lstrip("^"), _when(when))
    taken = set(known.cells("event_id", np.arange(len(known))))
    while event_id in taken:
        event_id += "-adhoc"
    return known.joined(one_event(ticker, when, timing, claimed_return, event_id))


def is_announcement(events: Any, when: Any) -> bool:
    """Whether the first two arguments are a ticker and a date, and not events and prices."""
    if not isinstance(events, str) or not is_ticker(events) or events.lower().endswith(SUFFIXES):
        return False
    return isinstance(when, date) or (isinstance(when, str) and _DAY.search(when) is not None)


def _when(when: Any) -> str:
    if isinstance(when, datetime):
        return when.date().isoformat() if _is_midnight(when) else when.isoformat()
    return when.isoformat() if isinstance(when, date) else str(when).strip()


def _is_midnight(when: datetime) -> bool:
    return when.tzinfo is None and (when.hour, when.minute, when.second) == (0, 0, 0)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with needed columns that are in its index beside the others; the index stays."""
    import pandas as pd

    there = {str(name).strip().lower().replace("_", " ") for name in frame.columns}
    for level in range(frame.index.nlevels):
        values = frame.index.get_level_values(level)
        name = str(values.name or "").strip().lower().replace("_", " ")
        for column in REQUIRED:
            words = {column.replace("_", " "), *(word.replace("_", " ") for word in ALIASES[column])}
            dated = column == "announced_at" and isinstance(values, pd.DatetimeIndex)
            if not words & there and (name in words or dated):
                frame = frame.assign(**{column: values})
    return frame


def _of_path(given: str | os.PathLike[str]) -> GivenEvents:
    from eventstudy.data.events import read_events
    from eventstudy.paths import existing_events_file

    path = Path(given)

    if isinstance(given, str) and is_ticker(given) and not path.suffix and not exists(path):
        raise UsageError(
            f"{str(path)!r} is neither a file nor a table", f"a date beside it: es.run({str(path)!r}, '2025-04-15')"
        )
    columns = read_events(existing_events_file(path))
    return GivenEvents(columns, of_columns(columns))


def of_columns(columns: EventColumns) -> OwnColumns:
    """The extra columns of a file: numbers where every filled cell is one, else text."""
    import pandas as pd

    every = np.arange(len(columns))
    own: dict[str, Any] = {}
    for name in columns.columns:
        if name in (*REQUIRED, *OPTIONAL):
            continue
        cells = pd.Series(columns.cells(name, every))
        numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce")
        own[name] = numbers if bool((numbers.notna() | (cells == "")).all() and numbers.notna().any()) else cells
    return OwnColumns(pd.RangeIndex(len(columns)), own)


def given_confounders(value: Any) -> Any:
    """Confounders as a table; a path and None stay what they are."""
    from eventstudy.data.confounders import confounders_from_frame

    if value is None or isinstance(value, str | os.PathLike):
        return value
    frame = as_pandas(value)
    if frame is None:
        raise UsageError(f"confounders are a {type(value).__name__}", "a path, a frame or a list of dicts")
    return confounders_from_frame(frame)


def check_keywords(given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise a UsageError for keywords of an announcement where events are a table."""
    for name in known:
        if given.get(name) not in (None, ""):
            raise UsageError(
                f"{name}={flat(repr(given[name]), 40)} belongs to one announcement",
                "es.run('NVDA', '2025-04-15', timing='amc')",
                f"a table of events has a column {name}",
            )

"""The tables of a study in the types of a notebook: dates as dates, yes and no as booleans, words as categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.api.events import OwnColumns
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.report.columns import COLUMNS, WHOLE
from eventstudy.spec import ALWAYS_TESTS

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult

DATES = frozenset({"day0", "session", "estimation_start", "estimation_end"})
SWITCHES = frozenset({"primary", "masked", "main"})
CATEGORIES = frozenset(
    {
        "role", "category", "window", "model", "part", "stage", "reason", "test", "null", "applicable", "kind",
        "verdict", "group", "other", "measure", "estimator", "variance", "regime",
    }
)  # fmt: skip
# a row of these belongs to a row of the events
OF_EVENTS = ("event_id", "ticker")


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table in types of its own; whole numbers that may be missing are ``Int64``."""
    import pandas as pd

    made: dict[str, Any] = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if name in DATES:
            made[name] = pd.to_datetime(column.replace("", None), format="%Y-%m-%d")
        elif name in SWITCHES:
            made[name] = column == "yes"
        elif name in CATEGORIES:
            made[name] = pd.Categorical(column, categories=list(dict.fromkeys(column)))
        elif name in WHOLE and not np.issubdtype(column.dtype, np.integer):
            made[name] = column.astype("Int64")
        else:
            made[name] = column
    return pd.DataFrame(made, columns=list(frame.columns), index=frame.index)


def asked_columns(name: str, study: StudyResult) -> list[str]:
    """Columns of a table without those of tests that the study did not compute."""
    columns = COLUMNS[name]
    if name != "windows":
        return columns
    spec = study.spec
    tests = {test for test in spec.active_tests if test not in ALWAYS_TESTS and test in SINGLE_TESTS}
    filled = {column for test in tests for column in SINGLE_TESTS[test].columns}
    of_tests = {column for entry in SINGLE_TESTS.values() for column in entry.columns}
    left = of_tests - filled
    if not spec.calibrated:
        left |= {column for column in columns if column.startswith("placebo_rate_") or column == "n_uneventful"}
    return [column for column in columns if column not in left]


def with_own(name: str, frame: pd.DataFrame, study: StudyResult, own: OwnColumns) -> pd.DataFrame:
    """A table of events with the caller's index as ``row`` and the caller's own columns, named apart where taken."""
    import pandas as pd

    if not set(OF_EVENTS) <= set(frame.columns):
        return frame
    at = _rows(name, frame, study)
    extra: dict[str, Any] = {"row": own.labels.take(at)}
    taken = set(frame.columns) | {"row"}
    for heading, values in own.columns.items():
        column = values.take(at)
        extra[f"{heading}_events" if heading in taken else heading] = column.set_axis(frame.index)
    if isinstance(extra["row"], pd.MultiIndex):
        extra["row"] = list(extra["row"])
    return pd.concat([frame, pd.DataFrame(extra, index=frame.index)], axis=1)


def _rows(name: str, frame: pd.DataFrame, study: StudyResult) -> np.ndarray:
    """The row of the events that each row of a table belongs to; int (n,)."""
    import pandas as pd

    from eventstudy.report.tables import shown

    if name == "excluded":
        return np.asarray(study.lost[0])
    if name in ("windows", "models") and study.studied.reported:
        found = shown(study.studied).events
        return np.asarray(found.row[study.studied.tables.shown(found)[0]] if name == "windows" else found.row)
    events = study.prepared.index.events
    every = np.arange(len(events))
    known = pd.MultiIndex.from_arrays([events.ids.take(every), events.columns["ticker"].take(every)])
    return np.asarray(known.get_indexer(pd.MultiIndex.from_arrays([frame["event_id"], frame["ticker"]])))

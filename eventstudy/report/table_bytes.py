"""Tables as Parquet, and results.json."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.report import escape
from eventstudy.report.columns import COLUMNS
from eventstudy.report.digits import rounded, rounded_number
from eventstudy.report.provenance import counts
from eventstudy.results import SCHEMA_VERSION
from eventstudy.spec import ACCESS_FIELDS

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult

# events up to which results.json holds every table
JSON_EVENTS = 1_000
# tables whose size does not depend on the number of events
ACROSS_EVENTS = ("aggregate", "aar", "differences", "calendar_time", "volume_groups")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as Parquet: text, whole numbers and float64; a null for what is not known."""
    import pyarrow

    from eventstudy.data.parquet import pyarrow_parquet

    parquet = pyarrow_parquet("--formats parquet")
    arrays = [_arrow(frame[name].tolist()) for name in frame.columns]
    out = io.BytesIO()
    table = pyarrow.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])
    parquet.write_table(table, out, compression="zstd", compression_level=1, store_schema=False)
    return out.getvalue()


def _arrow(values: list[Any]) -> Any:
    """A column; one without any value is taken to hold numbers."""
    import pyarrow

    known = [None if value is None or value != value else value for value in values]
    if all(value is None for value in known):
        return pyarrow.array(known, pyarrow.float64())
    return pyarrow.array(known)


def results_text(result: StudyResult) -> str:
    """results.json: the tables as lists of objects, one per line; no clock, no path, no version.

    Of more than 1,000 events only the tables without rows of events, unless everything is asked for.
    """
    spec = {name: value for name, value in asdict(result.spec).items() if name not in (*ACCESS_FIELDS, "notices")}
    spec["factors"] = Path(str(spec["factors"])).name
    spec["source"] = str(spec["source"]).split(":", 1)[0]
    head = {
        "schema_version": SCHEMA_VERSION,
        "spec": spec,
        "counts": counts(result),
        "reasons": [{"stage": stage, "reason": reason, "count": n} for stage, reason, n in result.reasons],
        "notices": list(result.notices),
    }
    whole = result.budget.everything or result.totals.n_studied <= JSON_EVENTS
    held = result.tables if whole else {name: result.other_tables[name] for name in ACROSS_EVENTS}
    if not whole:
        head["tables_in_files"] = [name for name in COLUMNS if name not in ACROSS_EVENTS]
    return f"{escape.json_dumps(head)[:-2]},\n {tables_text(held, result.spec.digits)}\n}}\n"


def tables_text(tables: Mapping[str, pd.DataFrame], digits: int | None) -> str:
    """The member ``tables`` of results.json: each table as a list of objects, one per line."""
    texts = [f"{json.dumps(name)}: {escape.json_lines(_records(frame, digits))}" for name, frame in tables.items()]
    return '"tables": {\n' + ",\n".join(texts) + "\n}"


def _records(frame: pd.DataFrame, digits: int | None) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = (_values(frame[name], digits) for name in frame.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pd.Series, digits: int | None) -> list[Any]:
    """A column as JSON holds it; None for what is not known."""
    if column.dtype == float:
        return [None if v != v else v for v in rounded(column.to_numpy(), digits).tolist()]
    values = [None if v != v else v for v in column.tolist()]
    return [rounded_number(v, digits) if isinstance(v, float) else v for v in values]

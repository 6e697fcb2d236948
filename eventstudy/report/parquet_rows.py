"""Rows of Parquet tables that a report holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eventstudy.data.parquet import damage_is_told, open_parquet

ROWS_AT_ONCE = 16_384


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Names of a file's columns. Raises ``UsageError`` or ``InputFileError``: without ``pyarrow``; a file that is not
    Parquet."""
    return tuple(open_parquet(path, f"reading {path.name}").schema_arrow.names)


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file; errors as ``parquet_columns``."""
    file = open_parquet(path, f"reading {path.name}")
    with damage_is_told(path):
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            yield from batch.to_pylist()

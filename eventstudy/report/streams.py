"""Tables onto the disk block by block: CSV or Parquet, in a folder aside, hashed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eventstudy.data.parquet import ArrowList
from eventstudy.report.columns import TEXTS, WHOLE
from eventstudy.report.csv_rows import CsvColumn, Whole, csv_heading, csv_rows
from eventstudy.report.event_tables import Column, Words

# every reader of Parquet knows it; a quarter faster to write than zstd, a sixth larger
FAST_CODEC = "snappy"


class TableStream(Protocol):
    """A table that grows."""

    @property
    def name(self) -> str:
        """Its file."""

    def add(self, columns: Mapping[str, Column], n: int) -> None:
        """Append n rows."""

    def close(self) -> str:
        """Finish the file; its sha256."""


class Hashed:
    """A file that is written once from beginning to end, and its hash."""

    def __init__(self, path: Path) -> None:
        self.handle = path.open("wb")
        self.digest = hashlib.sha256()
        self.closed = False

    def write(self, data: Any) -> int:
        """Append bytes."""
        view = memoryview(data)
        self.handle.write(view)
        self.digest.update(view)
        return view.nbytes

    def tell(self) -> int:
        """Bytes written so far."""
        return self.handle.tell()

    def flush(self) -> None:
        """Hand everything to the system."""
        self.handle.flush()

    def readable(self) -> bool:
        """It is not."""
        return False

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """False: written bytes are final."""
        return False

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.closed = True
            self.handle.close()


class CsvStream:
    """A CSV file as the contract has it."""

    def __init__(self, folder: Path, table: str, columns: Sequence[str], digits: int | None) -> None:
        self.name = f"{table}.csv"
        self.columns = list(columns)
        self.digits = digits
        self.file = Hashed(folder / self.name)
        self.file.write(csv_heading(columns))

    def add(self, columns: Mapping[str, Column], n: int) -> None:
        """Append n rows."""
        self.file.write(csv_rows([_csv_column(name, columns.get(name)) for name in self.columns], n, self.digits))

    def close(self) -> str:
        """Finish the file; its sha256."""
        self.file.close()
        return self.file.digest.hexdigest()


def _csv_column(name: str, column: Column) -> CsvColumn:
    return Whole(column) if name in WHOLE and isinstance(column, np.ndarray) else column


class ParquetStream:
    """A Parquet file, one row group a block."""

    def __init__(self, folder: Path, table: str, columns: Sequence[str]) -> None:
        import pyarrow
        import pyarrow.parquet

        self.name = f"{table}.parquet"
        self.schema = pyarrow.schema([(name, _type(name)) for name in columns])
        self.file = Hashed(folder / self.name)
        self.writer = pyarrow.parquet.ParquetWriter(
            self.file,
            self.schema,
            compression=FAST_CODEC,
            # the indices of a dictionary are padded with whatever was in memory, and equal tables must be equal bytes
            use_dictionary=False,
            write_statistics=[name for name in columns if name in ("ticker", "day0")],
            store_schema=False,
            write_page_index=False,
        )

    def add(self, columns: Mapping[str, Column], n: int) -> None:
        """Append n rows as one row group."""
        import pyarrow

        if n:
            arrays = [_array(field.name, columns.get(field.name), n) for field in self.schema]
            self.writer.write_table(pyarrow.Table.from_arrays(arrays, schema=self.schema), row_group_size=n)

    def close(self) -> str:
        """Finish the file; its sha256."""
        self.writer.close()
        self.file.close()
        return self.file.digest.hexdigest()

    def __del__(self) -> None:
        # a file that was given up stays unfinished: Arrow would write its end, on a full disk too
        if (writer := getattr(self, "writer", None)) is not None:
            writer.is_open = False


def _type(name: str) -> Any:
    import pyarrow

    if name in TEXTS:
        return pyarrow.string()
    return pyarrow.int64() if name in WHOLE else pyarrow.float64()


def _array(name: str, column: Column, n: int) -> Any:
    import pyarrow

    if column is None:
        return _nothing(_type(name), n)
    if isinstance(column, Words):
        codes = pyarrow.array(column.codes.astype(np.int32))
        values = column.values
        known = values.array if isinstance(values, ArrowList) else pyarrow.array(values, pyarrow.string())
        return known.take(codes)
    if name in WHOLE:
        known = np.isfinite(column)
        return pyarrow.array(np.where(known, column, 0).astype(np.int64), mask=~known)
    unknown = np.isnan(column)
    return pyarrow.array(column, pyarrow.float64(), mask=unknown if unknown.any() else None)


@lru_cache(maxsize=8)
def _nothing(kind: Any, n: int) -> Any:
    """n missing values: a third of the columns of a streamed table hold nothing else, block after block."""
    import pyarrow

    return pyarrow.nulls(n, kind)


def open_stream(kind: str, folder: Path, table: str, columns: Sequence[str], digits: int | None) -> TableStream:
    """A table of the kind ``csv``, with so many digits, or ``parquet``."""
    return ParquetStream(folder, table, columns) if kind == "parquet" else CsvStream(folder, table, columns, digits)

"""Tables onto the disk block by block: CSV or Parquet, in a folder aside, hashed on the way."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from eventstudy.data.parquet import ArrowList
from eventstudy.report.columns import TEXTS, WHOLE
from eventstudy.report.csv_rows import CsvColumn, Whole, csv_heading, csv_rows
from eventstudy.report.event_tables import Column, Words, n_rows, some_rows

# every reader of Parquet knows it; a quarter faster to write than zstd, a sixth larger
FAST_CODEC = "snappy"
ROWS_OF_TEXT = 16_384
COPIED_AT_ONCE = 2**20
# the folder of rows that were written elsewhere and wait for their table
PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report in one format: its name, ``csv`` or ``parquet``, its columns, and the digits of CSV."""

    name: str
    kind: str
    columns: tuple[str, ...]
    digits: int | None

    @property
    def file(self) -> str:
        """Its file, or its folder."""
        return f"{self.name}.{self.kind}"


class TableStream(Protocol):
    """A table that grows."""

    def add(self, columns: Mapping[str, Column]) -> None:
        """Append rows."""

    def close(self) -> dict[str, str]:
        """Finish it; its files and the sha256 of each."""


class JoinedStream(Protocol):
    """A table that also takes rows that were written elsewhere."""

    def add(self, columns: Mapping[str, Column]) -> None:
        """Append rows."""

    def close(self) -> dict[str, str]:
        """Finish it; its files and the sha256 of each."""

    def join(self, name: str, digest: str) -> None:
        """Append the rows of a file, which ``write_part`` has written."""


class Hashed:
    """A file that is written once from beginning to end, and its hash.

    Parameters
    ----------
    files : ExitStack
        Closes the file where an error ends the work before ``close``.
    """

    def __init__(self, path: Path, files: ExitStack) -> None:
        self.handle = files.enter_context(path.open("wb"))
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

    def __init__(
        self, path: Path, columns: Sequence[str], digits: int | None, files: ExitStack, *, heading: bool = True
    ) -> None:
        self.path, self.columns, self.digits = path, list(columns), digits
        self.file = Hashed(path, files)
        if heading:
            self.file.write(csv_heading(columns))

    def add(self, columns: Mapping[str, Column]) -> None:
        """Append rows, some at a time: their text is larger than their numbers."""
        n = n_rows(columns)
        for at in range(0, n, ROWS_OF_TEXT):
            stop = min(at + ROWS_OF_TEXT, n)
            some = some_rows(columns, at, stop)
            cells = [csv_column(name, some.get(name)) for name in self.columns]
            self.file.write(csv_rows(cells, stop - at, self.digits))

    def join(self, name: str, digest: str) -> None:
        """Append the rows of a file without a heading."""
        del digest
        part = self.path.parent / name
        with part.open("rb") as handle:
            shutil.copyfileobj(handle, self.file, COPIED_AT_ONCE)
        part.unlink()

    def close(self) -> dict[str, str]:
        """Finish the file; its sha256."""
        self.file.close()
        return {self.path.name: self.file.digest.hexdigest()}


def csv_column(name: str, column: Column) -> CsvColumn:
    """A column as CSV has it: whole numbers apart from decimals."""
    if isinstance(column, np.ndarray) and (name in WHOLE or column.dtype.kind in "iu"):
        return Whole(column)
    return column


class ParquetStream:
    """A Parquet file, one row group a block."""

    def __init__(self, path: Path, columns: Sequence[str], files: ExitStack) -> None:
        import pyarrow
        import pyarrow.parquet

        self.path = path
        self.schema = pyarrow.schema([(name, _type(name)) for name in columns])
        self.file = Hashed(path, files)
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

    def add(self, columns: Mapping[str, Column]) -> None:
        """Append rows as one row group."""
        import pyarrow

        if n := n_rows(columns):
            arrays = [_array(field.name, columns.get(field.name), n) for field in self.schema]
            self.writer.write_table(pyarrow.Table.from_arrays(arrays, schema=self.schema), row_group_size=n)

    def close(self) -> dict[str, str]:
        """Finish the file; its sha256."""
        self.writer.close()
        self.file.close()
        return {self.path.name: self.file.digest.hexdigest()}

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


class ParquetParts:
    """A Parquet data set: a folder NAME.parquet with a file a block, in the order of their numbers."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, columns
        self.parts: dict[str, str] = {}
        path.mkdir()

    def add(self, columns: Mapping[str, Column]) -> None:
        """Append rows as one part."""
        if n_rows(columns):
            self._part(columns)

    def join(self, name: str, digest: str) -> None:
        """Append a part that is in the folder already."""
        self.parts[name] = digest

    def close(self) -> dict[str, str]:
        """The sha256 of each part; a table without rows has one, which says what its columns are."""
        if not self.parts:
            self._part({})
        return self.parts

    def _part(self, columns: Mapping[str, Column]) -> None:
        with ExitStack() as files:
            stream = ParquetStream(self.path / part_name(len(self.parts)), self.columns, files)
            stream.add(columns)
            self.parts |= {f"{self.path.name}/{name}": digest for name, digest in stream.close().items()}


def part_name(number: int) -> str:
    """The file of a data set that holds the rows of a block."""
    return f"part-{number:06}.parquet"


def write_part(folder: Path, table: Table, number: int, columns: Mapping[str, Column]) -> tuple[str, str]:
    """The rows of a block as a file of its own: its name within the folder, and its sha256.

    It is written under another name and moved, so that it is whole even if its worker is lost and another one writes
    the same rows again.

    Parameters
    ----------
    folder : Path
        Of the report that is being built; it holds ``PARTS``, and the data set's folder for Parquet.
    number : int
        Of the block.
    """
    new = folder / PARTS / uuid4().hex
    stream: TableStream
    with ExitStack() as files:
        if table.kind == "parquet":
            stream, name = ParquetStream(new, table.columns, files), f"{table.file}/{part_name(number)}"
        else:
            stream = CsvStream(new, table.columns, table.digits, files, heading=False)
            name = f"{PARTS}/{number:06}-{table.file}"
        stream.add(columns)
        (digest,) = stream.close().values()
    new.replace(folder / name)
    return name, digest


def open_stream(folder: Path, table: Table, files: ExitStack) -> TableStream:
    """A table as one file, which ``files`` closes where an error ends the work."""
    path = folder / table.file
    if table.kind == "parquet":
        return ParquetStream(path, table.columns, files)
    return CsvStream(path, table.columns, table.digits, files)


def joined_stream(folder: Path, table: Table, files: ExitStack) -> JoinedStream:
    """A table whose rows are written elsewhere: a CSV file, which ``files`` closes where an error ends the work, or a
    Parquet data set."""
    path = folder / table.file
    if table.kind == "parquet":
        return ParquetParts(path, table.columns)
    return CsvStream(path, table.columns, table.digits, files)

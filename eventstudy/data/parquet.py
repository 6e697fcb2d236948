"""Parquet in: events as coded columns, read in batches. ``pyarrow`` comes with the extra ``[scale]``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from eventstudy.data.announced import Announced
from eventstudy.data.categorical import Coder, PlainTexts, Texts, smallest
from eventstudy.data.dates import EARLIEST, LATEST
from eventstudy.data.event_columns import RawEvents
from eventstudy.data.event_headings import headings_of, without_empty
from eventstudy.data.row_keys import ROWS_AT_ONCE
from eventstudy.engine.panel import Ints
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.extras import missing
from eventstudy.opening import check_regular, is_file, is_folder
from eventstudy.reading import LARGEST_CELL

ENDINGS = (".parquet", ".pq")
TEXT_COLUMNS = (
    "event_id", "ticker", "timing", "role", "category", "title", "source", "notes", "benchmark", "calendar",
)  # fmt: skip
FREE_TEXT = ("title", "source", "notes")
MANY_DAYS = 200_000
WRONG_MOMENTS = (
    "",
    "is empty; every row needs a date or a timestamp",
    "has no offset; make it a timestamp with a zone, or a date with timing bmo, dmh or amc",
    f"is outside {EARLIEST} to {LATEST}; check the year",
)
# pages of single announcements are not written for files larger than this, so their words are not read
FREE_TEXT_ROWS = 200_000
# a few kilobytes of Parquet may say that they are billions of rows
MOST_ROWS = 20_000_000
# bytes that may come of one byte of the file, and of a small file whatever its size
MOST_UNPACKED, SMALL_FILE = 200, 2**26
MOST_COLUMNS = 10_000


# what is the same stripped and not: printable ASCII without blanks at either end
_BARE = r"^[!-~]([ -~]*[!-~])?$"


@dataclass(frozen=True, slots=True)
class ArrowTexts:
    """Texts in Arrow's own memory: a third of what Python's strings take.

    Attributes
    ----------
    array : pyarrow.StringArray
    bare : bool
        Whether every text is there and stripping changes none.
    """

    array: Any
    bare: bool

    @classmethod
    def of(cls, array: Any) -> ArrowTexts:
        """Texts as they were read."""
        import pyarrow.compute

        bare = pyarrow.compute.all(pyarrow.compute.match_substring_regex(array, _BARE)).as_py()
        return cls(array, not array.null_count and bool(bare))

    def __len__(self) -> int:
        return len(self.array)

    def take(self, rows: Ints) -> list[str]:
        """The texts of some rows; a null is empty."""
        cells = self._taken(rows).to_pylist()
        return cells if self.bare else [(cell or "").strip() for cell in cells]

    def texts(self, rows: Ints) -> Sequence[str]:
        """The same where one look at each is enough."""
        return cast("Sequence[str]", ArrowList(self._taken(rows))) if self.bare else self.take(rows)

    def _taken(self, rows: Ints) -> Any:
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return self.array.slice(int(rows[0]), len(rows))
        return self.array.take(rows)


@dataclass(frozen=True, slots=True)
class ArrowList:
    """An Arrow array of texts that reads as a sequence of Python's."""

    array: Any

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Any) -> Any:
        return self.array[at].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self.array.to_pylist())


def is_parquet(path: str | Path) -> bool:
    """Whether a path says that it is a Parquet file."""
    return str(path).lower().endswith(ENDINGS)


def pyarrow_parquet(what: str) -> Any:
    """``pyarrow.parquet``. Raises ``UsageError`` without the extra that brings it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise missing(what, "pyarrow", "scale") from error
    # the system's own allocator gives back what is no longer used
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    return pyarrow.parquet


def give_back() -> None:
    """Hand memory that is free within this process back to the system, where the allocator can."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


def has_pyarrow() -> bool:
    """Whether Parquet can be read and written here."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def open_parquet(path: str | Path, what: str, dictionary: Sequence[str] = ()) -> Any:
    """A Parquet file, opened. Raises ``UsageError`` without ``pyarrow``. Raises ``InputFileError`` if there is no such
    file, or it is not a file."""
    parquet = pyarrow_parquet(what)

    if is_folder(path):
        raise InputFileError(str(path), [Problem(0, "", "", "is a folder; name a file")])
    if not is_file(path):
        raise InputFileError(str(path), [Problem(0, "", "", "there is no such file")])
    with damage_is_told(path):
        check_regular(path)
        file = parquet.ParquetFile(path, read_dictionary=list(dictionary) or None, memory_map=False, pre_buffer=False)
        found = _oversized(file.metadata, Path(path).stat().st_size) or _repeated(file.schema_arrow.names)
    if found:
        raise InputFileError(str(path), [found])
    return file


def _oversized(metadata: Any, size: int) -> Problem | None:
    """The problem of a file whose metadata claim more than a table of this program needs; None if there is none.

    Row groups are asked, never their columns: the library ends the process where a column's own record is damaged.
    """
    if metadata.num_columns > MOST_COLUMNS:
        return Problem(0, "", "", f"has {metadata.num_columns:,} columns; at most {MOST_COLUMNS:,} are read")
    unpacked = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if unpacked > max(SMALL_FILE, MOST_UNPACKED * size):
        message = f"unpacks from {size:,} to {unpacked:,} bytes; write it with less compression if that is meant"
        return Problem(0, "", "", message)
    return None


def _repeated(names: Sequence[str]) -> Problem | None:
    twice = next((name for name, n in Counter(names).items() if n > 1), None)
    return None if twice is None else Problem(0, twice, "", "this column occurs twice; rename one")


@contextmanager
def damage_is_told(path: str | Path) -> Iterator[None]:
    """Whatever the library says about bytes that are not Parquet, at opening or half-way, as one error.

    Raises
    ------
    InputFileError
    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, IndexError, OverflowError, MemoryError) as error:
        if isinstance(error, InputFileError | UsageError):
            raise
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read as Parquet: {said}")]) from None


def kind_of(data_type: Any) -> str:
    """Kind of a column: text, number, date, timestamp, null, bool or other."""
    from pyarrow import types

    if types.is_dictionary(data_type):
        return kind_of(data_type.value_type)
    if types.is_string(data_type) or types.is_large_string(data_type) or types.is_string_view(data_type):
        return "text"
    if types.is_floating(data_type) or types.is_integer(data_type) or types.is_decimal(data_type):
        return "number"
    tests = {"date": types.is_date, "timestamp": types.is_timestamp, "null": types.is_null, "bool": types.is_boolean}
    tests["time"] = types.is_time
    return next((kind for kind, test in tests.items() if test(data_type)), "other")


def read_parquet_columns(path: str | Path) -> RawEvents:
    """An events file as coded columns. Raises ``UsageError`` or ``InputFileError`` without ``pyarrow``; a file that is
    not Parquet; missing columns and columns of the wrong type, all at once."""
    schema = open_parquet(path, "Parquet").schema_arrow
    import pyarrow

    named = headings_of(schema.names, 0)
    written = {name: heading for heading, name in named.names.items()}
    types = {name: schema.field(heading).type for name, heading in written.items()}
    kinds = {name: kind_of(data_type) for name, data_type in types.items()}
    problems = [
        *named.problems,
        *(
            Problem(0, written[name], str(types[name]), f"is not a column of {wanted}")
            for name, kind in kinds.items()
            if (wanted := _unwanted(name, kind))
        ),
    ]
    if problems:
        raise InputFileError(str(path), problems)
    coded = [written[name] for name, kind in kinds.items() if kind == "text" and name != "event_id"]
    file = open_parquet(path, "Parquet", coded)
    n = file.metadata.num_rows
    if not 0 < n <= MOST_ROWS:
        message = f"says that it holds {n:,} rows; at most {MOST_ROWS:,} are read" if n else "holds no row"
        raise InputFileError(str(path), [Problem(0, "", "", message)])
    names = [name for name in kinds if n <= FREE_TEXT_ROWS or name not in FREE_TEXT]
    timed = kinds["announced_at"] in ("date", "timestamp")
    coders = {name: Coder.empty() for name in names if name != "event_id" and not (timed and name == "announced_at")}
    moments: list[Any] = []
    ids: list[Any] = []
    read = 0
    with damage_is_told(path):
        chosen = [written[name] for name in names]
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=chosen, use_threads=False):
            read += len(batch)
            batch = batch.rename_columns([named.names[heading] for heading in batch.schema.names])
            for name, coder in coders.items():
                _code(coder, batch.column(name), name)
            if timed:
                moments.append(_micros(batch.column("announced_at")))
            if "event_id" in kinds:
                ids.append(batch.column("event_id").cast(pyarrow.string()))
                refuse_large(ids[-1], "event_id")
                ids[-1].validate(full=True)
    if read != n:
        message = f"says that it holds {n:,} rows and holds {read:,}; write it again"
        raise InputFileError(str(path), [Problem(0, "", "", message)])
    rows = np.arange(1, n + 1, dtype=np.int32)
    notes = list(named.notes)
    announced, found = _announced(moments, types["announced_at"], rows) if timed else (None, [])
    columns = {name: coder.done() for name, coder in coders.items()}
    made = without_empty(RawEvents(str(path), rows, _ids(ids, n), columns, announced, found, "row", notes))
    give_back()
    return made


def _unwanted(name: str, kind: str) -> str:
    if name in TEXT_COLUMNS:
        return "" if kind in ("text", "null") else "text"
    if name == "announced_at":
        return "" if kind in ("text", "date", "timestamp") else "dates, timestamps or text"
    if name in ("claimed_return", "claimed_open_return"):
        return "" if kind in ("text", "number", "null") else "text or numbers"
    return "text, numbers or dates" if kind == "other" else ""


def _code(coder: Coder, column: Any, name: str) -> None:
    import pyarrow

    if not pyarrow.types.is_dictionary(column.type):
        column = (column.cast(pyarrow.string()) if kind_of(column.type) == "text" else column).dictionary_encode()
    refuse_large(column.dictionary, name)
    values = [_text(value) for value in column.dictionary.to_pylist()]
    known = coder.known
    holes = column.null_count > 0
    used = column.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    # in order of appearance, so that equal files give equal codes however they were written
    place = np.full(len(values) + holes, -1, dtype=np.int32)
    first = np.full(len(place), len(used))
    first[used[::-1]] = np.arange(len(used))[::-1]
    for index in np.argsort(first)[: np.count_nonzero(first < len(used))].tolist():
        text = values[index] if index < len(values) else ""
        place[index] = known.setdefault(text, len(known))
    coder.append(place[used])


def refuse_large(texts: Any, name: str) -> None:
    """Raise ``OverflowError`` where a cell is longer than those of a CSV file may be, before Python holds it."""
    import pyarrow.compute

    # no cell is longer than all of them together
    if kind_of(texts.type) == "text" and len(texts) and texts.nbytes > LARGEST_CELL:
        longest = pyarrow.compute.max(pyarrow.compute.binary_length(texts)).as_py() or 0
        if longest > LARGEST_CELL:
            raise OverflowError(f"{name} has a cell of {longest:,} bytes; at most {LARGEST_CELL:,} are read")


def _text(value: object) -> str:
    """A cell as text; numbers as Python writes them."""
    return value.strip() if isinstance(value, str) else "" if value is None or value != value else str(value)


def _ids(chunks: list[Any], n: int) -> Texts:
    import pyarrow

    if not chunks:
        return PlainTexts([""] * n)
    return ArrowTexts.of(pyarrow.chunked_array(chunks).combine_chunks())


def _micros(column: Any) -> np.ndarray:
    """Microseconds since 1970 of a batch of dates or timestamps; the smallest integer for a null."""
    import pyarrow

    kind = pyarrow.timestamp("us", tz=getattr(column.type, "tz", None))
    return np.asarray(column.cast(kind, safe=False).to_numpy(zero_copy_only=False).astype("datetime64[us]"))


def _distinct(blocks: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct moments and the position of each row's; whole days are counted off, without sorting."""
    if all((block.astype("datetime64[D]") == block).all() for block in blocks):
        days = [block.astype("datetime64[D]").astype(np.int32) for block in blocks]
        first, last = min(int(d.min()) for d in days), max(int(d.max()) for d in days)
        if last - first < MANY_DAYS:
            known = np.arange(first, last + 1).astype("datetime64[D]").astype("datetime64[us]")
            return known, np.concatenate([smallest(d - np.int32(first), len(known)) for d in days])
    known, codes = np.unique(np.concatenate(blocks), return_inverse=True)
    return known, smallest(codes, len(known))


def _announced(blocks: list[Any], data_type: Any, rows: Ints) -> tuple[Announced, list[Problem]]:
    """Dates, and timestamps with their zone; a timestamp without one is a date if it is midnight, else an error. One
    with a zone is the date of that zone, or of UTC, if it is midnight there."""
    instants, codes = _distinct(blocks)
    zone = getattr(data_type, "tz", None) or ""
    local = _in_zone(instants, zone) if zone else instants
    days = local.astype("datetime64[D]")
    days = np.where(local == days, days, instants.astype("datetime64[D]"))
    with_zone = bool(zone)
    clocked = ~np.isnat(instants) & (instants != days) & (local != days)
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    verdict = np.select(
        [np.isnat(instants), clocked & ~np.bool_(with_zone), (years < EARLIEST) | (years > LATEST)], [1, 2, 3], 0
    )
    announced = Announced(
        codes,
        # what has no zone is not a moment, and is reported once: not again for the timing that does not go with one
        np.where(clocked & np.bool_(with_zone), instants, np.datetime64("NaT", "us")),
        np.where(clocked, np.datetime64("NaT", "D"), days),
        None,
        zone,
    )
    bad = np.flatnonzero(verdict[codes])
    return announced, [
        Problem(int(rows[row]), "announced_at", str(instants[codes[row]]), WRONG_MOMENTS[int(verdict[codes[row]])])
        for row in bad
    ]


def _in_zone(instants: np.ndarray, zone: str) -> np.ndarray:
    """The clock of a zone at moments in UTC; UTC's where the zone is not known."""
    import pandas as pd

    try:
        stamps = pd.DatetimeIndex(instants, tz="UTC").tz_convert(zone)
    except (KeyError, ValueError):
        return instants
    return np.asarray(stamps.tz_localize(None).to_numpy().astype("datetime64[us]"))

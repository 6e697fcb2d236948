"""CSV files from people: decoded, checked for shape, and every problem of the file reported at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eventstudy.data.categorical import MOST_PROBLEMS
from eventstudy.data.row_keys import ROWS_AT_ONCE
from eventstudy.errors import InputFileError, Problem
from eventstudy.opening import TABLE, TooLarge, content
from eventstudy.reading import large_cells

# Bytes of a file and of a line, columns of a table: beyond these, memory would decide what becomes of a run.
LARGEST_FILE = TABLE
LONGEST_LINE = 2**24
MOST_COLUMNS = 2_000
# how files that are not CSV begin
KINDS = {
    b"\xff\xfe": "is UTF-16",
    b"\xfe\xff": "is UTF-16",
    b"PK": "is a workbook or an archive",
    b"PAR1": "is a Parquet file",
    b"\x1f\x8b": "is compressed",
    b"\xd0\xcf\x11\xe0": "is a workbook of old Excel",
}
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A CSV file as columns of stripped text.

    Attributes
    ----------
    columns : dict
        Heading -> cells, in file order.
    lines : list of int
        File line on which each row starts, the header being line 1.
    empty : int
        Rows of empty cells that were passed over, as Excel leaves them below a table.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]
    empty: int = 0


def read_table(path: str | Path, required: Sequence[str], *, fold_case: bool = False) -> TextTable:
    """Read a UTF-8 CSV file with a header. Raises ``InputFileError``: missing, empty or undecodable file, wrong
    delimiter, missing or repeated headings, header without rows, rows with too many or too few cells.

    Parameters
    ----------
    required : sequence of str
        Headings that must be there.
    fold_case : bool
        Lower-case the headings.
    """
    columns: dict[str, list[str]] = {}
    lines: list[int] = []
    for block in read_blocks(path, required, fold_case=fold_case):
        lines += block.lines
        for name, cells in block.columns.items():
            columns.setdefault(name, []).extend(cells)
    return TextTable(str(path), columns, lines)


def read_blocks(path: str | Path, required: Sequence[str], *, fold_case: bool = False) -> Iterator[TextTable]:
    """The same file in blocks of rows, so that a reader of a million rows need not hold them as text. Raises
    ``InputFileError`` as ``read_table``; rows of the wrong length are reported all at once, after the last block."""
    name, rows = str(path), _rows(str(path), _bytes(path))
    _, first = next(rows, (0, None))
    if first is None:
        raise InputFileError(name, [Problem(0, "", "", "is empty; it needs a header and rows")])
    header = [cell.strip().lower() if fold_case else cell.strip() for cell in first]
    _check_header(name, header, required)
    problems: list[Problem] = []
    empty, held = True, 0
    while block := list(islice(rows, ROWS_AT_ONCE)):
        empty = False
        read = len(block)
        block = [(line, row) for line, row in block if not is_empty(row)]
        problems += wrong_rows(block, header)
        if not problems and block:
            cells = zip(*(row for _, row in block), strict=True)
            columns = {name: [cell.strip() for cell in column] for name, column in zip(header, cells, strict=True)}
            held += len(block)
            yield TextTable(name, columns, [line for line, _ in block], read - len(block))
        if len(problems) > MOST_PROBLEMS:
            problems.append(Problem(block[-1][0], "", "", "reading ends here; correct the rows above first"))
            break
    if problems:
        raise InputFileError(name, problems)
    if empty or not held:
        raise InputFileError(name, [no_rows(1, header)])


def no_rows(line: int, header: Sequence[str]) -> Problem:
    """The problem of a table of one line, which may be a reply of a vendor, or a row without headings."""
    return Problem(
        line, "", ",".join(header)[:80], "is the only line: there is no row below it; a table needs headings and rows"
    )


def wrong_rows(rows: Sequence[tuple[int, Sequence[str]]], header: Sequence[str]) -> list[Problem]:
    """A problem for each row that has another number of cells than the header; one where that is a title."""
    n = len(header)
    wrong = [(line, row) for line, row in rows if len(row) != n]
    if wrong and n == 1:
        line, row = wrong[0]
        message = f"has {len(row)} cells, and line 1 has one ({header[0][:80]!r}); remove lines above the headings"
        return [Problem(line, "", "", message)]
    return [Problem(line, "", "", _wrong_length(row, n)) for line, row in wrong]


def _wrong_length(row: Sequence[str], n: int) -> str:
    said = f"has {len(row)} cells, the header has {n}; "
    if len([cell for cell in row if cell.strip()]) == 1 < n:
        return f"{said}remove the line where it is a note ({max(row, key=len).strip()[:80]!r})"
    return f"{said}quote cells that hold a comma"


def all_rows(path: str | Path) -> tuple[list[tuple[int, list[str]]], int]:
    """Every row of a UTF-8 CSV file with the line it starts on, and how many rows of empty cells were passed over.
    Raises ``InputFileError``: missing, empty or undecodable file."""
    rows = list(_rows(str(path), _bytes(path)))
    kept = [(line, row) for line, row in rows if not is_empty(row)]
    return kept, len(rows) - len(kept)


def is_empty(row: Sequence[str]) -> bool:
    """Whether no cell of a row holds anything, as Excel leaves rows below a table."""
    return not row[0].strip() and not "".join(row).strip()


def _bytes(path: str | Path) -> bytes:
    """The content of a file, UTF-8 with or without a byte-order mark."""
    try:
        data = content(path, LARGEST_FILE)
    except TooLarge:
        message = f"is larger than {LARGEST_FILE >> 20} MiB; write it as Parquet, or in parts"
        raise InputFileError(str(path), [Problem(0, "", "", message)]) from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputFileError(str(path), [Problem(0, "", "", "there is no such file")]) from None
    except IsADirectoryError:
        raise InputFileError(str(path), [Problem(0, "", "", "is a folder; name a file")]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {reason}")]) from None
    if not data or data.isspace():
        raise InputFileError(str(path), [Problem(0, "", "", "is empty; it needs a header and rows")])
    if (start := _endless_line(data)) >= 0:
        line = data[:start].count(b"\n") + 1
        raise InputFileError(str(path), [Problem(line, "", "", f"is longer than {LONGEST_LINE >> 20} MiB")])
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        kind = next((word for mark, word in KINDS.items() if data.startswith(mark)), "holds a NUL byte")
        raise InputFileError(str(path), [Problem(line, "", "", f"{kind}; save it as UTF-8 CSV")])
    return data


def _endless_line(data: bytes) -> int:
    """Position of a line that is too long; -1 where there is none."""
    for start in range(0, len(data) - LONGEST_LINE, LONGEST_LINE):
        if all(data.find(mark, start, start + LONGEST_LINE) < 0 for mark in (b"\n", b"\r")):
            return start
    return -1


def _not_utf8(path: str, data: bytes) -> InputFileError:
    """The error for bytes that are not text, with their place."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = data[error.start : error.start + 1].hex()
        message = f"byte 0x{byte} is not UTF-8; save the file as UTF-8"
        return InputFileError(path, [Problem(line, "", "", message)])
    return InputFileError(path, [Problem(0, "", "", "is not UTF-8; save the file as UTF-8")])


def _rows(path: str, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The line each row starts on and its cells; blank lines are passed over."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    try:
        rows: Iterable[tuple[int, list[str]]]
        if b'"' not in data:
            # without quotes every comma ends a cell, and every line a row
            rows = enumerate((line.rstrip("\r\n").split(",") for line in lines), start=1)
        else:
            rows = _quoted_rows(path, lines)
        for start, row in rows:
            if row and not (len(row) == 1 and not row[0].strip()):
                yield start, row
    except UnicodeDecodeError:
        raise _not_utf8(path, data) from None


def _quoted_rows(path: str, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    reader, start = csv.reader(lines, strict=True), 1
    try:
        with large_cells():
            for row in reader:
                yield start, row
                start = reader.line_num + 1
    except csv.Error as error:
        message = f"cannot be read as CSV: {error}"
        raise InputFileError(path, [Problem(reader.line_num, "", "", message)]) from None


def _check_header(path: str, header: Sequence[str], required: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        message = f"has {len(header):,} columns; at most {MOST_COLUMNS:,} are read"
        raise InputFileError(path, [Problem(1, "", "", message)])
    missing = [name for name in required if name not in header]
    if len(header) == 1:
        for mark, word in DELIMITERS.items():
            if mark in header[0]:
                message = f"is separated by {word}; save it with commas"
                raise InputFileError(path, [Problem(1, "", header[0], message)])
    problems = [Problem(1, name, "", "this column is needed and missing") for name in missing]
    seen: set[str] = set()
    for name in header:
        if name in seen:
            problems.append(Problem(1, name, "", "occurs twice in the header; rename one"))
        seen.add(name)
    if "" in seen:
        problems.append(Problem(1, "", "", "a column has no heading; name it or remove it"))
    if problems:
        raise InputFileError(path, problems)

"""CSV files from people: decoded, checked for shape, and every problem of the file reported at once."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eventstudy.errors import InputFileError, Problem

LARGEST_CELL = 1_000_000
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A CSV file as columns of stripped text.

    Attributes
    ----------
    path : str
    columns : dict
        Heading -> cells, in file order.
    lines : list of int
        File line on which each row starts, the header being line 1.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]


def read_table(path: str | Path, required: Sequence[str], *, fold_case: bool = False) -> TextTable:
    """Read a UTF-8 CSV file with a header.

    Parameters
    ----------
    path : str or Path
    required : sequence of str
        Headings that must be there.
    fold_case : bool
        Lower-case the headings.

    Raises
    ------
    InputFileError
        Missing, empty or undecodable file, wrong delimiter, missing or repeated headings, header without rows, rows
        with too many or too few cells.
    """
    text = _decode(path)
    rows, starts = _split(str(path), text)
    header = [name.strip().lower() if fold_case else name.strip() for name in rows[0]]
    _check_header(str(path), header, required)
    if len(rows) == 1:
        raise InputFileError(str(path), [Problem(1, "", "", "there is a header but no row; add at least one")])
    problems = [
        Problem(line, "", "", f"has {len(row)} cells, the header has {len(header)}; quote cells that hold a comma")
        for row, line in zip(rows[1:], starts[1:], strict=True)
        if len(row) != len(header)
    ]
    if problems:
        raise InputFileError(str(path), problems)
    cells = list(zip(*rows[1:], strict=True))
    return TextTable(
        str(path),
        {name: [cell.strip() for cell in column] for name, column in zip(header, cells, strict=True)},
        starts[1:],
    )


def _decode(path: str | Path) -> str:
    """The text of a file, UTF-8 with or without a byte-order mark."""
    try:
        data = Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise InputFileError(str(path), [Problem(0, "", "", "there is no such file")]) from None
    except IsADirectoryError:
        raise InputFileError(str(path), [Problem(0, "", "", "is a folder; name a file")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {reason}")]) from None
    if not data.strip():
        raise InputFileError(str(path), [Problem(0, "", "", "is empty; it needs a header and rows")])
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise InputFileError(str(path), [Problem(line, "", "", "holds a NUL byte; save it as UTF-8 CSV")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = data[error.start : error.start + 1].hex()
        message = f"byte 0x{byte} is not UTF-8; save the file as UTF-8"
        raise InputFileError(str(path), [Problem(line, "", "", message)]) from None


def _split(path: str, text: str) -> tuple[list[list[str]], list[int]]:
    """Rows and the line each starts on; blank lines are passed over."""
    previous = csv.field_size_limit(min(LARGEST_CELL, sys.maxsize))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    starts: list[int] = []
    try:
        start = 1
        for row in reader:
            if row and not (len(row) == 1 and not row[0].strip()):
                rows.append(row)
                starts.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        message = f"cannot be read as CSV: {error}"
        raise InputFileError(path, [Problem(reader.line_num, "", "", message)]) from None
    finally:
        csv.field_size_limit(previous)
    if not rows:
        raise InputFileError(path, [Problem(0, "", "", "is empty; it needs a header and rows")])
    return rows, starts


def _check_header(path: str, header: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing and len(header) == 1:
        for mark, word in DELIMITERS.items():
            if mark in header[0]:
                message = f"is separated by {word}; save it with commas"
                raise InputFileError(path, [Problem(1, "", header[0], message)])
    problems = [Problem(1, name, "", "this column is needed and missing") for name in missing]
    seen: set[str] = set()
    for name in header:
        if name in seen:
            problems.append(Problem(1, name, "", "stands twice in the header; rename one"))
        seen.add(name)
    if "" in seen:
        problems.append(Problem(1, "", "", "a column has no heading; name it or remove it"))
    if problems:
        raise InputFileError(path, problems)

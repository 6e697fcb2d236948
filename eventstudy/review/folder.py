"""A report folder read back: manifest, head of results.json, and tables row by row."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.opening import STREAMED, TABLE, exists, is_folder, opened, opened_text, text
from eventstudy.precision import CHOICES, FULL
from eventstudy.reading import decimal, large_cells
from eventstudy.report.parquet_rows import parquet_columns, parquet_rows
from eventstudy.spelling import meant_path

READABLE_SCHEMAS = (1,)
MANIFEST = "manifest.json"
RESULTS = "results.json"

# Columns that hold text; every other column of a table is a number.
TEXT_COLUMNS = frozenset(
    {
        "applicable", "benchmark", "category", "claimed_return", "day0", "detail", "estimation_end",
        "estimation_start", "event_id", "event_ids", "flags", "group", "in_curve", "kind", "left_out", "masked",
        "model", "null", "part", "primary", "reason", "returns", "role", "session", "stage", "test", "ticker",
        "tickers", "verdict", "window",
    }
)  # fmt: skip
# Columns that hold a number or, where a test has two of them, text such as `3;211`.
MIXED_COLUMNS = frozenset({"df"})
Cell = str | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFolder:
    """Contents of a report folder.

    Attributes
    ----------
    manifest : mapping
        manifest.json; empty where there is none (a committed sample lacks it).
    results : mapping
        results.json, whole; empty where there is none.
    spec : mapping
        Every choice of the study, from the manifest or, without the source of prices, from results.json.
    """

    path: Path
    manifest: Mapping[str, Any]
    results: Mapping[str, Any]
    spec: Mapping[str, Any]
    _differing: dict[str, bool] = field(default_factory=dict)

    @property
    def level(self) -> float:
        """Level of the intervals; the default where the folder does not say."""
        found = self.spec.get("level")
        return float(found) if isinstance(found, int | float) and 0.5 <= found < 1 else 0.95

    @property
    def digits(self) -> int | None:
        """Significant digits of the numbers in its tables; None where they are full or the folder does not say."""
        return CHOICES.get(str(self.spec.get("precision")))

    def holds(self, table: str) -> bool:
        """Whether the folder has a table, as CSV, as Parquet or inside results.json."""
        return bool(self.files(table)) or table in self.results.get("tables", {})

    def files(self, table: str) -> tuple[str, ...]:
        """Names of the files that hold a table: CSV, else a Parquet file or the parts of a data set, in order; empty
        where only results.json may hold it. Parts that the manifest lists are named whether they are there or not."""
        csv, whole = f"{table}.csv", f"{table}.parquet"
        if (self.path / csv).is_file():
            return (csv,)
        if not (self.path / whole).is_dir():
            return (whole,) if (self.path / whole).is_file() else ()
        listed = (name for name in self.manifest.get("files", {}) if name.startswith(f"{whole}/"))
        there = (f"{whole}/{part.name}" for part in (self.path / whole).iterdir() if part.name[0] not in "._")
        return tuple(sorted({*listed, *there}))

    def changed_file(self, table: str) -> str:
        """The first file of a table that is not what the manifest lists; empty where there is none."""
        listed, kinds = self.manifest.get("files", {}), (f"{table}.csv", f"{table}.parquet")
        names = {*self.files(table), *(name for name in map(str, listed) if name.partition("/")[0] in kinds)}
        changed = (n for n in sorted(names) if not self.is_as_written(n) or (listed and "/" in n and n not in listed))
        return next(changed, "")

    def is_as_written(self, name: str) -> bool:
        """Whether a file is what the manifest lists; true where there is no manifest, or the file is not listed."""
        listed = self.manifest.get("files", {}).get(name)
        if listed is None:
            return True
        if name not in self._differing:
            self._differing[name] = not _is_plain_name(name) or not self._has(name, listed)
        return not self._differing[name]

    def _has(self, name: str, listed: object) -> bool:
        try:
            return file_hash(self.path / name) == listed
        except OSError:
            # gone, a link, or no file at all: not what was written
            return False

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of a table's columns; empty where only an empty list is in results.json."""
        for name in self.files(table)[:1]:
            path = self.path / name
            if path.suffix == ".parquet":
                return parquet_columns(path)
            return next((tuple(cells) for _, cells in _lines(path) if cells), ())
        rows = self.results["tables"][table]
        return tuple(rows[0]) if rows else ()

    def rows(self, table: str) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Each row with its line in the CSV (0 from elsewhere): text, numbers, None for what is not known. Raises
        ``InputFileError`` if a row has too many or too few cells, or a number cannot be read."""
        files = [self.path / name for name in self.files(table)]
        if not files or files[0].suffix == ".parquet":
            for row in chain.from_iterable(map(parquet_rows, files)) if files else self.results["tables"][table]:
                yield 0, {name: _plain(name, value) for name, value in row.items()}
            return
        path = files[0]
        header: list[str] = []
        for line, cells in _lines(path):
            if not header:
                header = cells
                if twice := [name for name in header if header.count(name) > 1]:
                    raise InputFileError(str(path), [Problem(line, twice[0], "", "this column occurs twice")])
                continue
            if len(cells) != len(header):
                message = f"{len(cells)} cells under {len(header)} columns; the file is cut off or was edited"
                raise InputFileError(str(path), [Problem(line, "", "", message)])
            place = (str(path), line)
            yield line, {name: _number(name, cell, place) for name, cell in zip(header, cells, strict=True)}


def read_folder(path: Path) -> ReportFolder:
    """Open a report folder. Raises ``UsageError`` if it is not a folder, holds no report, or was written under a schema
    that this version does not read. Raises ``InputFileError`` if manifest.json or results.json cannot be read."""
    if not is_folder(path):
        found = "is not a folder" if exists(path) else "does not exist"
        hint = meant_path(path, folder=True) or "`eventstudy run -o DIR` writes one"
        raise UsageError(f"{path} {found}", "a report folder", hint)
    manifest, results = _document(path / MANIFEST), _document(path / RESULTS)
    for name, document in ((MANIFEST, manifest), (RESULTS, results)):
        if document:
            _check_schema(path / name, document)
    spec = manifest.get("spec") or results.get("spec") or {}
    # reports of versions that had no such choice hold every number in full
    spec = {"precision": FULL, **spec} if spec else {}
    folder = ReportFolder(path=path, manifest=manifest, results=results, spec=spec)
    if not folder.holds("windows"):
        unfinished = any(entry.name.startswith(".eventstudy-") for entry in path.iterdir())
        hint = "a run there was interrupted; run again" if unfinished else "`eventstudy run -o DIR` writes a report"
        raise UsageError(f"{path} holds no report", "windows.csv, windows.parquet or results.json in it", hint)
    return folder


def file_hash(path: Path) -> str:
    """sha256 of a file."""
    with opened(path, STREAMED, links=False) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _document(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where there is no file."""
    if not path.exists():
        return {}
    if not path.is_file():
        raise InputFileError(str(path), [Problem(0, "", "", "is not a file; run the study again")])
    try:
        found = json.loads(
            text(path, TABLE, links=False), object_pairs_hook=_without_repeats, parse_constant=_no_number
        )
    except (OSError, ValueError, RecursionError) as error:
        raise InputFileError(
            str(path), [Problem(0, "", "", f"cannot be read: {error}; run the study again")]
        ) from error
    wrong = [
        name for name, fits in _FORM.items() if isinstance(found, dict) and name in found and not fits(found[name])
    ]
    if not isinstance(found, dict) or wrong:
        message = f"{', '.join(wrong) or 'the file'} has another form than a report's; run the study again"
        raise InputFileError(str(path), [Problem(0, "", "", message)])
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that names a thing twice says two things of it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)[:80]!r} occurs twice in an object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of JSON")


def _is_table(table: object) -> bool:
    return isinstance(table, list) and all(
        isinstance(row, dict) and all(value is None or isinstance(value, str | int | float) for value in row.values())
        for row in table
    )


def _is_flat(value: object, deeper: int = 4) -> bool:
    """Whether a value is not nested beyond what a report's settings are."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return deeper > 0 and all(_is_flat(item, deeper - 1) for item in inner)
    return True


def _is_spec(value: object) -> bool:
    if not isinstance(value, dict) or not _is_flat(value):
        return False
    symbols = value.get("benchmarks") or []
    return isinstance(symbols, list) and all(isinstance(symbol, str) for symbol in symbols)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


# what must hold of the parts of manifest.json and results.json before anything is read from them
_FORM: dict[str, Callable[[Any], bool]] = {
    "spec": _is_spec,
    "files": lambda found: isinstance(found, dict) and all(isinstance(value, str) for value in found.values()),
    "tables": lambda found: isinstance(found, dict) and all(map(_is_table, found.values())),
    "versions": lambda found: isinstance(found, dict) and all(isinstance(value, str) for value in found.values()),
    "counts": lambda found: isinstance(found, dict) and all(map(_is_count, found.values())),
    "series": lambda found: isinstance(found, list) and all(isinstance(s, dict) and _is_flat(s) for s in found),
    "engine": _is_flat,
    "written_at": _is_flat,
}


def _is_plain_name(name: str) -> bool:
    """Whether a listed name is one a report can hold: inside its folder, at most one folder deep."""
    return (
        len(name) <= 200
        and re.fullmatch(r"([A-Za-z0-9_]+(\.parquet)?/)?[A-Za-z0-9_~^=.+-]+", name) is not None
        and ".." not in name
    )


def _check_schema(path: Path, document: Mapping[str, Any]) -> None:
    version = document.get("schema_version")
    if version in READABLE_SCHEMAS and not isinstance(version, bool):
        return
    known = ", ".join(map(str, READABLE_SCHEMAS))
    newer = isinstance(version, int) and version > max(READABLE_SCHEMAS)
    advice = (
        "it comes from a newer eventstudy: upgrade this one, or run the study again with it"
        if newer
        else "run the study again with this version"
    )
    said = "has no schema_version" if version is None else f"has schema_version {json.dumps(version)[:40]}"
    raise UsageError(f"{path} {said}", f"schema_version {known}", advice)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV with the line they end on. Raises ``InputFileError`` if the file cannot be read or is not CSV."""
    line = 0
    try:
        with opened_text(path, STREAMED, links=False) as handle, large_cells():
            reader = csv.reader(handle)
            for cells in reader:
                line = reader.line_num
                yield line, cells
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        message = f"cannot be read after this line: {error}; run the study again"
        raise InputFileError(str(path), [Problem(line, "", "", message)]) from error


def _plain(name: str, value: object) -> Cell:
    if value is None or value == "":
        return "" if name in TEXT_COLUMNS else None
    if name in TEXT_COLUMNS:
        return str(value)
    try:
        number = decimal(str(value))
    except ValueError:
        return str(value)
    return number if math.isfinite(number) else None


def _number(name: str, text: str, place: tuple[str, int]) -> Cell:
    if name in TEXT_COLUMNS:
        return text
    if text == "":
        return None
    try:
        value = decimal(text)
    except ValueError:
        if name in MIXED_COLUMNS:
            return text
        raise InputFileError(
            place[0], [Problem(place[1], name, text, "is not a number; was the file edited?")]
        ) from None
    return value if math.isfinite(value) else None

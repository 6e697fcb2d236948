"""A report folder read back: manifest, head of results.json, and tables row by row."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eventstudy.errors import InputFileError, Problem, UsageError

READABLE_SCHEMAS = (1,)
MANIFEST = "manifest.json"
RESULTS = "results.json"

# Columns that hold text; every other column of a table is a number.
TEXT_COLUMNS = frozenset(
    {
        "applicable", "benchmark", "category", "claimed_return", "day0", "detail", "estimation_end",
        "estimation_start", "event_id", "event_ids", "flags", "group", "kind", "masked", "model", "null", "part",
        "primary", "reason", "role", "session", "stage", "test", "ticker", "tickers", "verdict", "window",
    }
)  # fmt: skip
# Columns that hold a number or, where a test has two of them, text such as `3;211`.
MIXED_COLUMNS = frozenset({"df"})
Cell = str | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFolder:
    """What `run` left in a folder.

    Attributes
    ----------
    path : Path
    manifest : mapping
        manifest.json; empty where there is none (a committed sample has none).
    results : mapping
        results.json, whole; empty where there is none.
    spec : mapping
        Every choice of the study, from the manifest or, without the ways prices were got at, from results.json.
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
        return float(found) if isinstance(found, int | float) else 0.95

    def holds(self, table: str) -> bool:
        """Whether the folder has a table, as CSV or inside results.json."""
        return (self.path / f"{table}.csv").is_file() or table in self.results.get("tables", {})

    def is_as_written(self, name: str) -> bool:
        """Whether a file is what the manifest lists; true where there is no manifest, or the file is not listed."""
        listed = self.manifest.get("files", {}).get(name)
        if listed is None:
            return True
        if name not in self._differing:
            path = self.path / name
            self._differing[name] = not path.is_file() or file_hash(path) != listed
        return not self._differing[name]

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of a table's columns; empty where only an empty list stands in results.json."""
        path = self.path / f"{table}.csv"
        if path.is_file():
            return next((tuple(cells) for _, cells in _lines(path)), ())
        rows = self.results["tables"][table]
        return tuple(rows[0]) if rows else ()

    def rows(self, table: str) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Each row with its line in the CSV (0 from results.json): text, numbers, None for what is not known.

        Raises
        ------
        InputFileError
            If a row has too many or too few cells, or a number cannot be read.
        """
        path = self.path / f"{table}.csv"
        if not path.is_file():
            for row in self.results["tables"][table]:
                yield 0, {name: _plain(name, value) for name, value in row.items()}
            return
        header: list[str] = []
        for line, cells in _lines(path):
            if not header:
                header = cells
                continue
            if len(cells) != len(header):
                message = f"{len(cells)} cells under {len(header)} columns; the file is cut off or was edited"
                raise InputFileError(str(path), [Problem(line, "", "", message)])
            place = (str(path), line)
            yield line, {name: _number(name, cell, place) for name, cell in zip(header, cells, strict=True)}


def read_folder(path: Path) -> ReportFolder:
    """Open a report folder.

    Raises
    ------
    UsageError
        If it is no folder, holds no report, or was written under a schema that this version does not read.
    InputFileError
        If manifest.json or results.json cannot be read.
    """
    if not path.is_dir():
        found = "is no folder" if path.exists() else "does not exist"
        raise UsageError(f"{path} {found}", "a report folder", "`eventstudy run -o DIR` writes one")
    manifest, results = _document(path / MANIFEST), _document(path / RESULTS)
    for name, document in ((MANIFEST, manifest), (RESULTS, results)):
        if document:
            _check_schema(path / name, document)
    if not (path / "windows.csv").is_file() and "windows" not in results.get("tables", {}):
        unfinished = any(entry.name.startswith(".eventstudy-") for entry in path.iterdir())
        hint = "a run there was interrupted; run again" if unfinished else "`eventstudy run -o DIR` writes a report"
        raise UsageError(f"{path} holds no report", "windows.csv or results.json in it", hint)
    return ReportFolder(
        path=path, manifest=manifest, results=results, spec=manifest.get("spec") or results.get("spec") or {}
    )


def file_hash(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _document(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where there is no file."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputFileError(
            str(path), [Problem(0, "", "", f"cannot be read: {error}; run the study again")]
        ) from error
    shapes = {"spec": dict, "files": dict, "tables": dict, "versions": dict, "counts": dict, "series": list}
    wrong = [
        name
        for name, kind in shapes.items()
        if isinstance(found, dict) and not isinstance(found.get(name, kind()), kind)
    ]
    rows = found.get("tables", {}) if isinstance(found, dict) and not wrong else {}
    wrong += [name for name, table in rows.items() if not _is_table(table)]
    if not isinstance(found, dict) or wrong:
        message = f"{', '.join(wrong) or 'the file'} has another form than a report's; run the study again"
        raise InputFileError(str(path), [Problem(0, "", "", message)])
    return found


def _is_table(table: object) -> bool:
    return isinstance(table, list) and all(isinstance(row, dict) for row in table)


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
    """Rows of a CSV with the line they end on.

    Raises
    ------
    InputFileError
        If the file cannot be read or is no CSV.
    """
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
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
        return float(str(value))
    except ValueError:
        return str(value)


def _number(name: str, text: str, place: tuple[str, int]) -> Cell:
    if name in TEXT_COLUMNS:
        return text
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        if name in MIXED_COLUMNS:
            return text
        raise InputFileError(place[0], [Problem(place[1], name, text, "is no number; was the file edited?")]) from None
    return value if math.isfinite(value) else None

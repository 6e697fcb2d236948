"""Whether a file in the way of a report was written by a report, or somebody's own of the same name."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from eventstudy.errors import InputFileError, UsageError
from eventstudy.opening import STREAMED, opened
from eventstudy.report.document import MADE_BY

# Bytes within which every table and page says what it is.
HEAD = 16_384
# Bytes of a PNG: its signature, and the length, name and width of its first part.
# so many columns, all of a table's own, belong to no file of somebody's
UNLIKELY = 8
WIDTH_ENDS = 20
_PART = re.compile(r"part-\d{6,}\.parquet")
_LABEL = re.compile(r'aria-labelledby="([^"]*)"')


def check_replaced(
    folder: Path, out: Path, names: Collection[str], listed: Collection[str], *, force: bool = False
) -> None:
    """Look at every file and data set that would be replaced, before the first one is. Raises ``UsageError`` if one is
    not listed by the manifest and does not begin like the file that was built for its place, or is a folder that holds
    such a file: it is somebody's own."""
    own = [name for name in dict.fromkeys(map(entry_of, names)) if _is_own(folder / name, out / name, name, listed)]
    if own and not force:
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        raise UsageError(
            f"{out / own[0]}{more} would be replaced, and no report wrote it",
            "a folder without files of those names",
            "name another with -o DIR, or --force replaces",
        )


def _is_own(built: Path, there: Path, name: str, listed: Collection[str]) -> bool:
    """Whether something in the way is somebody's own; a link is replaced and what it leads to stays."""
    if there.is_symlink():
        return False
    if built.is_dir():
        built = min(built.iterdir())
    if there.is_dir():
        inside = [path for path in there.rglob("*") if path.is_symlink() or not path.is_dir()]
        return not all(_is_part(path, path.relative_to(there).as_posix(), built, name, listed) for path in inside)
    return name not in listed and there.is_file() and not is_report_file(there, built)


def _is_part(path: Path, part: str, built: Path, name: str, listed: Collection[str]) -> bool:
    """Whether a file of a folder is a part of a table that a report wrote."""
    if f"{name}/{part}" in listed:
        return True
    return _PART.fullmatch(part) is not None and path.is_file() and is_report_file(path, built)


def entry_of(name: str) -> str:
    """What moves into the report folder as one: a file, or the data set that it is a part of."""
    head, _, part = name.partition("/")
    return head if part and is_data_set(head) else name


def is_data_set(folder: str) -> bool:
    """Whether the folder of a listed file is a table in parts."""
    return folder.endswith(".parquet")


def is_report_file(there: Path, built: Path) -> bool:
    """Whether a file begins as the one that was built to replace it: with that table's or page's own heading.

    An empty file holds nothing that could be lost. Parquet is known by its columns, a picture by its width.
    """
    try:
        before, now = _head(there), _head(built)
    except OSError:
        return False
    if not before or before == now:
        return True
    if built.suffix == ".parquet":
        marks: tuple[str | frozenset[str], ...] = tuple(map(_columns, (there, built)))
    elif built.suffix in (".png", ".pdf"):
        return before[:WIDTH_ENDS] == now[:WIDTH_ENDS]
    else:
        marks = _mark(built.suffix, before), _mark(built.suffix, now)
    if isinstance(marks[0], frozenset) and isinstance(marks[1], frozenset) and marks[0]:
        # tables of another version have lost or gained some columns
        shared = len(marks[0] & marks[1])
        grown = shared == len(marks[0]) and shared >= UNLIKELY
        return grown or (4 * shared >= 3 * len(marks[0]) and 2 * shared >= len(marks[1]))
    return bool(marks[0]) and marks[0] == marks[1]


def _columns(path: Path) -> frozenset[str]:
    from eventstudy.data.parquet import open_parquet

    try:
        return frozenset(open_parquet(path, "Parquet").schema_arrow.names)
    except (InputFileError, UsageError):
        return frozenset()


def _head(path: Path) -> bytes:
    with opened(path, STREAMED, links=False) as handle:
        return handle.read(HEAD)


def _mark(suffix: str, head: bytes) -> str | frozenset[str]:
    """What tells a kind of file from any other: the columns of a table, else a text; empty where there is none."""
    try:
        text = head.decode("utf-8-sig", "ignore").replace("\r\n", "\n")
        first = text.partition("\n")[0]
        if suffix == ".csv":
            return frozenset(next(csv.reader([first]), []))
    except csv.Error:
        return ""
    if suffix in (".md", ".html"):
        # a page's title is its finding, which changes with the numbers
        return MADE_BY if MADE_BY in text[:2000] else ""
    if suffix == ".json":
        return '"schema_version"' if re.match(r'\{\s*"schema_version":', text) else ""
    if suffix == ".svg":
        found = _LABEL.search(text)
        return found[0] if found else ""
    return first if suffix == ".tex" else ""


def added_files(added: object, listed: Mapping[str, Any]) -> set[str]:
    """Files of the run and of other commands, as a manifest lists them."""
    parts = [listed, *(added.values() if isinstance(added, dict) else ())]
    found = (part.get("files") for part in parts if isinstance(part, dict))
    return {name for files in found if isinstance(files, dict) for name in files}


def is_report_name(name: object) -> bool:
    """Whether a listed path is one that a report holds.

    What a manifest lists is removed with the next run, and the manifest may be somebody else's. Nothing outside
    goes, and no file of the user's own, such as events.csv where the report folder is that of the study.
    """
    from eventstudy.report.columns import COLUMNS

    if not isinstance(name, str) or len(name) > 200:
        return False
    stem, _, ending = name.partition(".")
    kind, _, part = ending.partition("/")
    table = stem in COLUMNS and (ending in ("csv", "parquet", "dta") or (kind == "parquet" and _PART.fullmatch(part)))
    inside = (
        re.fullmatch(r"(events|figures|tables)/[A-Za-z0-9][A-Za-z0-9^._=~-]*\.(md|html|svg|png|pdf|tex)", name)
        is not None
    )
    return name in ("results.json", "summary.md", "report.html", "tables.xlsx") or bool(table) or inside

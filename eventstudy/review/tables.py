"""Comparison of two folders' tables, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from eventstudy.report.digits import rounded_number
from eventstudy.review.folder import Cell, ReportFolder, file_hash

# What names a row of each table; rows that share a name are taken in order.
KEYS = {
    "abnormal_returns": ("event_id", "ticker", "day"),
    "windows": ("event_id", "ticker", "window"),
    "models": ("event_id", "ticker"),
    "robustness": ("event_id", "ticker", "window", "model", "masked", "part", "estimation", "gap", "returns"),
    "curves": ("event_id", "ticker", "part", "window"),
    "overnight": ("event_id", "ticker", "part"),
    "day_parts": ("event_id", "ticker", "part"),
    "clusters": ("day0", "window", "test", "ticker"),
    "aggregate": ("group", "window", "test"),
    "aar": ("group", "day"),
    "claims": ("event_id", "ticker", "kind"),
    "excluded": ("event_id", "ticker", "stage"),
}
RELATIVE = 1e-9
ABSOLUTE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """Differences of a table.

    Attributes
    ----------
    removed, added : int
        Rows that only one folder has.
    differing : int
        Rows of both with a cell that differs: see ``same``.
    columns : tuple of str
        Columns in which they differ, and those that only one folder has.
    """

    table: str
    removed: int
    added: int
    differing: int
    columns: tuple[str, ...]


def coarser(before: ReportFolder, after: ReportFolder) -> int | None:
    """Significant digits that the numbers of both folders have; None where both are full."""
    return min((folder.digits for folder in (before, after) if folder.digits is not None), default=None)


def same(a: Cell, b: Cell, digits: int | None) -> bool:
    """Whether two cells say the same: equal text, or numbers within 1e-9 relative or, at ``digits`` significant digits,
    within one unit of the last one. Equal numbers that differ by the last bits may be rounded to either side.
    """
    if not (isinstance(a, float) and isinstance(b, float)):
        return a == b
    if math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
        return True
    if digits is None:
        return False
    a, b = rounded_number(a, digits), rounded_number(b, digits)
    unit = 10.0 ** (math.floor(math.log10(max(abs(a), abs(b)))) + 1 - digits)
    return abs(a - b) <= unit * (1 + 1e-6)


def changed_tables(before: ReportFolder, after: ReportFolder) -> tuple[list[TableChange], list[str]]:
    """Every table that differs, and those that only one folder has."""
    found, alone = [], []
    for table, key in KEYS.items():
        sides = [folder for folder in (before, after) if folder.holds(table)]
        if len(sides) == 1:
            name = (*sides[0].files(table), f"{table}.csv")[0].partition("/")[0]
            alone.append(f"{name} is only in {sides[0].path}")
        if len(sides) < 2 or _identical(before, after, table):
            continue
        change = _changed(before, after, table, key)
        if change.removed or change.added or change.differing or change.columns:
            found.append(change)
    return found, alone


def _identical(before: ReportFolder, after: ReportFolder, table: str) -> bool:
    one, other = before.files(table), after.files(table)
    pairs = [(before.path / name, after.path / name) for name in one]
    return one == other != () and all(a.is_file() and b.is_file() and file_hash(a) == file_hash(b) for a, b in pairs)


def _changed(before: ReportFolder, after: ReportFolder, table: str, key: tuple[str, ...]) -> TableChange:
    digits = coarser(before, after)
    names, columns = set(before.columns(table)), dict.fromkeys(after.columns(table))
    shared = [name for name in columns if name in names]
    if names and columns:
        # a folder of an earlier version lacks later columns of a name
        key = tuple(name for name in key if name in shared)
    lone = [name for name in (*columns, *names) if (name in columns) != (name in names)] if names and columns else []
    old = dict(keyed(before, table, key))
    added, differing, where = 0, 0, dict.fromkeys(sorted(lone))
    for name, row in keyed(after, table, key):
        former = old.pop(name, None)
        if former is None:
            added += 1
            continue
        cells = [column for column in shared if not same(former.get(column), row.get(column), digits)]
        differing += bool(cells)
        where |= dict.fromkeys(cells)
    return TableChange(table=table, removed=len(old), added=added, differing=differing, columns=tuple(where))


def keyed(folder: ReportFolder, table: str, key: tuple[str, ...]) -> Iterator[tuple[tuple[Cell, ...], dict[str, Cell]]]:
    """Rows with what names them; a name met again gets a number."""
    seen: dict[tuple[Cell, ...], int] = {}
    for _, row in folder.rows(table):
        name = tuple(row.get(column) for column in key)
        seen[name] = seen.get(name, 0) + 1
        yield (*name, float(seen[name])), row

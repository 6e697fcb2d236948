"""Conditions evaluated on a report folder."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from eventstudy.errors import ExpressionError, InputFileError, Problem, UsageError
from eventstudy.review import language
from eventstudy.review.folder import TEXT_COLUMNS, Cell, ReportFolder

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def mean(values: list[float]) -> float:
    """Arithmetic mean, also of numbers whose sum no float can hold."""
    largest = max(map(abs, values))
    if largest < 1e290:
        return statistics.fmean(values)
    return largest * statistics.fmean([value / largest for value in values])


_SUMMARIES: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "mean": mean}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event of windows.csv: its primary window, and the values that conditions name.

    Attributes
    ----------
    event_id, ticker, window : str
        The window is the primary one.
    line : int
        Line of the primary window in windows.csv; 0 where it was read from results.json.
    values : mapping
        ``car``, ``car[0,1]`` -> number, or None where it is not known.
    """

    event_id: str
    ticker: str
    window: str
    line: int
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Verdict on one condition.

    Attributes
    ----------
    by_row : bool
        Whether it was asked of every row, or once of the report.
    rows : tuple of Row
        Those for which it is true.
    n_rows : int
        Rows it was asked of.
    values : mapping
        Counts and summaries it names.
    names : tuple of str
        Columns it names, as they are written.
    undefined : tuple of (str, int)
        What was not known, and for how many rows; such a comparison is false.
    """

    expression: str
    tripped: bool
    by_row: bool
    rows: tuple[Row, ...]
    n_rows: int
    values: Mapping[str, float | None]
    names: tuple[str, ...]
    undefined: tuple[tuple[str, int], ...]


def hold(folder: ReportFolder, expressions: Sequence[str], now: datetime) -> list[Verdict]:
    """Every condition against a folder, in the order given. Raises ``ExpressionError`` for a condition that makes no
    sense, before any is judged. Raises ``UsageError`` if the tables are not those of the manifest, or a count is asked
    for that the folder cannot give.

    Parameters
    ----------
    now : datetime
        What ``data_age_days`` counts to.
    """
    for table in ("windows", "excluded"):
        if name := folder.changed_file(table):
            raise UsageError(
                f"{folder.path / name} is not the file that manifest.json lists",
                "an unchanged folder of a run",
                "a run was interrupted there or the file was edited; run again",
            )
    columns = _columns(folder)
    texts = tuple(name for name in columns if name in TEXT_COLUMNS)
    trees = [
        language.parse(text, tuple(name for name in columns if name not in TEXT_COLUMNS), texts) for text in expressions
    ]
    rows, windows = read_rows(folder, {c.label: c for tree in trees for c in language.columns_of(tree)})
    for text, tree in zip(expressions, trees, strict=True):
        _check_windows(text, tree, windows)
    named = {count.name for tree in trees for count in language.counts_of(tree)}
    counts = {name: count_of(folder, name, now) for name in sorted(named)}
    return [judge(text, tree, rows, counts) for text, tree in zip(expressions, trees, strict=True)]


def _columns(folder: ReportFolder) -> tuple[str, ...]:
    """Columns of windows; of a study in which nothing was studied, those of the file contract."""
    found = folder.columns("windows")
    absent = [name for name in ("event_id", "ticker", "window", "primary") if name not in found]
    if found and absent:
        problems = [Problem(1, name, "", "this column is needed") for name in absent]
        raise InputFileError(str(folder.path / (*folder.files("windows"), "windows.csv")[0]), problems)
    if found:
        return found
    from eventstudy.report.columns import COLUMNS

    return tuple(COLUMNS["windows"])


def read_rows(folder: ReportFolder, wanted: Mapping[str, language.Column]) -> tuple[list[Row], list[tuple[int, int]]]:
    """Events in file order with what conditions name, and every window the table has.

    Rows of one event are adjacent or not; only the numbers asked for are kept.
    """
    found: dict[tuple[Cell, Cell], dict[str, Any]] = {}
    windows: dict[tuple[int, int], None] = {}
    for line, cells in folder.rows("windows"):
        key = (cells.get("event_id"), cells.get("ticker"))
        row = found.setdefault(key, {"window": "", "line": 0, "values": dict.fromkeys(wanted)})
        window = _window(str(cells.get("window")), folder, line)
        windows.setdefault(window)
        if primary := cells.get("primary") == "yes":
            row["window"], row["line"] = str(cells["window"]), line
        for label, column in wanted.items():
            if column.window == window or (column.window is None and primary):
                value = cells.get(column.name)
                row["values"][label] = value if isinstance(value, float) else None
    rows = [Row(event_id=str(key[0]), ticker=str(key[1]), **row) for key, row in found.items()]
    return rows, list(windows)


def _window(text: str, folder: ReportFolder, line: int) -> tuple[int, int]:
    try:
        start, end = text.strip("[]").split(",")
        return int(start), int(end)
    except ValueError:
        raise UsageError(
            f"{folder.path}: window {text[:40]!r} in line {line} cannot be read", "[START,END]", "run again"
        ) from None


def _check_windows(text: str, tree: language.Node, windows: Sequence[tuple[int, int]]) -> None:
    for column in language.columns_of(tree):
        if column.window is not None and windows and column.window not in windows:
            known = ", ".join(f"[{start},{end}]" for start, end in windows)
            raise ExpressionError(
                text,
                column.at,
                len(column.name),
                f"the report has no window [{column.window[0]},{column.window[1]}]",
                known,
                f"run with --window {column.window[0]}:{column.window[1]}",
            )


def count_of(folder: ReportFolder, name: str, now: datetime) -> float | None:
    """``excluded``, ``studied`` or ``data_age_days``; None where the folder holds no prices at all. Raises
    ``UsageError`` if the folder cannot say."""
    if name == "data_age_days":
        last = last_session(folder)
        return None if last is None else float((now.date() - last).days)
    for document in (folder.manifest, folder.results):
        counted = document.get("counts", {}).get(name)
        if isinstance(counted, int) and not isinstance(counted, bool):
            return float(counted)
    if name == "studied":
        return float(len({(cells["event_id"], cells["ticker"]) for _, cells in folder.rows("windows")}))
    if not folder.holds("excluded"):
        raise UsageError(f"{folder.path} does not record what was excluded", "excluded.csv", "run again")
    return float(sum(1 for _ in folder.rows("excluded")))


def last_session(folder: ReportFolder) -> date | None:
    """The last session of the market's prices, or where the market is not among them of the newest series. Raises
    ``UsageError`` if there is no manifest.json, which alone knows."""
    if not folder.manifest:
        raise UsageError(
            f"{folder.path} has no manifest.json, the only file that records how far prices reach",
            "a folder that `run` wrote",
            "leave data_age_days out for a committed report",
        )
    reach = {str(s.get("symbol")): str(s.get("last") or "") for s in folder.manifest.get("series", [])}
    market = next(iter(folder.spec.get("benchmarks") or ()), "")
    text = reach.get(market) or max(reach.values(), default="")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            f"{folder.path}: manifest.json gives {text[:40]!r} as a last session", "YYYY-MM-DD", "run again"
        ) from None


def judge(text: str, tree: language.Node, rows: Sequence[Row], counts: Mapping[str, float | None]) -> Verdict:
    """One condition against every row, or once where it names no column."""
    scope = _Scope(rows, counts, {}, {})
    if not language.is_by_row(tree):
        tripped = scope.true(tree, None)
        hit: tuple[Row, ...] = ()
    else:
        hit = tuple(row for row in rows if scope.true(tree, row))
        tripped = bool(hit)
    values = {**{c.name: counts[c.name] for c in language.counts_of(tree)}, **scope.summaries}
    return Verdict(
        expression=text,
        tripped=tripped,
        by_row=language.is_by_row(tree),
        rows=hit,
        n_rows=len(rows),
        values=values,
        names=tuple(dict.fromkeys(column.label for column in language.columns_of(tree))),
        undefined=tuple(sorted(scope.undefined.items())),
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """Values of names while one condition is judged, and the undefined ones."""

    rows: Sequence[Row]
    counts: Mapping[str, float | None]
    summaries: dict[str, float | None]
    undefined: dict[str, int]

    def true(self, node: language.Node, row: Row | None) -> bool:
        """Whether a condition holds; every part is looked at, so that all that is undefined is said."""
        match node:
            case language.Comparison(sign, left, right):
                a, b = self.number(left, row), self.number(right, row)
                return a is not None and b is not None and _COMPARE[sign](a, b)
            case language.Not(inner):
                return not self.true(inner, row)
            case language.Both(word, parts):
                found = [self.true(part, row) for part in parts]
                return all(found) if word == "and" else any(found)
        raise TypeError(f"{node} is not a condition")

    def number(self, node: language.Node, row: Row | None) -> float | None:
        """A number, or None where it is not known."""
        match node:
            case language.Number(value):
                return value
            case language.Count(name):
                return self.known(name, self.counts[name])
            case language.Column():
                assert row is not None, "a column is looked up for a row"
                return self.known(node.label, row.values[node.label])
            case language.Negative(inner):
                return None if (plain := self.number(inner, row)) is None else -plain
            case language.Absolute(inner):
                return None if (plain := self.number(inner, row)) is None else abs(plain)
            case language.OverRows(name, inner):
                return self.summary(name, inner)
        raise TypeError(f"{node} is not a number")

    def summary(self, name: str, inner: language.Node) -> float | None:
        """``max``, ``min`` or ``mean`` over the rows where the value is known; computed once."""
        label = f"{name}({written(inner)})"
        if label not in self.summaries:
            found = [value for row in self.rows if (value := self.number(inner, row)) is not None]
            self.summaries[label] = _SUMMARIES[name](found) if found else None
            self.known(label, self.summaries[label])
        return self.summaries[label]

    def known(self, name: str, value: float | None) -> float | None:
        """The value, counted where it is undefined."""
        if value is None:
            self.undefined[name] = self.undefined.get(name, 0) + 1
        return value


def written(node: language.Node) -> str:
    """A number's tree as it could be typed."""
    match node:
        case language.Number(value):
            return f"{value:g}"
        case language.Count(name):
            return name
        case language.Column():
            return node.label
        case language.Negative(inner):
            return f"-{written(inner)}"
        case language.Absolute(inner):
            return f"abs({written(inner)})"
        case language.OverRows(name, inner):
            return f"{name}({written(inner)})"
    raise TypeError(f"{node} is not a number")

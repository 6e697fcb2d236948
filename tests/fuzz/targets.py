"""Every reader of text from outside behind one face: bytes in, accepted or refused out, anything else is a bug.

A reader may refuse with the project's own error, which must say where and what instead, in a text of reasonable length.
What it accepts is written again and read again, and must be the same.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from eventstudy.cli.settings import OPTIONS, read_config, resolve, study_spec
from eventstudy.data.cells import check_event_id, check_ticker
from eventstudy.data.claims import parse_claim
from eventstudy.data.confounders import read_confounders
from eventstudy.data.dates import parse_day, parse_when
from eventstudy.data.events import read_events
from eventstudy.data.factors import read_factors
from eventstudy.data.files import read_prices
from eventstudy.data.parquet_prices import ParquetPrices
from eventstudy.errors import EventStudyError, InputFileError
from eventstudy.evaluate.formula import read_formula
from eventstudy.reading import decimal
from eventstudy.review import language
from eventstudy.review.account import page, record, text
from eventstudy.review.difference import difference
from eventstudy.review.folder import read_folder
from eventstudy.review.gate import Row, hold, judge
from eventstudy.spec import Window
from tests.fuzz import generate
from tests.review.reports import MANIFEST, TABLES, make

ACCEPTED, REFUSED = "accepted", "refused"
LONGEST_MESSAGE = 60_000
NOW = datetime(2025, 7, 10, 12, tzinfo=UTC)
ROWS = tuple(
    Row(event_id=name, ticker="A", window="[0,0]", line=n, values={})
    for n, name in enumerate(("a", "b", "c"))
)  # fmt: skip
NUMBERS = ("car", "std_error", "p_t", "p_sq")
TEXTS = ("flags", "ticker")


@dataclass(frozen=True)
class Target:
    """A reader under fire.

    Attributes
    ----------
    name : str
    make : callable
        An input from a seeded generator.
    read : callable
        Reads one input; ``accepted`` or ``refused``.
    ours : bool
        Whether the parser is the project's own, with no library in front of it.
    """

    name: str
    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], str]
    ours: bool = True


def scratch(name: str, data: bytes) -> Path:
    """A file of this process, overwritten each time."""
    global _FOLDER
    if _FOLDER is None or _FOLDER[0] != os.getpid():
        shm = Path("/dev/shm")
        made = tempfile.TemporaryDirectory(
            prefix="fuzz-", dir=shm if shm.is_dir() else None, ignore_cleanup_errors=True
        )
        _FOLDER = (os.getpid(), made)
    path = Path(_FOLDER[1].name) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


# goes when the process ends
_FOLDER: tuple[int, tempfile.TemporaryDirectory[str]] | None = None


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def refused(error: Exception) -> str:
    """Check that a refusal helps: a place and a sentence, on lines that are ours."""
    said = str(error)
    assert said.strip() and len(said) < LONGEST_MESSAGE, f"a message of {len(said)} characters"
    if isinstance(error, InputFileError):
        assert error.problems
        for problem in error.problems:
            assert problem.message and (problem.line >= 0)
            assert "\n" not in str(problem) and "\r" not in str(problem), "a problem is one line"
    elif isinstance(error, EventStudyError):
        assert error.wanted or error.hint, f"no fix: {said[:200]}"
    else:
        assert isinstance(error, ValueError) and (
            "write" in said or "choose" in said or "is no" in said or "check" in said or "leave" in said
        ), said[:200]
    return REFUSED


def own(read: Callable[[bytes], None]) -> Callable[[bytes], str]:
    """A reader that refuses with the project's error."""

    def run(data: bytes) -> str:
        try:
            read(data)
        except EventStudyError as error:
            return refused(error)
        return ACCEPTED

    return run


def cell(read: Callable[[str], None]) -> Callable[[bytes], str]:
    """A reader of one cell: its ValueError becomes a problem of the file, with its line."""

    def run(data: bytes) -> str:
        try:
            read(decoded(data))
        except ValueError as error:
            assert type(error) is ValueError or isinstance(error, EventStudyError), f"{type(error)} is not a refusal"
            return refused(error)
        return ACCEPTED

    return run


def placeless(node: Any) -> Any:
    """A tree without the places of its names."""
    if isinstance(node, tuple):
        return tuple(map(placeless, node))
    if not is_dataclass(node):
        return node
    return (type(node).__name__, *(placeless(getattr(node, f.name)) for f in fields(node) if f.name != "at"))


def written(node: language.Node) -> str:
    """A tree as a text, with more brackets than it needs."""
    match node:
        case language.Number(number):
            return repr(number)
        case language.Count(name):
            return name
        case language.Column():
            return node.label
        case language.Negative(inner):
            return f"- {written(inner)}"
        case language.Absolute(inner):
            return f"abs({written(inner)})"
        case language.OverRows(name, inner):
            return f"{name}({written(inner)})"
        case language.Not(inner):
            return f"not {written(inner)}"
        case language.Comparison(sign, left, right):
            return f"({written(left)} {sign} {written(right)})"
        case language.Both(word, parts):
            return f"({f' {word} '.join(map(written, parts))})"
    raise AssertionError(node)


def _language(data: bytes) -> None:
    source = decoded(data)
    tree = language.parse(source, NUMBERS, TEXTS)
    labels = [column.label for column in language.columns_of(tree)]
    wide = [None, 0.5, -1.7e308, 1.7e308]
    rows = [
        dataclasses.replace(row, values={label: wide[(n + k) % 4] for k, label in enumerate(labels)})
        for n, row in enumerate(ROWS)
    ]
    verdict = judge(source, tree, rows, dict.fromkeys(language.COUNTS, 3.0))
    for number in verdict.values.values():
        assert number is None or np.isfinite(number), "a summary is a number or unknown"
    again = written(tree)
    try:
        second = language.parse(again, NUMBERS, TEXTS)
    except language.ExpressionError as error:
        # the brackets of this test can exceed the depth or length that the language allows
        assert "deep" in error.found or "characters" in error.found, (source, again, str(error))
        return
    assert placeless(second) == placeless(tree), (source, again)


def _when(source: str) -> None:
    moment, day = parse_when(source)
    assert (moment is None) != (day is None)
    if day is not None:
        assert parse_when(day.isoformat()) == (None, day)
    elif moment is not None and 1900 < moment.year < 2100:
        assert moment.tzinfo is UTC
        assert parse_when(moment.isoformat()) == (moment, None)


def _day(source: str) -> None:
    day = parse_day(source)
    assert parse_day(day) == day and str(np.datetime64(day, "D")) == day


def _claim(source: str) -> None:
    claim = parse_claim(source)
    assert claim.value is None or -1 < claim.value <= 10
    assert parse_claim(claim.text) == claim


def _decimal(source: str) -> None:
    number = decimal(source)
    assert number == number
    if np.isfinite(number):
        assert decimal(repr(number)) == number


def _name(source: str) -> None:
    for check in (check_event_id, check_ticker):
        try:
            check(source)
        except ValueError:
            continue
        assert source.isascii() and source.isprintable() and not {"/", "\\", ":", " "} & set(source), source
        assert ".." not in source or check is check_event_id
        inside = Path("events") / f"{source}.md"
        assert inside.parent == Path("events") and len(inside.name) <= 67
        return
    raise ValueError("is not a name")


def _window(data: bytes) -> None:
    window = Window.parse(decoded(data))
    assert Window.parse(window.label) == window and Window.parse(f"{window.start}:{window.end}") == window


def _formula(data: bytes) -> None:
    found = read_formula(decoded(data), ("category", "claimed_return", "size", "beta", "role"))
    assert set(found.columns) <= {"category", "claimed_return", "size", "beta", "role"}
    assert len(found.terms) < 20_000
    assert read_formula(found.written, found.columns).columns == found.columns


def _config(data: bytes) -> None:
    path = scratch("eventstudy.toml", data)
    settings = resolve({}, path)
    study_spec(settings)
    again = "\n".join(f"{name} = {_toml(settings[name].value)}" for name in read_config(path).values)
    second = resolve({}, scratch("again.toml", again.encode()))
    assert {n: s.value for n, s in second.items()} == {n: s.value for n, s in settings.items()}, again


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return repr(value)


def csv_bytes(columns: dict[str, Sequence[Any]]) -> bytes:
    """Columns as a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode()


def _events(data: bytes) -> None:
    frame = read_events(scratch("events.csv", data)).frame()
    made = frame.drop(columns=["line", "instant", "date"])
    again = read_events(scratch("again.csv", csv_bytes({name: made[name].tolist() for name in made.columns}))).frame()
    # a quoted line break makes rows begin on later lines
    pd.testing.assert_frame_equal(again.drop(columns="line"), frame.drop(columns="line")[list(again.columns[1:])])
    for name in frame["event_id"]:
        check_event_id(name)


def _confounders(data: bytes) -> None:
    frame = read_confounders(scratch("confounders.csv", data)).frame
    made = {name: frame[name].tolist() for name in ("at", "kind", "timing", "title", "source")}
    made["tickers"] = [";".join(cell) for cell in frame["tickers"]]
    again = read_confounders(scratch("again.csv", csv_bytes(made))).frame
    pd.testing.assert_frame_equal(again.drop(columns="line"), frame.drop(columns="line"))


def _cells(values: Any) -> list[str]:
    return ["" if value != value else repr(value) for value in values.tolist()]


def _prices(data: bytes) -> None:
    series = read_prices(scratch("A.csv", data), "A")
    if series.spans is not None:
        assert len(series.spans) == len(series.close) and np.isfinite(series.close).all() and (series.close >= 0).all()
        return
    assert (
        (np.diff(series.dates) > np.timedelta64(0)).all()
        and (series.close > 0).all()
        and np.isfinite(series.close).all()
    )
    columns: dict[str, Sequence[str]] = {"Date": series.dates.astype(str).tolist(), "Close": _cells(series.close)}
    named = {"Open": series.open, "Volume": series.volume, "Adj Close": series.adj_close}
    columns |= {name: _cells(values) for name, values in named.items() if values is not None}
    if series.provenance.returns_from == "dividends":
        columns["Dividends"] = _cells(series.dividend)
    if not len(series.dates):
        return
    again = read_prices(scratch("B.csv", csv_bytes(columns)), "A")
    # beside an adjusted close that is not written here, dividends may be judged otherwise
    same = again.provenance.returns_from == series.provenance.returns_from
    assert not same or again.provenance.sha256 == series.provenance.sha256
    assert same or ("Dividends" in columns and np.array_equal(again.dates, series.dates))
    assert same or np.array_equal(again.close, series.close)


def _factors(data: bytes) -> None:
    table = read_factors(scratch("factors.csv", data))
    assert not np.isnat(table.dates).any() and (np.diff(table.dates) > np.timedelta64(0)).all()
    columns = {"date": table.dates.astype(str).tolist(), **{name: _cells(v) for name, v in table.columns.items()}}
    again = read_factors(scratch("again.csv", csv_bytes(columns)))
    assert list(again.columns) == list(table.columns) and (again.dates == table.dates).all()
    assert all(np.array_equal(again.columns[n], v, equal_nan=True) for n, v in table.columns.items())


def _parquet(data: bytes) -> None:
    """An events file and a price file in one: the first byte says which."""
    if data[:1] == b"e":
        path = scratch("events.parquet", data[1:])
        frame = read_events(path).frame()
        assert len(frame) and frame["ticker"].map(str.isascii).all()
        return
    path = scratch("prices.parquet", data[1:])
    for series in ParquetPrices.open(str(path)).fetch(["A", "B"], date(2020, 1, 1), date(2021, 1, 1)).series.values():
        assert (np.diff(series.dates) > np.timedelta64(0)).all() and (series.close > 0).all()


@lru_cache
def _sound_files() -> tuple[bytes, ...]:
    days = np.datetime64("2020-01-01") + np.arange(60)
    events = pd.DataFrame({"ticker": ["A", "B"] * 5, "announced_at": [f"2025-04-{n + 1:02d}" for n in range(10)]})
    stamped = events.assign(announced_at=pd.to_datetime(events["announced_at"] + "T12:00Z"), size=np.arange(10) / 3)
    long = pd.DataFrame({"ticker": ["A"] * 60 + ["B"] * 60, "date": [*days, *days], "close": np.arange(120) + 1.0})
    wide = pd.DataFrame({"date": days, "A": np.arange(60) + 1.0, "B": np.arange(60) + 2.0})
    texts = long.assign(date=long["date"].astype(str), dividend=0.0)
    out = []
    for frame, part in ((events, b"e"), (stamped, b"e"), (long, b"p"), (wide, b"p"), (texts, b"p")):
        for compression in ("zstd", None):
            out.append(part + frame.to_parquet(index=False, compression=compression, row_group_size=50))
    return tuple(out)


def _make_parquet(rng: random.Random) -> bytes:
    data = rng.choice(_sound_files())
    # the footer, which says where everything is, is the last part
    at = rng.choice((0, len(data) // 2, max(0, len(data) - 600)))
    return data[:1] + data[1 : 1 + at] + generate.flipped(rng, data[1 + at :]) if rng.random() < 0.98 else data


CONDITIONS = ("car > 0.01", "excluded > 0 or studied == 3", "data_age_days > 3", "mean(car) > 0", "max(abs(p_t)) > 0")


def _folder(data: bytes) -> None:
    """A part number, then what is in that part of a report folder: manifest, results or windows."""
    part, content = data[:1], data[1:]
    name = {b"r": "results.json", b"w": "windows.csv", b"a": "abnormal_returns.csv"}.get(part, "manifest.json")
    # a name that no file has yet, so that no earlier hash is remembered
    base = scratch("plain/x", b"").parent
    if not (base / "manifest.json").exists():
        make(base)
    folder = scratch("bent/x", b"").parent
    make(folder, manifest=None if part in (b"w", b"a") else MANIFEST)
    (folder / "results.json").unlink(missing_ok=True)
    if part in (b"w", b"a"):
        (folder / "manifest.json").unlink(missing_ok=True)
    if part == b"r" and content[:1] == b"!":
        (folder / "windows.csv").unlink()
        (folder / "manifest.json").unlink()
        content = content[1:]
    (folder / name).write_bytes(content)
    refusals: list[EventStudyError] = []
    for conditions in (CONDITIONS[:1], CONDITIONS):
        try:
            hold(read_folder(folder), conditions, NOW)
        except EventStudyError as error:
            refusals.append(error)
    before, after = read_folder(base), read_folder(folder)
    for pair in ((before, after), (after, before)):
        found = difference(*pair)
        shown = text(page(*pair, found, 20))
        assert len(shown) < 200_000
        json.dumps(record(*pair, found, 100), allow_nan=False)
    for error in refusals:
        refused(error)
    if len(refusals) == 2:
        raise refusals[0]


WORDS = (
    b"null", b"true", b"[]", b"{}", b"-1", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"9" * 5000, b'"x"', b'"\\n::error::x"', b"1.5",
    b'"\\ud800"', b"[" * 300 + b"]" * 300, b'{"a":' * 300 + b"1" + b"}" * 300, b'"' + b"y" * 9000 + b'"', b'"../../x"', b'"a\\u0000"',
)  # fmt: skip


def _make_folder(rng: random.Random) -> bytes:
    if rng.random() < 0.35:
        text_ = TABLES[rng.choice(("windows.csv", "abnormal_returns.csv"))]
        part = b"w" if "window" in text_[:60] else b"a"
        return part + generate.mutated(rng, text_).encode("utf-8", "surrogatepass")
    document: Any = json.loads(json.dumps(MANIFEST))
    part = b"m"
    if rng.random() < 0.4:
        rows = list(csv.DictReader(io.StringIO(TABLES["windows.csv"])))
        document = {
            "schema_version": 1,
            "spec": json.loads(json.dumps(MANIFEST["spec"])),
            "counts": json.loads(json.dumps(MANIFEST["counts"])),
            "tables": {"windows": rows},
        }
        part = b"r" + (b"!" if rng.random() < 0.7 else b"")
    holes: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            holes.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(document)
    marks = []
    for n in range(rng.choice((1, 1, 2, 3))):
        node, key = rng.choice(holes)
        node[key] = f"@{n}@"
        marks.append(n)
    found = json.dumps(document).encode()
    for n in marks:
        found = found.replace(f'"@{n}@"'.encode(), rng.choice(WORDS))
    return part + (generate.flipped(rng, found) if rng.random() < 0.2 else found)


def text_maker(make_text: Callable[[random.Random], str]) -> Callable[[random.Random], bytes]:
    return lambda rng: make_text(rng).encode("utf-8", "surrogatepass")


def _table_maker(columns: Any) -> Callable[[random.Random], bytes]:
    return lambda rng: generate.table(rng, columns)


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("language", text_maker(generate.language), own(_language)),
        Target("moments", text_maker(generate.when), cell(_when)),
        Target("days", text_maker(generate.when), cell(_day)),
        Target("claims", text_maker(generate.claim), cell(_claim)),
        Target("decimals", text_maker(lambda rng: generate.mutated(rng, generate.number(rng))), cell(_decimal)),
        Target("names", text_maker(generate.name), cell(_name)),
        Target("windows", text_maker(generate.window), own(_window)),
        Target("formula", text_maker(generate.formula), own(_formula)),
        Target("config", generate.config, own(_config), ours=False),
        Target("events", _table_maker(generate.EVENTS), own(_events), ours=False),
        Target("confounders", _table_maker(generate.CONFOUNDERS), own(_confounders), ours=False),
        Target("prices", _table_maker(generate.PRICES), own(_prices), ours=False),
        Target("factors", _table_maker(generate.FACTORS), own(_factors), ours=False),
        Target("parquet", _make_parquet, own(_parquet), ours=False),
        Target("folder", _make_folder, own(_folder), ours=False),
    )
}
assert set(generate.KEYS) - set(OPTIONS) == {"levle"}


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Hypothesis draws either a seed of the generator, or bytes and text of its own."""
    seeded = st.integers(0, 2**32).map(lambda seed: target.make(random.Random(seed)))
    return st.one_of(seeded, seeded, st.text(max_size=60).map(str.encode), st.binary(max_size=60))

"""The language of `check`: every rule, every refusal with its place, and a second interpreter that shares no code."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eventstudy.errors import ExpressionError
from eventstudy.review.folder import read_folder
from eventstudy.review.gate import Row, hold, judge
from eventstudy.review.language import DEEPEST, LONGEST, Both, parse
from tests.review.reports import make

NOW = datetime(2025, 7, 10, 12, tzinfo=UTC)
NAMES = ("car", "std_error", "p_t", "p_sq")

# condition -> events for which it is true (worked out by hand from tests/review/reports.py), or None for the report
BY_HAND: dict[str, set[str] | bool] = {
    "car < -0.01": {"a"},
    "car[0,1] > 0": {"a", "b"},
    "car[0,0] > 0 and car[0,1] > 0": {"b"},
    "abs(car) >= 0.02": {"a", "b"},
    "p_t < 0.05": {"a", "b"},
    "p_t < 0.05 and not car > 0": {"a"},
    "not p_t[0,1] < 0.5": {"a", "c"},
    "car == 0.001 or car == 0.07": {"b", "c"},
    "car != 0.001": {"a", "b"},
    "-0.03 < car and car < 0": {"a"},
    "car < 0 or p_t > 0.5 and excluded == 1": {"a", "c"},
    "(car < 0 or p_t > 0.5) and excluded == 2": set(),
    "not not car < 0": {"a"},
    "p_sq > 0": {"a", "c"},
    "car > mean(car)": {"b"},
    "car >= max(car)": {"b"},
    "max(car) > 0.06": True,
    "min(car) < -0.02": False,
    "min(car) <= -2e-2": True,
    "mean(car) > 0.0169 and mean(car) < 0.0171": True,
    "mean(car[0,1]) == 0.04": True,
    "max(abs(car[0,1])) == 7e-2": True,
    "max(p_sq[0,1]) > 0": False,
    "excluded > 0": True,
    "studied == 3": True,
    "data_age_days > 9.5": True,
    "data_age_days > 10": False,
    "abs(-excluded) == 1": True,
    "1 < 2": True,
}


@pytest.mark.parametrize("text", BY_HAND)
def test_worked_by_hand(tmp_path: Path, text: str) -> None:
    (verdict,) = hold(read_folder(make(tmp_path / "r")), [text], NOW)
    wanted = BY_HAND[text]
    if isinstance(wanted, bool):
        assert verdict.tripped is wanted and not verdict.by_row and not verdict.rows
    else:
        assert {row.event_id for row in verdict.rows} == wanted
        assert verdict.tripped is bool(wanted) and verdict.n_rows == 3


def test_what_is_undefined_is_counted(tmp_path: Path) -> None:
    folder = read_folder(make(tmp_path / "r"))
    one, two = hold(folder, ["p_sq > 0.5 or car[0,1] > 1", "max(p_sq[0,1]) > 0"], NOW)
    assert one.undefined == (("car[0,1]", 1), ("p_sq", 1))
    assert ("max(p_sq[0,1])", 1) in two.undefined and two.values == {"max(p_sq[0,1])": None}


# text -> (place of the mark, words)
REFUSED: dict[str, tuple[int, tuple[str, ...]]] = {
    "": (0, ("ends here",)),
    "   ": (3, ("ends here",)),
    "car": (0, ("a number, not a condition",)),
    "carr > 1": (0, ("carr", "did you mean car")),
    "p_tt > 1": (0, ("did you mean p_t",)),
    "exclude > 1": (0, ("did you mean excluded",)),
    "ticker == 1": (0, ("ticker is text",)),
    "excluded[0,1] > 1": (8, ("one number for the whole report",)),
    "car[0,5] > 1": (0, ("no window [0,5]", "[0,0], [0,1]", "--window 0:5")),
    "car[1,0] > 1": (3, ("ends before it starts",)),
    "car[0] > 1": (5, ("two ends",)),
    "car[0:1] > 1": (5, ("a comma",)),
    "car[a,1] > 1": (4, ("is not a day",)),
    "car[0.5,1] > 1": (4, ("is not a day",)),
    "car[0,1 > 1": (8, ("before '['",)),
    "car > ": (6, ("ends here",)),
    "> 1": (0, ("not expected",)),
    "car = 1": (4, ("write ==",)),
    "car > 1 && p_t < 1": (8, ("write and",)),
    "car > 1 || p_t < 1": (8, ("write or",)),
    "!(car > 1)": (0, ("write not",)),
    "car > 7%": (7, ("0.07",)),
    "car > 1e999": (6, ("too large",)),
    "0 < car < 1": (8, ("do not chain",)),
    "car + 1 > 2": (4, ("no arithmetic",)),
    "car > 1 p_t > 1": (8, ("and, or, or the end",)),
    "(car > 1": (8, ("before '(' at 1 is closed",)),
    "car > 1)": (7, ("not expected",)),
    "(car > 1) > 2": (0, ("a condition, not a number",)),
    "abs(car > 1) > 2": (4, ("a condition, not a number",)),
    "abs > 2": (0, ("abs",)),
    "max(excluded) > 2": (4, ("one number already",)),
    "max(min(car)) > 2": (4, ("one number already",)),
    "not car": (4, ("a number, not a condition",)),
    "car and p_t": (0, ("a number, not a condition",)),
    "and": (0, ("not expected",)),
    "car > 1 and": (11, ("ends here",)),
    "__import__('os').system('x') > 1": (11, ("not a part of the language",)),
    "car.__class__ > 1": (3, ("not a part of the language",)),
    "car > 1; car < 2": (7, ("not a part of the language",)),
    "lambda: 1": (0, ("unknown",)),
    "car > 0x10": (7, ("and, or, or the end",)),
    "car > ٣": (6, ("not a part of the language",)),
    "саr > 1": (0, ("not a part of the language",)),  # Cyrillic letters that look like ours
    "(" * 5000 + "car > 1" + ")" * 5000: (0, (f"at most {LONGEST}",)),
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_refused_with_the_place(tmp_path: Path, text: str) -> None:
    place, words = REFUSED[text]
    with pytest.raises(ExpressionError) as caught:
        hold(read_folder(make(tmp_path / "r")), [text], NOW)
    assert caught.value.at == place and caught.value.exit_code == 2
    said = str(caught.value)
    for word in words:
        assert word in said
    if place < 60:
        assert said.splitlines()[2].index("^") == 4 + place, "the mark is below what it means"


@pytest.mark.parametrize("text", ["(" * DEEPEST, "not " * (DEEPEST + 1) + "car > 1", "-" * (DEEPEST + 1) + "car > 1"])
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ExpressionError, match="too deeply"):
        parse(text, NAMES)


def test_a_long_flat_expression_is_fine() -> None:
    found = parse(" or ".join(["car > 1"] * 150), NAMES)
    assert isinstance(found, Both) and len(found.parts) == 150


# A second interpreter: conditions are built as nested tuples together with their text, and judged from the tuples.
ROWS = [
    {"car": -0.02, "p_t": 0.04, "car[0,1]": 0.01},
    {"car": 0.07, "p_t": None, "car[0,1]": 0.07},
    {"car": 0.0, "p_t": 0.9, "car[0,1]": None},
]
COUNTS = {"excluded": 1.0, "studied": 3.0, "data_age_days": None}
Pair = tuple[str, Callable[[dict[str, float | None]], float | bool | None]]


def _summary(name: str, of: Pair) -> Pair:
    def value(row: dict[str, float | None]) -> float | None:
        known = [v for r in ROWS if (v := of[1](r)) is not None]
        if not known:
            return None
        return {"max": sorted(known)[-1], "min": sorted(known)[0], "mean": math.fsum(known) / len(known)}[name]

    return f"{name}({of[0]})", value


def _compare(sign: str, a: Pair, b: Pair) -> Pair:
    def value(row: dict[str, float | None]) -> bool:
        x, y = a[1](row), b[1](row)
        if x is None or y is None:
            return False
        return {
            "<": x < y, "<=": not x > y, ">": x > y, ">=": not x < y, "==": not (x < y or x > y), "!=": x < y or x > y,
        }[sign]  # fmt: skip

    return f"{a[0]} {sign} {b[0]}", value


numbers = st.one_of(
    st.integers(0, 3).map(lambda n: (str(n), lambda row: float(n))),
    st.floats(0, 1, allow_nan=False).map(lambda x: (repr(x), lambda row: x)),
)
columns = st.sampled_from(["car", "p_t", "car[0,1]"]).map(lambda name: (name, lambda row: row[name]))
spaced = columns.map(lambda pair: (pair[0].replace("[", " [ ").replace(",", " , "), pair[1]))
counted = st.sampled_from(sorted(COUNTS)).map(lambda name: (name, lambda row: COUNTS[name]))


def _signed(of: Pair) -> Pair:
    return f"-{of[0]}", lambda row: None if (v := of[1](row)) is None else -v


def _size(of: Pair) -> Pair:
    return f"abs({of[0]})", lambda row: None if (v := of[1](row)) is None else max(v, -v)


by_row = st.one_of(columns, spaced, columns.map(_signed), columns.map(_size), columns.map(_signed).map(_size))
values = st.one_of(
    numbers, by_row, counted, counted.map(_size), st.builds(_summary, st.sampled_from(["max", "min", "mean"]), by_row),
    by_row.map(lambda pair: (f"({pair[0]})", pair[1])),
)  # fmt: skip
compared = st.builds(_compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), values, values)


def _joined(word: str, a: Pair, b: Pair) -> Pair:
    # in parentheses, so that this oracle needs no precedence of its own
    text = f"({a[0]}) {word} ({b[0]})"
    return text, (lambda row: a[1](row) & b[1](row)) if word == "and" else (lambda row: a[1](row) | b[1](row))


conditions = st.recursive(
    compared,
    lambda inner: st.one_of(
        inner.map(lambda pair: (f"not ({pair[0]})", lambda row: not pair[1](row))),
        st.builds(_joined, st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conditions)
def test_a_second_interpreter_agrees(condition: Pair) -> None:
    text, truth = condition
    tree = parse(text, NAMES)
    rows = [Row(event_id=str(i), ticker="T", window="[0,0]", line=0, values=row) for i, row in enumerate(ROWS)]
    verdict = judge(text, tree, rows, COUNTS)
    wanted = [str(i) for i, row in enumerate(ROWS) if truth(row)]
    if verdict.by_row:
        assert [row.event_id for row in verdict.rows] == wanted
    assert verdict.tripped == bool(wanted)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["and", "or"]), st.booleans(), st.booleans()), min_size=1, max_size=6))
@example([("or", False, False), ("and", True, True)])
def test_precedence_is_pythons(parts: list[tuple[str, bool, bool]]) -> None:
    """`not` binds before `and`, `and` before `or`: held against Python's own reading of the same words."""
    ours = theirs = ""
    for at, (word, negated, truth) in enumerate(parts):
        lead = (f" {word} " if at else "") + ("not " if negated else "")
        ours += lead + ("1 < 2" if truth else "2 < 1")
        theirs += lead + str(truth)
    wanted = eval(theirs, {"__builtins__": {}})
    assert judge(ours, parse(ours, NAMES), [], {}).tripped is wanted


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="car p_t[]01,()<>=!andornotabsmaxminmean-+.*%'\"\\\x1b\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        judge(text, parse(text, NAMES), [], {"excluded": 0.0, "studied": 0.0, "data_age_days": None})
    except ExpressionError as error:
        assert 0 <= error.at <= len(text) and "\x1b" not in str(error).split("\n", 1)[1]

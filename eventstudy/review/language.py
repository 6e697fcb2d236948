"""The language of `check --fail-if`: conditions on a report, read by Python's `ast`; no text is run.

::

    condition   := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation    := "not" negation | comparison
    comparison  := value (("<" | "<=" | ">" | ">=" | "==" | "!=") value)?
    value       := NUMBER | "-" value | NAME window? | FUNCTION "(" value ")" | "(" condition ")"
    FUNCTION    := "abs" | "max" | "min" | "mean"
    window      := "[" INTEGER "," INTEGER "]"

Every node knows whether it is a number or a condition, so that what makes no sense is refused with its place before
anything is looked up.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from eventstudy.errors import ExpressionError

COUNTS = ("excluded", "studied", "data_age_days")
OVER_ROWS = ("max", "min", "mean")
FUNCTIONS = ("abs", *OVER_ROWS)
WORDS = ("and", "or", "not")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LONGEST = 2000
DEEPEST = 150

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-<>()\[\],+*/%=!&|:])"
)
_INSTEAD = {
    "=": "==", "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "%": "a decimal: 0.07 for 7 %",
    ":": "a comma: car[0,1]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True, slots=True)
class Count:
    """A count of the whole report; ``at`` is its place in the text."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of windows.csv, in the primary window (None) or the one named; ``at`` is its place in the text."""

    name: str
    window: tuple[int, int] | None
    at: int

    @property
    def label(self) -> str:
        """As it is written: ``car[0,1]``."""
        return self.name if self.window is None else f"{self.name}[{self.window[0]},{self.window[1]}]"


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign changed."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Absolute:
    """A number without its sign."""

    inner: Node


@dataclass(frozen=True, slots=True)
class OverRows:
    """``max``, ``min`` or ``mean`` of a value over all rows."""

    name: str
    inner: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of two numbers; false where one is undefined."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    """``and`` (every) or ``or`` (any) of conditions."""

    word: Literal["and", "or"]
    parts: tuple[Node, ...]


Node = Number | Count | Column | Negative | Absolute | OverRows | Comparison | Not | Both
_CONDITIONS = (Comparison, Not, Both)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: kind (number, name, sign, end), text and place."""

    kind: str
    text: str
    at: int


@dataclass(slots=True)
class Reader:
    """Reads one expression.

    ``scan`` checks the order of the tokens and replaces every operand by a name; ``ast`` then gives the tree, and
    ``build`` turns it into nodes. Nothing that the user wrote reaches ``ast`` but operators and brackets.

    Attributes
    ----------
    names : tuple of str
        Numeric columns that may be named.
    texts : tuple of str
        Columns of text, which cannot.
    pieces : list of Token
        The tokens of the text; the last one is its end.
    kept : list of Token
        The tokens that ``ast`` reads; a window belongs to its column.
    leaves : dict of int to Node
        Place in ``kept`` -> the operand there.
    """

    text: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    pieces: list[Token]
    kept: list[Token] = field(default_factory=list)
    leaves: dict[int, Node] = field(default_factory=dict)
    at: int = 0

    def whole(self) -> Node:
        """The condition that the whole text is."""
        self.scan()
        words, places, offset = [], {}, 0
        for number, token in enumerate(self.kept):
            words.append(token.text if token.kind == "sign" or token.text in WORDS else f"_{number}")
            places[offset] = number
            offset += len(words[-1]) + 1
        node = self.build(ast.parse(" ".join(words), mode="eval").body, places)
        self.demand(True, node, 0)
        return node

    def scan(self) -> None:
        """Keep the tokens in order; refuse one that cannot follow the one before."""
        opened: list[Token] = []
        operand, prefixes = True, 0
        while True:
            token = self.take()
            if operand and (token.text == "-" or (token.text == "not" and self.may_negate())):
                prefixes += 1
                self.kept.append(token)
            elif operand and token.text == "(":
                opened.append(token)
                self.kept.append(token)
            elif operand and token.text in FUNCTIONS and self.peek().text == "(":
                self.kept.append(token)
            elif operand:
                leaf = self.leaf(token)
                self.leaves[len(self.kept)] = leaf
                self.kept.append(Token("name", token.text, token.at))
                operand, prefixes = False, 0
            elif token.text in (*COMPARISONS, "and", "or"):
                operand = True
                self.kept.append(token)
            elif token.text == ")" and opened:
                opened.pop()
                self.kept.append(token)
            elif opened:
                self.closed(token, opened[-1], ")")
            elif token.kind == "end":
                return
            else:
                self.fail(token, f"{token.text!r} is not expected here", "and, or, or the end", _hint(token.text))
            if len(opened) + prefixes >= DEEPEST:
                self.fail(token, "the expression is nested too deeply", "fewer parentheses")

    def may_negate(self) -> bool:
        """Whether ``not`` may come next: not after a comparison or a minus."""
        return not self.kept or self.kept[-1].text in ("(", *WORDS)

    def leaf(self, token: Token) -> Node:
        """A number, a count or a column."""
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                self.fail(token, f"{token.text[:40]} is too large", "a number")
            return Number(value)
        name = token.text
        if token.kind != "name" or name in WORDS:
            found = "the expression ends here" if token.kind == "end" else f"{name!r} is not expected here"
            self.fail(token, found, "a number, a column, a count, abs, max, min, mean or (", _hint(name))
        if name in COUNTS:
            if self.peek().text == "[":
                self.fail(self.peek(), f"{name} is one number for the whole report", f"{name} without a window")
            return Count(name, token.at)
        if name in self.texts:
            self.fail(token, f"{name} is text", "a column of numbers, such as car or p_t")
        if name not in self.names:
            close = difflib.get_close_matches(name, (*self.names, *COUNTS, *FUNCTIONS, *WORDS), n=1)
            self.fail(
                token,
                f"{name[:64]!r} is unknown",
                f"a column of numbers of windows.csv, or {', '.join(COUNTS)}",
                f"did you mean {close[0][:64]}?" if close else f"columns: {_some(self.names)}",
            )
        return Column(name, self.window(), token.at)

    def window(self) -> tuple[int, int] | None:
        """The window in brackets, where there is one."""
        if self.peek().text != "[":
            return None
        opened = self.take()
        start = self.integer()
        comma = self.take()
        if comma.text != ",":
            self.fail(comma, "a window has two ends", "two days with a comma, such as [0,1]", _hint(comma.text))
        end = self.integer()
        token = self.take()
        if token.text != "]":
            self.closed(token, opened, "]")
        if start > end:
            self.fail(opened, f"window [{start},{end}] ends before it starts", "[START,END] with START <= END")
        return start, end

    def integer(self) -> int:
        """A day, with or without a sign."""
        sign = self.take().text if self.peek().text in ("-", "+") else ""
        token = self.take()
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 5:
            self.fail(token, f"{token.text[:20]!r} is not a day", "a whole number of sessions, such as [-1,1]")
        return int(sign + token.text)

    def build(self, tree: ast.expr, places: dict[int, int]) -> Node:
        """The node of a tree; an operand begins after the operator before it, so that its brackets belong to it."""

        def part(inner: ast.expr, first: int, *, condition: bool) -> Node:
            node = self.build(inner, places)
            self.demand(condition, node, first)
            return node

        def after(inner: ast.expr, *signs: str) -> int:
            first = places[inner.col_offset]
            while self.kept[first - 1].text not in signs:
                first -= 1
            return first

        first = places[tree.col_offset]
        match tree:
            case ast.Compare(left=left, comparators=[right, *more]):
                second = after(right, *COMPARISONS)
                if more:
                    sign = self.kept[after(more[0], *COMPARISONS) - 1]
                    self.fail(sign, "comparisons do not chain", "two of them, such as 0 < car and car < 0.1")
                number = part(left, first, condition=False)
                return Comparison(self.kept[second - 1].text, number, part(right, second, condition=False))
            case ast.BoolOp(op=op, values=[head, *rest]):
                word: Literal["and", "or"] = "and" if isinstance(op, ast.And) else "or"
                starts = [first, *(after(one, word) for one in rest)]
                parts = zip((head, *rest), starts, strict=True)
                return Both(word, tuple(part(one, start, condition=True) for one, start in parts))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return Not(part(inner, first + 1, condition=True))
            case ast.UnaryOp(operand=inner):
                return Negative(part(inner, first + 1, condition=False))
            case ast.Call(args=[inner]):
                name = self.kept[first].text
                node = part(inner, first + 2, condition=False)
                if name == "abs":
                    return Absolute(node)
                if not is_by_row(node):
                    found = f"this is one number already, and {name} needs a value per row"
                    self.fail(self.kept[first + 2], found, "a column")
                return OverRows(name, node)
        return self.leaves[first]

    def demand(self, condition: bool, node: Node, first: int) -> None:
        """Refuse a number where a condition is required, or a condition where a number is."""
        if condition and not isinstance(node, _CONDITIONS):
            self.fail(self.kept[first], "this is a number, not a condition", "a comparison, such as car < -0.05")
        if not condition and isinstance(node, _CONDITIONS):
            self.fail(self.kept[first], "this is a condition, not a number", "a number, a column or a count")

    def closed(self, token: Token, opened: Token, text: str) -> NoReturn:
        """Refuse a token where a bracket had to be closed."""
        found = "the expression ends" if token.kind == "end" else f"{token.text!r} is here"
        self.fail(token, f"{found} before {opened.text!r} at {opened.at + 1} is closed", repr(text), _hint(token.text))

    def peek(self) -> Token:
        """The token that comes next."""
        return self.pieces[self.at]

    def take(self) -> Token:
        """The next token, and one step on; the end stays."""
        token = self.pieces[self.at]
        self.at += token.kind != "end"
        return token

    def fail(self, token: Token, found: str, wanted: str, hint: str = "") -> NoReturn:
        """Refuse the text at a token."""
        raise ExpressionError(self.text, token.at, max(len(token.text), 1), found, wanted, hint)


def parse(text: str, names: tuple[str, ...], texts: tuple[str, ...] = ()) -> Node:
    """An expression as a tree.

    Parameters
    ----------
    names, texts : tuple of str
        Columns of numbers, which may be named, and of text, which may not.

    Raises
    ------
    ExpressionError
        With the place of what is wrong, and what would be right.
    """
    if len(text) > LONGEST:
        raise ExpressionError(text[:60], 0, 1, f"the expression has {len(text)} characters", f"at most {LONGEST}")
    return Reader(text, names, texts, tokens(text)).whole()


def tokens(text: str) -> list[Token]:
    """The pieces of a text; the last one is its end.

    Raises
    ------
    ExpressionError
        For a character that belongs to no piece.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = f"{text[at]!r} is not a part of the language"
            raise ExpressionError(text, at, 1, what, "names, numbers and < > ( )")
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def columns_of(node: Node) -> tuple[Column, ...]:
    """Every column a tree names, in order, each once."""
    match node:
        case Column():
            return (node,)
        case Negative(inner) | Absolute(inner) | OverRows(_, inner) | Not(inner):
            return columns_of(inner)
        case Comparison(_, left, right):
            return tuple(dict.fromkeys((*columns_of(left), *columns_of(right))))
        case Both(_, parts):
            return tuple(dict.fromkeys(column for part in parts for column in columns_of(part)))
        case _:
            return ()


def counts_of(node: Node) -> tuple[Count, ...]:
    """Every count a tree names, in order."""
    match node:
        case Count():
            return (node,)
        case Negative(inner) | Absolute(inner) | OverRows(_, inner) | Not(inner):
            return counts_of(inner)
        case Comparison(_, left, right):
            return (*counts_of(left), *counts_of(right))
        case Both(_, parts):
            return tuple(count for part in parts for count in counts_of(part))
        case _:
            return ()


def is_by_row(node: Node) -> bool:
    """Whether a tree has one answer per row, rather than one for the whole report."""
    match node:
        case Column():
            return True
        case Negative(inner) | Absolute(inner) | Not(inner):
            return is_by_row(inner)
        case Comparison(_, left, right):
            return is_by_row(left) or is_by_row(right)
        case Both(_, parts):
            return any(map(is_by_row, parts))
        case _:
            return False


def _some(names: tuple[str, ...]) -> str:
    """Names, as many as a person reads; a file from elsewhere may hold thousands."""
    shown = ", ".join(" ".join(name[:64].split()) for name in names[:60])
    return shown + (f" and {len(names) - 60} more" if len(names) > 60 else "")


def _hint(text: str) -> str:
    if text in ("+", "-", "*", "/"):
        return "there is no arithmetic; compare with a number"
    return f"write {_INSTEAD[text]}" if text in _INSTEAD else ""

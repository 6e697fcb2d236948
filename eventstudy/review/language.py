"""The language of `check --fail-if`: a tokenizer, a recursive-descent parser, and nothing that could run code.

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

import difflib
import math
import re
from dataclasses import dataclass
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
class Parser:
    """One pass over the tokens of an expression.

    Attributes
    ----------
    text : str
    names : tuple of str
        Numeric columns that may be named.
    texts : tuple of str
        Columns of text, which cannot.
    """

    text: str
    tokens: list[Token]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    position: int = 0
    depth: int = 0

    def whole(self) -> Node:
        """The condition that the whole text is."""
        node = self.condition()
        token = self.peek()
        if token.kind != "end":
            if token.text in COMPARISONS:
                self.fail(token, "comparisons do not chain", "two of them, such as 0 < car and car < 0.1")
            self.fail(token, f"{token.text!r} is not expected here", "and, or, or the end", _hint(token.text))
        self.demand_condition(node, self.tokens[0])
        return node

    def condition(self) -> Node:
        """One or more conjunctions joined by ``or``."""
        return self.joined("or")

    def joined(self, word: Literal["and", "or"]) -> Node:
        """Parts joined by one word; a single part is itself."""
        self.deeper()
        first = self.peek()
        parts = [self.joined("and") if word == "or" else self.negation()]
        while self.peek().text == word:
            self.demand_condition(parts[-1], first)
            self.take()
            first = self.peek()
            parts.append(self.joined("and") if word == "or" else self.negation())
            self.demand_condition(parts[-1], first)
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def negation(self) -> Node:
        """``not`` before a condition."""
        if self.peek().text != "not":
            return self.comparison()
        self.deeper()
        self.take()
        first = self.peek()
        inner = self.negation()
        self.demand_condition(inner, first)
        self.depth -= 1
        return Not(inner)

    def comparison(self) -> Node:
        """A value, or two of them compared."""
        first = self.peek()
        left = self.value()
        sign = self.peek()
        if sign.text not in COMPARISONS:
            return left
        self.demand_number(left, first)
        self.take()
        second = self.peek()
        right = self.value()
        self.demand_number(right, second)
        return Comparison(sign.text, left, right)

    def value(self) -> Node:
        """A number, a name, a function of a value, or something in parentheses."""
        self.deeper()
        token = self.take()
        if token.kind == "number":
            node: Node = self.number(token)
        elif token.text == "-":
            first = self.peek()
            inner = self.value()
            self.demand_number(inner, first)
            node = Negative(inner)
        elif token.text == "(":
            node = self.condition()
            self.expect(")", token)
        elif token.kind == "name" and token.text not in WORDS:
            node = self.named(token)
        else:
            found = "the expression ends here" if token.kind == "end" else f"{token.text!r} is not expected here"
            self.fail(token, found, "a number, a column, a count, abs, max, min, mean or (", _hint(token.text))
        self.depth -= 1
        return node

    def number(self, token: Token) -> Number:
        """A finite number."""
        value = float(token.text)
        if not math.isfinite(value):
            self.fail(token, f"{token.text[:40]} is too large", "a number")
        return Number(value)

    def named(self, token: Token) -> Node:
        """A function, a count or a column."""
        name = token.text
        if name in FUNCTIONS and self.peek().text == "(":
            return self.function(token)
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

    def function(self, token: Token) -> Node:
        """``abs`` of a number, or a summary over all rows."""
        opened, first = self.take(), self.peek()
        inner = self.condition()
        self.demand_number(inner, first)
        self.expect(")", opened)
        if token.text == "abs":
            return Absolute(inner)
        if not _by_row(inner):
            self.fail(first, f"this is one number, and {token.text} needs a value per row", "a column")
        return OverRows(token.text, inner)

    def window(self) -> tuple[int, int] | None:
        """The window in brackets, where there is one."""
        if self.peek().text != "[":
            return None
        opened = self.take()
        start = self.integer()
        if self.peek().text != ",":
            self.fail(
                self.peek(), "a window has two ends", "two days with a comma, such as [0,1]", _hint(self.peek().text)
            )
        self.take()
        end = self.integer()
        self.expect("]", opened)
        if start > end:
            self.fail(opened, f"window [{start},{end}] ends before it starts", "[START,END] with START <= END")
        return start, end

    def integer(self) -> int:
        """A day, with or without a minus."""
        negative = self.peek().text == "-"
        if negative or self.peek().text == "+":
            self.take()
        token = self.take()
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 5:
            self.fail(token, f"{token.text[:20]!r} is not a day", "a whole number of sessions, such as [-1,1]")
        return -int(token.text) if negative else int(token.text)

    def demand_condition(self, node: Node, first: Token) -> None:
        """Refuse a number where a condition is required."""
        if not isinstance(node, _CONDITIONS):
            self.fail(first, "this is a number, not a condition", "a comparison, such as car < -0.05")

    def demand_number(self, node: Node, first: Token) -> None:
        """Refuse a condition where a number is required."""
        if isinstance(node, _CONDITIONS):
            self.fail(first, "this is a condition, not a number", "a number, a column or a count")

    def expect(self, text: str, opened: Token) -> None:
        """Take the sign that closes what was opened."""
        token = self.peek()
        if token.text != text or token.kind == "end":
            found = "the expression ends" if token.kind == "end" else f"{token.text!r} is here"
            self.fail(
                token, f"{found} before {opened.text!r} at {opened.at + 1} is closed", repr(text), _hint(token.text)
            )
        self.take()

    def deeper(self) -> None:
        """Count one level more; a text nested beyond reason is refused before it exhausts the stack."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(self.peek(), "the expression is nested too deeply", "fewer parentheses")

    def peek(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """The next token, and one step on; the end stays."""
        token = self.tokens[self.position]
        if token.kind != "end":
            self.position += 1
        return token

    def fail(self, token: Token, found: str, wanted: str, hint: str = "") -> NoReturn:
        """Refuse the text at a token."""
        raise ExpressionError(self.text, token.at, max(len(token.text), 1), found, wanted, hint)


def parse(text: str, names: tuple[str, ...], texts: tuple[str, ...] = ()) -> Node:
    """An expression as a tree.

    Parameters
    ----------
    text : str
    names, texts : tuple of str
        Columns of numbers, which may be named, and of text, which may not.

    Raises
    ------
    ExpressionError
        With the place of what is wrong, and what would be right.
    """
    if len(text) > LONGEST:
        raise ExpressionError(text[:60], 0, 1, f"the expression has {len(text)} characters", f"at most {LONGEST}")
    return Parser(text, tokens(text), names, texts).whole()


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
            raise ExpressionError(
                text, at, 1, f"{text[at]!r} is not a part of the language", "names, numbers and < > ( )"
            )
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
    return _by_row(node)


def _by_row(node: Node) -> bool:
    match node:
        case Column():
            return True
        case OverRows():
            return False
        case Negative(inner) | Absolute(inner) | Not(inner):
            return _by_row(inner)
        case Comparison(_, left, right):
            return _by_row(left) or _by_row(right)
        case Both(_, parts):
            return any(map(_by_row, parts))
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

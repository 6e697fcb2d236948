"""The small language of regression formulas: read here, so that nothing a file or a command line says is ever run.

The library that builds the design matrix evaluates Python. It is given text that this parser has written: column names,
numbers, quoted levels and the functions of ``FUNCTIONS``, nothing else.

    formula := ["car" "~"] terms                terms  := ["+"|"-"] product {("+"|"-") product}
    product := power {(":"|"*") power}          power  := atom ["**" whole number]
    atom    := 0 | 1 | column | C(column [, Treatment("level")]) | function(sum) | I(sum) | (terms)
    sum     := arithmetic of columns, numbers, functions with + - * / ** ( )
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.errors import UsageError

RESPONSE = "car"
FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
RESERVED = frozenset((*FUNCTIONS, "C", "I", "Q", "Treatment", "np", RESPONSE))
LANGUAGE = f"column names, numbers, C(), I(), {', '.join(f'{name}()' for name in FUNCTIONS)} and + - * : ** ( )"
LONGEST = 2000
# crossing doubles the terms each time, and a power of a sum makes that many-fold products of its terms
HIGHEST_POWER = 3
MOST_CROSSINGS = 6
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<text>"[^"\\]*"|'[^'\\]*')
    |(?P<sign>\*\*|[~+\-*/:(),.=]))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read.

    Attributes
    ----------
    written : str
        As the user wrote it, with the response.
    terms : str
        The right side, rewritten for the library that builds the design.
    columns : tuple of str
        Columns it uses, in order.
    numeric : frozenset of str
        Those used in arithmetic, which must be numbers.
    levels : tuple of (column, level)
        Reference levels it names.
    """

    written: str
    terms: str
    columns: tuple[str, ...]
    numeric: frozenset[str]
    levels: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Reader:
    """The tokens of a formula and what has been met so far."""

    text: str
    known: tuple[str, ...]
    tokens: list[tuple[str, str]]
    at: int = 0
    depth: int = 0
    crossings: int = 0
    powers: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    numeric: set[str] = field(default_factory=set)
    levels: list[tuple[str, str]] = field(default_factory=list)

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def accept(self, *wanted: str) -> str:
        """The next word if it is one of these signs, else nothing."""
        return self.take() if self.kind() == "sign" and self.peek() in wanted else ""

    def expect(self, wanted: str) -> None:
        if not self.accept(wanted):
            found = self.peek()
            raise self.wrong(f"{wanted!r} is expected instead of {found!r}" if found else f"{wanted!r} is missing")

    def wrong(self, what: str, hint: str = "") -> UsageError:
        return UsageError(f"formula {self.text[:200]!r}: {what}", LANGUAGE, hint)

    def column(self, name: str) -> str:
        """A column of the events file by its name."""
        if name not in self.known:
            close = difflib.get_close_matches(name, self.known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"columns: {', '.join(self.known)}"
            raise self.wrong(f"{name!r} is not a column of the events file", hint)
        if name in RESERVED or keyword.iskeyword(name) or not (name.isascii() and name.isidentifier()):
            raise self.wrong(f"a column cannot be called {name!r} here", "rename the column in the events file")
        self.columns[name] = None
        return name


def read_formula(text: str, known: Iterable[str]) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        ``car ~ C(category) + claimed_return``; without ``car ~`` the right side alone.
    known : iterable of str
        Columns it may name.

    Raises
    ------
    UsageError
        For anything outside the language of this module.

    Checked against
    ---------------
    A list of hostile texts, none of which reaches the library (tests/evaluate/test_formula.py).
    """
    if len(text) > LONGEST:
        raise UsageError(f"the formula has {len(text)} characters", f"at most {LONGEST}")
    reader = _Reader(text=text, known=tuple(known), tokens=_tokens(text))
    if reader.peek() == RESPONSE and reader.tokens[1:2] == [("sign", "~")]:
        reader.at = 2
    elif any(word == ("sign", "~") for word in reader.tokens):
        raise reader.wrong("the response is not `car`", "write car ~ ..., or the right side alone")
    if reader.at >= len(reader.tokens):
        raise reader.wrong("the right side is empty", "car ~ 1 is the mean")
    terms = _terms(reader)
    if reader.peek():
        raise reader.wrong(f"{reader.peek()!r} is not allowed here")
    right = text.partition("~")[2] if "~" in text else text
    return Formula(
        written=f"{RESPONSE} ~ {' '.join(right.split())}",
        terms=terms,
        columns=tuple(reader.columns),
        numeric=frozenset(reader.numeric),
        levels=tuple(reader.levels),
    )


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            odd = text[at:].lstrip()[:1]
            raise UsageError(f"formula {text[:200]!r}: {odd!r} is not allowed here", LANGUAGE)
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _terms(reader: _Reader) -> str:
    """Terms added and taken away: the outer level, where + and - join terms rather than numbers."""
    written = reader.accept("+", "-") + _product(reader)
    while sign := reader.accept("+", "-"):
        written += f" {sign} {_product(reader)}"
    return written


def _product(reader: _Reader) -> str:
    written = _power(reader)
    while sign := reader.accept(":", "*"):
        reader.crossings += sign == "*"
        if reader.crossings > MOST_CROSSINGS:
            raise reader.wrong(f"more than {MOST_CROSSINGS} * between terms", "write the products that matter with :")
        written += f"{sign}{_power(reader)}"
    return written


def _power(reader: _Reader) -> str:
    base = _atom(reader)
    if not reader.accept("**"):
        return base
    kind, exponent = reader.kind(), reader.take()
    if kind != "number" or not exponent.isdigit() or not 1 <= int(exponent) <= HIGHEST_POWER:
        hint = "a square is I(column**2)"
        raise reader.wrong(f"** {exponent} of terms: a whole number from 1 to {HIGHEST_POWER}", hint)
    reader.powers += 1
    if reader.powers > 1:
        raise reader.wrong("more than one ** of terms", "write the products that matter with :")
    return f"{base}**{exponent}"


def _atom(reader: _Reader) -> str:
    kind, word = reader.kind(), reader.take()
    if kind == "number":
        if word not in ("0", "1"):
            raise reader.wrong(f"{word} is not a term", "0 or 1 leaves out or keeps the constant; numbers go into I()")
        return word
    if kind == "sign" and word == "(":
        inside = _nested(reader, _terms)
        return f"({inside})"
    if kind != "name":
        raise reader.wrong(f"{word!r} is not allowed here" if word else "it ends too early")
    if word == "C" and reader.peek() == "(":
        return _category(reader)
    if word == "I" and reader.accept("("):
        return f"I({_nested(reader, _sum)})"
    function = _function(reader, word)
    return f"{function}({_nested(reader, _sum)})" if function else reader.column(word)


def _nested(reader: _Reader, inner: Callable[[_Reader], str]) -> str:
    """The text between a bracket that has been read and its end."""
    reader.depth += 1
    if reader.depth > 20:
        raise reader.wrong("brackets are nested too deeply")
    written = inner(reader)
    reader.expect(")")
    reader.depth -= 1
    return written


def _function(reader: _Reader, word: str) -> str:
    """The name of a function whose bracket has just been opened; nothing if the word is a column."""
    name = word
    if word == "np" and reader.accept("."):
        name = reader.take()
        if name not in FUNCTIONS:
            raise reader.wrong(f"np.{name} is not among the functions")
    if reader.peek() != "(":
        if name != word:
            raise reader.wrong(f"np.{name} needs its bracket")
        return ""
    if name not in FUNCTIONS:
        close = difflib.get_close_matches(name, FUNCTIONS, n=1)
        raise reader.wrong(f"{name}() is not among the functions", f"did you mean {close[0]}()?" if close else "")
    reader.expect("(")
    return name


def _category(reader: _Reader) -> str:
    reader.expect("(")
    if reader.kind() != "name":
        raise reader.wrong("C() needs a column")
    column = reader.column(reader.take())
    reference = ""
    if reader.accept(","):
        if reader.take() != "Treatment":
            raise reader.wrong("C(column, ...) takes only Treatment", 'C(category, Treatment("earnings"))')
        reader.expect("(")
        if reader.peek() == "reference":
            reader.take()
            reader.expect("=")
        if reader.kind() != "text":
            raise reader.wrong("Treatment() needs a level in quotes", 'C(category, Treatment("earnings"))')
        level = reader.take()[1:-1]
        reader.levels.append((column, level))
        reference = f", Treatment({level!r})"
        reader.expect(")")
    reader.expect(")")
    return f"C({column}{reference})"


def _sum(reader: _Reader) -> str:
    """Arithmetic on numbers, as in I() and the functions."""
    written = _factor(reader)
    while sign := reader.accept("+", "-"):
        written += f" {sign} {_factor(reader)}"
    return written


def _factor(reader: _Reader) -> str:
    written = _signed(reader)
    while sign := reader.accept("*", "/"):
        written += f" {sign} {_signed(reader)}"
    return written


def _signed(reader: _Reader) -> str:
    sign = reader.accept("-", "+")
    written = sign + _operand(reader)
    if reader.accept("**"):
        kind, exponent = reader.kind(), reader.take()
        if kind != "number":
            raise reader.wrong("an exponent is a number")
        written += f"**{float(exponent)!r}"
    return written


def _operand(reader: _Reader) -> str:
    kind, word = reader.kind(), reader.take()
    if kind == "number":
        return repr(float(word))
    if kind == "sign" and word == "(":
        return f"({_nested(reader, _sum)})"
    if kind != "name":
        raise reader.wrong(f"{word!r} is not allowed here" if word else "it ends too early")
    function = _function(reader, word)
    if function:
        return f"{function}({_nested(reader, _sum)})"
    reader.numeric.add(reader.column(word))
    return word

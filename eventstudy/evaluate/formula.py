"""Regression formulas: formulaic splits them into terms, and every term is checked and computed here.

No text of a formula is evaluated. formulaic's parser gives the operators and the operands; an operand is a column, 0 or
1, or a call that ``ast`` reads and ``_Checker`` holds against a list: ``C(column [, Treatment("level")])``,
``I(arithmetic)`` and the functions of ``FUNCTIONS``. Their values are computed from the tree by ``value``, and
formulaic codes them as columns of the design matrix.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.errors import UsageError

if TYPE_CHECKING:
    from formulaic.parser.types import Token

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
DEEPEST = 20
_ARITHMETIC: dict[type, Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
    ast.UAdd: np.positive, ast.USub: np.negative,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read.

    Attributes
    ----------
    written : str
        As the user wrote it, with the response.
    terms : tuple of tuple of str
        The factors of each term, in order; ``("1",)`` is the constant.
    calls : mapping of str to ast.Call
        The factors that are not plain columns, by their text: calls that passed the list.
    columns : tuple of str
        Columns it uses, in order.
    numeric : frozenset of str
        Those used in arithmetic, which must be numbers.
    levels : tuple of (column, level)
        Reference levels it names.
    """

    written: str
    terms: tuple[tuple[str, ...], ...]
    calls: Mapping[str, ast.Call]
    columns: tuple[str, ...]
    numeric: frozenset[str]
    levels: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Checker:
    """Checks the operands of a formula and collects what they use."""

    text: str
    known: tuple[str, ...]
    columns: dict[str, None] = field(default_factory=dict)
    numeric: set[str] = field(default_factory=set)
    levels: list[tuple[str, str]] = field(default_factory=list)
    calls: dict[str, ast.Call] = field(default_factory=dict)

    def wrong(self, what: str, hint: str = "") -> UsageError:
        return UsageError(f"formula {self.text[:200]!r}: {what}", LANGUAGE, hint)

    def misplaced(self, node: ast.AST) -> UsageError:
        return self.wrong(f"{ast.unparse(node)[:80]!r} is not allowed here")

    def column(self, name: str) -> None:
        """Refuse a name that is not a column of the events file."""
        if name not in self.known:
            close = difflib.get_close_matches(name, self.known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"columns: {', '.join(self.known)}"
            raise self.wrong(f"the events file has no column {name!r}", hint)
        if name in RESERVED or keyword.iskeyword(name) or not (name.isascii() and name.isidentifier()):
            raise self.wrong(f"a column cannot be called {name!r} here", "rename the column in the events file")
        self.columns[name] = None

    def operand(self, token: Token) -> None:
        """Refuse an operand of the formula that is neither a column, nor 1, nor a listed call."""
        text = str(token)
        if token.kind is token.Kind.NAME:
            self.column(text)
        elif token.kind is token.Kind.VALUE and text != "1":
            raise self.wrong(
                f"{text[:80]} is not a term", "0 or 1 leaves out or keeps the constant; numbers go into I()"
            )
        elif token.kind is token.Kind.PYTHON:
            try:
                node = ast.parse(text, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                raise self.wrong(f"{text[:80]!r} cannot be read") from None
            self.calls[text] = self.call(node)

    def call(self, node: ast.expr) -> ast.Call:
        """A call of ``C``, ``I`` or a function of the list, checked with its arguments."""
        if not isinstance(node, ast.Call):
            raise self.misplaced(node)
        name = _called(node)
        if name == "C":
            self.category(node)
            return node
        if name != "I" and name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            shown = ast.unparse(node.func)[:80]
            raise self.wrong(f"{shown}() is not among the functions", f"did you mean {close[0]}()?" if close else "")
        if len(node.args) != 1 or node.keywords:
            raise self.wrong(f"{name}() needs one argument")
        self.arithmetic(node.args[0])
        return node

    def category(self, node: ast.Call) -> None:
        """Check ``C(column)`` and ``C(column, Treatment("level"))``."""
        if not node.args or not isinstance(node.args[0], ast.Name):
            raise self.wrong("C() needs a column")
        self.column(node.args[0].id)
        if len(node.args) == 1 and not node.keywords:
            return
        example = 'C(category, Treatment("earnings"))'
        coding = node.args[1] if len(node.args) == 2 and not node.keywords else None
        if not isinstance(coding, ast.Call) or not isinstance(coding.func, ast.Name) or coding.func.id != "Treatment":
            raise self.wrong("C(column, ...) takes only Treatment", example)
        given = [*coding.args, *(word.value for word in coding.keywords if word.arg == "reference")]
        if len(given) != 1 or len(coding.args) + len(coding.keywords) != 1:
            raise self.wrong("Treatment() needs one level", example)
        if not isinstance(given[0], ast.Constant) or not isinstance(given[0].value, str):
            raise self.wrong("Treatment() needs a level in quotes", example)
        self.levels.append((node.args[0].id, given[0].value))

    def arithmetic(self, node: ast.expr) -> None:
        """Check arithmetic on columns and numbers."""
        match node:
            case ast.Constant(value=bool()):
                raise self.misplaced(node)
            case ast.Constant(value=int() | float()):
                pass
            case ast.Name():
                self.column(node.id)
                self.numeric.add(node.id)
            case ast.BinOp(op=ast.Pow()) if not isinstance(node.right, ast.Constant):
                raise self.wrong("an exponent is a number")
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                self.arithmetic(node.left)
                self.arithmetic(node.right)
            case ast.UnaryOp() if type(node.op) in _ARITHMETIC:
                self.arithmetic(node.operand)
            case ast.Call() if _called(node) != "C":
                self.call(node)
            case _:
                raise self.misplaced(node)


def _called(node: ast.Call) -> str:
    """The name that a call names; ``np.log`` is ``log``, and any other form is empty."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name):
            return name
    return ""


def value(node: ast.expr, data: Mapping[str, Any]) -> Any:
    """The numbers of arithmetic that ``read_formula`` let through: float64 (n,), or one number.

    Parameters
    ----------
    data : mapping of str to float64 (n,)
        Every column that it uses.
    """
    match node:
        case ast.Constant(value=number):
            return float(number)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return np.asarray(data[name], dtype=np.float64)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](value(left, data), value(right, data))
        case ast.UnaryOp(op=op, operand=inner):
            return _ARITHMETIC[type(op)](value(inner, data))
        case ast.Call(args=[inner]):
            known, name = value(inner, data), _called(node)
            return known if name == "I" else FUNCTIONS[name](known)
    raise TypeError(f"{ast.unparse(node)} has no value")


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
    patsy's design matrices, and a list of hostile texts, none of which is run (tests/evaluate/test_formula.py).
    """
    if len(text) > LONGEST:
        raise UsageError(f"the formula has {len(text)} characters", f"at most {LONGEST}")
    checker = _Checker(text, tuple(known))
    odd = re.search(r"""[^\w\s~+\-*/:(),.="']""", text)
    if odd:
        raise checker.wrong(f"{odd[0]!r} is not allowed here")
    if max(accumulate((char == "(") - (char == ")") for char in text), default=0) > DEEPEST:
        raise checker.wrong("brackets are nested too deeply")
    left, tilde, right = text.rpartition("~")
    if tilde and left.strip() != RESPONSE:
        raise checker.wrong("the response is not `car`", "write car ~ ..., or the right side alone")
    right = " ".join(right.split())
    if not right:
        raise checker.wrong("the right side is empty", "car ~ 1 is the mean")
    terms = _terms(right, checker)
    return Formula(
        written=f"{RESPONSE} ~ {right}",
        terms=terms,
        calls=checker.calls,
        columns=tuple(checker.columns),
        numeric=frozenset(checker.numeric),
        levels=tuple(checker.levels),
    )


def _terms(right: str, checker: _Checker) -> tuple[tuple[str, ...], ...]:
    """The factors of each term of the right side, after its operands and operators have been checked."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    try:
        tree = DefaultFormulaParser(feature_flags=DefaultFormulaParser.FeatureFlags.NONE).get_ast(right)
    except (FormulaicError, SyntaxError, ValueError, RecursionError) as error:
        raise checker.wrong(f"it cannot be read ({' '.join(str(error).split())[:120]})") from None
    _check_operators(tree, checker)
    return tuple(tuple(factor.expr for factor in term.factors) for term in tree.to_terms())


def _check_operators(tree: Any, checker: _Checker) -> None:
    """Check every node of formulaic's tree: its operator against the list, its operands by ``_Checker``."""
    waiting, count = [tree], dict.fromkeys(("*", "**"), 0)
    while waiting:
        node = waiting.pop(0)
        if not hasattr(node, "operator"):
            checker.operand(node)
            continue
        sign = str(node.operator.symbol)
        if sign not in ("+", "-", ":", "*", "**"):
            raise checker.wrong(f"{sign!r} is not allowed between terms")
        arguments = list(node.args)
        if sign in count:
            count[sign] += 1
        if count["*"] > MOST_CROSSINGS:
            raise checker.wrong(f"more than {MOST_CROSSINGS} * between terms", "write the products that matter with :")
        if sign == "**":
            exponent = str(arguments.pop())
            if not exponent.isdecimal() or not 1 <= int(exponent) <= HIGHEST_POWER:
                what = f"** {exponent[:20]} of terms: a whole number from 1 to {HIGHEST_POWER}"
                raise checker.wrong(what, "a square is I(column**2)")
            if count["**"] > 1:
                raise checker.wrong("more than one ** of terms", "write the products that matter with :")
        waiting += arguments

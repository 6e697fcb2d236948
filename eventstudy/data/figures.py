"""Cells of a table of daily figures -> float64, and what figures cannot be; whole columns at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.parquet import has_pyarrow
from eventstudy.data.prices import HIGHEST, LOWEST, Floats

PRICES = ("close", "open", "high", "low", "adj_close")
RETURNS = ("return", "delisting")
# what programs write where there is no figure
EMPTY = frozenset(("", "nan", "null", "none", "na", "n/a", "<na>", "#n/a", "#n/a n/a", "#n/a invalid security"))
_PLAIN = b"0123456789+-.eE"
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# commas that separate thousands, alone or before a point
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_BY_POINTS = re.compile(r"(|[0-9]{1,3}(\.[0-9]{3})*)")
_COMMA = re.compile(r"[+-]?[0-9]{1,3}((\.[0-9]{3})+|[0-9]*),[0-9]+")
# what no decimal comma can be: two groups, or a group and a point
_SURELY_GROUPED = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3}){2,}|,[0-9]{3}\.)")
_MANY = {"K": 1e3, "M": 1e6, "B": 1e9}
# CRSP writes letters in place of a return it does not have
_CODES = re.compile(r"[A-Z]")
# returns below a total loss: CRSP's numeric codes
LOWEST_RETURN = -1.0
# median size of figures that are not prices of a listing, and shares of negative ones that only returns have
SMALL, BOTH_SIGNS = 0.2, (0.25, 0.75)
# figures that do not follow each other: rows that show it, least median size of their moves, least number of values;
# and how far from 1 or 100 the median of gross returns lies
GROSS_ROWS, LEAST_MOVE, FEW_VALUES, NEAR_ONE = 60, 0.001, 10, 0.02
# von Neumann's ratio of such figures; below the first, of prices with their extremes, nothing more is asked
AT_FIRST, NEUMANN = 0.5, 1.3
BELOW_A_LOSS = "is below a total loss (-1); leave unknown returns empty"
NO_NUMBER = "is not a number; write a decimal with a point"
COMMA = (
    "is not a number: it is written with a decimal comma; read the file with pd.read_csv(path, decimal=',') and write "
    "it with points"
)
DOTTED = "may be thousands: the other cells are whole numbers below 1000; write 1003 or 1.0030"
AMBIGUOUS = "may be a decimal comma or thousands; write a decimal with a point"


@dataclass(slots=True)
class Parsed:
    """A column read.

    Attributes
    ----------
    values : float64 (n,)
        NaN where a cell is empty or cannot be read.
    wrong : dict of int to (str, str)
        Row -> its cell, and why it cannot be read.
    codes : Counter
        CRSP's codes in place of a return, and how often each occurs.
    coded : set of int
        Their rows.
    """

    values: Floats
    wrong: dict[int, tuple[str, str]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    coded: set[int] = field(default_factory=set)


def parsed(cells: Any, name: str, *, shown: bool = False, codes: bool = False) -> Parsed:
    """A column of numbers or text as float64.

    Parameters
    ----------
    cells : sequence of str, or array of numbers
    name : str
        What the column holds, of ``raw.COLUMNS`` or ``layouts``.
    shown : bool
        The layout writes thousands, so that ``1,234`` is one thousand and more.
    codes : bool
        CRSP's letters and numbers below -1 are missing returns.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        found = Parsed(cells.astype(np.float64))
    else:
        texts = cells if isinstance(cells, list) else list(cells)
        plain = _all_plain(texts)
        found = Parsed(plain) if plain is not None else _by_cell(texts, name, shown=shown, codes=codes)
        if plain is not None and name in PRICES:
            found.wrong = _dotted(texts)
    if codes and name in RETURNS:
        low = found.values < LOWEST_RETURN
        if low.any():
            found.codes.update(f"{value:g}" for value in found.values[low].tolist())
            found.coded.update(np.flatnonzero(low).tolist())
            found.values = np.where(low, np.nan, found.values)
    return found


def _all_plain(texts: list[str]) -> Floats | None:
    """Nothing but decimals with a point and empty cells, read at once; None where there is anything else."""
    joined = "".join(texts)
    # every letter of a decimal taken away, nothing is left
    if not joined.isascii() or joined.encode("ascii").translate(None, _PLAIN):
        return None
    if has_pyarrow() and (quick := _by_arrow(texts)) is not None:
        return quick
    try:
        return np.array([float(text) if text else np.nan for text in texts], dtype=np.float64)
    except ValueError:
        return None


def _by_arrow(texts: list[str]) -> Floats | None:
    """The same numbers in half the time; None where Arrow cannot read one that Python may."""
    import pyarrow

    cells = pyarrow.array([text or None for text in texts] if "" in texts else texts, pyarrow.string())
    try:
        return np.array(cells.cast(pyarrow.float64()).to_numpy(zero_copy_only=False))
    except pyarrow.ArrowInvalid:
        return None


def _dotted(texts: list[str]) -> dict[int, tuple[str, str]]:
    """Row -> its cell, where points separate thousands: 998 and 1.003 are in one column, and no other decimals."""
    found = {}
    for row, text in enumerate(texts):
        if not _BY_POINTS.fullmatch(text):
            return {}
        if "." in text:
            found[row] = (text, DOTTED)
    return found if len(found) < sum(map(bool, texts)) else {}


def _by_cell(texts: list[str], name: str, *, shown: bool, codes: bool) -> Parsed:
    found = Parsed(np.full(len(texts), np.nan))
    grouped = shown or any(_SURELY_GROUPED.match(text.lstrip("$€£")) for text in texts)
    known: dict[str, float | str] = {}
    for row, text in enumerate(texts):
        if text not in known:
            known[text] = _cell(text, name, grouped=grouped, codes=codes)
        value = known[text]
        if isinstance(value, float):
            found.values[row] = value
        elif value.startswith("code "):
            found.codes[value.removeprefix("code ")] += 1
            found.coded.add(row)
        else:
            found.wrong[row] = (text, value)
    return found


def _cell(text: str, name: str, *, grouped: bool, codes: bool) -> float | str:
    bare = text.strip()
    # SAS writes a point where there is nothing
    if bare.lower() in EMPTY or (codes and bare == "."):
        return np.nan
    if _DECIMAL.fullmatch(bare):
        return float(bare)
    if codes and name in RETURNS and _CODES.fullmatch(bare):
        return f"code {bare}"
    if name in PRICES and bare[0] in "$€£":
        bare = bare[1:]
    many = 1.0
    if name == "volume" and bare[-1:].upper() in _MANY:
        many, bare = _MANY[bare[-1].upper()], bare[:-1]
    if _DECIMAL.fullmatch(bare):
        return float(bare) * many
    if _GROUPED.fullmatch(bare):
        return float(bare.replace(",", "")) * many if grouped else AMBIGUOUS
    if name in RETURNS and bare.endswith("%"):
        return "is in percent; write a decimal, such as 0.012"
    return COMMA if _COMMA.fullmatch(bare) else NO_NUMBER


def impossible(name: str, values: Floats) -> list[tuple[NDArray[np.bool_], str]]:
    """Impossible figures of a column: (rows, why), the first that applies to a row first."""
    with np.errstate(invalid="ignore"):
        infinite = np.isinf(values)
        if name == "span":
            wrong = ~np.isnan(values) & ~infinite & ((values < 1) | (values != np.floor(values)))
            return [(wrong, "must be a whole number of sessions, 1 or more")]
        if name in RETURNS:
            low = values < LOWEST_RETURN
            return [(infinite, "is not finite"), (low, BELOW_A_LOSS)]
        absurd = ~infinite & (values > HIGHEST)
        if name in PRICES:
            absurd |= (values > 0) & (values < LOWEST)
        less = "a price must be positive; leave the cell empty if there is none"
        if name in PRICES and (unit := _like_returns(values)):
            less = f"a price must be positive; figures of this size and both signs are returns{unit}"
        if name not in PRICES:
            less = "must not be negative; leave the cell empty if it is unknown"
        return [
            (infinite, "is not finite"),
            (absurd, f"is not a figure of a market; {LOWEST:g} to {HIGHEST:g} are read"),
            ((values <= 0) if name in PRICES else (values < 0), less),
        ]


def _like_returns(values: Floats) -> str:
    """Cure for figures of both signs that are returns; empty where they are not."""
    there = values[np.isfinite(values)]
    if not len(there) or not (there > 0).any():
        return ""
    if float(np.median(np.abs(there))) < SMALL:
        return ": give --input returns"
    low, high = BOTH_SIGNS
    return " in percent: divide by 100 and give --input returns" if low < float((there < 0).mean()) < high else ""


def without_order(values: Floats) -> bool:
    """Whether figures in order of their days say nothing about the next, as no prices do.

    Prices follow each other: their squared steps make a small part of twice their variance (von Neumann's ratio), of
    returns and of shuffled prices about all of it. In 23,548 windows of 60 prices of real firms the ratio is 1.22 at
    most. Figures that hardly move, or that take few values, are not judged.
    """
    known = np.isfinite(values)
    there = values if known.all() else values[known]
    if len(there) < GROSS_ROWS or not _apart(there, AT_FIRST):
        return False
    low, middle, high = np.quantile(there, (0.05, 0.5, 0.95))
    # extremes would decide the ratio of a few rows
    if not _apart(np.clip(there, low, high), NEUMANN):
        return False
    return float(np.median(np.abs(there / middle - 1))) >= LEAST_MOVE and len(np.unique(there)) >= FEW_VALUES


def gross_returns(values: Floats) -> str:
    """Cure for figures in order of their days that are gross returns; empty where they are not."""
    if not len(values) or not without_order(values):
        return ""
    low, middle, high = np.nanquantile(values, (0.05, 0.5, 0.95)).tolist()
    # nine of ten daily returns are small: other figures without order are not explained by this
    if low < middle * (1 - SMALL) or high > middle * (1 + SMALL):
        return ""
    for unit, cure in ((1.0, "1 + r); subtract 1"), (100.0, "100 + r in percent); subtract 100, divide by 100")):
        if abs(middle / unit - 1) < NEAR_ONE:
            return f"holds gross returns ({cure} and give --input returns, or give --input prices where they are prices"
    return ""


def _apart(values: Floats, ratio: float) -> bool:
    """Whether von Neumann's ratio is above one that is given."""
    held, steps = values - values.mean(), values[1:] - values[:-1]
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.dot(steps, steps) > ratio * np.dot(held, held))


def first_troubles(name: str, values: Floats) -> dict[int, tuple[str, str]]:
    """Row -> its figure, and why that cannot be."""
    found: dict[int, tuple[str, str]] = {}
    if name in PRICES and len(values) and values.min() >= LOWEST and values.max() <= HIGHEST:
        return found
    for rows, why in impossible(name, values):
        for row in np.flatnonzero(rows).tolist():
            found.setdefault(row, (f"{values[row]:.12g}", why))
    return found


def said(codes: Counter[str]) -> str:
    """CRSP's codes in words."""
    listed: Sequence[str] = [f"{code} ({count})" for code, count in sorted(codes.items())]
    return f"codes of CRSP in place of a return are missing values: {', '.join(listed)}"

"""Known forms of tables of daily figures: one entry each, recognised by its headings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eventstudy.lists import listed

# Names that headings are translated to. Figures of ``raw.COLUMNS``, and what some layouts derive them from.
TEXT_FIELDS = ("period", "status", "delisted", "currency")
Basis = Literal["", "raw", "split-adjusted", "adjusted"]
Input = Literal["auto", "prices", "returns", "log-returns"]
OWN = ""
NO_HEADINGS = ("", "unnamed: 0", "index", "__index_level_0__")
DATE_HEADINGS = ("date", "datetime", "observation date", *NO_HEADINGS)
MILLISECONDS = "ms"
_SECOND = re.compile(r"\.\d+$")
_RANK = re.compile(r"^\d+[.:] ")
_WORDS = re.compile(r"[_\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A form in which a program or vendor writes daily figures.

    Attributes
    ----------
    name : str
        As notes name it; empty for the program's own headings.
    needs : frozenset of str
        Folded headings that must all be there.
    any_of, none_of : frozenset of str
        At least one of these must be there; none of these may be.
    columns : mapping of str to str
        Folded heading -> what it holds: ``date``, a name of ``raw.COLUMNS``, or a figure they are derived from.
    basis : str
        What the layout says of ``close``, as ``RawSeries.heading_basis`` has it.
    symbols : tuple of str
        Folded headings of columns that hold symbols, the most usual first.
    permanent : bool
        The last of ``symbols`` is the permanent number of a security, which tickers come and go under.
    dates : tuple of str
        ``strptime`` forms of its dates beside ISO text; ``ms`` for milliseconds since 1970.
    shown : bool
        Figures are written as pages show them: ``$1,234.50``, ``5.02M``.
    derive : str
        Name of the rule in ``layout_rules.RULES`` that makes the figures from those stated; empty for none.
    returns : bool
        Returns are what the layout states, and its closes are for reading only.
    """

    name: str
    needs: frozenset[str]
    columns: Mapping[str, str]
    any_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()
    basis: Basis = ""
    symbols: tuple[str, ...] = ()
    permanent: bool = False
    dates: tuple[str, ...] = ()
    shown: bool = False
    derive: str = ""
    returns: bool = False

    @property
    def midpoints(self) -> bool:
        """Whether prices may be negative, as midpoints of bid and ask, and 0 where there is none."""
        return self.derive.startswith("crsp")

    def matches(self, headings: frozenset[str]) -> bool:
        """Whether a table with these folded headings has this layout."""
        some = not self.any_of or bool(self.any_of & headings)
        return self.needs <= headings and some and not self.none_of & headings


_OHLC = {"open": "open", "high": "high", "low": "low", "close": "close"}
_PRICES = {"date": "date", **_OHLC, "volume": "volume", "currency": "currency"}
_DIVIDENDS = (
    "dividends", "dividend", "ex-dividend", "dividend amount", "dividendamount", "divcash", "cash dividend",
    "cash dividends", "div", "dividends per share", "dividend per share",
)  # fmt: skip
_SPLITS = (
    "stock splits", "stock split", "splits", "split", "split ratio", "splitratio", "split factor", "splitfactor",
    "split coefficient",
)  # fmt: skip
_ADJUSTED_CLOSES = (
    "adj close", "adjclose", "adj. close", "close adj", "close (adj)", "adjusted close", "adjustedclose", "adjusted",
    "adjusted price", "adj price",
)  # fmt: skip
_CASH = {**dict.fromkeys(_DIVIDENDS, "dividend"), **dict.fromkeys(_SPLITS, "split")}
_ADJUSTED = dict.fromkeys(_ADJUSTED_CLOSES, "adj_close")
# a heading that may state what changes returns; and words of those that do not
_ACTION = re.compile(r"split|divid|\bdiv\b|adj")
_NO_ACTION = re.compile(r"open|high|low|vol|vwap|yield|date|\bdt\b|type|currency|pay|record|declar|frequency|status")
_RETURNS = {"ret": "return", "return": "return", "returns": "return", "span": "span"}
_OWN_DATES = dict.fromkeys(DATE_HEADINGS, "date")
_OWN_COLUMNS = {**_PRICES, **_CASH, **_ADJUSTED, **_RETURNS, **_OWN_DATES}
_OWN_SYMBOLS = ("ticker", "symbol", "tic", "permno")


def _listed(name: str, needs: Sequence[str], columns: str = "", *, prices: bool = False, **rest: Any) -> Layout:
    """A layout as ``lists/layouts.toml`` states it; symbols are under the program's own headings unless it says so."""
    own = (pair.strip().partition("=") for pair in columns.split(",") if columns)
    known = {**(_PRICES if prices else {}), **{heading: held for heading, _, held in own}}
    several: dict[str, Any] = {key: frozenset(rest.pop(key, ())) for key in ("any_of", "none_of")}
    symbols, dates = tuple(rest.pop("symbols", _OWN_SYMBOLS)), tuple(rest.pop("dates", ()))
    return Layout(name=name, needs=frozenset(needs), columns=known, symbols=symbols, dates=dates, **several, **rest)


# The first that matches is taken: those with more headings of their own are first.
LAYOUTS: dict[str, Layout] = {name: _listed(**entry) for name, entry in listed("layouts").items()} | {
    "own": Layout(
        name=OWN,
        needs=frozenset(),
        columns=_OWN_COLUMNS,
        symbols=_OWN_SYMBOLS,
        any_of=frozenset({"close", *_ADJUSTED_CLOSES, "ret", "return", "returns"}),
    )
}
# what the headings of an entry cannot show: yfinance's download has three rows of headings
DOWNLOAD = "yfinance download()"
# the page's own headings are those of older downloads; its dates tell them apart
YAHOO_PAGE, YAHOO_DATES = "Yahoo web page", ("%b %d, %Y",)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The layout of a table, and the places of its columns.

    Attributes
    ----------
    place : dict
        What a column holds -> its position among the headings.
    symbols : tuple of int
        Positions of the columns of symbols.
    twice : tuple of str
        What two headings claim to hold.
    unread : tuple of str
        Headings that the layout does not know and that may state splits, dividends or adjusted closes.
    """

    layout: Layout
    place: dict[str, int]
    symbols: tuple[int, ...] = ()
    twice: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = field(default=())


def fold(heading: object) -> str:
    """A heading in one spelling: lower case, single blanks, without the rank of ``4. close`` and the marks of notes."""
    return _RANK.sub("", _WORDS.sub(" ", str(heading).strip().strip("\ufeff").lower())).rstrip("* ").strip()


def recognised(headings: Sequence[object]) -> Recognised | None:
    """The first known layout that a table with these headings has; None where no layout matches.

    Columns that the layout does not know are left out.
    """
    folded = [fold(heading) for heading in headings]
    there = frozenset(folded)
    for layout in LAYOUTS.values():
        if not layout.matches(there):
            continue
        place: dict[str, int] = {}
        twice = []
        for at in _date_first(folded, layout):
            name = folded[at]
            # pandas writes the second Close as Close.1
            stem = _SECOND.sub("", name)
            held = layout.columns.get(name if name in layout.columns or stem not in there else stem)
            if held is not None and held in place:
                # an index without a name beside a column of dates is not a date
                if name not in NO_HEADINGS:
                    twice.append(held)
            elif held is not None:
                place[held] = at
        if "date" not in place:
            continue
        symbols = tuple(folded.index(name) for name in layout.symbols if name in there)
        unread = (str(headings[at]) for at in range(len(folded)) if _may_act(folded[at], layout))
        return Recognised(layout, place, symbols, tuple(twice), tuple(unread))
    return None


def _may_act(name: str, layout: Layout) -> bool:
    """Whether a heading that the layout does not know may state splits, dividends or adjusted closes."""
    known = name in layout.columns or name in layout.symbols
    return not known and bool(_ACTION.search(name)) and not _NO_ACTION.search(name)


def download_layout(fields: Sequence[object]) -> Layout:
    """yfinance's download: fully adjusted closes unless an adjusted close is beside them."""
    adjusted = "adj close" in map(fold, fields)
    own = LAYOUTS["own"]
    return Layout(name=DOWNLOAD, needs=own.needs, columns=own.columns, basis="" if adjusted else "adjusted")


def _date_first(folded: Sequence[str], layout: Layout) -> list[int]:
    """Positions of the headings; a column named as one of dates is before one without a name."""
    return sorted(range(len(folded)), key=lambda at: folded[at] in NO_HEADINGS and layout.columns.get("") == "date")


def unknown_headings(headings: Sequence[object]) -> str:
    """The sentence on headings that no layout has."""
    listed = ", ".join(repr(str(heading)) for heading in headings[:20]) + (", ..." if len(headings) > 20 else "")
    known = ", ".join(dict.fromkeys(layout.name for layout in LAYOUTS.values() if layout.name))
    return (
        f"the headings {listed} do not match a known layout; wanted Date and Close (where there are any: Open, Volume, "
        f"Dividends, Stock Splits, or Adj Close), or Date and ret, or an export of {DOWNLOAD}, {YAHOO_PAGE}, {known}"
    )


def wide_dates(headings: Sequence[object]) -> int:
    """Position of the dates in a table with one column per ticker; -1 where no heading is one of dates."""
    folded = [fold(heading) for heading in headings]
    named = [at for at, name in enumerate(folded) if name in DATE_HEADINGS]
    named = [at for at in named if folded[at] not in NO_HEADINGS] or named
    return named[0] if len(named) == 1 or (named and folded[named[0]] in NO_HEADINGS) else -1


def states_returns(found: Recognised, asked: str) -> bool:
    """Whether a table is read as returns.

    Parameters
    ----------
    asked : {"auto", "prices", "returns", "log-returns"}
        ``auto`` takes returns where the layout is one of returns, or states nothing else.
    """
    if asked == "auto":
        priced = "close" in found.place or "adj_close" in found.place
        return "return" in found.place and (found.layout.returns or not priced)
    return asked != "prices"

"""Headings of an events file, in any case and in the words other programs use for the same; rows that hold nothing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eventstudy.data.categorical import Coded, PlainTexts
from eventstudy.data.layouts import fold
from eventstudy.errors import InputFileError, Problem

if TYPE_CHECKING:
    from eventstudy.data.event_columns import RawEvents

REQUIRED = ("ticker", "announced_at")
OPTIONAL = (
    "event_id",
    "timing",
    "role",
    "category",
    "claimed_return",
    "claimed_open_return",
    "title",
    "source",
    "notes",
    "benchmark",
    "calendar",
    "window",
    "uncertain",
)
# further columns that pages read: the firm's name, and the words of a claim about the close and about the open
SHOWN = ("company", "claim_text", "claim_open_text")
# columns that this program makes itself; one of the file must not take their place
RESERVED = ("line", "instant", "date")
# what other programs call a column that is needed, folded; taken where only one of them is there
ALIASES = {
    "ticker": ("symbol", "tic", "ticker symbol", "stock", "permno"),
    "announced_at": (
        "date", "event date", "eventdate", "announcement date", "announced", "announce date", "announcedate", "anndats",
        "rdq", "report date", "reportdate", "reported date", "reporteddate", "earnings date", "earningsdate",
        "datetime", "timestamp",
    ),
}  # fmt: skip
# where it is beside a column TICKER, that holds IBES's own codes
EXCHANGE_TICKER = "oftic"
IBES = "TICKER of an IBES list is IBES's own code and may differ from the ticker of the exchange, which is OFTIC"


# what a column of one value may hold
EXAMPLES = {"ticker": "NVDA", "announced_at": "2025-04-15"}


class Code(Protocol):
    """Templates of code lines about a frame: formats with ``frame``, ``old``, ``new`` and ``value``."""

    @property
    def rename(self) -> str:
        """Renames a column."""

    @property
    def add(self) -> str:
        """Adds a column of one value."""


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of an events file.

    Attributes
    ----------
    names : dict of str to str
        Heading as written -> name of the column.
    notes : tuple of str
        Headings that were taken for others.
    problems : list of Problem
        A needed column that is missing, or that two headings may be; two headings that differ only in case.
    """

    names: dict[str, str]
    notes: tuple[str, ...]
    problems: list[Problem]

    def checked(self, path: str) -> Headings:
        """The same where nothing is wrong.

        Raises
        ------
        InputFileError
            With every problem.
        """
        if self.problems:
            raise InputFileError(path, self.problems)
        return self


def headings_of(written: Sequence[str], line: int, code: Code | None = None) -> Headings:
    """Which column is what: names of the contract in any case, and for what is needed other programs' words.

    Parameters
    ----------
    line : int
        Of the headings; 0 in a file without lines.
    code : Code or None
        How the line of code that adds a column is written, for headings of a frame.
    """
    contract = {*REQUIRED, *OPTIONAL}
    names = {name: name.lower() if name.lower() in contract else name for name in written}
    problems, notes = [], []
    official = [heading for heading in written if fold(heading) == EXCHANGE_TICKER]
    if official and "ticker" in names.values():
        message = f"this column is needed, and {official[0]!r} may be it; {IBES}: remove one of the two"
        problems.append(Problem(line, "ticker", "", message))
    for name in REQUIRED:
        if name in names.values():
            continue
        found = [heading for heading in written if fold(heading) in ALIASES[name]]
        found = found or (official if name == "ticker" else [])
        if len(found) == 1:
            names[found[0]] = name
            notes.append(f"column {found[0]!r} is read as {name}")
            if fold(found[0]) == "anndats" and not official:
                notes.append(IBES)
        elif found:
            listed = " or ".join(map(repr, found))
            problems.append(Problem(line, name, "", f"this column is needed, and {listed} may be it; rename one"))
        else:
            there = ", ".join(map(repr, written[:20]))
            message = f"this column is needed and missing; the headings are {there}{_cure(name, written, code)}"
            problems.append(Problem(line, name, "", message))
    taken: dict[str, str] = {}
    for heading, name in names.items():
        if name in taken and name in contract:
            problems.append(Problem(line, heading, "", f"is {name} as {taken[name]!r} is; rename one"))
        taken.setdefault(name, heading)
    return Headings(names, tuple(notes), problems)


def _cure(name: str, written: Sequence[str], code: Code | None) -> str:
    """The line of code that adds a needed column: the nearest heading renamed, else a column of one value."""
    if code is None:
        return ""
    words = {word: heading for heading in written for word in (_words(heading), *_words(heading).split())}
    near = difflib.get_close_matches(_words(name), words, n=1) or difflib.get_close_matches(
        _words(ALIASES[name][0]), words, n=1
    )
    if near:
        return "; write " + code.rename.format(frame="events", old=words[near[0]], new=name)
    return "; write " + code.add.format(frame="events", new=name, value=EXAMPLES[name])


def _words(heading: str) -> str:
    return heading.strip().lower().replace("_", " ")


def empty_note(n: int) -> list[str]:
    """The sentence on rows of empty cells."""
    return [f"{n:,} empty row{'' if n == 1 else 's'} left out"] if n else []


def without_empty(raw: RawEvents) -> RawEvents:
    """The events without rows that hold nothing, as Excel leaves them below a table."""
    if "" not in raw.columns["ticker"].values:
        return raw
    empty = np.ones(len(raw.lines), dtype=bool)
    for column in raw.columns.values():
        empty &= column.where(lambda text: not text)
    if raw.moments is not None:
        empty &= (np.isnat(raw.moments.instant) & np.isnat(raw.moments.day))[raw.moments.codes]
    some = np.flatnonzero(empty)
    empty[some] = [not name for name in raw.ids.take(some)]
    if not empty.any() or empty.all():
        return raw
    kept = np.flatnonzero(~empty)
    gone = set(raw.lines[empty].tolist())
    return replace(
        raw,
        lines=raw.lines[kept],
        ids=PlainTexts(raw.ids.take(kept)),
        columns={name: Coded(column.codes[kept], column.values) for name, column in raw.columns.items()},
        moments=None if raw.moments is None else replace(raw.moments, codes=raw.moments.codes[kept]),
        problems=[problem for problem in raw.problems if problem.line not in gone],
        notes=[*raw.notes, *empty_note(int(empty.sum()))],
    )

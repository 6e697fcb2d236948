"""The terms of a page: what each means, and where text leads to it. docs/glossary.md prints the same texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from eventstudy.lists import listed


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its name in the list, its text, and the words of a page that lead there."""

    id: str
    name: str
    text: str
    words: str


TERMS = tuple(Term(id, **entry) for id, entry in listed("terms").items())
_PATTERN = re.compile(r"\b(?:" + "|".join(f"(?P<{term.id}>{term.words})" for term in TERMS) + r")\b")


def linked(text: str, known: set[str], link: Callable[[Term, str], str]) -> str:
    """The text with the first word of each term that is not yet ``known`` made a link; ``known`` grows.

    Parameters
    ----------
    text : str
        Escaped text without tags.
    known : set of str
        Terms that have been linked already.
    link : callable
        Makes the link from the term and the words found.
    """

    def one(found: re.Match[str]) -> str:
        name = found.lastgroup or ""
        if name in known:
            return found[0]
        known.add(name)
        return link(next(term for term in TERMS if term.id == name), found[0])

    return _PATTERN.sub(one, text)

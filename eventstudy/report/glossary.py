"""The terms of a page: what each means, and where text leads to it. docs/glossary.md prints the same texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its name in the list, its text, and the words of a page that lead there."""

    id: str
    name: str
    text: str
    words: str


TERMS = (
    Term(
        "own",
        "Abnormal return (own move)",
        "What the share did beyond what the market explains that day.",
        r"abnormal returns?|own moves?",
    ),
    Term(
        "model",
        "Market model",
        "A straight line fitted to past days: how far this share usually goes when the market goes 1 %.",
        r"market model|market explains",
    ),
    Term(
        "estimation",
        "Estimation window",
        "The past days the line is fitted to.",
        r"estimation window|days of history|past sessions",
    ),
    Term(
        "interval",
        "Interval",
        "A range made so that it holds the true own move in as many of 100 studies as its level says, 95 at 95 %.",
        r"intervals?",
    ),
    Term(
        "p",
        "p",
        "How often an ordinary day of this share has an own move at least this large: the larger p of the exact t and "
        "of counting ordinary days; of one side, by counting.",
        r"p(?= value\b|$| \()",
    ),
    Term(
        "far",
        "As far (ordinary days)",
        "At least as large an own move, each against the volatility of the 20 sessions before it.",
        r"(?:went|ones) as (?:far|low|high)",
    ),
    Term(
        "placebo",
        "Placebo",
        "The same measurement on days without news: it shows what chance alone looks like.",
        r"placebos?|days without news",
    ),
    Term(
        "mde",
        "Smallest detectable effect",
        "A true effect of this size would be found four times in five; smaller ones are often missed.",
        r"four times in five",
    ),
    Term(
        "cluster",
        "Cluster",
        "Several announcements or firms on one session: daily prices cannot split them, so they count once.",
        r"clusters?|share this session|share a session",
    ),
    Term(
        "masked",
        "Masked days (left out)",
        "Past days next to other news of the firm; not used to measure what is ordinary.",
        r"masked|left out for",
    ),
    Term(
        "curve",
        "Specification curve",
        "The same result under every defensible choice, sorted from low to high. Each choice is a variant.",
        r"variants?",
    ),
    Term(
        "caar",
        "CAAR",
        "The average of the own moves of many events, each added up over its window.",
        r"CAAR|average own move",
    ),
)
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

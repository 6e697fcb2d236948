"""Rows that may have been picked because of what the price did: their words say so."""

from __future__ import annotations

import re

import numpy as np

from eventstudy.data.cells import OUTCOME
from eventstudy.data.event_columns import EventColumns

LISTED = 5
_MOVES = re.compile(
    r"\b(crash(?:es|ed|ing)?|plung(?:e|es|ed|ing)|sell[- ]?offs?|surg(?:e|es|ed|ing)|rall(?:y|ies|ied|ying))\b",
    re.IGNORECASE,
)


def outcome_questions(events: EventColumns) -> list[str]:
    """A question for every row whose title or notes name a move of the price and whose role is not ``outcome``.

    Returns
    -------
    list of str
        The first rows one by one, then how many more there are.
    """
    rows = np.flatnonzero(~events.columns["role"].where(lambda role: role == OUTCOME))
    found: list[str] = []
    n = 0
    texts = zip(*(events.cells(name, rows) for name in ("title", "notes")), strict=True)
    for row, (title, notes) in zip(rows.tolist(), texts, strict=True):
        word = _MOVES.search(f"{title}\n{notes}")
        if not word:
            continue
        n += 1
        if n <= LISTED:
            name = f"{events.ids.take(np.array([row]))[0]} {events.cells('ticker', np.array([row]))[0]}"
            found.append(
                f"{name} ({events.unit} {int(events.lines[row])}) says {word[0]!r}: was the day picked because of the "
                f"move? Its role is then {OUTCOME}"
            )
    if n > len(found):
        found.append(f"{n - len(found):,} more rows name a move of the price")
    return found

"""Significant digits of written numbers: ``6`` to ``15``, or ``full``."""

from __future__ import annotations

from eventstudy.errors import UsageError

FULL = "full"
# pages print six digits, and a float64 holds every decimal of fifteen
CHOICES: dict[str, int | None] = {**{str(digits): digits for digits in range(6, 16)}, FULL: None}


def checked_precision(value: object) -> str:
    """A precision as its text; Python may name a number. Raises ``UsageError`` if it is neither."""
    if str(value) not in CHOICES:
        found = f"precision {str(value)[:80]!r} is unknown"
        raise UsageError(found, f"6 to 15 significant digits, or {FULL}", "such as 10")
    return str(value)

"""Keys of services: read from the environment alone, and never written anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from eventstudy.errors import UsageError

SHORTEST = 4


def key_of(variable: str, service: str) -> str:
    """The key that a variable holds. Raises ``UsageError`` if it holds none, or something that can be none; the text
    itself is not shown."""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"{service} requires a key, and {variable} is not set", f"{variable}=KEY in the environment")
    if not key.isascii() or not key.isprintable() or " " in key or len(key) < SHORTEST:
        raise UsageError(f"{variable} holds no key", "letters, digits and marks without blanks")
    return key


def hidden(text: str, keys: Iterable[str]) -> str:
    """Text from outside on one line, with ``***`` in place of each key, as written or as in an address."""
    for key in keys:
        for part in (key, *key.split(), quote(key, safe="")):
            if len(part) >= SHORTEST:
                text = text.replace(part, "***")
    return " ".join(text.split())

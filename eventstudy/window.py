"""Runs of event days, as people write them: ``-1:1``, ``[-1,1]``, ``(-1, 1)``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from eventstudy.errors import UsageError, flat

_WINDOW = re.compile(r"[\[(]?\s*([+-]?\d{1,5})\s*[:,]\s*([+-]?\d{1,5})\s*[\])]?", re.ASCII)
# several windows in one text: a comma separates them only where it does not separate two days
_SEVERAL = re.compile(r"[\[(][^\])]*[\])]|[^\s;,]+")
WANTED = "START:END in sessions, such as -1:1"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A run of event days, both ends included.

    Attributes
    ----------
    start, end : int
        Sessions relative to day 0, ``start <= end``.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise UsageError(f"window {self.start}:{self.end} ends before it starts", "START:END with START <= END")

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read ``-1:1`` (also ``[-1,1]``).

        Raises
        ------
        UsageError
            If the text is not a window.
        """
        match = _WINDOW.fullmatch(text.strip())
        if not match:
            raise UsageError(f"window {text[:80]!r} cannot be read", WANTED, _of_one(text))
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, value: Any) -> Window:
        """Read a window however it is written: a ``Window``, text, or two whole numbers.

        Raises
        ------
        UsageError
            If the value is not a window.
        """
        if isinstance(value, Window):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        if is_pair(value):
            start, end = value
            return cls(int(start), int(end))
        hint = _of_one(str(value)) if isinstance(value, Integral) and not isinstance(value, bool) else ""
        raise UsageError(f"window {flat(repr(value), 80)} cannot be read", WANTED, hint)

    @property
    def length(self) -> int:
        """Number of sessions in the window."""
        return self.end - self.start + 1

    @property
    def label(self) -> str:
        """The window as tables write it: ``[0,1]``."""
        return f"[{self.start},{self.end}]"

    def within(self, other: Window) -> bool:
        """Whether every day of this window is a day of the other."""
        return other.start <= self.start and self.end <= other.end


def is_pair(value: Any) -> bool:
    """Whether a value is a list of two whole numbers."""
    return (
        not isinstance(value, str | dict)
        and hasattr(value, "__len__")
        and len(value) == 2
        and all(isinstance(day, Integral) and not isinstance(day, bool) for day in value)
    )


def windows_of(value: Any) -> tuple[Window, ...]:
    """One window or several, each once, in their order.

    Raises
    ------
    UsageError
        If some value is not a window.
    """
    if isinstance(value, str):
        one = _WINDOW.fullmatch(value.strip())
        parts: Any = [value] if one else _SEVERAL.findall(value) or [value]
    elif isinstance(value, Window) or is_pair(value) or not hasattr(value, "__iter__"):
        parts = [value]
    else:
        parts = value
    if len(parts) == 2 and all(isinstance(part, str) and _of_one(part) for part in parts):
        meant = f"did you mean '{':'.join(part.strip() for part in parts)}'?"
        raise UsageError(f"window {flat(','.join(parts), 80)!r} cannot be read", WANTED, meant)
    return tuple(dict.fromkeys(Window.of(part) for part in parts))


def _of_one(text: str) -> str:
    """The hint on a window that is one whole number; or nothing."""
    if not re.fullmatch(r"\s*[+-]?\d{1,4}\s*", text, re.ASCII):
        return ""
    one = int(text)
    day = f"'{one}:{one}'"
    return f"did you mean {day}?" if one == 0 else f"did you mean '{min(0, one)}:{max(0, one)}' or {day}?"

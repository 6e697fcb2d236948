"""eventstudy: what did this announcement do to this stock, and how sure can we be?

The public names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["EventStudyError", "StudyResult", "StudySpec", "Window", "run"]

if TYPE_CHECKING:
    from eventstudy.errors import EventStudyError
    from eventstudy.results import StudyResult
    from eventstudy.spec import StudySpec, Window
    from eventstudy.study import run

_HOMES = {
    "EventStudyError": "eventstudy.errors",
    "StudyResult": "eventstudy.results",
    "StudySpec": "eventstudy.spec",
    "Window": "eventstudy.spec",
    "run": "eventstudy.study",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eventstudy' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

"""eventstudy: what did this announcement do to this stock, and how sure can we be?

The public names load on first use, so that importing the package costs nothing.
"""

import sys


def _without_the_folder() -> None:
    """`python -m eventstudy` looks for modules in the current folder first, and that is the folder of a study: a
    numpy.py that lies there is a file of the study. A checkout that is run where it lies keeps it."""
    if _run_as_module(sys.orig_argv) != __name__ or sys.flags.safe_path or not sys.path:
        return
    import os

    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.realpath(sys.path[0] or os.curdir) != os.path.realpath(home):
        del sys.path[0]


def _run_as_module(words: list[str]) -> str:
    """What stands after the interpreter's own `-m`; an argument of another program may read like it."""
    for at, word in enumerate(words[1:], start=1):
        if word == "-m":
            return words[at + 1] if at + 1 < len(words) else ""
        if word == "-c" or (not word.startswith("-") and words[at - 1] not in ("-X", "-W")):
            return ""
    return ""


_without_the_folder()

from typing import TYPE_CHECKING, Any  # noqa: E402  after the folder is out of the way

__version__ = "0.2.0"
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

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
    """The text after the interpreter's own `-m`; an argument of another program may read like it."""
    for at, word in enumerate(words[1:], start=1):
        if word == "-m":
            return words[at + 1] if at + 1 < len(words) else ""
        if word == "-c" or (not word.startswith("-") and words[at - 1] not in ("-X", "-W")):
            return ""
    return ""


_without_the_folder()

from types import ModuleType  # noqa: E402  after the folder is out of the way
from typing import TYPE_CHECKING, Any  # noqa: E402

__version__ = "0.2.0"
__all__ = [
    "BacktestResult", "CalibrationResult", "Comparison", "EventStudyError", "EventStudyWarning", "FetchResult",
    "InputFileError", "NothingStudied", "RegressionResult", "SourceUnavailable", "StudyResult", "StudySpec",
    "UsageError", "Validation", "Window", "backtest", "calibrate", "compare", "etable", "fetch", "regress", "report",
    "run", "validate",
]  # fmt: skip

if TYPE_CHECKING:
    from eventstudy.api.backtest import BacktestResult, backtest
    from eventstudy.api.calibrate import CalibrationResult, calibrate
    from eventstudy.api.compare import Comparison, compare
    from eventstudy.api.etable import etable
    from eventstudy.api.fetch import FetchResult, fetch
    from eventstudy.api.regression import RegressionResult, regress
    from eventstudy.api.report import report
    from eventstudy.api.result import StudyResult
    from eventstudy.api.run import run
    from eventstudy.api.validate import Validation, validate
    from eventstudy.errors import (
        EventStudyError,
        EventStudyWarning,
        InputFileError,
        NothingStudied,
        SourceUnavailable,
        UsageError,
    )
    from eventstudy.spec import StudySpec
    from eventstudy.window import Window

_HOMES = {
    **dict.fromkeys(("BacktestResult", "backtest"), "eventstudy.api.backtest"),
    **dict.fromkeys(("CalibrationResult", "calibrate"), "eventstudy.api.calibrate"),
    **dict.fromkeys(("Comparison", "compare"), "eventstudy.api.compare"),
    "etable": "eventstudy.api.etable",
    **dict.fromkeys(("FetchResult", "fetch"), "eventstudy.api.fetch"),
    **dict.fromkeys(("RegressionResult", "regress"), "eventstudy.api.regression"),
    "report": "eventstudy.api.report",
    "StudyResult": "eventstudy.api.result",
    "run": "eventstudy.api.run",
    **dict.fromkeys(("Validation", "validate"), "eventstudy.api.validate"),
    **dict.fromkeys((name for name in __all__ if name.endswith(("Error", "Warning"))), "eventstudy.errors"),
    **dict.fromkeys(("NothingStudied", "SourceUnavailable"), "eventstudy.errors"),
    "StudySpec": "eventstudy.spec",
    "Window": "eventstudy.window",
}


class _Package(ModuleType):
    """The package as a module that shows its public names alone, and on which importing the folder ``report`` does not
    take the place of the function of that name."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'eventstudy' has no attribute {name!r}{_meant(name)}")
        import importlib

        found = getattr(importlib.import_module(_HOMES[name]), name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted([*__all__, "__version__"])


def _meant(name: str) -> str:
    """The end of the sentence on a name that is not there."""
    from eventstudy.spelling import meant

    hint = meant(name, __all__)
    return f"; {hint}" if hint else ""


sys.modules[__name__].__class__ = _Package

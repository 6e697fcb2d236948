"""Progress and warnings of a study: a bar in notebooks and terminals, warnings that Python can filter."""

from __future__ import annotations

import html
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from eventstudy.errors import EventStudyWarning
from eventstudy.keyword_names import in_python

Say = Callable[[str], None]
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# beginnings of the lines of progress, in their order, and the share of the work that is done by then
STAGES = {
    "placing": 0.05,
    "reading prices": 0.1,
    "returns of": 0.2,
    "prices:": 0.3,
    "studying": 0.35,
    "tests across events": 0.7,
    "claims": 0.8,
    "every test": 0.9,
}
# seconds before a bar appears: what is done sooner needs none
PATIENCE = 0.5
WIDTH = 24


def watched() -> str:
    """The place of output: ``notebook``, ``terminal`` of an interactive session, or empty in a script."""
    shell = sys.modules.get("IPython")
    active = shell.get_ipython() if shell is not None else None
    if type(active).__name__ == "ZMQInteractiveShell":
        return "notebook"
    interactive = active is not None or hasattr(sys, "ps1")
    return "terminal" if interactive and sys.stderr is not None and sys.stderr.isatty() else ""


@contextmanager
def progress(given: Say | bool | None) -> Iterator[Say]:
    """Lines of progress to whoever is given; to a bar where a person watches; else nowhere.

    Parameters
    ----------
    given : callable, bool or None
        None decides by where the program runs; True shows a bar in any case, False none.
    """
    if callable(given):
        yield given
        return
    place = watched()
    if given is False or (given is None and not place):
        yield _nowhere
        return
    bar = _Notebook() if place == "notebook" else _Terminal()
    try:
        yield bar.line
    finally:
        bar.close()


def _nowhere(line: str) -> None:
    del line


class _Bar:
    """Progress of a study by the stage that a line names."""

    def __init__(self) -> None:
        self.began, self.done, self.shown = time.monotonic(), 0.0, False

    def advance(self, line: str) -> bool:
        """Take a line; whether it is time to show the bar."""
        reached = [share for words, share in STAGES.items() if line.startswith(words)]
        self.done = max([self.done, *reached])
        self.shown = self.shown or time.monotonic() - self.began > PATIENCE
        return self.shown


class _Terminal:
    """A bar on the last line of a terminal."""

    def __init__(self) -> None:
        self.bar = _Bar()

    def line(self, line: str) -> None:
        """Show how far the study is."""
        if self.bar.advance(line):
            full = round(self.bar.done * WIDTH)
            words = "".join(c if c.isprintable() else " " for c in line[:80])
            sys.stderr.write(f"\r\x1b[2K[{'#' * full}{'.' * (WIDTH - full)}] {words}")
            sys.stderr.flush()

    def close(self) -> None:
        """Clear the line."""
        if self.bar.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


class _Notebook:
    """A bar in the output of a cell, which it leaves empty."""

    def __init__(self) -> None:
        self.bar = _Bar()
        self.handle: Any = None

    def line(self, line: str) -> None:
        """Show how far the study is."""
        if not self.bar.advance(line):
            return
        self._show(f'<progress value="{self.bar.done:.2f}" max="1"></progress> {html.escape(line[:120])}')

    def close(self) -> None:
        """Leave nothing behind."""
        if self.handle is not None:
            self._show("")

    def _show(self, text: str) -> None:
        from IPython.display import HTML, display

        if self.handle is None:
            self.handle = display(HTML(text), display_id=True)
        else:
            self.handle.update(HTML(text))


def warn_once(notices: Iterable[str]) -> None:
    """Each notice as a Python warning of the place that called this package, once."""
    level = _outside()
    for notice in dict.fromkeys(map(in_python, notices)):
        warnings.warn(notice, EventStudyWarning, stacklevel=level)


def _outside() -> int:
    """Number of frames between ``warnings.warn`` in ``warn_once`` and the first one outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    return level

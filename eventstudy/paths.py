"""Checks of named files before anything is read."""

from __future__ import annotations

from pathlib import Path

from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.opening import exists
from eventstudy.spelling import meant_path

INIT = "`eventstudy init` writes an example study"


def existing_events_file(path: Path) -> Path:
    """The events file, if there is one. Raises ``InputFileError`` if not, with the name of the file that was probably
    meant."""
    if exists(path):
        return path
    raise InputFileError(str(path), [Problem(0, "", "", f"there is no such file; {meant_path(path) or INIT}")])


def check_named(source: str, factors: str) -> None:
    """Hold the files and folders of ``--source`` and ``--factors`` against what is there. Raises ``UsageError`` if one
    is not there and another of nearly the same name is; whoever reads it says the rest."""
    # the command has it already; naming it above would make every start slower
    from eventstudy.spec import LIVE

    kind, _, place = source.partition(":")
    for option, text, folder in (("source", place, kind == "csv"), ("factors", factors, False)):
        if text not in ("", LIVE) and not exists(text) and (hint := meant_path(Path(text), folder=folder)):
            raise UsageError(f"--{option}: there is no {text}", f"a {'folder' if folder else 'file'}", hint)

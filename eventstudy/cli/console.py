"""Talk on stderr, data on stdout, errors as sentences."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.results import StudyResult


# notices that are said; all of them stand in manifest.json
SAID = 20


@dataclass(frozen=True, slots=True)
class Console:
    """How a command talks.

    Attributes
    ----------
    quiet, verbose, color : bool
    """

    quiet: bool = False
    verbose: bool = False
    color: bool = True

    @classmethod
    def make(cls, quiet: bool, verbose: bool, no_color: bool) -> Console:
        """From the flags, ``NO_COLOR`` and whether stderr is a terminal."""
        color = not no_color and not os.environ.get("NO_COLOR") and sys.stderr.isatty()
        return cls(quiet, verbose, color)

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.quiet:
            # a full disk behind stderr must not end a run
            with suppress(OSError):
                print(printable(text), file=sys.stderr)

    def detail(self, text: str) -> None:
        """A line for people who asked for more."""
        if self.verbose:
            self.say(text)

    def progress(self, text: str) -> None:
        """A passing line; only on a terminal."""
        if not self.quiet and sys.stderr.isatty():
            print(f"\r\x1b[2K{printable(text[:100])}", end="", file=sys.stderr, flush=True)
        else:
            self.detail(text)

    def progress_done(self) -> None:
        """Clear the passing line."""
        if not self.quiet and sys.stderr.isatty():
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Something a person should know, on a line of its own."""
        self.progress_done()
        self.say(f"note: {printable(text)}")

    def fail(self, error: EventStudyError) -> None:
        """An error as a sentence with its fix."""
        mark = "\x1b[31merror:\x1b[0m" if self.color else "error:"
        with suppress(OSError):
            print(f"{mark} {printable(str(error))}", file=sys.stderr)


def say_prices(result: StudyResult, console: Console) -> None:
    """Which prices a run took and why, and what else its settings did."""
    choice = result.prepared.choice
    if choice is not None:
        console.say(f"prices: {choice.source} ({printable('; '.join(choice.why))})")
    for notice in result.notices[:SAID]:
        console.say(f"note: {printable(notice)}")
    if len(result.notices) > SAID:
        console.say(f"note: manifest.json has {len(result.notices) - SAID:,} more")


# what the log of a CI run takes for a command: two colons at the start of a line, and an older form anywhere
_COMMAND = re.compile(r"^(\s*)::|##(?=\[)", re.MULTILINE)


def printable(text: str) -> str:
    """Text from outside without terminal escapes and without commands to the log of a CI run; line breaks stay."""
    plain = "".join(c if c == "\n" or c.isprintable() else "�" for c in text)
    return _COMMAND.sub(lambda found: "# #" if found[0] == "##" else f"{found[1]}: :", plain)

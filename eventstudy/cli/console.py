"""Output of the commands: messages on stderr, data on stdout, errors as sentences. Only this module prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.api.result import StudyResult


# progress that counts
_COUNTED = re.compile(r"page ([\d,]+) of ([\d,]+)")
# notices that are said; all of them are in manifest.json
SAID = 20


@dataclass(frozen=True, slots=True)
class Console:
    """Messages of a command."""

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
                tell(text, error=True)

    def detail(self, text: str) -> None:
        """A line for people who asked for more."""
        if self.verbose:
            self.say(text)

    def progress(self, text: str) -> None:
        """A passing line on a terminal; elsewhere one line a tenth of what counts a hundred and more."""
        if not self.quiet and sys.stderr.isatty():
            with suppress(OSError):
                print(f"\r\x1b[2K{printable(text[:100])}", end="", file=sys.stderr, flush=True)
        elif (found := _COUNTED.match(text)) and _tenth(*(int(n.replace(",", "")) for n in found.groups())):
            self.say(text)
        else:
            self.detail(text)

    def progress_done(self) -> None:
        """Clear the passing line."""
        if not self.quiet and sys.stderr.isatty():
            with suppress(OSError):
                print("\r\x1b[2K", end="", file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Something a person should know, on a line of its own."""
        self.progress_done()
        self.say(f"note: {text}")

    def fail(self, error: EventStudyError) -> None:
        """An error as a sentence with its fix."""
        # the colour is ours, the text is not
        before, after = ("\x1b[31m", "\x1b[0m") if self.color else ("", "")
        with suppress(OSError):
            print(f"{before}error:{after} {printable(error.in_lines())}", file=sys.stderr)


def say_prices(result: StudyResult, console: Console) -> None:
    """Which prices a run took and why, and what else its settings did."""
    from eventstudy.api.result import record_of

    console.progress_done()
    choice = record_of(result).prepared.choice
    if choice is not None:
        console.say(f"prices: {choice.source} ({'; '.join(choice.why)})")
    for notice in result.notices[:SAID]:
        console.say(f"note: {notice}")
    if len(result.notices) > SAID:
        console.say(f"note: manifest.json has {len(result.notices) - SAID:,} more")


def _tenth(number: int, n: int) -> bool:
    """Whether a tenth of a long list is done with this one."""
    return n >= 100 and number * 10 // n > (number - 1) * 10 // n


# what the log of a CI run takes for a command: two colons at the start of a line, and an older form anywhere
_UNPRINTED = re.compile(r"[^\n -~]")
_COMMAND = re.compile(r"^(\s*)::|##(?=\[)", re.MULTILINE)


def tell(text: object, *, error: bool = False, command: bool = False, end: str = "\n", flush: bool = False) -> None:
    """Print a text: the one way from this program to a terminal or to the log of a CI run.

    Parameters
    ----------
    text : object
        Any text; made ``printable`` here.
    error : bool
        To stderr instead of stdout.
    command : bool
        One line that is meant as a command to the log, made by ``annotation``.
    """
    plain = _without_controls(str(text)).replace("\n", " ") if command else printable(str(text))
    if not error:
        _PRINTED.append(True)
    stream = sys.stderr if error else sys.stdout
    print(_encodable(plain, getattr(stream, "encoding", None) or "ascii"), end=end, file=stream, flush=flush)


# ASCII replacements for typographic marks that an encoding lacks
_PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "–": "-", "−": "-", "·": ".", "…": "..."})


def _encodable(text: str, encoding: str) -> str:
    """Text that a stream's encoding can write, whatever its error handling: plain marks, then question marks."""
    try:
        text.encode(encoding)
    except LookupError:
        return text.translate(_PLAIN).encode("ascii", "replace").decode()
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


# whether something was printed on stdout
_PRINTED: list[bool] = []


def printed(*, afresh: bool = False) -> bool:
    """Whether something was printed on stdout since a command began; ``afresh`` begins one."""
    if afresh:
        _PRINTED.clear()
    return bool(_PRINTED)


def writes(characters: str) -> bool:
    """Whether stdout can show some characters: its encoding has them, and no ``TERM=dumb`` says otherwise."""
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def tell_json(found: Mapping[str, Any], digits: int | None = None) -> None:
    """Print one object with the version of its form; decimals of at most so many significant digits."""
    from eventstudy.report.escape import SCHEMA_VERSION, json_dumps

    tell(json_dumps({"schema_version": SCHEMA_VERSION, **found}, digits))


def _without_controls(text: str) -> str:
    """Characters that a terminal would obey, or not show, as a mark."""
    return _UNPRINTED.sub(lambda found: found[0] if found[0].isprintable() else "�", text)


def printable(text: str) -> str:
    """Text from outside without terminal escapes and without commands to the log of a CI run; line breaks stay."""
    plain = _without_controls(text)
    return _COMMAND.sub(lambda found: "# #" if found[0] == "##" else f"{found[1]}: :", plain)

"""Every error a user can meet: what was found, what was wanted, what to do next.

One root, so that ``except EventStudyError`` catches them all. Each class carries its facts as attributes
and the exit code of the command line. Errors end a run; an event that cannot be studied is a row with a reason
instead (see ``results.Exclusion``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eventstudy.keyword_names import in_python

LISTED_PROBLEMS = 100
# a message begins with what is wrong and may go on with the facts of its row
_REASON = re.compile(r"[;,(]| with ticker | in line | in row | from ")


def flat(text: str, longest: int) -> str:
    """Text from outside as part of one line, and no longer than a person reads."""
    line = " ".join(text.splitlines())
    return line if len(line) <= longest else f"{line[:longest]}…"


class EventStudyError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    found : str
        What is wrong, with the value that was met.
    wanted : str
        What would have been right.
    hint : str
        What to do next.
    """

    exit_code = 1

    def __init__(self, found: str, wanted: str = "", hint: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.wanted = wanted
        self.hint = hint

    def __str__(self) -> str:
        """One line, as a notebook shows it below a traceback, with keywords in place of options."""
        parts = (self.found, self.wanted and f"wanted {self.wanted}", self.hint)
        return in_python("; ".join(part for part in parts if part))

    def in_lines(self) -> str:
        """Text for the command line: the hint on a line of its own, options as they are typed."""
        text = f"{self.found}; wanted {self.wanted}" if self.wanted else self.found
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class EventStudyWarning(UserWarning):
    """Warning about a study that ran: a setting that was changed, an event that needs a look.

    ``warnings.filterwarnings("ignore", category=EventStudyWarning)`` silences them all; ``result.notices`` keeps them.
    """


class UsageError(EventStudyError, ValueError):
    """A choice that cannot be right: an option, a setting, a path that cannot be written."""

    exit_code = 2


class UnknownExchange(UsageError):
    """No exchange is known for a ticker's suffix, or its calendar cannot be built; within a study an excluded row."""

    @property
    def advice(self) -> str:
        """One sentence with the value found and the value wanted."""
        return "; ".join(
            part for part in (self.found, f"wanted {self.wanted}" if self.wanted else "", self.hint) if part
        )


class ExpressionError(UsageError):
    """An expression of ``check --fail-if`` that makes no sense, with its place.

    Parameters
    ----------
    text : str
        The whole expression.
    at, length : int
        Place of the trouble: first character, and how many.
    found, wanted, hint : str
    """

    def __init__(self, text: str, at: int, length: int, found: str, wanted: str = "", hint: str = "") -> None:
        super().__init__(found, wanted, hint)
        self.text = text
        self.at = at
        self.length = length

    def __str__(self) -> str:
        # a mark below the expression needs lines of its own
        return self.in_lines()

    def in_lines(self) -> str:
        """The expression with a mark below what is meant."""
        # one character stays one column, so that the mark is below what it refers to
        flat = "".join(c if c.isprintable() else " " for c in self.text)
        start = max(0, self.at - 60)
        shown = flat[start : start + 120]
        mark = " " * (self.at - start) + "^" * max(1, min(self.length, len(shown) - (self.at - start)))
        head, _, hint = super().in_lines().partition("\n")
        return f"--fail-if, character {self.at + 1}: {head}\n    {shown}\n    {mark}" + (f"\n{hint}" if hint else "")


class NothingStudied(EventStudyError):
    """No event could be studied, or some could not and the user asked to be strict."""

    exit_code = 3


class SourceUnavailable(EventStudyError):
    """The price source does not answer and nothing else covers the study."""

    exit_code = 4


class RateLimited(SourceUnavailable):
    """The price source refuses more requests from this address for now.

    Parameters
    ----------
    found, wanted, hint : str
    retry_after : float or None
        Seconds to wait before the next request, where the source states it.
    """

    def __init__(self, found: str, wanted: str = "", hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(found, wanted, hint)
        self.retry_after = retry_after


class MalformedResponse(SourceUnavailable):
    """The price source sent something that is not an answer: a page, half a reply, impossible figures."""


class GateTripped(EventStudyError):
    """A condition of ``check --fail-if`` is true: the numbers meet a condition that a user set."""

    exit_code = 5


class UnknownSymbol(EventStudyError):
    """The price source itself says that it knows no such symbol; within a run this is an excluded row."""

    exit_code = 3


class NoDataInRange(EventStudyError):
    """The price source knows the symbol and says that it has no prices in the range asked for."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in an input file.

    Attributes
    ----------
    line : int
        Line of the file, the header being line 1; 0 when the problem is the file itself.
    column : str
        Column name, empty when the whole row or file is meant.
    value : str
        The text that was found.
    message : str
        What is wrong and what to write instead.
    """

    line: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        return self.at("line")

    def at(self, unit: str) -> str:
        """The sentence with its place counted in lines or rows."""
        place = f"{unit} {self.line}" if self.line else "file"
        column = f"  {flat(self.column, 80)}" if self.column else ""
        value = f" {self.value[:80]!r}" if self.value else ""
        return f"{place}{column}{value}: {flat(self.message, 1000)}"


class InputFileError(EventStudyError):
    """An input file that cannot be read, with all its problems at once.

    Parameters
    ----------
    path : str
        The file as the user named it.
    problems : sequence of Problem
        Everything that is wrong, in file order.
    unit : str
        What places count: ``line``, or ``row`` of a file without lines.
    """

    exit_code = 2

    def __init__(self, path: str, problems: Sequence[Problem], unit: str = "line") -> None:
        self.path = path
        self.unit = unit
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{path}: {count:,} problem{'' if count == 1 else 's'}; nothing was run")

    def __str__(self) -> str:
        one = len(self.problems) == 1
        return in_python(f"{self.found}: {self.problems[0].at(self.unit)}" if one else self.in_lines())

    def in_lines(self) -> str:
        """The number of problems, and each on a line of its own."""
        lines = [self.found, *(f"  {problem.at(self.unit)}" for problem in self.problems[:LISTED_PROBLEMS])]
        if len(self.problems) > LISTED_PROBLEMS:
            lines.append(f"  and {len(self.problems) - LISTED_PROBLEMS:,} more; all of them by reason:")
            reasons = Counter((problem.column, _REASON.split(problem.message)[0]) for problem in self.problems)
            lines += [
                f"  {count:,} x {column}{' ' if column else ''}{reason}"
                for (column, reason), count in reasons.most_common(LISTED_PROBLEMS)
            ]
        return "\n".join(lines)

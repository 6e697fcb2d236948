"""Claims of a source for day 0: a return, a bound or a direction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["value", "below", "above", "up", "down"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_PERCENT = re.compile(r"([<>]?)\s*([+-]?\d+(?:\.\d+)?)\s*%", re.ASCII)
# more letters than any return has
LONGEST = 64
WANTED = "write a decimal such as -0.07, a bound such as <-0.06, or up or down"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on day 0.

    Attributes
    ----------
    kind : str
    value : float or None
        Decimal return; None for a direction.
    decimals : int
        Digits after the point as written.
    """

    kind: Kind
    value: float | None
    decimals: int
    text: str


def parse_claim(text: str) -> Claim:
    """Read a claim.

    Raises
    ------
    ValueError
        With a sentence that says what to write instead.
    """
    if text == "up":
        return Claim("up", None, 0, text)
    if text == "down":
        return Claim("down", None, 0, text)
    if len(text) > LONGEST:
        raise ValueError(f"is not a claim; {WANTED}")
    if match := _PERCENT.fullmatch(text):
        fixed = f"{float(match[2]) / 100:.10f}".rstrip("0").rstrip(".")
        raise ValueError(f"is a percentage; write {match[1]}{fixed}")
    kind: Kind = {"<": "below", ">": "above"}.get(text[:1], "value")  # type: ignore[assignment]
    number = text[1:].strip() if kind != "value" else text
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"is not a claim; {WANTED}")
    value = float(number)
    if value <= -1 or value > 10:
        raise ValueError(f"means {100 * value:g} %; write {value / 100:g} if {value:g} % is meant")
    return Claim(kind, value, len(number.partition(".")[2]), text)

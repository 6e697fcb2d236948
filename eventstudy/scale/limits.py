"""Limits of cost above which a part of a study needs a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Predicted costs, and what changes above them; nothing else depends on the size of a study.

    Attributes
    ----------
    kept : int
        Bytes of measured events and their prices that are kept in memory. Above, tables are written block by block, and
        what looks at single events looks at those that have pages.
    seconds : float
        Of one part of a study, such as one test of single events; above, the part waits until an option names it.
    groups : int
        Groups that a study may have.
    block : int
        Events of a block, the unit of work and of output: a multiple of 2,048.
    """

    kept: int = 400_000_000
    seconds: float = 10.0
    groups: int = 1_000
    block: int = 16_384


LIMITS = Limits()

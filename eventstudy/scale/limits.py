"""From how many events on a study is handled differently."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Numbers of events, and what changes above them.

    Attributes
    ----------
    bulk : int
        The study is streamed: tables of windows, models, exclusions and groups only.
    groups : int
        Groups that a streamed study may have.
    block : int
        Events of a block, the unit of work and of output: a multiple of 2,048.
    """

    bulk: int = 20_000
    groups: int = 1_000
    block: int = 16_384


LIMITS = Limits()

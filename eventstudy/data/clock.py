"""The one clock of the data side: what is final, and how old prices are, depends on it and on nothing else."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This moment, with its zone."""
    return datetime.now(UTC)

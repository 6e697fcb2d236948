"""Helpers of every reader of text: decimals in ASCII, where Python alone would read more, and large cells of CSV."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LARGEST_CELL = 1_000_000
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def decimal(text: str) -> float:
    """A decimal; infinite where its exponent is beyond a float.

    ``1_000``, digits of other scripts, ``inf`` and ``nan`` are not decimals: a cell that means something else must not
    become a number. Raises ``ValueError`` if it is not a decimal."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("is not a decimal")
    return float(text)


def whole(text: str) -> int:
    """A whole number of at most 18 digits. Raises ``ValueError`` if it is not such a number."""
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a whole number")
    return int(text)


@contextmanager
def large_cells() -> Iterator[None]:
    """Cells of up to a million letters while a CSV file is read.

    The limit of Python's module belongs to the whole process, so it is put back.
    """
    previous = csv.field_size_limit(min(LARGEST_CELL, sys.maxsize))
    try:
        yield
    finally:
        csv.field_size_limit(previous)

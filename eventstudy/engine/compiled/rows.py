"""Rows of the compiled kernel's scratch array."""

from __future__ import annotations

RETURN, SPAN, OBSERVED, USED, ROOT, WEIGHT, TARGET, ERROR, SCALED, ESTIMATION = range(10)
# then the K factors as they are, then p columns made orthogonal
FIRST = 10

"""What events share, pair by pair and day by day, in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Apart:
    """One event: calendar day -> its residual, -> the weight of its error in the CAR; the days of its window."""

    residual: dict[int, float]
    weight: dict[int, float]
    window: list[int]
    firm: int
    share: float


def pairs(events: list[Apart], parameters: int, common_days: int) -> dict[str, float]:
    """Sums over all pairs: overlapping pairs, common window days, r, r times overlap, 2 c c Omega."""
    found = dict.fromkeys(("pairs", "common_days", "count", "correlation", "overlap_correlation", "covariance"), 0.0)
    for i, one in enumerate(events):
        for other in events[i + 1 :]:
            meet = len(set(one.window) & set(other.window))
            if not meet:
                continue
            found["pairs"] += 1
            found["common_days"] += meet
            days = sorted(set(one.residual) & set(other.residual))
            m = len(days)
            if m < max(common_days, parameters + 2):
                continue
            x, y = [one.residual[d] for d in days], [other.residual[d] for d in days]
            mx, my = math.fsum(x) / m, math.fsum(y) / m
            xy = math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
            scale = math.fsum((a - mx) ** 2 for a in x) * math.fsum((b - my) ** 2 for b in y)
            r = 1.0 if one.firm == other.firm else xy / math.sqrt(scale)
            sigma = math.fsum(a * b for a, b in zip(x, y, strict=True)) / (m - parameters)
            both = math.fsum(one.weight[d] * other.weight[d] for d in set(one.weight) & set(other.weight))
            if not one.share or not other.share:
                continue
            found["count"] += 1
            found["correlation"] += r
            found["overlap_correlation"] += r * meet / len(one.window)
            found["covariance"] += 2 * one.share * other.share * sigma * both
    return found

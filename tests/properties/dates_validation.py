"""Observed sizes of ``im-t`` through the public API: the section of docs/validation.md that
``python -m tests.properties.dates_validation`` writes.

A study holds many groups (``--by category``), each with a few dates that all have news, unequal numbers of events on them
and errors correlated within a date.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from eventstudy import StudySpec, Window
from eventstudy.study import run
from tests.properties.spans_validation import LEVEL, rate, written

SIZES = {4: (5, 4, 3, 2), 6: (5, 4, 3, 2, 2, 2)}
LAWS = ("normal", "t4", "unequal variances")
CELLS = (("normal", 4), ("normal", 6), ("t4", 4), ("unequal variances", 4))
TESTS = ("im-t", "csect-t")
GROUPS, APART, M, GAP, RHO = 40, 8, 80, 10, 0.3
WINDOWS = (Window(0, 0), Window(0, 2))
MARK = "\n## Few event dates\n"


@dataclass(frozen=True)
class Draw:
    """One study: distribution of the errors, dates of a group, number of the batch."""

    law: str
    dates: int
    batch: int


def tables(draw: Draw) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and prices of a batch."""
    from eventstudy.data.calendar import load_calendar

    first, last = (pd.Timestamp(day).date() for day in ("2021-01-04", "2022-12-30"))
    width = M + GAP + APART * draw.dates + 4
    days = load_calendar("XNYS", first, last).sessions[:width]
    rng = np.random.default_rng([LAWS.index(draw.law), draw.dates, draw.batch, 7])

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_t(4, shape) / np.sqrt(2) if draw.law == "t4" else rng.normal(size=shape)

    market = rng.normal(4e-4, 0.01, width)
    frames = [pd.DataFrame({"ticker": "SPY", "date": days, "close": 100 * np.cumprod(1 + market)})]
    events, names, closes = [], [], []
    for g in range(GROUPS):
        for d, n in enumerate(SIZES[draw.dates]):
            at = M + GAP + 1 + APART * d
            e = np.sqrt(RHO) * drawn((1, width)) + np.sqrt(1 - RHO) * drawn((n, width))
            if draw.law == "unequal variances":
                e[:, at : at + 3] *= np.exp(0.7 * rng.normal())
            own = rng.uniform(0.8, 1.5, (n, 1)) * market + 0.02 * e
            closes.append(100 * np.cumprod(1 + own, axis=1))
            for f in range(n):
                names.append(f"G{g}D{d}F{f}")
                events.append(
                    {"event_id": names[-1], "ticker": names[-1], "announced_at": str(days[at]), "timing": "bmo"}
                    | {"category": f"group{g}"}
                )
    table = np.concatenate(closes)
    frames.append(
        pd.DataFrame({"ticker": np.repeat(names, width), "date": np.tile(days, len(names)), "close": table.ravel()})
    )
    return pd.DataFrame(events), pd.concat(frames, ignore_index=True)


def hits(draw: Draw) -> dict[tuple[str, str], tuple[int, int]]:
    """(test, window) -> rejections and groups of one batch."""
    spec = StudySpec(
        estimation=M,
        gap=GAP,
        event_window=Window(0, 2),
        windows=WINDOWS,
        windows_given=True,
        tests=TESTS,
        by="category",
    )
    found = run(*tables(draw), spec).aggregate
    found = found[found["group"] != "all"]
    counts = {}
    for test in TESTS:
        for window in WINDOWS:
            p = found[(found["test"] == test) & (found["window"] == window.label)]["p_value"].dropna()
            counts[test, window.label] = int((p <= LEVEL).sum()), len(p)
    return counts


def section(batches: int, workers: int) -> str:
    """Simulate, and the text."""
    draws = [Draw(law, g, b) for law, g in CELLS for b in range(batches)]
    total: dict[tuple[str, int, str, str], tuple[int, int]] = {}
    with ProcessPoolExecutor(workers) as pool:
        for draw, found in zip(draws, pool.map(hits, draws), strict=True):
            for (test, window), (hit, n) in found.items():
                key = draw.law, draw.dates, test, window
                before = total.get(key, (0, 0))
                total[key] = before[0] + hit, before[1] + n
    n = min(count for _, count in total.values())
    text = (
        MARK
        + f"""
Groups whose events share a few dates, errors correlated {RHO:g} within a date, unequal numbers of events on the dates
({", ".join(f"{g}: {'/'.join(map(str, sizes))}" for g, sizes in SIZES.items())}), windows [0,0] / [0,2]; studies through `eventstudy.run`, {n:,} groups a
cell (standard error of a 5 % rate {100 * np.sqrt(0.0475 / n):.1f} points). `unequal variances`: a date's deviation is exp(0.7 z) times the earlier one.
`csect-t` ignores the correlation and must fail.

| errors, dates | """
        + " | ".join(f"`{test}`" for test in TESTS)
        + " |\n|---|"
        + "--:|" * len(TESTS)
        + "\n"
    )
    for law, g in CELLS:
        cells = [" / ".join(rate(total[law, g, test, w.label]) for w in WINDOWS) for test in TESTS]
        text += f"| {law}, {g} | " + " | ".join(cells) + " |\n"
    return text


def main() -> int:
    """Simulate and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/validation.md"))
    chosen = parser.parse_args()
    began = time.monotonic()
    written(chosen.out, MARK, section(chosen.batches, chosen.workers))
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

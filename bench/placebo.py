"""The table of all pseudo-events of a series: one pass of two-block sums against the direct kernel, side by side.

CPU time, interleaved in random order; the ratio of medians counts, the spread is printed. Bar: half of the direct
kernel.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from eventstudy.engine.options import Options
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.placebo import direct_table, placebo_table
from eventstudy.engine.windows import WindowPlan

ROUNDS = 9
SESSIONS = 2500
PLAN = WindowPlan(estimation=250, gap=10, start=-10, end=10)
WINDOWS = [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10)]
OPTIONS = Options(plan=PLAN, model="market-model", windows=tuple(WINDOWS), min_estimation=60)
BAR = 0.5


def series(seed: int) -> tuple[ReturnPanel, np.ndarray]:
    """Ten years of one security with a mask of three sessions each quarter and a few holes."""
    rng = np.random.default_rng(seed)
    market = rng.normal(4e-4, 0.01, SESSIONS)
    y = 1.2 * market + rng.standard_t(4, SESSIONS) * 0.014
    y[rng.choice(SESSIONS, 5, replace=False)] = np.nan
    mask = np.zeros(SESSIONS, bool)
    for at in range(30, SESSIONS - 2, 63):
        mask[at : at + 3] = True
    known = np.isfinite(y).astype(np.int64)
    panel = ReturnPanel(
        returns=y[None], factors=market[None, None], span=known[None], day_number=np.arange(SESSIONS)[None]
    )
    return panel, mask


def cpu(job: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    job()
    return time.process_time() - began


def main() -> None:
    """Print the ratio and the largest difference between both."""
    panel, mask = series(1)
    sessions = np.arange(-PLAN.estimation_start, SESSIONS - 10)
    jobs: dict[str, Callable[[], object]] = {
        "one pass": lambda: placebo_table(panel, 0, mask, OPTIONS),
        "direct": lambda: direct_table(panel, 0, mask, OPTIONS, sessions),
    }
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    rng = np.random.default_rng(0)
    for job in jobs.values():
        job()
    for _ in range(ROUNDS):
        for name in rng.permutation(list(jobs)):
            spent[name].append(cpu(jobs[name]))
    ratio = statistics.median(spent["one pass"]) / statistics.median(spent["direct"])
    pairs = sorted(a / b for a, b in zip(spent["one pass"], spent["direct"], strict=True))
    ours, theirs = (job() for job in jobs.values())
    gap = float(np.nanmax(np.abs(ours.t - theirs.t)))  # type: ignore[attr-defined]
    nanoseconds = 1e9 * statistics.median(spent["one pass"]) / (len(sessions) * len(WINDOWS))
    print(
        f"placebo table of {len(sessions)} sessions and {len(WINDOWS)} windows: {ratio:.3f} of the direct kernel (bar "
        f"{BAR}); pairs {pairs[0]:.3f} to {pairs[-1]:.3f}; {nanoseconds:.0f} ns a session and window; largest "
        f"difference in t {gap:.1e}"
    )


if __name__ == "__main__":
    main()

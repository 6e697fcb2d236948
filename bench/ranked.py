"""The battery with both rank tests, compiled, against batched NumPy by a careful user; both print the same statistics.

``csect-t``, ``patell``, ``bmp``, ``corrado`` and ``grank-t`` over three windows, from returns to statistics: two passes
here, for GRANK divides by the deviation of all SCARs; one pass and kept residuals there. Processor time of one thread.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from bench.baseline import battery
from bench.harness import Job, interleaved, machine, ratio
from bench.kernels import OPTIONS, PLAN, WINDOWS, simulated
from eventstudy.engine.aggregates import (
    GroupWindow,
    Layout,
    Member,
    Outcomes,
    Tally,
    empty_sample,
    tallied,
    with_second_pass,
)
from eventstudy.engine.measure import Engine, measure
from eventstudy.engine.measures import light_evidence
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.engine.second_pass import Cell, totals
from eventstudy.engine.significance.battery import finalised, parts_read
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.summary import LIGHT_PARTS, Summary

EVENTS, ROUNDS, TWIN = 40_960, 9, 4096
FIVE = ("csect-t", "patell", "bmp", "corrado", "grank-t")
# every test that a streamed study computes unasked
WHOLE = (
    *FIVE, "stouffer-t", "patell-sum", "skew-t-johnson", "skew-t-hall", "crude-dependence", "cumrank-t", "cumrank-z",
    "corrado-zivney", "grank-z", "grank-raw", "sign", "generalized-sign", "cz-sign", "avar", "vol-ratio-csect",
)  # fmt: skip


def compiled_battery(
    panel: ReturnPanel, placed: Placed, tests: tuple[str, ...] = FIVE, engine: Engine = "numba"
) -> dict[str, list[float]]:
    """The statistics of a streamed study, without its files."""
    n, parts = len(placed.session), parts_read(tests)
    layout, tally = Layout(plan=PLAN, windows=tuple(WINDOWS), n_shared=len(WINDOWS)), Tally.empty()
    for at in range(0, n, CHUNK):
        few = placed.part(at, at + CHUNK)
        found = measure(panel, few, replace(OPTIONS, engine=engine))
        outcomes = Outcomes(
            car=found.car,
            std_error=found.std_error,
            scar=found.scar,
            bhar=found.bhar,
            q=found.q,
            ar=found.ar,
            evidence=light_evidence(found),
            date=few.session,
            place=few.session,
        )
        everyone = Member(np.ones(len(few.session), dtype=bool), len(few.session))
        tally.add(tallied(outcomes, {0: everyone}, layout, parts, panel.n_sessions, spread=True))
    member = np.ones(n, dtype=bool)
    cells = [Cell(window=w, member=member, spread=tally.tested[0, w].spread) for w in range(len(WINDOWS))]
    more = totals(panel, placed, replace(OPTIONS, engine=engine), cells, parts - LIGHT_PARTS)
    return _statistics(with_second_pass(tally, {(0, w): one for w, one in enumerate(more)}), layout, tests)


def _statistics(whole: dict[GroupWindow, Summary], layout: Layout, tests: tuple[str, ...]) -> dict[str, list[float]]:
    apart = Dependence(n_dates=EVENTS)
    found: dict[str, list[float]] = {name: [] for name in tests}
    for w in range(len(WINDOWS)):
        for result in finalised(empty_sample(layout, w), whole[0, w], apart, tests, "two-sided"):
            found[result.test].append(result.statistic)
    return found


def main() -> None:
    """Print the ratios."""
    panel, placed = simulated(EVENTS)
    market, plan = np.ascontiguousarray(panel.factors[0, 0]), (PLAN.start, PLAN.end, PLAN.estimation)
    few = placed.part(0, TWIN)

    def careful() -> dict[str, list[float]]:
        return battery(panel.returns, market, placed.series, placed.session, plan, WINDOWS)

    print(machine())
    whole = replace(panel, returns=np.nan_to_num(panel.returns), span=np.ones_like(panel.span))
    ours = compiled_battery(whole, few)
    theirs = battery(whole.returns, market, few.series, few.session, plan, WINDOWS)
    gap = max(abs(a - b) for name in FIVE for a, b in zip(ours[name], theirs[name], strict=True))
    print(f"without missing days, on which they have different rules, their statistics differ by {gap:.0e} at most")
    jobs: dict[str, Job] = {
        "five tests, compiled": lambda: compiled_battery(panel, placed),
        "five tests, batched": careful,
        f"{len(WHOLE)} tests, compiled": lambda: compiled_battery(panel, placed, WHOLE),
        f"{len(WHOLE)} tests, NumPy twin": lambda: compiled_battery(panel, few, WHOLE, "numpy"),
    }
    spent = interleaved(jobs, ROUNDS)
    for name, times in spent.items():
        n = TWIN if name.endswith("twin") else EVENTS
        each = sorted(1e6 * t / n for t in times)
        print(f"  {name:<24}{statistics.median(each):8.2f} us an event, rounds {each[0]:.2f} to {each[-1]:.2f}")
    middle, low, high = ratio(spent["five tests, batched"], spent["five tests, compiled"])
    print(f"five tests, compiled against batched NumPy: {middle:.1f}x, rounds {low:.1f} to {high:.1f} (bar 5x, aim 9x)")
    fast, slow = spent[f"{len(WHOLE)} tests, compiled"], spent[f"{len(WHOLE)} tests, NumPy twin"]
    middle, low, high = ratio(slow, fast, EVENTS / TWIN)
    print(f"{len(WHOLE)} tests, compiled against their NumPy twin: {middle:.1f}x, rounds {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main()

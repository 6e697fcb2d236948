"""Cost of an event: the compiled kernel, its NumPy twin, batched NumPy by a careful user, statsmodels one by one.

Processor time of one thread, interleaved in one run; ratios of medians with the lowest and highest of the rounds. Two
threads against one by the clock on the wall, quiet windows only. Needs the extra ``[fast]``.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from bench.baseline import market_model
from bench.harness import Job, interleaved, machine, quiet_wall, ratio
from eventstudy.engine.measure import Engine, measure
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.engine.windows import WindowPlan

SERIES, SESSIONS, EVENTS, BY_HAND, ROUNDS = 1500, 2520, 100_000, 300, 9
PLAN = WindowPlan(estimation=250, gap=10, start=-10, end=10)
WINDOWS = [(0, 0), (-1, 1), (0, 10)]
MODEL = "market-model"
OPTIONS = Options(plan=PLAN, model=MODEL, windows=tuple(WINDOWS), paths=False, min_estimation=60)


def simulated(events: int) -> tuple[ReturnPanel, Placed]:
    """Securities of which half miss 2 % of their days, and events in the order of security and session."""
    rng = np.random.default_rng(7)
    market = rng.normal(4e-4, 0.01, SESSIONS)
    returns = rng.uniform(0.8, 1.5, (SERIES, 1)) * market + rng.standard_t(5, (SERIES, SESSIONS)) * 0.014
    returns[::2][rng.random((len(returns[::2]), SESSIONS)) < 0.02] = np.nan
    known = np.isfinite(returns).astype(np.int16)
    panel = ReturnPanel(
        returns=returns,
        factors=np.broadcast_to(market, (SERIES, 1, SESSIONS)),
        span=known,
        day_number=np.broadcast_to(np.arange(SESSIONS), (SERIES, SESSIONS)),
    )
    series = np.sort(rng.integers(0, SERIES, events))
    session = rng.integers(-PLAN.estimation_start, SESSIONS - PLAN.end, events)
    order = np.lexsort((session, series))
    return panel, Placed(
        series=series[order],
        session=session[order],
        masked=np.broadcast_to(False, (events, PLAN.n_days)),
        history_mask=np.zeros((SERIES, SESSIONS), dtype=bool),
        seed=np.zeros(events, dtype=np.int64),
    )


def by_statsmodels(panel: ReturnPanel, placed: Placed) -> np.ndarray:
    """Estimates, AR, CAR and their standard errors of the first events, one regression each."""
    import statsmodels.api as sm

    found = []
    market = panel.factors[0, 0]
    for s, at in zip(placed.series[:BY_HAND], placed.session[:BY_HAND], strict=True):
        days = at + np.arange(PLAN.estimation_start, PLAN.estimation_end + 1)
        y = panel.returns[s, days]
        kept = np.isfinite(y)
        fit = sm.OLS(y[kept], sm.add_constant(market[days][kept])).fit()
        window = at + np.arange(PLAN.start, PLAN.end + 1)
        x = sm.add_constant(market[window])
        ar = panel.returns[s, window] - fit.predict(x)
        v = np.eye(len(window)) + x @ fit.normalized_cov_params @ x.T
        cuts = [slice(a - PLAN.start, b - PLAN.start + 1) for a, b in WINDOWS]
        found.append([ar[c].sum() / np.sqrt(fit.mse_resid * v[c, c].sum()) for c in cuts])
    return np.array(found)


def main() -> None:
    """Print every ratio."""
    panel, placed = simulated(EVENTS)
    market, plan = np.ascontiguousarray(panel.factors[0, 0]), (PLAN.start, PLAN.end, PLAN.estimation)

    def kernel(engine: Engine) -> Job:
        return lambda: measure(panel, placed, replace(OPTIONS, engine=engine))

    print(machine())
    jobs: dict[str, Job] = {
        "compiled": kernel("numba"),
        "twin": kernel("numpy"),
        "batched": lambda: market_model(panel.returns, market, placed.series, placed.session, plan, WINDOWS),
        "statsmodels": lambda: by_statsmodels(panel, placed),
    }
    spent = interleaved(jobs, ROUNDS)
    for name, times in spent.items():
        each = sorted(1e6 * t / (BY_HAND if name == "statsmodels" else EVENTS) for t in times)
        print(f"  {name:<14}{statistics.median(each):10.2f} us an event, rounds {each[0]:.2f} to {each[-1]:.2f}")
    pairs = (
        ("statsmodels", "compiled", EVENTS / BY_HAND, "250x, aim 800x"),
        ("batched", "compiled", 1.0, "4x, aim 12x"),
        ("twin", "compiled", 1.0, "none"),
    )
    for slow, fast, scale, bar in pairs:
        middle, low, high = ratio(spent[slow], spent[fast], scale)
        print(f"{fast} against {slow}: {middle:.1f}x, rounds {low:.1f} to {high:.1f} (bar {bar})")
    _threads(panel, placed)
    _growth(5_000_000)


def _threads(panel: ReturnPanel, placed: Placed) -> None:
    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3 * ROUNDS):
        for threads in walls:
            took = quiet_wall(
                lambda n=threads: measure(  # type: ignore[misc]
                    panel, placed, replace(OPTIONS, engine="numba", residuals=True, threads=n)
                )
            )
            walls[threads] += [] if took is None else [took]
    if min(map(len, walls.values())) < ROUNDS:
        print(f"two threads against one: not measured ({len(walls[1])} and {len(walls[2])} quiet windows)")
    else:
        print(f"two threads against one: {statistics.median(walls[1]) / statistics.median(walls[2]):.2f}x (bar 1.6x)")


def _growth(most: int) -> None:
    """Cost of an event in studies of ten thousand events and more, sizes by turns in short jobs."""
    sizes = [n for n in (10_000, 100_000, 1_000_000, 5_000_000) if n <= most]
    jobs = {n: _drawn(*simulated(n)) for n in sizes}
    spent = interleaved({f"{n:,}": job for n, (job, _) in jobs.items()}, 5 * ROUNDS)
    costs = {n: [1e6 * t / jobs[n][1] for t in spent[f"{n:,}"]] for n in sizes}
    middles = {n: statistics.median(each) for n, each in costs.items()}
    words = ", ".join(f"{n:,}: {middles[n]:.2f} ({min(each):.2f} to {max(each):.2f})" for n, each in costs.items())
    print(f"us an event by events of the study: {words}")
    slowest, cheapest = (choose(middles, key=lambda n: middles[n]) for choose in (max, min))
    middle, _, _ = ratio(costs[slowest], costs[cheapest])
    quarters = statistics.quantiles([a / b for a, b in zip(costs[slowest], costs[cheapest], strict=True)])
    print(
        f"{slowest:,} against {cheapest:,} events: {middle - 1:.0%} more expensive,  "
        f"half of {5 * ROUNDS} rounds within {quarters[0] - 1:.0%} to {quarters[2] - 1:.0%} (bar 25 %)"
    )


def _drawn(panel: ReturnPanel, placed: Placed, chunks: int = 48) -> tuple[Job, int]:
    """A job of some chunks of a study, as a streamed run measures them, and how many events those are."""
    rng = np.random.default_rng(1)
    starts = np.arange(0, len(placed.session), CHUNK)
    drawn = np.concatenate([rng.permutation(starts) for _ in range(-(-chunks // len(starts)))])[:chunks]
    parts = [placed.part(at, at + CHUNK) for at in drawn]

    def run() -> None:
        for part in parts:
            measure(panel, part, replace(OPTIONS, engine="numba"))

    return run, sum(len(part.session) for part in parts)


if __name__ == "__main__":
    main()

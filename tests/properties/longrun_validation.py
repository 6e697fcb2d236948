"""Observed sizes of calendar-time portfolios and of differences between groups: designs and simulation.

Firms share a market and, beyond it, an error of equal correlation; events fall several on a date and their holding
periods overlap, which is what tests of buy-and-hold returns do not survive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eventstudy.engine.abnormal import cars
from eventstudy.engine.models import fit
from eventstudy.engine.moments import summarise
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.significance.calendar_time import day_sums, held_until, holding, jaffe
from eventstudy.engine.significance.cross_section import Dependence, csect_t
from eventstudy.engine.significance.differences import contrast, difference_cov, difference_welch
from eventstudy.engine.windows import WindowPlan, gather
from eventstudy.evaluate.calendar_time import regressed
from tests.engine.battery_sample import build, panel_design
from tests.properties.validation import GAP, LEVEL, Control, Line, M, errors, line, sizes

LONG_TESTS = ("calendar-time-alpha", "calendar-time-wls", "jaffe")
DIFFERENCES = ("difference-welch", "difference-cov")
MODEL = "market-model"


@dataclass(frozen=True)
class LongCell:
    """Events on ``dates`` random sessions, ``each`` of different firms, held for ``hold`` sessions.

    ``csect-t`` of the CARs over the holding period is beside the tests as what must not be used.
    """

    name: str
    seed: int
    hold: int
    dates: int
    each: int
    rho: float
    span: int
    kind: str = "normal"
    firms: int = 40
    valid: dict[str, tuple[float, ...]] = field(default_factory=dict)
    in_suite: bool = False


LONG_CELLS: tuple[LongCell, ...] = (
    LongCell("30 dates, rho=0, H=20", 201, 20, 30, 1, 0.0, 400, valid=sizes(LONG_TESTS)),
    LongCell("10 dates of 5, rho=.3, H=60", 202, 60, 10, 5, 0.3, 240, valid=sizes(LONG_TESTS), in_suite=True),
    LongCell("10 dates of 5, rho=.3, H=120", 203, 120, 10, 5, 0.3, 300, valid=sizes(LONG_TESTS)),
    LongCell("10 dates of 5, rho=.3, H=60 t4", 204, 60, 10, 5, 0.3, 240, kind="t4", valid=sizes(LONG_TESTS)),
)


@dataclass(frozen=True)
class DifferenceCell:
    """Two groups of events and what they share.

    ``dates`` "apart": every event alone; "one": all on one date; "two": each group on a date of its own; "near": random
    dates within 20 sessions.
    """

    name: str
    seed: int
    n: tuple[int, int]
    length: int
    dates: str
    rho: float
    valid: dict[str, tuple[float, ...]] = field(default_factory=dict)
    in_suite: bool = False


DIFFERENCE_CELLS: tuple[DifferenceCell, ...] = (
    DifferenceCell("10 and 20 events apart", 301, (10, 20), 1, "apart", 0.0, sizes(DIFFERENCES), in_suite=True),
    DifferenceCell("15 and 15 on one date, rho=.3", 302, (15, 15), 1, "one", 0.3, sizes(("difference-cov",))),
    DifferenceCell(
        "15 and 15 on two dates, rho=.3", 303, (15, 15), 1, "two", 0.3, sizes(("difference-cov",)), in_suite=True
    ),
    DifferenceCell(
        "10 and 20 within 20 sessions, rho=.3, L=11", 304, (10, 20), 11, "near", 0.3, sizes(("difference-cov",))
    ),
)


LONG_CONTROLS: tuple[Control, ...] = (
    Control(
        "10 dates of 5, rho=.3, H=60",
        "csect-t",
        "months that overlap, firms of one date",
        lambda r: r["csect-t"] > 0.15,
    ),
    Control(
        "15 and 15 on two dates, rho=.3",
        "difference-welch",
        "each group on a date of its own",
        lambda r: r["difference-welch"] > 0.2,
    ),
)


def long_named(name: str) -> LongCell | DifferenceCell:
    return next(cell for cell in (*LONG_CELLS, *DIFFERENCE_CELLS) if cell.name == name)


def one_study(cell: LongCell, replication: int, drift: float) -> dict[str, float]:
    """p values of one sample; ``drift`` is earned a session while a firm is held."""
    rng = np.random.default_rng([cell.seed, replication])
    plan = WindowPlan(estimation=M, gap=GAP, start=0, end=cell.hold)
    first = -plan.estimation_start
    width = first + cell.span + cell.hold + 1
    market = rng.normal(4e-4, 0.01, width)
    noise = np.sqrt(cell.rho) * errors(rng, cell.kind, (1, width)) + np.sqrt(1 - cell.rho) * errors(
        rng, cell.kind, (cell.firms, width)
    )
    returns = rng.uniform(0.8, 1.5, (cell.firms, 1)) * market + rng.uniform(0.01, 0.03, (cell.firms, 1)) * noise
    dates = first + np.sort(rng.choice(cell.span, cell.dates, replace=False))
    firm = np.concatenate([rng.choice(cell.firms, cell.each, replace=False) for _ in dates])
    session = np.repeat(dates, cell.each)
    for f, s in zip(firm, session, strict=True):
        returns[f, s + 1 : s + cell.hold + 1] += drift
    panel = ReturnPanel(
        returns=returns,
        factors=np.broadcast_to(market, (cell.firms, 1, width)),
        span=np.ones(returns.shape, dtype=np.int64),
        day_number=np.broadcast_to(np.arange(width), returns.shape),
    )
    design = gather(panel, firm, session, np.zeros((len(firm), plan.n_days), bool), plan)
    days = session[:, None] + np.arange(plan.estimation_start, plan.end + 1)
    held, fits = holding(design, held_until(firm, session, cell.hold)), fit(design, MODEL)
    found = day_sums(design, held, days).portfolio(1)
    p = {name: regressed(found, name, MODEL, "two-sided").result.p for name in LONG_TESTS[:2]}
    p["jaffe"] = jaffe(design, fits, MODEL, (held, days), firm, 1, "two-sided").p
    car = cars(design, fits, MODEL, [(1, cell.hold)]).car[:, 0]
    p["csect-t"] = csect_t(summarise(car), len(dates)).p
    return p


def one_comparison(cell: DifferenceCell, replication: int, effect: float) -> dict[str, float]:
    """p values of one pair of groups; the first has errors of twice the deviation, and the effect."""
    rng = np.random.default_rng([cell.seed, replication])
    plan = WindowPlan(estimation=M, gap=GAP, start=0, end=cell.length - 1)
    n, day0, width = sum(cell.n), -plan.estimation_start, plan.n_days
    here = np.arange(n) < cell.n[0]
    long = width + 200
    offsets = {
        "apart": np.arange(n) * 10_000,
        "one": np.zeros(n, dtype=int),
        "two": np.where(here, 0, 150),
        "near": rng.integers(0, 21, n),
    }[cell.dates]
    if cell.dates == "apart":
        market, noise = rng.normal(4e-4, 0.01, (n, width)), rng.normal(size=(n, width))
    else:
        everyone, common, own = rng.normal(4e-4, 0.01, long), rng.normal(size=long), rng.normal(size=(n, long))
        mixed = np.sqrt(cell.rho) * common + np.sqrt(1 - cell.rho) * own
        market = np.stack([everyone[o : o + width] for o in offsets])
        noise = np.stack([mixed[i, o : o + width] for i, o in enumerate(offsets)])
    scale = np.where(here, 0.04, 0.02) if cell.dates == "apart" else rng.uniform(0.01, 0.04, n)
    noise = noise * scale[:, None]
    noise[here, day0] += effect
    returns = rng.uniform(0.8, 1.5, (n, 1)) * market + noise
    sample, together = build(
        panel_design(returns, market, plan, day0),
        0,
        cell.length - 1,
        day_number=offsets[:, None] + np.arange(width),
        shares=contrast(here, ~here),
    )
    assert isinstance(together, Dependence)
    one, two = summarise(sample.car[here]), summarise(sample.car[~here])
    return {
        "difference-welch": difference_welch(one, two, [], "two-sided").p,
        "difference-cov": difference_cov(one, two, together.variance, together.min_nu, [], "two-sided").p,
    }


def simulate_long(
    cell: LongCell | DifferenceCell, replications: int, effect: float = 0.0, first: int = 0
) -> dict[str, float]:
    """Rejection rates at 5 %."""
    found: dict[str, list[bool]] = {}
    for replication in range(first, first + replications):
        p = (
            one_study(cell, replication, effect)
            if isinstance(cell, LongCell)
            else one_comparison(cell, replication, effect)
        )
        for name, value in p.items():
            found.setdefault(name, []).append(bool(value <= LEVEL))
    return {name: float(np.mean(values)) for name, values in found.items()}


def judged_long(
    cell: LongCell | DifferenceCell, rates: dict[str, float], replications: int, allowed: float
) -> list[Line]:
    """Every documented entry of a cell with its verdict."""
    return [
        line(cell.name, test, rates[test], documented, replications, allowed) for test, documented in cell.valid.items()
    ]

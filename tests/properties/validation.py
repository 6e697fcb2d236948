"""The validation table of the multi-event tests: designs, documented sizes, simulation, verdicts.

Designs are those of methods 15.1: market N(.0004, .01^2), beta in [.8, 1.5], residual deviation in [1 %, 4 %], M = 120.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from eventstudy.engine.significance.battery import GROUP_TESTS, run_battery
from eventstudy.engine.windows import WindowPlan
from tests.engine.battery_sample import build, panel_design

M, GAP = 120, 10
LEVEL = 0.05
DOCUMENTED_WITH = 4000
STANDARD_ERRORS = 3.0


@dataclass(frozen=True)
class Cell:
    """A design and the size of every test that is valid in it: 5 %, or what the methods document, in percent."""

    name: str
    n: int
    length: int
    seed: int
    kind: str = "normal"
    variance: float = 1.0
    rho: float | None = None
    span: int = 0
    valid: dict[str, tuple[float, ...]] = field(default_factory=dict)
    in_suite: bool = False


@dataclass(frozen=True)
class Observed:
    """Rejection rates of a cell at 5 %."""

    cell: Cell
    replications: int
    rates: dict[str, float]


@dataclass(frozen=True)
class Line:
    """One entry of the table."""

    cell: str
    test: str
    observed: float
    documented: tuple[float, ...]
    replications: int
    within: bool

    def __str__(self) -> str:
        return f"{self.cell}: {self.test} {100 * self.observed:.1f} %, documented {self.documented}"


@dataclass(frozen=True)
class Control:
    """A test that must fail in a cell."""

    cell: str
    test: str
    why: str
    broken: Callable[[dict[str, float]], bool]


PARAMETRIC = ("csect-t", "patell", "stouffer-t", "bmp", "skew-t-hall", "adj-patell", "kolari-pynnonen", "kpp")
MORE = ("patell-sum", "skew-t-johnson", "calendar-cov")


def sizes(default: tuple[str, ...], **given: float | tuple[float, ...]) -> dict[str, tuple[float, ...]]:
    """5 % for the names, and what is given (identifiers with _ for -)."""
    found: dict[str, tuple[float, ...]] = dict.fromkeys(default, (5.0,))
    for name, value in given.items():
        found[name.replace("_", "-")] = (5.0, *value) if isinstance(value, tuple) else (5.0, value)
    return found


# exact two-sided sizes of a discrete distribution with doubled tails: the sign test at N = 10, 20, 50
SIGN = {3: 0.0, 10: 2.15, 20: 4.14, 50: 3.28}
INDEPENDENT = (*PARAMETRIC, *MORE, "corrado", "cumrank-t", "cumrank-z", "grank-raw")

CELLS: tuple[Cell, ...] = (
    Cell(
        "N=3 L=1", 3, 1, 1, in_suite=True,
        valid=sizes(INDEPENDENT, csect_t=3.7, bmp=4.3, skew_t_hall=(4.0, 7.0), skew_t_johnson=(4.0, 9.0), grank_t=14.4,
                    grank_z=(13.0, 17.0), corrado_zivney=14.4, sign=0.0, generalized_sign=0.0, wilcoxon=0.0,
                    sign_flip=0.0, cz_sign=0.3),
    ),
    Cell(
        "N=10 L=1", 10, 1, 2, in_suite=True,
        valid=sizes(INDEPENDENT, grank_t=7.2, grank_z=7.2, corrado_zivney=7.1, sign=2.15, generalized_sign=(2.15, 3.8),
                    wilcoxon=4.88, sign_flip=4.9, im_t=5.0, cz_sign=4.7, skew_t_hall=7.0, skew_t_johnson=7.0,
                    crude_dependence=(5.5, 6.1)),
    ),
    Cell(
        "N=20 L=1", 20, 1, 3, in_suite=True,
        valid=sizes(INDEPENDENT, csect_t=4.4, grank_t=5.5, grank_z=5.5, corrado_zivney=5.4, sign=4.14,
                    generalized_sign=(4.0, 4.14), wilcoxon=4.4, wild_bootstrap=5.0, im_t=4.4, cz_sign=4.5, skew_t_hall=6.5,
                    skew_t_johnson=6.5, avar=5.0, vol_ratio_csect=5.0, crude_dependence=(5.5, 6.1), lbt_bootstrap=(4.0, 7.0)),
    ),
    Cell(
        "N=50 L=1", 50, 1, 4,
        valid=sizes(INDEPENDENT, grank_t=5.1, grank_z=5.1, corrado_zivney=5.1, sign=3.28, generalized_sign=(4.9, 3.28),
                    wilcoxon=4.7, wild_bootstrap=5.0, cz_sign=4.9, avar=5.0, vol_ratio_csect=5.0, crude_dependence=5.5,
                    lbt_bootstrap=5.5),
    ),
    Cell(
        "N=20 L=11", 20, 11, 5,
        valid=sizes(INDEPENDENT, csect_t=5.6, patell_sum=5.9, corrado=4.5, cumrank_t=5.4, grank_t=6.5, grank_z=6.5,
                    sign=4.14, generalized_sign=(4.3, 4.14), wilcoxon=5.5, wild_bootstrap=5.0, skew_t_hall=6.5,
                    skew_t_johnson=6.5, corrado_zivney=(4.3, 4.8), avar=5.0, crude_dependence=(5.1, 6.7)),
    ),
    Cell(
        "N=50 L=11", 50, 11, 6,
        valid=sizes(INDEPENDENT, patell_sum=5.9, corrado=4.2, grank_t=5.0, grank_z=5.0, sign=3.28,
                    generalized_sign=(5.2, 3.28), wilcoxon=4.7, corrado_zivney=(4.2, 4.5), wild_bootstrap=5.0,
                    crude_dependence=(5.1, 6.7)),
    ),
    Cell(
        "N=20 L=1 t3", 20, 1, 7, kind="t3", in_suite=True,
        valid=sizes(("cumrank-z",), csect_t=3.8, patell=6.7, adj_patell=6.7, stouffer_t=6.7, bmp=4.2,
                    kolari_pynnonen=(4.2, 4.6), corrado=4.5, cumrank_t=4.6, grank_t=6.3, grank_raw=4.4,
                    generalized_sign=(3.9, 4.14), wilcoxon=4.5, sign=4.14),
    ),
    Cell(
        "N=20 L=1 gamma", 20, 1, 8, kind="gamma",
        valid=sizes(("cumrank-z",), csect_t=6.7, patell=5.3, bmp=6.7, kolari_pynnonen=6.8, corrado=5.1, cumrank_t=5.1,
                    grank_t=11.5, grank_raw=4.9, generalized_sign=(4.6, 4.14), wilcoxon=9.5, sign=12.4),
    ),
    Cell(
        "N=20 L=1 variance x2", 20, 1, 9, variance=2.0, in_suite=True,
        valid=sizes((), csect_t=4.6, patell=16.1, adj_patell=16.1, stouffer_t=16.1, bmp=4.8, kolari_pynnonen=5.1,
                    kpp=5.1, corrado=9.8, cumrank_t=9.9, grank_t=6.0, grank_raw=9.2, corrado_zivney=5.9,
                    generalized_sign=(4.0, 4.14), wilcoxon=4.8, sign=4.14),
    ),
    Cell(
        "one date, rho=.3 N=3 L=1", 3, 1, 10, rho=0.3,
        valid=sizes((), adj_patell=5.1, kolari_pynnonen=5.4, kpp=5.4, crude_dependence=5.4, calendar_cov=4.8,
                    corrado=3.3, grank_t=18.3, grank_t_clu=15.7, csect_t=8.9, patell=12.4, bmp=10.4),
    ),
    Cell(
        "one date, rho=.3 N=10 L=1", 10, 1, 11, rho=0.3, in_suite=True,
        valid=sizes((), adj_patell=5.3, kolari_pynnonen=4.9, kpp=4.9, crude_dependence=5.1, calendar_cov=4.5,
                    corrado=4.0, grank_t=9.1, grank_t_clu=6.7, csect_t=33.3, patell=30.3, bmp=35.2,
                    vol_ratio_csect=(4.6, 6.1)),
    ),
    Cell(
        "one date, rho=.3 N=10 L=11", 10, 11, 12, rho=0.3,
        valid=sizes((), adj_patell=5.3, kolari_pynnonen=5.3, kpp=5.3, crude_dependence=6.2, calendar_cov=5.0,
                    corrado=3.9, grank_t=9.6, grank_t_clu=6.9),
    ),
    Cell(
        "one date, rho=.3 N=50 L=1", 50, 1, 13, rho=0.3,
        valid=sizes((), adj_patell=5.1, kolari_pynnonen=5.2, kpp=5.2, crude_dependence=5.4, calendar_cov=5.0,
                    corrado=4.2, grank_t=6.6, grank_t_clu=4.8, vol_ratio_csect=(4.6, 6.1)),
    ),
    Cell(
        "one date, rho=.3 N=20 L=1 variance x2", 20, 1, 14, rho=0.3, variance=2.0,
        valid=sizes((), kolari_pynnonen=4.8, kpp=4.8, adj_patell=15.3, crude_dependence=15.1, calendar_cov=14.7,
                    corrado=7.8, grank_t=6.6, grank_t_clu=4.7),
    ),
    Cell(
        "dates within 20 sessions, rho=.3 N=10 L=11", 10, 11, 15, rho=0.3, span=20, in_suite=True,
        valid=sizes(("calendar-cov",), adj_patell=5.1, kolari_pynnonen=5.1, kpp=5.0, patell=18.2, bmp=19.3),
    ),
)  # fmt: skip

CONTROLS: tuple[Control, ...] = (
    Control("one date, rho=.3 N=10 L=1", "csect-t", "ignores correlation", lambda r: r["csect-t"] > 0.2),
    Control("one date, rho=.3 N=10 L=1", "patell", "ignores correlation", lambda r: r["patell"] > 0.2),
    Control("N=20 L=1 variance x2", "patell", "trusts the earlier variance", lambda r: r["patell"] > 0.1),
    Control("N=3 L=1", "grank-t", "few firms", lambda r: r["grank-t"] > 0.09),
    Control(
        "dates within 20 sessions, rho=.3 N=10 L=11", "full-kp", "the whole factor under partial overlap",
        lambda r: r["full-kp"] < 0.035,
    ),
)  # fmt: skip


def cell_named(name: str) -> Cell:
    return next(cell for cell in CELLS if cell.name == name)


def errors(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Unit-variance errors."""
    if kind == "t3":
        return rng.standard_t(3, shape) / np.sqrt(3)
    if kind == "t4":
        return rng.standard_t(4, shape) / np.sqrt(2)
    if kind == "gamma":
        return (rng.gamma(2.0, 1.0, shape) - 2.0) / np.sqrt(2)
    return rng.normal(size=shape)


def simulate(cell: Cell, replications: int, effect: float = 0.0, first: int = 0) -> Observed:
    """Rejection rates at 5 % of every applicable test."""
    plan = WindowPlan(estimation=M, gap=GAP, start=0, end=cell.length - 1)
    width, day0 = plan.n_days, -plan.estimation_start
    names = tuple(GROUP_TESTS)
    rejected, counted = dict.fromkeys((*names, "full-kp"), 0), dict.fromkeys((*names, "full-kp"), 0)
    for replication in range(first, first + replications):
        rng = np.random.default_rng([cell.seed, replication])
        offsets = (
            np.sort(rng.integers(0, cell.span + 1, cell.n)) if cell.rho is not None else np.arange(cell.n) * 10_000
        )
        long = width + cell.span
        if cell.rho is None:
            market = rng.normal(4e-4, 0.01, (cell.n, width))
            noise = errors(rng, cell.kind, (cell.n, width))
        else:
            shared, common = rng.normal(4e-4, 0.01, long), errors(rng, cell.kind, (long,))
            own = errors(rng, cell.kind, (cell.n, long))
            mixed = np.sqrt(cell.rho) * common + np.sqrt(1 - cell.rho) * own
            market = np.stack([shared[o : o + width] for o in offsets])
            noise = np.stack([mixed[i, o : o + width] for i, o in enumerate(offsets)])
        noise = noise * rng.uniform(0.01, 0.04, (cell.n, 1))
        noise[:, day0 : day0 + cell.length] *= np.sqrt(cell.variance)
        noise[:, day0] += effect
        returns = rng.uniform(0.8, 1.5, (cell.n, 1)) * market + noise
        sample, together = build(
            panel_design(returns, market, plan, day0),
            0,
            cell.length - 1,
            day_number=offsets[:, None] + np.arange(width),
        )
        _, results = run_battery(sample, together, names, "two-sided")  # type: ignore[arg-type]
        for result in results:
            if result.applicable != "no":
                counted[result.test] += 1
                rejected[result.test] += result.p <= LEVEL
            if result.test == "patell":
                full = result.statistic / np.sqrt(1 + (cell.n - 1) * max(together.mean_correlation, 0.0))  # type: ignore[attr-defined]
                counted["full-kp"] += 1
                rejected["full-kp"] += 2 * stats.norm.sf(abs(full)) <= LEVEL
    rates = {name: rejected[name] / counted[name] for name in counted if counted[name] > 0.9 * replications}
    return Observed(cell, replications, rates)


def bound(entries: int = 0) -> float:
    """Standard errors allowed: three for one entry, Bonferroni over the entries of the table (of the group cells)."""
    entries = entries or sum(len(cell.valid) for cell in CELLS)
    return float(stats.norm.isf(stats.norm.sf(STANDARD_ERRORS) / entries))


def line(cell: str, test: str, rate: float, documented: tuple[float, ...], replications: int, allowed: float) -> Line:
    """One entry with its verdict: within so many standard errors of one of the documented percentages."""
    within = False
    for percent in documented:
        share = max(percent / 100, 0.002)
        error = np.sqrt(share * (1 - share) * (1 / replications + 1 / DOCUMENTED_WITH))
        within |= abs(rate - percent / 100) <= allowed * error
    return Line(cell, test, rate, documented, replications, within)


def judged(found: Observed, allowed: float = 0.0) -> list[Line]:
    """Every documented entry of a cell with its verdict."""
    return [
        line(found.cell.name, test, found.rates[test], documented, found.replications, allowed or bound())
        for test, documented in found.cell.valid.items()
        if test in found.rates
    ]


@dataclass(frozen=True)
class Alternative:
    """An effect on day 0 in a cell, and the power that methods 7.4 saw there, in percent."""

    name: str
    cell: str
    effect: float
    seen: dict[str, float] = field(default_factory=dict)


def seen(*values: float) -> dict[str, float]:
    """Powers in the order of methods 7.4."""
    names = ("csect-t", "patell", "bmp", "corrado", "grank-t", "generalized-sign", "wilcoxon")
    return dict(zip(names, values, strict=True))


ALTERNATIVES: tuple[Alternative, ...] = (
    Alternative("N=20, +1 % on day 0", "N=20 L=1", 0.01, seen(37, 53, 48, 50, 49, 33, 39)),
    Alternative("N=20, +1 %, t3 errors", "N=20 L=1 t3", 0.01, seen(50, 60, 60, 75, 73, 59, 61)),
    Alternative("N=20, +1 % on one of 11 days", "N=20 L=11", 0.01, seen(8, 10, 9, 7, 10, 7, 8)),
    Alternative("N=10, +2 %", "N=10 L=1", 0.02),
    Alternative("one date, rho=.3 N=10, +3 %", "one date, rho=.3 N=10 L=1", 0.03),
    Alternative("N=20, variance x2, no mean", "N=20 L=1 variance x2", 0.0),
)

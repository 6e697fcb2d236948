"""Cross-sectional regressions of CARs on columns of the events file, by statsmodels (methods section 12)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.errors import NothingStudied, UsageError
from eventstudy.evaluate.coefficients import FEW_DATES, Coefficient, Sample, adjusted
from eventstudy.evaluate.formula import Formula, read_formula
from eventstudy.evaluate.permuted import permuted_lines
from eventstudy.evaluate.regressors import check_design, design_matrix, event_columns
from eventstudy.evaluate.two_way import bootstrapped_lines, two_way_lines
from eventstudy.evaluate.wild import FEWEST_DATES, wild_cluster, wild_interval

if TYPE_CHECKING:
    from eventstudy.results import Studied

DEFAULT_FORMULA = "car ~ 1"
# The most informative row of a ticker's session represents its duplicates.
ROLE_ORDER = {"direct": 0, "peer": 1, "placebo": 2}
# HC3 below, HC1 from here on, where the two agree and HC3 costs more.
LARGE_SAMPLE = 250
# A column that is not zero on fewer dates than this has no usable clustered variance.
FEWEST_TREATED = 3
PRIMARY = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """One regression.

    Attributes
    ----------
    window : str
        A label such as ``[0,1]``, or ``primary``.
    n, n_dates, n_dropped : int
        Rows, different day 0s among them, rows left out because a column was empty.
    main : str
        The variance to read.
    """

    formula: str
    window: str
    n: int
    n_dates: int
    n_dropped: int
    r_squared: float
    wls_r_squared: float
    main: str
    coefficients: tuple[Coefficient, ...]


def regression_rows(studied: Studied) -> list[int]:
    """Positions of the reported rows, one per (ticker, day 0): direct before peer before placebo, then file order.

    Rows picked because of their outcome are left out: their CARs are what chose them."""
    best: dict[tuple[str, np.datetime64], int] = {}
    counted = [i for i in studied.reported if studied.text(i, "role") in ROLE_ORDER]
    for i in sorted(counted, key=lambda i: (ROLE_ORDER[studied.text(i, "role")], int(studied.rows[i]))):
        best.setdefault((studied.text(i, "ticker"), studied.day0(i)), i)
    return sorted(best.values(), key=lambda i: int(studied.rows[i]))


def regress(
    studied: Studied, formula: str, *, allow_small: bool = False, windows: Sequence[int] | None = None
) -> tuple[Regression, ...]:
    """Regress the CARs on event columns: the primary window of each row, or each window the user named.

    Parameters
    ----------
    formula : str
        In the language of ``evaluate.formula``.
    allow_small : bool
        Fit several regressors to fewer than 20 rows.
    windows : sequence of int or None
        Positions in ``spec.windows``, -1 for the primary window of each row.

    Raises
    ------
    UsageError
        If the formula cannot be read, or its design cannot be estimated.
    NothingStudied
        If no row has a CAR.

    Checked against
    ---------------
    statsmodels on a design made by hand, to 1e-12 (tests/oracles/test_regress.py).
    """
    if studied.block is None or not studied.reported:
        raise NothingStudied("no event could be studied", hint="excluded.csv gives the reason of each row")
    parsed = read_formula(formula, studied.index.events.names)
    rows = regression_rows(studied)
    if not rows:
        raise NothingStudied("every row was picked because of its outcome", hint="regress reads the other roles")
    if windows is None:
        windows = studied.shared_windows if studied.spec.windows_given else [-1]
    return tuple(_one(studied, parsed, rows, w, allow_small=allow_small) for w in windows)


def _one(studied: Studied, formula: Formula, rows: Sequence[int], w: int, *, allow_small: bool) -> Regression:
    label = studied.spec.windows[w].label if w >= 0 else PRIMARY
    sample = _sample(studied, formula, rows, w)
    dates = int(sample.cluster.max()) + 1
    check_design(formula, sample.x, sample.names, allow_small=allow_small)
    made = fits(sample, dates)
    found = {(f.estimator, f.variance): coefficients(f, sample, studied.spec.level) for f in made}
    if ("ols", "cluster") in found:
        ols = next(f.results for f in made if f.variance == "cluster")
        level = studied.spec.level
        found["ols", "wild-cluster"] = _bootstrapped(ols, sample, dates, found["ols", "cluster"], level)
        if sample.two_way(dates):
            found["ols", "cluster-two-way"] = two_way_lines(ols, sample, dates, found["ols", "cluster"], level)
            found["ols", "wild-two-way"] = bootstrapped_lines(sample, dates, found["ols", "cluster"])
    plain = next(lines for (estimator, _), lines in found.items() if estimator == "ols")
    if len(sample.names) > 1 and dates > 1:
        found["ols", "freedman-lane"] = permuted_lines(sample, dates, plain)
    return Regression(
        formula=formula.written,
        window=label,
        n=len(sample.y),
        n_dates=dates,
        n_dropped=sample.n_dropped,
        r_squared=_r_squared(made, "ols"),
        wls_r_squared=_r_squared(made, "wls"),
        main=_main(sample, dates),
        coefficients=tuple(c for lines in found.values() for c in lines),
    )


def _main(sample: Sample, dates: int) -> str:
    """The variance to read: the bootstrap where clusters repeat and are few, clustered where they are many; by firm and
    date where both repeat and there are enough of each for any sign pattern to be extreme."""
    n = len(sample.y)
    if dates == n or dates < 2:
        return "hc3" if n < LARGE_SAMPLE else "hc1"
    fewest = min(dates, sample.n_firms)
    if sample.two_way(dates) and fewest >= FEWEST_DATES:
        return "wild-two-way" if fewest < FEW_DATES else "cluster-two-way"
    return "wild-cluster" if dates < FEW_DATES else "cluster"


def _r_squared(made: Sequence[Fitted], estimator: str) -> float:
    known = [f.results for f in made if f.estimator == estimator and f.results is not None]
    value = float(known[0].rsquared) if known else math.nan
    # of the mean alone it is zero up to rounding
    return 0.0 if abs(value) < 1e-12 else value


def _sample(studied: Studied, formula: Formula, rows: Sequence[int], w: int) -> Sample:
    """Rows with a CAR and every column, and their design."""
    block = studied.block
    assert block is not None, "checked before"
    at = np.array(rows, dtype=np.int64)
    column = studied.primary[at] if w < 0 else np.full(len(at), w)
    car, error = block.cars.car[at, column], block.exact.std_error[at, column]
    known = np.isfinite(car) & np.isfinite(error)
    if not known.any():
        raise NothingStudied("no studied row has a CAR over the window", hint="windows.csv lists the CARs")
    at, car, error = at[known], car[known], error[known]
    data, complete = event_columns(studied, formula, at)
    if not complete.any():
        raise UsageError(f"no row has a value in every column of {formula.written!r}", "rows with all regressors")
    at, car, error = at[complete], car[complete], error[complete]
    x, names = design_matrix(formula, data[complete])
    dates = np.array([studied.day0(int(i)).astype(np.int64) for i in at])
    return Sample(
        y=car,
        x=x,
        names=names,
        variance=error**2,
        cluster=np.unique(dates, return_inverse=True)[1].astype(np.int64),
        n_dropped=int((~complete).sum()),
        firm=np.unique([studied.text(int(i), "ticker") for i in at], return_inverse=True)[1].astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """Results of statsmodels under one variance; None where the variance does not exist, with the reason."""

    estimator: str
    variance: str
    results: Any
    warning: str = ""


def fits(sample: Sample, dates: int) -> list[Fitted]:
    """Ordinary and weighted least squares under every variance that says something."""
    from statsmodels.regression.linear_model import OLS, WLS

    n = len(sample.y)
    robust = "HC3" if n < LARGE_SAMPLE else "HC1"
    shared = f"{n} rows on {dates} dates are not independent: see cluster" if dates < n else ""
    if dates == 1 < n:
        shared = f"all {n} rows share one date: what moves that date cannot be separated from an effect"
    found = []
    for estimator, model in (
        ("ols", OLS(sample.y, sample.x)),
        ("wls", WLS(sample.y, sample.x, weights=1 / sample.variance)),
    ):
        alone = _fitted_exactly(model.wexog, sample.names)
        if alone and robust == "HC3":
            found.append(Fitted(estimator, "hc3", None, alone))
        else:
            found.append(Fitted(estimator, robust.lower(), model.fit(cov_type=robust, use_t=True), alone or shared))
        if 1 < dates < n:
            clustered = model.fit(cov_type="cluster", cov_kwds={"groups": sample.cluster}, use_t=True)
            few = (
                f"{dates} dates: finds effects too often below {FEW_DATES}, see wild-cluster"
                if dates < FEW_DATES
                else ""
            )
            found.append(Fitted(estimator, "cluster", clustered, few))
    return found


def _fitted_exactly(x: Floats, names: Sequence[str]) -> str:
    """Why HC3 does not exist: a row with a coefficient of its own has a residual of zero."""
    q = np.linalg.qr(x)[0]
    leverage = (q**2).sum(axis=1)
    row = int(np.argmax(leverage))
    if leverage[row] < 1 - 1e-9:
        return ""
    # the coefficient that moves with this row alone
    sole = int(np.argmax(np.abs(np.linalg.pinv(x)[:, row]) * np.sqrt((x**2).sum(axis=0))))
    return f"{names[sole]} rests on a single row, which is fitted exactly"


def coefficients(fitted: Fitted, sample: Sample, level: float) -> list[Coefficient]:
    """The coefficients of one fit, with what is wrong about each."""
    k = len(sample.names)
    empty = np.full(k, np.nan)
    r = fitted.results
    estimate, error, t, p = (empty,) * 4 if r is None else (r.params, r.bse, r.tvalues, r.pvalues)
    low, high = (empty, empty) if r is None else r.conf_int(alpha=1 - level).T
    df = "" if r is None else str(int(r.df_resid_inference if fitted.variance == "cluster" else r.df_resid))
    thin = _thin(sample) if fitted.variance == "cluster" else [""] * k
    spread, lines = float(np.std(sample.y)), []
    for j, name in enumerate(sample.names):
        # an exact fit leaves the rounding of zero
        defined = bool(np.isfinite(p[j]) and error[j] > 1e-10 * (abs(estimate[j]) + spread))
        reason = "; ".join(part for part in (fitted.warning, thin[j]) if part)
        if not defined and r is not None:
            reason = "the residuals do not vary"
        lines.append(
            Coefficient(
                estimator=fitted.estimator,
                variance=fitted.variance,
                term=name,
                estimate=float(estimate[j]),
                std_error=float(error[j]) if defined else math.nan,
                statistic=float(t[j]) if defined else math.nan,
                null="t",
                df=df if defined else "",
                p=float(p[j]) if defined else math.nan,
                ci_low=float(low[j]) if defined else math.nan,
                ci_high=float(high[j]) if defined else math.nan,
                applicable="no" if not defined else "warn" if reason else "yes",
                reason=reason,
            )
        )
    return adjusted(lines)


def _thin(sample: Sample) -> list[str]:
    """Per column: a warning where a yes-or-no column says yes (or no) on one or two dates only."""
    found = []
    for values in sample.x.T:
        sides = [len(np.unique(sample.cluster[values == side])) for side in (0.0, 1.0)]
        yes_or_no = bool(np.isin(values, (0.0, 1.0)).all() and min(sides) > 0)
        few = yes_or_no and min(sides) < FEWEST_TREATED
        found.append(f"differs on {min(sides)} of the dates only: the variance is too small" if few else "")
    return found


def _bootstrapped(
    ols: Any, sample: Sample, dates: int, clustered: Sequence[Coefficient], level: float
) -> list[Coefficient]:
    """The wild cluster bootstrap of every coefficient, beside its clustered standard error, interval by inversion."""
    lines = []
    thin = _thin(sample)
    for j, (name, beside) in enumerate(zip(sample.names, clustered, strict=True)):
        t, p, draws = wild_cluster(sample.y, sample.x, sample.cluster, j)
        floor = f"{dates} dates: the smallest p is {2 / 2**dates:.3g}, so nothing can be found at 5 %"
        trouble = [floor] if dates < FEWEST_DATES else []
        trouble += [thin[j]] if thin[j] else []
        defined = math.isfinite(p) and beside.applicable != "no"
        low, high = math.nan, math.nan
        if defined:
            start = float(ols.params[j]), beside.std_error
            low, high = wild_interval(sample.y, sample.x, sample.cluster, j, start, level)
        lines.append(
            replace(
                beside,
                variance="wild-cluster",
                estimate=float(ols.params[j]),
                std_error=beside.std_error if defined else math.nan,
                statistic=t if defined else math.nan,
                null="enumeration" if draws == 2**dates else "bootstrap",
                df=str(draws) if defined else "",
                p=p if defined else math.nan,
                ci_low=low,
                ci_high=high,
                applicable="no" if not defined else "warn" if trouble else "yes",
                reason="; ".join(trouble) if defined else f"{name} has no clustered variance",
            )
        )
    return adjusted(lines)

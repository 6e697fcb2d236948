"""Every number a second time, by statsmodels: OLS with one dummy per event day (methods 2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS, regressors
from eventstudy.engine.panel import Floats

if TYPE_CHECKING:
    from eventstudy.results import Studied

SAMPLE = 200
SEED = 20250416
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Outcome of an audit.

    Attributes
    ----------
    largest_gap : float
        Largest relative difference over coefficients, sigma, every AR and its t, every CAR and its t.
    worst : str
        Path of the file.
    """

    n_checked: int
    n_studied: int
    largest_gap: float
    worst: str

    @property
    def agrees(self) -> bool:
        """Whether everything agrees to 1e-9."""
        return self.largest_gap <= TOLERANCE


def audit(studied: Studied) -> Audit:
    """Re-fit every studied row, or a seeded sample of 200, and compare.

    The dummies make the event days their own parameters, so one regression over estimation and event window gives
    alpha, beta, sigma, each AR as a coefficient with its t, and each CAR as their sum.
    """
    n = len(studied.rows)
    chosen = np.arange(n)
    if n > SAMPLE:
        chosen = np.sort(np.random.default_rng(SEED).choice(n, SAMPLE, replace=False))
    largest, worst = 0.0, ""
    for i in chosen:
        for what, ours, theirs in _compare(studied, int(i)):
            if studied.spec.convention and what.startswith(("sigma", "t of")):
                # statsmodels is exact; other conventions change variances alone
                continue
            gap = _relative(ours, theirs)
            if gap > largest:
                largest = gap
                worst = f"{studied.text(int(i), 'event_id')} {studied.text(int(i), 'ticker')} {what}"
    return Audit(n_checked=len(chosen), n_studied=n, largest_gap=largest, worst=worst)


def _relative(ours: float, theirs: float) -> float:
    """Relative difference; infinite where one side alone is undefined."""
    if np.isnan(ours) and np.isnan(theirs):
        return 0.0
    if not (np.isfinite(ours) and np.isfinite(theirs)):
        return np.inf
    return abs(ours - theirs) / max(abs(theirs), np.finfo(float).tiny)


def _compare(studied: Studied, i: int) -> list[tuple[str, float, float]]:
    """(what, ours, statsmodels') for one studied row; rows with zero variance have nothing to compare."""
    block = studied.block
    assert block is not None, "a studied row has a block"
    if block.fits.s2[i] <= 0:
        return []
    import statsmodels.api as sm

    design, model = block.design, MODELS[studied.spec.model]
    used = np.zeros(design.y.shape[1], dtype=bool)
    used[design.estimation] = block.fits.used[i]
    window = np.arange(design.plan.column(design.plan.start), design.plan.n_days)
    event = window[design.observed[i, window]]
    rows = np.concatenate([np.flatnonzero(used), event])
    dummies = np.zeros((len(rows), len(event)))
    dummies[used.sum() + np.arange(len(event)), np.arange(len(event))] = 1.0
    if model.inference == "none":
        return [*_compare_predictions(studied, i), _optimality(studied, i)]
    if model.inference != "exact":
        return _compare_predictions(studied, i)
    if model.twin == "difference":
        return _compare_adjusted(studied, i, rows, event, int(used.sum()))
    x = np.column_stack([regressors(design, model)[i, rows], dummies])
    p = x.shape[1] - len(event)
    result = sm.WLS(design.y[i, rows], x, weights=1 / design.span[i, rows]).fit()
    found = [(f"coefficient {k}", block.fits.theta[i, k], result.params[k]) for k in range(p)]
    found.append(("sigma", np.sqrt(block.fits.s2[i]), np.sqrt(result.scale)))
    for k, column in enumerate(event):
        day = column - window[0]
        found.append((f"AR day {day}", block.abnormal.ar[i, day], result.params[p + k]))
        found.append((f"t of AR day {day}", block.ar_t[i, day], result.tvalues[p + k]))
    for w, test in enumerate(studied.spec.windows):
        inside = (event >= design.plan.column(test.start)) & (event <= design.plan.column(test.end))
        if inside.any() and np.isfinite(block.cars.car[i, w]):
            contrast = np.concatenate([np.zeros(p), inside.astype(float)])
            t_test = result.t_test(contrast)
            found.append((f"CAR {test.label}", block.cars.car[i, w], t_test.effect.item()))
            found.append((f"t of CAR {test.label}", block.exact.t[i, w], t_test.tvalue.item()))
    return found


def _compare_predictions(studied: Studied, i: int) -> list[tuple[str, float, float]]:
    """Models that least squares does not estimate: every AR again from the coefficients, and the CARs as their sums."""
    block = studied.block
    assert block is not None, "a studied row has a block"
    design, window = block.design, block.design.window
    x = regressors(design, MODELS[studied.spec.model])[i, window]
    expected = [sum(a * b for a, b in zip(row, block.fits.theta[i], strict=True)) for row in x]
    ar = design.y[i, window] - np.array(expected)
    found = [(f"AR day {k}", block.abnormal.ar[i, k], ar[k]) for k in np.flatnonzero(design.observed[i, window])]
    first = design.plan.start
    for w, test in enumerate(studied.spec.windows):
        inside = ar[test.start - first : test.end - first + 1]
        if np.isfinite(inside).all():
            found.append((f"CAR {test.label}", block.cars.car[i, w], float(inside.sum())))
    return found


def _optimality(studied: Studied, i: int) -> tuple[str, float, float]:
    """Weights on a simplex are best where no donor offers more than the mix has (Karush, Kuhn & Tucker)."""
    block = studied.block
    assert block is not None, "a studied row has a block"
    rows = np.flatnonzero(block.fits.used[i])
    x, span = block.design.x[i, rows], block.design.span[i, rows]
    e = block.design.y[i, rows] - x @ block.fits.theta[i]
    offered = x.T @ (e / span)
    size = float(np.sqrt((x**2).sum(axis=0).max() * (e**2).sum()))
    return "weights", 1.0, 1.0 + float(offered.max() - offered @ block.fits.theta[i]) / size


def _compare_adjusted(
    studied: Studied, i: int, rows: Floats, event: Floats, n_used: int
) -> list[tuple[str, float, float]]:
    """Market-adjusted returns estimate nothing: sigma from a regression on a constant, AR by subtraction."""
    import statsmodels.api as sm

    block = studied.block
    assert block is not None, "a studied row has a block"
    design = block.design
    excess = design.y[i] - design.x[i, :, 0]
    estimation = rows[:n_used].astype(int)
    span = design.span[i, estimation]
    sigma = np.sqrt(sm.WLS(excess[estimation], span, weights=1 / span).fit().scale)
    found = [("sigma", float(np.sqrt(block.fits.s2[i])), float(sigma))]
    first = design.plan.column(design.plan.start)
    for column in event.astype(int):
        t = excess[column] / (sigma * np.sqrt(design.span[i, column]))
        found.append((f"t of AR day {column - first}", float(block.ar_t[i, column - first]), float(t)))
    return found


def estimation_summary(studied: Studied, i: int) -> str:
    """The statsmodels table of the estimation window of one studied row, as text without a clock."""
    import statsmodels.api as sm

    block = studied.block
    assert block is not None, "a studied row has a block"
    design, model = block.design, MODELS[studied.spec.model]
    if model.twin == "difference":
        return "market-adjusted estimates no regression"
    used = np.flatnonzero(block.fits.used[i])
    x = regressors(design, model)[i, used]
    result = sm.WLS(design.y[i, used], x, weights=1 / design.span[i, used]).fit()
    if model.inference != "exact":
        return f"{studied.spec.model} is not a least-squares regression: models.csv has its coefficients"
    names = [*(["alpha"] if model.twin == "constant" else []), *studied.series(i).names][: x.shape[1]]
    text = result.summary2(yname=studied.text(i, "ticker"), xname=names).as_text()
    return "\n".join(line for line in text.splitlines() if not line.startswith("Date:"))

"""Several firms on one session (methods section 6): one cluster, because their errors are correlated.

The firms share the session, the window and the regressors, so one design serves all of them: after missing closes on a
common clock (methods A1), every row weighed by the sessions that it covers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.abnormal import window_complete
from eventstudy.engine.models import MODELS, Model, regressors
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.common_clock import on_common_clock
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.significance.dispersion import risen, sums_of_runs
from eventstudy.engine.significance.distributions import Alternative, f_p_value, t_p_value
from eventstudy.engine.significance.multiple import romano_wolf
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.windows import Design

KURTOSIS_LIMIT = 1.0
SINGULAR = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Residuals of N firms on M common rows before the window and k in it.

    Attributes
    ----------
    estimation : float64 (M, N)
        Estimation residuals E of the fit on the estimation window alone, of one-session scale.
    leverage : float64 (M,)
    car : float64 (N,)
        Over the test window.
    q : float
        Common variance factor.
    window : float64 (k, N)
        Abnormal returns of the test window.
    v : float64 (k, k)
        Their common covariance factor.
    ring : float64 (M + k, N)
        Residuals of the fit that includes the window, of one-session scale; the window's rows come last.
    roots : float64 (k,)
        Square roots of the sessions that the window's rows cover.
    """

    estimation: Floats
    leverage: Floats
    car: Floats
    q: float
    nu: float
    window: Floats
    v: Floats
    ring: Floats
    roots: Floats

    @property
    def covariance(self) -> Floats:
        """Sigma = E'E / nu."""
        return self.estimation.T @ self.estimation / self.nu


def build_cluster(
    design: Design, model: str, start: int, end: int, min_obs: int, *, log: bool = False
) -> Cluster | str:
    """Fit all firms of a cluster on their common clock.

    Parameters
    ----------
    design : Design
        One row per firm, same plan and same factors.
    start, end : int
        Test window.
    log : bool
        Returns are logarithmic.

    Returns
    -------
    Cluster or str
        The reason, where the cluster cannot be studied.
    """
    entry = MODELS[model]
    if entry.inference != "exact":
        return f"joint tests need least squares, and {model} is not"
    shared = design.observed.all(axis=0) & (design.span == 1).all(axis=0)
    if not np.array_equal(design.x[:, shared], np.broadcast_to(design.x[:1, shared], design.x[:, shared].shape)):
        return "the firms do not share their benchmarks"
    design = on_common_clock(design, model, log=log)
    if not window_complete(design, start, end, strict=False).all():
        return "the firms have no returns that cover the window together"
    days = np.arange(design.plan.column(start), design.plan.column(end) + 1)
    days = days[design.observed[0, days]]
    common = np.flatnonzero(design.usable[:, design.estimation].all(axis=0))
    p = regressors(design, entry).shape[2]
    if len(common) < max(min_obs, p + 1):
        return f"{len(common)} common estimation sessions, {min_obs} needed"
    if p and np.linalg.matrix_rank(regressors(design, entry)[0, common]) < p:
        return "a benchmark is constant over the common sessions or repeats another"
    residual, leverage, v, nu = _fit_common(design, entry, common, days)
    ring, _, _, _ = _fit_common(design, entry, np.concatenate([common, days]), days[:0])
    return Cluster(
        estimation=residual[: len(common)],
        leverage=leverage,
        car=residual[len(common) :].sum(axis=0),
        q=float(v.sum()),
        nu=nu,
        window=residual[len(common) :],
        v=v,
        ring=ring,
        roots=np.sqrt(design.span[0, days]),
    )


def _fit_common(design: Design, entry: Model, rows: Ints, window: Ints) -> tuple[Floats, Floats, Floats, float]:
    """Residuals of every firm (of one-session scale on the rows, as they are in the window), leverage, V of the window
    and nu; one design and one weight a row, 1/span, for all firms."""
    m, both = len(rows), np.concatenate([rows, window])
    y, x, span = design.y[:, both].T, regressors(design, entry)[0, both], design.span[0, both]
    root, own = np.sqrt(span[:m, None]), np.diag(span[m:])
    if x.shape[1] == 0:
        excess = y - design.x[0, both, :1]
        mean = excess[:m].sum(axis=0) / span[:m].sum()
        return np.concatenate([excess[:m] / root - root * mean, excess[m:]]), np.zeros(m), own, float(m - 1)
    # one design, many right-hand sides
    q_factor, r = np.linalg.qr(x[:m] / root)
    theta = np.linalg.solve(r, q_factor.T @ (y[:m] / root))
    along = np.linalg.solve(r.T, x[m:].T)
    residual = y - x @ theta
    residual[:m] /= root
    leverage = np.einsum("np,np->n", q_factor, q_factor)
    return residual, leverage, own + along.T @ along, float(m - x.shape[1])


def portfolio_t(cluster: Cluster, alternative: Alternative = "two-sided") -> TestResult:
    """``portfolio-t``: the equal-weight portfolio's CAR, exact t_nu for any correlation (methods 6.1).

    Not robust to a variance that rises with the event: 16 % at doubled variance, unavoidable without more data.
    """
    weights = np.full(len(cluster.car), 1 / len(cluster.car))
    variance = cluster.q * float(weights @ cluster.covariance @ weights)
    if not variance > 0:
        return undefined("portfolio-t", "t", "the portfolio has no variance")
    t = float(weights @ cluster.car) / np.sqrt(variance)
    p = float(t_p_value(np.array(t), np.array(cluster.nu), alternative))
    return computed("portfolio-t", t, "t", f"{cluster.nu:g}", p, _risen_variance(cluster))


def weighted_sum(cluster: Cluster, weights: Floats) -> tuple[float, float]:
    """v'CAR and its standard error sqrt(q v'Sigma v); their ratio is t with nu degrees of freedom (methods 4)."""
    variance = cluster.q * float(weights @ cluster.covariance @ weights)
    return float(weights @ cluster.car), float(np.sqrt(variance))


def hotelling(cluster: Cluster) -> TestResult:
    """``hotelling``: all firms' CARs are zero; F = T2 (nu - N + 1)/(N nu), exact under normality (methods 6.3).

    Fat tails break it (8 % at N = 3 for t4 errors), hence the warning when the residuals show them.
    """
    n, nu = len(cluster.car), cluster.nu
    if nu < n:
        return undefined("hotelling", "F", f"{nu:g} degrees of freedom for {n} firms")
    distance = _squared_distances(cluster.car[None], cluster.covariance)
    if distance is None:
        return undefined("hotelling", "F", "the residual covariance is singular")
    t2 = float(distance[0]) / cluster.q
    df2 = nu - n + 1
    f = t2 * df2 / (n * nu)
    p = float(f_p_value(np.array(f), n, df2))
    return computed("hotelling", f, "F", f"{n};{df2:g}", p, [*_fat_tails(cluster), *_risen_variance(cluster)])


def equality(cluster: Cluster) -> TestResult:
    """``equality``: all firms' CARs are equal (methods 6.4); T2 of the N - 1 contrasts, F(N-1, nu-N+2)."""
    n, nu = len(cluster.car), cluster.nu
    if nu < n:
        return undefined("equality", "F", f"{nu:g} degrees of freedom for {n} firms")
    contrast = np.hstack([np.ones((n - 1, 1)), -np.eye(n - 1)])
    distance = _squared_distances((contrast @ cluster.car)[None], contrast @ cluster.covariance @ contrast.T)
    if distance is None:
        return undefined("equality", "F", "the residual covariance is singular")
    df2 = nu - n + 2
    f = float(distance[0]) / cluster.q * df2 / ((n - 1) * nu)
    p = float(f_p_value(np.array(f), n - 1, df2))
    return computed("equality", f, "F", f"{n - 1};{df2:g}", p, _fat_tails(cluster))


def mv_window(cluster: Cluster) -> TestResult:
    """``mv-window``: every abnormal return of every firm in the window is zero: Wilks' Lambda by Rao's F (methods 6.5).

    Exact where N or L is at most two; a test of means and variances alike.
    """
    n, length, nu = len(cluster.car), len(cluster.roots), cluster.nu
    if nu < n:
        return undefined("mv-window", "F", f"{nu:g} degrees of freedom for {n} firms")
    error = cluster.estimation.T @ cluster.estimation
    scale = np.sqrt(np.diagonal(error))
    if not (scale > 0).all() or np.linalg.cond(error / np.outer(scale, scale)) > SINGULAR:
        return undefined("mv-window", "F", "the residual covariance is singular")
    effect = cluster.window.T @ np.linalg.solve(cluster.v, cluster.window)
    both = np.linalg.slogdet((error + effect) / np.outer(scale, scale))[1]
    log_lambda = float(np.linalg.slogdet(error / np.outer(scale, scale))[1] - both)
    top, bottom = n**2 * length**2 - 4, n**2 + length**2 - 5
    k = np.sqrt(top / bottom) if top > 0 and bottom > 0 else 1.0
    m = nu - (n - length + 1) / 2
    df1, df2 = n * length, m * k - n * length / 2 + 1
    root = np.exp(log_lambda / k)
    f = (1 - root) / root * df2 / df1
    p = float(f_p_value(np.array(f), df1, df2))
    return computed("mv-window", float(f), "F", f"{df1};{df2:g}", p, _fat_tails(cluster))


def conformal_max(cluster: Cluster) -> TestResult:
    """``conformal-max``: the largest firm's move in its own standard deviations, among all circular shifts (6.6)."""
    scale = cluster.ring.std(axis=0)
    if not (scale > 0).all():
        return undefined("conformal-max", "permutation", "a firm has zero variance")
    largest = np.abs(circular_sums(cluster.ring, cluster.roots) / scale).max(axis=1)
    p = np.count_nonzero(largest >= largest[-1]) / len(largest)
    return TestResult(test="conformal-max", statistic=float(largest[-1]), null="permutation", df=str(len(largest)), p=p)


def _risen_variance(cluster: Cluster) -> list[str]:
    """A sentence where the firms differ more from each other in the window than on other days (methods A10)."""
    sums = {"dispersion": sums_of_runs(cluster.ring.T, len(cluster.roots))}
    return risen(sums, "kolari-pynnonen of the group") or []


def _fat_tails(cluster: Cluster) -> list[str]:
    kurtosis = _excess_kurtosis(cluster.estimation)
    if not kurtosis > KURTOSIS_LIMIT:
        return []
    return [f"excess kurtosis {kurtosis:.1f} of the residuals: the exact F finds too much; read conformal-hotelling"]


def conformal_hotelling(cluster: Cluster) -> TestResult:
    """``conformal-hotelling``: the window's distance among all circular shifts of itself (methods 6.6).

    Valid for fat tails and any correlation: whole days are permuted, never firm-days. A rejection may also mean a
    risen variance.
    """
    sums = circular_sums(cluster.ring, cluster.roots)
    scatter = cluster.ring.T @ cluster.ring
    distances = _squared_distances(sums, scatter)
    if distances is None:
        return undefined("conformal-hotelling", "permutation", "the residual covariance is singular")
    p = np.count_nonzero(distances >= distances[-1]) / len(distances)
    return TestResult(
        test="conformal-hotelling", statistic=float(distances[-1]), null="permutation", df=str(len(distances)), p=p
    )


def romano_wolf_firms(cluster: Cluster) -> list[TestResult]:
    """``romano-wolf`` over the firms of the cluster, one result per firm.

    Windows of one return: the estimation days' e_t/(s sqrt(1 - h_t)) are the null days. Longer windows: circular shifts
    of the window sums of the fit that includes the window.
    """
    scale = np.sqrt(np.diagonal(cluster.covariance))
    if not (scale > 0).all():
        return [undefined("romano-wolf", "max-t", "a firm has zero variance", k) for k in range(len(scale))]
    observed = cluster.car / (scale * np.sqrt(cluster.q))
    if len(cluster.roots) == 1:
        draws = cluster.estimation / (scale * np.sqrt(1 - cluster.leverage)[:, None])
        adjusted = romano_wolf(observed, draws, identity_included=False)
    else:
        sums = circular_sums(cluster.ring, cluster.roots) / cluster.ring.std(axis=0)
        adjusted = romano_wolf(sums[-1], sums, identity_included=True)
        draws = sums
    return [
        TestResult(test="romano-wolf", statistic=float(t), null="max-t", df=str(len(draws)), p=float(p), member=k)
        for k, (t, p) in enumerate(zip(observed, adjusted, strict=True))
    ]


def _squared_distances(vectors: Floats, scatter: Floats) -> Floats | None:
    """v' S^-1 v of each row; None where S is singular to working precision."""
    scale = np.sqrt(np.diagonal(scatter))
    if not (scale > 0).all():
        return None
    correlation = scatter / np.outer(scale, scale)
    if np.linalg.cond(correlation) > SINGULAR:
        return None
    z = vectors / scale
    return np.asarray(np.einsum("tn,tn->t", z, np.linalg.solve(correlation, z.T).T))


def _excess_kurtosis(residuals: Floats) -> float:
    """Pooled excess kurtosis of the firms' residuals, each scaled by its own standard deviation."""
    z = residuals / residuals.std(axis=0)
    return float((z**4).mean() - 3.0)

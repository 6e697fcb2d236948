"""A band that a whole CAR path keeps to, not each of its days alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from eventstudy.engine.models import MODELS, Fits, regressors
from eventstudy.engine.panel import Floats
from eventstudy.engine.significance.conformal import circular_sums
from eventstudy.engine.windows import Design

DRAWS = 20_000
# Rows of a path up to which shifts of the residuals give its band: sums of more of them vary too little.
SHORT_PATH = 5
SEED = 20250416


def path_correlation(design: Design, fits: Fits, name: str, i: int) -> Floats:
    """Correlation of the CARs from the window's first day to each of its days that has a return, for event i.

    From the exact covariance of the abnormal returns, V = D + X_w (X'X)^-1 X_w' (methods 2.1), summed along both axes:
    (k, k) float64, k the observed days. NaN where the model has no such covariance.
    """
    seen = np.flatnonzero(design.observed[i, design.window])
    x = regressors(design, MODELS[name])[i, design.window][seen]
    v = np.diag(fits.relative_variance[i, design.window][seen]) + x @ fits.xtx_inv[i] @ x.T
    path = v.cumsum(axis=0).cumsum(axis=1)
    scale = np.sqrt(np.diag(path))
    return np.asarray(path / np.outer(scale, scale))


@lru_cache(maxsize=4)
def _normals(width: int) -> Floats:
    """The same independent draws for every event of one window."""
    return np.random.default_rng(SEED).standard_normal((DRAWS, width))


def simultaneous_quantile(correlation: Floats, nu: float, level: float) -> float:
    """c with P(max |t_k| <= c) = level for the t statistics of a path that has this correlation.

    Multivariate t with nu degrees of freedom; the quantile of 20,000 seeded draws (standard error about 0.01 at 95 %).
    NaN for an invalid correlation.

    Checked against
    ---------------
    ``scipy.stats.multivariate_t`` and the coverage of whole paths (tests/engine/test_band.py).
    """
    if not len(correlation) or not np.isfinite(correlation).all() or not nu > 0:
        return float("nan")
    # the matrix may be singular by rounding: its root by eigenvalues, which may be zero
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    normal = _normals(len(correlation)) @ root.T
    spread = np.sqrt(np.random.default_rng(SEED + 1).chisquare(nu, DRAWS) / nu)
    largest = np.abs(normal).max(axis=1) / spread
    return float(np.quantile(largest, level))


def shifted_quantile(design: Design, fits: Fits, i: int, level: float) -> float:
    """The same c for event i without a distribution of the errors, for paths of at most five rows (methods A1).

    From every circular shift of the estimation residuals z = e / (s sqrt(n (1 - h))): the largest of
    |sum sqrt(m_j) z| / sqrt(sum m) along the path, m the spans of the path's rows in their places. Of M ordered maxima
    that of rank ceil(level (M + 1)).

    Returns
    -------
    float
        NaN for longer paths, without a variance, or with too few residuals for the level.
    """
    seen, used = design.observed[i, design.window], fits.used[i]
    k, m = int(seen.sum()), int(used.sum())
    rank = int(np.ceil(level * (m + 1)))
    if not 0 < k <= SHORT_PATH or rank > m or not fits.s2[i] > 0:
        return float("nan")
    span = fits.relative_variance[i, design.window][seen]
    z = fits.scaled[i, design.estimation][used] / np.sqrt(fits.s2[i] * (1 - fits.leverage[i][used]))
    # the shift whose path starts at row t ends k - 1 rows on
    paths = [np.roll(circular_sums(z, np.sqrt(span[:j])), -(j - 1)) / np.sqrt(span[:j].sum()) for j in range(1, k + 1)]
    return float(np.sort(np.abs(paths).max(axis=0))[rank - 1])

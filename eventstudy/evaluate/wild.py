"""Wild cluster bootstrap of regression coefficients, the null imposed (Cameron, Gelbach & Miller 2008)."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.inversion import first_exit

# 2^G patterns of signs are counted up to here, drawn beyond.
ENUMERATED_UP_TO = 12
# With fewer dates no pattern is extreme enough for 5 %: the smallest p is 2/2^G.
FEWEST_DATES = 6
DRAWS = 999
SEED = 20250416
LARGEST_BLOCK = 4_000_000


def sign_patterns(n_clusters: int) -> tuple[Floats, bool]:
    """Rademacher signs, one a cluster: (B, G), and whether they are all 2^G patterns, the observed one included."""
    if n_clusters <= ENUMERATED_UP_TO:
        bits = (np.arange(2**n_clusters)[:, None] >> np.arange(n_clusters)[None, :]) & 1
        return np.asarray(1.0 - 2.0 * bits), True
    rng = np.random.default_rng(np.random.SeedSequence([SEED, n_clusters]))
    return np.asarray(1.0 - 2.0 * rng.integers(0, 2, (DRAWS, n_clusters))), False


def wild_cluster(y: Floats, x: Floats, cluster: Ints, column: int) -> tuple[float, float, int]:
    """Test that one coefficient is zero.

    The model is fitted without the column; its residuals, the sign of each cluster flipped at random, make samples in
    which the null holds; the cluster-robust t of the full model on each gives the distribution of the observed one.

    Parameters
    ----------
    y : float64 (N,)
    x : float64 (N, k)
        Of full rank.
    cluster : int64 (N,)
        0 to G - 1.

    Returns
    -------
    t, p, draws : float, float, int
        Two-sided; p is a count over all patterns up to twelve clusters, with the +1 rule over drawn ones beyond. NaN
        where the clustered variance of the coefficient is zero.

    Checked against
    ---------------
    A loop that refits with statsmodels on every pattern; observed sizes in docs/validation.md.
    """
    x = x / np.sqrt((x**2).sum(axis=0))
    n_clusters = int(cluster.max()) + 1
    signs, complete = sign_patterns(n_clusters)
    inverse = np.asarray(np.linalg.inv(x.T @ x), dtype=np.float64)
    gram = np.zeros((n_clusters, x.shape[1], x.shape[1]))
    np.add.at(gram, cluster, x[:, :, None] * x[:, None, :])
    restricted = np.delete(x, column, axis=1)
    null = np.zeros(x.shape[1])
    if restricted.shape[1]:
        null[np.arange(x.shape[1]) != column] = np.linalg.lstsq(restricted, y, rcond=None)[0]
    score = np.zeros((n_clusters, x.shape[1]))
    np.add.at(score, cluster, x * (y - x @ null)[:, None])
    observed = _t(np.ones((1, n_clusters)), score, gram, inverse, column)[0]
    if not np.isfinite(observed):
        return np.nan, np.nan, len(signs)
    block = max(1, LARGEST_BLOCK // (n_clusters * x.shape[1]))
    drawn = np.concatenate(
        [_t(signs[at : at + block], score, gram, inverse, column) for at in range(0, len(signs), block)]
    )
    # a pattern and its mirror give equal t up to rounding; one whose variance vanishes counts against rejection
    more = int(np.count_nonzero(~(np.abs(drawn) < abs(observed) * (1 - 1e-9))))
    p = more / len(drawn) if complete else (1 + more) / (len(drawn) + 1)
    correction = (n_clusters - 1) / n_clusters * (len(y) - x.shape[1]) / (len(y) - 1)
    return float(observed * np.sqrt(correction)), p, len(signs)


def wild_interval(
    y: Floats, x: Floats, cluster: Ints, column: int, start: tuple[float, float], level: float
) -> tuple[float, float]:
    """The values of a coefficient that ``wild_cluster`` does not reject, by inversion (methods A8).

    Parameters
    ----------
    y, x, cluster, column
        As for ``wild_cluster``.
    start : (float, float)
        The estimate, from which the search goes outwards, and its first step.

    Returns
    -------
    (low, high)
        The first value rejected on either side. NaN where the set is the whole line: always for G <= 5 at 95 %, because
        p is never below 2/2^G.
    """
    n_clusters = int(cluster.max()) + 1
    # 1 - level is not exact: a p that equals it rejects
    alpha = 1 - level + 1e-12
    if 2 / 2**n_clusters > alpha or not np.isfinite(start).all() or not start[1] > 0:
        return np.nan, np.nan

    def p_of(value: float) -> float:
        p = wild_cluster(y - value * x[:, column], x, cluster, column)[1]
        return p if np.isfinite(p) else 1.0

    return first_exit(p_of, start[0], -start[1], alpha), first_exit(p_of, start[0], start[1], alpha)


def _t(signs: Floats, score: Floats, gram: Floats, inverse: Floats, column: int) -> Floats:
    """Coefficient over its clustered deviation for each row of signs, without the constant small-sample factor.

    With residuals w_g u_g about the null fit, the full fit moves by A S'w and the score of a cluster becomes
    w_g S_g - X_g'X_g (b - b0): sums over clusters are all that is needed.
    """
    moved = signs @ score @ inverse
    weight = inverse[column]
    own = signs * (score @ weight) - moved @ np.einsum("gkl,k->gl", gram, weight).T
    variance = (own**2).sum(axis=1)
    # rounding leaves a trace where the exact variance is zero
    scale = ((np.abs(score) @ np.abs(weight)) ** 2).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 1e-20 * scale, moved[:, column] / np.sqrt(variance), np.nan)

"""``spec-curve``: one window under every defensible specification, and the whole curve among those of the firm's
uneventful sessions (Simonsohn, Simmons & Nelson 2020, for one firm; methods A2)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from scipy import special

from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance.distributions import Alternative, t_p_value
from eventstudy.engine.significance.placebo import without_overlap
from eventstudy.engine.significance.sliding import window_sums
from eventstudy.engine.windows import WindowPlan

# sessions below which the joint test warns, and below which it is empty
ENOUGH, FEWEST = 199, 39
# valid estimation observations that a specification needs
OBSERVATIONS = 30
# estimation sessions of the grid, and sessions between their end and the event window
LENGTHS, GAPS = (60, 120, 250, 500), (10, 20)
ROUNDING = 1e-12
# a remainder below this share of what it is left of carries too few digits
_SAFE = 1e-10


def normal_scores(t: Floats, df: Floats) -> Floats:
    """z with the two-sided p value and the sign of a t statistic; computed in the tail."""
    known = np.isfinite(t) & np.isfinite(df)
    z, (t, df) = np.full(np.shape(t), np.nan), (t[known], df[known])
    z[known] = -np.sign(t) * special.ndtri(special.stdtr(df, -np.abs(t)))
    return z


def statistics(car: Floats, t: Floats, df: Floats, level: float = 0.95) -> dict[str, Floats]:
    """Joint statistics of K specifications, two-sided; (..., K) each -> (...,).

    ``median`` |median CAR|, ``median-z`` |median z|, ``share`` the larger share of specifications that reject in one
    direction, ``stouffer`` |sum z| / sqrt(K). The specifications share their data, so that none has a standard
    distribution.
    """
    z, reject = normal_scores(t, df), t_p_value(t, df) <= 1 - level + ROUNDING
    return {
        "median": np.abs(np.median(car, axis=-1)),
        "median-z": np.abs(np.median(z, axis=-1)),
        "share": np.maximum((reject & (t > 0)).mean(axis=-1), (reject & (t < 0)).mean(axis=-1)),
        "stouffer": np.abs(z.sum(axis=-1)) / np.sqrt(z.shape[-1]),
    }


def median_z(z: Floats, alternative: Alternative) -> Floats:
    """Median of z over the last axis in the direction of the test: what the joint test compares."""
    middle = np.median(z, axis=-1)
    return np.asarray({"less": -middle, "greater": middle}.get(alternative, np.abs(middle)))


def placebo_p(observed: float, placebo: Floats) -> float:
    """Share of B uneventful sessions whose statistic is at least as large, the event itself counted among them."""
    return float((1 + np.count_nonzero(placebo >= observed - ROUNDING)) / (len(placebo) + 1))


def session_curve(
    panel: ReturnPanel,
    series: int,
    model: str,
    masks: tuple[Bools, Bools],
    plans: Sequence[WindowPlan],
    window: tuple[int, int],
    *,
    sessions: tuple[int, int] | None = None,
) -> tuple[Floats, Floats, Floats]:
    """CAR, exact t and its degrees of freedom of every session of a series as a pseudo-event, under several plans.

    Window sums of the products of all pairs of columns give every least-squares fit: no session is fitted by itself.

    Parameters
    ----------
    model : str
        A regression with exact inference.
    masks : (bool (T,), bool (T,))
        Sessions that estimation windows leave out, and those that no test window may hold.
    plans : sequence of WindowPlan
        They differ in estimation length and gap.
    window : (start, end)
    sessions : (first, stop), optional
        The sessions to compute; all without it.

    Returns
    -------
    car, t, df : float64 (stop - first, len(plans))
        NaN where a plan lacks sessions before it or observations, or the window holds a masked or missing session.

    Checked against
    ---------------
    Every session fitted by itself (tests/oracles/test_curve.py).
    """
    rows = _Rows(panel, series, model)
    n_sessions, (start, end) = panel.n_sessions, window
    length = end - start + 1
    # a design begins with the series
    begin = int(np.argmax(rows.seen)) if rows.seen.any() else n_sessions
    low, high = sessions or (0, n_sessions)
    # the columns that designs of these sessions read
    left = max(0, low + min(start, *(plan.estimation_start for plan in plans)))
    cut = slice(left, max(left, high + max(0, end)))
    rows, masks = rows.part(cut), (masks[0][cut], masks[1][cut])
    sums = window_sums(
        np.concatenate([rows.columns * rows.seen, [rows.span * rows.seen, rows.clean(masks[1])]]), length
    )
    used = (rows.seen & ~masks[0]).astype(np.float64)
    products = np.concatenate([rows.products() * used, [used]])
    found = [np.full((high - low, len(plans)), np.nan) for _ in range(3)]
    by_length: dict[int, Floats] = {}
    for n in sorted({plan.estimation for plan in plans}):
        # two windows of half the length, where they are known, are cheaper than a window
        half = by_length.get(n // 2, np.empty((0, 0))) if n % 2 == 0 else np.empty((0, 0))
        there = half.shape[1] > n // 2
        by_length[n] = half[:, : -(n // 2)] + half[:, n // 2 :] if there else window_sums(products, n)
    asked, parts = np.arange(low, high), []
    for k, plan in enumerate(plans):
        moments, first, at = by_length[plan.estimation], asked + plan.estimation_start - left, asked + start - left
        fits = (first >= max(0, begin - left)) & (first < moments.shape[1]) & (at >= 0) & (at < sums.shape[1])
        d = np.flatnonzero(fits)
        d = d[(sums[-1, at[d]] == length) & (moments[-1, first[d]] >= max(OBSERVATIONS, rows.p + 2))]
        parts.append((moments[:, first[d]], sums[:-1, at[d]], d, np.full(len(d), k)))
    moments, of_window, d, k_of = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
    for target, one in zip(found, rows.solved(moments, of_window), strict=True):
        target[d, k_of] = one
    return found[0], found[1], found[2]


class _Rows:
    """One series as the columns of a regression, the return last, weighed by 1/span."""

    def __init__(self, panel: ReturnPanel, series: int, model: str) -> None:
        entry = MODELS[model]
        y, x = panel.returns[series], panel.factors[series][: entry.n_factors(panel.factors.shape[1])]
        span = panel.span[series].astype(np.float64)
        self.seen = np.isfinite(y) & np.isfinite(panel.factors[series]).all(axis=0) & (span > 0)
        self.span = np.where(self.seen, span, 1.0)
        values = np.where(self.seen, np.concatenate([x, [y]]), 0.0)
        if entry.twin == "constant":
            # about the middle: the constant takes it up, and the products keep their digits
            middle = np.array([np.median((v / self.span)[self.seen]) if self.seen.any() else 0.0 for v in values])
            values = np.concatenate([[self.span], values - middle[:, None] * self.span])
        self.columns = values
        self.p = len(values) - 1

    def part(self, sessions: slice) -> _Rows:
        """The rows of some sessions, about the middle of all."""
        found = copy(self)
        found.seen, found.span, found.columns = self.seen[sessions], self.span[sessions], self.columns[:, sessions]
        return found

    def clean(self, masked: Bools) -> Floats:
        """1 on sessions that a test window may hold."""
        return np.asarray(self.seen & ~masked, dtype=np.float64)

    def products(self) -> Floats:
        """Products of all pairs of columns over the span, lower triangle row by row."""
        return np.stack([a * b / self.span for i, a in enumerate(self.columns) for b in self.columns[: i + 1]])

    def solved(self, moments: Floats, window: Floats) -> tuple[Floats, Floats, Floats]:
        """CAR, t and degrees of freedom from the sums of products (.., m) and the window's sums (p + 2, m).

        The Cholesky factor of all columns with the return last holds the residual sum of squares in its last entry."""
        p, count = self.p, moments[-1]
        root: list[list[Floats]] = []
        ok = np.ones(len(count), dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            for i in range(p + 1):
                line: list[Floats] = []
                product = moments[i * (i + 1) // 2 :]
                for j in range(i):
                    line.append(_less(product[j], line, root[j]) / root[j][j])
                rest = _less(product[i], line, line)
                ok &= rest > _SAFE * product[i]
                root.append([*line, np.sqrt(rest)])
            along: list[Floats] = []
            for i in range(p):
                along.append(_less(window[i], along, root[i]) / root[i][i])
            car, q, df = _less(window[p], along, root[p]), _less(window[p + 1], along, [-v for v in along]), count - p
            t = car / np.sqrt(root[p][p] ** 2 / df * q)
        return np.where(ok, car, np.nan), np.where(ok, t, np.nan), np.where(ok, df, np.nan)


def _less(value: Floats, one: Sequence[Floats], other: Sequence[Floats]) -> Floats:
    """A value less the sum of the products of two lists, as far as the first goes."""
    for a, b in zip(one, other, strict=False):
        value = value - a * b
    return value


def uneventful(known: Bools, length: int) -> Ints:
    """Which of the sessions before an event, known under each specification or not (m, K), its curve is compared with:
    those known under every one, without overlap for windows of several sessions."""
    return without_overlap(np.flatnonzero(known.all(axis=1)), length)

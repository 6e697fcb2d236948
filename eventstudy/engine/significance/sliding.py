"""The exact t of every session of a series in one pass: window sums by two blocks (van Herk 1992; Gil & Werman 1993).

Each window sum is a suffix of one block plus a prefix of the next, so it costs two additions whatever the length, and
nothing outside the window ever enters it: no running sum carries a bad tick along, and nothing is subtracted to slide.
The moments are taken about the series' medians. What subtraction is left (variance about a mean, residual sum of
squares) is watched: where it would cost digits, the session is handed back to the direct kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, ReturnPanel

# A difference smaller than this share of its terms has lost two digits: the direct kernel takes over.
_SAFE = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliding:
    """One series, T sessions, W windows.

    Attributes
    ----------
    t : float64 (T, W)
        Exact t of each session as a pseudo-event; NaN where its design does not fit or its window is not clean.
    unsure : bool (T,)
        Sessions whose own values need the direct kernel; ``t`` is NaN there.
    """

    t: Floats
    unsure: Bools


@dataclass(frozen=True, slots=True)
class _Series:
    """Rows of one series about their medians, zero where a row cannot be used; (T,) each."""

    used: Floats
    span: Floats
    y: Floats
    x: Floats
    y_median: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """Least squares of every estimation window, from its sums; (T - N + 1,) each, by the window's first session."""

    count: Floats
    covered: Floats
    mean_x: Floats
    intercept: Floats
    slope: Floats
    sxx: Floats
    s2: Floats
    safe: Bools


def window_sums(values: Floats, length: int) -> Floats:
    """Sums over ``length`` consecutive entries of the last axis: (..., T) -> (..., T - length + 1).

    Entry k is the sum of the entries k to k + length - 1. Shorter input gives an empty last axis.

    Checked against
    ---------------
    ``math.fsum`` of every window, a bad tick of 1e6 among them (tests/engine/test_sliding.py).
    """
    n = values.shape[-1]
    if length == 1:
        return values.copy()
    if n < length:
        return np.empty((*values.shape[:-1], 0))
    blocks = -(-n // length)
    padded = np.zeros((*values.shape[:-1], blocks * length))
    padded[..., :n] = values
    split = padded.reshape(*values.shape[:-1], blocks, length)
    prefix = np.cumsum(split, axis=-1).reshape(padded.shape)
    total: Floats = prefix[..., length - 1 : n].copy()
    suffix = np.cumsum(split[..., ::-1], axis=-1)[..., ::-1]
    # a window that starts a block is that block: the prefix alone holds it
    suffix[..., 0] = 0.0
    total += suffix.reshape(padded.shape)[..., : n - length + 1]
    return total


def sliding_t(panel: ReturnPanel, series: int, mask: Bools, options: Options) -> Sliding:
    """Exact t of every session of a series as a pseudo-event, O(T) for any length of window.

    Parameters
    ----------
    panel, series, mask, options
        As for ``placebo_table``; the model is one that ``slides``. Masked and missing sessions drop out of every
        estimation window exactly; a return over several sessions has its weight and its intercept (trade-to-trade).

    Checked against
    ---------------
    The direct kernel to 1e-12 (tests/engine/test_sliding.py).
    """
    plan, windows = options.plan, options.windows
    min_obs = options.needed(panel.factors.shape[1])
    parameters = options.entry.n_parameters(panel.factors.shape[1])
    rows = _rows(panel, series, mask, options)
    fits = _fits(rows, plan.estimation, slope=parameters == 2)
    n = panel.n_sessions
    t = np.full((n, len(windows)), np.nan)
    # by day 0: the fit of session d starts at d + E1
    sessions = np.arange(n)
    fit_at = sessions + plan.estimation_start
    has_fit = (fit_at >= 0) & (fit_at < len(fits.count))
    at = np.where(has_fit, fit_at, 0)
    enough = np.zeros(n, dtype=bool)
    unsure = np.zeros(n, dtype=bool)
    if len(fits.count):
        enough = has_fit & (fits.count[at] >= max(min_obs, parameters + 1))
        unsure = enough & ~fits.safe[at]
    stacked = np.stack([rows.used, rows.used * rows.span, rows.y, rows.x])
    any_clean = np.zeros(n, dtype=bool)
    for w, (start, end) in enumerate(windows):
        sums = window_sums(stacked, end - start + 1)
        first = sessions + start
        inside = (first >= 0) & (first < sums.shape[-1])
        if not inside.any():
            continue
        seen, covered, y, x = sums[:, np.where(inside, first, 0)]
        clean = inside & enough & (seen == end - start + 1)
        any_clean |= clean
        d = np.flatnonzero(clean & ~unsure)
        t[d, w] = _t_values(fits, at[d], covered[d], y[d], x[d], rows.y_median, parameters)
    return Sliding(t=t, unsure=unsure & any_clean)


def slides(options: Options, n_benchmarks: int) -> bool:
    """Whether a model has at most a constant and one slope: more would need normal equations, which lose digits."""
    return options.entry.twin in ("constant", "difference") and options.entry.n_factors(n_benchmarks) <= 1


def _rows(panel: ReturnPanel, series: int, mask: Bools, options: Options) -> _Series:
    y, span = panel.returns[series], panel.span[series].astype(np.float64)
    factors = panel.factors[series]
    usable = np.isfinite(y) & np.isfinite(factors).all(axis=0) & (span > 0) & ~mask
    if options.strict:
        usable &= span == 1
    x = factors[0] if options.entry.n_factors(len(factors)) else np.zeros_like(y)
    if options.entry.twin == "difference":
        y, x = y - x, np.zeros_like(y)
    span = np.where(usable, span, 1.0)
    y, x = np.where(usable, y, 0.0), np.where(usable, x, 0.0)
    y_median, x_median = (float(np.median((v / span)[usable])) if usable.any() else 0.0 for v in (y, x))
    return _Series(
        used=usable.astype(np.float64),
        span=span,
        y=np.where(usable, y - y_median * span, 0.0),
        x=np.where(usable, x - x_median * span, 0.0),
        y_median=y_median,
    )


def _fits(rows: _Series, length: int, *, slope: bool) -> _Fit:
    """Weighted least squares (weights 1/span) of every estimation window from seven sums."""
    weighted_y = rows.y / rows.span
    moments = [rows.used, rows.used * rows.span, rows.y, rows.y * weighted_y]
    if slope:
        moments += [rows.x, rows.x * rows.x / rows.span, rows.x * weighted_y]
    sums = window_sums(np.stack(moments), length)
    count, covered, y, yy = sums[:4]
    x, xx, xy = sums[4:] if slope else np.zeros((3, sums.shape[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_y, mean_x = y / covered, x / covered
        syy = yy - y * mean_y
        safe = syy > _SAFE * yy
        if slope:
            sxx, sxy = xx - x * mean_x, xy - x * mean_y
            b = sxy / sxx
            unexplained = syy - b * sxy
            safe &= (sxx > _SAFE * xx) & (unexplained > _SAFE * syy)
            s2 = unexplained / (count - 2)
        else:
            sxx, b, s2 = np.ones_like(syy), np.zeros_like(syy), syy / (count - 1)
    return _Fit(
        count=count,
        covered=covered,
        mean_x=mean_x,
        intercept=mean_y - b * mean_x,
        slope=b,
        sxx=sxx,
        s2=s2,
        safe=safe,
    )


def _t_values(
    fits: _Fit, at: np.ndarray, covered: Floats, y: Floats, x: Floats, y_median: float, parameters: int
) -> Floats:
    """CAR / (s sqrt(q)) of windows with these sums, each with its own fit."""
    if not parameters:
        # nothing is estimated: the mean enters s2 alone, and the CAR is about zero
        return np.asarray((y + y_median * covered) / np.sqrt(fits.s2[at] * covered))
    car = y - fits.intercept[at] * covered - fits.slope[at] * x
    q = covered + covered**2 / fits.covered[at] + (x - covered * fits.mean_x[at]) ** 2 / fits.sxx[at]
    return np.asarray(car / np.sqrt(fits.s2[at] * q))

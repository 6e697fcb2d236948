"""Ranks, signs and standardised values of each event, computed once per block for every multi-event test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.models import MODELS, Fits, regressors
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.windows import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """E events in event time; N estimation days, L days of the event window.

    Attributes
    ----------
    residual : float64 (E, N)
        Estimation residuals of one-session scale; NaN on days that did not enter.
    abnormal : float64 (E, L)
        Abnormal returns of one-session scale on the event window; NaN without a return.
    scale : float64 (E,)
        s, the residual standard deviation; NaN where it is zero.
    nu : float64 (E,)
    leverage : float64 (E, N)
        Diagonal of the hat matrix; NaN on days that did not enter.
    sar : float64 (E, L)
        AR / (s sqrt(V_tt)).
    corrado : float64 (E, N + L)
        Centred ranks K/(T + 1) - 1/2 of raw residuals and raw abnormal returns together.
    ranked : float64 (E, N)
        Average ranks of the estimation residuals among themselves.
    n_ranked : float64 (E,)
        M, values ranked in ``ranked``.
    share_positive : float64 (E,)
        Share of estimation residuals above zero.
    """

    residual: Floats
    abnormal: Floats
    scale: Floats
    nu: Floats
    leverage: Floats
    sar: Floats
    corrado: Floats
    ranked: Floats
    n_ranked: Floats
    share_positive: Floats


def gather_evidence(design: Design, fits: Fits, v: Floats) -> Evidence:
    """Ranks and standardised values of every event.

    Parameters
    ----------
    design, fits
        As gathered and estimated.
    v : float64 (E, L)
        Diagonal of V on the event window.
    """
    residual = np.where(fits.used, fits.scaled[:, design.estimation], np.nan)
    abnormal = fits.scaled[:, design.window]
    scale = np.sqrt(np.where(fits.s2 > 0, fits.s2, np.nan))
    both = np.concatenate([residual, abnormal], axis=1)
    with np.errstate(invalid="ignore"):
        positive = (residual > 0).sum(axis=1)
    count = fits.used.sum(axis=1)
    return Evidence(
        residual=residual,
        abnormal=abnormal,
        scale=scale,
        nu=fits.nu,
        leverage=fits.leverage,
        sar=fits.residual[:, design.window] / (scale[:, None] * np.sqrt(v)),
        corrado=centred(average_ranks(both)),
        ranked=average_ranks(residual),
        n_ranked=count.astype(np.float64),
        share_positive=positive / np.maximum(count, 1),
    )


def average_ranks(values: Floats) -> Floats:
    """Ranks 1..T of each row's finite values, ties sharing their average; NaN stays NaN. (E, T) -> (E, T).

    Rows go in blocks: the sort's scratch arrays are four times the size of what it sorts.

    Checked against
    ---------------
    ``scipy.stats.rankdata`` (tests/oracles).
    """
    ranks = np.empty(values.shape)
    for at in range(0, len(values), CHUNK):
        ranks[at : at + CHUNK] = _ranked(values[at : at + CHUNK])
    return ranks


def _ranked(values: Floats) -> Floats:
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.ones(values.shape, dtype=bool)
    last[:, :-1] = new[:, 1:]
    first_of = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    last_of = np.minimum.accumulate(np.where(last, place, values.shape[1])[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first_of + last_of) / 2 + 1, axis=1)
    return np.where(np.isfinite(values), ranks, np.nan)


def centred(ranks: Floats) -> Floats:
    """K/(T + 1) - 1/2 with T the values ranked in each row."""
    count = np.isfinite(ranks).sum(axis=1, keepdims=True)
    return np.asarray(ranks / (count + 1) - 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The events of one group over one test window, those with a CAR and a variance.

    Attributes
    ----------
    rows : int64 (n,)
        Positions in the block.
    car, scar, std_error, bhar, q : float64 (n,)
    days : slice
        Columns of the test window within the event window.
    dates : int64 (n,)
        Day number of day 0.
    series : int64 (n,)
        What the event's returns belong to: equal numbers, one firm.
    evidence : Evidence
        Of the whole block; read it through ``rows``.
    weight : float64 (n,) or None
        What each event weighs in value-weighted means, NaN where that is not known; None where nobody asked.
    """

    rows: Ints
    car: Floats
    scar: Floats
    std_error: Floats
    bhar: Floats
    q: Floats
    days: slice
    start: int
    end: int
    dates: Ints
    series: Ints
    evidence: Evidence
    weight: Floats | None = None

    @property
    def n(self) -> int:
        """Number of events."""
        return len(self.rows)

    @property
    def length(self) -> int:
        """L, days of the test window."""
        return self.end - self.start + 1

    def part(self, start: int, stop: int) -> Sample:
        """Events start to stop of the sample."""
        cut = slice(start, stop)
        return Sample(
            rows=self.rows[cut],
            car=self.car[cut],
            scar=self.scar[cut],
            std_error=self.std_error[cut],
            bhar=self.bhar[cut],
            q=self.q[cut],
            days=self.days,
            start=self.start,
            end=self.end,
            dates=self.dates[cut],
            series=self.series[cut],
            evidence=self.evidence,
            weight=None if self.weight is None else self.weight[cut],
        )


def window_weights(design: Design, fits: Fits, name: str, rows: Ints, start: int, end: int) -> tuple[Floats, Bools]:
    """Weights of each day's error in a CAR: gamma'P of methods 2.5, (n, D), and the days with a weight.

    One on the observed days of the window; minus X_e (X'X)^-1 X_w'gamma on the estimation days.
    """
    model = MODELS[name]
    days = design.days(start, end)
    weights = np.zeros((len(rows), design.plan.n_days))
    seen = design.observed[rows][:, days]
    # without an exact theory only the leading term is kept: the days of the window themselves
    if model.inference != "asymptotic":
        x = regressors(design, model)[rows]
        total = np.where(seen[:, :, None], x[:, days], 0.0).sum(axis=1)
        along = np.einsum("epq,eq->ep", fits.xtx_inv[rows], total)
        used = fits.used[rows]
        own = np.einsum("enp,ep->en", np.where(used[:, :, None], x[:, design.estimation], 0.0), along)
        weights[:, design.estimation] = -own / design.span[rows][:, design.estimation]
    weights[:, days] += seen
    return weights, weights != 0

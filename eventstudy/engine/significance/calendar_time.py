"""Calendar-time portfolios of firms that had an event (methods 10.3): who is held, what they earn, Jaffe's test.

Sums by session are additive over firms, so partitions that keep a firm together merge by addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eventstudy.engine.models import MODELS, Fits, regressors
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.distributions import Alternative, t_p_value
from eventstudy.engine.significance.pairs import COMMON_DAYS
from eventstudy.engine.significance.result import TestResult, computed, undefined
from eventstudy.engine.windows import Design

# Events whose residuals are laid out on the calendar at once.
BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Equal-weighted portfolio of the firms held on each of T sessions.

    Attributes
    ----------
    day : int64 (T,)
        Days since 1970-01-01, increasing.
    n : int64 (T,)
        Firms held.
    returns : float64 (T,)
        Mean return of the firms held, in excess of what the model takes off beforehand.
    factors : float64 (T, K)
        Mean of their factors: where all share the benchmarks, the benchmarks.
    """

    day: Ints
    n: Ints
    returns: Floats
    factors: Floats


@dataclass(frozen=True, slots=True)
class DaySums:
    """Sums over the firms held, by calendar day; partitions that keep a firm together merge by addition.

    Attributes
    ----------
    day : int64 (T,)
        Days since 1970-01-01, increasing.
    n : float64 (T,)
        Firms held.
    returns : float64 (T,)
    factors : float64 (T, K)
    """

    day: Ints
    n: Floats
    returns: Floats
    factors: Floats

    def merge(self, other: DaySums) -> DaySums:
        """Both, this one first."""
        day, place = np.unique(np.concatenate([self.day, other.day]), return_inverse=True)
        total = [np.zeros((len(day), *values.shape[1:])) for values in (self.n, self.returns, self.factors)]
        for part, at in ((self, place[: len(self.day)]), (other, place[len(self.day) :])):
            for into, values in zip(total, (part.n, part.returns, part.factors), strict=True):
                into[at] += values
        return DaySums(day, *total)

    def portfolio(self, n_min: int) -> Portfolio:
        """The portfolio on the sessions with at least ``n_min`` firms."""
        kept = self.n >= n_min
        size = self.n[kept]
        return Portfolio(
            day=self.day[kept],
            n=size.astype(np.int64),
            returns=self.returns[kept] / size,
            factors=self.factors[kept] / size[:, None],
        )


def held_until(firm: Ints, session: Ints, hold: int) -> Ints:
    """Last day on which each event's firm is held for it (E,): a later event of the firm takes over on the session
    after its own day 0.

    Parameters
    ----------
    firm : int64 (E,)
        Equal numbers, one firm.
    session : int64 (E,)
        Position of day 0.
    """
    order = np.lexsort((session, firm))
    until = np.full(len(order), hold, dtype=np.int64)
    same = firm[order][1:] == firm[order][:-1]
    until[order[:-1][same]] = np.minimum(hold, np.diff(session[order])[same])
    return until


def holding(design: Design, until: Ints) -> Bools:
    """Which days of each event its firm is held: days 1 to ``until`` (E,) with a one-session return; (E, D)."""
    day = np.arange(design.plan.estimation_start, design.plan.end + 1)
    return np.asarray((day >= 1) & (day <= until[:, None]) & design.observed & (design.span == 1))


def day_sums(design: Design, held: Bools, day_number: Ints) -> DaySums:
    """Returns of the firms held, summed session by session.

    Parameters
    ----------
    held : bool (E, D)
    day_number : int64 (E, D)
        Calendar day of every column.

    Checked against
    ---------------
    A loop over dates and firms (tests/oracles).
    """
    day, place = np.unique(day_number[held], return_inverse=True)
    x = design.x[held]
    columns = (np.bincount(place, x[:, k], minlength=len(day)) for k in range(x.shape[1]))
    return DaySums(
        day=day,
        n=np.bincount(place, minlength=len(day)).astype(np.float64),
        returns=np.asarray(np.bincount(place, design.y[held], minlength=len(day)), dtype=np.float64),
        factors=np.stack(list(columns), axis=1) if x.shape[1] else np.empty((len(day), 0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calendar:
    """Estimation residuals and holdings of the events, by calendar place."""

    residual: Floats
    used: Bools
    estimation_place: Ints
    held: Bools
    held_place: Ints
    scale: Floats
    firm: Ints
    parameters: int
    n_days: int

    def blocks(self) -> list[slice]:
        """The events in blocks."""
        return [slice(at, at + BLOCK) for at in range(0, len(self.scale), BLOCK)]

    def correlations(self) -> Iterator[tuple[slice, slice, Floats]]:
        """(block, block at or after it, correlation of errors); NaN below 30 common days, 1 within one firm."""
        ones = np.ones(self.used.shape)
        for a, one in enumerate(self.blocks()):
            x, wx = self.dense(one, self.residual), self.dense(one, ones)
            for other in self.blocks()[a:]:
                y, wy = self.dense(other, self.residual), self.dense(other, ones)
                common = wx @ wy.T
                size = (common - self.parameters) * np.outer(self.scale[one], self.scale[other])
                known = (common >= max(COMMON_DAYS, self.parameters + 2)) & (size > 0)
                r = np.where(known, x @ y.T / np.where(known, size, 1.0), np.nan)
                same = self.firm[one][:, None] == self.firm[other][None, :]
                yield one, other, np.where(same, 1.0, r)

    def mean_correlation(self) -> float:
        """Mean over the pairs of different firms that have enough common days; 0 where none has."""
        total, count = 0.0, 0
        for one, other, r in self.correlations():
            different = np.isfinite(r) & (self.firm[one][:, None] != self.firm[other][None, :])
            share = 1 if one == other else 2
            total, count = total + share * float(r[different].sum()), count + share * int(different.sum())
        return total / count if count else 0.0

    def pairs(self, mean: float) -> Iterator[tuple[slice, slice, Floats]]:
        """(block, block at or after it, covariance of one-session errors), those of two blocks counted twice.

        Pairs without enough common days take the mean correlation: their estimation and holding days may still meet.
        """
        for one, other, r in self.correlations():
            sigma = np.where(np.isfinite(r), r, mean) * np.outer(self.scale[one], self.scale[other])
            yield one, other, sigma if one == other else 2 * sigma

    def dense(self, rows: slice, values: Floats) -> Floats:
        """Values of the estimation days used, laid out on the calendar: (rows, C)."""
        return _laid_out(values[rows], self.used[rows], self.estimation_place[rows], self.n_days)

    def holdings(self, rows: slice, share: Floats) -> Floats:
        """``share`` (C,) on the days each event is held: (rows, C)."""
        held, place = self.held[rows], self.held_place[rows]
        return _laid_out(share[place], held, place, self.n_days)


def _laid_out(values: Floats, where: Bools, place: Ints, n_days: int) -> Floats:
    """Scatter the chosen values of each row onto the calendar."""
    out = np.zeros((len(values), n_days))
    row = np.broadcast_to(np.arange(len(values))[:, None], where.shape)
    out[row[where], place[where]] = values[where]
    return out


def jaffe(
    design: Design,
    fits: Fits,
    name: str,
    days: tuple[Bools, Ints],
    firm: Ints,
    n_min: int,
    side: Alternative,
) -> TestResult:
    """``jaffe`` (Jaffe 1974; Mandelker 1974): each session's portfolio abnormal return over its own deviation, summed.

    Abnormal returns are those of each event's own model; a session's deviation is that of the portfolio held, from the
    covariances of the estimation residuals. The sum is divided by the root of its exact variance, which counts that
    all sessions of an event share its estimated parameters: with the root of the number of sessions instead, a holding
    period as long as the estimation window doubles the variance. t with the smallest nu; trusts the variance before
    the events. On one common date it equals ``portfolio-t``.

    Parameters
    ----------
    days : tuple
        ``held`` and ``day_number`` as ``portfolio`` takes them.
    firm : int64 (E,)

    Checked against
    ---------------
    ``portfolio-t`` on one date, a naive loop over pairs; size in tests/properties.
    """
    model, (held, day_number) = MODELS[name], days
    if model.inference != "exact":
        return undefined("jaffe", "t", f"needs least squares, and {name} is not")
    laid = _lay_out(design, fits, name, held, day_number, firm)
    places = laid.held_place[held]
    n = np.bincount(places, minlength=laid.n_days)
    share = np.where(n >= max(n_min, 1), 1 / np.maximum(n, 1), 0.0)
    variance, mean = np.zeros(laid.n_days), laid.mean_correlation()
    for one, other, sigma in laid.pairs(mean):
        variance += (laid.holdings(one, share) * (sigma @ laid.holdings(other, share))).sum(axis=0)
    counted = (share > 0) & (variance > 0)
    if not counted.any():
        return undefined("jaffe", "t", "no session has a portfolio with a variance")
    weight = np.where(counted, share / np.sqrt(np.where(counted, variance, 1.0)), 0.0)
    gamma = np.where(held, weight[laid.held_place], 0.0)
    statistic = float((gamma * np.where(held, fits.residual, 0.0)).sum())
    errors = _error_weights(design, fits, name, gamma)
    total = 0.0
    for one, other, sigma in laid.pairs(mean):
        g, h = (laid.dense(rows, errors) + laid.holdings(rows, weight) for rows in (one, other))
        total += float((sigma * (g @ h.T)).sum())
    if not total > 0:
        return undefined("jaffe", "t", "cov_not_psd: the variance of the sum is not positive")
    t, nu = statistic / np.sqrt(total), float(fits.nu[held.any(axis=1)].min())
    return computed("jaffe", t, "t", f"{nu:g}", float(t_p_value(np.array(t), np.array(nu), side)), [])


def _lay_out(design: Design, fits: Fits, name: str, held: Bools, day_number: Ints, firm: Ints) -> _Calendar:
    """Every estimation and holding day by its place among all days that any event uses."""
    before = day_number[:, design.estimation]
    days = np.unique(np.concatenate([before[fits.used], day_number[held]]))
    return _Calendar(
        residual=np.where(fits.used, fits.scaled[:, design.estimation], 0.0),
        used=fits.used,
        estimation_place=np.minimum(np.searchsorted(days, before), len(days) - 1),
        held=held,
        held_place=np.minimum(np.searchsorted(days, day_number), len(days) - 1),
        scale=np.sqrt(np.where(fits.s2 > 0, fits.s2, 0.0)),
        firm=firm,
        parameters=MODELS[name].n_parameters(design.x.shape[2]),
        n_days=len(days),
    )


def _error_weights(design: Design, fits: Fits, name: str, gamma: Floats) -> Floats:
    """Weights of the errors of the estimation days in a weighted sum of abnormal returns: (E, N)."""
    x = regressors(design, MODELS[name])
    total = np.einsum("edp,ed->ep", np.where(gamma[:, :, None] != 0, x, 0.0), gamma)
    along = np.einsum("epq,eq->ep", fits.xtx_inv, total)
    own = np.einsum("enp,ep->en", np.where(fits.used[:, :, None], x[:, design.estimation], 0.0), along)
    return np.asarray(-own / design.span[:, design.estimation])

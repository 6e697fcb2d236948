"""Sums over pairs of events: correlations of residuals, covariances of CARs (methods 8).

What merges by addition, exactly, and what needs pairs. With n_d the events whose test window holds calendar day d and
L its length, the mean overlap needs days alone: the common window days of all pairs are sum_d n_d (n_d - 1)/2
(``overlap.overlap_of``, with the number of pairs that overlap). The two sums

    sum r_ij o_ij,  r_ij = S_xy / sqrt(S_xx S_yy)        over the estimation days that both events know
    sum c_i c_j sigma_ij w_i'w_j,  sigma_ij = e_i'e_j / (m_ij - p)

divide by numbers of the pair: the common days m_ij, and the mean and scatter of each event on just these days. Were
they the same for all pairs, sum_d ((sum_i z_id)^2 - sum_i z_id^2)/2 would be the first sum; but masked and missing days
differ between firms, and the common days between dates. So pairs are formed, in blocks of events sorted by date, of
which only two are held: memory is that of two blocks, time follows the pairs whose windows overlap. The sums of pairs
of blocks merge by addition in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from eventstudy.engine.models import Fits
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.evidence import window_weights
from eventstudy.engine.significance.overlap import Calendars
from eventstudy.engine.windows import Design

COMMON_DAYS = 30
# Events of a block: part of the numerical contract, like the chunks of other sums.
BLOCK = 256
# Blocks held at once by whoever forms pairs.
HELD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """The errors of n events on C consecutive calendar days, W test windows.

    Attributes
    ----------
    first : int
        Place of the first day among all days of the study.
    residual, known : float64 (n, C)
        Estimation residuals, 0 where unknown; 1 where known, else 0.
    weight : float64 (W, n, C)
        How each day's error enters the CAR (``evidence.window_weights``).
    window : sequence of float64 (g, C)
        For each test window, 1 on its days, one row for each day 0.
    lengths : sequence of int
        L of each test window.
    day0 : int64 (n,)
        Row of ``window`` of each event.
    series : int64 (n,)
        Equal numbers, one firm.
    shares : sequence of float64 (n, S)
        For each test window and sum, c_i of each event; 0 where it is not in the sum.
    parameters : float
        p of the model.
    """

    first: int
    residual: Floats
    known: Floats
    weight: Floats
    window: Sequence[Floats]
    lengths: Sequence[int]
    day0: Ints
    series: Ints
    shares: Sequence[Floats]
    parameters: float

    @property
    def stop(self) -> int:
        """Place after the last day."""
        return self.first + int(self.residual.shape[1])

    def part(self, rows: slice) -> Errors:
        """The errors of events that follow each other."""
        return replace(
            self,
            residual=self.residual[rows],
            known=self.known[rows],
            weight=self.weight[:, rows],
            day0=self.day0[rows],
            series=self.series[rows],
            shares=[own[rows] for own in self.shares],
        )


@dataclass(frozen=True, slots=True)
class PairSums:
    """Sums over the pairs of events whose windows overlap and that have enough common days; float64 (S,) each.

    Attributes
    ----------
    count, correlation : float64 (S,)
        Pairs, and their r_ij.
    overlap_correlation : float64 (S,)
        r_ij times the share of common window days.
    covariance : float64 (S,)
        2 c_i c_j Omega_ij.
    """

    count: Floats
    correlation: Floats
    overlap_correlation: Floats
    covariance: Floats

    def merge(self, other: PairSums) -> PairSums:
        """The sums over the pairs of both."""
        return PairSums(
            self.count + other.count,
            self.correlation + other.correlation,
            self.overlap_correlation + other.overlap_correlation,
            self.covariance + other.covariance,
        )

    def column(self, s: int) -> PairSums:
        """One of the sums, as numbers."""
        return PairSums(
            *(
                np.asarray(values[s])
                for values in (self.count, self.correlation, self.overlap_correlation, self.covariance)
            )
        )

    @classmethod
    def none(cls, n: int) -> PairSums:
        """No pairs, of n sums."""
        return cls(*(np.zeros(n) for _ in range(4)))


def errors_of(
    laid: Laid, residual: Floats, weights: Floats, windows: Sequence[slice], *, shares: Sequence[Floats],
    parameters: float,
) -> Errors:  # fmt: skip
    """Events in event time laid out on the calendar.

    Parameters
    ----------
    laid : Laid
        The calendar day of every column; days that are not in its calendar are outside and not shared.
    residual : float64 (n, N)
        Of the first N columns; NaN where unknown.
    weights : float64 (W, n, D)
    windows : sequence of slice
        Columns of each test window.
    shares, parameters
        As in ``Errors``.
    """
    n, n_estimation = residual.shape
    day, calendar = laid.day, laid.calendar
    place = np.minimum(np.searchsorted(calendar, day), len(calendar) - 1)
    inside = calendar[place] == day
    first = int(place[inside].min())
    width = int(place[inside].max()) - first + 1
    # what is outside falls into one column more, which is cut off
    at = np.where(inside, place - first, width)
    rows = np.arange(n)[:, None]
    e, known = np.zeros((n, width + 1)), np.zeros((n, width + 1))
    e[rows, at[:, :n_estimation]] = np.nan_to_num(residual)
    known[rows, at[:, :n_estimation]] = np.isfinite(residual)
    weight = np.zeros((len(weights), n, width + 1))
    weight[:, rows, at] = weights
    hull = slice(min(columns.start for columns in windows), max(columns.stop for columns in windows))
    distinct, day0 = np.unique(at[:, hull], axis=0, return_inverse=True)
    window = []
    for columns in windows:
        on = np.zeros((len(distinct), width + 1))
        on[np.arange(len(distinct))[:, None], distinct[:, columns.start - hull.start : columns.stop - hull.start]] = 1.0
        window.append(on[:, :width])
    return Errors(
        first=first,
        residual=e[:, :width],
        known=known[:, :width],
        weight=weight[:, :, :width],
        window=window,
        lengths=[columns.stop - columns.start for columns in windows],
        day0=day0.ravel(),
        series=laid.firm,
        shares=shares,
        parameters=parameters,
    )


def pair_sums(one: Errors, other: Errors, common_days: int = COMMON_DAYS) -> list[PairSums]:
    """The sums over the pairs of two blocks, one record a test window; of one block twice, those within it."""
    met, itself = [u @ v.T for u, v in zip(*_on_common_days(one, other), strict=True)], one is other
    hull: Floats = np.sum(met, axis=0)
    if not hull.any():
        return [PairSums.none(own.shape[1]) for own in one.shares]
    # of two blocks the later events of one meet the earlier of the other
    one, other = one.part(_reach(hull, one.day0)), other.part(_reach(hull.T, other.day0))
    r, sigma, cut_one, cut_other = _correlations(one, other, common_days)
    half = 0.5 if itself else 1.0
    if itself:
        np.fill_diagonal(r, np.nan)
    known = np.isfinite(r)
    r = np.where(known, r, 0.0)
    found = []
    for w, common in enumerate(met):
        mine, theirs = _reach(common, one.day0), _reach(common.T, other.day0)
        shared = common[one.day0[mine]][:, other.day0[theirs]]
        usable = known[mine, theirs] & (shared > 0)
        c, d = one.shares[w][mine], other.shares[w][theirs]
        if not usable.any():
            found.append(PairSums.none(c.shape[1]))
            continue
        a, b = (c != 0).astype(np.float64), (d != 0).astype(np.float64)
        both = one.weight[w][mine, cut_one] @ other.weight[w][theirs, cut_other].T
        correlation = np.where(usable, r[mine, theirs], 0.0)
        found.append(
            PairSums(
                count=half * _summed(a, usable.astype(np.float64), b),
                correlation=half * _summed(a, correlation, b),
                overlap_correlation=half * _summed(a, correlation * (shared / one.lengths[w]), b),
                covariance=2 * half * _summed(c, np.where(usable, sigma[mine, theirs] * both, 0.0), d),
            )
        )
    return found


def _reach(common: Floats, day0: Ints) -> slice:
    """From the first to the last of a block's events, which are sorted by date, that some day 0 of another meets."""
    at = np.flatnonzero(np.asarray(common.any(axis=1))[day0])
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0)


def _summed(left: Floats, values: Floats, right: Floats) -> Floats:
    """left_s' values right_s of every column s."""
    return np.asarray((left * (values @ right)).sum(axis=0))


def _on_common_days(one: Errors, other: Errors) -> tuple[list[Floats], list[Floats]]:
    """The test windows of both blocks, on the days that both blocks have."""
    lo, hi = max(one.first, other.first), max(min(one.stop, other.stop), max(one.first, other.first))
    return (
        [on[:, lo - one.first : hi - one.first] for on in one.window],
        [on[:, lo - other.first : hi - other.first] for on in other.window],
    )


def _correlations(one: Errors, other: Errors, common_days: int) -> tuple[Floats, Floats, slice, slice]:
    """Pairwise r and sigma of two blocks, and the columns of the days that both have.

    r is centred over the common estimation days; 1 for two events of one firm; NaN below ``common_days``.
    """
    lo, hi = max(one.first, other.first), min(one.stop, other.stop)
    cut_one, cut_other = slice(lo - one.first, hi - one.first), slice(lo - other.first, hi - other.first)
    x, y = one.residual[:, cut_one], other.residual[:, cut_other]
    wx, wy = one.known[:, cut_one], other.known[:, cut_other]
    m = wx @ wy.T
    sx, sy = x @ wy.T, wx @ y.T
    xx, yy, xy = (x * x) @ wy.T, wx @ (y * y).T, x @ y.T
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = xy - sx * sy / m
        r = covariance / np.sqrt((xx - sx**2 / m) * (yy - sy**2 / m))
        sigma = xy / (m - one.parameters)
    enough = m >= max(common_days, one.parameters + 2)
    same = one.series[:, None] == other.series[None, :]
    r = np.where(enough, np.where(same, 1.0, r), np.nan)
    return r, np.where(enough, sigma, 0.0), cut_one, cut_other


def neighbours(first_day: Ints, last_day: Ints) -> list[list[int]]:
    """For each block, itself and the later blocks whose test windows may overlap with its own.

    Parameters
    ----------
    first_day, last_day : int64 (B,)
        Calendar days between which all test windows of a block lie; blocks are sorted by the events' dates.
    """
    found = []
    for a in range(len(first_day)):
        later = a + 1 + np.flatnonzero((first_day[a + 1 :] <= last_day[a]) & (last_day[a + 1 :] >= first_day[a]))
        found.append([a, *later.tolist()])
    return found


def summed_pairs(
    tasks: Sequence[tuple[int, Sequence[int]]], take: Callable[[int], Errors], common_days: int = COMMON_DAYS
) -> list[list[PairSums]]:
    """The sums of some blocks with their neighbours, one list of windows a block; ``HELD`` blocks are kept at a time.

    Parameters
    ----------
    tasks : sequence of (block, its neighbours)
    take : callable
        Makes a block; called again for one that is no longer kept.
    """
    held: dict[int, Errors] = {}

    def block(number: int) -> Errors:
        if number not in held:
            while len(held) >= HELD:
                del held[next(iter(held))]
            held[number] = take(number)
        return held[number]

    found = []
    for a, others in tasks:
        own = block(a)
        sums = (pair_sums(own, own if b == a else block(b), common_days) for b in others)
        found.append(reduce(_merged, sums))
        # later blocks have later neighbours
        held.pop(a, None)
    return found


def _merged(one: list[PairSums], other: list[PairSums]) -> list[PairSums]:
    return [a.merge(b) for a, b in zip(one, other, strict=True)]


def merged_pairs(parts: Iterable[list[list[PairSums]]]) -> list[PairSums]:
    """The sums of all blocks, in order; one record a test window."""
    return reduce(_merged, (own for part in parts for own in part))


def errors_in_event_time(
    design: Design, fits: Fits, model: str, windows: Sequence[tuple[int, int]], laid: Laid, shares: Sequence[Floats]
) -> Errors:
    """The errors of a block of events as estimated.

    Parameters
    ----------
    windows : sequence of (first day, last day)
    laid : Laid
        Where the events lie on the calendar, and whose they are.
    shares : sequence of float64 (n, S)
        As in ``Errors``.
    """
    rows = np.arange(len(design.y))
    weights = np.stack([window_weights(design, fits, model, rows, *window)[0] for window in windows])
    return errors_of(
        laid,
        np.where(fits.used, fits.scaled[:, design.estimation], np.nan),
        weights,
        [design.days(*window) for window in windows],
        shares=shares,
        parameters=float(fits.theta.shape[1]),
    )


@dataclass(frozen=True, slots=True)
class Laid:
    """A block of events on the calendar.

    Attributes
    ----------
    day : int64 (n, D)
        Calendar day of every column of the design; -1 outside.
    firm : int64 (n,)
        Equal numbers, one firm.
    calendar : int64 (C,)
        All days of all calendars, sorted.
    """

    day: Ints
    firm: Ints
    calendar: Ints


def date_blocks(
    date: Ints, place: Ints, calendars: Calendars, windows: Sequence[tuple[int, int]]
) -> tuple[list[Ints], list[tuple[int, list[int]]]]:
    """Events in blocks sorted by date, and which blocks form pairs.

    Parameters
    ----------
    date, place : int64 (n,)
        Day 0 of each event: its day, and its place on the calendars.
    windows : sequence of (first day, last day)

    Returns
    -------
    blocks : list of int64
        Positions of the events of each.
    tasks : list of (block, its neighbours)
        As ``summed_pairs`` takes them.
    """
    blocks = in_blocks(date)
    first, last = calendars.reach(place, min(w[0] for w in windows), max(w[1] for w in windows))
    low, high = np.array([first[rows].min() for rows in blocks]), np.array([last[rows].max() for rows in blocks])
    return blocks, list(enumerate(neighbours(low, high)))


def in_blocks(date: Ints) -> list[Ints]:
    """Positions of events in blocks, sorted by date; events of one date in their order."""
    order = np.argsort(date, kind="stable")
    return [order[at : at + BLOCK] for at in range(0, len(order), BLOCK)]

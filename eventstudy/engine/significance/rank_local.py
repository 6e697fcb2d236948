"""``rank-local``: a window in units of the volatility before it, among all earlier windows in units of the volatility
before them (methods A4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.measures import take
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.conformal import as_far, circular_sums
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.significance.inversion import first_exit
from eventstudy.engine.significance.rank_limits import FEW_STEPS, FEWEST, HALVINGS, NEAR, SPARE, STEPS, STEPS_AMONG_FEW
from eventstudy.engine.windows import LOCAL_SESSIONS, Design


def local_moves(z: Floats, roots: Floats, trailing: int = LOCAL_SESSIONS) -> Floats:
    """W of every window: sum sqrt(m_i) z over the root mean square of the ``trailing`` rows before it.

    Parameters
    ----------
    z : float64 (T, ...)
        Residuals of one-session scale in order of time; the window's rows come last.
    roots : float64 (k, ...)
        Square roots of the sessions that the window's k rows cover; they stay in their places in every window.

    Returns
    -------
    float64 (K, ...)
        K = T - trailing - k + 1 windows, the observed one last; NaN where neither it nor the rows before it moved.
    """
    k, n = len(roots), len(z)
    if n < trailing + k:
        return np.empty((0, *z.shape[1:]))
    moves = circular_sums(z, roots)[trailing + k - 1 :]
    squares = circular_sums(z**2, np.ones(trailing))[trailing - 1 : n - k]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(moves / np.sqrt(squares / trailing))


def share_as_far(moves: Floats, side: Alternative, count: Ints | int | None = None) -> Floats:
    """Share of the windows that went at least as far as the last one, itself among them; NaN where it has no W.

    Parameters
    ----------
    moves : float64 (K, ...)
    count : int64 (...,), int or None
        Windows of each event where the first rows of ``moves`` are NaN for want of windows; None is K.
    """
    windows = len(moves) if count is None else count
    return np.where(np.isfinite(moves[-1]), as_far(moves, side).sum(axis=0) / windows, np.nan)


@dataclass(frozen=True, slots=True)
class _Lines:
    """W_j of g events as functions of an effect d taken off the window: (moved - d taken) over the root of
    square - 2 d cross + d^2 square of the taken; (g, K) each, the event's own window last. ``absent`` marks the first
    columns of events with fewer windows; as far as the ``rank``-th of the others is rejected, (g,)."""

    moved: Floats
    taken: Floats
    square: Floats
    cross: Floats
    taken_square: Floats
    absent: Bools
    rank: Ints

    @classmethod
    def of(cls, z: Floats, per_effect: Floats, roots: Floats, trailing: int, count: Ints, alpha: float) -> _Lines:
        k, n = len(roots), len(z)

        def before(values: Floats) -> Floats:
            return np.ascontiguousarray(circular_sums(values, np.ones(trailing))[trailing - 1 : n - k].T) / trailing

        moved, taken = (
            np.ascontiguousarray(circular_sums(values, roots)[trailing + k - 1 :].T) for values in (z, per_effect)
        )
        absent = np.arange(moved.shape[1]) < moved.shape[1] - count[:, None]
        # p <= alpha exactly where fewer than so many other windows went as far
        rank = np.floor(alpha * count + 1e-9).astype(np.int64)
        return cls(moved, taken, before(z**2), before(z * per_effect), before(per_effect**2), absent, rank)

    def take(self, at: Ints) -> _Lines:
        """The lines of some events."""
        if len(at) == len(self.rank):
            return self
        return _Lines(*(getattr(self, name)[at] for name in self.__slots__))

    def farthest(self, d: Floats, sign: float, side: Alternative) -> _Lines:
        """The lines of the windows that could hold the critical move of effects near d, and the own."""
        n = int(self.rank.max()) + SPARE
        if n >= self.moved.shape[1] - 1:
            return self
        far = np.argpartition(self.others(d, sign, side), -n, axis=1)[:, -n:]
        columns = np.column_stack([far, np.full(len(far), self.moved.shape[1] - 1)])
        named = ("moved", "taken", "square", "cross", "taken_square", "absent")
        return replace(self, **{name: np.take_along_axis(getattr(self, name), columns, axis=1) for name in named})

    def scale(self, d: Floats, rows: slice | int = slice(None)) -> Floats:
        """The root mean square before the windows, or before some of them."""
        d = d[:, None] if isinstance(rows, slice) else d
        # in place: memory that is asked for and given back costs more than the arithmetic
        squares = d * self.taken_square[:, rows]
        squares -= 2 * self.cross[:, rows]
        squares *= d
        squares += self.square[:, rows]
        return np.asarray(np.sqrt(np.maximum(squares, 0.0, out=squares), out=squares))

    def moves(self, d: Floats, rows: slice | int = slice(None)) -> Floats:
        scale = self.scale(d, rows)
        moves = (d[:, None] if isinstance(rows, slice) else d) * self.taken[:, rows]
        np.subtract(self.moved[:, rows], moves, out=moves)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.divide(moves, scale, out=moves))

    def others(self, d: Floats, sign: float, side: Alternative) -> Floats:
        """Moves of the other windows in the direction of the test; a window without one counts as far."""
        moves = self.moves(d, slice(-1))
        moves = np.abs(moves, out=moves) if side == "two-sided" else sign * moves
        moves[np.isnan(moves)] = np.inf
        moves[self.absent[:, :-1]] = -np.inf
        return moves

    def critical(self, d: Floats, sign: float, side: Alternative) -> Floats:
        """The ``rank``-th largest move of the other windows, in the direction of the test; (g,)."""
        most = int(self.rank.max())
        # one place is found many times as fast as several
        largest = np.sort(np.partition(self.others(d, sign, side), -most, axis=1)[:, -most:], axis=1)
        return np.asarray(largest[np.arange(len(largest)), most - self.rank])

    def further(self, d: Floats, centre: Floats, sign: float, side: Alternative) -> tuple[Floats, Bools]:
        """The effect at which the window's move would equal the critical one of d, and whether d is that effect."""
        with np.errstate(invalid="ignore"):
            found = centre - sign * self.critical(d, sign, side) * self.scale(d, -1) / self.taken[:, -1]
            return found, np.asarray(~np.isfinite(found) | (np.abs(found - d) <= NEAR * np.abs(found - centre)))


def local_bounds(
    z: Floats, per_effect: Floats, roots: Floats, alpha: float, side: Alternative,
    count: Ints | None = None, trailing: int = LOCAL_SESSIONS,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Effects on the window that ``rank-local`` does not reject, p > alpha: the first exits from the effect at which
    the window has not moved. Zero lies between them exactly where the test does not reject it.

    Parameters
    ----------
    z, roots, trailing
        As in ``local_moves``, (T, g) and (k, g).
    per_effect : float64 (T, g)
        What an effect of one, taken off the window's rows in proportion to the sessions that they cover, takes off z.
    count : int64 (g,) or None
        Windows of each event, where the first rows of events with fewer rows hold nothing; None is all.

    Returns
    -------
    low, high : float64 (g,)
        NaN where there is no bound: on the other side of a one-sided test, and for alpha below 2/K.

    Checked against
    ---------------
    Refits on a grid of effects (tests/oracles/test_headline.py).
    """
    count = np.full(z.shape[1], len(z) - trailing - len(roots) + 1) if count is None else count
    low, high = np.full(len(count), np.nan), np.full(len(count), np.nan)
    lines = _Lines.of(z, per_effect, roots, trailing, count, alpha)
    ranked = np.flatnonzero(lines.rank > 0)
    if len(ranked):
        low[ranked], high[ranked] = _bounds(lines.take(ranked), count[ranked], alpha, side)
    return low, high


def _bounds(lines: _Lines, count: Ints, alpha: float, side: Alternative) -> tuple[Floats, Floats]:
    """``local_bounds`` of events with windows enough."""
    centre = lines.moved[:, -1] / lines.taken[:, -1]
    zero, nothing = np.zeros_like(centre), np.full_like(centre, np.nan)
    moves = np.where(lines.absent, np.nan, lines.moves(zero))
    rejected = share_as_far(moves.T, side, count) <= alpha + NEAR
    low = nothing if side == "less" else _exit(lines, centre, 1.0, side)
    high = nothing if side == "greater" else _exit(lines, centre, -1.0, side)
    for sign, bound in ((1.0, low), (-1.0, high)):
        # the set may have gaps: its bound lies on the side of zero on which the test has it
        beyond = sign * centre > 0
        wrong = beyond & rejected & (sign * bound <= 0)
        if wrong.any():
            at = np.flatnonzero(wrong)
            bound[at] = _halved(lines.take(at), zero[at], centre[at], sign, side)
        kept = beyond & ~rejected & (sign * bound > 0)
        bound[kept] = 0.0
    return low, high


def _exit(lines: _Lines, centre: Floats, sign: float, side: Alternative) -> Floats:
    """The effect below (sign 1) or above (-1) the centre at which the window's move equals the critical one.

    The critical move hardly depends on the effect, which enters the other windows through the coefficients alone: a
    fixed point. It is sought among the windows that went farthest, and found where it is one of all windows."""
    found, left = centre.copy(), np.arange(len(centre))
    for step in range(STEPS):
        some, middle = lines.take(left), centre[left]
        found[left], near = some.further(found[left], middle, sign, side)
        left, some, middle = left[~near], some.take(np.flatnonzero(~near)), middle[~near]
        if not len(left):
            return found
        if 0 < step < FEW_STEPS:
            found[left] = _among_few(some.farthest(found[left], sign, side), found[left], middle, sign, side)
    far = 4 * found[left] - 3 * centre[left]
    found[left] = _halved(lines.take(left), far, centre[left], sign, side)
    return found


def _among_few(lines: _Lines, start: Floats, centre: Floats, sign: float, side: Alternative) -> Floats:
    """The fixed point among a few windows; where there is none in sight, the start."""
    found, left = start.copy(), np.arange(len(start))
    for _ in range(STEPS_AMONG_FEW):
        found[left], near = lines.take(left).further(found[left], centre[left], sign, side)
        left = left[~near]
        if not len(left):
            break
    found[left] = start[left]
    return np.where(np.isfinite(found), found, start)


def _halved(lines: _Lines, outside: Floats, inside: Floats, sign: float, side: Alternative) -> Floats:
    """An exit between an effect that is rejected and one that is not."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        out = sign * lines.moves(middle, -1) > lines.critical(middle, sign, side)
        outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
    return outside


def rank_local(context: EventContext) -> dict[str, Floats]:
    """The model is fitted on the estimation window and the test window together; unmasked sessions between them are
    predicted with the same coefficients and count as earlier days.

    Holds its size for any distribution of the errors and when their variance has moved before the event, where the
    exact t and ranks of days reject up to 30 %; one-sided p values hold under skewness.

    Returns
    -------
    p_rank_local, p_min_rank_local : float64 (E, W)
        Share of the K windows that went at least as far, itself among them; the smallest possible is 1/K. NaN with
        fewer than 39 windows.
    rank_low, rank_high : float64 (E, W)
        Effects that it does not reject; see ``local_bounds``. Of a synthetic control only beside ``placebo-space``.

    Checked against
    ---------------
    Plain loops and the golden values of the reference (tests/oracles/test_rank_local.py); sizes in tests/properties.
    """
    if (made := context.compiled("p_rank_local", "p_min_rank_local", "rank_low", "rank_high")) is not None:
        return made
    p, p_min, low, high = (context.empty() for _ in range(4))
    design, options = context.design, context.options
    alpha = 1 - options.level
    for w, window in enumerate(options.windows):
        (used, z), days = context.with_window(w), design.days(*window)
        before = used.copy()
        before[:, : days.start] = design.usable[:, : days.start]
        linear = options.entry.inference != "none"
        per_effect = z - _less_an_effect(context, w) if linear else z
        known = np.flatnonzero(context.known(w))
        for rows, (ring, taken), roots, count in at_the_end((z, per_effect), before, design.span, known, days):
            moves = local_moves(ring, roots)
            moves[np.arange(len(moves))[:, None] < len(moves) - count] = np.nan
            p[rows, w] = share_as_far(moves, options.alternative, count)
            p_min[rows, w] = np.where(np.isfinite(moves[-1]), 1 / count, np.nan)
            if linear:
                low[rows, w], high[rows, w] = local_bounds(ring, taken, roots, alpha, options.alternative, count)
                continue
            # hundreds of fits an event: where the other sets of effects are wanted that cost as much
            for i in map(int, rows if "placebo-space" in options.tests else rows[:0]):
                low[i, w], high[i, w] = _refitted_bounds(context, i, w, before[i])
    return {"p_rank_local": p, "p_min_rank_local": p_min, "rank_low": low, "rank_high": high}


def at_the_end(
    values: Sequence[Floats], used: Bools, span: Floats, rows: Ints, days: slice
) -> Iterator[tuple[Ints, list[Floats], Floats, Ints]]:
    """The used values of each event that has windows enough, those whose window has equally many rows at a time.

    Parameters
    ----------
    values : sequence of float64 (E, D)
    used, span : (E, D)
    rows : int64 (m,)
        The events.
    days : slice
        Columns of the test window, after all others that are used.

    Yields
    ------
    int64 (g,), list of float64 (T, g), float64 (k, g), int64 (g,)
        Events; their values in order of time, where an event with fewer begins with zeros; the square roots of the
        sessions that the window's k rows cover; and the windows of each event.
    """
    covers, sizes = used[rows, days].sum(axis=1), used[rows].sum(axis=1)
    counts = sizes - LOCAL_SESSIONS - covers + 1
    for k in np.unique(covers[counts >= FEWEST]).tolist():
        own = np.flatnonzero((covers == k) & (counts >= FEWEST))
        group, longest = rows[own], int(sizes[own].max())
        order = np.argsort(used[group], axis=1, kind="stable")[:, -longest:].astype(np.int64)
        there = np.take_along_axis(used[group], order, axis=1)
        lined = [
            np.ascontiguousarray(np.where(there, np.take_along_axis(one[group], order, axis=1), 0.0).T)
            for one in values
        ]
        covered = span[group, days][used[group, days]].reshape(len(group), k)
        yield group, lined, np.sqrt(covered.T), counts[own]


def _shares(design: Design, days: slice) -> Floats:
    """An effect of one on the days of a window, in proportion to the sessions that they cover; (E, D)."""
    share = np.zeros_like(design.y)
    share[:, days] = np.where(design.observed[:, days], design.span[:, days], 0.0)
    return np.asarray(share / np.maximum(share.sum(axis=1, keepdims=True), 1.0))


def _less_an_effect(context: EventContext, w: int) -> Floats:
    """Residuals of ``context.with_window`` after an effect of one is subtracted from test window w."""
    design = context.design
    less = replace(design, y=design.y - _shares(design, design.days(*context.options.windows[w])))
    return context.options.entry.refit(less, context.with_window(w)[0]) / np.sqrt(design.span)


def _refitted_bounds(context: EventContext, i: int, w: int, before: Bools) -> tuple[float, float]:
    """The same for one event of a model that is not linear in its returns: it is fitted again for every effect."""
    options, one = context.options, take(context.design, np.array([i]))
    days, used = one.days(*options.windows[w]), context.with_window(w)[0][[i]]
    share, roots = _shares(one, days), np.sqrt(one.span[0, days][one.observed[0, days]])
    car, side, alpha = float(context.measures.car[i, w]), options.alternative, 1 - options.level + NEAR

    def p_of(effect: float) -> float:
        z = options.entry.refit(replace(one, y=one.y - effect * share), used)[0] / np.sqrt(one.span[0])
        return float(share_as_far(local_moves(z[before], roots), side))

    rejected = p_of(0.0) <= alpha
    step = float(np.sqrt(context.measures.s2[i] * len(roots)))

    def bound(sign: float) -> float:
        between = rejected and sign * car < 0
        found = first_exit(p_of, car, -car if between else sign * step, alpha)
        return found if rejected else sign * max(sign * found, 0.0)

    nothing = float("nan")
    return nothing if side == "less" else bound(-1.0), nothing if side == "greater" else bound(1.0)


TESTS = {
    "rank-local": SingleTest(
        columns=("p_rank_local", "p_min_rank_local"),
        reads=frozenset({"days"}),
        cost=90.0,
        run=rank_local,
        defined=("exact", "asymptotic", "forecast", "none"),
    )
}

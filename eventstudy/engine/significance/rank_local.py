"""``rank-local``: a window in units of the volatility before it, among all earlier windows in units of the volatility
before them (methods A4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.context import EventContext, SingleTest
from eventstudy.engine.measures import take
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.conformal import circular_sums, rings
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.significance.inversion import first_exit
from eventstudy.engine.windows import LOCAL_SESSIONS, Design

# windows below which a rank says nothing at 5 %, two-sided
FEWEST = 39
# steps to a bound, which come closer by a factor of twenty each, and halvings where they do not
STEPS, HALVINGS = 40, 60
NEAR = 1e-12


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


def share_as_far(moves: Floats, side: Alternative) -> Floats:
    """Share of the windows that went at least as far as the last one, itself among them; NaN where it has no W."""
    own = moves[-1]
    extreme = {"less": moves <= own, "greater": moves >= own}.get(side, np.abs(moves) >= np.abs(own))
    return np.where(np.isfinite(own), extreme.mean(axis=0), np.nan)


@dataclass(frozen=True, slots=True)
class _Lines:
    """W_j of g events as functions of an effect d taken off the window: (moved - d taken) over the root of
    square - 2 d cross + d^2 square of the taken; (K, g) each."""

    moved: Floats
    taken: Floats
    square: Floats
    cross: Floats
    taken_square: Floats

    @classmethod
    def of(cls, z: Floats, per_effect: Floats, roots: Floats, trailing: int) -> _Lines:
        k, n = len(roots), len(z)

        def before(values: Floats) -> Floats:
            return circular_sums(values, np.ones(trailing))[trailing - 1 : n - k] / trailing

        moved, taken = (circular_sums(values, roots)[trailing + k - 1 :] for values in (z, per_effect))
        return cls(moved, taken, before(z**2), before(z * per_effect), before(per_effect**2))

    def take(self, at: Ints) -> _Lines:
        """The lines of some events."""
        if len(at) == self.moved.shape[1]:
            return self
        return _Lines(
            *(values[:, at] for values in (self.moved, self.taken, self.square, self.cross, self.taken_square))
        )

    def scale(self, d: Floats, rows: slice | int = slice(None)) -> Floats:
        """The root mean square before the windows."""
        squares = self.square[rows] + d * (d * self.taken_square[rows] - 2 * self.cross[rows])
        return np.sqrt(np.maximum(squares, 0.0))

    def moves(self, d: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.moved - d * self.taken) / self.scale(d))


def local_bounds(
    z: Floats, per_effect: Floats, roots: Floats, alpha: float, side: Alternative, trailing: int = LOCAL_SESSIONS
) -> tuple[Floats, Floats]:
    """Effects on the window that ``rank-local`` does not reject, p > alpha: the first exits from the effect at which
    the window has not moved. Zero lies between them exactly where the test does not reject it.

    Parameters
    ----------
    z, roots, trailing
        As in ``local_moves``, (T, g) and (k, g).
    per_effect : float64 (T, g)
        What an effect of one, taken off the window's rows in proportion to the sessions that they cover, takes off z.
    alpha : float
    side : Alternative

    Returns
    -------
    low, high : float64 (g,)
        NaN where there is no bound: on the other side of a one-sided test, and for alpha below 2/K.

    Checked against
    ---------------
    Refits on a grid of effects (tests/oracles/test_headline.py).
    """
    lines = _Lines.of(z, per_effect, roots, trailing)
    # p <= alpha exactly where fewer than so many other windows went as far
    rank = int(np.floor(alpha * len(lines.moved) + 1e-9))
    nothing = np.full(z.shape[1], np.nan)
    if rank < 1:
        return nothing, nothing
    centre = lines.moved[-1] / lines.taken[-1]
    rejected = share_as_far(lines.moves(np.zeros_like(centre)), side) <= alpha + NEAR
    low = nothing if side == "less" else _exit(lines, centre, 1.0, rank, side)
    high = nothing if side == "greater" else _exit(lines, centre, -1.0, rank, side)
    zero = np.zeros_like(centre)
    for sign, bound in ((1.0, low), (-1.0, high)):
        # the set may have gaps: its bound lies on the side of zero on which the test has it
        beyond = sign * centre > 0
        wrong = beyond & rejected & (sign * bound <= 0)
        if wrong.any():
            at = np.flatnonzero(wrong)
            bound[at] = _halved(lines.take(at), zero[at], centre[at], sign, rank, side)
        kept = beyond & ~rejected & (sign * bound > 0)
        bound[kept] = 0.0
    return low, high


def _critical(lines: _Lines, d: Floats, sign: float, rank: int, side: Alternative) -> Floats:
    """The ``rank``-th largest move of the other windows, in the direction of the test; (g,)."""
    others = lines.moves(d)[:-1]
    others = np.abs(others) if side == "two-sided" else sign * others
    place = len(others) - rank
    return np.asarray(np.partition(np.nan_to_num(others, nan=np.inf), place, axis=0)[place])


def _exit(lines: _Lines, centre: Floats, sign: float, rank: int, side: Alternative) -> Floats:
    """The effect below (sign 1) or above (-1) the centre at which the window's move equals the critical one.

    The critical move hardly depends on the effect, which enters the other windows through the coefficients alone: a
    fixed point."""
    found, left = centre.copy(), np.arange(len(centre))
    for _ in range(STEPS):
        some, d, middle = lines.take(left), found[left], centre[left]
        with np.errstate(invalid="ignore"):
            further = middle - sign * _critical(some, d, sign, rank, side) * some.scale(d, -1) / some.taken[-1]
            found[left], near = further, np.abs(further - d) <= NEAR * np.abs(further - middle)
        left = left[~near & np.isfinite(further)]
        if not len(left):
            return found
    far = 4 * found[left] - 3 * centre[left]
    found[left] = _halved(lines.take(left), far, centre[left], sign, rank, side)
    return found


def _halved(lines: _Lines, outside: Floats, inside: Floats, sign: float, rank: int, side: Alternative) -> Floats:
    """An exit between an effect that is rejected and one that is not."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        out = sign * lines.moves(middle)[-1] > _critical(lines, middle, sign, rank, side)
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
        each = zip(
            rings(z, before, design.span, known, days), rings(per_effect, before, design.span, known, days), strict=True
        )
        for (rows, ring, roots), (_, taken, _) in each:
            moves = local_moves(ring, roots)
            if len(moves) < FEWEST:
                continue
            p[rows, w] = share_as_far(moves, options.alternative)
            p_min[rows, w] = np.where(np.isfinite(moves[-1]), 1 / len(moves), np.nan)
            if linear:
                low[rows, w], high[rows, w] = local_bounds(ring, taken, roots, alpha, options.alternative)
                continue
            # hundreds of fits an event: where the other sets of effects are wanted that cost as much
            for i in map(int, rows if "placebo-space" in options.tests else rows[:0]):
                low[i, w], high[i, w] = _refitted_bounds(context, i, w, before[i])
    return {"p_rank_local": p, "p_min_rank_local": p_min, "rank_low": low, "rank_high": high}


def _shares(design: Design, days: slice) -> Floats:
    """An effect of one on the days of a window, in proportion to the sessions that they cover; (E, D)."""
    share = np.zeros_like(design.y)
    share[:, days] = np.where(design.observed[:, days], design.span[:, days], 0.0)
    return np.asarray(share / np.maximum(share.sum(axis=1, keepdims=True), 1.0))


def _less_an_effect(context: EventContext, w: int) -> Floats:
    """What ``context.with_window`` has once an effect of one is taken off test window w."""
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

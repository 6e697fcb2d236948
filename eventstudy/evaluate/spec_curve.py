"""The specification curve of an event: one window under every defensible specification, and the whole curve beside
those of the firm's uneventful sessions (methods A2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import series_key
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance import curve
from eventstudy.engine.significance.distributions import t_p_value, t_quantile, tail_of
from eventstudy.engine.significance.placebo import HISTORY
from eventstudy.engine.significance.single import sided
from eventstudy.engine_options import conventions
from eventstudy.evaluate.spec_cells import PANEL, Grid, OneModel, one_model
from eventstudy.records import SpecCurve, Specification
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

DAY0 = Window(0, 0)
# series whose sessions are held at a time: about 3 MB each
SERIES = 8
# up to this t every p value is above zero
HUGE = 30.0


def spec_curves(studied: Studied, positions: Ints, which: str) -> tuple[SpecCurve, ...]:
    """The curves of some studied rows: over the primary window, or with ``which`` = ``all`` every window of the row,
    and over the parts of day 0 where the source has opens.

    Returns
    -------
    tuple of SpecCurve
        In the order of the rows; a window that no specification can be estimated over has no curve.

    Checked against
    ---------------
    Every cell by statsmodels, the reference sessions one by one (tests/oracles/test_curve.py).
    """
    if studied.block is None or not len(positions):
        return ()
    grid = Grid.of(studied.spec)
    found: list[SpecCurve] = []
    for some in _by_series(studied, positions):
        found += _of_some(studied, some, grid, which)
    order = {int(studied.rows[i]): k for k, i in enumerate(positions.tolist())}
    return tuple(sorted(found, key=lambda c: (order[c.row], list(PANEL).index(c.part))))


def _by_series(studied: Studied, positions: Ints) -> list[Ints]:
    """The rows, those of some series at a time: every session of a series has a number under every specification."""
    assert studied.measured is not None, "rows that were studied"
    series = studied.measured.events.series[positions]
    known, number = np.unique(series, return_inverse=True)
    return [positions[number // SERIES == k] for k in range(-(-len(known) // SERIES))]


def _of_some(studied: Studied, positions: Ints, grid: Grid, which: str) -> list[SpecCurve]:
    found: list[SpecCurve] = []
    windows: tuple[Window, ...]
    keys = [series_key(studied.index, int(row), studied.spec) for row in studied.rows[positions]]
    parts = tuple(PANEL) if studied.market.has_parts(keys, studied.spec.returns) else ("day",)
    for part in parts:
        windows, pairs = (DAY0,), [(k, 0) for k in range(len(positions))]
        if part == "day":
            windows, pairs = _wanted(studied, positions, which)
        models = [one_model(studied, positions, model, grid, windows, part) for model in grid.models]
        found += _curves(studied, positions, grid, models, windows, pairs, part)
    return found


def _wanted(studied: Studied, positions: Ints, which: str) -> tuple[tuple[Window, ...], list[tuple[int, int]]]:
    """The windows that somebody has, and the (event, window) pairs, by their places."""
    of_event = [studied.windows_of(i) if which == "all" else [int(studied.primary[i])] for i in positions.tolist()]
    used = sorted({w for own in of_event for w in own})
    place = {w: k for k, w in enumerate(used)}
    windows = tuple(studied.spec.windows[w] for w in used)
    return windows, [(k, place[w]) for k, own in enumerate(of_event) for w in own]


def _curves(
    studied: Studied,
    positions: Ints,
    grid: Grid,
    models: Sequence[OneModel],
    windows: tuple[Window, ...],
    pairs: Sequence[tuple[int, int]],
    part: str,
) -> Iterator[SpecCurve]:
    """One curve an event and window that some specification can be estimated over."""
    cells, spec = grid.cells(), studied.spec
    scores: dict[tuple[tuple[int, ...], int], _Scores] = {}
    own, plans = grid.own(), grid.plans()
    for k, w in pairs:
        car, std_error, df, n_obs = (
            np.concatenate([getattr(model, name)[k, w] for model in models])
            for name in ("cars", "std_errors", "df", "n_obs")
        )
        known = np.isfinite(car) & np.isfinite(std_error)
        if not known.any():
            continue
        numbers = tuple(int(model.series[k]) for model in models)
        if (numbers, w) not in scores:
            scores[numbers, w] = _Scores.of(models, numbers, w)
        model = next(model for model in models if model.series[k] >= 0)
        session, own_series = int(model.session[k]), int(model.series[k])
        # what precedes the first estimation window of the event
        room = session + plans[-1].estimation_end + 1 - model.begin[own_series]
        lengths, left_out = _admitted(grid, cells, known, room)
        at = np.flatnonzero(known & np.isin([cell.estimation for cell in cells], lengths))
        if not len(at):
            continue
        # windows of the reference end where estimation windows do: what precedes the event plays no part
        last = session + plans[0].estimation_end - windows[w].end
        first = max(0, session - HISTORY)
        chosen, of_series = [cells[i] for i in at], scores[numbers, w]
        of_cell = np.array([cell.estimation for cell in chosen])
        before = slice(first - of_series.first, max(first, last + 1) - of_series.first)
        joint, sessions, reasons = _reference(of_cell, of_series.known[before][:, at], windows[w].length)
        half = t_quantile(df[at], tail_of(spec.level, spec.alternative)) * std_error[at]
        low, high = sided(car[at] - half, car[at] + half, spec.alternative)
        t = car[at] / std_error[at]
        observed = float(curve.median_z(curve.normal_scores(t, df[at])[joint], spec.alternative))
        reference = curve.median_z(of_series.z(before.start + sessions)[:, at[joint]], spec.alternative)
        row = int(studied.rows[positions[k]])
        yield SpecCurve(
            row=row,
            part=part,
            window=windows[w],
            cells=tuple(chosen),
            car=car[at],
            std_error=std_error[at],
            t=t,
            df=df[at],
            p=t_p_value(t, df[at], spec.alternative),
            ci_low=low,
            ci_high=high,
            n_estimation=n_obs[at].astype(np.int64),
            headline=chosen.index(own) if own in chosen else -1,
            level=spec.level,
            median_z=observed,
            p_median_z=_joint(observed, reference, exact=conventions(spec).exact_cars),
            n_placebo=len(reference),
            n_joint=int(joint.sum()),
            left_out=(*left_out, *reasons),
            market=_market_move(studied, int(positions[k]), part),
        )


def _joint(observed: float, reference: Floats, *, exact: bool) -> float:
    return curve.placebo_p(observed, reference) if len(reference) >= curve.FEWEST and exact else float("nan")


@dataclass(slots=True)
class _Scores:
    """z of m sessions of a series under every cell, computed where it is read; (m, K).

    Attributes
    ----------
    first : int
        The first of the sessions.
    known : bool (m, K)
        False throughout for a model that the event does not have.
    made : bool (m,)
        Sessions whose z is computed.
    """

    first: int
    t: Floats
    df: Floats
    known: Bools
    made: Bools

    @classmethod
    def of(cls, models: Sequence[OneModel], numbers: tuple[int, ...], w: int) -> _Scores:
        """From the t of each model's series over a window."""
        parts = [m.placebo[number, w] if number >= 0 else None for m, number in zip(models, numbers, strict=True)]
        low = min(part[0] for part in parts if part is not None)
        stop = max(part[0] + len(part[1]) for part in parts if part is not None)
        width = next(part[1].shape[1] for part in parts if part is not None)
        t, df = (np.full((stop - low, width * len(parts)), np.nan) for _ in range(2))
        for k, part in enumerate(parts):
            if part is not None:
                where = slice(part[0] - low, part[0] - low + len(part[1])), slice(k * width, (k + 1) * width)
                t[where], df[where] = part[1:]
        known = np.isfinite(t) & np.isfinite(df)
        # the p value of a huge t may be zero, and z infinite
        huge = known & (np.abs(t) > HUGE)
        known[huge] = np.isfinite(curve.normal_scores(t[huge], df[huge]))
        return cls(low, t, df, known, np.zeros(len(t), dtype=bool))

    def z(self, sessions: Ints) -> Floats:
        """z of some of the sessions, counted from the first; (n, K)."""
        new = sessions[~self.made[sessions]]
        # z takes the place of its t
        self.t[new] = curve.normal_scores(self.t[new], self.df[new])
        self.made[new] = True
        return self.t[sessions]


def _admitted(grid: Grid, cells: Sequence[Specification], known: Bools, room: int) -> tuple[list[int], list[str]]:
    """Lengths of the curve, and why others are left out: a length needs its observations under every specification
    that the event has, and prices of so many sessions; the study's own is always there."""
    there = {cell.model for cell, has in zip(cells, known, strict=True) if has}
    lengths, reasons = [], []
    for n in grid.lengths:
        mine = np.array([cell.estimation == n and cell.model in there for cell in cells])
        if not known[mine].all():
            reasons.append(f"{n} sessions: fewer than {curve.OBSERVATIONS} observations")
        elif n > room and n != grid.spec.estimation:
            reasons.append(f"{n} sessions: the prices begin later")
        else:
            lengths.append(n)
    return lengths, reasons


def _reference(of_cell: Ints, known: Bools, length: int) -> tuple[Bools, Ints, list[str]]:
    """Cells of the joint test, the sessions that it compares with, and why lengths are left out of it: with the shorter
    ones a length needs 199 uneventful sessions; the shortest one stays where there are fewer."""
    inside, sessions, reasons = np.zeros(len(of_cell), dtype=bool), np.zeros(0, dtype=np.int64), []
    for n in np.unique(of_cell).tolist():
        wanted = inside | (of_cell == n)
        found = curve.uneventful(known[:, wanted], length)
        if len(found) < curve.ENOUGH and inside.any():
            reasons.append(f"{n} sessions in the joint test: {len(found)} uneventful sessions have so long a history")
            continue
        inside, sessions = wanted, found
    return inside, sessions, reasons


def _market_move(studied: Studied, i: int, part: str) -> float:
    """Return of the benchmark over day 0, or over its part."""
    key = series_key(studied.index, int(studied.rows[i]), studied.spec.with_changes(model="market-model"))
    panel = studied.market.stack([key], studied.spec.returns, PANEL[part])
    return float(panel.factors[0, 0, studied.session(i)])

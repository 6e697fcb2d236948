"""The specification curve of an event: one window under every defensible specification, and the whole curve beside
those of the firm's uneventful sessions (methods A2)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.market import place_rows
from eventstudy.data.series_index import SeriesKey, series_key, series_of
from eventstudy.engine.conventions import measured
from eventstudy.engine.models import MODELS
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.options import EXACT
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance import curve
from eventstudy.engine.significance.laws import t_p_value, t_quantile, tail_of
from eventstudy.engine.significance.single import sided
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.engine_options import conventions, options_of
from eventstudy.records import SpecCurve, Specification
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

PANEL = {"day": "total", "overnight": "overnight", "intraday": "intraday"}
PARTS = ("overnight", "intraday")
DAY0 = Window(0, 0)


@dataclass(frozen=True, slots=True)
class _Grid:
    """What one model is estimated with, in the order of its cells: returns, masks, then plans."""

    spec: StudySpec
    models: tuple[str, ...]
    lengths: tuple[int, ...]
    gaps: tuple[int, ...]

    @classmethod
    def of(cls, spec: StudySpec) -> _Grid:
        lengths = tuple(sorted({*curve.LENGTHS, spec.estimation}))
        return cls(spec, curve_models(spec), lengths, tuple(sorted({*curve.GAPS, spec.gap})))

    @property
    def longest(self) -> StudySpec:
        """A study whose estimation window holds those of every cell."""
        reach, window = self.lengths[-1] + self.gaps[-1] - self.gaps[0], self.spec.event_window
        # day 0 belongs to it, for its parts
        whole = Window(min(window.start, 0), max(window.end, 0))
        return self.spec.with_changes(estimation=reach, gap=self.gaps[0], min_estimation=None, event_window=whole)

    def plans(self) -> list[WindowPlan]:
        """The plan of each length and gap."""
        window = self.longest.event_window
        return [
            WindowPlan(estimation=n, gap=gap, start=window.start, end=window.end)
            for n, gap in itertools.product(self.lengths, self.gaps)
        ]

    def cells(self) -> list[Specification]:
        """Every cell of every model, in order."""
        return [
            Specification(model=model, estimation=n, gap=gap, masked=masked, returns=returns)
            for model, returns, masked, n, gap in itertools.product(
                self.models, ("simple", "log"), (True, False), self.lengths, self.gaps
            )
        ]

    def own(self) -> Specification:
        """The study's own choice."""
        spec = self.spec
        return Specification(
            model=spec.model,
            estimation=spec.estimation,
            gap=spec.gap,
            masked=spec.exclude != "none",
            returns=spec.returns,
        )


def curve_models(spec: StudySpec) -> tuple[str, ...]:
    """The market, with the sector where one is named, and the study's own model where it is another regression with an
    exact law. Models that leave the market's move in the abnormal return are no defensible choice on a day on which it
    moves: constant mean and market-adjusted returns stand in robustness.csv alone."""
    own = MODELS[spec.model]
    further = own.inference == "exact" and own.twin in ("constant", "origin") and own.factors != "none"
    return tuple(dict.fromkeys(("market-model", "multi-index", *((spec.model,) if further else ()))))


@dataclass(frozen=True, slots=True)
class _OneModel:
    """Cells of one model for some events, S cells and W windows; and the curve of every session of their series.

    ``cars``, ``std_errors``, ``df`` (n, W, S); ``series`` (n,) points into ``placebo``, one (T, S) of t and of df a
    series and window, and into ``begin``, the series' first
    session; events without the model have -1."""

    cars: Floats
    std_errors: Floats
    df: Floats
    n_obs: Floats
    series: Ints
    session: Ints
    placebo: dict[tuple[int, int], tuple[Floats, Floats]]
    begin: dict[int, int]


def spec_curves(studied: Studied, positions: Ints, which: str) -> tuple[SpecCurve, ...]:
    """The curves of some studied rows: over the primary window, or with ``which`` = ``all`` every window of the row,
    and over the parts of day 0 where the source has opens.

    Returns
    -------
    tuple of SpecCurve
        In the order of the rows; a window that no specification can be estimated over has none.

    Checked against
    ---------------
    Every cell by statsmodels, the reference sessions one by one (tests/oracles/test_curve.py).
    """
    if studied.block is None or not len(positions):
        return ()
    grid = _Grid.of(studied.spec)
    found: list[SpecCurve] = []
    windows: tuple[Window, ...]
    for part in PANEL:
        windows, pairs = (DAY0,), [(k, 0) for k in range(len(positions))]
        if part == "day":
            windows, pairs = _wanted(studied, positions, which)
        models = [_one_model(studied, positions, model, grid, windows, part) for model in grid.models]
        found += _curves(studied, positions, grid, models, windows, pairs, part)
    order = {int(studied.rows[i]): k for k, i in enumerate(positions.tolist())}
    return tuple(sorted(found, key=lambda c: (order[c.row], list(PANEL).index(c.part))))


def _wanted(studied: Studied, positions: Ints, which: str) -> tuple[tuple[Window, ...], list[tuple[int, int]]]:
    """The windows that somebody has, and the (event, window) pairs, by their places."""
    of_event = [studied.windows_of(i) if which == "all" else [int(studied.primary[i])] for i in positions.tolist()]
    used = sorted({w for own in of_event for w in own})
    place = {w: k for k, w in enumerate(used)}
    windows = tuple(studied.spec.windows[w] for w in used)
    return windows, [(k, place[w]) for k, own in enumerate(of_event) for w in own]


def _available(studied: Studied, positions: Ints, model: str) -> Bools:
    """Rows whose series can be made for a model."""
    series = series_of(studied.index, studied.spec.with_changes(model=model))

    def usable(key: SeriesKey) -> bool:
        enough = model != "multi-index" or len(key.benchmarks) > 1
        return enough and studied.market.trouble(key) is None

    known = np.array([usable(key) for key in series.keys], dtype=bool)
    return np.asarray(known[series.series[studied.rows[positions]]])


def _one_model(
    studied: Studied, positions: Ints, model: str, grid: _Grid, windows: tuple[Window, ...], part: str
) -> _OneModel:
    n, w, plans = len(positions), len(windows), grid.plans()
    s = 4 * len(plans)
    cars, std_errors, df, n_obs = (np.full((n, w, s), np.nan) for _ in range(4))
    series, session = np.full(n, -1), np.zeros(n, dtype=np.int64)
    placebo: dict[tuple[int, int], tuple[Floats, Floats]] = {}
    begin: dict[int, int] = {}
    rows = np.flatnonzero(_available(studied, positions, model))
    # factors, peers and shifted markets are known from close to close only
    if not len(rows) or (part != "day" and MODELS[model].factors == "made"):
        return _OneModel(cars, std_errors, df, n_obs, series, session, placebo, begin)
    spec = grid.longest.with_changes(model=model)
    at = studied.rows[positions[rows]].tolist()
    placed = {
        masked: place_rows(
            studied.index, at, spec.with_changes(exclude="catalogued" if masked else "none"), studied.market
        )
        for masked in (True, False)
    }
    keys = placed[True][0]
    for some in _alike(keys, placed[True][1]):
        chosen = [keys[number] for number in some.numbers]
        for r, returns in enumerate(("simple", "log")):
            panel = studied.market.stack(chosen, returns, PANEL[part])
            for m, masked in enumerate((True, False)):
                first = (2 * r + m) * len(plans)
                cells = slice(first, first + len(plans))
                where = some.placed(placed[masked][1])
                values = _measured(panel, where, spec, plans, windows, returns)
                for target, own in zip((cars, std_errors, df, n_obs), values, strict=True):
                    target[rows[some.rows], :, cells] = own
                masks = placed[masked][1].history_mask, placed[True][1].history_mask
                for k, number in enumerate(some.numbers):
                    begin[number] = int(np.argmax(np.isfinite(panel.returns[k])))
                    for v, window in enumerate(windows):
                        _, t, degrees = curve.session_curve(
                            panel,
                            k,
                            model,
                            (_wide(masks[0][number], panel), _wide(masks[1][number], panel)),
                            plans,
                            (window.start, window.end),
                            strict=spec.missing == "strict" and part == "day",
                        )
                        whole = placebo.setdefault(
                            (number, v),
                            (np.full((panel.n_sessions, s), np.nan), np.full((panel.n_sessions, s), np.nan)),
                        )
                        whole[0][:, cells], whole[1][:, cells] = t, degrees
        series[rows[some.rows]] = placed[True][1].series[some.rows]
        session[rows[some.rows]] = placed[True][1].session[some.rows]
    return _OneModel(cars, std_errors, df, n_obs, series, session, placebo, begin)


@dataclass(frozen=True, slots=True)
class _Alike:
    """Events whose series have equally many factors: rows of a ``Placed``, and the numbers of their series."""

    rows: Ints
    numbers: list[int]

    def placed(self, whole: Placed) -> Placed:
        """The events on the panel of these series."""
        chosen = whole.chosen(self.rows)
        at = np.searchsorted(np.array(self.numbers), chosen.series)
        return Placed(
            series=at,
            session=chosen.session,
            masked=chosen.masked,
            seed=chosen.seed,
            history_mask=whole.history_mask[self.numbers],
        )


def _alike(keys: Sequence[SeriesKey], placed: Placed) -> Iterator[_Alike]:
    width = np.array([len(key.benchmarks) for key in keys])
    for size in np.unique(width).tolist():
        numbers = np.flatnonzero(width == size)
        inside = np.flatnonzero(np.isin(placed.series, numbers))
        if len(inside):
            yield _Alike(inside, numbers.tolist())


def _wide(mask: Bools, panel: ReturnPanel) -> Bools:
    """A mask as long as the panel."""
    found = np.zeros(panel.n_sessions, dtype=bool)
    found[: len(mask)] = mask[: panel.n_sessions]
    return found


def _measured(
    panel: ReturnPanel,
    placed: Placed,
    spec: StudySpec,
    plans: Sequence[WindowPlan],
    windows: tuple[Window, ...],
    returns: str,
) -> tuple[Floats, Floats, Floats, Floats]:
    """CAR, standard error, degrees of freedom and observations of events under every plan; (n, W, plans)."""
    n, found = len(placed.session), [np.full((len(placed.session), len(windows), len(plans)), np.nan) for _ in range(4)]
    asked = tuple((window.start, window.end) for window in windows)
    long = replace(options_of(spec), windows=asked, log=returns == "log")
    for at in range(0, n, CHUNK):
        few = placed.part(at, at + CHUNK)
        design = gather(panel, few.series, few.session, few.masked, long.plan, strict=long.strict)
        for k, plan in enumerate(plans):
            options = replace(long, plan=plan)
            cut = _cut(design, plan)
            fits, _, result = measured(cut, options.entry.fit(cut), options)
            usable = fits.rank_ok & (fits.n_obs >= curve.OBSERVATIONS) & (fits.s2 > 0)
            shape = result.car.shape
            for target, values in zip(
                found,
                (
                    result.car,
                    np.sqrt(np.where(usable, fits.s2, np.nan)[:, None] * result.q),
                    np.broadcast_to(fits.nu[:, None], shape),
                    np.broadcast_to(fits.n_obs[:, None], shape),
                ),
                strict=True,
            ):
                target[at : at + CHUNK, :, k] = np.where(usable[:, None], values, np.nan)
    return found[0], found[1], found[2], found[3]


def _cut(design: Design, plan: WindowPlan) -> Design:
    """The days of a shorter plan with the same event window."""
    first = plan.estimation_start - design.plan.estimation_start
    parts = {name: getattr(design, name)[:, first:] for name in ("y", "x", "span", "observed", "masked", "offset")}
    return Design(plan=plan, **parts)


def _curves(
    studied: Studied,
    positions: Ints,
    grid: _Grid,
    models: Sequence[_OneModel],
    windows: tuple[Window, ...],
    pairs: Sequence[tuple[int, int]],
    part: str,
) -> Iterator[SpecCurve]:
    """One curve an event and window that some specification can be estimated over."""
    cells, spec = grid.cells(), studied.spec
    scores: dict[tuple[tuple[int, ...], int], Floats] = {}
    own = grid.own()
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
            scores[numbers, w] = _scores(models, numbers, w)
        model = next(model for model in models if model.series[k] >= 0)
        session, own_series = int(model.session[k]), int(model.series[k])
        # what precedes the first estimation window of the event
        room = session + grid.plans()[-1].estimation_end + 1 - model.begin[own_series]
        lengths, left_out = _admitted(grid, cells, known, room)
        at = np.flatnonzero(known & np.isin([cell.estimation for cell in cells], lengths))
        if not len(at):
            continue
        chosen, z = [cells[i] for i in at], scores[numbers, w][:, at]
        # windows of the reference end where estimation windows do: what precedes the event plays no part
        last = session + grid.plans()[0].estimation_end - windows[w].end
        of_cell = np.array([cell.estimation for cell in chosen])
        joint, sessions, reasons = _reference(of_cell, z, session, last, windows[w].length)
        half = t_quantile(df[at], tail_of(spec.level, spec.alternative)) * std_error[at]
        low, high = sided(car[at] - half, car[at] + half, spec.alternative)
        t = car[at] / std_error[at]
        observed = float(curve.median_z(curve.normal_scores(t, df[at])[joint], spec.alternative))
        reference = curve.median_z(z[sessions][:, joint], spec.alternative)
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
            p_median_z=_joint(observed, reference, exact=conventions(spec) == EXACT),
            n_placebo=len(reference),
            n_joint=int(joint.sum()),
            left_out=(*left_out, *reasons),
            market=_market_move(studied, int(positions[k]), part),
        )


def _joint(observed: float, reference: Floats, *, exact: bool) -> float:
    return curve.placebo_p(observed, reference) if len(reference) >= curve.FEWEST and exact else float("nan")


def _scores(models: Sequence[_OneModel], numbers: tuple[int, ...], w: int) -> Floats:
    """z of every session under every cell; NaN columns for a model that the event does not have. (T, K)."""
    known = [model.placebo[number, w] for model, number in zip(models, numbers, strict=True) if number >= 0]
    n_sessions, s = known[0][0].shape
    found = []
    for model, number in zip(models, numbers, strict=True):
        if number < 0:
            found.append(np.full((n_sessions, s), np.nan))
            continue
        t, df = model.placebo[number, w]
        found.append(curve.normal_scores(t, df))
    return np.concatenate(found, axis=1)


def _admitted(grid: _Grid, cells: Sequence[Specification], known: Bools, room: int) -> tuple[list[int], list[str]]:
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


def _reference(of_cell: Ints, z: Floats, session: int, last: int, length: int) -> tuple[Bools, Ints, list[str]]:
    """Cells of the joint test, the sessions that it compares with, and why lengths are left out of it: with the shorter
    ones a length needs 199 uneventful sessions; the shortest one stays where there are fewer."""
    inside, sessions, reasons = np.zeros(len(of_cell), dtype=bool), np.zeros(0, dtype=np.int64), []
    for n in np.unique(of_cell).tolist():
        wanted = inside | (of_cell == n)
        found = curve.uneventful(np.asarray(np.isfinite(z[:, wanted]).all(axis=1)), session, last, length)
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

"""The cells of a specification curve: events, and every session of their series, under each combination of choices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey, series_of
from eventstudy.engine.conventions import measured_cars
from eventstudy.engine.models import MODELS
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance import curve
from eventstudy.engine.significance.placebo import HISTORY
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.engine_options import options_of
from eventstudy.evaluate.placed import place_rows
from eventstudy.records import Specification
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

# part of a day -> its name on a panel
PANEL = {"day": "total", "overnight": "overnight", "intraday": "intraday"}


@dataclass(frozen=True, slots=True)
class Grid:
    """Inputs of the estimation of one model, in the order of its cells: returns, masks, then plans."""

    spec: StudySpec
    models: tuple[str, ...]
    lengths: tuple[int, ...]
    gaps: tuple[int, ...]

    @classmethod
    def of(cls, spec: StudySpec) -> Grid:
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
    exact distribution. Models that leave the market's move in the abnormal return are not a defensible choice on a day
    on which it moves: constant mean and market-adjusted returns are in robustness.csv alone."""
    own = MODELS[spec.model]
    further = own.inference == "exact" and own.twin in ("constant", "origin") and own.has_factors
    return tuple(dict.fromkeys(("market-model", "multi-index", *((spec.model,) if further else ()))))


@dataclass(frozen=True, slots=True)
class OneModel:
    """Cells of one model for some events, S cells and W windows; and the curve of every session of their series.

    ``cars``, ``std_errors``, ``df`` (n, W, S); ``series`` (n,) points into ``placebo``, of each series and window the
    first session that its events are compared with and one (m, S) of t and of df from there on, and into ``begin``, the
    series' first session; events without the model have -1."""

    cars: Floats
    std_errors: Floats
    df: Floats
    n_obs: Floats
    series: Ints
    session: Ints
    placebo: dict[tuple[int, int], tuple[int, Floats, Floats]]
    begin: dict[int, int]


def _available(studied: Studied, positions: Ints, model: str) -> Bools:
    series = series_of(studied.index, studied.spec.with_changes(model=model))

    def usable(key: SeriesKey) -> bool:
        return len(key.benchmarks) >= MODELS[model].benchmarks and studied.market.trouble(key) is None

    known = np.array([usable(key) for key in series.keys], dtype=bool)
    return np.asarray(known[series.series[studied.rows[positions]]])


def one_model(
    studied: Studied, positions: Ints, model: str, grid: Grid, windows: tuple[Window, ...], part: str
) -> OneModel:
    """Every cell of one model for some studied rows over some windows, and the curve of every session of their series;
    numbers are NaN for rows that lack the model's benchmarks, and for parts without the model's regressors."""
    n, w, plans = len(positions), len(windows), grid.plans()
    s = 4 * len(plans)
    cars, std_errors, df, n_obs = (np.full((n, w, s), np.nan) for _ in range(4))
    series, session = np.full(n, -1), np.zeros(n, dtype=np.int64)
    placebo: dict[tuple[int, int], tuple[int, Floats, Floats]] = {}
    begin: dict[int, int] = {}
    rows = np.flatnonzero(_available(studied, positions, model))
    # factors, peers and shifted markets are known from close to close only
    if not len(rows) or not (part == "day" or MODELS[model].has_parts):
        return OneModel(cars, std_errors, df, n_obs, series, session, placebo, begin)
    spec = grid.longest.with_changes(model=model)
    keys, placed, _ = place_rows(studied, studied.rows[positions[rows]], spec, exclude=("catalogued", "none"))
    for some in _alike(keys, placed[0]):
        chosen = [keys[number] for number in some.numbers]
        for r, returns in enumerate(("simple", "log")):
            panel = known = studied.market.stack(chosen, returns, PANEL[part])
            if spec.missing == "strict" and part == "day":
                known = replace(panel, returns=np.where(panel.span == 1, panel.returns, np.nan))
            for m, mine in enumerate(placed):
                first = (2 * r + m) * len(plans)
                cells = slice(first, first + len(plans))
                where = some.placed(mine)
                values = _measured(panel, where, spec, plans, windows, returns)
                for target, own in zip((cars, std_errors, df, n_obs), values, strict=True):
                    target[rows[some.rows], :, cells] = own
                masks = mine.history_mask, placed[0].history_mask
                spans = some.compared(placed[0])
                for k, number in enumerate(some.numbers):
                    begin[number] = int(np.argmax(np.isfinite(panel.returns[k])))
                    for v, window in enumerate(windows):
                        _, t, degrees = curve.session_curve(
                            known,
                            k,
                            model,
                            (_wide(masks[0][number], panel), _wide(masks[1][number], panel)),
                            plans,
                            (window.start, window.end),
                            sessions=spans[number],
                        )
                        if (number, v) not in placebo:
                            placebo[number, v] = (
                                spans[number][0],
                                np.full((len(t), s), np.nan),
                                np.full((len(t), s), np.nan),
                            )
                        _, whole_t, whole_df = placebo[number, v]
                        whole_t[:, cells], whole_df[:, cells] = t, degrees
        series[rows[some.rows]] = placed[0].series[some.rows]
        session[rows[some.rows]] = placed[0].session[some.rows]
    return OneModel(cars, std_errors, df, n_obs, series, session, placebo, begin)


@dataclass(frozen=True, slots=True)
class _Alike:
    """Events whose series have equally many factors: rows of a ``Placed``, and the numbers of their series."""

    rows: Ints
    numbers: list[int]

    def compared(self, whole: Placed) -> dict[int, tuple[int, int]]:
        """Series -> the sessions that its events are compared with: from ``HISTORY`` before the first to the last."""
        events = whole.chosen(self.rows)
        own = {number: events.session[events.series == number] for number in self.numbers}
        return {
            number: (max(0, int(at.min()) - HISTORY), int(at.max()) + 1) if len(at) else (0, 0)
            for number, at in own.items()
        }

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
            fits, result = measured_cars(cut, options.entry.fit(cut), options)
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

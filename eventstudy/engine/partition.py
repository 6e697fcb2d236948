"""One block of events, start to finish: what a single process runs today and a worker may run tomorrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from eventstudy.engine.abnormal import Abnormal, Cars
from eventstudy.engine.conventions import Conventions, measured
from eventstudy.engine.kernels import Engine, Measures, measure
from eventstudy.engine.kernels.records import overlaid
from eventstudy.engine.models import MODELS, Fits, fit
from eventstudy.engine.panel import Bools, Floats, Ints, ReturnPanel
from eventstudy.engine.significance import placebo as placebo_tests
from eventstudy.engine.significance import single
from eventstudy.engine.significance.bootstrap import SCHEMES, bootstrap, rank_exact
from eventstudy.engine.significance.laws import t_p_value
from eventstudy.engine.significance.volatility import Volatility, volatility
from eventstudy.engine.windows import Design, WindowPlan, gather
from eventstudy.spec import StudySpec

Fitter = Callable[[Design, str], Fits]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """E events on a panel.

    Attributes
    ----------
    series, session : int64 (E,)
        Row of the panel and position of day 0.
    masked : bool (E, D)
        Days each event leaves out of its estimation window.
    history_mask : bool (S, T)
        Sessions of catalogued events of each series, for its pseudo-events.
    seed : int64 (E,)
        Of each event's resampling, from its name alone.
    """

    series: Ints
    session: Ints
    masked: Bools
    history_mask: Bools
    seed: Ints

    def part(self, start: int, stop: int) -> Placed:
        """Events start to stop."""
        cut = slice(start, stop)
        return Placed(
            series=self.series[cut],
            session=self.session[cut],
            masked=self.masked[cut],
            history_mask=self.history_mask,
            seed=self.seed[cut],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BootP:
    """p values of the three bootstrap schemes; (E, W) float64, NaN where not asked for."""

    iid: Floats
    block: Floats
    stationary: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Everything computed for E events over W test windows; arrays are (E, ...) or (E, W).

    Attributes
    ----------
    design, fits, abnormal, cars
        See their classes.
    ar_std_error, ar_t, ar_p : float64 (E, L)
    exact : ExactT
    p_ar1, p_local, p_sq, p_min_sq, p_conformal, p_min_conformal : float64 (E, W)
        NaN where not asked for or undefined.
    p_rank : float64 (E, W)
        ``rank-exact``.
    volatility : Volatility
    p_boot : tuple of float64 (E, W)
        ``boot-iid``, ``boot-block``, ``boot-stationary``.
    placebo : tuple of tuples of Placebo
        [event][window]; empty when not asked for.
    p_space, p_min_space : float64 (E, W)
        ``placebo-space``; NaN where the model has no donors.
    """

    design: Design
    fits: Fits
    abnormal: Abnormal
    cars: Cars
    ar_std_error: Floats
    ar_t: Floats
    ar_p: Floats
    exact: single.ExactT
    p_ar1: Floats
    p_local: Floats
    p_sq: Floats
    p_min_sq: Floats
    p_conformal: Floats
    p_min_conformal: Floats
    p_rank: Floats
    volatility: Volatility
    p_boot: BootP
    placebo: tuple[tuple[placebo_tests.Placebo, ...], ...]
    p_space: Floats
    p_min_space: Floats


def select(block: Block, kept: Ints) -> Block:
    """The block of some of its events."""
    return Block(**{item.name: take(getattr(block, item.name), kept) for item in fields(Block)})


def take(value: Any, kept: Ints) -> Any:
    """The chosen events of an array, a record of arrays or a tuple, all of which have events first."""
    if isinstance(value, np.ndarray):
        return value[kept]
    if isinstance(value, tuple):
        return tuple(value[i] for i in kept) if value else value
    if value is None or isinstance(value, WindowPlan):
        return value
    return type(value)(**{item.name: take(getattr(value, item.name), kept) for item in fields(value)})


def window_plan(spec: StudySpec) -> WindowPlan:
    """The event-time layout of a spec."""
    return WindowPlan(
        estimation=spec.estimation, gap=spec.gap, start=spec.event_window.start, end=spec.event_window.end
    )


def fewest_observations(spec: StudySpec, model: str, n_benchmarks: int) -> int:
    """Valid estimation observations below which an event is excluded: max(60, 10 p) unless the spec says, and always as
    many as leave two degrees of freedom."""
    p = MODELS[model].n_parameters(n_benchmarks)
    return max(60, 10 * p) if spec.min_estimation is None else max(spec.min_estimation, p + 2)


def conventions(spec: StudySpec) -> Conventions:
    """The conventions of a spec."""
    return Conventions(sigma=spec.chosen("sigma"), car=spec.chosen("car"), robust=spec.chosen("robust"))


def pairs(spec: StudySpec) -> tuple[tuple[int, int], ...]:
    """The test windows as (start, end)."""
    return tuple((window.start, window.end) for window in spec.windows)


def study_block(
    panel: ReturnPanel, placed: Placed, spec: StudySpec, fitter: Fitter = fit, engine: Engine = "numpy"
) -> Block:
    """Estimate, predict and test one block of events. Pure: arrays in, arrays out.

    Parameters
    ----------
    panel, placed, spec
    fitter : callable
        Estimates the model; conditional-variance models bring their own.
    engine : {"numpy", "numba"}
        What measures; tests of one event that look at its days read the NumPy fit in either case.
    """
    plan, strict = window_plan(spec), spec.missing == "strict"
    design = gather(panel, placed.series, placed.session, placed.masked, plan, strict=strict)
    found = None
    if engine == "numba":
        found = measure(
            panel, placed, plan, spec.model, pairs(spec), engine=engine, strict=strict, log=spec.returns == "log"
        )
    block = tested(design, placed.seed, spec, fitter, found)
    if "placebo-time" not in spec.active_tests or MODELS[spec.model].conditional:
        return block
    return replace(block, placebo=_placebo(panel, placed, spec, pairs(spec), block.exact.t))


def tested(design: Design, seed: Ints, spec: StudySpec, fitter: Fitter = fit, found: Measures | None = None) -> Block:
    """Estimate, predict and test events that are already in event time; ``placebo`` stays empty, because it needs the
    calendar.

    Parameters
    ----------
    design : Design
    seed : int64 (E,)
        Of each event's resampling.
    spec, fitter
        As in ``study_block``.
    found : Measures or None
        Estimates, abnormal returns and CARs that a kernel has measured already.
    """
    windows, strict = pairs(spec), spec.missing == "strict"
    tests, side = spec.active_tests, spec.alternative
    conditional = MODELS[spec.model].conditional
    fits, abnormal, result = measured(
        design,
        fitter(design, spec.model),
        spec.model,
        windows,
        conventions(spec),
        strict=strict,
        log=spec.returns == "log",
    )
    if found is not None:
        fits, abnormal, result = overlaid(fits, found)
    std_error = np.sqrt(np.where(fits.s2 > 0, fits.s2, np.nan)[:, None] * abnormal.v)
    ar_t = abnormal.ar / std_error
    exact = single.car_t(fits, result, spec.level, side)
    empty = np.full(result.car.shape, np.nan)
    p_sq, p_min_sq = single.sample_quantile(design, fits, windows, side) if "sq" in tests else (empty, empty)
    p_conformal, p_min_conformal = (
        single.conformal(design, fits, spec.model, windows, side, strict=strict)
        if "conformal" in tests
        else (empty, empty)
    )
    return Block(
        design=design,
        fits=fits,
        abnormal=abnormal,
        cars=result,
        ar_std_error=std_error,
        ar_t=ar_t,
        ar_p=t_p_value(ar_t, np.broadcast_to(fits.nu[:, None], ar_t.shape), side),
        exact=exact,
        p_ar1=single.car_t_ar1(fits, result, side) if "car-t-ar1" in tests and not conditional else empty,
        p_local=single.car_t_local(design, fits, result, windows, side) if "ar-t-local" in tests else empty,
        p_sq=p_sq,
        p_min_sq=p_min_sq,
        p_conformal=p_conformal,
        p_min_conformal=p_min_conformal,
        p_rank=rank_exact(design, fits, windows, side) if "rank-exact" in tests else empty,
        volatility=volatility(design, fits, spec.model, windows, strict=strict)
        if tests & {"window-f", "vol-f", "vol-conformal", "vol-bf"}
        else Volatility(ratio=empty, p_f=empty, p_conformal=empty, p_brown_forsythe=empty),
        p_boot=_bootstrap(design, fits, result, spec, seed),
        placebo=(),
        p_space=empty,
        p_min_space=empty,
    )


def _bootstrap(design: Design, fits: Fits, result: Cars, spec: StudySpec, seed: Ints) -> BootP:
    """Every scheme that was asked for."""
    empty = np.full(result.car.shape, np.nan)
    found = [
        bootstrap(
            design,
            fits,
            result,
            spec.model,
            pairs(spec),
            seed,
            scheme,
            spec.alternative,
            strict=spec.missing == "strict",
        )
        if scheme in spec.active_tests
        else empty
        for scheme in SCHEMES
    ]
    return BootP(iid=found[0], block=found[1], stationary=found[2])


def _placebo(
    panel: ReturnPanel, placed: Placed, spec: StudySpec, windows: Sequence[tuple[int, int]], t: Floats
) -> tuple[tuple[placebo_tests.Placebo, ...], ...]:
    """Pseudo-events of each series, computed once and read by all its events."""
    plan = window_plan(spec)
    min_obs = fewest_observations(spec, spec.model, panel.factors.shape[1])
    tables = {}
    for s in np.unique(placed.series):
        own = placed.session[placed.series == s]
        wanted = np.unique(
            np.concatenate([np.arange(d - placebo_tests.HISTORY, d + plan.estimation_start) for d in own])
        )
        tables[s] = placebo_tests.placebo_table(
            panel,
            int(s),
            placed.history_mask[s],
            plan,
            spec.model,
            windows,
            min_obs,
            strict=spec.missing == "strict",
            sessions=wanted,
            conventions=conventions(spec),
        )
    return tuple(
        tuple(
            placebo_tests.placebo_time(
                tables[placed.series[i]],
                int(placed.session[i]),
                plan,
                w,
                end - start + 1,
                float(t[i, w]),
                spec.alternative,
            )
            for w, (start, end) in enumerate(windows)
        )
        for i in range(len(placed.series))
    )

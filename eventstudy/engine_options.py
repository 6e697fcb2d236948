"""The options of the engine from a study's spec."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from eventstudy.engine.models import MODELS
from eventstudy.engine.options import Conventions, Engine, Options, fewest
from eventstudy.engine.windows import WindowPlan
from eventstudy.spec import StudySpec


def window_plan(spec: StudySpec) -> WindowPlan:
    """The event-time layout of a spec; a model that needs many sessions may read as many further ones."""
    least = MODELS[spec.model].least if spec.model in MODELS else 0
    return WindowPlan(
        estimation=spec.estimation + least,
        gap=spec.gap,
        start=spec.event_window.start,
        end=spec.event_window.end,
        further=least,
        least=least,
    )


def fewest_observations(spec: StudySpec, model: str, n_benchmarks: int) -> int:
    """Valid estimation observations below which an event of a study is excluded."""
    return fewest(model, n_benchmarks, spec.min_estimation)


def conventions(spec: StudySpec) -> Conventions:
    """The conventions of a spec."""
    return Conventions(**{one.name: spec.chosen(one.name) for one in fields(Conventions)})


def pairs(spec: StudySpec) -> tuple[tuple[int, int], ...]:
    """The test windows as (start, end)."""
    return tuple((window.start, window.end) for window in spec.windows)


@lru_cache(maxsize=64)
def options_of(spec: StudySpec, engine: Engine = "numpy") -> Options:
    """The options of a study: every test of one event that it computes."""
    return Options(
        plan=window_plan(spec),
        model=spec.model,
        windows=pairs(spec),
        conventions=conventions(spec),
        strict=spec.missing == "strict",
        log=spec.returns == "log",
        level=spec.level,
        alternative=spec.alternative,
        min_estimation=spec.min_estimation,
        tests=spec.active_tests,
        engine=engine,
    )

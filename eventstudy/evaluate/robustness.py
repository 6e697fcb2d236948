"""The same window under every model, masked and not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey, series_of
from eventstudy.engine.conventions import measured_cars
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measure import AT_ONCE
from eventstudy.engine.measures import Measures, take
from eventstudy.engine.models import MODELS
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Floats, Ints
from eventstudy.engine.significance.single import ExactT, car_t
from eventstudy.engine.windows import Design, gather
from eventstudy.engine_options import fewest_observations, options_of
from eventstudy.evaluate.placed import place_rows
from eventstudy.records import RobustRows

if TYPE_CHECKING:
    from eventstudy.results import Studied

# name of a column of ``RobustRows`` -> its values
Columns = dict[str, np.ndarray]


def robustness(studied: Studied) -> RobustRows:
    """The primary window of each reported row under each model that its benchmarks allow, masked and unmasked: by row,
    then by model, the masked one first."""
    models = compared_models(studied.spec.model, weighted=bool(studied.spec.weights))
    columns = [one for part in _parts(studied, models) for one in _fitted(studied, part, models)]
    names = [field.name for field in fields(RobustRows) if field.name != "models"]
    nothing: Columns = {name: np.zeros(0, dtype=np.int64) for name in names}
    found = {name: np.concatenate([one[name] for one in columns or [nothing]]) for name in names}
    rows = RobustRows(models=models, **found)
    return rows.take(np.lexsort((~rows.masked.astype(bool), rows.model, rows.row)))


def compared_models(own: str, *, weighted: bool = False) -> tuple[str, ...]:
    """Models compared side by side: those that need nothing but benchmarks, the market without the firm where its
    share is known, and the study's own."""
    plain = tuple(
        name
        for name, entry in MODELS.items()
        if entry.inference == "exact" and (entry.factors != "made" or ("weights" in entry.needs and weighted))
    )
    return plain if own in plain or MODELS[own].inference in ("forecast", "none") else (*plain, own)


@dataclass(frozen=True, slots=True)
class _Part:
    """Models that read the same series, and the studied rows that have them: a panel holds one number of factors."""

    models: tuple[str, ...]
    positions: Ints


def _parts(studied: Studied, models: Sequence[str]) -> list[_Part]:
    spec, reported = studied.spec, np.array(studied.reported, dtype=np.int64)
    alike: dict[tuple[tuple[SeriesKey, ...], int], list[str]] = {}
    found: dict[tuple[SeriesKey, ...], np.ndarray] = {}
    for name in models:
        series = series_of(studied.index, spec.with_changes(model=name))
        # with one benchmark multi-index would be the market model under another name
        alike.setdefault((series.keys, MODELS[name].benchmarks), []).append(name)
        found[series.keys] = series.series
    parts = []
    for (keys, fewest), names in alike.items():
        weighted = any("weights" in MODELS[name].needs for name in names)
        width = np.array([_width(studied, key, fewest=fewest, weighted=weighted) for key in keys], dtype=np.int64)
        own = width[found[keys][studied.rows[reported]]] if len(reported) else width[:0]
        parts += [_Part(tuple(names), reported[own == n]) for n in np.unique(own[own >= 0]).tolist()]
    return parts


def _width(studied: Studied, key: SeriesKey, *, fewest: int, weighted: bool) -> int:
    """Number of benchmarks of a series; -1 where a model cannot be estimated on it."""
    lacks = len(key.benchmarks) < fewest or (weighted and key.ticker not in studied.spec.weights)
    return -1 if lacks or studied.market.trouble(key) is not None else len(key.benchmarks)


def _fitted(studied: Studied, part: _Part, models: tuple[str, ...]) -> Iterator[Columns]:
    """Each model on some rows, masked and not; the days of each event are gathered once for all models, events of which
    nothing is masked are estimated once, and what the study has estimated is not estimated again."""
    spec = studied.spec.with_changes(model=part.models[0], exclude="catalogued")
    rows = studied.rows[part.positions]
    # a hole that no return bridges is left out with other events and without
    keys, (placed, bare), (panel,) = place_rows(studied, rows, spec, parts=("total",), exclude=("catalogued", "none"))
    options = {name: options_of(spec.with_changes(model=name)) for name in part.models}
    weights = np.array([spec.weights.get(key.ticker, 0.0) for key in keys])
    plan, strict = options[part.models[0]].plan, options[part.models[0]].strict
    for at in range(0, len(rows), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        positions = part.positions[some]
        both = np.flatnonzero((placed.masked[some] != bare.masked[some]).any(axis=1))
        for chosen, masked in ((np.arange(len(positions)), True), (both, False)):
            if not len(chosen):
                continue
            series = placed.series[some][chosen]
            mask = (placed if masked else bare).masked[some][chosen]
            design = gather(panel, series, placed.session[some][chosen], mask, plan, strict=strict)
            for name in part.models:
                known = _known(studied, positions[chosen], name, masked=masked)
                estimated = _estimated(design, options[name]) if known is None else known
                found = _columns(studied, estimated, options[name], positions[chosen], weights[series])
                found["model"] = np.full(len(chosen), models.index(name))
                yield found | {"masked": np.full(len(chosen), masked)}
                if masked:
                    alone = np.setdiff1d(chosen, both)
                    yield {key: values[alone] for key, values in found.items()} | {"masked": np.zeros(len(alone), bool)}


@dataclass(frozen=True, slots=True)
class _Estimated:
    """What is read of some estimates of E events, with K factors."""

    fits: Fits | Measures
    car: Floats
    exact: ExactT
    n_factors: int


def _known(studied: Studied, positions: Ints, model: str, *, masked: bool) -> _Estimated | None:
    """The study's own estimates of some rows, where it has the model and masks alike; else None."""
    block, spec = studied.block, studied.spec
    if block is None or model != spec.model or masked != (spec.exclude != "none"):
        return None
    found = take(block.measures, positions)
    assert block.context.panel is not None, "the events of a study are on a panel"
    return _Estimated(found, found.car, take(block.exact, positions), block.context.panel.factors.shape[1])


def _estimated(design: Design, options: Options) -> _Estimated:
    fits, found = measured_cars(design, options.entry.fit(design), options)
    exact = car_t(fits, found, options.level, options.alternative)
    return _Estimated(fits, found.car, exact, design.x.shape[2])


def _columns(studied: Studied, estimated: _Estimated, options: Options, positions: Ints, weights: Floats) -> Columns:
    """The rows of one model, without numbers where the estimation window carries none."""
    spec, fits, exact = studied.spec, estimated.fits, estimated.exact
    usable = fits.rank_ok & (fits.n_obs >= fewest_observations(spec, options.model, estimated.n_factors))
    window, each = studied.primary[positions], np.arange(len(positions))
    car, std_error, t, p = (
        np.where(usable, values[each, window], np.nan) for values in (estimated.car, exact.std_error, exact.t, exact.p)
    )
    slope = fits.theta[:, 1] if options.model == "market-model" else np.full(len(positions), np.nan)
    return {
        "row": studied.rows[positions],
        "window": window,
        "car": car,
        "std_error": std_error,
        "t": t,
        "p": p,
        "n_estimation": fits.n_obs.astype(np.int64),
        "rescaled": _rescaled(car, slope, weights),
    }


def _rescaled(car: Floats, beta: Floats, weight: Floats) -> Floats:
    """The effect if the market model's CAR lacks the part beta w of it (methods 14.1)."""
    share = 1 - beta * weight
    known = (weight != 0) & (share > 0)
    return np.where(known, car / np.where(known, share, 1.0), np.nan)

"""The same window under every model, masked and not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.market import place_rows
from eventstudy.data.series_index import SeriesKey, series_of
from eventstudy.engine.conventions import measured
from eventstudy.engine.models import MODELS
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Ints
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.windows import Design, gather
from eventstudy.engine_options import fewest_observations, options_of
from eventstudy.records import RobustRow

if TYPE_CHECKING:
    from eventstudy.results import Studied


def robustness(studied: Studied) -> tuple[RobustRow, ...]:
    """The primary window of each reported row under each model that its benchmarks allow, masked and unmasked."""
    models = compared_models(studied.spec.model, weighted=bool(studied.spec.weights))
    rows = [row for part in _parts(studied, models) for row in _fitted(studied, part)]
    order = {name: i for i, name in enumerate(models)}
    return tuple(sorted(rows, key=lambda r: (r.row, order[r.model], not r.masked)))


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
    alike: dict[tuple[SeriesKey, ...], list[str]] = {}
    found: dict[tuple[SeriesKey, ...], np.ndarray] = {}
    for name in models:
        series = series_of(studied.index, spec.with_changes(model=name))
        alike.setdefault(series.keys, []).append(name)
        found[series.keys] = series.series
    parts = []
    for keys, names in alike.items():
        needs = {need for name in names for need in MODELS[name].needs}
        width = np.array([_width(studied, key, names[0], weighted="weights" in needs) for key in keys], dtype=np.int64)
        own = width[found[keys][studied.rows[reported]]] if len(reported) else width[:0]
        parts += [_Part(tuple(names), reported[own == n]) for n in np.unique(own[own >= 0]).tolist()]
    return parts


def _width(studied: Studied, key: SeriesKey, model: str, *, weighted: bool) -> int:
    """Number of benchmarks of a series; -1 where the model cannot be estimated on it."""
    if weighted and key.ticker not in studied.spec.weights:
        return -1
    enough = model != "multi-index" or len(key.benchmarks) > 1
    return len(key.benchmarks) if enough and studied.market.trouble(key) is None else -1


def _fitted(studied: Studied, part: _Part) -> Iterator[RobustRow]:
    """Each model on some rows, masked and not; the days of each event are gathered once for all models."""
    spec = studied.spec.with_changes(model=part.models[0], exclude="catalogued")
    rows = studied.rows[part.positions]
    keys, placed = place_rows(studied.index, rows.tolist(), spec, studied.market)
    panel = studied.market.stack(keys, spec.returns)
    options = {name: options_of(spec.with_changes(model=name)) for name in part.models}
    for at in range(0, len(rows), CHUNK):
        some = placed.part(at, at + CHUNK)
        for masked in (True, False):
            mask = some.masked if masked else np.zeros_like(some.masked)
            plan, strict = options[part.models[0]].plan, options[part.models[0]].strict
            design = gather(panel, some.series, some.session, mask, plan, strict=strict)
            for name in part.models:
                weights = [spec.weights.get(keys[number].ticker, 0.0) for number in some.series.tolist()]
                yield from _rows(
                    studied, design, options[name], part.positions[at : at + CHUNK], weights, masked=masked
                )


def _rows(
    studied: Studied, design: Design, options: Options, positions: Ints, weights: Sequence[float], *, masked: bool
) -> Iterator[RobustRow]:
    """The rows of one model, without numbers where the estimation window carries none."""
    spec = studied.spec
    fits, _, found = measured(design, options.entry.fit(design), options)
    exact = car_t(fits, found, spec.level, spec.alternative)
    usable = fits.rank_ok & (fits.n_obs >= fewest_observations(spec, options.model, design.x.shape[2]))
    w, n = studied.primary[positions], np.arange(len(positions))
    columns = [
        np.where(usable, values[n, w], np.nan).tolist() for values in (found.car, exact.std_error, exact.t, exact.p)
    ]
    slope = fits.theta[:, 1].tolist() if options.model == "market-model" else [np.nan] * len(n)
    shared = zip(
        studied.rows[positions].tolist(), w.tolist(), *columns, fits.n_obs.tolist(), slope, weights, strict=True
    )
    for row, window, car, std_error, t, p, n_obs, beta, weight in shared:
        yield RobustRow(
            row=row,
            window=spec.windows[window],
            model=options.model,
            masked=masked,
            car=car,
            std_error=std_error,
            t=t,
            p=p,
            n_estimation=int(n_obs),
            rescaled=_rescaled(car, beta, weight),
        )


def _rescaled(car: float, beta: float, weight: float) -> float:
    """The effect if the market model's CAR lacks the part beta w of it (methods 14.1)."""
    share = 1 - beta * weight
    return car / share if weight and share > 0 else np.nan

"""The same window under every model, masked and not; and the overnight and intraday parts of day 0."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.market import place_rows
from eventstudy.data.series_index import series_key
from eventstudy.engine.conventions import measured
from eventstudy.engine.models import MODELS, Fits
from eventstudy.engine.significance.laws import t_p_value
from eventstudy.engine.significance.single import car_t
from eventstudy.engine.windows import gather
from eventstudy.engine_options import fewest_observations, options_of
from eventstudy.records import PartRow, RobustRow
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.results import Studied


def robustness(studied: Studied) -> tuple[RobustRow, ...]:
    """The primary window of each reported row under each model that its benchmarks allow, masked and unmasked."""
    rows: list[RobustRow] = []
    models = compared_models(studied.spec.model, weighted=bool(studied.spec.weights))
    for name in models:
        for exclude in ("catalogued", "none"):
            rows += _one_model(studied, studied.spec.with_changes(model=name, exclude=exclude))
    order = {name: i for i, name in enumerate(models)}
    return tuple(sorted(rows, key=lambda r: (r.row, order[r.model], not r.masked)))


def compared_models(own: str, *, weighted: bool = False) -> tuple[str, ...]:
    """Models that stand side by side: those that need nothing but benchmarks, the market without the firm where its
    share is known, and the study's own."""
    plain = tuple(
        name
        for name, entry in MODELS.items()
        if entry.inference == "exact" and (entry.factors != "made" or ("weights" in entry.needs and weighted))
    )
    return plain if own in plain or MODELS[own].inference in ("forecast", "none") else (*plain, own)


def _one_model(studied: Studied, spec: StudySpec) -> list[RobustRow]:
    market = studied.market
    # rows may have different numbers of sectors, and a panel holds one number of factors
    groups: dict[int, list[int]] = {}
    for i in studied.reported:
        key = series_key(studied.index, int(studied.rows[i]), spec)
        if "weights" in MODELS[spec.model].needs and key.ticker not in spec.weights:
            continue
        enough = spec.model != "multi-index" or len(key.benchmarks) > 1
        if enough and market.trouble(key) is None:
            groups.setdefault(len(key.benchmarks), []).append(i)
    return [row for count in sorted(groups) for row in _fit_rows(studied, spec, groups[count])]


def _fit_rows(studied: Studied, spec: StudySpec, positions: list[int]) -> list[RobustRow]:
    rows = [int(studied.rows[i]) for i in positions]
    keys, placed = place_rows(studied.index, rows, spec, studied.market)
    panel = studied.market.stack(keys, spec.returns)
    options = options_of(spec)
    design = gather(panel, placed.series, placed.session, placed.masked, options.plan, strict=options.strict)
    fits, _, result = measured(design, options.entry.fit(design), options)
    exact = car_t(fits, result, spec.level, spec.alternative)
    usable = fits.rank_ok & (fits.n_obs >= fewest_observations(spec, spec.model, panel.factors.shape[1]))
    found = []
    for n, i in enumerate(positions):
        w = int(studied.primary[i])
        shown = bool(usable[n])
        found.append(
            RobustRow(
                row=rows[n],
                window=spec.windows[w],
                model=spec.model,
                masked=spec.exclude == "catalogued",
                car=float(result.car[n, w]) if shown else np.nan,
                std_error=float(exact.std_error[n, w]) if shown else np.nan,
                t=float(exact.t[n, w]) if shown else np.nan,
                p=float(exact.p[n, w]) if shown else np.nan,
                n_estimation=int(fits.n_obs[n]),
                rescaled=_rescaled(spec, keys[int(placed.series[n])].ticker, fits, n, float(result.car[n, w]))
                if shown
                else np.nan,
            )
        )
    return found


def _rescaled(spec: StudySpec, ticker: str, fits: Fits, n: int, car: float) -> float:
    """What the effect would be if the market model's CAR missed the part beta w of it (methods 14.1)."""
    weight = spec.weights.get(ticker, 0.0)
    if spec.model != "market-model" or not weight:
        return np.nan
    share = 1 - float(fits.theta[n, 1]) * weight
    return car / share if share > 0 else np.nan


def day0_parts(studied: Studied) -> tuple[PartRow, ...]:
    """Day 0 cut at the opening: each part against the same part of the benchmark, with the exact t.

    Missing rule: empty where the source has no opens for the stock or its benchmark.
    """
    if studied.block is None or MODELS[studied.spec.model].factors == "made":
        # factors, peers and shifted markets are known from close to close only
        return ()
    day0 = Window(0, 0)
    spec = studied.spec.with_changes(windows=(day0,), event_window=Window(min(studied.spec.event_window.start, 0), 0))
    rows = [int(row) for row in studied.rows]
    keys, placed = place_rows(studied.index, rows, spec, studied.market)
    found: list[PartRow] = []
    for part in ("overnight", "intraday"):
        panel = studied.market.stack(keys, spec.returns, part)
        options = replace(options_of(spec), windows=(), strict=False)
        design = gather(panel, placed.series, placed.session, placed.masked, options.plan)
        fits, abnormal, _ = measured(design, options.entry.fit(design), options)
        usable = fits.rank_ok & (fits.n_obs >= fewest_observations(spec, spec.model, panel.factors.shape[1]))
        std_error = np.sqrt(np.where(usable & (fits.s2 > 0), fits.s2, np.nan) * abnormal.v[:, -1])
        ar, expected = abnormal.ar[:, -1], abnormal.expected[:, -1]
        t = ar / std_error
        p = t_p_value(t, fits.nu, spec.alternative)
        found += [
            PartRow(
                row=rows[i],
                part=part,
                total=float(expected[i] + ar[i]),
                expected=float(expected[i]),
                abnormal=float(ar[i]),
                std_error=float(std_error[i]),
                t=float(t[i]),
                p=float(p[i]),
            )
            for i in studied.reported
            if usable[i] and np.isfinite(ar[i])
        ]
    return tuple(sorted(found, key=lambda part: (part.row, part.part != "overnight")))

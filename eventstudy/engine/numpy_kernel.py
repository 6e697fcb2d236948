"""The NumPy kernel: gather, fit, abnormal returns and CARs of a chunk of events."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.conventions import evidence_of, measured
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measures import Measures, Serial
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Ints, Placed, ReturnPanel
from eventstudy.engine.significance.serial import autocorrelation, local_variances
from eventstudy.engine.windows import Design, WindowPlan, gather


def measure_chunk(panel: ReturnPanel, placed: Placed, options: Options) -> tuple[Measures, Design, Fits]:
    """The measures of some events, and what they were measured on; see ``measure.measure``."""
    design = gather(panel, placed.series, placed.session, placed.masked, options.plan, strict=options.strict)
    return measure_design(design, options.entry.fit(design), placed.session, options)


def measure_design(design: Design, fits: Fits, session: Ints, options: Options) -> tuple[Measures, Design, Fits]:
    """The measures of events that are in event time and estimated, and the fits under the conventions in use."""
    fits, abnormal, cars = measured(design, fits, options)
    first, last = _reach(fits, session, options.plan)
    none = np.empty((len(session), 0))
    serial = None
    if options.serial:
        serial = Serial(phi=autocorrelation(fits), local_variance=local_variances(design, fits, options.windows))
    found = Measures(
        n_obs=fits.n_obs,
        n_masked=(design.masked & design.observed)[:, design.estimation].sum(axis=1),
        first_used=first,
        last_used=last,
        nu=fits.nu,
        s2=fits.s2,
        r_squared=fits.r_squared,
        rank_ok=fits.rank_ok,
        zero_variance=fits.zero_variance,
        fallback=fits.fallback,
        theta=fits.theta,
        xtx_inv=fits.xtx_inv,
        half=fits.half,
        ar=abnormal.ar,
        v=abnormal.v,
        expected=abnormal.expected if options.paths else none,
        path=abnormal.path if options.paths else none,
        path_v=abnormal.path_v if options.paths else none,
        car=cars.car,
        q=cars.q,
        base=cars.base,
        bhar=cars.bhar,
        evidence=evidence_of(design, fits, abnormal.v, options) if options.residuals else None,
        serial=serial,
    )
    return found, design, fits


def _reach(fits: Fits, session: Ints, plan: WindowPlan) -> tuple[Ints, Ints]:
    """Panel positions of the first and last estimation observation of each event; -1 without one."""
    start = session + plan.estimation_start
    some = fits.used.any(axis=1)
    width = fits.used.shape[1]
    first = start + fits.used.argmax(axis=1)
    last = start + width - 1 - fits.used[:, ::-1].argmax(axis=1)
    return np.where(some, first, -1), np.where(some, last, -1)

"""The NumPy kernel: gather, fit, abnormal returns and CARs of a chunk of events, exactly as a small study has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.conventions import Conventions, measured
from eventstudy.engine.kernels.records import Measures, Serial
from eventstudy.engine.models import Fits, fit
from eventstudy.engine.panel import Ints, ReturnPanel
from eventstudy.engine.significance.evidence import gather_evidence
from eventstudy.engine.significance.single import autocorrelation, local_variances
from eventstudy.engine.windows import WindowPlan, gather

if TYPE_CHECKING:
    from eventstudy.engine.partition import Fitter, Placed


def measure_chunk(
    panel: ReturnPanel,
    placed: Placed,
    part: slice,
    plan: WindowPlan,
    model: str,
    windows: Sequence[tuple[int, int]],
    conventions: Conventions,
    *,
    strict: bool,
    log: bool,
    paths: bool,
    residuals: bool,
    serial: bool = False,
    fitter: Fitter = fit,
) -> Measures:
    """The measures of the events ``part``; see ``kernels.measure``."""
    session = placed.session[part]
    design = gather(panel, placed.series[part], session, placed.masked[part], plan, strict=strict)
    fits, abnormal, cars = measured(design, fitter(design, model), model, windows, conventions, strict=strict, log=log)
    first, last = _reach(fits, session, plan)
    estimation = design.estimation
    none = np.empty((len(session), 0))
    return Measures(
        n_obs=fits.n_obs,
        n_masked=(design.masked & design.observed)[:, estimation].sum(axis=1),
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
        ar=abnormal.ar,
        v=abnormal.v,
        expected=abnormal.expected if paths else none,
        path=abnormal.path if paths else none,
        path_v=abnormal.path_v if paths else none,
        car=cars.car,
        q=cars.q,
        base=cars.base,
        bhar=cars.bhar,
        evidence=gather_evidence(design, fits, abnormal.v) if residuals else None,
        serial=Serial(phi=autocorrelation(fits), local_variance=local_variances(design, fits, windows))
        if serial
        else None,
    )


def _reach(fits: Fits, session: Ints, plan: WindowPlan) -> tuple[Ints, Ints]:
    """Panel positions of the first and last estimation observation of each event; -1 without one."""
    start = session + plan.estimation_start
    some = fits.used.any(axis=1)
    width = fits.used.shape[1]
    first = start + fits.used.argmax(axis=1)
    last = start + width - 1 - fits.used[:, ::-1].argmax(axis=1)
    return np.where(some, first, -1), np.where(some, last, -1)

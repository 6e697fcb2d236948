"""Abnormal volume: what traded beyond what a ticker trades on a day like that (methods section 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import series_key
from eventstudy.data.volume import has_volume, volume_panel
from eventstudy.engine.block import joined
from eventstudy.engine.significance.battery import parts_read
from eventstudy.engine.significance.result import undefined
from eventstudy.engine.significance.single import exact_t, variance_ar1
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.engine_options import fewest_observations
from eventstudy.evaluate.across_events import group_rows, wanted_tests
from eventstudy.exclusions import Excluded
from eventstudy.records import VolumeDay, VolumeResult, VolumeRow
from eventstudy.scale.executors import Here
from eventstudy.scale.first_pass import first_pass
from eventstudy.scale.limits import LIMITS
from eventstudy.scale.measured import Job
from eventstudy.scale.passes import across_events

if TYPE_CHECKING:
    from eventstudy.engine.block import Block
    from eventstudy.prepare import Prepared
    from eventstudy.records import GroupRow
    from eventstudy.results import Studied
    from eventstudy.spec import StudySpec

# Volume is strongly autocorrelated: tests that hold under that, always made, for a t and its p value belong together
# whatever tests of returns were named; and tests that compare events with each other.
OF_ONE_EVENT = ("car-t-ar1", "conformal")
ACROSS_EVENTS = ("csect-t", "bmp", "corrado")


def abnormal_volume(studied: Studied) -> VolumeResult | None:
    """Abnormal log volume of every reported row, by day and by window, and the tests across events.

    None where ``--volume`` was not asked for. Expected volume is the estimation window's mean, or its regression on the
    first benchmark's log volume. The sessions masked for returns are masked here too.

    Missing rule: a window in which any session has no figure is empty; a ticker whose source has no volume, or too few
    sessions of it, is a row with ``reason``.

    Checked against
    ---------------
    A naive loop over the price file, statsmodels with a dummy an event day, observed sizes under autocorrelation
    (tests/oracles/test_volume.py, tests/properties/test_volume_sizes.py).
    """
    if not studied.spec.volume or studied.block is None:
        return None
    spec = volume_spec(studied.spec)
    against_market = spec.model != "constant-mean"
    prepared = _with_volume(studied, spec, against_market=against_market)
    job = _job(studied, prepared, spec)
    # logarithms of volume compound to nothing anybody reads, and may overflow over long windows
    with np.errstate(over="ignore", invalid="ignore"):
        first = first_pass(job, prepared, Here(), None, LIMITS.block, None, _silent)
    block = joined(first.blocks)
    reasons = [
        _trouble(studied, i, block, prepared.sentences.needed, against_market=against_market)
        for i in range(len(studied.rows))
    ]
    groups: tuple[GroupRow, ...] = ()
    if not all(reasons):
        summed = across_events(job, prepared, Here(), first, block, LIMITS.block, _silent)
        groups = group_rows(summed, prepared.groups.numbered, spec)
    return VolumeResult(
        model=spec.model,
        rows=tuple(_rows(studied, block, spec, reasons)),
        days=tuple(_days(studied, block, reasons)),
        groups=tuple(map(_of_one_session, groups)),
    )


def _with_volume(studied: Studied, spec: StudySpec, *, against_market: bool) -> Prepared:
    """The studied events with volumes in place of returns, and with nothing excluded yet."""
    assert studied.measured is not None, "the study has rows"
    before, market = studied.prepared, studied.market
    panel = volume_panel(market, before.series.keys, spec.outstanding, against_market=against_market)
    needed = fewest_observations(spec, spec.model, 1)
    return replace(
        before,
        panel=replace(before.panel, returns=panel.returns, factors=panel.factors, span=panel.span, offset=None),
        roster=studied.measured.events,
        excluded=Excluded(),
        sentences=replace(before.sentences, needed=needed),
    )


def _job(studied: Studied, prepared: Prepared, spec: StudySpec) -> Job:
    return Job(
        panel=prepared.panel,
        spec=spec,
        engine="numpy",
        single=spec.active_tests & set(SINGLE_TESTS),
        parts=parts_read(wanted_tests(spec)),
        same_as_all=prepared.groups.same_as_all,
        daily=True,
        spool=False,
        n_shared=len(studied.shared_windows),
        own=bool((prepared.roster.own >= 0).any()),
        keep=True,
    )


def _silent(line: str) -> None:
    del line


def _of_one_session(found: GroupRow) -> GroupRow:
    """``corrado`` adds up days as if they were independent: with volume's autocorrelation a window of three sessions
    rejects 17 % (docs/methods.md), so only single sessions are read with it."""
    if found.result.test != "corrado" or found.window.length == 1:
        return found
    reason = "volume is autocorrelated and ranks are added up as if independent; read csect-t or bmp"
    return replace(found, result=undefined(found.result.test, found.result.null, reason))


def volume_spec(spec: StudySpec) -> StudySpec:
    """The study's windows, masks and level with the model of volume and the tests that suit it."""
    across = tuple(name for name in ACROSS_EVENTS if name in spec.active_tests)
    tests = (*OF_ONE_EVENT, *across)
    return spec.with_changes(
        model=spec.volume, tests=tests, convention=(), missing="strict", returns="log", hold=0, weight=""
    )


def _trouble(studied: Studied, i: int, block: Block, needed: int, *, against_market: bool) -> str:
    """Why a row has no abnormal volume; empty where it has."""
    key = series_key(studied.index, int(studied.rows[i]), studied.spec)
    for symbol in (key.ticker, *(key.benchmarks[:1] if against_market else ())):
        if not has_volume(studied.market.prices.series[symbol]):
            return f"the source has no volume of {symbol}"
    n = int(block.measures.n_obs[i])
    if n < needed:
        return f"volume on {n} sessions of the estimation window, {needed} are needed"
    if not block.measures.rank_ok[i] or not block.measures.s2[i] > 0:
        return "volume does not vary over the estimation window"
    return ""


def _rows(studied: Studied, block: Block, spec: StudySpec, reasons: list[str]) -> list[VolumeRow]:
    """Every reported row and window."""
    found, phi, p_conformal = block.measures, block.context.serial.phi, block.column("p_conformal")
    q = variance_ar1(phi, found.q, found.base)
    exact = exact_t(found.car, q, found.s2, found.nu, spec.level, spec.alternative)
    rows = []
    for i in studied.reported:
        counted = not reasons[i]
        for w in studied.windows_of(i):
            window = spec.windows[w]
            known = counted and bool(np.isfinite(exact.t[i, w]))
            total = float(found.car[i, w]) if known else np.nan
            mean = total / window.length
            rows.append(
                VolumeRow(
                    row=int(studied.rows[i]),
                    window=window,
                    measure="log-turnover" if studied.text(i, "ticker") in spec.outstanding else "log-volume",
                    avol=total,
                    ratio=float(np.exp(mean)),
                    standardised=mean / float(np.sqrt(found.s2[i])) if known else np.nan,
                    std_error=float(exact.std_error[i, w]) if known else np.nan,
                    t=float(exact.t[i, w]) if known else np.nan,
                    df=float(exact.df[i, w]) if known else np.nan,
                    p_ar1=float(exact.p[i, w]) if known else np.nan,
                    p_conformal=float(p_conformal[i, w]) if known else np.nan,
                    phi=float(phi[i]) if counted else np.nan,
                    n_estimation=int(found.n_obs[i]),
                    reason=reasons[i] or ("" if known else "a session of the window has no volume"),
                )
            )
    return rows


def _days(studied: Studied, block: Block, reasons: list[str]) -> list[VolumeDay]:
    """Every day of the event window with a figure, of the rows that have a model."""
    first = studied.spec.event_window.start
    return [
        VolumeDay(
            row=int(studied.rows[i]),
            day=first + k,
            session=studied.series(i).calendar.sessions[studied.session(i) + first + k],
            observed=float(block.abnormal.expected[i, k] + block.abnormal.ar[i, k]),
            expected=float(block.abnormal.expected[i, k]),
            abnormal=float(block.abnormal.ar[i, k]),
            std_error=float(block.ar_std_error[i, k]),
        )
        for i in studied.reported
        if not reasons[i]
        for k in range(block.abnormal.ar.shape[1])
        if np.isfinite(block.abnormal.ar[i, k])
    ]

"""Between the records of the engine and the compiled kernels: one dtype, order and set of shapes, so that one
compiled form serves every caller; and the threads, who take whole chunks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eventstudy.engine.compiled.rows import FIRST
from eventstudy.engine.measures import Measures, Serial
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.evidence import Evidence
from eventstudy.engine.significance.serial import corrected_autocorrelation
from eventstudy.engine.windows import WindowPlan


def measure_compiled(panel: ReturnPanel, placed: Placed, options: Options) -> Measures:
    """The measures of all events by the compiled kernel; see ``kernels.measure``."""
    from eventstudy.engine.compiled.regress import measure_events

    n = len(placed.session)
    reads, paths, threads = inputs(panel, placed, options), options.paths, options.threads
    made = outputs(panel, options, n, n if options.residuals else 0)
    counts, moments, flags, theta, inverses, daily, car, scaled, abnormal, order = made

    def work(low: int, high: int) -> None:
        measure_events(*reads, low, high, *made, *scratch(panel, options))

    shared_out(work, n, threads)
    none = np.empty((n, 0))
    return Measures(
        n_obs=counts[0],
        n_masked=counts[1],
        first_used=counts[2],
        last_used=counts[3],
        nu=moments[1],
        s2=moments[0],
        r_squared=moments[2],
        rank_ok=flags[0],
        zero_variance=flags[1],
        fallback=np.zeros(n, dtype=np.bool_),
        theta=theta,
        xtx_inv=inverses[0],
        half=inverses[1],
        ar=daily[0],
        v=daily[1],
        expected=daily[2] if paths else none,
        path=daily[3] if paths else none,
        path_v=daily[4] if paths else none,
        car=car[0],
        q=car[1],
        base=car[2],
        bhar=car[3],
        evidence=_evidence(counts[0], moments, daily, scaled, abnormal, threads) if options.residuals else None,
        serial=Serial(phi=corrected_autocorrelation(order[0], order[1], counts[0]), local_variance=order[2:].T)
        if options.serial
        else None,
    )


def ranked_compiled(residual: Floats, abnormal: Floats, scale: Floats, threads: int = 1) -> tuple[Floats, Floats]:
    """Centred ranks of residuals and abnormal returns together, and ranks of the residuals alone.

    Parameters
    ----------
    residual, abnormal : float64 (E, N), (E, L)
        NaN where there is none.
    scale : float64 (E,)
        About the mean size of the residuals; a bad guess costs time and no digit.

    Checked against
    ---------------
    ``scipy.stats.rankdata``.
    """
    from eventstudy.engine.compiled.ranking import rank_events

    n, n_est = residual.shape
    width = n_est + abnormal.shape[1]
    corrado, ranked = np.empty((n, width)), np.empty((n, n_est))

    def rank(low: int, high: int) -> None:
        rank_events(residual, abnormal, scale, low, high, corrado, ranked, np.empty((0, 0)), *rank_scratch(width))

    shared_out(rank, n, threads)
    return corrado, ranked


def refitted_compiled(panel: ReturnPanel, placed: Placed, options: Options, known: Bools) -> dict[str, Floats]:
    """The columns of the tests whose model is fitted on estimation and test window together; see ``refitted``.

    Parameters
    ----------
    panel, placed, options
    known : bool (E, W)
        Events and test windows that are tested; the others are NaN.

    Checked against
    ---------------
    The NumPy functions of the tests.
    """
    from eventstudy.engine.compiled.refitted import COLUMNS, N_SCRATCH, SIDES, TESTS, refit_events

    reads, n = inputs(panel, placed, options), len(placed.session)
    wanted = np.array([SIDES[options.alternative], *(name in options.tests for name in TESTS)], dtype=np.int64)
    made, alpha = np.full((len(COLUMNS), n, len(options.windows)), np.nan), 1 - options.level
    width = 2 * options.plan.n_days

    def work(low: int, high: int) -> None:
        room = np.zeros((N_SCRATCH, width)), np.zeros(width, dtype=np.int64)
        refit_events(*reads[:3], *reads[4:], known, wanted, alpha, low, high, made, *scratch(panel, options)[:5], *room)

    shared_out(work, n, options.threads)
    return dict(zip(COLUMNS, made, strict=True))


def _evidence(n_obs: Ints, moments: Floats, daily: Floats, scaled: Floats, abnormal: Floats, threads: int) -> Evidence:
    """Ranks and standardised values from what the kernel measured."""
    corrado, ranked = ranked_compiled(scaled[0], abnormal, moments[4], threads)
    scale = np.sqrt(np.where(moments[0] > 0, moments[0], np.nan))
    return Evidence(
        residual=scaled[0],
        abnormal=abnormal,
        scale=scale,
        nu=moments[1],
        leverage=scaled[1],
        sar=daily[0] / (scale[:, None] * np.sqrt(daily[1])),
        corrado=corrado,
        ranked=ranked,
        n_ranked=n_obs.astype(np.float64),
        share_positive=moments[3],
    )


def shared_out(work: Callable[[int, int], object], n: int, threads: int) -> None:
    """Call ``work(low, high)`` over n events: at once, or in runs of whole chunks by several threads."""
    n_chunks = -(-n // CHUNK)
    threads = min(threads, n_chunks)
    if threads <= 1:
        work(0, n)
        return
    from concurrent.futures import ThreadPoolExecutor

    # a few runs a thread, so that one slow run does not keep the others waiting
    step = max(1, n_chunks // (8 * threads)) * CHUNK
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, low, min(low + step, n)) for low in range(0, n, step)]:
            done.result()


def inputs(panel: ReturnPanel, placed: Placed, options: Options) -> tuple[np.ndarray, ...]:
    """Inputs of the kernels."""
    plan = options.plan
    _check(placed, panel, plan)
    return (
        _plain(panel.returns, np.float64),
        _plain(_once(panel.factors), np.float64),
        _plain(panel.span, np.int16),
        np.empty((0, 0)) if panel.offset is None else _plain(panel.offset, np.float64),
        _plain(placed.series, np.int64),
        _plain(placed.session, np.int64),
        _plain(_once(placed.masked), np.bool_).view(np.uint8),
        np.array([(a - plan.start, b - plan.start) for a, b in options.windows], dtype=np.int64).reshape(-1, 2),
        _layout(options),
    )


def outputs(panel: ReturnPanel, options: Options, n: int, kept: int) -> tuple[np.ndarray, ...]:
    """Arrays for what is measured of n events, and for the residuals of ``kept`` of them."""
    p, length = options.entry.n_parameters(panel.factors.shape[1]), options.plan.n_window
    n_windows = len(options.windows)
    return (
        np.empty((4, n), dtype=np.int64),
        np.empty((5, n)),
        np.empty((2, n), dtype=np.bool_),
        np.empty((n, p)),
        np.empty((2, n, p, p)),
        np.empty((5 if options.paths else 2, n, length)),
        np.empty((4, n, n_windows)),
        np.empty((2, kept, options.plan.estimation)),
        np.empty((kept, length)),
        np.empty((2 + n_windows if options.serial else 0, n)),
    )


def scratch(panel: ReturnPanel, options: Options) -> tuple[np.ndarray, ...]:
    """Working memory of one call of the kernel; rows are aligned for vector instructions."""
    from eventstudy.engine.compiled.simd import LANES

    plan, k = options.plan, panel.factors.shape[1]
    p = options.entry.n_parameters(k)
    n_rows, width = FIRST + k + p, -(-plan.n_days // LANES) * LANES
    room = np.zeros(n_rows * width + 8)
    skip = -room.ctypes.data % 64 // 8
    rows = room[skip : skip + n_rows * width].reshape(n_rows, width)
    return (
        rows,
        np.zeros((p, p + 1)),
        np.zeros((p, p)),
        np.ones((3, p)),
        np.zeros(p + 1, dtype=np.int64),
        np.zeros(plan.n_window),
    )


def rank_scratch(width: int) -> tuple[np.ndarray, ...]:
    """Working memory of the ranking of one event of ``width`` days."""
    from eventstudy.engine.compiled.ranking import RADIX

    if width > 1 << 16:
        raise ValueError(f"{width} days of one event cannot be ranked: a place has 16 bits")
    return np.empty((4, width)), np.empty((4, width), dtype=np.uint32), np.empty(2 * RADIX, dtype=np.uint32)


def _layout(options: Options) -> Ints:
    plan, twin = options.plan, options.entry.twin
    return np.array(
        [
            plan.estimation_start,
            plan.estimation,
            plan.n_days,
            plan.column(plan.start),
            int(twin == "constant"),
            int(twin == "difference"),
            int(options.strict),
            int(options.log),
        ],
        dtype=np.int64,
    )


def _check(placed: Placed, panel: ReturnPanel, plan: WindowPlan) -> None:
    """Compiled code does not look where it reads, so shapes and row numbers are looked at here."""
    n, s = len(placed.series), len(panel.returns)
    if placed.session.shape != (n,) or placed.masked.shape != (n, plan.n_days):
        raise ValueError(f"{n} series, session {placed.session.shape}, masked {placed.masked.shape} differ")
    if n and not 0 <= placed.series.min() <= placed.series.max() < s:
        raise ValueError(f"series {placed.series.min()} to {placed.series.max()} of a panel of {s}")


def _plain(values: np.ndarray, dtype: type) -> np.ndarray:
    """C order, native bytes, aligned; no copy where it already is."""
    return np.require(values, dtype, ["C", "A"])


def _once(values: np.ndarray) -> np.ndarray:
    """One row of a broadcast array instead of as many as there are series."""
    return values[:1] if len(values) > 1 and values.strides[0] == 0 else values

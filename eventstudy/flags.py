"""What a reader should know about a row or a window before believing its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.catalogue import nearby, other_days, shares_session
from eventstudy.data.market import row_benchmarks
from eventstudy.engine_options import window_plan
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

SHORT_SHARE = 0.8
FLAGS: dict[str, str] = {
    "timing_uncertain": "the hour is unknown: day 0 may be the next session, so [0,1] is primary",
    "confounded": "another catalogued item falls into the window",
    "overlap": "the window shares sessions with the same window of another announcement of the firm",
    "shared_session": "another announcement of the firm has the same day 0",
    "short_estimation": "fewer than 80 % of the asked estimation sessions are valid",
    "window_incomplete": "the window reaches past the last final session",
    "missing_day": "a session of the window has no close; the next trade carries it",
    "no_trade_day0": "no close on day 0",
    "zero_variance": "the estimation residuals have no variance: no test is possible",
    "stale_prices": "five or more identical closes in a row in the estimation or event window",
    "bad_tick": "a return beyond 25 % that the next session reverses, in the estimation or event window",
    "benchmark_gap": "the benchmark has no close on a session on which the stock traded",
    "benchmark_is_ticker": "the stock is its own benchmark",
    "delisted": "prices of the stock end inside the window while the benchmark goes on",
    "model_fallback": "the model could not be fitted and a simpler one stands in",
}


def _span(studied: Studied, i: int) -> slice:
    """Calendar positions from E1 to the end of the event window."""
    plan, session = window_plan(studied.spec), studied.session(i)
    return slice(max(0, session + plan.estimation_start), session + plan.end + 1)


def row_flags(studied: Studied, i: int) -> tuple[str, ...]:
    """Flags that hold for every window of studied row i, in the order of ``FLAGS``."""
    assert studied.block is not None, "a studied row has a block"
    row = int(studied.rows[i])
    series, fits, span = studied.series(i), studied.block.fits, _span(studied, i)
    quality = studied.quality(i)
    placement = studied.catalogue.placements[row]
    found = {
        "timing_uncertain": placement is not None and placement.uncertain,
        "shared_session": shares_session(studied.catalogue, row, _mates(studied, row)),
        "short_estimation": int(fits.n_obs[i]) < SHORT_SHARE * studied.spec.estimation,
        "no_trade_day0": not series.traded[studied.session(i)],
        "zero_variance": bool(fits.zero_variance[i]),
        "stale_prices": bool(quality.stale[span].any()),
        "bad_tick": bool(quality.bad_tick[span].any()),
        "benchmark_gap": bool(quality.benchmark_gap[span].any()),
        "model_fallback": bool(fits.fallback[i]),
        "benchmark_is_ticker": series.ticker in row_benchmarks(studied.catalogue, row, studied.spec),
    }
    return tuple(flag for flag in FLAGS if found.get(flag, False))


def window_flags(studied: Studied, i: int, window: Window) -> tuple[str, ...]:
    """Flags of one test window of studied row i, in the order of ``FLAGS``."""
    row, session, series = int(studied.rows[i]), studied.session(i), studied.series(i)
    days = slice(max(0, session + window.start), session + window.end + 1)
    others = other_days(studied.catalogue, row, _mates(studied, row))
    last = session + window.end
    found = {
        "confounded": bool(nearby(studied.catalogue, row, window.start, window.end)),
        "overlap": bool(((others != 0) & (np.abs(others) < window.length)).any()),
        "window_incomplete": last > series.benchmark_last,
        "missing_day": bool(studied.quality(i).missing[days].any()),
        "delisted": series.last < min(last, series.benchmark_last),
    }
    return tuple(flag for flag in FLAGS if found.get(flag, False))


def flag_bit(flag: str) -> int:
    """The bit that stands for a flag where flags are numbers."""
    return 1 << list(FLAGS).index(flag)


def flag_words(bits: int) -> str:
    """The flags of some bits joined by ``;`` in the order of ``FLAGS``."""
    return ";".join(flag for place, flag in enumerate(FLAGS) if bits >> place & 1)


def merged(*groups: tuple[str, ...]) -> str:
    """Flags of several groups joined by ``;`` in the order of ``FLAGS``."""
    present = {flag for group in groups for flag in group}
    return ";".join(flag for flag in FLAGS if flag in present)


def _mates(studied: Studied, row: int) -> list[int]:
    return studied.catalogue.mates[studied.catalogue.keys[row]]

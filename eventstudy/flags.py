"""Flags: reasons to doubt the number of a row or a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.data import quality
from eventstudy.data.surroundings import CONFOUNDED, OTHER, RESUMED, Surroundings
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.windows import WindowPlan
from eventstudy.lists import listed
from eventstudy.spec import Window

SHORT_SHARE = 0.8
# what is used instead where a model of the variance could not be estimated
STAND_IN = "market-model"
# flags of prices that may be wrong: what a reader checks before any number is read
DOUBTS = ("level_break", "huge_move", "bad_tick", "doubtful_closes", "dates_against_benchmark")
FLAGS: dict[str, str] = listed("flags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts on E events beyond the sessions around them; arrays are (E,).

    Attributes
    ----------
    uncertain, shared, confounded, own_benchmark, several : bool
        The hour is unknown; another announcement has the same day 0; a confounder of another category falls on day 0;
        the stock is one of its benchmarks; the return of day 0 covers several sessions.
    n_obs : int64
        Valid estimation observations.
    usual : int
        Fewest of them that a study takes unless ``--min-estimation`` allows fewer.
    zero_variance, fallback : bool
        As in ``Measures``.
    session, last, benchmark_last : int64
        Positions of day 0 and of the last close of the stock and of its benchmarks.
    """

    uncertain: Bools
    shared: Bools
    confounded: Bools
    own_benchmark: Bools
    several: Bools
    n_obs: Ints
    usual: int
    zero_variance: Bools
    fallback: Bools
    session: Ints
    last: Ints
    benchmark_last: Ints


def surroundings(
    bits: np.ndarray, series: Ints, session: Ints, plan: WindowPlan, windows: Sequence[Window]
) -> Surroundings:
    """The bits around events as far as masks and flags look."""
    reach = max((window.length for window in windows), default=1)
    low, high = max(1 - plan.estimation_start, reach), max(plan.end + 1, reach)
    return Surroundings.of(bits, series, session, low, high)


def row_flags(facts: Facts, around: Surroundings, plan: WindowPlan) -> np.ndarray:
    """Flags that hold for every window of an event, as bits (``flag_words``); int32 (E,)."""
    whole, day0 = around.any(plan.estimation_start, plan.end), around.any(0, 0)
    event = around.any(plan.start, plan.end)
    return _bits(
        {
            "level_break": whole & quality.LEVEL > 0,
            "huge_move": whole & quality.HUGE > 0,
            "stale_tail": whole & quality.TAIL > 0,
            "long_gap": whole & (quality.HOLE | RESUMED) > 0,
            "calendar_corrected": event & quality.CORRECTED > 0,
            "off_calendar": whole & quality.OFF > 0,
            "timing_uncertain": facts.uncertain,
            "shared_session": facts.shared,
            "short_estimation": (facts.n_obs < SHORT_SHARE * plan.asked) | (facts.n_obs < facts.usual),
            "no_trade_day0": day0 & quality.TRADED == 0,
            "zero_variance": facts.zero_variance,
            "stale_prices": (whole & quality.STALE > 0) | (day0 & quality.REPEATS > 0),
            "bad_tick": whole & quality.BAD_TICK > 0,
            "benchmark_gap": whole & quality.GAP > 0,
            "model_fallback": facts.fallback,
            "split_unclear": whole & quality.UNCLEAR > 0,
            "basis_by_heading": event & quality.HEADING > 0,
            "splits_unknown": whole & quality.RAW > 0,
            "doubtful_closes": whole & quality.TWICE > 0,
            "dates_against_benchmark": whole & quality.AGAINST > 0,
            "benchmark_is_ticker": facts.own_benchmark,
            "multi_session": facts.several,
        }
    )


def window_flags(facts: Facts, around: Surroundings, window: Window) -> np.ndarray:
    """Flags of one test window of each event, as bits; int32 (E,)."""
    end, far = facts.session + window.end, window.length - 1
    near = facts.confounded if window.start <= 0 <= window.end else np.zeros(len(end), dtype=bool)
    for low, high in ((window.start, min(window.end, -1)), (max(window.start, 1), window.end)):
        if low <= high:
            near = near | (around.any(low, high) & CONFOUNDED > 0)
    sides = around.any(1, far) | around.any(-far, -1) if far else np.zeros(len(end), dtype=np.uint8)
    return _bits(
        {
            "confounded": near,
            "overlap": sides & OTHER > 0,
            "window_incomplete": end > facts.benchmark_last,
            "missing_day": around.any(window.start, window.end) & quality.MISSING > 0,
            "delisted": facts.last < np.minimum(end, facts.benchmark_last),
        }
    )


def test_flags(p_t: Floats, p_rank: Floats) -> np.ndarray:
    """Flags of test windows that say what their p value rests on, as bits; p values (E, W), int32 (E, W)."""
    alone = np.isfinite(p_t) & ~np.isfinite(p_rank)
    return np.where(alone, np.int32(1 << _PLACES["headline_t_only"]), np.int32(0))


def _bits(found: Mapping[str, Bools]) -> np.ndarray:
    bits = np.zeros(len(next(iter(found.values()))), dtype=np.int32)
    for name, where in found.items():
        # most flags are those of no event
        if where.any():
            bits |= np.where(where, np.int32(1 << _PLACES[name]), np.int32(0))
    return bits


_PLACES = {name: place for place, name in enumerate(FLAGS)}


def marked(bits: np.ndarray, flag: str) -> Bools:
    """Which rows have a flag."""
    return np.asarray(bits >> _PLACES[flag] & 1 > 0)


def doubt_notice(bits: int) -> str:
    """The sentence on prices that may be wrong, where some event has such a flag; else empty."""
    found = [name for name in flag_words(bits).split(";") if name in DOUBTS]
    return f"check the prices first: some events have {', '.join(found)} (flags in windows.csv)" if found else ""


def flag_words(bits: int) -> str:
    """The flags of some bits joined by ``;`` in the order of ``FLAGS``."""
    return ";".join(flag for place, flag in enumerate(FLAGS) if bits >> place & 1)

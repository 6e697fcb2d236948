"""Can these p values be believed for these very tickers? Every test on their own uneventful sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.series_index import SeriesKey, series_key
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.coverage import Coverage, Rate, coverage, extreme_tenths, rejection_rate
from eventstudy.engine.significance.placebo import without_overlap
from eventstudy.errors import UsageError
from eventstudy.evaluate.day_parts import PARTS
from eventstudy.evaluate.pseudo import FEWEST, PseudoEvents, make_stage, pseudo_events
from eventstudy.evaluate.pseudo_clusters import MOST_SETS, cluster_sets, pseudo_clusters, why_not
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.evaluate.pseudo import Stage
    from eventstudy.results import Studied, StudyResult

LEVELS = (0.01, 0.05, 0.10)
EFFECTS = (0.02, 0.03, 0.05, 0.08)
REGIMES = ("all", "calm", "turbulent")
# A name no ticker can have.
POOLED = "(all)"
FEWEST_TENTH = 20
_NOTHING = Rate(n=0, rejections=0, rate=np.nan, std_error=np.nan, n_effective=0.0, low=np.nan, high=np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """Rejection rate of one test on uneventful sessions.

    Attributes
    ----------
    ticker, benchmark : str
        A ticker, ``(all)`` tickers together, or the firms of a cluster joined by ``;``.
    window : Window or None
        None where the ticker has no pseudo-event at all.
    level : float
        Nominal; NaN on a row that only gives a reason.
    regime : {"all", "calm", "turbulent"}
        Every session, or the tenth with the lowest or highest trailing volatility.
    effect : float
        Planted on day 0, decimal; 0 is none.
    coverage : Coverage or None
        Of one ticker's sessions without an effect, all regimes together.
    part : {"day", "overnight", "intraday"}
        Parts are tested without effects.
    applicable : {"yes", "no"}
    """

    ticker: str
    benchmark: str
    window: Window | None
    test: str
    level: float
    regime: str
    effect: float
    rate: Rate
    coverage: Coverage | None = None
    applicable: str = "yes"
    reason: str = ""
    part: str = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Outcome of ``calibrate``.

    Attributes
    ----------
    rows : tuple of CalibrationRow
        Tickers in order of the events file, all of them together, then clusters.
    """

    rows: tuple[CalibrationRow, ...]
    levels: tuple[float, ...]
    effects: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """Pseudo-events of one window under one effect, ready to be counted; (n,) each."""

    ticker: str
    benchmark: str
    window: Window
    effect: float
    session: Ints
    day_number: Ints
    p: dict[str, Floats]
    calm: Bools
    turbulent: Bools
    pooled: bool = False
    part: str = "day"


def calibrate(
    result: StudyResult, effects: Sequence[float] = EFFECTS, progress: Callable[[str], None] | None = None
) -> Calibration:
    """Every single-event and cluster test of a study on the uneventful sessions of its own tickers. Raises
    ``UsageError`` for an effect that is not a size.

    Parameters
    ----------
    effects : sequence of float
        Planted on day 0, decimal sizes; with ``--alternative less`` they are negative.
    progress : callable or None

    Returns
    -------
    Calibration
        A ticker or cluster without enough sessions is a row with a reason.

    Checked against
    ---------------
    Simulated returns with a known distribution (tests/properties/test_calibration.py).
    """
    say = progress or (lambda _: None)
    studied, spec = result.studied, result.spec
    sizes = checked_effects(effects)
    signed = tuple(-size if spec.alternative == "less" else size for size in sizes)
    levels = tuple(sorted({*LEVELS, round(1 - spec.level, 12)}))
    rows: list[CalibrationRow] = []
    stages: dict[SeriesKey, Stage] = {}
    tested: dict[SeriesKey, list[PseudoEvents]] = {}
    for key in keys_of(result):
        say(f"calibrating {key.ticker}")
        if (trouble := studied.market.trouble(key)) is not None:
            rows.append(_reason(key.ticker, ";".join(key.benchmarks), f"{trouble[0]}: {trouble[1]}"))
            continue
        stages[key] = make_stage(studied, key)
        tested[key] = pseudo_events(stages[key], spec, signed)
        if not len(tested[key][0].session):
            rows.append(_reason(key.ticker, ";".join(key.benchmarks), _no_session(studied, key)))
    alone = [_subjects(key, found, spec, sizes) for key, found in tested.items()]
    for subjects in alone:
        rows += _counted(subjects, levels)
    if len(alone) > 1:
        rows += _counted(_pooled([s for subjects in alone for s in subjects]), levels)
    rows += _part_rows(studied, list(tested), levels)
    together = cluster_sets(studied)
    for keys in together[:MOST_SETS]:
        say(f"calibrating {', '.join(key.ticker for key in keys)} together")
        # with --event a firm may share a reported session without being reported itself
        for key in keys:
            if key not in tested:
                stages[key] = make_stage(studied, key)
                tested[key] = pseudo_events(stages[key], spec, signed)
        rows += _cluster_rows(studied, keys, stages, tested, signed, sizes, levels)
    left = f"the {MOST_SETS} sets of firms that share a session most often are calibrated: name one with --event"
    rows += [
        _reason(";".join(k.ticker for k in keys), ";".join(keys[0].benchmarks), left) for keys in together[MOST_SETS:]
    ]
    return Calibration(rows=tuple(rows), levels=levels, effects=sizes)


def _part_rows(studied: Studied, keys: Sequence[SeriesKey], levels: Sequence[float]) -> list[CalibrationRow]:
    """The parts of day 0 of each ticker whose source has opens, each test of a single event."""
    if not MODELS[studied.spec.model].has_parts:
        return []
    window = Window(min(studied.spec.event_window.start, 0), 0)
    spec = studied.spec.with_changes(
        windows=(Window(0, 0),), windows_given=True, event_window=window, missing="trade-to-trade"
    )
    found: list[CalibrationRow] = []
    for key in keys:
        for part in PARTS:
            events = pseudo_events(make_stage(studied, key, spec, part), spec)
            subjects = _subjects(key, events, spec, ())
            found += _counted([replace(subject, part=part) for subject in subjects], levels)
    return found


def checked_effects(effects: Sequence[float]) -> tuple[float, ...]:
    """The effects, once each and in order of size. Raises ``UsageError`` for one that is not above 0, or is given in
    percent."""
    for size in effects:
        if not 0 < size < 1:
            raise UsageError(f"effect {size:g} is out of range", "a decimal above 0 and below 1, such as 0.03 for 3 %")
    return tuple(sorted(set(effects)))


def keys_of(result: StudyResult) -> list[SeriesKey]:
    """The series of every reported row, studied or not, in order of the events file; rows picked because of their
    outcome name none."""
    studied, outside = result.studied, result.studied.index.outcomes()
    rows = sorted({*(int(studied.rows[i]) for i in studied.reported), *(e.row for e in result.exclusions)})
    rows = [row for row in rows if not outside[row]]
    return list(dict.fromkeys(series_key(studied.index, row, studied.spec) for row in rows))


def _reason(ticker: str, benchmark: str, reason: str) -> CalibrationRow:
    return CalibrationRow(
        ticker=ticker,
        benchmark=benchmark,
        window=None,
        test="",
        level=np.nan,
        regime="all",
        effect=0.0,
        rate=_NOTHING,
        applicable="no",
        reason=reason,
    )


def _no_session(studied: Studied, key: SeriesKey) -> str:
    n = int(np.isfinite(studied.market.series(key, studied.spec.returns).total).sum())
    spec = studied.spec
    return (
        f"{n} returns contain no uneventful session with an estimation window of {spec.estimation} sessions and a gap "
        f"of "
        f"{spec.gap} before it: give the source an earlier start, or a shorter --estimation"
    )


def _subjects(
    key: SeriesKey, tested: Sequence[PseudoEvents], spec: StudySpec, sizes: Sequence[float]
) -> list[_Subject]:
    """A ticker's pseudo-events by window and effect; the tenths are those of the sessions without an effect."""
    found = []
    for w, window in enumerate(spec.windows):
        if not len(tested[0].session):
            continue
        for events, effect in zip(tested, (0.0, *sizes), strict=True):
            if effect and not window.start <= 0 <= window.end:
                continue
            clean = np.isfinite(events.p["car-t"][:, w])
            calm, turbulent = extreme_tenths(events.local[clean, w])
            found.append(
                _Subject(
                    ticker=key.ticker,
                    benchmark=";".join(key.benchmarks),
                    window=window,
                    effect=effect,
                    session=events.session[clean],
                    day_number=events.day_number[clean],
                    p={name: values[clean, w] for name, values in events.p.items()},
                    calm=calm,
                    turbulent=turbulent,
                )
            )
    return found


def _pooled(subjects: Sequence[_Subject]) -> list[_Subject]:
    groups: dict[tuple[Window, float], list[_Subject]] = {}
    for subject in subjects:
        groups.setdefault((subject.window, subject.effect), []).append(subject)
    found = []
    for (window, effect), parts in groups.items():
        names = [name for name in parts[0].p if all(name in part.p for part in parts)]
        found.append(
            _Subject(
                ticker=POOLED,
                benchmark="",
                window=window,
                effect=effect,
                session=np.concatenate([part.session for part in parts]),
                day_number=np.concatenate([part.day_number for part in parts]),
                p={name: np.concatenate([part.p[name] for part in parts]) for name in names},
                calm=np.concatenate([part.calm for part in parts]),
                turbulent=np.concatenate([part.turbulent for part in parts]),
                pooled=True,
            )
        )
    return found


def _cluster_rows(
    studied: Studied,
    keys: tuple[SeriesKey, ...],
    stages: dict[SeriesKey, Stage],
    tested: dict[SeriesKey, list[PseudoEvents]],
    signed: Sequence[float],
    sizes: Sequence[float],
    levels: Sequence[float],
) -> list[CalibrationRow]:
    """One set of firms: every window without an effect, and the first that holds day 0 with each effect."""
    spec, name = studied.spec, ";".join(key.ticker for key in keys)
    reason = why_not(keys)
    if not reason and (missing := [key.ticker for key in keys if not len(tested[key][0].session)]):
        reason = f"{', '.join(missing)} has no uneventful session"
    if reason:
        return [_reason(name, ";".join(keys[0].benchmarks), reason)]
    panel = studied.market.stack(list(keys), spec.returns)
    main = next((w for w, window in enumerate(spec.windows) if window.start <= 0 <= window.end), -1)
    subjects = []
    for w, window in enumerate(spec.windows):
        for e, effect in enumerate((0.0, *signed)):
            if effect and w != main:
                continue
            found = pseudo_clusters(
                panel, [stages[key] for key in keys], [tested[key][e] for key in keys], spec, w, effect
            )
            calm, turbulent = extreme_tenths(found.local[:, 0])
            subjects.append(
                _Subject(
                    ticker=name,
                    benchmark=";".join(keys[0].benchmarks),
                    window=window,
                    effect=(0.0, *sizes)[e],
                    session=found.session,
                    day_number=found.day_number,
                    p={test: values[:, 0] for test, values in found.p.items()},
                    calm=calm,
                    turbulent=turbulent,
                )
            )
    return _counted(subjects, levels)


def _counted(subjects: Sequence[_Subject], levels: Sequence[float]) -> list[CalibrationRow]:
    return [
        row
        for subject in subjects
        for test in subject.p
        for regime in (REGIMES if not subject.effect else REGIMES[:1])
        for row in _rates(subject, test, regime, levels)
    ]


def _rates(subject: _Subject, test: str, regime: str, levels: Sequence[float]) -> list[CalibrationRow]:
    """The rows of one test in one regime: one per level, or one with the reason why there are none."""
    p = subject.p[test]
    if len(p) >= FEWEST and not np.isfinite(p).any():
        # a test of one-day windows, or of long ones: it has nothing to say about this window
        return []
    chosen = np.isfinite(p) & {"all": np.ones(len(p), dtype=bool), "calm": subject.calm}.get(regime, subject.turbulent)
    n, fewest = int(chosen.sum()), FEWEST if regime == "all" else FEWEST_TENTH
    length = subject.window.length
    apart = _apart(subject, chosen)

    def row(level: float, rate: Rate, covered: Coverage | None, reason: str = "") -> CalibrationRow:
        return CalibrationRow(
            ticker=subject.ticker,
            benchmark=subject.benchmark,
            window=subject.window,
            test=test,
            level=level,
            regime=regime,
            effect=subject.effect,
            rate=rate,
            coverage=covered,
            applicable="no" if reason else "yes",
            reason=reason,
            part=subject.part,
        )

    if n < fewest:
        few = Rate(n=n, rejections=0, rate=np.nan, std_error=np.nan, n_effective=0.0, low=np.nan, high=np.nan)
        return [row(np.nan, few, None, f"{n} uneventful sessions, {fewest} needed")]
    found = []
    for level in levels:
        rejected = rejected_at(p, level)
        rate = rejection_rate(rejected[chosen], subject.day_number[chosen], length, len(apart))
        alone = regime == "all" and not subject.effect and not subject.pooled
        covered = coverage(rejected[apart], subject.session[apart], length, level) if alone else None
        found.append(row(level, rate, covered))
    return found


def _apart(subject: _Subject, chosen: Bools) -> Ints:
    """Which of the chosen sessions hold windows that do not overlap, in order of time; pooled: of the longest firm."""
    at = np.flatnonzero(chosen)
    if subject.pooled:
        at = at[np.unique(subject.session[at], return_index=True)[1]]
    kept = without_overlap(subject.session[at], subject.window.length)
    return at[np.isin(subject.session[at], kept)]


def rejected_at(p: Floats, level: float) -> Bools:
    """p <= level; a count over a total may miss the level by its last bit."""
    with np.errstate(invalid="ignore"):
        return np.asarray(p <= level * (1 + 1e-12))

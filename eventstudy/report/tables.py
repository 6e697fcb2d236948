"""StudyResult -> the tables of the file contract, as pandas frames with fixed columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eventstudy.data.series_index import series_key
from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.single_tests import columns, rated
from eventstudy.flags import flag_words
from eventstudy.report.volume import volume_rows

if TYPE_CHECKING:
    from eventstudy.records import CalendarRow, GroupDay, GroupRow
    from eventstudy.results import StudyResult

_COLUMNS: dict[str, str] = {
    "abnormal_returns": (
        "event_id ticker day session return expected_return abnormal_return std_error t p_value car car_std_error"
    ),
    "windows": (
        "event_id ticker role category day0 window primary car std_error ci_low ci_high t df p_t p_t_ar1 p_local p_sq"
        " p_conformal p_placebo p_min_sq p_min_conformal p_min_placebo mde80 bhar flags n_placebo n_placebo_blocks"
        " p_rank p_f avar p_vol_conformal p_vol_bf p_boot_iid p_boot_block p_boot_stationary n_uneventful"
        " placebo_rate_t placebo_rate_t_ar1 placebo_rate_local placebo_rate_sq placebo_rate_conformal"
        " placebo_rate_placebo placebo_rate_rank placebo_rate_f placebo_rate_vol_conformal placebo_rate_vol_bf"
        " placebo_rate_boot_iid placebo_rate_boot_block placebo_rate_boot_stationary"
        " p_space p_min_space"
    ),
    "models": (
        "event_id ticker day0 model benchmark alpha beta sigma r_squared n_estimation n_masked estimation_start"
        " estimation_end flags effective_donors"
    ),
    "robustness": "event_id ticker window model masked car std_error t p_t n_estimation car_rescaled",
    "overnight": "event_id ticker part return expected_return abnormal_return std_error t p_t",
    "dollar": "event_ids tickers day0 window market_value dollar std_error ci_low ci_high t df p_value",
    "clusters": ("day0 event_ids tickers window test ticker statistic null df p_value applicable reason placebo_rate"),
    "aggregate": (
        "group window n_events n_rows n_dates caar pw_caar test statistic null df p_value applicable reason"
        " ivw_caar abhar"
    ),
    "aar": "group day n aar std_error caar caar_std_error share_positive",
    "claims": (
        "event_id ticker kind claimed_return observed_return difference verdict expected_return abnormal_return p_t"
    ),
    "excluded": "event_id ticker stage reason detail",
    "differences": (
        "group other window n_group n_other n_dates caar_group caar_other difference std_error test statistic null df"
        " p_value applicable reason"
    ),
    "calendar_time": (
        "group hold n_events n_dates n_sessions mean_firms alpha std_error beta test statistic null df p_value"
        " applicable reason"
    ),
    "volume": (
        "event_id ticker day0 window measure model avol ratio standardised std_error t df p_t_ar1 p_conformal phi"
        " n_estimation reason"
    ),
    "abnormal_volume": ("event_id ticker day session log_volume expected_log_volume abnormal_log_volume std_error"),
    "volume_groups": (
        "group window n_events n_rows n_dates mean_avol test statistic null df p_value applicable reason"
    ),
}
# columns that hold whole numbers
WHOLE = {"n_placebo", "n_placebo_blocks"}
COLUMNS: dict[str, list[str]] = {name: text.split() for name, text in _COLUMNS.items()}
# a test of one event that is not yet among them adds its columns on the right
COLUMNS["windows"] = list(dict.fromkeys((*COLUMNS["windows"], *columns(), *rated())))


def build_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Every table of the contract; an empty study gives empty tables with their columns."""
    studied = result.studied
    has_rows = studied.block is not None and len(studied.reported) > 0
    rows = {
        "abnormal_returns": _abnormal_returns(result) if has_rows else (),
        "robustness": _robustness(result),
        "overnight": _overnight(result),
        "clusters": _clusters(result),
        "dollar": _dollar(result),
        "aggregate": aggregate_rows(result.groups, result.calendar),
        "aar": aar_rows(result.group_days),
        "claims": _claims(result),
        "excluded": _excluded(result),
        "differences": _differences(result),
        "calendar_time": _calendar_time(result),
        **volume_rows(result),
    }
    tables = {name: table_frame(name, lines) for name, lines in rows.items()}
    for name, make in (("windows", _windows), ("models", _models)):
        tables[name] = make(result) if has_rows else table_frame(name, ())
    return {name: tables[name] for name in COLUMNS}


def table_frame(name: str, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Rows of a table as a frame with its columns."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS[name]))


def _names(result: StudyResult, i: int) -> tuple[str, str]:
    return result.studied.text(i, "event_id"), result.studied.text(i, "ticker")


def _row_names(result: StudyResult, row: int) -> tuple[str, str]:
    return result.studied.index.name(row)


def _abnormal_returns(result: StudyResult) -> Iterable[Sequence[Any]]:
    """One line a day; days past the last final session have none, holes keep an empty one."""
    studied = result.studied
    block = studied.block
    assert block is not None, "only called with a block"
    s = np.sqrt(np.where(block.fits.s2 > 0, block.fits.s2, np.nan))
    for i in studied.reported:
        series, session = studied.series(i), studied.session(i)
        for k, day in enumerate(range(studied.spec.event_window.start, studied.spec.event_window.end + 1)):
            at = session + day
            if at < 0 or at > series.benchmark_last or at >= len(series.total):
                continue
            ar, expected = block.abnormal.ar[i, k], block.abnormal.expected[i, k]
            yield (
                *_names(result, i),
                day,
                str(series.calendar.sessions[at]),
                expected + ar,
                expected,
                ar,
                block.ar_std_error[i, k],
                block.ar_t[i, k],
                block.ar_p[i, k],
                block.abnormal.path[i, k],
                s[i] * np.sqrt(block.abnormal.path_v[i, k]),
            )


def _windows(result: StudyResult) -> pd.DataFrame:
    """windows.csv: one row a reported event and test window."""
    studied = result.studied
    block = studied.block
    assert block is not None, "only called with a block"
    at = [(i, w) for i in studied.reported for w in studied.windows_of(i)]
    i, w = (np.array(places, dtype=np.int64) for places in zip(*at, strict=True)) if at else (np.zeros(0, int),) * 2
    names = [_names(result, k) for k in i]
    exact = block.exact
    columns: dict[str, Any] = {
        "event_id": [name[0] for name in names],
        "ticker": [name[1] for name in names],
        "role": [studied.text(k, "role") for k in i],
        "category": [studied.text(k, "category") for k in i],
        "day0": [str(studied.day0(k)) for k in i],
        "window": [studied.spec.windows[k].label for k in w],
        "primary": ["yes" if studied.primary[k] == m else "no" for k, m in at],
        "flags": [flag_words(int(result.row_flags[k] | result.window_flags[k, m])) for k, m in at],
        "car": block.measures.car[i, w],
        "bhar": block.measures.bhar[i, w],
        "std_error": exact.std_error[i, w],
        "ci_low": exact.ci_low[i, w],
        "ci_high": exact.ci_high[i, w],
        "t": exact.t[i, w],
        "df": exact.df[i, w],
        "p_t": exact.p[i, w],
        "mde80": exact.mde[i, w],
        **{name: values[i, w] for name, values in block.columns.items()},
        **_placebo_rates(result, at),
    }
    for name in WHOLE & set(columns):
        columns[name] = [None if value != value else int(value) for value in columns[name]]
    return pd.DataFrame({name: columns.get(name, np.full(len(at), np.nan)) for name in COLUMNS["windows"]})


def _placebo_rates(result: StudyResult, at: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """How many uneventful sessions each row's ticker has, and how often each test rejects on them."""
    rates, studied = result.rates, result.studied
    if rates is None:
        return {"n_uneventful": [None] * len(at)}
    keys = [series_key(studied.index, int(studied.rows[i]), result.spec) for i, _ in at]
    found: dict[str, Any] = {"n_uneventful": [rates.sessions[key, w] for key, (_, w) in zip(keys, at, strict=True)]}
    for column, tests in rated().items():
        found[column] = [
            next((rates.single[key, w, name] for name in tests if (key, w, name) in rates.single), np.nan)
            for key, (_, w) in zip(keys, at, strict=True)
        ]
    return found


def _models(result: StudyResult) -> pd.DataFrame:
    """models.csv, with one beta column per benchmark beyond the first on the right of ``beta``."""
    studied = result.studied
    block = studied.block
    assert block is not None, "only called with a block"
    entry, found = MODELS[studied.spec.model], block.measures
    slopes, alpha, beta = entry.slopes_of(found.theta), entry.alpha_of(found.theta), entry.beta_of(found.theta)
    sectors: dict[str, None] = {}
    rows: list[dict[str, Any]] = []
    for i in studied.reported:
        series = studied.series(i)
        names = series.names[: slopes.shape[1]]
        row = {
            **dict(zip(("event_id", "ticker"), _names(result, i), strict=True)),
            "day0": str(studied.day0(i)),
            "model": studied.spec.model,
            "benchmark": ";".join(names),
            "alpha": alpha[i],
            "beta": beta[i],
            "sigma": np.sqrt(found.s2[i]),
            "r_squared": found.r_squared[i],
            "n_estimation": int(found.n_obs[i]),
            "n_masked": int(found.n_masked[i]),
            "estimation_start": str(series.calendar.sessions[found.first_used[i]]),
            "estimation_end": str(series.calendar.sessions[found.last_used[i]]),
            "flags": flag_words(int(result.row_flags[i])),
            "effective_donors": 1 / float(np.square(slopes[i]).sum()) if entry.made_by == "donors" else np.nan,
        }
        for symbol, slope in zip(names[entry.further :], slopes[i, entry.further :], strict=True):
            sectors[f"beta_{symbol}"] = None
            row[f"beta_{symbol}"] = slope
        rows.append(row)
    columns = list(COLUMNS["models"])
    at = columns.index("beta") + 1
    return pd.DataFrame(rows, columns=[*columns[:at], *sectors, *columns[at:]])


def _robustness(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.robustness:
        masked = "yes" if r.masked else "no"
        numbers = (r.car, r.std_error, r.t, r.p, r.n_estimation, r.rescaled)
        yield *_row_names(result, r.row), r.window.label, r.model, masked, *numbers


def _overnight(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.parts:
        yield *_row_names(result, r.row), r.part, r.total, r.expected, r.abnormal, r.std_error, r.t, r.p


def _dollar(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.dollars:
        names = ";".join(r.event_ids), ";".join(r.tickers), str(r.day0), r.window.label
        yield *names, r.market_value, r.dollar, r.std_error, r.ci_low, r.ci_high, r.t, r.df, r.p


def _clusters(result: StudyResult) -> Iterable[Sequence[Any]]:
    day0, everyone, ids = None, "", ""
    for r in result.clusters:
        test = r.result
        if r.day0 != day0:
            # the names of a session stand in each of its rows: made once
            day0, everyone, ids = r.day0, ";".join(r.firms), ";".join(r.event_ids)
        own = r.firms[test.member] if test.member >= 0 else ""
        yield (
            str(r.day0),
            ids,
            everyone,
            r.window.label,
            *(test.test, own, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
            np.nan
            if result.rates is None
            else result.rates.cluster.get((r.firms, result.spec.windows.index(r.window), test.test), np.nan),
        )


def aggregate_rows(groups: Sequence[GroupRow], calendar: Sequence[CalendarRow] = ()) -> Iterable[Sequence[Any]]:
    """Rows of aggregate."""
    for r in groups:
        test, n = r.result, r.car.count
        yield (
            *(r.group, r.label, n, r.n_rows, r.n_dates),
            r.car.mean if n else np.nan,
            r.precision_weighted,
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
            r.variance_weighted,
            r.bhar.mean if n else np.nan,
        )
    for c in calendar:
        test = c.result
        yield (
            *(c.group, c.window.label, c.n_events, c.n_rows, c.n_dates, np.nan, np.nan),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason, np.nan, np.nan),
        )


def _calendar_time(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.calendar:
        test = r.result
        yield (
            *(r.group, r.window.end, r.n_events, r.n_dates, r.n_sessions, r.mean_firms, r.alpha, r.std_error, r.beta),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
        )


def aar_rows(days: Sequence[GroupDay]) -> Iterable[Sequence[Any]]:
    """Rows of aar."""
    for r in days:
        n = r.ar.count
        yield (
            *(r.group, r.day, n),
            r.ar.mean if n else np.nan,
            r.ar.standard_deviation / np.sqrt(n) if n > 1 else np.nan,
            r.car.mean if r.car.count else np.nan,
            r.car.standard_deviation / np.sqrt(r.car.count) if r.car.count > 1 else np.nan,
            r.ar.positive / n if n else np.nan,
        )


def _claims(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.claims:
        numbers = (r.observed, r.difference, r.verdict, r.expected, r.abnormal, r.p)
        yield *_row_names(result, r.row), r.kind, r.claimed, *numbers


def _excluded(result: StudyResult) -> Iterable[Sequence[Any]]:
    for e in result.exclusions:
        yield *_row_names(result, e.row), e.stage, e.reason, e.detail


def _differences(result: StudyResult) -> Iterable[Sequence[Any]]:
    for r in result.differences:
        test = r.result
        means = [m.mean if m.count else np.nan for m in (r.one, r.two)]
        yield (
            *(r.group, r.other, r.window.label, r.one.count, r.two.count, r.n_dates, *means),
            *(means[0] - means[1], r.std_error),
            *(test.test, test.statistic, test.null, test.df, test.p, test.applicable, test.reason),
        )

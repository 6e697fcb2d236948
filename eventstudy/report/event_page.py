"""The page of one announcement, a section a ticker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.engine.models import MODELS
from eventstudy.report.announcement import (
    Figures,
    closer,
    heading,
    of_event,
    plain_words,
    rates_note,
    stale_banner,
    subtitle,
)
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.words import interval, listed, number, p_value, percent, rated, size

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

P_COLUMNS = ("p_t", "p_t_ar1", "p_local", "p_sq", "p_conformal", "p_placebo")


def event_page(result: StudyResult, event_id: str, figures: Figures) -> Page:
    """One announcement, a section a ticker."""
    windows = of_event(result.tables["windows"], event_id)
    sections = [_ticker_section(result, event_id, ticker, figures) for ticker in windows["ticker"].unique()]
    closing = Section(id="words", title="In plain words", intro=plain_words(result, event_id))
    return Page(
        title=f"{event_id}: {title}" if (title := heading(result, event_id)) != event_id else event_id,
        banner=stale_banner(result),
        lead=(subtitle(result, event_id),),
        sections=(*sections, closing),
    )


def _ticker_section(result: StudyResult, event_id: str, ticker: str, figures: Figures) -> Section:
    studied = result.studied
    i = next(
        i for i in studied.reported if studied.text(i, "event_id") == event_id and studied.text(i, "ticker") == ticker
    )
    row = int(studied.rows[i])
    placement = studied.index.placement(row)
    model = of_event(result.tables["models"], event_id, ticker).iloc[0]
    spec = result.spec
    around = studied.index.nearby(row, spec.event_window.start, spec.event_window.end)
    intro = [
        f"Role {studied.text(i, 'role')}. Announced {studied.text(i, 'announced_at')}; "
        f"{placement.rule if placement else ''}. Day 0 is {studied.day0(i)} on {studied.index.firm(row)[1]}.",
        f"{_model_sentence(spec.model, model)}; {model['n_estimation']} sessions from "
        f"{model['estimation_start']} to {model['estimation_end']}, {model['n_masked']} masked.",
    ]
    intro.append(
        "Confounders in the event window: " + "; ".join(f"day {n.day:+d} {n.kind}: {n.title}" for n in around) + "."
        if around
        else "No confounder is catalogued in the event window."
    )
    return Section(
        id=f"ticker-{ticker}",
        title=ticker,
        intro=tuple(intro),
        tables=tuple(_ticker_tables(result, event_id, ticker)),
        figures=(
            *(f for name, f in figures.items() if name == f"car-{event_id}"),
            *closer(figures, event_id, ticker),
        ),
    )


def _model_sentence(name: str, model: pd.Series) -> str:
    """What was estimated: slopes, or the weights of donors."""
    title = MODELS[name].title.capitalize()
    if MODELS[name].inference == "none":
        weights = [f"{donor} {number(model[f'beta_{donor}'])}" for donor in str(model["benchmark"]).split(";")]
        return (
            f"{title}: weights {listed(weights)}, worth {number(model['effective_donors'], 1)} equal donors; "
            f"root mean squared prediction error {size(model['sigma'], 2)}, R squared {number(model['r_squared'])}"
        )
    return (
        f"{title}: alpha {number(model['alpha'], 6)}, beta {number(model['beta'])}, sigma {size(model['sigma'], 2)}, "
        f"R squared {number(model['r_squared'])}"
    )


def _ticker_tables(result: StudyResult, event_id: str, ticker: str) -> list[Table]:
    tables = {name: of_event(result.tables[name], event_id, ticker) for name in ("windows", "abnormal_returns")}
    parts = of_event(result.tables["overnight"], event_id, ticker)
    robust = of_event(result.model_lines, event_id, ticker)
    return [
        _windows_table(ticker, tables["windows"], rates_note(result)),
        *([_parts_table(ticker, parts)] if len(parts) else []),
        _models_table(ticker, robust),
        _daily_table(ticker, tables["abnormal_returns"]),
    ]


def _windows_table(ticker: str, windows: pd.DataFrame, brackets: str) -> Table:
    donors = bool(windows["p_space"].notna().any())
    tests = (*P_COLUMNS, "p_space") if donors else P_COLUMNS
    return Table(
        caption=f"{ticker}: test windows",
        columns=("window", "primary", "CAR", "interval", "t", *tests, "MDE", "BHAR", "flags"),
        rows=tuple(
            (
                str(w["window"]),
                str(w["primary"]),
                percent(w["car"]),
                interval(w["ci_low"], w["ci_high"]),
                number(w["t"]),
                *(rated(w[name], w[f"placebo_rate_{name.removeprefix('p_')}"]) for name in P_COLUMNS),
                *([p_value(w["p_space"])] if donors else []),
                size(w["mde80"]),
                percent(w["bhar"]),
                str(w["flags"]).replace(";", ", "),
            )
            for w in windows.to_dict("records")
        ),
        numeric=frozenset(range(2, 7 + len(tests))),
        note=" ".join(text for text in (brackets, _placebo_note(windows)) if text),
    )


def _daily_table(ticker: str, daily: pd.DataFrame) -> Table:
    return Table(
        caption=f"{ticker}: abnormal return by day",
        columns=("day", "session", "return", "expected", "abnormal", "std error", "t", "p", "CAR", "CAR std error"),
        rows=tuple(
            (
                f"{d['day']:+d}" if d["day"] else "0",
                str(d["session"]),
                percent(d["return"]),
                percent(d["expected_return"]),
                percent(d["abnormal_return"]),
                size(d["std_error"], 2),
                number(d["t"]),
                p_value(d["p_value"]),
                percent(d["car"]),
                size(d["car_std_error"], 2),
            )
            for d in daily.to_dict("records")
        ),
        numeric=frozenset({0, *range(2, 10)}),
    )


def _parts_table(ticker: str, parts: pd.DataFrame) -> Table:
    return Table(
        caption=f"{ticker}: day 0 cut at the opening",
        columns=("part", "return", "expected", "abnormal", "std error", "t", "p"),
        rows=tuple(
            (
                str(r["part"]),
                percent(r["return"]),
                percent(r["expected_return"]),
                percent(r["abnormal_return"]),
                size(r["std_error"], 2),
                number(r["t"]),
                p_value(r["p_t"]),
            )
            for r in parts.to_dict("records")
        ),
        numeric=frozenset(range(1, 7)),
        note="Each part against the same part of the benchmark.",
    )


def _models_table(ticker: str, robust: pd.DataFrame) -> Table:
    inside = robust[robust["car_rescaled"].notna() & (robust["masked"] == "yes")]
    note = (
        f"{ticker} is part of the index, which takes part of its own effect away: without it stands the line "
        f"market-model-ex-self; the market model's CAR over 1 - beta w is {percent(inside['car_rescaled'].iloc[0])}."
        if len(inside)
        else ""
    )
    return Table(
        caption=f"{ticker}: the primary window under each model",
        columns=("model", "masked", "CAR", "std error", "t", "p", "sessions"),
        rows=tuple(
            (
                str(r["model"]),
                str(r["masked"]),
                percent(r["car"]),
                size(r["std_error"], 2),
                number(r["t"]),
                p_value(r["p_t"]),
                str(r["n_estimation"]),
            )
            for r in robust.to_dict("records")
        ),
        numeric=frozenset(range(2, 7)),
        note=note,
    )


def _placebo_note(windows: pd.DataFrame) -> str:
    without = windows[windows["p_placebo"].isna() & windows["n_placebo"].notna()]
    if without.empty:
        return ""
    fewest = int(without["n_placebo"].min())
    return f"p_placebo is empty where fewer than 39 pseudo-events fit before the estimation window (here {fewest})."

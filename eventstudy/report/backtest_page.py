"""backtest.md: what the backtest found, in sentences that the numbers decide."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.evaluate.backtest import DRIFT, PRIMARY, placebo_share
from eventstudy.evaluate.dates import FEW_DATES, date_means
from eventstudy.evaluate.variants import MAIN_RULE
from eventstudy.evaluate.walkforward import FEWEST_DATES
from eventstudy.report.announcement import stale_banner
from eventstudy.report.backtest import TOO_FEW
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.format import NOTHING, count, interval, number, p_value, percent

if TYPE_CHECKING:
    from eventstudy.engine.panel import Floats
    from eventstudy.evaluate.backtest import Backtest
    from eventstudy.evaluate.scores import Score, Scored
    from eventstudy.evaluate.variants import Variant
    from eventstudy.report.figures.marks import Figure
    from eventstudy.results import StudyResult

RULE_WORDS = {
    MAIN_RULE: "the side on which the type's past positions would have earned",
    "type-impact": "the side of the type's past effect on day 0",
    "long": "always long",
    "short": "always short",
}


def backtest_page(found: Backtest, result: StudyResult, figure: Figure | None) -> Page:
    """The page of a backtest: verdicts first, then forecasts, types, trades, placebo dates, and how it was done."""
    banner = stale_banner(result)
    if too_small(found):
        banner = " ".join(part for part in ("This sample is too small to say anything.", banner) if part)
    sections = (
        Section(id="verdict", title="What can be said", blocks=tuple(verdicts(found, result.spec.level))),
        _forecast_section(found),
        _type_section(found),
        _trade_section(found, figure),
        _placebo_section(found),
        _method_section(found, result),
    )
    return Page(
        title="Backtest: do past announcements of a type forecast the next one?",
        banner=banner,
        lead=(
            f"{count(len(found.plan.cases.positions), 'event')} (one per ticker and session, direct and peer) on "
            f"{count(len(np.unique(found.plan.cases.date)), 'date')}, {count(len(found.plan.cases.kinds), 'type')}. "
            "Every forecast and every side was taken from events that were over before; the sample as a whole decides "
            "nothing.",
        ),
        sections=sections,
    )


def too_small(found: Backtest) -> bool:
    """Whether nothing can be said: hardly any date has both a forecast and an outcome."""
    return first(found).n_dates < TOO_FEW


def first(found: Backtest) -> Scored:
    """The scores of the first window."""
    return next(iter(found.scored.values()))


def verdicts(found: Backtest, level: float) -> list[str]:
    """The findings as sentences: about the sample, the forecasts, the trades."""
    return [_sample_sentence(found), *_forecast_sentences(found, level), *_trade_sentences(found, level)]


def _sample_sentence(found: Backtest) -> str:
    scored = first(found)
    had = (
        f"{count(scored.n, 'event')} on {count(scored.n_dates, 'date')} had a past of their own type to be forecast "
        f"from"
        f" ({FEWEST_DATES} dates of the type that were over); {scored.n_silent} had no forecast."
    )
    if scored.n_dates < TOO_FEW:
        return (
            f"{had} That is too few to say anything: whatever the figures below show, good or bad, is what "
            f"{count(scored.n_dates, 'date')} can show by chance."
        )
    if scored.n_dates < FEW_DATES:
        return f"{had} With {scored.n_dates} dates only a large effect can be distinguished from chance."
    return had


def _forecast_sentences(found: Backtest, level: float) -> list[str]:
    return [_forecast_sentence(found, label, level) for label, scored in found.scored.items() if scored.scores]


def _forecast_sentence(found: Backtest, label: str, level: float) -> str:
    scored = found.scored[label]
    main = scored.get("oos-r2", "zero")
    what = {
        PRIMARY: "The effect on the announcement's own window",
        DRIFT: f"The drift from the first whole session after the entry to day {found.plan.exit_day}",
    }.get(label, f"The CAR over {label}")
    share = placebo_share(found.placebos.r_squared.get(label, np.array([])), main.value)
    if scored.n_dates < 2:
        return f"{what}: forecast on a single date. No conclusion."
    if not math.isfinite(main.p):
        return f"{what}: every forecast is zero or nearly so; the types' past did not differ from noise."
    figures = f"out-of-sample R² {number(main.value)}, p {p_value(main.p)}{_placebo_words(share)}"
    if scored.n_dates < TOO_FEW:
        return f"{what}: {figures}, on {count(scored.n_dates, 'date')}. No conclusion."
    convinced = main.p < 1 - level and main.value > 0 and not share >= 1 - level
    if convinced:
        return f"{what} was forecast better by the type than by nothing: {figures}."
    return f"{what} was not forecast better by the type than by nothing: {figures}."


def _placebo_words(share: float) -> str:
    return (
        f", {percent(share, 0).lstrip('+')} of the runs on placebo dates doing as well" if math.isfinite(share) else ""
    )


def _trade_sentences(found: Backtest, level: float) -> list[str]:
    v = found.main
    rule = f"Trading on the type's past ({v.rule}, out at the close of day {v.exit_day})"
    if not v.n:
        return [f"{rule} never traded: no type had enough of a past that differed from noise."]
    share = placebo_share(found.placebos.net, v.net)
    figures = (
        f"{count(v.n, 'position')} on {count(v.n_dates, 'date')}, on average {percent(v.net)} a date after costs "
        f"({percent(v.gross)} before){_placebo_words(share)}"
    )
    if v.n_dates < TOO_FEW or not math.isfinite(v.p):
        return [f"{rule}: {figures}. On so few dates that means nothing."]
    earned = v.p_stepwise < 1 - level and v.net > 0
    first_line = (
        f"{rule} {'earned more than nothing' if earned else 'earned nothing that differs from chance'}: {figures}; "
        f"p {p_value(v.p)}, {p_value(v.p_stepwise)} once all {len(found.variants)} variants tried are counted."
    )
    needed = 2 * v.deviation / math.sqrt(v.n_dates)
    return [
        first_line,
        f"Profits vary by {percent(v.deviation).lstrip('+')} from date to date, so {v.n_dates} dates can show a "
        f"mean of "
        f"about {percent(needed).lstrip('+')} a date (two standard errors) and nothing smaller. Without the three best "
        f"dates the mean is {percent(v.without_best)}, with twice the costs {percent(v.net_double_cost)}; the worst "
        f"date "
        f"lost {percent(v.worst)}.",
    ]


def _forecast_section(found: Backtest) -> Section:
    rows = []
    for label, scored in found.scored.items():
        for s in scored.scores:
            shown = (s.measure, s.against) == ("oos-r2", "zero")
            share = placebo_share(found.placebos.r_squared.get(label, np.array([])), s.value) if shown else math.nan
            rows.append(
                (
                    label,
                    s.measure,
                    s.against,
                    _value(s, s.value),
                    _value(s, s.reference),
                    NOTHING if not math.isfinite(s.ci_low) else f"{number(s.ci_low)} to {number(s.ci_high)}",
                    number(s.t, 2),
                    p_value(s.p),
                    _share(share),
                    str(scored.n),
                    str(scored.n_dates),
                )
            )
    table = Table(
        caption="Forecasts, walking forward",
        columns=("window", "measure", "against", "value", "base", "interval", "t", "p", "placebo", "events", "dates"),
        rows=tuple(rows),
        numeric=frozenset(range(3, 11)),
        note="oos-r2: 1 - squared errors of the forecast over those of its rival; below zero the rival is better. "
        "log-score: mean gain in log predictive density. hit-rate: share of signs named rightly, base: by always "
        "naming "
        "the sign that was more common before. p: the forecast is not better (one-sided, over dates). placebo: share "
        "of "
        "runs on placebo dates that do as well.",
    )
    nothing = () if rows else ("No event has enough of a past to be forecast.",)
    return Section(id="forecasts", title="Forecasts", blocks=(*nothing, *((table,) if rows else ())))


def _value(s: Score, value: float) -> str:
    return _share(value) if s.measure == "hit-rate" else number(value)


def _share(value: float) -> str:
    return percent(value, 0).lstrip("+") if math.isfinite(value) else NOTHING


def _type_section(found: Backtest) -> Section:
    rows = tuple(
        (
            t.kind,
            str(t.n),
            str(t.n_dates),
            percent(t.mean),
            interval(t.ci_low, t.ci_high),
            str(t.n_scored),
            number(t.r_squared),
        )
        for t in found.types
    )
    table = Table(
        caption="Types over the whole sample",
        columns=("type", "events", "dates", "mean CAR", "interval", "forecast", "oos-r2"),
        rows=rows,
        numeric=frozenset(range(1, 7)),
        note=f"{next(iter(found.scored))} window. A description in hindsight, no forecast: mean over dates with a t "
        f"interval "
        "over dates; intervals of several types read side by side are too narrow.",
    )
    return Section(id="types", title="Types", blocks=(table,))


def _trade_section(found: Backtest, figure: Figure | None) -> Section:
    ordered = sorted(found.variants, key=lambda v: (v is not found.main, v.exit_day != found.plan.exit_day))
    table = Table(
        caption="Variants, the one named in advance first",
        columns=(
            *("rule", "exit", "positions", "dates", "gross", "cost", "net", "interval", "t", "p", "p all variants"),
            *("overnight", "sessions", "without best 3", "worst"),
        ),
        rows=tuple(_variant_row(v) for v in ordered),
        numeric=frozenset(range(1, 15)),
        note="Means over dates, one hedged profit a date. p: it earns nothing, one-sided, stationary bootstrap over "
        "dates; "
        "p all variants: Romano-Wolf over every line of this table. overnight and sessions are parts of gross.",
    )
    intro = [f"{rule}: {words}." for rule, words in RULE_WORDS.items()]
    if not found.plan.cases.at_open.any():
        intro.append(
            "The source has no opening prices: nothing could be bought at an open. Positions begin at the close of the "
            "entry day, and there are no overnight and session parts."
        )
    return Section(id="trading", title="Trading", blocks=(*intro, *((figure,) if figure else ()), table))


def _variant_row(v: Variant) -> tuple[str, ...]:
    return (
        *(v.rule, f"day {v.exit_day}", str(v.n), str(v.n_dates)),
        *(percent(v.gross), percent(v.cost).lstrip("+"), percent(v.net), interval(v.ci_low, v.ci_high)),
        *(number(v.t, 2), p_value(v.p), p_value(v.p_stepwise)),
        *(percent(v.overnight), percent(v.intraday), percent(v.without_best), percent(v.worst)),
    )


def _placebo_section(found: Backtest) -> Section:
    drawn = found.placebos
    if drawn.reason or not drawn.n:
        return Section(id="placebo", title="Placebo dates", blocks=(drawn.reason or "None were drawn.",))
    traded = drawn.net[np.isfinite(drawn.net)]
    rows = [
        (f"oos-r2, {label}", *_quantiles(values, number), _own(found, label))
        for label, values in drawn.r_squared.items()
    ]
    rows.append(("net profit a date", *_quantiles(drawn.net, percent), percent(found.main.net)))
    table = Table(
        caption=f"The same pipeline on {drawn.n} draws of matched dates",
        columns=("figure", "runs", "5 %", "median", "95 %", "the events"),
        rows=tuple(rows),
        numeric=frozenset(range(1, 6)),
        note="Runs that forecast or trade nothing do not count.",
    )
    intro = (
        "Each date is moved to a session of the same weekday within half a year on which no event of the same "
        "tickers was catalogued, among the third nearest in trailing volatility; types, entries, exits and costs stay. "
        "Whatever the pipeline finds there is chance.",
        f"The main variant traded in {count(len(traded), 'run')} of {drawn.n}.",
    )
    return Section(id="placebo", title="Placebo dates", blocks=(*intro, table))


def _quantiles(values: Floats, word: Callable[[float], str]) -> tuple[str, ...]:
    known = values[np.isfinite(values)]
    if not len(known):
        return "0", NOTHING, NOTHING, NOTHING
    return str(len(known)), *(word(float(q)) for q in np.quantile(known, [0.05, 0.5, 0.95]))


def _own(found: Backtest, label: str) -> str:
    scored = found.scored[label]
    return number(scored.get("oos-r2", "zero").value) if scored.scores else NOTHING


def _method_section(found: Backtest, result: StudyResult) -> Section:
    cases, costs, spec = found.plan.cases, found.plan.costs, result.spec
    entries = Counter(
        f"{'open' if at_open else 'close'} of day {day}"
        for day, at_open in zip(cases.entry.tolist(), cases.at_open.tolist(), strict=True)
    )
    return Section(
        id="how",
        title="How it was done",
        blocks=(
            f"An event is forecast from events of its type whose windows closed more than L + {spec.gap} sessions "
            f"before its "
            f"day 0 (L: sessions of the window): the mean over their dates, shrunk towards zero by the variance "
            f"between "
            f"types that exceeds noise. A peer's row is a type of its own; placebo rows are left out.",
            "Entry at the first price after the news could be known: "
            + ", ".join(f"{n} at the {name}" for name, n in sorted(entries.items()))
            + ". News before the open, after the close or on a closed day: the next open; during the session, with an "
            "unknown hour, or within 15 minutes of the open: the open of the day after.",
            f"Every position is hedged with beta times the index over the same interval, beta from the estimation "
            f"window. "
            f"Costs: {10000 * costs.per_side:g} basis points a side for the stock, {10000 * costs.hedge_per_side:g} "
            f"for the "
            f"index, {percent(costs.borrow).lstrip('+')} a year to borrow a stock sold short. Events of one date "
            f"are one "
            f"profit, equally weighted. Market impact, taxes and the chance that an order is not filled are not "
            f"counted.",
        ),
    )


def date_profits(found: Backtest) -> tuple[list[str], Floats, Floats]:
    """Dates of the events, net and gross profit of the main variant on each, 0 where nothing was traded."""
    dates = np.unique(found.plan.cases.date)
    out = []
    for values in (found.main_trades.net, found.main_trades.gross):
        profit, when = date_means(values, found.plan.cases.date)
        filled = np.zeros(len(dates))
        filled[np.searchsorted(dates, when)] = profit
        out.append(filled)
    return [str(np.datetime64(int(d), "D")) for d in dates], out[0], out[1]

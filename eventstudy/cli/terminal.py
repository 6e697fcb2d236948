"""One event as lines on a terminal, from the same tables as the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from eventstudy.report.escape import clean
from eventstudy.report.prose import row_sentences
from eventstudy.report.words import clipped, interval, number, p_value, percent, share, size

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

_BARS = "▁▂▃▄▅▆▇█"
P_COLUMNS = {
    "p_t": "t",
    "p_t_ar1": "t ar1",
    "p_local": "local",
    "p_sq": "sq",
    "p_conformal": "conformal",
    "p_placebo": "placebo",
}


def event_text(result: StudyResult, i: int) -> str:
    """Claim, mapping, model, windows with every p value, MDE, and the CAR as a sparkline with its band."""
    studied = result.studied
    event_id, ticker, row = studied.text(i, "event_id"), studied.text(i, "ticker"), int(studied.rows[i])
    placement = studied.index.placement(row)

    def of(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["event_id"] == event_id) & (frame["ticker"] == ticker)]

    chosen = {name: of(frame) for name, frame in result.tables.items() if "event_id" in frame.columns}
    model = chosen["models"].iloc[0]
    lines = [
        f"{event_id}  {ticker}  {clipped(clean(studied.text(i, 'title')))}",
        f"  day 0   {studied.day0(i)}  ({placement.rule if placement else ''})",
        f"  model   {model['model']} on {model['benchmark'] or 'no benchmark'}: beta {number(model['beta'])}, sigma "
        f"{size(model['sigma'], 2)}, {model['n_estimation']} sessions {model['estimation_start']} to "
        f"{model['estimation_end']}, {model['n_masked']} masked",
    ]
    lines += [
        f"  claim   {c.kind}: {c.claimed_return}; observed {percent(c.observed_return)} -> {c.verdict}; market part "
        f"{percent(c.expected_return)}, abnormal {percent(c.abnormal_return)}, p {p_value(c.p_t)}"
        for c in chosen["claims"].itertuples()
    ]
    for part in chosen["overnight"].to_dict("records"):
        lines.append(
            f"  {part['part']:<9} {percent(part['return'])}, expected {percent(part['expected_return'])}, abnormal "
            f"{percent(part['abnormal_return'])}, p {p_value(part['p_t'])}"
        )
    lines += ["", *_window_lines(chosen["windows"])]
    lines += _further_lines(chosen["volume"], result.tables["dollar"], event_id, ticker)
    lines += ["", *_spark(chosen["abnormal_returns"])]
    around = studied.index.nearby(row, result.spec.event_window.start, result.spec.event_window.end)
    lines += [f"  near    day {n.day:+d} {n.kind}: {clipped(clean(n.title))}" for n in around]
    primary = chosen["windows"][chosen["windows"]["primary"] == "yes"].iloc[0]
    day = chosen["abnormal_returns"][chosen["abnormal_returns"]["day"] == 0]
    said = row_sentences(
        primary, day.iloc[0] if len(day) else None, chosen["overnight"], of(result.model_lines), result.spec.level
    )
    return "\n".join([*lines, "", *(f"  {sentence}" for sentence in said)])


def _window_lines(windows: pd.DataFrame) -> list[str]:
    head = f"  {'window':<10}{'CAR':>10}  {'interval':<22}" + "".join(f"{name:>10}" for name in P_COLUMNS.values())
    lines = [f"{head}{'MDE':>9}  flags"]
    for w in windows.to_dict("records"):
        mark = "*" if w["primary"] == "yes" else " "
        cells = "".join(f"{p_value(w[name]):>10}" for name in P_COLUMNS)
        band = interval(w["ci_low"], w["ci_high"])
        lines.append(
            f" {mark}{w['window']:<10}{percent(w['car']):>10}  {band:<22}{cells}{size(w['mde80']):>9}  "
            f"{w['flags'].replace(';', ' ')}"
        )
        if math.isfinite(w["placebo_rate_t"]):
            rates = "".join(f"{share(w[name.replace('p_', 'placebo_rate_', 1)]):>10}" for name in P_COLUMNS)
            lines.append(
                f"  {'':<10}{'':>10}  {'rejected if uneventful':<22}{rates}  of {int(w['n_uneventful'])} sessions"
            )
    return [*lines, "  * primary window; columns are p values; MDE is the smallest effect found four times in five"]


def _further_lines(volume: pd.DataFrame, dollar: pd.DataFrame, event_id: str, ticker: str) -> list[str]:
    """Volume and money over each window, where they were asked for."""
    lines = [
        f"  volume  {v.window}: {v.reason}"
        if v.reason
        else f"  volume  {v.window}: {v.ratio:.2f} times the expected, p {p_value(v.p_t_ar1)}, conformal "
        f"{p_value(v.p_conformal)}"
        for v in volume.itertuples()
    ]
    own = dollar[(dollar["event_ids"] == event_id) & (dollar["tickers"] == ticker)]
    return lines + [
        f"  money   {d.window}: {d.dollar:,.3g} ({d.ci_low:,.3g} to {d.ci_high:,.3g}) {d.currency}".rstrip()
        for d in own.itertuples()
    ]


def _spark(daily: pd.DataFrame) -> list[str]:
    """The CAR path, and where it stands against its band of 1.96 standard errors (below v, above ^)."""
    path = [(int(d["day"]), d["car"], d["car_std_error"]) for d in daily.to_dict("records")]
    known = [car for _, car, _ in path if math.isfinite(car)]
    if not known:
        return []
    low, high = min([*known, 0.0]), max([*known, 0.0])
    room = (high - low) or 1.0
    bars = "".join(_BARS[round((car - low) / room * 7)] if math.isfinite(car) else " " for _, car, _ in path)
    marks = "".join(_mark(car, 1.96 * error) for _, car, error in path)
    zero = next((n for n, (day, _, _) in enumerate(path) if day == 0), None)
    pointer = [] if zero is None else [f"          {' ' * zero}0"]
    return [
        f"  CAR     {bars}  day {path[0][0]} to {path[-1][0]}: {percent(known[-1])}",
        f"  band    {marks}  v below, ^ above, . inside 1.96 standard errors",
        *pointer,
    ]


def _mark(car: float, band: float) -> str:
    if not (math.isfinite(car) and math.isfinite(band)):
        return " "
    return "v" if car < -band else "^" if car > band else "."

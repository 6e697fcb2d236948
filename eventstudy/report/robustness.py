"""The primary window under other models: a line an event, and how far the models agree where events are many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eventstudy.engine.models import MODELS
from eventstudy.report.announcement import listed_windows
from eventstudy.report.document import Section, Table
from eventstudy.report.words import NOTHING, p_value, percent, share

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.results import StudyResult

EVENT = ["event_id", "ticker", "window"]


def robustness_section(result: StudyResult) -> Section | None:
    """Every event under each model; of many events, the models as a whole and the events that the report lists."""
    table = result.model_lines
    known = table[table["car"].notna()]
    if known.empty:
        return None
    models = list(dict.fromkeys(table["model"]))
    windows, shortened = listed_windows(result)
    if not shortened:
        return Section(id="robustness", title="Robustness", tables=(_by_event(known, models, ""),))
    chosen = set(zip(windows["event_id"], windows["ticker"], strict=True))
    few = known[[pair in chosen for pair in zip(known["event_id"], known["ticker"], strict=True)]]
    tables = [_by_model(known, models, result)]
    if not few.empty:
        tables.append(_by_event(few, models, f" The {len(chosen)} with the smallest p; robustness.csv has all."))
    return Section(id="robustness", title="Robustness", tables=tuple(tables))


def _by_event(known: pd.DataFrame, models: list[str], more: str) -> Table:
    lines: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for record in known.to_dict("records"):
        lines.setdefault(tuple(str(record[name]) for name in EVENT), []).append(record)
    rows = []
    for event, mine in lines.items():
        cells = {str(r["model"]): f"{percent(r['car'])} ({p_value(r['p_t'])})" for r in mine if r["masked"] == "yes"}
        cars = [r["car"] for r in mine]
        span = f"{percent(min(cars))[:-2]} to {percent(max(cars))}"
        rows.append((*event, *(cells.get(model, NOTHING) for model in models), span))
    return Table(
        caption="The primary window under each model: CAR (p of the t test), other events masked",
        columns=("event", "ticker", "window", *(MODELS[model].title for model in models), "range, masked and not"),
        rows=tuple(rows),
        numeric=frozenset(range(3, 4 + len(models))),
        note="The model carries the verdict: where the columns disagree, so does the evidence. A sector index that the "
        f"news itself moved takes part of the effect away.{more}",
    )


def _by_model(known: pd.DataFrame, models: list[str], result: StudyResult) -> Table:
    alpha, own = 1 - result.spec.level, result.spec.model
    masked = known[known["masked"] == "yes"].drop_duplicates([*EVENT, "model"]).set_index(EVENT)
    usual = masked.loc[masked["model"] == own, "car"].rename("usual")
    rows = []
    for model in models:
        mine = masked[masked["model"] == model]
        both = mine.join(usual, how="inner")
        same = (both["car"] > 0) == (both["usual"] > 0)
        tested = mine["p_t"].dropna()
        rows.append(
            (
                MODELS[model].title,
                str(len(mine)),
                percent(mine["car"].mean()),
                percent(mine["car"].median()),
                share((tested < alpha).mean() if len(tested) else math.nan),
                share(same.mean() if len(both) else math.nan),
            )
        )
    title = MODELS[own].title
    return Table(
        caption="The primary window under each model, other events masked: all events together",
        columns=("model", "events", "mean CAR", "median CAR", f"p below {alpha:.2g}", f"same sign as {title}"),
        rows=tuple(rows),
        numeric=frozenset(range(1, 6)),
        note=f"The study's model is {title}. p is that of the t test of one event: about {100 * alpha:.2g} % of events "
        "to which nothing happened lie below.",
    )

"""One announcement: its card in the summary, and what its own page says in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from eventstudy.report.document import Card, Section, Table
from eventstudy.report.prose import TESTS, confounded, limits, row_sentences, sure
from eventstudy.report.words import NOTHING, clipped, figure_name, interval, listed, p_value, percent, size
from eventstudy.results import LISTED

if TYPE_CHECKING:
    from eventstudy.report.figures import Figure
    from eventstudy.results import StudyResult

Figures = Mapping[str, "Figure"]


def of_event(frame: pd.DataFrame, event_id: str, ticker: str | None = None) -> pd.DataFrame:
    """The lines of a table that belong to an announcement, or to one of its tickers."""
    chosen = frame["event_id"] == event_id
    return frame[chosen] if ticker is None else frame[chosen & (frame["ticker"] == ticker)]


def primary_windows(result: StudyResult) -> pd.DataFrame:
    """The primary line of every event in windows.csv."""
    windows = result.tables["windows"]
    return windows[windows["primary"] == "yes"]


def listed_windows(result: StudyResult) -> tuple[pd.DataFrame, bool]:
    """The primary lines that tables of events show, and whether some are left out: the smallest p of a study too
    large for a card an announcement."""
    windows = primary_windows(result)
    if result.pages is None or result.totals.n_studied <= LISTED:
        return windows, False
    return windows.sort_values("p_t", kind="stable").head(LISTED), True


def announcements_section(result: StudyResult, figures: Figures) -> Section:
    """A card an announcement; one whose firms, session and window all stood before refers to that card."""
    cards, seen = [], dict[tuple[str, str, str], str]()
    for event_id in result.detailed:
        windows = of_event(primary_windows(result), event_id)
        keys = list(zip(windows["ticker"], windows["day0"], windows["window"], strict=True))
        before = list(dict.fromkeys(seen[key] for key in keys if key in seen)) if all(k in seen for k in keys) else []
        seen |= {key: seen.get(key, event_id) for key in keys}
        cards.append(announcement_card(result, event_id, figures, before))
    return Section(
        id="announcements",
        title="The announcements",
        intro=(
            f"In the order of the events file{_first(result)}; every sentence is written from the numbers by rules.",
        ),
        cards=tuple(cards),
    )


def _first(result: StudyResult) -> str:
    """How many announcements have a card, where not all have one."""
    shown, known = len(result.detailed), result.totals.n_announcements
    return "" if shown == known else f", the first {shown} of {known:,} (--detail writes all)"


def announcement_card(result: StudyResult, event_id: str, figures: Figures, before: list[str]) -> Card:
    """Day 0 and its rule, the numbers of each ticker, what is sure, what is confounded, the note of the events file.

    Parameters
    ----------
    result : StudyResult
    event_id : str
    figures : mapping
    before : list of str
        Announcements whose cards hold the same numbers already; empty when this one shows its own.
    """
    windows = of_event(primary_windows(result), event_id)
    tickers = [str(ticker) for ticker in windows["ticker"]]
    points = [] if before else [("What is sure", tuple(_sure(result, event_id)))]
    points.append(("What is confounded", tuple(_confounded(result, event_id))))
    source, notes = _free_text(result, event_id, "source"), _free_text(result, event_id, "notes")
    points += [("Note in the events file", (notes,))] if notes else []
    points.append(("Source", (source or "none given",)))
    flags = list(dict.fromkeys(flag for cell in windows["flags"] for flag in str(cell).split(";") if flag))
    same = f"{listed(tickers)}: same session and window as {listed(before)}, so the same numbers, which stand there."
    return Card(
        id=event_id,
        title=heading(result, event_id),
        subtitle=f"{event_id}. {_day0(result, event_id)}",
        tags=tuple(flag.replace("_", " ") for flag in flags),
        paragraphs=(same,) if before else (),
        tables=() if before else (_card_table(result, event_id),),
        points=tuple(points),
        figures=() if before else tuple(f for name, f in figures.items() if name == f"car-{event_id}"),
        more=() if before else tuple(f for t in tickers for f in closer(figures, event_id, t)),
    )


def closer(figures: Figures, event_id: str, ticker: str) -> list[Figure]:
    """The figures of one row beyond its path: the estimation and the uneventful sessions."""
    return [
        figures[name] for kind in ("scatter", "placebo") if (name := figure_name(kind, event_id, ticker)) in figures
    ]


def heading(result: StudyResult, event_id: str) -> str:
    """The title in the events file, else the event_id."""
    return clipped(_free_text(result, event_id, "title")) or event_id


def plain_words(result: StudyResult, event_id: str) -> tuple[str, ...]:
    """A paragraph a ticker, what cannot be known, the note of the events file."""
    windows = of_event(primary_windows(result), event_id)
    said = [_ticker_paragraph(result, event_id, str(ticker)) for ticker in windows["ticker"]]
    said.append(f"What cannot be known: {' '.join([*_confounded(result, event_id), limits()])}")
    if notes := _free_text(result, event_id, "notes"):
        said.append(f"Note in the events file: {notes}")
    return tuple(said)


def subtitle(result: StudyResult, event_id: str) -> str:
    """Day 0 with its rule, and the source."""
    return f"{_day0(result, event_id)} Source: {_free_text(result, event_id, 'source') or 'none given'}."


def _first_row(result: StudyResult, event_id: str) -> int:
    studied = result.studied
    return next(int(studied.rows[i]) for i in studied.reported if studied.text(i, "event_id") == event_id)


def _free_text(result: StudyResult, event_id: str, column: str) -> str:
    return result.studied.index.text(_first_row(result, event_id), column)


def _day0(result: StudyResult, event_id: str) -> str:
    placement = result.studied.index.placement(_first_row(result, event_id))
    days = listed(sorted(set(of_event(primary_windows(result), event_id)["day0"])))
    return f"Day 0 is {days}: {placement.rule if placement else ''}."


def _ticker_paragraph(result: StudyResult, event_id: str, ticker: str) -> str:
    window = of_event(primary_windows(result), event_id, ticker).iloc[0]
    daily = of_event(result.tables["abnormal_returns"], event_id, ticker)
    day0 = daily[daily["day"] == 0]
    parts = of_event(result.tables["overnight"], event_id, ticker)
    robust = of_event(result.model_lines, event_id, ticker)
    return " ".join(row_sentences(window, day0.iloc[0] if len(day0) else None, parts, robust, result.spec.level))


def _card_table(result: StudyResult, event_id: str) -> Table:
    daily = of_event(result.tables["abnormal_returns"], event_id)
    zero = {str(d["ticker"]): d for d in daily[daily["day"] == 0].to_dict("records")}
    rows = []
    for w in of_event(primary_windows(result), event_id).to_dict("records"):
        day = zero.get(str(w["ticker"]), {})
        rows.append(
            (
                str(w["ticker"]),
                str(w["role"]),
                percent(day.get("return", math.nan)),
                percent(day.get("expected_return", math.nan)),
                str(w["window"]),
                percent(w["car"]),
                interval(w["ci_low"], w["ci_high"]),
                p_value(w["p_t"]),
                _below(w, result.spec.level),
                size(w["mde80"]),
            )
        )
    alpha = 100 * (1 - result.spec.level)
    level = f"{100 * result.spec.level:g} % interval"
    return Table(
        caption=f"{event_id}: day 0 and the primary window",
        columns=(
            *("ticker", "role", "day-0 return", "market part", "window", "CAR", level),
            *("p t", f"tests below {alpha:g} %", "MDE"),
        ),
        rows=tuple(rows),
        numeric=frozenset({2, 3, 5, 6, 7, 8, 9}),
    )


def _below(window: dict[str, Any], level: float) -> str:
    """How many single-event tests reject, of those that could be made."""
    p = [float(window[name]) for name in TESTS if math.isfinite(float(window[name]))]
    return f"{sum(value < 1 - level for value in p)} of {len(p)}" if p else NOTHING


def _sure(result: StudyResult, event_id: str) -> list[str]:
    windows = of_event(primary_windows(result), event_id)
    parts, robust = (of_event(table, event_id) for table in (result.tables["overnight"], result.model_lines))
    return sure(windows, parts, robust, result.spec.level)


def _confounded(result: StudyResult, event_id: str) -> list[str]:
    studied, primary = result.studied, primary_windows(result)
    positions = [i for i in studied.reported if studied.text(i, "event_id") == event_id]
    windows = of_event(primary, event_id)
    others = sorted(set(primary[primary["day0"].isin(set(windows["day0"]))]["event_id"]) - {event_id})
    window = studied.spec.windows[int(studied.primary[positions[0]])]
    around = [
        item.title for i in positions for item in studied.index.nearby(int(studied.rows[i]), window.start, window.end)
    ]
    return confounded(windows, others, list(dict.fromkeys(around)))


def stale_banner(result: StudyResult) -> str:
    """What stands above everything else when older prices than asked for had to do; else empty."""
    choice = result.prepared.choice
    return f"{choice.stale}." if choice and choice.stale else ""


def rates_note(result: StudyResult) -> str:
    """What the percentages in brackets behind p values are; empty where there are none."""
    if result.rates is None:
        return ""
    return (
        f"In brackets: how often that test rejects at {100 * result.rates.level:.6g} % on uneventful sessions of the "
        "same firms; empty with fewer than 100 of them."
    )

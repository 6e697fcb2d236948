"""The top of the summary: the claims held against the data, and every event in one figure and one table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from eventstudy.report.announcement import Figures, listed_windows, rates_note
from eventstudy.report.document import Section, Statement, Table
from eventstudy.report.prose import claim_sentence
from eventstudy.report.words import interval, p_value, percent, rated, size

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

TONES = {"agrees": "good", "close": "good", "differs": "bad"}


def claims_section(claims: pd.DataFrame, level: float) -> Section | None:
    """What the source claims against what the prices say, and how much of it the market explains."""
    if claims.empty:
        return None
    records = claims.to_dict("records")
    rows = tuple(
        (
            c["event_id"],
            c["ticker"],
            c["kind"],
            _claimed(str(c["claimed_return"])),
            percent(c["observed_return"]),
            c["verdict"],
            percent(c["expected_return"]),
            percent(c["abnormal_return"]),
            p_value(c["p_t"]),
        )
        for c in records
    )
    table = Table(
        caption="What the source claims, held against the data",
        columns=("event", "ticker", "kind", "claimed", "observed", "verdict", "market part", "abnormal", "p"),
        rows=rows,
        numeric=frozenset({3, 4, 6, 7, 8}),
        note="close: close to close; open: previous close to open. Observed is the price return; market part and "
        "abnormal return are total returns. A claim can be right as a number and still be mostly the market's move.",
        links=tuple(c["event_id"] for c in records),
    )
    return Section(
        id="claims", title="The claims", statements=tuple(_statement(c, level) for c in records), tables=(table,)
    )


def _statement(claim: dict[str, Any], level: float) -> Statement:
    kind = "at the opening" if claim["kind"] == "open" else "at the close"
    facts: tuple[tuple[str, str], ...] = (("claimed", _claimed(str(claim["claimed_return"]))),)
    if claim["verdict"] != "no_data":
        facts += (("observed", percent(claim["observed_return"])),)
    if math.isfinite(claim["p_t"]):
        facts += (
            ("market part", percent(claim["expected_return"])),
            (f"abnormal (p {p_value(claim['p_t'])})", percent(claim["abnormal_return"])),
        )
    return Statement(
        text=claim_sentence(claim, level),
        headline=f"{claim['ticker']} {kind}: {claim['verdict'].replace('_', ' ')}",
        facts=facts,
        tone=TONES.get(str(claim["verdict"]), ""),
    )


def _claimed(text: str) -> str:
    try:
        return percent(float(text))
    except ValueError:
        pass
    if text[:1] in "<>":
        return f"{'below' if text[0] == '<' else 'above'} {percent(float(text[1:]))}"
    return text


def events_section(result: StudyResult, figures: Figures) -> Section:
    """Every event's primary window: interval, p values, smallest detectable effect, flags."""
    windows, shortened = listed_windows(result)
    records = windows.to_dict("records")
    rows = tuple(
        (
            w["event_id"],
            w["ticker"],
            w["role"],
            w["day0"],
            w["window"],
            percent(w["car"]),
            interval(w["ci_low"], w["ci_high"]),
            *(rated(w[f"p_{name}"], w[f"placebo_rate_{name}"]) for name in ("t", "local", "conformal", "placebo")),
            size(w["mde80"]),
            w["flags"].replace(";", ", "),
        )
        for w in records
    )
    level = f"{100 * result.spec.level:g} % interval"
    few = f"The {len(rows)} with the smallest p; windows.csv has all. " if shortened else ""
    table = Table(
        caption="Abnormal return over the primary window",
        columns=(
            *("event", "ticker", "role", "day", "window", "CAR", level),
            *("p t", "p local", "p conformal", "p placebo", "MDE", "flags"),
        ),
        rows=rows,
        numeric=frozenset(range(5, 12)),
        note="MDE: the smallest true effect found four times in five at this level. Not significant is not no effect. "
        f"{few}{rates_note(result)}".rstrip(),
        links=tuple(w["event_id"] for w in records),
    )
    forest = tuple(figure for name, figure in figures.items() if name == "forest")
    return Section(id="events", title="Every event", tables=(table,), figures=forest)

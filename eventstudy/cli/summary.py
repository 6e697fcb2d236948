"""The short answer of a run: an object for programs, lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.report.format import p_value, percent
from eventstudy.report.provenance import counts
from eventstudy.report.sentences import explainer

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult


def summary_object(result: StudyResult, audited: Audit | None, out: str, written: Sequence[str]) -> dict[str, Any]:
    """The object of ``run --json``: counts, reasons, claims, the primary windows that pages show, files, warnings;
    never all rows."""
    windows = result.shown.table("windows")
    primary = windows[windows["primary"] == "yes"]
    columns = ["event_id", "ticker", "day0", "window", "car", "std_error", "p_t", "mde80", "flags"]
    columns += ["p_headline", "headline_low", "headline_high"]
    if result.rates is not None:
        columns += [name for name in windows.columns if name.startswith("placebo_rate_")]
    return {
        "counts": counts(result),
        "reasons": [{"stage": stage, "reason": reason, "count": n} for stage, reason, n in result.reasons],
        "claims": result.table("claims").to_dict("records"),
        "primary": primary[columns].to_dict("records"),
        "audit": None
        if audited is None
        else {"checked": audited.n_checked, "largest_gap": audited.largest_gap, "agrees": audited.agrees},
        "out": out,
        "files": list(written),
        "warnings": list(result.notices),
    }


def claim_lines(result: StudyResult) -> list[str]:
    """One line a claim."""
    part = {"the market": "market part"}.get(what := explainer(result.spec), what)
    return [
        f"{c.event_id} {c.ticker} {c.kind}: claimed {c.claimed_return}, observed {percent(c.observed_return)} "
        f"({c.verdict}); {part} {percent(c.expected_return)}, abnormal {percent(c.abnormal_return)}, "
        f"p {p_value(c.p_headline)}" + (f"; {c.note}" if c.note else "")
        for c in result.table("claims").itertuples()
    ]

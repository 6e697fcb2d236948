"""Claims of a source compared with the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.claims import Claim, parse_claim
from eventstudy.data.dividends import ADJUSTED
from eventstudy.records import ClaimRow
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.data.event_index import EventIndex
    from eventstudy.data.returns import AlignedSeries
    from eventstudy.engine.panel import Bools
    from eventstudy.records import PartRow
    from eventstudy.results import Studied

# as many digits as a claim and a return can need
_ROOM = Context(prec=400)
CLOSE_ENOUGH = 0.005
DAY0 = Window(0, 0)
COLUMNS = {"close": "claimed_return", "open": "claimed_open_return"}


def verdict(claim: Claim, observed: float) -> str:
    """``agrees``, ``close``, ``differs`` or ``no_data``.

    A value agrees if the observed return rounds to it at the claim's own decimals (half away from zero), and is
    ``close`` within 0.005; a direction goes by sign; a bound agrees if it holds.
    """
    if not np.isfinite(observed):
        return "no_data"
    if claim.kind in ("up", "down"):
        return "agrees" if (observed > 0) == (claim.kind == "up") and observed != 0 else "differs"
    assert claim.value is not None, "values and bounds carry a number"
    if claim.kind in ("below", "above"):
        holds = observed < claim.value if claim.kind == "below" else observed > claim.value
        return "agrees" if holds else "differs"
    unit = Decimal(1).scaleb(-claim.decimals)
    rounded, claimed = (
        Decimal(repr(value)).quantize(unit, rounding=ROUND_HALF_UP, context=_ROOM) for value in (observed, claim.value)
    )
    if rounded == claimed:
        return "agrees"
    return "close" if abs(observed - claim.value) <= CLOSE_ENOUGH else "differs"


def observed_return(series: AlignedSeries, session: int, kind: str) -> tuple[float, int]:
    """Simple price return of a session without dividends and the sessions it covers: last close before to close, or to
    the open; NaN and 0 where unknown."""
    known = np.flatnonzero(np.isfinite(series.close[:session]))
    if not len(known) or not np.isfinite(series.close[session]):
        return np.nan, 0
    covered = session - int(known[-1])
    total = float(series.close[session] / series.close[known[-1]] - 1)
    if kind == "close":
        return total, covered
    intraday = float(series.intraday[session])
    intraday = float(np.expm1(intraday)) if series.kind == "log" else intraday
    return (1 + total) / (1 + intraday) - 1, covered


def check_claims(studied: Studied, parts: Sequence[PartRow], asked: Bools) -> tuple[ClaimRow, ...]:
    """One row per claim of the rows that are ``asked`` for (n,), in file order; claims on events that could not be
    studied get ``no_data``."""
    claims = claiming(studied.index) & asked
    position = {int(row): i for i, row in enumerate(studied.rows)}
    overnight = {part.row: part for part in parts if part.part == "overnight"}
    found = []
    for row in np.flatnonzero(claims).tolist():
        for kind, column in COLUMNS.items():
            text = studied.index.text(row, column)
            if text:
                found.append(_check(studied, row, position.get(row), kind, text, overnight.get(row)))
    return tuple(found)


def claiming(index: EventIndex) -> Bools:
    """Rows that claim something; bool (n,)."""
    return np.asarray(np.any([index.events.columns[name].where(bool) for name in COLUMNS.values()], axis=0))


def _check(studied: Studied, row: int, i: int | None, kind: str, text: str, overnight: PartRow | None) -> ClaimRow:
    claim = parse_claim(text)
    observed, covered = observed_return(studied.series(i), studied.session(i), kind) if i is not None else (np.nan, 0)
    expected = abnormal = p = headline = np.nan
    if i is not None and kind == "close" and studied.block is not None:
        day = -studied.spec.event_window.start
        if 0 <= day < studied.block.abnormal.ar.shape[1]:
            expected = float(studied.block.abnormal.expected[i, day])
            abnormal, p = float(studied.block.abnormal.ar[i, day]), float(studied.block.ar_p[i, day])
        if DAY0 in studied.spec.windows:
            headline = float(studied.block.column("p_headline")[i, studied.spec.windows.index(DAY0)])
    elif overnight is not None:
        expected, abnormal, p = overnight.expected, overnight.abnormal, overnight.p
        headline = overnight.tests.get("p_headline", np.nan)
    return ClaimRow(
        row=row,
        kind=kind,
        claimed=text,
        observed=observed,
        difference=observed - claim.value if claim.value is not None else np.nan,
        verdict=verdict(claim, observed),
        expected=expected,
        abnormal=abnormal,
        p=p,
        p_headline=headline,
        note="" if i is None or not covered else "; ".join(_notes(studied, i, covered)),
    )


def _notes(studied: Studied, i: int, covered: int) -> Iterator[str]:
    """Notes on the observed and the abnormal return where they are not the price return of day 0 alone."""
    series = studied.series(i)
    spanned = int(series.span[studied.session(i)])
    if covered > 1:
        yield f"the return covers {covered} sessions: the close of the session before is missing"
    elif spanned > 1:
        yield f"the abnormal return covers {spanned} sessions: a close of the benchmark before is missing"
    if studied.market.prices.series[series.ticker].provenance.basis == ADJUSTED:
        yield "the closes are adjusted for dividends: the observed return includes a dividend that was paid on day 0"
    if studied.spec.currency != "local":
        yield f"the observed return is in {studied.spec.currency}"

"""One event as lines of at most 80 columns, from the same records and sentences as the report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.report.claims import claim_items
from eventstudy.report.doubts import cannot_tell_words, masked_words
from eventstudy.report.escape import clean
from eventstudy.report.figures.days import bands
from eventstudy.report.format import NOTHING, clipped, p_value, size
from eventstudy.report.format import share as rate
from eventstudy.report.lead import opening_words
from eventstudy.report.moves import Move, Session, Share, title_of
from eventstudy.report.sentences import (
    PART_WORDS,
    about_data,
    decomposition,
    detectable,
    expects,
    frequency,
    printed,
    verdict,
)
from eventstudy.report.wording import (
    SIDES,
    called,
    counted,
    day_words,
    odds,
    p_text,
    points,
    side_words,
    signed,
    span,
    upper,
)

if TYPE_CHECKING:
    from eventstudy.report.material import Material

Marks = tuple[str, str, str]
WIDTH = 80
# characters from zero to an end of the scale of the bars, and the days that have one
REACH, FIRST, LAST = 18, -2, 3
# what draws a bar, zero, and the edge of a band
UNICODE, ASCII = ("█", "│", "·"), ("#", "|", ".")
P_COLUMNS = {
    "p_t": "t",
    "p_t_ar1": "t ar1",
    "p_local": "local",
    "p_rank_local": "rank-local",
    "p_sq": "sq",
    "p_conformal": "conformal",
    "p_placebo": "placebo",
}


def event_text(material: Material, share: Share, marks: Marks = UNICODE, *, everything: bool = False) -> str:
    """What the share did, what is its own and how sure that is; parts, days, choices, claims, and where more is.

    Parameters
    ----------
    marks : tuple of str
        ``UNICODE``, or ``ASCII`` where a terminal cannot show it.
    everything : bool
        Whether every window and test is printed too.
    """
    parts = [
        _heading(material, share),
        _wrapped(" ".join(_said(material, share)), "  "),
        _parts(share),
        _days(material, share, marks),
        _doubts(material, share),
        _claims(material, share),
        *([_windows(material, share)] if everything or material.result.rates is not None else []),
        *([_near(material, share)] if everything else []),
        _further(material, share),
        _model(material, share),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """Lines of at most 80 columns; a word that is longer is cut."""
    begin = indent if first is None else first
    return textwrap.wrap(clean(text), WIDTH, initial_indent=begin, subsequent_indent=indent)


def _heading(material: Material, share: Share) -> Iterator[str]:
    studied = material.result.studied
    yield from _wrapped(clipped(title_of(studied, share), 150), "")
    placement = studied.index.placement(int(studied.rows[share.position]))
    rule = f"{placement.rule}; " if placement else ""
    yield from _wrapped(f"{share.name}, {day_words(share.day0)} ({rule}id {share.event_id})", "")


def _said(material: Material, share: Share) -> Iterator[str]:
    yield decomposition(share.name, share.whole, material.what, share.days)
    yield verdict(share.whole)
    if far := frequency(share.whole):
        yield f"{upper(far)}."
    yield from opening_words([share])
    if share.role == "outcome":
        yield "The day was picked because of what the price did, so its p value means little."
    if share.role == "placebo":
        yield "This is a check on a day without news."
    if share.flags:
        yield about_data(share.flags)
    if aside := side_words(share.whole.side):
        yield aside


def _parts(share: Share) -> Iterator[str]:
    level = f"{100 * (1 - share.whole.alpha):g} % interval"
    yield f"  {'':<16}{'moved':>9}{expects([share]):>11}{'own':>11}{level:>20}{'p':>9}"
    for move in share.parts:
        yield _part(share, move)
    side, how = share.whole.side, SIDES[share.whole.side][1]
    told = "  Days are added up." if share.days > 1 else ""
    yield from _wrapped(
        f"* {called(side)} at {odds(share.whole.alpha)}.  p: how often an ordinary day (night) goes as {how} "
        f"against the volatility of the 20 sessions before it.{told}",
        "  ",
    )


def _part(share: Share, move: Move) -> str:
    name = PART_WORDS[move.part] if move is not share.whole or share.days == 1 else f"{counted(share.days)} days"
    cells = [f"{points(value)} %" if math.isfinite(value) else NOTHING for value in printed(move)]
    star = " *" if move.outside else ""
    return (
        f"  {name:<16}{cells[0]:>9}{cells[1]:>11}{cells[2]:>11}{span(move.low, move.high):>20}{p_text(move.p):>9}{star}"
    )


def _days(material: Material, share: Share, marks: Marks) -> Iterator[str]:
    bar, zero, edge = marks
    known = [item for item in bands(material.around, material.row(share), share) if FIRST <= item[0] <= LAST]
    if not known:
        return
    most = max(max(abs(own), *(abs(b) for b in (low, high) if math.isfinite(b))) for _, own, low, high, _ in known)
    scale = max(math.ceil(100 * most * 1.05), 1)
    middle = " " * (REACH - 4 - len(str(scale)))
    yield f"  {'own move by day':<19}-{scale} %{middle}0{middle}+{scale} %"
    for day, own, low, high, outside in known:
        row = [" "] * (2 * REACH + 1)
        for bound in (low, high):
            if math.isfinite(bound):
                row[REACH + round(100 * bound / scale * REACH)] = edge
        reach = round(100 * own / scale * REACH)
        for at in range(min(0, reach), max(0, reach) + 1):
            row[REACH + at] = bar
        row[REACH] = zero
        sign = ("v" if own < 0 else "^") if outside else ""
        name = "day 0" if not day else f"{day:+d}"
        yield f"  {name:>6}{signed(own, 1):>10} {''.join(row)} {sign}".rstrip()
    yield f"  {edge} edge of an ordinary day; v below it, ^ above it"


def _doubts(material: Material, share: Share) -> Iterator[str]:
    move = share.whole
    n, k = len(move.variants), move.unusual
    if n:
        low, high = signed(move.variants[0].own), signed(move.variants[-1].own)
        who = "none calls it" if not k else "all call it" if k == n > 1 else f"{k} {'calls' if k == 1 else 'call'} it"
        text = f"Other choices: {n} variants put the own move between {low} and {high}; {who} {called(move.side)}."
        yield from _wrapped(text, "  ")
    if missed := detectable([share]):
        yield from _wrapped(missed, "  ")
    session = next(s for s in material.moves.sessions if share.event_id in s.event_ids and s.day0 == share.day0)
    own = Session(
        day0=share.day0,
        kind=session.kind,
        event_ids=(share.event_id,),
        titles=(title_of(material.result.studied, share),),
        shares=(share,),
    )
    yield from _wrapped(f"What this cannot tell: {cannot_tell_words(material, own)}", "  ")


def _claims(material: Material, share: Share) -> Iterator[str]:
    row = int(material.result.studied.rows[share.position])
    mine = [claim.row == row for claim in material.result.claims]
    for item, own in zip(claim_items(material, len(mine)), mine, strict=True):
        if own:
            yield from _wrapped(f"{item.quote}: {item.verdict} {item.text}", "           ", "  claim    ")


def _windows(material: Material, share: Share) -> Iterator[str]:
    yield "  every window, and p of every test of one event (the tests are not votes)"
    for w in material.table("windows", share):
        mark = "*" if w["primary"] == "yes" else " "
        flags = f"; {w['flags'].replace(';', ', ').replace('_', ' ')}" if w["flags"] else ""
        head = f"CAR {signed(w['car'])} ({span(w['headline_low'], w['headline_high'], 2)}), p {p_text(w['p_headline'])}"
        yield from _wrapped(f"{head}, MDE {size(w['mde80'])}{flags}", " " * 12, f" {mark}{w['window']:<10}")
        tests = ", ".join(f"{name} {p_value(w[column])}" for column, name in P_COLUMNS.items())
        yield from _wrapped(tests, " " * 12)
        if math.isfinite(w["placebo_rate_t"]):
            rates = ", ".join(
                f"{name} {rate(w[column.replace('p_', 'placebo_rate_', 1)])}" for column, name in P_COLUMNS.items()
            )
            yield from _wrapped(f"unusual on {int(w['n_uneventful'])} uneventful sessions: {rates}", " " * 12)
    yield "  * primary window"


def _near(material: Material, share: Share) -> Iterator[str]:
    """Other news in the event window."""
    studied, window = material.result.studied, material.result.spec.event_window
    for item in studied.index.nearby(int(studied.rows[share.position]), window.start, window.end):
        yield from _wrapped(f"day {item.day:+d} {item.kind}: {clipped(item.title)}", " " * 11, "  near     ")


def _further(material: Material, share: Share) -> Iterator[str]:
    """Volume and money over each window, where they were asked for."""
    for v in material.table("volume", share):
        known = f"{v['ratio']:.2f} times the expected, p {p_value(v['p_t_ar1'])}, conformal {p_value(v['p_conformal'])}"
        yield from _wrapped(f"{v['window']}: {v['reason'] or known}", " " * 11, "  volume   ")
    for d in _money(material, share):
        span = f"{d['ci_low']:,.3g} to {d['ci_high']:,.3g}"
        yield f"  money    {d['window']}: {d['dollar']:,.3g} ({span}) {d['currency']}".rstrip()


def _money(material: Material, share: Share) -> Sequence[dict[str, Any]]:
    table = material.result.table("dollar")
    own = table[(table["event_ids"] == share.event_id) & (table["tickers"] == share.ticker)]
    return [{str(name): value for name, value in row.items()} for row in own.to_dict("records")]


def _model(material: Material, share: Share) -> Iterator[str]:
    row = material.table("models", share)[0]
    slope = f": beta {share.beta:.2f}" if math.isfinite(share.beta) else ""
    line = f"{row['model']} on {row['benchmark'] or 'no benchmark'}{slope}, sigma {size(row['sigma'], 2)}; "
    line += f"{share.n_estimation} sessions, {share.first} to {share.last}"
    masked = masked_words(share)
    yield from _wrapped(f"{line}{f'; {masked}' if masked else ''}", " " * 11, "  model    ")
    command = f"eventstudy event {share.event_id} --ticker {share.ticker}"
    yield from _wrapped(f"{command} -v (all tests) or --save (page and figures)", " " * 11, "  more     ")

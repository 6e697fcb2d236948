"""One announcement, or one session: its sentences, parts, pictures and tables; and the page of an announcement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.flags import FLAGS
from eventstudy.report.document import (
    Block,
    Cell,
    Columns,
    Fold,
    Group,
    Heading,
    Links,
    Listing,
    Note,
    Page,
    Section,
    Table,
)
from eventstudy.report.doubts import cannot_tell
from eventstudy.report.format import NOTHING, clipped, number, p_value, rated, size
from eventstudy.report.lead import all_parts, market_words, sure_words
from eventstudy.report.material import PANELS, Material
from eventstudy.report.moves import DAY, Move, Session, Share, title_of
from eventstudy.report.sentences import (
    as_far,
    decomposition,
    detectable,
    expects,
    headline,
    printed,
    verdict,
)
from eventstudy.report.wording import SIDES, counted, day_words, p_text, points, side_words, signed, span, upper

if TYPE_CHECKING:
    from eventstudy.report.figures.marks import Figure
    from eventstudy.results import StudyResult

QUESTIONS = {
    "days": "Was the day out of the ordinary?",
    "curve": "Does the answer depend on the choices?",
    "placebo": "How often does an ordinary day go as far?",
}
P_COLUMNS = ("p_t", "p_t_ar1", "p_local", "p_sq", "p_conformal", "p_placebo")
OUTCOME = (
    "Picked because of what the price did.",
    "The size is real, but a p value means little for a day chosen by its outcome, so the day enters no count.",
)
PLACEBO = (
    "A day without news.",
    "It is a check: a method that finds effects on such days cannot be trusted elsewhere.",
)


def announcement_page(material: Material, event_id: str, *, image: bool = False) -> Page:
    """The page of one announcement: what the shares did, what the market explains, what is their own, how sure that
    is, and what it depends on; then everything else that is known of it, folded."""
    result, shares = material.result, material.moves.of(event_id)
    session = _session(material, event_id, shares)
    figures = material.figures(event_id, shares)
    first = shares[0]
    sections = [
        *_session_sections(material, session, figures),
        _how_section(material, shares),
        Section(id="tables", title="All numbers", blocks=tuple(_tables(material, shares, figures))),
    ]
    kind = {"outcome": "a day picked by its outcome", "placebo": "a day without news"}.get(
        session.kind, "one announcement"
    )
    return Page(
        title=headline(session, material.what),
        kicker=f"Event study of {kind} · {clipped(title_of(result.studied, first), 120)}",
        banner=stale_banner(result),
        lead=lead_of(material, session),
        caveat=caveat_of(session),
        opening=tuple(figure for kind, figure in figures.items() if kind == "expected"),
        beside=len(shares) == 1,
        sections=tuple(sections),
        words=True,
        closing=CLOSING,
        image=f"../figures/share-{event_id}.png" if image else "",
    )


CLOSING = "Made by eventstudy. A statement about prices, not about causes."


def _session(material: Material, event_id: str, shares: Sequence[Share]) -> Session:
    whole = next(s for s in material.moves.sessions if event_id in s.event_ids)
    title = title_of(material.result.studied, shares[0])
    return Session(day0=shares[0].day0, kind=whole.kind, event_ids=(event_id,), titles=(title,), shares=tuple(shares))


def lead_of(material: Material, session: Session) -> tuple[str, ...]:
    """The lead: the market's part, how sure, what it depends on, and what would be missed."""
    shares = session.shares
    first = market_words(shares, material.market(shares[0]), material.what)
    said = [" ".join(text for text in (first, *sure_words(shares)) if text)]
    # with several shares, the sizes are given with the session
    said += [detectable(shares)] if len(shares) == 1 else []
    said.append(side_words(material.result.spec.alternative))
    return tuple(text for text in said if text)


def caveat_of(session: Session) -> tuple[str, str]:
    """Warnings that precede every number."""
    if session.kind == "outcome":
        return OUTCOME
    if session.kind == "placebo":
        return PLACEBO
    flags = sorted({flag for share in session.shares for flag in share.flags})
    if not flags:
        return ("", "")
    return "About the data.", " ".join(f"{upper(flag.replace('_', ' '))}: {FLAGS[flag]}." for flag in flags)


def _session_sections(material: Material, session: Session, figures: dict[str, Figure]) -> list[Section]:
    shares = session.shares
    blocks: list[Block] = [] if len(shares) == 1 else [sentence(material, share) for share in shares[:PANELS]]
    return [
        Section(id="parts", title="What the shares did, and what was their own", blocks=(*blocks, parts_table(shares))),
        *_picture_section(figures, single=len(shares) == 1),
        Section(id="limits", title="What this cannot tell", blocks=tuple(cannot_tell(material, session))),
    ]


def _picture_section(figures: dict[str, Figure], *, single: bool) -> list[Section]:
    known = [(QUESTIONS[kind], figures[kind]) for kind in QUESTIONS if kind in figures]
    if not known:
        return []
    return [Section(id="pictures", title="How far out of the ordinary", blocks=tuple(pictures(known, single=single)))]


def pictures(known: Sequence[tuple[str, Figure]], *, single: bool) -> list[Block]:
    """Figures under their questions: side by side for one share, else one after the other."""
    if single:
        return [Columns(tuple(known))]
    return [block for question, figure in known for block in (Heading(question), figure)]


def sentence(material: Material, share: Share) -> str:
    """What a share did, what is its own, and whether that is unusual."""
    return f"{decomposition(share.name, share.whole, material.what, share.days)} {verdict(share.whole)}"


def parts_table(shares: Sequence[Share]) -> Table:
    """The whole window, the opening and the session of each share: own move, interval, p, what moved."""
    level = f"{100 * (1 - shares[0].whole.alpha):g} % interval"
    rows: list[Any] = []
    for share in shares:
        if len(shares) > 1:
            rows.append(Group(text=share.name))
        rows += [_part_row(share, move) for move in share.parts]
    two = any(len(share.parts) > 1 for share in shares)
    notes = ["Moves over several days are added up."] if any(share.days > 1 for share in shares) else []
    notes.append(f"As {SIDES[shares[0].whole.side][1]}: against the volatility of the 20 sessions before.")
    if two:
        notes.append(
            f"Opening and session are each set against the same part of the {expects(shares)}, so they need not add up."
        )
        notes.append(all_parts(shares))
    return Table(
        caption="Own move of each part of the day." if two else "Own move over the window.",
        columns=(
            "part",
            f"own move, {level}",
            f"p, ordinary ones as {SIDES[shares[0].whole.side][1]}",
            f"moved, of it the {expects(shares)}",
        ),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3}),
        note=" ".join(note for note in notes if note),
        fit=True,
    )


def _part_row(share: Share, move: Move) -> tuple[str | Cell, ...]:
    moved, market, _ = printed(move)
    words = {DAY: "whole day"}.get(move.part, move.part)
    if move is share.whole and share.days > 1:
        words = f"{counted(share.days)} days"
    total, part = (f"{points(value)} %" if math.isfinite(value) else NOTHING for value in (moved, market))
    return (
        words,
        Cell(text=signed(move.own), note=span(move.low, move.high), strong=move.outside),
        Cell(text=p_text(move.p), note=as_far(move), strong=move.outside),
        Cell(text=total, note=f"{expects([share])} {part}"),
    )


def _how_section(material: Material, shares: Sequence[Share]) -> Section:
    result, share = material.result, shares[0]
    placement = result.studied.index.placement(int(result.studied.rows[share.position]))
    said = [f"Day 0 is {day_words(share.day0)}: {placement.rule if placement else ''}.", fitted(shares)]
    notes = [text for name in ("notes", "source") if (text := result.studied.text(share.position, name))]
    labels = ["Note in the events file: ", "Source: "] if len(notes) == 2 else ["Source or note: "]
    return Section(
        id="how",
        title="How it was done",
        blocks=(" ".join(said), *(Note(f"{label}{text}") for label, text in zip(labels, notes, strict=False))),
    )


def fitted(shares: Sequence[Share]) -> str:
    """What line was fitted to which past days."""
    found = []
    for share in shares[:PANELS]:
        days = f"{share.n_estimation} past sessions from {day_words(share.first)} to {day_words(share.last)}"
        if math.isfinite(share.beta) and share.market_symbol:
            slope = f"when {share.market_symbol} goes 1 %, {share.name} goes {share.beta:.2f} %"
            found.append(f"A line is fitted to {days}: {slope}.")
        else:
            found.append(f"For {share.name}, {days} say what is ordinary.")
    return " ".join(found)


def _tables(material: Material, shares: Sequence[Share], figures: dict[str, Figure]) -> list[Block]:
    blocks: list[Block] = []
    if "car" in figures:
        blocks.append(Fold(title="Own move added up day by day", blocks=(figures["car"],)))
    single = len(shares) == 1
    for share in shares[:PANELS]:
        blocks.append(_windows_table(material, share))
        if single:
            blocks.append(_daily_table(share, material.table("abnormal_returns", share)))
            blocks += [_curve_table(share)] if share.whole.variants else []
        blocks += _volume_table(share, material.table("volume", share))
    if not single:
        blocks.append(Note("abnormal_returns.csv holds every day of each share, robustness.csv every choice."))
    around = [_nearby_table(material, shares[0])]
    return [*blocks, *(table for table in around if table is not None)]


# the headline p of one-sided tests, and of tests of both sides
RULE = ("the rank among ordinary days", "the larger of the exact t and the rank among ordinary days")


def _windows_table(material: Material, share: Share) -> Table:
    windows = material.table("windows", share)
    donors = any(math.isfinite(w["p_space"]) for w in windows)
    tests = (*P_COLUMNS, "p_space") if donors else P_COLUMNS
    level = f"{100 * material.result.spec.level:g} % interval"
    return Table(
        caption=f"{share.name}: every window and test",
        columns=("window", "CAR", level, "p", "t", *tests, "MDE", "BHAR", "flags"),
        rows=tuple(
            (
                f"{w['window']}{' (primary)' if w['primary'] == 'yes' else ''}",
                signed(w["car"]),
                span(w.get("headline_low", w["ci_low"]), w.get("headline_high", w["ci_high"]), 2),
                p_text(w.get("p_headline", w["p_t"])),
                number(w["t"]),
                *(rated(w[name], w[f"placebo_rate_{name.removeprefix('p_')}"]) for name in P_COLUMNS),
                *([p_value(w["p_space"])] if donors else []),
                size(w["mde80"]),
                signed(w["bhar"]),
                str(w["flags"]).replace(";", ", "),
            )
            for w in windows
        ),
        numeric=frozenset(range(1, 7 + len(tests))),
        note=f"p is {RULE[material.result.spec.alternative == 'two-sided']}; the other tests are not votes. "
        f"{rates_note(material.result)}".strip(),
        folded=True,
    )


def _daily_table(share: Share, daily: Sequence[dict[str, Any]]) -> Table:
    return Table(
        caption=f"{share.name}: abnormal return by day",
        columns=("day", "session", "return", "expected", "abnormal", "std error", "p", "CAR"),
        rows=tuple(
            (
                f"{d['day']:+d}" if d["day"] else "0",
                str(d["session"]),
                *(signed(d[name]) for name in ("return", "expected_return", "abnormal_return")),
                size(d["std_error"], 2),
                p_value(d["p_value"]),
                signed(d["car"]),
            )
            for d in daily
        ),
        numeric=frozenset({0, *range(2, 8)}),
        folded=True,
    )


def _curve_table(share: Share) -> Table:
    names = list(dict.fromkeys(name for v in share.whole.variants for name, _ in v.choices))
    return Table(
        caption=f"{share.name}: own move under every choice",
        columns=(*names, "own move", "interval", "p"),
        rows=tuple(
            (
                *(dict(v.choices).get(name, "") for name in names),
                Cell(text=signed(v.own), strong=v.p <= share.whole.alpha),
                span(v.low, v.high),
                p_text(v.p),
            )
            for v in share.whole.variants
        ),
        numeric=frozenset(range(len(names), len(names) + 3)),
        note="; ".join(share.whole.left_out),
        folded=True,
    )


def _volume_table(share: Share, volume: Sequence[dict[str, Any]]) -> list[Table]:
    if not volume:
        return []
    return [
        Table(
            caption=f"{share.name}: volume",
            columns=("window", "times the expected", "p", "why empty"),
            rows=tuple(
                (
                    str(v["window"]),
                    f"{v['ratio']:.2f}" if math.isfinite(v["ratio"]) else NOTHING,
                    p_value(v["p_t_ar1"]),
                    str(v["reason"]),
                )
                for v in volume
            ),
            numeric=frozenset({1, 2}),
            folded=True,
        )
    ]


def _nearby_table(material: Material, share: Share) -> Table | None:
    studied, spec = material.result.studied, material.result.spec
    items = studied.index.nearby(int(studied.rows[share.position]), spec.event_window.start, spec.event_window.end)
    if not items:
        return None
    return Table(
        caption="Other news in the event window",
        columns=("day", "kind", "title"),
        rows=tuple((f"{n.day:+d}" if n.day else "0", n.kind.replace("_", " "), clipped(n.title)) for n in items),
        numeric=frozenset({0}),
        folded=True,
    )


def announcement_notes(material: Material, session: Session, seen: set[str]) -> list[Block]:
    """Each announcement of a session with its rule, note, source and a link to its page; ids that are not yet ``seen``
    are anchors."""
    studied = material.result.studied
    blocks: list[Block] = []
    for event_id in session.event_ids:
        share = material.moves.of(event_id)[0]
        placement = studied.index.placement(int(studied.rows[share.position]))
        rule = f"Day 0 is {day_words(share.day0)}: {placement.rule}." if placement else ""
        blocks.append(Heading(clipped(title_of(studied, share)), id="" if event_id in seen else event_id))
        seen.add(event_id)
        notes = studied.text(share.position, "notes")
        source = studied.text(share.position, "source")
        blocks.append(Note(" ".join(t for t in (rule, notes, f"Source: {source}." if source else "") if t)))
        if event_id in material.result.detailed:
            blocks.append(Links((("Figures and tables of this announcement", f"events/{event_id}.html"),)))
    return blocks


def titles_list(session: Session) -> list[Block]:
    """The titles of a session that several announcements share."""
    return [Listing(tuple(clipped(title) for title in session.titles))] if len(session.titles) > 1 else []


def stale_banner(result: StudyResult) -> str:
    """The banner for prices that are older than asked for; empty otherwise."""
    choice = result.prepared.choice
    return f"{choice.stale}." if choice and choice.stale else ""


def rates_note(result: StudyResult) -> str:
    """What the percentages in brackets behind p values are; empty where there are none."""
    if result.rates is None:
        return ""
    return (
        f"In brackets: how often that test finds something at {100 * result.rates.level:.6g} % on uneventful sessions "
        "of the same firms; empty with fewer than 100 of them."
    )

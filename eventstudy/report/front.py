"""The first screen and the pages of a study: one announcement, several, or more than fifty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eventstudy.report.across import groups_section, many_page
from eventstudy.report.announcement import (
    CLOSING,
    QUESTIONS,
    announcement_notes,
    announcement_page,
    caveat_of,
    lead_of,
    parts_table,
    pictures,
    rates_note,
    sentence,
    stale_banner,
    titles_list,
)
from eventstudy.report.claims import claim_items
from eventstudy.report.clusters import clusters_section
from eventstudy.report.document import Block, Cell, Columns, Fold, Group, Items, Note, Page, Section, Table
from eventstudy.report.doubts import cannot_tell
from eventstudy.report.figures.marks import Figure
from eventstudy.report.format import clipped, count, listed
from eventstudy.report.format import share as share_of
from eventstudy.report.material import PANELS, Material
from eventstudy.report.method import excluded_section, method_section
from eventstudy.report.moves import Session, Share
from eventstudy.report.sentences import chance, family, headline, short_verdict
from eventstudy.report.volume import volume_section
from eventstudy.report.wording import SIDES, called, counted, day_words, p_text, short_day, signed, span, upper
from eventstudy.results import PAGES

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult

# rows of the table of announcements; of more, the sessions with the smallest p
MOST_ROWS = 200
TICKERS = 5


def front_page(result: StudyResult, material: Material, audit: Audit | None) -> tuple[Page, dict[str, Figure]]:
    """The page of a study, and the figures on it by name."""
    if result.totals.n_announcements > PAGES and result.pages is not None:
        return many_page(result, material, audit)
    if not material.moves.shares:
        return _empty_page(result, audit), {}
    if len(material.result.announcements) == 1:
        page = announcement_page(material, material.result.announcements[0])
        rest = [s for s in (_claims_section(material), volume_section(material.result)) if s is not None]
        method = replace(method_section(result, audit), title="Settings and prices")
        tail = (groups_section(result), excluded_section(result), method)
        page = _with(page, (*rest, *page.sections, *(s for s in tail if s is not None)))
        return page, figures_of(page)
    page = _several_page(result, material, audit)
    return page, {**_clusters(material), **figures_of(page)}


def _clusters(material: Material) -> dict[str, Figure]:
    """The shares of each session that several have; files beside the page."""
    made = [material.cluster(s.day0, s.shares) for s in material.moves.sessions if len(s.shares) > 1]
    return {figure.name: figure for figure in made if figure is not None}


def _with(page: Page, sections: Sequence[Section]) -> Page:
    return replace(page, sections=tuple(sections), closing=CLOSING)


def figures_of(page: Page) -> dict[str, Figure]:
    """Every figure that a page shows."""
    found: dict[str, Figure] = {}

    def look(blocks: Sequence[Block]) -> None:
        for block in blocks:
            if isinstance(block, Figure):
                found[block.name] = block
            elif isinstance(block, Columns):
                look([figure for _, figure in block.items])
            elif isinstance(block, Fold | Section):
                look(block.blocks)

    look([*page.opening, *page.sections])
    return found


def _empty_page(result: StudyResult, audit: Audit | None) -> Page:
    return Page(
        title="No event could be studied",
        kicker=f"Event study · {count(result.n_read, 'row')} read",
        banner=stale_banner(result),
        lead=("Each row is listed below with the reason.",),
        sections=(excluded_section(result), method_section(result, audit)),
        words=True,
        closing=CLOSING,
    )


def leading(material: Material) -> Session:
    """The session that the claims are about, else the one with the strongest evidence; an event that was picked by its
    outcome only where there is nothing else."""
    sessions = material.moves.sessions
    result = material.result
    claimed = [result.studied.index.name(claim.row)[0] for claim in result.claims]
    for kind in ("announcements", "placebo", "outcome"):
        mine = [s for s in sessions if s.kind == kind]
        counts = [sum(event_id in s.event_ids for event_id in claimed) for s in mine]
        if any(counts):
            return max(zip(counts, mine, strict=True), key=lambda item: item[0])[1]
        if mine:
            return min(mine, key=lambda s: s.strongest)
    raise AssertionError("a study with events has a session")


def _several_page(result: StudyResult, material: Material, audit: Audit | None) -> Page:
    lead = leading(material)
    sections = material.moves.sessions
    ident = f"{lead.day0}"
    figures = material.figures(ident, lead.shares)
    opening: list[Block] = [figure for kind, figure in figures.items() if kind == "expected"]
    claims = _claims_section(material)
    others = [s for s in sections if s is not lead]
    seen: set[str] = set()
    parts = (
        _events_section(result, material),
        _opened_section(material, lead, figures, seen),
        Section(
            id="announcements",
            title="The other announcements",
            blocks=tuple(_folded(material, session, seen) for session in others),
        )
        if others
        else None,
        clusters_section(material),
        groups_section(result),
        volume_section(material.result),
        excluded_section(result),
        method_section(result, audit),
    )
    total = result.totals
    years = sorted({session.day0[:4] for session in sections})
    tickers = total.tickers
    who = listed(tickers) if len(tickers) <= TICKERS else count(len(tickers), "share")
    return Page(
        title=headline(lead, material.what),
        kicker=f"Event study · {who} · {count(total.n_announcements, 'announcement')}, "
        f"{years[0]}{f' to {years[-1]}' if len(years) > 1 else ''}",
        banner=stale_banner(result),
        lead=lead_of(material, lead),
        caveat=caveat_of(lead),
        opening=(*opening, *([claims] if claims is not None else [])),
        sections=tuple(section for section in parts if section is not None),
        words=True,
        closing=CLOSING,
    )


def _claims_section(material: Material) -> Section | None:
    items = claim_items(material)
    if not items:
        return None
    n = len(material.result.claims)
    title = f"{upper(counted(n))} claim{'' if n == 1 else 's'}, held against prices"
    more = (Note(f"The first {len(items)} of {n:,}; claims.csv has all."),) if n > len(items) else ()
    return Section(id="claims", title=title, blocks=(Items(tuple(items)), *more), quiet=True)


def _events_section(result: StudyResult, material: Material) -> Section:
    """How many are unusual, then every share by session: announcements, days picked by outcome, checks without news."""
    found, alpha = result.unusual, 1 - result.spec.level
    blocks: list[Block] = []
    if found.tested:
        surviving = found.survivors if found.counts_survivors else None
        blocks.append(family(found.found, found.tested, alpha, surviving, result.spec.alternative))
        if surviving is None and found.found and found.tested > 1:
            why = (
                f"with fat tails such a count would be wrong in {100 * found.false_share:.0f} of 100 studies without "
                "any effect."
                if found.measured
                else "how often such a count errs was measured for the headline p at a level of 0.95."
            )
            blocks.append(Note(f"How many stay when all {found.tested:,} looks are allowed for is not counted: {why}"))
    sessions = material.moves.sessions
    rows_all = sum(len(s.shares) for s in sessions)
    if rows_all > MOST_ROWS:
        kept: list[Session] = []
        for session in sorted(sessions, key=lambda s: s.strongest):
            if sum(len(s.shares) for s in kept) + len(session.shares) <= MOST_ROWS:
                kept.append(session)
        sessions = [session for session in sessions if session in kept]
        blocks.append(Note(f"The sessions with the smallest p; windows.csv has all {rows_all:,} rows."))
    blocks.append(_table(material, sessions, alpha))
    return Section(id="events", title="All announcements", blocks=tuple(blocks))


PART_TITLES = {
    "announcements": "Announcements",
    "outcome": "Picked because of what the price did",
    "placebo": "Checks on days without news",
}


def _table(material: Material, sessions: Sequence[Session], alpha: float) -> Table:
    scale = _scale([share for session in sessions for share in session.shares])
    variants = any(share.whole.variants for session in sessions for share in session.shares)
    side = material.result.spec.alternative
    rows: list[tuple[str | Cell, ...] | Group] = []
    several = len({session.kind for session in sessions}) > 1
    for kind, title in PART_TITLES.items():
        mine = [session for session in sessions if session.kind == kind]
        if mine and several:
            rows.append(Group(text=title, note=_part_note(kind, mine, alpha, side), part=True))
        for session in mine:
            rows.append(
                Group(
                    text="; ".join(clipped(t, 110) for t in session.titles[:4]),
                    note=_session_note(material, session),
                    link=f"#{session.anchor}",
                )
            )
            rows += [_row(share, _rate(material, share), variants=variants) for share in session.shares]
    level = f"{100 * (1 - alpha):g} % interval"
    columns = ("share", f"own move, {level}", "", "p", *((f"variants: {called(side)}",) if variants else ()))
    return Table(
        caption=f"Own move (abnormal return) of each share on its day with its interval, p (how often an ordinary day "
        f"goes as {SIDES[side][1]}){f' and the number of variants that call it {called(side)}' if variants else ''}. "
        "Bars run from "
        f"{100 * scale[0]:+.0f} to {100 * scale[1]:+.0f} %, filled where p is {alpha:g} or less.",
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset({1, 3, 4}),
        note=rates_note(material.result),
        scale=scale,
        fit=True,
    )


def _scale(shares: Sequence[Share]) -> tuple[float, float]:
    bounds = [b for s in shares for b in (s.whole.low, s.whole.high, s.whole.own) if math.isfinite(b)]
    step = 0.02
    low = math.floor(min([*bounds, -step]) / step) * step
    return max(low, -0.5), min(math.ceil(max([*bounds, step]) / step) * step, 0.5)


def _part_note(kind: str, sessions: Sequence[Session], alpha: float, side: str) -> str:
    n = sum(len(session.shares) for session in sessions)
    unusual = sum(share.whole.outside for session in sessions for share in session.shares)
    if kind == "outcome":
        return (
            "shown, never counted: the size is real, but a p value means little where the day was chosen by its outcome"
        )
    if kind == "placebo":
        return (
            f"{unusual} of {n} {'is' if unusual == 1 else 'are'} {called(side)}, chance alone would give "
            f"{chance(n, alpha)}; a method that finds effects here cannot be trusted above"
        )
    return f"{count(n, 'share')} and {'days' if n > 1 else 'day'} on {count(len(sessions), 'session')}"


def _session_note(material: Material, session: Session) -> str:
    said = [f"{short_day(session.day0)}."]
    long = sorted({share.days for share in session.shares if share.days > 1})
    if long:
        why = "Hour unknown, so" if _uncertain(material, session) else "By its window,"
        said.append(f"{why} {counted(long[0])} days are taken.")
    if len(session.event_ids) > 1:
        said.append(f"{upper(counted(len(session.event_ids)))} announcements share this session.")
    return " ".join(said)


def _uncertain(material: Material, session: Session) -> bool:
    rows = [row for share in session.shares for row in material.table("windows", share) if row["primary"] == "yes"]
    return any("timing_uncertain" in str(row["flags"]) for row in rows)


def _rate(material: Material, share: Share) -> str:
    """How often the p of a share calls an uneventful session unusual, where that was asked for."""
    if material.result.rates is None:
        return ""
    row = next(row for row in material.table("windows", share) if row["primary"] == "yes")
    known = [row[name] for name in ("placebo_rate_headline", "placebo_rate_t") if name in row]
    return next((share_of(rate) for rate in known if math.isfinite(rate)), "")


def _row(share: Share, rate: str, *, variants: bool) -> tuple[str | Cell, ...]:
    move = share.whole
    low = move.low if math.isfinite(move.low) else -math.inf
    high = move.high if math.isfinite(move.high) else math.inf
    flags = ", ".join(flag.replace("_", " ") for flag in share.flags)
    days = f"{share.days} days" if share.days > 1 else ""
    cells: tuple[str | Cell, ...] = (
        Cell(text=share.name, note="; ".join(t for t in (days, flags) if t)),
        Cell(text=signed(move.own), note=span(move.low, move.high), strong=move.outside),
        Cell(bar=(low, move.own, high), strong=move.outside) if math.isfinite(move.own) else Cell(bar=(0.0, 0.0, 0.0)),
        Cell(text=p_text(move.p), note=rate, strong=move.outside),
    )
    if not variants:
        return cells
    return (*cells, f"{move.unusual} of {len(move.variants)}" if move.variants else "–")


def _opened_section(material: Material, session: Session, figures: dict[str, Figure], seen: set[str]) -> Section:
    """The leading session with everything that is known of it."""
    shares = session.shares
    blocks: list[Block] = [*titles_list(session)]
    blocks += [sentence(material, share) for share in shares[:PANELS]]
    blocks.append(parts_table(shares[:PANELS]))
    known = [(QUESTIONS[kind], figures[kind]) for kind in QUESTIONS if kind in figures]
    blocks += pictures(known, single=len(shares) == 1)
    cluster = material.cluster(session.day0, shares) if len(shares) > 1 else None
    if cluster is not None:
        blocks.append(Fold(title="The shares of this session side by side", blocks=(cluster,)))
    blocks += cannot_tell(material, session)
    blocks += announcement_notes(material, session, seen)
    n = len(session.event_ids)
    title = day_words(session.day0) + (f": {counted(n)} announcements on one session" if n > 1 else "")
    return Section(id=session.anchor, title=title, blocks=tuple(blocks))


def _folded(material: Material, session: Session, seen: set[str]) -> Fold:
    """Another session: its sentences, notes and links."""
    best = min(session.shares, key=lambda s: s.whole.p if math.isfinite(s.whole.p) else math.inf)
    note = f"{best.name} {signed(best.whole.own, 1)}: {_small(short_verdict(best.whole))}"
    caveat = caveat_of(session)
    blocks: list[Block] = [Note(" ".join(caveat))] if caveat[0] else []
    blocks += [sentence(material, share) for share in session.shares[:PANELS]]
    blocks += announcement_notes(material, session, seen)
    return Fold(
        title=f"{'; '.join(clipped(title, 110) for title in session.titles[:4])}.",
        lead=day_words(session.day0),
        note=note,
        id=session.anchor,
        blocks=tuple(blocks),
    )


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]

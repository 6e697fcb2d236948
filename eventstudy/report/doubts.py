"""What a session cannot tell: other announcements and news, masked days, sizes that would be missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventstudy.report.document import Block, Note
from eventstudy.report.format import clipped, count
from eventstudy.report.material import PANELS, Material
from eventstudy.report.moves import Session, Share
from eventstudy.report.sentences import detectable
from eventstudy.report.wording import counted, signed

if TYPE_CHECKING:
    from eventstudy.data.event_index import Nearby


def cannot_tell(material: Material, session: Session) -> list[Block]:
    """Reasons against reading the numbers as effects of the announcements."""
    blocks: list[Block] = [cannot_tell_words(material, session)]
    if len(session.shares) > 1 and (missed := detectable(session.shares)):
        blocks.append(missed)
    masked = [f"For {share.name} {words}." for share in session.shares[:PANELS] if (words := masked_words(share))]
    return [*blocks, Note(" ".join(masked))] if masked else blocks


def cannot_tell_words(material: Material, session: Session) -> str:
    """The same as one paragraph, without sizes and masks."""
    found: list[str] = []
    others = _on_session(material, session)
    # a row without a title, such as a date on the command line, may be one of the others
    titled = {title.replace(" ", "-") for title in session.titles}.isdisjoint(session.event_ids)
    n = len({*session.event_ids, *others}) if titled and session.kind == "announcements" else 0
    titles = [clipped(title, 90) for title in dict.fromkeys(others.values()) if title not in session.titles]
    also = "; ".join([*titles[:MATES], *([f"{len(titles) - MATES} more"] if len(titles) > MATES else [])])
    if n > 1:
        text = f"Which of the {counted(n)} announcements did it: they share this session"
        found.append(f"{text}, and daily prices cannot split them{f' (also: {also})' if also else ''}.")
    elif also:
        found.append(f"On this session there was also: {also}. Daily prices cannot split them.")
    near = dict.fromkeys(
        item.title
        for share in session.shares
        for item in _near(material, share)
        if item.title not in session.titles and item.title not in others.values()
    )
    if near:
        found.append(f"Also in the window: {'; '.join(clipped(title, 120) for title in list(near)[:6])}.")
    flags = {
        flag
        for share in session.shares
        for row in material.table("windows", share)
        if row["primary"] == "yes"
        for flag in str(row["flags"]).split(";")
    }
    found += [words for flag, words in NEAR_WORDS.items() if flag in flags]
    if abs(material.market(session.shares[0])) >= WILD and material.result.spec.model == "market-model":
        found.append(WILD_WORDS)
    found.append("One session cannot separate a moved price from a risen variance, and an own move is not a cause.")
    return " ".join(found)


def _on_session(material: Material, session: Session) -> dict[str, str]:
    """Titles of the other announcements of the events file on a session, by event_id; also of those not reported."""
    studied = material.result.studied
    mine = [int(studied.rows[share.position]) for share in session.shares]
    rows = {int(mate) for row in mine for mate in studied.index.on_session(row)}
    named = {studied.index.name(row)[0]: row for row in sorted(rows, reverse=True)}
    others = {event_id: row for event_id, row in reversed(named.items()) if event_id not in session.event_ids}
    return {event_id: studied.index.text(row, "title") or event_id for event_id, row in others.items()}


def _near(material: Material, share: Share) -> list[Nearby]:
    """Other news in the window of a share; not what another row of the firm on this session announces."""
    studied = material.result.studied
    index, row = studied.index, int(studied.rows[share.position])
    own = {
        index.text(int(mate), "category") for mate in index.on_session(row) if index.firm(int(mate)) == index.firm(row)
    }
    around = index.nearby(row, share.window.start, share.window.end)
    return [item for item in around if item.day or item.kind not in own]


# announcements of one session that a sentence names
MATES = 5
# a market's move from which on its model errs more often than it says (methods A2)
WILD = 0.02
WILD_WORDS = (
    "On days when the market moves 2 % or more, the market model itself calls 9 to 14 of 100 ordinary days unusual "
    "where 5 should be."
)
NEAR_WORDS = {
    "timing_uncertain": "The hour is unknown, so day 0 may be the next session; the two days together hold both.",
    "overlap": "The window overlaps that of another announcement of the firm.",
    "window_incomplete": "The window reaches past the last final session.",
}


def masked_words(share: Share) -> str:
    """How many past days are left out next to other news, and what the own move is with them kept in."""
    if not share.n_masked:
        return ""
    inside = next((v for v in share.whole.variants if _only_unmasked(share, v)), None)
    kept = f"; with them kept in, the own move is {signed(inside.own)}" if inside is not None else ""
    days = count(share.n_masked, "past day")
    return f"{days} {'is' if share.n_masked == 1 else 'are'} left out next to other news of the firm{kept}"


def _only_unmasked(share: Share, variant: Any) -> bool:
    """Whether a variant differs from the study's own choices only in that nothing is masked."""
    usual = next((v for v in share.whole.variants if v.usual), None)
    if usual is None:
        return False
    differ = {name for (name, value) in variant.choices if dict(usual.choices).get(name) != value}
    return differ == {"masked"}

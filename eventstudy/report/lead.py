"""The lead of a session: how its market moved, which own moves are unusual, and what the opening and the session did.
tests/report/test_sentences.py reads every sentence back."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eventstudy.report.format import listed
from eventstudy.report.moves import Share
from eventstudy.report.sentences import NAMED, expects, flip, frequency, printed, verdict
from eventstudy.report.wording import as_ordinary, called, counted, plain, points, rounded, upper


def sure_words(shares: Sequence[Share]) -> list[str]:
    """The lead of a session: which own moves are unusual, which could be ordinary, which depend, and on what."""
    said = []
    if len(shares) == 1:
        share = shares[0]
        said.append(_one_lead(share))
    else:
        side = shares[0].whole.side
        place = "At the close, " if all(s.days == 1 for s in shares) else ""
        word = called(side)
        groups = {kind: [s for s in shares if s.whole.verdict == kind] for kind in ("unusual", "ordinary", "depends")}
        phrases = []
        if mine := groups["unusual"]:
            phrases.append(f"{_owners(mine)} {'is' if len(mine) == 1 else 'are'} {word} under nearly every choice")
        if mine := groups["ordinary"]:
            phrases.append(f"{_owners(mine)} {as_ordinary(side, len(mine))}")
        if mine := groups["depends"]:
            phrases.append(f"{_owners(mine)} {'depends' if len(mine) == 1 else 'depend'} on how the past is measured")
        if phrases:
            said.append(f"{upper(place + '; '.join(phrases))}.")
        turned = [text for s in groups["depends"] if (text := flip(s))]
        if turned:
            # a length of history says most, because somebody had to choose one
            said.append(f"{upper(next((text for text in turned if 'of history' in text), turned[0]))}.")
    said += opening_words(shares)
    return said


def _one_lead(share: Share) -> str:
    move = share.whole
    text = verdict(move)
    if far := frequency(move):
        text = f"{text} {upper(far)}."
    if move.verdict == "depends" and (turned := flip(share)):
        text = f"{text} {upper(turned)}."
    return text


def _owners(shares: Sequence[Share]) -> str:
    if len(shares) > NAMED:
        return f"the own moves of {counted(len(shares))} shares"
    return f"the own move{'' if len(shares) == 1 else 's'} of {listed([s.name for s in shares])}"


def opening_words(shares: Sequence[Share]) -> list[str]:
    """What the day hides where openings were unusual by themselves, and what the session then did."""
    found = [s for s in shares if s.opening is not None and s.opening.outside][:NAMED]
    said = []
    for below in (True, False):
        mine = [s for s in found if s.opening is not None and (s.opening.own < 0) == below]
        if not mine:
            continue
        sizes = listed([plain(rounded(s.opening.own, 1), 1) for s in mine if s.opening is not None])
        side = "below" if below else "above"
        text = f"At the opening {listed([s.name for s in mine])} {'was' if len(mine) == 1 else 'were'} {sizes} points "
        text += f"{side} what the {expects(mine)} explains"
        if aside := _aside(mine):
            text += f" ({aside})"
        turned = [s for s in mine if _turned(s)]
        if turned:
            back = listed([plain(rounded(s.session.own, 1), 1) for s in turned if s.session is not None])
            rare = [s.name for s in turned if s.session is not None and s.session.outside]
            how = (
                "could be ordinary"
                if not rare
                else "is unusual too"
                if len(rare) == len(turned)
                else (f"is unusual for {listed(rare)}")
            )
            who = "" if len(mine) == 1 else f"{listed([s.name for s in turned])} "
            verb = "gained" if below else "lost"
            link = "on" if below else "against"
            text += f"; during the day {who or 'it '}{verb} {back} points {link} the {expects(turned)}"
            # a move back is on the other side of zero
            text += f", which {how}" if mine[0].whole.side == "two-sided" else ""
        said.append(f"{text}.")
    return said


def all_parts(shares: Sequence[Share]) -> str:
    """Which openings and sessions stay unusual when all of the session are allowed for; empty where none is unusual."""
    parts = [(share, move) for share in shares for move in (share.opening, share.session) if move is not None]
    outside = [(share, move) for share, move in parts if move.outside and move.looks > 1]
    if not outside:
        return ""
    stay = [f"the {move.part} of {share.name}" for share, move in outside if move.stays]
    who = f"{listed(stay)} {'stays' if len(stay) == 1 else 'stay'}" if stay else "none stays"
    n, word = outside[0][1].looks, called(outside[0][1].side)
    return f"Where all {n} openings and sessions of this day are allowed for, {who} {word}."


def _turned(share: Share) -> bool:
    """Whether the session took back a fifth or more of what the opening did."""
    night, day = share.opening, share.session
    return night is not None and day is not None and night.own * day.own < 0 and abs(day.own) >= 0.2 * abs(night.own)


def _aside(shares: Sequence[Share]) -> str:
    """How often a night goes as far, and how many variants call the opening unusual."""
    moves = [s.opening for s in shares if s.opening is not None]
    counts = {len(move.variants) for move in moves}
    parts = [frequency(moves[0])] if len(moves) == 1 else []
    if counts != {0} and len(counts) == 1:
        found = listed([str(move.unusual) for move in moves])
        parts.append(f"{found} of {counts.pop()} variants call that {called(moves[0].side)}")
    return ", ".join(part for part in parts if part)


def market_words(shares: Sequence[Share], market: float, what: str) -> str:
    """How the market moved, and what that explains of each share; empty where the model has no market."""
    if not math.isfinite(market) or len(shares) < 2 or len(shares) > NAMED or any(s.days > 1 for s in shares):
        return ""
    moved = rounded(market, 1)
    verb = "did not move" if not moved else f"{'rose' if moved > 0 else 'fell'} {plain(moved, 1)} %"
    parts = [printed(s.whole, 1) for s in shares]
    if not moved or any(m * r <= 0 or abs(m) > abs(r) for r, m, _ in parts):
        each = listed([f"{s.name} {points(m, 1)}" for s, (_, m, _) in zip(shares, parts, strict=True)])
        return f"The market {verb}; of that {what} explains {each} points." if moved else f"The market {verb}."
    noun = "falls" if parts[0][0] < 0 else "rises"
    return f"The market {verb}, which explains {listed([plain(m, 1) for _, m, _ in parts])} points of the {noun}."

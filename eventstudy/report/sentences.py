"""The sentences of pages: each template with its condition, in one place. tests/report/test_sentences.py reads every
sentence back and holds it against the tables.

A move is in percent, its parts are in points, and parts add up as printed. An own move is the abnormal return. No cause
is stated: a share fell, nothing made it fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from eventstudy.engine.models import MODELS
from eventstudy.flags import DOUBTS
from eventstudy.report.format import listed
from eventstudy.report.moves import DAY, OPENING, Move, Session, Share
from eventstudy.report.wording import (
    SIDES,
    as_ordinary,
    called,
    counted,
    day_words,
    odds,
    over,
    plain,
    rounded,
    signed,
    span,
    upper,
)

if TYPE_CHECKING:
    from eventstudy.spec import StudySpec

PART_WORDS = {DAY: "whole day", OPENING: "at the opening", "session": "during the day"}
# names of a heading; more shares are counted
NAMED = 4


def printed(move: Move, digits: int = 2) -> tuple[float, float, float]:
    """(moved, market, own) in percent as pages print them: the market's part is what the printed others leave."""
    moved, own = rounded(move.moved, digits), rounded(move.own, digits)
    return moved, round(moved - own, digits) + 0.0, own


def explainer(spec: StudySpec) -> str:
    """What the model takes the expected move from."""
    return MODELS[spec.model].explains


def expects(shares: Sequence[Share]) -> str:
    """What the expected moves of shares are taken from, in short: their market, or their usual day."""
    return "market" if any(share.market_symbol for share in shares) or not shares else "usual day"


def decomposition(name: str, move: Move, what: str, days: int = 1, digits: int = 2) -> str:
    """S1 to S4: what the share did, what the market explains, what is its own."""
    moved, market, own = printed(move, digits)
    if not math.isfinite(moved):
        return f"{name}'s own move{over(days)} was {signed(move.own, digits)}."
    verb, size, when = ("rose" if moved > 0 else "fell"), plain(moved, digits), over(days)
    start = f"{name} {verb} {size} %{when}" if moved else f"{name} did not move{when}"
    mine = f"{plain(own, digits)} points are its own"
    way = "lifted" if market > 0 else "lowered"
    if abs(market) < 0.1:
        return f"{start}; {what} explains none of it." if moved else f"{start}, and neither did {what}."
    if moved * market <= 0:
        return f"{start}, though {what} would have {way} it by {plain(market, digits)} %; {mine}."
    if abs(market) > abs(moved):
        better = "better" if own > 0 else "worse"
        tail = f"so it did {plain(own, digits)} points {better}" if own else "which is what it did"
        return f"{start}; {what} alone would have {way} it by {plain(market, digits)} %, {tail}."
    return f"{start}; {what} explains {plain(market, digits)} points of it, {mine}."


def verdict(move: Move) -> str:
    """V1 to V3: whether the own move is unusual, and whether that depends on the choices."""
    n, k = len(move.variants), move.unusual
    kind = move.verdict
    if not kind:
        return "How unusual that is cannot be said: there is no p value."
    word = called(move.side)
    if not n:
        return f"That is {word}." if kind == "unusual" else f"That {as_ordinary(move.side)}."
    if kind == "unusual":
        return f"That is {word}, and {f'every one of {n} variants says' if k == n else f'{k} of {n} variants say'} so."
    if kind == "ordinary":
        who = "none" if not k else str(k)
        calls = f"{'calls' if k <= 1 else 'call'} it {word}"
        return f"That {as_ordinary(move.side)}; {who} of {n} variants {calls}."
    return f"Whether that is {word} depends on the choices: {k} of {n} variants {'calls' if k == 1 else 'call'} it so."


def short_verdict(move: Move) -> str:
    """V in short form, for claims and folded lines."""
    kind, n, k = move.verdict, len(move.variants), move.unusual
    if kind == "unusual":
        return upper(f"{called(move.side)}: {k} of {n} variants say so" if n else called(move.side))
    if kind == "ordinary":
        said = as_ordinary(move.side, noun="night" if move.part == OPENING else "day")
        return upper(said.removeprefix("is "))
    return f"Depends on the choices: {k} of {n} variants call it {called(move.side)}" if kind else "No p value"


def frequency(move: Move) -> str:
    """F: how many ordinary days or nights went as far; empty where that is not known."""
    if not move.ordinary:
        return ""
    noun = "night" if move.part == OPENING else "day"
    went = f"went as {SIDES[move.side][1]}"
    if not move.as_far:
        return f"no ordinary {noun} of {move.ordinary} {went}"
    return f"{move.as_far} of {move.ordinary} ordinary {noun}s {went}"


def as_far(move: Move) -> str:
    """F in a table."""
    return f"{move.as_far} of {move.ordinary}" if move.ordinary else ""


def detectable(shares: Sequence[Share]) -> str:
    """M: the smallest effect found four times in five, and with the interval at the scale of the last 20 sessions where
    that differs by more than a quarter; empty where every share is unusual."""
    known = [s for s in shares if s.whole.verdict in ("ordinary", "depends") and math.isfinite(s.whole.mde)]
    if not known:
        return ""
    one = len(shares) == 1
    sizes = listed([f"{100 * s.whole.mde:.1f}{'' if one else f' for {s.name}'}" for s in known])
    sizes = sizes.replace(" for", " points for", 1) if not one else f"{sizes} points"
    text = f"Not proof of no effect: a true effect of {sizes} would be found four times in five, "
    text += "a smaller one is often missed"
    local = [(s.name, *s.whole.local) for s in known if s.whole.local is not None]
    if local:
        there = listed(
            [
                f"{100 * mde:.1f}{'' if one else f' for {name}'} (interval {span(low, high)})"
                for name, mde, low, high in local
            ]
        )
        text += f"; at the scale of the last 20 sessions it takes {there}"
    return f"{text}."


def flip(share: Share) -> str:
    """D: the choice that turns the answer, the nearest estimation length first; empty where none does."""
    move = share.whole
    usual = next((v for v in move.variants if v.usual), None)
    if usual is None:
        return ""
    mine = dict(usual.choices)
    others = [
        (name, value, v)
        for v in move.variants
        for name, value in v.choices
        if value != mine.get(name) and all(mine.get(n) == x for n, x in v.choices if n != name)
        if (v.p <= move.alpha) != move.outside
    ]
    if not others:
        return ""
    lengths = [item for item in others if item[0] == "length"]
    if lengths:
        name, value, v = min(lengths, key=lambda item: abs(float(item[1]) - float(mine["length"])))
        how = f"with {value} days of history instead of {mine['length']}"
    else:
        name, value, v = others[0]
        how = CHOICE_WORDS.get((name, value), f"with {name} {value}")
    counts = f"{'counts' if v.p <= move.alpha else 'does not count'} as {called(move.side)}"
    return f"{how}, {share.name}'s is {signed(v.own, 1)} instead of {signed(move.own, 1)} and {counts}"


CHOICE_WORDS = {
    ("model", "multi-index"): "where the sector counts as market",
    ("masked", "no"): "with days next to other news kept in",
    ("returns", "log"): "with logarithmic returns",
    ("returns", "simple"): "with simple returns",
    ("gap", "20"): "where the history ends 20 days before",
    ("gap", "10"): "where the history ends 10 days before",
}


def direction(moves: Sequence[Move], what: str) -> str:
    """What unusual shares did beyond what the model explains, in words that hold for all of them."""
    own_down = all(m.own < 0 for m in moves)
    own_up = all(m.own > 0 for m in moves)
    if own_down and all(m.moved < 0 for m in moves):
        return f"fell plainly further than the {what} explains"
    if own_up and all(m.moved > 0 for m in moves):
        return f"rose plainly further than the {what} explains"
    if own_down or own_up:
        return f"did plainly {'worse' if own_down else 'better'} than the {what} explains"
    return f"moved plainly otherwise than the {what} explains"


def moved_words(shares: Sequence[Share], day0: str) -> str:
    """H1, first sentence: what the shares of a session did."""
    when = f"on {day_words(day0)}"
    known = [s for s in shares if math.isfinite(s.whole.moved)]
    moved = [rounded(s.whole.moved, 1) for s in known]
    if not known:
        return f"{len(shares)} shares {when}."
    names = listed([s.name for s in known]) if len(known) <= NAMED else f"{upper(counted(len(known)))} shares"
    days = over(max(s.days for s in known))
    same = all(m > 0 for m in moved) or all(m < 0 for m in moved)
    if same and max(moved) - min(moved) <= 1.0:
        middle = sorted(abs(m) for m in moved)[len(moved) // 2]
        return f"{names} {'rose' if moved[0] > 0 else 'fell'} about {middle:.0f} %{days} {when}."
    if len(known) <= NAMED:
        each = [
            f"{s.name} {'rose' if m > 0 else 'fell'} {abs(m):.1f} %" if m else f"{s.name} did not move"
            for s, m in zip(known, moved, strict=True)
        ]
        return f"{listed(each)}{days} {when}."
    return f"{names} moved between {min(moved):+.1f} and {max(moved):+.1f} %{days} {when}."


def plainly_words(shares: Sequence[Share]) -> str:
    """H1, second sentence: who moved plainly further than the market explains."""
    what = expects(shares)
    whole = [s for s in shares if s.whole.verdict == "unusual"]
    if whole and len(whole) == len(shares):
        return f"{'All' if len(shares) > 2 else 'Both'} {direction([s.whole for s in whole], what)}."
    if whole:
        return f"Only {_names(whole)} {direction([s.whole for s in whole], what)}."
    opened = [s for s in shares if s.opening is not None and s.opening.verdict == "unusual"]
    if opened:
        words = direction([s.opening for s in opened if s.opening is not None], what)
        if len(opened) == len(shares):
            return f"All, but only at the opening, {words}."
        return f"Only {_names(opened)}, and only at the opening, {words}."
    how = {"two-sided": "moved plainly further", "less": "did plainly worse", "greater": "did plainly better"}
    return f"None {how[shares[0].whole.side]} than the {what} explains."


def _names(shares: Sequence[Share]) -> str:
    return listed([s.name for s in shares]) if len(shares) <= NAMED else f"{counted(len(shares))} shares"


def headline(session: Session, what: str) -> str:
    """H1 of a session, with what is in doubt about its prices."""
    doubt = about_data({flag for share in session.shares for flag in share.flags} & set(DOUBTS))
    return f"{_headline(session, what)} {doubt}".rstrip()


def about_data(flags: Iterable[str]) -> str:
    """Flags of data in words; those of prices that may be wrong are to be checked first."""
    found = sorted(flags)
    if not found:
        return ""
    first = "Check the prices first" if set(DOUBTS) & set(found) else "About the data"
    return f"{first}: {', '.join(flag.replace('_', ' ') for flag in found)}."


def _headline(session: Session, what: str) -> str:
    shares = session.shares
    if len(shares) > 1:
        return f"{moved_words(shares, session.day0)} {plainly_words(shares)}"
    share = shares[0]
    text = decomposition(share.name, share.whole, what, share.days, digits=1)
    moved, market, own = printed(share.whole, 1)
    first, mark, rest = text.partition("; ")
    first, rest = (first, rest) if mark else (text.rstrip("."), "")
    when = f" on {day_words(session.day0)}"
    if moved and moved * market > 0 and abs(market) <= abs(moved) and abs(market) >= 0.1:
        tail = f"The market explains {plain(market, 1)} points of it; "
        tail = tail.replace("The market", upper(what))
        other = (
            f"the other {plain(own, 1)} could be an ordinary day."
            if share.whole.verdict == "ordinary" and share.whole.side == "two-sided"
            else (f"{plain(own, 1)} are its own.")
        )
        return f"{first}{when}. {tail}{other}"
    if "though" in first:
        head, _, though = first.partition(", though ")
        return f"{head}{when}, though {though}. {upper(rest)}"
    return f"{first}{when}. {upper(rest)}" if rest else f"{first}{when}."


def chance(n: int, alpha: float) -> str:
    """How many of n ordinary days chance alone would call unusual, in words."""
    expected = alpha * n
    low = math.floor(expected)
    if expected < 0.5:
        return "less than one"
    if abs(expected - round(expected)) < 0.25 or expected > 12:
        return f"about {counted(round(expected))}"
    return f"{counted(low)} or {counted(low + 1)}" if low else "one"


def family(unusual: int, n: int, alpha: float, surviving: int | None, side: str = "two-sided") -> str:
    """Of how many looks how many are unusual, what chance would give, and how many stay."""
    text = (
        f"{upper(counted(unusual))} of {n:,} (one share on one day counts once) "
        f"{'is' if unusual == 1 else 'are'} {called(side)} at {odds(alpha)}; "
        f"chance alone would give {chance(n, alpha)}."
    )
    if surviving is not None and n > 1 and unusual:
        stay = f"{upper(counted(surviving))} {'stays' if surviving == 1 else 'stay'}"
        text += f" {stay} when all {n:,} looks are allowed for."
    return text

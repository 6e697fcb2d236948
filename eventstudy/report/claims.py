"""Claims of a source compared with the data, in its own words where the events file has them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eventstudy.report.document import Item
from eventstudy.report.material import Material
from eventstudy.report.moves import Move, Share, day_move
from eventstudy.report.sentences import expects, frequency, printed, short_verdict
from eventstudy.report.wording import plain, points, rounded, signed, upper

if TYPE_CHECKING:
    from eventstudy.records import ClaimRow

# claims that a first screen holds
MOST = 12
WORDS = {"close": "claim_text", "open": "claim_open_text"}


def claim_items(material: Material, most: int = MOST) -> list[Item]:
    """One item a claim, in file order."""
    result = material.result
    shares = {int(result.studied.rows[s.position]): s for s in material.moves.shares}
    pairs = [(claim, shares.get(claim.row)) for claim in result.claims[:most]]
    moves = [None if share is None else _move(material, claim, share) for claim, share in pairs]
    sizes = [abs(m.market) + abs(m.own) for m in moves if m is not None and _adds(m)]
    full = max(sizes, default=0.0)
    return [_item(material, claim, share, move, full) for (claim, share), move in zip(pairs, moves, strict=True)]


def _move(material: Material, claim: ClaimRow, share: Share) -> Move | None:
    return share.opening if claim.kind == "open" else day_move(material.result.studied, share)


def _adds(move: Move) -> bool:
    """Whether market and own part point the same way, so that they can be stacked as a bar."""
    return math.isfinite(move.market) and move.market * move.own > 0


def _item(material: Material, claim: ClaimRow, share: Share | None, move: Move | None, full: float) -> Item:
    index = material.result.studied.index
    name = share.name if share is not None else index.name(claim.row)[1]
    quote = _quote(claim, index.text(claim.row, WORDS[claim.kind]) if WORDS[claim.kind] in index.events.columns else "")
    if claim.verdict == "no_data":
        return Item(lead=name, quote=quote, verdict="There is no price to hold it against.", text="")
    text = f"{claim.note[0].upper()}{claim.note[1:]}. " if claim.note else ""
    if move is not None and math.isfinite(move.own):
        moved, market, own = printed(move)
        if abs(moved - rounded(claim.observed)) > 0.011:
            text += f"With dividends {points(moved)} %: "
        text += (
            f"{upper(expects([share] if share else []))} {points(market)} %, own {points(own)} %. {short_verdict(move)}"
        )
        far = frequency(move)
        text += f": {far}." if far and move.verdict == "ordinary" else f"; {far}." if far else "."
    bar = (move.market, move.own, full) if move is not None and _adds(move) else None
    return Item(
        lead=name,
        quote=quote,
        verdict=_verdict(claim),
        text=text,
        parts=bar,
        strong=move is not None and move.outside,
    )


def _quote(claim: ClaimRow, words: str) -> str:
    """The claim in its own words, else what its number says."""
    if words:
        return f"“{words}”"
    place = " at the opening" if claim.kind == "open" else ""
    said = claim.claimed
    if said in ("up", "down"):
        return f"said to have {'risen' if said == 'up' else 'fallen'}{place}"
    number = float(said.lstrip("<>"))
    verb = "fallen" if number < 0 else "risen"
    digits = max(0, len(said.partition(".")[2]) - 2)
    beyond = said[:1] in "<>" and ("more than " if (said[0] == "<") == (number < 0) else "less than ")
    return f"said to have {verb} {beyond or ''}{plain(100 * number, digits)} %{place}"


def _verdict(claim: ClaimRow) -> str:
    """Whether the claim holds, with the price return; words, no colour."""
    observed = signed(claim.observed)
    if claim.claimed in ("up", "down"):
        return f"The direction is {'right' if claim.verdict == 'agrees' else 'wrong'}: {observed}."
    if claim.verdict == "agrees":
        return f"The number is right: {observed}."
    if claim.claimed[:1] in "<>":
        return f"The number is wrong: {observed}."
    off = abs(rounded(claim.observed) - rounded(float(claim.claimed)))
    return f"The number is {off:.2f} points off: {observed}."

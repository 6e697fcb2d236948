"""The specification curve: the same move under every defensible choice, sorted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from eventstudy.engine.significance.headline import ROUNDING
from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel, listed_data, segment
from eventstudy.report.figures.scale import Scale, finite, rows_grid, ticks
from eventstudy.report.moves import Move, Share, Variant
from eventstudy.report.wording import SIDES, called, p_text, signed, span

# how rows of choices are called
ROWS = {
    "length": "{} days of history",
    "gap": "ends {} days before",
    ("model", "market-model"): "market alone",
    ("model", "multi-index"): "market and sector",
    ("masked", "yes"): "other news left out",
    ("masked", "no"): "kept in",
    ("returns", "simple"): "simple returns",
    ("returns", "log"): "log returns",
}


def choice_words(name: str, value: str) -> str:
    """What a row of the figure calls a choice."""
    pattern = ROWS.get((name, value)) or ROWS.get(name)
    return str(pattern).format(value) if pattern else f"{name} {value}".replace("model ", "")


def curve_figure(name: str, shares: Sequence[Share]) -> Figure | None:
    """A panel a share that has variants; None where none has."""
    known = [share for share in shares if share.whole.variants]
    if not known:
        return None
    bounds = [
        b for s in known for v in s.whole.variants for b in (v.own, *(max(-0.6, min(0.6, e)) for e in (v.low, v.high)))
    ]
    side = known[0].whole.side
    how = "far from zero" if side == "two-sided" else SIDES[side][1]
    marks = ticks(min([*finite(bounds), 0.0]), max([*finite(bounds), 0.0]), 4)
    return Figure(
        name=name,
        title="Own move under every choice",
        caption=(
            "Each upright line is one way to measure the same move: the dot is the own move in percent, the line its "
            f"interval, the dots below name the choices. Coloured: {called(side)} by that choice. "
            f"Ringed: the usual choices. p of the curve: how often the same curve on an ordinary day lies as {how}."
        ),
        panels=tuple(_panel(s.name, s.ticker, s.whole, marks, titled=len(shares) > 1) for s in known),
        data={
            "shares": {
                s.ticker: {
                    "own": [v.own for v in s.whole.variants],
                    "low": [v.low for v in s.whole.variants],
                    "high": [v.high for v in s.whole.variants],
                    "p": [v.p for v in s.whole.variants],
                    "choices": [" ".join(value for _, value in v.choices) for v in s.whole.variants],
                }
                for s in known
            }
        },
        columns=("share", "variants", called(side), "lowest", "highest", "usual choices", "p of the curve"),
        rows=tuple(
            (
                s.name,
                str(len(s.whole.variants)),
                str(s.whole.unusual),
                *_ends(s.whole),
                signed(s.whole.own),
                p_text(s.whole.joint),
            )
            for s in known
        ),
    )


def _ends(move: Move) -> tuple[str, str]:
    return signed(move.variants[0].own), signed(move.variants[-1].own)


def _panel(name: str, ticker: str, move: Move, marks: list[float], *, titled: bool) -> Panel:
    found, right, top, bottom = move.variants, 354.0, 40.0, 152.0
    y = Scale(marks[0], marks[-1], bottom, top)
    n = len(found)
    # whole units keep the page short: it holds a mark a variant and choice
    step = max(1.0, math.floor((right - 136.0) / n))
    left = right - 4 - n * step

    def x(k: int) -> float:
        return left + 2 + k * step + math.floor(step / 2)

    unusual = [v.p <= move.alpha + ROUNDING for v in found]
    choices = _choices(found)
    height = bottom + 30 + 13.4 * len(choices) + 18
    drawn: list[Mark] = [
        Label("t", 0, 13, name if titled else "Own move"),
        Label("r", right, 13, f"{move.unusual} of {n} variants: {called(move.side)}"),
        *(
            [Label("r", right, 28, f"the curve as a whole: p {p_text(move.joint)}")]
            if math.isfinite(move.joint)
            else []
        ),
        *rows_grid(y, marks, left, right, unit=" %"),
    ]
    for style, wanted, line, dot in (("bs", False, 1.0, 3.2), ("ow", True, 1.4, 3.6)):
        mine = [k for k in range(n) if unusual[k] == wanted]
        if mine:
            ends = tuple(
                segment(x(k), round(y(_end(found[k].low, -1))), x(k), round(y(_end(found[k].high, 1)))) for k in mine
            )
            drawn.append(Line(style, ends, width=line))
            drawn.append(Line(style, tuple(((x(k), y(found[k].own)),) for k in mine), width=dot))
    usual = next((k for k, v in enumerate(found) if v.usual), None)
    if usual is not None:
        drawn.append(Dot("ring", x(usual), y(found[usual].own), 5))
        drawn.append(Line("guide", (segment(x(usual), y(found[usual].own) + 6, x(usual), height - 16),)))
        # the words are about 165 wide
        side = "r" if x(usual) > right - 165 else ""
        drawn.append(
            Label(f"b {side}".strip(), x(usual), height - 3, f"the usual choices: {signed(found[usual].own, 1)}")
        )
    drawn += _rows(found, unusual, choices, x, left - 7, bottom + 30)
    return Panel(
        kind="spec-curve",
        label=f"{name}: own move under {n} variants, {span(found[0].own, found[-1].own)}; {move.unusual} call it "
        f"{called(move.side)}.",
        width=360,
        height=height,
        marks=tuple(drawn),
        data={
            "own": f"{move.own:.6f}",
            "band": listed_data([found[0].own, found[-1].own]),
            "outside": str(move.unusual),
            "variants": str(n),
            "joint": f"{move.joint:.6f}",
            "ticker": ticker,
        },
    )


def _rows(
    found: Sequence[Variant],
    unusual: Sequence[bool],
    choices: Sequence[tuple[str, str]],
    x: Callable[[int], float],
    words: float,
    top: float,
) -> list[Mark]:
    """A row a choice: its words to the left of ``words``, and a dot under each variant that made it."""
    rows = [(top + 13.4 * r, *choice) for r, choice in enumerate(choices)]
    drawn: list[Mark] = [Label("r s", words, at + 4, choice_words(choice, value)) for at, choice, value in rows]
    has = [dict(v.choices) for v in found]
    for style, wanted in (("bs", False), ("ow", True)):
        spots = tuple(
            ((x(k), at),)
            for at, choice, value in rows
            for k in range(len(found))
            if unusual[k] == wanted and has[k].get(choice) == value
        )
        if spots:
            drawn.append(Line(style, spots, width=2.4))
    return drawn


def _end(value: float, side: int) -> float:
    return value if math.isfinite(value) else side * math.inf


def _choices(found: Sequence[Variant]) -> list[tuple[str, str]]:
    """Every choice that varies, in order of first appearance; numbers by size."""
    values: dict[str, list[str]] = {}
    for v in found:
        for name, value in v.choices:
            if value not in values.setdefault(name, []):
                values[name].append(value)
    rows = []
    for name, mine in values.items():
        if len(mine) > 1:
            numeric = all(value.isdigit() for value in mine)
            rows += [(name, value) for value in (sorted(mine, key=int) if numeric else sorted(mine))]
    return rows

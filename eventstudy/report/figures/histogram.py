"""Ordinary days of a share with the event marked; and the moves of many events against ordinary ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventstudy.report.figures.marks import Figure, Label, Line, Mark, Panel, box, listed_data, segment
from eventstudy.report.figures.scale import Scale, ticks
from eventstudy.report.moves import Share
from eventstudy.report.sentences import frequency
from eventstudy.report.wording import SIDES, day_words, signed, upper

BINS = 24


def ordinary_figure(name: str, shares: Sequence[Share], ordinary: Sequence[np.ndarray]) -> Figure | None:
    """A panel a share whose own move is ranked among ordinary days; None where none is."""
    known = [(share, days) for share, days in zip(shares, ordinary, strict=True) if len(days) and share.whole.ordinary]
    if not known:
        return None
    side = known[0][0].whole.side
    how = "far from zero" if side == "two-sided" else SIDES[side][1]
    noun = "days" if known[0][0].days == 1 else f"spans of {known[0][0].days} days"
    return Figure(
        name=name,
        title="Own move on ordinary days",
        caption=(
            f"Ordinary {noun} of the share, each measured against the 20 sessions before it and put on the scale of "
            f"the event. Dark: at least as {how} as the event."
        ),
        panels=tuple(_panel(share, days, titled=len(shares) > 1) for share, days in known),
        data={"shares": {share.ticker: {"own": share.whole.own, "ordinary": days.tolist()} for share, days in known}},
        columns=("share", "own move", "ordinary days", f"went as {SIDES[side][1]}", "p"),
        rows=tuple(
            (s.name, signed(s.whole.own), str(s.whole.ordinary), str(s.whole.as_far), f"{s.whole.p:.3g}")
            for s, _ in known
        ),
    )


def as_far_as(own: float, days: np.ndarray, side: str) -> np.ndarray:
    """Ordinary days at least as far from zero as an own move, or as far below or above it."""
    size = {"two-sided": np.abs, "less": np.negative, "greater": np.positive}[side]
    return np.asarray(size(days) >= size(own) - 1e-9 * abs(own))


def _panel(share: Share, days: np.ndarray, *, titled: bool) -> Panel:
    own, left, right, top, bottom = share.whole.own, 6.0, 354.0, 50.0, 140.0
    reach = max(float(np.quantile(np.abs(days), 0.995)), abs(own)) * 1.08
    edges = np.linspace(-reach, reach, BINS + 1)
    held = np.clip(days, -reach * 0.999, reach * 0.999)
    far = as_far_as(own, days, share.whole.side)
    all_counts, far_counts = (np.histogram(values, edges)[0] for values in (held, held[far]))
    x = Scale(-reach, reach, left, right)
    y = Scale(0.0, float(all_counts.max()), bottom, top)
    wide = (right - left) / BINS - 1
    boxes: dict[str, list[tuple[tuple[float, float], ...]]] = {"far": [], "near": []}
    for k in range(BINS):
        below, whole = int(far_counts[k]), int(all_counts[k])
        at = x(edges[k]) + 0.5
        if below:
            boxes["far"].append(box(at, y(below), wide, bottom - y(below)))
        if whole > below:
            boxes["near"].append(box(at, y(whole), wide, y(below) - y(whole)))
    heading = share.name if titled else "Own move on ordinary days"
    drawn: list[Mark] = [Label("t", 0, 13, heading), Label("", 0, 29, upper(frequency(share.whole)))]
    drawn += [Line(style, tuple(parts), closed=True) for style, parts in boxes.items() if parts]
    drawn.append(Line("axis", (segment(left, bottom, right, bottom),)))
    inner = [v for v in ticks(-reach, reach, 5) if abs(v) <= reach * 0.95]
    drawn += [Label("m", x(v), bottom + 15, "0" if not v else f"{100 * v:+g} %") for v in inner]
    drawn.append(Line("ow" if share.whole.outside else "in", (segment(x(own), 38, x(own), bottom),), width=2.0))
    text = f"{day_words(share.day0, year=False)}: {signed(own, 1)}"
    style = "o" if share.whole.outside else "b"
    late = x(own) > 220
    drawn.append(Label(f"{style} r" if late else style, x(own) + (-5 if late else 5), 46, text))
    return Panel(
        kind="placebo",
        label=f"{share.name}: {frequency(share.whole)} as {signed(own, 1)}.",
        width=360,
        height=160,
        marks=tuple(drawn),
        data={
            "own": f"{own:.6f}",
            "band": listed_data(share.whole.band),
            "outside": str(int(share.whole.outside)),
            "days": str(len(days)),
            "as-far": str(int(far.sum())),
            "ticker": share.ticker,
        },
    )


def distribution_figure(moves: np.ndarray, ordinary: np.ndarray, outside: int, days: int) -> Figure:
    """How often each size occurred among many events (bars), and on ordinary spans of the same shares (line)."""
    left, right, top, bottom = 6.0, 354.0, 44.0, 230.0
    reach = max(float(np.quantile(np.abs(moves), 0.98)), 1e-4)
    reach = float(ticks(0.0, reach, 2)[-1])
    edges = np.linspace(-reach, reach, 21)
    width = (right - left) / 20
    shares = np.histogram(np.clip(moves, -reach * 0.999, reach * 0.999), edges)[0] / len(moves)
    usual = np.histogram(np.clip(ordinary, -reach * 0.999, reach * 0.999), edges)[0] / max(len(ordinary), 1)
    x, y = Scale(-reach, reach, left, right), Scale(0.0, float(max(shares.max(), usual.max())), bottom, top)
    bars = tuple(box(x(edges[k]) + 0.5, y(shares[k]), width - 1, bottom - y(shares[k])) for k in range(20) if shares[k])
    drawn: list[Mark] = [
        Label("t", 0, 13, "Own move" if days == 1 else f"Own move over {days} days"),
        Label("", 0, 29, "bars: events; line: ordinary days" if len(ordinary) else "bars: events"),
        Line("far", bars, closed=True),
    ]
    if len(ordinary):
        steps = [(x(edges[k + side]), y(usual[k])) for k in range(20) for side in (0, 1)]
        drawn.append(Line("usual", (((left, bottom), *steps, (right, bottom)),)))
    drawn.append(Line("axis", (segment(left, bottom, right, bottom),)))
    labels = [-reach, -reach / 2, 0.0, reach / 2, reach]
    styles = ["", "m", "m", "m", "r"]
    drawn += [
        Label(style, x(v), bottom + 15, "0" if not v else f"{100 * v:+g} %")
        for v, style in zip(labels, styles, strict=True)
    ]
    rose = int((moves > 0).sum())
    drawn += [
        Label("b r", right, 58, f"{rose:,} of {len(moves):,}"),
        Label("r", right, 73, f"rose, {100 * rose / len(moves):.0f} %"),
        Label("", left, bottom + 30, "the outer bars hold everything beyond"),
    ]
    typical, base = float(np.median(np.abs(moves))), float(np.median(np.abs(ordinary))) if len(ordinary) else np.nan
    return Figure(
        name="distribution",
        title="Own moves of all events against ordinary days",
        caption="How often each size occurred: events as bars, ordinary days of the same shares as a line.",
        panels=(
            Panel(
                kind="car-distribution",
                label=f"{rose:,} of {len(moves):,} events rose. Typical size {100 * typical:.1f} %.",
                width=360,
                height=262,
                marks=tuple(drawn),
                data={
                    "own": f"{typical:.6f}",
                    "band": f"{base:.6f}",
                    "outside": str(outside),
                    "n": str(len(moves)),
                    "positive": str(rose),
                },
            ),
        ),
        data={"edges": edges.tolist(), "events": shares.tolist(), "ordinary": usual.tolist()},
        columns=("own move from", "to", "events", "ordinary days"),
        rows=tuple(
            (signed(edges[k], 1), signed(edges[k + 1], 1), f"{100 * shares[k]:.1f} %", f"{100 * usual[k]:.1f} %")
            for k in range(20)
        ),
    )

"""``share.png``: the finding of an announcement for a link to its page, 1200 x 630."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from eventstudy.report.escape import clean
from eventstudy.report.figures.raster import canvas, finished
from eventstudy.report.figures.styles import LIGHT
from eventstudy.report.moves import Share
from eventstudy.report.sentences import expects, printed
from eventstudy.report.wording import signed

WIDTH, HEIGHT = 1200, 630
# points of a pixel
POINT = 0.72
MOST = 4


def share_png(title: str, shares: Sequence[Share]) -> bytes:
    """The title, and for each share what the market explains and what is its own as a bar, with the opening at the
    right; brown is unusual in nine of ten variants, an outline is not."""
    with canvas(WIDTH / 100, HEIGHT / 100) as page:
        from matplotlib.patches import Rectangle

        axes = page.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(HEIGHT, 0)
        axes.axis("off")
        lines = textwrap.wrap(clean(title), 42)
        size = 40.0 if len(lines) <= 3 else 32.0
        lines = lines if len(lines) <= 3 else textwrap.wrap(clean(title), 54)[:4]
        at = 96.0
        for line in lines:
            axes.text(64, at, line, fontsize=size * POINT, color=LIGHT["ink"], fontweight="bold", family="serif")
            at += size * 1.3
        some = [s for s in shares if math.isfinite(s.whole.own)][:MOST]
        top, step = max(at + 30, 300.0), 74.0
        opened = [s for s in some if s.opening is not None]
        _text(axes, 230, top - 20, "move by the close, in two parts", 21, "soft")
        if opened:
            _text(axes, 1136, top - 20, "own move at the opening", 21, "soft", ha="right")
        full = max((abs(s.whole.market) + abs(s.whole.own) for s in some if math.isfinite(s.whole.market)), default=1.0)
        unit = 560 / full
        for k, share in enumerate(some):
            if top + step * k + 46 > 552:
                break
            _row(axes, share, top + step * k, unit, Rectangle)
        axes.plot([64, 1136], [562, 562], color=LIGHT["rule"], linewidth=1.5)
        _text(
            axes,
            64,
            596,
            "Brown: unusual in nine of ten ways to measure it, or more. Outlined: not so. eventstudy",
            20,
            "soft",
        )
        return finished(page, "png", 100.0)


def _row(axes: Any, share: Share, y: float, unit: float, rectangle: Any) -> None:
    _text(axes, 64, y + 34, share.name[:12], 27, "ink")
    moved, market, own = printed(share.whole, 1)
    what = expects([share])
    unusual = share.whole.verdict == "unusual"
    x = 230.0
    if math.isfinite(moved):
        wide = unit * abs(market) / 100
        axes.add_patch(rectangle((x, y), wide, 46, facecolor=LIGHT["mkt"], edgecolor="none"))
        text = f"{what} {market:+.1f} %"
        inside = wide > 190
        if inside:
            _text(axes, x + 14, y + 31, text, 21, "ink")
        x += wide + 3
    wide = max(unit * abs(own) / 100, 4.0)
    face, edge = (LIGHT["own"], "none") if unusual else ("none", LIGHT["ink"])
    axes.add_patch(rectangle((x, y + 1.5), wide, 43, facecolor=face, edgecolor=edge, linewidth=2.4))
    text = (
        f"own {own:+.1f} %"
        if math.isfinite(moved) and unit * abs(market) / 100 > 190
        else (f"own {own:+.1f} %, {what} {market:+.1f} %")
    )
    _text(axes, x + wide + 14, y + 31, text, 21, "own" if unusual else "ink")
    if share.opening is not None:
        mark = share.opening.verdict == "unusual"
        _text(axes, 1136, y + 33, signed(share.opening.own, 1), 23, "own" if mark else "soft", ha="right")


def _text(axes: Any, x: float, y: float, text: str, size: float, colour: str, ha: str = "left") -> None:
    """A line; what is soft is not bold."""
    shown = text.replace("-", "\u2212") if any(c.isdigit() for c in text) and "%" in text else text
    weight = "normal" if colour == "soft" else "bold"
    axes.text(x, y, shown, fontsize=size * POINT, color=LIGHT[colour], fontweight=weight, ha=ha, family="sans-serif")

"""Styles of marks: the one place for colours and widths, read by pages, by SVG files and by Matplotlib.

Brown and blue-grey stay distinct with every common colour blindness, and differ in lightness; colour is never
alone: what lies outside its band is also thick, filled or bold.
"""

from __future__ import annotations

from dataclasses import dataclass

LIGHT = {
    "paper": "#fff", "ink": "#15181c", "soft": "#555e68", "rule": "#d9dee3", "wash": "#f4f6f8", "band": "#dfe7ee",
    "exp": "#56697b", "own": "#983505", "mkt": "#8194a6", "bar": "#8091a1", "link": "#0b5794",
}  # fmt: skip
DARK = {
    "paper": "#14171a", "ink": "#e8eaec", "soft": "#a7b0b9", "rule": "#363d44", "wash": "#1c2126", "band": "#2b363f",
    "exp": "#9db1c2", "own": "#ff9d63", "mkt": "#61788b", "bar": "#647a8c", "link": "#8fc3f2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """How a mark looks: names of colours, empty for none."""

    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    dash: str = ""
    round: bool = False


STYLES = {
    "band": Style(fill="band"),
    "night": Style(fill="wash"),
    "grid": Style(stroke="rule"),
    "axis": Style(stroke="soft"),
    "guide": Style(stroke="soft", dash="2 3"),
    "act": Style(stroke="ink", width=2.0),
    "expl": Style(stroke="exp", width=1.6, dash="4 3"),
    "usual": Style(stroke="exp", width=1.6),
    "hit": Style(fill="own"),
    "calm": Style(fill="bar"),
    "day0": Style(fill="ink"),
    "mk": Style(fill="mkt"),
    "hole": Style(fill="paper", stroke="ink", width=1.6),
    "ring": Style(stroke="ink", width=1.8),
    "near": Style(fill="band", stroke="mkt", width=0.6),
    "far": Style(fill="bar"),
    "ow": Style(stroke="own", round=True),
    "in": Style(stroke="ink", round=True),
    "bs": Style(stroke="bar", round=True),
}
# size, bold, colour of labels: the most particular name decides
SIZES = {"t": 14.0, "s": 11.0}
BOLD = frozenset("tbo")
LABELS = {"t": "ink", "i": "ink", "b": "ink", "o": "own", "e": "exp"}
SANS = '-apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif'


def _rules() -> str:
    found = []
    for name, style in STYLES.items():
        parts = [f"fill:{f'var(--{style.fill})' if style.fill else 'none'}"]
        if style.stroke:
            parts.append(f"stroke:var(--{style.stroke})")
            parts += [f"stroke-width:{style.width:g}"] if style.width != 1.0 else []
        parts += [f"stroke-dasharray:{style.dash}"] if style.dash else []
        parts += ["stroke-linecap:round"] if style.round else ["stroke-linejoin:round"] if name == "act" else []
        found.append(f"svg .{name}{{{';'.join(parts)}}}")
    found.append("svg text{font:12px var(--sans);fill:var(--soft);font-variant-numeric:tabular-nums}")
    found += [f"svg .{name}{{font-size:{size:g}px}}" for name, size in SIZES.items()]
    found += [f"svg text.{name}{{fill:var(--{colour})}}" for name, colour in LABELS.items()]
    found += [f"svg text.{name}{{font-weight:600}}" for name in sorted(BOLD)]
    found.append("svg .m{text-anchor:middle}svg .r{text-anchor:end}")
    return "".join(found)


def _colours(names: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in names.items())


# how marks look on a page, and in a file of their own
MARKS = _rules()
COLOURS = (
    f":root{{color-scheme:light dark;{_colours(LIGHT)};--sans:{SANS}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}"
)
FILE_STYLE = f":root{{{_colours(LIGHT)};--sans:{SANS};background:#fff}}{MARKS}"

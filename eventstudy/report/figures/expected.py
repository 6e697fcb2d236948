"""Actual against expected: the price around day 0, what the market explains, and the own moves between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from eventstudy.evaluate.around import Around
from eventstudy.report.figures.marks import Dot, Figure, Label, Line, Mark, Panel, box, listed_data, segment
from eventstudy.report.figures.scale import Scale, finite, ticks
from eventstudy.report.moves import Share
from eventstudy.report.sentences import expects
from eventstudy.report.wording import day_words, plain, rounded, signed, span

BEFORE, AFTER = 3, 3


def levels(around: Around, row: int, share: Share, *, log: bool) -> list[dict[str, float]]:
    """Closes from day -3 to the end of the window or day +3, 100 at the close before day 0: actual, expected, and the
    band; expected and band from the close before onward. The gap between actual and expected is the own move added up,
    as tables have it.

    Returns
    -------
    list of dict
        ``day``, ``actual``, ``expected``, ``low``, ``high``; NaN where unknown.
    """
    days = around.days.tolist()
    at = {day: k for k, day in enumerate(days)}
    found: list[dict[str, float]] = [_level(-1, 100.0, 100.0, 100.0, 100.0)]
    level = 100.0
    for day in range(-1, -BEFORE, -1):
        moved = around.moved[row, at[day]] if day in at else math.nan
        if not math.isfinite(moved):
            break
        level /= math.exp(moved) if log else 1 + moved
        found.insert(0, _level(day - 1, level))
    level = 100.0
    for day in range(max(AFTER, share.window.end) + 1):
        moved = around.moved[row, at[day]] if day in at else math.nan
        if not math.isfinite(moved):
            break
        level *= math.exp(moved) if log else 1 + moved
        own, half = 100 * around.added[row, at[day]], 100 * around.added_half[row, at[day]]
        low, high = -half, half
        if (share.window.start, share.window.end) == (0, day):
            low, high = (100 * bound for bound in share.whole.band)
        expected = level - own
        found.append(_level(day, level, expected, expected + low, expected + high))
    return found


def _level(
    day: int, actual: float, expected: float = math.nan, low: float = math.nan, high: float = math.nan
) -> dict[str, float]:
    return {"day": day, "actual": actual, "expected": expected, "low": low, "high": high}


def expected_figure(name: str, shares: Sequence[Share], rows: Sequence[int], around: Around, *, log: bool) -> Figure:
    """A panel a share on one scale.

    Parameters
    ----------
    shares : sequence of Share
        Of one session.
    rows : sequence of int
        Row of each share in ``around``.
    log : bool
        Whether returns are logarithmic.
    """
    paths = [levels(around, row, share, log=log) for share, row in zip(shares, rows, strict=True)]
    openings = [_opening(share) for share in shares]
    every = [p[key] for path in paths for p in path for key in ("actual", "expected")]
    every += [o[key] for o in openings if o for key in ("actual", "expected")]
    near = [
        p[key] for path in paths for p in path for key in ("low", "high") if math.isfinite(p[key]) and p["day"] <= 0
    ]
    marks = ticks(min(finite([*every, *near])), max(finite([*every, *near])), 5)
    single = len(shares) == 1
    panels = tuple(
        _panel(share, path, opening, marks, single=single)
        for share, path, opening in zip(shares, paths, openings, strict=True)
    )
    what, day, share_words = expects(shares), day_words(shares[0].day0), f"{100 * (1 - shares[0].whole.alpha):g} of 100"
    columns = ("share", "close", "actual", "expected", "an ordinary day from", "to")
    return Figure(
        name=name,
        title=f"Price against what the {what} explains around {day}",
        caption=(
            f"{f'{shares[0].name}, c' if single else 'C'}lose before {day} = 100. Dashed: what the {what} explains. "
            f"Shaded: where {share_words} ordinary nights, then days, would end. Upright bars: own moves, thick and "
            "coloured where they leave the band."
        ),
        panels=panels,
        data={"day0": shares[0].day0, "shares": {s.ticker: p for s, p in zip(shares, paths, strict=True)}},
        columns=columns,
        rows=tuple(_numbers(shares, paths, openings)),
    )


def _numbers(
    shares: Sequence[Share], paths: Sequence[list[dict[str, float]]], openings: Sequence[dict[str, float] | None]
) -> list[tuple[str, ...]]:
    rows = []
    for share, path, opening in zip(shares, paths, openings, strict=True):
        for point in [*([{**opening, "day": math.nan}] if opening else []), *path]:
            day = "opening" if math.isnan(point["day"]) else f"{point['day']:+.0f}" if point["day"] else "0"
            cells = [_one(point[key]) for key in ("actual", "expected", "low", "high")]
            rows.append((share.name, day, *cells))
    return rows


def _one(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def _opening(share: Share) -> dict[str, float] | None:
    move = share.opening
    if move is None:
        return None
    expected = 100 * (1 + move.market)
    low, high = (expected + 100 * bound for bound in move.band)
    return {"actual": 100 * (1 + move.moved), "expected": expected, "low": low, "high": high}


def _panel(
    share: Share, path: list[dict[str, float]], opening: dict[str, float] | None, marks: list[float], *, single: bool
) -> Panel:
    width, height, left, right, top, bottom = (
        (440.0, 290.0, 28.0, 382.0, 14.0, 254.0) if single else (360.0, 236.0, 28.0, 302.0, 38.0, 200.0)
    )
    y = Scale(marks[0], marks[-1], bottom, top)
    first, last = path[0]["day"], path[-1]["day"]
    # day 0 has two places: its opening and its close
    line = Scale(first - 0.15, max(last, 1) + 1.2, left, right)

    def x(day: float) -> float:
        return line(day if day < 0 else day + 1)

    night = line(0.0)
    drawn: list[Mark] = []
    if opening is not None:
        drawn.append(Line("night", (box(x(-1), top, night - x(-1), bottom - top),), closed=True))
    drawn.append(Line("grid", tuple(segment(left, y(v), right, y(v)) for v in marks)))
    drawn += [Label("r", left - 5, y(v) + 4, f"{v:g}") for v in marks]
    stations = _stations(path, opening, x, night)
    band = [(at, y(p["high"]), y(p["low"])) for at, p in stations if not math.isnan(p["high"])]
    if len(band) > 1:
        around = (*((at, up) for at, up, _ in band), *((at, down) for at, _, down in reversed(band)))
        drawn.insert(0, Line("band", (tuple(around),), closed=True))
    dashed = tuple((at, y(p["expected"])) for at, p in stations if math.isfinite(p["expected"]))
    solid = tuple((at, y(p["actual"])) for at, p in _all_points(path, opening, x, night))
    drawn += [Line("expl", (dashed,)), Line("act", (solid,))]
    drawn += _bars(share, path, opening, x, y, night)
    drawn += _axis_labels(share, path, opening, x, night, bottom)
    end_actual, end_expected = solid[-1], dashed[-1]
    apart = 7.0 if abs(end_actual[1] - end_expected[1]) < 13 else 0.0
    up = -1 if end_actual[1] <= end_expected[1] else 1
    drawn.append(Label("i", end_actual[0] + 5, end_actual[1] + 4 + up * apart, "actual"))
    drawn.append(Label("e", end_expected[0] + 5, end_expected[1] + 4 - up * apart, "expected"))
    if not single:
        moved = rounded(share.whole.moved, 1)
        words = f"{'rose' if moved > 0 else 'fell'} {plain(moved, 1)} %" if moved else "did not move"
        drawn.append(Label("t", 0, 13, share.name))
        drawn.append(Label("", 0, 30, f"{words.capitalize()}, own move {signed(share.whole.own, 1)}"))
    return Panel(
        kind="actual-expected",
        label=_label(share),
        width=width,
        height=height,
        marks=tuple(drawn),
        data=_data(share),
    )


def _label(share: Share) -> str:
    said = [f"{share.name}: price against what the {expects([share])} explains."]
    for move, words in ((share.opening, "At the opening"), (share.whole, "At the close")):
        if move is not None:
            place = "outside" if move.outside else "inside"
            said.append(f"{words} own move {signed(move.own)}, {place} the band {span(*move.band)}.")
    return " ".join(said)


def _data(share: Share) -> dict[str, str]:
    data = {
        "own": f"{share.whole.own:.6f}",
        "band": listed_data(share.whole.band),
        "outside": str(int(share.whole.outside)),
        "ticker": share.ticker,
    }
    if share.opening is not None:
        data |= {
            "open-own": f"{share.opening.own:.6f}",
            "open-band": listed_data(share.opening.band),
            "open-outside": str(int(share.opening.outside)),
        }
    return data


def _stations(
    path: list[dict[str, float]], opening: dict[str, float] | None, x: Callable[[float], float], night: float
) -> list[tuple[float, dict[str, float]]]:
    """The points where expected and band are drawn: the close before, the opening, and the closes from day 0."""
    found = [(x(p["day"]), p) for p in path if p["day"] >= -1]
    return [found[0], (night, opening), *found[1:]] if opening is not None and len(found) > 1 else found


def _all_points(
    path: list[dict[str, float]], opening: dict[str, float] | None, x: Callable[[float], float], night: float
) -> list[tuple[float, dict[str, float]]]:
    points = [(x(p["day"]), p) for p in path]
    return sorted([*points, (night, opening)], key=lambda item: item[0]) if opening is not None else points


def _bars(
    share: Share,
    path: list[dict[str, float]],
    opening: dict[str, float] | None,
    x: Callable[[float], float],
    y: Scale,
    night: float,
) -> list[Mark]:
    drawn: list[Mark] = []
    end = next((p for p in path if p["day"] == share.window.end), None)
    spots = [
        (share.opening, opening, night, False),
        (share.whole if share.window.start == 0 else None, end, None, True),
    ]
    for move, point, at, after in spots:
        if move is None or point is None or not math.isfinite(point["expected"]):
            continue
        place = x(point["day"]) if at is None else at
        low, high = y(point["actual"]), y(point["expected"])
        style, width = ("ow", 3.0) if move.outside else ("in", 1.2)
        drawn.append(Line(style, (segment(place, low, place, high),), width=width))
        title = f"own move {signed(move.own)}; ordinary {span(*move.band)}"
        drawn.append(Dot("hit" if move.outside else "hole", place, low, 3.5, title))
        text = signed(move.own, 1).removesuffix(" %")
        mark = "o" if move.outside else "b"
        beyond = high - 6 if low > high else high + 14
        drawn.append(
            Label(f"{mark} m", place + 4, beyond, text) if after else Label(f"{mark} r", place - 6, low + 4, text)
        )
    return drawn


def _axis_labels(
    share: Share,
    path: list[dict[str, float]],
    opening: dict[str, float] | None,
    x: Callable[[float], float],
    night: float,
    bottom: float,
) -> list[Mark]:
    first, last = path[0]["day"], path[-1]["day"]
    drawn: list[Mark] = [Label("m", x(0), bottom + 15, "close")]
    if opening is not None:
        drawn.append(Label("m", night, bottom + 15, "open"))
        drawn.append(Label("m", (x(-1) + night) / 2, bottom - 6, "night"))
    drawn.append(Label("b m", (x(0) + night) / 2, bottom + 31, day_words(share.day0, year=False)))
    if first < -1:
        drawn.append(Label("m", max(x(first), 14.0), bottom + 15, f"{first:+.0f}"))
    if last > 0:
        drawn.append(Label("m", x(last), bottom + 15, f"{last:+.0f} days" if last > 1 else "+1 day"))
    return drawn

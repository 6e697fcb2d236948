"""The estimation of one row: its returns against the market's, the fitted line, and where the event stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eventstudy.report.figures.style import BLUE, GRID, INK, MUTED, VERMILION, Figure, canvas, finish
from eventstudy.report.words import NOTHING, figure_name, number, percent, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
# more days of the event would hide each other's names
MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimation:
    """What a regression on one regressor saw, decimals of return.

    Attributes
    ----------
    event_id, ticker, market : str
        ``market`` names the regressor.
    excess : bool
        Whether returns are less the risk-free return.
    x, y : float64 (n,)
        The regressor and the firm on the sessions that were used.
    alpha, beta, r_squared, sigma : float
        ``r_squared`` is NaN where nothing was estimated.
    spread : float64 (p, p)
        (X'X)^-1, the intercept first where there is one; empty where nothing was estimated.
    quantile : float
        Half-width of the band in standard errors of a prediction; NaN draws none.
    level : float
    days : tuple of int
        Days of the primary window that have a return.
    event_x, event_y : float64 (days,)
    """

    event_id: str
    ticker: str
    market: str
    excess: bool
    x: Floats
    y: Floats
    alpha: float
    beta: float
    r_squared: float
    sigma: float
    spread: Floats
    quantile: float
    level: float
    days: tuple[int, ...]
    event_x: Floats
    event_y: Floats

    def line(self, x: Floats) -> Floats:
        """Expected returns of one session."""
        return np.asarray(self.alpha + self.beta * x)

    def half_band(self, x: Floats) -> Floats:
        """Half-width of what an ordinary session keeps to: exact prediction error (methods 2.1)."""
        p = len(self.spread)
        row = np.stack([np.ones_like(x), x], axis=1)[:, 2 - p :] if p else np.empty((len(x), 0))
        error = np.sqrt(1 + np.einsum("np,pq,nq->n", row, self.spread, row))
        return np.asarray(self.quantile * self.sigma * error)


def scatter(seen: Estimation) -> Figure:
    """Dots for the estimation sessions, the fitted line with its band, the days of the primary window marked."""
    from matplotlib.ticker import PercentFormatter

    with canvas(5.6, 3.6) as figure:
        axes = figure.subplots()
        _dots(axes, seen.x, seen.y)
        everything = np.append(seen.x, seen.event_x)
        along = np.linspace(everything.min(), everything.max(), 25)
        if np.isfinite(seen.quantile):
            middle, half = seen.line(along), seen.half_band(along)
            axes.fill_between(along, middle - half, middle + half, color=MUTED, alpha=0.12, linewidth=0)
        axes.plot(along, seen.line(along), color=INK, linewidth=1.4)
        _mark_days(axes, seen)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.axvline(0, color=GRID, linewidth=0.8, zorder=0.6)
        axes.set_title(f"{seen.ticker}: {len(seen.x)} sessions of estimation")
        axes.set_xlabel(f"return of {seen.market}")
        axes.set_ylabel(f"{'excess ' * seen.excess}return of {seen.ticker}")
        return finish(
            figure,
            figure_name("scatter", seen.event_id, seen.ticker),
            f"{seen.event_id}: {seen.ticker} against {seen.market}",
            _description(seen),
            _data(seen),
            ("of the line", "value"),
            _rows(seen),
        )


def _dots(axes: Axes, x: Floats, y: Floats) -> None:
    """All sessions as one path of dots, a tenth of the text that a marker each would take."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    # a third of a point: of a shorter stroke the renderer of the PNG leaves nothing
    hair = 5e-4 * (float(np.ptp(x)) or 1.0)
    vertices = np.stack([np.stack([x - hair, x + hair], axis=1), np.stack([y, y], axis=1)], axis=2).reshape(-1, 2)
    path = Path(vertices, [Path.MOVETO, Path.LINETO] * len(x))
    path.should_simplify = False
    axes.add_patch(PathPatch(path, fill=False, edgecolor=BLUE, alpha=0.45, linewidth=3.6, capstyle="round"))
    axes.autoscale_view()


def _mark_days(axes: Axes, seen: Estimation) -> None:
    middle = float(np.mean(axes.get_xlim()))
    for day, x, y in zip(seen.days, seen.event_x, seen.event_y, strict=True):
        main = day == 0
        axes.plot(
            [x],
            [y],
            "D",
            color=VERMILION,
            markersize=7 if main else 5,
            markerfacecolor=VERMILION if main else "none",
            linestyle="none",
        )
        if main or len(seen.days) <= MOST_NAMED:
            side = "right" if x > middle else "left"
            axes.annotate(
                f"day {day:+d}" if day else "day 0",
                (x, y),
                xytext=(-8 if side == "right" else 8, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                color=VERMILION,
                fontweight="bold" if main else "normal",
            )


def _description(seen: Estimation) -> str:
    what = "Excess return" if seen.excess else "Return"
    told = (
        f"{what} of {seen.ticker} against {seen.market} on the {len(seen.x)} sessions of the estimation window of "
        f"{seen.event_id}, with the line of the model: alpha {percent(seen.alpha, 3)} a session, beta "
        f"{number(seen.beta)}."
    )
    if np.isfinite(seen.quantile):
        told += f" The band holds {100 * seen.level:g} % of ordinary sessions."
    if 0 in seen.days:
        x, y = _of_day_zero(seen)
        told += f" On day 0 {seen.market} returned {percent(x)} and {seen.ticker} {percent(y)}."
    return told


def _of_day_zero(seen: Estimation) -> tuple[float, float]:
    at = seen.days.index(0)
    return float(seen.event_x[at]), float(seen.event_y[at])


def _rows(seen: Estimation) -> tuple[tuple[str, str], ...]:
    rows = [
        ("alpha, a session", percent(seen.alpha, 3)),
        ("beta", number(seen.beta)),
        ("R squared", number(seen.r_squared)),
        ("sigma, a session", size(seen.sigma, 2)),
        ("sessions", str(len(seen.x))),
    ]
    for day, x, y in zip(seen.days, seen.event_x, seen.event_y, strict=True):
        name = f"day {day:+d}" if day else "day 0"
        expected = float(seen.line(np.array([x]))[0])
        rows += [
            (f"{name}: {seen.market}", percent(x)),
            (f"{name}: {seen.ticker}", percent(y)),
            (f"{name}: on the line", percent(expected)),
            (f"{name}: off the line", percent(y - expected)),
        ]
    if not seen.days:
        rows.append(("days of the event with a return", NOTHING))
    return tuple(rows)


def _data(seen: Estimation) -> dict[str, Any]:
    return {
        "x": seen.x.tolist(),
        "y": seen.y.tolist(),
        "alpha": seen.alpha,
        "beta": seen.beta,
        "r_squared": seen.r_squared if np.isfinite(seen.r_squared) else None,
        "sigma": seen.sigma,
        "days": list(seen.days),
        "event_x": seen.event_x.tolist(),
        "event_y": seen.event_y.tolist(),
    }

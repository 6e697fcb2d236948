"""The event among the same firm's own uneventful sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eventstudy.report.figures.style import MUTED, VERMILION, Figure, canvas, finish
from eventstudy.report.words import figure_name, number, p_value

QUANTILES = {"smallest": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "largest": 1.0}


def placebo(event_id: str, ticker: str, t_values: NDArray[np.float64], t_observed: float, p: float, n: int) -> Figure:
    """Histogram of the pseudo-events' t with the event's own marked.

    Parameters
    ----------
    event_id, ticker : str
    t_values : float64 (n,)
    t_observed, p : float
    n : int
        Pseudo-events.
    """
    low, high = min(float(t_values.min()), t_observed) - 0.3, max(float(t_values.max()), t_observed) + 0.3
    edges = np.linspace(low, high, 31)
    counts, _ = np.histogram(t_values, bins=edges)
    with canvas(5.6, 3.0) as figure:
        axes = figure.subplots()
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=MUTED, alpha=0.55, linewidth=0)
        axes.axvline(t_observed, color=VERMILION, linewidth=2.2)
        side = "right" if t_observed > (low + high) / 2 else "left"
        axes.annotate(
            f"the event: t = {t_observed:.2f}\np = {p_value(p)}",
            (t_observed, 1.32 * counts.max()),
            xytext=(-6 if side == "right" else 6, 0),
            textcoords="offset points",
            ha=side,
            va="top",
            color=VERMILION,
            fontweight="bold",
        )
        axes.set_ylim(0, 1.35 * counts.max())
        axes.set_title(f"{ticker}: {n} uneventful sessions")
        axes.set_xlabel("t of the abnormal return")
        axes.set_ylabel("sessions")
        description = f"{ticker}'s t on {n} sessions without a catalogued event; {event_id} has {t_observed:.2f}."
        data = {"counts": counts.tolist(), "edges": edges.tolist(), "t": t_observed, "p": p, "n": n}
        title = f"{event_id} among {ticker}'s own sessions"
        return finish(
            figure,
            figure_name("placebo", event_id, ticker),
            title,
            description,
            data,
            ("of the uneventful sessions", "t"),
            _rows(t_values, t_observed, p, n),
        )


def _rows(t_values: NDArray[np.float64], t_observed: float, p: float, n: int) -> tuple[tuple[str, str], ...]:
    """Quantiles, the event's own t and its place among all of them, from the smallest."""
    return (
        *((name, number(float(np.quantile(t_values, at)), 2)) for name, at in QUANTILES.items()),
        ("the event", number(t_observed, 2)),
        ("its place, from the smallest", f"{int((t_values < t_observed).sum()) + 1} of {len(t_values) + 1}"),
        ("p, as the test counts", p_value(p)),
        ("sessions", str(n)),
    )

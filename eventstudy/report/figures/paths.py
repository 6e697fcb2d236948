"""The CAR path of one announcement, a panel a ticker, with the bands that days and whole paths keep to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from eventstudy.report.figures.style import COLOURS, INK, MARKERS, Figure, canvas, finish, percent_axis
from eventstudy.report.words import percent

if TYPE_CHECKING:
    from eventstudy.evaluate.bands import Bands


def car_path(event_id: str, title: str, rows: pd.DataFrame, level: float, bands: Mapping[str, Bands]) -> Figure:
    """CAR from the first day of the event window, around zero the bands that an ordinary path keeps to:
    the dark one at each session, the light one as a whole.

    Parameters
    ----------
    event_id, title : str
    rows : DataFrame
        Lines of abnormal_returns.csv of this announcement.
    level : float
    bands : mapping
        Ticker -> half-widths of its bands in standard errors.
    """
    tickers = list(dict.fromkeys(rows["ticker"]))
    data: dict[str, object] = {"level": level, "tickers": tickers}
    with canvas(max(5.2, 3.2 * len(tickers)), 3.3) as figure:
        axes = figure.subplots(1, len(tickers), sharey=True, squeeze=False)[0]
        for panel, ticker, colour, marker in zip(axes, tickers, COLOURS, MARKERS, strict=False):
            lines = rows[(rows["ticker"] == ticker) & rows["car"].notna()]
            day, car = lines["day"].to_numpy(), lines["car"].to_numpy()
            error = lines["car_std_error"].to_numpy()
            half, whole = bands[ticker].pointwise * error, bands[ticker].simultaneous * error
            panel.fill_between(day, -whole, whole, color=colour, alpha=0.07, linewidth=0)
            panel.fill_between(day, -half, half, color=colour, alpha=0.14, linewidth=0)
            percent_axis(panel)
            panel.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
            panel.plot(day, car, color=colour, linewidth=1.8, marker=marker, markersize=3.2)
            panel.set_title(ticker)
            panel.set_xlabel("sessions from day 0")
            data[ticker] = {
                "day": day.tolist(),
                "car": car.tolist(),
                "half_band": half.tolist(),
                "half_band_path": whole.tolist(),
            }
        axes[0].set_ylabel("cumulative abnormal return")
        ends = ", ".join(
            f"{ticker} {percent(float(rows[(rows['ticker'] == ticker)]['car'].dropna().iloc[-1]))}"
            for ticker in tickers
        )
        shown = tuple(
            (str(t), str(d), percent(c)) for t, d, c in zip(rows["ticker"], rows["day"], rows["car"], strict=True)
        )
        description = (
            f"Cumulative abnormal return by session around {event_id}. At the end of the window: {ends}. The "
            f"dark band holds {100 * level:g} % of ordinary paths at each session, the light band {100 * level:g} % of "
            "them from beginning to end."
        )
        return finish(
            figure, f"car-{event_id}", f"CAR around {title}", description, _json(data), ("ticker", "day", "CAR"), shown
        )


def _json(data: dict[str, object]) -> dict[str, object]:
    """NaN has no place in JSON."""
    return {
        key: {k: [None if isinstance(v, float) and np.isnan(v) else v for v in values] for k, values in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in data.items()
    }

"""The CAR path of one announcement, a panel a ticker, with the bands that days and whole paths keep to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from eventstudy.report.figures.style import COLOURS, INK, MARKERS, Figure, canvas, finish, percent_axis
from eventstudy.report.words import count, percent, size

if TYPE_CHECKING:
    from eventstudy.evaluate.bands import Bands

# more panels than this nobody reads; their numbers stand in abnormal_returns.csv
MOST_TICKERS = 24
A_ROW = 4


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
    everyone = list(dict.fromkeys(rows["ticker"]))
    tickers = everyone[:MOST_TICKERS]
    data: dict[str, object] = {"level": level, "tickers": tickers}
    shown: list[tuple[str, ...]] = []
    wide, high = min(A_ROW, len(tickers)), -(-len(tickers) // A_ROW)
    with canvas(max(5.2, 3.2 * wide), 2.86 * high + 0.44) as figure:
        figure.subplots_adjust(hspace=0.3)
        axes = figure.subplots(high, wide, sharey=True, squeeze=False).ravel()
        for panel, ticker, colour, marker in zip(axes, tickers, cycle(COLOURS), cycle(MARKERS), strict=False):
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
            shown += [
                (ticker, str(d), percent(c), size(a, 2), size(b, 2))
                for d, c, a, b in zip(day, car, half, whole, strict=True)
            ]
        for panel in axes[::wide]:
            panel.set_ylabel("cumulative abnormal return")
        for panel in axes[len(tickers) :]:
            panel.set_visible(False)
        ends = ", ".join(
            f"{ticker} {percent(float(rows[(rows['ticker'] == ticker)]['car'].dropna().iloc[-1]))}"
            for ticker in tickers
        )
        description = (
            f"Cumulative abnormal return by session around {event_id}. At the end of the window: {ends}. The "
            f"dark band holds {100 * level:g} % of ordinary paths at each session, the light band {100 * level:g} % of "
            "them from beginning to end."
        )
        if len(everyone) > len(tickers):
            description += f" The first {len(tickers)} of {count(len(everyone), 'ticker')}."
        return finish(
            figure,
            f"car-{event_id}",
            f"CAR around {title}",
            description,
            _json(data),
            ("ticker", "day", "CAR", "half band of a session", "half band of a path"),
            tuple(shown),
        )


def _json(data: dict[str, object]) -> dict[str, object]:
    """NaN has no place in JSON."""
    return {
        key: {k: [None if isinstance(v, float) and np.isnan(v) else v for v in values] for k, values in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in data.items()
    }

"""The figure of observed rates, where a rate is at the edge of its interval."""

from __future__ import annotations

import pandas as pd

from eventstudy.report.figures.calibration import calibration
from eventstudy.report.figures.svg import file_svg


def test_a_rate_of_zero_a_rounding_error_outside_its_interval_is_drawn() -> None:
    rows = pd.DataFrame(
        {
            "ticker": ["AMD", "AMD"],
            "test": ["car-t", "sq"],
            "regime": ["all", "all"],
            "n": [200, 200],
            "rate": [0.0, 0.05],
            "ci_low": [1e-19, 0.03],
            "ci_high": [0.02, 0.08],
        }
    )
    figure = calibration(rows, ["AMD"], [], "[0,0]", 0.05)
    svg = file_svg(figure)
    assert svg.startswith("<svg") and "car-t" in svg and "sq" in svg
    assert figure.data["AMD"]["all"]["car-t"] == [0.0, 1e-19, 0.02]  # type: ignore[index]

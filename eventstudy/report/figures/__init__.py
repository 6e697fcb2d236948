"""Figures as SVG text, byte for byte the same for the same numbers; each carries the numbers it plots.

``style`` (canvas, colours, finishing), then one file a figure.
"""

from eventstudy.report.figures.calibration import calibration
from eventstudy.report.figures.cluster import cluster
from eventstudy.report.figures.equity import equity
from eventstudy.report.figures.forest import forest
from eventstudy.report.figures.groups import group_caar
from eventstudy.report.figures.paths import car_path
from eventstudy.report.figures.placebo import placebo
from eventstudy.report.figures.scatter import Estimation, scatter
from eventstudy.report.figures.style import Figure, finished_as, read_metadata

__all__ = [
    "Estimation",
    "Figure",
    "calibration",
    "car_path",
    "cluster",
    "equity",
    "finished_as",
    "forest",
    "group_caar",
    "placebo",
    "read_metadata",
    "scatter",
]

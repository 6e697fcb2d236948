"""Columns of the tables of the file contract, and which of them hold text and whole numbers."""

from __future__ import annotations

from eventstudy.engine.significance.single_tests import columns, rated
from eventstudy.lists import listed

COLUMNS: dict[str, list[str]] = {name: text.split() for name, text in listed("columns").items()}
# a test of one event that is not yet among them adds its columns on the right
COLUMNS["windows"] = list(dict.fromkeys((*COLUMNS["windows"], *columns(), *rated())))
COLUMNS["overnight"] = [*dict.fromkeys((*COLUMNS["overnight"], *columns())), "flags"]
# every other column of the tables with rows of events holds float64
WHOLE = frozenset({"n_estimation", "n_masked", "n_placebo", "n_placebo_blocks", "n_uneventful", "day"})
TEXTS = frozenset(
    {
        "event_id", "ticker", "role", "category", "day0", "window", "primary", "flags", "model", "benchmark", "session",
        "estimation_start", "estimation_end", "stage", "reason", "detail",
    }
)  # fmt: skip

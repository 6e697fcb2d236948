"""Help in panels: which options are shown together, and which a command accepts without showing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand

COMMON, PRICES, MODEL, TESTS, OUTPUT, SCALE = "Common", "Prices", "Model", "Tests", "Output", "Scale"
PANELS: Mapping[str, tuple[str, ...]] = {
    COMMON: ("source", "model", "benchmark", "window", "out"),
    PRICES: ("input", "offline", "store", "max_age", "currency", "missing", "returns"),
    MODEL: ("event_window", "estimation", "min_estimation", "gap", "exclude", "factors", "peer", "index_weight"),
    TESTS: (
        *("tests", "spec_curve", "level", "alternative", "by", "weight", "calibrated", "convention"),
        *("hold", "hold_min", "volume", "shares"),
    ),
    OUTPUT: ("formats", "precision", "detail", "audit", "strict", "force"),
    SCALE: ("engine", "threads", "workers", "scheduler"),
}
PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}


class PanelCommand(TyperCommand):
    """A command whose help lists options by panel, as plain text that fits every terminal."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then one section a panel; options that belong to none are common."""
        arguments: list[tuple[str, str]] = []
        sections: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                arguments.append(record)
            else:
                sections[PANEL_OF.get(str(parameter.name), COMMON)].append(record)
        for title, records in (("Arguments", arguments), *sections.items()):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

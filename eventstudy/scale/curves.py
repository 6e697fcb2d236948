"""Which events have specification curves: all, or where they would take too long those that pages show."""

from __future__ import annotations

import numpy as np

from eventstudy.engine.panel import Ints
from eventstudy.evaluate.spec_cells import PANEL
from eventstudy.results import Studied, shown_events
from eventstudy.scale.budget import A_CURVE, ASK, Budget, left_out


def curve_rows(studied: Studied, budget: Budget) -> tuple[Ints, str]:
    """Studied rows whose specification curves are made: all reported ones, or where they would take too long those that
    pages show; and what is left out."""
    reported = np.array(studied.reported, dtype=np.int64)
    if studied.measured is None or studied.spec.spec_curve in ("off", "auto") or not len(reported):
        return reported[:0], ""
    n_windows = len(studied.spec.windows) if studied.spec.spec_curve == "all" else 1
    seconds = A_CURVE * len(reported) * (n_windows + len(PANEL) - 1)
    if not left_out("", seconds, budget):
        return reported, ""
    p = studied.measured.windows["p_t"][reported, studied.primary[reported]]
    shown = reported[shown_events(studied.index.events.ids, studied.rows[reported], p)]
    if len(shown) == len(reported):
        return reported, ""
    words = f"specification curves of {len(reported):,} events would take about {seconds:,.0f} s: those of the "
    return shown, f"{words}{len(shown):,} events with pages are computed; {ASK}"

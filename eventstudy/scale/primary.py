"""What a study remembers of each event: its primary window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventstudy.engine.panel import Floats
from eventstudy.measured import MeasuredEvents
from eventstudy.model_fallback import Fallbacks
from eventstudy.roster import REPORTED, primary_windows
from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The primary windows of n studied events.

    Attributes
    ----------
    window : int16 (n,)
        Position in ``spec.windows``.
    p, car : float64, float32 (n,)
        ``p_t`` and the CAR over it.
    headline : float64 (n,) or None
        ``p_headline`` over it; None where it is not wanted.
    flags : int
        Bits of ``flags.FLAGS`` that some reported event has over it.
    """

    window: np.ndarray
    p: Floats
    car: np.ndarray
    headline: Floats | None
    flags: int
    stand_ins: Fallbacks

    @classmethod
    def of(cls, found: MeasuredEvents, spec: StudySpec) -> Primary:
        """Those of measured events."""
        w = primary_windows(found.events, spec)
        own, headline = (np.arange(len(w)), w), found.windows.get("p_headline")
        flags = (found.row_flags | found.window_flags[own])[found.events.marked(REPORTED)]
        return cls(
            window=w.astype(np.int16),
            p=found.windows["p_t"][own],
            car=found.windows["car"][own].astype(np.float32),
            headline=None if headline is None else headline[own],
            flags=int(np.bitwise_or.reduce(flags, initial=0)),
            stand_ins=Fallbacks.of(found, spec),
        )

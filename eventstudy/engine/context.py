"""Inputs of the tests of one event from a block of events, and the type of such a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from eventstudy.engine.abnormal import window_complete
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measure import is_compiled
from eventstudy.engine.measures import Measures, Serial, completed, take
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.serial import autocorrelation, local_variances
from eventstudy.engine.windows import Design, gather

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class EventContext:
    """E events, measured. Their days are cut out of the panel, and their fits completed from the estimates, when a test
    first asks for them: no event is estimated a second time.

    Attributes
    ----------
    seed : int64 (E,)
        Of each event's resampling.
    panel, placed
        None where the events are in event time already: tests that read the firm's history are then left out.
    """

    options: Options
    measures: Measures
    seed: Ints
    panel: ReturnPanel | None = None
    placed: Placed | None = None
    _design: Design | None = None
    _fits: Fits | None = None
    _made: dict[object, object] = field(default_factory=dict)

    @property
    def design(self) -> Design:
        """Returns of the events in event time."""
        if self._design is None:
            assert self.panel is not None and self.placed is not None, "events without a panel bring their design"
            where, options = self.placed, self.options
            self._design = gather(
                self.panel, where.series, where.session, where.masked, options.plan, strict=options.strict
            )
        return self._design

    @property
    def fits(self) -> Fits:
        """The estimated models, with the residual of every day."""
        if self._fits is None:
            self._fits = completed(self.design, self.options.entry, self.measures)
        return self._fits

    @property
    def gathered(self) -> tuple[Design, Fits] | None:
        """The days and fits where something has asked for them already."""
        return None if self._design is None or self._fits is None else (self._design, self._fits)

    @property
    def serial(self) -> Serial:
        """Statistics of the order of the days, from the kernel where it was asked for."""
        if self.measures.serial is not None:
            return self.measures.serial
        return self.once("serial", self._serial)

    def _serial(self) -> Serial:
        local = local_variances(self.design, self.fits, self.options.windows)
        return Serial(phi=autocorrelation(self.fits), local_variance=local)

    @property
    def x(self) -> Floats:
        """X of every day, (E, D, p)."""
        return self.once("x", lambda: self.options.entry.regressors(self.design))

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Quantities that several tests share, computed when first read."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]

    def parts(self, size: int) -> Iterator[EventContext]:
        """The events, so many at a time, where their days can be cut out of the panel; else all of them."""
        n = len(self.seed)
        if n <= size or self.panel is None or self.placed is None or self._design is not None:
            yield self
            return
        for at in range(0, n, size):
            yield EventContext(
                options=self.options,
                measures=take(self.measures, slice(at, at + size)),
                seed=self.seed[at : at + size],
                panel=self.panel,
                placed=self.placed.part(at, at + size),
            )

    def let_go(self, *, days: bool) -> None:
        """Free what the tests shared, and the days too where they can be completed from the estimates again."""
        self._made.clear()
        if days:
            self._design = self._fits = None

    def empty(self) -> Floats:
        """NaN for every event and test window, (E, W)."""
        return np.full(self.measures.car.shape, np.nan)

    @property
    def one_day_windows(self) -> list[int]:
        """Numbers of the test windows of one day."""
        return [w for w, (start, end) in enumerate(self.options.windows) if start == end]

    def known(self, w: int) -> Bools:
        """Events with a model, a variance and every day of test window w that it needs; (E,)."""
        start, end = self.options.windows[w]
        whole = window_complete(self.design, start, end, strict=self.options.strict)
        return np.asarray(whole & self.measures.rank_ok & (self.measures.s2 > 0))

    def compiled(self, *columns: str) -> dict[str, Floats] | None:
        """Columns of tests that fit the model on estimation and test window together, where the compiled kernel
        measures; else None."""
        if self.panel is None or self.placed is None or not is_compiled(self.options):
            return None
        made = self.once("compiled", self._refitted)
        return {name: made[name] for name in columns}

    def _refitted(self) -> dict[str, Floats]:
        from eventstudy.engine.compiled.compiled_api import refitted_compiled

        assert self.panel is not None and self.placed is not None, "events on a panel"
        found = self.measures
        known = np.isfinite(found.car) & (found.rank_ok & (found.s2 > 0))[:, None]
        return refitted_compiled(self.panel, self.placed, self.options, known)

    def with_window(self, w: int) -> tuple[Bools, Floats]:
        """The estimation days and those of test window w, and the residuals of the model fitted on both, of one-session
        scale; (E, D)."""
        return self.once(("with window", w), lambda: self._with_window(w))

    def _with_window(self, w: int) -> tuple[Bools, Floats]:
        design = self.design
        days = design.days(*self.options.windows[w])
        used = np.zeros_like(design.observed)
        used[:, design.estimation] = design.usable[:, design.estimation]
        used[:, days] = design.observed[:, days]
        return used, self.options.entry.refit(design, used) / np.sqrt(design.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleTest:
    """A test of one event.

    Attributes
    ----------
    columns : tuple of str
        Columns of the windows table that it fills; the first holds the p value.
    reads : frozenset of str
        Of ``serial`` (what the kernels measure of the order of days), ``days`` (every day of the event), ``history``
        (the firm's other sessions), ``donors`` and ``seed`` (it draws).
    cost : float
        Predicted microseconds an event and test window, estimation excluded.
    run : callable
        EventContext -> column -> float64 (E, W), NaN where undefined.
    defined : tuple of str
        ``Model.inference`` of the models it is defined for.
    """

    columns: tuple[str, ...]
    reads: frozenset[str]
    cost: float
    run: Callable[[EventContext], dict[str, Floats]]
    defined: tuple[str, ...] = ("exact", "asymptotic", "forecast")

    def possible(self, context: EventContext) -> bool:
        """Whether it is defined for the model, and the events bring what it reads."""
        if context.options.entry.inference not in self.defined:
            return False
        return "history" not in self.reads or context.panel is not None

"""Evaluations of estimated CARs; each is computed once, when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.panel import Bools, Ints
from eventstudy.scale.budget import A_CLUSTER_WINDOW, ASK, Budget, left_out

if TYPE_CHECKING:
    from eventstudy import records
    from eventstudy.results import PlaceboRates, Studied
    from eventstudy.scale.whole_sessions import WholeSessions


@dataclass(frozen=True, kw_only=True)
class Evaluations:
    """The evaluations of one study; where its events are not all kept, those that need them all are empty.

    Attributes
    ----------
    asked : bool (n,)
        Rows of the events table that are reported.
    sessions : WholeSessions or None
        The firms that share the sessions of shown events; None where ``studied`` holds all of them.
    """

    studied: Studied
    asked: Bools
    budget: Budget
    sessions: WholeSessions | None = None

    @cached_property
    def robustness(self) -> records.RobustRows:
        """The primary window under each model, masked and not."""
        from eventstudy.evaluate.robustness import robustness

        return robustness(self.studied)

    @cached_property
    def parts(self) -> tuple[records.PartRow, ...]:
        """Overnight and intraday parts of day 0."""
        return self._both_parts[0]

    @cached_property
    def joint_parts(self) -> tuple[records.JointRow, ...]:
        """Both parts of day 0 on both parts of the benchmark."""
        return self._both_parts[1]

    @cached_property
    def _both_parts(self) -> tuple[tuple[records.PartRow, ...], tuple[records.JointRow, ...]]:
        from eventstudy.evaluate.day_parts import day0_parts

        return day0_parts(self.studied, self.budget.single, () if self.sessions is None else self.sessions.lacking)

    @cached_property
    def curves(self) -> tuple[records.SpecCurve, ...]:
        """Specification curves of the rows that ``no_curves`` does not leave out."""
        from eventstudy.evaluate.spec_curve import spec_curves

        return spec_curves(self.studied, self._drawn[0], self.studied.spec.spec_curve)

    @property
    def no_curves(self) -> str:
        """Which events have no specification curve, and why; empty where all have one."""
        return self._drawn[1]

    @cached_property
    def _drawn(self) -> tuple[Ints, str]:
        from eventstudy.scale.curves import curve_rows

        return curve_rows(self.studied, self.budget)

    @cached_property
    def no_clusters(self) -> str:
        """Why there are no tests on firms that share a session; empty where there are."""
        from eventstudy.evaluate.clusters import sessions_of
        from eventstudy.scale.whole_sessions import MOST

        # as many windows as a study may have cost less than counting sessions would
        if self.budget.everything:
            return ""
        whole = self.sessions
        if whole is not None and whole.n_events > MOST:
            return f"clusters left out: {whole.n_events:,} events share the sessions of those with pages; {ASK}"
        n = len(sessions_of(self.studied) if whole is None else whole.positions)
        return left_out("clusters", A_CLUSTER_WINDOW * n * len(self.studied.shared_windows), self.budget)

    @cached_property
    def clusters(self) -> tuple[records.ClusterRow, ...]:
        """Tests on firms that share a session."""
        from eventstudy.evaluate.clusters import cluster_tests

        if self.no_clusters:
            return ()
        parts = (self.studied,) if self.sessions is None else self.sessions.parts()
        return tuple(row for part in parts for row in cluster_tests(part))

    @cached_property
    def claims(self) -> tuple[records.ClaimRow, ...]:
        """Claims compared with the data."""
        from eventstudy.evaluate.claims import check_claims

        return check_claims(self.studied, self.parts, self.asked & ~self._without_page)

    @property
    def no_claims(self) -> str:
        """How many rows with claims are left out, and what asks for them; empty where none is."""
        from eventstudy.evaluate.claims import claiming

        n = int(np.count_nonzero(claiming(self.studied.index) & self.asked & self._without_page))
        return f"claims of {n:,} rows are left out; {ASK}" if n else ""

    @property
    def notices(self) -> list[str]:
        """What a study of this size leaves out, and what asks for it."""
        return [words for words in (self.no_clusters, self.no_curves, self.no_claims) if words]

    @cached_property
    def _without_page(self) -> Bools:
        """Rows that were studied and are not in ``studied``; bool (n,)."""
        found = np.zeros(len(self.asked), dtype=bool)
        if self.sessions is not None:
            found[self.sessions.rows] = True
            found[self.studied.rows] = False
        return found

    @cached_property
    def rates(self) -> PlaceboRates | None:
        """Rejection rates on uneventful sessions, where the spec says ``calibrated``."""
        from eventstudy.evaluate.rates import placebo_rates

        return placebo_rates(self.studied) if self.studied.spec.calibrated and self.budget.kept else None

    @cached_property
    def differences(self) -> tuple[records.DifferenceRow, ...]:
        """Tests of the difference between groups."""
        from eventstudy.evaluate.differences import difference_tests

        return difference_tests(self.studied) if self.budget.kept else ()

    @cached_property
    def calendar(self) -> tuple[records.CalendarRow, ...]:
        """Calendar-time portfolios."""
        from eventstudy.evaluate.calendar_time import calendar_time_tests

        return calendar_time_tests(self.studied) if self.budget.kept else ()

    @cached_property
    def dollars(self) -> tuple[records.DollarRow, ...]:
        """CARs in money."""
        from eventstudy.evaluate.dollar import dollar_impact

        return dollar_impact(self.studied) if self.budget.kept else ()

    @cached_property
    def volume(self) -> records.VolumeResult | None:
        """Abnormal volume, where the spec names a model of it."""
        from eventstudy.evaluate.volume import abnormal_volume

        return abnormal_volume(self.studied) if self.budget.kept else None

    def all(self, say: Callable[[str], None]) -> None:
        """Compute what a report shows, with a line of progress for what takes long."""
        say("claims, clusters, groups, other models")
        if self.studied.spec.calibrated:
            say("every test on uneventful sessions")
        for name in (
            "parts", "joint_parts", "robustness", "curves", "clusters", "claims", "rates", "differences", "calendar",
            "dollars", "volume",
        ):  # fmt: skip
            getattr(self, name)

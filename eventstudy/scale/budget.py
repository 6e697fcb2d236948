"""Parts that a study computes without request: those whose predicted cost is low enough."""

from __future__ import annotations

from dataclasses import dataclass

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.single_tests import SINGLE_TESTS
from eventstudy.report.format import listed
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec

# measured on one machine; seconds of processor time
A_DAILY_ROW = 4e-6
A_CLUSTER_WINDOW = 1.5e-3
# a specification curve
A_CURVE = 13e-3
# numbers of eight bytes an event: of a test window beside its tests' columns, of a day, and of the event itself
OF_WINDOW, OF_DAY, OF_EVENT = 18, 13, 30
# bytes of a firm and session: prices, and the returns that are made of them
OF_CELL = 226
ASK = "--detail asks for everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Parts that are computed.

    Attributes
    ----------
    kept : bool
        Whether all measured events are kept in memory.
    daily : bool
        Whether abnormal returns by day are written.
    single : frozenset of str
        Tests of one event.
    seconds : float
        Most of one part, infinite where everything is asked for.
    notices : tuple of str
        What is left out, and what asks for it.
    """

    kept: bool
    daily: bool
    single: frozenset[str]
    seconds: float
    notices: tuple[str, ...]

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.seconds == float("inf")


def budget_of(spec: StudySpec, n: int, cells: int, limits: Limits, *, everything: bool) -> Budget:
    """Parts that are computed for n events on series of so many cells, one per firm and session.

    Parameters
    ----------
    spec : StudySpec
        Tests that it names are computed whatever they cost.
    everything : bool
        Nothing is left out.
    """
    entry = MODELS[spec.model]
    single = {name for name in spec.active_tests & set(SINGLE_TESTS) if entry.inference in SINGLE_TESTS[name].defined}
    days, windows = spec.event_window.length, len(spec.windows)
    columns = sum(len(SINGLE_TESTS[name].columns) for name in single)
    size = 8 * n * (windows * (OF_WINDOW + 2 * columns) + OF_DAY * days + OF_EVENT) + OF_CELL * cells
    # a model that is refitted for every shift has no numbers without its days
    kept = everything or size <= limits.kept or not entry.has_errors
    if everything:
        return Budget(kept=True, daily=True, single=frozenset(single), seconds=float("inf"), notices=())
    costs = {name: 1e-6 * SINGLE_TESTS[name].cost * n * windows for name in single}
    left = sorted(name for name in single if spec.tests == ("auto",) and costs[name] > limits.seconds)
    daily = kept or A_DAILY_ROW * n * days <= limits.seconds
    return Budget(
        kept=kept,
        daily=daily,
        single=frozenset(single - set(left)),
        seconds=limits.seconds,
        notices=(*_costly(left, costs, n), *_not_kept(spec, size, n, kept=kept, daily=daily)),
    )


def _costly(left: list[str], costs: dict[str, float], n: int) -> list[str]:
    if not left:
        return []
    seconds = sum(costs[name] for name in left)
    return [f"{listed(left)}: left out, about {seconds:,.0f} s for {n:,} events; --tests names them, {ASK}"]


def _not_kept(spec: StudySpec, size: float, n: int, *, kept: bool, daily: bool) -> list[str]:
    if kept:
        return []
    asked = {"--hold": spec.hold, "--shares": spec.shares, "--volume": spec.volume, "--calibrated": spec.calibrated}
    named = [option for option, value in asked.items() if value]
    without = ["differences between groups", *named, "p_family where firms of a session have no page"]
    return [
        f"{n:,} events and their prices would take about {size / 1e6:,.0f} MB of memory: robustness, curves, "
        f"overnight and claims hold the events that have pages, clusters at most their sessions, each with every firm, "
        f"and {listed(without)} are left out; {ASK}",
        *([] if daily else [f"abnormal returns by day are left out for {n:,} events; {ASK}"]),
    ]


def left_out(part: str, seconds: float, budget: Budget) -> str:
    """Why a part is not computed; empty where it is."""
    return "" if seconds <= budget.seconds else f"{part} left out, about {seconds:,.0f} s; {ASK}"

"""Many events at once: one function, two engines with one contract.

``numpy`` is the reference and runs every model; ``numba`` is its compiled twin for the least-squares models. Events
are cut into chunks of 2,048, so that neither threads nor partitions change a digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from eventstudy.engine.conventions import Conventions
from eventstudy.engine.kernels import plain
from eventstudy.engine.kernels.records import Engine, Measures, joined
from eventstudy.engine.models import MODELS, fit
from eventstudy.engine.moments import CHUNK
from eventstudy.engine.panel import ReturnPanel
from eventstudy.engine.windows import WindowPlan
from eventstudy.errors import UsageError

if TYPE_CHECKING:
    from eventstudy.engine.partition import Fitter, Placed

__all__ = ["Engine", "Measures", "chosen_engine", "measure"]


# Events from which on loading the compiled kernels pays (docs/performance.md).
BREAK_EVEN = 20_000
INSTALL = 'pip install -e ".[fast]"'


def chosen_engine(asked: str, n: int, model: str, conventions: Conventions | None = None) -> Engine:
    """The engine of a run: the one asked for, or for ``auto`` the compiled one where it is installed and pays.

    Parameters
    ----------
    asked : {"auto", "numpy", "numba"}
    n : int
        Events.
    model, conventions
        Some models and all other conventions have no compiled twin.

    Raises
    ------
    UsageError
        If ``numba`` is asked for and not installed, or has no twin of the model.
    """
    possible = compiled(model, conventions or Conventions())
    if asked == "numba":
        if not possible:
            what = "these conventions" if compiled(model, Conventions()) else f"model {model}"
            raise UsageError(f"{what} cannot run on the numba engine", "--engine auto or --engine numpy")
        if find_spec("numba") is None:
            raise UsageError("the numba engine needs the numba package", "an installation with it", INSTALL)
        return "numba"
    wanted = asked == "auto" and n >= BREAK_EVEN and possible and find_spec("numba") is not None
    return "numba" if wanted else "numpy"


def compiled(model: str, conventions: Conventions) -> bool:
    """Whether a model has a compiled twin: least squares with the exact variances."""
    entry = MODELS[model]
    return conventions == Conventions() and not (entry.instrument or entry.conditional or entry.simplex)


def measure(
    panel: ReturnPanel,
    placed: Placed,
    plan: WindowPlan,
    model: str,
    windows: Sequence[tuple[int, int]],
    *,
    engine: Engine = "numpy",
    conventions: Conventions | None = None,
    strict: bool = False,
    log: bool = False,
    paths: bool = True,
    residuals: bool = False,
    serial: bool = False,
    threads: int = 1,
    fitter: Fitter = fit,
) -> Measures:
    """Estimate every event and measure its abnormal returns. Pure: arrays in, arrays out.

    Parameters
    ----------
    panel : ReturnPanel
    placed : Placed
        Events in any order; sorted by (series, session) they are read fastest.
    plan, model, windows
        Layout, identifier in ``MODELS`` and test windows as (start, end).
    engine : {"numpy", "numba"}
    conventions : Conventions or None
        None is exact.
    strict, log : bool
        A return that covers several sessions is missing; returns are logarithmic.
    paths : bool
        Whether ``expected``, ``path`` and ``path_v`` are wanted.
    residuals : bool
        Whether ``evidence`` is wanted: about 10 kB an event, so ask for a few thousand events at a time.
    serial : bool
        Whether ``serial`` is wanted.
    threads : int
        Chunks are shared out among as many threads; the result does not depend on it.
    fitter : callable
        Estimates the model in the NumPy engine; conditional-variance models bring their own.

    Returns
    -------
    Measures
        One entry an event, in the order given.
    """
    chosen = conventions or Conventions()
    asked = {"strict": strict, "log": log, "paths": paths, "residuals": residuals, "serial": serial}
    if engine == "numba" and compiled(model, chosen):
        from eventstudy.engine.kernels.border import measure_compiled

        return measure_compiled(panel, placed, plan, model, windows, threads=threads, **asked)
    parts = [slice(at, at + CHUNK) for at in range(0, max(len(placed.session), 1), CHUNK)]
    return joined(
        [
            plain.measure_chunk(panel, placed, part, plan, model, windows, chosen, fitter=fitter, **asked)
            for part in parts
        ]
    )

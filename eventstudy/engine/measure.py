"""Many events at once: one function, two engines with one contract.

``numpy`` is the reference and runs every model; ``numba`` is its compiled twin for the least-squares models. Events
are cut into chunks of 2,048, so that neither threads nor partitions change a digit; ``numpy`` measures fewer at a time.
"""

from __future__ import annotations

from importlib.util import find_spec

from eventstudy.engine import numpy_kernel
from eventstudy.engine.measures import Measures, joined
from eventstudy.engine.models import MODELS
from eventstudy.engine.options import EXACT, Conventions, Engine, Options
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.errors import UsageError
from eventstudy.extras import missing

__all__ = ["Engine", "Measures", "Options", "chosen_engine", "measure"]


# events that NumPy measures at a time: few enough that their days stay in the processor's cache
AT_ONCE = 256
# Events from which on loading the compiled kernels pays (docs/performance.md): of estimation alone, and of tests that
# fit every event once more for each window.
BREAK_EVEN, WITH_REFITS = 20_000, 5_000
REFITTED = frozenset({"conformal", "vol-conformal", "rank-local"})


def chosen_engine(
    asked: str, n: int, model: str, conventions: Conventions | None = None, tests: frozenset[str] = frozenset()
) -> Engine:
    """The engine of a run: the one asked for, or for ``auto`` the compiled one where it is installed and pays. Raises
    ``UsageError`` if ``numba`` is asked for and not installed, or has no twin of the model.

    Parameters
    ----------
    asked : {"auto", "numpy", "numba"}
    n : int
        Events.
    model, conventions
        Some models and all other conventions have no compiled twin.
    tests
        Tests of one event that are wanted.
    """
    possible = compiled(model, conventions or EXACT)
    if asked == "numba":
        if not possible:
            what = "these conventions" if compiled(model, EXACT) else f"model {model}"
            raise UsageError(f"{what} cannot run on the numba engine", "--engine auto or --engine numpy")
        if find_spec("numba") is None:
            raise missing("--engine numba", "numba", "fast")
        return "numba"
    pays = n >= (WITH_REFITS if tests & REFITTED else BREAK_EVEN)
    wanted = asked == "auto" and pays and possible and find_spec("numba") is not None
    return "numba" if wanted else "numpy"


def compiled(model: str, conventions: Conventions) -> bool:
    """Whether a model has a compiled twin, which has the exact variances only."""
    return conventions == EXACT and MODELS[model].twin != ""


def measure(panel: ReturnPanel, placed: Placed, options: Options) -> Measures:
    """Estimate every event and measure its abnormal returns. Pure: arrays in, arrays out.

    Parameters
    ----------
    placed : Placed
        Events in any order; sorted by (series, session) they are read fastest.

    Returns
    -------
    Measures
        One entry an event, in the order given.
    """
    if is_compiled(options):
        from eventstudy.engine.compiled.compiled_api import measure_compiled

        return measure_compiled(panel, placed, options)
    parts = range(0, max(len(placed.session), 1), AT_ONCE)
    return joined([numpy_kernel.measure_chunk(panel, placed.part(at, at + AT_ONCE), options)[0] for at in parts])


def is_compiled(options: Options) -> bool:
    """Whether the compiled kernel measures: it was chosen and knows the model."""
    return options.engine == "numba" and compiled(options.model, options.conventions)

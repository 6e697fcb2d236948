"""Sums over events of what needs every residual: ranks, signs, and what is standardised a second time.

The second pass of a study of many events. The first has to be over: GRANK and Corrado & Zivney divide by the whole
sample's deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from eventstudy.engine.conventions import evidence_of
from eventstudy.engine.least_squares import Fits
from eventstudy.engine.measure import is_compiled
from eventstudy.engine.measures import Measures, sample_over
from eventstudy.engine.moments import CHUNK, Moments, summarise
from eventstudy.engine.numpy_kernel import measure_chunk
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Bools, Floats, Ints, Placed, ReturnPanel
from eventstudy.engine.significance.dispersion import dispersion_sums
from eventstudy.engine.significance.summary import CONVENTION_PARTS, SecondPass, Spread, second_pass
from eventstudy.engine.windows import Design, WindowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A group of events over one test window.

    Attributes
    ----------
    window : int
        Number of the test window.
    member : bool (E,)
        Events that count, if they can be studied and have a CAR and a variance.
    spread : Spread or None
        Of the whole sample; None where nothing is standardised again.
    correlation : float
        Mean correlation of the events, for ``grank-t-clu`` (``battery.ranked_correlation``).
    dispersion : bool
        Whether what ``conformal-dispersion`` reads is wanted.
    """

    window: int
    member: Bools
    spread: Spread | None
    correlation: float = 0.0
    dispersion: bool = False

    def part(self, start: int, stop: int) -> Cell:
        """Events start to stop."""
        return replace(self, member=self.member[start:stop])

    def clustered(self) -> Cell:
        """The cell with the deviation of correlated events: larger by 1/sqrt(1 - r)."""
        if self.spread is None:
            return self
        scar, room = self.spread.scar, max(1 - self.correlation, 1e-12)
        wider = replace(scar, sum_of_squares=scar.sum_of_squares / room)
        return replace(self, spread=replace(self.spread, scar=wider), correlation=0.0)


def totals(
    panel: ReturnPanel, placed: Placed, options: Options, cells: Sequence[Cell], parts: frozenset[str]
) -> list[SecondPass]:
    """Measure every event once more and add up what tests across events read of residuals.

    Parameters
    ----------
    panel, placed, options
        As in ``measure.measure``.
    cells : sequence of Cell
        What is added up apart.
    parts : frozenset of str
        Of ``summary.PARTS`` without ``scores``.

    Returns
    -------
    list of SecondPass
        One a cell. Chunks of 2,048 events are added in order, so partitions made of whole chunks change no digit.

    Checked against
    ---------------
    ``summarised`` on the evidence of the same events, and the two engines against each other (tests/engine).
    """
    found: list[SecondPass] = []
    for at in range(0, max(len(placed.session), 1), CHUNK):
        chunk, few = [cell.part(at, at + CHUNK) for cell in cells], placed.part(at, at + CHUNK)
        if is_compiled(options):
            more = _compiled_totals(panel, few, options, chunk, parts)
            if "grank-clu" in parts and any(cell.correlation for cell in chunk):
                wider = [cell.clustered() for cell in chunk]
                clustered = _compiled_totals(panel, few, options, wider, frozenset({"grank-clu"}))
                more = [replace(a, sums=a.sums | b.sums) for a, b in zip(more, clustered, strict=True)]
            # what the compiled pass does not add up
            rest, dispersion = (
                parts & CONVENTION_PARTS,
                "dispersion" in parts and any(cell.dispersion for cell in chunk),
            )
            if rest or dispersion:
                plain = replace(options, paths=False, engine="numpy", tests=frozenset(), serial=False)
                one, design, _ = measure_chunk(panel, few, replace(plain, residuals=bool(rest)))
                needed = options.needed(panel.factors.shape[1])
                if rest:
                    others = [_plain_total(one, few.session, plain, cell, rest, needed) for cell in chunk]
                    more = [replace(a, sums=a.sums | b.sums) for a, b in zip(more, others, strict=True)]
                if dispersion:
                    more = [with_dispersion(a, one, design, options, c) for a, c in zip(more, chunk, strict=True)]
        else:
            one, design, _ = measure_chunk(panel, few, replace(options, paths=False, residuals=True))
            needed = options.needed(panel.factors.shape[1])
            more = [_plain_total(one, few.session, options, cell, parts, needed) for cell in chunk]
            if "dispersion" in parts:
                more = [with_dispersion(a, one, design, options, c) for a, c in zip(more, chunk, strict=True)]
        found = [a.merge(b) for a, b in zip(found, more, strict=True)] if found else more
    return found


def totals_of(
    found: Measures, design: Design, fits: Fits, options: Options, cells: Sequence[Cell], parts: frozenset[str]
) -> list[SecondPass]:
    """The same sums over at most 2,048 events that are measured already, from their days."""
    one = replace(found, evidence=evidence_of(design, fits, found.v, options))
    needed, session = options.needed(design.x.shape[2]), np.arange(len(fits.s2))
    totals = [_plain_total(one, session, options, cell, parts, needed) for cell in cells]
    if "dispersion" not in parts:
        return totals
    return [with_dispersion(a, one, design, options, cell) for a, cell in zip(totals, cells, strict=True)]


def with_dispersion(total: SecondPass, found: Measures, design: Design, options: Options, cell: Cell) -> SecondPass:
    """The sums of a cell with those that ``conformal-dispersion`` reads, where the cell needs them."""
    if not cell.dispersion:
        return total
    rows = _members(found, cell, options.needed(design.x.shape[2]))
    made = dispersion_sums(design, options.entry, rows, options.windows[cell.window])
    return replace(total, sums=total.sums | {"dispersion": made})


def _members(found: Measures, cell: Cell, needed: int) -> Ints:
    """The events of a cell that have a CAR and a variance."""
    w, std_error = cell.window, found.std_error[:, cell.window]
    studied = found.rank_ok & (found.n_obs >= needed) & np.isfinite(found.car[:, w]) & np.isfinite(std_error)
    return np.flatnonzero(cell.member & studied)


def _plain_total(
    found: Measures, session: Ints, options: Options, cell: Cell, parts: frozenset[str], needed: int
) -> SecondPass:
    """One cell's sums over at most one chunk of events, by the code of a small study."""
    assert found.evidence is not None, "asked for"
    rows = _members(found, cell, needed)
    sample = sample_over(found, found.evidence, rows, options, cell.window, (session[rows], rows))
    return second_pass(sample, cell.spread, cell.correlation, parts)


def _compiled_totals(
    panel: ReturnPanel, placed: Placed, options: Options, cells: Sequence[Cell], parts: frozenset[str]
) -> list[SecondPass]:
    from eventstudy.engine.compiled import compiled_api
    from eventstudy.engine.compiled import second_pass_compiled as compiled_pass

    plan, windows = options.plan, options.windows
    options = replace(options, paths=False, serial=False)
    n, n_cells, width = len(placed.session), len(cells), plan.estimation + plan.n_window
    batch = min(n, compiled_pass.BATCH)
    deviation, sar_deviation = np.full(n_cells, np.nan), np.full((n_cells, plan.n_window), np.nan)
    for c, cell in enumerate(cells):
        if cell.spread is not None:
            deviation[c] = cell.spread.scar.standard_deviation
            own = cell.spread.sar_deviation
            sar_deviation[c, : len(own)] = np.where(own > 0, own, np.nan)
    wanted = [*(bool(names & parts) for names in compiled_pass.PARTS), options.needed(panel.factors.shape[1])]
    reads = (
        *compiled_api.inputs(panel, placed, options),
        0,
        n,
        np.array([cell.member for cell in cells], dtype=np.bool_).reshape(n_cells, n).view(np.uint8),
        np.array([cell.window for cell in cells], dtype=np.int64),
        deviation,
        sar_deviation,
        np.array(wanted, dtype=np.int64),
    )
    days, sums = np.zeros((n_cells, compiled_pass.ROWS, width)), np.zeros((n_cells, compiled_pass.SCALARS))
    places, counted = np.full((len(windows), n), np.nan), np.zeros((n_cells, n), dtype=np.uint8)
    compiled_pass.add_events(
        *reads,
        days,
        sums,
        places,
        counted,
        *compiled_api.outputs(panel, options, batch, batch),
        np.empty((batch, width)),
        np.empty((batch, plan.estimation)),
        np.empty((batch, plan.estimation + 1)),
        *compiled_api.scratch(panel, options),
        *compiled_api.rank_scratch(width),
        np.empty((compiled_pass.SCRATCH, plan.estimation + max(plan.estimation, plan.n_window))),
        np.empty(plan.n_window),
    )
    scores = special.ndtri(places) if "volatility" in parts else places
    return [
        _second_pass(days[c], sums[c], scores[cell.window][counted[c] > 0], plan, windows[cell.window], parts)
        for c, cell in enumerate(cells)
    ]


def _second_pass(
    days: Floats, sums: Floats, scores: Floats, plan: WindowPlan, window: tuple[int, int], parts: frozenset[str]
) -> SecondPass:
    """The compiled kernel's sums of a cell under the names of the NumPy engine."""
    from eventstudy.engine.compiled import second_pass_compiled as at

    n, first, length = plan.estimation, plan.estimation + window[0] - plan.start, window[1] - window[0] + 1
    seen, zero = days[at.SEEN] + sums[at.WHOLE], np.zeros(n + 1)
    found: dict[str, Floats] = {}
    if "daily" in parts:
        found |= {"aar_sum": days[at.DAILY], "aar_n": seen}
    if "ranks" in parts:
        found |= {
            "corrado_u": days[at.CORRADO],
            "corrado_n": seen,
            "cumrank": sums[[at.RANK_SUM, at.RANK_VARIANCE]],
        }
    # the clustered form is the plain one with the deviation of ``Cell.clustered``
    for part, row, lost, day in (
        ("grank", at.GRANK, at.GRANK_LOST, at.DAY),
        ("grank-clu", at.GRANK, at.GRANK_LOST, at.DAY),
        ("grank-raw", at.RAW, at.RAW_LOST, at.RAW_DAY),
    ):
        if part in parts:
            name = part.replace("-", "_")
            found[f"{name}_u"], found[f"{name}_n"] = days[row, :n], (seen - days[lost])[:n]
            found[f"{name}_day"] = sums[day : day + 3]
    if "zivney" in parts:
        found["zivney_u"] = days[at.ZIVNEY, : n + length]
        found["zivney_n"] = np.concatenate([seen[:n], days[at.ZIVNEY_SEEN, n : n + length]])
    if "signs" in parts:
        one_day = length == 1
        found |= {
            "share_positive": np.array(sums[at.POSITIVE]),
            "sign_u": days[at.SIGN, : n + 1] if one_day else zero,
            "sign_n": np.append(seen[:n], seen[first]) if one_day else zero,
        }
    return SecondPass(sums=found, volatility=summarise(scores) if "volatility" in parts else Moments())

"""The overnight and intraday parts of day 0, held to the standard of a whole day (methods A3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.block import Block, study_block
from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.day_parts import family_of_parts, joint_parts
from eventstudy.engine_options import options_of
from eventstudy.evaluate.clusters import sessions_of
from eventstudy.evaluate.placed import place_rows, placed_events
from eventstudy.records import JointRow, PartRow
from eventstudy.spec import Window

if TYPE_CHECKING:
    from eventstudy.results import Studied

PARTS = ("overnight", "intraday")


def day0_parts(
    studied: Studied, tests: frozenset[str], lacking: Collection[int] = ()
) -> tuple[tuple[PartRow, ...], tuple[JointRow, ...]]:
    """Each part against the same part of the benchmark with every test of a single event, and both on both parts of it.

    Parameters
    ----------
    tests : frozenset of str
        Of ``SINGLE_TESTS``.
    lacking : collection of int
        Days since 1970 of sessions that not all of their firms are here for: these have no families.

    Returns
    -------
    tuple of PartRow, tuple of JointRow
        Missing rule: empty where the source has no opens for the stock or its benchmark.

    Checked against
    ---------------
    Plain loops (tests/oracles/test_study.py) and statsmodels (tests/oracles/test_day_parts.py).
    """
    entry = MODELS[studied.spec.model]
    # factors, peers and shifted markets are known from close to close only
    if studied.block is None or entry.factors == "made" or not studied.reported or not _has_opens(studied):
        return (), ()
    day0 = Window(0, 0)
    window = Window(min(studied.spec.event_window.start, 0), 0)
    spec = studied.spec.with_changes(windows=(day0,), windows_given=True, event_window=window)
    # with those that are not reported and complete the families
    rows, shown = studied.rows, set(studied.rows[list(studied.reported)].tolist())
    _, (placed,), panels = place_rows(studied, rows, spec, parts=PARTS)
    if not any(np.isfinite(panel.returns).any() for panel in panels):
        return (), ()
    options = replace(options_of(spec), tests=tests, strict=False)
    blocks = {part: study_block(panel, placed, options) for part, panel in zip(PARTS, panels, strict=True)}
    usable = {part: _usable(block) for part, block in blocks.items()}
    adjusted, sizes = _family(studied, blocks, usable, lacking)
    found = [
        row
        for k, part in enumerate(PARTS)
        for row in _rows(part, rows, blocks[part], usable[part], adjusted[:, k], sizes)
    ]
    joint = _joint(rows, blocks) if entry.twin == "constant" and entry.factors != "none" else []
    found = sorted((part for part in found if part.row in shown), key=lambda part: (part.row, part.part != PARTS[0]))
    return tuple(found), tuple(row for row in joint if row.row in shown)


def _has_opens(studied: Studied) -> bool:
    """Whether a studied stock has opens, without which there are no parts."""
    firms = np.unique(studied.index.pair[studied.rows]).tolist()
    opens = (studied.market.prices.series[studied.index.pairs[firm][0]].open for firm in firms)
    return any(one is not None and np.isfinite(one).any() for one in opens)


def _usable(block: Block) -> Bools:
    found, options = block.measures, block.context.options
    enough = found.n_obs >= options.needed(block.design.x.shape[2])
    return np.asarray(found.rank_ok & enough & np.isfinite(found.car[:, 0]))


def _rows(part: str, rows: Ints, block: Block, usable: Bools, adjusted: Floats, sizes: Ints) -> Iterator[PartRow]:
    """One part of day 0 of some events; those without an opening are left out."""
    found, exact = block.measures, block.exact
    for i in np.flatnonzero(usable).tolist():
        yield PartRow(
            row=int(rows[i]),
            part=part,
            total=float(found.expected[i, -1] + found.ar[i, -1]),
            expected=float(found.expected[i, -1]),
            abnormal=float(found.car[i, 0]),
            std_error=float(exact.std_error[i, 0]),
            t=float(exact.t[i, 0]),
            df=float(exact.df[i, 0]),
            p=float(exact.p[i, 0]),
            ci_low=float(exact.ci_low[i, 0]),
            ci_high=float(exact.ci_high[i, 0]),
            mde=float(exact.mde[i, 0]),
            tests={name: float(values[i, 0]) for name, values in block.columns.items()},
            p_family=float(adjusted[i]),
            n_family=int(sizes[i]),
        )


def _family(
    studied: Studied,
    blocks: dict[str, Block],
    usable: dict[str, Bools],
    lacking: Collection[int],
) -> tuple[Floats, Ints]:
    """Adjusted p values (n, 2) of every studied row: one family a session, of every firm's two parts; and its size.

    Firms of a session share their calendar; a row that no session of several firms holds is a family of its own, and
    so is one that was picked because of its outcome."""
    n = len(studied.rows)
    t = np.stack([np.where(usable[part], blocks[part].exact.t[:, 0], np.nan) for part in PARTS], axis=1)
    draws = np.stack([_draws(blocks[part]) for part in PARTS], axis=2)
    adjusted, sizes = np.full((n, 2), np.nan), np.zeros(n, dtype=np.int64)
    dates = placed_events(studied).date.tolist()
    families = [[k] for k in range(n) if dates[k] not in lacking]
    sessions = [session for session in sessions_of(studied) if dates[session.firms[0]] not in lacking]
    for session in sessions:
        if len({studied.index.firm(int(row))[1] for row in studied.rows[session.firms]}) == 1:
            families.append(session.firms.tolist())
    for family in families:
        p, (size, _) = family_of_parts(t[family].ravel(), draws[family].transpose(1, 0, 2).reshape(draws.shape[1], -1))
        adjusted[family], sizes[family] = p.reshape(-1, 2), size
    # several announcements of a firm on one session are one event
    for session in sessions:
        of_ticker = {studied.text(i, "ticker"): i for i in session.firms.tolist()}
        for i in session.rows.tolist():
            first = of_ticker[studied.text(i, "ticker")]
            adjusted[i], sizes[i] = adjusted[first], sizes[first]
    return adjusted, sizes


def _draws(block: Block) -> Floats:
    """e_t / (s sqrt(1 - h_t)) of the estimation sessions; (E, N), NaN where one did not enter."""
    fits, n = block.fits, block.design.plan.estimation
    scale = np.sqrt(np.where(fits.s2 > 0, fits.s2, np.nan))[:, None]
    return np.where(fits.used, fits.scaled[:, :n] / (scale * np.sqrt(1 - fits.leverage)), np.nan)


def _joint(rows: Ints, blocks: dict[str, Block]) -> Iterator[JointRow]:
    """Night, day and their sum of every event on one design, and both together."""
    night, day = (blocks[part].design for part in PARTS)
    options = blocks[PARTS[0]].context.options
    used_factors = options.entry.n_factors(night.x.shape[2])
    x = np.concatenate([np.ones((*night.y.shape, 1)), night.x[:, :, :used_factors], day.x[:, :, :used_factors]], axis=2)
    y = np.stack([night.y, day.y], axis=2)
    n = night.plan.estimation
    used = (night.usable & day.usable)[:, :n]
    found = joint_parts(y, x, used, night.plan.column(0), options.alternative)
    known = (night.observed & day.observed)[:, night.plan.column(0)] & (
        used.sum(axis=1) >= options.needed(2 * used_factors)
    )
    for i in np.flatnonzero(known & np.isfinite(found.t).all(axis=1)).tolist():
        for k, part in enumerate((*PARTS, "sum")):
            yield JointRow(
                row=int(rows[i]),
                part=part,
                abnormal=float(found.abnormal[i, k]),
                std_error=float(found.std_error[i, k]),
                statistic=float(found.t[i, k]),
                null="t",
                df=f"{found.nu[i]:g}",
                p=float(found.p[i, k]),
                correlation=float(found.correlation[i]),
            )
        yield JointRow(
            row=int(rows[i]),
            part="both",
            abnormal=float("nan"),
            std_error=float("nan"),
            statistic=float(found.f[i]),
            null="F",
            df=f"2;{found.nu[i] - 1:g}",
            p=float(found.p_f[i]),
            correlation=float(found.correlation[i]),
        )

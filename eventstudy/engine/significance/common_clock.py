"""Firms that miss different sessions on one clock: the sessions on which all of them have a return (methods A1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.windows import Design


@dataclass(frozen=True, slots=True)
class _Steps:
    """K runs of days, each up to and with a day on which every firm has a return."""

    starts: Ints
    ends: Ints

    def each(self, fold: np.ufunc, values: Floats) -> Floats:
        """A ufunc over the days of every run: (..., D) -> (..., K)."""
        return np.asarray(fold.reduceat(values[..., : self.ends[-1] + 1], self.starts, axis=-1))


def on_common_clock(design: Design, model: str, *, log: bool) -> Design:
    """The firms of one session with the same days, each return compounded since the common day before.

    A row that covers several sessions then covers the same ones for every firm, so that one weight serves all and the
    joint distributions stay exact. Dropping the day instead would lose the returns of the firms that did trade.

    Parameters
    ----------
    design : Design
        One row per firm, same plan and same factors.
    model : str
        Columns of factor files add up over sessions; returns of benchmarks compound.
    log : bool
        Returns are logarithmic, so they compound by summing.

    Returns
    -------
    Design
        ``observed``, ``span`` and the factors of all firms are the same. Days on which a firm has no return, and days
        since the common one before that some firm's returns do not cover as the others' do, are not observed. A row is
        masked where any of its days is masked for any firm.
    """
    if (design.observed == design.observed[:1]).all() and (design.span == design.span[:1]).all():
        return design
    ends = np.flatnonzero(design.observed.all(axis=0))
    if not len(ends):
        return replace(design, observed=np.zeros_like(design.observed))
    steps = _Steps(np.concatenate([[0], ends[:-1] + 1]), ends)
    count = steps.each(np.add, design.observed.astype(np.float64))
    covered = steps.each(np.add, np.where(design.observed, design.span, 0.0))
    own, riskless = (np.where(design.observed, values, 0.0) for values in (design.y, design.offset))
    total, offset = _compounded(own + riskless, steps, count, log=log), steps.each(np.add, riskless)
    # a return that is alone keeps its digits
    y = np.where(count == 1, steps.each(np.add, own), total - offset)
    # of the firm with the most returns since the common day before: the finest steps
    finest = count.argmax(axis=0)
    daily = np.where(design.observed[:, :, None], design.x, 0.0).transpose(0, 2, 1)
    summed = log or bool(MODELS[model].columns)
    factors = _compounded(daily, steps, count[:, None, :], log=summed)[finest, :, np.arange(len(ends))]
    whole = _covers_alike(design, steps, covered)
    masked = steps.each(np.maximum, np.asarray(design.masked.any(axis=0), dtype=np.float64)) > 0
    at, shape = ends[whole], design.observed.shape

    def spread(values: Floats | Bools | float, fill: float) -> Floats:
        out = np.full(shape, fill)
        out[:, at] = values
        return out

    x = np.full(design.x.shape, np.nan)
    x[:, at] = factors[whole]
    return replace(
        design,
        y=spread(y[:, whole], np.nan),
        x=x,
        span=spread(covered[0, whole], 1.0),
        observed=spread(1.0, 0.0) > 0,
        masked=spread(masked[whole], 0.0) > 0,
        offset=spread(offset[:, whole], 0.0),
    )


def _compounded(values: Floats, steps: _Steps, count: Floats, *, log: bool) -> Floats:
    """Returns over the days of every run; one that is alone keeps its digits."""
    total = steps.each(np.add, values)
    return total if log else np.where(count == 1, total, steps.each(np.multiply, np.asarray(1.0 + values)) - 1.0)


def _covers_alike(design: Design, steps: _Steps, covered: Floats) -> Bools:
    """Whether the returns of a run cover one stretch of sessions, the same for every firm."""
    place = np.arange(design.observed.shape[1])
    begin = steps.each(np.minimum, np.where(design.observed, place - design.span + 1, np.inf))
    return np.asarray(((begin == begin[:1]) & (steps.ends - begin + 1 == covered)).all(axis=0))

"""Observed sizes through the public API of value-weighted means, ``conformal-dispersion`` and ``freedman-lane``: the section
of docs/validation.md that ``python -m tests.properties.groups_validation`` writes.

A study holds blocks of six firms with correlated errors. Every firm has eight events, whose days are masked for each other;
in every block each of them makes a group (``--by category``): four on one date, four on dates of their own. Firms weigh 1, 1/2,
1/3, .. in an order that has nothing to do with their volatility.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

import eventstudy as es
from eventstudy import StudySpec, Window
from eventstudy.study import run
from tests.properties.headline_validation import rate
from tests.properties.spans_validation import written

LAWS = ("normal", "t4", "garch", "variance x2")
PLACES = ("one date", "own dates")
BLOCKS, SLOTS, APART, FIRMS, RHO, M, LEVEL = 10, 8, 8, 6, 0.3, 100, 0.05
WEIGHTED = ("vw-bmp", "vw-kp", "vw-calendar-cov", "vw-patell", "vw-csect")
TESTS = (*WEIGHTED, "conformal-dispersion", "vol-ratio-csect")
# of a regression: dates, events on each, columns that mean nothing
DATES, ON_DATE, COLUMNS = 8, 3, 50
MARK = "\n## Value-weighted means, the dispersion of a group and permuted slopes\n"
Counts = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Draw:
    """One study: what it is for, distribution of the errors, whether closes are missing, number of the batch."""

    kind: str
    law: str
    missing: bool
    batch: int


@lru_cache(maxsize=1)
def sessions() -> np.ndarray:
    from eventstudy.data.calendar import load_calendar

    first, last = (pd.Timestamp(day).date() for day in ("2021-01-04", "2022-12-30"))
    return load_calendar("XNYS", first, last).sessions[: M + APART * SLOTS + 12]


def noise(rng: np.random.Generator, law: str, firms: int, width: int) -> np.ndarray:
    """Errors of unit variance, (firms, T)."""
    if law == "t4":
        return np.asarray(rng.standard_t(4, (firms, width)) / np.sqrt(2))
    e = rng.normal(size=(firms, width))
    if law == "garch":
        variance = np.ones(firms)
        for _ in range(200):
            variance = 0.02 + variance * (0.1 * rng.normal(size=firms) ** 2 + 0.88)
        for t in range(width):
            e[:, t] *= np.sqrt(variance)
            variance = 0.02 + 0.1 * e[:, t] ** 2 + 0.88 * variance
    return e


def tables(draw: Draw) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and prices of a batch; nothing happens on day 0 but that ``variance x2`` doubles the variance there."""
    rng = np.random.default_rng([("groups", "slopes").index(draw.kind), LAWS.index(draw.law), draw.missing, draw.batch])
    days, first = sessions(), M + 2
    if draw.kind == "groups":
        common = np.repeat(np.arange(BLOCKS), FIRMS)
        slot = np.arange(SLOTS)
        # (firms, slots): every second group has dates of its own
        at = first + APART * slot + np.where(slot % 2, np.tile(np.arange(FIRMS), BLOCKS)[:, None], 0)
    else:
        common = np.repeat(np.arange(DATES), ON_DATE)
        at = first + common[:, None]
    n, width = len(at), len(days)
    shared = noise(rng, draw.law, common.max() + 1, width)[common]
    e = np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * noise(rng, draw.law, n, width)
    if draw.law == "variance x2":
        e[np.arange(n)[:, None], at] *= np.sqrt(2)
    market = rng.normal(4e-4, 0.01, width)
    own = rng.uniform(0.8, 1.5, (n, 1)) * market + 0.02 * np.exp(0.4 * rng.normal(size=(n, 1))) * e
    seen = rng.random((n, width)) >= (0.02 if draw.missing else 0.0)
    for f, day in ((f, day) for f, own in enumerate(at.tolist()) for day in own):
        seen[f, day - 2 : day + 1] = True
        # two of three firms miss the close before day 0
        seen[f, day - 1] = not (draw.missing and f % 3)
    prices = np.concatenate([100 * np.cumprod(1 + market)[None], 100 * np.cumprod(1 + own, axis=1)])
    names = np.array(["SPY", *(f"F{f}" for f in range(n))])
    kept = np.concatenate([np.ones((1, width), dtype=bool), seen]).ravel()
    frame = pd.DataFrame({"ticker": np.repeat(names, width), "date": np.tile(days, n + 1), "close": prices.ravel()})[
        kept
    ]
    firm, number = (cells.ravel() for cells in np.indices(at.shape))
    events = pd.DataFrame(
        {"event_id": [f"e{k}" for k in range(at.size)], "ticker": names[1 + firm], "timing": "bmo"}
        | {"announced_at": days[at.ravel()].astype(str)}
    )
    if draw.kind == "groups":
        order = np.argsort(rng.random((BLOCKS, SLOTS, FIRMS)), axis=2).transpose(0, 2, 1).ravel()
        events["mv"] = [f"{1 / (1 + k):.6f}" for k in order]
        events["category"] = [f"{PLACES[k % 2]} {b} {k}" for b, k in zip(common[firm], number, strict=True)]
    else:
        values = rng.lognormal(size=(COLUMNS, DATES))[:, common]
        events = events.assign(**{f"x{k}": [f"{v:.6f}" for v in row] for k, row in enumerate(values)})
    return events, frame


def hits(draw: Draw) -> Counts:
    """Name -> rejections and cases of one study."""
    events, prices = tables(draw)
    one = Window(0, 0)
    plain = {
        "estimation": M,
        "gap": 0,
        "event_window": one,
        "windows": (one,),
        "windows_given": True,
        "spec_curve": "off",
    }
    if draw.kind == "slopes":
        result = es.run(events, prices, tests="car-t", **plain)
        found: Counts = {}
        for k in range(COLUMNS):
            # intervals by inversion are the half of the cost, and no interval is read here
            with patch("eventstudy.evaluate.regress.wild_interval", return_value=(np.nan, np.nan)):
                table = es.regress(result, f"car ~ x{k}").frame
            slope = table[(table["term"] == f"x{k}") & (table["estimator"] == "ols")].set_index("variance")["p_value"]
            for name in ("freedman-lane", "wild-cluster", "hc3"):
                found[name] = added(found.get(name, (0, 0)), [slope.get(name, np.nan)])
        return found
    spec = StudySpec(**plain, tests=TESTS, by="category", weight="mv", convention=("weight=as-given",))
    table = run(events, prices, spec).aggregate
    return {
        f"{place}: {test}": added(
            (0, 0), table[(table["test"] == test) & table["group"].str.startswith(place)]["p_value"]
        )
        for place in PLACES
        for test in TESTS
    }


def added(before: tuple[int, int], p_values: Iterable[float]) -> tuple[int, int]:
    """Rejections and cases with some more p values."""
    p = np.array([value for value in p_values if np.isfinite(value)])
    return before[0] + int((p <= LEVEL + 1e-12).sum()), before[1] + len(p)


def counted(draws: list[Draw], workers: int) -> dict[tuple[str, str, bool], Counts]:
    """Rejections and cases of every kind, distribution and missing closes."""
    total: dict[tuple[str, str, bool], Counts] = {}
    with ProcessPoolExecutor(workers) as pool:
        for draw, found in zip(draws, pool.map(hits, draws), strict=True):
            own = total.setdefault((draw.kind, draw.law, draw.missing), {})
            for name, (hit, n) in found.items():
                before = own.get(name, (0, 0))
                own[name] = before[0] + hit, before[1] + n
    return total


# what must fail where an assumption does not hold
CONTROLS = ("one date: vw-bmp", "one date: vw-patell", "own dates: vol-ratio-csect", "one date: vol-ratio-csect", "hc3")


def page(total: dict[tuple[str, str, bool], Counts]) -> str:
    """The section of docs/validation.md."""
    text = (
        MARK
        + f"""
Groups of {FIRMS} firms of unequal volatility through `eventstudy.run`, M = {M}, window [0,0], percent that reject at 5 %, in
brackets the standard error; first with every close, then with 2 % of the closes missing and, for two of three firms, the one
before day 0. Each firm has events in {SLOTS} groups, whose days are masked for each other. On one date errors are correlated
by {RHO:g}. Weights are 1, 1/2, 1/3, .. (`n_effective` {1 / float(np.square(shares()).sum()):.1f}). `variance x2`: the variance of day 0 is twice the earlier one;
what `conformal-dispersion` and `vol-ratio-csect` reject there is what they find. Lines in italics must fail where events are
correlated (`vw-bmp`, `vw-patell`, `hc3`) or errors have fat tails (`vol-ratio-csect`); `vw-calendar-cov` and `vw-patell` need an
unchanged variance and read the t and normal distributions. The slopes are those of {COLUMNS} lognormal columns without meaning that are equal
within a date, {DATES} dates of {ON_DATE} events, in each study: {COLUMNS} draws share their CARs.
"""
    )
    for kind, title in (("groups", f"groups of {FIRMS}"), ("slopes", f"slopes, {DATES} dates of {ON_DATE} events")):
        names = list(dict.fromkeys(n for (k, _, _), found in total.items() if k == kind for n in found))
        if not names:
            continue
        text += f"\n| {title} | " + " | ".join(LAWS) + " |\n|---|" + "--:|" * len(LAWS) + "\n"
        for name in names:
            cells = [" / ".join(rate(total[kind, law, missing][name]) for missing in (False, True)) for law in LAWS]
            place, _, test = name.rpartition(": ")
            word = f"{place}: `{test}`" if place else f"`{test}`"
            text += f"| {f'*{word}*' if name in CONTROLS else word} | " + " | ".join(cells) + " |\n"
    return text


def shares() -> np.ndarray:
    weight = 1 / np.arange(1, FIRMS + 1)
    return np.asarray(weight / weight.sum())


def main() -> int:
    """Simulate and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=50, help="studies of 40 groups on one date and 40 on their own")
    parser.add_argument("--slopes", type=int, default=40, help="studies of 50 slopes")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/validation.md"))
    chosen = parser.parse_args()
    began = time.monotonic()
    pairs = [(law, missing) for law in LAWS for missing in (False, True)]
    draws = [Draw("groups", law, missing, b) for law, missing in pairs for b in range(chosen.groups)]
    draws += [Draw("slopes", law, missing, b) for law, missing in pairs for b in range(chosen.slopes)]
    written(chosen.out, MARK, page(counted(draws, chosen.workers)))
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

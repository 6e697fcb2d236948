"""Observed sizes through the public API when closes are missing before day 0: the tables of docs/validation.md that
``python -m tests.properties.spans_validation`` writes.

A batch is one study: groups of three firms with a day 0 of their own and correlated errors, M = 120, one benchmark. In
every group two firms miss k closes before day 0, and where k is not zero every firm misses 2 % of its other closes.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eventstudy import StudySpec, Window
from eventstudy.study import run

LAWS = ("normal", "t4", "garch", "shift x4")
# against nineteen donors of the same kind, normal errors
SYNTHETIC = "synthetic control"
DONORS = 19
MISSING = (0, 1, 3)
GROUPS, FIRMS, RHO, M, GAP, LATER = 40, 3, 0.5, 120, 10, 4
WINDOWS = (Window(0, 0), Window(0, 2))
OF_ONE_EVENT = ("car-t", "ar-t-local", "sq", "conformal", "rank-local", "vol-conformal")
OF_A_SESSION = ("portfolio-t", "hotelling", "conformal-hotelling", "conformal-max", "romano-wolf")
COLUMN = {
    "car-t": "p_t",
    "ar-t-local": "p_local",
    "sq": "p_sq",
    "conformal": "p_conformal",
    "rank-local": "p_rank_local",
    "vol-conformal": "p_vol_conformal",
    "placebo-space": "p_space",
}
CONTROLS = ("unscaled", "one session")
LEVEL = 0.05
MARK = "\n## Returns over several sessions\n"


@dataclass(frozen=True)
class Draw:
    """One study: distribution of the errors, closes missing before day 0, number of the batch."""

    law: str
    missing: int
    batch: int


@lru_cache(maxsize=1)
def sessions() -> np.ndarray:
    from eventstudy.data.calendar import load_calendar

    first, last = (pd.Timestamp(day).date() for day in ("2021-01-04", "2022-12-30"))
    return load_calendar("XNYS", first, last).sessions[: M + GAP + GROUPS + LATER + 3]


def noise(rng: np.random.Generator, law: str, day0: np.ndarray, width: int) -> np.ndarray:
    """Errors of unit variance (GROUPS, FIRMS, T), correlated within a group."""
    shape = (GROUPS, FIRMS, width)

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_t(4, shape) / np.sqrt(2) if law == "t4" else rng.normal(size=shape)

    e = np.sqrt(RHO) * drawn((GROUPS, 1, width)) + np.sqrt(1 - RHO) * drawn(shape)
    if law == "garch":
        # started where the recursion has forgotten its start
        variance = np.ones(shape[:2])
        for _ in range(200):
            variance = 0.02 + variance * (0.1 * rng.normal(size=shape[:2]) ** 2 + 0.88)
        for t in range(width):
            e[:, :, t] *= np.sqrt(variance)
            variance = 0.02 + 0.1 * e[:, :, t] ** 2 + 0.88 * variance
    if law == "shift x4":
        near = (np.arange(width) >= day0[:, None] - 20) & (np.arange(width) <= day0[:, None] + LATER)
        e *= np.where(near, 2.0, 1.0)[:, None, :]
    return e


def tables(draw: Draw) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and prices of a batch."""
    days, width = sessions(), len(sessions())
    rng = np.random.default_rng([(*LAWS, SYNTHETIC).index(draw.law), draw.missing, draw.batch])
    day0 = M + GAP + 2 + np.arange(GROUPS)
    market = rng.normal(4e-4, 0.01, width)
    e = noise(rng, draw.law, day0, width)
    own = rng.uniform(0.8, 1.5, (GROUPS, FIRMS, 1)) * market + np.linspace(0.01, 0.03, FIRMS)[:, None] * e
    seen = np.ones(own.shape, dtype=bool)
    if draw.missing:
        seen = rng.random(own.shape) >= 0.02
        for g, at in enumerate(day0.tolist()):
            # the window's days and the close before the hole are there
            seen[g, :, at - draw.missing - 1 : at + LATER] = True
            seen[g, :2, at - draw.missing : at] = False
    frames = [pd.DataFrame({"ticker": "SPY", "date": days, "close": 100 * np.cumprod(1 + market)})]
    for k in range(DONORS if draw.law == SYNTHETIC else 0):
        donor = rng.uniform(0.8, 1.5) * market + 0.02 * rng.normal(size=width)
        frames.append(pd.DataFrame({"ticker": f"P{k}", "date": days, "close": 100 * np.cumprod(1 + donor)}))
    events = []
    for g, f in np.ndindex(GROUPS, FIRMS):
        ticker, kept = f"G{g}F{f}", seen[g, f]
        close = 100 * np.cumprod(1 + own[g, f])
        frames.append(pd.DataFrame({"ticker": ticker, "date": days[kept], "close": close[kept]}))
        events.append({"event_id": f"e{g}", "ticker": ticker, "announced_at": str(days[day0[g]]), "timing": "bmo"})
    return pd.DataFrame(events), pd.concat(frames, ignore_index=True)


def spec(law: str) -> StudySpec:
    """Of a batch: every test of one event and of a session, or those of a synthetic control."""
    mixed = law == SYNTHETIC
    one = ("conformal", "rank-local", "placebo-space") if mixed else OF_ONE_EVENT[1:]
    return StudySpec(
        model="synthetic" if mixed else "market-model",
        peers=tuple(f"P{k}" for k in range(DONORS)) if mixed else (),
        estimation=M,
        gap=GAP,
        event_window=Window(0, 2),
        windows=WINDOWS,
        windows_given=True,
        tests=(*one, *(() if mixed else OF_A_SESSION)),
    )


def unscaled(context: Any, w: int) -> np.ndarray:
    """Negative control: circular shifts of the residuals themselves, as if all returns covered one session."""
    used, z = context.with_window(w)
    u = z * np.sqrt(context.design.span)
    p = []
    for i in range(len(u)):
        ring, k = u[i, used[i]], int(used[i, context.design.days(*context.options.windows[w])].sum())
        closed = np.concatenate([ring, ring[: k - 1]])
        sums = np.abs(np.convolve(closed, np.ones(k), "valid"))
        p.append((sums >= sums[-k] - 1e-12).mean())
    return np.array(p)


def one_session(context: Any, w: int) -> np.ndarray:
    """Negative control: the exact t that takes every return of the window for a one-session return."""
    from scipy import stats

    found, design = context.measures, context.design
    days = design.days(*context.options.windows[w])
    extra = np.where(design.observed[:, days], design.span[:, days] - 1, 0).sum(axis=1)
    t = found.car[:, w] / np.sqrt(found.s2 * (found.q[:, w] - extra))
    return np.asarray(2 * stats.t.sf(np.abs(t), found.nu))


def hits(draw: Draw) -> dict[tuple[str, str], tuple[int, int]]:
    """(test, window) -> rejections and cases of one batch; of events those of the firms whose closes are missing."""
    result = run(*tables(draw), spec(draw.law))
    found: dict[tuple[str, str], tuple[int, int]] = {}
    windows = result.windows
    chosen = windows["ticker"].str.contains("F[01]$")
    block = result.studied.block
    assert block is not None and len(block.measures.car) == GROUPS * FIRMS, "every event is studied"
    tickers = np.array([result.studied.text(i, "ticker")[-1] for i in range(GROUPS * FIRMS)])
    for w, window in enumerate(WINDOWS):
        here = windows[chosen & (windows["window"] == window.label)]
        for test, column in COLUMN.items():
            p = here[column].dropna()
            found[test, window.label] = int((p <= LEVEL).sum()), len(p)
        for name, control in zip(CONTROLS, (unscaled, one_session), strict=True):
            if draw.law == SYNTHETIC and name == "one session":
                continue
            p = control(block.context, w)[np.isin(tickers, ["0", "1"])]
            found[name, window.label] = int((p <= LEVEL).sum()), len(p)
        if draw.law == SYNTHETIC:
            continue
        joint = result.cluster_tests
        joint = joint[joint["window"] == window.label]
        for test in OF_A_SESSION:
            p = joint[joint["test"] == test].groupby("day0")["p_value"].min().dropna()
            found[test, window.label] = int((p <= LEVEL).sum()), len(p)
    return found


Counts = dict[tuple[str, int], dict[tuple[str, str], tuple[int, int]]]


def counted(batches: int, workers: int) -> Counts:
    """Rejections and cases of every distribution and number of missing closes; half the batches for a synthetic control."""
    draws = [Draw(law, k, b) for law in LAWS for k in MISSING for b in range(batches)]
    draws += [Draw(SYNTHETIC, k, b) for k in MISSING for b in range(batches // 2)]
    total: Counts = {}
    with ProcessPoolExecutor(workers) as pool:
        for draw, found in zip(draws, pool.map(hits, draws), strict=True):
            own = total.setdefault((draw.law, draw.missing), {})
            for key, (hit, n) in found.items():
                before = own.get(key, (0, 0))
                own[key] = before[0] + hit, before[1] + n
    return total


def page(total: Counts) -> str:
    """The section of docs/validation.md."""
    a_session = [n for found in total.values() for (test, _), (_, n) in found.items() if test in OF_A_SESSION and n]
    of_one = [n for found in total.values() for (test, _), (_, n) in found.items() if test == "conformal" and n]
    low, high = min(a_session, default=1), min(of_one, default=1)
    text = (
        MARK
        + f"""
k closes missing before day 0, and 2 % of all other closes where k is not zero; studies through `eventstudy.run`, M = 120,
windows [0,0] / [0,2], groups of three firms of which two miss the closes (rho = {RHO:g}). At least {high:,}
events and {low:,} sessions a cell: standard error of a 5 % rate {100 * np.sqrt(0.0475 / high):.1f} points for tests of one event, {100 * np.sqrt(0.0475 / low):.1f} for
tests of a session; firms of a group are correlated and firms of a study share their donors, so it is somewhat larger. `shift x4`: the variance of the last 20 sessions and of the window is four times the earlier one, which
`rank-local` and `ar-t-local` allow for and no other test does; `garch` is GARCH(0.1, 0.88). The last two lines must fail:
circular shifts of residuals that are not scaled, and the exact t that takes each return for one session's.
"""
    )
    for law in (*LAWS, SYNTHETIC):
        text += f"\n| {law} | " + " | ".join(f"k = {k}" for k in MISSING) + " |\n|---|" + "--:|" * len(MISSING) + "\n"
        for test in (*COLUMN, *OF_A_SESSION, *CONTROLS):
            counts = [[total[law, k].get((test, window.label), (0, 0)) for window in WINDOWS] for k in MISSING]
            if not any(n for pair in counts for _, n in pair):
                continue
            cells = [" / ".join(rate(count) for count in pair) for pair in counts]
            name = f"`{test}`" if test not in CONTROLS else test
            text += f"| {name} | " + " | ".join(cells) + " |\n"
    return text


def rate(counts: tuple[int, int]) -> str:
    return f"{100 * counts[0] / counts[1]:.1f}" if counts[1] else "-"


def written(path: Path, mark: str, section: str) -> None:
    """Put a section into a page in place of the one that begins with the mark, or before the part about real data."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    head, found, rest = old.partition(mark)
    if found:
        _, cut, tail = rest.partition("\n## ")
    else:
        head, cut, tail = old.partition("\n## Real data")
    path.write_text(head + section + cut + tail, encoding="utf-8")


def main() -> int:
    """Simulate and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/validation.md"))
    chosen = parser.parse_args()
    began = time.monotonic()
    written(chosen.out, MARK, page(counted(chosen.batches, chosen.workers)))
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""An honest competitor: the market model for many events by batched NumPy, as a careful user would write it.

Gather, centred moments by ``einsum``, residuals summed directly; chunks that fit the cache. Missing days are masked.
No trade-to-trade spans, no other models, no ties among ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CHUNK = 2048
Arrays = dict[str, np.ndarray]


def _chunk(
    returns: np.ndarray, market: np.ndarray, rows: np.ndarray, where: np.ndarray, plan: tuple[int, int, int],
    windows: list[tuple[int, int]],
) -> tuple[Arrays, Arrays]:  # fmt: skip
    """What a user asks for of a chunk of events, and what its ranks are made of."""
    start, _, estimation = plan
    gap = where.shape[1] - estimation - (plan[1] - start + 1)
    y, x = returns[rows[:, None], where], market[where]
    ok = np.isfinite(y)
    ok[:, estimation : estimation + gap] = False
    inside = ok[:, :estimation]
    n = inside.sum(axis=1)
    ye, xe = np.where(inside, y[:, :estimation], 0.0), np.where(inside, x[:, :estimation], 0.0)
    ym, xm = ye.sum(axis=1) / n, xe.sum(axis=1) / n
    dy, dx = np.where(inside, ye - ym[:, None], 0.0), np.where(inside, xe - xm[:, None], 0.0)
    sxx = np.einsum("en,en->e", dx, dx)
    slope = np.einsum("en,en->e", dx, dy) / sxx
    e = dy - slope[:, None] * dx
    sigma = np.sqrt(np.einsum("en,en->e", e, e) / (n - 2))
    yw, xw = y[:, estimation + gap :], x[:, estimation + gap :]
    moved = xw - xm[:, None]
    ar = yw - ym[:, None] - slope[:, None] * moved
    se = sigma[:, None] * np.sqrt(1 + 1 / n[:, None] + moved**2 / sxx[:, None])
    car, car_se = [], []
    for a, b in windows:
        cut = slice(a - start, b - start + 1)
        length = b - a + 1
        car.append(ar[:, cut].sum(axis=1))
        car_se.append(sigma * np.sqrt(length + length**2 / n + moved[:, cut].sum(axis=1) ** 2 / sxx))
    cars, errors = np.stack(car, 1), np.stack(car_se, 1)
    asked = {"slope": slope, "sigma": sigma, "ar": ar, "se": se, "car": cars, "car_se": errors, "scar": cars / errors}
    return asked, {"e": e, "inside": inside, "n": n}


def _pieces(series: np.ndarray, session: np.ndarray, plan: tuple[int, int, int]) -> Any:
    """Rows and days of each chunk."""
    start, end, estimation = plan
    days = np.arange(min(start, 0) - 10 - estimation, end + 1)
    for at in range(0, len(series), CHUNK):
        yield series[at : at + CHUNK], session[at : at + CHUNK, None] + days


def market_model(
    returns: np.ndarray, market: np.ndarray, series: np.ndarray, session: np.ndarray, plan: tuple[int, int, int],
    windows: list[tuple[int, int]],
) -> Arrays:  # fmt: skip
    """Slope, sigma, AR, its standard error, CAR, its standard error and SCAR of every event.

    Parameters
    ----------
    returns : (S, T)
    market : (T,)
    series, session : (E,)
    plan : start and end of the event window, and the sessions of the estimation window
    windows : list of (start, end)
    """
    parts = [_chunk(returns, market, *piece, plan, windows)[0] for piece in _pieces(series, session, plan)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def battery(
    returns: np.ndarray, market: np.ndarray, series: np.ndarray, session: np.ndarray, plan: tuple[int, int, int],
    windows: list[tuple[int, int]],
) -> dict[str, list[float]]:  # fmt: skip
    """``csect-t``, ``patell``, ``bmp``, ``corrado`` and ``grank-t`` over each window.

    Ranks are counted by sorting twice, once an event for Corrado and once for GRANK, whose further day then only moves
    the ranks above it. What GRANK needs after the last event is kept in single bytes where it can be.
    """
    start, end, estimation = plan
    kept: list[tuple[Arrays, np.ndarray, np.ndarray, np.ndarray]] = []
    rank_sum, rank_n = (np.zeros(estimation + end - start + 1) for _ in range(2))
    for piece in _pieces(series, session, plan):
        asked, made = _chunk(returns, market, *piece, plan, windows)
        both = np.concatenate([np.where(made["inside"], made["e"], np.nan), asked["ar"]], axis=1)
        known = np.isfinite(both)
        # nobody's rank sorts last
        ranks = np.argsort(np.argsort(both, axis=1), axis=1)
        rank_sum += np.where(known, (ranks + 1) / (known.sum(axis=1) + 1)[:, None] - 0.5, 0.0).sum(axis=0)
        rank_n += known.sum(axis=0)
        own = both[:, :estimation]
        order = np.argsort(np.argsort(own, axis=1), axis=1)
        kept.append((asked, own / asked["sigma"][:, None], order.astype(np.int16), made["n"]))
    car, scar = (np.concatenate([asked[name] for asked, *_ in kept]) for name in ("car", "scar"))
    nu = np.concatenate([n for *_, n in kept]) - 2
    found: dict[str, list[float]] = {name: [] for name in ("csect-t", "patell", "bmp", "corrado", "grank-t")}
    for w, (a, b) in enumerate(windows):
        c, z = car[:, w], scar[:, w]
        fine = np.isfinite(z)
        c, z, m = c[fine], z[fine], int(fine.sum())
        found["csect-t"].append(c.mean() / (c.std(ddof=1) / np.sqrt(m)))
        found["patell"].append(z.sum() / np.sqrt((nu[fine] / (nu[fine] - 2)).sum()))
        found["bmp"].append(z.mean() / (z.std(ddof=1) / np.sqrt(m)))
        mean = rank_sum / rank_n * np.sqrt(rank_n / len(fine))
        spread = np.sqrt((mean**2).mean())
        cut = slice(estimation + a - start, estimation + b - start + 1)
        found["corrado"].append(mean[cut].sum() / (np.sqrt(b - a + 1) * spread))
        found["grank-t"].append(_grank(kept, w, z.std(ddof=1), len(fine)))
    return found


def _grank(kept: list[tuple[Arrays, np.ndarray, np.ndarray, np.ndarray]], w: int, deviation: float, n: int) -> float:
    """GRANK-T of a window: the CAR as one further day among the ranks of the estimation days."""
    width = kept[0][1].shape[1]
    total, count, day, days = np.zeros(width), np.zeros(width), 0.0, 0
    for asked, standard, order, seen in kept:
        value = (asked["scar"][:, w] / deviation)[:, None]
        fine = np.isfinite(value) & np.isfinite(standard)
        above = standard > value
        u = (order + 1 + above) / (seen + 2)[:, None] - 0.5
        total += np.where(fine, u, 0.0).sum(axis=0)
        count += fine.sum(axis=0)
        own = (seen - above.sum(axis=1) + 1) / (seen + 2) - 0.5
        known = np.isfinite(value[:, 0])
        day += own[known].sum()
        days += known.sum()
    mean = np.append(total / count * np.sqrt(count / n), day / days * np.sqrt(days / n))
    z, t = day / days / np.sqrt((mean**2).mean()), width + 1
    return float(z * np.sqrt((t - 2) / (t - 1 - z**2)))

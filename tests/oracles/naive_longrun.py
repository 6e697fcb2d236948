"""Differences between groups and calendar-time portfolios again, with loops and dictionaries; shares no code with the engine."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tests.oracles.naive_battery import Event, correlation, error_weights


def difference_variance(events: list[Event], days: list[int], c: list[float], at_least: int = 30) -> float:
    """c'Omega c, pair by pair."""
    total = sum(ci**2 * e.s**2 * e.q(days) for ci, e in zip(c, events, strict=True))
    for (ca, a), (cb, b) in itertools.combinations(list(zip(c, events, strict=True)), 2):
        found = correlation(a, b, at_least)
        if found and {a.calendar[d] for d in days} & {b.calendar[d] for d in days}:
            wa, wb = error_weights(a, days), error_weights(b, days)
            total += 2 * ca * cb * found[1] * sum(wa[d] * wb[d] for d in wa.keys() & wb.keys())
    return total


def held_days(events: list[Event], hold: int) -> list[list[int]]:
    """Days 1..hold of each event, up to the day 0 of the firm's next event."""
    found = []
    for e in events:
        later = [o.date - e.date for o in events if o is not e and o.firm == e.firm and o.date > e.date]
        found.append([d for d in range(1, hold + 1) if d <= min([*later, hold])])
    return found


def by_session(events: list[Event], held: list[list[int]]) -> dict[int, list[tuple[int, int]]]:
    """Calendar day -> (event, day) of every firm held."""
    found: dict[int, list[tuple[int, int]]] = {}
    for i, (e, days) in enumerate(zip(events, held, strict=True)):
        for d in days:
            found.setdefault(e.calendar[d], []).append((i, d))
    return dict(sorted(found.items()))


def error_covariance(events: list[Event], at_least: int = 30) -> np.ndarray:
    """sigma_ij of one-session errors; a pair without enough common days takes the mean of the others' correlations."""
    n = len(events)
    r: dict[tuple[int, int], float] = {}
    for i, j in itertools.combinations(range(n), 2):
        found = correlation(events[i], events[j], at_least)
        if events[i].firm != events[j].firm and found:
            r[i, j] = r[j, i] = found[1] / (events[i].s * events[j].s)
    mean = sum(r.values()) / len(r) if r else 0.0
    sigma = np.zeros((n, n))
    for i, j in itertools.product(range(n), repeat=2):
        same = events[i].firm == events[j].firm
        sigma[i, j] = (1.0 if same else r.get((i, j), mean)) * events[i].s * events[j].s
    return sigma


def jaffe_t(events: list[Event], hold: int, n_min: int = 1, at_least: int = 30) -> float:
    """The standardised sum over its exact standard error."""
    sigma, total = error_covariance(events, at_least), 0.0
    weights: list[dict[int, float]] = [{} for _ in events]
    gammas: list[dict[int, float]] = [{} for _ in events]
    for firms in by_session(events, held_days(events, hold)).values():
        if len(firms) < n_min:
            continue
        n = len(firms)
        variance = sum(sigma[i, j] for i, _ in firms for j, _ in firms) / n**2
        for i, d in firms:
            gammas[i][d] = 1 / (n * math.sqrt(variance))
            total += gammas[i][d] * events[i].abnormal[d]
    for e, gamma, weight in zip(events, gammas, weights, strict=True):
        summed = sum((g * np.array([1.0, e.market[d]]) for d, g in gamma.items()), np.zeros(2))
        for d in e.residuals:
            weight[e.calendar[d]] = -float(np.array([1.0, e.market[d]]) @ e.x_inverse @ summed)
        for d, g in gamma.items():
            weight[e.calendar[d]] = weight.get(e.calendar[d], 0.0) + g
    variance = sum(
        sigma[i, j] * sum(weights[i][d] * weights[j][d] for d in weights[i].keys() & weights[j].keys())
        for i, j in itertools.product(range(len(events)), repeat=2)
    )
    return total / math.sqrt(variance)


def newey_west(y: list[float], x: list[list[float]], weights: list[float] | None = None) -> tuple[float, float]:
    """First coefficient and its standard error: Bartlett weights, floor(4 (T/100)^(2/9)) lags, factor T/(T - k)."""
    n, k = len(y), len(x[0])
    w = [1.0] * n if weights is None else weights
    xx = [[sum(w[t] * x[t][a] * x[t][b] for t in range(n)) for b in range(k)] for a in range(k)]
    inverse = np.linalg.inv(np.array(xx))
    coefficients = inverse @ np.array([sum(w[t] * x[t][a] * y[t] for t in range(n)) for a in range(k)])
    scores = [
        [w[t] * x[t][a] * (y[t] - sum(c * v for c, v in zip(coefficients, x[t], strict=True))) for a in range(k)]
        for t in range(n)
    ]
    lags = math.floor(4 * (n / 100) ** (2 / 9))
    middle = np.zeros((k, k))
    for lag in range(lags + 1):
        share = 1 - lag / (lags + 1)
        for t in range(lag, n):
            product = np.outer(scores[t], scores[t - lag])
            middle += share * (product if lag == 0 else product + product.T)
    covariance = inverse @ middle @ inverse * n / (n - k)
    return float(coefficients[0]), math.sqrt(float(covariance[0, 0]))

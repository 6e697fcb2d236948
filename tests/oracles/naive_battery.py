"""Every multi-event test again, written from the formulas with loops, lists and scipy.stats; shares no code with the engine."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from scipy import stats


@dataclass
class Event:
    """One event, fitted by itself. Days are dictionaries: event day -> value."""

    residuals: dict[int, float]
    market: dict[int, float]
    abnormal: dict[int, float]
    calendar: dict[int, int]
    s: float
    nu: int
    x_inverse: np.ndarray
    date: int
    firm: int
    expected: dict[int, float] = field(default_factory=dict)

    def v(self, a: int, b: int) -> float:
        x, y = np.array([1.0, self.market[a]]), np.array([1.0, self.market[b]])
        return float(a == b) + float(x @ self.x_inverse @ y)

    def car(self, days: list[int]) -> float:
        return sum(self.abnormal[d] for d in days)

    def q(self, days: list[int]) -> float:
        return sum(self.v(a, b) for a in days for b in days)

    def scar(self, days: list[int]) -> float:
        return self.car(days) / (self.s * math.sqrt(self.q(days)))

    def sar(self, day: int) -> float:
        return self.abnormal[day] / (self.s * math.sqrt(self.v(day, day)))

    def bhar(self, days: list[int]) -> float:
        actual = math.prod(1 + self.abnormal[d] + self.expected[d] for d in days)
        return actual - math.prod(1 + self.expected[d] for d in days)


def fit_event(
    returns: np.ndarray, market: np.ndarray, estimation: range, window: range, day0: int, offset: int, firm: int
) -> Event:
    """A market model on the estimation days that have both returns."""
    used = [d for d in estimation if np.isfinite(returns[day0 + d]) and np.isfinite(market[day0 + d])]
    x = np.array([[1.0, market[day0 + d]] for d in used])
    y = np.array([returns[day0 + d] for d in used])
    b, *_ = np.linalg.lstsq(x, y, rcond=None)
    e = y - x @ b
    nu = len(used) - 2
    every = [*used, *window]
    expected = {d: float(b[0] + b[1] * market[day0 + d]) for d in window}
    return Event(
        residuals=dict(zip(used, map(float, e), strict=True)),
        market={d: float(market[day0 + d]) for d in every},
        abnormal={d: float(returns[day0 + d]) - expected[d] for d in window},
        calendar={d: day0 + d + offset for d in every},
        s=math.sqrt(float(e @ e) / nu),
        nu=nu,
        x_inverse=np.linalg.inv(x.T @ x),
        date=day0 + offset,
        firm=firm,
        expected=expected,
    )


def correlation(a: Event, b: Event, at_least: int) -> tuple[float, float] | None:
    """r and sigma over the common calendar days of the estimation windows."""
    mine = {a.calendar[d]: e for d, e in a.residuals.items()}
    theirs = {b.calendar[d]: e for d, e in b.residuals.items()}
    common = sorted(mine.keys() & theirs.keys())
    if len(common) < at_least:
        return None
    x, y = [mine[d] for d in common], [theirs[d] for d in common]
    r = 1.0 if a.firm == b.firm else float(np.corrcoef(x, y)[0, 1])
    return r, sum(p * q for p, q in zip(x, y, strict=True)) / (len(common) - 2)


def error_weights(event: Event, days: list[int]) -> dict[int, float]:
    """Calendar day -> how the day's error enters the CAR."""
    total = sum(np.array([1.0, event.market[d]]) for d in days)
    weights = {
        event.calendar[d]: -float(np.array([1.0, event.market[d]]) @ event.x_inverse @ total) for d in event.residuals
    }
    for d in days:
        weights[event.calendar[d]] = weights.get(event.calendar[d], 0.0) + 1.0
    return weights


def shared(events: list[Event], days: list[int], at_least: int) -> dict[str, float]:
    """rbar_o, tau, r and c'Omega c over all pairs."""
    ro = tau = 0.0
    rs: list[float] = []
    n = len(events)
    variance = sum((e.s**2) * e.q(days) for e in events)
    for a, b in itertools.combinations(events, 2):
        common = {a.calendar[d] for d in days} & {b.calendar[d] for d in days}
        overlap = len(common) / len(days)
        tau += overlap
        found = correlation(a, b, at_least)
        if overlap and found:
            ro += found[0] * overlap
            rs.append(found[0])
            wa, wb = error_weights(a, days), error_weights(b, days)
            variance += 2 * found[1] * sum(wa[d] * wb[d] for d in wa.keys() & wb.keys())
    pairs = n * (n - 1) / 2
    return {"ro": ro / pairs, "tau": tau / pairs, "r": float(np.mean(rs)) if rs else 0.0, "variance": variance / n**2}


def ranks_of(values: list[float]) -> list[float]:
    return list(stats.rankdata(values, method="average"))


def statistics(events: list[Event], days: list[int], window: list[int], at_least: int = 30) -> dict[str, float]:
    """Statistic of every identifier."""
    n = len(events)
    x = [e.car(days) for e in events]
    z = [e.scar(days) for e in events]
    q = [e.nu / (e.nu - 2) for e in events]
    sd, mean = float(np.std(x, ddof=1)), float(np.mean(x))
    s = mean / sd
    g = n / ((n - 1) * (n - 2)) * sum(((v - mean) / sd) ** 3 for v in x)
    pair = shared(events, days, at_least)
    ro = max(pair["ro"], 0.0)
    patell = sum(z) / math.sqrt(sum(q))
    bmp = math.sqrt(n) * float(np.mean(z)) / float(np.std(z, ddof=1))
    rt = max(pair["r"] * pair["tau"], 0.0)
    found = {
        "csect-t": math.sqrt(n) * s,
        "patell": patell,
        "patell-sum": sum(
            sum(e.sar(d) for d in days) / math.sqrt(len(days) * qi) for e, qi in zip(events, q, strict=True)
        )
        / math.sqrt(n),
        "stouffer-t": sum(stats.norm.ppf(stats.t.cdf(zi, e.nu)) for zi, e in zip(z, events, strict=True))
        / math.sqrt(n),
        "bmp": bmp,
        "skew-t-johnson": math.sqrt(n) * (s + g * s * s / 3 + g / (6 * n)),
        "skew-t-hall": math.sqrt(n) * (s + g * s * s / 3 + g * g * s**3 / 27 + g / (6 * n)),
        "adj-patell": patell / math.sqrt(1 + (n - 1) * ro),
        "kolari-pynnonen": bmp * math.sqrt((1 - ro) / (1 + (n - 1) * ro)),
        "kpp": bmp * math.sqrt((1 - rt) / (1 + (n - 1) * rt)),
        "calendar-cov": mean / math.sqrt(pair["variance"]),
        "vol-ratio-csect": float(np.var(z, ddof=1)) / float(np.mean(q)) / (1 - ro),
    }
    found["avar"] = volatility_score(events, days)
    found |= _crude(events, days)
    found |= _ranked(events, days, window)
    found |= _grank(events, days, z, pair["r"] if len({e.date for e in events}) == 1 else pair["ro"])
    found |= _signed(events, days, x)
    return found


def _crude(events: list[Event], days: list[int]) -> dict[str, float]:
    every = sorted({d for e in events for d in e.residuals})
    before = [float(np.mean([e.residuals[d] for e in events if d in e.residuals])) for d in every]
    after = [float(np.mean([e.abnormal[d] for e in events])) for d in days]
    return {"crude-dependence": sum(after) / (math.sqrt(len(days)) * float(np.std(before, ddof=1)))}


def _mean_ranks(tables: list[dict[int, float]], n: int) -> tuple[dict[int, float], float, int]:
    """sqrt(n_t/n) Ubar_t by day, S, T."""
    every = sorted({d for u in tables for d in u})
    daily = {}
    for d in every:
        values = [u[d] for u in tables if d in u]
        daily[d] = math.sqrt(len(values) / n) * float(np.mean(values))
    return daily, math.sqrt(sum(v * v for v in daily.values()) / len(every)), len(every)


def _centred(values: dict[int, float]) -> dict[int, float]:
    ranked = ranks_of(list(values.values()))
    return {d: k / (len(values) + 1) - 0.5 for d, k in zip(values, ranked, strict=True)}


def _ranked(events: list[Event], days: list[int], window: list[int]) -> dict[str, float]:
    n, length = len(events), len(days)
    tables = [_centred({**e.residuals, **{d: e.abnormal[d] for d in window}}) for e in events]
    daily, s, t = _mean_ranks(tables, n)
    total = sum(daily[d] for d in days)
    cum = total / (s * math.sqrt(length * (t - length) / (t - 1)))
    own = sum(sum(u[d] for d in days) for u in tables)
    variance = sum(length * (len(u) - length) / (12 * (len(u) + 1)) for u in tables)
    deviation = {d: float(np.std([e.sar(d) for e in events], ddof=1)) for d in days}
    zivney = [
        _centred({**{d: r / e.s for d, r in e.residuals.items()}, **{d: e.sar(d) / deviation[d] for d in days}})
        for e in events
    ]
    every = sorted({d for u in zivney for d in u})
    k = {d: sum(u[d] for u in zivney if d in u) / math.sqrt(sum(d in u for u in zivney)) for d in every}
    spread = math.sqrt(sum(v * v for v in k.values()) / len(every))
    return {
        "corrado": total / (math.sqrt(length) * s),
        "cumrank-t": cum * math.sqrt((t - 2) / (t - 1 - cum**2)),
        "cumrank-z": own / math.sqrt(variance),
        "corrado-zivney": sum(k[d] for d in days) / (math.sqrt(length) * spread),
    }


def _grank(events: list[Event], days: list[int], z: list[float], r: float | None) -> dict[str, float]:
    n, event_day = len(events), 10**6
    deviation = float(np.std(z, ddof=1))
    scales = {
        "grank-t": [deviation] * n,
        "grank-raw": [math.sqrt(e.nu / (e.nu - 2)) for e in events],
    }
    if r is not None:
        scales["grank-t-clu"] = [deviation / math.sqrt(1 - max(r, 0.0))] * n
    found = {}
    for name, scale in scales.items():
        tables = [
            _centred({**{d: v / e.s for d, v in e.residuals.items()}, event_day: zi / c})
            for e, zi, c in zip(events, z, scale, strict=True)
        ]
        _, s, t = _mean_ranks(tables, n)
        big = float(np.mean([u[event_day] for u in tables])) / s
        found[name] = big * math.sqrt((t - 2) / (t - 1 - big**2))
        if name == "grank-t":
            spread = sum((len(u) - 1) / (len(u) + 1) for u in tables) / (12 * n * n)
            found["grank-z"] = float(np.mean([u[event_day] for u in tables])) / math.sqrt(spread)
    return found


def _signed(events: list[Event], days: list[int], x: list[float]) -> dict[str, float]:
    n, positive = len(events), sum(v > 0 for v in x)
    share = float(np.mean([np.mean([v > 0 for v in e.residuals.values()]) for e in events]))
    ranks = ranks_of([abs(v) for v in x])
    plus = sum(k for k, v in zip(ranks, x, strict=True) if v > 0)
    found = {
        "sign": (positive - n / 2) / math.sqrt(n / 4),
        "generalized-sign": (positive - n * share) / math.sqrt(n * share * (1 - share)),
        "wilcoxon": (plus - n * (n + 1) / 4) / math.sqrt(n * (n + 1) * (2 * n + 1) / 24),
    }
    if len(days) == 1:
        tables = []
        for e in events:
            values = {**e.residuals, days[0]: e.abnormal[days[0]]}
            middle = float(np.median(list(values.values())))
            tables.append({d: float(np.sign(v - middle)) for d, v in values.items()})
        every = sorted({d for u in tables for d in u})
        g = {d: sum(u[d] for u in tables if d in u) / math.sqrt(sum(d in u for u in tables)) for d in every}
        found["cz-sign"] = g[days[0]] / math.sqrt(sum(v * v for v in g.values()) / len(every))
    return found


def volatility_score(events: list[Event], days: list[int]) -> float:
    """``avar``: normal scores of ranks among all runs of the estimation window closed to a ring."""
    scores = []
    for e in events:
        order = sorted(e.residuals)
        squares = []
        for d in order:
            x = np.array([1.0, e.market[d]])
            squares.append(e.residuals[d] ** 2 / (e.s**2 * (1 - float(x @ e.x_inverse @ x))))
        m, length = len(order), len(days)
        runs = [sum(squares[(t + k) % m] for k in range(length)) for t in range(m)]
        own = sum(e.sar(d) ** 2 for d in days)
        rank = 1 + sum(r < own for r in runs) + sum(r == own for r in runs) / 2
        scores.append(float(stats.norm.ppf((rank - 0.5) / (m + 1))))
    return math.sqrt(len(scores)) * float(np.mean(scores)) / float(np.std(scores, ddof=1))


def sign_flip_p(x: list[float], dates: list[int]) -> float:
    """Exact p over all sign patterns, one sign a date."""
    order = sorted(set(dates))

    def t(values: list[float]) -> float:
        return math.sqrt(len(values)) * float(np.mean(values)) / float(np.std(values, ddof=1))

    seen = abs(t(x))
    patterns = list(itertools.product((1, -1), repeat=len(order)))
    more = sum(
        abs(t([v * signs[order.index(d)] for v, d in zip(x, dates, strict=True)])) >= seen - 1e-9 for signs in patterns
    )
    return more / len(patterns)

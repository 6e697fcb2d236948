"""The single-event study as plain loops over lists, written from the methods reference.

Slow and obvious on purpose. Shares no code with the package: no NumPy tricks, its own calendar (the dates of the
benchmark), its own returns from the raw price files. scipy.stats supplies the distributions.
"""

from __future__ import annotations

import csv
import itertools
import math
from typing import Any

from scipy import optimize, stats

NAN = math.nan
List = list[float]


def read_prices(prices: str, dividends: str) -> tuple[list[str], dict[str, dict[str, tuple[float, float, float]]]]:
    """Dates of SPY, and ticker -> date -> (open, close, dividend)."""
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    with open(dividends, encoding="utf-8") as handle:
        paid = {(r["ticker"], r["ex_date"]): float(r["amount"]) for r in csv.DictReader(handle)}
    with open(prices, encoding="utf-8") as handle:
        for r in csv.DictReader(handle):
            cash = paid.get((r["ticker"], r["date"]), 0.0)
            found.setdefault(r["ticker"], {})[r["date"]] = (float(r["open"]), float(r["close"]), cash)
    return sorted(found["SPY"]), found


def total_returns(dates: list[str], table: dict[str, tuple[float, float, float]]) -> List:
    out = [NAN]
    for before, now in itertools.pairwise(dates):
        out.append((table[now][1] + table[now][2]) / table[before][1] - 1)
    return out


def overnight_returns(dates: list[str], table: dict[str, tuple[float, float, float]]) -> List:
    out = [NAN]
    for before, now in itertools.pairwise(dates):
        out.append((table[now][0] + table[now][2]) / table[before][1] - 1)
    return out


def intraday_returns(dates: list[str], table: dict[str, tuple[float, float, float]]) -> List:
    return [table[day][1] / table[day][0] - 1 for day in dates]


class Line:
    """Market model y = a + b m on the rows given, by the textbook sums."""

    def __init__(self, y: List, m: List, rows: list[int]) -> None:
        n = len(rows)
        mean_m = math.fsum(m[t] for t in rows) / n
        mean_y = math.fsum(y[t] for t in rows) / n
        self.sxx = math.fsum((m[t] - mean_m) ** 2 for t in rows)
        sxy = math.fsum((m[t] - mean_m) * (y[t] - mean_y) for t in rows)
        self.n, self.mean_m, self.rows = n, mean_m, rows
        self.b = sxy / self.sxx
        self.a = mean_y - self.b * mean_m
        self.e = {t: y[t] - self.a - self.b * m[t] for t in rows}
        self.nu = n - 2
        self.s2 = math.fsum(v * v for v in self.e.values()) / self.nu
        self.s = math.sqrt(self.s2)

    def ar(self, y: List, m: List, t: int) -> float:
        return y[t] - self.a - self.b * m[t]

    def q(self, m: List, days: list[int]) -> float:
        length = len(days)
        return length + length**2 / self.n + math.fsum(m[t] - self.mean_m for t in days) ** 2 / self.sxx

    def leverage(self, m: List, t: int) -> float:
        return 1 / self.n + (m[t] - self.mean_m) ** 2 / self.sxx


def two_sided(t: float, df: float) -> float:
    return float(2 * stats.t.sf(abs(t), df))


def smallest_effect(se: float, df: float, level: float = 0.95) -> float:
    critical = stats.t.ppf(0.5 + level / 2, df)
    return se * float(optimize.brentq(lambda d: stats.nct.sf(critical, df, d) - 0.8, 0.5, 8.0, xtol=1e-12))


def phi(line: Line) -> float:
    pairs = math.fsum(line.e[t] * line.e[t - 1] for t in line.rows if t - 1 in line.e)
    r1 = pairs / math.fsum(v * v for v in line.e.values())
    return max(-0.95, min(0.95, r1 + (1 + 4 * r1) / line.n))


def ar1_p(line: Line, car: float, q: float, length: int) -> float:
    f = phi(line)
    g = length + 2 * math.fsum((length - k) * f**k for k in range(1, length))
    q_ar1 = g + (q - length) * (1 + f) / (1 - f)
    return two_sided(car / (line.s * math.sqrt(q_ar1)), line.nu)


def local_p(line: Line, y: List, m: List, car: float, q: float, before: list[int]) -> float:
    recent = before[-20:]
    rms = math.sqrt(math.fsum(line.ar(y, m, t) ** 2 for t in recent) / 20)
    return two_sided(car / (rms * math.sqrt(q)), 20)


def sq_p(line: Line, ar: float) -> float:
    lower = (1 + sum(v <= ar for v in line.e.values())) / (line.n + 1)
    upper = (1 + sum(v >= ar for v in line.e.values())) / (line.n + 1)
    return min(1.0, 2 * min(lower, upper))


def conformal_p(y: List, m: List, rows: list[int], days: list[int]) -> float:
    ring_rows = rows + days
    line = Line(y, m, ring_rows)
    u = [line.e[t] for t in ring_rows]
    n, length = len(u), len(days)
    observed = sum(u[n - length :])
    count = 0
    for shift in range(n):
        total = sum(u[(n - length + k + shift) % n] for k in range(length))
        # the identity and its exact ties must count in spite of rounding
        count += abs(total) >= abs(observed) - 1e-15
    return count / n


def placebo(
    y: List,
    m: List,
    masked: set[int],
    zero: int,
    window: tuple[int, int],
    t0: float,
    estimation: int,
    gap: int,
    w1: int,
) -> tuple[float, int]:
    """p and the number of pseudo-events; NaN below 39."""
    first_day = min(w1, 0) - gap - estimation
    found: list[tuple[int, float]] = []
    for d in range(max(0, zero - 750), zero + first_day):
        if d + first_day < 1:
            continue
        rows = [t for t in range(d + first_day, d + first_day + estimation) if t not in masked]
        days = list(range(d + window[0], d + window[1] + 1))
        if len(rows) < 60 or any(t in masked for t in days):
            continue
        line = Line(y, m, rows)
        car = math.fsum(line.ar(y, m, t) for t in days)
        found.append((d, car / (line.s * math.sqrt(line.q(m, days)))))
    length = window[1] - window[0] + 1
    apart: list[tuple[int, float]] = []
    for d, t in reversed(found):
        if not apart or d <= apart[-1][0] - length:
            apart.append((d, t))
    used = apart if len(apart) >= 39 else found
    if len(used) < 39:
        return NAN, len(used)
    return (1 + sum(abs(t) >= abs(t0) for _, t in used)) / (len(used) + 1), len(used)


def study(
    prices: str,
    dividends: str,
    events: list[tuple[str, str, str, set[str], set[str]]],
    windows: list[tuple[int, int]],
    estimation: int = 250,
    gap: int = 10,
    w1: int = -10,
) -> list[dict[str, Any]]:
    """Every row and window with the market model on SPY.

    ``events`` holds (event_id, ticker, day 0, dates this row masks, dates masked for the ticker's pseudo-events).
    """
    dates, table = read_prices(prices, dividends)
    place = {day: t for t, day in enumerate(dates)}
    market = total_returns(dates, table["SPY"])
    out: list[dict[str, Any]] = []
    for event_id, ticker, day0, mask_dates, history_dates in events:
        y = total_returns(dates, table[ticker])
        zero, masked = place[day0], {place[d] for d in mask_dates}
        first = zero + min(w1, 0) - gap - estimation
        rows = [t for t in range(max(1, first), first + estimation) if t not in masked]
        line = Line(y, market, rows)
        for start, end in windows:
            days = list(range(zero + start, zero + end + 1))
            if days[-1] >= len(dates):
                continue
            car = math.fsum(line.ar(y, market, t) for t in days)
            q = line.q(market, days)
            se = line.s * math.sqrt(q)
            before = [t for t in range(max(1, first), zero + start) if t not in masked]
            p_placebo, n_placebo = placebo(
                y, market, {place[d] for d in history_dates}, zero, (start, end), car / se, estimation, gap, w1
            )
            kept, expected = 1.0, 1.0
            for t in days:
                kept, expected = kept * (1 + y[t]), expected * (1 + y[t] - line.ar(y, market, t))
            out.append(
                {
                    "event_id": event_id,
                    "ticker": ticker,
                    "window": f"[{start},{end}]",
                    "car": car,
                    "std_error": se,
                    "t": car / se,
                    "df": line.nu,
                    "p_t": two_sided(car / se, line.nu),
                    "ci_low": car - stats.t.ppf(0.975, line.nu) * se,
                    "ci_high": car + stats.t.ppf(0.975, line.nu) * se,
                    "p_t_ar1": ar1_p(line, car, q, len(days)),
                    "p_local": local_p(line, y, market, car, q, before),
                    "p_sq": sq_p(line, car) if start == end else NAN,
                    "p_min_sq": 2 / (line.n + 1) if start == end else NAN,
                    "p_conformal": conformal_p(y, market, rows, days),
                    "p_min_conformal": 1 / (line.n + len(days)),
                    "p_placebo": p_placebo,
                    "n_placebo": n_placebo,
                    "mde80": smallest_effect(se, line.nu),
                    "bhar": kept - expected,
                }
            )
    return out


def day0_parts(
    prices: str, dividends: str, events: list[tuple[str, str, str, set[str], set[str]]]
) -> dict[tuple[str, str, str], dict[str, float]]:
    """(event_id, ticker, part) -> return, expected, abnormal, standard error, t, p."""
    dates, table = read_prices(prices, dividends)
    place = {day: t for t, day in enumerate(dates)}
    out = {}
    for event_id, ticker, day0, mask_dates, _ in events:
        zero, masked = place[day0], {place[d] for d in mask_dates}
        for part, make in (("overnight", overnight_returns), ("intraday", intraday_returns)):
            y, market = make(dates, table[ticker]), make(dates, table["SPY"])
            rows = [t for t in range(max(1, zero - 270), zero - 20) if t not in masked]
            line = Line(y, market, rows)
            ar = line.ar(y, market, zero)
            se = line.s * math.sqrt(line.q(market, [zero]))
            out[event_id, ticker, part] = {
                "return": y[zero],
                "expected_return": y[zero] - ar,
                "abnormal_return": ar,
                "std_error": se,
                "t": ar / se,
                "p_t": two_sided(ar / se, line.nu),
            }
    return out

"""Returns over several sessions, and firms that miss different sessions, as plain loops written from the formulas.

Shares no code with the package: lists, the textbook sums of a weighted line, and elimination for linear systems.
"""

from __future__ import annotations

import itertools
import math

List = list[float]
Matrix = list[list[float]]


def solved(a: Matrix, b: List) -> List:
    """x of a x = b by Gaussian elimination with row exchange."""
    n = len(b)
    rows = [[*a[i], b[i]] for i in range(n)]
    for k in range(n):
        best = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[best] = rows[best], rows[k]
        for i in range(k + 1, n):
            ratio = rows[i][k] / rows[k][k]
            rows[i] = [v - ratio * w for v, w in zip(rows[i], rows[k], strict=True)]
    x = [0.0] * n
    for k in reversed(range(n)):
        x[k] = (rows[k][n] - math.fsum(rows[k][j] * x[j] for j in range(k + 1, n))) / rows[k][k]
    return x


def line(y: List, m: List, n: List, rows: list[int]) -> tuple[float, float]:
    """a and b of y = a n + b m with weights 1/n."""
    nn = math.fsum(n[t] for t in rows)
    nm = math.fsum(m[t] for t in rows)
    mm = math.fsum(m[t] ** 2 / n[t] for t in rows)
    ny = math.fsum(y[t] for t in rows)
    my = math.fsum(m[t] * y[t] / n[t] for t in rows)
    a, b = solved([[nn, nm], [nm, mm]], [ny, my])
    return a, b


def scaled(y: List, m: List, n: List, rows: list[int]) -> List:
    """z of the rows: residuals of the line through them over the root of the sessions covered."""
    a, b = line(y, m, n, rows)
    return [(y[t] - a * n[t] - b * m[t]) / math.sqrt(n[t]) for t in rows]


def about_mean(y: List, m: List, n: List, rows: list[int]) -> List:
    """The same of a market-adjusted return: less its mean a session."""
    mean = math.fsum(y[t] - m[t] for t in rows) / math.fsum(n[t] for t in rows)
    return [(y[t] - m[t] - n[t] * mean) / math.sqrt(n[t]) for t in rows]


def shifts(z: List, roots: List) -> List:
    """sum sqrt(m_j) z_j of every circular shift, the window itself first."""
    size, k = len(z), len(roots)
    return [math.fsum(roots[j] * z[(size - k + j + shift) % size] for j in range(k)) for shift in range(size)]


def share(values: List) -> float:
    """Share of the values at least as large as the first; what rounding alone separates counts as equal."""
    return sum(v >= values[0] - 1e-12 for v in values) / len(values)


def conformal(z: List, roots: List) -> tuple[float, float]:
    """(S, p), two-sided."""
    sums = [abs(v) for v in shifts(z, roots)]
    return sums[0], share(sums)


def conformal_hotelling(z: Matrix, roots: List) -> tuple[float, float]:
    """(D, p) of several firms, each a list of scaled residuals of the same rows."""
    scatter = [[math.fsum(v * w for v, w in zip(one, two, strict=True)) for two in z] for one in z]
    moves = list(zip(*(shifts(one, roots) for one in z), strict=True))
    found = [math.fsum(s * v for s, v in zip(move, solved(scatter, list(move)), strict=True)) for move in moves]
    return found[0], share(found)


def common_clock(closes: list[dict[int, float]], last: int) -> tuple[list[List], List, list[int]]:
    """Returns of every series between the sessions on which all have a close, sessions covered, and where they end."""
    kept = [t for t in range(last + 1) if all(t in one for one in closes)]
    pairs = list(itertools.pairwise(kept))
    returns = [[one[b] / one[a] - 1 for a, b in pairs] for one in closes]
    return returns, [float(b - a) for a, b in pairs], kept[1:]


def joint(y: list[List], m: List, n: List, rows: list[int], window: list[int]) -> tuple[List, float, Matrix]:
    """CARs, q and Sigma of firms that share rows, market and spans: estimation rows, then those of the window."""
    cars, errors = [], []
    for own in y:
        a, b = line(own, m, n, rows)
        cars.append(math.fsum(own[t] - a * n[t] - b * m[t] for t in window))
        errors.append([(own[t] - a * n[t] - b * m[t]) / math.sqrt(n[t]) for t in rows])
    nn, nm = math.fsum(n[t] for t in rows), math.fsum(m[t] for t in rows)
    mm = math.fsum(m[t] ** 2 / n[t] for t in rows)
    total = [math.fsum(n[t] for t in window), math.fsum(m[t] for t in window)]
    inside = solved([[nn, nm], [nm, mm]], total)
    q = total[0] + math.fsum(t * v for t, v in zip(total, inside, strict=True))
    nu = len(rows) - 2
    sigma = [[math.fsum(v * w for v, w in zip(one, two, strict=True)) / nu for two in errors] for one in errors]
    return cars, q, sigma

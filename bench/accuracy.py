"""How many digits hold: kernels, statsmodels and normal equations against arithmetic without rounding.

Worst of so many events of each kind of data: relative error of sigma and beta, absolute error of SCAR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from eventstudy.engine.measure import measure
from eventstudy.engine.options import Options
from eventstudy.engine.panel import Placed, ReturnPanel
from eventstudy.engine.windows import WindowPlan
from tests.oracles.exact import Exact, market_model

EVENTS, SESSIONS = 200, 700
PLAN = WindowPlan(estimation=250, gap=10, start=-10, end=10)
WINDOWS = [(0, 0), (-1, 1), (0, 10)]
Found = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Data:
    """Returns of a stock and of a market (T,), and the sessions of the events."""

    y: np.ndarray
    x: np.ndarray
    sessions: np.ndarray

    @property
    def panel(self) -> ReturnPanel:
        """As the engine takes it."""
        return ReturnPanel(
            returns=self.y[None],
            factors=self.x[None, None],
            span=np.isfinite(self.y)[None].astype(np.int64),
            day_number=np.arange(len(self.y))[None],
        )

    @property
    def placed(self) -> Placed:
        """The events on it."""
        n = len(self.sessions)
        return Placed(
            series=np.zeros(n, dtype=np.int64),
            session=self.sessions,
            masked=np.zeros((n, PLAN.n_days), dtype=bool),
            history_mask=np.zeros((1, len(self.y)), dtype=bool),
            seed=np.zeros(n, dtype=np.int64),
        )

    def cut(self, session: int) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """Estimation days and windows of an event, observed days alone."""
        days = session + np.arange(PLAN.estimation_start, PLAN.estimation_end + 1)
        days = days[np.isfinite(self.y[days])]
        around = [session + np.arange(a, b + 1) for a, b in WINDOWS]
        seen = [w[np.isfinite(self.y[w])] for w in around]
        return self.y[days], self.x[days], [(self.y[w], self.x[w]) for w in seen]


def kinds(events: int = EVENTS) -> dict[str, Data]:
    """The kinds of data by name."""
    rng = np.random.default_rng(20250416)
    sessions = np.sort(rng.choice(np.arange(400, SESSIONS - 20), min(events, SESSIONS - 420), replace=False))
    market, noise = rng.normal(4e-4, 0.01, SESSIONS), 0.014 * rng.standard_t(5, SESSIONS)
    still = 0.01 + 1e-7 * rng.standard_normal(SESSIONS)
    level = 1e5 * np.cumprod(1 + 0.01 * rng.standard_normal(SESSIONS))
    found = {
        "regular": (1.2 * market + noise, market),
        "near-constant market": (1.2 * still + noise, still),
        "price levels about 1e5": (0.7 * level + 300 * rng.standard_normal(SESSIONS), level),
        "near-perfect fit": (1.2 * market + 1e-9 * noise / 0.014, market),
        "50 % missing": (np.where(rng.random(SESSIONS) < 0.5, 1.2 * market + noise, np.nan), market),
    }
    made = {name: Data(y, x, sessions) for name, (y, x) in found.items()}
    # the last days of windows are there, so that every CAR exists
    for data in made.values():
        data.y[np.isnan(data.y) & np.isin(np.arange(SESSIONS), [s + b for s in sessions for _, b in WINDOWS])] = 0.003
    for size in (1e3, 1e6):
        y = found["regular"][0].copy()
        y[5] = size
        made[f"bad tick {size:.0e} outside the window"] = Data(y, market, sessions)
    return made


def kernel(engine: str) -> Callable[[Data], Found]:
    """Ours."""

    def run(data: Data) -> Found:
        options = Options(plan=PLAN, model="market-model", windows=tuple(WINDOWS), engine=engine)  # type: ignore[arg-type]
        found = measure(data.panel, data.placed, options)
        return found.theta[:, 1], np.sqrt(found.s2), found.scar

    return run


def statsmodels(data: Data) -> Found:
    """Ordinary least squares by a singular value decomposition, and the exact variance of a CAR."""
    import statsmodels.api as sm

    beta, sigma, scar = [], [], []
    for session in data.sessions:
        y, x, windows = data.cut(int(session))
        fit = sm.OLS(y, sm.add_constant(x, has_constant="add")).fit()
        beta.append(fit.params[1])
        sigma.append(np.sqrt(fit.mse_resid))
        row = []
        for wy, wx in windows:
            own = np.column_stack([np.ones(len(wx)), wx])
            v = len(wy) + own.sum(axis=0) @ fit.normalized_cov_params @ own.sum(axis=0)
            row.append((wy - own @ fit.params).sum() / np.sqrt(fit.mse_resid * v))
        scar.append(row)
    return np.array(beta), np.array(sigma), np.array(scar)


def normal_equations(data: Data) -> Found:
    """(X'X)^-1 X'y, as many write it."""
    beta, sigma, scar = [], [], []
    for session in data.sessions:
        y, x, windows = data.cut(int(session))
        own = np.column_stack([np.ones(len(x)), x])
        inverse = np.linalg.inv(own.T @ own)
        theta = inverse @ (own.T @ y)
        s2 = ((y - own @ theta) ** 2).sum() / (len(y) - 2)
        row = []
        for wy, wx in windows:
            days = np.column_stack([np.ones(len(wx)), wx])
            total = days.sum(axis=0)
            row.append((wy - days @ theta).sum() / np.sqrt(s2 * (len(wy) + total @ inverse @ total)))
        beta.append(theta[1])
        sigma.append(np.sqrt(s2))
        scar.append(row)
    return np.array(beta), np.array(sigma), np.array(scar)


def errors(found: Found, true: list[Exact]) -> tuple[float, float, float]:
    """Worst relative error of beta and sigma, worst absolute error of SCAR."""
    beta, sigma, scar = found
    pairs = list(zip(beta.tolist(), sigma.tolist(), scar.tolist(), true, strict=True))
    return (
        max(float(abs(Decimal(b) / one.beta - 1)) for b, _, _, one in pairs),
        max(float(abs(Decimal(s) / one.sigma - 1)) for _, s, _, one in pairs),
        max(float(abs(Decimal(z) - t)) for _, _, row, one in pairs for z, t in zip(row, one.scar, strict=True)),
    )


METHODS: dict[str, Callable[[Data], Found]] = {
    "compiled": kernel("numba"),
    "NumPy": kernel("numpy"),
    "statsmodels": statsmodels,
    "normal equations": normal_equations,
}


def main() -> None:
    """Print the table."""
    np.seterr(all="ignore")
    print(f"worst of {EVENTS} events: beta, sigma (relative), SCAR (absolute)")
    for name, data in kinds().items():
        true = [market_model(*data.cut(int(session))) for session in data.sessions]
        for method, run in METHODS.items():
            beta, sigma, scar = errors(run(data), true)
            print(f"  {name:<36}{method:<18}{beta:8.1e} {sigma:8.1e} {scar:8.1e}")


if __name__ == "__main__":
    main()

"""What the backtest says about markets in which nothing, or something known, happens. Run as a program it prints the
figures that docs/backtest.md gives: `python -m tests.properties.backtest_seeds --seeds 200`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from eventstudy.evaluate.backtest import DRIFT, PRIMARY, Backtest, BacktestSpec, backtest, placebo_share
from tests.evaluate.market_sample import study

DESIGNS: dict[str, dict[str, float]] = {
    "nothing happens": {},
    "drift of 0.4 % a day for five days": {"drift": 0.004},
    "drift of 0.8 % a day for five days": {"drift": 0.008},
    "effect of 2 % on day 0": {"impact": 0.02},
}


@dataclass(frozen=True)
class Seen:
    """One figure a seed; NaN where there is none."""

    r_squared: np.ndarray
    p_forecast: np.ndarray
    p_drift: np.ndarray
    net: np.ndarray
    gross: np.ndarray
    p: np.ndarray
    p_stepwise: np.ndarray
    any_stepwise: np.ndarray
    share_forecast: np.ndarray
    share_net: np.ndarray
    dates: np.ndarray


def figures(found: Backtest) -> list[float]:
    """The figures of one backtest, in the order of ``Seen``."""
    impact, drift = (found.scored[label].get("oos-r2", "zero") for label in (PRIMARY, DRIFT))
    best = [v.p_stepwise for v in found.variants if np.isfinite(v.p_stepwise)]
    main = found.main
    return [
        impact.value,
        impact.p,
        drift.p,
        main.net,
        main.gross,
        main.p,
        main.p_stepwise,
        min(best, default=np.nan),
        placebo_share(found.placebos.r_squared.get(PRIMARY, np.array([])), impact.value),
        placebo_share(found.placebos.net, main.net),
        main.n_dates,
    ]


def seen(design: str, seeds: int, placebos: int, first: int = 1000) -> Seen:
    """Backtests of many markets of one design."""
    rows = [
        figures(backtest(study(seed, **DESIGNS[design]).studied, BacktestSpec(placebos=placebos)))
        for seed in range(first, first + seeds)
    ]
    return Seen(*np.array(rows).T)


def rate(p: np.ndarray, level: float = 0.05) -> str:
    """Share of finite p values at or below a level, with their number."""
    known = p[np.isfinite(p)]
    return f"{100 * np.mean(known <= level):.1f} % of {len(known)}"


def show(design: str, s: Seen) -> None:
    """One design as lines."""
    net = s.net[np.isfinite(s.net)]
    low, middle, high = np.quantile(net, [0.05, 0.5, 0.95])
    print(f"{design}: {len(s.net)} seeds")
    print(
        f"  traded {len(net)}; net a date: mean {100 * net.mean():+.2f} %, 5 % {100 * low:+.2f}, median {100 * middle:+.2f}, 95 % {100 * high:+.2f}"
    )
    print(f"  gross a date: mean {100 * np.nanmean(s.gross):+.2f} %; R2 median {np.median(s.r_squared):+.4f}")
    # runs that lose stop trading soon and runs that win go on, so that means of runs lie below the mean of all dates
    pooled = np.nansum(s.gross * s.dates) / s.dates.sum()
    print(f"  gross over all {s.dates.sum():.0f} dates of all seeds: {100 * pooled:+.3f} %")
    print(f"  rejected at 5 %: forecast {rate(s.p_forecast)}, drift {rate(s.p_drift)}, profit {rate(s.p)}")
    print(f"  profit, all variants counted {rate(s.p_stepwise)}; any variant {rate(s.any_stepwise)}")
    print(f"  placebo share at most 5 %: forecast {rate(s.share_forecast)}, profit {rate(s.share_net)}")


def main() -> None:
    """Print the figures of every design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--placebos", type=int, default=39)
    asked = parser.parse_args()
    for design in DESIGNS:
        show(design, seen(design, asked.seeds, asked.placebos))


if __name__ == "__main__":
    main()

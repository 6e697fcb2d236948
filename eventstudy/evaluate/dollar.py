"""Abnormal returns in money: market value before the window times the CAR (methods section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.data.currency import HUNDREDTHS, LOCAL
from eventstudy.data.markets import currency_of
from eventstudy.engine.significance.cluster import weighted_sum
from eventstudy.engine.significance.distributions import t_p_value, t_quantile, tail_of
from eventstudy.engine.significance.single import sided
from eventstudy.evaluate.clusters import cluster_of, common_design, ids_of, sessions_of
from eventstudy.records import DollarRow

if TYPE_CHECKING:
    from eventstudy.results import Studied
    from eventstudy.spec import Window


def dollar_impact(studied: Studied) -> tuple[DollarRow, ...]:
    """One row an event and window whose ticker has ``--shares``, then one a session all of whose firms have them.

    Market value is the last close before the window's first day times the shares outstanding, both in the units of
    today's splits and of the listing's currency (closes in pence or cents make whole units); never a price that the
    news has touched. A total over the firms of a session, all in one currency, takes their correlation in: v'CAR over
    sqrt(q v'Sigma v) is exactly t (methods 4).

    Missing rule: no CAR or no close before the window, no row.

    Checked against
    ---------------
    The golden example of methods 19, and figures worked out from the price file.
    """
    if studied.block is None or not studied.spec.outstanding:
        return ()
    single = [row for i in studied.reported for w in studied.windows_of(i) if (row := _one(studied, i, w))]
    return (*single, *_totals(studied))


def market_value(studied: Studied, i: int, window: Window) -> float:
    """Shares times the last close before the window, in whole units of its currency; NaN without either."""
    shares = studied.spec.outstanding.get(studied.text(i, "ticker"), np.nan)
    before = studied.series(i).close[: max(0, studied.session(i) + window.start)]
    known = before[np.isfinite(before)]
    unit = 100 if _quoted_in(studied, i) in HUNDREDTHS else 1
    return float(known[-1] * shares / unit) if len(known) else np.nan


def money_of(studied: Studied, i: int) -> str:
    """Currency of an event's money; empty where it is not known."""
    own = _quoted_in(studied, i)
    return HUNDREDTHS.get(own, own)


def _quoted_in(studied: Studied, i: int) -> str:
    """Currency of the closes, pence and cents included: as the source states it, else that of the listing."""
    ticker = studied.text(i, "ticker")
    if studied.spec.currency != LOCAL:
        return studied.spec.currency
    return studied.market.prices.series[ticker].provenance.currency or currency_of(ticker)


def _one(studied: Studied, i: int, w: int) -> DollarRow | None:
    block, window = studied.block, studied.spec.windows[w]
    assert block is not None, "only asked with a block"
    value, exact = market_value(studied, i, window), block.exact
    total = value * float(block.cars.car[i, w])
    if not np.isfinite(total):
        return None
    return DollarRow(
        event_ids=(studied.text(i, "event_id"),),
        tickers=(studied.text(i, "ticker"),),
        day0=studied.day0(i),
        window=window,
        market_value=value,
        dollar=total,
        std_error=value * float(exact.std_error[i, w]),
        ci_low=value * float(exact.ci_low[i, w]),
        ci_high=value * float(exact.ci_high[i, w]),
        t=float(exact.t[i, w]),
        df=float(exact.df[i, w]),
        currency=money_of(studied, i),
        p=float(exact.p[i, w]),
    )


def _totals(studied: Studied) -> list[DollarRow]:
    """Sessions on which two or more firms have an event, all of them with shares."""
    found = []
    spec = studied.spec
    for session in sessions_of(studied):
        firms = session.firms.tolist()
        if len(money := {money_of(studied, i) for i in firms}) > 1:
            continue
        design = common_design(studied, session.firms)
        for window in spec.windows[: len(studied.shared_windows)]:
            values = np.array([market_value(studied, i, window) for i in firms])
            cluster = cluster_of(studied, design, window)
            if isinstance(cluster, str) or not np.isfinite(values).all():
                continue
            total, std_error = weighted_sum(cluster, values)
            half = float(t_quantile(np.array(cluster.nu), tail_of(spec.level, spec.alternative))) * std_error
            low, high = sided(np.array(total - half), np.array(total + half), spec.alternative)
            t = total / std_error if std_error > 0 else np.nan
            found.append(
                DollarRow(
                    event_ids=ids_of(studied, session),
                    tickers=tuple(studied.text(i, "ticker") for i in firms),
                    day0=session.day0,
                    window=window,
                    market_value=float(values.sum()),
                    dollar=total,
                    std_error=std_error,
                    ci_low=float(low),
                    ci_high=float(high),
                    t=t,
                    df=cluster.nu,
                    currency=next(iter(money)),
                    p=float(t_p_value(np.array(t), np.array(cluster.nu), spec.alternative)),
                )
            )
    return found

"""backtest.csv and trades.csv: everything a backtest found, and every decision it took."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.evaluate.backtest import placebo_share
from eventstudy.evaluate.dates import FEW_DATES
from eventstudy.evaluate.walkforward import FEWEST_DATES
from eventstudy.report.format import count

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.backtest import Backtest
    from eventstudy.evaluate.scores import Scored
    from eventstudy.evaluate.variants import Variant
    from eventstudy.results import StudyResult

_BACKTEST = (
    "part name exit_day against measure value reference ci_low ci_high statistic p_value p_stepwise n n_dates n_silent"
    " placebo_share n_placebos main applicable reason"
)
_TRADES = (
    "event_id ticker type day0 entry_date entry_at exit_date past_dates forecast side beta stock_return index_return"
    " gross overnight intraday cost net reason impact_forecast impact_car"
)
BACKTEST_COLUMNS, TRADES_COLUMNS = _BACKTEST.split(), _TRADES.split()
# Below, a page says that nothing can be said.
TOO_FEW = 10
# The names of a variant's figures, in the order of the table.
FIGURES = (
    ("gross", "gross"),
    ("cost", "cost"),
    ("net-double-cost", "net_double_cost"),
    ("overnight", "overnight"),
    ("intraday", "intraday"),
    ("deviation", "deviation"),
    ("share-positive", "share_positive"),
    ("worst", "worst"),
    ("total", "total"),
    ("net-without-best-3", "without_best"),
)


def backtest_frame(found: Backtest) -> pd.DataFrame:
    """The lines of backtest.csv: forecasts, types, trades, one measure a line."""
    import pandas as pd

    rows = [*_forecast_lines(found), *_type_lines(found), *_trade_lines(found)]
    lines = [{**dict.fromkeys(BACKTEST_COLUMNS, ""), **_blank(), **row} for row in rows]
    # as objects, so that a count beside an empty cell stays a whole number
    return pd.DataFrame(lines, columns=BACKTEST_COLUMNS, dtype=object)


def _blank() -> dict[str, Any]:
    numbers = ("value", "reference", "ci_low", "ci_high", "statistic", "p_value", "p_stepwise", "placebo_share")
    return {**dict.fromkeys(numbers, math.nan), "exit_day": None, "n_silent": None, "n_placebos": None}


def standing(n_dates: int) -> tuple[str, str]:
    """(applicable, reason) of a figure that rests on this many dates."""
    if n_dates < 2:
        return "no", count(n_dates, "date")
    if n_dates < TOO_FEW:
        return "warn", f"{n_dates} dates: too few to say anything"
    return ("warn", f"{n_dates} dates: a large effect only could be seen") if n_dates < FEW_DATES else ("yes", "")


def _forecast_lines(found: Backtest) -> Iterator[dict[str, Any]]:
    for label, scored in found.scored.items():
        common = _counts(scored)
        applicable, reason = standing(scored.n_dates)
        if not scored.scores:
            reason = "no event has enough of a past"
            yield {**common, "part": "forecast", "name": label, "applicable": "no", "reason": reason, "main": "no"}
        for s in scored.scores:
            drawn = found.placebos.r_squared.get(label, np.array([]))
            compared = (s.measure, s.against) == ("oos-r2", "zero")
            yield {
                **common,
                "part": "forecast",
                "name": label,
                "against": s.against,
                "measure": s.measure,
                "value": s.value,
                "reference": s.reference,
                "ci_low": s.ci_low,
                "ci_high": s.ci_high,
                "statistic": s.t,
                "p_value": s.p,
                "placebo_share": placebo_share(drawn, s.value) if compared else math.nan,
                "n_placebos": int(np.isfinite(drawn).sum()) if compared else None,
                "main": "yes" if compared and label == next(iter(found.scored)) else "no",
                "applicable": applicable if math.isfinite(s.value) else "no",
                "reason": reason if math.isfinite(s.value) else "every forecast is zero",
            }


def _counts(scored: Scored) -> dict[str, Any]:
    return {"n": scored.n, "n_dates": scored.n_dates, "n_silent": scored.n_silent}


def _type_lines(found: Backtest) -> Iterator[dict[str, Any]]:
    for line in found.types:
        common = {"part": "type", "name": line.kind, "n": line.n, "n_dates": line.n_dates, "main": "no"}
        applicable, reason = standing(line.n_dates)
        yield {
            **common,
            "measure": "mean-car",
            "value": line.mean,
            "ci_low": line.ci_low,
            "ci_high": line.ci_high,
            "applicable": applicable,
            "reason": reason,
        }
        known = math.isfinite(line.r_squared)
        yield {
            **common,
            "against": "zero",
            "measure": "oos-r2",
            "value": line.r_squared,
            "n": line.n_scored,
            "n_silent": line.n - line.n_scored,
            "applicable": applicable if known else "no",
            "reason": reason if known else "no event of the type has enough of a past",
        }


def _trade_lines(found: Backtest) -> Iterator[dict[str, Any]]:
    for v in found.variants:
        main = v is found.main
        common = {
            "part": "trade",
            "name": v.rule,
            "exit_day": v.exit_day,
            "n": v.n,
            "n_dates": v.n_dates,
            "main": "yes" if main else "no",
        }
        applicable, reason = trade_standing(v)
        drawn = found.placebos.net
        yield {
            **common,
            "measure": "net",
            "value": v.net,
            "ci_low": v.ci_low,
            "ci_high": v.ci_high,
            "statistic": v.t,
            "p_value": v.p,
            "p_stepwise": v.p_stepwise,
            "placebo_share": placebo_share(drawn, v.net) if main else math.nan,
            "n_placebos": int(np.isfinite(drawn).sum()) if main else None,
            "applicable": applicable,
            "reason": reason,
        }
        for measure, attribute in FIGURES:
            value = float(getattr(v, attribute))
            shown = math.isfinite(value)
            missing = "no opens" if measure in ("overnight", "intraday") and v.n else "no trade"
            yield {
                **common,
                "measure": measure,
                "value": value,
                "applicable": applicable if shown and v.n else "no",
                "reason": reason if shown or not v.n else missing,
            }


def trade_standing(v: Variant) -> tuple[str, str]:
    """(applicable, reason) of a variant's profit."""
    if not v.n:
        return "no", "it never traded"
    if v.reason:
        return ("warn" if v.n_dates > 1 else "no"), v.reason
    return standing(v.n_dates)


def trades_frame(found: Backtest, result: StudyResult) -> pd.DataFrame:
    """The lines of trades.csv: the decision of the main variant on every event, and what it came to."""
    import pandas as pd

    studied, cases = result.studied, found.plan.cases
    main, decided = found.main_trades, found.walk.decided[found.plan.exit_day]
    held, beta = found.walk.held[found.plan.exit_day], found.walk.measured.beta
    label = next(iter(found.plan.columns))
    impact, car = found.walk.forecasts[label], found.walk.outcome[label]
    rows = []
    for n, i in enumerate(cases.positions):
        taken = bool(np.isfinite(main.net[n]))
        rows.append(
            (
                *(studied.text(i, "event_id"), studied.text(i, "ticker"), cases.kinds[cases.kind[n]]),
                str(studied.day0(i)),
                str(np.datetime64(int(found.entry_dates[n]), "D")),
                "open" if cases.at_open[n] else "close",
                str(np.datetime64(int(found.exit_dates[n]), "D")),
                int(decided.past[n]),
                decided.mean[n] if decided.made[n] else math.nan,
                {1.0: "long", -1.0: "short"}.get(float(main.side[n]), "none"),
                *(beta[n], held.stock[n], held.hedge[n]),
                *(main.gross[n], main.overnight[n], main.intraday[n], main.cost[n], main.net[n]),
                "" if taken else _why_not(found, n),
                impact.mean[n] if impact.made[n] else math.nan,
                car[n],
            )
        )
    return pd.DataFrame(rows, columns=TRADES_COLUMNS)


def _why_not(found: Backtest, n: int) -> str:
    """Why the main variant has no position in an event."""
    decided = found.walk.decided[found.plan.exit_day]
    if not decided.made[n]:
        past = int(decided.past[n])
        if past < FEWEST_DATES:
            return f"no forecast: {count(past, 'date')} of the type over, {FEWEST_DATES} needed"
        return "no forecast: all types together have too short a past"
    if not decided.mean[n]:
        return "the forecast is zero: the types' past does not differ from noise"
    if not np.isfinite(found.walk.measured.beta[n]):
        return "no beta for the hedge"
    if found.plan.cases.entry[n] >= found.plan.exit_day and not found.plan.cases.at_open[n]:
        return "the position would end before it begins"
    return "no price at the entry or the exit"

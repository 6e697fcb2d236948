"""``backtest``: out of sample, does the type of an announcement forecast what it does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.api.progress import Say, progress
from eventstudy.api.result import StudyResult, record_of
from eventstudy.api.studies import study_of
from eventstudy.api.text_table import Text
from eventstudy.api.typed_tables import typed
from eventstudy.errors import UsageError
from eventstudy.spec_values import count, maybe, number

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.backtest import Backtest

HIGHEST_BPS, MOST_PLACEBOS = 1000, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """Forecasts from earlier announcements of a type, scored and traded on.

    Attributes
    ----------
    study : StudyResult
    record : Backtest
        What the pages are made from.
    """

    study: StudyResult
    record: Backtest

    @property
    def command(self) -> str:
        """Its name in a manifest."""
        return "backtest"

    @property
    def backtest(self) -> pd.DataFrame:
        """Forecasts and rules, one row each: the columns of backtest.csv."""
        from eventstudy.report.backtest import backtest_frame

        return typed(backtest_frame(self.record))

    @property
    def trades(self) -> pd.DataFrame:
        """Positions of the rule named in advance: the columns of trades.csv."""
        from eventstudy.report.backtest import trades_frame

        return typed(trades_frame(self.record, record_of(self.study)))

    @property
    def tested(self) -> int:
        """Events that were forecast."""
        return len(self.record.plan.cases.positions)

    def summary(self) -> Text:
        """The findings in sentences."""
        from eventstudy.report.backtest_page import verdicts

        return Text("\n".join(verdicts(self.record, self.study.spec.level)))

    def files(self, formats: Sequence[str]) -> dict[str, str | bytes]:
        """The files that ``report`` adds: tables with csv, page and figure with md, html or png."""
        from eventstudy.report.backtest import backtest_frame, trades_frame
        from eventstudy.report.csv_rows import csv_text
        from eventstudy.report.write import ILLUSTRATED

        found, study, made = self.record, record_of(self.study), dict[str, str | bytes]()
        digits = study.spec.digits
        if "csv" in formats:
            made["backtest.csv"] = csv_text(backtest_frame(found), digits)
            made["trades.csv"] = csv_text(trades_frame(found, study), digits)
        if ILLUSTRATED & set(formats):
            from eventstudy.report.backtest_page import backtest_page, date_profits
            from eventstudy.report.figures.equity import equity
            from eventstudy.report.markdown import render
            from eventstudy.report.pages import figure_files

            drawn = found.placebos
            figure = equity(*date_profits(found), drawn.by_date, found.main.net, drawn.net, found.main.rule)
            made["backtest.md"] = render(backtest_page(found, study, figure), tables=True)
            made |= figure_files((figure,), formats, digits)
        return made

    def __repr__(self) -> str:
        return str(self.summary())


def backtest(
    result: object,
    *,
    exit_day: int | None = None,
    cost_bps: float = 10.0,
    hedge_bps: float = 1.0,
    borrow: float = 0.01,
    placebos: int = 99,
    progress: Say | bool | None = None,
    **study: Any,
) -> BacktestResult:
    """Forecast each announcement from earlier ones of its type, and trade on it.

    Parameters
    ----------
    result : StudyResult, or events as ``run`` takes them
        Of events, ``prices``, ``spec`` and the choices of ``run`` are keywords. A column ``category`` holds the types.
    exit_day : int or None
        Positions end at the close of this day; None is 5.
    cost_bps, hedge_bps : float
        Half the spread, fee and slippage a side, of the stock and of the index, in basis points.
    borrow : float
        Annual rate on a stock sold short, as a decimal.
    placebos : int
        Draws of matched placebo dates; 0 for none.

    Returns
    -------
    BacktestResult

    Raises
    ------
    UsageError
        For a value out of range.
    NothingStudied
        If there is nothing to forecast.
    """
    day, draws = maybe(count)("exit_day", exit_day), count("placebos", placebos)
    return _backtest(result, day, (cost_bps, hedge_bps, borrow), draws, progress, study)


def _backtest(
    result: object,
    exit_day: int | None,
    costs: tuple[float, float, float],
    placebos: int,
    watch: Any,
    study: dict[str, Any],
) -> BacktestResult:
    from eventstudy.evaluate.backtest import BacktestSpec
    from eventstudy.evaluate.backtest import backtest as walk
    from eventstudy.evaluate.trading import Costs

    limits = {"cost_bps": HIGHEST_BPS, "hedge_bps": HIGHEST_BPS, "borrow": 1.0}
    side, hedge, rate = (_within(name, one, limits[name]) for name, one in zip(limits, costs, strict=True))
    choices = BacktestSpec(
        exit_day=exit_day,
        costs=Costs(per_side=side / 10_000, hedge_per_side=hedge / 10_000, borrow=rate),
        placebos=int(_within("placebos", placebos, MOST_PLACEBOS)),
    )
    # a backtest reads CARs and their variances alone
    found = study_of(
        result, {"progress": watch, **study} if study or not isinstance(result, StudyResult) else {}, ("car-t",)
    )
    with progress(watch) as say:
        return BacktestResult(study=found, record=walk(record_of(found).studied, choices, say))


def _within(name: str, value: float, highest: float) -> float:
    found = number(name, value)
    if not 0 <= found <= highest:
        raise UsageError(f"{name} {found:g} is out of range", f"0 to {highest:g}")
    return found

"""Calibration as a table, a page and lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eventstudy.evaluate.calibrate import POOLED
from eventstudy.report.announcement import stale_banner
from eventstudy.report.document import Page, Section, Table
from eventstudy.report.format import NOTHING, count, listed, p_value, share

if TYPE_CHECKING:
    from eventstudy.evaluate.calibrate import Calibration
    from eventstudy.report.figures.marks import Figure
    from eventstudy.results import StudyResult

_COLUMNS = (
    "ticker benchmark window test level regime effect n rejections rate std_error ci_low ci_high n_effective n_apart"
    " hits_apart kupiec p_kupiec christoffersen p_christoffersen p_coverage applicable reason part"
)
COLUMNS = _COLUMNS.split()
MOST_REASONS = 30
MOST_SENTENCES = 12
BANDS = ("car-t", "car-t-ar1", "ar-t-local", "conformal")


def calibration_table(found: Calibration) -> pd.DataFrame:
    """calibration.csv."""
    return pd.DataFrame(list(_lines(found)), columns=COLUMNS)


def _lines(found: Calibration) -> Iterable[Sequence[Any]]:
    for r in found.rows:
        known = r.applicable == "yes"
        c = r.coverage
        yield (
            *(r.ticker, r.benchmark, r.window.label if r.window else "", r.test, r.level, r.regime, r.effect, r.rate.n),
            r.rate.rejections if known else None,
            *(v if known else np.nan for v in (r.rate.rate, r.rate.std_error, r.rate.low, r.rate.high)),
            r.rate.n_effective if known else np.nan,
            *((c.n, c.hits) if c else (None, None)),
            *((c.kupiec, c.p_kupiec, c.christoffersen, c.p_christoffersen, c.p_both) if c else (np.nan,) * 5),
            r.applicable,
            r.reason,
            r.part,
        )


def main_window(table: pd.DataFrame) -> str:
    """The window of pages and figures: the first of the study."""
    named = [window for window in table["window"] if window]
    return str(named[0]) if named else ""


def main_level(result: StudyResult) -> float:
    """The nominal level that goes with the study's intervals."""
    return round(1 - result.spec.level, 12)


def at(table: pd.DataFrame, window: str, level: float, regime: str = "all", effect: float | None = 0.0) -> pd.DataFrame:
    """Lines of one window, level and regime; without a planted effect unless one is named."""
    chosen = (
        (table["part"] == "day")
        & (table["window"] == window)
        & np.isclose(table["level"], level)
        & (table["regime"] == regime)
    )
    return table[chosen & (table["effect"] == effect)] if effect is not None else table[chosen]


def subjects(table: pd.DataFrame, window: str) -> list[str]:
    """Tickers, then all of them together, then clusters, as the table has them."""
    return list(dict.fromkeys(table.loc[(table["window"] == window) & (table["test"] != ""), "ticker"]))


def calibration_figure(result: StudyResult, table: pd.DataFrame) -> Figure | None:
    """The figure of the main window, or None where there is nothing to draw."""
    from eventstudy.report.figures.calibration import calibration

    table = table[table["part"] == "day"]
    window, level = main_window(table), main_level(result)
    rows = table[
        (table["window"] == window)
        & np.isclose(table["level"], level)
        & (table["effect"] == 0.0)
        & (table["applicable"] == "yes")
    ]
    names = [name for name in subjects(table, window) if (rows["ticker"] == name).any()]
    if not names:
        return None
    tickers = [name for name in names if ";" not in name]
    return calibration(rows, tickers, [name for name in names if ";" in name], window, level)


def calibration_page(result: StudyResult, found: Calibration, table: pd.DataFrame, figure: Figure | None) -> Page:
    """Rates, regimes, bands, planted effects and clusters of the main window, and the other windows in short."""
    table, parts = table[table["part"] == "day"], table[table["part"] != "day"]
    window, level = main_window(table), main_level(result)
    lead = (
        "Every session that no catalogued event touches was taken for an event, with its own estimation window and the "
        "study's masks, and every test was asked. Nothing happened on these sessions, so a test that holds calls "
        "them unusual as often as its level says.",
        *sentences(table, window, level),
    )
    sections = [
        _rates_section(table, window, level, found.levels, figure),
        _windows_section(table, window, level),
        _parts_section(parts, level),
        _bands_section(table, level),
        _power_section(table, window, level, found.effects),
        _left_out_section(table),
        _how_section(result),
    ]
    return Page(
        title="Calibration",
        banner=stale_banner(result),
        lead=lead,
        sections=tuple(s for s in sections if s is not None),
    )


def sentences(table: pd.DataFrame, window: str, level: float) -> list[str]:
    """One a ticker or cluster, by rule: which intervals miss the level, and what turbulence does to the t test.

    All tickers together come first; of many the first twelve are described, the others are in the tables.
    """
    said = []
    lines = at(table, window, level)
    lines = lines[lines["applicable"] == "yes"]
    names = sorted(dict.fromkeys(lines["ticker"]), key=lambda name: name != POOLED)
    for name in names[:MOST_SENTENCES]:
        own = lines[lines["ticker"] == name]
        often = [f"{r.test} ({share(r.rate)})" for r in own.itertuples() if r.ci_low > level]
        seldom = [f"{r.test} ({share(r.rate)})" for r in own.itertuples() if r.ci_high < level]
        verdict = (
            f"every test's 95 % interval holds {nominal(level)}"
            if not often and not seldom
            else "; ".join(
                [f"too often {listed(often)}"] * bool(often) + [f"too seldom {listed(seldom)}"] * bool(seldom)
            )
        )
        text = f"{called(name)}, {window}, {count(int(own['n'].max()), 'session')}, at {nominal(level)}: {verdict}."
        said.append(text + _turbulence(table, str(name), window, level))
    return said


def _turbulence(table: pd.DataFrame, name: str, window: str, level: float) -> str:
    """What the t test and the local one do in the most turbulent tenth; empty where one of them is not there."""
    rates = {}
    for test in ("car-t", "ar-t-local"):
        own = at(table, window, level, "turbulent")
        own = own[(own["ticker"] == name) & (own["test"] == test) & (own["applicable"] == "yes")]
        if own.empty:
            return ""
        rates[test] = float(own["rate"].iloc[0])
    return (
        f" In the most turbulent tenth the t test calls {share(rates['car-t'])}, the one scaled by the last 20 "
        f"sessions {share(rates['ar-t-local'])}, unusual."
    )


def called(name: str) -> str:
    """How pages call a value of the column ``ticker``."""
    return "All tickers" if name == POOLED else ", ".join(name.split(";"))


def nominal(value: float) -> str:
    """A level or an effect, which is exact: ``5 %``, ``2.5 %``."""
    return f"{100 * value:.6g} %"


def _pick(table: pd.DataFrame, name: str, test: str) -> Mapping[str, Any] | None:
    own = table[(table["ticker"] == name) & (table["test"] == test) & (table["applicable"] == "yes")]
    return None if own.empty else own.iloc[0].to_dict()


def _rate(table: pd.DataFrame, name: str, test: str) -> str:
    found = _pick(table, name, test)
    return NOTHING if found is None else share(found["rate"])


def _rates_section(
    table: pd.DataFrame, window: str, level: float, levels: Sequence[float], figure: Figure | None
) -> Section | None:
    whole = at(table, window, level)
    whole = whole[whole["applicable"] == "yes"]
    if whole.empty:
        return None
    calm, turbulent = at(table, window, level, "calm"), at(table, window, level, "turbulent")
    rows = tuple(
        (
            called(r.ticker),
            r.test,
            str(r.n),
            *(_rate(at(table, window, each), r.ticker, r.test) for each in levels),
            f"{share(r.ci_low)[:-2]} to {share(r.ci_high)}",
            _rate(calm, r.ticker, r.test),
            _rate(turbulent, r.ticker, r.test),
            "yes" if r.ci_low <= level <= r.ci_high else "no",
        )
        for r in whole.itertuples()
    )
    shown = Table(
        caption=f"Uneventful sessions called unusual, window {window}",
        columns=(
            "ticker",
            "test",
            "sessions",
            *(f"at {nominal(each)}" for each in levels),
            f"interval at {nominal(level)}",
            "calmest tenth",
            "most turbulent tenth",
            "holds",
        ),
        rows=rows,
        numeric=frozenset(range(2, 6 + len(levels))),
        note=f"The tenths are at {nominal(level)}, by the root mean square of the 20 latest errors before the window; "
        "holds: the 95 % interval covers the level. In a cluster, tests with a result per firm count a session on "
        "which any of them is unusual.",
    )
    return Section(
        id="rates",
        title="How often each test calls an uneventful session unusual",
        blocks=(*((figure,) if figure is not None else ()), shown),
    )


def _windows_section(table: pd.DataFrame, window: str, level: float) -> Section | None:
    others = [name for name in dict.fromkeys(table["window"]) if name and name != window]
    if not others:
        return None
    tables = []
    for title, joint in (("tickers", False), ("clusters", True)):
        lines = table[(table["ticker"].str.contains(";", regex=False) == joint) & (table["test"] != "")]
        tests = list(dict.fromkeys(lines["test"]))
        names = list(dict.fromkeys(lines["ticker"]))
        rows = tuple(
            (called(name), other, *(_rate(at(lines, other, level), name, test) for test in tests))
            for name in names
            for other in others
        )
        if rows:
            tables.append(
                Table(
                    caption=f"Other windows, {title}, at {nominal(level)}",
                    columns=("ticker", "window", *tests),
                    rows=rows,
                    numeric=frozenset(range(2, 2 + len(tests))),
                )
            )
    return Section(id="windows", title="Other windows", blocks=tuple(tables)) if tables else None


def _parts_section(table: pd.DataFrame, level: float) -> Section | None:
    known = table[np.isclose(table["level"], level) & (table["regime"] == "all") & (table["applicable"] == "yes")]
    if known.empty:
        return None
    tests = list(dict.fromkeys(known["test"]))
    rows = [
        (str(ticker), str(part), str(int(mine["n"].max())), *(_rate(mine, str(ticker), test) for test in tests))
        for (ticker, part), mine in known.groupby(["ticker", "part"], sort=False)
    ]
    made = Table(
        caption=f"Parts of the day: share of uneventful sessions that each test calls unusual at {100 * level:g} %",
        columns=("ticker", "part", "sessions", *tests),
        rows=tuple(rows),
        numeric=frozenset(range(2, 3 + len(tests))),
    )
    return Section(id="parts", title="Parts of day 0", blocks=(made,))


def _bands_section(table: pd.DataFrame, level: float) -> Section | None:
    lines = table[
        np.isclose(table["level"], level)
        & table["n_apart"].notna()
        & table["test"].isin(BANDS)
        & ~table["ticker"].str.contains(";", regex=False)
    ]
    if lines.empty:
        return None
    rows = tuple(
        (
            r.ticker,
            r.window,
            r.test,
            str(int(r.n_apart)),
            str(int(r.hits_apart)),
            f"{level * r.n_apart:.1f}",
            p_value(r.p_kupiec),
            p_value(r.p_christoffersen),
            p_value(r.p_coverage),
        )
        for r in lines.itertuples()
    )
    shown = Table(
        caption=f"The {nominal(1 - level)} band around what the model expects, on windows that do not overlap",
        columns=(
            "ticker",
            "window",
            "test",
            "windows",
            "outside",
            "expected",
            "Kupiec p",
            "Christoffersen p",
            "both p",
        ),
        rows=rows,
        numeric=frozenset(range(3, 9)),
        note="Kupiec (1995): as many sessions outside as there should be. Christoffersen (1998): one outside says "
        "nothing about the next. A small p is evidence against the band.",
    )
    return Section(id="bands", title="Are the bands honest", blocks=(shown,))


def _power_section(table: pd.DataFrame, window: str, level: float, effects: Sequence[float]) -> Section | None:
    lines = at(table, window, level, effect=None)
    lines = lines[(lines["effect"] > 0) & (lines["applicable"] == "yes")]
    if lines.empty:
        return None
    rows = tuple(
        (called(name), test, *(_rate(lines[lines["effect"] == effect], name, test) for effect in effects))
        for name, test in dict.fromkeys(zip(lines["ticker"], lines["test"], strict=True))
    )
    shown = Table(
        caption=f"Planted effects found, window {window}, at {nominal(level)}",
        columns=("ticker", "test", *(f"effect {nominal(effect)}" for effect in effects)),
        rows=rows,
        numeric=frozenset(range(2, 2 + len(effects))),
        note="The effect is added to day 0 of each uneventful session in turn, for a cluster to every firm.",
    )
    return Section(id="power", title="How often an effect is found", blocks=(shown,))


def _left_out_section(table: pd.DataFrame) -> Section | None:
    lines = table[(table["applicable"] == "no") & (table["regime"] == "all")]
    lines = lines[lines["effect"] == 0.0]
    if lines.empty:
        return None
    rows = tuple((called(r.ticker), r.window, r.test, r.reason) for r in lines[:MOST_REASONS].itertuples())
    shown = Table(
        caption="What could not be calibrated",
        columns=("ticker", "window", "test", "reason"),
        rows=rows,
        note=f"{len(lines) - MOST_REASONS} more are in calibration.csv." if len(lines) > MOST_REASONS else "",
    )
    return Section(id="missing", title="What is missing", blocks=(shown,))


def _how_section(result: StudyResult) -> Section:
    spec = result.spec
    return Section(
        id="how",
        title="How it is done",
        blocks=(
            f"Model {spec.model} on {listed(spec.benchmarks)}, {spec.estimation} sessions of estimation, gap "
            f"{spec.gap}, exclude {spec.exclude}, tests {spec.alternative}. A session counts for a window that touches "
            "no catalogued announcement or filing of the firm and holds every return.",
            "Intervals and standard errors are clustered by spans of four weeks, longer for longer windows: volatility "
            "lasts, windows overlap, and firms share their days. The sessions are the firm's own past: they say how "
            "the tests did in these years, not how they will do in others.",
        ),
    )


def terminal_lines(result: StudyResult, table: pd.DataFrame) -> list[str]:
    """The main window at the study's level, and what is missing, for a terminal."""
    table = table[table["part"] == "day"]
    window, level = main_window(table), main_level(result)
    whole = at(table, window, level)
    whole = whole[whole["applicable"] == "yes"]
    lines = []
    if len(whole):
        calm, turbulent = at(table, window, level, "calm"), at(table, window, level, "turbulent")
        effects = sorted({effect for effect in table["effect"] if effect > 0})
        found = {effect: at(table, window, level, effect=effect) for effect in effects}
        wide = max(6, *(len(called(name)) for name in whole["ticker"])) + 2
        head = f"{'ticker':<{wide}}{'test':<21}{'sessions':>8}{'unusual':>10}  {'interval':<15}"
        head += f"{'calm':>7}{'turbulent':>11}"
        lines.append(f"window {window}, share of uneventful sessions called unusual at {nominal(level)}")
        lines.append(head + "".join(f"{'finds ' + nominal(effect).replace(' ', ''):>11}" for effect in effects))
        for r in whole.itertuples():
            mark = " " if r.ci_low <= level <= r.ci_high else "*"
            lines.append(
                f"{called(r.ticker):<{wide}}{r.test:<21}{r.n:>8}{share(r.rate):>9}{mark}  "
                f"{share(r.ci_low)[:-2] + ' to ' + share(r.ci_high):<15}{_rate(calm, r.ticker, r.test):>7}"
                f"{_rate(turbulent, r.ticker, r.test):>11}"
                + "".join(f"{_rate(found[effect], r.ticker, r.test):>11}" for effect in effects)
            )
        lines.append(
            f"* the 95 % interval does not hold {nominal(level)}; calm, turbulent: tenths by the 20 sessions before"
        )
    missing = table[(table["applicable"] == "no") & (table["window"] == "")]
    lines += [f"{called(r.ticker)}: not calibrated, {r.reason}" for r in missing[:MOST_REASONS].itertuples()]
    more = len(missing) - MOST_REASONS
    return lines + ([f"{more} more are not calibrated: calibration.csv gives the reason of each"] if more > 0 else [])

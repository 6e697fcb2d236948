"""Plain words, written from the numbers by rules: no verdict is stronger than its p value and its MDE allow."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from eventstudy.report.words import interval, listed, p_value, percent, size

TESTS = {
    "p_t": "the exact t test",
    "p_t_ar1": "the t test for autocorrelated errors",
    "p_local": "the test against the last 20 sessions",
    "p_sq": "the sample-quantile test",
    "p_conformal": "the conformal test",
    "p_placebo": "the firm's own placebo sessions",
}


def row_sentences(
    window: pd.Series, day0: pd.Series | None, parts: pd.DataFrame, robust: pd.DataFrame, level: float
) -> list[str]:
    """What can be said of one ticker's primary window.

    Parameters
    ----------
    window : Series
        Its line of windows.csv.
    day0 : Series or None
        Its day-0 line of abnormal_returns.csv.
    parts : DataFrame
        Its lines of overnight.csv.
    robust : DataFrame
        Its lines of robustness.csv.
    level : float
    """
    ticker = str(window["ticker"])
    if not math.isfinite(window["car"]):
        return [f"{ticker}: the window {window['window']} is not complete yet, so nothing is said about it."]
    sentences = [_size_sentence(ticker, window, day0, level)]
    sentences.append(verdict(window, level))
    sentences += _opening_sentence(parts, level)
    sentences += _model_sentence(robust, level)
    return sentences


def _size_sentence(ticker: str, window: pd.Series, day0: pd.Series | None, level: float) -> str:
    when = f"on {window['day0']}" if window["window"] == "[0,0]" else f"over {window['window']} from {window['day0']}"
    lead = ""
    if window["window"] == "[0,0]" and day0 is not None and math.isfinite(day0["return"]):
        total, expected = float(day0["return"]), float(day0["expected_return"])
        lead = f"{ticker} returned {percent(total)} {when}; {percent(expected)} of that is what its model expects. "
        when = "What is left"
    else:
        when = f"{ticker}'s abnormal return {when}"
    known = math.isfinite(window["ci_low"])
    band = f" ({100 * level:g} % interval {interval(window['ci_low'], window['ci_high'])})" if known else ""
    return f"{lead}{when} is {percent(window['car'])}{band}."


def _opening_sentence(parts: pd.DataFrame, level: float) -> list[str]:
    """What the daily return hides when the market moved on after the opening."""
    by_part = {str(part["part"]): part for part in parts.to_dict("records")}
    if set(by_part) != {"overnight", "intraday"}:
        return []
    night, day = by_part["overnight"], by_part["intraday"]
    unusual = "unusual" if night["p_t"] < 1 - level else "not unusual"
    return [
        f"Cut at the opening of day 0: {percent(night['return'])} overnight, of which "
        f"{percent(night['abnormal_return'])} is "
        f"abnormal (p {p_value(night['p_t'])}, {unusual} by itself), then {percent(day['return'])} during the "
        "session, of "
        f"which {percent(day['abnormal_return'])} (p {p_value(day['p_t'])})."
    ]


def verdict(window: pd.Series | dict[str, Any], level: float) -> str:
    """One sentence on how sure one can be, from the p values and the smallest detectable effect."""
    p = {name: float(window[name]) for name in TESTS if math.isfinite(float(window[name]))}
    if "p_t" not in p and math.isfinite(float(window["p_space"])):
        return _donors_verdict(window, level)
    if "p_t" not in p:
        return "No test is possible: the estimation residuals have no variance."
    alpha = 1 - level
    low = [name for name in p if p[name] < alpha]
    mde = float(window["mde80"])
    if not low:
        return (
            f"No test tells it from an ordinary day (p {p_value(p['p_t'])}); an effect below {size(mde)} would be "
            "missed "
            "more often than one time in five, so this is not evidence of no effect."
        )
    if len(low) == len(p):
        return (
            f"All {len(p)} tests find it unusual at the {100 * alpha:g} % level (p {p_value(p['p_t'])} by the t test)."
        )
    dissent = listed([f"{TESTS[name]} (p {p_value(p[name])})" for name in p if name not in low])
    if "p_t" in low:
        return (
            f"The t test calls it unusual (p {p_value(p['p_t'])}), but not {dissent}: the evidence depends on the test."
        )
    return (
        f"{len(low)} of {len(p)} tests call it unusual, but not {dissent}: the evidence depends on the test, and an "
        f"effect below {size(mde)} would often be missed."
    )


def _donors_verdict(window: pd.Series | dict[str, Any], level: float) -> str:
    """A synthetic control has ranks instead of a t test; what they can reach is said with them."""
    space, time = float(window["p_space"]), float(window["p_conformal"])
    words = [
        "A synthetic control has no t test"
        + (
            "; its interval holds the effects that shifts of the firm's days do not reject."
            if math.isfinite(float(window["ci_low"]))
            else " and no interval."
        ),
        f"Ranked among its donors the firm has p {p_value(space)} (no smaller one than "
        f"{p_value(float(window['p_min_space']))} is possible)"
        + (f", among its own days p {p_value(time)}." if math.isfinite(time) else "."),
    ]
    if float(window["p_min_space"]) >= 1 - level:
        words.append(f"So few donors cannot reject at {100 * (1 - level):g} %.")
    return " ".join(words)


def _model_sentence(robust: pd.DataFrame, level: float) -> list[str]:
    known = robust[robust["car"].notna()]
    if len(known) < 2:
        return []
    low, high = known["car"].min(), known["car"].max()
    n_low = int((known["p_t"] < 1 - level).sum())
    agree = {0: "none of them", len(known): "all of them"}.get(n_low, f"{n_low} of them")
    return [
        f"Over {len(known)} combinations of model and masking it lies between {percent(low)} and {percent(high)}; "
        f"{agree} "
        f"{'reject' if n_low != 1 else 'rejects'} at {100 * (1 - level):g} %."
    ]


def claim_sentence(claim: pd.Series | dict[str, Any], level: float) -> str:
    """One claim in plain words: whether the number holds, how much of it the market explains, and what is left."""
    who = f"{claim['event_id']}, {claim['ticker']}"
    if claim["verdict"] == "no_data":
        return f"{who}: there is no price to hold the claim against."
    when = "from the previous close to the opening" if claim["kind"] == "open" else "from close to close"
    holds = {"agrees": "as claimed", "close": "close to the claim"}.get(str(claim["verdict"]), "not as claimed")
    note = str(claim["note"])
    start = f"{who}: {percent(claim['observed_return'])} {when}, {holds}."
    start += f" {note[0].upper()}{note[1:]}." if note else ""
    if not math.isfinite(claim["p_t"]):
        return start
    told = "is unusual" if claim["p_t"] < 1 - level else "cannot be told from an ordinary day"
    return (
        f"{start} The model expects {percent(claim['expected_return'])} of that; the rest, "
        f"{percent(claim['abnormal_return'])}, {told} by the t test (p {p_value(claim['p_t'])})."
    )


def limits() -> str:
    """What holds for every announcement."""
    return (
        "With one event no test can separate a moved mean from a risen variance, and an abnormal return is not a cause."
    )


def confounded(windows: pd.DataFrame, others: list[str], nearby: list[str]) -> list[str]:
    """What stands in the way of reading one announcement's numbers as its effect.

    Parameters
    ----------
    windows : DataFrame
        Its primary lines of windows.csv.
    others : list of str
        Other announcements on the same session.
    nearby : list of str
        Confounders in the primary window.
    """
    flags = {flag for cell in windows["flags"] for flag in str(cell).split(";")}
    found = []
    if (windows["role"] == "placebo").any():
        found.append("It is kept as a placebo: no news about the firm became public that a price could react to.")
    if others:
        found.append(
            f"The same session carries {listed(others)}: daily data cannot split what each of them did, so they "
            "are one cluster."
        )
    if nearby:
        found.append(f"Also in the window: {'; '.join(nearby)}.")
    if "timing_uncertain" in flags:
        found.append("The hour is unknown, so day 0 may be the next session; the window [0,1] holds both.")
    if "overlap" in flags:
        found.append("The window overlaps that of another announcement of the firm.")
    if "window_incomplete" in flags:
        found.append("The window reaches past the last final session.")
    return found or ["Nothing else is catalogued in the window."]


def sure(windows: pd.DataFrame, parts: pd.DataFrame, robust: pd.DataFrame, level: float) -> list[str]:
    """What can be said of all tickers of one announcement together, each kind of evidence once.

    Parameters
    ----------
    windows, parts, robust : DataFrame
        Its primary lines of windows.csv, and its lines of overnight.csv and robustness.csv.
    level : float
    """
    known = [w for w in windows.to_dict("records") if math.isfinite(w["car"])]
    waiting = [str(w["ticker"]) for w in windows.to_dict("records") if not math.isfinite(w["car"])]
    quiet = [w for w in known if _rejections(w, level) == 0 and math.isfinite(w["p_t"])]
    said = [f"{w['ticker']} ({percent(w['car'])}): {_small(verdict(w, level))}" for w in known if w not in quiet]
    if quiet:
        firms = listed([f"{w['ticker']} ({percent(w['car'])})" for w in quiet])
        missed = listed([size(w["mde80"]) for w in quiet])
        said.append(
            f"{firms}: no test tells {'it' if len(quiet) == 1 else 'them'} from an ordinary day; true effects below "
            f"{missed} would be missed more often than one time in five, so this is not evidence of no effect."
        )
    if waiting:
        said.append(f"{listed(waiting)}: the window is not complete yet, so nothing is said.")
    return [*said, *_night_sentence(parts, level), *_models_sentence(robust, level)]


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _rejections(window: dict[str, Any], level: float) -> int:
    return sum(float(window[name]) < 1 - level for name in TESTS)


def _night_sentence(parts: pd.DataFrame, level: float) -> list[str]:
    """The opening, which a daily return can hide; those that are unusual by themselves."""
    night = [p for p in parts.to_dict("records") if p["part"] == "overnight" and math.isfinite(p["p_t"])]
    low = [f"{p['ticker']} {percent(p['abnormal_return'])} (p {p_value(p['p_t'])})" for p in night]
    unusual = [text for text, p in zip(low, night, strict=True) if p["p_t"] < 1 - level]
    if not night:
        return []
    if not unusual:
        return ["No overnight part of day 0 is unusual by itself."]
    return [f"From the previous close to the opening, the abnormal part alone is unusual for {listed(unusual)}."]


def _models_sentence(robust: pd.DataFrame, level: float) -> list[str]:
    """How far models and masking move each ticker's number."""
    found = []
    for ticker, lines in robust[robust["car"].notna()].groupby("ticker", sort=False):
        n_low = int((lines["p_t"] < 1 - level).sum())
        found.append(
            f"{ticker} {percent(lines['car'].min())[:-2]} to {percent(lines['car'].max())} ({n_low} of {len(lines)} "
            "reject)"
        )
    return [f"Across models and masking: {', '.join(found)}."] if found else []

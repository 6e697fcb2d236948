"""Reads pages back, with code of its own: sentences by their words, and the numbers of pictures by their attributes.

No module of ``eventstudy.report`` is used: a sentence is held against the tables as a reader would do it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from eventstudy.results import StudyResult

COUNTS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SIZE = r"(\d+\.\d+)"
NAME = r"([A-Z]+)"
OVER = r"(?: over (\w+) days)?"
WHAT = r"the market(?: with its sector)?"


def plain(markdown: str) -> str:
    """Text of a Markdown page without its escapes."""
    text = re.sub(r"\\(.)", r"\1", markdown)
    return text.replace("&#58;", ":").replace("&#46;", ".").replace("&amp;", "&")


def both_sides(text: str, side: str) -> str:
    """The text of a one-sided study in the words of one of both sides, once it is known to be about that side only."""
    if side == "two-sided":
        assert not re.search(r"unusually|went as (?:low|high)", text)
        return text
    word, other = ("low", "high") if side == "less" else ("high", "low")
    assert not re.search(rf"unusually {other}|went as (?:{other}|far)|could be (?:an )?ordinary", text)
    assert f"Tests look for own moves {'below' if side == 'less' else 'above'} zero only" in text
    text = text.replace("None did plainly " + ("worse" if side == "less" else "better"), "None moved plainly further")
    text = re.sub(rf"(?:\b(?:is|are) )?\bnot unusually {word}", "could be an ordinary day", text)
    text = re.sub(rf"\bNot unusually {word}", "Could be an ordinary day", text)
    text = (
        text.replace(f"As {word}:", "As far:")
        .replace(f"Unusually {word}", "Unusual")
        .replace(f"unusually {word}", "unusual")
    )
    # how far a curve or an ordinary day lies, in captions
    text = re.sub(rf"(lies|at least) as {word}", r"\1 as far from zero", text)
    return re.sub(rf"\bas {word}\b", "as far", text)


@dataclass
class Row:
    """What the tables say of one share over its primary window, and at the opening."""

    ticker: str
    moved: float
    own: float
    low: float
    high: float
    p: float
    as_far: int
    ordinary: int
    mde: float
    mde_local: float
    scale: float
    local: tuple[float, float]
    variants: int
    unusual: int
    days: int
    parts: dict[str, dict[str, float]]
    level: float

    @property
    def outside(self) -> bool:
        return self.p <= 1 - self.level + 1e-12

    @property
    def kind(self) -> str:
        share = self.unusual / self.variants if self.variants else float(self.outside)
        if self.outside and share >= 0.9:
            return "unusual"
        return "ordinary" if not self.outside and share <= 0.1 else "depends"


def counted_variants(result: StudyResult, event_id: str, ticker: str, part: str = "day") -> pd.DataFrame:
    """The specifications that count, from robustness.csv."""
    table, windows = result.tables["robustness"], result.tables["windows"]
    own = windows[(windows["event_id"] == event_id) & (windows["ticker"] == ticker) & (windows["primary"] == "yes")]
    window = own["window"].iloc[0] if part == "day" else "[0,0]"
    mine = table[(table["event_id"] == event_id) & (table["ticker"] == ticker) & (table["in_curve"] == "yes")]
    return mine[(mine["part"] == part) & (mine["window"] == window) & mine["p_t"].notna()]


def by_name(result: StudyResult, rows: dict[str, Row]) -> dict[str, Row]:
    """The rows by the names that pages call shares, where the events file has a column ``company``."""
    events = result.studied.index.events.frame()
    named = dict(zip(events["ticker"], events["company"], strict=True)) if "company" in events else {}
    return {
        (named.get(ticker) or ticker): replace(row, ticker=named.get(ticker) or ticker) for ticker, row in rows.items()
    }


def rows_of(result: StudyResult, event_id: str) -> dict[str, Row]:
    """The rows of an announcement by ticker, worked out from the tables alone."""
    found = {}
    windows, daily, parts = (result.tables[name] for name in ("windows", "abnormal_returns", "overnight"))
    level = result.spec.level
    for w in windows[(windows["event_id"] == event_id) & (windows["primary"] == "yes")].to_dict("records"):
        start, end = map(int, re.findall(r"-?\d+", w["window"]))
        mine = daily[(daily["event_id"] == event_id) & (daily["ticker"] == w["ticker"])]
        inside = mine[(mine["day"] >= start) & (mine["day"] <= end)]["return"]
        smallest = w["p_min_rank_local"]
        curve = counted_variants(result, event_id, w["ticker"])
        own_parts = parts[(parts["event_id"] == event_id) & (parts["ticker"] == w["ticker"])]
        found[w["ticker"]] = Row(
            ticker=w["ticker"],
            moved=100 * inside.sum() if inside.notna().any() else np.nan,
            own=100 * w["car"],
            low=w["headline_low"],
            high=w["headline_high"],
            p=w["p_headline"],
            as_far=round(w["p_rank_local"] / smallest) - 1 if smallest > 0 else 0,
            ordinary=round(1 / smallest) - 1 if smallest > 0 else 0,
            mde=100 * w["mde80"],
            mde_local=100 * w["mde80_local"],
            scale=w["local_scale"],
            local=(100 * w["local_low"], 100 * w["local_high"]),
            variants=len(curve),
            unusual=int((curve["p_t"] <= 1 - level + 1e-12).sum()),
            days=end - start + 1,
            parts={p["part"]: p for p in own_parts.to_dict("records")},
            level=level,
        )
    return found


def near(said: str | float, value: float, digits: int) -> None:
    """A printed number is a value's rounding."""
    gap = abs(float(said) - value)
    assert gap <= 0.5 * 10**-digits + 1e-9, f"{said} is not {value}"


def interval_fits(text: str, bounds: tuple[float, float], digits: int = 1) -> bool:
    """Whether ``-8.1 to +6.3 %``, ``up to +6.3 %`` or ``-8.1 % or more`` are the bounds; NaN is none."""
    low = re.match(r"([-+]?\d+\.\d+)(?: to| % or more)", text)
    high = re.search(r"to ([-+]?\d+\.\d+) %", text)
    return all(
        np.isnan(bound) if said is None else abs(float(said[1]) - bound) <= 0.5 * 10**-digits + 1e-9
        for said, bound in zip((low, high), bounds, strict=True)
    )


def hold_decomposition(said: re.Match[str], row: Row, digits: int) -> None:
    """What moved, what the market explains, and what is its own: right, and adding up as printed."""
    name, verb, moved, days = said["name"], said["verb"], float(said["moved"] or 0.0), said["days"]
    assert name == row.ticker
    assert verb is None or (verb == "rose") == (row.moved > 0)
    near(moved, abs(row.moved), digits)
    assert (COUNTS.index(days) if days else 1) == row.days
    moved = moved if verb == "rose" else -moved
    groups = said.groupdict()
    market = row.moved - row.own
    if groups.get("none"):
        assert abs(market) < 0.1 + 0.6 * 10**-digits + 0.01
        return
    if groups.get("explains"):
        part, own = float(groups["explains"]), float(groups["own"])
        near(own, abs(row.own), digits)
        assert abs(part - abs(market)) <= 1.5 * 10**-digits
        assert abs(part + own - abs(moved)) < 1e-9, "parts add up as printed"
        return
    part = float(groups["part"]) * (1 if groups["way"] == "lifted" else -1)
    assert abs(part - market) <= 1.5 * 10**-digits and np.sign(part) == np.sign(round(market, digits + 1))
    if groups.get("though"):
        near(groups["own"], abs(row.own), digits)
        assert abs(float(groups["own"]) * np.sign(row.own) + part - moved) < 1e-9
        return
    own = float(groups["own"]) * (1 if groups["better"] == "better" else -1)
    near(own, row.own, digits)
    assert abs(own + part - moved) < 1e-9


START = r"(?P<name>[A-Z]+) (?:(?P<verb>rose|fell) (?P<moved>\d+\.\d+) %|did not move)(?: over (?P<days>\w+) days)?"
DECOMPOSITIONS = [
    rf"{START}; {WHAT} explains (?P<explains>\d+\.\d+) points of it, (?P<own>\d+\.\d+) points are its own\.",
    rf"{START}; {WHAT} explains (?P<none>none) of it\.",
    rf"{START}, and (?P<none>neither) did {WHAT}\.",
    rf"{START}, (?P<though>though) {WHAT} would have (?P<way>lifted|lowered) it by (?P<part>\d+\.\d+) %; "
    rf"(?P<own>\d+\.\d+) points are its own\.",
    rf"{START}; {WHAT} alone would have (?P<way>lifted|lowered) it by (?P<part>\d+\.\d+) %, so it did "
    rf"(?P<own>\d+\.\d+) points (?P<better>better|worse)\.",
]
VERDICTS = {
    r"That is unusual, and every one of (?P<n>\d+) variants says so\.": ("unusual", "all"),
    r"That is unusual, and (?P<k>\d+) of (?P<n>\d+) variants say so\.": ("unusual", ""),
    r"That could be an ordinary day; (?P<k>none|\d+) of (?P<n>\d+) variants calls? it unusual\.": ("ordinary", ""),
    r"Whether that is unusual depends on the choices: (?P<k>\d+) of (?P<n>\d+) variants calls? it so\.": (
        "depends",
        "",
    ),
    r"That is unusual\.": ("unusual", "alone"),
    r"That could be an ordinary day\.": ("ordinary", "alone"),
}


def hold_verdict(text: str, row: Row) -> bool:
    """Whether the text is a verdict; it is held against the row."""
    for pattern, (kind, how) in VERDICTS.items():
        said = re.fullmatch(pattern, text)
        if said:
            assert kind == row.kind, f"{row.ticker}: {text} but p {row.p}, {row.unusual} of {row.variants}"
            if how != "alone":
                k = said.groupdict().get("k")
                assert int(said["n"]) == row.variants
                assert row.unusual == (row.variants if how == "all" else 0 if k == "none" else int(k or 0))
            else:
                assert row.variants == 0
            return True
    return False


class Pictures(HTMLParser):
    """Attributes of every ``svg`` that has a kind."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "svg" and "data-kind" in held:
            self.found.append(held)


def pictures(page: str) -> list[dict[str, str]]:
    """The pictures of a page."""
    reader = Pictures()
    reader.feed(page)
    return reader.found


def values(text: str) -> list[float]:
    """Numbers of an attribute."""
    return [float(part) for part in text.split(",") if part]

"""Every sentence with a number or a verdict on Markdown pages and in the terminal text, by template: each is held against
the tables or is among the sentences that hold for every study. A sentence that no template knows fails.

It imports no part of ``eventstudy.report``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from eventstudy.results import StudyResult
from tests.report.reading import (
    COUNTS,
    DECOMPOSITIONS,
    VERDICTS,
    Row,
    by_name,
    counted_variants,
    interval_fits,
    near,
    rows_of,
)

VERDICT_WORDS = re.compile(r"\d|unusual|ordinary|plainly")
SIGNED = r"[-+]?\d+\.\d+"
DAY = r"\d{1,2} [A-Z][a-z]+ \d{4}"
# texts of the events file and of confounders
FREE = "¤"


KNOWN: dict[int, tuple[StudyResult, dict[str, dict[str, Row]]]] = {}
CURVES: dict[int, tuple[StudyResult, dict[tuple[str, str, str], pd.DataFrame]]] = {}


def curve_of(result: StudyResult, event_id: str, ticker: str, part: str = "day") -> pd.DataFrame:
    """The specifications that count, read once a study."""
    held = CURVES.setdefault(id(result), (result, {}))[1]
    if (event_id, ticker, part) not in held:
        held[event_id, ticker, part] = counted_variants(result, event_id, ticker, part)
    return held[event_id, ticker, part]


@dataclass
class Context:
    """A page: the study, the announcements that it may be about, and the templates it has used."""

    result: StudyResult
    events: list[str]
    used: set[str] = field(default_factory=set)

    @property
    def alpha(self) -> float:
        return 1 - self.result.spec.level

    def of_event(self, event_id: str) -> dict[str, Row]:
        """The rows of an announcement by the names that pages call shares; worked out once a study."""
        held = KNOWN.setdefault(id(self.result), (self.result, {}))[1]
        if event_id not in held:
            held[event_id] = by_name(self.result, rows_of(self.result, event_id))
        return held[event_id]

    def rows(self) -> Iterator[Row]:
        for event_id in self.events:
            yield from self.of_event(event_id).values()

    def table(self, name: str) -> pd.DataFrame:
        found = self.result.tables[name]
        return found[found["event_id"].isin(self.events)]

    def names(self) -> dict[str, str]:
        """Ticker -> what pages call it."""
        events = self.result.studied.index.events.frame()
        named = dict(zip(events["ticker"], events["company"], strict=True)) if "company" in events else {}
        return {ticker: named.get(ticker) or ticker for ticker in events["ticker"]}

    def of(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        names = self.names()
        return frame[[names[t] == name for t in frame["ticker"]]]


Check = Callable[[re.Match[str], Context], object]


def free_of(text: str, result: StudyResult) -> str:
    """The text with what people wrote into files taken out."""
    events = result.studied.index.events.frame()
    found = set()
    for column in ("title", "notes", "source", "claim_text", "claim_open_text"):
        found |= set(events[column]) if column in events else set()
    for i in range(len(result.studied.rows)):
        window = result.spec.event_window
        found |= {n.title for n in result.studied.index.nearby(int(result.studied.rows[i]), window.start, window.end)}
    for words in sorted((w for w in found if len(w) > 3), key=len, reverse=True):
        text = text.replace(" ".join(words.split()), FREE)
    return text


def close(said: str, value: float, digits: int) -> bool:
    return bool(abs(float(said) - value) <= 0.5 * 10**-digits + 1e-9)


def _masked(m: re.Match[str], c: Context) -> None:
    models = c.of(m["name"], c.table("models"))
    own = c.table("robustness")
    fits = []
    for row in models.to_dict("records"):
        mine = own[(own["event_id"] == row["event_id"]) & (own["ticker"] == row["ticker"]) & (own["masked"] == "no")]
        mine = mine[(mine["model"] == row["model"]) & (mine["part"] == "day")]
        fits.append(row["n_masked"] == int(m["k"]) and any(close(m["v"], 100 * v, 2) for v in mine["car"]))
    assert any(fits), m[0]


def _line(m: re.Match[str], c: Context) -> None:
    models = c.of(m["name"], c.table("models"))
    dates = [str(pd.Timestamp(day).date()) for day in (m["first"], m["last"])]
    assert any(
        row["n_estimation"] == int(m["n"])
        and [row["estimation_start"], row["estimation_end"]] == dates
        and close(m["beta"], row["beta"], 2)
        and m["market"] in row["benchmark"].split(";")
        for row in models.to_dict("records")
    ), m[0]


def _family(m: re.Match[str], c: Context) -> None:
    windows = c.result.tables["windows"]
    primary = windows[(windows["primary"] == "yes") & windows["p_headline"].notna()]
    counted = primary[primary["role"].isin(["direct", "peer"])].drop_duplicates(["ticker", "day0", "window"])
    out = int((counted["p_headline"] <= c.alpha + 1e-12).sum())
    assert (_count(m["k"]), int(m["n"].replace(",", ""))) == (out, len(counted)), m[0]
    _odds(m, c)
    expected = c.alpha * len(counted)
    words = m["chance"].removeprefix("about ")
    if words == "less than one":
        assert expected < 1
    else:
        said = [_count(part) for part in words.split(" or ")]
        assert min(said) - 0.5 <= expected <= max(said) + 0.5, m[0]
    if m["stay"]:
        from statsmodels.stats.multitest import multipletests

        adjusted = multipletests(counted["p_t"], method="holm")[1]
        both = (adjusted <= c.alpha) & (counted["p_headline"].to_numpy() <= c.alpha)
        assert _count(m["stay"]) == int(both.sum()), m[0]


def _count(text: str) -> int:
    text = text.lower().replace(",", "")
    return int(text) if text.isdigit() else COUNTS.index(text)


def _not_counted(m: re.Match[str], c: Context) -> None:
    """By the table of docs/validation.md, between its columns."""
    sizes, rates = [1, 2, 3, 5, 10, 20, 31], [3.0, 5.3, 6.9, 7.9, 13.6, 18.3, 24.4]
    n = int(m["n"].replace(",", ""))
    assert n == c.result.unusual.tested and abs(int(m["k"]) - np.interp(n, sizes, rates)) <= 0.51
    assert int(m["k"]) >= 6 and c.result.spec.level >= 0.95


def _not_measured(m: re.Match[str], c: Context) -> None:
    unusual = c.result.unusual
    assert int(m["n"].replace(",", "")) == unusual.tested and (c.result.spec.level < 0.95 or unusual.by != "headline")


def _placebos(m: re.Match[str], c: Context) -> None:
    windows = c.result.tables["windows"]
    mine = windows[(windows["primary"] == "yes") & (windows["role"] == "placebo") & windows["p_headline"].notna()]
    mine = mine.drop_duplicates(["ticker", "day0", "window"])
    assert (_count(m["k"]), _count(m["n"])) == (int((mine["p_headline"] <= c.alpha + 1e-12).sum()), len(mine)), m[0]


def _ledger(m: re.Match[str], c: Context) -> None:
    counts = tuple(int(x.replace(",", "")) for x in (m["read"], m["studied"], m["left"]))
    assert counts == (c.result.n_read, c.result.totals.n_studied, len(c.result.tables["excluded"])), m[0]


def _far(m: re.Match[str], c: Context) -> None:
    """By day from windows.csv, by night from overnight.csv."""
    as_far, n = int(m["c"] or 0), int(m["m"] or m["n"])
    if (m["one"] or m["many"]).startswith("night"):
        parts = c.table("overnight")
        parts = parts[(parts["part"] == "overnight") & (parts["p_min_rank_local"] > 0)]
        pairs = zip(parts["p_rank_local"], parts["p_min_rank_local"], strict=True)
        assert (as_far, n) in {(round(p / least) - 1, round(1 / least) - 1) for p, least in pairs}, m[0]
    else:
        windows = c.table("windows")
        windows = windows[windows["p_min_rank_local"] > 0]
        pairs = zip(windows["p_rank_local"], windows["p_min_rank_local"], strict=True)
        assert (as_far, n) in {(round(p / least) - 1, round(1 / least) - 1) for p, least in pairs}, m[0]


def _variants(m: re.Match[str], c: Context) -> None:
    """k of n variants say so, of a whole day or of an opening."""
    groups = m.groupdict()
    n = int(groups["n"])
    k = _count(groups["k"]) if "k" in groups else n
    found = set()
    for row in c.table("models").to_dict("records"):
        for part in ("day", "overnight"):
            curve = curve_of(c.result, row["event_id"], row["ticker"], part)
            found.add((int((curve["p_t"] <= c.alpha + 1e-12).sum()), len(curve)))
    assert (k, n) in found, m[0]


def _claim(m: re.Match[str], c: Context) -> None:
    claims = c.result.tables["claims"]
    observed = 100 * claims["observed_return"]
    rows = claims[[close(m["observed"], v, 2) for v in observed]]
    assert len(rows), m[0]
    word = m["how"]
    verdicts = {"number is right": "agrees", "direction is right": "agrees"}
    assert (rows["verdict"] == "agrees").any() == (word in verdicts), m[0]


def _off(m: re.Match[str], c: Context) -> None:
    claims = c.result.tables["claims"]
    numbers = pd.to_numeric(claims["claimed_return"], errors="coerce")
    gap = (100 * (claims["observed_return"] - numbers)).abs()
    fits = [close(m["observed"], 100 * o, 2) and abs(float(m["off"]) - g) <= 0.0101 for o, g in
            zip(claims["observed_return"], gap, strict=True)]  # fmt: skip
    assert any(fits) and (claims["verdict"][fits] != "agrees").all(), m[0]


def _claim_parts(m: re.Match[str], c: Context) -> None:
    claims = c.result.tables["claims"]
    own = [(100 * a, 100 * e) for a, e in zip(claims["abnormal_return"], claims["expected_return"], strict=True)]
    assert any(close(m["own"], a, 2) and abs(float(m["market"]) - e) <= 0.0151 for a, e in own if np.isfinite(a)), m[0]


def _history(m: re.Match[str], c: Context) -> None:
    spec = c.result.spec
    assert (int(m["n"]), int(m["gap"])) == (spec.estimation, spec.gap), m[0]


def _settings(m: re.Match[str], c: Context) -> None:
    spec = c.result.spec
    assert m["model"] == spec.model and m["window"] == spec.event_window.label
    assert (m["returns"], m["side"], float(m["level"])) == (spec.returns, spec.alternative, spec.level)


def _day0(m: re.Match[str], c: Context) -> None:
    assert str(pd.Timestamp(m["day"]).date()) in set(c.table("windows")["day0"]), m[0]


def _left_out(m: re.Match[str], c: Context) -> None:
    assert any(m[0].rstrip(".*") in text or text in m[0] for text in c.table("curves")["left_out"] if text), m[0]


def _between(m: re.Match[str], c: Context) -> None:
    n = int(m["n"])
    k = int({"none": 0, "all": n}.get(m["k"], m["k"]))
    found = []
    for row in c.table("models").to_dict("records"):
        curve = curve_of(c.result, row["event_id"], row["ticker"])
        if len(curve) == n:
            ends = 100 * curve["car"].min(), 100 * curve["car"].max()
            unusual = int((curve["p_t"] <= c.alpha + 1e-12).sum())
            found.append(unusual == k and close(m["low"], ends[0], 2) and close(m["high"], ends[1], 2))
    assert any(found), m[0]


def _moves_of_row(m: re.Match[str], c: Context) -> None:
    """``NVIDIA -6.9 %: ...``: a folded line."""
    assert any(row.ticker == m["name"] and close(m["moved"], row.moved, 1) for row in c.rows()), m[0]


def _big_day(m: re.Match[str], c: Context) -> None:
    assert (c.table("curves")["market_return"].abs() >= 0.02 - 1e-12).any(), m[0]


def _shared(m: re.Match[str], c: Context) -> None:
    windows = c.result.tables["windows"]
    days = windows.groupby("day0")["event_id"].nunique()
    assert COUNTS.index(m["n"]) in set(days), m[0]


def _model_line(m: re.Match[str], c: Context) -> None:
    rows = c.table("models").to_dict("records")
    assert any(
        close(m["beta"], row["beta"], 2) and close(m["sigma"], 100 * row["sigma"], 2)
        and row["n_estimation"] == int(m["n"]) for row in rows
    ), m[0]  # fmt: skip


def _level(m: re.Match[str], c: Context) -> None:
    assert float(m["level"]) == round(100 * c.result.spec.level, 6) or m["level"] == f"{100 * c.result.spec.level:g}"


def _odds(m: re.Match[str], c: Context) -> None:
    said = {"one in twenty": 0.05, "one in ten": 0.1, "one in a hundred": 0.01}
    assert said.get(m["odds"]) == round(c.alpha, 9) or m["odds"] == f"{100 * c.alpha:g} %", m[0]


def _mde(m: re.Match[str], c: Context) -> None:
    """Sizes by name, or that of the one share; and at the scale of the last 20 sessions with its interval."""
    rows = list(c.rows())
    for size, name in re.findall(r"(\d+\.\d+)(?: points)?(?: for ([^,;]+?))?(?=,| and | would|$)", m["sizes"]):
        assert any(close(size, row.mde, 1) and (not name or row.ticker == name) for row in rows), m[0]
    found = re.findall(r"(\d+\.\d+)(?: for ([^(]+?))? \(interval ([^)]+)\)", m["local"] or "")
    assert bool(found) == bool(m["local"]), m[0]
    for size, name, interval in found:
        assert any(
            close(size, row.mde_local, 1) and interval_fits(interval, row.local)
            and (not name or row.ticker == name) and not 0.75 <= row.scale <= 1.25 for row in rows
        ), m[0]  # fmt: skip


def _decomposed(m: re.Match[str], c: Context) -> None:
    assert any(row.ticker == m["name"] and close(m["moved"] or "0", abs(row.moved), 2) for row in c.rows()), m[0]
    own = m.groupdict().get("own")
    if own:
        assert any(row.ticker == m["name"] and close(own, abs(row.own), 2) for row in c.rows()), m[0]


def _titled(m: re.Match[str], c: Context) -> None:
    rows = list(c.rows())
    for name, verb, size in re.findall(
        r"(?:^|, | and )((?:(?! and )[^,])+?) (rose|fell) (\d+\.\d) %", m[0].lstrip("# ")
    ):
        assert any(
            r.ticker == name and close(size, abs(r.moved), 1) and (r.moved > 0) == (verb == "rose") for r in rows
        ), m[0]


def _flipped(m: re.Match[str], c: Context) -> None:
    """The value under the usual choices, the other among the variants that count, and on which side of the line it is."""
    for event_id in c.events:
        for ticker, name in c.names().items():
            row = c.of_event(event_id).get(name)
            if row is None or name != m["name"] or not close(m["usual"], row.own, 1):
                continue
            curve = curve_of(c.result, event_id, ticker)
            counts = curve["p_t"] <= c.alpha + 1e-12
            wanted = counts if m["how"] == "counts" else ~counts
            if any(close(m["other"], 100 * v, 1) for v in curve["car"][wanted]):
                return
    raise AssertionError(m[0])


def _listed_kinds(m: re.Match[str], c: Context) -> None:
    """Owners of each kind: read share by share in test_sentences on pages of announcements; here each must have one
    such row."""
    rows = list(c.rows())
    for words, kind in (("unusual under nearly every choice", "unusual"), ("could be an ordinary day", "ordinary"),
                        ("on how the past is measured", "depends")):  # fmt: skip
        for part in re.split(r"; |^At the close, ", m[0]):
            if words in part and (named := re.search(r"own moves? of (.+?) (?:is|are|could|depends?)\b", part)):
                for name in re.split(r", | and ", named[1]):
                    assert any(r.ticker == name and r.kind == kind for r in rows), m[0]


def _opened(m: re.Match[str], c: Context) -> None:
    parts = c.table("overnight")
    names = re.split(r", | and ", m["names"])
    for name, size in zip(names, re.findall(r"\d+\.\d+", m["sizes"]), strict=True):
        mine = c.of(name, parts[parts["part"] == "overnight"])
        fits = [close(size, abs(100 * v), 1) and (v < 0) == (m["side"] == "below") for v in mine["abnormal_return"]]
        p = mine["p_headline"].fillna(mine["p_t"])
        assert any(fits) and (p[fits] <= c.alpha + 1e-12).any(), m[0]
    if m["turned"]:
        assert bool(m["how"]) == (c.result.spec.alternative == "two-sided"), m[0]
    who = [name for name in names if re.search(rf"\b{re.escape(name)}\b", m["who"] or "")] or names
    for name, size in zip(who, re.findall(r"\d+\.\d+", m["back"] or ""), strict=not m["turned"] and False):
        mine = c.of(name, parts[parts["part"] == "intraday"])
        gained = m["verb"] == "gained"
        assert any(close(size, abs(100 * v), 1) and (v > 0) == gained for v in mine["abnormal_return"]), m[0]


def _all_parts(m: re.Match[str], c: Context) -> None:
    """Which parts of a session are unusual by themselves and by Romano-Wolf, from overnight.csv."""
    windows = c.table("windows")
    days = dict(zip(zip(windows["event_id"], windows["ticker"], strict=True), windows["day0"], strict=True))
    known = {"opening": "overnight", "session": "intraday"}
    said = {
        (known[part], name)
        for part, name in re.findall(r"the (opening|session) of ([^,]+?)(?=,| and the |$)", m["who"])
    }
    found: dict[str, set[tuple[str, str]]] = {}
    for row in c.table("overnight").to_dict("records"):
        if row["n_family"] == int(m["n"]) and row["p_headline"] <= c.alpha + 1e-12:
            stays = found.setdefault(days[row["event_id"], row["ticker"]], set())
            if row["p_family"] <= c.alpha + 1e-12:
                stays.add((row["part"], c.names()[row["ticker"]]))
    assert said in found.values(), m[0]


def _side(m: re.Match[str], c: Context) -> None:
    assert (m["one"], m["other"]) == {"less": ("below", "above"), "greater": ("above", "below")}[
        c.result.spec.alternative
    ]


def _market(m: re.Match[str], c: Context) -> None:
    """What the market explains of each share: what it moved less its own move."""
    rows = list(c.rows())
    groups = m.groupdict()
    if groups.get("each"):
        for name, size in re.findall(r"(?:^|, | and )([^,]+?) ([-+]?\d+\.\d)(?=,| and |$)", groups["each"]):
            assert any(r.ticker == name and abs(float(size) - (r.moved - r.own)) <= 0.15 for r in rows), m[0]
    for size in re.findall(r"\d+\.\d", groups.get("parts") or ""):
        assert any(abs(float(size) - abs(r.moved - r.own)) <= 0.15 for r in rows), m[0]


def _own(m: re.Match[str], c: Context) -> None:
    """The end of a title: what is a share's own."""
    rows = list(c.rows())
    assert any(close(m["own"], abs(r.own), 1) for r in rows), m[0]
    if "ordinary" in m[0]:
        assert any(close(m["own"], abs(r.own), 1) and r.kind == "ordinary" for r in rows), m[0]


def _plainly(m: re.Match[str], c: Context) -> None:
    """Who moved plainly further than the market explains; some announcement of the page must have just these."""
    sets = []
    for event_id in c.events:
        rows = c.of_event(event_id)
        sets.append((rows, {name for name, row in rows.items() if row.kind == "unusual"}))
    if m[0].startswith("None"):
        assert any(not kinds for _, kinds in sets), m[0]
    elif m[0].startswith(("All", "Both")):
        assert "only at the opening" in m[0] or any(kinds == set(rows) for rows, kinds in sets), m[0]
    else:
        named = set(re.split(r", | and ", m["names"]))
        if "only at the opening" in m[0]:
            assert any(named <= set(rows) and not kinds for rows, kinds in sets), m[0]
        else:
            assert any(named == kinds for _, kinds in sets), m[0]


def _short(m: re.Match[str], c: Context) -> None:
    """A folded line: what is a share's own, and the verdict on it."""
    kind = {"unusual": "unusual", "could be an ordinary day": "ordinary", "depends on the choices": "depends"}[
        m["kind"]
    ]
    assert any(
        r.ticker == m["name"] and r.kind == kind and (close(m["own"], r.own, 1) or close(m["own"], r.moved, 1))
        and (not m["n"] or (int(m["k"]), int(m["n"])) == (r.unusual, r.variants)) for r in c.rows()
    ), m[0]  # fmt: skip


def _about(m: re.Match[str], c: Context) -> None:
    names = re.split(r", | and ", m["names"])
    for name in names:
        fits = [abs(abs(r.moved) - float(m["size"])) <= 1.55 and (r.moved > 0) == (m["verb"] == "rose") for r in c.rows()
                if r.ticker == name]  # fmt: skip
        assert any(fits) or "shares" in name, m[0]


def _announcements(m: re.Match[str], c: Context) -> None:
    assert int(m["n"]) == c.result.totals.n_announcements, m[0]


# (template, what holds it against the tables); None is a sentence that holds for every study
NAME = r"[^,;:]+?"
FAR = r"(?:[Nn]o ordinary (?P<one>day|night) of (?P<m>\d+)|(?P<c>\d+) of (?P<n>\d+) ordinary (?P<many>days|nights)) went as far"
FAR_AGAIN = re.sub(r"\?P<\w+>", "", FAR)
KN = r"(?P<k>\d+|none) of (?P<n>\d+) variants (?:says?|calls?)"
TEMPLATES: dict[str, Check | None] = {
    rf"(?:For|for) (?P<name>{NAME}) (?P<k>\d+) past days? (?:is|are) left out next to other news of the firm; with (?:it|them) "
    rf"kept in, the own move is (?P<v>{SIGNED}) %\.": _masked,
    rf"A line is fitted to (?P<n>\d+) past sessions from (?P<first>{DAY}) to (?P<last>{DAY}): when (?P<market>\S+) goes 1 %, "
    rf"(?P<name>.+?) goes (?P<beta>{SIGNED}) %\.": _line,
    r"(?P<k>\w+) of (?P<n>[\d,]+) \(one share on one day counts once\) (?:is|are) unusual at (?P<odds>one in \w+|[\d.]+ %); chance alone would give "
    r"(?P<chance>[\w ]+)\.(?: (?P<stay>\w+) stays? when all [\d,]+ looks are allowed for\.)?": _family,
    r"(?P<stay>\w+) stays? when all [\d,]+ looks are allowed for\.": None,
    r"How many stay when all (?P<n>[\d,]+) looks are allowed for is not counted: with fat tails such a count would be wrong in "
    r"(?P<k>\d+) of 100 studies without any effect\.": _not_counted,
    r"How many stay when all (?P<n>[\d,]+) looks are allowed for is not counted: how often such a count errs was measured for the "
    r"headline p at a level of 0\.95\.": _not_measured,
    r"(?P<k>\w+) of (?P<n>\w+) (?:is|are) unusual, chance alone would give .*": _placebos,
    r"(?P<read>[\d,]+) rows? read, (?P<studied>[\d,]+) studied, (?P<left>[\d,]+) left out\.": _ledger,
    rf"{FAR}\.": _far,
    rf"(?:Could be an ordinary (?:day|night): |Unusual; |Could be an ordinary (?:day|night)|Unusual)(?:{FAR})?\.": lambda m, c: (
        _far(m, c) if m["n"] or m["m"] else None
    ),
    rf"(?:Unusual: |Depends on the choices: ){KN} (?:so|it unusual)(?:; {FAR_AGAIN})?\.?": _variants,
    rf"The (?P<how>number is (?:right|wrong)|direction is (?:right|wrong)): (?P<observed>{SIGNED}) %\.": _claim,
    rf"The number is (?P<off>\d+\.\d+) points off: (?P<observed>{SIGNED}) %\.": _off,
    rf"(?:With dividends {SIGNED} %: )?Market (?P<market>{SIGNED}) %, own (?P<own>{SIGNED}) %\.": _claim_parts,
    r"Each share's return is set against that of .* by a line fitted to (?P<n>\d+) past sessions that end (?P<gap>\d+) sessions "
    r"before the event window \(.*\); days next to other news are .*\.": _history,
    r"Model (?P<model>\S+), event window (?P<window>\S+), (?P<returns>simple|log) total returns, missing days \S+, tests "
    r"(?P<side>\S+), level (?P<level>[\d.]+)\.": _settings,
    rf"Day 0 is (?P<day>{DAY}): .*": _day0,
    r"\d+ sessions(?: in the joint test)?: .*": _left_out,
    rf"Other choices: (?P<n>\d+) variants put the own move between (?P<low>{SIGNED}) % and (?P<high>{SIGNED}) %; (?P<k>none|all|\d+) "
    r"calls? it unusual\.": _between,
    r"On days when the market moves 2 % or more, the market model itself calls 9 to 14 of 100 ordinary days unusual where 5 "
    r"should be\.": _big_day,
    r"Which of the (?P<n>\w+) announcements did it: they share this session, and daily prices cannot split them.*": _shared,
    r"Not proof of no effect: a true effect of (?P<sizes>.*?) would be found four times in five, a smaller one is often missed"
    r"(?:; at the scale of the last 20 sessions it takes (?P<local>.*?))?\.": _mde,
    rf"(?:With \d+ days of history instead of \d+|Where .*?|With .*?), (?P<name>{NAME})'s is (?P<other>{SIGNED}) % instead of "
    rf"(?P<usual>{SIGNED}) % and (?P<how>counts|does not count) as unusual\.": _flipped,
    r"(?:At the close, t|T)he own moves? of .*(?:choice|day|measured)\.": _listed_kinds,
    **{pattern.replace("[A-Z]+", r"[^,;:]+?"): _decomposed for pattern in DECOMPOSITIONS},
    **{
        pattern: (lambda m, c: _variants(m, c) if "n" in m.groupdict() and m.groupdict()["n"] else None)
        for pattern in VERDICTS
    },
    r"At the opening (?P<names>.+?) (?:was|were) (?P<sizes>[\d., and]+?) points (?P<side>below|above) what the market explains"
    r"(?: \([^)]*\))?(?P<turned>; during the day (?P<who>.*?)(?P<verb>gained|lost) (?P<back>[\d., and]+?) points (?:on|against) "
    r"the market(?P<how>, which .*)?)?\.": _opened,
    r"The market (?:rose|fell) \d+\.\d+ %, which explains (?P<parts>[\d., and]+) points of the (?:falls|rises)\.": _market,
    r"The market (?:rose|fell) \d+\.\d+ %; of that the market(?: with its sector)? explains (?P<each>.+) points\.": _market,
    r"(?:The market explains \d+\.\d+ points of it; the other )?(?P<own>\d+\.\d+) (?:points are its own|could be an ordinary day)"
    r"\.": _own,
    r"The market explains \d+\.\d+ points of it; (?P<own>\d+\.\d+) are its own\.": _own,
    r"The market alone would have (?:lifted|lowered) it by \d+\.\d+ %, so it did (?P<own>\d+\.\d+) points (?:better|worse)\.": _own,
    r"(?:None moved|Only (?P<names>.+?),?(?: and only at the opening,)? (?:fell|rose|did|moved)|(?:All|Both)(?:, but only at the "
    r"opening,)? (?:fell|rose|did|moved)) plainly .*\.": _plainly,
    rf"(?P<name>{NAME}) (?P<own>{SIGNED}) %: (?P<kind>unusual|could be an ordinary day|depends on the choices)(?:: (?P<k>\d+) of "
    r"(?P<n>\d+) variants (?:say so|calls? it unusual))?(?:</summary>)?": _short,
    rf"(?P<names>.+) (?P<verb>rose|fell) about (?P<size>\d+) %(?: over \w+ days)? on {DAY}\.": _about,
    rf".+ (?:(?:rose|fell) \d+\.\d %|did not move)(?: over \w+ days)? on {DAY}(?:\.|, though the market would have .*\.)": _titled,
    r"Event study · .* · (?P<n>\d+) announcements?, [\d to]+": _announcements,
    rf"(?:<details><summary><b>|Close before |.+, close before |The numbers: Price against what the market explains around )?"
    rf"(?P<day>{DAY})(?:</b> .*| = 100\.)?": _day0,
    rf"{DAY}: (?P<n>\w+) announcements on one session": _shared,
    r"Bars run from [-+]?\d+ to [-+]?\d+ %, filled where p is (?P<p>[\d.]+) or less\.": lambda m, c: near(
        m["p"], c.alpha, 6
    ),
    r"Shaded: where (?P<level>[\d.]+) of 100 ordinary (?:nights, then )?days(?:, then nights)?,? would end\.": _level,
    r"(?:Shaded: (?:their )?|Own moves of the shares of one session with their )(?P<level>[\d.]+) % intervals?"
    r"(?: of each point)?(?:; pale strip: the window|, in percent)\.": _level,
    r"\S*(?:model +)?market-model on \S+: beta (?P<beta>\S+), sigma (?P<sigma>\S+) %; (?P<n>\d+) sessions, .*": _model_line,
    r"Where all (?P<n>\d+) openings and sessions of this day are allowed for, (?P<who>.+?) stays? unusual\.": _all_parts,
    r"Tests look for own moves (?P<one>\w+) zero only; one (?P<other>\w+) zero is not tested\.": _side,
    # what holds for every study
    **dict.fromkeys(
        map(
            re.escape,
            (
                "p is the larger of the exact t and the rank among ordinary days; the other tests are not votes.",
                "p is the rank among ordinary days; the other tests are not votes.",
                "Shaded: the band of an ordinary day.",
                "Coloured: unusual by that choice.",
                "Ringed: the usual choices. p of the curve: how often the same curve on an ordinary day lies as far from zero.",
                "How far out of the ordinary",
                "Own moves (CAR) added up from the close of day -1 outward both ways, by their exact error.",
                "CAAR: average own moves added up from the close of day -1 outward both ways.",
                "The numbers: Own move on ordinary days",
                "Ordinary days of the share, each measured against the 20 sessions before it and put on the scale of the event.",
                "The hour is unknown, so day 0 may be the next session; the two days together hold both.",
                "Own move (abnormal return) of each share on its day with its interval, p (how often an ordinary day goes as far) and "
                "the number of variants that call it unusual.",
                "all: direct rows only; an announcement under two ids counts once per share and day 0.",
                "Thick and filled: outside the band of an ordinary day.",
                "Of many pairs and windows one in twenty falls below 0.05 by chance alone.",
            ),
        )
    ),
    r"Ordinary spans of \d+ days of the share, each measured against the 20 sessions before it and put on the scale of the event\.": None,
    r"(?:Market model|Interval|p|As far \(ordinary days\)|Masked days \(left out\)|Headline p|Placebo)\*\*: .*": None,
    r"(?:<details><summary>)?Joint tests over the window \[-?\d+,-?\d+\](?:</summary>)?": None,
    r"Several announcements on one session are one observation of the market, .*": None,
}


def read(text: str, context: Context) -> int:
    """Hold every sentence of a Markdown page, or of a terminal text made plain, against the tables; how many there are."""
    n = 0
    for sentence in pieces(free_of(text, context.result)):
        for pattern, check in TEMPLATES.items():
            if said := re.fullmatch(pattern, sentence):
                context.used.add(pattern)
                if check is not None:
                    check(said, context)
                n += 1
                break
        else:
            raise AssertionError(f"no template knows: {sentence}")
    return n


def pieces(text: str) -> Iterator[str]:
    """Sentences with a number or a verdict, outside tables, pictures and headings that are people's words."""
    for paragraph in text.split("\n\n"):
        for line in paragraph.strip().split("\n"):
            plain_line = line.strip().strip("*").lstrip("-># ").removesuffix("</b>")
            if plain_line.startswith(("|", "![", "</")) or line.strip().startswith("###"):
                continue
            # a quote leads to the verdict on it
            plain_line = re.sub(r"^.*?(?:\*\*|”|said to have [^:]*): (?=The (?:number|direction))", "", plain_line)
            for part in re.split(r"(?<=[.])\s+(?=[A-Z0-9])", plain_line):
                said = part.strip().strip("*").strip()
                if VERDICT_WORDS.search(said):
                    yield said

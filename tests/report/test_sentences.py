"""Every sentence of a page is parsed and held against the tables, with code of its own (tests/report/reading.py)."""

from __future__ import annotations

import re

import numpy as np
import pytest

from eventstudy.report.pages import page_files
from eventstudy.results import StudyResult
from tests.report.random_studies import random_study
from tests.report.reading import (
    COUNTS,
    DECOMPOSITIONS,
    Row,
    both_sides,
    by_name,
    hold_decomposition,
    hold_verdict,
    interval_fits,
    near,
    plain,
    rows_of,
)

FEW, MANY = range(6), range(6, 212)
FORBIDDEN = re.compile(r"\b(?:significan\w*|reject\w*|null)\b", re.IGNORECASE)


def pages(result: StudyResult) -> dict[str, str]:
    return {name: data.decode() for name, data in page_files(result, ("md", "html"), None).items()}


def sentences(text: str) -> list[str]:
    """Sentences of a paragraph; a decimal point ends none."""
    return [part.strip() for part in re.split(r"(?<=[.])\s+(?=[A-Z0-9])", text) if part.strip()]


def hold_lead(sentence: str, rows: dict[str, Row]) -> None:
    """One sentence of a lead."""
    if any(hold_verdict(sentence, row) for row in rows.values() if len(rows) == 1):
        return
    far = re.fullmatch(
        r"(?:No ordinary (?:day|night) of (?P<m>\d+)|(?P<c>\d+) of (?P<n>\d+) ordinary days) went as far\.", sentence
    )
    if far:
        (row,) = rows.values()
        assert row.as_far == int(far["c"] or 0) and row.ordinary == int(far["m"] or far["n"])
        return
    for pattern, check in CHECKS.items():
        said = re.fullmatch(pattern, sentence)
        if said:
            check(said, rows)
            return
    raise AssertionError(f"nobody knows how to read: {sentence}")


def _market(said: re.Match[str], rows: dict[str, Row]) -> None:
    sizes = re.findall(r"\d+\.\d+", said["parts"])
    for size, row in zip(sizes, rows.values(), strict=True):
        assert abs(float(size) - abs(row.moved - row.own)) <= 0.15
        assert np.sign(row.moved) == (-1 if said["noun"] == "falls" else 1)


def _market_each(said: re.Match[str], rows: dict[str, Row]) -> None:
    for name, size in re.findall(r"([A-Z]+) ([+-]?\d+\.\d+)", said["each"]):
        assert abs(float(size) - (rows[name].moved - rows[name].own)) <= 0.15


def _groups(said: re.Match[str], rows: dict[str, Row]) -> None:
    text = said[0]
    for words, kind in (
        (r"(?:is|are) unusual under nearly every choice", "unusual"),
        (r"could be an ordinary day", "ordinary"),
        (r"depends? on how the past is measured", "depends"),
    ):
        found = re.search(rf"own moves? of ([A-Z, and]+?) {words}", text, re.IGNORECASE)
        named = set(re.findall(r"\b[A-Z]{2,}\b", found[1])) if found else set()
        assert named == {name for name, row in rows.items() if row.kind == kind and np.isfinite(row.p)}, text


def _flip(said: re.Match[str], rows: dict[str, Row]) -> None:
    row = rows[said["name"]]
    near(said["usual"], row.own, 1)
    assert row.kind == "depends"
    assert ("not" in said["how"]) == row.outside


def _opening(said: re.Match[str], rows: dict[str, Row]) -> None:
    names, sizes = re.findall(r"[A-Z]+", said["names"]), re.findall(r"\d+\.\d+", said["sizes"])
    assert len(names) == len(sizes)
    for name, size in zip(names, sizes, strict=True):
        night = rows[name].parts["overnight"]
        near(size, 100 * abs(night["abnormal_return"]), 1)
        assert (night["abnormal_return"] < 0) == (said["side"] == "below")
        assert night.get("p_headline", night["p_t"]) <= 1 - rows[name].level + 1e-12
    if said["turned"]:
        back = re.findall(r"\d+\.\d+", said["back"])
        who = re.findall(r"\b[A-Z]{2,}\b", said["who"]) or names
        assert len(back) == len(who)
        for name, size in zip(who, back, strict=True):
            day = rows[name].parts["intraday"]
            near(size, 100 * abs(day["abnormal_return"]), 1)
            assert (day["abnormal_return"] > 0) == (said["verb"] == "gained")


def _detectable(said: re.Match[str], rows: dict[str, Row]) -> None:
    found = dict(re.findall(r"(\d+\.\d+)(?: points)? for ([A-Z]+)", said["sizes"]))
    pairs = {name: size for size, name in found.items()} or {
        next(iter(rows)): re.findall(r"\d+\.\d+", said["sizes"])[0]
    }
    for name, size in pairs.items():
        near(size, rows[name].mde, 1)
        assert rows[name].kind in ("ordinary", "depends")
    if said["local"]:
        found_local = re.findall(r"(\d+\.\d+)(?: for ([A-Z]+))? \(interval ([^)]+)\)", said["local"])
        assert found_local
        for size, name, interval in found_local:
            row = rows[name or next(iter(rows))]
            near(size, row.mde_local, 1)
            assert interval_fits(interval, row.local), interval
            assert not 0.75 <= row.scale <= 1.25


CHECKS = {
    r"The market (?:rose|fell) \d+\.\d+ %, which explains (?P<parts>[\d., and]+) points of the (?P<noun>falls|rises)\.": _market,
    r"The market (?:rose|fell) \d+\.\d+ %; of that the market(?: with its sector)? explains (?P<each>.+) points\.": _market_each,
    r"The market did not move\.": lambda said, rows: None,
    r"(?:At the close, )?[Tt]he own moves? of .*(?:choice|day|measured)\.": _groups,
    r"(?:With \d+ days of history instead of \d+|Where .*?|With .*?), (?P<name>[A-Z]+)'s is [+-]?\d+\.\d+ % instead of "
    r"(?P<usual>[+-]?\d+\.\d+) % and (?P<how>counts|does not count) as unusual\.": _flip,
    r"At the opening (?P<names>[A-Z, and]+?) (?:was|were) (?P<sizes>[\d., and]+?) points (?P<side>below|above) what the market "
    r"explains(?: \([^)]*\))?(?P<turned>; during the day (?P<who>.*?)(?P<verb>gained|lost) (?P<back>[\d., and]+?) points "
    r"(?:on|against) the market(?:, which (?:could be ordinary|is unusual too|is unusual for [A-Z, and]+))?)?\.": _opening,
    r"Not proof of no effect: a true effect of (?P<sizes>.*?) would be found four times in five, a smaller one is often "
    r"missed(?:; at the scale of the last 20 sessions it takes (?P<local>.*?))?\.": _detectable,
    r"Tests look for own moves (?:below|above) zero only; one (?:above|below) zero is not tested\.": lambda said, rows: None,
    r"How unusual that is cannot be said: there is no p value\.": lambda said, rows: None,
}  # fmt: skip


def hold_heading(text: str, rows: dict[str, Row]) -> None:
    """The title of an announcement's page."""
    named = [rows[name] for name in dict.fromkeys(re.findall(r"\b[A-Z]{2,}\b", text)) if name in rows]
    assert named or "shares" in text, text
    about = re.search(r"(rose|fell) about (\d+) %", text)
    if about:
        assert all((row.moved > 0) == (about[1] == "rose") for row in named)
        assert all(abs(abs(row.moved) - int(about[2])) <= 1.05 + 0.5 for row in named)
    for name, verb, size in re.findall(r"([A-Z]+) (rose|fell) (\d+\.\d+) %", text):
        near(size, abs(rows[name].moved), 1)
        assert (verb == "rose") == (rows[name].moved > 0)
    only = re.search(r"Only ([A-Z, and]+?),? (?:and only at the opening, )?(?:fell|rose|did|moved) plainly", text)
    at_opening = "only at the opening" in text
    if only and not at_opening:
        assert set(re.findall(r"[A-Z]{2,}", only[1])) == {n for n, row in rows.items() if row.kind == "unusual"}
    if "None moved plainly" in text:
        assert not any(row.kind == "unusual" for row in rows.values())
    if re.search(r"\b(?:All|Both) (?:fell|rose|did|moved) plainly", text):
        assert all(row.kind == "unusual" for row in rows.values())
    if "could be an ordinary day" in text:
        assert all(row.kind == "ordinary" for row in rows.values())


def hold_page(result: StudyResult, event_id: str, text: str) -> int:
    """The page of an announcement, sentence by sentence; how many were read."""
    rows = by_name(result, rows_of(result, event_id))
    text = both_sides(plain(text), result.spec.alternative)
    title = re.match(r"# (.*)\n", text)
    assert title
    hold_heading(title[1], rows)
    top = text[: text.index("\n## ")].split("\n\n")[1:]
    lead = [p for p in top if p[:1] not in "*>![<|" and not p.startswith("</")]
    read = 0
    for paragraph in lead:
        for sentence in sentences(paragraph):
            hold_lead(sentence, rows)
            read += 1
    if len(rows) > 1:
        section = text[text.index("## What the shares did") :].split("\n\n")[1:]
        for paragraph in section:
            if paragraph[:1] in "*|#":
                break
            read += hold_row_sentence(paragraph, rows)
        for paragraph in re.findall(r"^Not proof of no effect.*$", text, re.M):
            hold_lead(paragraph, rows)
            read += 1
    return read


def hold_row_sentence(paragraph: str, rows: dict[str, Row]) -> int:
    """``NVDA fell ... That could ...``: the parts of a move and the verdict on it."""
    for pattern in DECOMPOSITIONS:
        said = re.match(pattern, paragraph)
        if said:
            hold_decomposition(said, rows[said["name"]], 2)
            rest = paragraph[said.end() :].strip()
            assert hold_verdict(rest, rows[said["name"]]) or "no p value" in rest, rest
            return 2
    raise AssertionError(f"nobody knows how to read: {paragraph}")


def hold_study(result: StudyResult) -> int:
    """Every page of a study."""
    made, read = pages(result), 0
    for event_id in result.detailed:
        read += hold_page(result, event_id, made[f"events/{event_id}.md"])
    for name, text in made.items():
        if name.endswith((".md", ".html")):
            shown = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
            assert not FORBIDDEN.search(shown), f"{name}: {FORBIDDEN.search(shown)}"
            assert not re.search(r"[-+\u2212]0\.0+(?!\d)", re.sub(r'="[^"]*"', "", shown)), "zero has no sign"
    return read


def test_the_sample(sample: StudyResult) -> None:
    assert hold_study(sample) > 60


def test_family_and_placebos_of_the_sample(sample: StudyResult, sample_pages: dict[str, str]) -> None:
    text = plain(sample_pages["summary.md"])
    said = re.search(r"(\w+) of (\d+) \(one share on one day counts once\)", text)
    assert said
    windows = sample.tables["windows"]
    primary = windows[(windows["primary"] == "yes")].assign(out=lambda t: t["p_headline"] <= 0.05)
    counted = primary[primary["role"].isin(["direct", "peer"])].drop_duplicates(["ticker", "day0", "window"])
    assert (COUNTS.index(said[1].lower()), int(said[2])) == (int(counted["out"].sum()), len(counted))
    checks = re.search(r"(\d+) of (\d+) (?:is|are) unusual, chance alone", text)
    placebo = primary[primary["role"] == "placebo"].drop_duplicates(["ticker", "day0", "window"])
    assert checks and (int(checks[1]), int(checks[2])) == (int(placebo["out"].sum()), len(placebo))


@pytest.mark.parametrize("seed", FEW)
def test_random_studies(seed: int) -> None:
    assert hold_study(random_study(seed)) > 0


@pytest.mark.slow
def test_two_hundred_random_studies() -> None:
    assert sum(hold_study(random_study(seed)) for seed in MANY) > 2000


def test_a_wrong_sentence_is_found(sample: StudyResult, sample_pages: dict[str, str]) -> None:
    """The reader itself: a number, a verdict and a count that are not the tables' are refused."""
    page = sample_pages["events/h20_license_8k.md"]
    for wrong in (
        page.replace("fell 6.87 %", "fell 6.78 %"),
        page.replace("1.30 points are its own", "1.31 points are its own"),
        re.sub(
            r"NVIDIA(.*?)That could be an ordinary day; none of", r"NVIDIA\1That is unusual, and 0 of", page, count=1
        ),
        re.sub(r"a true effect of \d", "a true effect of 9", page, count=1),
    ):
        if wrong == page:
            continue
        with pytest.raises(AssertionError):
            hold_page(sample, "h20_license_8k", wrong)

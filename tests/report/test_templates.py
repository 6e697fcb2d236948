"""Every sentence with a number or a verdict, on pages and in the terminal text, has a template that holds it against the
tables (tests/report/templates.py)."""

from __future__ import annotations

import re

import pytest

from eventstudy.cli.terminal import ASCII, event_text
from eventstudy.report.material import Material
from eventstudy.report.pages import page_files
from eventstudy.results import StudyResult
from tests.report.random_studies import random_study
from tests.report.reading import both_sides, plain
from tests.report.templates import Context, read


def hold_pages(result: StudyResult) -> set[str]:
    """Every Markdown page of a study; the templates that it used."""
    used: set[str] = set()
    everything = sorted(set(result.tables["windows"]["event_id"]))
    for name, data in page_files(result, ("md",), None).items():
        if name.endswith(".md"):
            own = [name.removeprefix("events/")[:-3]] if name.startswith("events/") else everything
            context = Context(result, own)
            read(both_sides(plain(data.decode()), result.spec.alternative), context)
            used |= context.used
    return used


def terminal_text(result: StudyResult, position: int) -> str:
    """What ``eventstudy event`` prints of a share, lines put together again, without its table and its bars."""
    material = Material(result=result)
    text = event_text(material, material.moves.shares[position], ASCII)
    blocks = []
    for block in text.split("\n\n")[1:]:
        if re.match(r" +moved|  own move by day", block):
            continue
        for line in re.sub(r"\n +(?! |(?:claim|model|more)  )", " ", block).split("\n"):
            said = re.sub(r"^(?:claim|model|more) +|What this cannot tell: ", "", line.strip())
            blocks.append(re.sub(r"; (?=\d+ past days?)", "\n\nfor ¤ ", said))
    return "\n\n".join(blocks)


def hold_terminal(result: StudyResult) -> None:
    shares = Material(result=result).moves.shares
    for position, share in enumerate(shares):
        text = both_sides(terminal_text(result, position), result.spec.alternative)
        text = text.replace("for ¤ ", f"For {share.name} ")
        text = re.sub(r"(kept in, the own move is \S+ %)(?!\.)", r"\1.", text)
        text = re.sub(r"eventstudy event .*", "", text)
        read(text, Context(result, [share.event_id]))


def test_pages_of_the_sample(sample: StudyResult) -> None:
    assert len(hold_pages(sample)) > 25


@pytest.mark.parametrize("seed", range(4))
def test_random_studies(seed: int) -> None:
    result = random_study(seed)
    hold_pages(result)
    hold_terminal(result)


def test_the_terminal_text_of_two_announcements(few: StudyResult) -> None:
    hold_terminal(few)


@pytest.mark.slow
def test_two_hundred_random_studies() -> None:
    for seed in range(4, 204):
        result = random_study(seed)
        hold_pages(result)
        hold_terminal(result)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"(\d+) of (\d+) ordinary days went as far", "230 of 231 ordinary days went as far"),
        (r"The number is right: -6\.87", "The number is right: -6.78"),
        (r"rows read, 49 studied", "rows read, 48 studied"),
        (r"unusual at one in twenty", "unusual at one in ten"),
        (r"wrong in \d+ of 100", "wrong in 5 of 100"),
        (r"kept in, the own move is -\d", "kept in, the own move is -9"),
        (r"when SPY goes 1 %, NVIDIA goes \d", "when SPY goes 1 %, NVIDIA goes 7"),
        (r"Shaded: where 95 of 100", "Shaded: where 99 of 100"),
        (r"a true effect of \d+\.\d", "a true effect of 9.9"),
        (r"None moved plainly", "Both moved plainly"),
        (r"level 0\.95\.", "level 0.9."),
        (r"The market fell", "Seven of the days were unusual. The market fell"),
    ],
)
def test_a_wrong_or_unknown_sentence_is_refused(
    sample: StudyResult, sample_pages: dict[str, str], right: str, wrong: str
) -> None:
    everything = sorted(set(sample.tables["windows"]["event_id"]))
    for name in ("summary.md", "events/h20_license_8k.md", "events/ai_diffusion_rule_2025.md"):
        page = plain(sample_pages[name])
        moved = re.sub(right, wrong, page, count=1)
        if moved != page:
            own = everything if name == "summary.md" else [name.removeprefix("events/")[:-3]]
            with pytest.raises(AssertionError):
                read(moved, Context(sample, own))
            return
    raise AssertionError(f"no page says {right}")

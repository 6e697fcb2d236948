"""The documents say what the code does: every name is there, every link leads somewhere, every figure is the sample's."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from eventstudy import errors
from eventstudy.cli.settings import OPTIONS
from eventstudy.engine.models import MODELS
from eventstudy.flags import FLAGS
from eventstudy.report.backtest import BACKTEST_COLUMNS, TRADES_COLUMNS
from eventstudy.report.regression import REGRESSION_COLUMNS
from eventstudy.report.tables import COLUMNS
from eventstudy.spec import ALL_TESTS, ALWAYS_TESTS

ROOT = Path(__file__).parent.parent
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
PAGES = {
    **DOCS,
    **{name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")},
}
TABLES = {
    **COLUMNS,
    "regression": REGRESSION_COLUMNS,
    "backtest": BACKTEST_COLUMNS,
    "trades": TRADES_COLUMNS,
}
REASONS = (
    "no_prices",
    "no_benchmark",
    "wrong_calendar",
    "unknown_exchange",
    "before_prices",
    "day0_not_observed",
    "missing_day0",
    "insufficient_estimation",
    "rank_deficient",
)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_documented(name: str) -> None:
    assert f"`--{name.replace('_', '-')}" in DOCS["commands.md"] or f"`-o`, `--{name}" in DOCS["commands.md"]
    default = OPTIONS[name].default
    row = next(
        line
        for line in DOCS["commands.md"].splitlines()
        if line.startswith("| `-") and f"--{name.replace('_', '-')}" in line
    )
    assert default in row, f"the default {default} of {name} is not in its row"


def test_every_command_and_its_own_options_are_documented() -> None:
    from typer.main import get_command

    from eventstudy.cli.app import app

    top = get_command(app).commands  # type: ignore[attr-defined]
    assert set(top) == {
        "backtest",
        "cache",
        "calibrate",
        "check",
        "collect",
        "config",
        "diff",
        "doctor",
        "event",
        "fetch",
        "import",
        "init",
        "regress",
        "run",
        "validate",
    }
    inner = top.pop("cache").commands
    assert set(inner) == {"info", "path", "verify", "export", "import", "clear"}
    settings = top.pop("config").commands
    assert set(settings) == {"show"}
    collected = top.pop("collect").commands
    assert set(collected) == {"filings", "earnings"}
    named = {f"cache {name}": command for name, command in inner.items()}
    named |= {f"config {name}": command for name, command in settings.items()}
    named |= {f"collect {name}": command for name, command in collected.items()}
    for name, command in {**top, **named}.items():
        assert f"`{name}" in DOCS["commands.md"]
        for parameter in command.params:
            for flag in parameter.opts:
                if flag.startswith("--"):
                    assert f"{flag}" in DOCS["commands.md"], f"{name} {flag}"


@pytest.mark.parametrize("name", [*MODELS, *ALL_TESTS, *ALWAYS_TESTS])
def test_every_model_and_test_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS["methods.md"]


@pytest.mark.parametrize("name", [*FLAGS, *REASONS])
def test_every_flag_and_reason_is_documented(name: str) -> None:
    assert f"| `{name}` |" in DOCS["files.md"]


def test_reasons_in_the_code_are_those_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "eventstudy").rglob("*.py"))
    stages = r'"(?:dated|priced|estimated)", "([a-z0-9_]+)"'
    named = set(re.findall(r'reason="([a-z0-9_]+)"', code)) | set(re.findall(stages, code))
    assert len(named) >= 5 and named <= set(REASONS)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented(table: str) -> None:
    row = next(line for line in DOCS["files.md"].splitlines() if line.startswith(f"| {table}.csv"))
    for column in TABLES[table]:
        assert f"`{column}`" in row or f"`{column}`," in row, column


def test_every_column_of_calibration_is_documented() -> None:
    from eventstudy.report.calibration import COLUMNS as OWN

    row = next(line for line in DOCS["files.md"].splitlines() if line.startswith("| calibration.csv"))
    for column in OWN:
        assert f"`{column}`" in row, column


def test_every_error_and_exit_code_is_documented() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.EventStudyError)]
    assert len(classes) == 12
    for found in classes:
        assert f"`{found.__name__}`" in DOCS["commands.md"]
        assert f"| {found.exit_code} |" in DOCS["commands.md"]
    assert "| 130 |" in DOCS["commands.md"]


LINKED = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "reports").glob("summary.md")]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings."""
    lines = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S).splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title)) for title in titles}


def dead_links(path: Path, text: str) -> list[str]:
    """Links of a page to files or headings that do not exist; what the site generates is checked by its build."""
    generated = [ROOT / "docs" / "methods", ROOT / "docs" / "reference"]
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if link.startswith(("http", "mailto:", "data:")) or any(folder in target.parents for folder in generated):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("path", LINKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_dead(path: Path) -> None:
    assert dead_links(path, path.read_text(encoding="utf-8")) == []


def test_a_dead_link_is_seen() -> None:
    """Negative control: a file that is absent and a heading that is absent."""
    text = (
        "[a](files.md) [b](no.md) [c](howto/ci.md#no-such-heading) [d](index.md#what-it-will-not-do) [e](https://x.org)"
    )
    assert dead_links(ROOT / "docs" / "index.md", text) == ["no.md", "howto/ci.md#no-such-heading"]


def misdirected(text: str) -> list[str]:
    """What `pip install` of a page would fetch under a name that belongs to another program."""
    lines = re.findall(r"pip3? install ([^`#\n]*)", text)
    words = [word.strip("\"'.,;:)") for line in lines for word in line.split()]
    return [word for word in words if re.match(r"eventstudy(?!-engine\b)", word)]


def unfinished(text: str) -> list[str]:
    """Words that are where a figure or a sentence was to come."""
    return re.findall(r"\b(?:TODO|TBD|FIXME|XXX|MEASURED|SIZE_\w*)\b", text)


@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_sent_to_the_wrong_package(name: str) -> None:
    assert not misdirected(PAGES[name]) and not unfinished(PAGES[name])


def test_a_wrong_package_and_an_unfinished_page_are_seen() -> None:
    """Negative controls of the test before, and pages that do say how to install."""
    wrong = (
        "eventstudy",
        "--upgrade eventstudy",
        "-U 'eventstudy[fast]'",
        "numpy eventstudy==0.1",
        '"eventstudy>=0.1"',
    )
    for words in wrong:
        assert len(misdirected(f"Run `pip install {words}` first.")) == 1, words
    for words in ("-e .", '-e ".[fast]"', "eventstudy-engine", "'eventstudy-engine[fast]'  # eventstudy is another"):
        assert not misdirected(f"pip install {words}\n"), words
    assert sum(len(re.findall("pip3? install ", text)) for text in PAGES.values()) >= 3
    for words in ("SIZE_CSECT %", "takes MEASURED s", "TODO: the rest"):
        assert unfinished(words), words
    assert not unfinished("measured sizes; size_of")


def test_the_readme_has_the_two_commands() -> None:
    """Its figures are held against the sample in tests/docs/test_readme.py."""
    text = PAGES["README.md"]
    assert "make run" in text and "make test" in text


def test_the_readme_says_what_the_page_says() -> None:
    """Title and lead of the sample's page, word for word: both are made by rule from the tables."""
    page = (ROOT / "reports" / "summary.md").read_text(encoding="utf-8").split("\n\n")
    said = " ".join(line.removeprefix(">").strip() for line in PAGES["README.md"].splitlines() if line.startswith(">"))
    assert said.split() == f"**{page[0].removeprefix('# ')}** {page[3]}".split()


def test_the_study_page_names_every_announcement() -> None:
    events = pd.read_csv(ROOT / "events.csv")
    for event_id in events["event_id"].unique():
        assert event_id in DOCS["study.md"]


def test_the_changelog_has_room_for_what_comes() -> None:
    assert "## Unreleased" in PAGES["CHANGELOG.md"]


def test_every_command_takes_what_every_command_takes() -> None:
    from typer.main import get_command

    from eventstudy.cli.app import app

    def leaves(commands: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
        found = []
        for name, command in commands.items():
            inner = getattr(command, "commands", None)
            found += leaves(inner, f"{prefix}{name} ") if inner else [(f"{prefix}{name}", command)]
        return found

    for name, command in leaves(get_command(app).commands):  # type: ignore[attr-defined]
        flags = {flag for parameter in command.params for flag in parameter.opts}  # type: ignore[attr-defined]
        missing = {"--config", "--json", "--quiet", "-q", "--verbose", "-v", "--no-color"} - flags
        assert not missing, f"{name} does not take {missing}"

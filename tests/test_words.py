"""Plain words: no phrase of the list in docs/style.md occurs in code, templates, notebooks or documents."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Each pattern finds the phrases of its row of docs/style.md; the second text is plain and must pass.
PATTERNS = {
    r"(?<!there )\b(?:is|are|was|were|be) no (?!longer\b|more\b|other\b|matter\b|less\b|one\b)[a-z]": "there is no column 'x'",
    r"\btold\b": "reported at once",
    r"\banew\b": "again",
    r"\bbeneath\b": "below",
    r"(?<!american )\blaws?\b": "the distribution; American Law & Economics Review",
    r"\b(?:stands?|stood)\b(?!-in| for\b| out\b| still\b)": "a stand-in that stands for Yahoo",
    r"\b(?:has|have) none\b": "has no hour",
    r"\broom of (?:its|their) own\b": "room for the report",
    r"\blet(?:s|ting)? go of\b": "releases the GIL",
    r"\bnothing of\b": "no part of the file",
    r"\bcolumns of nothing\b": "empty columns",
    r"\bin silence\b": "without a message",
    r"\bdear(?:er|est)?\b": "expensive",
    r"\bwants\b": "requires a key",
    r"\bmend(?:s|ed|ing)?\b": "corrects the frame; tests/fuzz/test_mended.py",
    r"\band the like\b": "and similar ones",
    r"\bbut for\b": "except for two",
    r"\bgoes along\b": "is sent along with the request",
    r"\bspeaks? of\b": "is about it",
    r"(?-i:\bthat is none\b)": "that is not valid; there is none",
}
LIST = ROOT / "docs" / "style.md"
# what git tracks there; a site, a cache or an environment in the folder is not searched
FOLDERS = {
    "eventstudy": ("*.py", "*.yml", "*.toml"),
    "bench": ("*.py",),
    "tests": ("*.py",),
    "docs": ("*.md", "*.py", "*.toml", "*.ipynb"),
}
ALONE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "paper.md", "Makefile")


def rows() -> list[list[str]]:
    """The phrases of each row of the list."""
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [re.findall(r"`([^`]+)`", line.split(" | ")[0]) for line in lines]


def texts(path: Path) -> list[tuple[int, str]]:
    """Line and text of what people read in a file: comments and strings of code, cells of a notebook, lines of the rest."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
        found = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type in kinds]
        # a name in braces is code
        return [(t.start[0], re.sub(r"\{[^{}]*\}", "{}", t.string)) for t in found if " " in t.string]
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return [(n, "".join(cell["source"])) for n, cell in enumerate(cells, 1)]
    return list(enumerate(text.split("\n"), 1))


def plain(text: str) -> str:
    """A text on one line, without paths and code names that hold a listed word."""
    text = re.sub(r"[\w/.-]*/[\w/.-]+|\b[\w-]+\.(?:py|md)\b", "", text)
    return " ".join(re.sub(r'"\s*f?r?"|\n\s*#?', " ", text).split())


FILES = [path for folder, kinds in FOLDERS.items() for kind in kinds for path in sorted((ROOT / folder).rglob(kind))]
FILES += [ROOT / name for name in ALONE if (ROOT / name).exists()]
FILES = [path for path in FILES if path not in (LIST, Path(__file__)) and ".ipynb_checkpoints" not in path.parts]


def flagged(text: str) -> list[str]:
    """The patterns that a text holds."""
    return [pattern for pattern in PATTERNS if re.search(pattern, plain(text), flags=re.IGNORECASE)]


def test_each_row_of_the_list_has_a_pattern() -> None:
    """Negative control: every phrase of the list is found, and by the pattern of its row."""
    assert len(rows()) == len(PATTERNS)
    for phrases, pattern in zip(rows(), PATTERNS, strict=True):
        for phrase in phrases:
            assert pattern in flagged(phrase), phrase


def test_plain_words_pass() -> None:
    for text in PATTERNS.values():
        assert flagged(text) == [], text


@pytest.mark.parametrize("folder", [*FOLDERS, "."])
def test_no_phrase_of_the_list_is_used(folder: str) -> None:
    inside = [
        path for path in FILES if path.relative_to(ROOT).parts[0] == folder or (folder == "." and path.parent == ROOT)
    ]
    assert inside
    found = [
        f"{path.relative_to(ROOT)}:{line}: {re.search(pattern, plain(text), flags=re.IGNORECASE)[0]!r}"  # type: ignore[index]
        for path in inside
        for line, text in texts(path)
        for pattern in flagged(text)
    ]
    assert not found, "\n".join(found)

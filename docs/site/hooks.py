"""Pages that MkDocs makes from the code: one a method, and the reference of the command line.

``docs/site/cards`` holds what a person wrote about each method; the observed sizes come from ``docs/validation.md``,
the options from the program itself.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
FAMILIES = {
    "measures": "What is measured",
    "models": "Models of the expected return",
    "single": "One firm, one event",
    "cluster": "Several firms on one session",
    "groups": "Across events",
}
# Headings of docs/validation.md whose tables are sizes.
SIZES = (
    "validation",
    "groups of events",
    "one event",
    "several firms on one session",
    "between two groups",
    "months after the event",
)
FIELDS = ("title", "formula", "use", "avoid", "software", "reference")


def cards() -> dict[str, dict[str, dict[str, str]]]:
    """Family -> identifier -> card."""
    return {name: tomllib.loads((HERE / "cards" / f"{name}.toml").read_text(encoding="utf-8")) for name in FAMILIES}


def observed_sizes(identifier: str) -> list[tuple[str, str]]:
    """(design, observed) of every cell of docs/validation.md about a test."""
    found: list[tuple[str, str]] = []
    heading: list[str] = []
    section = ""
    for line in (HERE.parent / "validation.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ").lower()
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and cells[0] == "test":
            heading = cells
        elif cells and cells[0] == f"`{identifier}`" and section in SIZES and len(cells) == len(heading):
            found += [(design, cell) for design, cell in zip(heading[1:], cells[1:], strict=True) if cell != "-"]
    return found


def method_page(identifier: str, card: dict[str, str], family: str) -> str:
    """The page of one method."""
    lines = [
        f"# {card['title']}",
        "",
        f"Identifier `{identifier}`; {FAMILIES[family][0].lower() + FAMILIES[family][1:]}. {card['reference']}.",
        "",
        "```text",
        card["formula"].strip(),
        "```",
        "",
        "**When to use it.** " + card["use"],
        "",
        "**When not.** " + card["avoid"],
        "",
        "## Observed size",
        "",
    ]
    if card.get("size"):
        lines += [card["size"], ""]
    if sizes := observed_sizes(identifier):
        lines += [
            "Rejections at nominal 5 % in percent when nothing happened; in italics where the design breaks what the "
            "test assumes, in brackets what is documented. The designs are in [validation](../validation.md).",
            "",
            "| design | observed |",
            "|---|--:|",
            *(f"| {design} | {cell} |" for design, cell in sizes),
            "",
        ]
    lines += ["## Where public software disagrees", "", card["software"], "", "[All methods](index.md)", ""]
    return "\n".join(lines)


def method_index() -> str:
    """The list of all methods, by family."""
    lines = ["# Methods, one by one", "", "For what they have in common see [methods](../methods.md).", ""]
    for family, entries in cards().items():
        lines += [f"## {FAMILIES[family]}", "", "| identifier | | when to use it |", "|---|---|---|"]
        lines += [f"| [`{name}`]({name}.md) | {card['title']} | {card['use']} |" for name, card in entries.items()]
        lines.append("")
    return "\n".join(lines)


def command_page() -> str:
    """Every command with its own options, as the program knows them."""
    from typer.main import get_command

    from eventstudy.cli.app import app
    from eventstudy.cli.settings import OPTIONS

    lines = [
        "# Command reference",
        "",
        "Made from the program. For the study options see [commands](../commands.md).",
        "",
    ]
    shared = {f"--{name.replace('_', '-')}" for name in OPTIONS}
    top: Any = get_command(app)
    for name, command in sorted(_leaves(top.commands)):
        text = re.sub(r"\s+", " ", (command.help or "").strip())
        lines += [f"## eventstudy {name}", "", text, ""]
        rows = [
            f"| {' '.join(f'`{flag}`' for flag in parameter.opts)} | {_cell(parameter.help or '')} |"
            for parameter in command.params
            if not shared & set(parameter.opts) and getattr(parameter, "help", None)
        ]
        if rows:
            lines += ["| option | meaning |", "|---|---|", *rows, ""]
        if any(shared & set(parameter.opts) for parameter in command.params):
            lines += ["And every [study option](../commands.md#study-options).", ""]
    return "\n".join(lines)


def _leaves(commands: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, command in commands.items():
        inner = getattr(command, "commands", None)
        found += _leaves(inner, f"{prefix}{name} ") if inner else [(f"{prefix}{name}", command)]
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def generated() -> dict[str, str]:
    """Path below docs -> text of every page that is made."""
    pages = {"methods/index.md": method_index(), "reference/commands.md": command_page()}
    for family, entries in cards().items():
        pages |= {f"methods/{name}.md": method_page(name, card, family) for name, card in entries.items()}
    return pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    return files

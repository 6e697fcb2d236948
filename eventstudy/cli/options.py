"""Study options as typer parameters, made from the one table in ``settings``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from eventstudy.cli.panels import PANELS
from eventstudy.cli.settings import OPTIONS, Option
from eventstudy.precision import CHOICES

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration file [default: eventstudy.toml].")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
ColorOption = Annotated[bool, typer.Option("--no-color", help="No colour (also NO_COLOR).")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files of your own that are in the way.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one summary object.")]


def completed(known: Sequence[str]) -> Callable[[str], list[str]]:
    """What the shell offers for an option that takes one of a few words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def _models() -> tuple[str, ...]:
    from eventstudy.api.machine import models

    return models()


def _tests() -> tuple[str, ...]:
    from eventstudy.api.machine import tests

    return tests()


def _formats() -> tuple[str, ...]:
    from eventstudy.report.write import FORMATS

    return FORMATS


# option -> the words it knows, asked for when the shell asks
KNOWN: dict[str, Callable[[], Sequence[str]]] = {
    "source": lambda: ("auto", "yahoo", "tiingo", "eodhd", "snapshot", "csv:", "parquet:"),
    "model": _models,
    "tests": _tests,
    "formats": _formats,
    "currency": lambda: ("local", "USD"),
    "exclude": lambda: ("catalogued", "none"),
    "returns": lambda: ("simple", "log"),
    "missing": lambda: ("trade-to-trade", "strict"),
    "alternative": lambda: ("two-sided", "less", "greater"),
    "engine": lambda: ("auto", "numpy", "numba"),
    "precision": lambda: tuple(CHOICES),
}


def offered(name: str) -> Callable[[str], list[str]] | None:
    """What the shell offers for a study option; of a list with commas, words for its last part."""
    if name not in KNOWN:
        return None

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{word}" for word in KNOWN[name]() if word.startswith(last)]

    return complete


def _annotation(name: str, option: Option, *, hidden: bool) -> Any:
    flag = f"--{name.replace('_', '-')}"
    names = [flag, f"-{option.short}"] if option.short else [flag]
    if option.kind == "switch":
        switch = typer.Option(f"{flag}/--no-{name}", help=option.help, show_default=False, hidden=hidden)
        return Annotated[bool | None, switch]
    kind = list[str] | None if option.repeatable else str | None
    text = f"{option.help} [default: {option.default}]" if option.default else option.help
    return Annotated[
        kind,
        typer.Option(
            *names,
            metavar=option.metavar,
            help=text,
            show_default=False,
            autocompletion=offered(name),
            hidden=hidden,
        ),
    ]


def with_study_options(*hidden: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every study option; it receives them as one mapping ``flags`` (None where not given).

    Parameters
    ----------
    hidden : str
        Panels of options that the command accepts, because a configuration file may hold them, but hardly uses: its
        help leaves them out.
    """
    return functools.partial(_with_options, unseen={name for panel in hidden for name in PANELS.get(panel, (panel,))})


def _with_options(command: Callable[..., None], unseen: Collection[str]) -> Callable[..., None]:
    own = inspect.signature(command, eval_str=True).parameters
    kept = [parameter for name, parameter in own.items() if name != "flags"]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_annotation(name, option, hidden=name in unseen),
        )
        for name, option in OPTIONS.items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept]

    @functools.wraps(command)
    def wrapped(*args: Any, **values: Any) -> None:
        flags = {name: values.pop(name) for name in OPTIONS if name in values}
        command(*args, **values, flags=flags)

    signature = inspect.Signature([*keyword, *added])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped

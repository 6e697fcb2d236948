"""Study options as typer parameters, made from the one table in ``settings``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from eventstudy.cli.console import Console
from eventstudy.cli.panels import PANELS
from eventstudy.cli.settings import OPTIONS, Option, read_config
from eventstudy.precision import CHOICES

EventsArgument = Annotated[Path, typer.Argument(metavar="[EVENTS]", help="Events file.", show_default=True)]
EVENTS = Path("events.csv")
OnlyOption = Annotated[
    list[str] | None, typer.Option("--event", metavar="ID", help="Use only this event_id; masks still see all.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files of your own that are in the way.")]
# parameters of every command; ``Common`` holds them
COMMON: dict[str, tuple[Any, object]] = {
    "config": (
        Annotated[
            Path | None, typer.Option("--config", metavar="FILE", help="Configuration file [default: eventstudy.toml].")
        ],
        None,
    ),
    "as_json": (Annotated[bool, typer.Option("--json", help="Print one summary object.")], False),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")], False),
    "verbose": (Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")], False),
    "no_color": (Annotated[bool, typer.Option("--no-color", help="No colour (also NO_COLOR).")], False),
}


@dataclass(frozen=True, slots=True)
class Common:
    """Settings of every command.

    Attributes
    ----------
    config : Path or None
        The configuration file that was named.
    as_json : bool
        Whether to print one object.
    flags : mapping of str to object
        Study options as given, None where not; empty for a command without study options.
    """

    console: Console
    config: Path | None
    as_json: bool
    flags: Mapping[str, Any]


def completed(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Completion of an option that takes one of a few words."""

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
    """Completion of a study option; of a list with commas, words for its last part."""
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


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of every command as ``common``; a named configuration file is checked."""
    return _with_options(command, (), {})


def with_study_options(*hidden: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of every command and every study option; it receives them as ``common``.

    Parameters
    ----------
    hidden : str
        Panels of options that the command accepts, because a configuration file may hold them, but hardly uses: its
        help leaves them out.
    """
    unseen = {name for panel in hidden for name in PANELS.get(panel, (panel,))}
    return functools.partial(_with_options, unseen=unseen, options=OPTIONS)


def _with_options(
    command: Callable[..., None], unseen: Collection[str], options: Mapping[str, Option]
) -> Callable[..., None]:
    own = inspect.signature(command, eval_str=True).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=keyword) for name, parameter in own.items() if name != "common"]
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=kind) for name, (kind, default) in COMMON.items()
    ]
    parameters += [
        inspect.Parameter(name, keyword, default=None, annotation=_annotation(name, option, hidden=name in unseen))
        for name, option in options.items()
    ]

    @functools.wraps(command)
    def wrapped(*args: Any, **values: Any) -> None:
        flags = {name: values.pop(name) for name in options if name in values}
        config, as_json, *talk = (values.pop(name, default) for name, (_, default) in COMMON.items())
        if config is not None and not options:
            read_config(config)
        command(*args, **values, common=Common(Console.make(*talk), config, as_json, flags))

    signature = inspect.Signature(parameters)
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped

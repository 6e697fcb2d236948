"""Study options: one table from which flags, environment, configuration file and defaults are read.

Precedence: flag > ``EVENTSTUDY_*`` > ``eventstudy.toml`` > default. Heavy imports happen in the command that runs.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eventstudy.errors import InputFileError, Problem, UsageError, flat
from eventstudy.lists import listed
from eventstudy.opening import SETTINGS, Unfit, exists, text
from eventstudy.paths import check_named
from eventstudy.reading import decimal, whole
from eventstudy.spelling import meant, meant_path

if TYPE_CHECKING:
    from eventstudy.spec import StudySpec

PREFIX = "EVENTSTUDY_"
CONFIG_NAME = "eventstudy.toml"
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")
Kind = Literal["text", "number", "count", "window", "list", "switch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A study option.

    Attributes
    ----------
    kind : str
        How its text is read.
    repeatable : bool
        The flag may be given several times; environment and file take a list (environment: separated by spaces).
    default : str
        As help shows it.
    short : str
        One-letter flag.
    """

    kind: Kind
    help: str
    default: str = ""
    repeatable: bool = False
    metavar: str = ""
    short: str = ""


OPTIONS: dict[str, Option] = {name: Option(**entry) for name, entry in listed("options").items()}


# options of how the work is done and where it goes, which are not choices of a study
HOW = ("out", "formats", "detail", "threads", "workers", "scheduler", "audit", "strict")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from."""

    value: Any
    origin: str


def resolve(flags: Mapping[str, Any], config: Path | None) -> dict[str, Setting]:
    """Every option with its value and origin. Raises ``InputFileError`` if the configuration file cannot be read or
    holds unknown keys. Raises ``UsageError`` if a value has the wrong form."""
    from_file = read_config(config)
    settings = {}
    for name, option in OPTIONS.items():
        variable = f"{PREFIX}{name.upper()}"
        if flags.get(name) not in (None, [], ()):
            settings[name] = Setting(_read(option, flags[name], f"--{name.replace('_', '-')}"), "flag")
        elif os.environ.get(variable):
            settings[name] = Setting(_read(option, os.environ[variable], variable), f"environment {variable}")
        elif name in from_file.values:
            settings[name] = Setting(
                _read(option, from_file.values[name], f"{from_file.path}: {name}"), f"file {from_file.path}"
            )
        else:
            settings[name] = Setting(_default(name, option), "default")
    return settings


def unknown_variables(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that are named like settings and are none, each with the nearest name as the end of a sentence."""
    known = [f"{PREFIX}{name.upper()}" for name in (*OPTIONS, "config")]
    strange = sorted(name for name in environment if name.upper().startswith(PREFIX) and name not in known)
    return [(name, f"; {hint}" if (hint := meant(name, known)) else "") for name in strange]


def _default(name: str, option: Option) -> Any:
    """The value of an option that was not given; numbers without a default are absent."""
    if option.kind == "number" and not option.default:
        return None
    return _read(option, option.default, name)


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file as read."""

    path: str
    values: dict[str, Any]


def read_config(path: Path | None) -> Config:
    """``eventstudy.toml``: the file named, else the one in this folder, else nothing."""
    named = path is not None
    path = path or Path(os.environ.get("EVENTSTUDY_CONFIG") or CONFIG_NAME)
    if not named and "EVENTSTUDY_CONFIG" not in os.environ and not exists(path):
        return Config(str(path), {})
    try:
        values = tomllib.loads(text(path, SETTINGS))
    except Unfit as error:
        raise InputFileError(str(path), [Problem(0, "", "", f"cannot be read: {error.strerror}")]) from error
    except OSError as error:
        hint = meant_path(path) or "--config FILE"
        raise UsageError(f"cannot read {path}: {error.strerror}", "a configuration file", hint) from error
    except (ValueError, RecursionError) as error:
        # besides what is not TOML: numbers of thousands of digits, brackets in brackets, a NUL in the path
        raise InputFileError(str(path), [Problem(0, "", "", f"is not a TOML file: {error}")]) from error
    problems = [Problem(0, key, "", trouble) for key, value in values.items() if (trouble := _trouble(value))]
    for key in values:
        if key not in OPTIONS:
            advice = meant(key, OPTIONS) or f"known keys: {', '.join(OPTIONS)}"
            problems.append(Problem(0, key, "", f"unknown key; {advice}"))
    if problems:
        raise InputFileError(str(path), problems)
    return Config(str(path), values)


def _trouble(value: Any, deeper: int = 8) -> str:
    """The trouble with a value that no option takes: huge integers, deeply nested tables; empty if there is none."""
    if isinstance(value, list | dict):
        if not deeper:
            return "holds tables or lists within one another; an option is one value or one list"
        inner = value.values() if isinstance(value, dict) else value
        return next((found for item in inner if (found := _trouble(item, deeper - 1))), "")
    return "holds a number of more than 18 digits" if isinstance(value, int) and abs(value) >= 10**18 else ""


def _read(option: Option, value: Any, place: str) -> Any:
    """Text, list or TOML value -> the value an option has."""
    if option.kind == "switch":
        return _switch(value, place)
    if option.kind == "list":
        items = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, str) for item in items):
            raise UsageError(
                f"{place}: {_quoted(value)} is neither a text nor a list of texts", f"such as {option.default}"
            )
        return tuple(part for item in items for part in item.replace(",", " ").split())
    if isinstance(value, list | tuple | dict | bool):
        raise UsageError(f"{place}: {_quoted(value)} is not one value", f"such as {option.default}")
    if option.kind in ("number", "count"):
        try:
            return whole(str(value)) if option.kind == "count" else decimal(str(value))
        except ValueError:
            wanted = "a whole number" if option.kind == "count" else "a decimal"
            raise UsageError(
                f"{place}: {_quoted(value)} is not a number", f"{wanted} such as {option.default or 7}"
            ) from None
    if found := _CONTROL.search(str(value)):
        name = "NUL" if found[0] == "\0" else "control"
        raise UsageError(f"{place}: holds a {name} character", f"text such as {option.default or 'a name'}")
    return str(value)


def _quoted(value: Any) -> str:
    """A value as a message shows it."""
    return flat(repr(value), 80)


def _switch(value: Any, place: str) -> bool:
    words = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
    text = str(value).lower()
    if text not in words:
        raise UsageError(f"{place}: {_quoted(value)} is neither yes nor no", "true or false")
    return words[text]


def study_spec(settings: Mapping[str, Setting]) -> StudySpec:
    """The ``StudySpec`` of resolved settings. Raises ``UsageError`` for any choice that cannot be right."""
    from eventstudy.spec import StudySpec

    check_named(settings["source"].value, settings["factors"].value)
    choices: dict[str, Any] = {name: setting.value for name, setting in settings.items() if name not in HOW}
    return StudySpec(
        **choices,
        benchmarks_given=settings["benchmark"].origin != "default",
        windows_given=settings["window"].origin != "default",
    )


def chosen_formats(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """The formats to write. Raises ``UsageError`` for an unknown format."""
    from eventstudy.api.report import checked_formats

    return checked_formats(settings["formats"].value)

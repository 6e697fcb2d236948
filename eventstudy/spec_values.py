"""The choices of a study as people write them -> the values that a ``StudySpec`` holds.

One symbol or several, ``"0:1"`` or ``(0, 1)``, ``0.9`` or ``"0.9"``, in any case. What cannot be read is a UsageError
that names the choice, what was found and what was wanted.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, TypedDict, TypeVar

from eventstudy.errors import UsageError, flat
from eventstudy.lists import listed
from eventstudy.reading import decimal
from eventstudy.spelling import meant
from eventstudy.window import Window, windows_of

T = TypeVar("T")
OneWindow = str | tuple[int, int] | Window
Several = str | Sequence[str]


class SpecChoices(TypedDict, total=False):
    """The choices of a study, as ``run`` takes them; see ``StudySpec`` for what each means."""

    source: str | os.PathLike[str]
    input: str
    offline: bool
    store: str | os.PathLike[str]
    max_age: float | None
    model: str
    benchmark: Several
    benchmarks: Several
    benchmarks_given: bool
    currency: str
    peer: Several
    peers: Several
    index_weight: Several | Mapping[str, float]
    index_weights: Several | Mapping[str, float]
    shares: Several | Mapping[str, float]
    volume: str
    event_window: OneWindow
    window: OneWindow | Sequence[OneWindow]
    windows: OneWindow | Sequence[OneWindow]
    windows_given: bool
    estimation: int
    gap: int
    min_estimation: int | None
    exclude: str
    returns: str
    missing: str
    tests: Several
    convention: Several | Mapping[str, str]
    by: str
    weight: str
    level: float
    alternative: str
    calibrated: bool
    engine: str
    spec_curve: str
    hold: int
    hold_min: int
    precision: str | int
    notices: tuple[str, ...]


class Choices(SpecChoices, total=False):
    """The same as ``StudySpec`` takes them: a frame of factors belongs to one run."""

    factors: str | os.PathLike[str]


# the name of an option of the command line -> that of the choice
SINGULAR = {
    "benchmark": "benchmarks",
    "peer": "peers",
    "index_weight": "index_weights",
    "window": "windows",
    "test": "tests",
}
# what other programs call a choice -> what to write
OTHER_WORDS: dict[str, str] = listed("other_words")


def with_choices_named(shown: inspect.Signature) -> inspect.Signature:
    """A signature with every choice as a keyword of its own, for ``help()`` and completion."""
    kept = [one for one in shown.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    known = {one.name for one in kept}
    hidden = {*known, "notices", "windows_given", "benchmarks_given"}
    names = [name for name in Choices.__annotations__ if name not in hidden]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names if name != "notices"
    ]
    return shown.replace(parameters=[*kept, *more])


def read_choices(given: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The values of the choices that are given, by field. Raises ``UsageError`` for a name that is not a choice, a
    choice under two names, or a value that cannot be read.

    Parameters
    ----------
    given : mapping
        A choice that is None counts as not given, unless None is one of its values.
    fields : iterable of str
        Of ``StudySpec``.
    """
    known = list(fields)
    found: dict[str, Any] = {}
    for name, value in given.items():
        field = SINGULAR.get(name, name)
        if field not in known:
            raise unknown_choice(name, known)
        if value is None and field not in MAY_BE_NONE:
            continue
        if field in found:
            raise UsageError(f"{name} and {_other_name(field, given, name)} are the same choice", "one of them")
        found[field] = READERS[field](field, value) if field in READERS else value
    if "windows" in found:
        found.setdefault("windows_given", True)
    if "benchmarks" in found:
        found.setdefault("benchmarks_given", True)
    return found


def unknown_choice(name: str, known: Iterable[str]) -> UsageError:
    """The error for a keyword that is not a choice of a study, with the nearest one."""
    names = [one for one in (*known, *SINGULAR) if one not in ("notices", "windows_given", "benchmarks_given")]
    hint = f"write {OTHER_WORDS[name.lower()]}" if name.lower() in OTHER_WORDS else meant(name, names)
    wanted = "" if hint else "one of " + ", ".join(sorted(names))
    return UsageError(f"{flat(name, 80)!r} is not a choice of a study", wanted, hint)


def _other_name(field: str, given: Mapping[str, Any], name: str) -> str:
    return next(other for other in given if other != name and SINGULAR.get(other, other) == field)


def _refused(name: str, value: Any, wanted: str) -> UsageError:
    return UsageError(f"{name} is {flat(repr(value), 80)}", wanted)


def text(name: str, value: Any) -> str:
    """One text; a path counts as its text."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value) if not isinstance(value, str) else value
    raise _refused(name, value, "one text")


def word(name: str, value: Any) -> str:
    """One word of the program's own: small letters, and hyphens for blanks and underscores."""
    if not isinstance(value, str):
        raise _refused(name, value, "one word")
    plain = value.strip().replace("_", "-").replace(" ", "-")
    return plain if plain == "USD" else "USD" if plain.lower() == "usd" else plain.lower()


def several(name: str, value: Any) -> tuple[str, ...]:
    """Texts, each once: a list, or one text in which commas or blanks separate them."""
    parts = [value] if isinstance(value, str) else value
    if isinstance(parts, bytes | Mapping) or not hasattr(parts, "__iter__"):
        raise _refused(name, value, "one text or a list of texts")
    parts = list(parts)
    for part in parts:
        if not isinstance(part, str):
            raise _refused(name, value, f"texts; {flat(repr(part), 40)} is not a text")
    return tuple(dict.fromkeys(bit for part in parts for bit in part.replace(",", " ").split()))


def words(name: str, value: Any) -> tuple[str, ...]:
    """Words of the program's own."""
    return tuple(dict.fromkeys(word(name, one) for one in several(name, value)))


def pairs(name: str, value: Any) -> tuple[str, ...]:
    """``KEY=VALUE``, which a mapping may hold."""
    if not isinstance(value, Mapping):
        return several(name, value)
    return tuple(f"{key}={_written(name, one)}" for key, one in value.items())


def _written(name: str, value: Any) -> str:
    return value if isinstance(value, str) else repr(number(name, value))


def number(name: str, value: Any) -> float:
    """A decimal; text may hold one."""
    if isinstance(value, str):
        try:
            return decimal(value.strip())
        except ValueError:
            share = _percent(value)
            raise UsageError(f"{name} is {flat(repr(value), 80)}", "a number", share) from None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _refused(name, value, "a number")
    return float(value)


def _percent(text: str) -> str:
    """The decimal that was meant by a percentage."""
    try:
        return f"did you mean {decimal(text.strip().removesuffix('%').strip()) / 100:g}?" if "%" in text else ""
    except ValueError:
        return ""


def count(name: str, value: Any) -> int:
    """A whole number."""
    found = number(name, value)
    if found != found or found != int(min(max(found, -1e15), 1e15)):
        raise _refused(name, value, "a whole number")
    return int(found)


def maybe(read: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """The same reader for a choice that may be None."""
    return lambda name, value: None if value is None else read(name, value)


def switch(name: str, value: Any) -> bool:
    """True or False, also of NumPy."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise _refused(name, value, "True or False")


def one_window(name: str, value: Any) -> Window:
    """One window."""
    return _named(name, Window.of, value)


def some_windows(name: str, value: Any) -> tuple[Window, ...]:
    """One window or several."""
    return _named(name, windows_of, value)


def _named(name: str, read: Callable[[Any], T], value: Any) -> T:
    try:
        return read(value)
    except UsageError as error:
        if error.found.startswith("window "):
            error.found = f"{name.replace('_', ' ')}{error.found.removeprefix('window')}"
        raise


MAY_BE_NONE = ("max_age", "min_estimation")
READERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("source", "store", "factors", "by", "weight"), text),
    **dict.fromkeys(
        (
            "input",
            "model",
            "currency",
            "volume",
            "exclude",
            "returns",
            "missing",
            "alternative",
            "engine",
            "spec_curve",
        ),
        word,
    ),
    **dict.fromkeys(("benchmarks", "peers"), several),
    "tests": words,
    **dict.fromkeys(("index_weights", "shares", "convention"), pairs),
    "event_window": one_window,
    "windows": some_windows,
    **dict.fromkeys(("estimation", "gap", "hold", "hold_min"), count),
    "min_estimation": maybe(count),
    "max_age": maybe(number),
    "level": number,
    **dict.fromkeys(("offline", "calibrated", "windows_given", "benchmarks_given"), switch),
}

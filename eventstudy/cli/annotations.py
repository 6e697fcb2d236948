"""Output formats that several commands share, and annotations as GitHub reads them."""

from __future__ import annotations

from collections.abc import Sequence

from eventstudy.cli.console import printable
from eventstudy.errors import UsageError
from eventstudy.spelling import meant


def chosen_format(name: str, known: Sequence[str], *, as_json: bool) -> str:
    """The output format asked for; ``--json`` is short for one of them. Raises ``UsageError`` for an unknown one."""
    if name not in known:
        raise UsageError(f"output format {name!r} is unknown", ", ".join(known), meant(name, known))
    return "json" if as_json else name


def annotation(kind: str, text: str, *, title: str = "", place: tuple[str, int] | None = None) -> str:
    """A workflow command: ``error``, ``warning`` or ``notice`` with its text, and where it belongs."""
    properties = [] if place is None else [f"file={_property(place[0])}", f"line={max(place[1], 1)}"]
    properties += [f"title={_property(title)}"] if title else []
    return f"::{kind} {','.join(properties)}::{_message(text)}" if properties else f"::{kind}::{_message(text)}"


def _message(text: str) -> str:
    """A message: its three reserved characters escaped, and nothing that a terminal would obey."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(escaped)


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

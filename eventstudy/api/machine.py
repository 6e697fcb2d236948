"""Checks of this machine, conditions on a report folder, and the known words of a study's choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstudy.data.yahoo.diagnosis import Finding
    from eventstudy.review.gate import Verdict
    from eventstudy.spec import StudySpec


def diagnose(folder: Path, *, offline: bool) -> Iterator[Finding]:
    """Versions, store, calendars, proxy, certificates, DNS, Yahoo and the clock, one after the other."""
    from eventstudy.data.yahoo import diagnosis

    yield from diagnosis.diagnose(folder, offline=offline)


def check(folder: Path, conditions: Sequence[str]) -> list[Verdict]:
    """Hold conditions against a report."""
    from eventstudy.data import clock
    from eventstudy.review.folder import read_folder
    from eventstudy.review.gate import hold

    return list(hold(read_folder(folder), conditions, clock.utc_now()))


def check_choices(spec: StudySpec) -> None:
    """Raise a UsageError where the choices of a study cannot be right together."""
    from eventstudy.choices import checked_model

    checked_model(spec)


def models() -> tuple[str, ...]:
    """Identifiers of the models."""
    from eventstudy.engine.models import MODELS

    return tuple(MODELS)


def tests() -> tuple[str, ...]:
    """Names that ``tests`` accepts."""
    from eventstudy.spec import ALL_TESTS, ALWAYS_TESTS

    return ("auto", "all", *ALWAYS_TESTS, *ALL_TESTS)

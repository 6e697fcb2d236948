"""Common steps of the commands that build on estimated CARs: settings, files, exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.cli.console import Console, say_prices, tell_json
from eventstudy.cli.options import Common
from eventstudy.cli.settings import Setting, chosen_formats, resolve, study_spec
from eventstudy.errors import NothingStudied

if TYPE_CHECKING:
    from eventstudy.api.report import Adds
    from eventstudy.api.result import StudyResult
    from eventstudy.spec import StudySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command with its settings."""

    console: Console
    settings: Mapping[str, Setting]
    spec: StudySpec
    formats: tuple[str, ...]
    out: Path

    @classmethod
    def of(cls, common: Common) -> Command:
        """From the flags, the environment and the configuration file."""
        settings = resolve(common.flags, common.config)
        spec, formats = study_spec(settings), chosen_formats(settings)
        return cls(
            console=common.console, settings=settings, spec=spec, formats=formats, out=Path(settings["out"].value)
        )

    def study(self, only: Sequence[str] | None) -> dict[str, Any]:
        """The keywords of ``run``; a folder that can never be written is refused before anything is computed."""
        from eventstudy.report.write import check_writable

        check_writable(self.out)
        return {"spec": self.spec, "only": only or (), "warn": self.console.warn}

    def write(self, found: Adds, *, force: bool) -> list[str]:
        """Add the files of what was found to the report folder."""
        from eventstudy.api.report import report

        written = report(found, self.out, self.formats, force=force)
        say_prices(found.study, self.console)
        return written

    def tell_json(self, result: StudyResult, written: Sequence[str], found: Mapping[str, Any]) -> None:
        """Print the object that every such command prints, with what is its own."""
        shared = {"out": str(self.out), "files": list(written), "warnings": list(result.notices)}
        tell_json({"counts": result.counts, **found, **shared}, result.spec.digits)

    def judge(self, result: StudyResult) -> None:
        """Audit where asked, and turn what happened into an exit code, after the files are written.

        Raises
        ------
        EventStudyError
            If the audit does not agree.
        NothingStudied
            Under ``--strict``, if some event could not be studied.
        """
        from eventstudy.api.outcome import check_audit
        from eventstudy.api.result import audited

        if self.settings["audit"].value:
            cure = "a regressor may be nearly constant; `eventstudy run` writes models.csv"
            self.console.say(check_audit(audited(result), cure))
        if self.settings["strict"].value and (n := result.counts["excluded"]):
            raise NothingStudied(
                f"{n} events could not be studied (--strict)",
                hint="`eventstudy run` writes the reason of each row to excluded.csv",
            )

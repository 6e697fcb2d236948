"""``eventstudy init``: a study that runs unedited, and its scheduled run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from eventstudy.atomic_write import write_whole
from eventstudy.cli.console import Console, tell, tell_json
from eventstudy.cli.options import Common, completed, with_common
from eventstudy.errors import UsageError
from eventstudy.spelling import meant

# path in the study -> file of the package's templates
STUDY = {"events.csv": "events.csv", "confounders.csv": "confounders.csv", "eventstudy.toml": "eventstudy.toml"}
IGNORED = {".gitignore": "gitignore"}
CI = {"github": {".github/workflows/eventstudy.yml": "github.yml"}, "gitlab": {".gitlab-ci.yml": "gitlab.yml"}}


@with_common
def init_command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder of the study.")] = Path(),
    ci: Annotated[
        str | None,
        typer.Option(
            "--ci", metavar="HOST", help="A scheduled run too: github or gitlab.", autocompletion=completed(tuple(CI))
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    *,
    common: Common,
) -> None:
    """Write a study that runs unedited: events.csv, confounders.csv, eventstudy.toml, .gitignore, and with --ci its CI.

    Nothing that is there is overwritten without --force. Where one of the three files of a study is there already,
    none of them is written, so that no example mixes with announcements of your own.
    """
    if ci is not None and ci not in CI:
        raise UsageError(f"CI host {ci!r} is unknown", ", ".join(CI), meant(ci, CI))
    console = common.console
    wanted = {**STUDY, **IGNORED, **(CI[ci] if ci else {})}
    kept = [] if force else _kept(folder, wanted)
    written = {name: source for name, source in wanted.items() if name not in kept}
    if not written:
        raise UsageError(f"nothing to write: {folder} holds {', '.join(kept)}", "a folder without them", "--force")
    _write(folder, written)
    _tell(folder, list(written), kept, console, as_json=common.as_json)
    if ci is not None:
        console.say(f"set INSTALL in {next(iter(CI[ci]))}: one line that installs this program")


def _kept(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Files that stay as they are: those that are there, and with one file of a study all of them."""
    there = [name for name in wanted if os.path.lexists(folder / name)]
    return [name for name in wanted if name in there or (name in STUDY and set(there) & set(STUDY))]


def _write(folder: Path, files: dict[str, str]) -> None:
    """Each file whole or not at all, its text from the package."""
    from importlib import resources

    try:
        for name, source in files.items():
            target = folder / name
            if target.is_dir():
                raise UsageError(f"{target} is a folder", f"a place for the file {name}", "move it away")
            write_whole(target, (resources.files("eventstudy") / "templates" / source).read_bytes())
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder}: {error.strerror or error}", "a folder that can be written", "name another"
        ) from error


def _tell(folder: Path, written: list[str], kept: list[str], console: Console, *, as_json: bool) -> None:
    if as_json:
        tell_json({"folder": str(folder), "written": written, "kept": kept})
    else:
        for name in written:
            tell(str(folder / name))
    present = [name for name in kept if os.path.lexists(folder / name)]
    if present:
        console.say(f"kept as they are: {', '.join(present)} (--force overwrites)")
    if "events.csv" in written:
        where = "" if folder == Path() else f"cd {folder} && "
        console.say(f"next: {where}eventstudy run")

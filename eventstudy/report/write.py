"""Pages and tables onto the disk: built aside, moved one by one, the manifest last."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.errors import UsageError
from eventstudy.opening import RECORD, can_be_written, exists, text
from eventstudy.report import escape, locking
from eventstudy.report.columns import COLUMNS
from eventstudy.report.csv_rows import csv_heading, csv_rows, csv_text
from eventstudy.report.event_files import EventFiles
from eventstudy.report.event_tables import n_rows
from eventstudy.report.ownership import added_files, check_replaced, entry_of, is_data_set, is_report_name
from eventstudy.report.provenance import manifest
from eventstudy.report.streams import csv_column
from eventstudy.report.table_bytes import parquet_bytes, results_text
from eventstudy.report.tables import BY_COLUMN, OTHERS, shown, windows_columns
from eventstudy.results import SCHEMA_VERSION

if TYPE_CHECKING:
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult

FORMATS = ("md", "html", "csv", "json", "parquet", "tex", "png", "pdf", "xlsx", "dta")
# figures come with any of them
ILLUSTRATED = frozenset(("md", "html", "png", "pdf"))
WITH_PAGES = ILLUSTRATED | {"tex"}
MANIFEST = "manifest.json"
# events whose rows are made and written together
EVENTS_AT_ONCE = 16_384
ADDED = "added"
_ASIDE = ".eventstudy-"


def build_files(
    result: StudyResult, formats: Sequence[str], audit: Audit | None, say: Callable[[str], None] | None = None
) -> dict[str, bytes]:
    """Every file of a report but the manifest and the tables of ``event_files``, as relative POSIX path -> bytes."""
    data: dict[str, bytes] = {}
    if "csv" in formats:
        data |= {f"{name}.csv": _csv(result, name) for name in COLUMNS if name in OTHERS}
    if "json" in formats:
        data["results.json"] = results_text(result).encode()
    if WITH_PAGES & set(formats):
        from eventstudy.report.pages import page_files

        data |= page_files(result, formats, audit, say)
    if "parquet" in formats:
        data |= {f"{name}.parquet": parquet_bytes(frame) for name, frame in result.other_tables.items()}
    if {"xlsx", "dta"} & set(formats) and result.budget.kept:
        from eventstudy.report.sheets import WORKBOOK, table_files

        data |= table_files(result.tables, formats, WORKBOOK)
    return dict(sorted(data.items()))


def _csv(result: StudyResult, name: str) -> bytes:
    """One of the tables without a row or more for each event, as CSV."""
    digits = result.spec.digits
    if name not in BY_COLUMN or not (columns := BY_COLUMN[name](result)):
        return csv_text(result.table(name), digits).encode()
    cells = [csv_column(heading, column) for heading, column in columns.items()]
    return csv_heading(columns) + csv_rows(cells, n_rows(columns), digits)


def check_writable(out: Path) -> None:
    """Fail early, before anything is computed, if the output folder can never be written. Raises ``UsageError`` if the
    path is a file, or its nearest existing parent is not a writable folder."""
    if not can_be_written(out):
        raise UsageError(f"cannot write to {out}", "a folder that can be written", "name another with -o DIR")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report goes.

    Attributes
    ----------
    folder : Path
        Of ``aside(out)``.
    force : bool
        Replace files of somebody's own that are in the report's way.
    """

    folder: Path
    out: Path
    force: bool = False


def finish(
    place: Place, result: StudyResult, formats: Sequence[str], audit: Audit | None, files: EventFiles,
    say: Callable[[str], None] | None = None,
) -> list[str]:  # fmt: skip
    """Write a report folder from a folder aside.

    Files are moved one by one, ``manifest.json`` last, so that a reader never sees half a file and a folder without its
    manifest is known to be unfinished. Files that the previous run listed and this one did not write are removed;
    nothing else in the folder is touched. A file that is in the way is replaced if the manifest lists it or it begins
    with the same heading; with ``force`` in any case. Returns the relative paths written. Raises ``UsageError`` if the
    folder cannot be written (permissions, full disk), or holds a file of somebody's own in the place of one of the
    report.

    Parameters
    ----------
    files : EventFiles
        The tables of events, which were written while the study ran or by ``kept_files``.
    say : callable or None
        Passing lines of progress.
    """
    files.add_excluded(result.lost, result.prepared.sentences)
    hashes = files.close()
    rest = build_files(result, formats, audit, say)
    write_aside(place.folder, rest)
    hashes = dict(sorted({**hashes, **hashed(rest)}.items()))
    written = manifest(result, hashes, audit)
    return publish(place.folder, place.out, hashes, written, force=place.force)


def kept_files(
    folder: Path, result: StudyResult, formats: Sequence[str], stack: ExitStack, *, apart: bool = False
) -> EventFiles:
    """The tables of events that are kept in memory, written some events at a time; see ``EventFiles``."""
    files = EventFiles(folder, formats, result.studied.tables, stack, daily=True, apart=apart)
    n = len(result.studied.reported)
    for at in range(0, n, EVENTS_AT_ONCE):
        some = shown(result.studied).take(np.arange(at, min(at + EVENTS_AT_ONCE, n)))
        files.add_rows(some, windows_columns(result, some))
    return files


def hashed(files: Mapping[str, bytes]) -> dict[str, str]:
    """sha256 of each file."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def add_files(
    out: Path, command: str, files: Mapping[str, str | bytes], result: StudyResult, *, force: bool = False
) -> list[str]:
    """Add what another command has to say to a report folder, removing nothing.

    Built aside and moved like a report. The manifest keeps what the last ``run`` wrote there and lists the new files,
    with the settings, versions and prices behind them, under ``added`` and the command's name; the next ``run`` leaves
    both alone. Raises ``UsageError`` if the folder cannot be written, or holds a file of somebody's own in the place of
    one of these.

    Parameters
    ----------
    command : str
        Such as ``calibrate``.
    files : mapping
        Relative POSIX path -> text or bytes.
    result : StudyResult
        The study of the files.
    force : bool
        Replace files of somebody's own as well.

    Returns
    -------
    list of str
        Relative paths written.
    """
    data = {name: held.encode() if isinstance(held, str) else held for name, held in sorted(files.items())}
    hashes = hashed(data)
    own = manifest(result, hashes, None)
    with aside(out) as folder, locking.alone(out):
        listed = {"schema_version": SCHEMA_VERSION, **_manifest_before(out)}
        known = listed.get(ADDED)
        write_aside(folder, data)
        check_replaced(folder, out, data, added_files(listed.get(ADDED), listed), force=force)
        listed[ADDED] = {**(known if isinstance(known, dict) else {}), command: own}
        _place(folder, out, data, listed, set())
    return [*data, MANIFEST]


def _cannot_write(out: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UsageError(
            f"cannot write to {out}: {reason}", "room for the report", "free some space, or -o DIR elsewhere"
        )
    return UsageError(f"cannot write to {out}: {reason}", "a folder that can be written", "-o DIR")


def _place(
    folder: Path, out: Path, files: Mapping[str, bytes], listed: Mapping[str, Any], gone: Collection[str]
) -> None:
    """Write the manifest beside the files in the folder aside and move all; see ``_move``."""
    write_aside(folder, {MANIFEST: _manifest_bytes(listed)})
    _move(folder, out, list(files), gone)


def _manifest_bytes(listed: Mapping[str, Any]) -> bytes:
    return (escape.json_dumps(listed) + "\n").encode()


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """A folder within the report folder to build in; it goes whatever happens, and so does a report folder that was
    made for it and stayed empty. Raises ``UsageError`` if something cannot be written (permissions, full disk)."""
    try:
        new, folder = not exists(out), None
        with ExitStack() as stack:
            try:
                out.mkdir(parents=True, exist_ok=True)
                # nobody else begins here in between, and Ctrl-C waits until there is something to remove
                with locking.alone(out) as locked:
                    locking.clear(out, _ASIDE, locked=locked)
                    folder = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=out))
                    stack.enter_context(locking.claim(folder))
                yield folder
            finally:
                with locking.uninterrupted():
                    if folder is not None:
                        shutil.rmtree(_out_of_reach(folder), ignore_errors=True)
                    # unless another run begins there at this moment
                    with suppress(OSError):
                        if new and not any(out.iterdir()):
                            out.rmdir()
    except OSError as error:
        raise _cannot_write(out, error) from error


def _out_of_reach(folder: Path) -> Path:
    """A folder under another name, so that workers that have not heard of the end add nothing while it is removed."""
    try:
        return folder.rename(folder.with_name(f"{folder.name}-gone"))
    except OSError:
        # a system that does not rename what is open
        return folder


def publish(
    folder: Path,
    out: Path,
    hashes: Mapping[str, str],
    listed: Mapping[str, Any],
    *,
    force: bool = False,
) -> list[str]:
    """Move what was built aside into the report folder, the manifest last, and remove what the run before listed.

    Returns
    -------
    list of str
        Relative paths written.
    """
    with locking.alone(out):
        before = _listed_before(out)
        added = _manifest_before(out).get(ADDED)
        write_aside(folder, {MANIFEST: _manifest_bytes({**listed, **({ADDED: added} if added else {})})})
        own = [MANIFEST] if _manifest_is_foreign(out) else []
        check_replaced(folder, out, [*hashes, *own], before, force=force)
        _move(folder, out, list(hashes), set(before) - set(hashes))
    return [*hashes, MANIFEST]


def write_aside(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder that is being built."""
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())


def _move(folder: Path, out: Path, names: Sequence[str], gone: Collection[str]) -> None:
    """Move files into the report folder one by one, a data set as a whole, remove those that are ``gone``, and move the
    manifest last.

    A run that is killed in between leaves the manifest that lists what is gone, so that the next run removes it.
    """
    for name in dict.fromkeys(map(entry_of, names)):
        _move_one(folder, out, name)
    _remove(out, gone)
    _move_one(folder, out, MANIFEST)


def _move_one(folder: Path, out: Path, name: str) -> None:
    target = out / name
    if target.parent.is_symlink() and target.parent != out:
        raise UsageError(f"{target.parent} is a link", "a folder of the report itself", "remove the link")
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_data_set(name):
        # a file does not take the place of a folder, nor a folder that of one with something in it
        with suppress(FileNotFoundError):
            target.rename(folder / f"{Path(name).name}-before")
    os.replace(folder / name, target)


def _manifest_before(out: Path) -> dict[str, Any]:
    """The folder's manifest; one that is missing, is not a file, cannot be read or that no report wrote is empty."""
    found = _read_manifest(out)
    return found if isinstance(found, dict) and "schema_version" in found else {}


def _manifest_is_foreign(out: Path) -> bool:
    """Whether the folder holds a manifest.json of something else: JSON that no report wrote."""
    found = _read_manifest(out)
    return found is not None and not (isinstance(found, dict) and "schema_version" in found)


def _read_manifest(out: Path) -> Any:
    """What manifest.json holds; None where it is missing, is not a file or is damaged."""
    try:
        return json.loads(text(out / MANIFEST, RECORD, links=False))
    except (OSError, ValueError, RecursionError):
        return None


def _listed_before(out: Path) -> dict[str, str]:
    """Files of the previous run, as its manifest lists them; an unreadable manifest lists none."""
    files = _manifest_before(out).get("files")
    return {k: str(v) for k, v in files.items() if is_report_name(k)} if isinstance(files, dict) else {}


def _remove(out: Path, names: Collection[str]) -> None:
    for name in sorted(names):
        target = out / name
        # a link goes, what it leads to stays; a folder of that name is nobody's file
        if (not target.parent.is_symlink() or target.parent == out) and (target.is_symlink() or target.is_file()):
            target.unlink(missing_ok=True)
            if target.parent != out and is_data_set(target.parent.name):
                # unless it holds something else
                with suppress(OSError):
                    target.parent.rmdir()

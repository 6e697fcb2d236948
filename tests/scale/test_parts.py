"""Tables whose rows other processes write: Parquet data sets and CSV files, equal to those of one process, and whole or
not there."""

from __future__ import annotations

import errno
import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eventstudy.errors import InputFileError, UsageError
from eventstudy.review.difference import difference
from eventstudy.review.folder import read_folder
from eventstudy.review.gate import hold
from eventstudy.scale.executors import Here, executor
from eventstudy.scale.limits import Limits
from tests.conftest import module_needs
from tests.scale.test_bulk import SPEC, bulk, many

module_needs("scale")
__all__ = ["many"]
LIGHT = SPEC.with_changes(tests=("csect-t", "patell"))
BOTH = {"formats": ("csv", "parquet")}
MEASURED = ("windows", "models", "abnormal_returns")
STUDIED = 4376
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Elsewhere:
    """Another process, as far as a task can tell: it gets a copy and hands back a copy."""

    words: str = "elsewhere"
    apart: bool = True

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for task in tasks:
            work, given = pickle.loads(pickle.dumps((function, task)))
            yield pickle.loads(pickle.dumps(work(*given)))


@pytest.fixture(scope="module")
def eight(many: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,800 events: three blocks of 2,048."""
    path = tmp_path_factory.mktemp("eight") / "events.csv"
    copies = [pd.read_csv(many).assign(event_id=lambda f, k=k: f["event_id"] + f"_{k}") for k in range(8)]
    pd.concat(copies).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def alone(eight: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    bulk(eight, out, LIGHT, Here(), **BOTH)
    return out


def apart(path: Path, out: Path, block: int = 2048, **order: Any) -> Any:
    return bulk(path, out, LIGHT, Elsewhere(), limits=Limits(block=block, kept=0), **{**BOTH, **order})


def listed(out: Path) -> dict[str, str]:
    found = json.loads((out / "manifest.json").read_text())["files"]
    assert isinstance(found, dict)
    return found


def same_rows(one: Path, other: Path) -> None:
    """Equal tables to the last bit, CSV files of equal bytes, and digests that are true."""
    from pyarrow.parquet import read_table

    names = sorted(path.name for path in one.iterdir() if path.name != "manifest.json")
    assert names == sorted(path.name for path in other.iterdir() if path.name != "manifest.json")
    for name in names:
        if name.endswith(".parquet"):
            a, b = read_table(one / name), read_table(other / name)
            # equal bytes, also of what is not a number
            assert a.schema == b.schema and a.equals(b), name
        else:
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for folder in (one, other):
        for name, digest in listed(folder).items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("block", [2048, 4096, 16_384])
def test_rows_written_elsewhere_are_those_of_one_process(eight: Path, alone: Path, tmp_path: Path, block: int) -> None:
    apart(eight, tmp_path / "out", block)
    same_rows(alone, tmp_path / "out")
    parts = [f"part-{number:06}.parquet" for number in range(-(-STUDIED // block))]
    for name in MEASURED[:2]:
        assert sorted(path.name for path in (tmp_path / "out" / f"{name}.parquet").iterdir()) == parts
        assert [f"{name}.parquet/{part}" for part in parts] == [
            x for x in listed(tmp_path / "out") if x.startswith(name + ".p")
        ]
    # no working file is left
    assert not [path for path in (tmp_path / "out").iterdir() if path.name == "parts" or path.name.startswith(".")]


def test_a_task_carries_its_events_and_returns_summaries(
    eight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []

    def watched(self: Elsewhere, function: Any, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for task in tasks:
            sent = pickle.dumps(task)
            found = function(*pickle.loads(sent))
            sizes.append((len(sent), len(pickle.dumps(found))))
            yield found

    monkeypatch.setattr(Elsewhere, "run", watched)
    apart(eight, tmp_path / "out")
    apart(eight, tmp_path / "larger", 4096)
    # what grows with the events: their names there, three numbers back; rows of five windows take 2 kB an event
    there, back = ((sizes[3][k] - sizes[0][k]) / 2048 for k in (0, 1))
    assert len(sizes) == 5 and 0 < there < 60 and 0 < back < 25, sizes


def test_a_cluster_and_a_study_whose_events_are_kept(many: Path, tmp_path: Path) -> None:
    """Who measures decides the form of a table, the size of the study does not."""
    kept = Limits(block=2048)
    bulk(many, tmp_path / "one", LIGHT, **BOTH)
    bulk(many, tmp_path / "kept", LIGHT, limits=kept, **BOTH)
    with executor(1, 2, "") as cluster:
        bulk(many, tmp_path / "two", LIGHT, cluster, **BOTH)
        bulk(many, tmp_path / "kept two", LIGHT, cluster, limits=kept, **BOTH)
    same_rows(tmp_path / "one", tmp_path / "two")
    same_rows(tmp_path / "kept", tmp_path / "kept two")
    for name in ("two", "kept two"):
        assert [path.name for path in (tmp_path / name / "windows.parquet").iterdir()] == ["part-000000.parquet"]
        assert (tmp_path / name / "aggregate.parquet").is_file()


def test_diff_and_check_read_both_kinds(eight: Path, tmp_path: Path) -> None:
    bulk(eight, tmp_path / "csv", LIGHT)
    bulk(eight, tmp_path / "file", LIGHT, formats=("parquet",))
    apart(eight, tmp_path / "parts", formats=("parquet",))
    folders = {name: read_folder(tmp_path / name) for name in ("csv", "file", "parts")}
    for name in ("file", "parts"):
        found = difference(folders["csv"], folders[name])
        assert found.same_numbers and found.compared == STUDIED and not found.effects, found.tables
        assert not [note for note in found.notes if "only in" in note or "not what" in note]
    asked = ["abs(car) > 0.05", "p_t < 0.01", "excluded > 40", "studied < 4376"]
    verdicts = {name: hold(folder, asked, NOW) for name, folder in folders.items()}
    said = {
        name: [(v.tripped, v.n_rows, [(r.event_id, r.window, r.values) for r in v.rows]) for v in found]
        for name, found in verdicts.items()
    }
    assert said["csv"] == said["file"] == said["parts"] and said["csv"][0][0] and len(said["csv"][1][2]) > 10
    # another study differs, and is not taken for the same
    bulk(eight, tmp_path / "other", LIGHT.with_changes(estimation=200), formats=("parquet",))
    assert difference(folders["parts"], read_folder(tmp_path / "other")).effects


@pytest.mark.parametrize("damage", ["edited", "missing", "added"])
def test_parts_that_are_not_those_of_the_manifest(eight: Path, tmp_path: Path, damage: str) -> None:
    apart(eight, tmp_path / "out", formats=("parquet",))
    parts = sorted((tmp_path / "out" / "windows.parquet").iterdir())
    if damage == "edited":
        parts[1].write_bytes(parts[0].read_bytes())
    elif damage == "missing":
        parts[2].unlink()
    else:
        (parts[0].parent / "part-000003.parquet").write_bytes(parts[0].read_bytes())
    with pytest.raises(UsageError, match=r"is not the file that manifest\.json lists"):
        hold(read_folder(tmp_path / "out"), ["p_t < 0.01"], NOW)
    if damage == "missing":
        with pytest.raises(InputFileError, match="no such file"):
            list(read_folder(tmp_path / "out").rows("windows"))


def test_a_report_takes_the_place_of_one_of_the_other_kind(
    eight: Path, many: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        apart(eight, out)
        assert (out / "windows.parquet").is_dir()
        bulk(eight, out, LIGHT, **BOTH)
        assert (out / "windows.parquet").is_file()
    same_rows(alone, out)
    apart(eight, out)
    # fewer events: parts that are no longer written go, and so does a table of another format
    apart(many, out)
    assert [path.name for path in (out / "models.parquet").iterdir()] == ["part-000000.parquet"]
    apart(many, out, formats=("csv",))
    assert not list(out.glob("*.parquet"))


def test_a_folder_of_somebodys_own_stays(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine = out / "windows.parquet" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for who in (Elsewhere(), Here()):
        with pytest.raises(UsageError, match=r"windows\.parquet would be replaced, and no report wrote it"):
            bulk(many, out, LIGHT, who, **BOTH)
        assert [path.name for path in out.iterdir()] == ["windows.parquet"] and mine.read_text() == "mine"
    # somebody's part, by its name alone, is not a part of a report
    mine.rename(mine.with_name("part-000000.parquet"))
    with pytest.raises(UsageError, match="would be replaced"):
        apart(many, out)
    apart(many, out, force=True)
    assert [path.name for path in mine.parent.iterdir()] == ["part-000000.parquet"] and not mine.exists()
    # a file that somebody adds to a data set later is theirs too
    mine.write_text("mine")
    with pytest.raises(UsageError, match="would be replaced"):
        apart(many, out)
    assert mine.read_text() == "mine"


def test_a_link_is_replaced_and_what_it_leads_to_stays(many: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "windows.parquet").symlink_to(tmp_path / "mine")
    apart(many, tmp_path / "out")
    assert not (tmp_path / "out" / "windows.parquet").is_symlink() and (tmp_path / "mine" / "a").read_text() == "a"


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device"), FileNotFoundError(2, "No such file", "x")],
    ids=["interrupt", "full", "unseen"],
)
@pytest.mark.parametrize("where", ["write", "join"])
def test_a_run_that_fails_half_way_leaves_the_folder_as_it_was(
    eight: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, where: str
) -> None:
    out = tmp_path / "out"
    apart(many, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    streams, calls = import_module("eventstudy.report.streams"), []
    owner = streams.Hashed if where == "write" else streams.ParquetParts
    usual = getattr(owner, where)

    def broken(*given: Any) -> Any:
        calls.append(1)
        if len(calls) > 2 and (where == "join" or calls.count(1) > 40):
            raise error
        return usual(*given)

    monkeypatch.setattr(owner, where, broken)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else UsageError) as caught:
        apart(eight, out)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        assert "free some space" in str(caught.value.args) + str(getattr(caught.value, "hint", ""))
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_a_worker_that_has_not_heard_of_the_end_adds_nothing(many: Path, tmp_path: Path) -> None:
    """Its folder goes under another name first: what it writes then has no place, and the next run finds nothing."""
    event_files = import_module("eventstudy.report.event_files")
    late: list[Any] = []
    usual = event_files.BlockWriter.__call__

    def kept(self: Any, *given: Any) -> Any:
        late.append((self, given))
        return usual(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_files.BlockWriter, "__call__", kept)
        apart(many, tmp_path / "out")
    before = sorted(tmp_path.rglob("*"))
    writer, given = late[0]
    with pytest.raises(FileNotFoundError):
        usual(writer, *given)
    assert sorted(tmp_path.rglob("*")) == before

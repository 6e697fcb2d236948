"""Files that another command adds to a report folder: nothing is removed, and the manifest tells who wrote what."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from eventstudy.errors import UsageError
from eventstudy.report.write import add_files
from eventstudy.results import StudyResult
from eventstudy.study_report import Order, report_into


def manifest(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_they_join_a_report_and_outlive_the_next_run(few: StudyResult, tmp_path: Path) -> None:
    report_into(few, Order(out=tmp_path, formats=("csv",)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "manifest.json"}
    first = manifest(tmp_path)
    written = add_files(tmp_path, "other", {"other.csv": "a\n1\n", "figures/other.svg": "<svg/>"}, few)
    assert written == ["figures/other.svg", "other.csv", "manifest.json"]
    assert all((tmp_path / name).read_bytes() == data for name, data in before.items())
    then = manifest(tmp_path)
    assert {name: value for name, value in then.items() if name != "added"} == first, "the run's own entries stay"
    listed = then["added"]["other"]["files"]  # type: ignore[index]
    assert listed["other.csv"] == hashlib.sha256(b"a\n1\n").hexdigest()
    add_files(tmp_path, "third", {"third.csv": "b\n"}, few)
    report_into(few, Order(out=tmp_path, formats=("json",)))
    assert not (tmp_path / "windows.csv").exists(), "the previous run's own files go"
    for name in ("other.csv", "figures/other.svg", "third.csv"):
        assert (tmp_path / name).exists(), name
    assert set(manifest(tmp_path)["added"]) == {"other", "third"}  # type: ignore[call-overload]


def test_a_folder_without_a_report_gets_them_too(few: StudyResult, tmp_path: Path) -> None:
    out = tmp_path / "new"
    add_files(out, "other", {"other.csv": "a\n"}, few)
    assert (out / "other.csv").read_text(encoding="utf-8") == "a\n"
    assert manifest(out)["added"]["other"]["spec_sha256"] == few.spec.digest()  # type: ignore[index]
    (out / "manifest.json").write_text("[broken", encoding="utf-8")
    # it says nothing any more: what has the same heading is replaced
    add_files(out, "other", {"other.csv": "a\n1\n"}, few)
    assert set(manifest(out)) == {"schema_version", "added"}


def test_a_file_in_the_way_is_a_sentence(few: StudyResult, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="cannot write to"):
        add_files(tmp_path / "taken", "other", {"other.csv": "a\n"}, few)

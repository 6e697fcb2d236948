"""A run replaces what a report wrote, and nothing else: not a file of the user's own that has the name of one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.errors import UsageError
from eventstudy.report.ownership import check_replaced, is_report_file
from eventstudy.report.write import add_files, build_files, hashed, parquet_bytes, publish, write_aside
from eventstudy.results import StudyResult
from eventstudy.study_report import Order, report_into
from tests.cli.conftest import run_in
from tests.conftest import ROOT, needs

OWN = {
    "windows.csv": "date,open,close\n2024-01-02,1,2\n",
    "models.csv": "my notes on models\n",
    "aar.csv": "event_id,window\na,b\n",
    "summary.md": "# My summary\n\nOf the week.\n",
    "report.html": "<!DOCTYPE html>\n<html><head><title>Annual report</title></head></html>\n",
    "results.json": '{"mine": 1}\n',
    "claims.csv": "\x89PNG binary \0",
}


@pytest.fixture(scope="module")
def files(few: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    report_into(few, Order(out=folder, formats=("md", "html", "csv", "json")))
    return tree(folder)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", OWN)
def test_a_file_of_the_user_stays(few: StudyResult, files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(OWN[name])
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=f"{name} would be replaced"):
        report_into(few, Order(out=tmp_path, formats=("md", "html", "csv", "json")))
    assert tree(tmp_path) == before, "nothing is written, not even beside it"
    report_into(few, Order(out=tmp_path, formats=("md", "html", "csv", "json"), force=True))
    assert (tmp_path / name).read_bytes() == files[name] and (tmp_path / "notes.txt").read_text() == "mine"


def test_what_a_report_wrote_is_replaced(few: StudyResult, tmp_path: Path) -> None:
    """With a manifest because it is listed; without one, as where a report is committed, by its heading."""
    report_into(few, Order(out=tmp_path, formats=("md", "html", "csv", "json")))
    (tmp_path / "windows.csv").write_text("listed, and therefore ours\n")
    report_into(few, Order(out=tmp_path, formats=("md", "html", "csv", "json")))
    (tmp_path / "manifest.json").unlink()
    text = (tmp_path / "windows.csv").read_text()
    # another study, Windows line ends, and a column that this version does not have
    (tmp_path / "windows.csv").write_text(
        text.replace("\n", ",1\r\n").replace("flags,1", "flags,old_column").replace("NVDA", "AAPL")
    )
    (tmp_path / "models.csv").write_text("")
    report_into(few, Order(out=tmp_path, formats=("md", "html", "csv", "json")))
    assert (tmp_path / "windows.csv").read_text() == text


def test_the_committed_sample_stays_writable(sample: StudyResult, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    shutil.copytree(ROOT / "reports", out)
    assert not (out / "manifest.json").exists()
    folder = tmp_path / "built"
    built = build_files(sample, ("md", "html", "csv", "json"), None)
    write_aside(folder, built)
    check_replaced(folder, out, built, ())
    shared = [name for name in built if (out / name).exists()]
    assert len(shared) > 50
    # and another study's pages under the same names
    for name in shared:
        text = (out / name).read_text(encoding="utf-8")
        (out / name).write_text(text[: len(text) // 2 + 400], encoding="utf-8")
    check_replaced(folder, out, built, ())


def test_pictures_and_parquet(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x07\x80"
    for name, one, other, mine in (
        ("a.png", png + b"1", png + b"2", png[:-1] + b"\x81"),
        ("a.tex", b"% a\n1", b"% a\n2", b"% b\n1"),
    ):
        (tmp_path / f"built-{name}").write_bytes(one)
        (tmp_path / name).write_bytes(other)
        assert is_report_file(tmp_path / name, tmp_path / f"built-{name}")
        (tmp_path / name).write_bytes(mine)
        assert not is_report_file(tmp_path / name, tmp_path / f"built-{name}")


@needs("scale")
def test_parquet_by_its_columns(tmp_path: Path) -> None:
    frames = [pd.DataFrame({name: [at] for name in names}) for at, names in enumerate(("abcd", "abcd", "xyz"))]
    for name, frame in zip(("built", "ours", "own"), frames, strict=True):
        (tmp_path / f"{name}.parquet").write_bytes(parquet_bytes(frame))
    assert is_report_file(tmp_path / "ours.parquet", tmp_path / "built.parquet")
    assert not is_report_file(tmp_path / "own.parquet", tmp_path / "built.parquet")
    (tmp_path / "own.parquet").write_bytes(b"PAR1 no Parquet")
    assert not is_report_file(tmp_path / "own.parquet", tmp_path / "built.parquet")


def test_what_other_commands_add_and_what_is_streamed(few: StudyResult, tmp_path: Path) -> None:
    """The same rule for files that `calibrate` and its like add, and for a streamed study."""
    (tmp_path / "other.csv").write_text("mine,alone\n")
    with pytest.raises(UsageError, match=r"other\.csv would be replaced"):
        add_files(tmp_path, "other", {"other.csv": "a,b\n1,2\n"}, few)
    add_files(tmp_path, "other", {"other.csv": "a,b\n1,2\n"}, few, force=True)
    (tmp_path / "other.csv").write_text("changed since\n")
    add_files(tmp_path, "other", {"other.csv": "c,d\n1,2\n"}, few)
    out, built = tmp_path / "out", {"windows.csv": b"event_id,ticker,car\n"}
    for force in (False, True):
        out.mkdir(exist_ok=True)
        (out / "windows.csv").write_text("day,value\n")
        write_aside(tmp_path / "aside", built)
        if force:
            publish(tmp_path / "aside", out, hashed(built), {"files": hashed(built)}, force=True)
            assert (out / "windows.csv").read_bytes() == built["windows.csv"]
        else:
            with pytest.raises(UsageError, match="would be replaced"):
                publish(tmp_path / "aside", out, hashed(built), {"files": hashed(built)})
            assert [path.name for path in out.iterdir()] == ["windows.csv"]


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n")
    (tmp_path / "windows.csv").write_text("mine\n")
    done = run_in(tmp_path, "run", "--source", "snapshot", "--formats", "csv", "-o", ".")
    assert (
        done.code == 2 and "windows.csv would be replaced, and no report wrote it" in done.err and "--force" in done.err
    )
    assert (tmp_path / "windows.csv").read_text() == "mine\n" and not (tmp_path / "models.csv").exists()
    assert run_in(tmp_path, "run", "--source", "snapshot", "--formats", "csv", "-o", ".", "--force").code == 0
    assert (tmp_path / "windows.csv").read_text().startswith("event_id,")


@pytest.mark.parametrize("text", ['{"name": "an app", "files": {"windows.csv": "x"}}', '{"schema": 1}', "[1]"])
def test_a_foreign_manifest_is_neither_replaced_nor_believed(tmp_path: Path, text: str) -> None:
    out = tmp_path / "reports"
    out.mkdir()
    (out / "manifest.json").write_text(text)
    (tmp_path / "events.csv").write_text("ticker,announced_at,timing\nNVDA,2025-04-15,amc\n")
    words = ("run", "events.csv", "--source", "snapshot", "--formats", "csv", "--tests", "car-t")
    done = run_in(tmp_path, *words)
    assert done.code == 2 and "manifest.json" in done.err and "no report wrote it" in done.err
    assert (out / "manifest.json").read_text() == text and not (out / "windows.csv").exists()
    # nor does it give a file of the user's away
    (out / "windows.csv").write_text("my,own\n1,2\n")
    done = run_in(tmp_path, *words)
    assert done.code == 2 and (out / "windows.csv").read_text() == "my,own\n1,2\n"
    assert run_in(tmp_path, *words, "--force").code == 0
    assert run_in(tmp_path, *words).code == 0, "the manifest is a report's now"

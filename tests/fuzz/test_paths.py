"""Names from an events file become files inside the report folder, one each; links planted there lead nowhere."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from eventstudy.data.events import read_events
from eventstudy.errors import InputFileError, UsageError
from eventstudy.spec import StudySpec
from tests.cli.conftest import Outcome, run_in

HOSTILE_IDS = (
    "../../x", "/etc/x", "C:\\x", "C:x", "..", ".", ".hidden", "CON", "nul.txt", "aux", "COM1", "lpt9.a.b", "a\x00b", "a/b",
    "a\\b", "a.", "a ..", "x\u2024\u2024", "\uff0e\uff0e\uff0fx", "a\u202eb", "K\u212a", "x" * 65, "x" * 300, "-x", "~", "a:b", "a*b", "a?b",
    "a|b", "a<b", 'a"b', "a\tb", "a\nb", "é", "%2e%2e%2fx", "$(touch x)", "`x`", "events/../../x",
)  # fmt: skip
HOSTILE_TICKERS = (
    "../x",
    "..",
    "A..B",
    "/A",
    "A/B",
    "A\\B",
    "C:\\A",
    "A\x00",
    "A B",
    "\uff21",
    "A" * 33,
    ".A",
    "-A",
    "A\nB",
    "A|B",
)


@pytest.mark.parametrize("name", HOSTILE_IDS)
def test_an_id_that_is_no_file_name(tmp_path: Path, name: str) -> None:
    with (tmp_path / "events.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([["event_id", "ticker", "announced_at"], [name, "NVDA", "2025-04-15"]])
    with pytest.raises(InputFileError, match=r"line 2|NUL"):
        read_events(tmp_path / "events.csv")


@pytest.mark.parametrize("name", HOSTILE_TICKERS)
def test_a_ticker_that_is_none(tmp_path: Path, name: str) -> None:
    with (tmp_path / "events.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([["event_id", "ticker", "announced_at"], ["x", name, "2025-04-15"]])
    with pytest.raises(InputFileError, match=r"line 2|NUL"):
        read_events(tmp_path / "events.csv")


# ids and tickers that are allowed and might meet: with a dash on either side, with dots, made from odd tickers
PAIRS = (
    ("x", "B-C"), ("x-B", "C"), ("x.md", "C"), ("x.md.md", "C"), ("a..b", "A=B"), ("", "A=B"), ("", "^A"), ("x_", "A_B"),
    ("car-x", "B"), ("x-", "B"), ("summary", "B"), ("manifest.json", "B"), ("events", "C"), ("0", "B-C"), ("con-x", "C"),
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prices of a few odd symbols, and an announcement of each pair on a day of its own."""
    folder = tmp_path_factory.mktemp("paths")
    sessions = load_calendar("XNYS", pd.Timestamp("2022-01-03").date(), pd.Timestamp("2024-12-31").date()).sessions
    rng = np.random.default_rng(3)
    (folder / "prices").mkdir()
    for symbol in sorted({ticker for _, ticker in PAIRS} | {"SPY"}):
        close = 100 * np.cumprod(1 + rng.normal(0, 0.01, len(sessions)))
        frame = pd.DataFrame({"Date": sessions.astype(str), "Close": close.round(4), "Dividends": 0.0})
        frame.to_csv(folder / "prices" / f"{symbol}.csv", index=False)
    rows = [[name, ticker, str(sessions[600 + 9 * n]), "bmo", f"title {n}"] for n, (name, ticker) in enumerate(PAIRS)]
    with (folder / "events.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["event_id", "ticker", "announced_at", "timing", "title"], *rows])
    with (folder / "one.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(
            [["event_id", "ticker", "announced_at", "timing"], ["x", "C", str(sessions[600]), "bmo"]]
        )
    return folder


def run(study: Path, *more: str, events: str = "one.csv") -> Outcome:
    return run_in(
        study,
        "run",
        events,
        "--source",
        "csv:prices",
        "--tests",
        "placebo-time",
        "--window",
        "0:0",
        "--exclude",
        "none",
        *more,
    )


@pytest.mark.parametrize("name", HOSTILE_TICKERS)
@pytest.mark.parametrize("option", ["benchmarks", "peers"])
def test_an_option_names_tickers_and_no_paths(option: str, name: str) -> None:
    """What an option names is looked for as a file under csv:DIR, and kept under that name in the store."""
    if name in ("A B", "A\nB"):
        # blanks separate tickers, and both are tickers
        assert getattr(StudySpec(**{option: ("SPY", name)}), option) == ("SPY", "A", "B")  # type: ignore[arg-type]
        return
    with pytest.raises(UsageError, match="is not a ticker"):
        StudySpec(**{option: ("SPY", name)})  # type: ignore[arg-type]


def test_a_foreign_store_exports_no_file_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A series of a foreign store may be called anything; its name would become a file's."""
    from types import SimpleNamespace

    from eventstudy.data import transfer

    vintage = SimpleNamespace(symbol="../planted", outcome=transfer.PRICES, source="yahoo")
    store = SimpleNamespace(path=tmp_path / "prices.db", headers=lambda: [SimpleNamespace(vintage=vintage)])
    monkeypatch.setattr(transfer, "_readable", lambda store, header: vintage)
    with pytest.raises(UsageError, match="cannot be a file name"):
        transfer.export_folder(store, tmp_path / "out")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_two_announcements_are_two_files(study: Path) -> None:
    done = run(study, "-o", "out", events="events.csv")
    assert done.code == 0, done.err
    out = study / "out"
    windows = pd.read_csv(out / "windows.csv", keep_default_na=False)
    studied = windows[["event_id", "ticker"]].drop_duplicates()
    assert len(studied) == len(PAIRS) == studied["event_id"].nunique()
    pages = {path.name: path.read_text(encoding="utf-8") for path in (out / "events").glob("*.md")}
    assert sorted(path.stem for path in (out / "events").glob("*.html")) == sorted(Path(name).stem for name in pages)
    assert sorted(pages) == sorted(f"{name}.md" for name in studied["event_id"])
    assert len(set(pages.values())) == len(pages)
    for n, name in enumerate(studied["event_id"]):
        assert f"title {n}" in pages[f"{name}.md"]
    figures = {path.name.lower() for path in (out / "figures").glob("*.svg")}
    for kind in ("expected-", "days-"):
        # and one of the session that leads the first page
        assert len([name for name in figures if name.startswith(kind)]) in (len(PAIRS), len(PAIRS) + 1), (kind, figures)
    assert all(f"days-{name}" in pages[f"{name}.md"] for name in studied["event_id"]), "each page shows its own"
    listed = set(json.loads((out / "manifest.json").read_text())["files"])
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there == listed | {"manifest.json"}
    assert {path.name for path in study.iterdir()} == {"prices", "events.csv", "one.csv", "out"}, "nothing outside"


TRAPS = {
    "a file": lambda out, away: (out / "windows.csv").symlink_to(away / "precious"),
    "the manifest": lambda out, away: (out / "manifest.json").symlink_to(away / "precious"),
    "a page": lambda out, away: ((out / "events").mkdir(), (out / "events" / "x.md").symlink_to(away / "precious")),
    "a dangling file": lambda out, away: (out / "summary.md").symlink_to(away / "made"),
    "an old aside folder": lambda out, away: (out / ".eventstudy-old").symlink_to(away),
}  # fmt: skip
OWN = {"a hard link": lambda out, away: os.link(away / "precious", out / "windows.csv")}
CLOSED = {
    "events": lambda out, away: (out / "events").symlink_to(away),
    "figures": lambda out, away: (out / "figures").symlink_to(away),
    "events that dangle": lambda out, away: (out / "events").symlink_to(away / "made"),
    "figures within the folder": lambda out, _: ((out / "z").mkdir(), (out / "figures").symlink_to(out / "z")),
}  # fmt: skip


@pytest.mark.parametrize("trap", [*TRAPS, *CLOSED, *OWN])
def test_a_link_in_the_report_folder(study: Path, tmp_path: Path, trap: str) -> None:
    away, out = tmp_path / "away", tmp_path / "out"
    away.mkdir()
    out.mkdir()
    (away / "precious").write_text("precious")
    (TRAPS | CLOSED | OWN)[trap](out, away)
    done = run(study, "-o", str(out))
    assert (away / "precious").read_text() == "precious" and [p.name for p in away.iterdir()] == ["precious"]
    if trap in CLOSED:
        assert done.code == 2 and "link" in done.err, "a folder that is a link is refused"
    elif trap in OWN:
        assert done.code == 2 and "windows.csv would be replaced" in done.err, "a file that no report wrote is refused"
        assert run(study, "-o", str(out), "--force").code == 0 and (away / "precious").read_text() == "precious"
    else:
        assert done.code == 0, done.err
        assert not (out / "windows.csv").is_symlink() and not (out / "manifest.json").is_symlink(), "links are replaced"


def test_a_report_folder_that_is_a_link_is_the_user_s_choice(study: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    assert run(study, "-o", str(tmp_path / "out")).code == 0
    assert (tmp_path / "real" / "manifest.json").is_file() and (tmp_path / "out").is_symlink()


def test_a_manifest_of_somebody_else_removes_nothing_of_the_user_s(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "events").mkdir(parents=True)
    own = ["events.csv", "eventstudy.toml", "notes.md", "paper.tex", "data.csv", "events/notes.txt", ".gitignore"]
    for name in own:
        (out / name).write_text("mine")
    (tmp_path / "precious").write_text("mine")
    (out / "aggregate.md").write_text("mine")
    (out / "dollar.csv").write_text("of a report before")
    names = [*own, "aggregate.md", "../precious", str(tmp_path / "precious"), "a\0b", "x" * 5000, "", ".", "events", "dollar.csv",
             "events/../../precious", "events/a\0.md", "figures/" + "y" * 300 + ".svg", "events\\..\\x", "C:x"]  # fmt: skip
    (out / "manifest.json").write_text(json.dumps({"schema_version": 1, "files": dict.fromkeys(names, "0")}))
    done = run(study, "-o", str(out), "--formats", "csv")
    assert done.code == 0, done.err
    assert all((out / name).read_text() == "mine" for name in [*own, "aggregate.md"])
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"schema_version": 1, "files": [1]}',
        '{"schema_version": 1, "files": {"a": {"b": 1}}, "added": 5}',
        "\0",
        "fifo",
    ],
)
def test_a_manifest_that_is_none_stops_no_run(study: Path, tmp_path: Path, content: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if content == "fifo":
        os.mkfifo(out / "manifest.json")
    else:
        (out / "manifest.json").write_text(content)
    done = run(study, "-o", str(out), "--formats", "csv")
    assert done.code == 0, done.err
    assert json.loads((out / "manifest.json").read_text())["files"]


@pytest.mark.parametrize(
    "line", ['benchmark = "../../x"', 'peer = ["../../x"]', 'by = "../../x"', 'shares = "../../x=1"']
)
def test_names_in_a_configuration_become_no_path(study: Path, tmp_path: Path, line: str) -> None:
    config = tmp_path / "eventstudy.toml"
    config.write_text(line + "\n")
    before = {*study.rglob("*"), *tmp_path.rglob("*")}
    done = run(study, "-o", str(tmp_path / "out"), "--config", str(config))
    assert done.code in (0, 2, 3) and "Traceback" not in done.err, done.err
    after = {*study.rglob("*"), *tmp_path.rglob("*")} - before
    assert all(path.is_relative_to(tmp_path / "out") for path in after)

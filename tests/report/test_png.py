"""PNG twins of the figures, for slides: one beside each SVG when asked for, the same bytes every time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstudy.report.figures.raster import PIXELS
from tests.cli.conftest import Outcome, copy_study, run_in, run_process

ONE = ("--event", "h20_license_8k")


def figures(folder: Path, ending: str) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (folder / "reports" / "figures").glob(f"*.{ending}")}


def chunks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts of a PNG, each held against its checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        yield body[:4].decode("ascii"), body[4:]
        at += 12 + length


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("png")
    copy_study(folder)
    done = run_in(folder, "run", "--formats", "png", *ONE)
    assert done.code == 0, done.err
    return done


def test_every_figure_has_a_sound_twin(drawn: Outcome) -> None:
    svg, png = figures(drawn.folder, "svg"), figures(drawn.folder, "png")
    shared = {name for name in png if name.startswith("share-")}
    assert shared == {"share-h20_license_8k"}
    assert set(png) - shared == set(svg) and {"expected-h20_license_8k", "car-h20_license_8k"} <= set(png)
    for name in shared:
        assert struct.unpack(">II", dict(chunks(png.pop(name)))["IHDR"][:8]) == (1200, 630)
    for name, data in png.items():
        parts = dict(chunks(data))
        width, height = struct.unpack(">II", parts["IHDR"][:8])
        assert width == PIXELS and height > PIXELS // 8, name
        assert set(parts) <= {"IHDR", "pHYs", "IDAT", "IEND"}, "no clock, no version, no text"
        assert len(zlib.decompress(b"".join(body for kind, body in chunks(data) if kind == "IDAT"))) >= width * height
    assert not (drawn.folder / "reports" / "report.html").exists(), "what was not asked for is not written"


def test_the_same_bytes_in_another_process(drawn: Outcome, tmp_path: Path) -> None:
    copy_study(tmp_path)
    again = run_process(tmp_path, "run", "--formats", "png", *ONE)
    assert again.code == 0, again.err
    assert figures(tmp_path, "png") == figures(drawn.folder, "png")
    # nobody asked for them any more: they go as every other file of the run before
    without = run_in(tmp_path, "run", "--formats", "md", *ONE)
    assert without.code == 0, without.err
    assert not figures(tmp_path, "png") and figures(tmp_path, "svg") == figures(drawn.folder, "svg")


@pytest.mark.slow
def test_of_one_event_and_of_a_backtest(tmp_path: Path) -> None:
    copy_study(tmp_path)
    saved = run_in(tmp_path, "event", "h20_license_8k", "--save", "--formats", "png,csv")
    assert saved.code == 0, saved.err
    assert set(figures(tmp_path, "png")) == {*figures(tmp_path, "svg"), "share-h20_license_8k"}
    tested = run_in(tmp_path, "backtest", "--placebos", "0", "--formats", "png")
    assert tested.code == 0, tested.err
    assert "equity" in figures(tmp_path, "png")

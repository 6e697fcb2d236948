"""A slice of the campaign on damaged stores, and that no changed header goes unseen."""

from __future__ import annotations

import gc
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from eventstudy.data.store import FILE, StoreDamaged, open_store
from eventstudy.data.store_rows import HEADER
from eventstudy.data.vintage import COLUMNS, PRICES, Bars, Vintage
from tests.chaos.damage import KINDS, Shelves
from tests.chaos.source import arena

SEED = 20250416


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_damaged_bytes_are_seen_or_do_no_harm(rounds: int) -> None:
    with arena() as here:
        shelves = Shelves(here)
        for number in range(rounds * len(KINDS)):
            _, _, broken = shelves.run(SEED, number)
            assert not broken, broken


def vintage(**changes: object) -> Vintage:
    days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2024-01-12"))
    known: dict[str, object] = {
        "symbol": "AAA", "source": "yahoo", "outcome": PRICES, "requested_start": date(2024, 1, 2),
        "requested_end": date(2024, 1, 12), "fetched_at": datetime(2024, 2, 1, tzinfo=UTC), "status": 200,
        "body_sha256": "0" * 64, "client": "yfinance", "client_version": "1", "timezone": "America/New_York",
        "currency": "USD", "bars": Bars(days, {name: np.ones(len(days)) for name in COLUMNS}),
    }  # fmt: skip
    return Vintage(**{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HEADER)
def test_a_changed_header_is_a_damaged_vintage(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path, pytest.fail)
    kept = store.record(vintage())
    assert store.load(store.headers("AAA")[0]).bars.digest() == kept.bars.digest()
    changed = {"status": 201, "extends": 7}.get(name, "2024-01-03" if name.startswith("requested") else "x")
    changed = "2024-02-01T00:00:01+00:00" if name == "fetched_at" else changed
    store.connection.execute(f"UPDATE fetch SET {name} = ?", (changed,))
    with pytest.raises(StoreDamaged):
        store.load(store.headers()[0])
    assert len(store.integrity()) == 1
    store.close()


def test_a_vintage_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Its hash is that of its rows alone."""
    store = open_store(tmp_path, pytest.fail)
    kept = store.record(vintage())
    store.connection.execute("UPDATE fetch SET rows_sha256 = ?", (kept.bars.digest(),))
    assert store.load(store.headers()[0]).currency == "USD" and not store.integrity()
    store.close()


def test_vintages_that_continue_each_other_in_a_circle_end(tmp_path: Path) -> None:
    store = open_store(tmp_path, pytest.fail)
    first = store.record(vintage())
    second = store.record(vintage(extends=first.id))
    plain = first.bars.digest()
    store.connection.execute("UPDATE fetch SET rows_sha256 = ?, extends = ?", (plain, second.id))
    with pytest.raises(StoreDamaged, match="continues"):
        store.load(store.headers()[0])
    store.close()


def test_one_senseless_header_does_not_cost_the_others(tmp_path: Path) -> None:
    from eventstudy.data.store_session import Access, StoreSession

    store = open_store(tmp_path, pytest.fail)
    for _ in range(3):
        store.record(vintage())
    store.connection.execute("UPDATE fetch SET fetched_at = 'yesterday' WHERE id = 2")
    store.close()
    lines: list[str] = []
    shelf = StoreSession.open(Access(folder=tmp_path, warn=lines.append))
    assert [header.vintage.id for header in shelf.headers("AAA")] == [3, 1]
    assert [header.vintage.id for header in shelf.headers("AAA")] == [3, 1]
    assert lines == ["vintage 2 of the store cannot be read; it is not used (`eventstudy cache verify`)"]
    assert shelf.store is not None and shelf.store.integrity() == ["vintage 2: its header cannot be read"]
    shelf.close()
    assert list(tmp_path.glob("*damaged*")) == []


def test_a_slow_process_keeps_the_new_store_of_a_faster_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two find the same damage; the second must not move away what the first began."""
    from eventstudy.data import store as module

    (tmp_path / FILE).write_bytes(b"no store at all" * 100)
    real, lines = module._opened, []

    def slow(path: Path) -> object:
        monkeypatch.setattr(module, "_opened", real)
        try:
            return real(path)
        finally:
            # meanwhile, another process
            other = open_store(tmp_path, lines.append)
            other.record(vintage())
            other.close()

    monkeypatch.setattr(module, "_opened", slow)
    store = open_store(tmp_path, lines.append)
    assert len(store.headers("AAA")) == 1 and len(lines) == 1
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1
    store.close()


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python reports open connections from 3.13 on")
def test_a_store_that_nobody_closes_is_closed(tmp_path: Path) -> None:
    """Among objects that hold each other, as those of an error do, the collector ends a connection in any order."""

    class Holder:
        pass

    for n in range(20):
        store, first, second = open_store(tmp_path / str(n), print), Holder(), Holder()
        first.__dict__.update(store=store, connection=store.connection, other=second)
        second.__dict__.update(connection=store.connection, other=first)
    del store, first, second
    gc.collect()

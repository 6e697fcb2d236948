"""The price store: one SQLite file that keeps every fetch as a vintage with its provenance."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from eventstudy.data import clock
from eventstudy.data.store_rows import HEADER, Header, bars_of, header_of, plain, rows_of, seal
from eventstudy.data.vintage import COLUMNS, PRICES, Bars, Revision, Vintage, described, joined, revisions
from eventstudy.errors import UsageError
from eventstudy.opening import check_regular

FILE = "prices.db"
SCHEMA = 1
BUSY_MILLISECONDS = 10_000
# An extension reads every vintage it continues; past this many a whole fetch is cheaper than the walk.
LONGEST_CHAIN = 40
# What reading a damaged file raises; the last where SQLite quotes the damage in its message.
DAMAGE = (sqlite3.Error, UnicodeDecodeError)
_TABLES = f"""
CREATE TABLE fetch (
    id INTEGER PRIMARY KEY,
    {", ".join(f"{name} {'INTEGER' if name in ('status', 'extends') else 'TEXT'} NOT NULL" for name in HEADER)},
    rows INTEGER NOT NULL,
    rows_sha256 TEXT NOT NULL
);
CREATE INDEX fetch_symbol ON fetch (source, symbol, id);
CREATE TABLE bar (
    fetch_id INTEGER NOT NULL REFERENCES fetch (id) ON DELETE CASCADE,
    date TEXT NOT NULL,
    {", ".join(f"{name} REAL" for name in COLUMNS)},
    PRIMARY KEY (fetch_id, date)
) WITHOUT ROWID;
"""

Say = Callable[[str], None]


class StoreDamaged(Exception):
    """The file does not hold what was written."""


def default_folder() -> Path:
    """The store's folder when none is named: the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("eventstudy", appauthor=False))


@dataclass(slots=True, weakref_slot=True)
class Store:
    """The open store. Many readers and one writer at a time, across processes; a writer waits up to ten seconds.

    Attributes
    ----------
    unreadable : set of int
        Vintages met so far whose header makes no sense; they are passed over.
    """

    path: Path
    connection: sqlite3.Connection
    writable: bool
    unreadable: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        # a command that an error ends closes nothing itself; since Python 3.13 an open connection is reported. The
        # collector may run in any thread, so the connection is not bound to the one that opened it, and it may end the
        # connection before a method of this object, but not before this call
        weakref.finalize(self, self.connection.close)

    def headers(self, symbol: str | None = None) -> list[Header]:
        """Every vintage of a symbol, or of all, oldest first."""
        where = "" if symbol is None else " WHERE symbol = ?"
        query = f"SELECT id, {', '.join(HEADER)}, rows, rows_sha256 FROM fetch{where} ORDER BY id"  # noqa: S608
        with _damage_is_told(self.path):
            rows = self.connection.execute(query, () if symbol is None else (symbol,)).fetchall()
        found = []
        for row in rows:
            try:
                found.append(header_of(row))
            except (ValueError, TypeError, OverflowError):
                # one damaged vintage is not a reason to lose the others
                self.unreadable.add(row[0])
        return found

    def load(self, header: Header) -> Vintage:
        """A vintage with its bars, an extension with the older rows it continues. Raises ``StoreDamaged`` if the rows
        are not those that were written."""
        with _damage_is_told(self.path):
            bars = self._own_bars(header)
            newer, older = header.vintage, header.vintage.extends
            while older:
                if not 0 < older < newer.id:
                    raise StoreDamaged(f"vintage {newer.id} continues vintage {older}, which is not an older one")
                rows = self.connection.execute(
                    f"SELECT id, {', '.join(HEADER)}, rows, rows_sha256 FROM fetch WHERE id = ?",  # noqa: S608
                    (older,),
                ).fetchall()
                if not rows:
                    raise StoreDamaged(f"vintage {header.vintage.id} continues vintage {older}, which is gone")
                base = header_of(rows[0])
                if base.vintage.symbol != newer.symbol:
                    raise StoreDamaged(f"vintage {newer.id} continues one of {base.vintage.symbol[:40]}")
                bars = joined(self._own_bars(base), bars)
                newer, older = base.vintage, base.vintage.extends
            return replace(header.vintage, bars=bars)

    def _own_bars(self, header: Header) -> Bars:
        query = f"SELECT date, {', '.join(COLUMNS)} FROM bar WHERE fetch_id = ? ORDER BY date"  # noqa: S608
        rows = self.connection.execute(query, (header.vintage.id,)).fetchall()
        bars = bars_of(rows)
        digest = bars.digest()
        if header.rows_sha256 not in (seal(header.vintage, len(rows), digest), digest):
            raise StoreDamaged(f"the {len(rows)} rows of vintage {header.vintage.id} are not those that were fetched")
        return bars

    def record(self, vintage: Vintage, own: Bars | None = None) -> Vintage:
        """Keep a vintage; all of it or nothing. Raises ``UsageError`` if it cannot be written (permissions, full disk,
        another writer that does not end).

        Parameters
        ----------
        own : Bars or None
            Of an extension: the rows of this fetch alone. None means all its bars.

        Returns
        -------
        Vintage
            With its id.
        """
        bars = vintage.bars if own is None else own
        vintage = replace(vintage, fetched_at=vintage.fetched_at.astimezone(UTC))
        values = [plain(getattr(vintage, name)) for name in HEADER]
        marks = ", ".join("?" * (len(values) + 2))
        try:
            with self._transaction():
                cursor = self.connection.execute(
                    f"INSERT INTO fetch ({', '.join(HEADER)}, rows, rows_sha256) VALUES ({marks})",  # noqa: S608
                    (*values, len(bars.dates), seal(vintage, len(bars.dates), bars.digest())),
                )
                key = int(cursor.lastrowid or 0)
                self.connection.executemany(
                    f"INSERT INTO bar VALUES ({', '.join('?' * (len(COLUMNS) + 2))})",  # noqa: S608
                    [(key, *row) for row in rows_of(bars)],
                )
        except DAMAGE as error:
            raise _unwritable(self.path, error) from error
        return replace(vintage, id=key)

    def clear(self, symbols: Sequence[str] = ()) -> int:
        """Forget every vintage of the symbols, or of all; how many there were. Raises ``UsageError`` if the file cannot
        be written."""
        try:
            with self._transaction():
                if symbols:
                    marks = ", ".join("?" * len(symbols))
                    chosen = f"SELECT id FROM fetch WHERE symbol IN ({marks})"  # noqa: S608
                    self.connection.execute(f"DELETE FROM bar WHERE fetch_id IN ({chosen})", tuple(symbols))  # noqa: S608
                    gone = self.connection.execute(
                        f"DELETE FROM fetch WHERE symbol IN ({marks})",  # noqa: S608
                        tuple(symbols),
                    )
                else:
                    self.connection.execute("DELETE FROM bar")
                    gone = self.connection.execute("DELETE FROM fetch")
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except DAMAGE as error:
            raise _unwritable(self.path, error) from error
        return gone.rowcount

    def integrity(self) -> list[str]:
        """Damage found by SQLite and the digests, as sentences; empty without any."""
        try:
            found = [
                f"SQLite: {row[0]}"
                for row in self.connection.execute("PRAGMA integrity_check").fetchall()
                if row[0] != "ok"
            ]
            for header in self.headers():
                try:
                    self.load(header)
                except StoreDamaged as error:
                    found.append(f"{header.vintage.symbol}: {error}")
            found += [f"vintage {key}: its header cannot be read" for key in sorted(self.unreadable, key=str)]
        except (*DAMAGE, StoreDamaged) as error:
            return [f"SQLite: {error}"]
        return found

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


def inventory(store: Store) -> list[dict[str, Any]]:
    """One record a symbol and source: its vintages, and the newest one in words."""
    found: dict[tuple[str, str], list[Header]] = {}
    for header in store.headers():
        found.setdefault((header.vintage.symbol, header.vintage.source), []).append(header)
    return [_summary(store, symbol, headers) for (symbol, _), headers in sorted(found.items())]


def _summary(store: Store, symbol: str, headers: Sequence[Header]) -> dict[str, Any]:
    try:
        newest = store.load(headers[-1])
    except StoreDamaged:
        newest = replace(headers[-1].vintage, outcome="damaged")
    return {**described(newest), "symbol": symbol, "vintages": len(headers)}


def history(store: Store) -> list[Revision]:
    """Differences of each vintage of a symbol from the previous one of the same source; damaged ones are passed
    over."""
    found: list[Revision] = []
    before: dict[tuple[str, str], Vintage] = {}
    for header in store.headers():
        series = header.vintage.symbol, header.vintage.source
        if header.vintage.outcome != PRICES:
            continue
        try:
            vintage = store.load(header)
        except StoreDamaged:
            continue
        if series in before:
            found += revisions(before[series], vintage)
        before[series] = vintage
    return found


def open_store(folder: Path, say: Say) -> Store:
    """The store of a folder, made when there is none.

    A file that is not an intact store is set aside under another name and a new one begun, and ``say`` receives a
    message. A folder that cannot be written is read as it is. Raises ``UsageError`` if the folder cannot be used at
    all, or a newer version of the program wrote the store."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the store's folder {folder}: {error.strerror}", "a folder that can be written", "--store DIR"
        ) from error
    known = _identity(path)
    try:
        check_regular(path)
    except PermissionError:
        # SQLite says more about what cannot be read
        pass
    except OSError as error:
        raise UsageError(
            f"the price store {path} cannot be opened: {error.strerror}", "a file of this program", "--store DIR"
        ) from error
    try:
        return _opened(path)
    except sqlite3.OperationalError as error:
        return _read_only(path, error)
    except (*DAMAGE, StoreDamaged) as error:
        # where another process was faster, what lies there now is its new store
        if known is None or _identity(path) == known:
            set_aside(path, str(error), say)
        return _opened(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def set_aside(path: Path, reason: str, say: Say) -> Path:
    """Rename a damaged store and its companions, so that nothing is lost and a new one can begin. Raises ``UsageError``
    if it cannot be renamed."""
    stamp = clock.utc_now().strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        path.rename(aside)
        for tail in ("-wal", "-shm"):
            companion = path.with_name(path.name + tail)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + tail))
    except FileNotFoundError:
        # another process was faster; its new store is there
        return aside
    except OSError as error:
        raise UsageError(
            f"the store {path} is damaged ({reason}) and cannot be renamed: {error.strerror}",
            "a folder that can be written",
            "--store DIR",
        ) from error
    say(f"the store {path} was damaged ({reason}); it is kept as {aside.name} and a new one is begun")
    return aside


def _opened(path: Path) -> Store:
    connection = sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            raise UsageError(
                f"the store {path} was written by a newer version (schema {version}, this program knows {SCHEMA})",
                "a store of this version",
                "update the program, or name another folder with --store",
            )
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreDamaged("the file system does not allow a write-ahead log")
        if version == 0:
            _create(connection)
        # every column is there, or this is somebody else's file
        connection.execute(f"SELECT id, {', '.join(HEADER)}, rows, rows_sha256 FROM fetch LIMIT 1").fetchall()  # noqa: S608
        connection.execute(f"SELECT fetch_id, date, {', '.join(COLUMNS)} FROM bar LIMIT 1").fetchall()  # noqa: S608
    except BaseException:
        connection.close()
        raise
    return Store(path, connection, writable=True)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have made the tables while this one waited
        if int(connection.execute("PRAGMA user_version").fetchone()[0]) == 0:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise StoreDamaged("it holds tables that are not this program's")
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _read_only(path: Path, error: sqlite3.Error) -> Store:
    """A store in a folder that cannot be written, read-only."""
    for mode in ("mode=ro", "immutable=1"):
        try:
            store = Store(
                path,
                sqlite3.connect(
                    f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
                ),
                writable=False,
            )
            store.connection.execute("SELECT count(*) FROM fetch").fetchone()
        except DAMAGE:
            continue
        return store
    raise _unwritable(path, error)


def _unwritable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"the price store {path} cannot be written: {error}",
        "a folder with room that can be written",
        "name another with --store DIR, or free some space",
    )


@contextmanager
def _damage_is_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise _unwritable(path, error) from error
        raise StoreDamaged(str(error)) from error

"""The store as a run uses it: reads that survive damage, writes that never stop a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eventstudy.data.store import FILE, Store, StoreDamaged, default_folder, open_store, set_aside
from eventstudy.data.store_rows import Header
from eventstudy.data.vintage import Vintage
from eventstudy.errors import UsageError
from eventstudy.opening import exists

Say = Callable[[str], None]


def _silent(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Access to live prices: store, network, age.

    Attributes
    ----------
    folder : Path
        Of the store.
    offline : bool
        Never ask Yahoo.
    max_age : float or None
        Days after which a vintage is asked for again.
    benchmark : str
        The study's market; the snapshot is of use only where it holds it.
    say, warn : callable
        Passing lines of progress; lines that a person should see.
    """

    folder: Path
    offline: bool = False
    max_age: float | None = None
    benchmark: str = ""
    say: Say = _silent
    warn: Say = _silent

    @classmethod
    def make(
        cls, store: str, offline: bool, max_age: float | None, benchmark: str, say: Say = _silent, warn: Say = _silent
    ) -> Access:
        """From settings; an empty store means the user's cache folder."""
        folder = Path(store).expanduser() if store else default_folder()
        return cls(folder=folder, offline=offline, max_age=max_age, benchmark=benchmark, say=say, warn=warn)


@dataclass(slots=True)
class StoreSession:
    """An open store, or none.

    Attributes
    ----------
    store : Store or None
        None where it cannot be used; prices are then not kept, and that is said.
    """

    access: Access
    store: Store | None
    kept: bool = True
    _known: dict[int, Vintage | None] = field(default_factory=dict)
    _unreadable: set[int] = field(default_factory=set)

    @classmethod
    def open(cls, access: Access) -> StoreSession:
        """The store, or an empty shelf where there can be none; looking for prices offline makes no store."""
        if access.offline and not exists(access.folder / FILE):
            return cls(access, None)
        try:
            store = open_store(access.folder, access.warn)
        except UsageError as error:
            if "newer version" in error.found:
                raise
            access.warn(f"prices of this run are not kept: {error.found}")
            return cls(access, None, kept=False)
        return cls(access, store)

    def headers(self, symbol: str) -> list[Header]:
        """Vintages of a symbol without their bars, newest first."""
        if self.store is None:
            return []
        try:
            found = self.store.headers(symbol)[::-1]
            for key in sorted(self.store.unreadable - self._unreadable, key=str):
                self.access.warn(
                    f"vintage {key} of the store cannot be read; it is not used (`eventstudy cache verify`)"
                )
            self._unreadable |= self.store.unreadable
            return found
        except StoreDamaged as error:
            path = self.store.path
            self.store.close()
            set_aside(path, str(error), self.access.warn)
            self.store = open_store(path.parent, self.access.warn)
            return []

    def first(self, headers: Sequence[Header], fits: Callable[[Vintage], bool]) -> Vintage | None:
        """The newest vintage that can be read and fits; bars are read one vintage at a time."""
        return next((v for header in headers if (v := self._read(header)) is not None and fits(v)), None)

    def _read(self, header: Header) -> Vintage | None:
        key = header.vintage.id
        if key not in self._known and self.store is not None:
            try:
                self._known[key] = self.store.load(header)
            except StoreDamaged as error:
                self.access.warn(f"{header.vintage.symbol}: {error}; it is not used (`eventstudy cache verify`)")
                self._known[key] = None
        return self._known.get(key)

    def keep(self, vintage: Vintage, own: Vintage | None = None) -> Vintage:
        """Record a vintage; a store that cannot be written costs a sentence, not the run."""
        if self.store is None or not self.store.writable:
            if self.kept:
                self.access.warn("prices of this run are not kept: the store cannot be written")
            self.kept = False
            return vintage
        try:
            return self.store.record(vintage, None if own is None else own.bars)
        except UsageError as error:
            if self.kept:
                self.access.warn(f"prices of this run are not kept: {error.found}")
            self.kept = False
            return vintage

    def origin(self, vintage: Vintage) -> str:
        """Place of a vintage, for provenance."""
        return f"{self.access.folder / FILE}#{vintage.id}" if vintage.id else "not kept"

    def close(self) -> None:
        """Close the file."""
        if self.store is not None:
            self.store.close()


def chain_length(headers: Sequence[Header], vintage: Vintage) -> int:
    """Number of earlier vintages that an extension continues."""
    rests_on = {header.vintage.id: header.vintage.extends for header in headers}
    length, at = 0, vintage.extends
    # an extension is younger than what it rests on; anything else is damage, which loading it tells
    while at and length <= len(rests_on):
        length, at = length + 1, rests_on.get(at, 0)
    return length

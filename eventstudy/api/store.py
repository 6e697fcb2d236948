"""The price store: what it holds, whether it is intact, and moving it from one machine to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.errors import UsageError
from eventstudy.opening import is_file

if TYPE_CHECKING:
    from eventstudy.data.store import Store

Say = Callable[[str], None]


def store_folder(store: str = "") -> Path:
    """The folder of the store; empty text is the user's cache folder."""
    from eventstudy.data.store_session import Access

    return Access.make(store, True, None, "").folder


def store_file(store: str = "") -> Path:
    """The file of the store, whether or not it is there."""
    from eventstudy.data.store import FILE

    return store_folder(store) / FILE


@dataclass(frozen=True, slots=True)
class PriceStore:
    """A store that is there.

    Attributes
    ----------
    path : Path
    """

    _store: Store

    @classmethod
    def open(cls, store: str, warn: Say, *, make: bool = False) -> PriceStore:
        """Open a store, which must exist unless ``make`` is set: looking does not make one.

        Raises
        ------
        UsageError
            If there is none.
        """
        from eventstudy.data.store import open_store

        file = store_file(store)
        if not make and not is_file(file):
            raise UsageError(f"there is no price store in {file.parent}", "a store", "`eventstudy fetch` fills one")
        return cls(open_store(file.parent, warn))

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def inventory(self) -> list[dict[str, Any]]:
        """One record a symbol: how many vintages, and what the newest one holds."""
        from eventstudy.data.store import inventory

        return inventory(self._store)

    def damage(self) -> list[str]:
        """Damaged vintages, one line each."""
        return self._store.integrity()

    def revisions(self) -> list[dict[str, Any]]:
        """Changes between vintages of a symbol."""
        from eventstudy.data.store import history
        from eventstudy.data.vintage import as_record

        return [as_record(change) for change in history(self._store)]

    def export(self, folder: Path, source: str, *, force: bool) -> list[str]:
        """Write the newest vintage of every symbol as SYMBOL.csv; the symbols written."""
        from eventstudy.data.transfer import export_folder

        return list(export_folder(self._store, folder, source, force=force))

    def take(self, folder: Path) -> tuple[list[str], list[str]]:
        """Read an exported folder; symbols that were taken, and those that were there already."""
        from eventstudy.data.transfer import import_folder

        kept, known = import_folder(folder, self._store)
        return list(kept), list(known)

    def symbols(self) -> set[str]:
        """Symbols with a vintage."""
        return {header.vintage.symbol for header in self._store.headers()}

    def clear(self, symbols: Sequence[str]) -> int:
        """Forget every vintage of some symbols, or of all; how many."""
        return self._store.clear(symbols)

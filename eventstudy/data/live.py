"""``auto`` and the vendors: the store first, then the vendor, then the snapshot; one choice a run, for every series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from eventstudy.data import clock
from eventstudy.data.prices import Choice, PriceTable, price_table
from eventstudy.data.snapshot import SnapshotSource
from eventstudy.data.store import FILE, LONGEST_CHAIN
from eventstudy.data.store_rows import Header
from eventstudy.data.store_session import Access, StoreSession, chain_length
from eventstudy.data.tickers import spelled, yahoo_spelling
from eventstudy.data.vendors.registry import VENDORS, Client, Vendor, others_with_key
from eventstudy.data.vintage import (
    PRICES,
    Revision,
    Vintage,
    covers,
    extended,
    gaps,
    last_final,
    revisions,
    to_series,
    was_asked,
)
from eventstudy.errors import EventStudyError, SourceUnavailable, UsageError

# An extension asks for this many days again, to see that they agree and to catch what Yahoo filled in since.
OVERLAP = timedelta(days=21)
# Days by which two clocks may differ: a vintage that much from the future is young.
CLOCK_SLACK = 1 / 24


@dataclass(frozen=True, slots=True)
class Need:
    """Needs of a run for every series: sessions from start to end, as of now."""

    start: date
    end: date
    now: datetime
    max_age: float | None

    def usable(self, vintage: Vintage) -> bool:
        """Whether the source was asked for everything once it was final, so that what is missing, it did not have."""
        return was_asked(vintage, self.start, self.end, self.now)

    def covered(self, vintage: Vintage) -> bool:
        """Whether a vintage holds every final session."""
        return covers(vintage, self.start, self.end, self.now)

    def fresh(self, vintage: Vintage) -> bool:
        """Whether a vintage is young enough; one from the future has no age that is known."""
        if self.max_age is None:
            return True
        days = (self.now - vintage.fetched_at).total_seconds() / 86_400
        return -CLOCK_SLACK <= days <= self.max_age


@dataclass(frozen=True, slots=True)
class LiveSource:
    """``auto`` (Yahoo, with the snapshot as the last resort) or a vendor by its name (without).

    Attributes
    ----------
    client : Client or None
        None makes one where the vendor may be asked.
    """

    name: str
    access: Access
    client: Client | None = None
    _clients: list[Client] = field(default_factory=list)

    @property
    def vendor(self) -> Vendor:
        """The vendor; vintages of others are not part of this source."""
        return VENDORS["yahoo" if self.name == "auto" else self.name]

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> PriceTable:
        """Every symbol from one source.

        Raises
        ------
        SourceUnavailable
            If neither the store nor the vendor nor, for ``auto``, the snapshot covers the study.
        """
        need = Need(start, end, clock.utc_now(), self.access.max_age)
        names = {symbol: yahoo_spelling(symbol) for symbol in symbols}
        shelf = StoreSession.open(self.access)
        try:
            found = self._chosen(shelf, list(dict.fromkeys(names.values())), need)
        finally:
            shelf.close()
        return spelled(found, names)

    def headers(self, shelf: StoreSession, symbol: str) -> list[Header]:
        """Vintages of a symbol that came from this vendor, newest first: a series never mixes sources."""
        return [header for header in shelf.headers(symbol) if header.vintage.source == self.vendor.name]

    def _chosen(self, shelf: StoreSession, symbols: Sequence[str], need: Need) -> PriceTable:
        held = {symbol: self.headers(shelf, symbol) for symbol in symbols}
        asked = {symbol: [h for h in held[symbol] if need.usable(h.vintage)] for symbol in symbols}
        best = {symbol: first for symbol in symbols if (first := shelf.first(asked[symbol], need.covered))}
        missing = [s for s in symbols if s not in best or not need.fresh(best[s])]
        if not missing:
            return self._table(shelf, best, "store", ("the store covers every series",))
        why = [_lacking(missing, best, held, need)]
        if not self.access.offline:
            try:
                fetched = {s: self.renewed(shelf, s, held[s], need, whole=s in best) for s in missing}
                why.append(f"{self.vendor.title} answered")
                return self._table(shelf, best | fetched, self.vendor.name, tuple(why))
            except SourceUnavailable as error:
                why += [error.found, *filter(None, [others_with_key(self.vendor.name)])]
                hint = error.hint
        else:
            why.append(f"{self.vendor.title} is not asked (--offline)")
            hint = "run without --offline once, or `eventstudy fetch`"
        usable = {s: first for s in symbols if (first := best.get(s) or shelf.first(asked[s], _any))}
        if len(usable) == len(symbols) and any(v.outcome == PRICES for v in usable.values()):
            old = sorted(s for s, v in usable.items() if not need.fresh(v))
            why.append(f"the store holds the newest prices of {self.vendor.title}")
            return self._table(shelf, usable, "store", tuple(why), _stale(old, usable, need.max_age))
        return self._last_resort(shelf, symbols, held, need, why, hint)

    def _last_resort(
        self,
        shelf: StoreSession,
        symbols: Sequence[str],
        held: dict[str, list[Header]],
        need: Need,
        why: list[str],
        hint: str,
    ) -> PriceTable:
        """The snapshot for ``auto``, the store as it is for a vendor offline, else an error that says all of it."""
        if self.name != "auto" and self.access.offline:
            partly = {s: first for s in symbols if (first := shelf.first(held[s], _any))}
            prices = [s for s, v in partly.items() if v.outcome == PRICES]
            if _serves(prices, symbols, self.access.benchmark):
                why.append(f"the store holds an earlier answer of {self.vendor.title}, which is used as it is")
                stale = _stale(sorted(s for s in prices if not need.fresh(partly[s])), partly, need.max_age)
                return self._table(shelf, partly, "store", tuple(why), stale, absent=symbols)
        if self.name == "auto":
            table = SnapshotSource().fetch(symbols, need.start, need.end)
            if _serves(list(table.series), symbols, self.access.benchmark):
                why.append("the package's snapshot holds the benchmark")
                return PriceTable(table.series, table.unknown, Choice("snapshot", tuple(why)))
            why.append("the package's snapshot does not hold the benchmark and a ticker of this study")
        raise SourceUnavailable(
            "no price source covers the study: " + "; ".join(why),
            "prices of every series from one source",
            f"{_capitals(symbols)}{hint}; without a network: put {_files(symbols)} (Date, Close) into a folder and add "
            "--source csv:FOLDER",
        )

    def renewed(self, shelf: StoreSession, symbol: str, held: Sequence[Header], need: Need, *, whole: bool) -> Vintage:
        """A symbol asked for at the vendor and kept: only the newest sessions where that continues a vintage, else all.

        Parameters
        ----------
        whole : bool
            Ask for everything even where the newest sessions would do.
        """
        client = self._client()
        self.access.say(f"asking {self.vendor.title} for {symbol}")
        base = None if whole else _continuable(shelf, held, need)
        if base is not None:
            newest = client.ask(symbol, base.bars.dates[-1].item() - OVERLAP, _until(need))
            longer = extended(base, newest) if newest.outcome == PRICES else None
            if longer is not None:
                return shelf.keep(longer, own=newest)
        found = client.ask(symbol, need.start, _until(need))
        before = next((h.vintage for h in held if h.vintage.outcome == PRICES), None)
        if found.outcome == PRICES and before is not None:
            self._tell_changes(before, found)
        return shelf.keep(found)

    def _tell_changes(self, before: Vintage, now: Vintage) -> None:
        """Warn of changes in what the vendor states about a symbol."""
        said = f"{now.symbol}: {self.vendor.title} now"
        if before.currency not in ("", now.currency):
            self.access.warn(f"{said} quotes it in {now.currency or 'no currency'}, before in {before.currency}")
        if before.instrument not in ("", now.instrument):
            self.access.warn(
                f"{said} calls it {now.instrument or 'nothing'}, before {before.instrument}; another company may have "
                "the ticker"
            )

    def _client(self) -> Client:
        if self.client is not None:
            return self.client
        if not self._clients:
            self._clients.append(self.vendor.client(self.access.folder))
        return self._clients[0]

    def _table(
        self,
        shelf: StoreSession,
        chosen: dict[str, Vintage],
        source: str,
        why: tuple[str, ...],
        stale: str = "",
        absent: Sequence[str] = (),
    ) -> PriceTable:
        found = [to_series(v, shelf.origin(v)) for v in chosen.values() if v.outcome == PRICES]
        unknown = {s: v.note for s, v in chosen.items() if v.outcome != PRICES}
        asks = f"not in the store; `eventstudy fetch` asks {self.vendor.title} for it"
        unknown |= {s: asks for s in absent if s not in chosen}
        return price_table(found, unknown, Choice(source, why, stale))


@dataclass(frozen=True, slots=True)
class Fetched:
    """Result of a refresh of one symbol.

    Attributes
    ----------
    changed : tuple of Revision
        Against the newest earlier vintage with prices.
    """

    vintage: Vintage
    changed: tuple[Revision, ...]
    had_before: bool


def refresh(
    source: LiveSource, symbols: Sequence[str], start: date, end: date
) -> tuple[list[Fetched], EventStudyError | None]:
    """Ask the vendor for every symbol again and keep what comes.

    Symbols whose newest vintage covers the range and is younger than ``max_age`` are not asked, where a ``max_age`` is
    set.

    Returns
    -------
    list of Fetched, error or None
        What came before the first refusal or failure, all of it kept; and that failure.
    """
    need = Need(start, end, clock.utc_now(), source.access.max_age)
    shelf = StoreSession.open(source.access)
    done: list[Fetched] = []
    try:
        if shelf.store is None or not shelf.store.writable:
            raise UsageError(
                f"the price store {source.access.folder / FILE} cannot be written", "a folder that can be written",
                "name another with --store DIR",
            )  # fmt: skip
        for symbol in symbols:
            held = source.headers(shelf, symbol)
            young = [h for h in held if need.max_age is not None and need.fresh(h.vintage) and need.usable(h.vintage)]
            if (kept := shelf.first(young, need.covered)) is not None:
                done.append(Fetched(kept, (), True))
                continue
            before = shelf.first(held, _has_prices)
            try:
                vintage = source.renewed(shelf, symbol, held, need, whole=True)
            except SourceUnavailable as error:
                return done, error
            changed = tuple(revisions(before, vintage)) if before and vintage.outcome == PRICES else ()
            done.append(Fetched(vintage, changed, before is not None))
        return done, None
    finally:
        shelf.close()


def _until(need: Need) -> date:
    """A session in the future cannot be asked for; east of here tomorrow has begun."""
    return min(need.end, need.now.date() + timedelta(days=1))


def _any(vintage: Vintage) -> bool:
    del vintage
    return True


def _has_prices(vintage: Vintage) -> bool:
    return vintage.outcome == PRICES


def _continuable(shelf: StoreSession, held: Sequence[Header], need: Need) -> Vintage | None:
    """The newest vintage, where it lacks nothing but the newest sessions."""
    newest = shelf.first(held, _has_prices)
    if newest is None or newest.requested_start > need.start or not len(newest.bars.closed()):
        return None
    if chain_length(held, newest) >= LONGEST_CHAIN:
        return None
    last = newest.bars.closed()[-1].item()
    lacks = last < last_final(newest.timezone, need.start, need.end, need.now)
    return newest if lacks and not len(gaps(newest, need.start, last)) else None


def _capitals(symbols: Sequence[str]) -> str:
    """A question where tickers are in small letters, which no source knows."""
    small = [s for s in symbols if s != s.upper()]
    return f"did you mean {', '.join(s.upper() for s in small)}? " if small else ""


def _serves(found: Sequence[str], symbols: Sequence[str], benchmark: str) -> bool:
    """Whether a source holds the benchmark and at least one ticker."""
    tickers = [s for s in symbols if s != benchmark]
    return (benchmark not in symbols or benchmark in found) and (not tickers or any(s in found for s in tickers))


def _lacking(missing: Sequence[str], best: dict[str, Vintage], held: dict[str, list[Header]], need: Need) -> str:
    old = [s for s in missing if s in best]
    if old:
        return f"the store's prices of {_names(old)} are older than {need.max_age:g} days"
    absent = [s for s in missing if not held[s]]
    if absent:
        return f"the store holds no prices of {_names(absent)}"
    return f"the store does not hold every session of {_names(missing)}"


def _stale(old: Sequence[str], chosen: dict[str, Vintage], max_age: float | None) -> str:
    if not old:
        return ""
    last = max(str(chosen[s].bars.closed()[-1]) for s in old if chosen[s].outcome == PRICES)
    return (
        f"Stale prices: those of {_names(old)} are older than the {max_age:g} days asked for, and the source could not "
        f"be asked again; their last session is {last}"
    )


def _names(symbols: Sequence[str]) -> str:
    shown = ", ".join(symbols[:5])
    return shown if len(symbols) <= 5 else f"{shown} and {len(symbols) - 5} more"


def _files(symbols: Sequence[str]) -> str:
    names = [f"{symbol}.csv" for symbol in symbols]
    return f"{', '.join(names[:2])} and the others" if len(names) > 3 else " and ".join(names)

"""``fetch``: fill or refresh the price store from Yahoo or another vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

from eventstudy.api.events import given_events
from eventstudy.api.progress import Say, progress, warn_once
from eventstudy.api.run import chosen
from eventstudy.errors import EventStudyError, NothingStudied, UsageError
from eventstudy.opening import exists
from eventstudy.spec import LIVE, StudySpec
from eventstudy.spec_values import Choices, several

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.data.live import Fetched

# years before today that tickers are asked for where no events say how far back
YEARS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """Vintages that were added to the store.

    Attributes
    ----------
    asked : tuple of str
        Symbols.
    fetched : tuple of Fetched
        What came, with the vintage of each.
    store : str
        Folder of the store.
    error : EventStudyError or None
        Why not all came.
    factors : str
        What came of factor returns; empty where none were asked for.
    """

    asked: tuple[str, ...]
    fetched: tuple[Fetched, ...]
    store: str
    error: EventStudyError | None
    factors: str = ""

    @property
    def records(self) -> list[dict[str, Any]]:
        """One record a symbol: its vintage, and what it changed."""
        from eventstudy.data.vintage import as_record, described

        return [{**described(one.vintage), "changed": [as_record(c) for c in one.changed]} for one in self.fetched]

    @property
    def frame(self) -> pd.DataFrame:
        """The records as a frame."""
        import pandas as pd

        return pd.DataFrame(self.records)

    @property
    def lines(self) -> list[str]:
        """One line per symbol."""
        return [_line(one) for one in self.fetched]

    def __repr__(self) -> str:
        return "\n".join([f"{len(self.fetched)} of {len(self.asked)} symbols -> {self.store}", *self.lines])


def fetch(
    tickers: object,
    *,
    start: str | date | None = None,
    spec: StudySpec | None = None,
    progress: Say | bool | None = None,
    warn: Say | None = None,
    strict: bool = True,
    **choices: Unpack[Choices],
) -> FetchResult:
    """Ask Yahoo, or the vendor that ``source`` names, for prices and keep what comes in the store.

    Parameters
    ----------
    tickers : str, sequence of str, or events as ``run`` takes them
        Symbols, or events whose tickers and benchmarks are fetched as far back as their study needs.
    start : date or None
        First date for tickers; None is six years ago.
    spec, **choices
        ``source``, ``store``, ``max_age`` (only what is older or incomplete is asked for again) and ``benchmark``.
    progress, warn
        As ``run``.
    strict : bool
        Raise where something did not come; else ``error`` holds why. What came is kept in either case.

    Returns
    -------
    FetchResult

    Raises
    ------
    SourceUnavailable
        If the source refuses or does not answer.
    NothingStudied
        If it knows none of the symbols.
    """
    return _fetch(tickers, start, chosen(spec, dict(choices)), progress, warn, strict)


def _fetch(
    tickers: object, start: str | date | None, spec: StudySpec, watch: Any, warn: Say | None, strict: bool
) -> FetchResult:
    from eventstudy.data.live import LiveSource, refresh
    from eventstudy.data.store_session import Access
    from eventstudy.data.vendors.registry import VENDORS

    if spec.offline:
        raise UsageError("fetch needs the network, and --offline forbids it", "fetch without --offline")
    symbols, first, last = _wanted(tickers, start, spec)
    early: list[str] = []
    with progress(watch) as say:
        access = Access.make(spec.store, False, spec.max_age, spec.benchmarks[0], say, warn or early.append)
        name = spec.source if spec.source in VENDORS else "yahoo"
        done, error = refresh(LiveSource(name, access), symbols, first, last)
        factors = _factors(spec)
    if warn is None:
        warn_once(early)
    if error is None and not any(one.vintage.outcome == "prices" for one in done):
        error = NothingStudied(
            f"{VENDORS[name].title} knows none of the symbols", hint="check their spelling and suffixes"
        )
    if error is not None and strict:
        raise error
    return FetchResult(
        asked=tuple(symbols), fetched=tuple(done), store=str(access.folder), error=error, factors=factors
    )


def _wanted(tickers: object, start: str | date | None, spec: StudySpec) -> tuple[list[str], date, date]:
    """Symbols in the vendor's spelling, and the range to ask for."""
    from eventstudy.data.event_index import asked_range, index_events
    from eventstudy.data.market import wanted_symbols
    from eventstudy.data.tickers import yahoo_spelling
    from eventstudy.spec import is_ticker

    named = _symbols(tickers)
    if named is None:
        index = index_events(given_events(tickers).columns, None, reach=spec.hold)
        symbols = wanted_symbols(index, range(len(index)), spec)
        first, last = asked_range(index, spec)
    else:
        if bad := [one for one in named if not is_ticker(one)]:
            raise UsageError(f"{bad[0][:80]!r} is not a ticker", "a symbol such as SPY, ASML.AS or ^GSPC")
        symbols = list(dict.fromkeys([*named, *spec.benchmarks]))
        last = date.today()
        first = date(last.year - YEARS, 1, 1) if start is None else _day(start)
    return list(dict.fromkeys(map(yahoo_spelling, symbols))), first, last


def _symbols(tickers: object) -> list[str] | None:
    """Symbols, where they are not events."""
    from eventstudy.api.events import SUFFIXES

    if isinstance(tickers, str) and not tickers.lower().endswith(SUFFIXES) and not exists(tickers):
        return list(several("tickers", tickers))
    if isinstance(tickers, Sequence) and tickers and all(isinstance(one, str) for one in tickers):
        return list(several("tickers", tickers))
    return None


def _day(start: str | date) -> date:
    try:
        return start if isinstance(start, date) else date.fromisoformat(start)
    except ValueError:
        raise UsageError(f"start {start!r} is not a date", "YYYY-MM-DD") from None


def _factors(spec: StudySpec) -> str:
    """The library is asked even where Yahoo refuses: what comes is kept."""
    from eventstudy.data.market import factor_table

    if spec.factors != LIVE or (table := factor_table(spec)) is None:
        return ""
    return f"{table.notice or table.vintage}, {table.dates[0]} to {table.dates[-1]}"


def _line(fetched: Fetched) -> str:
    v = fetched.vintage
    closed = v.bars.closed()
    if v.outcome != "prices":
        return f"{v.symbol:<10} {v.outcome}: {v.note}"
    said = "first vintage" if not fetched.had_before else "agrees with the previous vintage"
    if fetched.changed:
        said = "REVISED: " + "; ".join(
            f"{change.column} on {change.n_dates} dates from {change.first} to {change.last}"
            for change in fetched.changed
        )
    return (
        f"{v.symbol:<10} {len(closed)} sessions {closed[0]} to {closed[-1]}, {v.currency or 'no currency'}, vintage "
        f"{v.id} of {v.fetched_at:%Y-%m-%d %H:%M}Z, body {v.body_sha256[:12]}: {said}"
        + (f" ({v.note})" if v.note else "")
    )

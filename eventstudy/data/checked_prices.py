"""Notes on checked prices, as sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from eventstudy.data.prices import Provenance
from eventstudy.errors import InputFileError, Problem

# reasons of rows whose prices contradict themselves, or are those of another exchange
REFUSED, WRONG_CALENDAR = "prices_refused", "wrong_calendar"
RETURNS, NEED_PRICES = "returns", "claims, openings (overnight.csv) and money (dollar.csv)"
MOST_NOTICES = 20


def basis_line(series: Iterable[Provenance]) -> str:
    """One sentence on the layout of each series, what its closes are and how that was decided."""
    same: dict[tuple[str, str, str], list[str]] = {}
    for one in series:
        same.setdefault((one.layout, one.basis, one.basis_why), []).append(one.symbol)
    return "; ".join(
        f"{_listed(names)}: {f'read as {layout}, ' if layout else ''}"
        f"{basis if basis == RETURNS else f'{basis} closes'} ({why})"
        for (layout, basis, why), names in same.items()
    )


def basis_notices(series: Iterable[Provenance]) -> list[str]:
    """Notes on series corrected, left out or read by their headings alone: one sentence each, at most twenty."""
    series = list(series)
    found = [f"{one.symbol}: {one.notice}" for one in series if one.notice]
    returns = [one.symbol for one in series if one.basis == RETURNS]
    without = f"{_listed(returns)}: the source states returns, so there are no prices for {NEED_PRICES}"
    found = [*([without] if returns else []), *_mixed(series), *found]
    more = len(found) - MOST_NOTICES
    return [*found[:MOST_NOTICES], *([f"{more:,} more series have notes in manifest.json"] if more > 0 else [])]


def _mixed(series: Sequence[Provenance]) -> list[str]:
    """The sentence on series without dividends beside series with them; none where all are alike."""
    priced = [one for one in series if one.basis != RETURNS]
    without = [one.symbol for one in priced if one.returns_from == "price"]
    counted = [one.symbol for one in priced if one.returns_from != "price"]
    if not without or not counted:
        return []
    return [
        f"{_listed(without)}: no dividends are stated, while those of {_listed(counted)} are counted: on an ex-date "
        "the returns differ by the dividend; state dividends or adjusted closes of all"
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"


def check_something_left(missing: Collection[tuple[str, str] | None], refused: Mapping[str, str], source: str) -> None:
    """Raise an InputFileError where no series is left and prices were refused: nothing can be run."""
    if refused and all(lost is not None for lost in missing):
        raise InputFileError(source, [Problem(0, "", "", f"{symbol}: {why}") for symbol, why in refused.items()])

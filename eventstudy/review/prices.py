"""Prices of two reports compared: hashes and ranges from the manifests, returns from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventstudy.review.folder import ReportFolder
from eventstudy.review.tables import coarser, same

Returns = dict[str, dict[str, float | None]]
_FIELDS = ("source", "rows", "first", "last", "fetched_at", "basis", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """A series that is not what it was.

    Attributes
    ----------
    kind : str
        ``revised`` (a return in the report differs, or the hash does over the same sessions), ``range`` (other
        sessions, and every return that both reports hold agrees), ``added``, ``removed``.
    before, after : mapping
        source, rows, first, last, fetched_at, basis, currency of the manifests; empty where unknown.
    compared, differing : int
        Sessions whose return is in both reports, and those on which it differs.
    session : str
        Where it differs most, with the returns before and after.
    """

    symbol: str
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    compared: int = 0
    differing: int = 0
    session: str = ""
    return_before: float | None = None
    return_after: float | None = None


def changed_prices(before: ReportFolder, after: ReportFolder, *, comparable: bool) -> list[PriceChange]:
    """Every symbol whose prices differ, as far as the folders can tell.

    Parameters
    ----------
    comparable : bool
        Returns of both are of one kind; otherwise the tables say nothing about prices.
    """
    old, new = _series(before), _series(after)
    returns = (_returns(before), _returns(after)) if comparable else ({}, {})
    known = bool(before.manifest and after.manifest)
    symbols = sorted({*old, *new} if known else {*returns[0]} & {*returns[1]})
    digits = coarser(before, after)
    found = []
    for symbol in symbols:
        a, b = old.get(symbol), new.get(symbol)
        if known and (a is None or b is None):
            kind = "added" if a is None else "removed"
            found.append(PriceChange(symbol=symbol, kind=kind, before=_kept(a), after=_kept(b)))
            continue
        shown = returns[0].get(symbol, {}), returns[1].get(symbol, {})
        change = _changed(symbol, a or {}, b or {}, shown, digits, known)
        if change is not None:
            found.append(change)
    return found


def _changed(
    symbol: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    returns: tuple[Mapping[str, float | None], Mapping[str, float | None]],
    digits: int | None,
    known: bool,
) -> PriceChange | None:
    before, after = returns
    shared = [session for session in before if session in after]
    moved = [session for session in shared if not same(before[session], after[session], digits)]
    if not moved and (not known or old.get("sha256") == new.get("sha256")):
        return None
    most = max(moved, key=lambda session: abs((before[session] or 0) - (after[session] or 0)), default="")
    ranges = any(old.get(name) != new.get(name) for name in ("rows", "first", "last"))
    return PriceChange(
        symbol=symbol,
        kind="range" if ranges and not moved else "revised",
        before=_kept(old),
        after=_kept(new),
        compared=len(shared),
        differing=len(moved),
        session=most,
        return_before=before.get(most),
        return_after=after.get(most),
    )


def _series(folder: ReportFolder) -> dict[str, Mapping[str, Any]]:
    return {str(s.get("symbol")): s for s in folder.manifest.get("series", []) if isinstance(s, dict)}


def _kept(series: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: (series or {}).get(name) for name in _FIELDS} if series else {}


def _returns(folder: ReportFolder) -> Returns:
    """Ticker -> session -> return, of every session in the report."""
    found: Returns = {}
    if folder.holds("abnormal_returns"):
        for _, row in folder.rows("abnormal_returns"):
            value = row.get("return")
            days = found.setdefault(str(row.get("ticker")), {})
            days[str(row.get("session"))] = value if isinstance(value, float) else None
    return found

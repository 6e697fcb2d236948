"""Two report folders: what changed between them, and what may have moved each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventstudy.review.folder import MANIFEST, Cell, ReportFolder
from eventstudy.review.options import REPORTING, Change, changed_settings
from eventstudy.review.prices import PriceChange, changed_prices
from eventstudy.review.tables import TableChange, changed_tables, coarser, same

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChange:
    """A row of the events file: added, removed, moved, now excluded, now studied, or with another primary window."""

    event_id: str
    ticker: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimChange:
    """A claim whose text, observed return or verdict is another one."""

    event_id: str
    ticker: str
    kind: str
    claimed: tuple[str, str]
    observed: tuple[float | None, float | None]
    verdict: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Change of an event's primary window.

    Attributes
    ----------
    window : tuple of two str
    car, std_error, p_t : tuple of two floats or None
        Before and after.
    significance : str
        ``gained`` or ``lost`` at each report's own level, else empty.
    reasons : tuple of str
        What changed that can move it; two reports do not show which of several did.
    """

    event_id: str
    ticker: str
    window: tuple[str, str]
    car: tuple[float | None, float | None]
    std_error: tuple[float | None, float | None]
    p_t: tuple[float | None, float | None]
    significance: str
    reasons: tuple[str, ...]

    @property
    def moved(self) -> float:
        """By how much the CAR moved; zero where one of the two is not known."""
        old, new = self.car
        return 0.0 if old is None or new is None else abs(new - old)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that changed between two reports.

    Attributes
    ----------
    settings, versions : tuple of Change
        ``versions`` holds the engine too.
    prices, events, claims, effects, tables
        See their record classes; effects begin with those that gained or lost significance.
    levels : tuple of two floats
    digits : int or None
        Significant digits at which numbers were compared; None where both reports are full.
    compared : int
        Events studied in both.
    notes : tuple of str
        What could not be compared, and why.
    """

    settings: tuple[Change, ...]
    versions: tuple[Change, ...]
    counts: tuple[Change, ...]
    prices: tuple[PriceChange, ...]
    events: tuple[EventChange, ...]
    claims: tuple[ClaimChange, ...]
    effects: tuple[Effect, ...]
    tables: tuple[TableChange, ...]
    levels: tuple[float, float]
    digits: int | None
    compared: int
    notes: tuple[str, ...]

    @property
    def same_numbers(self) -> bool:
        """Whether every table agrees."""
        return not self.tables


def difference(before: ReportFolder, after: ReportFolder) -> Difference:
    """Hold one report against another.

    Raises
    ------
    InputFileError
        If a table cannot be read.
    """
    whole = bool(before.manifest and after.manifest)
    settings = changed_settings(before.spec, after.spec, whole=whole) if before.spec and after.spec else {}
    prices = changed_prices(before, after, comparable=not {"returns", "missing"} & set(settings))
    old, new = _primary(before), _primary(after)
    tables, alone = changed_tables(before, after)
    versions = _versions(before, after)
    causes = _Causes(
        tuple(change.name for field, change in settings.items() if field not in REPORTING),
        frozenset(change.symbol for change in prices),
        bool(versions),
        _models(before),
        _models(after),
        str(next(iter(after.spec.get("benchmarks") or ()), "")),
    )
    levels, digits = (before.level, after.level), coarser(before, after)
    effects = [
        effect for key in new if key in old and (effect := _effect(key, old[key], new[key], levels, digits, causes))
    ]
    effects.sort(key=lambda effect: (not effect.significance, -effect.moved))
    return Difference(
        settings=tuple(settings.values()),
        versions=versions,
        counts=_counts(before, after),
        prices=tuple(prices),
        events=tuple(_events(old, new, _excluded(before), _excluded(after))),
        claims=tuple(_claims(before, after)),
        effects=tuple(effects),
        tables=tuple(tables),
        levels=levels,
        digits=digits,
        compared=len(old.keys() & new.keys()),
        notes=(*_notes(before, after, settings), *alone),
    )


def _notes(before: ReportFolder, after: ReportFolder, settings: Mapping[str, Change]) -> list[str]:
    found = []
    for folder in (before, after):
        if not folder.manifest:
            found.append(f"{folder.path} has no {MANIFEST}: hashes of prices, versions and engine are not known")
        if not folder.spec:
            found.append(f"{folder.path} does not record its settings")
        edited = [name for name in folder.manifest.get("files", {}) if not folder.is_as_written(name)]
        if edited:
            shown = ", ".join(edited[:3]) + (f" and {len(edited) - 3} more" if len(edited) > 3 else "")
            found.append(
                f"{shown} of {folder.path}: not what {MANIFEST} lists (edited, or a run was interrupted); the files as "
                "they are were compared"
            )
    if {"returns", "missing"} & set(settings):
        found.append("returns of the two reports are of different kinds, so they do not show revised prices")
    return found


def _primary(folder: ReportFolder) -> dict[Key, dict[str, Cell]]:
    """The primary window of every event; of an event without one, its first row."""
    found: dict[Key, dict[str, Cell]] = {}
    for _, row in folder.rows("windows"):
        key = (str(row.get("event_id")), str(row.get("ticker")))
        if key not in found or row.get("primary") == "yes":
            found[key] = row
    return found


def _excluded(folder: ReportFolder) -> dict[Key, str]:
    if not folder.holds("excluded"):
        return {}
    rows = (row for _, row in folder.rows("excluded"))
    return {(str(r.get("event_id")), str(r.get("ticker"))): str(r.get("reason")) for r in rows}


def _models(folder: ReportFolder) -> dict[Key, dict[str, Cell]]:
    if not folder.holds("models"):
        return {}
    return {(str(row.get("event_id")), str(row.get("ticker"))): row for _, row in folder.rows("models")}


def _events(
    old: Mapping[Key, Mapping[str, Cell]],
    new: Mapping[Key, Mapping[str, Cell]],
    out_before: Mapping[Key, str],
    out_after: Mapping[Key, str],
) -> list[EventChange]:
    found = []
    for key in dict.fromkeys((*old, *out_before, *new, *out_after)):
        before, after = old.get(key), new.get(key)
        said = [
            f"day 0 {row.get('day0')}" if row else f"excluded ({out[key]})" if key in out else ""
            for row, out in ((before, out_before), (after, out_after))
        ]
        if not said[0]:
            kind = "added"
        elif not said[1]:
            kind = "removed"
        elif before and after:
            kind = "moved" if said[0] != said[1] else "window" if before.get("window") != after.get("window") else ""
            if kind == "window":
                said = [str(before.get("window")), str(after.get("window"))]
        else:
            kind = "" if said[0] == said[1] else "studied" if after else "excluded"
        if kind:
            found.append(EventChange(event_id=key[0], ticker=key[1], kind=kind, before=said[0], after=said[1]))
    return found


def _claims(before: ReportFolder, after: ReportFolder) -> list[ClaimChange]:
    sides: list[dict[tuple[str, str, str], dict[str, Cell]]] = []
    for folder in (before, after):
        rows = [row for _, row in folder.rows("claims")] if folder.holds("claims") else []
        sides.append({(str(r.get("event_id")), str(r.get("ticker")), str(r.get("kind"))): r for r in rows})
    found, digits = [], coarser(before, after)
    for key in dict.fromkeys((*sides[0], *sides[1])):
        a, b = sides[0].get(key, {}), sides[1].get(key, {})
        if all(same(a.get(name), b.get(name), digits) for name in ("claimed_return", "observed_return", "verdict")):
            continue
        found.append(
            ClaimChange(
                event_id=key[0],
                ticker=key[1],
                kind=key[2],
                claimed=(str(a.get("claimed_return", "")), str(b.get("claimed_return", ""))),
                observed=(_float(a, "observed_return"), _float(b, "observed_return")),
                verdict=(str(a.get("verdict", "")), str(b.get("verdict", ""))),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Causes:
    """Changes that can move a number."""

    settings: tuple[str, ...]
    prices: frozenset[str]
    versions: bool
    models_before: Mapping[Key, Mapping[str, Cell]]
    models_after: Mapping[Key, Mapping[str, Cell]]
    market: str

    def of(self, key: Key, old: Mapping[str, Cell], new: Mapping[str, Cell]) -> tuple[str, ...]:
        """Those that can have moved an event."""
        a, b = self.models_before.get(key, {}), self.models_after.get(key, {})
        used = {key[1], *str(b.get("benchmark") or self.market).split(";")}
        masked = [_count(a, "n_masked"), _count(b, "n_masked")]
        span = [f"{m.get('estimation_start')} to {m.get('estimation_end')}" for m in (a, b)]
        found = [f"prices of {symbol}" for symbol in sorted(self.prices & used)]
        found += [f"day 0 {old.get('day0')} -> {new.get('day0')}"] if old.get("day0") != new.get("day0") else []
        found += ["another primary window"] if old.get("window") != new.get("window") else []
        found += list(self.settings)
        if a and b and masked[0] != masked[1]:
            found.append(f"masked sessions {masked[0]} -> {masked[1]}")
        elif a and b and span[0] != span[1] and not self.settings:
            found.append(f"estimation window {span[0]} -> {span[1]}")
        found += ["versions"] if self.versions else []
        return tuple(found)


def _effect(
    key: Key,
    old: Mapping[str, Cell],
    new: Mapping[str, Cell],
    levels: tuple[float, float],
    digits: int | None,
    causes: _Causes,
) -> Effect | None:
    """Change of an event's primary window; None where there is none."""
    pairs = {name: (_float(old, name), _float(new, name)) for name in ("car", "std_error", "p_t")}
    found = [p is not None and p < 1 - level for p, level in zip(pairs["p_t"], levels, strict=True)]
    known = None not in pairs["p_t"]
    significance = "" if found[0] == found[1] or not known else "gained" if found[1] else "lost"
    windows = (str(old.get("window")), str(new.get("window")))
    if not significance and windows[0] == windows[1] and all(same(a, b, digits) for a, b in pairs.values()):
        return None
    return Effect(
        event_id=key[0],
        ticker=key[1],
        window=windows,
        car=pairs["car"],
        std_error=pairs["std_error"],
        p_t=pairs["p_t"],
        significance=significance,
        reasons=causes.of(key, old, new),
    )


def _float(row: Mapping[str, Cell], name: str) -> float | None:
    value = row.get(name)
    return value if isinstance(value, float) else None


def _count(row: Mapping[str, Cell], name: str) -> str:
    value = row.get(name)
    return f"{value:g}" if isinstance(value, float) else ""


def _versions(before: ReportFolder, after: ReportFolder) -> tuple[Change, ...]:
    """Packages with another version, and the engine; a package that one run did not load is left out."""
    old, new = before.manifest.get("versions", {}), after.manifest.get("versions", {})
    found = [Change(name, str(old[name]), str(new[name])) for name in old if name in new and old[name] != new[name]]
    engines = [folder.manifest.get("engine") for folder in (before, after)]
    if None not in engines and engines[0] != engines[1]:
        found.append(Change("engine", str(engines[0]), str(engines[1])))
    return tuple(found)


def _counts(before: ReportFolder, after: ReportFolder) -> tuple[Change, ...]:
    sides: Sequence[Mapping[str, Any]] = [
        folder.manifest.get("counts") or folder.results.get("counts") or {} for folder in (before, after)
    ]
    names = [name for name in ("read", "studied", "excluded") if name in sides[0] and name in sides[1]]
    return tuple(Change(n, str(sides[0][n]), str(sides[1][n])) for n in names if sides[0][n] != sides[1][n])

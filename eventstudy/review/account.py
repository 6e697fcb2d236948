"""A difference between two reports in words: the same tables for a terminal, for Markdown and, as figures, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eventstudy.errors import flat
from eventstudy.report.document import Group, Page, Section, Table, text_of
from eventstudy.report.format import count, p_value, percent, size

if TYPE_CHECKING:
    from eventstudy.review.difference import ClaimChange, Difference, Effect
    from eventstudy.review.folder import ReportFolder
    from eventstudy.review.options import Change
    from eventstudy.review.prices import PriceChange

# letters of a cell; a folder from elsewhere may hold megabytes in one
LONGEST = 300
_EVENT_WORDS = {
    "added": "added", "removed": "removed", "moved": "moved", "window": "another primary window",
    "studied": "now studied", "excluded": "now excluded",
}  # fmt: skip


def page(before: ReportFolder, after: ReportFolder, found: Difference, limit: int | None) -> Page:
    """A page of the changes.

    Parameters
    ----------
    limit : int or None
        Rows a table shows at most; the rest is counted.
    """
    lead = (_origin("A", before), _origin("B", after), verdict(found), *(f"Note: {note}." for note in found.notes))
    tables = [
        _table("Settings", ("option", "A", "B"), [(c.name, c.before, c.after) for c in found.settings], limit),
        _prices(found, limit),
        _table(
            "Events",
            ("event", "ticker", "what", "A", "B"),
            [(e.event_id, e.ticker, _EVENT_WORDS[e.kind], e.before, e.after) for e in found.events],
            limit,
        ),
        _table(
            "Claims",
            ("event", "ticker", "kind", "claimed", "observed", "verdict"),
            [_claim(c) for c in found.claims],
            limit,
        ),
        _effects(found, limit),
        _table("Versions", ("what", "A", "B"), _plain(found.versions), limit),
        _table("Counts", ("rows", "A", "B"), _plain(found.counts), limit),
        _table(
            "Tables",
            ("table", "rows only in A", "only in B", "differing", "columns that differ"),
            [
                (f"{t.table}.csv", str(t.removed), str(t.added), str(t.differing), _some(t.columns))
                for t in found.tables
            ],
            limit,
        ),
    ]
    section = Section(id="changes", title="Changes", blocks=tuple(table for table in tables if table.rows))
    return Page(title="What changed between two reports", lead=lead, sections=(section,) if section.blocks else ())


def verdict(found: Difference) -> str:
    """The answer in one sentence."""
    if found.same_numbers:
        made = " Settings or versions are not the same." if found.settings or found.versions else ""
        few = found.digits is not None and found.digits < 10
        within = f"one unit of the last of {found.digits} digits" if few else "1e-9 relative"
        return f"The numbers of both reports agree (text equal, numbers within {within}).{made}"
    gained = sum(effect.significance == "gained" for effect in found.effects)
    lost = sum(effect.significance == "lost" for effect in found.effects)
    verdicts = sum(claim.verdict[0] != claim.verdict[1] for claim in found.claims)
    return (
        f"Of {count(found.compared, 'event')} studied in both, the primary window of {len(found.effects)} moved; "
        f"{gained} became unusual, {lost} are unusual no longer (at {_levels(found)}); "
        f"{count(verdicts, 'verdict')} changed."
    )


def text(shown: Page) -> str:
    """The page for a terminal: a heading a table, columns aligned."""
    lines = list(shown.lead)
    for table in (b for section in shown.sections for b in section.blocks if isinstance(b, Table)):
        # a line break inside a cell must not look like a row
        rows = [table.columns, *(tuple(map(text_of, row)) for row in table.rows if not isinstance(row, Group))]
        widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
        lines += ["", table.caption]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append(f"  {'  '.join(cells)}".rstrip())
        lines += [f"  {table.note}"] if table.note else []
    return "\n".join(lines)


def record(before: ReportFolder, after: ReportFolder, found: Difference, limit: int) -> dict[str, Any]:
    """The difference as an object: counts of everything, and of each list the first ``limit``."""
    lists = ("settings", "versions", "counts", "prices", "events", "claims", "effects", "tables")
    everything = asdict(found)
    return {
        "before": str(before.path),
        "after": str(after.path),
        "same_numbers": found.same_numbers,
        "verdict": verdict(found),
        "levels": list(found.levels),
        "compared": found.compared,
        "totals": {name: len(everything[name]) for name in lists},
        **{name: list(everything[name][:limit]) for name in lists},
        "notes": list(found.notes),
    }


def _origin(letter: str, folder: ReportFolder) -> str:
    counts = folder.manifest.get("counts") or folder.results.get("counts") or {}
    rows = ", ".join(f"{counts[name]} {name}" for name in ("read", "studied", "excluded") if name in counts)
    written = folder.manifest.get("written_at")
    made = [flat(f"written {written}", LONGEST)] if written else []
    return f"{letter}: {folder.path} ({', '.join([*made, rows]) or 'tables alone'})"


def _table(
    caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], limit: int | None, note: str = ""
) -> Table:
    more = 0 if limit is None else max(0, len(rows) - limit)
    said = [f"and {more} more"] if more else []
    shown = tuple(tuple(flat(cell, LONGEST) for cell in row) for row in rows[:limit])
    return Table(caption=caption, columns=columns, rows=shown, note="; ".join([*said, *([note] * bool(note))]))


def _plain(changes: tuple[Change, ...]) -> list[tuple[str, ...]]:
    return [(change.name, change.before, change.after) for change in changes]


def _some(names: tuple[str, ...]) -> str:
    return " ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _levels(found: Difference) -> str:
    a, b = (f"{100 * level:g} %" for level in found.levels)
    return a if a == b else f"{a} in A, {b} in B"


def _both(a: str, b: str) -> str:
    return a if a == b else f"{a} -> {b}"


def _prices(found: Difference, limit: int | None) -> Table:
    note = (
        "a report holds hashes of whole series and the returns of its event windows; `eventstudy cache verify` "
        "shows which bars changed"
    )
    columns = ("symbol", "what", "sessions", "reach", "fetched", "returns in the report")
    return _table("Prices", columns, [_price(change) for change in found.prices], limit, note if found.prices else "")


def _price(change: PriceChange) -> tuple[str, ...]:
    old, new = change.before, change.after
    if change.kind in ("added", "removed"):
        series = new or old
        reach = f"{series.get('first')} to {series.get('last')}"
        return change.symbol, change.kind, str(series.get("rows")), reach, str(series.get("fetched_at") or "-"), "-"
    known = bool(old and new)
    what = "longer or shorter" if change.kind == "range" else "revised"
    kinds = [name for name in ("source", "basis", "currency") if known and old.get(name) != new.get(name)]
    what += "".join(f", {name} {old.get(name)} -> {new.get(name)}" for name in kinds)
    if change.differing:
        moved = f"{change.differing} of {change.compared} differ, most on {change.session}: "
        moved += " -> ".join(
            "none" if value is None else percent(value, 4) for value in (change.return_before, change.return_after)
        )
    else:
        moved = f"all {change.compared} agree" if change.compared else "none to compare"
    if not known:
        return change.symbol, what, "not known", "not known", "not known", moved
    return (
        change.symbol,
        what,
        _both(str(old.get("rows")), str(new.get("rows"))),
        _both(*(f"{s.get('first')} to {s.get('last')}" for s in (old, new))),
        _both(*(str(s.get("fetched_at") or "-") for s in (old, new))),
        moved,
    )


def _claim(change: ClaimChange) -> tuple[str, ...]:
    return (
        change.event_id,
        change.ticker,
        change.kind,
        _both(*(text or "-" for text in change.claimed)),
        _both(*("-" if value is None else percent(value) for value in change.observed)),
        _both(*(text or "-" for text in change.verdict)),
    )


def _effects(found: Difference, limit: int | None) -> Table:
    columns = ("event", "ticker", "window", "CAR", "std. error", "p", "unusual", "may come from")
    note = "two reports do not show which of several changes moved a number"
    return _table("Effects", columns, [_effect(e) for e in found.effects], limit, note if found.effects else "")


def _effect(effect: Effect) -> tuple[str, ...]:
    return (
        effect.event_id,
        effect.ticker,
        _both(*effect.window),
        _both(*("-" if value is None else percent(value) for value in effect.car)),
        _both(*("-" if value is None else size(value, 2) for value in effect.std_error)),
        _both(*("-" if value is None else p_value(value) for value in effect.p_t)),
        effect.significance or "-",
        "; ".join(effect.reasons) or "nothing that the folders record",
    )

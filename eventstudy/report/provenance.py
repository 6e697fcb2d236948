"""manifest.json: what made these numbers. The only file with a clock, paths and versions."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eventstudy import __version__
from eventstudy.report.document import Table
from eventstudy.results import SCHEMA_VERSION

if TYPE_CHECKING:
    from eventstudy.data.factors import FactorTable
    from eventstudy.data.prices import Choice, Provenance
    from eventstudy.evaluate.audit import Audit
    from eventstudy.results import StudyResult

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "exchange_calendars",
    "typer",
    "matplotlib",
    "statsmodels",
    "yfinance",
    "curl_cffi",
    "pyarrow",
    "numba",
    "dask",
    "distributed",
)


def versions() -> dict[str, str]:
    """Versions of what took part in this run; packages that were not loaded are left out."""
    loaded = {name: sys.modules[name] for name in PACKAGES if name in sys.modules}
    return {
        "eventstudy": __version__,
        "python": platform.python_version(),
        **{name: str(getattr(module, "__version__", "unknown")) for name, module in loaded.items()},
    }


def prices_table(series: Sequence[Provenance]) -> Table:
    """Where the prices of each series come from, as a table of a page."""
    columns = ("symbol", "source", "total return from", "first", "last", "rows", "sha256")
    rows = tuple((p.symbol, p.source, p.returns_from, p.first, p.last, str(p.rows), p.sha256[:12]) for p in series)
    return Table(caption="Prices", columns=columns, rows=rows, numeric=frozenset({5}), folded=True)


def counts(result: StudyResult) -> dict[str, int]:
    """Rows read, studied and excluded; they reconcile."""
    return {
        "read": result.n_read,
        "studied": result.totals.n_studied,
        "excluded": result.lost.shape[1],
    }


def manifest(result: StudyResult, files: Mapping[str, str], audit: Audit | None) -> dict[str, Any]:
    """Everything needed to say where a report comes from.

    Parameters
    ----------
    files : mapping
        Relative path -> sha256 of every file of this run.
    """
    spec, prepared = asdict(result.spec), result.prepared
    spec.pop("notices")
    return {
        "schema_version": SCHEMA_VERSION,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(sys.argv),
        "versions": versions(),
        "engine": result.studied.engine,
        "spec": spec,
        "spec_sha256": result.spec.digest(),
        "events": prepared.index.events.path,
        "counts": counts(result),
        "audit": None if audit is None else {**asdict(audit), "agrees": audit.agrees},
        "prices": _choice(prepared.choice, result.spec.source),
        "factors": _factors(prepared.factors),
        "series": [asdict(provenance) for provenance in result.provenance],
        "notices": list(result.notices),
        "executor": result.executor,
        "files": dict(files),
    }


def _choice(choice: Choice | None, asked: str) -> dict[str, Any]:
    """Which source was asked for, which one served, and what was tried on the way."""
    if choice is None:
        return {"asked": asked, "chosen": asked, "why": [], "stale": ""}
    return {"asked": asked, "chosen": choice.source, "why": list(choice.why), "stale": choice.stale}


def _factors(table: FactorTable | None) -> dict[str, Any] | None:
    """The factor file of a factor model: which one, and how far it reaches."""
    if table is None:
        return None
    span = {"first": str(table.dates[0]), "last": str(table.dates[-1])} if len(table.dates) else {}
    live = {"vintage": table.vintage, "fetched_at": table.fetched_at} if table.vintage else {}
    return {"path": table.path, "sha256": table.sha256, "rows": len(table.dates), "unit": table.unit, **span, **live}

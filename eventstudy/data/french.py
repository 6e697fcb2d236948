"""Daily factors from Kenneth French's data library, through pandas-datareader, kept beside the price store."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.atomic_write import write_whole
from eventstudy.data import clock
from eventstudy.data.factors import PERCENT_DEVIATION, FactorTable
from eventstudy.data.network import FRENCH, LARGEST_REPLY, TooLarge, bounded_requests
from eventstudy.data.prices import Dates, Floats
from eventstudy.data.store import default_folder
from eventstudy.errors import MalformedResponse, SourceUnavailable
from eventstudy.extras import missing
from eventstudy.opening import RECORD, text
from eventstudy.spec import StudySpec

LIBRARY = "Kenneth French's data library"
THREE, FIVE, MOMENTUM = (
    "F-F_Research_Data_Factors_daily",
    "F-F_Research_Data_5_Factors_2x3_daily",
    "F-F_Momentum_Factor_daily",
)
# Columns that a data set must hold to be one.
HELD = {
    THREE: ("mkt_rf", "smb", "hml", "rf"),
    FIVE: ("mkt_rf", "smb", "hml", "rmw", "cma", "rf"),
    MOMENTUM: ("mom",),
}
# What the library writes where it has no figure.
MISSING = (-99.99, -999.0)
# The library is revised every month or two; once a day is often enough to ask.
ASK_AGAIN_DAYS = 1.0
_VINTAGE = re.compile(r"\b((?:19|20)\d{4})\s+(?:CRSP|Bloomberg)\b")
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set of the library, in decimals.

    Attributes
    ----------
    vintage : str
        Year and month of the data base behind it, such as ``202509``; empty where the library does not say.
    fetched_at : str
        ISO, UTC.
    dates : datetime64[D] (n,)
        Strictly increasing.
    columns : dict
        Name in lower case -> float64 (n,); NaN where the library has no figure.
    """

    name: str
    vintage: str
    fetched_at: str
    dates: Dates
    columns: dict[str, Floats]


def datasets(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The data sets that hold some factors. The size factor of the five-factor set is another than of the three."""
    first = FIVE if {"rmw", "cma"} & set(columns) else THREE
    return (first, MOMENTUM) if "mom" in columns else (first,)


def live_factors(spec: StudySpec, columns: tuple[str, ...]) -> FactorTable:
    """Factors of the United States for a model, from the library or from what was kept of it.

    What was kept is used under ``--offline``, where it is younger than ``--max-age`` (a day where that is not given),
    and with a notice where the library does not answer.

    Raises
    ------
    UsageError
        pandas-datareader is not installed.
    SourceUnavailable
        The library does not answer, or offline, and nothing was kept.
    MalformedResponse
        What it sent is not a daily factor file in percent.
    """
    folder = (Path(spec.store).expanduser() if spec.store else default_folder()) / "factors"
    found, stale = [], False
    for name in datasets(columns):
        part, old = _dataset(folder, name, spec)
        found.append(part)
        stale = stale or old
    return joined(found, stale=stale)


def _dataset(folder: Path, name: str, spec: StudySpec) -> tuple[Dataset, bool]:
    """A data set, and whether an older copy replaces the library's."""
    kept = load(folder, name)
    if kept is not None and (spec.offline or _young(kept, spec.max_age)):
        return kept, False
    if spec.offline:
        raise SourceUnavailable(
            f"{LIBRARY} may not be asked offline, and {folder} holds no {name}",
            "factors that were fetched before",
            "run once without --offline, or name a file with --factors FILE",
        )
    try:
        fresh = fetch(name)
    except SourceUnavailable:
        if kept is None:
            raise
        return kept, True
    # a full or read-only disk costs the copy, never the study
    with suppress(OSError):
        keep(folder, fresh)
    return fresh, False


def _young(kept: Dataset, max_age: float | None) -> bool:
    age = clock.utc_now() - datetime.fromisoformat(kept.fetched_at)
    # a clock that was set back makes nothing young
    return 0 <= age.total_seconds() <= 86_400 * (ASK_AGAIN_DAYS if max_age is None else max_age)


def fetch(name: str) -> Dataset:
    """Ask the library for one data set."""
    try:
        from pandas_datareader.famafrench import FamaFrenchReader
    except ImportError as error:
        raise missing("--factors live", "pandas-datareader", "factors") from error
    advice = "try again later, or download the file, divide by 100 and name it with --factors FILE"
    options = {"retry_count": 2, "pause": 0.5, "timeout": 20, "session": bounded_requests(FRENCH, _small)}
    try:
        answer = FamaFrenchReader(name, start="1926-01-01", **options).read()
    except OSError as error:
        # the reader's own error and those of requests are OSErrors; of the reader's text, a page is left out
        said, _, cause = str(error).strip().partition("\nException:\n")
        said = cause.partition("Caused by ")[2] or cause or said or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in said:
            advice = "a proxy may replace certificates; name its authority with REQUESTS_CA_BUNDLE=FILE"
        raise SourceUnavailable(
            f"{LIBRARY} does not answer for {name}: {said.splitlines()[0][:200]}", "an answer", advice
        ) from error
    except Exception as error:
        raise MalformedResponse(
            f"{LIBRARY} sent something for {name} that cannot be read ({type(error).__name__})", "a zipped CSV", advice
        ) from error
    return checked(name, answer)


def _small(body: bytes) -> None:
    """Refuse an archive that unpacks to more than a data set can be; its reader unpacks as much as is declared."""
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(body)) as archive:
        if sum(inside.file_size for inside in archive.infolist()) > LARGEST_REPLY:
            raise TooLarge(f"what the library sent unpacks to more than {LARGEST_REPLY >> 20} MiB")


def checked(name: str, answer: Mapping[Any, Any]) -> Dataset:
    """Factors of an answer, in decimals.

    Raises
    ------
    MalformedResponse
        No table of days, a date twice, a figure that is not a number, a unit other than percent, or a column that is
        not there.
    """
    frame = answer.get(0)
    try:
        days = np.array([str(day) for day in frame.index], dtype="datetime64[D]")  # type: ignore[union-attr]
        columns = {
            str(column).strip().lower().replace("-", "_"): frame[column].to_numpy(dtype=np.float64)  # type: ignore[index]
            for column in frame.columns  # type: ignore[union-attr]
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedResponse(f"{LIBRARY} sent no table of days for {name}", "daily factors in percent") from error
    order = np.argsort(days)
    wanted = HELD[name][0]
    if absent := [column for column in HELD[name] if column not in columns]:
        raise MalformedResponse(f"{LIBRARY} sent {name} without {', '.join(absent)}", "daily factors in percent")
    if not len(days) or len(np.unique(days)) < len(days):
        raise MalformedResponse(f"{LIBRARY} sent no table of days for {name}", "daily factors in percent")
    decimal = {n: np.where(np.isin(v, MISSING), np.nan, v)[order] / 100 for n, v in columns.items()}
    spread = float(np.nanstd(decimal[wanted])) if np.isfinite(decimal[wanted]).any() else 0.0
    # in percent a day's deviation is near one; a tenth of that or ten times it is another unit
    if not PERCENT_DEVIATION / 100 <= spread <= PERCENT_DEVIATION:
        raise MalformedResponse(
            f"{LIBRARY} sent {wanted} for {name} with a daily deviation of {100 * spread:.3g}",
            "daily factors in percent",
        )
    vintage = _VINTAGE.search(str(answer.get("DESCR", "")))
    stamp = clock.utc_now().isoformat(timespec="seconds")
    return Dataset(name, vintage[1] if vintage else "", stamp, days[order], decimal)


def joined(parts: list[Dataset], *, stale: bool = False) -> FactorTable:
    """Data sets as one table on the days of the first; a day that another lacks is NaN there."""
    days = parts[0].dates
    columns: dict[str, Floats] = {}
    for part in parts:
        at = np.minimum(np.searchsorted(part.dates, days), len(part.dates) - 1)
        known = part.dates[at] == days
        for name, values in part.columns.items():
            columns.setdefault(name, np.where(known, values[at], np.nan))
    digest = hashlib.sha256(days.astype(np.int64).tobytes())
    for name in sorted(columns):
        digest.update(name.encode() + columns[name].tobytes())
    vintage = "; ".join(f"{part.name} {part.vintage or 'of unknown vintage'}" for part in parts)
    notice = (
        f"{LIBRARY} did not answer: factors of an earlier answer ({vintage}), which end on {days[-1]}" if stale else ""
    )
    return FactorTable(
        "live",
        days,
        columns,
        digest.hexdigest(),
        unit="percent, divided by 100",
        vintage=vintage,
        fetched_at=min(part.fetched_at for part in parts),
        notice=notice,
    )


def load(folder: Path, name: str) -> Dataset | None:
    """The stored copy of a data set; None where there is none, or it is damaged."""
    try:
        record = json.loads(text(folder / f"{name}.json", RECORD, links=False))
        body = {key: record[key] for key in ("name", "vintage", "dates", "columns")}
        if record["schema"] != _SCHEMA or record["sha256"] != _digest(body) or record["name"] != name:
            return None
        datetime.fromisoformat(record["fetched_at"])
        columns = {
            column: np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            for column, values in record["columns"].items()
        }
        dates = np.array(record["dates"], dtype="datetime64[D]")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Dataset(name, record["vintage"], record["fetched_at"], dates, columns)


def keep(folder: Path, found: Dataset) -> None:
    """Write a data set whole or not at all."""
    body = {
        "name": found.name,
        "vintage": found.vintage,
        "dates": [str(day) for day in found.dates],
        "columns": {n: [None if np.isnan(v) else float(v) for v in values] for n, values in found.columns.items()},
    }
    record = {"schema": _SCHEMA, "fetched_at": found.fetched_at, "sha256": _digest(body), **body}
    write_whole(folder / f"{found.name}.json", json.dumps(record).encode())


def _digest(body: Mapping[str, Any]) -> str:
    """sha256 over what a copy holds, so that a damaged one is never read as figures."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

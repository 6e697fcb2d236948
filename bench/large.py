"""Files of a large study, made up: prices of many securities on New York's sessions, and any number of events.

Written a part at a time, so that five million events cost no more memory than ten thousand.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from eventstudy.data.calendar import load_calendar

SECURITIES, FIRST, LAST = 1500, date(2014, 1, 2), date(2024, 12, 31)
MARKET = "MKT"


def sessions() -> np.ndarray:
    """New York's sessions, datetime64[D]."""
    return load_calendar("XNYS", FIRST, LAST).sessions


def write_prices(path: Path, securities: int = SECURITIES) -> Path:
    """Closes of a market and of securities with betas and fat tails, half of which miss 2 % of their days."""
    import pyarrow
    import pyarrow.parquet

    days = sessions()
    rng = np.random.default_rng(20250416)
    market = rng.normal(3e-4, 0.01, len(days))
    schema = pyarrow.schema([("ticker", pyarrow.string()), ("date", pyarrow.date32()), ("close", pyarrow.float64())])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for number in range(-1, securities):
            own = market if number < 0 else rng.uniform(0.8, 1.5) * market + 0.014 * rng.standard_t(5, len(days)) / 1.3
            close = 100 * np.cumprod(1 + np.clip(own, -0.5, 1.0))
            seen = np.ones(len(days), dtype=bool) if number < 0 or number % 2 else rng.random(len(days)) > 0.02
            name = MARKET if number < 0 else ticker(number)
            writer.write_table(
                pyarrow.table(
                    [pyarrow.array([name] * int(seen.sum())), pyarrow.array(days[seen]), pyarrow.array(close[seen])],
                    schema=schema,
                )
            )
    return path


def write_events(path: Path, n: int, securities: int = SECURITIES, seed: int = 7) -> Path:
    """Announcements before the opening of random sessions that have 270 before and 20 after them."""
    import pyarrow
    import pyarrow.parquet

    days = sessions()
    rng = np.random.default_rng(seed)
    names = np.array([ticker(number) for number in range(securities)])
    schema = pyarrow.schema([(column, pyarrow.string()) for column in ("event_id", "ticker", "announced_at", "timing")])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for start in range(0, n, 250_000):
            m = min(250_000, n - start)
            at = rng.integers(270, len(days) - 20, m)
            columns = (
                [f"e{start + i}" for i in range(m)],
                names[rng.integers(0, securities, m)],
                np.datetime_as_string(days[at], unit="D"),
                ["bmo"] * m,
            )
            writer.write_table(pyarrow.table([pyarrow.array(values) for values in columns], schema=schema))
    return path


def ticker(number: int) -> str:
    """The symbol of a security."""
    return f"S{number:05d}"

"""Daily figures as a file, a frame or a reply states them, before anything is decided about dates, basis or splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eventstudy.data.prices import Dates, Floats

# Canonical names of the columns that readers of price files hand over.
COLUMNS = ("close", "open", "high", "low", "volume", "adj_close", "dividend", "split", "return", "span")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSeries:
    """Daily figures of one symbol, one row per date, as stated.

    Attributes
    ----------
    dates : datetime64[D] (n,)
        Exchange days, in the order of the source.
    columns : mapping of str to float64 (n,)
        Canonical name (``COLUMNS``) -> figures; NaN where a cell is empty. ``split`` holds ratios such as 4.0 for 4:1
        (0 or NaN on other days), ``return`` simple decimal returns, ``span`` sessions that a return covers (NaN where
        that is not stated, infinite where it covers all sessions since the row before).
    layout : str
        Name of the known layout the figures came in; empty for the program's own headings.
    heading_basis : str
        What the layout says of ``close``: ``adjusted`` (for splits and dividends), ``split-adjusted``, ``raw``,
        ``returns``, or empty where it says nothing.
    source, origin, fetched_at, currency : str
        As in ``Provenance``.
    running : int
        The row that is stamped inside a session, as ``price_dates.Days`` has it; -1 for none. Its figures are not
        final and are left out.
    notes : tuple of str
        What the reader did: rows left out, codes in place of figures.
    """

    symbol: str
    dates: Dates
    columns: Mapping[str, Floats]
    layout: str
    heading_basis: str
    source: str
    origin: str
    fetched_at: str = ""
    currency: str = ""
    running: int = -1
    notes: tuple[str, ...] = ()

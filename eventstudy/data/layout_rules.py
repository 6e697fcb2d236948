"""Conversion of the figures of a layout: CRSP's codes, Compustat's factors, periods of bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eventstudy.data.prices import Floats

# prices of a day without a trade of its own: Compustat carries them forward, CRSP computes them for a delisting
CARRIED, COMPUTED = ("4",), ("dp", "da")


@dataclass(slots=True)
class Stated:
    """Figures of one symbol as stated, rows in the order of the source.

    Attributes
    ----------
    figures : dict of str to float64 (n,)
        NaN where a cell is empty.
    texts : dict of str to list of str
    coded : dict of str to bool (n,)
        Rows that hold a code instead of a figure.
    basis : str
        As ``RawSeries.heading_basis``.
    trouble : list of str
        Why the series cannot be read.
    """

    figures: dict[str, Floats]
    texts: dict[str, list[str]]
    basis: str
    coded: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def _crsp(stated: Stated) -> None:
    """Midpoints without their sign, prices by CRSP's factor, the delisting return counted once."""
    figures = stated.figures
    _midpoints(stated)
    factor = figures.pop("factor", None)
    if factor is not None and "close" in figures:
        if (factor == 0).any():
            stated.trouble.append("cfacpr is 0 in some rows; export it with more digits")
        for name in ("close", "open", "high", "low"):
            if name in figures:
                figures[name] = figures[name] / np.where(factor == 0, np.nan, factor)
        stated.basis = "split-adjusted"
    if "return" not in figures:
        stated.notes.append("there is no RET: returns are computed from PRC, without dividends and delisting returns")
    delisting, lost = figures.pop("delisting", None), stated.coded.get("delisting")
    if lost is not None and lost.any() and "return" in figures:
        # what the shares were worth after the last trade is unknown, so that the return of the last row is unknown
        figures["return"] = np.where(lost, np.nan, figures["return"])
        stated.notes.append("the delisting return is missing (DLRET holds a code): so is the return of that row")
    if delisting is None or not np.isfinite(delisting).any():
        return
    last = np.isfinite(delisting)
    own = figures.get("return", np.full(len(delisting), np.nan))
    alone = last & ~np.isfinite(own)
    figures["return"] = np.where(last, (1 + np.where(alone, 0.0, own)) * (1 + delisting) - 1, own)
    # a delisting return in a row of its own is earned since the last trade
    figures["span"] = np.where(alone, np.inf, figures.get("span", np.full(len(delisting), np.nan)))
    stated.notes.append("the delisting return is part of the last return")


def _midpoints(stated: Stated) -> None:
    for name in ("close", "open"):
        values = stated.figures.get(name)
        if values is None:
            continue
        negative = int((values < 0).sum())
        if negative and name == "close":
            stated.notes.append(f"{negative} closes are midpoints of bid and ask")
        stated.figures[name] = np.where(values == 0, np.nan, np.abs(values))


def _ciz(stated: Stated) -> None:
    """The delisting return is in a row of its own; its price is not a close."""
    _midpoints(stated)
    figures = stated.figures
    computed = np.array([text.strip().lower() in COMPUTED for text in stated.texts.get("status", [])], dtype=bool)
    delisted = np.array([text.strip().lower() == "y" for text in stated.texts.get("delisted", [])], dtype=bool)
    n = len(figures["return"])
    computed, delisted = (flags if len(flags) else np.zeros(n, dtype=bool) for flags in (computed, delisted))
    for name in ("close", "open", "high", "low"):
        if name in figures:
            figures[name] = np.where(computed | delisted, np.nan, figures[name])
    counted = delisted & np.isfinite(figures["return"])
    if counted.any():
        figures["span"] = np.where(counted, np.inf, np.nan)
        stated.notes.append("the delisting return is the last row")


def _compustat(stated: Stated) -> None:
    """prccd/ajexdi adjusted for splits, times trfd for distributions; prices carried forward are not closes."""
    figures = stated.figures
    carried = np.array([text.split(".")[0] in CARRIED for text in stated.texts.get("status", [])], dtype=bool)
    if carried.any():
        stated.notes.append(f"{int(carried.sum())} closes that Compustat carried forward are left out (prcstd 4)")
        for name in ("close", "open", "high", "low"):
            if name in figures:
                figures[name] = np.where(carried, np.nan, figures[name])
    factor, reinvested = figures.pop("factor", None), figures.pop("reinvested", None)
    if factor is not None and (factor == 0).any():
        stated.trouble.append("ajexdi is 0 in some rows; export it with more digits")
        return
    if factor is None:
        if reinvested is not None:
            stated.notes.append("trfd is not used without ajexdi")
        return
    for name in ("close", "open", "high", "low"):
        if name in figures:
            figures[name] = figures[name] / factor
    stated.basis = "split-adjusted"
    if reinvested is not None:
        figures["adj_close"] = figures["close"] * np.where(np.isfinite(reinvested), reinvested, 1.0)


def _daily(stated: Stated) -> None:
    others = sorted({text for text in stated.texts.get("period", []) if text.strip().lower() != "d"})
    if others:
        stated.trouble.append(f"<PER> holds {', '.join(others[:3])}; daily figures (D) are read")


RULES: dict[str, Callable[[Stated], None]] = {
    "crsp": _crsp,
    "crsp-ciz": _ciz,
    "compustat": _compustat,
    "daily": _daily,
}

"""Readings of several sources as one row per day of results; where they disagree, the row has no bucket and says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from eventstudy.data.collect.merge import CONFOUNDERS
from eventstudy.data.collect.readings import Reading

# Results of a firm are a quarter apart; dates closer than this are of one quarter.
ONE_QUARTER = timedelta(days=25)
Row = dict[str, str]


def earnings_rows(
    ticker: str, readings: Sequence[Reading], kind: str, filed: Sequence[date] = ()
) -> tuple[list[Row], list[str]]:
    """One row a day of results.

    Parameters
    ----------
    readings : sequence of Reading
        Of any number of sources.
    kind : {"events", "confounders"}
        Which columns the rows have.
    filed : sequence of date
        Days on which the firm filed its results (item 2.02); they decide between two dates of one quarter.

    Returns
    -------
    list of dict, list of str
        Rows by date, and a sentence for each disagreement.
    """
    rows, notes = [], []
    for group in _quarters(readings):
        day, bucket, why = _agreed(group, filed)
        said = f"{why}: {'; '.join(_said(group))}." if why else ""
        if why:
            notes.append(f"{ticker} {day}: {said}")
        sources = ", ".join(dict.fromkeys(one.source for one in group))
        rows.append(_row(ticker, day, bucket, sources, said, kind))
    return rows, notes


def _quarters(readings: Sequence[Reading]) -> list[list[Reading]]:
    groups: list[list[Reading]] = []
    for one in sorted(dict.fromkeys(readings), key=lambda one: (one.day, one.source)):
        if groups and one.day - groups[-1][0].day < ONE_QUARTER:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _agreed(group: list[Reading], filed: Sequence[date]) -> tuple[date, str, str]:
    """Day and bucket of a quarter, and what the readings disagree about; empty where they agree."""
    days = sorted({one.day for one in group})
    if len(days) == 1:
        buckets = {one.bucket for one in group if one.bucket}
        if len(buckets) > 1:
            return days[0], "", "The sources disagree about the hour"
        return days[0], next(iter(buckets), ""), ""
    reported = {one.day for one in group if one.reported}
    for beside, what in (
        ([day for day in days if day in filed], "the firm filed its results on"),
        ([day for day in days if day in reported], "there are figures beside"),
    ):
        if len(beside) == 1:
            buckets = {one.bucket for one in group if one.day == beside[0] and one.bucket}
            why = f"Two dates of one quarter; {what} {beside[0]}"
            return beside[0], next(iter(buckets)) if len(buckets) == 1 else "", why
    # the earliest session that could react
    return days[0], "", "Two dates of one quarter, the earlier one is taken"


def _said(group: Sequence[Reading]) -> list[str]:
    return [f"{one.source} says {one.said}" for one in group]


def _row(ticker: str, day: date, bucket: str, sources: str, notes: str, kind: str) -> Row:
    if kind == CONFOUNDERS:
        row = {
            "at": day.isoformat(),
            "timing": bucket,
            "tickers": ticker,
            "kind": "earnings",
            "title": f"{ticker} results",
            "source": sources,
        }
        return row | ({"notes": notes} if notes else {})
    return {
        "event_id": "".join(
            c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in f"{ticker}_results_{day}"
        ),
        "ticker": ticker,
        "announced_at": day.isoformat(),
        "timing": bucket,
        "role": "direct",
        "category": "earnings",
        "title": f"{ticker} results",
        "source": sources,
        "notes": notes,
        "uncertain": "yes" if notes else "",
    }

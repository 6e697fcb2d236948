"""Yahoo's calendar of results: its page read row by row, so that a row without a date moves no other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from eventstudy.data.collect.readings import ABROAD, Answer, Reading, bucket_of_hour, is_home
from eventstudy.data.http import Reply, Web
from eventstudy.data.tickers import yahoo_spelling
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable

NAME = "Yahoo calendar"
PAGE = "https://finance.yahoo.com/calendar/earnings"
ROWS, MOST_PAGES = 100, 10
NEEDED = ("symbol", "earnings date")
REPORTED = "reported eps"
# Hours of New York at which midnight UTC falls, and in which of its zones each does
MIDNIGHT_UTC = {19: ("EST", "ET"), 20: ("EDT", "ET")}
EASTERN = ("EST", "EDT", "ET")
_WHEN = re.compile(
    r"([A-Z][a-z]+)\.? (\d{1,2}), (\d{4})(?:,? at |, )?(?:(\d{1,2})(?::(\d{2}))? ?([AP])M)? ?"
    r"([A-Za-z]{1,5}|[+-]\d{2}:?\d{2})?"
)


def yahoo_web() -> Web:
    """Yahoo's pages as a service."""
    return Web(service="Yahoo", domains=("yahoo.com",), per_second=2.0, browser=True)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the page: hour None where there is no clock."""

    day: date
    hour: int | None
    zone: str
    said: str
    reported: bool


def yahoo_readings(web: Web, ticker: str, since: date, today: date) -> Answer:
    """Days of results of a ticker from a date on, as far as they are past.

    Raises
    ------
    SourceUnavailable, RateLimited, MalformedResponse
        If Yahoo refuses, or answers with something that is not a calendar.
    """
    out, rows, before = Answer(), list[_Row](), list[list[str]]()
    symbol = yahoo_spelling(ticker)
    for page in range(MOST_PAGES):
        query = {"symbol": symbol, "offset": str(page * ROWS), "size": str(ROWS)}
        header, cells = _table(_page(web, query, symbol), symbol)
        if not cells:
            break
        if cells == before:
            out.notes.append(f"{ticker}: Yahoo sent its page {page} twice; what follows it is missing")
            break
        before = cells
        rows += _read(header, cells, symbol, ticker, out)
        if len(cells) < ROWS or (rows and min(row.day for row in rows) < since):
            break
    if not before:
        out.notes.append(f"{ticker}: Yahoo's calendar has no row for {symbol}; it does not say why")
    return _readings(rows, ticker, since, today, out)


def _page(web: Web, query: dict[str, str], symbol: str) -> str:
    reply = web.get(PAGE, query)
    said = reply.text[:200_000]
    if reply.status == 429 or "too many requests" in said[:2000].lower():
        raise RateLimited(
            "Yahoo refuses requests from this address for now (too many requests)", hint="wait some minutes"
        )
    if _asks_for_consent(reply, said):
        raise SourceUnavailable(
            f"Yahoo asks for consent to cookies instead of the calendar of {symbol}",
            hint="this happens to addresses in Europe; use --from finnhub or --from FILE",
        )
    if reply.status != 200:
        raise SourceUnavailable(
            f"Yahoo refuses the calendar of {symbol} (status {reply.status})", hint="try again later, or --from FILE"
        )
    if "will be right back" in said.lower():
        raise SourceUnavailable("Yahoo is down for maintenance", hint="try again later")
    return reply.text


def _asks_for_consent(reply: Reply, said: str) -> bool:
    return reply.host.startswith(("consent.", "guce.")) or "consent.yahoo.com" in said or 'class="consent' in said


def _tables(text: str) -> list[list[list[str]]]:
    """The tables of a page as rows of texts."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(text, "html.parser")
    return [
        [[" ".join(cell.get_text().split()) for cell in row.find_all(["td", "th"])] for row in table.find_all("tr")]
        for table in page.find_all("table")
    ]


def _table(text: str, symbol: str) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the calendar on a page; no rows where the page says that there are none.

    Raises
    ------
    MalformedResponse
        If the page has no calendar, or one without a heading that is needed.
    """
    for table in _tables(text):
        if not table:
            continue
        header = [cell.lower() for cell in table[0]]
        if not any("date" in cell or cell == "symbol" for cell in header):
            continue
        if absent := [name for name in NEEDED if name not in header]:
            raise MalformedResponse(
                f"Yahoo's calendar of {symbol} has no column {' and '.join(map(repr, absent))}; its headings are "
                f"{', '.join(table[0])[:200]}",
                hint="the program needs an update; --from finnhub or --from FILE",
            )
        return header, [row for row in table[1:] if row]
    if re.search(r"couldn.t find any results|no results|0 results", text, re.IGNORECASE):
        return [], []
    raise MalformedResponse(
        f"Yahoo's page for {symbol} holds no calendar ({len(text)} characters)",
        hint="it may be a consent page or a block; try again later, or --from FILE",
    )


def _read(header: list[str], cells: list[list[str]], symbol: str, ticker: str, out: Answer) -> list[_Row]:
    at, named, eps = header.index(NEEDED[1]), header.index(NEEDED[0]), _find(header, REPORTED)
    rows, undated, others = [], 0, 0
    for row in cells:
        if len(row) != len(header):
            raise MalformedResponse(
                f"Yahoo's calendar of {symbol} has a row of {len(row)} cells under {len(header)} headings",
                hint="try again",
            )
        if row[named].upper() != symbol.upper():
            others += 1
            continue
        when = _when(row[at])
        if when is None:
            undated += 1
            continue
        rows.append(replace(when, reported=eps >= 0 and row[eps] not in ("", "-", "--")))
    if undated:
        out.notes.append(
            f"{ticker}: {undated} row{'s' if undated > 1 else ''} of Yahoo's calendar without a date left out"
        )
    if others:
        out.notes.append(f"{ticker}: {others} rows of Yahoo's calendar are those of other symbols and left out")
    return rows


def _find(header: list[str], name: str) -> int:
    return header.index(name) if name in header else -1


def _when(text: str) -> _Row | None:
    """``February 4, 2026 at 4 PM EST``; None where there is no date."""
    match = _WHEN.fullmatch(text.strip())
    if match is None:
        return None
    for form in ("%B %d %Y", "%b %d %Y"):
        try:
            day = datetime.strptime(f"{match[1]} {match[2]} {match[3]}", form).date()
        except ValueError:
            continue
        hour = None if match[4] is None else int(match[4]) % 12 + (12 if match[6] == "P" else 0)
        return _Row(day, hour, match[7] or "", text.strip(), False)
    return None


def _readings(rows: list[_Row], ticker: str, since: date, today: date, out: Answer) -> Answer:
    """Rows as readings: hours as buckets, midnights of UTC as the date that they mean."""
    unique = list(dict.fromkeys(rows))
    home = is_home(ticker)
    eastern = [row for row in unique if row.zone in EASTERN]
    foreign = sorted({row.zone for row in unique if row.zone not in EASTERN and row.hour is not None})
    if foreign:
        out.notes.append(
            f"{ticker}: Yahoo gives hours in {', '.join(zone or 'no zone' for zone in foreign)}; "
            "those rows have no bucket"
        )
    midnight = bool(eastern) and all(row.hour in MIDNIGHT_UTC for row in eastern)
    if midnight:
        out.notes.append(
            f"{ticker}: every hour is 19:00 or 20:00 New York, which is midnight UTC: no clock, and the following date"
        )
    single = [] if midnight else [row for row in unique if row.zone in MIDNIGHT_UTC.get(row.hour or 0, ())]
    if single:
        out.notes.append(
            f"{ticker}: {len(single)} of {len(unique)} rows have the hour of midnight UTC ({single[0].said}); they are "
            "read as after the close. If midnight is meant, the results are of the following date: check these rows"
        )
    coming = 0
    for row in unique:
        moved = midnight and row.zone in EASTERN
        day = row.day + timedelta(days=1) if moved else row.day
        known = row.zone in EASTERN and row.hour is not None and not moved and home
        bucket = bucket_of_hour(row.hour or 0) if known else ""
        if day > today:
            coming += 1
        elif day >= since:
            out.readings.append(Reading(ticker, day, bucket, row.said, NAME, row.reported))
    if coming:
        out.notes.append(f"{ticker}: {coming} coming dates are estimates and left out")
    if not home and any(row.hour is not None for row in unique):
        out.notes.append(ABROAD.format(ticker=ticker))
    return out

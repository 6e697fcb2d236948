"""The filings, or the results, of some tickers: what came, what is missing, and what a person should know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from eventstudy.data.cells import check_ticker
from eventstudy.data.collect.earnings import earnings_rows
from eventstudy.data.collect.edgar import Edgar, Filing
from eventstudy.data.collect.filings import Wanted, dated
from eventstudy.data.collect.readings import Answer
from eventstudy.errors import EventStudyError, RateLimited, SourceUnavailable, UsageError
from eventstudy.opening import TABLE, exists, opened_text

RESULTS_ITEM = "2.02"
Row = dict[str, str]


@dataclass(slots=True)
class Gathered:
    """Rows and the account of how they came.

    Attributes
    ----------
    rows : list of dict
    listed, read : int
        Filings, or days, that the source lists and that are selected; those that became rows.
    failed : list of str
        What could not be read, as sentences.
    notes, counts : list of str
        What a person should know; the account in words.
    hint : str
        What to do about failures.
    """

    rows: list[Row] = field(default_factory=list)
    listed: int = 0
    read: int = 0
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    hint: str = ""

    def summary(self) -> dict[str, Any]:
        """The account for programs."""
        return {"listed": self.listed, "read": self.read, "failed": self.failed, "warnings": self.notes}

    def fail(self, sentence: str, error: EventStudyError) -> None:
        """Note a failure and what to do about it."""
        self.failed.append(f"{sentence}: {error.found}")
        self.hint = self.hint or error.hint


def gather_filings(edgar: Edgar, tickers: Sequence[str], wanted: Wanted, say: Callable[[str], None]) -> Gathered:
    """Filings of some tickers as rows of an events file.

    After a refusal for too many requests nothing more is asked; what came is returned. Raises ``UsageError`` if a
    ticker names no company, with all that do not. Raises ``SourceUnavailable`` if not even the list of tickers can be
    had."""
    out, companies, problems = Gathered(), [], []
    for ticker in dict.fromkeys(tickers):
        try:
            check_ticker(ticker.partition("=")[0])
            companies.append((ticker.partition("=")[0], *edgar.company(ticker)))
        except ValueError as error:
            problems.append(f"{ticker}: {error}" if not isinstance(error, UsageError) else error.in_lines())
    if problems:
        raise UsageError("\n  ".join(problems))
    refused: RateLimited | None = None
    for ticker, cik, _ in companies:
        if refused is not None:
            out.failed.append(f"{ticker}: not asked after the refusal")
            continue
        try:
            index = edgar.index(cik, wanted.since)
        except RateLimited as error:
            refused = error
            out.fail(ticker, error)
            continue
        except SourceUnavailable as error:
            out.fail(ticker, error)
            continue
        out.failed += index.failed
        chosen = [filing for filing in index.filings if wanted.takes(filing)]
        refused = _read_headers(edgar, ticker, chosen, wanted, out, say)
        _tell(ticker, index.filings, chosen, wanted, out)
    return out


def _read_headers(
    edgar: Edgar, ticker: str, chosen: list[Filing], wanted: Wanted, out: Gathered, say: Callable[[str], None]
) -> RateLimited | None:
    """Date each filing by its header; the refusal that ended this, if one did."""
    read = 0
    for at, filing in enumerate(chosen):
        say(f"{ticker}: header {at + 1} of {len(chosen)}")
        try:
            header = edgar.header(filing)
        except RateLimited as error:
            rest = len(chosen) - at
            out.listed, out.read = out.listed + len(chosen), out.read + read
            out.fail(f"{ticker}: {rest} of {len(chosen)} filings, from {filing.filed} back", error)
            return error
        except SourceUnavailable as error:
            out.fail(f"{ticker} {filing.form} of {filing.filed} ({filing.accession})", error)
            continue
        read += 1
        if wanted.has_item(filing.form, filing.items or header.items):
            out.rows.append(dated(ticker, filing, header, trust_acceptance=wanted.trust_acceptance))
    out.listed, out.read = out.listed + len(chosen), out.read + read
    return None


def _tell(ticker: str, every: list[Filing], chosen: list[Filing], wanted: Wanted, out: Gathered) -> None:
    """Add counts and notes on this ticker's rows to ``out``."""
    forms = ", ".join(wanted.forms)
    ours = [filing for filing in every if filing.form in wanted.forms]
    out.counts.append(
        f"{ticker}: the index lists {len(ours)} filings of {forms} from {wanted.since} to {wanted.until}, "
        f"{len(chosen)} are selected"
    )
    if not ours:
        others = sorted({filing.form for filing in every})[:8]
        out.notes.append(
            f"{ticker} filed no {forms} from {wanted.since} on; its forms are {', '.join(others) or 'none at all'}"
        )
    mine = [row for row in out.rows if row["ticker"] == ticker]
    if any(row["category"].startswith("6-K") for row in mine):
        out.notes.append(
            f"{ticker}: the clock of a 6-K says when New York could read it. It is right for {ticker} in New York and "
            "wrong for the listing at home, where the timing must stay empty unless another source has the hour"
        )
        if wanted.items:
            out.notes.append(f"{ticker}: 6-Ks have no items, so --items leaves all of them in")
    if nameless := sum(row["category"] == "8-K" for row in mine):
        out.notes.append(f"{ticker}: {nameless} 8-Ks without any item are left in; their notes say so")
    if unsure := sum(row["uncertain"] == "yes" for row in mine):
        out.notes.append(f"{ticker}: day 0 of {unsure} rows is uncertain; their notes say why")
    if widened := sum(bool(row["window"]) for row in mine):
        out.notes.append(
            f"{ticker}: {widened} 8-Ks report an event of an earlier day, on which their window begins "
            "(--trust-acceptance turns this off)"
        )


def gather_earnings(
    tickers: Sequence[str], sources: Sequence[str], days: tuple[date, date], kind: str, folder: Path
) -> Gathered:
    """Days of results of some tickers as rows. Raises ``UsageError`` if a ticker or a source is not valid.

    Parameters
    ----------
    sources : sequence of str
        ``yahoo``, ``finnhub`` or names of files.
    days : (date, date)
        First and last.
    kind : {"events", "confounders"}
    folder : Path
        Where an events file may hold the firm's own filings.
    """
    out, problems = Gathered(), []
    wanted = list(dict.fromkeys(tickers))
    for ticker in wanted:
        try:
            check_ticker(ticker)
        except ValueError as error:
            problems.append(f"{ticker}: {error}")
    if problems:
        raise UsageError("\n  ".join(problems))
    answers: dict[str, list[Answer]] = {ticker: [] for ticker in wanted}
    for source in dict.fromkeys(sources):
        _ask(source, wanted, days, answers, out)
    filed = _filed_results(folder / "events.csv")
    for ticker in wanted:
        readings = [one for answer in answers[ticker] for one in answer.readings]
        out.notes += [note for answer in answers[ticker] for note in dict.fromkeys(answer.notes)]
        rows, notes = earnings_rows(ticker, readings, kind, filed.get(ticker, ()))
        out.rows += rows
        out.notes += notes
        out.listed += len(readings)
        out.read += len(rows)
        timed = sum(bool(row["timing"]) for row in rows)
        out.counts.append(f"{ticker}: {len(rows)} days of results from {days[0]} to {days[1]}, {timed} with a bucket")
    return out


def _ask(
    source: str, tickers: Sequence[str], days: tuple[date, date], answers: dict[str, list[Answer]], out: Gathered
) -> None:
    """One source for every ticker; a refusal for too many requests ends its part."""
    ask = _reader(source, tickers, days)
    for at, ticker in enumerate(tickers):
        try:
            answers[ticker].append(ask(ticker))
        except RateLimited as error:
            for rest in tickers[at:]:
                out.fail(f"{rest} from {source}", error)
            return
        except SourceUnavailable as error:
            out.fail(f"{ticker} from {source}", error)


def _reader(source: str, tickers: Sequence[str], days: tuple[date, date]) -> Callable[[str], Answer]:
    if source == "yahoo":
        from eventstudy.data.collect.yahoo_earnings import yahoo_readings, yahoo_web

        web = yahoo_web()
        return lambda ticker: yahoo_readings(web, ticker, *days)
    if source == "finnhub":
        from eventstudy.data.collect import finnhub
        from eventstudy.data.keys import key_of

        service = finnhub.finnhub_web(key_of(finnhub.KEY, finnhub.NAME))
        return lambda ticker: finnhub.finnhub_readings(service, ticker, *days)
    path = Path(source)
    if not exists(path):
        raise UsageError(
            f"source {source!r} is neither yahoo nor finnhub nor an existing file",
            "yahoo, finnhub or a CSV file",
            "Nasdaq's calendar is not offered: what it says of past days has no hour" if source == "nasdaq" else "",
        )
    from eventstudy.data.collect.earnings_file import file_answers

    found = file_answers(path, tickers, *days)
    return found.__getitem__


def _filed_results(path: Path) -> dict[str, list[date]]:
    """Days on which rows of an events file say that a firm filed its results: ticker -> days of New York."""
    import csv

    from eventstudy.reading import large_cells

    found: dict[str, list[date]] = {}
    with (
        suppress(OSError, ValueError, csv.Error, KeyError),
        opened_text(path, TABLE) as handle,
        large_cells(),
    ):
        for row in csv.DictReader(handle):
            if RESULTS_ITEM in (row.get("category") or "") and (row.get("source") or "").startswith("SEC "):
                found.setdefault(row["ticker"], []).append(date.fromisoformat(row["announced_at"][:10]))
    return found

"""A vendor that sends the bars of a symbol as a JSON list: requests until it refuses, and replies as vintages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from eventstudy.data import clock
from eventstudy.data.http import Reply, Web
from eventstudy.data.vendors.figures import bars_of
from eventstudy.data.vintage import PRICES, Bars, Vintage, no_bars, only_final
from eventstudy.errors import MalformedResponse, RateLimited, SourceUnavailable


@dataclass(slots=True, kw_only=True)
class Service:
    """One vendor.

    Attributes
    ----------
    name, title : str
        As options and as messages call it.
    keys : list of str
        Secrets that no message may hold.
    refusal : callable
        Why a reply is not an answer; None where it is one, or says that the symbol is unknown.
    fields : mapping
        The vendor's name of a column -> that of ``Bars``.
    stamp : pattern
        A date as the vendor writes it; its first group is YYYY-MM-DD.
    """

    name: str
    title: str
    web: Web
    keys: list[str]
    refusal: Callable[[Reply, str, list[str]], SourceUnavailable | None]
    fields: Mapping[str, str]
    stamp: re.Pattern[str]
    _closed_by: RateLimited | None = None

    def get(self, url: str, query: dict[str, str] | None, symbol: str) -> Reply:
        """A reply that is an answer, or says that a symbol is unknown. Raises ``RateLimited`` after a cap was reached;
        further calls raise it without asking. Raises what ``refusal`` returns."""
        if self._closed_by is not None:
            raise self._closed_by
        reply = self.web.get(url, query)
        error = self.refusal(reply, symbol, self.keys)
        if isinstance(error, RateLimited):
            self._closed_by = error
        if error is not None:
            raise error
        return reply

    def rows(self, reply: Reply, symbol: str) -> list[dict[str, Any]]:
        """The objects of a list. Raises ``MalformedResponse``."""
        try:
            found = json.loads(reply.body) if reply.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise MalformedResponse(
                f"{self.title}'s reply for {symbol} holds no list of bars, or half of one", hint="try again"
            )
        return found

    def bars(self, rows: list[dict[str, Any]], symbol: str) -> Bars:
        """Rows as bars; dates are calendar dates, and never converted. Raises ``MalformedResponse``."""
        try:
            stamps = [(str(row["date"]), self.stamp.fullmatch(str(row["date"]))) for row in rows]
            if odd := [text for text, match in stamps if match is None]:
                raise ValueError(f"an invalid date ({odd[0][:40]!r})")
            columns = {
                ours: [float("nan") if row[theirs] is None else float(row[theirs]) for row in rows]
                for theirs, ours in self.fields.items()
            }
            # a factor of one is not a split
            columns |= {"split": [0.0 if value == 1 else value for value in columns.get("split", [0.0] * len(rows))]}
            return bars_of([match[1] for _, match in stamps if match is not None], columns)
        except KeyError as error:
            raise MalformedResponse(
                f"{self.title}'s reply for {symbol} has bars without {error.args[0]!r}",
                hint="the program needs an update",
            ) from None
        except (ValueError, TypeError) as error:
            raise MalformedResponse(
                f"{self.title}'s reply for {symbol} holds {str(error)[:160]}", hint="try again later"
            ) from None

    def vintage(
        self, symbol: str, asked: tuple[date, date], reply: Reply | None, outcome: str, note: str,
        *, bars: Bars | None = None, zone: str = "", **facts: Any,
    ) -> Vintage:  # fmt: skip
        """What was asked and answered.

        Parameters
        ----------
        zone : str
            Time zone of the bars.
        **facts : str
            Of the listing: ``exchange``, ``currency``, ``instrument``.
        """
        from eventstudy import __version__

        at = reply.at if reply is not None else clock.utc_now()
        return Vintage(
            symbol=symbol,
            source=self.name,
            outcome=outcome,
            requested_start=asked[0],
            requested_end=asked[1],
            fetched_at=at,
            status=reply.status if reply is not None else 0,
            body_sha256=reply.sha256 if reply is not None and outcome == PRICES else "",
            client="eventstudy",
            client_version=__version__,
            timezone=zone,
            note=note,
            bars=no_bars() if bars is None else only_final(bars, zone, asked[0], at),
            **facts,
        )

"""Tiingo and EODHD as they answer, with the package's snapshot as what they hold: raw closes, each in its own form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from tests.network.services import Answer, Request
from tests.network.stand_in import Listing, snapshot_listings

KEY = "k3y-CANARY-5f00d"


@lru_cache(maxsize=1)
def listings() -> dict[str, Listing]:
    return {name: one for name, one in snapshot_listings().items() if name in ("NVDA", "SPY")}


@dataclass(frozen=True)
class Raw:
    """A series as traded: a bar is (close, dividend a share of that day, new shares per old)."""

    bars: dict[date, tuple[float, float, float]]

    @classmethod
    def of(cls, listing: Listing, ratio: float = 1.0, on: date | None = None, since: date = date(2022, 1, 1)) -> Raw:
        """The listing with a split: closes and dividends before it are those of old shares."""
        out = {}
        for day, bar in listing.bars.items():
            assert bar[3] is not None
            old = ratio if on and day < on else 1.0
            if day >= since:
                out[day] = (bar[3] * old, listing.dividends.get(day, 0.0) * old, ratio if day == on else 1.0)
        return cls(out)

    def adjusted(self, *, taken_off: bool) -> dict[date, float]:
        """The adjusted close, by the formula of CRSP (Tiingo), or with dividends taken off the close before (EODHD)."""
        days = sorted(self.bars)
        out, factor = {}, 1.0
        for day, before in zip(reversed(days), [*reversed(days[:-1]), None], strict=True):
            close, paid, split = self.bars[day]
            out[day] = close * factor
            if before is not None:
                earlier = self.bars[before][0]
                if taken_off:
                    factor *= (1 - paid * split / earlier) / split
                else:
                    # adjusted[t] / adjusted[t - 1] = (close + dividend) * split / close before
                    factor = out[day] / ((close + paid) * split / earlier) / earlier
        return out


@dataclass
class Tiingo:
    """The API; ``spoil`` maps part of a path to an answer, ``change`` edits the rows of NVDA."""

    series: dict[str, Raw]
    names: dict[str, str] = field(default_factory=dict)
    spoil: dict[str, Answer] = field(default_factory=dict)
    begins: str = ""
    change: Any = None

    def __call__(self, request: Request) -> Answer:
        assert KEY not in json.dumps([request.path, request.query]), "a key in an address"
        if request.headers.get("authorization") != f"Token {KEY}":
            return Answer(401, json.dumps({"detail": f"Invalid token {KEY}."}).encode())
        for part, answer in self.spoil.items():
            if part in request.path:
                return answer
        parts = request.path.removeprefix("/tiingo/daily/").split("/")
        symbol = parts[0].upper()
        if symbol not in self.series:
            return Answer(404, json.dumps({"detail": f"Error: Ticker '{symbol}' not found"}).encode())
        days = sorted(self.series[symbol].bars)
        if len(parts) == 1:
            meta = {
                "ticker": symbol,
                "name": self.names.get(symbol, f"{symbol} Inc"),
                "exchangeCode": "NASDAQ",
                "startDate": self.begins or str(days[0]),
                "endDate": str(days[-1]),
            }
            return Answer(200, json.dumps(meta).encode())
        rows = self.rows(symbol)
        first = request.query.get("startDate")
        kept = (
            [r for r in rows if first and first <= r["date"][:10] <= request.query["endDate"]] if first else rows[-1:]
        )
        return Answer(200, json.dumps(self.change(kept) if self.change and symbol == "NVDA" else kept).encode())

    def rows(self, symbol: str) -> list[dict[str, Any]]:
        raw = self.series[symbol]
        adjusted = raw.adjusted(taken_off=False)
        return [
            {
                "date": f"{day}T00:00:00.000Z", "close": close, "high": close * 1.01, "low": close * 0.99, "open": close,
                "volume": 1000, "adjClose": round(adjusted[day], 9), "adjHigh": 1, "adjLow": 1, "adjOpen": 1,
                "adjVolume": 1000, "divCash": paid, "splitFactor": split,
            }
            for day, (close, paid, split) in sorted(raw.bars.items())
        ]  # fmt: skip


@dataclass
class Eodhd:
    """The API; its adjusted close is right after the last split alone, its volumes are those of today's shares."""

    series: dict[str, Raw]
    spoil: dict[str, Answer] = field(default_factory=dict)
    change: Any = None
    currency: str | None = "USD"

    def __call__(self, request: Request) -> Answer:
        if request.query.get("api_token") != KEY:
            return Answer(401, f"Unauthenticated {request.query.get('api_token')}".encode())
        for part, answer in self.spoil.items():
            if part in request.path:
                return answer
        what, code = request.path.removeprefix("/api/").split("/")
        if code not in self.series:
            return Answer(404, b"Ticker Not Found.")
        raw = self.series[code]
        later, ratio = {}, 1.0
        for day in sorted(raw.bars, reverse=True):
            later[day] = ratio
            ratio *= raw.bars[day][2]
        adjusted = raw.adjusted(taken_off=True)
        rows: list[dict[str, Any]] = []
        for day, (close, paid, split) in sorted(raw.bars.items()):
            if not request.query["from"] <= str(day) <= request.query.get("to", "9999"):
                continue
            if what == "eod":
                wrong = 0.97 if later[day] != 1 else 1.0
                rows.append(
                    {
                        "date": str(day),
                        "open": close,
                        "high": close * 1.01,
                        "low": close * 0.99,
                        "close": close,
                        "adjusted_close": round(adjusted[day] * wrong, 9),
                        "volume": 1000 * later[day],
                    }
                )
            elif what == "div" and paid:
                rows.append(
                    {"date": str(day), "value": paid / later[day], "unadjustedValue": paid, "currency": self.currency}
                )
            elif what == "splits" and split != 1:
                rows.append({"date": str(day), "split": f"{split:.6f}/1.000000"})
        return Answer(200, json.dumps(self.change(what, rows) if self.change and "NVDA" in code else rows).encode())

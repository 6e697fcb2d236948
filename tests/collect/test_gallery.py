"""The gallery runs as written: every file and command of its recipes, against files and services on this machine."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eventstudy.data.calendar import load_calendar
from tests.collect.conftest import Asking
from tests.collect.sec import Company, Paper, Sec
from tests.collect.test_earnings import Calendar
from tests.conftest import ROOT
from tests.network.services import Services

PAPERS = [
    Paper("0001045810-25-000116", "8-K", "2025-02-26 16:21:03", "2025-02-26", "2025-02-26", "2.02,9.01"),
    Paper("0001045810-24-000316", "8-K", "2024-11-20 16:20:11", "2024-11-20", "2024-11-20", "2.02,9.01"),
]
BEGIN, END = date(2022, 6, 1), date(2024, 12, 31)


def recipes() -> dict[str, str]:
    """Title of each recipe without its number -> its text."""
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    parts = re.split(r"^## \d+\. (.+)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def walk(symbol: str, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Closes and volume of a made security: noise of 1.5 % a day around the common factor of its days."""
    common = np.random.default_rng(7).normal(0.0004, 0.01, len(days))
    own = np.random.default_rng(sum(symbol.encode())).normal(0.0, 0.015, len(days))
    volume = np.random.default_rng(len(symbol)).integers(900_000, 1_100_000, len(days))
    return pd.DataFrame(
        {"Date": days.strftime("%Y-%m-%d"), "Close": 50 * np.exp(np.cumsum(common + own)), "Volume": volume}
    )


def sessions(calendar: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(load_calendar(calendar, BEGIN, END).sessions)


def prices(folder: Path, calendar: str, *symbols: str) -> None:
    (folder / "prices").mkdir(exist_ok=True)
    for symbol in symbols:
        walk(symbol, sessions(calendar)).to_csv(folder / "prices" / f"{symbol}.csv", index=False)


def crsp(folder: Path) -> None:
    """The daily stock file with three PERMNOs."""
    days = sessions("XNYS")
    parts = []
    for number in ("10001", "10002", "84398"):
        one = walk(number, days)
        parts.append(
            pd.DataFrame(
                {
                    "PERMNO": number,
                    "date": days.strftime("%Y%m%d"),
                    "PRC": one["Close"],
                    "RET": one["Close"].pct_change(),
                }
            )
        )
    pd.concat(parts).to_csv(folder / "crsp.csv", index=False, na_rep="B")


def firms(folder: Path, _: Services) -> None:
    prices(folder, "XNYS", "SPY", "AAA", "BBB", "PPP")


def markets(folder: Path, _: Services) -> None:
    prices(folder, "XNYS", "SPY", "ASML")
    prices(folder, "XAMS", "^AEX", "ASML.AS")


def vendors(_: Path, services: Services) -> None:
    served = Sec([Company(1045810, "NVDA INC", ("NVDA",), PAPERS)])
    services.handlers |= dict.fromkeys(("www.sec.gov", "data.sec.gov"), served)
    services.handlers["finance.yahoo.com"] = Calendar()


@dataclass(frozen=True)
class Case:
    """What a recipe needs before its commands, and what its report holds: table -> (column, values that occur)."""

    given: Callable[[Path, Services], None]
    holds: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    files: tuple[str, ...] = ()


CASES = {
    "Earnings of one firm": Case(vendors, {"windows": ("ticker", {"NVDA"})}, ("results.csv",)),
    "Every 8-K of a firm": Case(vendors, {"windows": ("day0", {"2025-02-27", "2024-11-21"})}),
    "CRSP": Case(lambda folder, _: crsp(folder), {"windows": ("ticker", {"10001", "10002"})}),
    "Crypto": Case(
        lambda folder, _: prices(folder, "24/7", "BTC-USD", "ETH-USD"), {"windows": ("day0", {"2024-05-23", "2024-03-13"})}
    ),
    "Index addition": Case(firms, {"aggregate": ("group", {"announcement", "effective"}), "volume": ("ticker", {"AAA"})}),
    "Several markets": Case(markets, {"models": ("benchmark", {"SPY", "^AEX"})}),
    "A paper's table": Case(
        firms, {"regression": ("term", {"Intercept"})}, ("reports/tables/groups.tex", "reports/regression.tex")
    ),
    "Many firms on one date": Case(firms, {"clusters": ("test", {"portfolio-t", "hotelling", "conformal-max", "holm"})}),
    "Long run": Case(firms, {"calendar_time": ("group", {"all"}), "windows": ("window", {"[0,125]"})}),
    "CI": Case(
        lambda *_: None, {"windows": ("ticker", {"NVDA", "AMD"})}, (".github/workflows/eventstudy.yml",)
    ),
}  # fmt: skip


def test_the_gallery_has_ten_recipes() -> None:
    assert list(recipes()) == list(CASES) and len(CASES) == 10


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_runs_as_written(name: str, services: Services, asking: Asking, tmp_path: Path) -> None:
    text, case = recipes()[name], CASES[name]
    case.given(tmp_path, services)
    for file, content in re.findall(r'```csv title="(.+?)"\n(.*?)```', text, re.S):
        (tmp_path / file).write_text(content, encoding="utf-8")
    env: dict[str, str] = {}
    commands = [line for block in re.findall(r"```console\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert commands
    for words in map(shlex.split, commands):
        if words[0] == "export":
            env |= dict([words[1].split("=", 1)])
            continue
        assert words[0] == "eventstudy"
        done = asking(*words[1:], env=env)
        assert done.code == 0 and "Traceback" not in done.err, f"{shlex.join(words)}\n{done.err}"
    for table, (column, values) in case.holds.items():
        with (tmp_path / "reports" / f"{table}.csv").open(encoding="utf-8") as handle:
            assert values <= {row[column] for row in csv.DictReader(handle)}, table
    assert all((tmp_path / file).exists() for file in case.files)

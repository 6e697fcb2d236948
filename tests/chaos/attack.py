"""Hostile tries, drawn from a seed: events, prices, settings, environment, network, store, output and machine.

A try holds if the program ends with one of its codes and a sentence, or with an answer that is possible; and if nothing ran,
nothing outside the study changed, and nothing that a terminal or the log of a CI run obeys was printed. ``python -m
tests.chaos --only attack --seed N`` repeats a campaign.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from eventstudy.errors import EventStudyError
from tests.chaos.fuzz import Hang, bounded
from tests.chaos.tally import Tally
from tests.cli.conftest import Outcome, run_in

# Seconds that a try may take, on a machine with much else to do.
LONGEST = 60.0
CODES = (0, 2, 3, 4, 5)
PAYLOADS = (
    "=1+1", "\uff1d1+1", "+cmd|'/C calc'!A0", "@SUM(1)", "a;=1+1", "-2+3", "::error::x", "\n::error::x", "##[error]x", "%0A::error::x",
    "\x1b[31mred", "\x9b2J", "\u202eabc", "\u200b", "\ufeff", "\0", "\r", "\t", "<script>alert(1)</script>", "](javascript:x)",
    "![x](https://evil.example)", "https://evil.example", "www.evil.example", "{{7*7}}", "${jndi:ldap://x}", "$(touch ran)",
    "`touch ran`", "; touch ran", "| touch ran", "__import__('os').system('touch ran')", "../../../etc/passwd", "/dev/zero", "/etc/passwd",
    "CON", "nul.csv", "a" * 300, "a" * 5000, "1e999", "-1e999", "nan", "inf", "1_000", "0x10", "\u0661\u0662", "9" * 400, "1e-320",
    "9999-12-31", "0001-01-01", "2025-02-30", "2025-04-15T25:00:00Z", "now", "today", "NaT", "20250415", "15.4.2025", "\U0001f4a9", "\ud83d",
    "\\write18{touch ran}", "\\input{/etc/passwd}", "'; DROP TABLE fetch; --", "true", "null", "[]", "{}", "#", '"', "'", ",", ";", " ",
)  # fmt: skip
COMMAND = re.compile(r"^\s*::(?!error |error::|warning|notice)|##\[", re.MULTILINE)


class Grounds:
    """Where the tries are made: a folder of studies, and a file beside it that nobody may touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.precious = folder / "precious"
        self.precious.write_text("precious")
        self.number = 0

    def study(self) -> Path:
        self.number += 1
        place = self.folder / f"study-{self.number}"
        place.mkdir()
        return place

    def trouble(self, place: Path, done: Outcome | None = None, *, github: bool = False) -> str:
        """What a try broke; empty if it held."""
        if self.precious.read_text() != "precious" or {p.name for p in self.folder.iterdir()} - {
            "precious",
            place.name,
        }:
            return "something outside the study changed"
        if list(place.rglob("ran")):
            return "something ran"
        if done is None:
            return ""
        said = done.out + done.err
        if done.code not in CODES or "Traceback" in said or "RuntimeWarning" in said:
            return f"code {done.code}: {said[-300:]!r}"
        if done.code and "error: " not in done.err and not done.out:
            return f"code {done.code} without a word"
        if any(not c.isprintable() and c != "\n" for c in said):
            return f"unprintable: {next(c for c in said if not c.isprintable() and c != chr(10))!r}"
        if not github and COMMAND.search(said):
            return f"a command to the log: {said[:300]!r}"
        return ""


def text(chance: random.Random) -> str:
    """A payload, or two of them with something in between."""
    first = chance.choice(PAYLOADS)
    return (
        first if chance.random() < 0.7 else f"{first}{chance.choice(('', ' ', 'x', chr(10)))}{chance.choice(PAYLOADS)}"
    )


def written(path: Path, content: str) -> None:
    path.write_bytes(content.encode("utf-8", "surrogatepass"))


def quoted(cell: str, chance: random.Random) -> str:
    return '"' + cell.replace('"', '""') + '"' if chance.random() < 0.8 else cell


def events(grounds: Grounds, chance: random.Random) -> str:
    """Cells, headings and bytes of an events file and of the confounders beside it."""
    place = grounds.study()
    columns = [
        "event_id",
        "ticker",
        "announced_at",
        "timing",
        "role",
        "title",
        "source",
        "notes",
        "claimed_return",
        "benchmark",
    ]
    rows = [
        ["a", "NVDA", "2025-04-15", "amc", "direct", "t", "s", "n", "-0.07", ""],
        ["b", "AMD", "2025-01-27", "bmo", *[""] * 6],
    ]
    for _ in range(chance.randint(1, 4)):
        if chance.random() < 0.15:
            columns[chance.randrange(len(columns))] = text(chance)
        else:
            rows[chance.randrange(2)][chance.choice((0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9))] = text(chance)
    lines = [",".join(quoted(cell, chance) for cell in row) for row in (columns, *rows)]
    data = "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n"
    if chance.random() < 0.1:
        at = chance.randrange(len(data))
        data = data[:at] + bytes([chance.randrange(256)]) + data[at + chance.randint(0, 3) :]
    (place / "events.csv").write_bytes(data)
    if chance.random() < 0.2:
        written(
            place / "confounders.csv",
            f"at,timing,kind,tickers,title\n2025-04-14,amc,{quoted(text(chance), chance)},NVDA,{quoted(text(chance), chance)}\n",
        )
    if chance.random() < 0.04:
        done = run_in(place, "run", "--source", "snapshot", "--formats", "md,html,csv,json,tex")
        return grounds.trouble(place, done) or _pages(place / "reports")
    kind = chance.choice(("text", "json", "csv", "github"))
    done = run_in(place, "validate", "--output-format", kind)
    if kind == "json" and done.code in (0, 2) and done.out:
        json.loads(done.out)
    return grounds.trouble(place, done, github=kind == "github")


def _pages(folder: Path) -> str:
    """What a reader's program would run or fetch in a report."""
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.suffix == ".csv" and any(re.match(r'(^|.*,)"?[=@]', line) for line in path.read_text().splitlines()):
            return f"a formula in {path.name}"
        if path.suffix in (".html", ".svg") and re.search(
            r"<script(?! type=\"application/json)[^>]*>alert|src=\"?https?:", path.read_text()
        ):
            return f"markup in {path.name}"
        if path.suffix == ".md" and re.search(
            r"(?<![`\w])(https?://|www\.)\w|<script|(?<!\\)\]\(javascript", path.read_text()
        ):
            return f"a link in {path.name}"
    return ""


def prices(grounds: Grounds, chance: random.Random) -> str:
    """Cells of a price file: refused, or figures that a market can have made."""
    from eventstudy.data.files import CsvSource

    place = grounds.study()
    days = [str(np.datetime64("2024-01-02") + n) for n in range(40)]
    columns = ["Date", "Open", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits"]
    rows = [
        [day, "10.0", f"{10 + n % 7 / 10}", f"{10 + n % 7 / 10}", "1000", "0", "0"]
        for n, day in enumerate(days)
        if np.is_busday(day)
    ]
    for _ in range(chance.randint(1, 3)):
        if chance.random() < 0.1:
            columns[chance.randrange(len(columns))] = text(chance)
        else:
            rows[chance.randrange(len(rows))][chance.randrange(7)] = text(chance)
    lines = [",".join(quoted(cell, chance) for cell in row) for row in (columns, *rows)]
    written(place / "NVDA.csv", "\n".join(lines) + "\n")
    try:
        table = CsvSource.open(str(place)).fetch(["NVDA"], date(2024, 1, 1), date(2025, 1, 1))
    except EventStudyError as error:
        return "" if str(error) else "refused without a word"
    for series in table.series.values():
        known = series.close[np.isfinite(series.close)]
        if not ((known > 0) & (known <= 1e15)).all() or not (np.diff(series.dates) > np.timedelta64(0)).all():
            return f"figures that no market made: {known.min()} to {known.max()}"
    return grounds.trouble(place)


def settings(grounds: Grounds, chance: random.Random) -> str:
    """A configuration file."""
    from eventstudy.cli.settings import OPTIONS

    place, lines = grounds.study(), []
    for _ in range(chance.randint(1, 4)):
        name = chance.choice(
            (*OPTIONS, "force", "tool", json.dumps(text(chance)), ".".join("a" * chance.choice((2, 50, 2000))))
        )
        plain = json.dumps(text(chance))
        value = chance.choice((plain, f"[{plain}]", text(chance), "9" * chance.choice((5, 19, 5000)), "[" * 50 + "]" * 50, "{a = {b = 1}}",
                               "1e400", "nan", "-1", "true", "2025-01-01", f"'''{text(chance)}'''"))  # fmt: skip
        lines.append(f"{name} = {value}")
    written(place / "eventstudy.toml", "\n".join(lines) + "\n")
    return grounds.trouble(place, run_in(place, "config", "show", *chance.choice(((), ("--origin",), ("--json",)))))


def environment(grounds: Grounds, chance: random.Random) -> str:
    """Variables of ours, of libraries and of the system."""
    from eventstudy.cli.settings import OPTIONS

    place, given = grounds.study(), {}
    (place / "events.csv").write_text("event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n")
    names = [f"EVENTSTUDY_{name.upper()}" for name in (*OPTIONS, "config", "configs", "sorce")]
    others = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME", "MPLBACKEND", "MPLCONFIGDIR", "MATPLOTLIBRC", "TZ", "SSL_CERT_FILE", "NETRC",
              "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY", "NO_COLOR", "COLUMNS", "TERM", "DASK_CONFIG", "PAGER", "EDITOR")  # fmt: skip
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(names if chance.random() < 0.7 else others)
        # the system itself refuses these in a variable
        given[name] = text(chance).replace("\0", "").encode("utf-8", "replace").decode()
    command = chance.choice(
        (
            ("config", "show"),
            ("cache", "path"),
            ("validate",),
            ("doctor", "--offline"),
            ("check", "x", "--fail-if", "1 < 2"),
        )
    )
    return grounds.trouble(place, run_in(place, *command, env=given))


def network(grounds: Grounds, chance: random.Random) -> str:
    """Addresses that a reply may lead to: one that is asked is Yahoo's to every parser."""
    from urllib.parse import urljoin, urlsplit

    from urllib3.util import parse_url

    from eventstudy.data.network import YAHOO, NotAllowed, follow

    hosts = ("query1.finance.yahoo.com", "yahoo.com", "evil.example", "yahoo.com.evil.example", "notyahoo.com", "127.0.0.1", "[::1]",
             "xn--yaho-sqa.com", "yah\u043eo.com", "YAHOO.COM", "yahoo.com.", "yahoo\uff0ecom", "0x7f000001", "")  # fmt: skip
    parts = (chance.choice(("https:", "http:", "HTTPS:", "ftp:", "file:", "javascript:", "", "https", " https:")), chance.choice(("//", "/", "\\\\", "///", "")),
             chance.choice(("", "", "me@", "me:x@", "yahoo.com@", "yahoo.com:443@", "%40")), chance.choice(hosts),
             chance.choice(("", "", ":443", ":80", ":8443", ":", ":99999", "\\@evil.example", "#@evil.example", "?@evil.example")),
             chance.choice(("", "/x", "/../x", "/\r\nHost: evil", "?a=b", "#c", "/%0d%0a", "\t/x", "/@evil.example")))  # fmt: skip
    target = "".join(parts)
    asked: list[str] = []

    class Reply:
        def __init__(self) -> None:
            self.status_code = 200 if asked[1:] else chance.choice((301, 302, 303, 307, 308))
            self.headers = {"Location": target}

    def send(method: str, url: str, **options: Any) -> Reply:
        asked.append(url)
        return Reply()

    with suppress(NotAllowed):
        follow(send, "GET", "https://query1.finance.yahoo.com/v8/x", YAHOO)
    for url in asked[1:]:
        seen = {str(urlsplit(url).hostname).lower(), str(parse_url(url).host).lower()}
        if (
            len(seen) > 1
            or not all(host == "yahoo.com" or host.endswith(".yahoo.com") for host in seen)
            or urlsplit(url).scheme != "https"
        ):
            return f"{target!r} led to {url!r}"
        if url != urljoin(asked[0], target):
            return f"{target!r} was judged as another address"
    return ""


def store(grounds: Grounds, chance: random.Random) -> str:
    """An exported folder whose author knows how digests are made."""
    from eventstudy.data.store import open_store
    from eventstudy.data.transfer import MANIFEST, import_folder
    from eventstudy.data.vintage import COLUMNS, HEADINGS, Bars

    place = grounds.study()
    days = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"], dtype="datetime64[D]")
    columns = {
        name: np.full(4, 10.0) if name in ("open", "high", "low", "close", "adj_close", "volume") else np.zeros(4)
        for name in COLUMNS
    }
    if chance.random() < 0.5:
        columns[chance.choice(COLUMNS)][chance.randrange(4)] = chance.choice(
            (-5.0, 0.0, 1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan, 1e16)
        )
    if chance.random() < 0.2:
        days = chance.choice((days[::-1], days[[0, 0, 1, 2]], days + chance.choice((365, 10**5, 2_900_000, -(10**5)))))
    record: dict[str, Any] = {
        "symbol": "NVDA", "source": "yahoo", "outcome": "prices", "body_sha256": "", "client": "c", "client_version": "1",
        "timezone": "America/New_York", "exchange": "NMS", "currency": "USD", "instrument": "EQUITY", "note": "", "status": 200,
        "requested_start": "2024-01-02", "requested_end": "2024-01-05", "fetched_at": "2024-02-01T00:00:00+00:00", "rows": 4,
        "rows_sha256": Bars(days, columns).digest(),
    }  # fmt: skip
    for _ in range(chance.choice((0, 1, 2))):
        record[chance.choice(list(record))] = chance.choice((text(chance), None, 10**30, -1, [], {}, 1e400, True))
    cells = [[str(day), *(repr(float(columns[name][at])) for name in COLUMNS)] for at, day in enumerate(days)]
    if chance.random() < 0.2:
        cells[chance.randrange(4)][chance.randrange(10)] = text(chance)
    written(place / "NVDA.csv", "\n".join(",".join(row) for row in (["Date", *HEADINGS.values()], *cells)) + "\n")
    listed = json.dumps({"format": 1, "series": [record] * chance.choice((1, 1, 1, 2))})
    if chance.random() < 0.1:
        at = chance.randrange(len(listed))
        listed = listed[:at] + text(chance) + listed[at + chance.randint(0, 9) :]
    written(place / MANIFEST, listed)
    kept = open_store(place / "store", lambda line: None)
    try:
        try:
            import_folder(place, kept)
        except EventStudyError as error:
            return "" if str(error) and not kept.headers() else "refused, and something was kept"
        for header in kept.headers():
            close = kept.load(header).bars.columns["close"]
            known = close[~np.isnan(close)]
            if (
                not ((known >= 1e-12) & (known <= 1e15)).all()
                or not 1900 <= header.vintage.requested_start.year <= header.vintage.requested_end.year <= 2100
            ):
                return f"kept what no fetch keeps: {close}"
    finally:
        kept.close()
    return grounds.trouble(place)


BUILT = {
    "windows.csv": b"event_id,ticker,window,car\na,NVDA,0:0,1\n",
    "summary.md": b"# Event study: NVDA\n",
    "report.html": b"<!DOCTYPE html>\n<html lang='en'><head><title>Event study: NVDA</title>\n",
    "results.json": b'{\n "schema_version": 1}\n',
    "events/a.md": b"# a: title\n",
    "figures/car-a.svg": b'<svg role="img" aria-labelledby="car-a-title car-a-desc">\n',
}


def output(grounds: Grounds, chance: random.Random) -> str:
    """A report folder that somebody else has filled: no file of the user is lost, and nothing outside is touched."""
    from eventstudy.report.write import hashed, publish, write_aside

    place = grounds.study()
    out, folder = place / "out", place / "aside"
    out.mkdir()
    own: dict[str, bytes] = {}
    for name in chance.sample(sorted(BUILT), chance.randint(1, 3)):
        path = out / name
        kind = chance.choice(("own", "own", "ours", "link", "dangling", "folder", "pipe", "linked folder"))
        if kind == "linked folder" and "/" in name:
            (place / "away").mkdir(exist_ok=True)
            if not path.parent.exists():
                path.parent.symlink_to(place / "away")
            continue
        if path.parent.is_symlink():
            continue
        path.parent.mkdir(exist_ok=True)
        if kind in ("own", "linked folder"):
            own[name] = text(chance).encode("utf-8", "replace") + b"\nmine\n"
            path.write_bytes(own[name])
        elif kind == "ours":
            path.write_bytes(BUILT[name] + b"older\n")
        elif kind in ("link", "dangling"):
            path.symlink_to(grounds.precious if kind == "link" else place / "nothing")
        elif kind == "folder":
            path.mkdir()
            (path / "mine").write_text("mine")
        else:
            os.mkfifo(path)
    if chance.random() < 0.3:
        written(
            out / "manifest.json",
            chance.choice(
                ("[" * 10_000, "{}", text(chance), json.dumps({"files": {"../precious": "0", "notes.txt": "0"}}))
            ),
        )
    (out / "notes.txt").write_text("mine")
    write_aside(folder, BUILT)
    try:
        publish(folder, out, hashed(BUILT), {"files": hashed(BUILT)})
    except (EventStudyError, OSError) as error:
        # the folder that holds both makes a sentence of it
        if not str(error):
            return "refused without a word"
    lost = [name for name, data in own.items() if not (out / name).is_file() or (out / name).read_bytes() != data]
    if lost or (out / "notes.txt").read_text() != "mine":
        return f"lost {lost}"
    return grounds.trouble(place)


KINDS = ("pipe", "device", "circle", "nothing", "folder", "large", "binary", "proc")


def machine(grounds: Grounds, chance: random.Random) -> str:
    """What may lie in the place of a file, for every way to name one."""
    place = grounds.study()
    (place / "events.csv").write_text("event_id,ticker,announced_at,timing\na,NVDA,2025-04-15,amc\n")
    thing, kind = place / "thing", chance.choice(KINDS)
    if kind == "pipe":
        os.mkfifo(thing)
    elif kind == "folder":
        thing.mkdir()
    elif kind == "large":
        with thing.open("wb") as handle:
            handle.truncate(2**41)
    elif kind == "binary":
        thing.write_bytes(bytes(chance.randrange(256) for _ in range(2000)))
    else:
        thing.symlink_to(
            {"device": "/dev/zero", "circle": thing, "nothing": place / "no", "proc": "/proc/self/environ"}[kind]
        )
    name = chance.choice((str(thing), "thing", "./thing", "../" + place.name + "/thing"))
    command = chance.choice((
        ("validate", name), ("validate", "--config", name), ("config", "show", "--config", name), ("cache", "info", "--store", name),
        ("cache", "import", name, "--store", "s"), ("cache", "verify", "--store", name), ("check", name, "--fail-if", "p_t < 1"),
        ("diff", name, name), ("run", name, "--source", "snapshot"), ("run", "--source", f"csv:{name}"), ("run", "--source", f"parquet:{name}"),
        ("run", "--source", "snapshot", "--model", "capm", "--factors", name), ("init", name), ("doctor", "--offline", "--store", name),
    ))  # fmt: skip
    done = run_in(place, *command)
    found = grounds.trouble(place, done)
    return f"{kind}, {command[:2]}: {found}" if found else ""


AREAS: dict[str, tuple[Callable[[Grounds, random.Random], str], int]] = {
    "events": (events, 500),
    "prices": (prices, 300),
    "config": (settings, 350),
    "environment": (environment, 250),
    "network": (network, 400),
    "store": (store, 300),
    "output": (output, 300),
    "machine": (machine, 200),
}


def one(area: str, seed: int, number: int) -> str:
    """One try in a folder of its own: what it broke, or nothing."""
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    try:
        with bounded(LONGEST), warnings.catch_warnings():
            # what NumPy warns of would be on the terminal
            warnings.simplefilter("error", RuntimeWarning)
            return AREAS[area][0](Grounds(folder), random.Random(f"{seed}/{area}/{number}"))
    except Hang:
        return f"no answer within {LONGEST:.0f} s"
    except Exception:
        return f"a traceback: {traceback.format_exc()[-500:]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def campaign(seed: int, share: float = 1.0) -> Tally:
    """Every area's tries, or a share of them; each is repeated by its seed, area and number."""
    tally = Tally()
    for area, (_, tries) in AREAS.items():
        for number in range(max(1, round(tries * share))):
            broken = one(area, seed, number)
            tally.add((area,), "broken" if broken else "held", f"{seed}/{area}/{number}: {broken}" if broken else "")
    return tally

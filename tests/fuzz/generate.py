"""Inputs from a seed: texts of each little language, bent out of shape more often than not."""

from __future__ import annotations

import random
from collections.abc import Sequence

from eventstudy.cli.settings import OPTIONS

NASTY = (
    "", " ", "\t", "\n", "\r", "\r\n", "\0", '"', "'", "''", '""', ",", ";", ":", "[", "]", "(", ")", "()", "[]", "{", "}",
    "-", "--", "+", "=", "==", "!=", "<", "<=", ">", "not ", " and ", " or ", "abs(", "max(", "mean(", "~", "**", "*", "%",
    "..", "../", "/", "\\", "C:\\", "CON", "aux.md", "nan", "NaN", "inf", "-inf", "null", "None", "true", "1e308", "-1e308",
    "1e309", "1e-400", "1_000", "0x1f", "9" * 400, "0." + "0" * 40 + "1", "0" * 60, "١٢", "２", "²", "½", "−", "\u202e",
    "\u200b", "\u2028", "\x85", "\ufeff", "\ufffd", "é", "K", "🚀", "\x1b[2J", "::error::", "%0A", "##[error]", "<script>",
    "=cmd()", "now", "today", "NaT", "2020", "20200101", "2020-W01-1", "0000-00-00", "9999-12-31", "-0", "T", "Z",
    "+24:00", "+23:59", "24:00", "23:59:60", "2100-12-31T23:59:59-23:59", "1900-01-01T00:00+23:59",
)  # fmt: skip
GOOD = ("car", "std_error", "p_t", "p_sq")
COLUMNS = (
    *GOOD * 5,
    "car",
    "std_error",
    "p_t",
    "p_sq",
    "excluded",
    "studied",
    "data_age_days",
    "carr",
    "flags",
    "abs",
    "mean",
)
SYMBOLS = ("NVDA", "SPY", "BRK-B", "BRK.B", "^GSPC", "EURUSD=X", "A_B", "A=B", "a", "ASML.AS", "..", "A..B", "con", "é")


def mutated(rng: random.Random, text: str) -> str:
    """A text with a few pieces cut, doubled, moved or put in."""
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 3, 6))):
        at = rng.randint(0, len(text))
        to = min(len(text), at + rng.randint(0, 8))
        match rng.randrange(6):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + rng.choice(NASTY) + text[to:]
            case 2:
                text = text[:at] + rng.choice(NASTY) + text[at:]
            case 3:
                text = text[:at] + text[at:to] * rng.choice((2, 3, 40)) + text[to:]
            case 4:
                text = (
                    text[:at]
                    + chr(rng.choice((rng.randrange(128), rng.randrange(0x300), rng.randrange(0xD800))))
                    + text[at:]
                )
            case 5:
                text = text[: max(at, 1)]
    return text[:20_000]


def number(rng: random.Random) -> str:
    if rng.random() < 0.05:
        return rng.choice(NASTY)
    return rng.choice(
        (str(rng.randint(-3, 300)), f"{rng.uniform(-1, 1):.4g}", repr(rng.gauss(0, 10)), f"{rng.uniform(-9, 9):e}")
    )


def condition(rng: random.Random, deep: int = 3) -> str:
    if deep == 0 or rng.random() < 0.45:
        sign = rng.choice(("<", "<=", ">", ">=", "==", "!="))
        return f"{value(rng, deep)} {sign} {value(rng, deep)}"
    match rng.randrange(4):
        case 0:
            return f"not {condition(rng, deep - 1)}"
        case 1:
            return f"({condition(rng, deep - 1)})"
    return f"{condition(rng, deep - 1)} {rng.choice(('and', 'or'))} {condition(rng, deep - 1)}"


def value(rng: random.Random, deep: int) -> str:
    match rng.randrange(6 if deep else 3):
        case 0:
            return number(rng).lstrip("+-" if rng.random() < 0.9 else "")
        case 1:
            return rng.choice(COLUMNS)
        case 2:
            start = rng.randint(-11, 11)
            return f"{rng.choice(COLUMNS)}[{start},{start + rng.choice((-1, 0, 0, 1, 5))}]"
        case 3:
            return f"-{value(rng, deep - 1)}"
        case 4:
            return f"({value(rng, deep - 1)})"
    return f"{rng.choice(('abs', 'max', 'min', 'mean'))}({value(rng, deep - 1)})"


def nested(rng: random.Random) -> str:
    """Depth for its own sake."""
    n = rng.choice((10, 49, 50, 51, 150, 1000, 100_000))
    opening = rng.choice(("(", "not ", "-", "abs(", "max(", "((", "not("))
    return opening * n + rng.choice(("", "1", "car < 1", "car)" * min(n, 50)))


def language(rng: random.Random) -> str:
    return nested(rng) if rng.random() < 0.01 else mutated(rng, condition(rng))


def formula(rng: random.Random) -> str:
    def term(deep: int) -> str:
        names = ("category", "claimed_return", "size", "beta", "1", "0", "role")
        if deep == 0 or rng.random() < 0.4:
            return rng.choice(names)
        inner = term(deep - 1)
        return rng.choice(
            (f"C({inner})", f"I({inner}**2)", f"log({inner})", f"({inner} + {term(deep - 1)})", f"{inner}:{term(deep - 1)}",
             f"{inner} * {term(deep - 1)}", f'C({inner}, Treatment("x"))', f"np.{inner}({inner})", f"{inner}**2")
        )  # fmt: skip

    if rng.random() < 0.01:
        return rng.choice(("(", "log(", "I(", "-", "I(-")) * rng.choice((5, 20, 21, 1000, 5000))
    return mutated(rng, rng.choice(("", "car ~ ", "ret ~ ")) + " + ".join(term(2) for _ in range(rng.randint(1, 4))))


def when(rng: random.Random) -> str:
    day = f"{rng.choice((0, 1, 1899, 1900, 2020, 2025, 2100, 2101, 9999)):04d}-{rng.randint(0, 13):02d}-{rng.randint(0, 32):02d}"
    clock = f"T{rng.randint(0, 25):02d}:{rng.randint(0, 61):02d}" + rng.choice(("", ":00", ":60", ":59.123456", ":1"))
    zone = rng.choice(("", "Z", "+00:00", "-04:00", "+0530", "+24:00", "-23:59", "+1", "+05:30:15"))
    slashed = f"{rng.randint(0, 14)}{rng.choice('/.')}{rng.randint(0, 40)}{rng.choice('/.')}{rng.randint(0, 9999)}"
    return mutated(
        rng, rng.choice((day, day + clock + zone, day + clock.replace("T", " ") + zone, slashed, day.replace("-", "")))
    )


def claim(rng: random.Random) -> str:
    return mutated(
        rng, rng.choice(("", "<", ">", "< ", "> ")) + number(rng) + rng.choice(("", "", "%", " %", "up", "down"))
    )


def window(rng: random.Random) -> str:
    a, b = rng.choice((rng.randint(-30, 30), rng.randint(-(10**6), 10**6))), rng.randint(-30, 30)
    return mutated(rng, rng.choice((f"{a}:{b}", f"[{a},{b}]", f" [ {a} : {b} ] ", f"{a}:{b}:{a}")))


def name(rng: random.Random) -> str:
    return mutated(
        rng, rng.choice((*SYMBOLS, "NVDA-2025-04-15", "a.b_c", "nul.txt", "COM1", "x" * rng.choice((32, 33, 64, 65))))
    )


def table(rng: random.Random, columns: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """A CSV file: columns by chance, cells from their own words (the first two are good ones) or from anything."""
    likely = {
        "date": 0.98,
        "line": 0.02,
        "close": 0.98,
        "rf": 0.98,
        "ticker": 0.98,
        "announced_at": 0.98,
        "at": 0.98,
        "kind": 0.98,
    }
    kept = [column for column in columns if rng.random() < likely.get(column[0].lower(), 0.6)] or list(columns)
    if any(heading == "ticker" for heading, _ in kept) and rng.random() < 0.97:
        kept = [column for column in kept if column[0] != "date"]
    strange = rng.choice((0.0, 0.0, 0.02, 0.1))
    rows = [",".join(heading for heading, _ in kept)]
    for n in range(rng.choice((0, 1, 1, 2, 3, 8))):
        cells = []
        for heading, words in kept:
            if rng.random() < strange:
                text = mutated(rng, rng.choice(words)) if rng.random() < 0.5 else rng.choice(words)
            elif words is NASTY:
                text = rng.choice(words).replace("\0", "")
            elif heading.lower() in ("date", "at", "announced_at"):
                text = f"2025-0{1 + n % 9}-{rng.randint(1, 28):02d}"
            else:
                text = rng.choice(words[:2])
            cells.append('"' + text.replace('"', '""') + '"' if set(',"\r\n') & set(text) else text)
        rows.append(",".join(cells))
    text = rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(rows) + rng.choice(("\n", ""))
    text = mutated(rng, text) if rng.random() < 0.15 else text
    data = rng.choice((b"", b"", b"\xef\xbb\xbf")) + text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        at = rng.randint(0, len(data))
        data = data[:at] + bytes([rng.randrange(256)]) + data[at:]
    return data


DAYS = ("2025-04-15", "2025-04-16", "2024-01-02", "2025-04-15T17:10:00-04:00", "2025-04-15 09:00Z", "4/15/2025", "")
EVENTS = (
    ("ticker", SYMBOLS), ("announced_at", DAYS), ("event_id", ("", "", "x", "y", "X", "a.", "CON", "../x", "NVDA-2025-04-15")),
    ("timing", ("", "bmo", "dmh", "amc", "AMC")), ("role", ("", "direct", "peer", "placebo", "boss")),
    ("category", ("", "a", "b,c")), ("claimed_return", ("", "-0.07", "<-0.06", "up", "7%", "1e5")), ("title", NASTY),
    ("benchmark", ("", "SPY;QQQ", "SPY", ";")), ("calendar", ("", "XNYS", "XAMS", "xnys")), ("size", NASTY),
    ("date", ("", "2020-01-01")), ("line", ("7",)), ("notes", NASTY),
)  # fmt: skip
CONFOUNDERS = (
    ("at", DAYS), ("kind", ("earnings", "macro", "Macro", "company_filing")), ("timing", ("", "bmo", "amc")),
    ("tickers", ("", "NVDA;AMD", "NVDA", ";;")), ("title", NASTY), ("source", NASTY), ("other", NASTY),
)  # fmt: skip
FIGURES = ("1", "100.5", "99.25", "0.01", "1e3", "", "nan", "0", "-1", "1e308", "5e-324", "1_000", "null")
PRICES = (
    ("Date", ("2025-04-15", "20250416", "2025-04-17 00:00:00-04:00", "0001-01-01")), ("Close", FIGURES), ("Open", FIGURES),
    ("Volume", FIGURES), ("Dividends", FIGURES), ("Adj Close", FIGURES),
)  # fmt: skip
RETURNS = ("0.01", "-0.002", "1e-4", "", "nan", "NA", "100", "-99.9", "1_0", "0.5")
FACTORS = (
    ("date", ("2025-04-15", "20250416", "now", "", "NaT", "2020")), ("rf", RETURNS), ("mkt_rf", RETURNS), ("SMB", RETURNS),
    ("hml", RETURNS), ("mom", RETURNS),
)  # fmt: skip
KEYS = (
    "source", "offline", "store", "max_age", "model", "benchmark", "factors", "peer", "index_weight", "shares",
    "event_window", "window", "estimation", "gap", "exclude", "returns", "missing", "tests", "convention", "by", "level",
    "alternative", "engine", "hold", "hold_min", "out", "formats", "calibrated", "threads", "workers", "audit", "levle",
)  # fmt: skip
VALUES = (
    '"auto"', '"csv:../x"', "true", "false", '"yes"', "0", "250", "-1", "0.95", "nan", "inf", "1e400", "1_000", '"SPY"',
    '["SPY", "QQQ"]', '["NVDA=0.07"]', '"NVDA=1e308"', '"-1:1"', '["0:0", "0:1"]', '"[-1,1]"', '"all"', '["car-t", "sq"]',
    '"sigma=m-1"', "2025-04-15", "2025-04-15T10:00:00Z", "{ a = 1 }", "[[1], [2]]", "9" * 5000, "0x" + "f" * 5000,
    '"\\u0000"', '"\\n::error::x"', '"' + "x" * 5000 + '"', "[" * 50 + "]" * 50, "'''a\nb'''", "[]", '""', '"market-model"',
    '"simple"', '"log"', '"strict"', '"none"', '"less"', '"numpy"', '"role"', '["md", "csv"]', '["../x"]',
)  # fmt: skip


def config(rng: random.Random) -> bytes:
    if rng.random() < 0.01:
        return b"x = " + rng.choice((b"[", b"{a=", b'"')) * rng.choice((100, 2000, 50_000))
    lines = []
    for key in rng.sample(KEYS, rng.choice((1, 1, 2, 3))):
        option = OPTIONS.get(key)
        good = option is not None and rng.random() < 0.6
        word = (option.default if option else "") or "7"
        quoted = f'"{word}"' if option and option.kind not in ("number", "count") else word
        lines.append(f"{key} = {quoted if good else rng.choice(VALUES)}")
    if rng.random() < 0.1:
        lines.insert(rng.randint(0, len(lines)), rng.choice(("[groups]", "[a.b]", "[[x]]", '"" = 1', "a.b = 2", "# x")))
    text = "\n".join(lines)
    return (mutated(rng, text) if rng.random() < 0.2 else text).encode("utf-8", "surrogatepass")


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Bytes with a few of them changed, cut or doubled: files whose own lengths and sums no longer hold."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(out))
        match rng.randrange(5):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + rng.choice((1, 4, 64))]
            case 3:
                out[at:at] = out[at : at + rng.choice((1, 8, 64))]
            case 4:
                out[at : at + 4] = rng.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
        if len(out) < 12:
            return bytes(out)
    return bytes(out)

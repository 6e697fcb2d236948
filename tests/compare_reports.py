"""Compare two report folders by value: ``python tests/compare_reports.py A B``.

Text must be equal, numbers within 1e-9 relative, printed numbers within one unit of their last digit, figures by the
numbers they carry. manifest.json holds clocks and paths and is left out.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from eventstudy.report.figures.svg import read_metadata

RELATIVE, ABSOLUTE = 1e-9, 1e-12
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# digits after a point are those of a number
_HASH = re.compile(r"(?<!\.)\b[0-9a-f]{12,64}\b")
LEFT_OUT = {"manifest.json"}


def files(folder: Path) -> set[str]:
    """Relative paths of everything in a report but the manifest."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - LEFT_OUT


def close(a: float, b: float) -> bool:
    """Whether two full-precision numbers agree."""
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def same_cell(a: str, b: str) -> bool:
    """Whether two CSV cells agree."""
    if a == b:
        return True
    try:
        return close(float(a), float(b))
    except ValueError:
        return False


def compare_csv(a: Path, b: Path) -> list[str]:
    """Differences of two tables, by line and column."""
    rows = [list(csv.reader(path.read_text(encoding="utf-8").splitlines(keepends=True))) for path in (a, b)]
    if len(rows[0]) != len(rows[1]):
        return [f"{len(rows[0])} and {len(rows[1])} lines"]
    return [
        f"line {n} column {k + 1}: {x!r} and {y!r}"
        for n, (left, right) in enumerate(zip(*rows, strict=True), 1)
        for k, (x, y) in enumerate(zip(left, right, strict=False))
        if not same_cell(x, y) or len(left) != len(right)
    ]


def compare_json(a: Any, b: Any, place: str = "$") -> list[str]:
    """Differences of two JSON values."""
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return [d for key in a for d in compare_json(a[key], b[key], f"{place}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b, strict=True)) for d in compare_json(x, y, f"{place}[{i}]")]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return [] if a == b or (numbers and close(a, b)) else [f"{place}: {str(a)[:60]} and {str(b)[:60]}"]


def _unit(text: str) -> float:
    """One unit in the last printed digit."""
    mantissa, _, exponent = text.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])) * 1.0000001


def compare_text(a: str, b: str) -> list[str]:
    """Differences of two pages: words must be equal, printed numbers within one unit of their last digit."""
    a, b = (_HASH.sub("HASH", text) for text in (a, b))
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        pairs = zip(a.splitlines(), b.splitlines(), strict=False)
        first = next((f"{x[:80]!r} and {y[:80]!r}" for x, y in pairs if _NUMBER.sub("#", x) != _NUMBER.sub("#", y)), "")
        return [f"words differ: {first}"]
    pairs = zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True)
    return [f"{x} and {y}" for x, y in pairs if x != y and abs(float(x) - float(y)) > max(_unit(x), _unit(y))]


def _without_svg(text: str) -> str:
    """HTML without its figures' drawing commands; their titles and numbers stay."""
    return re.sub(r"(</metadata>).*?(</svg>)", r"\1\2", text, flags=re.S)


def compare_file(a: Path, b: Path) -> list[str]:
    """Differences of one file of two reports."""
    if a.suffix == ".csv":
        return compare_csv(a, b)
    left, right = a.read_text(encoding="utf-8"), b.read_text(encoding="utf-8")
    if a.suffix == ".json":
        return compare_json(json.loads(left), json.loads(right))
    if a.suffix == ".svg":
        words = [re.findall(r"<(?:title|desc)[^>]*>(.*?)</", text, re.S) for text in (left, right)]
        found = compare_text(" ".join(words[0]), " ".join(words[1]))
        return found + compare_json(read_metadata(left), read_metadata(right))
    return compare_text(_without_svg(left), _without_svg(right))


def compare(a: Path, b: Path) -> list[str]:
    """All differences of two report folders."""
    left, right = files(a), files(b)
    found = [f"{name}: only in {a}" for name in sorted(left - right)]
    found += [f"{name}: only in {b}" for name in sorted(right - left)]
    for name in sorted(left & right):
        found += [f"{name}: {difference}" for difference in compare_file(a / name, b / name)]
    return found


def main() -> int:
    """0 when the folders agree."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    for line in found[:50]:
        print(line)
    print(f"{len(found)} differences" if found else "the reports agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

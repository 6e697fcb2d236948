"""Text from outside is hostile until it has passed through here, once per format."""

from __future__ import annotations

import html as _html
import json
import math
import re
import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np

from eventstudy.report.digits import rounded_number

# controls, marks that reorder or hide what a reader sees, and what has no meaning
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")
_MARKUP = re.compile(r"([\\`*_\[\]|~!#])")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# what spreadsheets begin a formula with, in either width
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
# what else may separate cells where somebody's settings say so; commas are in quotes
_SEPARATOR = re.compile(r"([;|])")
# of the objects that programs read: results.json, manifest.json and what --json prints
SCHEMA_VERSION = 1
# GitHub makes a link of an address that is in the text without any markup
_LINK = re.compile(r"\b(https?|ftp|mailto|xmpp):|\b(www)\.", re.IGNORECASE)
_UNPRINTED = re.compile(r"[^\n -~]")


@lru_cache(maxsize=8192)
def clean(text: str) -> str:
    """Without control, bidirectional, zero-width and tag characters; line breaks become spaces."""
    spaced = re.sub(r"[\t\n\r\v\f\x85\u2028\u2029]+", " ", text)
    return "".join(c for c in spaced if unicodedata.category(c) not in _UNSEEN)


def markdown(text: str) -> str:
    """Text that opens no markup, link, image, tag or table cell, and that no renderer makes a link of by itself."""
    entities = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # an underscore inside a word is text in GitHub's Markdown, and identifiers read better without a backslash
    plain = re.sub(r"(?<=[A-Za-z0-9])\\_(?=[A-Za-z0-9])", "_", _MARKUP.sub(r"\\\1", entities))
    return _LINK.sub(lambda found: f"{found[1]}&#58;" if found[1] else f"{found[2]}&#46;", plain)


def html(text: str) -> str:
    """Text for HTML and SVG, in element content and in quoted attributes."""
    return _html.escape(clean(text), quote=True)


def spreadsheet(text: str) -> str:
    """Text that no spreadsheet takes for a formula; plain numbers stay."""
    # printable ASCII is clean already; tables have millions of such names
    flat = text if text.isascii() and text.isprintable() else clean(text)
    return "".join(f"'{part}" if _is_formula(part) else part for part in _SEPARATOR.split(flat))


def _is_formula(text: str) -> bool:
    bare = text.strip()
    return bare.startswith(_FORMULA) and not _NUMBER.fullmatch(bare)


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\u2212": "$-$",
    "²": "\\textsuperscript{2}",
}


def latex(text: str) -> str:
    """Text for LaTeX's text mode; characters that a plain set-up has no glyph for become ``?``."""
    flat = unicodedata.normalize("NFC", clean(text))
    kept = (c if c.isascii() or "\u00c0" <= c <= "\u00ff" or c in _LATEX else "?" for c in flat)
    return "".join(_LATEX.get(c, c) for c in kept)


def json_dumps(value: Any, digits: int | None = None) -> str:
    """JSON with ``<``, ``>`` and ``&`` inside strings as ``\\u003c`` and so on, and null for what is not a number;
    decimals of at most ``digits`` significant digits, by default all of them.
    """
    return _safe(json.dumps(_plain(value, digits), ensure_ascii=False, indent=1, allow_nan=False))


def json_lines(rows: list[dict[str, Any]]) -> str:
    """A JSON array with one object a line; values are plain already, with None for what is not a number."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    return _safe("[\n" + ",\n".join(map(encode, rows)) + "\n]").encode("utf-8", "replace").decode()


def _safe(text: str) -> str:
    """Outside strings JSON never holds these characters, so replacing them everywhere touches strings alone."""
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # an older form of a command to the log of a CI run; a terminal obeys and hides more than the controls JSON escapes
    return _UNPRINTED.sub(_escaped, text.replace("##[", "\\u0023#["))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or character == "\ufffd":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _plain(value: Any, digits: int | None) -> Any:
    """NumPy scalars as Python's, NaN and infinities as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item, digits) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return rounded_number(float(value), digits) if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value if value is None else str(value)

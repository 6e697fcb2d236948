"""The card of a result: a few lines of text, and the same as HTML for notebooks; small at any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.api.averages import ALL, Average, averages
from eventstudy.api.summary import headline
from eventstudy.flags import flag_words
from eventstudy.report import escape
from eventstudy.report.format import clipped, count, interval, p_value, percent

if TYPE_CHECKING:
    from eventstudy.results import StudyResult

# windows, reasons, notices and flags on the card
MOST = 5
LONGEST = 160
# a frame of the text's own colour, so that a card is readable on a light and on a dark page
STYLE = (
    "border:1px solid currentColor;border-radius:6px;padding:0.6em 0.9em;max-width:52em;color:inherit;"
    "background:transparent;font-family:system-ui,sans-serif;font-size:0.95em"
)


def card_lines(study: StudyResult) -> tuple[str, list[Average], list[str]]:
    """Heading, averages to show, and what to look at."""
    everyone = [one for one in averages(study) if one.group == ALL][:MOST]
    looks = [f"{n:,} excluded: {reason}" for _, reason, n in study.reasons[:MOST]]
    if study.totals.flags:
        words = flag_words(study.totals.flags).split(";")
        more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
        looks.append(f"flags of primary windows: {', '.join(words[:MOST])}{more}")
    looks += [clipped(notice, LONGEST) for notice in study.notices[: 2 if looks else MOST - 2]]
    if (left := len(study.notices) - 2) > 0 and study.reasons:
        looks.append(f"{left:,} more in result.notices")
    return headline(study), everyone, looks


def text_card(study: StudyResult) -> str:
    """The card as text, below 2 kB."""
    title, everyone, looks = card_lines(study)
    level = f"{100 * study.spec.level:g} %"
    lines = [f"<StudyResult> {clipped(escape.clean(title), LONGEST)}"]
    for one in everyone:
        test = f", p {p_value(one.p)} ({one.test})" if one.test else ""
        band = f" ({level}: {interval(one.ci_low, one.ci_high)})" if one.interval else ""
        lines.append(f"  CAAR {one.window:<9} {percent(one.caar)}{band}{test}, {count(one.n, 'event')}")
    if not everyone:
        lines += [f"  {line}" for line in single_lines(study)]
    lines += [f"  look at: {escape.clean(look)}" for look in looks]
    lines.append("  next: .summary()  .plot()  .windows  .excluded  es.regress(result, 'car ~ ...')")
    return "\n".join(lines)


def html_card(study: StudyResult) -> str:
    """The card as HTML: escaped, without scripts, in the colours of the page around it."""
    title, everyone, looks = card_lines(study)
    level = f"{100 * study.spec.level:g} % interval"
    cell = "padding:0.1em 0.8em 0.1em 0;text-align:left;background:transparent;color:inherit"

    def row(cells: Sequence[str], tag: str = "td") -> str:
        return "<tr>" + "".join(f'<{tag} style="{cell}">{escape.html(text)}</{tag}>' for text in cells) + "</tr>"

    body = "".join(
        row(
            (
                one.window,
                percent(one.caar),
                interval(one.ci_low, one.ci_high),
                f"{p_value(one.p)} ({one.test})" if one.test else "-",
                f"{one.n:,}",
            )
        )
        for one in everyone
    )
    table = f"<table>{row(('window', 'CAAR', level, 'p', 'events'), 'th')}{body}</table>" if everyone else ""
    alone = "".join(f"<div>{escape.html(line)}</div>" for line in ([] if everyone else single_lines(study)))
    items = "".join(f"<li>{escape.html(look)}</li>" for look in looks)
    listed = f'<ul style="margin:0.4em 0 0 1.2em;padding:0">{items}</ul>' if items else ""
    heading = f"<strong>{escape.html(clipped(title, LONGEST))}</strong>"
    return f'<div style="{STYLE}">{heading}{table}{alone}{listed}</div>'


def single_lines(study: StudyResult) -> list[str]:
    """The primary window of the first studied events, where no group has two."""
    studied = study.studied
    if studied.measured is None:
        return ["no event could be studied"]
    found, lines = studied.measured.windows, []
    for i in studied.reported[:MOST]:
        w = int(studied.primary[i])
        values = {name: float(found[name][i, w]) for name in ("car", "ci_low", "ci_high", "p_t")}
        lines.append(
            f"{studied.text(i, 'event_id')} {studied.text(i, 'ticker')}: CAR {studied.spec.windows[w].label} "
            f"{percent(values['car'])} ({interval(values['ci_low'], values['ci_high'])}), p {p_value(values['p_t'])}"
        )
    return lines

"""Regressions as a table of rows, as text for a terminal and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.report import escape
from eventstudy.report.format import count, p_value

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.evaluate.coefficients import Coefficient
    from eventstudy.evaluate.regress import Regression

_COLUMNS = (
    "formula window estimator variance term estimate std_error statistic null df p_value p_holm ci_low ci_high"
    " n n_dates n_dropped r_squared main applicable reason"
)
REGRESSION_COLUMNS = _COLUMNS.split()
# How tables call a variance.
VARIANCES = {
    "hc3": "HC3",
    "hc1": "HC1",
    "cluster": "clustered by date",
    "wild-cluster": "wild cluster bootstrap",
    "cluster-two-way": "clustered by firm and date",
    "wild-two-way": "wild bootstrap by firm and date",
    "freedman-lane": "permutation",
}
SHORT = {
    "cluster": "cluster",
    "wild-cluster": "wild",
    "cluster-two-way": "two-way",
    "wild-two-way": "wild two-way",
}
NOTHING = "-"


def regression_frame(regressions: Sequence[Regression]) -> pd.DataFrame:
    """The rows of regression.csv: one per window, estimator, variance and term."""
    import pandas as pd

    rows = [
        (
            *(r.formula, r.window, c.estimator, c.variance, c.term, c.estimate, c.std_error, c.statistic),
            *(c.null, c.df, c.p, c.p_holm, c.ci_low, c.ci_high, r.n, r.n_dates, r.n_dropped),
            r.r_squared if c.estimator == "ols" else r.wls_r_squared,
            "yes" if (c.estimator, c.variance) == ("ols", r.main) else "no",
            *(c.applicable, c.reason),
        )
        for r in regressions
        for c in r.coefficients
    ]
    return pd.DataFrame(rows, columns=REGRESSION_COLUMNS)


def _columns(r: Regression) -> list[tuple[str, str]]:
    """(estimator, variance) of each column of the printed table, the one to read first."""
    found = list(dict.fromkeys((c.estimator, c.variance) for c in r.coefficients))
    return sorted(found, key=lambda pair: (pair != ("ols", r.main), pair[0] != "ols", pair[1]))


def _cell(r: Regression, pair: tuple[str, str], term: str) -> Coefficient:
    return next(c for c in r.coefficients if (c.estimator, c.variance, c.term) == (*pair, term))


def _terms(r: Regression) -> list[str]:
    return list(dict.fromkeys(c.term for c in r.coefficients))


def _number(value: float) -> str:
    return f"{value:.5g}" if value == value else NOTHING


def _p(value: float) -> str:
    return p_value(value) if value == value else NOTHING


def _notes(r: Regression) -> list[str]:
    notes = [f"{count(r.n, 'row')} on {count(r.n_dates, 'date')}, R² {_number(r.r_squared)}; read {VARIANCES[r.main]}"]
    if r.n_dropped:
        notes.append(f"{count(r.n_dropped, 'row')} left out: a column of the formula is empty there")
    own = [c for c in r.coefficients if (c.estimator, c.variance) == ("ols", r.main)]
    notes += dict.fromkeys(
        f"{c.term}: {c.reason}" if len({other.reason for other in own}) > 1 else c.reason for c in own if c.reason
    )
    return notes


def regression_text(r: Regression) -> str:
    """One regression as lines for a terminal: estimate, then standard error and p under each variance."""
    pairs, terms = _columns(r), _terms(r)
    table = [["term", "estimate", *(word for pair in pairs for word in (_heading(pair), "p"))]]
    for term in terms:
        cells = [_cell(r, pair, term) for pair in pairs]
        table.append(
            [
                escape.clean(term),
                _number(cells[0].estimate),
                *(w for c in cells for w in (_number(c.std_error), _p(c.p))),
            ]
        )
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [f"{r.formula}   window {r.window}"]
    lines += [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    return "\n".join([*lines, *(f"  {note}" for note in _notes(r))])


def _heading(pair: tuple[str, str]) -> str:
    estimator, variance = pair
    short = SHORT.get(variance, VARIANCES[variance])
    return f"se {short}" if estimator == "ols" else f"WLS {short}"


def regression_tex(regressions: Sequence[Regression]) -> str:
    """LaTeX with booktabs: a table a window; terms as rows, the standard error in brackets below the estimate."""
    head = "% \\usepackage{booktabs}\n"
    return head + "\n".join(_tex_table(r) for r in regressions)


def _tex_table(r: Regression) -> str:
    pairs = _columns(r)
    titles = [f"{'OLS' if e == 'ols' else 'WLS'}, {_short(v)}" for e, v in pairs]
    body = []
    for term in _terms(r):
        cells = [_cell(r, pair, term) for pair in pairs]
        name = escape.latex(term)
        body.append(
            f"{name} & " + " & ".join(f"${_number(c.estimate)}$" if c.p == c.p else "--" for c in cells) + r" \\"
        )
        body.append(" & " + " & ".join(f"$({_number(c.std_error)})$" if c.p == c.p else "" for c in cells) + r" \\")
        body.append(" & " + " & ".join(f"$p = {_tex_p(c.p)}$" if c.p == c.p else "" for c in cells) + r" \\")
    notes = ". ".join(escape.latex(note) for note in _notes(r))
    return "\n".join(
        (
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escape.latex(r.formula)}; window {escape.latex(r.window)}}}",
            rf"\begin{{tabular}}{{l{'r' * len(pairs)}}}",
            r"\toprule",
            " & " + " & ".join(escape.latex(title) for title in titles) + r" \\",
            r"\midrule",
            *body,
            r"\midrule",
            f"Rows & {' & '.join(str(r.n) for _ in pairs)} \\\\",
            f"Dates & {' & '.join(str(r.n_dates) for _ in pairs)} \\\\",
            "$R^2$ & " + " & ".join(_number(r.r_squared if e == "ols" else r.wls_r_squared) for e, _ in pairs) + r" \\",
            r"\bottomrule",
            r"\end{tabular}",
            rf"\par\smallskip\footnotesize Standard errors in brackets. {notes}.",
            r"\end{table}",
            "",
        )
    )


def _short(variance: str) -> str:
    return SHORT.get(variance, VARIANCES[variance])


def _tex_p(value: float) -> str:
    text = _p(value)
    mantissa, found, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if found else text

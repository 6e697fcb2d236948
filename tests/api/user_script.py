"""A script as a user writes it; type checkers accept it in strict mode (tests/api/test_types.py)."""

from __future__ import annotations

from datetime import date

import eventstudy as es

spec = es.StudySpec(benchmark="SPY", windows=["0:0", (-1, 1), es.Window(0, 5)], level=0.9, model="market-model")
rows: list[dict[str, str]] = [{"ticker": "NVDA", "announced_at": "2025-04-15", "timing": "amc"}]
result: es.StudyResult = es.run(rows, spec=spec, source="snapshot", window="0:1", peers=["AMD", "INTC"])
one = es.run("NVDA", date(2025, 4, 15), timing="amc", source="snapshot", shares={"NVDA": 24.4e9})
text: str = one.summary("latex")
n: int = len(result)
for name in result.names:
    table = result.table(name, wide=True)
    print(name, len(table))
axes = result.plot("h20_license_8k", ticker="NVDA", backend="matplotlib")
found: es.RegressionResult = es.regress(result, "car ~ log(size)", cluster="date")
curve: es.Comparison = es.compare(result, models=["market-model"], windows=[(0, 0)], estimation=[120, 250])
print(es.etable([result, found], "markdown", names=["a", "b"]), curve.level, found.nobs)
checked: es.Validation = es.validate(rows)
if not checked.ok:
    print(checked.problems)
written: list[str] = es.report(result, "out", formats=["csv"], audit=True)
try:
    es.fetch(["NVDA", "AMD"], start="2020-01-01", source="yahoo")
except es.SourceUnavailable as error:
    print(error.hint)
except es.EventStudyError as error:
    print(error.found, error.exit_code)

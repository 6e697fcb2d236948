"""The whole battery on the 19,921 real earnings dates of five hundred firms, streamed, both engines by turns.

Needs the tables that ``EVENTSTUDY_TEST_DATA`` names; says so and ends where they are not. Processor time of one
process, from opening the files to the report, prices included.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

import pandas as pd

from bench.harness import interleaved, machine, ratio
from bench.ranked import WHOLE
from eventstudy.data.events import read_events
from eventstudy.report.provenance import counts
from eventstudy.results import StudyResult
from eventstudy.scale.limits import Limits
from eventstudy.spec import StudySpec, Window
from eventstudy.study_report import Order, study_into

ROUNDS = 3


def main() -> None:
    """Print the times, and what both engines find."""
    folder = Path(os.environ.get("EVENTSTUDY_TEST_DATA", ""))
    if not (folder / "panel_events.csv").is_file():
        print("real earnings dates: not measured; EVENTSTUDY_TEST_DATA names no folder with panel_events.csv")
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        place, found = Path(name), {}
        table = pd.read_csv(folder / "panel_events.csv")
        table = table[(table["in_source_a"] == 1) & (table["in_source_b"] == 1)]
        named = pd.DataFrame({"ticker": table["ticker"], "announced_at": table["event_date"]})
        named.to_csv(place / "events.csv", index=False)

        def run(engine: str) -> StudyResult:
            spec = StudySpec(
                source=f"parquet:{folder}/panel.parquet",
                windows=(Window(0, 1),),
                windows_given=True,
                tests=WHOLE,
                engine=engine,
            )
            order = Order(out=place / engine, formats=("parquet",), limits=Limits(kept=0))
            found[engine] = study_into(read_events(place / "events.csv"), spec, order).result
            return found[engine]

        spent = interleaved({engine: lambda e=engine: run(e) for engine in ("numba", "numpy")}, ROUNDS)  # type: ignore[misc]
        total = counts(found["numba"])
        for engine, times in spent.items():
            each = sorted(times)
            print(
                f"{engine}: {statistics.median(each):.1f} s of processor ({each[0]:.1f} to {each[-1]:.1f}) for "
                f"{total['read']:,} dates, {total['studied']:,} studied, {total['excluded']:,} excluded, "
                f"{len(WHOLE)} tests and their rows"
            )
        middle, low, high = ratio(spent["numpy"], spent["numba"])
        print(f"compiled against NumPy, everything included: {middle:.2f}x, rounds {low:.2f} to {high:.2f}")
        pairs = zip(found["numba"].groups, found["numpy"].groups, strict=True)
        gaps = [abs(a.result.statistic - b.result.statistic) for a, b in pairs if a.result.applicable != "no"]
        print(f"their statistics differ by {max(gaps):.0e} at most")


if __name__ == "__main__":
    main()

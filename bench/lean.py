"""A lean study as a whole process, against the fastest package of the index, statsmodels and batched NumPy: the same
files.

``python -m bench.lean [--venvs DIR] [--rounds N] [SIZES ...]``. Everybody starts an interpreter, reads a wide table of
400 securities over four years and the events from CSV files, and writes CAR, t and p of every event as CSV. Processor
time of the process; every round runs each once, in drawn order. The CARs are compared in every round.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from bench import large
from bench.harness import machine
from bench.peer_scripts import PEERS
from bench.peers import SERIES, Data, interpreter, simulated
from bench.sizes import process

SIZES, ROUNDS, FASTEST = (100, 300, 1_000, 5_000), 5, "eventstudy"
LEMAIRE = """
import sys
import pandas as pd
from eventstudy import Multiple, Single
Single.import_returns("returns.csv")
events = pd.read_csv(sys.argv[1], parse_dates=["announced_at"])
given = [
    {"security_ticker": ticker, "market_ticker": "MKT", "event_date": day.to_datetime64()}
    for ticker, day in zip(events["ticker"], events["announced_at"])
]
found = Multiple.from_list(
    given, Single.market_model, event_window=(-10, 10), estimation_size=250, buffer_size=10, ignore_errors=False
)
rows = [(one.CAR[-1], one.tstat[-1], one.pvalue[-1]) for one in found.sample]
pd.DataFrame(rows, columns=["car", "t", "p_t"]).to_csv("theirs.csv", index=False)
"""
LOOP = """
import sys
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
table = pd.read_csv("returns.csv", index_col="date", parse_dates=True)
events, place = pd.read_csv(sys.argv[1], parse_dates=["announced_at"]), {day: i for i, day in enumerate(table.index)}
market, rows = table["MKT"].to_numpy(), []
for ticker, day in zip(events["ticker"], events["announced_at"]):
    i, own = place[day], table[ticker].to_numpy()
    before, window = slice(i - 270, i - 20), slice(i - 10, i + 11)
    fit = sm.OLS(own[before], sm.add_constant(market[before])).fit()
    x = sm.add_constant(market[window])
    car = (own[window] - x @ fit.params).sum()
    error = np.sqrt(fit.mse_resid * len(x) + x.sum(axis=0) @ fit.cov_params() @ x.sum(axis=0))
    rows.append((car, car / error, 2 * stats.t.sf(abs(car / error), fit.df_resid)))
pd.DataFrame(rows, columns=["car", "t", "p_t"]).to_csv("loop.csv", index=False)
"""
BATCH = """
import sys
import numpy as np
import pandas as pd
from scipy import stats
table = pd.read_csv("returns.csv", index_col="date", parse_dates=True)
events = pd.read_csv(sys.argv[1], parse_dates=["announced_at"])
day = table.index.get_indexer(events["announced_at"])[:, None]
firm = table.columns.get_indexer(events["ticker"])[:, None]
values, market, n, length = table.to_numpy(), table["MKT"].to_numpy(), 250, 21
before, window = day + np.arange(-270, -20), day + np.arange(-10, 11)
y, x = values[before, firm], market[before]
middle = x.mean(axis=1, keepdims=True)
spread = ((x - middle) ** 2).sum(axis=1)
beta = ((x - middle) * y).sum(axis=1) / spread
alpha = y.mean(axis=1) - beta * middle[:, 0]
rest = y - alpha[:, None] - beta[:, None] * x
variance = (rest**2).sum(axis=1) / (n - 2)
moved = market[window].sum(axis=1)
car = values[window, firm].sum(axis=1) - length * alpha - beta * moved
error = np.sqrt(variance * (length + length**2 / n + (moved - length * middle[:, 0]) ** 2 / spread))
p = 2 * stats.t.sf(np.abs(car / error), n - 2)
pd.DataFrame({"car": car, "t": car / error, "p_t": p}).to_csv("batch.csv", index=False)
"""


def write(folder: Path, data: Data, sizes: list[int]) -> None:
    """Returns and closes side by side, and the events of each size."""
    names = [large.ticker(number) for number in range(SERIES)]
    table = pd.DataFrame(data.returns.T, columns=names, index=pd.Index(data.dates, name="date"))
    table.insert(0, "MKT", data.market)
    table.to_csv(folder / "returns.csv")
    moves = 1 + table
    moves.iloc[0] = 1.0
    (100 * moves.cumprod()).to_csv(folder / "closes.csv")
    for n in sizes:
        days = np.datetime_as_string(data.dates[data.session[:n]], unit="D")
        named = {"event_id": [f"e{i}" for i in range(n)], "ticker": [names[s] for s in data.series[:n]]}
        pd.DataFrame({**named, "announced_at": days, "timing": "bmo"}).to_csv(folder / f"events{n}.csv", index=False)


def gap(folder: Path, name: str) -> float:
    """Largest difference of the CARs over [-10,10] of a program and ours."""
    ours = pd.read_csv(folder / "out" / "windows.csv")["car"].to_numpy()
    return float(np.abs(pd.read_csv(folder / name)["car"].to_numpy() - ours).max())


def main() -> None:
    """Print a line for each size and program."""
    options = argparse.ArgumentParser()
    options.add_argument("--venvs", type=Path)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    given = options.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        write(folder, simulated(), given.sizes)
        for file, source in (("lemaire.py", LEMAIRE), ("loop.py", LOOP), ("batch.py", BATCH)):
            (folder / file).write_text(source, encoding="utf-8")
        peer = next(peer for peer in PEERS if peer.name == FASTEST)
        python = interpreter(peer, (given.venvs or folder / "venvs").resolve())
        for n in given.sizes:
            events = f"events{n}.csv"
            source = ("--source", "csv:closes.csv", "--benchmark", large.MARKET, "--exclude", "none")
            asked = ("--window=-10:10", "--tests", "csect-t", "--formats", "csv", "-o", "out", "--force")
            own = [sys.executable, "-m", "eventstudy", "run", events, *source, *asked]
            jobs = {
                "ours": own,
                "ours with curves": [*own, "--spec-curve", "primary"],
                f"{peer.name} {peer.version}": [str(python), "-I", "lemaire.py", events],
                "statsmodels": [sys.executable, "loop.py", events],
                "batched NumPy": [sys.executable, "batch.py", events],
            }
            spent: dict[str, list[float]] = {name: [] for name in jobs}
            for _ in range(given.rounds):
                for at in rng.permutation(len(jobs)):
                    one = list(jobs)[at]
                    spent[one].append(process(folder, jobs[one])[0])
                if max(gap(folder, file) for file in ("theirs.csv", "loop.csv", "batch.csv")) > 1e-8:
                    raise SystemExit("the CARs differ")
            for mine, one in product(list(jobs)[:2], list(jobs)[2:]):
                each = sorted(a / b for a, b in zip(spent[mine], spent[one], strict=True))
                seconds = [statistics.median(spent[name]) for name in (mine, one)]
                print(
                    f"{n:>6,} events, {mine} / {one}: {statistics.median(each):.2f}, {len(each)} rounds {each[0]:.2f} "
                    f"to {each[-1]:.2f} ({seconds[0]:.2f} s against {seconds[1]:.2f} s)",
                    flush=True,
                )


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    main()

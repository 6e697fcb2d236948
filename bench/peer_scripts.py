"""What runs inside the peers' interpreters: one short script each, between the same beginning and end.

Each defines ``prepare(data, n)``, not timed; ``study(given)``, timed; and ``read(found)``, which gives AR of day 0 and
CAR(-10, 10) of every event. ``data`` holds the arrays of ``bench.peers.Data``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A package, how many of its events make a round of one to three seconds, and what is called."""

    name: str
    version: str
    events: int
    computes: str
    source: str


HEAD = """
import json, socket, sys, time
from importlib.metadata import version
import numpy as np
import pandas as pd

def refuse(*_, **__):
    raise OSError("needs the network")

socket.socket.connect = refuse

def tickers(data, n):
    return [f"S{s:05d}" for s in data["series"][:n]]

def wide(data, n):
    return {f"S{s:05d}": data["returns"][s] for s in np.unique(data["series"][:n])} | {"MKT": data["market"]}

def day_numbers(data):
    # for peers that count calendar days: every day is a session
    return pd.date_range("2015-01-01", periods=len(data["market"]), freq="D")
"""

TAIL = """
data, n = dict(np.load(sys.argv[1])), int(sys.argv[2])
read(study(prepare(data, 5)))
given = prepare(data, n)
began = time.process_time()
found = study(given)
spent = time.process_time() - began
day0, car = (list(map(float, each)) for each in read(found))
print()
print(json.dumps({"seconds": spent, "day0": day0, "car": car, "version": version(sys.argv[3])}))
"""

LEMAIRE = """
from eventstudy import Multiple, Single

def prepare(data, n):
    # what import_returns makes of a file
    Single._save_parameter("returns", {"date": data["dates"].astype("datetime64[ns]"), **wide(data, n)})
    dates = data["dates"][data["session"][:n]].astype("datetime64[ns]")
    return [
        {"security_ticker": name, "market_ticker": "MKT", "event_date": day}
        for name, day in zip(tickers(data, n), dates)
    ]

def study(events):
    return Multiple.from_list(
        events, Single.market_model, event_window=(-10, 10), estimation_size=250, buffer_size=10, ignore_errors=False
    )

def read(found):
    return [one.AR[10] for one in found.sample], [one.CAR[-1] for one in found.sample]
"""

FFJR = """
from eventstudies import MultipleEvents, SingleEvent

def prepare(data, n):
    SingleEvent.import_returns(dataframe=pd.DataFrame({"date": data["dates"], **wide(data, n)}))
    dates = data["dates"][data["session"][:n]].astype("datetime64[ns]")
    return [{"ticker": name, "mkt_idx": "MKT", "event_date": day} for name, day in zip(tickers(data, n), dates)]

def study(events):
    return MultipleEvents.from_list(
        events, SingleEvent.MarketModel, event_window=(-10, 10), est_size=250, buffer_size=10, ignore_errors=False
    )

def read(found):
    return [one.AR[10] for one in found.sample], [one.CAR[-1] for one in found.sample]
"""

TOOLKIT = """
from event_study_toolkit.eventstudy import eventstudy

def prepare(data, n):
    # it tells events apart by security, so each has its own
    ids, dates = data["series"][:n], data["dates"].astype("datetime64[ns]")
    panel = pd.DataFrame({
        "permno": np.repeat(ids, len(dates)),
        "date": np.tile(dates, n),
        "ret_dlst_adj": data["returns"][ids].ravel(),
        "vwretd": np.tile(data["market"], n),
    })
    return panel, pd.DataFrame({"permno": ids, "EVT_DATE": dates[data["session"][:n]], "group": 0})

def study(given):
    panel, events = given
    found = eventstudy(250, 10, -10, 10, panel, events, groups=["group"]).getAbnormalReturns("market")
    return events, found, found.groupby("permno")["abret"].sum()

def read(found):
    events, days, cars = found
    day0 = days[days["date"] == days["EVT_DATE"]].set_index("permno")["abret"]
    return day0.loc[events["permno"]], cars.loc[events["permno"]]
"""

EASY_ES = """
from easy_es import EventStudy

def prepare(data, n):
    days, ids = day_numbers(data), np.unique(data["series"][:n])
    study = EventStudy(250, 10, 10, 10, min_estimation_days=250, estimator_type="capm", n_cores=1)
    study.add_returns(ret_df=pd.DataFrame({
        "ticker": np.repeat([f"S{s:05d}" for s in ids], len(days)),
        "Date": np.tile(days.date, len(ids)),
        "Ret": data["returns"][ids].ravel(),
        "Volume": 1.0,
    }))
    # its regressor is named after the market's excess return; the rate is zero here
    study.add_factors(factors_df=pd.DataFrame({"Date": days.date, "Mkt-RF": data["market"]}))
    return study, pd.DataFrame({"ticker": tickers(data, n), "event_date": days[data["session"][:n]]})

def study(given):
    runner, events = given
    return runner.run_study(events)

def read(found):
    found = found.sort_values(["event_id", "Offset"])
    return found.loc[found["Offset"] == 0, "ar"], found.loc[found["Offset"] == 10, "car"]
"""

EASY_STUDIES = """
from EasyEventStudies import easy_event_studies as easy

def prepare(data, n):
    days = day_numbers(data)
    factors, events = pd.DataFrame({"Date": days, "Mkt": data["market"]}), []
    for s, at in zip(data["series"][:n], data["session"][:n]):
        # what it would have downloaded
        cut = slice(max(at - 280, 0), at + 20)
        events.append((days[at], pd.DataFrame({"Date": days[cut], "Daily_Return": data["returns"][s, cut]})))
    return factors, events

def study(given):
    factors, events = given
    return [one(day, stock, factors) for day, stock in events]

def one(day, stock, factors):
    # run_event_study after its two downloads, which it cannot be kept from
    before, window = (-270, -21), (-10, 10)
    x, y = easy.create_X_matrix(factors, before, day), easy.create_Y_matrix(stock, day, before)
    x_star = easy.create_X_star_matrix(day, window, factors)
    y_star = easy.create_Y_star_matrix(day, window, stock)
    model, variance = easy.estimate_return_model(x, y)
    normal, abnormal = easy.estimate_normal_abnormal_returns(model, x_star, y_star)
    of_abnormal = easy.estimate_variance_of_abnormal_returns(x, y, x_star, y_star, variance)
    return easy.create_event_study_output(day, stock, factors, normal, abnormal, of_abnormal, window)

def read(found):
    day0 = [each.loc[each["Relative_Day"] == 0, "Abnormal_Return"].iloc[0] for each in found]
    return day0, [each["CAR"].iloc[-1] for each in found]
"""

PEERS = (
    Peer("eventstudy", "0.1a12", 3000, "AR, CAR, t, p, CAAR: Multiple.from_list", LEMAIRE),
    Peer("ffjr-eventstudies", "0.2.0", 1500, "AR, CAR, t, p, CAAR: MultipleEvents.from_list", FFJR),
    Peer("event-study-toolkit", "1.0.0", 300, "AR, CAR, no errors: getAbnormalReturns and their sums", TOOLKIT),
    Peer("easy-es", "0.1.2", 200, "AR, CAR, SAR, SCAR: run_study, every day a session", EASY_ES),
    Peer("EasyEventStudies", "2.0", 150, "AR, CAR, t, p: run_event_study without its downloads", EASY_STUDIES),
)

"""Choices of a study that contradict each other or its events, found before any price is asked for."""

from __future__ import annotations

import numpy as np

from eventstudy.data.event_index import EventIndex
from eventstudy.data.markets import index_exchange
from eventstudy.engine.models import MODELS, NO_INTERCEPT
from eventstudy.engine_options import fewest_observations
from eventstudy.errors import InputFileError, Problem, UsageError
from eventstudy.spec import StudySpec
from eventstudy.spelling import meant

# minimum number of peers in an index
FEWEST_PEERS = 3


def checked_model(spec: StudySpec) -> StudySpec:
    """The spec, once its model is known to exist and to have the benchmarks and sessions it needs; with
    ``intercept=no`` the model without one."""
    spec = _without_intercept(spec)
    if spec.model not in MODELS:
        raise UsageError(f"model {spec.model!r} is unknown", " | ".join(MODELS), meant(spec.model, MODELS))
    entry = MODELS[spec.model]
    if len(spec.benchmarks) < entry.benchmarks:
        hint = "add --benchmark SPY --benchmark SOXX"
        raise UsageError(f"{spec.model} needs a market and a sector", "two benchmarks", hint)
    if "peers" in entry.needs and len(spec.peers) < FEWEST_PEERS:
        raise UsageError(
            f"{spec.model} has {len(spec.peers)} peers", f"at least {FEWEST_PEERS}", "--peer SYM, repeated"
        )
    if "weights" in entry.needs and not spec.weights:
        raise UsageError(
            f"{spec.model} needs the firm's share of the index", "--index-weight TICKER=W, such as NVDA=0.07"
        )
    if spec.convention and not entry.has_errors:
        raise UsageError(
            f"a convention is about standard errors, and {spec.model} has no standard errors", "no --convention"
        )
    if spec.chosen("robust") == "hac" and entry.inference != "exact":
        raise UsageError(
            f"robust=hac is for least squares, and {spec.model} has a variance of its own", "another model"
        )
    needed = fewest_observations(spec, spec.model, len(spec.benchmarks))
    if spec.estimation < needed:
        raise UsageError(f"estimation {spec.estimation} is too short for {spec.model}", f"at least {needed} sessions")
    return spec


def check_indices(index: EventIndex) -> None:
    """Raise an InputFileError for rows whose ticker is the broad index of an exchange and that name no broader one: no
    listing says which."""
    events = index.events
    rows = np.flatnonzero(
        events.columns["ticker"].where(lambda text: bool(index_exchange(text)))
        & events.columns["benchmark"].where(lambda text: not text)
    )
    if len(rows):
        message = "an index is a market of its own: name a broader market in this column, such as ACWI (the world's)"
        problems = [Problem(int(events.lines[row]), "benchmark", "", message) for row in rows.tolist()]
        raise InputFileError(events.path, problems, events.unit)


def check_peers(index: EventIndex, spec: StudySpec) -> None:
    """Raise a UsageError where a peer is itself treated: the comparison would take part of the effect away."""
    if "peers" not in MODELS[spec.model].needs:
        return
    ticker = index.events.columns["ticker"]
    treated = {ticker.values[code] for code in np.unique(ticker.codes[index.treated()]).tolist()}
    if bad := sorted(treated & set(spec.peers)):
        raise UsageError(
            f"peer {', '.join(bad)} has announcements of its own in {index.events.path}",
            "peers that no event of the file treats",
            "name other peers",
        )


def check_tickers(index: EventIndex, spec: StudySpec) -> None:
    """Raise an error where an option names a ticker that no event has, or an index has no index to be measured
    against."""
    if not spec.benchmarks_given:
        check_indices(index)
    known = {ticker for ticker, _ in index.pairs}
    for option, named in (("index-weight", spec.weights), ("shares", spec.outstanding)):
        if unknown := sorted(set(named) - known):
            raise UsageError(
                f"{option} names {unknown[0]}, which no event of {index.events.path} has",
                "a ticker of the events file",
                meant(unknown[0], sorted(known)),
            )


def _without_intercept(spec: StudySpec) -> StudySpec:
    """The spec with its factor model through the origin, where the convention asks for that."""
    if spec.chosen("intercept") == "yes" or spec.model not in MODELS:
        return spec
    entry, name = MODELS[spec.model], spec.model.removesuffix(NO_INTERCEPT)
    if not entry.columns:
        raise UsageError(
            f"intercept=no is for models of a factor file, and {spec.model} is none",
            "ff3, carhart, ff5 or ff5-mom; capm has no intercept",
        )
    return spec.with_changes(model=f"{name}{NO_INTERCEPT}") if f"{name}{NO_INTERCEPT}" in MODELS else spec

"""Models of expected returns: one entry each, with the functions that make its regressors, estimate it and read it.

A new model is a new entry: everything that treats models differently asks the entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from eventstudy.engine.conditional import FEWEST, conditional_fits
from eventstudy.engine.least_squares import Fits, Solver, instrumented, regressed, residuals, subtracted, weighted
from eventstudy.engine.panel import Bools, Floats
from eventstudy.engine.synthetic import refitted_weights, synthetic_fits
from eventstudy.engine.windows import Design

__all__ = ["MODELS", "Fits", "Model", "fit", "regressors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of expected returns.

    Attributes
    ----------
    title : str
        What pages call it.
    factors : {"none", "market", "all", "made"}
        Which of the study's benchmarks enter; ``made`` regressors are prepared for the model, ``n_made`` of them.
    n_factors : callable
        Number of factors that enter, from the number there is.
    n_parameters : callable
        p, the number of estimated mean parameters, from the number of factors there is; weights are not counted.
    regressors : callable
        Design -> X of every day, float64 (E, D, p), the intercept column holding the sessions covered.
    fit : callable
        Design -> Fits.
    refit : callable
        (Design, days bool (E, D)) -> residuals of every day when the model is estimated on those days: for tests that
        impose the null and fit estimation and test window together.
    alpha_of, beta_of, slopes_of : callable
        theta (E, p) -> the intercept (E,), the slope on the market (E,), every slope (E, k); NaN where there is none.
    inference : {"exact", "asymptotic", "forecast", "none"}
        What is known of its errors: the t distribution under normal errors; large samples only; a variance forecast day
        by day; nothing.
    twin : {"", "constant", "origin", "difference"}
        Its form in the compiled kernel: a regression with a constant or through the origin, a difference; empty where
        it has no compiled form.
    needs : frozenset of str
        Of ``peers`` and ``weights``: what a study must name.
    made_by : str
        Key of the function that prepares the regressors, in ``data.market``.
    columns : tuple of str
        Columns of a factor file; the returns are then taken less the risk-free return.
    further : int
        First of the slopes that tables list in columns of their own.
    least : int
        Valid sessions that it cannot be estimated without; its window reaches further back until it holds them.
    benchmarks : int
        Fewest benchmarks that a study must name; 0 where the default serves.
    explains : str
        What pages say that it takes the expected move from.
    """

    title: str
    reference: str
    factors: Literal["none", "market", "all", "made"]
    n_factors: Callable[[int], int]
    n_parameters: Callable[[int], int]
    regressors: Callable[[Design], Floats]
    fit: Callable[[Design], Fits]
    refit: Callable[[Design, Bools], Floats]
    alpha_of: Callable[[Floats], Floats]
    beta_of: Callable[[Floats], Floats]
    slopes_of: Callable[[Floats], Floats]
    inference: Literal["exact", "asymptotic", "forecast", "none"] = "exact"
    twin: Literal["", "constant", "origin", "difference"] = ""
    needs: frozenset[str] = frozenset()
    made_by: str = ""
    columns: tuple[str, ...] = ()
    n_made: int = 0
    further: int = 1
    least: int = 0
    benchmarks: int = 0
    explains: str = "the market"

    @property
    def has_factors(self) -> bool:
        """Whether anything beside the firm's own returns enters."""
        return self.factors != "none"

    @property
    def has_errors(self) -> bool:
        """Whether anything is known of its errors."""
        return self.inference != "none"

    @property
    def has_parts(self) -> bool:
        """Whether its factors are known for the parts of a day: what is made for it is known from close to close."""
        return self.factors != "made"


def _nothing(theta: Floats) -> Floats:
    return np.full(len(theta), np.nan)


def _from(first: int, theta: Floats) -> Floats:
    """The slopes behind ``first`` other parameters."""
    return theta[:, first:]


def _first(slopes_of: Callable[[Floats], Floats], theta: Floats) -> Floats:
    slopes = slopes_of(theta)
    return slopes[:, 0] if slopes.shape[1] else _nothing(theta)


def _sum(slopes_of: Callable[[Floats], Floats], theta: Floats) -> Floats:
    return np.asarray(slopes_of(theta).sum(axis=1))


def _one(theta: Floats) -> Floats:
    return np.ones(len(theta))


def _alpha(theta: Floats) -> Floats:
    return theta[:, 0]


def _count(factors: str, n_made: int, available: int) -> int:
    return {"none": 0, "market": min(1, available), "all": available}.get(factors, n_made)


def _with_constant(uses: Callable[[int], int], design: Design) -> Floats:
    """The sessions covered, then the factors used."""
    return np.concatenate([design.span[:, :, None], _factors(uses, design)], axis=2)


def _factors(uses: Callable[[int], int], design: Design) -> Floats:
    return design.x[:, :, : uses(design.x.shape[2])]


def _no_regressors(design: Design) -> Floats:
    return np.empty((*design.y.shape, 0))


def _fitted(make: Callable[[Design], Floats], solver: Solver, design: Design) -> Fits:
    return regressed(design, make(design), solver)


def _refitted(make: Callable[[Design], Floats], solver: Solver, design: Design, days: Bools) -> Floats:
    x = make(design)
    return residuals(design, x, solver(design, x, days).theta)


def _subtracted(design: Design) -> Fits:
    return subtracted(design, _no_regressors(design))


def _about_the_mean(design: Design, days: Bools) -> Floats:
    """Differences less their mean per session of the days: the variance of a model without parameters is about the
    mean."""
    residual = residuals(design, _no_regressors(design), np.empty((len(design.y), 0)))
    sessions = np.maximum(np.where(days, design.span, 0.0).sum(axis=1), 1.0)
    mean = np.where(days, residual, 0.0).sum(axis=1) / sessions
    return np.asarray(residual - design.span * mean[:, None])


def _regression(
    title: str,
    reference: str,
    factors: Literal["none", "market", "all", "made"] = "made",
    n: int = 0,
    *,
    constant: bool = True,
    solver: Solver = weighted,
) -> Model:
    """A regression on the factors used, with a constant or through the origin."""
    uses = partial(_count, factors, n)
    make = partial(_with_constant if constant else _factors, uses)
    slopes_of = partial(_from, int(constant))
    return Model(
        title=title,
        reference=reference,
        factors=factors,
        n_made=n,
        n_factors=uses,
        n_parameters=lambda available: int(constant) + uses(available),
        regressors=make,
        fit=partial(_fitted, make, solver),
        refit=partial(_refitted, make, solver),
        alpha_of=_alpha if constant else _nothing,
        beta_of=partial(_first, slopes_of),
        slopes_of=slopes_of,
        twin="constant" if constant else "origin",
    )


def _difference(title: str, reference: str, factors: Literal["market", "made"]) -> Model:
    """The first factor subtracted: its slope is one and nothing is estimated."""
    return Model(
        title=title,
        reference=reference,
        factors=factors,
        n_made=1 if factors == "made" else 0,
        n_factors=partial(_count, factors, 1),
        n_parameters=lambda _: 0,
        regressors=_no_regressors,
        fit=_subtracted,
        refit=_about_the_mean,
        alpha_of=_nothing,
        beta_of=_one,
        slopes_of=lambda theta: np.ones((len(theta), 1)),
        twin="difference",
    )


def _of_a_file(title: str, reference: str, columns: tuple[str, ...], *, constant: bool = True) -> Model:
    """A regression on columns of a factor file."""
    entry = _regression(title, reference, n=len(columns), constant=constant)
    return replace(entry, columns=columns, made_by="factors", explains="the market with its factors")


_MARKET = partial(_regression, factors="market")
_WITH_PEERS = frozenset({"peers"})
_BY_PEERS = "the average of its peers"

MODELS: dict[str, Model] = {
    "market-model": _MARKET("market model", "MacKinlay (1997)"),
    "market-adjusted": _difference("market-adjusted", "Brown & Warner (1985)", "market"),
    "constant-mean": replace(_regression("constant mean", "Brown & Warner (1980)", "none"), explains="its usual day"),
    "multi-index": replace(
        _regression("market and sector", "MacKinlay (1997)", "all"), benchmarks=2, explains="the market with its sector"
    ),
    "capm": _of_a_file("CAPM", "Sharpe (1964)", ("mkt_rf",), constant=False),
    "ff3": _of_a_file("Fama-French three factors", "Fama & French (1993)", ("mkt_rf", "smb", "hml")),
    "carhart": _of_a_file("Carhart four factors", "Carhart (1997)", ("mkt_rf", "smb", "hml", "mom")),
    "ff5": _of_a_file("Fama-French five factors", "Fama & French (2015)", ("mkt_rf", "smb", "hml", "rmw", "cma")),
    "ff5-mom": _of_a_file(
        "Fama-French five factors and momentum",
        "Fama & French (2015); Carhart (1997)",
        ("mkt_rf", "smb", "hml", "rmw", "cma", "mom"),
    ),
    # two regressors are prepared: the market's return, and the instrument for it
    "scholes-williams": replace(
        _regression("Scholes-Williams", "Scholes & Williams (1977)", n=1, solver=instrumented),
        n_made=2,
        inference="asymptotic",
        twin="",
        made_by="instrument",
    ),
    "dimson": replace(
        _regression("Dimson", "Dimson (1979)", n=3),
        beta_of=partial(_sum, partial(_from, 1)),
        further=0,
        made_by="shifts",
    ),
    "garch": replace(
        _MARKET("market model with GARCH(1,1)", "Bollerslev (1986)"),
        fit=partial(conditional_fits, process="garch"),
        inference="forecast",
        twin="",
        least=FEWEST,
    ),
    "egarch": replace(
        _MARKET("market model with EGARCH(1,1)", "Nelson (1991)"),
        fit=partial(conditional_fits, process="egarch"),
        inference="forecast",
        twin="",
        least=FEWEST,
    ),
    "market-model-ex-self": replace(
        _regression("market model without the firm in the index", "methods of leave-one-out indices", n=1),
        needs=frozenset({"weights"}),
        made_by="ex-self",
    ),
    "peer": replace(
        _regression("peer index", "equal-weighted peers", n=1),
        needs=_WITH_PEERS,
        explains=_BY_PEERS,
        made_by="peers",
    ),
    "peer-market": replace(
        _regression("market and peer index", "equal-weighted peers", n=2),
        needs=_WITH_PEERS,
        explains="the market with its peers",
        made_by="market-and-peers",
    ),
    "peer-adjusted": replace(
        _difference("peer-adjusted", "equal-weighted peers", "made"),
        needs=_WITH_PEERS,
        explains=_BY_PEERS,
        made_by="peers",
    ),
    # the donors' weights are not negative and sum to one: there is no t theory for them
    "synthetic": replace(
        _regression("synthetic control", "Abadie, Diamond & Hainmueller (2010)", "all", constant=False),
        factors="made",
        n_parameters=lambda _: 0,
        fit=synthetic_fits,
        refit=refitted_weights,
        beta_of=_nothing,
        further=0,
        inference="none",
        twin="",
        needs=_WITH_PEERS,
        explains="the mix of its peers",
        made_by="donors",
    ),
}
# factor models through the origin, as some software has them: the mean of the estimation window stays in the residuals
NO_INTERCEPT = "-no-intercept"
MODELS |= {
    f"{name}{NO_INTERCEPT}": _of_a_file(f"{entry.title}, no intercept", entry.reference, entry.columns, constant=False)
    for name, entry in MODELS.items()
    if entry.columns and name != "capm"
}


def regressors(design: Design, model: Model) -> Floats:
    """X of a model on every day: (E, D, p), the intercept column holding the sessions covered."""
    return model.regressors(design)


def fit(design: Design, name: str) -> Fits:
    """Estimate a model on the estimation window of each event.

    Parameters
    ----------
    name : str
        Key of ``MODELS``.

    Checked against
    ---------------
    tests/oracles: statsmodels OLS with event dummies, the naive loop, the golden example.
    """
    return MODELS[name].fit(design)

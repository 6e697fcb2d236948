"""Every identifier names its oracle: the test that holds it against something that shares no code with it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from eventstudy.engine.models import MODELS
from eventstudy.spec import (
    ALL_TESTS,
    ALWAYS_TESTS,
    CLUSTER_TESTS,
    DIFFERENCE_TESTS,
    GROUP_TESTS,
    LONG_RUN_TESTS,
    VALUE_WEIGHTED_TESTS,
)
from tests.oracles.naive_battery import statistics
from tests.oracles.test_battery import ragged

TESTS = Path(__file__).parent.parent
STUDY, BATTERY, MODEL = "oracles/test_study.py", "oracles/test_battery.py", "oracles/test_models.py"
LOOP, GOLDEN = f"{BATTERY}::test_every_statistic_by_a_naive_loop", "engine/test_golden.py"
RESAMPLED, LONG = "oracles/test_resampled.py", "oracles/test_longrun.py"
# Loops written from the papers: they must not import the program.
NAIVE = ("golden.py", "naive.py", "naive_battery.py", "naive_longrun.py", "naive_spans.py")

ORACLES: dict[str, str] = {
    # models
    "market-model": f"{STUDY}::test_every_studied_row_against_statsmodels",
    "market-adjusted": f"{STUDY}::test_models_side_by_side",
    "constant-mean": f"{STUDY}::test_models_side_by_side",
    "multi-index": f"{STUDY}::test_models_side_by_side",
    **dict.fromkeys(("capm", "ff3", "carhart", "ff5", "ff5-mom"), f"{MODEL}::test_factor_models_by_statsmodels"),
    **dict.fromkeys(
        ("ff3-no-intercept", "carhart-no-intercept", "ff5-no-intercept", "ff5-mom-no-intercept"),
        f"{MODEL}::test_factor_models_without_an_intercept_by_statsmodels",
    ),
    "scholes-williams": f"{MODEL}::test_scholes_williams_by_its_own_formula",
    "dimson": f"{MODEL}::test_dimson_by_statsmodels",
    **dict.fromkeys(("garch", "egarch"), f"{MODEL}::test_a_forecast_variance_by_a_loop"),
    **dict.fromkeys(("peer", "peer-market"), f"{MODEL}::test_peers_are_an_equal_weighted_index"),
    "peer-adjusted": "oracles/test_synthetic.py::test_peer_adjusted_by_subtraction",
    "synthetic": "oracles/test_synthetic.py::test_weights_by_enumeration_and_slsqp",
    "market-model-ex-self": ("oracles/test_self_in_index.py::test_leaving_the_firm_out_restores_its_effect"),
    # one firm, one event
    **dict.fromkeys(("ar-t", "car-t"), f"{STUDY}::test_every_studied_row_against_statsmodels"),
    **dict.fromkeys(
        ("car-t-ar1", "ar-t-local", "sq", "placebo-time"),
        f"{STUDY}::test_every_window_against_plain_loops",
    ),
    "conformal": "oracles/test_spans.py::test_one_firm_with_holes_by_a_loop",
    "rank-exact": f"{BATTERY}::test_rank_exact_equals_the_sample_quantile_without_ties",
    **dict.fromkeys(("window-f", "vol-f", "vol-conformal", "vol-bf"), f"{BATTERY}::test_volatility_tests"),
    **dict.fromkeys(
        ("boot-iid", "boot-block", "boot-stationary"),
        "oracles/test_bootstrap.py::test_every_draw_is_a_regression_of_its_own",
    ),
    "rank-local": "oracles/test_rank_local.py::test_events_with_holes_by_a_loop",
    "placebo-space": "oracles/test_synthetic.py::test_placebos_in_space_by_a_loop",
    # several firms on one session
    **dict.fromkeys(("portfolio-t", "hotelling", "conformal-hotelling", "romano-wolf"), f"{GOLDEN}::test_clusters"),
    **dict.fromkeys(("equality", "mv-window", "conformal-max"), f"{BATTERY}::test_the_golden_cluster"),
    **dict.fromkeys(("holm", "bonferroni", "bh", "by"), f"{BATTERY}::test_adjusted_p_values_are_those_of_statsmodels"),
    # across events
    **dict.fromkeys(
        set(GROUP_TESTS)
        - {"wild-bootstrap", "sign-flip", "lbt-bootstrap", "im-t", "conformal-dispersion", *VALUE_WEIGHTED_TESTS},
        LOOP,
    ),
    **dict.fromkeys(
        (*VALUE_WEIGHTED_TESTS, "vwcaar"), "oracles/test_value_weights.py::test_every_statistic_by_loops_and_matrices"
    ),
    "conformal-dispersion": "oracles/test_dispersion.py::test_events_with_holes_and_masks_by_loops",
    "im-t": "oracles/test_dates.py::test_means_of_dates_by_a_loop_and_scipy",
    "wild-bootstrap": f"{RESAMPLED}::test_wild_bootstrap_is_a_sample_of_all_sign_patterns",
    "sign-flip": f"{BATTERY}::test_sign_flips_are_enumerated_by_date",
    "lbt-bootstrap": f"{RESAMPLED}::test_the_bhar_bootstrap_agrees_with_another_generator",
    "difference-welch": f"{LONG}::test_the_difference_of_two_means_is_scipy_s",
    "difference-cov": f"{LONG}::test_the_covariance_of_a_difference_by_a_naive_loop",
    "jaffe": f"{LONG}::test_the_portfolio_and_jaffe_by_naive_loops",
    **dict.fromkeys(
        ("calendar-time-alpha", "calendar-time-wls"), f"{LONG}::test_alphas_of_the_sample_from_the_raw_prices"
    ),
    # what is measured
    **dict.fromkeys(("car", "scar", "bhar"), f"{STUDY}::test_every_window_against_plain_loops"),
    **dict.fromkeys(("aar", "caar"), "oracles/test_averages.py::test_averages_of_every_day_and_window_by_hand"),
    **dict.fromkeys(
        ("pwcaar", "ivwcaar", "abhar"), "oracles/test_averages.py::test_averages_of_every_day_and_window_by_hand"
    ),
    "dollar": "oracles/test_dollar.py::test_each_event_by_the_price_file",
    "avol": "oracles/test_volume.py::test_every_row_by_a_loop",
}
MEASURES = {"car", "scar", "bhar", "aar", "caar", "pwcaar", "ivwcaar", "vwcaar", "abhar", "dollar", "avol"}


def test_every_identifier_has_an_oracle() -> None:
    wanted = {*MODELS, *ALL_TESTS, *ALWAYS_TESTS, *MEASURES}
    assert set(ORACLES) == wanted, f"without: {wanted - set(ORACLES)}, unknown: {set(ORACLES) - wanted}"
    assert {*CLUSTER_TESTS, *DIFFERENCE_TESTS, *LONG_RUN_TESTS} <= set(ORACLES)


@pytest.mark.parametrize("node", sorted(set(ORACLES.values())))
def test_the_oracle_is_there(node: str) -> None:
    path, name = node.split("::")
    assert name in functions(path), node


@cache
def functions(path: str) -> set[str]:
    """Names of the functions of a test file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}


@pytest.mark.parametrize("name", NAIVE)
def test_oracles_share_no_code_with_the_program(name: str) -> None:
    tree = ast.parse((TESTS / "oracles" / name).read_text(encoding="utf-8"))
    imported = [
        item.module or "" if isinstance(item, ast.ImportFrom) else item.names[0].name
        for item in ast.walk(tree)
        if isinstance(item, ast.Import | ast.ImportFrom)
    ]
    assert not [module for module in imported if module.startswith("eventstudy")], imported


def test_the_loop_knows_every_test_that_is_said_to_rest_on_it() -> None:
    """On one date and on several, over one day and over several: each statistic appears somewhere."""
    known: set[str] = set()
    for one_date in (False, True):
        _, _, events, _ = ragged(3, one_date=one_date)
        for window in ((0, 0), (-1, 1)):
            days = list(range(window[0], window[1] + 1))
            known |= set(statistics(events, days, list(range(-2, 4))))
    resting = {name for name, node in ORACLES.items() if node == LOOP}
    assert resting <= known, resting - known

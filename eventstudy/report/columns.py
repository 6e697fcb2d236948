"""Columns of the tables of the file contract, and which of them hold text and whole numbers."""

from __future__ import annotations

from eventstudy.engine.significance.single_tests import columns, rated

_COLUMNS: dict[str, str] = {
    "abnormal_returns": (
        "event_id ticker day session return expected_return abnormal_return std_error t p_value car car_std_error flags"
    ),
    "windows": (
        "event_id ticker role category day0 window primary car std_error ci_low ci_high t df p_t p_t_ar1 p_local p_sq"
        " p_conformal p_placebo p_min_sq p_min_conformal p_min_placebo mde80 bhar flags n_placebo n_placebo_blocks"
        " p_rank p_f avar p_vol_conformal p_vol_bf p_boot_iid p_boot_block p_boot_stationary n_uneventful"
        " placebo_rate_t placebo_rate_t_ar1 placebo_rate_local placebo_rate_sq placebo_rate_conformal"
        " placebo_rate_placebo placebo_rate_rank placebo_rate_f placebo_rate_vol_conformal placebo_rate_vol_bf"
        " placebo_rate_boot_iid placebo_rate_boot_block placebo_rate_boot_stationary"
        " p_space p_min_space p_rank_local p_min_rank_local placebo_rate_rank_local"
        " space_low space_high p_headline headline_low headline_high"
    ),
    "models": (
        "event_id ticker day0 model benchmark alpha beta sigma r_squared n_estimation n_masked estimation_start"
        " estimation_end flags effective_donors"
    ),
    "robustness": (
        "event_id ticker window model masked car std_error t p_t n_estimation car_rescaled part estimation gap returns"
        " in_curve flags"
    ),
    "curves": (
        "event_id ticker part window n_specifications n_rejecting share_rejecting car_low car_high car_median median_z"
        " p_median_z n_placebo n_joint applicable reason left_out market_return flags"
    ),
    "overnight": (
        "event_id ticker part return expected_return abnormal_return std_error t p_t df ci_low ci_high mde80 p_family"
        " n_family p_headline headline_low headline_high"
    ),
    "day_parts": "event_id ticker part abnormal_return std_error statistic null df p_value correlation flags",
    "dollar": "event_ids tickers day0 window market_value dollar std_error ci_low ci_high t df p_value currency",
    "clusters": ("day0 event_ids tickers window test ticker statistic null df p_value applicable reason placebo_rate"),
    "aggregate": (
        "group window n_events n_rows n_dates caar pw_caar test statistic null df p_value applicable reason"
        " ivw_caar abhar vw_caar n_effective largest_weight"
    ),
    "aar": "group day n aar std_error caar caar_std_error share_positive",
    "claims": (
        "event_id ticker kind claimed_return observed_return difference verdict expected_return abnormal_return p_t"
        " note p_headline flags"
    ),
    "excluded": "event_id ticker stage reason detail",
    "differences": (
        "group other window n_group n_other n_dates caar_group caar_other difference std_error test statistic null df"
        " p_value applicable reason"
    ),
    "calendar_time": (
        "group hold n_events n_dates n_sessions mean_firms alpha std_error beta test statistic null df p_value"
        " applicable reason"
    ),
    "volume": (
        "event_id ticker day0 window measure model avol ratio standardised std_error t df p_t_ar1 p_conformal phi"
        " n_estimation reason flags"
    ),
    "abnormal_volume": (
        "event_id ticker day session log_volume expected_log_volume abnormal_log_volume std_error flags"
    ),
    "volume_groups": (
        "group window n_events n_rows n_dates mean_avol test statistic null df p_value applicable reason"
    ),
}
COLUMNS: dict[str, list[str]] = {name: text.split() for name, text in _COLUMNS.items()}
# a test of one event that is not yet among them adds its columns on the right
COLUMNS["windows"] = list(dict.fromkeys((*COLUMNS["windows"], *columns(), *rated())))
COLUMNS["overnight"] = [*dict.fromkeys((*COLUMNS["overnight"], *columns())), "flags"]
# every other column of the tables with rows of events holds float64
WHOLE = frozenset({"n_estimation", "n_masked", "n_placebo", "n_placebo_blocks", "n_uneventful", "day"})
TEXTS = frozenset(
    {
        "event_id", "ticker", "role", "category", "day0", "window", "primary", "flags", "model", "benchmark", "session",
        "estimation_start", "estimation_end", "stage", "reason", "detail",
    }
)  # fmt: skip

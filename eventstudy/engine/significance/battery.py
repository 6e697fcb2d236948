"""Every multi-event test by its identifier, run on one sample: the order of this table is the order of the output."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from eventstudy.engine.significance import by_dates, cross_section, ranks, resampling, value_weighted, volatility
from eventstudy.engine.significance.cross_section import Dependence
from eventstudy.engine.significance.dispersion import conformal_dispersion
from eventstudy.engine.significance.distributions import Alternative
from eventstudy.engine.significance.evidence import Sample
from eventstudy.engine.significance.overlap import Overlap
from eventstudy.engine.significance.result import TestResult
from eventstudy.engine.significance.summary import PARTS, Summary, spread_of, summarised

# Predicted cost of a sample above which a test waits to be named: pairs of events, or events times draws.
MOST_UNASKED = 20_000_000
# pairs of events whose correlation is estimated unasked: about ten seconds of processor time
MOST_PAIRS = 2_500_000
DRAWS = 1000

Finalise = Callable[[Sample, Summary, Dependence, Alternative], TestResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """A test across events.

    Attributes
    ----------
    null : str
        What it tests, as a sentence.
    needs : str
        What must hold.
    run : callable
    reads : tuple of str
        Parts of a summary (``summary.PARTS``) beside the moments and Patell's sums; ``values`` where it needs every
        event's number at once.
    cost : {"events", "pairs", "draws"}
        What its time follows: the events of the sample, the pairs of them whose windows overlap (it reads correlations
        of pairs), or a thousand draws of as many numbers.
    """

    null: str
    needs: str
    reference: str
    run: Finalise
    reads: tuple[str, ...] = ()
    cost: Literal["events", "pairs", "draws"] = "events"


def _plain(function: Callable[[Summary, Dependence, Alternative], TestResult]) -> Finalise:
    def run(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
        del sample
        return function(summary, dependence, side)

    return run


def _ranked_days(sample: Sample) -> slice:
    """Columns of the test window among the days that Corrado ranks."""
    shift = sample.evidence.residual.shape[1]
    return slice(shift + sample.days.start, shift + sample.days.stop)


def _corrado(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del dependence
    return ranks.corrado(summary, _ranked_days(sample), side)


def _cumrank(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del dependence
    return ranks.cumrank_t(summary, _ranked_days(sample), side)


def _crude(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del dependence
    return cross_section.crude_dependence(summary, sample.evidence.residual.shape[1], sample.days, side)


def _dispersion(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del sample, dependence, side
    return conformal_dispersion(summary.sums)


def _zivney(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del dependence
    return ranks.corrado_zivney(summary, sample.evidence.residual.shape[1], side)


def _grank_t(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del sample
    warnings = [*ranks.few_for_ranks(summary.n), *ranks.few_dates(dependence.n_dates)]
    return ranks.grank(summary, "grank-t", side, warnings)


def _grank_raw(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del sample, dependence
    return ranks.grank(summary, "grank-raw", side, cross_section.risen_variance(summary))


def _grank_clu(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del sample, dependence
    return ranks.grank(summary, "grank-t-clu", side, ranks.few_for_ranks(summary.n))


def _cz_sign(sample: Sample, summary: Summary, dependence: Dependence, side: Alternative) -> TestResult:
    del dependence
    return ranks.cz_sign(summary, sample.length, side)


_MEAN = "the mean abnormal return is zero"
_WEIGHTED = "the value-weighted mean abnormal return is zero"
_RANK = "the window's days rank like any others"
_SIGN = "positive abnormal returns are as frequent as before"
_FREE = "independent events"
_STABLE = "independent events whose variance the event does not change"

GROUP_TESTS: dict[str, GroupTest] = {
    "csect-t": GroupTest(
        null=_MEAN, needs=_FREE, reference="Brown & Warner (1980)", run=_plain(cross_section.cross_sectional)
    ),
    "patell": GroupTest(null=_MEAN, needs=_STABLE, reference="Patell (1976)", run=_plain(cross_section.patell)),
    "patell-sum": GroupTest(null=_MEAN, needs=_STABLE, reference="Patell (1976)", run=_plain(cross_section.patell_sum)),
    "stouffer-t": GroupTest(
        null=_MEAN,
        needs=_STABLE,
        reference="exact inverse normal",
        run=_plain(cross_section.stouffer_t),
        reads=("scores",),
    ),
    "bmp": GroupTest(
        null=_MEAN, needs=_FREE, reference="Boehmer, Musumeci & Poulsen (1991)", run=_plain(cross_section.bmp)
    ),
    "skew-t-johnson": GroupTest(
        null=_MEAN, needs=_FREE, reference="Johnson (1978)", run=_plain(cross_section.skew_t_johnson)
    ),
    "skew-t-hall": GroupTest(null=_MEAN, needs=_FREE, reference="Hall (1992)", run=_plain(cross_section.skew_t_hall)),
    "wild-bootstrap": GroupTest(
        null=_MEAN,
        needs="independent dates, symmetry",
        reference="Rademacher signs",
        run=_plain(resampling.wild_bootstrap),
        reads=("values",),
    ),
    "sign-flip": GroupTest(
        null=_MEAN,
        needs="independent dates, symmetry",
        reference="enumeration",
        run=_plain(resampling.sign_flip),
        reads=("values",),
    ),
    "crude-dependence": GroupTest(
        null=_MEAN, needs="unchanged variance", reference="Brown & Warner (1980, 1985)", run=_crude, reads=("daily",)
    ),
    "adj-patell": GroupTest(
        null=_MEAN,
        needs="unchanged variance and correlation",
        reference="Kolari & Pynnonen (2010)",
        run=_plain(cross_section.adj_patell),
        cost="pairs",
    ),
    "kolari-pynnonen": GroupTest(
        null=_MEAN,
        needs="unchanged correlation",
        reference="Kolari & Pynnonen (2010)",
        run=_plain(cross_section.kolari_pynnonen),
        cost="pairs",
    ),
    "kpp": GroupTest(
        null=_MEAN,
        needs="unchanged correlation",
        reference="Kolari, Pape & Pynnonen (2018)",
        run=_plain(cross_section.kpp),
        cost="pairs",
    ),
    "calendar-cov": GroupTest(
        null=_MEAN,
        needs="unchanged variance and correlation",
        reference="exact calendar covariance",
        run=_plain(cross_section.calendar_cov),
        cost="pairs",
    ),
    "corrado": GroupTest(
        null=_RANK, needs="unchanged variance", reference="Corrado (1989); Cowan (1992)", run=_corrado, reads=("ranks",)
    ),
    "cumrank-t": GroupTest(
        null=_RANK, needs="unchanged variance", reference="Campbell & Wasley (1993)", run=_cumrank, reads=("ranks",)
    ),
    "cumrank-z": GroupTest(
        null=_RANK, needs=_STABLE, reference="Campbell & Wasley (1993)", run=_plain(ranks.cumrank_z), reads=("ranks",)
    ),
    "corrado-zivney": GroupTest(
        null=_RANK, needs="twenty events and more", reference="Corrado & Zivney (1992)", run=_zivney, reads=("zivney",)
    ),
    "grank-t": GroupTest(
        null=_RANK, needs="twenty events and more", reference="Kolari & Pynnonen (2011)", run=_grank_t, reads=("grank",)
    ),
    "grank-z": GroupTest(
        null=_RANK,
        needs="independent events, twenty and more",
        reference="Kolari & Pynnonen (2011)",
        run=_plain(ranks.grank_z),
        reads=("grank",),
    ),
    "grank-raw": GroupTest(
        null=_RANK,
        needs="unchanged variance",
        reference="Kolari & Pynnonen (2011), not re-standardised",
        run=_grank_raw,
        reads=("grank-raw",),
    ),
    "grank-t-clu": GroupTest(
        null=_RANK,
        needs="twenty events and more",
        reference="Kolari & Pynnonen (2011)",
        run=_grank_clu,
        cost="pairs",
        reads=("grank-clu",),
    ),
    "sign": GroupTest(null=_SIGN, needs="independent events, symmetry", reference="binomial", run=_plain(ranks.sign)),
    "generalized-sign": GroupTest(
        null=_SIGN, needs=_FREE, reference="Cowan (1992)", run=_plain(ranks.generalized_sign), reads=("signs",)
    ),
    "cz-sign": GroupTest(
        null=_SIGN,
        needs="one-day window, ten events and more",
        reference="Corrado & Zivney (1992)",
        run=_cz_sign,
        reads=("signs",),
    ),
    "wilcoxon": GroupTest(
        null=_MEAN,
        needs="independent events, symmetry",
        reference="Wilcoxon (1945)",
        run=_plain(ranks.wilcoxon),
        reads=("values",),
    ),
    "lbt-bootstrap": GroupTest(
        null="the mean BHAR is zero",
        needs=_FREE,
        reference="Lyon, Barber & Tsai (1999)",
        run=_plain(resampling.lbt_bootstrap),
        reads=("values",),
        cost="draws",
    ),
    "avar": GroupTest(
        null="squared abnormal returns are as large as before",
        needs=_FREE,
        reference="Beaver (1968); Landsman & Maydew (2002)",
        run=volatility.avar,
        reads=("volatility",),
    ),
    "vol-ratio-csect": GroupTest(
        null="the event leaves the variance as it is",
        needs="unchanged correlation, normal errors",
        reference="variance of standardised CARs",
        run=_plain(cross_section.vol_ratio_csect),
        cost="pairs",
    ),
    "conformal-dispersion": GroupTest(
        null="the events' CARs differ as much as on other days",
        needs="three events and more, independent dates",
        reference="permutation in event time",
        run=_dispersion,
        reads=("dispersion",),
        cost="draws",
    ),
    "im-t": GroupTest(
        null="the mean abnormal return over dates is zero",
        needs="independent dates, four and more; any correlation within a date",
        reference="Ibragimov & Mueller (2010)",
        run=_plain(by_dates.im_t),
        reads=("values",),
    ),
    "vw-csect": GroupTest(
        null=_WEIGHTED,
        needs=_FREE,
        reference="Bell & McCaffrey (2002)",
        run=_plain(value_weighted.vw_csect),
        reads=("values",),
    ),
    "vw-patell": GroupTest(
        null=_WEIGHTED,
        needs=_STABLE,
        reference="Patell (1976), weighted",
        run=_plain(value_weighted.vw_patell),
        reads=("values",),
    ),
    "vw-bmp": GroupTest(
        null=_WEIGHTED,
        needs=_FREE,
        reference="Boehmer, Musumeci & Poulsen (1991), weighted",
        run=_plain(value_weighted.vw_bmp),
        reads=("values",),
    ),
    "vw-calendar-cov": GroupTest(
        null=_WEIGHTED,
        needs="unchanged variance and correlation",
        reference="exact calendar covariance, weighted",
        run=_plain(value_weighted.vw_calendar_cov),
        reads=("values",),
        cost="pairs",
    ),
    "vw-kp": GroupTest(
        null=_WEIGHTED,
        needs="unchanged correlation",
        reference="Kolari & Pynnonen (2010), weighted",
        run=_plain(value_weighted.vw_kp),
        reads=("values",),
        cost="pairs",
    ),
}


def parts_read(wanted: Collection[str]) -> frozenset[str]:
    """Parts of a summary that the wanted tests read."""
    return frozenset(part for name in wanted for part in GROUP_TESTS[name].reads) & PARTS


def forms_pairs(name: str) -> bool:
    """Whether a test reads correlations of the pairs of a sample."""
    return GROUP_TESTS[name].cost == "pairs"


def many_pairs(name: str, overlap: Overlap) -> str:
    """Why a test on the pairs of a sample waits to be named."""
    return (
        f"windows of {overlap.pairs:,} pairs overlap: correlations of more than {MOST_PAIRS:,} are computed "
        f"where --tests names {name}"
    )


def too_costly(name: str, n: int, overlap: Overlap) -> str:
    """Why a test that was not named is not computed on a sample of n events; empty where it is."""
    if forms_pairs(name) and overlap.pairs > MOST_PAIRS:
        return many_pairs(name, overlap)
    if GROUP_TESTS[name].cost == "draws" and n * DRAWS > MOST_UNASKED:
        return f"N = {n:,}: more than {MOST_UNASKED // DRAWS:,} events are resampled where --tests names {name}"
    return ""


def ranked_correlation(dependence: Dependence) -> float:
    """r of ``grank-t-clu``: the mean correlation of the events of one date, on several dates that by overlap."""
    one = dependence.n_dates == 1
    return max(dependence.mean_correlation if one else dependence.mean_overlap_correlation, 0.0)


def run_battery(
    sample: Sample, dependence: Dependence, wanted: Collection[str], side: Alternative
) -> tuple[Summary, list[TestResult]]:
    """Every wanted test of the table on one sample, with the summary they share."""
    summary = summarised(sample, spread_of(sample), ranked_correlation(dependence), parts_read(wanted))
    return summary, finalised(sample, summary, dependence, wanted, side)


def finalised(
    sample: Sample, summary: Summary, dependence: Dependence, wanted: Collection[str], side: Alternative
) -> list[TestResult]:
    """The wanted tests in the order of the table; of the sample they read the layout alone."""
    return [entry.run(sample, summary, dependence, side) for name, entry in GROUP_TESTS.items() if name in wanted]

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


@dataclass(frozen=True, slots=True)
class Given:
    """What a test reads: the layout of a sample, its sums, how its events depend on each other, and the side."""

    sample: Sample
    summary: Summary
    dependence: Dependence
    side: Alternative

    @property
    def shift(self) -> int:
        """Estimation days, which are before those of the event window."""
        return int(self.sample.evidence.residual.shape[1])

    @property
    def ranked_days(self) -> slice:
        """Columns of the test window among the days that Corrado ranks."""
        return slice(self.shift + self.sample.days.start, self.shift + self.sample.days.stop)


@dataclass(frozen=True, slots=True)
class GroupTest:
    """A test across events.

    Attributes
    ----------
    null : str
        What it tests, as a sentence.
    needs : str
        What must hold.
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
    run: Callable[[Given], TestResult]
    reads: tuple[str, ...] = ()
    cost: Literal["events", "pairs", "draws"] = "events"


def _plain(function: Callable[[Summary, Dependence, Alternative], TestResult]) -> Callable[[Given], TestResult]:
    return lambda g: function(g.summary, g.dependence, g.side)


def _grank_t(g: Given) -> TestResult:
    warnings = [*ranks.few_for_ranks(g.summary.n), *ranks.few_dates(g.dependence.n_dates)]
    return ranks.grank(g.summary, "grank-t", g.side, warnings)


_MEAN = "the mean abnormal return is zero"
_WEIGHTED = "the value-weighted mean abnormal return is zero"
_RANK = "the window's days rank like any others"
_SIGN = "positive abnormal returns are as frequent as before"
_FREE = "independent events"
_STABLE = "independent events whose variance the event does not change"
_CORRELATION, _VARIANCE, _BOTH = "unchanged correlation", "unchanged variance", "unchanged variance and correlation"
_TWENTY, _SYMMETRIC = "twenty events and more", "independent dates, symmetry"
_PYNNONEN, _GRANK = "Kolari & Pynnonen (2010)", "Kolari & Pynnonen (2011)"

GROUP_TESTS: dict[str, GroupTest] = {
    "csect-t": GroupTest(_MEAN, _FREE, "Brown & Warner (1980)", _plain(cross_section.cross_sectional)),
    "patell": GroupTest(_MEAN, _STABLE, "Patell (1976)", _plain(cross_section.patell)),
    "patell-sum": GroupTest(_MEAN, _STABLE, "Patell (1976)", _plain(cross_section.patell_sum), ("days",)),
    "stouffer-t": GroupTest(_MEAN, _STABLE, "exact inverse normal", _plain(cross_section.stouffer_t), ("scores",)),
    "bmp": GroupTest(_MEAN, _FREE, "Boehmer, Musumeci & Poulsen (1991)", _plain(cross_section.bmp)),
    "skew-t-johnson": GroupTest(_MEAN, _FREE, "Johnson (1978)", _plain(cross_section.skew_t_johnson)),
    "skew-t-hall": GroupTest(_MEAN, _FREE, "Hall (1992)", _plain(cross_section.skew_t_hall)),
    "wild-bootstrap": GroupTest(_MEAN, _SYMMETRIC, "Rademacher signs", _plain(resampling.wild_bootstrap), ("values",)),
    "sign-flip": GroupTest(_MEAN, _SYMMETRIC, "enumeration", _plain(resampling.sign_flip), ("values",)),
    "crude-dependence": GroupTest(
        _MEAN,
        _VARIANCE,
        "Brown & Warner (1980, 1985)",
        lambda g: cross_section.crude_dependence(g.summary, g.shift, g.sample.days, g.side),
        ("daily",),
    ),
    "adj-patell": GroupTest(_MEAN, _BOTH, _PYNNONEN, _plain(cross_section.adj_patell), cost="pairs"),
    "kolari-pynnonen": GroupTest(_MEAN, _CORRELATION, _PYNNONEN, _plain(cross_section.kolari_pynnonen), cost="pairs"),
    "kpp": GroupTest(_MEAN, _CORRELATION, "Kolari, Pape & Pynnonen (2018)", _plain(cross_section.kpp), cost="pairs"),
    "calendar-cov": GroupTest(
        _MEAN, _BOTH, "exact calendar covariance", _plain(cross_section.calendar_cov), cost="pairs"
    ),
    "corrado": GroupTest(
        _RANK,
        _VARIANCE,
        "Corrado (1989); Cowan (1992)",
        lambda g: ranks.corrado(g.summary, g.ranked_days, g.side),
        ("ranks",),
    ),
    "cumrank-t": GroupTest(
        _RANK,
        _VARIANCE,
        "Campbell & Wasley (1993)",
        lambda g: ranks.cumrank_t(g.summary, g.ranked_days, g.side),
        ("ranks",),
    ),
    "cumrank-z": GroupTest(_RANK, _STABLE, "Campbell & Wasley (1993)", _plain(ranks.cumrank_z), ("ranks",)),
    "corrado-zivney": GroupTest(
        _RANK,
        _TWENTY,
        "Corrado & Zivney (1992)",
        lambda g: ranks.corrado_zivney(g.summary, g.shift, g.side),
        ("zivney",),
    ),
    "grank-t": GroupTest(_RANK, _TWENTY, _GRANK, _grank_t, ("grank",)),
    "grank-z": GroupTest(_RANK, "independent events, twenty and more", _GRANK, _plain(ranks.grank_z), ("grank",)),
    "grank-raw": GroupTest(
        _RANK,
        _VARIANCE,
        "Kolari & Pynnonen (2011), not re-standardised",
        lambda g: ranks.grank(g.summary, "grank-raw", g.side, cross_section.risen_variance(g.summary)),
        ("grank-raw",),
    ),
    "grank-t-clu": GroupTest(
        _RANK,
        _TWENTY,
        _GRANK,
        lambda g: ranks.grank(g.summary, "grank-t-clu", g.side, ranks.few_for_ranks(g.summary.n)),
        ("grank-clu",),
        cost="pairs",
    ),
    "sign": GroupTest(_SIGN, "independent events, symmetry", "binomial", _plain(ranks.sign)),
    "generalized-sign": GroupTest(_SIGN, _FREE, "Cowan (1992)", _plain(ranks.generalized_sign), ("signs",)),
    "cz-sign": GroupTest(
        _SIGN,
        "one-day window, ten events and more",
        "Corrado & Zivney (1992)",
        lambda g: ranks.cz_sign(g.summary, g.sample.length, g.side),
        ("signs",),
    ),
    "wilcoxon": GroupTest(
        _MEAN, "independent events, symmetry", "Wilcoxon (1945)", _plain(ranks.wilcoxon), ("values",)
    ),
    "lbt-bootstrap": GroupTest(
        "the mean BHAR is zero",
        _FREE,
        "Lyon, Barber & Tsai (1999)",
        _plain(resampling.lbt_bootstrap),
        ("values",),
        cost="draws",
    ),
    "avar": GroupTest(
        "squared abnormal returns are as large as before",
        _FREE,
        "Beaver (1968); Landsman & Maydew (2002)",
        lambda g: volatility.avar(g.sample, g.summary, g.dependence, g.side),
        ("volatility",),
    ),
    "vol-ratio-csect": GroupTest(
        "the event leaves the variance as it is",
        "unchanged correlation, normal errors",
        "variance of standardised CARs",
        _plain(cross_section.vol_ratio_csect),
        cost="pairs",
    ),
    "conformal-dispersion": GroupTest(
        "the events' CARs differ as much as on other days",
        "three events and more, independent dates",
        "permutation in event time",
        lambda g: conformal_dispersion(g.summary.sums),
        ("dispersion",),
        cost="draws",
    ),
    "im-t": GroupTest(
        "the mean abnormal return over dates is zero",
        "independent dates, four and more; any correlation within a date",
        "Ibragimov & Mueller (2010)",
        _plain(by_dates.im_t),
        ("values",),
    ),
    "vw-csect": GroupTest(_WEIGHTED, _FREE, "Bell & McCaffrey (2002)", _plain(value_weighted.vw_csect), ("values",)),
    "vw-patell": GroupTest(
        _WEIGHTED, _STABLE, "Patell (1976), weighted", _plain(value_weighted.vw_patell), ("values",)
    ),
    "vw-bmp": GroupTest(
        _WEIGHTED, _FREE, "Boehmer, Musumeci & Poulsen (1991), weighted", _plain(value_weighted.vw_bmp), ("values",)
    ),
    "vw-calendar-cov": GroupTest(
        _WEIGHTED,
        _BOTH,
        "exact calendar covariance, weighted",
        _plain(value_weighted.vw_calendar_cov),
        ("values",),
        cost="pairs",
    ),
    "vw-kp": GroupTest(
        _WEIGHTED,
        _CORRELATION,
        "Kolari & Pynnonen (2010), weighted",
        _plain(value_weighted.vw_kp),
        ("values",),
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
    given = Given(sample, summary, dependence, side)
    return [entry.run(given) for name, entry in GROUP_TESTS.items() if name in wanted]

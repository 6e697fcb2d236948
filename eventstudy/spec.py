"""Every choice a study makes, in one frozen record that is validated once.

The words are those of the field. Sessions, never calendar days, are counted everywhere; windows include both ends.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import re
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Literal, Unpack, get_args

from eventstudy.errors import UsageError
from eventstudy.precision import CHOICES, checked_precision
from eventstudy.reading import decimal
from eventstudy.spec_values import Choices, read_choices, with_choices_named
from eventstudy.window import Window as Window

Alternative = Literal["two-sided", "less", "greater"]
Returns = Literal["simple", "log"]
Missing = Literal["trade-to-trade", "strict"]
Exclude = Literal["catalogued", "none"]
Input = Literal["auto", "prices", "returns", "log-returns"]

# Kinds of confounder that are the firm's own scheduled or filed news: they are masked in the estimation window of the
# tickers they name. All other kinds only flag windows.
MASKING_KINDS = frozenset({"earnings", "preannouncement", "company_filing", "corporate_action"})

CLUSTER_TESTS = (
    "portfolio-t", "hotelling", "equality", "mv-window", "conformal-hotelling", "conformal-max", "romano-wolf",
    "holm", "bonferroni", "bh", "by",
)  # fmt: skip
GROUP_TESTS = (
    "csect-t", "patell", "patell-sum", "stouffer-t", "bmp", "skew-t-johnson", "skew-t-hall", "wild-bootstrap",
    "sign-flip", "crude-dependence", "adj-patell", "kolari-pynnonen", "kpp", "calendar-cov", "corrado", "cumrank-t",
    "cumrank-z", "corrado-zivney", "grank-t", "grank-z", "grank-raw", "grank-t-clu", "sign", "generalized-sign",
    "cz-sign", "wilcoxon", "lbt-bootstrap", "avar", "vol-ratio-csect", "conformal-dispersion", "im-t", "vw-csect",
    "vw-patell", "vw-bmp", "vw-calendar-cov", "vw-kp",
)  # fmt: skip
# On weighted means: only where a column of weights is named.
VALUE_WEIGHTED_TESTS = tuple(name for name in GROUP_TESTS if name.startswith("vw-"))
# Between two groups of the --by column: differences.csv.
DIFFERENCE_TESTS = ("difference-welch", "difference-cov")
# Over the months after the events: only with a holding period.
LONG_RUN_TESTS = ("calendar-time-alpha", "calendar-time-wls", "jaffe")
_SEVERAL_EVENTS = CLUSTER_TESTS + GROUP_TESTS + DIFFERENCE_TESTS + LONG_RUN_TESTS
ALWAYS_TESTS = ("ar-t", "car-t")

# Points on which software differs; the first choice of each is the default.
CONVENTIONS: dict[str, tuple[str, ...]] = {
    "sigma": ("m-p", "m-1", "m"),
    "car": ("exact", "sqrt-l", "per-day"),
    "robust": ("none", "hac"),
    "sar": ("exact", "plain"),
    "sign": ("mean", "pooled"),
    "correlation": ("calendar", "relative"),
    "intercept": ("yes", "no"),
    "weight": ("by-index", "as-given"),
}

# Windows that are studied under every defensible specification: none, each event's primary one, or all of them.
SPEC_CURVES = ("auto", "off", "primary", "all")

# In place of a factor file: the public library.
LIVE = "live"

# What is expected of a session's volume.
VOLUME_MODELS = ("constant-mean", "market-model")

# Price source and computation, not choices of the study: they are in manifest.json alone.
ACCESS_FIELDS = ("offline", "store", "max_age", "engine")

# How numbers are written, not which: no part of the digest.
WRITING_FIELDS = ("precision",)

_TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_-]{0,31}")


def __getattr__(name: str) -> tuple[str, ...]:
    """SINGLE_TESTS, ALL_TESTS, and RESAMPLED_TESTS: thousands of draws an event and window, computed where they are
    named or with ``all``. Read from the registry of tests when first asked for, because it needs NumPy.
    """
    if name not in ("SINGLE_TESTS", "ALL_TESTS", "RESAMPLED_TESTS"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from eventstudy.engine.significance.single_tests import SINGLE_TESTS

    if name == "RESAMPLED_TESTS":
        return tuple(test for test, entry in SINGLE_TESTS.items() if "seed" in entry.reads)
    return tuple(SINGLE_TESTS) if name == "SINGLE_TESTS" else (*SINGLE_TESTS, *_SEVERAL_EVENTS)


def is_ticker(text: str) -> bool:
    """Whether a text is a symbol as data vendors write it, and no path."""
    return _TICKER.fullmatch(text) is not None and ".." not in text


DEFAULT_EVENT_WINDOW = Window(-10, 10)
DEFAULT_WINDOWS = (Window(0, 0), Window(0, 1), Window(-1, 1), Window(-5, 5), Window(0, 10))


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class StudySpec:
    """Choices of a study; equal specs give equal numbers.

    Every choice may be written as people write it: one symbol or several, ``"0:1"`` or ``(0, 1)``, words in any case;
    ``benchmark``, ``window``, ``peer`` and ``index_weight`` are accepted for the names in the plural.

    Examples
    --------
    >>> spec = StudySpec(benchmark="SPY", windows=["0:0", (-1, 1)], level=0.9)
    >>> spec.windows
    (Window(start=0, end=0), Window(start=-1, end=1))
    >>> spec.with_changes(model="constant-mean").model
    'constant-mean'

    Attributes
    ----------
    source : str
        Price source: ``auto``, ``yahoo``, ``snapshot``, ``csv:DIR``, ``csv:FILE.csv`` or ``parquet:PATH``.
    input : str
        What files and frames state: ``prices``, ``returns``, ``log-returns``, or ``auto``: returns where there are no
        closes or the layout is known for them, else prices.
    offline : bool
        Never ask Yahoo.
    store : str
        Folder of the price store; empty means the user's cache folder.
    max_age : float or None
        Days after which stored prices are asked for again; None never.
    model : str
        Identifier in ``engine.models.MODELS``.
    benchmarks : tuple of str
        The first is the market, further ones are sectors (used by ``multi-index``).
    benchmarks_given : bool
        Whether the user named them; otherwise a listing abroad is measured against the broad index of its
        exchange. Benchmarks other than the default always count as named.
    currency : str
        ``local``, or ``USD``: prices and benchmarks in dollars by daily rates of the same source.
    factors : str
        CSV of daily factor returns in decimals, for the factor models; ``live`` asks the public library.
    peers : tuple of str
        Untreated firms, for the peer models and as donors.
    shares : tuple of str
        ``TICKER=N``, shares outstanding in units of today's splits: CARs in money (dollar.csv).
    volume : str
        Model of expected log volume: ``constant-mean`` or ``market-model`` (on the first benchmark's); empty is none.
    index_weights : tuple of str
        ``TICKER=W``: the decimal share of a studied firm in the market index.
    event_window : Window
        Computed and plotted.
    windows : tuple of Window
        Test windows, inside the event window.
    windows_given : bool
        Whether the user named the windows: a default that does not fit is dropped with a notice, a named one is an
        error.
    estimation, gap : int
        Sessions asked for in the estimation window; sessions strictly between its end and ``min(W1, 0)``.
    min_estimation : int or None
        Fewest valid estimation observations; None means ``max(60, 10 p)``.
    exclude : str
        ``catalogued`` masks other announcements and the firm's own filings in the estimation window; ``none``
        masks nothing.
    returns, missing, alternative : str
        Simple or log; what happens on a day without a close; side of the tests.
    tests : tuple of str
        ``("auto",)``, ``("all",)`` or identifiers; ``ar-t`` and ``car-t`` always run.
    convention : tuple of str
        ``KEY=CHOICE`` of ``CONVENTIONS``, such as ``car=sqrt-l``; what is not named is the first.
    by : str
        Column of events.csv whose values make the groups.
    weight : str
        Column of events.csv with what each event weighs in value-weighted averages, such as its market value at the
        last close before the window; empty makes none.
    level : float
        Coverage of intervals, in (0, 1); the MDE uses the same level.
    calibrated : bool
        Put beside each p value how often its test rejects at 1 - level on the ticker's own uneventful sessions.
    engine : str
        ``numpy``, ``numba``, or ``auto``: the compiled one where it is installed and the events are many.
    spec_curve : str
        Windows that are studied under every defensible specification: ``off``, ``primary``, ``all``, or ``auto``:
        ``primary`` unless ``tests`` is a list of names, which computes what it names.
    hold : int
        Sessions after day 0 that the calendar-time portfolios hold a firm; 0 makes none.
    hold_min : int
        Firms that a session's portfolio must hold to count.
    precision : str
        Significant digits of numbers in CSV, JSON and the metadata of figures: ``6`` to ``15``, or ``full``.

    Raises
    ------
    UsageError
        For any value that cannot be right.
    """

    source: str = "auto"
    input: Input = "auto"
    offline: bool = False
    store: str = ""
    max_age: float | None = None
    model: str = "market-model"
    benchmarks: tuple[str, ...] = ("SPY",)
    benchmarks_given: bool = False
    currency: str = "local"
    factors: str = ""
    peers: tuple[str, ...] = ()
    index_weights: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    volume: str = ""
    event_window: Window = DEFAULT_EVENT_WINDOW
    windows: tuple[Window, ...] = DEFAULT_WINDOWS
    windows_given: bool = False
    estimation: int = 250
    gap: int = 10
    min_estimation: int | None = None
    exclude: Exclude = "catalogued"
    returns: Returns = "simple"
    missing: Missing = "trade-to-trade"
    alternative: Alternative = "two-sided"
    tests: tuple[str, ...] = ("auto",)
    convention: tuple[str, ...] = ()
    by: str = "role"
    weight: str = ""
    level: float = 0.95
    calibrated: bool = False
    engine: str = "auto"
    spec_curve: str = "auto"
    hold: int = 0
    hold_min: int = 1
    precision: str = "10"
    notices: tuple[str, ...] = field(default=(), compare=False)

    def __init__(self, **choices: Unpack[Choices]) -> None:
        given = read_choices(choices, self.__dataclass_fields__)
        for one in fields(self):
            default = one.default if one.default is not MISSING else ()
            object.__setattr__(self, one.name, given.get(one.name, default))
        self._check()

    def _check(self) -> None:
        _one_of("input", self.input, get_args(Input))
        _one_of("returns", self.returns, get_args(Returns))
        _one_of("missing", self.missing, get_args(Missing))
        _one_of("exclude", self.exclude, get_args(Exclude))
        _one_of("alternative", self.alternative, get_args(Alternative))
        _one_of("currency", self.currency, ("local", "USD"))
        _one_of("spec-curve", self.spec_curve, SPEC_CURVES)
        _one_of("engine", self.engine, ("auto", "numpy", "numba"))
        if self.volume:
            _one_of("volume", self.volume, VOLUME_MODELS)
        if self.benchmarks != ("SPY",):
            object.__setattr__(self, "benchmarks_given", True)
        if not self.benchmarks:
            raise UsageError("benchmark is empty", "at least one symbol", "the default is SPY")
        for option, symbols in (("benchmark", self.benchmarks), ("peer", self.peers)):
            for symbol in symbols:
                if not is_ticker(symbol):
                    raise UsageError(f"{option} {symbol!r} is not a ticker", "a symbol such as SPY, ASML.AS or ^GSPC")
        if not 0.5 <= self.level < 1:
            percent = f"did you mean {self.level / 100:g}?" if 50 <= self.level < 100 else ""
            raise UsageError(
                f"level {self.level:g} is out of range", "a decimal from 0.5 to below 1, such as 0.95", percent
            )
        if not 2 <= self.estimation <= 5000:
            raise UsageError(f"estimation {self.estimation} is out of range", "2 to 5000 sessions")
        if self.min_estimation is not None and not 3 <= self.min_estimation <= self.estimation:
            raise UsageError(
                f"min-estimation {self.min_estimation} is out of range",
                f"3 to --estimation ({self.estimation}) sessions",
            )
        if self.max_age is not None and not 0 <= self.max_age <= 1_000_000:
            raise UsageError(f"max-age {self.max_age} is out of range", "0 days or more, up to a million")
        if not 0 <= self.gap <= 1000:
            raise UsageError(f"gap {self.gap} is out of range", "0 to 1000 sessions")
        self._check_hold()
        object.__setattr__(self, "precision", checked_precision(self.precision))
        for ticker, weight in self.weights.items():
            if not 0 < weight < 1:
                raise UsageError(
                    f"index-weight of {ticker} is {weight:g}", "a decimal share below 1, such as 0.07 for 7 %"
                )
        for ticker, count in self.outstanding.items():
            if not count > 0:
                raise UsageError(f"shares of {ticker} are {count:g}", "a number above zero, such as 24.4e9")
        self._check_tests()
        if self.spec_curve == "auto" and self.tests in (("auto",), ("all",)):
            object.__setattr__(self, "spec_curve", "primary")
        self._check_convention()
        self._fit_windows()

    def _check_tests(self) -> None:
        if self.tests in (("auto",), ("all",)):
            return
        for name in self.tests:
            _one_of("tests", name, (*ALWAYS_TESTS, *__getattr__("ALL_TESTS"), "auto", "all"))
        if len(self.tests) > 1 and {"auto", "all"} & set(self.tests):
            raise UsageError("tests mixes auto or all with names", "auto, all, or a list of names")
        if not self.tests:
            raise UsageError("tests is empty", "auto, all, or a list of names")
        if named := [name for name in self.tests if name in VALUE_WEIGHTED_TESTS and not self.weight]:
            raise UsageError(
                f"{named[0]} needs a weight of every event", "a column of the events file", "such as --weight mv"
            )

    def _check_hold(self) -> None:
        if not 0 <= self.hold <= 2500:
            raise UsageError(f"hold {self.hold} is out of range", "0 (none) to 2500 sessions")
        if self.hold_min < 1:
            raise UsageError(f"hold-min {self.hold_min} is out of range", "1 firm or more")
        if self.hold and self.returns == "log":
            raise UsageError(
                "hold needs simple returns: a portfolio's logarithm is not a mean of logarithms",
                "returns simple",
                "leave --returns out",
            )
        if named := [name for name in self.tests if name in LONG_RUN_TESTS and not self.hold]:
            raise UsageError(f"{named[0]} needs a holding period", "1 to 2500 sessions", "such as --hold 250")

    @property
    def digits(self) -> int | None:
        """Significant digits of written numbers; None writes each one in full."""
        return CHOICES[self.precision]

    def _check_convention(self) -> None:
        for text in self.convention:
            key, _, choice = text.partition("=")
            _one_of("convention", key, tuple(CONVENTIONS))
            _one_of(f"convention {key}", choice, CONVENTIONS[key])
        named = [text.partition("=")[0] for text in self.convention]
        if len(set(named)) < len(named):
            raise UsageError(f"convention names {max(named, key=named.count)} twice", "each once")
        if self.chosen("robust") == "hac" and self.chosen("car") != "exact":
            raise UsageError(
                f"robust=hac and car={self.chosen('car')} are two variances of the same CAR", "one of them", "drop one"
            )

    @property
    def weights(self) -> dict[str, float]:
        """Ticker -> share in the market index."""
        return _numbers("index-weight", self.index_weights, "TICKER=W, such as NVDA=0.07")

    @property
    def outstanding(self) -> dict[str, float]:
        """Ticker -> shares outstanding."""
        return _numbers("shares", self.shares, "TICKER=N, such as NVDA=24.4e9")

    def chosen(self, key: str) -> str:
        """The convention in use for a key of ``CONVENTIONS``."""
        found = [text.partition("=")[2] for text in self.convention if text.partition("=")[0] == key]
        return found[0] if found else CONVENTIONS[key][0]

    def _fit_windows(self) -> None:
        outside = [window for window in self.windows if not window.within(self.event_window)]
        if not outside:
            if not self.windows:
                raise UsageError("there is no test window", "at least one START:END")
            return
        names = ", ".join(f"{window.start}:{window.end}" for window in outside)
        bounds = f"{self.event_window.start}:{self.event_window.end}"
        kept = tuple(window for window in self.windows if window.within(self.event_window))
        if self.windows_given or not kept:
            raise UsageError(
                f"test window {names} does not fit the event window {bounds}",
                "windows inside the event window",
                "widen --event-window or name other --window",
            )
        object.__setattr__(self, "windows", kept)
        notice = f"default test window {names} dropped: it does not fit the event window {bounds}"
        object.__setattr__(self, "notices", (*self.notices, notice))

    @property
    def active_tests(self) -> frozenset[str]:
        """Identifiers of the tests this study computes."""
        if self.tests not in (("all",), ("auto",)):
            return frozenset((*ALWAYS_TESTS, *self.tests))
        found = frozenset((*ALWAYS_TESTS, *__getattr__("ALL_TESTS")))
        found -= frozenset() if self.weight else frozenset(VALUE_WEIGHTED_TESTS)
        return found if self.tests == ("all",) else found - set(__getattr__("RESAMPLED_TESTS"))

    def with_changes(self, **changes: object) -> StudySpec:
        """The same spec with some fields replaced and everything checked again."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def with_choices(self, **choices: Unpack[Choices]) -> StudySpec:
        """The same spec with choices as people write them."""
        return self.with_changes(**read_choices(choices, self.__dataclass_fields__))

    def digest(self) -> str:
        """sha256 over the canonical JSON of the fields that say what is studied: equal studies, equal digest."""
        apart = (*ACCESS_FIELDS, *WRITING_FIELDS, "notices")
        fields = {name: value for name, value in asdict(self).items() if name not in apart}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


StudySpec.__signature__ = with_choices_named(inspect.Signature())  # type: ignore[attr-defined]


def _numbers(name: str, texts: tuple[str, ...], wanted: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in texts:
        ticker, _, number = text.partition("=")
        try:
            value = decimal(number)
        except ValueError:
            raise UsageError(f"{name} {text[:80]!r} cannot be read", wanted) from None
        if not ticker or not math.isfinite(value):
            raise UsageError(f"{name} {text[:80]!r} cannot be read", wanted)
        if ticker in found:
            raise UsageError(f"{name} names {ticker} twice", "each once")
        found[ticker] = value
    return found


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value in allowed:
        return
    from eventstudy.spelling import meant

    raise UsageError(f"{name} {value!r} is unknown", " | ".join(allowed), meant(value, allowed))

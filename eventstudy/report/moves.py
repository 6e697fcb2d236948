"""What pages say of each share and session, in numbers: the move, what the market explains, what is its own, and how
sure that is. Every sentence, table and picture of a page reads these records and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.engine.models import MODELS
from eventstudy.engine.significance.headline import ROUNDING, ordinary_days, scale_moved
from eventstudy.flags import flag_words
from eventstudy.spec import StudySpec, Window

if TYPE_CHECKING:
    from eventstudy.records import PartRow, SpecCurve
    from eventstudy.results import Studied, StudyResult

DAY, OPENING, SESSION = "day", "opening", "session"
# flags of the data themselves: what is near a session, and how events share it, is in words elsewhere
NEARNESS = frozenset({"timing_uncertain", "confounded", "overlap", "shared_session", "window_incomplete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One specification: its estimate with interval and p, and the choices that make it.

    Attributes
    ----------
    choices : tuple of (choice, value)
    usual : bool
        Whether it has the study's own choices.
    """

    own: float
    low: float
    high: float
    p: float
    choices: tuple[tuple[str, str], ...]
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The move of one share over one window or part of a day.

    Attributes
    ----------
    part : str
        ``day`` (the whole window), ``opening`` or ``session``.
    moved, market, own : float
        Return, what the model explains of it, and the rest, the abnormal return; over several days they are added up.
    low, high : float
        Interval of ``own``; NaN where there is no bound on that side.
    p : float
        The headline p.
    as_far, ordinary : int
        How many ordinary days (nights) went as far, and of how many; 0 of 0 where they are not known.
    mde : float
        The smallest effect found four times in five.
    local : tuple (mde, low, high) or None
        The same and the interval at the scale of the 20 sessions before, where that differs by more than a quarter.
    outside : bool
        Whether p lies at or below 1 - level: zero lies outside the interval.
    joint : float
        p of the specification curve as a whole; NaN where it is not known.
    left_out : tuple of str
        Specifications that could not be made, and why.
    looks : int
        Openings and sessions of the session that are looked at together; 0 of a whole day.
    stays : bool
        Whether the move stays unusual when all of them are allowed for (Romano & Wolf).
    side : str
        Side that the tests look at: ``two-sided``, ``less`` or ``greater``.
    """

    part: str
    moved: float
    market: float
    own: float
    low: float
    high: float
    p: float
    as_far: int = 0
    ordinary: int = 0
    mde: float = math.nan
    local: tuple[float, float, float] | None = None
    outside: bool = False
    joint: float = math.nan
    alpha: float = 0.05
    variants: tuple[Variant, ...] = ()
    left_out: tuple[str, ...] = ()
    looks: int = 0
    stays: bool = False
    side: str = "two-sided"

    @property
    def unusual(self) -> int:
        """Variants that call the move unusual."""
        return sum(v.p <= self.alpha + ROUNDING for v in self.variants)

    @property
    def band(self) -> tuple[float, float]:
        """Where an ordinary own move lies: ``own`` lies outside exactly when zero lies outside its interval."""
        return (
            -math.inf if math.isnan(self.high) else self.own - self.high,
            math.inf if math.isnan(self.low) else self.own - self.low,
        )

    @property
    def verdict(self) -> str:
        """``unusual`` (p, and nine of ten variants), ``ordinary`` (neither p nor more than one of ten), ``depends``;
        empty without a p."""
        if math.isnan(self.p):
            return ""
        if not self.variants:
            return "unusual" if self.outside else "ordinary"
        share = self.unusual / len(self.variants)
        if self.outside and share >= 0.9:
            return "unusual"
        return "ordinary" if not self.outside and share <= 0.1 else "depends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One share on one session.

    Attributes
    ----------
    position : int
        Studied row.
    event_id, ticker, name, role : str
        ``name`` is what pages call it.
    opening, session : Move or None
        The two parts of day 0, where the source has opens.
    flags : tuple of str
        About the data behind it.
    first, last : str
        Dates of the estimation window.
    """

    position: int
    event_id: str
    ticker: str
    name: str
    role: str
    day0: str
    window: Window
    whole: Move
    opening: Move | None = None
    session: Move | None = None
    flags: tuple[str, ...] = ()
    market_symbol: str = ""
    n_estimation: int = 0
    n_masked: int = 0
    first: str = ""
    last: str = ""
    beta: float = math.nan

    @property
    def days(self) -> int:
        """Sessions of the window."""
        return self.window.length

    @property
    def parts(self) -> tuple[Move, ...]:
        """The whole day, the opening and the session, as far as they are known."""
        return tuple(move for move in (self.whole, self.opening, self.session) if move is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session with all announcements and shares on it; one kind of role.

    Attributes
    ----------
    kind : str
        ``announcements``, ``outcome`` or ``placebo``.
    shares : tuple of Share
        Each share and window once.
    """

    day0: str
    kind: str
    event_ids: tuple[str, ...]
    titles: tuple[str, ...]
    shares: tuple[Share, ...]

    @property
    def anchor(self) -> str:
        """Its id on a page."""
        return f"session-{self.day0}" + ("" if self.kind == "announcements" else f"-{self.kind}")

    @property
    def strongest(self) -> float:
        """Smallest p among its shares; infinite where there is none."""
        return min((s.whole.p for s in self.shares if math.isfinite(s.whole.p)), default=math.inf)


@dataclass(slots=True, kw_only=True)
class Moves:
    """Every share of a study that pages show, and its sessions in order of time."""

    shares: list[Share]
    sessions: list[Session] = field(default_factory=list)

    def of(self, event_id: str) -> tuple[Share, ...]:
        """The shares of an announcement."""
        return tuple(share for share in self.shares if share.event_id == event_id)


def moves_of(result: StudyResult) -> Moves:
    """The records of all reported rows of ``result.studied``."""
    studied = result.studied
    if studied.measured is None:
        return Moves(shares=[])
    parts: dict[int, dict[str, PartRow]] = {}
    for part in result.parts:
        parts.setdefault(part.row, {})[part.part] = part
    curves = {(curve.row, curve.part, curve.window): curve for curve in result.curves}
    shares = [_share(studied, i, parts, curves) for i in studied.reported]
    return Moves(shares=shares, sessions=sessions_of(studied, shares))


def _share(
    studied: Studied, i: int, parts: dict[int, dict[str, PartRow]], curves: dict[tuple[int, str, Window], SpecCurve]
) -> Share:
    spec, found = studied.spec, studied.measured
    assert found is not None, "a row was studied"
    row, w = int(studied.rows[i]), int(studied.primary[i])
    window, keys = spec.windows[w], studied.tables.keys
    key = keys[int(found.events.series[i])]
    alpha = 1 - spec.level
    own_parts = parts.get(row, {})
    ticker = studied.text(i, "ticker")
    models = found.models
    calendar = studied.series(i).calendar.sessions
    beta = MODELS[spec.model].beta_of(models["theta"][i : i + 1])
    return Share(
        position=i,
        event_id=studied.text(i, "event_id"),
        ticker=ticker,
        name=share_name(studied, i),
        role=studied.text(i, "role"),
        day0=str(studied.day0(i)),
        window=window,
        whole=_whole(studied, i, w, alpha, curves.get((row, DAY, window))),
        opening=_part(OPENING, own_parts.get("overnight"), spec, curves.get((row, "overnight", Window(0, 0)))),
        session=_part(SESSION, own_parts.get("intraday"), spec, curves.get((row, "intraday", Window(0, 0)))),
        flags=tuple(
            flag
            for flag in flag_words(int(found.row_flags[i]) | int(found.window_flags[i, w])).split(";")
            if flag and flag not in NEARNESS
        ),
        market_symbol=key.benchmarks[0] if key.benchmarks else "",
        n_estimation=int(models["n_estimation"][i]),
        n_masked=int(models["n_masked"][i]),
        first=str(np.datetime64(calendar[int(models["first_used"][i])], "D")),
        last=str(np.datetime64(calendar[int(models["last_used"][i])], "D")),
        beta=float(beta[0]),
    )


def share_name(studied: Studied, i: int) -> str:
    """What pages call a share: the column ``company`` of the events file, else its ticker."""
    if "company" in studied.index.events.columns:
        return studied.text(i, "company") or studied.text(i, "ticker")
    return studied.text(i, "ticker")


def _whole(studied: Studied, i: int, w: int, alpha: float, curve: SpecCurve | None) -> Move:
    found, window = studied.measured, studied.spec.windows[w]
    assert found is not None, "a row was studied"
    columns = {name: float(values[i, w]) for name, values in found.windows.items()}
    own = columns["car"]
    moved = math.nan
    if found.daily:
        first = window.start - studied.spec.event_window.start
        days = found.daily["return"][i, first : first + window.length]
        moved = float(np.nansum(days)) if np.isfinite(days).any() else math.nan
    p, low, high = headline(columns)
    as_far, ordinary = ordinary_days(columns.get("p_rank_local", math.nan), columns.get("p_min_rank_local", math.nan))
    return Move(
        part=DAY,
        moved=moved,
        market=moved - own,
        own=own,
        low=low,
        high=high,
        p=p,
        as_far=as_far,
        ordinary=ordinary,
        mde=columns["mde80"],
        local=_local(columns),
        outside=p <= alpha + ROUNDING,
        alpha=alpha,
        variants=variants(curve),
        joint=math.nan if curve is None else curve.p_median_z,
        left_out=() if curve is None else curve.left_out,
        side=studied.spec.alternative,
    )


def _local(columns: dict[str, float]) -> tuple[float, float, float] | None:
    """Smallest detectable effect and interval at the scale of the 20 sessions before, where it has moved."""
    scale = columns.get("local_scale", math.nan)
    if not scale_moved(np.array(scale)):
        return None
    return columns["mde80_local"], columns["local_low"], columns["local_high"]


def headline(columns: dict[str, float]) -> tuple[float, float, float]:
    """The one p of an event and window with its interval; those of the exact t where ranks were not computed."""
    if not math.isfinite(columns.get("p_headline", math.nan)):
        return columns["p_t"], columns["ci_low"], columns["ci_high"]
    return columns["p_headline"], columns["headline_low"], columns["headline_high"]


def _part(name: str, row: PartRow | None, spec: StudySpec, curve: SpecCurve | None) -> Move | None:
    if row is None:
        return None
    alpha = 1 - spec.level
    columns = {"p_t": row.p, "ci_low": row.ci_low, "ci_high": row.ci_high, **row.tests}
    p, low, high = headline(columns)
    as_far, ordinary = ordinary_days(columns.get("p_rank_local", math.nan), columns.get("p_min_rank_local", math.nan))
    return Move(
        part=name,
        moved=row.total,
        market=row.expected,
        own=row.abnormal,
        low=low,
        high=high,
        p=p,
        as_far=as_far,
        ordinary=ordinary,
        mde=row.mde,
        outside=p <= alpha + ROUNDING,
        alpha=alpha,
        joint=math.nan if curve is None else curve.p_median_z,
        variants=variants(curve),
        looks=row.n_family if math.isfinite(row.p_family) else 0,
        stays=p <= alpha + ROUNDING and row.p_family <= alpha + ROUNDING,
        side=spec.alternative,
    )


def variants(curve: SpecCurve | None) -> tuple[Variant, ...]:
    """The specifications of a curve in the order of their estimates."""
    if curve is None:
        return ()
    return tuple(
        Variant(
            own=float(curve.car[k]),
            low=float(curve.ci_low[k]),
            high=float(curve.ci_high[k]),
            p=float(curve.p[k]),
            choices=(
                ("length", str(curve.cells[k].estimation)),
                ("gap", str(curve.cells[k].gap)),
                ("model", curve.cells[k].model),
                ("masked", "yes" if curve.cells[k].masked else "no"),
                ("returns", curve.cells[k].returns),
            ),
            usual=k == curve.headline,
        )
        for k in curve.order.tolist()
        if math.isfinite(curve.p[k])
    )


ORDER = ("announcements", "outcome", "placebo")
KINDS = {"outcome": "outcome", "placebo": "placebo"}


def sessions_of(studied: Studied, shares: Sequence[Share]) -> list[Session]:
    """Sessions in order of time, those of announcements first, then outcomes, then placebos; each share and window
    once."""
    found: dict[tuple[int, str], list[Share]] = {}
    for share in shares:
        found.setdefault((ORDER.index(KINDS.get(share.role, ORDER[0])), share.day0), []).append(share)
    made = []
    for (place, day0), mine in sorted(found.items(), key=lambda item: item[0]):
        once: dict[tuple[str, Window], Share] = {}
        for share in mine:
            once.setdefault((share.ticker, share.window), share)
        ids = tuple(dict.fromkeys(share.event_id for share in mine))
        titles = tuple(dict.fromkeys(title_of(studied, share) for share in mine))
        made.append(Session(day0=day0, kind=ORDER[place], event_ids=ids, titles=titles, shares=tuple(once.values())))
    return made


def title_of(studied: Studied, share: Share) -> str:
    """The title in the events file, else the event_id."""
    return studied.text(share.position, "title") or share.event_id


def day_move(studied: Studied, share: Share) -> Move | None:
    """The move of a share over day 0 alone; None where no test window is day 0."""
    day = Window(0, 0)
    if share.window == day:
        return share.whole
    if day not in studied.spec.windows:
        return None
    return _whole(studied, share.position, studied.spec.windows.index(day), 1 - studied.spec.level, None)

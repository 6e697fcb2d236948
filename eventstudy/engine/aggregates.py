"""Groups of events over test windows: summarise -> merge -> finalise, the same lines for every size of study.

Events go in chunks of 2,048, in order: each chunk is summarised alone (``tallied``), summaries are merged in order, and
what depends on the whole sample (ranks that are standardised again) is added by a second pass over the same chunks.
A fixed tree of additions, so that threads, workers and lost workers change no digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eventstudy.engine.moments import ColumnMoments, summarise_columns, summarise_known
from eventstudy.engine.panel import Bools, Floats, Ints
from eventstudy.engine.significance.evidence import Evidence, Sample
from eventstudy.engine.significance.summary import LIGHT_PARTS, SecondPass, Spread, Summary, one_chunk, spread_of
from eventstudy.engine.windows import WindowPlan

# In place of the number of a test window: each event over the window that its row names.
OWN = -1
GroupWindow = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The windows of a study as its groups read them.

    Attributes
    ----------
    windows : sequence of (first day, last day)
        Test windows.
    n_shared : int
        So many of them are those of every event; the others belong to rows that name them.
    own : bool
        Whether rows name windows of their own.
    tested : bool
        Whether CARs have standard errors; without them there are averages alone.
    """

    plan: WindowPlan
    windows: tuple[tuple[int, int], ...]
    n_shared: int
    own: bool = False
    tested: bool = True

    @property
    def numbers(self) -> list[int]:
        """Windows that groups are summarised over, ``OWN`` last."""
        return [*range(self.n_shared), *([OWN] if self.own else [])]

    def days(self, w: int) -> tuple[slice, int, int]:
        """Columns of a window among the days of the event window, its first and its last day; of ``OWN``, none."""
        if w == OWN:
            return slice(0, 0), 0, -1
        start, end = self.windows[w]
        return slice(start - self.plan.start, end - self.plan.start + 1), start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Inputs of groups from E measured events; W windows, L days.

    Attributes
    ----------
    car, std_error, scar, bhar, q : float64 (E, W)
        CAR, its standard error, their ratio, compounded return, and variance factor.
    ar : float64 (E, L)
    evidence : Evidence
        Of the same events; in the first pass without residuals (``kernels.records.light_evidence``).
    date : int64 (E,)
        Days since 1970 of day 0.
    place : int64 (E,)
        Place of day 0 on the calendars (``overlap.Calendars``).
    own : int64 (E,) or None
        Number of the window that each row names for itself, -1 for none.
    weight : float64 (E,) or None
        What each event weighs in value-weighted means.
    """

    car: Floats
    std_error: Floats
    scar: Floats
    bhar: Floats
    q: Floats
    ar: Floats
    evidence: Evidence
    date: Ints
    place: Ints
    own: Ints | None = None
    weight: Floats | None = None

    def rows(self, member: Bools, w: int, layout: Layout) -> tuple[Ints, Ints]:
        """The members that have a CAR over a window and a variance, and the column of each."""
        if w != OWN:
            known = member & np.isfinite(self.car[:, w])
            rows = np.flatnonzero(known & np.isfinite(self.std_error[:, w]) if layout.tested else known)
            return rows, np.full(len(rows), w)
        own = np.full(len(self.date), -1) if self.own is None else self.own
        rows = np.flatnonzero(member & (own >= 0))
        at = own[rows]
        known = np.isfinite(self.car[rows, at])
        if layout.tested:
            known &= np.isfinite(self.std_error[rows, at])
        return rows[known], at[known]

    def sample(self, member: Bools, w: int, layout: Layout) -> Sample:
        """The same as tests across events take it; over ``OWN`` no day is to be read."""
        rows, at = self.rows(member, w, layout)
        days, start, end = layout.days(w)
        # where every event is counted over one window its columns are the sample
        cells = (slice(None), w) if w != OWN and len(rows) == len(self.date) else (rows, at)
        return Sample(
            rows=rows,
            car=np.ascontiguousarray(self.car[cells]),
            scar=np.ascontiguousarray(self.scar[cells]),
            std_error=np.ascontiguousarray(self.std_error[cells]),
            bhar=np.ascontiguousarray(self.bhar[cells]),
            q=np.ascontiguousarray(self.q[cells]),
            days=days,
            start=start,
            end=end,
            dates=self.date[rows],
            series=rows,
            evidence=self.evidence,
            weight=None if self.weight is None else self.weight[rows],
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Which events of a chunk a group counts.

    Attributes
    ----------
    counted : bool (E,)
        Studied events, duplicates counted once.
    n_rows : int
        Studied rows of the group, duplicates and all.
    """

    counted: Bools
    n_rows: int


@dataclass(frozen=True, slots=True)
class Days:
    """Averages of a group by event day; see ``ColumnMoments``.

    Attributes
    ----------
    n_rows : int
        Studied rows before duplicates are counted once.
    n_members : int
        Events, duplicates counted once.
    ar, path : ColumnMoments
        Of abnormal returns and of the CAR path.
    """

    n_rows: int
    n_members: int
    ar: ColumnMoments
    path: ColumnMoments

    def merge(self, other: Days) -> Days:
        """Both, this one first."""
        return Days(
            n_rows=self.n_rows + other.n_rows,
            n_members=self.n_members + other.n_members,
            ar=self.ar.merge(other.ar),
            path=self.path.merge(other.path),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Of a group and a test window.

    Attributes
    ----------
    n_members : int
        Events of the group that have this window, with or without a CAR.
    spread : Spread or None
        Where something is standardised again.
    variance : float
        Sum of the variances of the CARs.
    """

    n_members: int
    summary: Summary
    spread: Spread | None
    variance: float
    min_nu: float

    def merge(self, other: Tested) -> Tested:
        """Both, this one first."""
        spread = None
        if self.spread is not None and other.spread is not None:
            pairs = zip(self.spread.sar, other.spread.sar, strict=True)
            spread = Spread(
                scar=self.spread.scar.merge(other.spread.scar), sar=tuple(one.merge(two) for one, two in pairs)
            )
        return Tested(
            n_members=self.n_members + other.n_members,
            summary=self.summary.merge(other.summary),
            spread=spread,
            variance=self.variance + other.variance,
            min_nu=min(self.min_nu, other.min_nu),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of some events for their groups; their size does not depend on the number of events.

    Attributes
    ----------
    days : dict
        Group -> Days.
    tested : dict
        (group, window) -> Tested.
    places : dict
        (group, window) -> int64 (P,): events of the sample by the place of their day 0 on the calendars.
    """

    days: dict[int, Days]
    tested: dict[GroupWindow, Tested]
    places: dict[GroupWindow, Ints]

    @classmethod
    def empty(cls) -> Tally:
        """Nothing yet."""
        return cls({}, {}, {})

    def add(self, other: Tally) -> None:
        """Add what follows, in place."""
        for group, days in other.days.items():
            self.days[group] = self.days[group].merge(days) if group in self.days else days
        for key, test in other.tested.items():
            self.tested[key] = self.tested[key].merge(test) if key in self.tested else test
        for key, places in other.places.items():
            self.places[key] = self.places[key] + places if key in self.places else places


def days_of(ar: Floats, member: Member) -> Days:
    """The averages of some events of a chunk; ``ar`` is (E, L)."""
    values = ar if member.counted.all() else ar[member.counted]
    n, lost = values.shape[1], np.nonzero(~np.isfinite(values))
    if n == 1:
        # the path of one day is its return, and a single column is added up in another order
        one = summarise_columns(values)
        return Days(member.n_rows, len(values), one, one)
    # both at once: few columns take as long to add up as twice as many
    both = np.empty((len(values), 2 * n))
    returns, path = both[:, :n], both[:, n:]
    returns[:] = values
    returns[lost] = 0.0
    path[:, :1] = returns[:, :1]
    for day in range(1, n):
        np.add(path[:, day - 1], returns[:, day], out=path[:, day])
    path[lost] = np.nan
    # a sum may overflow besides
    gone = np.nonzero(~np.isfinite(path))
    path[gone] = 0.0
    found = summarise_known(both, (np.append(lost[0], gone[0]), np.append(lost[1], gone[1] + n)))
    return Days(member.n_rows, len(values), found.part(slice(0, n)), found.part(slice(n, None)))


def tallied(
    found: Outcomes,
    members: Mapping[int, Member],
    layout: Layout,
    parts: frozenset[str],
    n_places: int,
    *,
    spread: bool,
) -> Tally:
    """Sums of at most 2,048 events.

    Parameters
    ----------
    members : mapping
        Group -> Member.
    parts : frozenset of str
        Of ``summary.PARTS``, those that wanted tests read; the light ones are summed here.
    n_places : int
        P, sessions of all calendars.
    spread : bool
        Whether a second pass standardises again.
    """
    tally = Tally.empty()
    for group, member in members.items():
        if not member.n_rows and not member.counted.any():
            continue
        tally.days[group] = days_of(found.ar, member)
        for w in layout.numbers:
            sample = found.sample(member.counted, w, layout)
            named = member.counted if w != OWN or found.own is None else member.counted & (found.own >= 0)
            nu = found.evidence.nu[sample.rows]
            tally.tested[group, w] = Tested(
                n_members=int(named.sum()),
                summary=one_chunk(sample, None, 0.0, parts & LIGHT_PARTS, values=False),
                spread=spread_of(sample) if spread and w != OWN else None,
                variance=float((sample.std_error**2).sum()),
                min_nu=float(nu.min()) if len(nu) else np.inf,
            )
            tally.places[group, w] = np.bincount(found.place[sample.rows], minlength=n_places)
    return tally


def with_second_pass(tally: Tally, more: Mapping[GroupWindow, SecondPass]) -> dict[GroupWindow, Summary]:
    """The summaries of the first pass, completed by the sums of the second."""
    return {
        key: test.summary
        if key not in more
        else replace(test.summary, sums=more[key].sums | test.summary.sums, volatility=more[key].volatility)
        for key, test in tally.tested.items()
    }


def added_pass(total: dict[GroupWindow, SecondPass], more: Mapping[GroupWindow, SecondPass]) -> None:
    """Add a chunk's or a block's second pass to a running total, in place."""
    for key, one in more.items():
        total[key] = total[key].merge(one) if key in total else one


def empty_sample(layout: Layout, w: int) -> Sample:
    """A sample without events: what finalising steps read of it is the layout alone."""
    plan, none, nobody = layout.plan, np.empty(0), np.empty(0, dtype=np.int64)
    days, start, end = layout.days(w)
    return Sample(
        rows=nobody,
        car=none,
        scar=none,
        std_error=none,
        bhar=none,
        q=none,
        days=days,
        start=start,
        end=end,
        dates=nobody,
        series=nobody,
        evidence=Evidence(
            residual=np.empty((0, plan.estimation)),
            abnormal=np.empty((0, plan.n_window)),
            scale=none,
            nu=none,
            leverage=np.empty((0, plan.estimation)),
            sar=np.empty((0, plan.n_window)),
            corrado=np.empty((0, plan.estimation + plan.n_window)),
            ranked=np.empty((0, plan.estimation)),
            n_ranked=none,
            share_positive=none,
        ),
    )

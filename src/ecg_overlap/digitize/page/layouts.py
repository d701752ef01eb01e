"""Which lead stands where on a page: the order that explains it best."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.page.arrangements import KNOWN, STRIPS, Arrangement, is_of_twelve
from ecg_overlap.digitize.page.columns import Place
from ecg_overlap.digitize.page.laws import disagreement

FloatArray = NDArray[np.float64]

# All in nats: by how much less likely is …
RARER = 1.0  # … each step down from the usual to a rarer order
# All but a fiftieth of a gap is blank, and a fiftieth of a trace: so many nats for every half mm.
BLANK = math.log(0.98 / 0.02)
BLANK_MM = 0.5
PEN_MM = 0.35  # of a stroke, half of which reaches into a gap from each side
GAP = 2.0  # … columns that do not touch
OFF = 1.5  # … each mm that an order's place is off the ends of the ink
FOLLOWED = 3  # arrangements of which the place is sought more finely
HELD = 0.5  # of a column, in which a row has a trace at the least to be spoken of
UNRELATED = -2.0  # … and a rhythm strip that is simultaneous with nothing
OTHER_STRIP = 2.0  # … another of the usual three where they are not all: 1 to 7, a guess
UNUSUAL_STRIP = 3.0  # … a rhythm strip of none of these: 1 to 20, a guess
# So many do not err alike, as a column of 62.5 mm holds ten: a few beats, each of a few waves.
SAMPLES_PER_MM = 0.16
BREAK_EVEN = 0.3  # signals that contradict a law by more speak against it
# In Cabrera's order neighbours are alike, as chest leads are: V1 to V6 of 99 in 100 records
# contradict it by more than this, most by less than BREAK_EVEN. What is between says nothing.
AS_CHEST_LEADS = 0.05
LEAST_DISAGREEMENT = 0.005  # traces are hardly read better than to 23 dB
LATE_MM = 1.0  # a column may begin so much earlier or later on a rhythm strip's time than it seems


@dataclass(frozen=True)
class Rows:
    """What the rows of a page show along the paper, at `per_mm` samples.

    Args:
        signals_mv: float64 (K, n), how high their traces are; NaN where there is none.
        goes_on: float64 (K, n): 1 where a trace goes on, 0 where it leads over blank paper; one
            half, which tells nothing, in an upright stroke: a separator may stand in a gap.
        per_mm: Samples to a mm.
        known: Covariances that were computed already.
        said: What columns with certain leads were found to say, likewise.
    """

    signals_mv: FloatArray
    goes_on: FloatArray
    per_mm: float
    known: dict[Any, FloatArray] = field(default_factory=dict)
    said: dict[Any, float] = field(default_factory=dict)

    def covariances(
        self, columns_mm: FloatArray, strips_mm: FloatArray, strips: tuple[int, ...]
    ) -> FloatArray:
        """Of the traces in each column, float64 (C, L, K, K), mV²; NaN for a row without a trace.

        Where a column began on a strip's time is known to about `LATE_MM`: so for each of L lags of
        the strips; one without strips.

        Args:
            columns_mm: float64 (C, 2): where the columns begin and end.
            strips_mm: The same for some of the rows.
            strips: These rows.
        """
        key = (columns_mm.tobytes(), strips_mm.tobytes(), strips)
        if key not in self.known:
            first = np.rint(columns_mm[:, 0] * self.per_mm).astype(int)
            other = np.rint(strips_mm[:, 0] * self.per_mm).astype(int)
            length = int((columns_mm[0, 1] - columns_mm[0, 0]) * self.per_mm)
            most = round(LATE_MM * self.per_mm) if strips else 0
            self.known[key] = np.array(
                [
                    [self._covariance(a, b + lag, length, strips) for lag in range(-most, most + 1)]
                    for a, b in zip(first, other, strict=True)
                ]
            )
        return self.known[key]

    def _covariance(
        self, first: int, of_strips: int, length: int, strips: tuple[int, ...]
    ) -> FloatArray:
        n_rows, n = self.signals_mv.shape
        found = np.full((n_rows, n_rows), np.nan)
        before = max(0, -first, -of_strips)
        length = min(length, n - max(first, of_strips))
        if length - before < 2:
            return found
        starts = [of_strips if r in strips else first for r in range(n_rows)]
        part = np.stack([self.signals_mv[r, s + before : s + length] for r, s in enumerate(starts)])
        seen = np.isfinite(part)
        held = np.flatnonzero(seen.mean(axis=1) > HELD)
        part = part[held][:, seen[held].all(axis=0)]
        if part.shape[1] > 1:  # as np.cov does it, which takes twice as long
            part -= part.mean(axis=1, keepdims=True)
            found[held[:, None], held] = np.dot(part, part.T.conj()) * (1 / part.shape[1])
        return found


@dataclass(frozen=True)
class Fit:
    """An arrangement at a place, and what speaks for it.

    Args:
        arrangement: With its rhythm strips named.
        place: Of its columns, mm.
        by_laws: What simultaneous leads say, nats: 0 where nothing speaks of it.
        by_names: What the names that are printed say, nats.
        by_gaps: What blank paper between columns says, nats.
        time_goes_on: Whether the blank paper between columns is time that passes, as the rhythm
            strips say which run through it; else the next lead begins where the last one ended.
        by_ends: What the ends of strokes say for the place, nats; 0 where it was not made exact.
    """

    arrangement: Arrangement
    place: Place
    by_laws: float
    by_names: float
    by_gaps: float
    time_goes_on: bool
    by_ends: float = 0.0

    @property
    def score(self) -> float:
        off = RARER * self.arrangement.rarity + OFF * self.place.off_mm
        return self.by_laws + self.by_names + self.by_gaps + self.by_ends - off

    @property
    def strips_mm(self) -> FloatArray:
        """Where each column begins and ends on a rhythm strip, float64 (C, 2), mm."""
        gap = 0.0 if self.time_goes_on else self.place.gap
        return self.columns_mm - gap * np.arange(self.arrangement.n_columns)[:, None]

    def since_start_mm(self, column: int) -> float:
        """How much time, in mm of paper, is between the page's first sample and a column's."""
        gap = self.place.gap if self.time_goes_on else 0.0
        return column * (self.place.width + gap)

    @property
    def columns_mm(self) -> FloatArray:
        """Where each column begins and ends, float64 (C, 2), mm."""
        return self.place.columns(self.arrangement.n_columns)


NamesAt = Callable[[FloatArray], FloatArray]  # columns (C, 2) in mm, to log likelihoods (K, C, 12)
PlacesFor = Callable[[int, Place | None], Sequence[Place]]  # for so many columns, near a place
# A place of so many columns, as the ends of strokes have it, and what they say for it, nats.
Sharpen = Callable[[Place, int], tuple[Place, float]]


def fits_of(
    arrangements: Sequence[Arrangement],
    rows: Rows,
    places_for: PlacesFor,
    names_at: NamesAt,
    sharpen: Sharpen,
) -> list[Fit]:
    """How well arrangements explain a page, each at its best place; the best first.

    Args:
        arrangements: Of as many rows as the page has.
        rows: Of the page.
        places_for: Where so many columns may be, mm: everywhere, or near a place.
        names_at: The log likelihood ratio of each of `LEADS` being printed at each place, to none
            that can be read, float64 (K, C, 12), from the columns; 0 without any evidence.
            A strip's is in its first column.
        sharpen: Makes a place of columns, known to about a mm, exact, and says how much speaks for
            it, nats.
    """
    fits = []
    for arrangement in arrangements:
        anywhere = places_for(arrangement.n_columns, None)
        likely = min(anywhere, key=lambda p: p.off_mm)
        if arrangement.takes_any:
            arrangement = _as_named(arrangement, names_at(likely.columns(1)))
        named = _with_strips(arrangement, rows, likely, names_at)
        fits.append(_best(named, rows, anywhere, names_at))
    fits.sort(key=_score, reverse=True)
    for k, best in enumerate(fits[:FOLLOWED]):
        for _ in range(2):  # the strips once more whenever the columns are better in place
            named = _with_strips(best.arrangement, rows, best.place, names_at)
            best = _best(named, rows, places_for(named.n_columns, best.place), names_at)
        n = best.arrangement.n_columns
        by_ink = min(places_for(n, None), key=lambda p: p.off_mm)
        exact = (sharpen(place, n) for place in (best.place, by_ink))
        fits[k] = max((_sharp(best.arrangement, rows, one, names_at) for one in exact), key=_score)
    return sorted(fits, key=_score, reverse=True)


def _sharp(
    arrangement: Arrangement, rows: Rows, sharp: tuple[Place, float], names_at: NamesAt
) -> Fit:
    """The arrangement at an exact place."""
    place, by_ends = sharp
    named = _with_strips(arrangement, rows, place, names_at)
    return replace(_fit(named, rows, place, names_at), by_ends=by_ends)


def _best(arrangement: Arrangement, rows: Rows, places: Sequence[Place], names_at: NamesAt) -> Fit:
    return max((_fit(arrangement, rows, place, names_at) for place in places), key=_score)


def _score(fit: Fit) -> float:
    return fit.score


def _fit(arrangement: Arrangement, rows: Rows, place: Place, names_at: NamesAt) -> Fit:
    names = names_at(place.columns(arrangement.n_columns))
    by_names = sum(
        _printed(names, r, c, lead)
        for r, row in enumerate(arrangement.rows)
        for c, lead in enumerate(row)
    )
    laws, goes_on = _laws(arrangement, rows, place, strips=arrangement.strips)
    if arrangement.takes_any and by_names <= 0:
        laws = min(laws, 0.0)  # any three rows may obey by chance: only names say which they are
    return Fit(arrangement, place, laws, by_names, _gaps(arrangement, rows, place), goes_on)


def _with_strips(
    arrangement: Arrangement, rows: Rows, place: Place, names_at: NamesAt
) -> Arrangement:
    """The arrangement with the name for each rhythm strip that fits best.

    Each by itself: what one is says nothing of another.
    """
    names = names_at(place.columns(arrangement.n_columns))
    leads = list(arrangement.rows)
    for r in arrangement.strips:
        scores = []
        for rank, lead in enumerate((*STRIPS, *(n for n in LEADS if n not in STRIPS))):
            trial = replace(
                arrangement, rows=(*arrangement.rows[:r], (lead,), *arrangement.rows[r + 1 :])
            )
            laws, _ = _laws(trial, rows, place, strips=(r,))
            rarer = _unusual(lead, arrangement.name)
            scores.append((laws + _printed(names, r, 0, lead) - rarer, -rank, lead))
        leads[r] = (max(scores)[2],)
    return replace(arrangement, rows=tuple(leads))


def _as_named(arrangement: Arrangement, names: FloatArray) -> Arrangement:
    """Rows of any leads, by the names beside them; one without a name is the next of `LEADS`."""
    rows: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for odds in names[:, 0]:
        free = [k for k, lead in enumerate(LEADS) if lead not in taken]
        best = max(free, key=lambda k: float(odds[k]))
        if odds[best] <= 0 and rows:
            after = LEADS.index(rows[-1][0]) + 1
            best = next((k for k in free if k >= after), free[0])
        rows.append((LEADS[best],))
        taken.add(LEADS[best])
    return replace(arrangement, rows=tuple(rows))


def _unusual(lead: str, arrangement: str) -> float:
    """How much less likely a rhythm strip of a lead is than of those usual there, nats."""
    known = KNOWN[arrangement]
    if any(known.rows[r] == (lead,) for r in known.strips):
        return 0.0
    return OTHER_STRIP if lead in STRIPS else UNUSUAL_STRIP


def _printed(names: FloatArray, row: int, column: int, lead: str) -> float:
    if not is_of_twelve(lead):
        return 0.0
    return float(names[row, column, LEADS.index(lead.removeprefix("-"))])


def _laws(
    arrangement: Arrangement, rows: Rows, place: Place, *, strips: tuple[int, ...]
) -> tuple[float, bool]:
    """What simultaneous leads say for an arrangement and some of its rhythm strips, nats.

    And whether time goes on between its columns, by these strips.

    Where there is blank paper between columns, a rhythm strip goes on in it: it is then
    simultaneous with the leads above it, or with what they were without the gaps, or with
    neither: it may have been recorded at another time.
    """
    columns = place.columns(arrangement.n_columns)
    without_gaps = columns - place.gap * np.arange(len(columns))[:, None]
    ways = [columns] if place.gap == 0 else [columns, without_gaps]
    every = arrangement.strips
    short = tuple(r for r in range(len(arrangement.rows)) if r not in every)
    of_ways = [rows.covariances(columns, way, every) for way in ways]
    samples = independent_samples(place)
    alone = _laws_with(arrangement, short, of_ways[0], rows.said, samples)
    by_strips = [
        sum(
            max(_laws_with(arrangement, (*short, r), of, rows.said, samples) - alone, UNRELATED)
            for r in strips
        )
        for of in of_ways
    ]
    best = int(np.argmax(by_strips))
    return alone + by_strips[best], bool(strips) and best == 0


def independent_samples(place: Place) -> float:
    """How many samples of a column, as a law speaks of them, do not err alike.

    A law that holds for longer says more, else an order whose columns are too short would not pay.
    """
    return SAMPLES_PER_MM * place.width


def _laws_with(
    arrangement: Arrangement,
    of: tuple[int, ...],
    covariances: FloatArray,
    said: dict[Any, float],
    samples: float,
) -> float:
    """What simultaneous leads of some rows say, nats, from their covariances (C, L, K, K).

    Args:
        arrangement: Which leads they are.
        of: The rows.
        covariances: As of `Rows.covariances`, which keeps them.
        said: `Rows.said`.
        samples: How many of a column's are independent.
    """
    total = 0.0
    little = AS_CHEST_LEADS if arrangement.is_cabrera else BREAK_EVEN
    for c, covariance in enumerate(covariances):
        leads = tuple((r, lead) for r, lead in arrangement.in_column(c) if r in of)
        key = (id(covariances), c, leads, little)
        if key not in said:
            said[key] = _column_says(covariance, leads, samples, little)
        total += said[key]
    return total


def _column_says(
    covariance: FloatArray, leads: Sequence[tuple[int, str]], samples: float, little: float
) -> float:
    """What the leads of some rows say in one column, nats, from its covariances (L, K, K).

    They speak for an order if they contradict it by less than `little`, against it if by more than
    `BREAK_EVEN`.

    The likelihood is the mean of those at all lags of its strips.
    """
    here = [(r, lead) for r, lead in leads if np.isfinite(covariance[:, r, r]).all()]
    at = [r for r, _ in here]
    names = [lead for _, lead in here]
    against, laws = disagreement(covariance.take(at, axis=1).take(at, axis=2), names)
    if not laws:
        return 0.0
    against = against.clip(LEAST_DISAGREEMENT, 1.0)
    odds = np.log(against / against.clip(little, BREAK_EVEN))
    return _log_of_sum(-0.5 * samples * laws * odds) - math.log(len(odds))


def _log_of_sum(exponents: FloatArray) -> float:
    """As `scipy.special.logsumexp`, of finite ones (n,): in a tenth of its time."""
    most = exponents.max()
    n = np.count_nonzero(exponents == most)
    rest = np.exp(np.where(exponents == most, -np.inf, exponents) - most).sum()
    return float(np.log1p(rest / n) + np.log(float(n)) + most)


def _gaps(arrangement: Arrangement, rows: Rows, place: Place) -> float:
    """What blank paper between the columns says for a place, nats."""
    if place.gap == 0 or arrangement.n_columns == 1:
        return 0.0
    columns = place.columns(arrangement.n_columns)
    short = [r for r in range(len(arrangement.rows)) if not arrangement.is_strip(r)]
    blank_mm = max(place.gap - PEN_MM, 0.0)
    total = 0.0
    for begin, end in zip(columns[:-1, 1] + PEN_MM / 2, columns[1:, 0] - PEN_MM / 2, strict=True):
        first = max(round(begin * rows.per_mm), 0)
        part = rows.goes_on[short, first : max(round(end * rows.per_mm), first + 1)]
        if part.shape[1]:
            share = part.mean(axis=1)
            total += float((BLANK * (1 - 2 * share)).sum()) * blank_mm / BLANK_MM
    return total - GAP

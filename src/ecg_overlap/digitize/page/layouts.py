"""Which lead stands where on a page: the usual orders, and which of them explains a page best."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.layout import LAYOUTS
from data_gen.sample import LEADS
from ecg_overlap.digitize.page.laws import disagreement

FloatArray = NDArray[np.float64]

CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
STRIPS = ("II", "V1", "V5")  # the usual rhythm strips
# All in nats: by how much less likely is …
RARER = 1.0  # … each step down from the usual to a rarer order
OFF = 0.5  # … each mm that an order's place is off the ends of the ink
UNUSUAL_STRIP = 1.0  # … a rhythm strip other than the usual three
# A column of 2.5 s holds a few beats, and neighbouring samples err alike: of so many independent
# samples, as a law speaks of them, the likelihood is taken.
SAMPLES = 10.0
LEAST_DISAGREEMENT = 0.02  # traces are read no better than to 17 dB


@dataclass(frozen=True)
class Arrangement:
    """Which lead stands where.

    Args:
        name: As "3x4+1R"; "(Cabrera)" behind it for that order.
        rows: Lead names row by row, "-aVR" for one that is printed upside down. A row of one lead
            among rows of more is a rhythm strip.
        rarity: How unusual it is: 0, 1 …
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    rarity: int = 0

    @cached_property
    def n_columns(self) -> int:
        return max(len(row) for row in self.rows)

    def is_strip(self, row: int) -> bool:
        """Whether that row is a rhythm strip."""
        return len(self.rows[row]) < self.n_columns

    def in_column(self, column: int) -> list[tuple[int, str]]:
        """The rows, and the leads in them, that stand in a column."""
        return [(r, row[0] if len(row) == 1 else row[column]) for r, row in enumerate(self.rows)]


def _by_column(leads: Sequence[str], n_rows: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(leads[r::n_rows]) for r in range(n_rows))


def _known() -> Iterator[Arrangement]:
    usual, cabrera = tuple(LEADS), (*CABRERA, *LEADS[6:])
    strips: dict[str, tuple[str, ...]] = {
        "": (),
        "+1R": STRIPS[:1],
        "+2R": STRIPS[:2],
        "+3R": STRIPS,
    }
    for rarity, (n_rows, columns) in enumerate(((3, 4), (6, 2), (12, 1), (4, 3))):
        for suffix, names in strips.items():
            if n_rows == 12 and names:
                continue
            for order, leads in (("", usual), (" (Cabrera)", cabrera)):
                rows = (*_by_column(leads, n_rows), *((name,) for name in names))
                rare = rarity + (suffix == "+2R") + 2 * bool(order)
                yield Arrangement(f"{n_rows}x{columns}{suffix}{order}", rows, rare)


KNOWN: dict[str, Arrangement] = {one.name: one for one in _known()}


def arrangement_named(name: str) -> Arrangement:
    """The arrangement that a user names.

    Raises:
        InputError: There is none of that name.
    """
    if name in KNOWN:
        return KNOWN[name]
    if name in LAYOUTS and not LAYOUTS[name].any_lead:
        return Arrangement(name, LAYOUTS[name].rows)
    raise InputError(f"layout {name!r}", "not known", f"choose of {', '.join(KNOWN)}")


def with_rows(n_rows: int) -> list[Arrangement]:
    """The arrangements of so many rows."""
    return [one for one in KNOWN.values() if len(one.rows) == n_rows]


@dataclass(frozen=True)
class Fit:
    """An arrangement at a place, and what speaks for it.

    Args:
        arrangement: With its rhythm strips named.
        start: Where on the signals' axis its first column begins, samples.
        stop: Where its last column ends.
        by_laws: What simultaneous leads say, nats: 0 where nothing speaks of it.
        by_names: What the names that are printed say, nats.
        off_mm: How far its place is from the ends of the ink.
    """

    arrangement: Arrangement
    start: float
    stop: float
    by_laws: float
    by_names: float
    off_mm: float = 0.0

    @property
    def score(self) -> float:
        off = RARER * self.arrangement.rarity + OFF * self.off_mm
        return self.by_laws + self.by_names - off

    @property
    def edges(self) -> FloatArray:
        """Where its columns begin, and where the last ends, float64 (C + 1,), samples."""
        return np.linspace(self.start, self.stop, self.arrangement.n_columns + 1)


NamesAt = Callable[[FloatArray], FloatArray]  # edges (C + 1,) to log likelihoods (K, C, 12)


def fits_of(
    arrangements: Sequence[Arrangement],
    signals_mv: FloatArray,
    places: Sequence[tuple[float, float, float]],
    names_at: NamesAt,
) -> list[Fit]:
    """How well arrangements explain a page, each at its best place; the best first.

    Args:
        arrangements: Of as many rows as the page has.
        signals_mv: float64 (K, n), the rows' traces on one axis; NaN where there is none.
        places: Where on that axis time may begin and end, in samples, and how many mm that is off
            the ends of the ink.
        names_at: The log likelihood ratio of each of `LEADS` being printed at each place, to none
            that can be read, float64 (K, C, 12), from the columns' edges; 0 without any evidence.
            A strip's is in its first column.
    """
    fits = []
    for arrangement in arrangements:
        place = places[len(places) // 2]
        for _ in range(2):  # the strips once more when the columns are in place
            named = _with_strips(arrangement, signals_mv, place, names_at)
            best = max(
                (_fit(named, signals_mv, place, names_at) for place in places),
                key=lambda fit: fit.score,
            )
            place = (best.start, best.stop, best.off_mm)
        fits.append(best)
    return sorted(fits, key=lambda fit: -fit.score)


def _fit(
    arrangement: Arrangement,
    signals_mv: FloatArray,
    place: tuple[float, float, float],
    names_at: NamesAt,
) -> Fit:
    start, stop, off_mm = place
    edges = np.linspace(start, stop, arrangement.n_columns + 1)
    names = names_at(edges)
    by_names = sum(
        _printed(names, r, c, lead)
        for r, row in enumerate(arrangement.rows)
        for c, lead in enumerate(row)
    )
    laws = _laws(arrangement, range(len(arrangement.rows)), signals_mv, edges)
    return Fit(arrangement, start, stop, laws, by_names, off_mm)


def _with_strips(
    arrangement: Arrangement,
    signals_mv: FloatArray,
    place: tuple[float, float, float],
    names_at: NamesAt,
) -> Arrangement:
    """The arrangement with the name for each rhythm strip that fits best.

    Each by itself: what one is says nothing of another.
    """
    edges = np.linspace(place[0], place[1], arrangement.n_columns + 1)
    names = names_at(edges)
    rows = list(arrangement.rows)
    short = [r for r in range(len(rows)) if not arrangement.is_strip(r)]
    for r in range(len(rows)):
        if r in short:
            continue
        scores = []
        for rank, lead in enumerate((*STRIPS, *(n for n in LEADS if n not in STRIPS))):
            trial = replace(arrangement, rows=(*rows[:r], (lead,), *rows[r + 1 :]))
            laws = _laws(trial, [*short, r], signals_mv, edges)
            unusual = UNUSUAL_STRIP * (rank >= len(STRIPS))
            scores.append((laws + _printed(names, r, 0, lead) - unusual, -rank, lead))
        rows[r] = (max(scores)[2],)
    return replace(arrangement, rows=tuple(rows))


def _printed(names: FloatArray, row: int, column: int, lead: str) -> float:
    return float(names[row, column, LEADS.index(lead.removeprefix("-"))])


def _laws(
    arrangement: Arrangement, rows: Iterable[int], signals_mv: FloatArray, edges: FloatArray
) -> float:
    """What some rows' simultaneous leads say for an arrangement, nats."""
    total = 0.0
    whole = np.rint(edges).astype(int).clip(0, signals_mv.shape[1])
    for column in range(arrangement.n_columns):
        here = [(r, lead) for r, lead in arrangement.in_column(column) if r in rows]
        stretch = signals_mv[[r for r, _ in here], whole[column] : whole[column + 1]]
        against, laws = disagreement(stretch, [lead for _, lead in here])
        if laws:
            total -= 0.5 * SAMPLES * laws * float(np.log(max(against, LEAST_DISAGREEMENT)))
    return total

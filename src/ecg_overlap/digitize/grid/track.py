"""Lines of one family followed through a picture in which the comb bends.

Paper that curls, is seen aslant, or was fed unevenly has no one pitch and tilt. But over a
few boxes it has; so small combs are fitted cell by cell, each expecting its lines where its
neighbour's lead to. Where the lines are clear comes first, so that what shadow, ink or glare
hides is reached from its clearest side: no line is miscounted, though the last may stand many
pitches from where the first comb alone would have put it.
"""

import heapq
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.comb import USUAL_PERCENT, Comb
from ecg_overlap.digitize.grid.lines import half_window_px, localise
from ecg_overlap.digitize.grid.robust import MAD_TO_SD, biweight, normal_equations
from ecg_overlap.digitize.grid.strips import AlignedStrips

FloatArray = NDArray[np.float64]
Index = NDArray[np.int64]
_LONG_MM = 15.0  # of a cell along the picture's longer side: straight to a fifth of a millimetre
_SHORT_MM = 40.0  # and along its shorter one: lines that turn more seem to stand a pitch further on
_LEAST_LINES = 4  # of a cell across the lines
# How far a comb may differ from what its neighbour leads to (standard deviations).
_PITCH_SD, _SLOPE_SD, _PLACE_SD = 0.015, 0.015, 0.1  # relative, px per px, pitches
_LEAST_MET = 0.25  # of a cell's lines: an edge of ink, and no grid, shows fewer
_NOISE_PX = 0.15  # of one line in one group; more where the lines scatter more
_CUTOFF_SD = 4.0  # of the biweight; tighter than usual, as the prior holds the fit
_N_REWEIGHTINGS = 4  # rounds of the robust fit
_LEAST_CONTRAST = 0.1  # of the usual one, for a line to be taken as seen
_MOST_WEIGHT = 1.5  # of a strong line over a usual one, as in the comb's fit
_LEAST_SEEN = 3  # places, as a cell's comb has three unknowns


@dataclass(frozen=True, eq=False)
class LinePoints:
    """Points at which lines of one family were seen.

    Args:
        xy_px: float64 (n, 2), (x, y) in the picture.
        index: int (n,), which line.
        weight: float64 (n,), by contrast: 1 for a usual line.
        n_independent: How many of them err independently.
    """

    xy_px: FloatArray
    index: Index
    weight: FloatArray
    n_independent: int


@dataclass(frozen=True)
class _LocalComb:
    """A comb good near one point: line `index` stands at (along_px, place_px).

    `index` need not be whole: the point may lie between two lines.
    """

    along_px: float
    place_px: float
    index: float
    pitch_px: float
    slope: float

    def moved(self, along_px: float, place_px: float) -> "_LocalComb":
        """The same comb, by another of its points."""
        at = self.place_px + self.slope * (along_px - self.along_px)
        index = self.index + (place_px - at) / self.pitch_px
        return replace(self, along_px=along_px, place_px=place_px, index=index)


def follow(
    lines: AlignedStrips,
    comb: Comb,
    *,
    mm_per_line: float,
    vertical: bool,
    across: bool,
) -> LinePoints:
    """Follow a family's lines from where they are clearest through all of the picture.

    Args:
        lines: The family, in groups fine enough to follow the bend.
        comb: Good somewhere in the picture.
        mm_per_line: What its pitch is.
        vertical: Its lines are the vertical ones.
        across: The picture's longer side is across the lines, not along them.
    """
    tracker = _Tracker(lines, comb, mm_per_line=mm_per_line, across=across)
    tracker.follow()
    return tracker.points(vertical=vertical)


@njit(cache=True)
def _correction(
    design: FloatArray, value: FloatArray, weight: FloatArray, prior: FloatArray, alike: float
) -> tuple[FloatArray, FloatArray]:
    """What to add to a comb's place, pitch and slope (3,), and the biweights (n,) of that fit.

    Args:
        design: float64 (n, 3).
        value: float64 (n,), offsets of lines from the comb, px.
        weight: float64 (n,), by contrast.
        prior: float64 (3,), precisions with which the correction is drawn to 0.
        alike: How many of the offsets share one error.
    """
    fit, robust = np.zeros(3), np.ones(len(value))
    for _ in range(_N_REWEIGHTINGS):
        rest = np.abs(value - design @ fit)
        spread = max(MAD_TO_SD * np.median(rest), _NOISE_PX)
        robust = biweight(rest, _CUTOFF_SD * spread)
        both = normal_equations(design, value, weight * robust / (spread**2 * alike))
        normal = both[:, :3].copy()
        for i in range(3):
            normal[i, i] += prior[i]
        fit[:] = np.linalg.solve(normal, both[:, 3].copy())
    return fit, robust


@njit(cache=True)
def _looked(
    profiles: NDArray[np.float32],
    centres: FloatArray,
    sizes: FloatArray,
    half_px: float,
    comb: tuple[float, float, float, float, float],
) -> tuple[Index, Index, FloatArray, FloatArray, FloatArray]:
    """The fields of `_Seen` but for the first and the last, of a cell in whose middle a comb is.

    Args:
        profiles: float32 (g, length), of the groups.
        centres: float64 (g,), where they are along the lines, ascending.
        sizes: float64 (2,), of the cell along and across the lines, px.
        half_px: Half the window in which a line is localised.
        comb: The fields of `_LocalComb`.
    """
    along, place, at, pitch, slope = comb
    off = np.abs(centres - along)
    groups = np.flatnonzero(off <= sizes[0] / 2)
    if len(groups) < 2:
        groups = np.sort(np.argsort(off)[:2])
    low = max(half_px, place - sizes[1] / 2)
    high = min(profiles.shape[1] - 1 - half_px, place + sizes[1] / 2)
    start = place + slope * (centres[groups] - along) - at * pitch  # of line 0
    index = np.arange(
        np.ceil((low - start.max()) / pitch), np.floor((high - start.min()) / pitch) + 1
    )
    expected = np.empty((len(groups), len(index)))
    for group in range(len(groups)):
        expected[group] = start[group] + index * pitch
    offset, contrast = localise(profiles[groups], expected, half_px)
    return groups, index.astype(np.int64), expected, offset, contrast


@njit(cache=True)
def _met(contrast: FloatArray, usual: float) -> float:
    """Mean contrast of lines where they are expected, in usual ones; in gray levels of ∞."""
    if contrast.size == 0:
        return -1.0
    total = 0.0
    for value in contrast.ravel():
        if np.isfinite(value):
            total += value if usual == np.inf else min(max(value / usual, -1.0), 1.0)
    return total / contrast.size


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a cell shows at the lines of a comb: how far they are off, and how clear (g, n)."""

    comb: _LocalComb
    groups: Index
    index: Index
    expected_px: FloatArray
    offset_px: FloatArray
    contrast: FloatArray
    met: float  # mean contrast, of the usual one: how sure it is that these are the lines


class _Tracker:
    """The cells of a picture, and the points seen in them so far."""

    def __init__(
        self, lines: AlignedStrips, comb: Comb, *, mm_per_line: float, across: bool
    ) -> None:
        self._profiles = lines.strips.profile(lines.groups)
        self._centres = lines.centres_px
        self._length = lines.strips.length_px
        self._comb = comb
        self._across = across
        self._half_px = half_window_px(comb.pitch_px)
        per_mm = comb.pitch_px / mm_per_line
        sizes = np.array([_SHORT_MM, _LONG_MM] if across else [_LONG_MM, _SHORT_MM]) * per_mm
        sizes[1] = max(sizes[1], _LEAST_LINES * comb.pitch_px)
        first = float(self._centres[0])
        self._sizes = sizes  # along and across the lines
        self._along = _middles(first, float(self._centres[-1]) - first, float(sizes[0]))
        self._places = _middles(0.0, float(self._length), float(sizes[1]))
        self._cells = list(product(range(len(self._along)), range(len(self._places))))
        self._points: list[tuple[FloatArray, ...]] = []
        self._usual = max(comb.usual_contrast, 1e-6)
        # Where lines bend by a pitch and more, the whole picture's comb meets few of them.
        straight = [(cell, self._at(cell, self._straight(cell))) for cell in self._cells]
        means = [_met(seen.contrast, np.inf) for _, seen in straight]
        self._usual = max(self._usual, float(np.percentile(means, USUAL_PERCENT)))
        self._clearest = max(straight, key=lambda one: _met(one[1].contrast, self._usual))

    def follow(self) -> None:
        """Fit all cells, each from a neighbour that was, those with the clearest lines first."""
        shape = len(self._along), len(self._places)
        waiting = [(0.0, *self._clearest)]
        best = np.full(shape, -np.inf)
        fitted = np.zeros(shape, np.bool_)
        while waiting:
            _, cell, seen = heapq.heappop(waiting)
            if fitted[cell]:
                continue
            fitted[cell] = True
            local = self._fitted(seen)
            for a, p in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                beside = cell[0] + a, cell[1] + p
                inside = 0 <= beside[0] < shape[0] and 0 <= beside[1] < shape[1]
                if not inside or fitted[beside]:
                    continue
                there = self._at(beside, local)
                if there.met > best[beside]:
                    best[beside] = there.met
                    heapq.heappush(waiting, (-there.met, beside, there))

    def _straight(self, cell: tuple[int, int]) -> _LocalComb:
        """The whole picture's straight comb, as a local one in a cell's middle."""
        comb, along, place = self._comb, self._along[cell[0]], self._places[cell[1]]
        at = comb.phase_px + comb.slope * along
        return _LocalComb(along, place, (place - at) / comb.pitch_px, comb.pitch_px, comb.slope)

    def _at(self, cell: tuple[int, int], comb: _LocalComb) -> _Seen:
        """What a cell shows where another one's comb leads to."""
        local = comb.moved(self._along[cell[0]], self._places[cell[1]])
        at = local.along_px, local.place_px, local.index, local.pitch_px, local.slope
        seen = _looked(self._profiles, self._centres, self._sizes, self._half_px, at)
        return _Seen(local, *seen, _met(seen[-1], self._usual))

    def _fitted(self, seen: _Seen) -> _LocalComb:
        """The comb that was expected in a cell, corrected by its lines; their points are kept."""
        local, offset, contrast = seen.comb, seen.offset_px, seen.contrast
        good = np.isfinite(offset) & (contrast > _LEAST_CONTRAST * self._usual)
        if good.sum() < _LEAST_SEEN:
            return local
        line = np.broadcast_to(seen.index, good.shape)[good]
        along = np.broadcast_to(self._centres[seen.groups][:, None], good.shape)[good]
        k, j = line - local.index, along - local.along_px
        weight = np.minimum(contrast[good] / self._usual, _MOST_WEIGHT) ** 2
        value, pitch = offset[good], local.pitch_px
        design = np.column_stack([np.ones(len(k)), k, j])
        prior = np.array([_PLACE_SD * pitch, _PITCH_SD * pitch, _SLOPE_SD]) ** -2.0
        # Groups of one line share its error: they count as one measurement of it.
        alike = max(len(seen.groups) ** 0.5, 1.0)
        fit, robust = _correction(design, value, weight, prior, alike)
        met = float((robust * np.minimum(contrast[good] / self._usual, 1.0)).sum()) / good.size
        if met < _LEAST_MET:
            return local
        near = robust > 0
        place = seen.expected_px[good] + value
        self._points.append((along[near], place[near], line[near].astype(float), weight[near]))
        return replace(
            local,
            place_px=local.place_px + float(fit[0]),
            pitch_px=pitch + float(fit[1]),
            slope=local.slope + float(fit[2]),
        )

    def points(self, *, vertical: bool) -> LinePoints:
        """All points that were seen."""
        if not self._points:
            return LinePoints(np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0), 0)
        along, place, index, weight = (np.concatenate(c) for c in zip(*self._points, strict=True))
        apart = index if self._across else along
        return LinePoints(
            xy_px=np.column_stack([place, along] if vertical else [along, place]),
            index=index.astype(np.int64),
            weight=weight,
            n_independent=max(len(np.unique(index)), len(np.unique(apart))),
        )


def _middles(start: float, extent: float, size: float) -> list[float]:
    """The middles of cells of a size, each reaching over half of the next."""
    count = max(int(np.ceil(2 * extent / size)) - 1, 1)
    return [start + (n + 1) * extent / (count + 1) for n in range(count)]

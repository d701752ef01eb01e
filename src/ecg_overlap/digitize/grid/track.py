"""Lines of one family followed through a picture in which the comb bends.

Paper that curls, is seen aslant, or was fed unevenly has no one pitch and tilt. But over a
few boxes it has; so short combs are fitted one beside the other along the picture's longer
side, each expecting its lines where its neighbour's lead to: no line is ever miscounted,
though the last may stand many pitches from where the first comb alone would have put it.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.lines import half_window_px, localise
from ecg_overlap.digitize.grid.robust import MAD_TO_SD, biweight, normal_equations
from ecg_overlap.digitize.grid.strips import AlignedStrips

FloatArray = NDArray[np.float64]
Index = NDArray[np.int64]
_WINDOW_MM = 15.0  # paper is straight over so much to a fifth of a millimetre
_LEAST_LINES = 4  # of a window across the lines
# How far a comb may differ from what its neighbour leads to (standard deviations).
_PITCH_SD, _SLOPE_SD, _PLACE_SD = 0.015, 0.015, 0.1  # relative, px per px, pitches
_LEAST_MET = 0.25  # of a window's lines: an edge of ink, and no grid, shows fewer
_NOISE_PX = 0.15  # of one line in one group; more where the lines scatter more
_CUTOFF_SD = 4.0  # of the biweight; tighter than usual, as the prior holds the fit
_N_REWEIGHTINGS = 4  # rounds of the robust fit
_LEAST_CONTRAST = 0.1  # of the usual one, for a line to be taken as seen
_MOST_WEIGHT = 1.5  # of a strong line over a usual one, as in the comb's fit
_LEAST_SEEN = 3  # places, as a window's comb has three unknowns


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

    def places(self, along_px: FloatArray, index: Index) -> FloatArray:
        """Where lines stand, float64 (n_groups, n_lines), px."""
        rest = (index - self.index) * self.pitch_px
        return self.place_px + self.slope * (along_px[:, None] - self.along_px) + rest[None, :]


def follow(
    lines: AlignedStrips,
    comb: Comb,
    *,
    mm_per_line: float,
    vertical: bool,
    across: bool,
) -> LinePoints:
    """Follow a family's lines from where they are clearest to both ends of the picture.

    Args:
        lines: The family, in groups fine enough to follow the bend.
        comb: Good somewhere in the picture.
        mm_per_line: What its pitch is.
        vertical: Its lines are the vertical ones.
        across: The windows stand side by side across the lines, not along them.
    """
    tracker = _Tracker(lines, comb, mm_per_line=mm_per_line, across=across)
    first = tracker.clearest()
    tracker.follow_from(first, +1)
    tracker.follow_from(first, -1)
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


class _Tracker:
    """Windows along the picture's longer side, and the points seen in them so far."""

    def __init__(
        self, lines: AlignedStrips, comb: Comb, *, mm_per_line: float, across: bool
    ) -> None:
        self._profiles = lines.strips.profile(lines.groups)
        self._centres = lines.centres_px
        self._length = lines.strips.length_px
        self._comb = comb
        self._across = across
        self._half_px = half_window_px(comb.pitch_px)
        self._usual = max(comb.usual_contrast, 1e-6)
        extent = self._length if across else (self._centres[-1] - self._centres[0])
        size = _WINDOW_MM / mm_per_line * comb.pitch_px
        if across:
            size = max(size, _LEAST_LINES * comb.pitch_px)
        count = max(int(np.ceil(2 * extent / size)) - 1, 1)
        start = 0.0 if across else float(self._centres[0])
        self._size = size
        self._middles = start + (np.arange(count) + 1) * extent / (count + 1)
        self._seen: list[tuple[FloatArray, ...]] = []

    def _straight(self, middle: float) -> _LocalComb:
        """The whole picture's straight comb, as a local one about a window's middle."""
        comb = self._comb
        along = float(self._centres.mean()) if self._across else middle
        at = comb.phase_px + comb.slope * along
        place = middle if self._across else (self._length - 1) / 2
        return _LocalComb(along, place, (place - at) / comb.pitch_px, comb.pitch_px, comb.slope)

    def _window(self, local: _LocalComb, middle: float) -> tuple[Index, Index, FloatArray]:
        """Groups and lines of one window, and where these are expected."""
        groups: Index = np.arange(len(self._centres))
        low, high = self._half_px, self._length - 1 - self._half_px
        if self._across:
            low = max(low, middle - self._size / 2)
            high = min(high, middle + self._size / 2)
        else:
            groups = np.flatnonzero(np.abs(self._centres - middle) <= self._size / 2)
            if len(groups) < 2:
                groups = np.argsort(np.abs(self._centres - middle))[:2]
        at = local.places(self._centres[groups], np.zeros(1, np.int64))
        first = np.ceil((low - at.max()) / local.pitch_px)
        last = np.floor((high - at.min()) / local.pitch_px)
        index = np.arange(first, last + 1).astype(np.int64)
        return groups, index, local.places(self._centres[groups], index)

    def clearest(self) -> int:
        """The window in which the straight comb meets the clearest lines."""
        met = []
        for middle in self._middles:
            groups, _, expected = self._window(self._straight(middle), middle)
            if expected.size == 0:
                met.append(-np.inf)
                continue
            _, contrast = localise(self._profiles[groups], expected, self._half_px)
            capped = np.clip(contrast, -self._usual, self._usual)
            met.append(float(np.nansum(capped)) / expected.size)
        return int(np.argmax(met))

    def follow_from(self, first: int, step: int) -> None:
        """Fit the windows from `first` on, to the end (step 1) or to the beginning (−1)."""
        local = self._straight(self._middles[first])
        n = first
        while 0 <= n < len(self._middles):
            # The first window starts both ways; its points are kept once.
            local = self._fitted(local, self._middles[n], keep=n != first or step > 0)
            n += step

    def _fitted(self, local: _LocalComb, middle: float, *, keep: bool) -> _LocalComb:
        """The neighbour's comb, corrected by the lines of this window; `keep` their points."""
        local = self._moved(local, middle)
        groups, index, expected = self._window(local, middle)
        if expected.size == 0:
            return local
        offset, contrast = localise(self._profiles[groups], expected, self._half_px)
        good = np.isfinite(offset) & (contrast > _LEAST_CONTRAST * self._usual)
        if good.sum() < _LEAST_SEEN:
            return local
        k = np.broadcast_to(index, good.shape)[good] - local.index
        j = np.broadcast_to(self._centres[groups][:, None], good.shape)[good] - local.along_px
        weight = np.minimum(contrast[good] / self._usual, _MOST_WEIGHT) ** 2
        value, pitch = offset[good], local.pitch_px
        design = np.column_stack([np.ones(len(k)), k, j])
        prior = np.array([_PLACE_SD * pitch, _PITCH_SD * pitch, _SLOPE_SD]) ** -2.0
        # Groups of one line share its error: they count as one measurement of it.
        fit, robust = _correction(design, value, weight, prior, max(len(groups) ** 0.5, 1.0))
        met = float((robust * np.minimum(contrast[good] / self._usual, 1.0)).sum()) / good.size
        if met < _LEAST_MET:
            return local
        if keep:
            near = robust > 0
            whole = np.broadcast_to(index, good.shape)[good].astype(np.float64)
            along = j + local.along_px
            self._seen.append(
                (along[near], (expected[good] + value)[near], whole[near], weight[near])
            )
        return _LocalComb(
            local.along_px,
            local.place_px + float(fit[0]),
            local.index,
            pitch + float(fit[1]),
            local.slope + float(fit[2]),
        )

    def _moved(self, local: _LocalComb, middle: float) -> _LocalComb:
        """The same comb, by its point in a window's middle."""
        along = local.along_px if self._across else middle
        place = local.place_px + local.slope * (along - local.along_px)
        index = local.index
        if self._across:
            index += (middle - place) / local.pitch_px
            place = middle
        return _LocalComb(along, place, index, local.pitch_px, local.slope)

    def points(self, *, vertical: bool) -> LinePoints:
        if not self._seen:
            return LinePoints(np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0), 0)
        along, place, index, weight = (np.concatenate(c) for c in zip(*self._seen, strict=True))
        apart = index if self._across else along
        return LinePoints(
            xy_px=np.column_stack([place, along] if vertical else [along, place]),
            index=index.astype(np.int64),
            weight=weight,
            n_independent=max(len(np.unique(index)), len(np.unique(apart))),
        )

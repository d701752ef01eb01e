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

from ecg_overlap.digitize.grid.lines import Comb, localise, normal_equations
from ecg_overlap.digitize.grid.strips import Aligned

FloatArray = NDArray[np.float64]
Index = NDArray[np.int64]
WINDOW_MM = 15.0  # paper is straight over so much to a fifth of a millimetre
_LEAST_LINES = 4
# How far a comb may differ from what its neighbour leads to (standard deviations).
_PITCH_SD, _SLOPE_SD, _PLACE_SD = 0.015, 0.015, 0.1  # relative, px per px, pitches
_LEAST_MET = 0.25  # of a window's lines: an edge of ink, and no grid, shows fewer
_NOISE_PX = 0.15  # of one line in one group; more where the lines scatter more


@dataclass(frozen=True, eq=False)
class Points:
    """Places at which lines of one family were seen.

    Args:
        xy_px: float64 (n, 2), in the picture.
        index: int (n,), which line.
        weight: float64 (n,), by contrast: 1 for a usual line.
        n_independent: How many of them err independently.
    """

    xy_px: FloatArray
    index: Index
    weight: FloatArray
    n_independent: int


@dataclass(frozen=True)
class _Local:
    """A comb near (along_px, place_px): line `index` stands at that point."""

    along_px: float
    place_px: float
    index: float
    pitch_px: float
    slope: float

    def places(self, along_px: FloatArray, index: Index) -> FloatArray:
        """Where lines stand, float64 (n_groups, n_lines)."""
        rest = (index - self.index) * self.pitch_px
        return self.place_px + self.slope * (along_px[:, None] - self.along_px) + rest[None, :]


def follow(
    lines: Aligned,
    comb: Comb,
    *,
    mm_per_line: float,
    upright: bool,
    across: bool,
) -> Points:
    """Follow a family's lines from where they are clearest to both ends of the picture.

    Args:
        lines: The family, in groups fine enough to follow the bend.
        comb: Good somewhere in the picture.
        mm_per_line: What its pitch is.
        upright: Its lines are the upright ones.
        across: The windows stand side by side across the lines, not along them.
    """
    tracker = _Tracker(lines, comb, mm_per_line=mm_per_line, across=across)
    first = tracker.clearest()
    tracker.march(first, +1)
    tracker.march(first, -1)
    return tracker.points(upright=upright)


@njit(cache=True)
def _moved_by(
    design: FloatArray, value: FloatArray, weight: FloatArray, prior: FloatArray, alike: float
) -> tuple[FloatArray, FloatArray]:
    """Robust fit (3,) of offsets, drawn to 0 by the prior's precisions, and its weights (n,)."""
    fit, robust = np.zeros(3), np.ones(len(value))
    for _ in range(4):
        rest = np.abs(value - design @ fit)
        spread = max(1.4826 * np.median(rest), _NOISE_PX)
        scaled = rest / (4.0 * spread)
        robust = np.where(scaled < 1, (1 - scaled**2) ** 2, 0.0)
        both = normal_equations(design, value, weight * robust / (spread**2 * alike))
        normal = both[:, :3].copy()
        for i in range(3):
            normal[i, i] += prior[i]
        fit[:] = np.linalg.solve(normal, both[:, 3].copy())
    return fit, robust


class _Tracker:
    def __init__(self, lines: Aligned, comb: Comb, *, mm_per_line: float, across: bool) -> None:
        fam = lines.family
        self._profiles = fam.profile(lines.groups)
        self._centres = lines.centres_px
        self._length = fam.length_px
        self._comb = comb
        self._across = across
        self._half_px = min(comb.pitch_px, 16.0)
        self._usual = max(float(np.percentile(comb.contrast, 75)), 1e-6)
        extent = self._length if across else (self._centres[-1] - self._centres[0])
        size = WINDOW_MM / mm_per_line * comb.pitch_px
        if across:
            size = max(size, _LEAST_LINES * comb.pitch_px)
        count = max(int(np.ceil(2 * extent / size)) - 1, 1)
        start = 0.0 if across else float(self._centres[0])
        self._size = size
        self._middles = start + (np.arange(count) + 1) * extent / (count + 1)
        self._seen: list[tuple[FloatArray, ...]] = []

    def _global(self, middle: float) -> _Local:
        """The whole picture's comb, as a local one about a window's middle."""
        comb = self._comb
        along = float(self._centres.mean()) if self._across else middle
        at = comb.phase_px + comb.slope * along
        place = middle if self._across else (self._length - 1) / 2
        return _Local(along, place, (place - at) / comb.pitch_px, comb.pitch_px, comb.slope)

    def _window(self, local: _Local, middle: float) -> tuple[Index, Index, FloatArray]:
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
        """The window in which the whole picture's comb meets most."""
        met = []
        for middle in self._middles:
            groups, _, expected = self._window(self._global(middle), middle)
            if expected.size == 0:
                met.append(-np.inf)
                continue
            _, contrast = localise(self._profiles[groups], expected, self._half_px)
            capped = np.clip(contrast, -self._usual, self._usual)
            met.append(float(np.nansum(capped)) / expected.size)
        return int(np.argmax(met))

    def march(self, first: int, step: int) -> None:
        """Fit the windows from `first` on, upward or downward."""
        local = self._global(self._middles[first])
        n = first
        while 0 <= n < len(self._middles):
            # The first window starts both ways; its points are kept once.
            local = self._fitted(local, self._middles[n], keep=n != first or step > 0)
            n += step

    def _fitted(self, local: _Local, middle: float, *, keep: bool) -> _Local:
        """A local comb moved by what its window shows, as far as that weighs."""
        local = self._moved(local, middle)
        groups, index, expected = self._window(local, middle)
        if expected.size == 0:
            return local
        offset, contrast = localise(self._profiles[groups], expected, self._half_px)
        good = np.isfinite(offset) & (contrast > 0.1 * self._usual)
        if good.sum() < 3:
            return local
        k = np.broadcast_to(index, good.shape)[good] - local.index
        j = np.broadcast_to(self._centres[groups][:, None], good.shape)[good] - local.along_px
        weight = np.minimum(contrast[good] / self._usual, 1.5) ** 2
        value, pitch = offset[good], local.pitch_px
        design = np.column_stack([np.ones(len(k)), k, j])
        prior = np.array([_PLACE_SD * pitch, _PITCH_SD * pitch, _SLOPE_SD]) ** -2.0
        # Groups of one line share its error: they count as one measurement of it.
        fit, robust = _moved_by(design, value, weight, prior, max(len(groups) ** 0.5, 1.0))
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
        return _Local(
            local.along_px,
            local.place_px + float(fit[0]),
            local.index,
            pitch + float(fit[1]),
            local.slope + float(fit[2]),
        )

    def _moved(self, local: _Local, middle: float) -> _Local:
        """The same comb, told from a window's middle."""
        along = local.along_px if self._across else middle
        place = local.place_px + local.slope * (along - local.along_px)
        index = local.index
        if self._across:
            index += (middle - place) / local.pitch_px
            place = middle
        return _Local(along, place, index, local.pitch_px, local.slope)

    def points(self, *, upright: bool) -> Points:
        if not self._seen:
            return Points(np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0), 0)
        along, place, index, weight = (np.concatenate(c) for c in zip(*self._seen, strict=True))
        apart = index if self._across else along
        return Points(
            xy_px=np.column_stack([place, along] if upright else [along, place]),
            index=index.astype(np.int64),
            weight=weight,
            n_independent=max(len(np.unique(index)), len(np.unique(apart))),
        )

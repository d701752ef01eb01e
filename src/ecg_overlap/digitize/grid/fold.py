"""A family's profile folded at one period: where lines stand in it, and whether it is the least."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ecg_overlap.digitize.grid.spectrum import SHORTEST_PX, SLOWEST_CPP
from ecg_overlap.digitize.grid.strips import AlignedStrips, windowed

FloatArray = NDArray[np.float64]
_N_BINS = 48  # of a fold: halves and thirds of a period fall on whole bins
_N_STEPS = 41  # periods tried about the first guess
_MOST_SHIFT = 0.5  # periods at the picture's end by which the first guess may be off …
_MOST_OFF = 0.04  # … and, relative, in short pictures
_LEAST_FOLDED = 3  # periods that a picture holds, for its fold to be asked
# Height of the lines at a part of the period, of its strongest: in the surer and the other family.
_AS_STRONG, _NOT_AGAINST = 0.5, 0.25


def refined_period(lines: AlignedStrips, period_px: float) -> tuple[float, float]:
    """The strongest period near the first guess, and the place of a line at along = 0, px."""
    strips = lines.strips
    reach = min(_MOST_SHIFT * period_px / strips.length_px, _MOST_OFF)
    periods = period_px * (1 + np.linspace(-1, 1, _N_STEPS) * reach)
    power = np.abs(windowed(lines.total)) ** 2
    power[strips.freqs_cpp < SLOWEST_CPP] = 0
    # Weighted by the harmonic's number: the sharper a line, the more its harmonics tell.
    total = np.zeros(len(periods))
    for harmonic in range(1, max(int(period_px * strips.freqs_cpp[-1]), 1) + 1):
        total += harmonic * np.interp(harmonic / periods, strips.freqs_cpp, power, right=0.0)
    best = float(periods[int(np.argmax(total))])
    return best, (float(np.argmax(_fold(lines, best))) + 0.5) / _N_BINS * best


def least_period(vertical: AlignedStrips, horizontal: AlignedStrips, period_px: float) -> float:
    """The period, or a half or a third of it where lines just as strong stand there too.

    Beats in step with the grid can make a multiple of its period the better one.
    """
    folds = []
    for lines in (vertical, horizontal):
        if lines.strips.length_px >= _LEAST_FOLDED * period_px:
            fold = _fold(lines, refined_period(lines, period_px)[0])
            # Not the level at one distance: that of a finer grid's next line would cancel it.
            folds.append(fold - uniform_filter1d(fold, _N_BINS // 3, mode="wrap"))
    for parts in (2, 3):
        votes = []
        for fold in folds:
            places = int(np.argmax(fold)) + np.arange(parts) * _N_BINS // parts
            height = np.max([fold[(places + off) % _N_BINS] for off in (-1, 0, 1)], axis=0)
            votes.append(float(height.min() / max(height[0], 1e-6)))
        agreed = votes and max(votes) > _AS_STRONG and min(votes) > _NOT_AGAINST
        if agreed and period_px / parts > SHORTEST_PX:
            return least_period(vertical, horizontal, period_px / parts)
    return period_px


def _fold(lines: AlignedStrips, period_px: float) -> FloatArray:
    """Mean profile over one period, float64 (`_N_BINS`,), from along = 0 on."""
    profile = lines.strips.profile(lines.total)
    turns = np.arange(len(profile)) / period_px
    place = np.floor((turns % 1.0) * _N_BINS).astype(np.int64) % _N_BINS
    total = _smoothed(np.bincount(place, profile, minlength=_N_BINS).astype(np.float64))
    # Over nearly a whole number of px most bins stay empty, and one may hold the picture's edge
    # alone: so few pixels are no line.
    count = _smoothed(np.bincount(place, minlength=_N_BINS).astype(np.float64))
    return np.asarray(total / np.maximum(count, count.mean()))


def _smoothed(bins: FloatArray) -> FloatArray:
    """Each bin (`_N_BINS`,) averaged with its neighbours, round the period's end."""
    return 0.25 * np.roll(bins, 1) + 0.5 * bins + 0.25 * np.roll(bins, -1)

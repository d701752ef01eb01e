"""First guesses from the strips' spectra: the tilt, then the period of all lines."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ecg_overlap.digitize.grid.strips import Aligned, Family, windowed

FloatArray = NDArray[np.float64]
MAX_TILT = 0.11  # tan(6.3°)
SHORTEST_PX, LONGEST_PX = 3.2, 130.0  # periods searched: a small box … a big box
_SLOWEST_CPP = 1 / 150
_TALLEST = 60.0  # amplitude over noise that one harmonic may bring in
_NEARLY_ALL = 0.8
_FOLD_BINS = 48  # halves and thirds of a period fall on whole bins
_STRONGEST = 24  # frequencies that vote on the tilt


def _whitened(power: FloatArray, fam: Family) -> FloatArray:
    """Power over its local noise floor; slow changes (under one cycle in 150 px) are left out."""
    # Wide enough that lines 1/120 cpp apart stay a minority of the window.
    size = max(int(0.04 / fam.freqs_cpp[1]), 15)
    n_blocks = max(len(power) // size, 1)
    blocks = power[: n_blocks * size].reshape(n_blocks, -1)
    middles = (np.arange(n_blocks) + 0.5) * blocks.shape[1]
    floor = np.interp(np.arange(len(power)), middles, np.median(blocks, axis=1))
    out = power / np.maximum(floor, 1e-3 * float(np.median(power)) + 1e-9)
    out[fam.freqs_cpp < _SLOWEST_CPP] = 0.0
    return np.asarray(out)


def tilt(upright: Family, level: Family) -> float:
    """The tilt at which the strips of both families agree best.

    Args:
        upright: Strips across the upright lines.
        level: Strips across the level lines.

    Returns:
        tan of the clockwise tilt; of no meaning without a grid.
    """
    n_tilts = int(np.clip(4 * MAX_TILT * 0.3 * max(upright.length_px, level.length_px), 80, 1200))
    tilts = np.linspace(-MAX_TILT, MAX_TILT, 2 * (n_tilts // 2) + 1)
    total = np.zeros(len(tilts))
    for fam, sign in ((upright, -1.0), (level, 1.0)):
        n = len(fam.centres_px)
        if n < 3:
            continue
        spectra = windowed(fam.spectra)
        power = (np.abs(spectra) ** 2).mean(axis=0).astype(np.float64)
        white = _whitened(power, fam)
        peaks = white * (white >= maximum_filter1d(white, 5))
        voters = np.argsort(peaks)[-_STRONGEST:]
        n_pad = 4 * n
        across = np.abs(np.fft.fft(spectra[:, voters], n_pad, axis=0)) ** 2
        across /= n * (np.abs(spectra[:, voters]) ** 2).sum(axis=0) + 1e-12
        step = fam.centres_px[1] - fam.centres_px[0]
        place = -fam.freqs_cpp[voters][None, :] * (sign * tilts[:, None]) * step * n_pad
        picked = across[np.rint(place).astype(np.int64) % n_pad, np.arange(len(voters))[None, :]]
        weight = np.log1p(peaks[voters])
        total += (picked @ weight) / max(float(weight.sum()), 1e-9) - 1.0 / n
    best = int(np.argmax(total))
    shift = 0.0
    if 0 < best < len(total) - 1:
        left, mid, right = total[best - 1 : best + 2]
        shift = 0.5 * (left - right) / min(left - 2 * mid + right, -1e-12)
    return float(tilts[best] + shift * (tilts[1] - tilts[0]))


@njit(cache=True)
def _summed(height: FloatArray, base: FloatArray) -> FloatArray:
    """Height (n_freqs,) at all multiples of each base (in steps of the transform), summed."""
    score = np.zeros(len(base))
    for n in range(len(base)):
        place = base[n]
        while place <= len(height) - 1.0:
            score[n] += height[int(place + 0.5)]
            place += base[n]
    return score


def _comb_score(lines: Aligned, periods_px: FloatArray) -> FloatArray:
    """Amplitude over noise summed over a period's harmonics, less what chance would give.

    The sum is the height of the peak that folding at this period would show.

    Args:
        lines: One family at its tilt.
        periods_px: float64 (n,), rising.
    """
    fam = lines.family
    white = _whitened(np.abs(windowed(lines.total)).astype(np.float64) ** 2, fam)
    seen = fam.freqs_cpp >= _SLOWEST_CPP
    height = maximum_filter1d(np.minimum(np.sqrt(white), _TALLEST), 3)
    # Chance alone must lose: a long period has many harmonics to collect it from.
    height = np.where(seen, np.maximum(height - height[seen].mean() - 1.0, -0.4), 0.0)
    score = _summed(height, 1 / (periods_px * fam.freqs_cpp[1]))
    # Closer than four steps of the transform, neighbouring harmonics cannot be told apart.
    score[periods_px > fam.length_px / 2.5] = 0.0
    return score


def period(
    upright: Aligned, level: Aligned, near_px_per_mm: float | None = None
) -> tuple[float, float]:
    """The shortest period that explains nearly all that the best one does.

    Both families share their scale to a few per cent (square pixels), which lets a long
    crop that holds two big boxes in height still use what its level lines say.

    Args:
        upright: The upright lines at their tilt.
        level: The level lines, likewise.
        near_px_per_mm: Only periods within 20 % of 1 mm or of 5 mm at this scale.

    Returns:
        The period, px, and its score: the fold's peak over its noise, 0 without a grid.
    """
    lengths = upright.family.length_px, level.family.length_px
    n = int(np.log(LONGEST_PX / SHORTEST_PX) * max(lengths) / 0.8)
    grid = np.geomspace(SHORTEST_PX, LONGEST_PX, max(n, 400))
    slack = int(0.03 / np.log(grid[1] / grid[0])) * 2 + 1
    main, other = _comb_score(upright, grid), _comb_score(level, grid)
    if lengths[0] < lengths[1]:
        main, other = other, main
    score = main + maximum_filter1d(other, slack)
    if near_px_per_mm is not None:
        off = np.minimum(*(np.abs(np.log(grid / (n * near_px_per_mm))) for n in (1, 5)))
        score = np.where(off < 0.2, score, 0.0)
    first = int(np.argmax(score >= _NEARLY_ALL * score.max()))
    near = slice(first, int(np.searchsorted(grid, grid[first] * 1.03)))
    best = first + int(np.argmax(score[near]))
    return float(grid[best]), float(score[best])


def phase(lines: Aligned, period_px: float) -> tuple[float, float]:
    """Period refined to the strongest comb nearby, and the place of a line at along = 0."""
    fam = lines.family
    grid = period_px * (1 + np.linspace(-1, 1, 41) * min(0.5 * period_px / fam.length_px, 0.04))
    power = np.abs(windowed(lines.total)) ** 2
    power[fam.freqs_cpp < _SLOWEST_CPP] = 0
    # Weighted by the harmonic's number: the sharper a line, the more its harmonics tell.
    total = np.zeros(len(grid))
    for harmonic in range(1, max(int(period_px * fam.freqs_cpp[-1]), 1) + 1):
        total += harmonic * np.interp(harmonic / grid, fam.freqs_cpp, power, right=0.0)
    best = float(grid[int(np.argmax(total))])
    start = (float(np.argmax(_fold(lines, best))) + 0.5) / _FOLD_BINS * best
    return best, start


def finer(upright: Aligned, level: Aligned, period_px: float) -> float:
    """The period, or a half or a third of it where lines just as strong stand there too.

    Beats in step with the grid can make a multiple of its period the better one.
    """
    folds = []
    for lines in (upright, level):
        if lines.family.length_px >= 3 * period_px:
            fold = _fold(lines, phase(lines, period_px)[0])
            # Not the level at one distance: that of a finer grid's next line would cancel it.
            folds.append(fold - uniform_filter1d(fold, _FOLD_BINS // 3, mode="wrap"))
    for parts in (2, 3):
        votes = []
        for fold in folds:
            places = int(np.argmax(fold)) + np.arange(parts) * _FOLD_BINS // parts
            height = np.max([fold[(places + off) % _FOLD_BINS] for off in (-1, 0, 1)], axis=0)
            votes.append(float(height.min() / max(height[0], 1e-6)))
        if votes and max(votes) > 0.5 and min(votes) > 0.25 and period_px / parts > SHORTEST_PX:
            return finer(upright, level, period_px / parts)
    return period_px


def _fold(lines: Aligned, period_px: float) -> FloatArray:
    """Mean profile over one period, float64 (48,), from along = 0 on."""
    profile = lines.family.profile(lines.total)
    turns = np.arange(len(profile)) / period_px
    place = np.floor((turns % 1.0) * _FOLD_BINS).astype(np.int64) % _FOLD_BINS
    total = _smoothed(np.bincount(place, profile, minlength=_FOLD_BINS).astype(np.float64))
    # Over nearly a whole number of px most bins stay empty, and one may hold the picture's edge
    # alone: so few pixels are no line.
    count = _smoothed(np.bincount(place, minlength=_FOLD_BINS).astype(np.float64))
    return np.asarray(total / np.maximum(count, count.mean()))


def _smoothed(bins: FloatArray) -> FloatArray:
    around = np.convolve(np.tile(bins, 3), [0.25, 0.5, 0.25], "same")
    return np.asarray(around[_FOLD_BINS : 2 * _FOLD_BINS])

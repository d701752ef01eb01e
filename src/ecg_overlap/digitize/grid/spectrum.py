"""First guesses from the strips' spectra: the tilt, then the period of all lines."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecg_overlap.digitize.grid.strips import AlignedStrips, Strips, windowed

FloatArray = NDArray[np.float64]
MAX_TILT = 0.11  # tan(6.3°): crops are upright within some degrees
SHORTEST_PX, LONGEST_PX = 3.2, 130.0  # periods searched: a small box … a big box
SLOWEST_CPP = 1 / 150  # cycles per px: slower is shade; a little under LONGEST_PX's frequency
_FLOOR_CPP = 0.04  # window of the noise floor: lines 1/120 cpp apart stay a minority of it
_LEAST_FLOOR_BINS = 15  # of the same window, in short pictures
_LEAST_FLOOR = 1e-3  # of the median power: a spectrum without noise must not be divided by 0
# Tilt
_LEAST_STRIPS = 3  # fewer tell no tilt
_N_VOTERS = 24  # strongest frequencies, which vote on the tilt
_VOTER_BINS = 5  # in so many a voter is the highest, so that they are lines and no one's flanks
_VOTER_CPP = 0.3  # cycles per px: a step of tilt moves such lines by half a cycle over the side
_N_TILTS = 80, 1200  # steps at the least and at the most
_TILT_PADDING = 4  # times the number of strips
# Period
_TALLEST = 60.0  # amplitude over noise that one harmonic may bring in
_HARMONIC_BINS = 3  # half a step of the transform on either side: harmonics fall between steps
_CHANCE = 1.0  # amplitude over the mean that a harmonic must exceed to speak for a period
_LEAST_VOTE = -0.4  # of a harmonic that is not there: one hidden line must not refute a comb
_LEAST_PERIODS = 2.5  # in the picture: harmonics less than 5 steps of the transform apart merge
_PERIOD_STEP = 0.8  # px of shift at the picture's end between neighbouring periods
_LEAST_N_PERIODS = 400
_OBLONG = 0.03  # relative difference of the families' pitches within which they agree
_NEARLY_ALL = 0.8  # of the best score: the shortest period with so much is taken
_SAME_PEAK = 1.03  # ratio of periods that belong to one peak of the score
_NEAR = 0.2  # of the log of a scale given "to about 20 %"


def _whitened(power: FloatArray, strips: Strips) -> FloatArray:
    """Power (n_freqs,) over its local noise floor; slow changes are left out."""
    size = max(int(_FLOOR_CPP / strips.freqs_cpp[1]), _LEAST_FLOOR_BINS)
    n_blocks = max(len(power) // size, 1)
    blocks = power[: n_blocks * size].reshape(n_blocks, -1)
    middles = (np.arange(n_blocks) + 0.5) * blocks.shape[1]
    floor = np.interp(np.arange(len(power)), middles, np.median(blocks, axis=1))
    out = power / np.maximum(floor, _LEAST_FLOOR * float(np.median(power)) + 1e-9)
    out[strips.freqs_cpp < SLOWEST_CPP] = 0.0
    return np.asarray(out)


def tilt(vertical: Strips, horizontal: Strips) -> float:
    """The tilt at which the strips of both families agree best.

    Args:
        vertical: Strips across the vertical lines.
        horizontal: Strips across the horizontal lines.

    Returns:
        tan of the clockwise tilt; of no meaning without a grid.
    """
    longest = max(vertical.length_px, horizontal.length_px)
    n_tilts = int(np.clip(4 * MAX_TILT * _VOTER_CPP * longest, *_N_TILTS))
    tilts = np.linspace(-MAX_TILT, MAX_TILT, 2 * (n_tilts // 2) + 1)
    total = np.zeros(len(tilts))
    for strips, sign in ((vertical, -1.0), (horizontal, 1.0)):
        if len(strips.centres_px) >= _LEAST_STRIPS:
            total += _agreement(strips, sign * tilts)
    best = int(np.argmax(total))
    shift = 0.0
    if 0 < best < len(total) - 1:  # the top of the parabola through three points
        left, mid, right = total[best - 1 : best + 2]
        shift = 0.5 * (left - right) / min(left - 2 * mid + right, -1e-12)
    return float(tilts[best] + shift * (tilts[1] - tilts[0]))


def _agreement(strips: Strips, slopes: FloatArray) -> FloatArray:
    """How well the strips agree when shifted along slopes (n,): 0 by chance, about 1 at best."""
    n = len(strips.centres_px)
    spectra = windowed(strips.spectra)
    white = _whitened((np.abs(spectra) ** 2).mean(axis=0).astype(np.float64), strips)
    peaks = white * (white >= maximum_filter1d(white, _VOTER_BINS))
    voters = np.argsort(peaks)[-_N_VOTERS:]
    n_pad = _TILT_PADDING * n
    across = np.abs(np.fft.fft(spectra[:, voters], n_pad, axis=0)) ** 2
    across /= n * (np.abs(spectra[:, voters]) ** 2).sum(axis=0) + 1e-12
    step = strips.centres_px[1] - strips.centres_px[0]
    place = -strips.freqs_cpp[voters][None, :] * slopes[:, None] * step * n_pad
    picked = across[np.rint(place).astype(np.int64) % n_pad, np.arange(len(voters))[None, :]]
    weight = np.log1p(peaks[voters])
    return np.asarray((picked @ weight) / max(float(weight.sum()), 1e-9) - 1.0 / n)


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


def _comb_score(lines: AlignedStrips, periods_px: FloatArray) -> FloatArray:
    """Amplitude over noise summed over a period's harmonics, less what chance would give.

    The sum is the height of the peak that folding at this period would show.

    Args:
        lines: One family at its tilt.
        periods_px: float64 (n,), rising.
    """
    strips = lines.strips
    white = _whitened(np.abs(windowed(lines.total)).astype(np.float64) ** 2, strips)
    seen = strips.freqs_cpp >= SLOWEST_CPP
    height = maximum_filter1d(np.minimum(np.sqrt(white), _TALLEST), _HARMONIC_BINS)
    # Chance alone must lose: a long period has many harmonics to collect it from.
    height = np.where(seen, np.maximum(height - height[seen].mean() - _CHANCE, _LEAST_VOTE), 0.0)
    score = _summed(height, 1 / (periods_px * strips.freqs_cpp[1]))
    score[periods_px > strips.length_px / _LEAST_PERIODS] = 0.0
    return score


def period(
    vertical: AlignedStrips, horizontal: AlignedStrips, near_px_per_mm: float | None = None
) -> tuple[float, float]:
    """The shortest period that explains nearly all that the best one does.

    Both families share their scale to a few per cent (square pixels), which lets a long
    crop that holds two big boxes in height still use what its horizontal lines say.

    Args:
        vertical: The vertical lines at their tilt.
        horizontal: The horizontal lines, likewise.
        near_px_per_mm: Only periods within 20 % of 1 mm or of 5 mm at this scale.

    Returns:
        The period, px, and its score: the fold's peak over its noise, 0 without a grid.
    """
    lengths = vertical.strips.length_px, horizontal.strips.length_px
    n = int(np.log(LONGEST_PX / SHORTEST_PX) * max(lengths) / _PERIOD_STEP)
    periods = np.geomspace(SHORTEST_PX, LONGEST_PX, max(n, _LEAST_N_PERIODS))
    slack = int(_OBLONG / np.log(periods[1] / periods[0])) * 2 + 1
    main, other = _comb_score(vertical, periods), _comb_score(horizontal, periods)
    if lengths[0] < lengths[1]:
        main, other = other, main
    score = main + maximum_filter1d(other, slack)
    if near_px_per_mm is not None:
        off = np.minimum(*(np.abs(np.log(periods / (mm * near_px_per_mm))) for mm in (1, 5)))
        score = np.where(off < _NEAR, score, 0.0)
    first = int(np.argmax(score >= _NEARLY_ALL * score.max()))
    near = slice(first, int(np.searchsorted(periods, periods[first] * _SAME_PEAK)))
    best = first + int(np.argmax(score[near]))
    return float(periods[best]), float(score[best])

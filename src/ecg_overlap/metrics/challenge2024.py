"""The signal-to-noise ratio of the George B. Moody PhysioNet Challenge 2024.

Both signals are drawn as binary pictures of 256 levels between their joint minimum and
maximum, blurred (σ 0.5), and correlated in two dimensions; the estimate is moved to the peak
if that is at most half a second and 1 mV away. The power ratio over the samples that both
then have, in dB, is multiplied by the fraction α of the reference that was recovered.

Traps, and what is done here:

* The public scorer's head of 2025-10-17 mishandles an estimate that comes early (it slices
  `[:-offset]` where `[:offset]` is meant: 0.17 dB instead of 31 dB for five samples). Here
  both signs are moved alike.
* A perfect lead is +inf dB there, or NaN after weighting, and vanishes from the mean. Here it
  is +inf, which enters a mean at `bootstrap.CEILING_DB`.
* With a negative SNR, α < 1 raises the score. That is the definition, and is kept.
* Signal power is taken about 0 mV, not about the mean: a lead with an offset scores higher.
* Its pictures make it by far the slowest score, five times slower at 500 Hz than at 100 Hz:
  score it at 100 Hz (`at_hz`) or on a subset, and say which.
"""

import math

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from data_gen.errors import InputError
from ecg_overlap.metrics.align import FloatArray, checked_reference, resampled

LEVELS = 256
BLUR_SIGMA = 0.5
MAX_SHIFT_S = 0.5
MAX_SHIFT_MV = 1.0

_TIE = 1e-9  # of the peak: heights that an FFT cannot tell apart; the nearest is taken


def challenge2024_snr_db(
    ref_mv: ArrayLike,
    est_mv: ArrayLike | None,
    fs_hz: float,
    *,
    est_fs_hz: float | None = None,
    at_hz: float | None = None,
) -> float:
    """The Challenge's SNR of one lead; the mean over all (record, lead) is the score.

    Args:
        ref_mv: (n,), mV; NaN samples are left out.
        est_mv: (m,), mV; NaN samples lower α; None where refused.
        fs_hz: Sampling frequency of the reference.
        est_fs_hz: Sampling frequency of the estimate, where it is another.
        at_hz: Score at this frequency instead of the reference's; name it beside the score.

    Returns:
        dB; 0 without any finite estimate, +inf for a perfect one.

    Raises:
        InputError: The reference is constant, unknown, or 0 mV wherever both are known.

    Source: docs/metrics.md; github.com/physionetchallenges/evaluation-2024.
    """
    ref = checked_reference(ref_mv, fs_hz)
    if at_hz is not None:
        ref = resampled(ref, at_hz, est_fs_hz=fs_hz)
    fs = fs_hz if at_hz is None else at_hz
    est = resampled(est_mv, fs, est_fs_hz=fs_hz if est_fs_hz is None else est_fs_hz)
    if not np.isfinite(est).any():
        return 0.0
    late, too_high_mv = offsets(ref, est)
    if abs(late) > round(MAX_SHIFT_S * fs) or abs(too_high_mv) > MAX_SHIFT_MV:
        late, too_high_mv = 0, 0.0
    return weighted_snr_db(ref, _moved(est, late, len(ref)) - too_high_mv)


def offsets(ref: FloatArray, est: FloatArray) -> tuple[int, float]:
    """How much the estimate comes late (samples) and lies too high (mV), by correlation.

    Args:
        ref: float64 (n,), mV, NaN where unknown.
        est: float64 (m,), mV, NaN where missing.
    """
    lowest = min(np.nanmin(ref), np.nanmin(est))
    per_level_mv = (max(np.nanmax(ref), np.nanmax(est)) - lowest) / (LEVELS - 1)
    width = max(len(ref), len(est))
    size = (
        scipy.fft.next_fast_len(2 * LEVELS - 1, real=True),
        scipy.fft.next_fast_len(2 * width - 1, real=True),
    )
    a, b = (
        scipy.fft.rfft2(gaussian_filter(picture(x, lowest, per_level_mv, width), BLUR_SIGMA), size)
        for x in (ref, est)
    )
    peak = scipy.fft.irfft2(a.conj() * b, size)
    level, sample = np.nonzero(peak >= peak.max() * (1 - _TIE))
    level = np.where(level < LEVELS, level, level - size[0])
    sample = np.where(sample < width, sample, sample - size[1])
    nearest = np.lexsort((np.abs(level), np.abs(sample)))[0]
    return int(sample[nearest]), float(level[nearest] * per_level_mv)


def picture(signal: FloatArray, lowest_mv: float, per_level_mv: float, width: int) -> FloatArray:
    """The signal as a binary picture, float64 (LEVELS, width); a NaN sample draws nothing."""
    out = np.zeros((LEVELS, width))
    column = np.flatnonzero(np.isfinite(signal))
    row = np.rint((signal[column] - lowest_mv) / per_level_mv).astype(np.int64)
    out[np.clip(row, 0, LEVELS - 1), column] = 1
    return out


def weighted_snr_db(ref: FloatArray, est: FloatArray) -> float:
    """10·log10(Σref²/Σ(ref−est)²) where both (n,) are known, times the fraction α of ref known.

    Raises:
        InputError: The reference is 0 mV wherever both are known.
    """
    joint = np.isfinite(ref) & np.isfinite(est)
    if not joint.any():
        return 0.0
    signal = float(np.sum(ref[joint] ** 2))
    noise = float(np.sum((ref[joint] - est[joint]) ** 2))
    if signal == 0:
        raise InputError("reference", "0 mV wherever both are known", "leave this lead out")
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) * float(joint.sum() / np.isfinite(ref).sum())


def _moved(est: FloatArray, late: int, n: int) -> FloatArray:
    """The estimate `late` samples earlier, (n,), NaN where it then has none."""
    source = np.arange(n) + late
    inside = (source >= 0) & (source < len(est))
    out = np.full(n, np.nan)
    out[inside] = est[source[inside]]
    return out

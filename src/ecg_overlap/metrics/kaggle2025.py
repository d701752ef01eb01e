"""The score of the Kaggle competition "PhysioNet - Digitization of ECG Images" (2025).

Powers are summed over an image's leads before the ratio is taken, ratios are averaged over
images before the logarithm. So a lead gives its two powers, an image its ratio, and a set the
mean of its images' ratios, in dB:

    ratio = image_ratio(lead_power(ref, est, fs_hz) for each of the 12 leads)
    ratio_db(mean of the images' ratios)

The ratio is capped at 384, so no score exceeds 25.84 dB, and easy images dominate the mean: read
the median per-image dB beside it. Signal power is taken about 0 mV.

Beyond the public scorer, which accepts no NaN: the failure rule (docs/metrics.md) makes a refused
lead count as 0 dB (its noise is its signal), gaps of a recovered one are filled with its mean,
and samples that the reference lacks are left out.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import correlate

from data_gen.errors import InputError
from ecg_overlap.metrics.align import (
    MIN_RECOVERED,
    FloatArray,
    checked_reference,
    recovered_fraction,
    resampled,
)

MAX_SHIFT_S = 0.2
MAX_RATIO = 384.0
FLOOR_DB = -384.0

_TIE = 1e-12  # of the peak: heights that an FFT cannot tell apart


@dataclass(frozen=True)
class LeadPower:
    """One lead's share of its image's score.

    Args:
        signal_mv2: Σ ref², mV².
        noise_mv2: Σ (ref − est)² after alignment, mV².
    """

    signal_mv2: float
    noise_mv2: float


def lead_power(
    ref_mv: ArrayLike,
    est_mv: ArrayLike | None,
    fs_hz: float,
    *,
    est_fs_hz: float | None = None,
) -> LeadPower:
    """Align one lead as the competition does, and return its powers.

    Both means removed, the integer lag within int(0.2·fs) of the highest cross-correlation
    (of equals the smallest), the least-squares offset subtracted, uncovered samples set to 0.

    Args:
        ref_mv: (n,), mV; NaN samples are left out.
        est_mv: (m,), mV; None where refused.
        fs_hz: Sampling frequency of the reference.
        est_fs_hz: Sampling frequency of the estimate, where it is another.

    Raises:
        InputError: The reference has fewer than two known samples.

    Source: docs/metrics.md; kaggle.com/code/metric/physionet-ecg-signal-extraction-metric.
    """
    # A lead may be flat where its image is not; it then adds little or no signal.
    ref = checked_reference(ref_mv, fs_hz, allow_constant=True)
    est = resampled(est_mv, fs_hz, est_fs_hz=est_fs_hz)
    known = np.isfinite(ref)
    signal = float(np.sum(ref[known] ** 2))
    if recovered_fraction(ref, est, 1.0) < MIN_RECOVERED:
        return LeadPower(signal, signal)
    est[np.isnan(est)] = np.nanmean(est)
    source = np.arange(len(ref)) - _shift(ref, est, int(MAX_SHIFT_S * fs_hz))
    joint = known & (source >= 0) & (source < len(est))
    fitted = np.zeros(len(ref))
    if joint.any():
        fitted[joint] = est[source[joint]] - np.mean(est[source[joint]] - ref[joint])
    return LeadPower(signal, float(np.sum((ref - fitted)[known] ** 2)))


def image_ratio(leads: Iterable[LeadPower]) -> float:
    """Signal to noise of one image, linear: 384 without noise, at most that; 0 without signal.

    Raises:
        InputError: There are no leads.
    """
    parts = list(leads)
    if not parts:
        raise InputError("image", "no leads to score", "give at least one")
    signal = sum(part.signal_mv2 for part in parts)
    noise = sum(part.noise_mv2 for part in parts)
    return MAX_RATIO if noise == 0 else min(signal / noise, MAX_RATIO)


def ratio_db(ratio: float) -> float:
    """A linear ratio in dB, not below −384."""
    return max(10 * math.log10(ratio), FLOOR_DB) if ratio > 0 else FLOOR_DB


def lead_snr_db(
    ref_mv: ArrayLike,
    est_mv: ArrayLike | None,
    fs_hz: float,
    *,
    est_fs_hz: float | None = None,
) -> float:
    """The score of one lead as if it were an image, dB; arguments and errors as `lead_power`."""
    return ratio_db(image_ratio([lead_power(ref_mv, est_mv, fs_hz, est_fs_hz=est_fs_hz)]))


def _shift(ref: FloatArray, est: FloatArray, max_shift: int) -> int:
    """By how many samples the estimate is moved later."""
    r = np.where(np.isfinite(ref), ref - np.nanmean(ref), 0.0)
    full = correlate(r, est - est.mean(), mode="full")
    lags = np.arange(-(len(est) - 1), len(ref))
    near = np.abs(lags) <= max_shift
    full, lags = full[near], lags[near]
    best = lags[full >= full.max() - _TIE * max(abs(full.max()), 1e-300)]
    return int(best[np.argmin(np.abs(best))])

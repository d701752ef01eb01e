"""Whether a digitizer's own error bars hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from data_gen.errors import InputError
from ecg_overlap.metrics.align import align, checked_estimate


@dataclass(frozen=True)
class IntervalScore:
    """How often the truth lies inside the interval, and how wide that is.

    Args:
        n: Samples at which an estimate with an interval was given.
        coverage: Fraction of them with |ref − est| ≤ interval; 0.9 is meant to be right.
        mean_half_width_mv: A wide interval covers everything: read the two together.
    """

    n: int
    coverage: float
    mean_half_width_mv: float


def interval_coverage(
    ref_mv: ArrayLike,
    est_mv: ArrayLike,
    interval_mv: ArrayLike,
    fs_hz: float,
    *,
    alignment: str,
    est_fs_hz: float | None = None,
) -> IntervalScore | None:
    """Coverage of est ± interval after alignment; gaps are not counted.

    Unless raw, the estimate's offset is the median difference: an interval does not speak of the
    row of 0 mV, and with the means removed one QRS complex that was read wrong would shift all
    other samples out of theirs.

    Args:
        ref_mv: (n,), mV, NaN where unknown.
        est_mv: (m,), mV, NaN where no trace was seen.
        interval_mv: (m,), half width, mV, NaN where not known.
        fs_hz: Sampling frequency of the reference.
        alignment: As in `signal.score_lead`.
        est_fs_hz: Sampling frequency of the estimate, where it is another.

    Returns:
        None where the lead has failed.

    Raises:
        InputError: As in `align.align`; the interval does not fit or is negative; or no
            sample has one.
    """
    est, half = checked_estimate(est_mv), checked_estimate(interval_mv)
    if est.shape != half.shape or np.any(half < 0):
        raise InputError("interval_mv", "not one half width per sample", "give (m,), from 0 up")
    pair = align(ref_mv, est, fs_hz, alignment=alignment, est_fs_hz=est_fs_hz)
    if pair is None:
        return None
    rate = 1.0 if est_fs_hz is None else est_fs_hz / fs_hz
    position = (pair.index + pair.lag_s * fs_hz) * rate
    # Interpolation makes a sample beside a gap NaN: it is no estimate of the digitizer's.
    half = np.interp(position, np.arange(len(half)), np.where(np.isnan(est), np.nan, half))
    given = np.isfinite(half)
    if not given.any():
        raise InputError("interval_mv", "no sample has an interval", "leave this lead out")
    error = (pair.ref_mv - pair.est_mv)[given]
    if alignment != "raw":
        error = error - np.median(error)
    hit = np.abs(error) <= half[given]
    return IntervalScore(int(given.sum()), float(hit.mean()), float(half[given].mean()))

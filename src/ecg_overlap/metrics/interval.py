"""Whether a digitizer's own error bars hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from data_gen.errors import InputError
from ecg_overlap.metrics.align import Aligned, checked_estimate


@dataclass(frozen=True)
class IntervalScore:
    """How often the truth lies inside the interval, and how wide that is.

    Args:
        n: Samples at which an estimate with an interval was given.
        coverage: Fraction of them with |ref − est| ≤ interval; right where it equals the
            level that the interval was made for.
        mean_half_width_mv: A wide interval covers everything: read the two together.
    """

    n: int
    coverage: float
    mean_half_width_mv: float


def interval_coverage(
    pair: Aligned, interval_mv: ArrayLike, *, first: float = 0.0
) -> IntervalScore | None:
    """Coverage of est ± interval; gaps are not counted.

    Unless raw, the estimate's offset is the median difference: an interval does not speak of the
    row of 0 mV, and with the means removed one QRS complex that was read wrong would shift all
    other samples out of theirs.

    Args:
        pair: The aligned lead.
        interval_mv: (m,), half width at every sample of the estimate, mV; NaN where it is not
            known or no trace was seen.
        first: The estimate's sample at which `interval_mv` begins.

    Returns:
        None where the lead has failed.

    Raises:
        InputError: A half width is negative, or no sample has one.
    """
    half = checked_estimate(interval_mv)
    if not len(half) or np.any(half < 0):
        raise InputError("interval_mv", "not one half width per sample", "give (m,), from 0 up")
    if pair.failed:
        return None
    at = pair.position - first
    # Beside a gap this is NaN: between a sample and none, nothing was estimated.
    width = np.interp(at, np.arange(len(half)), half)
    # Half a sample beyond its ends is still the estimate; farther it was filled.
    given = np.isfinite(width) & (at >= -0.5) & (at <= len(half) - 0.5)
    if not given.any():
        raise InputError("interval_mv", "no sample has an interval", "leave this lead out")
    error = (pair.ref_mv - pair.est_mv)[given]
    if pair.alignment != "raw":
        error = error - np.median(error)
    hit = np.abs(error) <= width[given]
    return IntervalScore(int(given.sum()), float(hit.mean()), float(width[given].mean()))

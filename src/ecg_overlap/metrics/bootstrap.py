"""Means and medians with bootstrap 95 % intervals, and paired differences.

Whole samples (leads, images) are drawn with replacement; the interval is between the 2.5 and
97.5 percentiles of the statistic over the draws. Columns of one matrix share their draws, so a
table of many metrics costs one resampling.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_gen.errors import InputError
from ecg_overlap.metrics.align import FloatArray

N_RESAMPLES = 1000
CEILING_DB = 100.0
"""At this an infinite SNR enters a mean: it neither vanishes nor swallows the others."""


@dataclass(frozen=True)
class Summary:
    """A metric over a set.

    Args:
        n: Samples; with few of them, one above all, an interval says little.
        mean: Mean.
        median: Median.
        ci95: 95 % interval of the mean.
        median_ci95: 95 % interval of the median.
    """

    n: int
    mean: float
    median: float
    ci95: tuple[float, float]
    median_ci95: tuple[float, float]


def summarise(
    values: ArrayLike, rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> Summary:
    """Summarise one metric.

    Args:
        values: (n,), one per sample; +inf counts as `CEILING_DB`.
        rng: Source of the draws.
        n_resamples: How many.

    Raises:
        InputError: There are no values, or one is NaN or −inf.

    Example:
        >>> import numpy as np
        >>> summarise([1.0, 1.0, 1.0], np.random.default_rng(0)).ci95
        (1.0, 1.0)
    """
    column = np.asarray(values, np.float64).reshape(-1, 1)
    return summarise_columns(column, rng, n_resamples=n_resamples)[0]


def summarise_columns(
    values: ArrayLike, rng: np.random.Generator, *, n_resamples: int = N_RESAMPLES
) -> list[Summary]:
    """Summarise several metrics of the same samples on the same draws.

    Args:
        values: (n, k), one row per sample; +inf counts as `CEILING_DB`.
        rng: Source of the draws.
        n_resamples: How many.

    Raises:
        InputError: As `summarise`.
    """
    table = _finite(values)
    n = len(table)
    counts = _draws(n, rng, n_resamples)
    means = counts.astype(np.float64) @ table / n
    # Which samples a draw took matters to no interval, only how often: so the counts may stand
    # for the sorted values of every column, and the ranks of the medians are found once.
    ordered = np.sort(table, axis=0)
    low, high = _median_ranks(counts)
    medians = (ordered[low] + ordered[high]) / 2
    return [
        Summary(
            n,
            float(table[:, k].mean()),
            float(np.median(table[:, k])),
            _interval(means[:, k]),
            _interval(medians[:, k]),
        )
        for k in range(table.shape[1])
    ]


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> Summary:
    """Summary of a − b, two methods on the same samples in the same order; both (n,).

    Raises:
        InputError: They are not of one length, or as `summarise`.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError("paired", f"{first.shape} against {second.shape}", "pair them by sample")
    difference = _finite(first.reshape(-1, 1)) - _finite(second.reshape(-1, 1))
    return summarise(difference[:, 0], rng, n_resamples=n_resamples)


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    rng: np.random.Generator,
    *,
    n_resamples: int = N_RESAMPLES,
) -> tuple[float, float, float]:
    """Σ numerators / Σ denominators with its 95 % interval: a micro IoU, a Kaggle ratio.

    Args:
        numerators: (n,), one per image.
        denominators: (n,), not negative.
        rng: Source of the draws.
        n_resamples: How many.

    Returns:
        The ratio, and the lower and upper end of its interval.

    Raises:
        InputError: As `summarise`; or the denominators add up to nothing.
    """
    table = _finite(np.stack([np.asarray(numerators), np.asarray(denominators)], axis=1))
    if np.any(table[:, 1] < 0) or table[:, 1].sum() == 0:
        raise InputError("ratio", "nothing to divide by", "leave this set out")
    over, under = (_draws(len(table), rng, n_resamples).astype(np.float64) @ table).T
    low, high = _interval(over[under > 0] / under[under > 0])
    return float(table[:, 0].sum() / table[:, 1].sum()), low, high


def _finite(values: ArrayLike) -> FloatArray:
    table = np.array(values, np.float64)
    if table.ndim != 2 or not table.size:
        raise InputError("summary", "no values", "a metric over nothing has no mean")
    table[table == math.inf] = CEILING_DB
    if not np.isfinite(table).all():
        raise InputError("summary", "a value is missing", "score failures by the failure rule")
    return table


def _draws(n: int, rng: np.random.Generator, n_resamples: int) -> NDArray[np.int32]:
    """How often each of n samples is drawn, int32 (n_resamples, n)."""
    drawn = rng.integers(n, size=(n_resamples, n))
    drawn += np.arange(n_resamples)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n)
    return counts.reshape(n_resamples, n).astype(np.int32)


def _median_ranks(counts: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which of n sorted values stand in the middle of every draw, (n_resamples,) each."""
    n = counts.shape[1]
    upto = np.cumsum(counts, axis=1)
    return np.argmax(upto > (n - 1) // 2, axis=1), np.argmax(upto > n // 2, axis=1)


def _interval(draws: FloatArray) -> tuple[float, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)

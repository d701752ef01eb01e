"""Bootstrap 95 % intervals of means and ratios, and paired differences of two methods.

Intervals are percentile bootstraps (Efron 1979) that draw whole records: leads of one record are
alike, so drawing leads one by one would promise more than the data hold. A set whose samples name
no record, or only one, is drawn sample by sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.metrics.align import FloatArray

BoolArray = NDArray[np.bool_]

N_DRAWS = 1000
CEILING_DB = 100.0
"""At this an infinite SNR enters a mean: it neither vanishes nor swallows the others."""


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws: how often each sample counts in each draw, float64 (n_draws, n)."""

    weights: FloatArray

    @classmethod
    def of(cls, records: NDArray[np.object_], rng: np.random.Generator) -> "Draws":
        """Draw records with replacement, each with all its samples.

        Args:
            records: (n,), the record of each sample; None where it is not known.
            rng: Source of the draws.
        """
        names, member = np.unique(records.astype(str), return_inverse=True)
        if len(names) < 2 or any(record is None for record in records):
            names, member = records, np.arange(len(records))
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=N_DRAWS)
        return cls(counts[:, member].astype(np.float64))

    def within(self, mask: BoolArray) -> "Draws":
        return Draws(self.weights[:, mask])

    def ratio_interval(self, top: FloatArray, bottom: FloatArray) -> tuple[float, float]:
        """95 % interval of Σtop / Σbottom, both float (n,)."""
        sums = self.weights @ np.stack([top, bottom], axis=1)
        # A draw that holds no record of a small subset has no mean.
        drawn = sums[sums[:, 1] > 0]
        if not len(drawn):
            value = float(top.sum() / bottom.sum())
            return value, value
        low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
        return float(low), float(high)

    def mean_interval(self, values: FloatArray) -> tuple[float, float]:
        """95 % interval of the mean of finite values, float (n,)."""
        return self.ratio_interval(values, np.ones_like(values))


@dataclass(frozen=True)
class Difference:
    """Method a minus method b on the same samples, and the mean of each there."""

    n: int
    mean: float
    mean_a: float
    mean_b: float
    ci95: tuple[float, float]
    better: float


def paired_difference(
    a: FloatArray,
    b: FloatArray,
    records: NDArray[np.object_],
    *,
    rng: np.random.Generator,
    larger_is_better: bool = True,
) -> Difference | None:
    """Mean of a − b over the samples that both have, with its bootstrap interval.

    Args:
        a: float (n,), one score per sample; NaN where there is none.
        b: float (n,), of the same samples.
        records: (n,), record of each sample, or None.
        rng: Source of the bootstrap.
        larger_is_better: Which way `better`, the fraction of samples that a wins, counts.

    Returns:
        None where no sample has both.
    """
    a, b = (np.where(values == np.inf, CEILING_DB, values) for values in (a, b))
    have = ~np.isnan(a - b)
    if not have.any():
        return None
    a, b = a[have], b[have]
    wins = a > b if larger_is_better else a < b
    return Difference(
        n=int(have.sum()),
        mean=float((a - b).mean()),
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        ci95=Draws.of(records[have], rng).mean_interval(a - b),
        better=float(wins.mean()),
    )

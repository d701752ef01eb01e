"""From one row per sample and method to the scores of `results.json`.

Intervals are percentile bootstraps (Efron 1979) that draw whole records: leads of one record are
alike, so drawing leads one by one would promise more than the data hold. A set whose samples name
no record, or only one, is drawn sample by sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.evaluation.columns import PIXEL_COLUMNS, metric_columns
from ecg_overlap.evaluation.results import Score
from ecg_overlap.metrics.bootstrap import CEILING_DB
from ecg_overlap.metrics.kaggle2025 import ratio_db
from ecg_overlap.metrics.severity import CLEAN_BELOW, CONTACT_BINS, contact_bin

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

N_DRAWS = 1000
KAGGLE = "kaggle2025_snr_db"


def subsets(rows: pd.DataFrame) -> dict[str, BoolArray]:
    """Which rows belong to "all", "clean", "overlap" and each "contact:<bin>" (docs/metrics.md).

    A sample whose intrusion or contact is not known (NaN) belongs to none of their subsets.

    Returns:
        bool (n,) by name; subsets without a row are left out.
    """
    intrusion = rows["intrusion"].to_numpy(np.float64)
    contact = rows["contact"].to_numpy(np.float64)
    bins = np.array(["" if np.isnan(value) else contact_bin(value) for value in contact])
    found = {
        "all": np.ones(len(rows), bool),
        "clean": intrusion < CLEAN_BELOW,
        "overlap": intrusion >= CLEAN_BELOW,
        **{f"contact:{name}": bins == name for name in CONTACT_BINS},
    }
    return {name: mask for name, mask in found.items() if mask.any()}


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
        """95 % interval of Σtop / Σbottom, both float (n,); a mean has ones below."""
        sums = self.weights @ np.stack([top, bottom], axis=1)
        # A draw can miss every record of a small subset: it says nothing of the mean.
        drawn = sums[sums[:, 1] > 0]
        if not len(drawn):
            value = float(top.sum() / bottom.sum())
            return value, value
        low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
        return float(low), float(high)

    def mean_interval(self, values: FloatArray) -> tuple[float, float]:
        """95 % interval of the mean of finite values, float (n,)."""
        return self.ratio_interval(values, np.ones_like(values))


def scores(rows: pd.DataFrame, *, seed: int = 0) -> tuple[Score, ...]:
    """Every score that the per-sample table holds.

    Args:
        rows: One row per sample and method, columns as `evaluate` writes them.
        seed: Of the bootstrap.

    Raises:
        InputError: The table is empty.
    """
    if rows.empty:
        raise InputError("scores", "there is no sample to score", "give a test set with samples")
    found: list[Score] = []
    for (test_set, method), part in rows.groupby(["test_set", "method"], sort=False):
        records = part["record_id"].to_numpy(object)
        draws = Draws.of(records, np.random.default_rng(seed))
        found += _scores_of(str(method), str(test_set), part, draws)
    return tuple(found)


def _scores_of(method: str, test_set: str, part: pd.DataFrame, draws: Draws) -> Iterator[Score]:
    failed = part["failed"].to_numpy(np.float64)
    values = {key: part[name].to_numpy(np.float64) for name, key in metric_columns(part).items()}
    for subset, mask in subsets(part).items():
        inner = draws.within(mask)
        yield _score((method, test_set, subset, "failure_rate", "none"), failed[mask], inner)
        for (metric, alignment, region), column_values in values.items():
            if region and subset != "all":
                continue
            chosen = column_values[mask]
            have = ~np.isnan(chosen)
            if have.any():
                key = (method, test_set, region or subset, metric, alignment)
                yield _score(key, chosen[have], inner.within(have))
        yield from _micro_scores(method, test_set, subset, part[mask], inner)


def _score(key: tuple[str, str, str, str, str], values: FloatArray, draws: Draws) -> Score:
    # A perfect lead's SNR is infinite: it must neither vanish nor swallow the others.
    values = np.where(values == np.inf, CEILING_DB, values)
    linear = key[3] == KAGGLE
    # The competition averages ratios, not decibels.
    averaged = 10 ** (values / 10) if linear else values
    mean, (low, high) = float(averaged.mean()), draws.mean_interval(averaged)
    if linear:
        mean, low, high = (ratio_db(ratio) for ratio in (mean, low, high))
    return Score(*key, n=len(values), mean=mean, median=float(np.median(values)), ci95=(low, high))


def _micro_scores(
    method: str, test_set: str, subset: str, part: pd.DataFrame, draws: Draws
) -> Iterator[Score]:
    """IoU and Dice of all pixels pooled; the median is that of the images."""
    if not set(PIXEL_COLUMNS) <= set(part.columns):
        return
    pixels = part[list(PIXEL_COLUMNS)].to_numpy(np.float64)
    have = ~np.isnan(pixels).any(axis=1)
    common, found, true = pixels[have].T
    if not (found + true).sum() > 0:
        return
    inner = draws.within(have)
    for metric, top, bottom in (
        ("iou_micro", common, found + true - common),
        ("dice_micro", 2 * common, found + true),
    ):
        each = top / np.maximum(bottom, 1)
        yield Score(
            method,
            test_set,
            subset,
            metric,
            "none",
            n=int(have.sum()),
            mean=float(top.sum() / bottom.sum()),
            median=float(np.median(each)),
            ci95=inner.ratio_interval(top, bottom),
        )


@dataclass(frozen=True)
class Difference:
    """Method a minus method b on the very same samples, and what each of them has there."""

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

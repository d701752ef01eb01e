"""From one row per sample and method to the scores of `results.json`."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from data_gen.errors import InputError
from ecg_overlap.evaluation.columns import PIXEL_COLUMNS, metric_columns
from ecg_overlap.evaluation.results import Score
from ecg_overlap.metrics.align import FloatArray
from ecg_overlap.metrics.bootstrap import CEILING_DB, BoolArray, Draws
from ecg_overlap.metrics.kaggle2025 import ratio_db
from ecg_overlap.metrics.severity import subsets

KAGGLE = "kaggle2025_snr_db"


def subsets_of(rows: pd.DataFrame) -> dict[str, BoolArray]:
    """Which rows belong to which subset, bool (n,) by name."""
    return subsets(rows["intrusion"].to_numpy(np.float64), rows["contact"].to_numpy(np.float64))


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
    for subset, mask in subsets_of(part).items():
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
    # A perfect lead's SNR is infinite, and would make the mean so.
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

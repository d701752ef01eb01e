"""Scores are the means over the right samples, with intervals that count records, not leads."""

import numpy as np
import pandas as pd
import pytest

from data_gen.errors import InputError
from ecg_overlap.evaluation.aggregate import scores
from ecg_overlap.evaluation.results import Score

NAN = float("nan")


def table(**columns: list[object]) -> pd.DataFrame:
    """Rows of one method on one set; what is not given is unknown or did not fail."""
    n = len(next(iter(columns.values())))
    default = {
        "test_set": ["set"] * n,
        "method": ["m"] * n,
        "record_id": [f"r{i}" for i in range(n)],
        "failed": [False] * n,
        "intrusion": [NAN] * n,
        "contact": [NAN] * n,
    }
    return pd.DataFrame(default | columns)


def by_name(found: tuple[Score, ...]) -> dict[tuple[str, str, str], Score]:
    return {(s.subset, s.metric, s.alignment): s for s in found}


def test_mean_median_and_n_of_a_metric() -> None:
    found = by_name(scores(table(**{"snr_db@aligned": [10.0, 20.0, 60.0, NAN]})))
    score = found["all", "snr_db", "aligned"]
    # The fourth sample has no such score; the failures count all four.
    assert (score.n, score.mean, score.median) == (3, 30.0, 20.0)
    assert found["all", "failure_rate", "none"].n == 4


def test_failures_are_counted_in_every_subset() -> None:
    rows = table(failed=[True, False, False, True], intrusion=[0.0, 0.0, 0.5, 0.5])
    found = by_name(scores(rows))
    assert found["all", "failure_rate", "none"].mean == 0.5
    assert found["clean", "failure_rate", "none"].mean == 0.5
    assert found["overlap", "failure_rate", "none"].mean == 0.5


def test_micro_iou_pools_pixels() -> None:
    # 10 of 20 and 80 of 80 pixels: 0.5 and 1.0 by image, 90 of 100 when pooled.
    rows = table(common_px=[10.0, 80.0, NAN], found_px=[15.0, 80.0, NAN], true_px=[15.0, 80.0, NAN])
    found = by_name(scores(rows))
    assert found["all", "iou_micro", "none"].mean == pytest.approx(0.9)
    assert found["all", "iou_micro", "none"].median == pytest.approx(0.75)
    assert found["all", "iou_micro", "none"].n == 2
    assert found["all", "dice_micro", "none"].mean == pytest.approx(180 / 190)


def test_inside_and_outside_are_subsets_of_their_own() -> None:
    rows = table(**{"mse_mv2@aligned#inside": [1.0, NAN], "mse_mv2@aligned#outside": [0.0, 0.5]})
    found = by_name(scores(rows))
    assert found["inside", "mse_mv2", "aligned"].mean == 1.0
    assert found["outside", "mse_mv2", "aligned"].mean == 0.25
    assert ("all", "mse_mv2", "aligned") not in found


def test_a_perfect_lead_neither_vanishes_nor_swallows_the_mean() -> None:
    found = by_name(scores(table(**{"snr_db@aligned": [20.0, np.inf]})))
    assert found["all", "snr_db", "aligned"].mean == pytest.approx(60.0)


def test_the_kaggle_score_averages_ratios() -> None:
    # Ratios 10 and 1000 average to 505: 27.03 dB, not 20 dB.
    found = by_name(scores(table(**{"kaggle2025_snr_db@none": [10.0, 30.0]})))
    assert found["all", "kaggle2025_snr_db", "none"].mean == pytest.approx(27.0329, abs=1e-3)
    assert found["all", "kaggle2025_snr_db", "none"].median == 20.0


def test_the_same_seed_gives_the_same_intervals() -> None:
    rows = table(**{"snr_db@aligned": [1.0, 5.0, 2.0, 9.0]})
    assert scores(rows, seed=3) == scores(rows, seed=3)


def test_a_score_over_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="no sample"):
        scores(table(failed=[]))

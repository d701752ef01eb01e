"""Intervals of means that count records, not leads; differences of methods on the same samples."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ecg_overlap.metrics.bootstrap import CEILING_DB, Draws, paired_difference

NAN = float("nan")


def apart(n: int) -> np.ndarray:
    """Records of n samples that have nothing to do with each other."""
    return np.array([f"r{i}" for i in range(n)], object)


def test_a_constant_metric_has_no_width() -> None:
    draws = Draws.of(apart(20), np.random.default_rng(0))
    assert draws.mean_interval(np.full(20, 0.5)) == (0.5, 0.5)


def test_intervals_are_scipys() -> None:
    values = np.random.default_rng(2).gamma(2, size=80)
    ours = Draws.of(apart(80), np.random.default_rng(0)).mean_interval(values)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.05)


def test_the_95_per_cent_interval_holds_the_truth_about_95_times_in_100() -> None:
    source = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        low, high = Draws.of(apart(60), source).mean_interval(source.normal(1.0, 2.0, 60))
        held += low <= 1.0 <= high
    assert 0.90 <= held / 300 <= 0.98


def test_a_ratio_is_pooled() -> None:
    draws = Draws.of(apart(2), np.random.default_rng(0))
    # Either image alone: 10 of 100 and 1 of 1.
    assert draws.ratio_interval(np.array([1.0, 10.0]), np.array([1.0, 100.0])) == (0.1, 1.0)


def test_leads_of_one_record_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat([0.0, 1.0], 50)
    alone = Draws.of(np.array([f"r{i}" for i in range(100)], object), rng)
    together = Draws.of(np.repeat(np.array(["a", "b"], object), 50), rng)
    low, high = alone.mean_interval(values)
    # 100 coins: 0.5 ± 1.96·0.05.
    assert low == pytest.approx(0.402, abs=0.03)
    assert high == pytest.approx(0.598, abs=0.03)
    # Two records know next to nothing: both, or one of them twice.
    assert together.mean_interval(values) == (0.0, 1.0)


def test_without_records_leads_are_drawn_one_by_one() -> None:
    draws = Draws.of(np.array([None] * 3, object), np.random.default_rng(0))
    assert len(np.unique(draws.weights, axis=1)[0]) == 3
    assert draws.weights.sum(axis=1).tolist() == [3.0] * len(draws.weights)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30), st.integers(0, 5))
def test_an_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    records = np.array([f"r{i // 2}" for i in range(len(values))], object)
    draws = Draws.of(records, np.random.default_rng(seed))
    low, high = draws.mean_interval(np.array(values))
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_a_paired_difference_takes_samples_that_both_have() -> None:
    records = np.array(["a", "b", "c", "d"], object)
    found = paired_difference(
        np.array([3.0, 5.0, NAN, 1.0]),
        np.array([1.0, 1.0, 7.0, 1.0]),
        records,
        rng=np.random.default_rng(0),
    )
    assert found is not None
    assert (found.n, found.mean, found.better) == (3, 2.0, pytest.approx(2 / 3))
    assert 0.0 <= found.ci95[0] <= 2.0 <= found.ci95[1] <= 4.0


def test_smaller_is_better_for_errors() -> None:
    records = np.array(["a", "b"], object)
    found = paired_difference(
        np.array([1.0, 1.0]),
        np.array([2.0, 0.5]),
        records,
        rng=np.random.default_rng(0),
        larger_is_better=False,
    )
    assert found is not None
    assert found.better == 0.5


def test_nothing_in_common_is_no_difference() -> None:
    records = np.array(["a", "b"], object)
    a, b = np.array([1.0, NAN]), np.array([NAN, 1.0])
    assert paired_difference(a, b, records, rng=np.random.default_rng(0)) is None


def test_a_perfect_lead_does_not_swallow_the_difference() -> None:
    a, b = np.array([np.inf, 1.0]), np.array([np.inf, 0.0])
    found = paired_difference(a, b, apart(2), rng=np.random.default_rng(0))
    assert found is not None
    assert (found.mean, found.mean_a) == (0.5, (CEILING_DB + 1) / 2)

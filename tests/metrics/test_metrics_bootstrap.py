import math

import numpy as np
import pytest
import scipy.stats

from data_gen.errors import InputError
from ecg_overlap.metrics.bootstrap import (
    _draws,
    _median_ranks,
    paired_difference,
    ratio_interval,
    summarise,
    summarise_columns,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_mean_and_median_by_hand():
    found = summarise([1.0, 2.0, 9.0], rng())
    assert (found.n, found.mean, found.median) == (3, 4, 2)
    assert found.ci95[0] < 4 < found.ci95[1]
    assert found.median_ci95 == (1, 9)


def test_a_constant_metric_has_no_width():
    found = summarise(np.full(20, 0.5), rng())
    assert found.ci95 == found.median_ci95 == (0.5, 0.5)


def test_the_same_seed_gives_the_same_interval():
    values = rng(1).standard_normal(50)
    assert summarise(values, rng(7)) == summarise(values, rng(7))
    assert summarise(values, rng(7)) != summarise(values, rng(8))


@pytest.mark.parametrize(("statistic", "name"), [(np.mean, "ci95"), (np.median, "median_ci95")])
def test_intervals_are_scipys(statistic, name):
    values = rng(2).gamma(2, size=80)
    ours = getattr(summarise(values, rng(), n_resamples=20_000), name)
    theirs = scipy.stats.bootstrap(
        (values,), statistic, n_resamples=20_000, method="percentile", rng=rng(1)
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.03)


def test_the_95_per_cent_interval_holds_the_truth_about_95_times_in_100():
    source = rng(3)
    held = 0
    for _ in range(300):
        low, high = summarise(source.normal(1.0, 2.0, 60), source, n_resamples=300).ci95
        held += low <= 1.0 <= high
    assert 0.90 <= held / 300 <= 0.98


@pytest.mark.parametrize("n", [1, 2, 11, 12])
def test_every_draw_is_of_n_samples_and_its_median_is_numpys(n):
    values = np.sort(rng(4).standard_normal(n))
    counts = _draws(n, rng(5), 200)
    assert (counts.sum(axis=1) == n).all()
    expected = [np.median(np.repeat(values, row)) for row in counts]
    low, high = _median_ranks(counts)
    np.testing.assert_allclose((values[low] + values[high]) / 2, expected)


def test_columns_share_their_draws_and_equal_single_summaries():
    table = rng(6).standard_normal((40, 3))
    together = summarise_columns(table, rng(7))
    for k in range(3):
        alone = summarise(table[:, k], rng(7))
        assert together[k].ci95 == pytest.approx(alone.ci95)
        assert together[k].median_ci95 == alone.median_ci95


def test_pairing_removes_what_the_samples_have_in_common():
    # b is better by 1 ± 0.1 on every sample, while samples differ by 10.
    a = 10 * rng(8).standard_normal(100)
    b = a + 1 + 0.1 * rng(9).standard_normal(100)
    found = paired_difference(b, a, rng())
    assert found.ci95[0] > 0.9
    assert found.ci95[1] < 1.1
    assert summarise(b, rng()).ci95[0] < summarise(a, rng()).mean


def test_a_perfect_lead_neither_vanishes_nor_swallows_the_others():
    assert summarise([math.inf, 20.0], rng()).mean == 60
    assert paired_difference([math.inf, 1.0], [math.inf, 0.0], rng()).mean == 0.5


def test_a_ratio_is_pooled():
    ratio, low, high = ratio_interval([1, 10], [1, 100], rng())
    assert ratio == 11 / 101
    assert (low, high) == (10 / 100, 1)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [-math.inf]])
def test_nothing_and_nan_have_no_mean(values):
    with pytest.raises(InputError):
        summarise(values, rng())


def test_what_is_not_paired_is_an_error():
    with pytest.raises(InputError, match="pair"):
        paired_difference([1.0, 2.0], [1.0], rng())


def test_a_ratio_over_nothing_is_an_error():
    with pytest.raises(InputError, match="divide"):
        ratio_interval([0, 0], [0, 0], rng())

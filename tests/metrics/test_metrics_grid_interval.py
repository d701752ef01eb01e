import math

import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap.metrics.align import align
from ecg_overlap.metrics.grid import grid_drift_px
from ecg_overlap.metrics.interval import interval_coverage

REF = np.array([0.0, 1.0, 0.0, -1.0] * 25)


def test_a_pitch_one_per_cent_off_is_ten_px_off_after_a_thousand():
    assert grid_drift_px(10.1, 10, width_px=1000) == pytest.approx(10)
    assert grid_drift_px(9.9, 10, width_px=1000) == pytest.approx(10)
    assert grid_drift_px(15.74, 15.74, width_px=3967) == 0


@pytest.mark.parametrize(
    ("found", "true", "width"), [(0, 10, 9), (10, math.nan, 9), (10, 10, -1), (math.inf, 10, 9)]
)
def test_a_grid_that_was_not_found_has_no_drift(found, true, width):
    with pytest.raises(InputError):
        grid_drift_px(found, true, width_px=width)


def test_interval_coverage_by_hand():
    est, half = REF.copy(), np.full(100, 0.1)
    est[:20] += 0.2  # 20 of 100 outside
    est[20:30] += 0.05
    score = interval_coverage(align(REF, est, 500, alignment="raw"), half)
    assert (score.n, score.coverage) == (100, 0.8)
    assert score.mean_half_width_mv == pytest.approx(0.1)


def test_gaps_and_missing_intervals_are_not_counted():
    est, half = REF.copy(), np.full(100, 0.1)
    est[:20] = half[:20] = np.nan
    half[90:] = np.nan
    half[50:60] = 0.3
    score = interval_coverage(align(REF, est, 500, alignment="raw"), half)
    assert (score.n, score.coverage) == (70, 1)
    assert score.mean_half_width_mv == pytest.approx((60 * 0.1 + 10 * 0.3) / 70)


def test_the_interval_moves_with_the_estimate():
    # The estimate comes 10 samples late and its intervals with it; one is too narrow.
    t = np.arange(520) / 500
    whole = np.sin(2 * np.pi * 1.7 * t) + 0.5 * np.sin(2 * np.pi * 7.3 * t)
    ref, est = whole[10:510], whole[:500].copy()
    half = np.full(500, 0.5)
    est[200] += 0.3
    half[200] = 0.1
    score = interval_coverage(align(ref, est, 500, alignment="aligned"), half)
    assert (score.n, score.coverage) == (490, 489 / 490)


def test_an_interval_may_begin_later_than_the_estimate():
    # The estimate was moved 10 samples later since, so its first 10 are no samples of the lead.
    est = np.r_[np.full(10, np.nan), REF[10:]]
    half = np.r_[np.full(40, 0.1), np.full(50, 0.3)]
    score = interval_coverage(align(REF, est, 500, alignment="raw"), half, first=10.0)
    assert (score.n, score.coverage) == (90, 1)
    assert score.mean_half_width_mv == pytest.approx((40 * 0.1 + 50 * 0.3) / 90)


def test_a_failed_lead_has_no_interval():
    nothing = np.full(100, np.nan)
    assert interval_coverage(align(REF, nothing, 500, alignment="raw"), nothing) is None


@pytest.mark.parametrize("half", [np.zeros(0), np.full(100, -0.1), np.full(100, np.nan)])
def test_what_is_no_interval_is_an_error(half):
    with pytest.raises(InputError, match="interval_mv"):
        interval_coverage(align(REF, REF, 500, alignment="raw"), half)


def test_one_misread_complex_moves_no_other_sample_out_of_its_interval() -> None:
    rng = np.random.default_rng(5)
    ref = rng.normal(0, 0.1, 1000)
    est = ref + 0.3  # the row of 0 mV is unknown
    est[500:520] += 2.0
    score = interval_coverage(align(ref, est, 500, alignment="offset"), np.full(1000, 0.001))
    assert score is not None and score.coverage == 0.98

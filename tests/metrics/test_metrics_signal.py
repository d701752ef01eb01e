import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.errors import InputError
from ecg_overlap.metrics.align import align
from ecg_overlap.metrics.signal import (
    mae_mv,
    mse_mv2,
    pearson_r,
    rmse_mv,
    score_lead,
    score_split,
    snr_db,
)

REF = np.array([0.0, 2.0, 0.0, -2.0])  # mean 0, variance 2, power 8


def wave(n=1000, late=0.0, fs_hz=500):
    """Two incommensurable sines, so that no lag but the true one fits."""
    t = (np.arange(n) - late) / fs_hz
    return np.sin(2 * np.pi * 3.1 * t) + 0.5 * np.sin(2 * np.pi * 11.7 * t + 1)


def test_errors_by_hand():
    est = np.array([1.0, 2.0, 0.0, -4.0])  # errors 1, 0, 0, 2
    assert mse_mv2(REF, est) == 5 / 4
    assert rmse_mv(REF, est) == math.sqrt(5) / 2
    assert mae_mv(REF, est) == 3 / 4
    assert snr_db(REF, est) == pytest.approx(10 * math.log10(8 / 5))


def test_pearson_by_hand():
    # Both means are 0; ref·est = 2·1 + 2·1 = 4, |ref|² = 8, |est|² = 10.
    assert pearson_r(REF, [2.0, 1.0, -2.0, -1.0]) == pytest.approx(4 / math.sqrt(8 * 10))
    assert pearson_r(REF, 3 * REF + 7) == pytest.approx(1)
    assert pearson_r(REF, -REF) == pytest.approx(-1)
    assert pearson_r(REF, [5.0, 5.0, 5.0, 5.0]) == 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-200, 1e-3, 1.0, 1e5]))
def test_pearson_is_scipys(seed, scale):
    rng = np.random.default_rng(seed)
    ref = rng.standard_normal(30)
    est = scale * (0.5 * ref + rng.standard_normal(30))
    assert pearson_r(ref, est) == pytest.approx(scipy.stats.pearsonr(ref, est / scale)[0], abs=1e-9)


def test_the_snr_signal_is_measured_about_its_mean():
    # An offset of the reference alone is no signal: powers 8 and 4·1.
    assert snr_db(REF + 100, REF + 101) == pytest.approx(10 * math.log10(8 / 4))


@pytest.mark.parametrize("alignment", ["raw", "offset", "aligned"])
def test_a_perfect_lead(alignment):
    score = score_lead(wave(), wave(), 500, alignment=alignment)
    assert (score.mse_mv2, score.rmse_mv, score.mae_mv) == (0, 0, 0)
    assert score.pearson_r == pytest.approx(1)
    assert score.snr_db == math.inf
    assert (score.n, score.lag_s, score.coverage, score.failed) == (1000, 0, 1, False)
    assert score.alignment == alignment


@pytest.mark.parametrize("late", [1, 5, 2.5, -7, -0.5, 60])
def test_a_shifted_lead_is_perfect_once_aligned_and_not_before(late):
    ref, est = wave(), wave(late=late)
    aligned = score_lead(ref, est, 500, alignment="aligned")
    assert aligned.lag_s == pytest.approx(late / 500)
    assert aligned.snr_db > 60
    # Without the lag: the error computed sample by sample.
    error = (ref - ref.mean()) - (est - est.mean())
    by_hand = 10 * math.log10(np.var(ref) / np.mean(error**2))
    assert score_lead(ref, est, 500, alignment="offset").snr_db == pytest.approx(by_hand)
    assert by_hand < 30


def test_at_100_hz_an_integer_lag_would_cost_much():
    # Half a sample off at 100 Hz: no integer lag is better than 5 ms away.
    ref, est = wave(300, fs_hz=100), wave(300, late=0.5, fs_hz=100)
    assert score_lead(ref, est, 100, alignment="offset").snr_db < 20
    assert score_lead(ref, est, 100, alignment="aligned").snr_db > 40


def test_a_scaled_lead():
    # est = 0.9 ref: the error is a tenth of the signal, 20 dB; ρ does not see it.
    ref = wave() - wave().mean()
    score = score_lead(ref, 0.9 * ref, 500, alignment="aligned")
    assert score.snr_db == pytest.approx(20)
    assert score.pearson_r == pytest.approx(1)
    assert score.mse_mv2 == pytest.approx(0.01 * np.var(ref))


def test_an_inverted_lead():
    # est = −ref: the error is twice the signal, −6.02 dB.
    ref = wave() - wave().mean()
    score = score_lead(ref, -ref, 500, alignment="offset")
    assert score.snr_db == pytest.approx(-20 * math.log10(2))
    assert score.pearson_r == pytest.approx(-1)


def test_an_offset_lead():
    ref = wave() - wave().mean()
    raw = score_lead(ref, ref + 0.5, 500, alignment="raw")
    assert raw.mse_mv2 == pytest.approx(0.25)
    assert raw.mae_mv == pytest.approx(0.5)
    assert raw.snr_db == pytest.approx(10 * math.log10(np.var(ref) / 0.25))
    assert score_lead(ref, ref + 0.5, 500, alignment="offset").snr_db > 250


def test_a_noisy_lead():
    # Noise at 10 dB, drawn orthogonal to the signal so that the figure is exact.
    ref = wave() - wave().mean()
    noise = np.random.default_rng(0).standard_normal(1000)
    noise -= noise.mean()
    noise -= ref * (noise @ ref) / (ref @ ref)
    noise *= math.sqrt((ref @ ref) / (noise @ noise) / 10)
    score = score_lead(ref, ref + noise, 500, alignment="offset")
    assert score.snr_db == pytest.approx(10)
    assert score.pearson_r == pytest.approx(1 / math.sqrt(1.1))


@pytest.mark.parametrize("alignment", ["raw", "offset", "aligned"])
@pytest.mark.parametrize("est", [None, [], wave()[:499], np.full(1000, np.nan)])
def test_a_failed_lead_scores_as_a_flat_line(alignment, est):
    ref = wave() + 3
    score = score_lead(ref, est, 500, alignment=alignment)
    assert score.failed
    assert (score.pearson_r, score.snr_db, score.coverage) == (0, 0, 0)
    assert score.mse_mv2 == pytest.approx(np.var(ref))
    assert score.rmse_mv == pytest.approx(np.std(ref))
    assert score.mae_mv == pytest.approx(np.mean(np.abs(ref - ref.mean())))
    assert score.n == 1000


def test_a_drawn_flat_line_scores_the_same_but_has_not_failed():
    flat = np.full(1000, 0.2)
    flat[100:200] = np.nan
    drawn = score_lead(wave(), flat, 500, alignment="aligned")
    refused = score_lead(wave(), None, 500, alignment="aligned")
    assert drawn.scores() == pytest.approx(refused.scores())
    assert not drawn.failed


def test_abstaining_does_not_raise_the_score():
    # The estimate is bad in a quarter of the lead; leaving that out is no better than flat.
    ref, bad = wave(), wave()
    bad[500:750] = bad[500:750][::-1]
    silent = wave()
    silent[500:750] = np.nan
    flat = wave()
    flat[500:750] = np.nanmean(silent)
    one = score_lead(ref, silent, 500, alignment="offset")
    assert one.scores() == pytest.approx(score_lead(ref, flat, 500, alignment="offset").scores())
    assert one.coverage == 0.75
    assert one.snr_db < 10


def test_missing_reference_samples_are_not_scored():
    ref, est = wave(), wave()
    ref[200:300] = np.nan
    est[200:300] = 99
    score = score_lead(ref, est, 500, alignment="raw")
    assert (score.n, score.mse_mv2, score.coverage) == (900, 0, 1)


def test_an_estimate_at_another_frequency():
    score = score_lead(wave(200, fs_hz=100), wave(), 100, alignment="aligned", est_fs_hz=500)
    assert (score.n, score.lag_s) == (200, 0)
    assert score.snr_db > 100  # every fifth sample is the same
    up = score_lead(wave(), wave(200, fs_hz=100), 500, alignment="aligned", est_fs_hz=100)
    assert up.n == 996  # the last sample of 100 Hz stands at 1.99 s
    assert up.snr_db > 35


def test_scores_have_the_names_of_the_result_file():
    score = score_lead(wave(), wave(), 500, alignment="raw")
    assert list(score.scores()) == ["mse_mv2", "rmse_mv", "mae_mv", "pearson_r", "snr_db"]


@pytest.mark.parametrize("metric", [mse_mv2, rmse_mv, mae_mv, pearson_r, snr_db])
@pytest.mark.parametrize(
    ("ref", "est"),
    [([], []), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0], [np.nan, 2.0])],
)
def test_a_metric_over_nothing_or_over_nan_raises(metric, ref, est):
    with pytest.raises(InputError):
        metric(ref, est)


@pytest.mark.parametrize("metric", [pearson_r, snr_db])
def test_a_constant_reference_has_no_correlation_and_no_snr(metric):
    with pytest.raises(InputError, match="constant"):
        metric([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])


def test_inside_and_outside_by_hand():
    # Inside (the middle two) the error is ±1 mV, outside 0; the mean of the error is 0.
    ref = np.array([0.0, 2.0, 0.0, -2.0, 2.0, -2.0])
    est = ref + np.array([0.0, 0.0, 1.0, -1.0, 0.0, 0.0])
    inside = np.array([False, False, True, True, False, False])
    parts = score_split(align(ref, est, 500, alignment="offset"), inside)
    assert parts["inside"].mse_mv2 == pytest.approx(1)
    assert parts["inside"].n == 2
    # Signal 0² + 2² about the whole lead's mean, noise 1 + 1.
    assert parts["inside"].snr_db == pytest.approx(10 * math.log10(4 / 2))
    assert parts["outside"].mse_mv2 == pytest.approx(0, abs=1e-30)
    assert parts["outside"].n == 4


def test_the_parts_add_up_to_the_whole():
    rng = np.random.default_rng(1)
    ref, est = wave(), wave(late=3) + 0.1 * rng.standard_normal(1000)
    inside = rng.random(1000) < 0.3
    whole = score_lead(ref, est, 500, alignment="aligned")
    parts = score_split(align(ref, est, 500, alignment="aligned"), inside).values()
    assert sum(p.n for p in parts) == whole.n
    assert sum(p.n * p.mse_mv2 for p in parts) == pytest.approx(whole.n * whole.mse_mv2)
    assert {p.lag_s for p in parts} == {whole.lag_s}


def test_the_parts_of_a_failed_lead_are_flat_too():
    inside = np.arange(1000) < 100
    parts = score_split(align(wave(), None, 500, alignment="aligned"), inside)
    assert [p.failed for p in parts.values()] == [True, True]
    assert [p.snr_db for p in parts.values()] == [0, 0]
    assert parts["inside"].mse_mv2 == pytest.approx(np.mean((wave()[:100] - wave().mean()) ** 2))


def test_a_part_without_samples_is_left_out():
    inside = np.zeros(1000, bool)
    assert set(score_split(align(wave(), wave(), 500, alignment="raw"), inside)) == {"outside"}
    assert set(score_split(align(wave(), wave(), 500, alignment="raw"), ~inside)) == {"inside"}


@pytest.mark.parametrize("inside", [np.zeros(999, bool), np.zeros(1000, int)])
def test_inside_is_one_bool_per_sample(inside):
    with pytest.raises(InputError, match="inside"):
        score_split(align(wave(), wave(), 500, alignment="raw"), inside)

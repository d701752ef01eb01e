import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from data_gen.errors import InputError
from ecg_overlap.metrics.align import align, resampled


def beats(fs_hz, *, late_s=0.0, seconds=4.0):
    """A band-limited, ECG-like curve: narrow bumps every 0.8 s; nothing above ~25 Hz."""
    t = np.arange(round(seconds * fs_hz)) / fs_hz - late_s
    beat = np.arange(-1, 7)
    centre = 0.8 * beat + 0.3 + 0.02 * np.sin(beat)
    tall = np.exp(-(((t[:, None] - centre) / 0.02) ** 2)).sum(axis=1)
    wide = 0.3 * np.exp(-(((t[:, None] - centre - 0.25) / 0.06) ** 2)).sum(axis=1)
    return tall + wide


def lag_by_brute_force(ref, est, fs_hz, est_fs_hz=None):
    """Every lag in turn: np.corrcoef on the overlap, the estimate read off its own spline."""
    est_fs_hz = est_fs_hz or fs_hz
    end_s = (len(est) - 1) / est_fs_hz
    curve = CubicSpline(np.arange(len(est)) / est_fs_hz, est)
    best = (-2.0, 0.0)
    for lag_ms in sorted(range(-200, 201), key=abs):
        t = np.arange(len(ref)) / fs_hz + lag_ms / 1000
        keep = (t > -1e-9) & (t < end_s + 1e-9) & np.isfinite(ref)
        if keep.sum() < np.isfinite(ref).sum() / 2:
            continue
        rho = np.corrcoef(ref[keep], curve(t[keep]))[0, 1]
        if rho > best[0] + 1e-9:
            best = (rho, lag_ms / 1000)
    return best


def rho(pair):
    return np.corrcoef(pair.ref_mv, pair.est_mv)[0, 1]


def test_a_perfect_estimate_is_not_moved():
    ref = beats(500)
    pair = align(ref, ref, 500)
    assert pair.lag_s == 0
    assert len(pair.index) == len(ref)
    assert pair.coverage == 1
    np.testing.assert_array_equal(pair.ref_mv, pair.est_mv)
    assert abs(pair.ref_mv.mean()) < 1e-15


@pytest.mark.parametrize("fs_hz", [100, 125, 250, 500, 1000])
@pytest.mark.parametrize("late_s", [0.003, -0.017, 0.1, -0.2, 0.2])
def test_the_lag_is_found_to_the_millisecond_also_between_samples(fs_hz, late_s):
    pair = align(beats(fs_hz), beats(fs_hz, late_s=late_s), fs_hz)
    assert pair.lag_s == pytest.approx(late_s, abs=1e-12)
    assert rho(pair) > 0.9999
    # 0.2 s late: the last 0.2 s of the reference have no partner, and no more than those.
    assert len(beats(fs_hz)) - len(pair.index) == np.ceil(abs(late_s) * fs_hz - 1e-9)


def test_the_pair_tells_where_the_estimate_was_read():
    pair = align(beats(100), beats(500, late_s=0.1), 100, est_fs_hz=500)
    np.testing.assert_allclose(pair.position[:2], [50, 55])
    np.testing.assert_array_equal(pair.reference_mv, beats(100))


def test_a_lag_beyond_200_ms_is_out_of_reach():
    pair = align(beats(500), beats(500, late_s=0.3), 500)
    assert abs(pair.lag_s) <= 0.2
    assert rho(pair) < 0.9


def test_where_1_ms_does_not_divide_the_sample_interval_the_steps_are_finer():
    # 360 Hz: three steps a sample, 0.926 ms each.
    pair = align(beats(360), beats(360, late_s=0.010), 360)
    assert pair.lag_s * 1080 == pytest.approx(round(pair.lag_s * 1080))
    assert pair.lag_s == pytest.approx(0.010, abs=0.0005)


@pytest.mark.parametrize(("fs_hz", "est_fs_hz"), [(500, 500), (100, 500), (500, 100), (100, 100)])
def test_the_lag_is_that_of_a_brute_force_search(fs_hz, est_fs_hz):
    rng = np.random.default_rng(3)
    ref = beats(fs_hz) + 0.1 * rng.standard_normal(4 * fs_hz)
    ref[fs_hz : fs_hz + 20] = np.nan
    est = beats(est_fs_hz, late_s=0.0234, seconds=3.7) + 3.0
    est = est + 0.1 * rng.standard_normal(len(est))
    pair = align(ref, est, fs_hz, est_fs_hz=est_fs_hz)
    best_rho, best_lag_s = lag_by_brute_force(ref, est, fs_hz, est_fs_hz)
    assert pair.lag_s == pytest.approx(best_lag_s, abs=1e-12)
    assert rho(pair) == pytest.approx(best_rho, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_ref=st.integers(30, 80), n_est=st.integers(30, 80))
def test_no_lag_is_better_than_the_one_found(seed, n_ref, n_est):
    # Short white noise at 100 Hz: the overlap changes much with the lag, many lags compete.
    rng = np.random.default_rng(seed)
    ref, est = rng.standard_normal(n_ref), rng.standard_normal(n_est)
    pair = align(ref, est, 100)
    if pair.failed:
        assert n_est < n_ref / 2
        return
    assert len(pair.index) >= n_ref / 2
    assert rho(pair) == pytest.approx(lag_by_brute_force(ref, est, 100)[0], abs=1e-8)


def test_of_equally_good_lags_the_smallest_is_taken():
    # A period of 100 ms fits as well at -100, 0 and +100 ms.
    wave = np.sin(2 * np.pi * 10 * np.arange(1000) / 500)
    assert align(wave, wave, 500).lag_s == 0


def test_raw_moves_nothing_and_offset_only_the_means():
    ref, est = beats(500), beats(500, late_s=0.01) + 0.5
    raw = align(ref, est, 500, alignment="raw")
    np.testing.assert_array_equal(raw.ref_mv, ref)
    np.testing.assert_array_equal(raw.est_mv, est)
    offset = align(ref, est, 500, alignment="offset")
    assert offset.lag_s == 0
    np.testing.assert_allclose(offset.est_mv, est - est.mean(), atol=1e-15)


def test_samples_that_the_reference_lacks_are_left_out():
    ref = beats(500)
    ref[100:300] = np.nan
    pair = align(ref, beats(500), 500, alignment="raw")
    assert len(pair.index) == len(ref) - 200
    assert not set(range(100, 300)) & set(pair.index.tolist())


def test_a_gap_of_the_estimate_is_filled_with_its_mean():
    est = beats(500)
    est[100:300] = np.nan
    pair = align(beats(500), est, 500, alignment="raw")
    assert len(pair.index) == len(est)
    np.testing.assert_allclose(pair.est_mv[100:300], np.nanmean(est))
    assert pair.coverage == 1 - 200 / len(est)


def test_an_estimate_that_ends_early_is_compared_where_it_is_and_its_coverage_tells():
    pair = align(beats(500), beats(500)[:1500], 500)
    assert len(pair.index) == 1500
    assert pair.coverage == 0.75
    assert rho(pair) == pytest.approx(1)


def test_an_estimate_that_is_longer_is_cut_to_the_reference():
    pair = align(beats(500)[:1500], beats(500), 500)
    assert (len(pair.index), pair.coverage, pair.lag_s) == (1500, 1.0, 0.0)


@pytest.mark.parametrize(
    "est", [None, np.zeros(0), np.full(2000, np.nan), beats(500)[:999], np.ones(1)]
)
def test_less_than_half_is_a_failure(est):
    for alignment in ("raw", "offset", "aligned"):
        pair = align(beats(500), est, 500, alignment=alignment)
        assert (pair.failed, pair.coverage, pair.lag_s, len(pair.index)) == (True, 0, 0, 2000)
        assert not pair.est_mv.any()
        np.testing.assert_allclose(pair.ref_mv, beats(500) - beats(500).mean(), atol=1e-15)


def test_exactly_half_is_not():
    assert align(beats(500), beats(500)[:1000], 500).coverage == 0.5
    est = beats(500)
    est[::2] = np.nan
    assert align(beats(500), est, 500).coverage == 0.5


def test_a_constant_estimate_is_left_where_it_is():
    pair = align(beats(500), np.full(2000, 0.7), 500)
    assert pair.lag_s == 0
    np.testing.assert_allclose(pair.est_mv, 0, atol=1e-15)


def test_scale_and_offset_do_not_matter_to_the_lag():
    est = beats(500, late_s=0.042)
    for scaled in (1e-6 * est, 1e6 * est, est + 1e4):
        assert align(beats(500), scaled, 500).lag_s == pytest.approx(0.042)


@pytest.mark.parametrize(
    ("ref", "fs_hz", "alignment", "names"),
    [
        (np.zeros(0), 500, "raw", "fewer than two"),
        (np.full(9, np.nan), 500, "raw", "fewer than two"),
        (np.full(9, 0.3), 500, "aligned", "constant"),
        (np.zeros((9, 2)), 500, "raw", "one lead at a time"),
        (beats(500), 0, "raw", "fs_hz"),
        (beats(500), np.nan, "raw", "fs_hz"),
        (beats(500), 500, "best", "raw, offset, aligned"),
        (beats(500), 500, "none", "raw, offset, aligned"),
    ],
)
def test_what_cannot_be_compared_is_an_error_with_a_remedy(ref, fs_hz, alignment, names):
    with pytest.raises(InputError, match=names):
        align(ref, beats(500), fs_hz, alignment=alignment)


def test_an_estimate_of_two_leads_or_of_no_frequency_is_an_error():
    with pytest.raises(InputError, match="one lead at a time"):
        align(beats(500), np.zeros((2000, 2)), 500)
    with pytest.raises(InputError, match="est_fs_hz"):
        align(beats(500), beats(500), 500, est_fs_hz=-1)


def test_the_callers_arrays_stay_as_they_are():
    ref, est = beats(500), beats(500)
    ref[5] = est[7] = np.nan
    kept = ref.copy(), est.copy()
    align(ref, est, 500)
    np.testing.assert_array_equal(ref, kept[0])
    np.testing.assert_array_equal(est, kept[1])


def test_resampling_keeps_the_time_axis_and_the_gaps():
    est = beats(500)
    est[500:700] = np.nan
    out = resampled(est, 100, est_fs_hz=500)
    assert len(out) == 400
    np.testing.assert_allclose(out[:99], beats(100)[:99], atol=1e-3)
    assert np.isnan(out[101:139]).all()
    assert np.isfinite(np.delete(out, np.arange(100, 141))).all()

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from data_gen.errors import InputError
from ecg_overlap.metrics.challenge2024 import challenge2024_snr_db, offsets, weighted_snr_db


def beats(n=300, late=0, fs_hz=100):
    t = (np.arange(n) - late) / fs_hz
    phase = (t % 0.9) - 0.4
    return 1.1 * np.exp(-((phase / 0.03) ** 2)) + 0.25 * np.exp(-(((phase - 0.25) / 0.07) ** 2))


def wander(n=260, late=0):
    """A random walk within ±1 mV: unlike the beats it has no flat part that fits anywhere."""
    walk = np.random.default_rng(5).standard_normal(800).cumsum()
    return (walk / np.abs(walk).max())[300 - late : 300 - late + n]


def offsets_by_brute_force(ref, est):
    """Both pictures drawn pixel by pixel, and every shift of one over the other summed up."""
    low, high = min(np.nanmin(ref), np.nanmin(est)), max(np.nanmax(ref), np.nanmax(est))
    width = max(len(ref), len(est))
    pictures = []
    for signal in (ref, est):
        drawn = np.zeros((256, width))
        for column, value in enumerate(signal):
            if np.isfinite(value):
                drawn[round(255 * (value - low) / (high - low)), column] = 1
        pictures.append(gaussian_filter(drawn, 0.5))
    a, b = pictures
    best = (-1.0, 0, 0)
    for down in range(-255, 256):
        rows_a = slice(max(0, -down), 256 - max(0, down))
        rows_b = slice(max(0, down), 256 - max(0, -down))
        for late in range(1 - width, width):
            columns_a = slice(max(0, -late), width - max(0, late))
            columns_b = slice(max(0, late), width - max(0, -late))
            total = float((a[rows_a, columns_a] * b[rows_b, columns_b]).sum())
            if total > best[0] + 1e-9:
                best = (total, late, down)
    return best[1], best[2] * (high - low) / 255


@pytest.mark.parametrize(("late", "too_high_mv"), [(3, 0.2), (-4, -0.3), (0, 0.0)])
def test_offsets_are_those_of_a_brute_force_correlation(late, too_high_mv):
    rng = np.random.default_rng(2)
    ref = wander(45)
    est = wander(40, late=late) + too_high_mv + 0.005 * rng.standard_normal(40)
    est[7] = np.nan
    found = offsets(ref, est)
    expected = offsets_by_brute_force(ref, est)
    assert found[0] == expected[0] == late
    assert found[1] == pytest.approx(expected[1])
    assert found[1] == pytest.approx(too_high_mv, abs=0.03)


def test_the_weighted_snr_by_hand():
    # Known in both: 1, 2, 3 against errors 0, 1, 0; ref known at four: α = 3/4.
    ref = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    est = np.array([1.0, 3.0, 3.0, np.nan, 5.0])
    assert weighted_snr_db(ref, est) == pytest.approx(10 * math.log10(14 / 1) * 3 / 4)


@pytest.mark.parametrize("late", [5, -5, 50, -50])
def test_a_shift_of_either_sign_is_undone(late):
    # The public scorer's head gets 0.17 dB where the estimate comes early. Levels are
    # 1.1/255 mV apart, so nothing but a perfect zero shift of level is right here.
    score = challenge2024_snr_db(beats(), beats(late=late), 100)
    assert score > 200


def test_samples_moved_out_of_the_lead_lower_the_score_by_alpha():
    ref = beats()
    est = np.concatenate([ref[10:], ref[-10:] * 0]) + 1e-3  # 10 early; its last 10 are invented
    est = est[:290]
    # Moved back: 290 of 300 known, an error of 1 µV² everywhere (no level: 1.1/255 = 4.3 µV).
    joint = ref[10:]
    by_hand = 10 * math.log10(np.mean(joint**2) / 1e-6) * 290 / 300
    assert challenge2024_snr_db(ref, est, 100) == pytest.approx(by_hand)


@pytest.mark.parametrize("late", [51, -51])
def test_a_shift_of_more_than_half_a_second_is_not_accepted(late):
    ref, est = wander(), wander(late=late)
    assert offsets(ref, est)[0] == late
    unmoved = 10 * math.log10(np.sum(ref**2) / np.sum((ref - est) ** 2))
    assert challenge2024_snr_db(ref, est, 100) == pytest.approx(unmoved)
    almost = wander(late=late - int(np.sign(late)))
    assert challenge2024_snr_db(ref, almost, 100) > 25 > unmoved


def test_a_level_of_more_than_1_mv_is_not_accepted():
    ref = beats()
    assert challenge2024_snr_db(ref, ref + 0.9, 100) > 40
    unmoved = 10 * math.log10(np.mean(ref**2) / 1.2**2)
    assert challenge2024_snr_db(ref, ref + 1.2, 100) == pytest.approx(unmoved)


def test_perfect_refused_and_empty():
    assert challenge2024_snr_db(beats(), beats(), 100) == math.inf
    assert challenge2024_snr_db(beats(), None, 100) == 0
    assert challenge2024_snr_db(beats(), [], 100) == 0
    assert challenge2024_snr_db(beats(), np.full(300, np.nan), 100) == 0


def test_a_scaled_lead():
    # Half the amplitude about 0 mV: 6.02 dB. The peak stands at the flat parts, which fit.
    assert challenge2024_snr_db(beats(), 0.5 * beats(), 100) == pytest.approx(20 * math.log10(2))


def test_gaps_on_either_side():
    ref, est = beats(), beats() + 0.001
    est[100:130] = np.nan
    ref[0:20] = np.nan
    both = np.isfinite(ref) & np.isfinite(est)
    by_hand = 10 * math.log10(np.mean(ref[both] ** 2) / 1e-6) * 250 / 280
    assert challenge2024_snr_db(ref, est, 100) == pytest.approx(by_hand)


def test_other_frequencies():
    fine = beats(1500, fs_hz=500)
    assert challenge2024_snr_db(beats(), fine, 100, est_fs_hz=500) == math.inf
    assert challenge2024_snr_db(fine, fine, 500, at_hz=100) == math.inf
    at_100 = challenge2024_snr_db(fine, fine * 0.5, 500, at_hz=100)
    assert at_100 == pytest.approx(20 * math.log10(2), abs=1e-6)


def test_a_reference_without_power_is_an_error():
    with pytest.raises(InputError, match="constant"):
        challenge2024_snr_db(np.ones(300), beats(), 100)
    with pytest.raises(InputError, match="0 mV"):
        weighted_snr_db(np.array([0.0, 0.0, 1.0]), np.array([1.0, 1.0, np.nan]))

import math

import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap.metrics.kaggle2025 import (
    LeadPower,
    image_ratio,
    lead_power,
    lead_snr_db,
    ratio_db,
)


def wave(n=500, late=0, fs_hz=100):
    t = (np.arange(n) - late) / fs_hz
    return np.sin(2 * np.pi * 1.3 * t) + 0.4 * np.sin(2 * np.pi * 7.1 * t + 1)


def power_by_loops(ref, est, max_shift):
    """Every shift and every sample in turn."""
    r, e = ref - ref.mean(), est - est.mean()
    best, best_shift = -math.inf, 0
    for shift in sorted(range(-max_shift, max_shift + 1), key=abs):
        total = 0.0
        for i in range(len(ref)):
            if 0 <= i - shift < len(est):
                total += r[i] * e[i - shift]
        if total > best + 1e-9:
            best, best_shift = total, shift
    pairs = [
        (ref[i], est[i - best_shift]) for i in range(len(ref)) if 0 <= i - best_shift < len(est)
    ]
    offset = sum(b - a for a, b in pairs) / len(pairs)
    noise = sum((a - (b - offset)) ** 2 for a, b in pairs)
    uncovered = [i for i in range(len(ref)) if not 0 <= i - best_shift < len(est)]
    noise += sum(ref[i] ** 2 for i in uncovered)
    return float(sum(ref**2)), float(noise)


@pytest.mark.parametrize("late", [0, 6, -11])
@pytest.mark.parametrize("n_est", [200, 180, 230])
def test_powers_are_those_of_plain_loops(late, n_est):
    rng = np.random.default_rng(4)
    ref = wave(200) + 0.3
    est = wave(n_est, late=late) - 0.2 + 0.2 * rng.standard_normal(n_est)
    power = lead_power(ref, est, 100)
    signal, noise = power_by_loops(ref, est, 20)
    assert power.signal_mv2 == pytest.approx(signal)
    assert power.noise_mv2 == pytest.approx(noise)


def test_a_late_lead_loses_its_last_samples():
    # 5 samples late: moved back, the last 5 of the reference are uncovered, i.e. 0.
    ref = wave()
    power = lead_power(ref, wave(late=5), 100)
    assert power.noise_mv2 == pytest.approx(np.sum(ref[-5:] ** 2))
    assert power.signal_mv2 == pytest.approx(np.sum(ref**2))


def test_a_constant_offset_costs_nothing():
    assert lead_power(wave(), wave() + 7, 100).noise_mv2 == pytest.approx(0, abs=1e-20)


def test_a_shift_beyond_200_ms_is_out_of_reach():
    bump = np.zeros(100)
    bump[40:50] = np.hanning(10)
    assert lead_power(bump, np.roll(bump, 20), 100).noise_mv2 < 1e-20
    assert lead_power(bump, np.roll(bump, 21), 100).noise_mv2 > 0.01


def test_of_equal_shifts_the_smallest_is_taken():
    # A pair of bumps 10 samples to either side: +10 and −10 tie, and 0 wins over both when
    # a third bump of equal height stands in the middle of the estimate.
    ref, est = np.zeros(101), np.zeros(101)
    ref[50] = 1
    est[[40, 50, 60]] = 1
    power = lead_power(ref, est, 100)
    residual = est - ref - np.mean(est - ref)
    assert power.noise_mv2 == pytest.approx(np.sum(residual**2))


def test_ratios_by_hand():
    assert image_ratio([LeadPower(6, 1), LeadPower(4, 4)]) == 10 / 5
    assert image_ratio([LeadPower(6, 0)]) == 384
    assert image_ratio([LeadPower(1000, 1)]) == 384
    assert image_ratio([LeadPower(0, 1)]) == 0


def test_decibels_have_a_floor():
    assert ratio_db(10) == 10
    assert ratio_db(0) == -384


def test_perfect_scaled_and_inverted_leads():
    ref = wave() - wave().mean()
    assert lead_snr_db(ref, ref, 100) == pytest.approx(25.8433, abs=1e-4)
    assert lead_snr_db(ref, 0.5 * ref, 100) == pytest.approx(20 * math.log10(2))
    # Within ±200 ms the 1.3 Hz wave does not come round to itself again.
    assert lead_snr_db(ref, -ref, 100) < 0


@pytest.mark.parametrize("est", [None, [], np.full(500, np.nan), wave()[:249]])
def test_a_failed_lead_is_0_db(est):
    assert lead_snr_db(wave() + 2, est, 100) == 0


def test_gaps():
    est = wave()
    est[100:200] = np.nan
    filled = np.where(np.isnan(est), np.nanmean(est), est)
    assert lead_power(wave(), est, 100) == lead_power(wave(), filled, 100)
    ref = wave()
    ref[300:350] = np.nan
    gap = lead_power(ref, wave(), 100)
    assert gap.signal_mv2 == pytest.approx(np.nansum(ref**2))
    assert gap.noise_mv2 == pytest.approx(0, abs=1e-20)


def test_a_flat_lead_adds_no_signal_but_its_noise():
    est = np.where(np.arange(500) < 250, 1.0, 0.0)  # about its mean: ±0.5
    power = lead_power(np.zeros(500), est, 100)
    assert power.signal_mv2 == 0
    assert power.noise_mv2 == pytest.approx(500 * 0.25)
    assert lead_power(np.zeros(500), np.full(500, 3.0), 100) == LeadPower(0, 0)


def test_another_frequency():
    fine = wave(2500, fs_hz=500)
    assert lead_power(wave(), fine, 100, est_fs_hz=500).noise_mv2 == pytest.approx(0, abs=1e-15)


def test_a_score_over_nothing_raises():
    with pytest.raises(InputError, match="no leads"):
        image_ratio([])
    with pytest.raises(InputError, match="fewer than two"):
        lead_power(np.full(9, np.nan), wave(), 100)

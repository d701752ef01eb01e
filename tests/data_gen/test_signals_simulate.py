"""The simulated sources: identities, determinism, and dials that do what they say."""

import pickle
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from data_gen import presets
from data_gen.errors import InputError
from data_gen.sample import LEADS
from data_gen.signals import Mix, NeuroKit, Simulate
from data_gen.signals.dipole import LEAD_VECTORS, Waves, trace
from data_gen.signals.heart import Heart
from data_gen.signals.noise import Noise
from data_gen.signals.rhythm import Rhythm

ROOT = Path(__file__).parents[2]
SILENT = Noise(wander_probability=0, emg_probability=0, hum_probability=0)
REGULAR = Rhythm(
    rate_bpm=(60, 60), rr_variability=(0, 0), fibrillation_probability=0, ectopic_probability=0
)
PLAIN = Heart(
    wide_probability=0, paced_probability=0, st_probability=0, t_inversion_probability=0,
    u_probability=0, huge_probability=0, axis_deg=(40, 50),
)  # fmt: skip


def draw(source, seed=0, **kwargs):
    return source.draw(np.random.default_rng(seed), **kwargs)


def assert_identities(signal_mv, tolerance_mv=2e-6):
    i, ii, iii, avr, avl, avf = signal_mv[:, :6].astype(np.float64).T
    # A sum of float32 below 8 mV is rounded by at most 2.4e-7 mV at each step.
    np.testing.assert_allclose(iii, ii - i, rtol=0, atol=tolerance_mv)
    np.testing.assert_allclose(avr, -(i + ii) / 2, rtol=0, atol=tolerance_mv)
    np.testing.assert_allclose(avl, i - ii / 2, rtol=0, atol=tolerance_mv)
    np.testing.assert_allclose(avf, ii - i / 2, rtol=0, atol=tolerance_mv)


def beats_seen(record):
    """QRS complexes: where the leads change fastest, taken over 100 ms."""
    speed = np.abs(np.diff(record.signal_mv, axis=0)).sum(axis=1)
    n = round(0.1 * record.fs_hz)
    smooth = np.convolve(speed, np.ones(n) / n, "same")
    return find_peaks(smooth, height=0.5 * smooth.max(), distance=0.25 * record.fs_hz)[0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), fs_hz=st.sampled_from([100.0, 250.0, 500.0, 1000.0]))
def test_any_simulated_record_is_whole_finite_and_obeys_the_limb_lead_identities(seed, fs_hz):
    record = draw(Simulate(duration_s=4, fs_hz=fs_hz), seed)
    assert record.signal_mv.shape == (round(4 * fs_hz), 12)
    assert record.lead_names == LEADS
    assert np.isfinite(record.signal_mv).all()
    assert (np.ptp(record.signal_mv, axis=0) > 0).all()
    assert np.abs(record.signal_mv).max() < 20
    assert_identities(record.signal_mv, tolerance_mv=5e-6)


def test_the_same_generator_gives_the_same_bytes_and_another_gives_others():
    source = Simulate()
    first, again, other = draw(source, 1), draw(pickle.loads(pickle.dumps(source)), 1), draw(source)
    assert first.signal_mv.tobytes() == again.signal_mv.tobytes()
    assert first.record_id == again.record_id != other.record_id
    assert not np.array_equal(first.signal_mv, other.signal_mv)


def test_a_seed_gives_different_hearts_in_different_splits():
    records = [draw(Simulate(duration_s=2), 3, split=split) for split in ("train", "val", "test")]
    assert [record.split for record in records] == ["train", "val", "test"]
    assert len({record.record_id for record in records}) == 3
    assert not np.array_equal(records[0].signal_mv, records[2].signal_mv)


@pytest.mark.parametrize("seed", range(5))
def test_ten_seconds_at_60_a_minute_hold_ten_beats_a_second_apart(seed):
    peaks = beats_seen(draw(Simulate(rhythm=REGULAR, heart=PLAIN, noise=SILENT), seed))
    assert len(peaks) == 10
    np.testing.assert_allclose(np.diff(peaks), 500, atol=12)


@pytest.mark.parametrize(("rate_bpm", "expected"), [(30, 5), (120, 20), (220, 36.67)])
def test_the_rate_dial_is_the_rate(rate_bpm, expected):
    rhythm = replace(REGULAR, rate_bpm=(rate_bpm, rate_bpm))
    beats = rhythm.beats(np.random.default_rng(0), duration_s=10)
    inside = (beats.time_s >= 0) & (beats.time_s < 10)
    assert abs(inside.sum() - expected) <= 1
    np.testing.assert_allclose(beats.rr_s, 60 / rate_bpm)


def test_rates_fill_their_range_around_the_typical_one():
    rhythm = Rhythm(fibrillation_probability=0, ectopic_probability=0, rr_variability=(0, 0))
    rates = [60 / rhythm.beats(np.random.default_rng(k), duration_s=2).rr_s[0] for k in range(400)]
    assert 30 <= min(rates) < 45
    assert 150 < max(rates) <= 220
    assert 60 < np.median(rates) < 95


def test_fibrillation_is_irregular_and_has_no_p_wave():
    rhythm = replace(REGULAR, fibrillation_probability=1, fibrillation_variability=(0.2, 0.2))
    rng = np.random.default_rng(0)
    beats = rhythm.beats(rng, duration_s=300)
    assert np.std(beats.rr_s) / np.mean(beats.rr_s) == pytest.approx(0.2, abs=0.03)
    assert not PLAIN.waves(rng, beats).dipole_mv[:, :2].any()
    assert REGULAR.beats(rng, duration_s=10).fibrillation is False


def test_an_ectopic_beat_comes_early_and_is_followed_by_a_full_pause():
    rhythm = replace(
        REGULAR, ectopic_probability=1, ectopic_fraction=(0.3, 0.3), ectopic_coupling=(0.6, 0.6)
    )
    beats = rhythm.beats(np.random.default_rng(0), duration_s=60)
    early = np.flatnonzero(beats.ectopic)[1:-1]
    assert len(early) > 5
    np.testing.assert_allclose(beats.rr_s[early], 0.6)
    np.testing.assert_allclose(beats.rr_s[early + 1], 1.4)
    assert not (beats.ectopic[1:] & beats.ectopic[:-1]).any()


def qrs_width_s(seed, heart):
    """Time over which the spatial size of the QRS exceeds a tenth of its peak."""
    beats = REGULAR.beats(np.random.default_rng(seed), duration_s=3)
    waves = heart.waves(np.random.default_rng(seed), beats)
    qrs = np.zeros((1, 10, 1), bool)
    qrs[:, 2:6] = True
    waves = replace(waves, dipole_mv=np.where(qrs, waves.dipole_mv, 0))
    size = np.linalg.norm(trace(waves, fs_hz=1000, n_samples=3000), axis=1)
    return (size > 0.1 * size.max()).mean() * 3 / (beats.time_s[(beats.time_s > 0)] < 3).sum()


def test_bundle_branch_blocks_widen_the_qrs_from_normal_to_beyond_110_ms():
    wide = replace(PLAIN, wide_probability=1, wide_stretch=(1.8, 1.8))
    normal_s = [qrs_width_s(seed, PLAIN) for seed in range(20)]
    wide_s = [qrs_width_s(seed, wide) for seed in range(20)]
    assert 0.05 < np.median(normal_s) < 0.1
    assert np.median(wide_s) > 0.11


@pytest.mark.parametrize("dial", ["t_inversion_probability", "st_probability", "u_probability"])
def test_a_repolarisation_dial_changes_the_repolarisation_alone(dial):
    beats = REGULAR.beats(np.random.default_rng(0), duration_s=3)
    without, with_it = (
        replace(PLAIN, **{dial: p}).waves(np.random.default_rng(5), beats).dipole_mv for p in (0, 1)
    )
    np.testing.assert_array_equal(without[:, :6], with_it[:, :6])
    assert np.abs(without[:, 6:] - with_it[:, 6:]).max() > 0.005


def test_a_paced_beat_has_a_spike_before_a_wide_qrs_and_no_p():
    heart = replace(PLAIN, paced_probability=1, spike_mv=(2, 2))
    beats = REGULAR.beats(np.random.default_rng(0), duration_s=3)
    waves = heart.waves(np.random.default_rng(0), beats)
    size_mv = np.linalg.norm(waves.dipole_mv, axis=2)
    assert not size_mv[:, :2].any()
    np.testing.assert_allclose(size_mv[:, 9], 2, rtol=0.2)  # it sways with respiration
    assert (waves.centre_s[:, 9] < waves.centre_s[:, 2]).all()


def test_huge_chest_leads_are_as_much_taller_as_the_dial_says():
    rng = np.random.default_rng
    huge = replace(PLAIN, huge_probability=1, huge_gain=(2, 2))
    ratio = huge.lead_vectors(rng(0)) / PLAIN.lead_vectors(rng(0))
    np.testing.assert_allclose(ratio[:2], 1)
    np.testing.assert_allclose(ratio[2:], 2)


def test_s_waves_shrink_and_r_waves_grow_from_v1_to_v5():
    source = Simulate(rhythm=REGULAR, heart=replace(PLAIN, rotation_deg=(0, 0)), noise=SILENT)
    signals = np.stack([draw(source, seed).signal_mv[:, 6:] for seed in range(30)])
    r_mv, s_mv = np.median(signals.max(axis=1), 0), np.median(-signals.min(axis=1), 0)
    assert r_mv[0] < r_mv[2] < r_mv[4]
    assert s_mv[1] > s_mv[3] > s_mv[5]
    assert s_mv[0] > r_mv[0]
    assert r_mv[4] > s_mv[4]


def test_one_gaussian_wave_is_what_its_formula_says_in_every_lead():
    # 2 mV to the left, 10 ms wide, at 0.5 s; lead I sees 0.632 of it.
    wave = Waves(
        np.array([[0.5]]), np.array([[0.01]]), np.array([[0.02]]), np.array([[[2.0, 0, 0]]])
    )
    lead_i = (trace(wave, fs_hz=500, n_samples=500) @ LEAD_VECTORS.T)[:, 0]
    assert lead_i[250] == pytest.approx(1.264)
    assert lead_i[245] == pytest.approx(1.264 * np.exp(-0.5))  # 10 ms before: one deviation
    assert lead_i[260] == pytest.approx(1.264 * np.exp(-0.5))  # 20 ms after
    assert lead_i[200] == 0


def test_noise_alone_has_the_size_asked_for():
    quiet = {"wander_probability": 0.0, "emg_probability": 0.0, "hum_probability": 0.0}
    for name in ("wander", "emg", "hum"):
        dials = quiet | {f"{name}_probability": 1.0, f"{name}_mv": (0.05, 0.05)}
        noise = Noise(**dials)
        drawn = [noise.draw(np.random.default_rng(k), fs_hz=500, n_samples=5000) for k in range(60)]
        # A limb lead is the difference of two electrodes: √2 of one.
        assert np.std(np.stack(drawn)[..., :2]) == pytest.approx(0.05 * 2**0.5, rel=0.2), name


def test_hum_stands_at_the_mains_frequency():
    noise = Noise(wander_probability=0, emg_probability=0, hum_probability=1, hum_hz=(60,))
    drawn = noise.draw(np.random.default_rng(0), fs_hz=500, n_samples=5000)
    power = (np.abs(np.fft.rfft(drawn, axis=0)) ** 2).sum(axis=1)
    assert np.argmax(power) / 10 == 60  # its third harmonic is half as large
    assert power[[600, 1800]].sum() > 0.99 * power.sum()


def test_the_yaml_holds_the_defaults_of_the_code():
    assert presets.load_part("signals", "simulate") == Simulate()
    assert presets.load_part("signals", "neurokit") == NeuroKit()


@pytest.mark.parametrize("part", [Rhythm, Heart, Noise])
def test_every_dial_of_a_part_refuses_nonsense_by_name(part):
    for dial in fields(part):
        with pytest.raises(InputError, match=dial.name):
            part(**{dial.name: float("nan")})


def test_ranges_the_wrong_way_round_and_impossible_values_are_refused():
    with pytest.raises(InputError, match="rate_bpm"):
        Rhythm(rate_bpm=(90, 60))
    with pytest.raises(InputError, match="rate_bpm"):
        Rhythm(rate_bpm=(0, 60))
    with pytest.raises(InputError, match=r"hum_hz.*55"):
        Noise(hum_hz=(55,))
    with pytest.raises(InputError, match="fs_hz"):
        Simulate(fs_hz=50)
    with pytest.raises(InputError, match=r"split dev: not known.*train, val, test"):
        draw(Simulate(), split="dev")


def test_neurokit_draws_whole_records_with_the_identities_it_lacks_by_itself():
    source = NeuroKit(duration_s=2, fs_hz=250, rate_bpm=(75, 75), rate_std_bpm=(1, 1))
    first, again = draw(source, 4), draw(source, 4)
    assert first.signal_mv.shape == (500, 12)
    assert first.signal_mv.tobytes() == again.signal_mv.tobytes()
    assert_identities(first.signal_mv)
    assert (np.ptp(first.signal_mv, axis=0) > 0.2).all()
    assert len(beats_seen(first)) in (2, 3)


def test_a_mixture_draws_by_weight():
    slow, fast = Simulate(duration_s=1, fs_hz=100), Simulate(duration_s=1, fs_hz=200)
    mix = Mix(weights={"slow": 3, "fast": 1}, slow=slow, fast=fast)
    drawn = [draw(mix, seed).fs_hz for seed in range(400)]
    assert 0.68 < drawn.count(100) / 400 < 0.82  # 0.75 ± 3 standard errors
    only = Mix(weights={"slow": 0, "fast": 2}, slow=slow, fast=fast)
    assert {draw(only, seed).fs_hz for seed in range(20)} == {200}
    assert mix.record_ids("train") == ()


def test_a_mixture_draws_validation_and_test_from_what_it_holds_back_alone():
    slow, fast = Simulate(duration_s=1, fs_hz=100), Simulate(duration_s=1, fs_hz=200)
    mix = Mix(weights={"slow": 1, "fast": 1}, held_back=["fast"], slow=slow, fast=fast)
    drawn = {
        split: {mix.draw(np.random.default_rng(i), split=split).fs_hz for i in range(20)}
        for split in ("train", "val", "test")
    }
    assert drawn == {"train": {100, 200}, "val": {200}, "test": {200}}
    for held_back in (["other"], ["slow"]):
        with pytest.raises(InputError, match=r"mix.held_back: no source .* choose of \['fast'\]"):
            Mix(weights={"slow": 0, "fast": 1}, held_back=held_back, slow=slow, fast=fast)


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"a": 0}, "all weights are 0"), ({"b": 1}, "one weight"), ({"a": -1}, "mix.weights.a")],
)
def test_a_mixture_needs_one_sound_weight_for_each_source(weights, message):
    with pytest.raises(InputError, match=message):
        Mix(weights=weights, a=Simulate())
    with pytest.raises(InputError, match="one weight"):
        Mix(weights={})

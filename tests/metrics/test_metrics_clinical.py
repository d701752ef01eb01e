import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap.metrics.align import align
from ecg_overlap.metrics.clinical import clinical_score, match_peaks

FS_HZ = 500


def ecg(*, late_s=0.0, seconds=10.0, st_mv=0.0):
    """60 beats a minute: P, Q, R (1 mV), S and T of known place; the ST segment as given."""
    t = np.arange(round(seconds * FS_HZ)) / FS_HZ - late_s
    phase = (t % 1.0) - 0.4
    waves = [(-0.16, 0.02, 0.12), (-0.03, 0.008, -0.1), (0, 0.01, 1.0), (0.03, 0.008, -0.2)]
    waves += [(0.28, 0.04, 0.3)]
    beat = sum(mv * np.exp(-(((phase - at) / width) ** 2)) for at, width, mv in waves)
    raised = st_mv / (1 + np.exp(-(phase - 0.05) / 0.004)) / (1 + np.exp((phase - 0.2) / 0.01))
    return beat + raised


@pytest.mark.parametrize(
    ("ref", "est", "f1", "error_s"),
    [
        ([1, 2, 3], [1, 2, 3], 1, 0),
        ([1, 2, 3], [1.05, 2, 2.97], 1, 0.08 / 3),
        ([1, 2, 3], [1.051, 2, 3], 4 / 6, 0),
        ([1, 2], [1, 2, 2.5, 3], 4 / 6, 0),  # two too many: precision 1/2, recall 1
        ([1, 2, 3, 4], [1], 2 / 5, 0),
        ([1, 2], [], 0, None),
        ([1], [0.98, 1.01], 2 / 3, 0.01),  # one peak is matched once, by the nearer
        ([1, 1.04], [1.02, 1.06], 1, 0.02),
    ],
)
def test_peaks_are_matched_one_to_one_within_50_ms(ref, est, f1, error_s):
    found_f1, found_error = match_peaks(ref, est)
    assert found_f1 == pytest.approx(f1)
    assert found_error == (None if error_s is None else pytest.approx(error_s))


def test_a_reference_without_peaks_is_an_error():
    with pytest.raises(InputError, match="r_peaks"):
        match_peaks([], [1.0])


def test_a_perfect_lead_measures_the_same():
    score = clinical_score(align(ecg(), ecg(), FS_HZ))
    assert (score.r_peak_f1, score.r_peak_error_s, score.n_beats) == (1, 0, 10)
    assert not score.failed
    assert set(score.pairs()) == {
        "heart_rate_bpm", "qrs_amplitude_mv", "qrs_duration_ms", "qt_ms", "st_level_mv"
    }  # fmt: skip
    for ref, est in score.pairs().values():
        assert ref == pytest.approx(est, abs=1e-9)


def test_the_measures_are_those_that_were_drawn():
    ref = clinical_score(align(ecg(), ecg(), FS_HZ)).ref
    np.testing.assert_allclose(ref.r_peaks_s, np.arange(10) + 0.4, atol=0.004)
    assert ref.heart_rate_bpm == pytest.approx(60, abs=0.2)
    assert ref.qrs_amplitude_mv == pytest.approx(1.2, abs=0.02)  # R 1.0, S −0.2
    assert ref.qrs_duration_ms == pytest.approx(60, abs=12)  # Q to S
    assert ref.qt_ms == pytest.approx(380, abs=60)
    assert abs(ref.st_level_mv) < 0.02


def test_amplitude_and_st_follow_the_estimate():
    pairs = clinical_score(align(ecg(), ecg(st_mv=0.2), FS_HZ)).pairs()
    assert pairs["st_level_mv"][1] - pairs["st_level_mv"][0] == pytest.approx(0.2, abs=0.03)
    pairs = clinical_score(align(ecg(), 0.5 * ecg(), FS_HZ)).pairs()
    assert pairs["qrs_amplitude_mv"][1] == pytest.approx(pairs["qrs_amplitude_mv"][0] / 2)
    assert pairs["heart_rate_bpm"][1] == pairs["heart_rate_bpm"][0]


def test_a_delay_is_a_timing_error_unless_aligned():
    late = ecg(late_s=0.03)
    unmoved = clinical_score(align(ecg(), late, FS_HZ, alignment="offset"))
    assert unmoved.r_peak_f1 == 1
    assert unmoved.r_peak_error_s == pytest.approx(0.03, abs=0.003)
    assert clinical_score(align(ecg(), late, FS_HZ)).r_peak_error_s == pytest.approx(0, abs=0.002)


def test_short_leads_and_other_frequencies_work_too():
    short = clinical_score(align(ecg(seconds=2.5), ecg(seconds=2.5), FS_HZ))
    assert short.r_peak_f1 == 1
    assert "qt_ms" in short.pairs()
    coarse = clinical_score(align(ecg()[::5], ecg(), 100, est_fs_hz=FS_HZ))
    assert coarse.r_peak_f1 == 1


def test_a_failed_lead_finds_no_peak():
    score = clinical_score(align(ecg(), None, FS_HZ))
    assert (score.r_peak_f1, score.r_peak_error_s, score.failed) == (0, None, True)
    assert score.n_beats == 10
    assert score.pairs() == {}


def test_a_drawn_flat_line_finds_none_either():
    score = clinical_score(align(ecg(), np.full(5000, 0.1), FS_HZ))
    assert score.r_peak_f1 == 0
    assert score.pairs() == {}


def test_gaps_are_bridged():
    ref, est = ecg(), ecg()
    ref[1000:1040] = np.nan
    est[3000:3040] = np.nan
    assert clinical_score(align(ref, est, FS_HZ)).r_peak_f1 == 1


def test_a_reference_without_beats_is_an_error():
    with pytest.raises(InputError, match="no beat"):
        clinical_score(align(np.linspace(0, 0.01, 100), np.zeros(100), FS_HZ))

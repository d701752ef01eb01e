"""Scores of outcomes whose error is known by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_set import FS_HZ, TinySet, beat_mv, broken, lead_of, method, perfect, refuse, sample_of

from data_gen.sample import LeadSample
from ecg_overlap.evaluation.methods import Method, Outcome
from ecg_overlap.evaluation.scoring import placed_mv, rows_of, score, severity_of

PLAIN = method("perfect")
ZEROED = method("perfect", claims_zero=True)


def outcome_of(signal_mv: np.ndarray, **place: float) -> Outcome:
    return Outcome(lead_of(signal_mv, **place))


def test_a_perfect_lead() -> None:
    sample = sample_of(0)
    row = score(sample, perfect(sample), PLAIN)
    assert not row["failed"]
    assert row["mse_mv2@aligned"] == pytest.approx(0.0, abs=1e-12)
    assert row["pearson_r@aligned"] == pytest.approx(1.0)
    assert row["snr_db@aligned"] > 90
    assert row["coverage@none"] == 1.0
    assert row["iou@none"] == row["dice@none"] == 1.0
    assert (row["common_px"], row["found_px"], row["true_px"]) == (400.0, 400.0, 400.0)
    assert row["grid_drift_px@none"] == 0.0
    assert row["interval_coverage@aligned"] == 1.0


def test_a_lead_that_is_a_tenth_too_small_has_20_db() -> None:
    sample = sample_of(0)
    row = score(sample, outcome_of(0.9 * beat_mv()), PLAIN)
    assert row["snr_db@aligned"] == pytest.approx(20.0, abs=0.01)
    assert row["pearson_r@aligned"] == pytest.approx(1.0)


def test_a_stated_quality_is_kept_beside_the_scores() -> None:
    sample = sample_of(0)
    lead = replace(lead_of(beat_mv()), quality=0.7)
    assert score(sample, Outcome(lead), PLAIN)["quality@none"] == 0.7
    assert "quality@none" not in score(sample, outcome_of(beat_mv()), PLAIN)


def test_an_offset_counts_raw_and_only_raw() -> None:
    sample = sample_of(0)
    row = score(sample, outcome_of(beat_mv() + 0.5), ZEROED)
    assert row["mse_mv2@raw"] == pytest.approx(0.25, abs=1e-6)
    assert row["mse_mv2@offset"] == pytest.approx(0.0, abs=1e-9)


def test_raw_is_scored_only_where_a_zero_is_claimed() -> None:
    sample = sample_of(0)
    assert "mse_mv2@raw" not in score(sample, perfect(sample), PLAIN)


def test_an_inverted_lead_has_twice_the_amplitude_as_error() -> None:
    sample = sample_of(0)
    row = score(sample, outcome_of(-beat_mv()), PLAIN)
    assert row["snr_db@offset"] == pytest.approx(-6.0206, abs=1e-3)
    assert row["pearson_r@offset"] == pytest.approx(-1.0)


@pytest.mark.parametrize("late_s", [0.02, 0.0137, -0.0083])
def test_a_late_start_is_known_from_the_column_it_was_seen_at(late_s: float) -> None:
    # The digitizer saw the trace from a later (earlier) column on, and says so: nothing is wrong.
    sample = sample_of(0)
    fine_hz = 1000.0
    t = late_s + np.arange(2000) / fine_hz
    reference = beat_mv()
    seen = np.interp(t, np.arange(len(reference)) / FS_HZ, reference)
    row = score(sample, outcome_of(seen, fs_hz=fine_hz, t0_px=10.0 + late_s * 100.0), PLAIN)
    assert row["pearson_r@offset"] > 0.9995
    assert row["lag_s@aligned"] <= 0.001


def test_a_wrong_start_costs_offset_but_not_aligned() -> None:
    sample = sample_of(0)
    row = score(sample, outcome_of(beat_mv(), t0_px=16.0), PLAIN)  # 6 px = 60 ms late
    assert row["lag_s@aligned"] == pytest.approx(0.06)
    assert row["pearson_r@aligned"] == pytest.approx(1.0, abs=1e-6)
    assert row["pearson_r@offset"] < 0.95


def test_a_refused_lead_is_a_flat_line() -> None:
    sample = sample_of(0)
    row = score(sample, refuse(sample), PLAIN)
    assert row["failed"]
    assert row["reason"].startswith("grid:")
    assert row["snr_db@aligned"] == row["pearson_r@aligned"] == row["iou@none"] == 0.0
    assert row["mse_mv2@aligned"] == pytest.approx(float(np.var(beat_mv().astype(np.float64))))
    assert row["coverage@none"] == 0.0


def test_less_than_half_recovered_is_a_failure() -> None:
    sample = sample_of(0)
    signal = beat_mv().astype(np.float64)
    signal[90:] = np.nan
    row = score(sample, outcome_of(signal), PLAIN)
    assert row["failed"]
    assert "half" in row["reason"]
    assert row["snr_db@aligned"] == 0.0


def test_a_gap_is_filled_and_seen_in_coverage() -> None:
    sample = sample_of(0)
    signal = beat_mv().astype(np.float64)
    signal[50:100] = np.nan
    row = score(sample, outcome_of(signal), PLAIN)
    assert not row["failed"]
    assert row["coverage@none"] == 0.75
    assert row["snr_db@aligned"] < 15


def test_error_is_told_apart_inside_and_outside_the_contact() -> None:
    sample = sample_of(0)
    wrong = beat_mv().astype(np.float64)
    wrong[:100] += np.tile(np.repeat([0.2, -0.2], 10), 5)
    inside = np.arange(200) < 100
    row = score(sample, outcome_of(wrong), PLAIN, inside=inside)
    assert row["rmse_mv@aligned#inside"] == pytest.approx(0.2, rel=0.1)
    assert row["rmse_mv@aligned#outside"] < 0.05


def test_following_another_trace_is_a_swap() -> None:
    sample = sample_of(0)
    other = np.zeros((120, 230), np.uint8)
    other[19:21, 10:210] = 255
    sample = replace(sample, other_mask=other)
    # Row 20 is 40 px above 0 mV: 1 mV. The first half of the columns follow the neighbour.
    signal = np.where(np.arange(200) < 100, 1.0, 0.0) + 0.01 * beat_mv()
    row = score(sample, outcome_of(signal), PLAIN)
    assert row["identity_swap_rate@none"] == pytest.approx(0.5, abs=0.01)
    assert row["longest_swap_s@none"] == pytest.approx(1.0, abs=0.02)


def test_grid_drift_is_the_error_at_the_end_of_the_lead() -> None:
    sample = sample_of(0)
    lead = lead_of(beat_mv())
    lead = replace(lead, calibration=replace(lead.calibration, px_per_mm_x=4.04))
    row = score(sample, Outcome(lead), PLAIN)
    assert row["grid_drift_px@none"] == pytest.approx(1.99)  # 1 % of 199 samples at 1 px
    assert "grid_drift_px@none" not in score(
        sample, Outcome(lead), method("perfect", finds_grid=False)
    )


def test_iou_at_the_network_size() -> None:
    sample = sample_of(0)
    small = method("perfect", size_of=lambda height, width, px_per_mm: (height // 2, width // 2))
    assert score(sample, perfect(sample), small)["iou_net@none"] == 1.0
    assert score(sample, refuse(sample), small)["iou_net@none"] == 0.0


def test_a_constant_reference_has_no_signal_score() -> None:
    sample = replace(sample_of(0), signal_mv=np.zeros(200, np.float32))
    row = score(sample, perfect(sample), PLAIN)
    assert "constant" in row["reason"]
    assert not any("snr" in name for name in row)
    assert not row["failed"]


def test_without_a_signal_only_the_mask_is_scored() -> None:
    sample = replace(sample_of(0), signal_mv=None, polyline_px=None)
    row = score(sample, Outcome(lead_of(beat_mv()), sample.target_mask), PLAIN)
    assert set(row) == {
        "failed",
        "reason",
        "iou@none",
        "dice@none",
        "common_px",
        "found_px",
        "true_px",
    }


def test_without_a_mask_only_the_signal_is_scored() -> None:
    sample = replace(sample_of(0), target_mask=None, other_mask=None)
    row = score(sample, outcome_of(beat_mv()), PLAIN)
    assert "iou@none" not in row
    assert row["snr_db@aligned"] > 90


def test_an_oracles_mask_is_not_scored() -> None:
    sample = sample_of(0)
    assert "iou@none" not in score(sample, perfect(sample), method("perfect", makes_mask=False))


def test_an_exception_is_a_failure_that_names_itself() -> None:
    rows = rows_of(TinySet(), 0, [method("broken"), method("perfect")], costly=False)
    assert [row["failed"] for row in rows] == [True, False]
    assert rows[0]["reason"].startswith("defect: ZeroDivisionError: a defect (tiny_set.py:")
    assert rows[0]["snr_db@aligned"] == 0.0
    with pytest.raises(ZeroDivisionError):
        broken(sample_of(0))


def test_a_method_is_not_tried_without_the_truth_it_needs() -> None:
    class NoMasks(TinySet):
        def sample(self, index: int) -> LeadSample:
            return replace(super().sample(index), target_mask=None, other_mask=None)

    oracle = Method("stroke@mask", "oracle", perfect, needs=("target_mask",))
    rows = rows_of(NoMasks(), 0, [oracle, method("perfect")], costly=False)
    assert [row["method"] for row in rows] == ["perfect"]


def test_costly_scores_come_only_when_asked_for() -> None:
    (cheap,) = rows_of(TinySet(), 0, [method("perfect")], costly=False)
    (full,) = rows_of(TinySet(), 0, [method("perfect")], costly=True)
    assert "challenge2024_snr_db@none" not in cheap
    assert full["challenge2024_snr_db@none"] > 20


def test_severity_is_estimated_where_only_the_mask_is_known() -> None:
    image = np.full((120, 230, 3), 255, np.uint8)
    image[10:20, 10:60] = 0  # foreign ink over 50 of 200 columns
    sample = replace(sample_of(0), image=image, severity=None)
    found = severity_of(sample)
    assert found is not None
    assert found.intrusion == pytest.approx(0.25)
    assert np.isnan(found.contact)


def test_a_placed_lead_keeps_its_gaps_and_ends() -> None:
    signal = np.arange(10, dtype=np.float64)
    signal[4] = np.nan
    lead = lead_of(signal, t0_px=13.0)  # 3 samples late
    placed = placed_mv(lead, sample_of(0).calibration)
    assert placed is not None
    expected = np.r_[np.full(3, np.nan), signal]
    np.testing.assert_allclose(placed[np.isfinite(expected)], expected[np.isfinite(expected)])
    assert np.isnan(placed[~np.isfinite(expected)]).all()

"""From the path in pixels to seconds and millivolts."""

import numpy as np
import pytest
from drawn import beats, drawn, snr_db

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from ecg_overlap.digitize.baselines.paper import wander_mv
from ecg_overlap.digitize.calibrate import INK_ERROR, isoelectric_px, to_signal
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.paths.path import Path


def straight(x0: float, x1: float, y: float) -> Path:
    x = np.arange(x0, x1 + 1e-9, 0.5)
    return Path(x, np.full_like(x, y), np.full_like(x, 0.1), np.ones_like(x), 3.0, x0, x1)


def test_one_millivolt_is_its_pixels_and_a_second_is_its_samples() -> None:
    # 4 px/mm, 10 mm/mV, 25 mm/s: 40 px a mV, 100 px a second.
    lead = to_signal(
        straight(10, 110, 60), Calibration(4, 4, t0_px=10, baseline_px=100), fs_hz=100,
        t0_known=True, baseline_known=True,
    )  # fmt: skip
    assert len(lead.signal_mv) == 101
    assert np.allclose(lead.signal_mv, 1.0)


def test_x_and_y_have_their_own_scales() -> None:
    lead = to_signal(
        straight(0, 100, 0), Calibration(4, 8, 50, 5, baseline_px=40), fs_hz=10,
        t0_known=True, baseline_known=True,
    )  # fmt: skip
    assert len(lead.signal_mv) == 6  # 200 px a second
    assert np.allclose(lead.signal_mv, 1.0)  # 40 px a mV


def test_sample_k_stands_k_over_fs_after_t0() -> None:
    truth = drawn()
    lead = to_signal(
        decode(truth.mask), truth.calibration, fs_hz=500, t0_known=True, baseline_known=True
    )
    n = min(len(lead.signal_mv), len(truth.signal_mv))
    assert abs(len(lead.signal_mv) - len(truth.signal_mv)) <= 1
    assert snr_db(truth.signal_mv[:n], lead.signal_mv[:n]) > 25
    assert np.abs(lead.signal_mv[:n] - truth.signal_mv[:n]).mean() < 0.01  # raw: no offset


def test_unknown_time_zero_is_where_the_pen_was_set_down() -> None:
    truth = drawn(pad_px=20.4)
    lead = to_signal(decode(truth.mask), Calibration(8, 8), fs_hz=500)
    assert lead.t0_px == pytest.approx(20.4, abs=0.15)
    assert not lead.baseline_known and "baseline_unknown" in lead.flags


def test_unknown_baseline_is_the_isoelectric_line() -> None:
    truth = drawn()
    lead = to_signal(decode(truth.mask), Calibration(8, 8), fs_hz=500)
    assert lead.calibration.baseline_px == pytest.approx(truth.calibration.baseline_px, abs=1.0)


def test_isoelectric_line_is_not_drawn_to_a_big_qrs() -> None:
    rows = np.full(1000, 50.0)
    rows[400:450] = np.linspace(50, -300, 50)
    assert isoelectric_px(rows) == pytest.approx(50)


@pytest.mark.parametrize("fs_hz", [100, 250, 500, 1000])
def test_any_rate_covers_the_same_time(fs_hz: float) -> None:
    lead = to_signal(straight(10, 410, 5), Calibration(4, 4), fs_hz=fs_hz)
    assert len(lead.signal_mv) / fs_hz == pytest.approx(4.0, abs=1.5 / fs_hz)


def test_before_and_after_the_trace_there_is_nan_not_zero() -> None:
    scale = Calibration(4, 4, t0_px=0, baseline_px=5)
    lead = to_signal(straight(50, 100, 5), scale, fs_hz=100, t0_known=True, end_px=150.0)
    assert np.isnan(lead.signal_mv[:49]).all()
    assert np.isfinite(lead.signal_mv[50:101]).all()
    assert np.isnan(lead.signal_mv[102:]).all()
    assert (lead.confidence[:49] == 0).all()
    assert np.isnan(lead.interval_mv[:49]).all()


def test_gap_of_the_path_is_nan_and_flagged() -> None:
    mask = drawn(np.zeros(1500)).mask
    mask[:, 200:260] = 0
    lead = to_signal(decode(mask), Calibration(8, 8), fs_hz=500)
    assert "gap" in lead.flags
    assert 0.8 < lead.coverage < 0.95


def test_a_steep_stroke_on_a_tilted_page_is_no_gap() -> None:
    # Turned by 1°, points 0.25 px apart and 40 px above one another stand 0.95 px apart.
    rows = np.full(400, 100.0)
    rows[200], rows[201:] = 60.0, 20.0
    turned = np.arange(400) / 4 + np.sin(np.deg2rad(1)) * (100.0 - rows)
    order = np.argsort(turned)
    path = Path(
        turned[order], rows[order], np.ones(400), np.ones(400), 2.0, 0.0, float(turned.max())
    )
    lead = to_signal(path, Calibration(8.0, 8.0), fs_hz=1000.0)
    assert lead.coverage == 1 and "gap" not in lead.flags
    assert np.ptp(lead.signal_mv) == pytest.approx(1.0, abs=0.05)


def test_interval_holds_at_least_90_percent_of_the_truth() -> None:
    truth = drawn(beats(10.0))
    lead = to_signal(
        decode(truth.mask), truth.calibration, fs_hz=500, t0_known=True, baseline_known=True
    )
    n = min(len(lead.signal_mv), len(truth.signal_mv))
    inside = np.abs(lead.signal_mv[:n] - truth.signal_mv[:n]) <= lead.interval_mv[:n]
    # A drawn mask is the easiest of all: the constants are for worse ones.
    assert inside.mean() >= 0.9


def test_ink_has_wider_intervals_than_a_drawn_mask() -> None:
    path = decode(drawn(beats(2.0)).mask)
    mask = to_signal(path, Calibration(8, 8)).interval_mv
    ink = to_signal(path, Calibration(8, 8), error_factor=INK_ERROR).interval_mv
    assert np.allclose(ink, INK_ERROR * mask, equal_nan=True) and INK_ERROR > 1


def test_wander_is_taken_off_and_the_beats_stay() -> None:
    drift = 0.3 * np.sin(2 * np.pi * 0.2 * np.arange(5000) / 500)
    drifting = beats(10.0) + drift
    flat = drifting - wander_mv(drifting, 500.0)
    assert snr_db(beats(10.0), flat) > snr_db(beats(10.0), drifting) + 6


def test_wander_of_a_level_line_is_the_line() -> None:
    assert np.allclose(wander_mv(np.full(1000, 0.7), 500.0), 0.7)


@pytest.mark.parametrize("fs_hz", [0.0, -1.0, float("nan"), float("inf")])
def test_no_frequency_is_refused(fs_hz: float) -> None:
    with pytest.raises(InputError, match="fs_hz"):
        to_signal(straight(0, 10, 0), Calibration(4, 4), fs_hz=fs_hz)


def test_absurd_scale_is_refused_instead_of_filling_the_memory() -> None:
    with pytest.raises(InputError, match="samples"):
        to_signal(straight(0, 1000, 0), Calibration(1e-5, 1e-5), fs_hz=500)


def test_path_without_a_point_is_refused() -> None:
    with pytest.raises(InputError, match="holds no point"):
        to_signal(decode(np.zeros((20, 20), np.uint8)), Calibration(4, 4))

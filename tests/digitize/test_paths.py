"""Decoders: from a mask to the pen's centre line."""

import cv2
import numpy as np
import pytest
from drawn import beats, drawn, snr_db
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.render import draw_stroke
from ecg_overlap.digitize.decoders import DECODERS, decode
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.paths.path import Path


def line(height: int, points: list[tuple[float, float]], width: int, pen: float) -> NDArray:
    mask = np.zeros((height, width), np.uint8)
    draw_stroke(mask, np.array(points), width_px=pen)
    return mask


def row_at(path: Path, x_px: float) -> float:
    seen = np.isfinite(path.y_px)
    return float(np.interp(x_px, path.x_px[seen], path.y_px[seen]))


@pytest.mark.parametrize("decoder", DECODERS)
def test_level_line_is_found_at_its_sub_pixel_row(decoder: str) -> None:
    path = decode(line(40, [(10, 17.3), (90, 17.3)], 100, 3.0), decoder)
    # "viterbi" and the like read sub-pixel rows off the run's edges; all within 0.05 px.
    assert row_at(path, 50) == pytest.approx(17.3, abs=0.05)


@given(slope=st.floats(-3, 3), pen=st.floats(2, 6), offset=st.floats(0, 1))
@example(slope=0.5, pen=2.0, offset=0.0625)
@example(slope=0.5, pen=2.0, offset=0.03125)
@example(slope=-0.5, pen=2.0625, offset=0.3125)
@example(slope=0.5, pen=2.21875, offset=0.25)
@settings(max_examples=25, deadline=None)
def test_stroke_follows_any_slope(slope: float, pen: float, offset: float) -> None:
    middle = 100 + offset
    mask = line(200, [(10, middle - 25 * slope), (60, middle + 25 * slope)], 70, pen)
    path = decode(mask, "stroke")
    # Pixels make the row ripple, by up to 0.11 px rms in 500 random lines: 20 columns are taken.
    inner = np.abs(path.x_px - 35.0) < 10
    off = (path.y_px - middle - slope * (path.x_px - 35.0))[inner] / np.hypot(1, slope)
    assert abs(off.mean()) < 0.1
    assert off.std() < 0.15
    assert path.width_px == pytest.approx(pen, rel=0.1)


def test_stroke_reaches_a_peak_that_the_centroid_rounds_off() -> None:
    # Up 60 px and down again within 4 px: up- and downstroke have merged.
    mask = line(100, [(5, 80), (40, 80), (42, 20), (44, 80), (80, 80)], 90, 3.0)
    stroke, centroid = decode(mask, "stroke"), decode(mask, "centroid")
    assert np.nanmin(stroke.y_px) == pytest.approx(20, abs=1.5)
    assert np.nanmin(centroid.y_px) > 35


def trembling(seed: int) -> tuple[NDArray, NDArray]:
    """A mask, pen 2.7 px, and its samples (n, 2), 0.4 px apart: two peaks, 60 px high and 6 wide.

    Each sample trembles by 0.5 px for itself.
    """
    x = 5 + 0.4 * np.arange(725)
    y = 90 + np.random.default_rng(seed).normal(0, 0.5, len(x))
    for middle in (101, 201):
        y -= 60 * np.clip(1 - np.abs(x - middle) / 3, 0, 1)
    samples = np.stack([x, y], axis=1)
    mask = np.zeros((110, 300), np.uint8)
    draw_stroke(mask, samples, width_px=2.7)
    return mask, samples


@pytest.mark.parametrize("seed", range(3))
def test_tremor_makes_no_thicker_pen_and_no_lower_peaks(seed: int) -> None:
    # Of all vertical cuts, nearly none is as low as the pen is wide: what trembles is one band.
    mask, samples = trembling(seed)
    path = decode(mask, px_per_mm=8.0)
    assert path.width_px == pytest.approx(2.7, rel=0.06)
    for middle in (101, 201):
        peak = samples[np.abs(samples[:, 0] - middle) < 4, 1].min()
        found = np.nanmin(path.y_px[np.abs(path.x_px - middle) < 4])
        assert found == pytest.approx(peak, abs=0.2)


def test_tremor_makes_no_thicker_pen_in_a_blurred_picture() -> None:
    paper = 255 - cv2.GaussianBlur(trembling(3)[0], (0, 0), 0.5)
    path = decode(binarize(cv2.merge([paper] * 3), px_per_mm=8.0), px_per_mm=8.0)
    assert path.width_px == pytest.approx(2.7, rel=0.06)


def test_stroke_gives_several_points_per_column_and_ascending_columns() -> None:
    path = decode(drawn().mask, "stroke")
    assert np.all(np.diff(path.x_px) > 0)
    assert np.diff(path.x_px).max() < 0.5


def test_stroke_is_ten_decibels_above_the_centroid_on_beats() -> None:
    truth = drawn()
    x = truth.polyline_px[:, 0]
    scores = {}
    for decoder in ("stroke", "centroid"):
        path = decode(truth.mask, decoder)
        seen = np.isfinite(path.y_px)
        rows = np.interp(x, path.x_px[seen], path.y_px[seen])
        scores[decoder] = snr_db(truth.signal_mv, -rows / truth.calibration.px_per_mv)
    assert scores["stroke"] > 28
    assert scores["stroke"] > scores["centroid"] + 10


@pytest.mark.parametrize("pen", [1.2, 1.6, 2.0, 2.4, 3.0, 5.0])
def test_stroke_follows_steep_beats_with_any_pen(pen: float) -> None:
    # 4 mV rise within 20 ms: up to 60 px in each column.
    truth = drawn(3.5 * beats(), pen_px=pen)
    path = decode(truth.mask, "stroke")
    seen = np.isfinite(path.y_px)
    rows = np.interp(truth.polyline_px[:, 0], path.x_px[seen], path.y_px[seen])
    assert snr_db(truth.signal_mv, -rows / truth.calibration.px_per_mv) > 28
    assert path.width_px == pytest.approx(pen, rel=0.1)


@given(shift=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_time_zero_is_where_the_pen_was_set_down(shift: float) -> None:
    path = decode(line(40, [(12 + shift, 20), (80, 20)], 100, 3.0), "stroke")
    assert path.start_px == pytest.approx(12 + shift, abs=0.1)
    assert path.end_px == pytest.approx(80, abs=0.1)


def test_whole_column_decoders_find_time_zero_within_a_pixel() -> None:
    # The first ink column lies half a stroke before the first sample.
    mask = line(40, [(12.4, 20), (80, 20)], 100, 5.0)
    for decoder in ("centroid", "viterbi"):
        assert decode(mask, decoder).start_px == pytest.approx(12.4, abs=0.75)


def test_short_hole_is_bridged_with_less_confidence_and_a_long_one_is_nan() -> None:
    mask = line(40, [(5, 20), (195, 20)], 200, 3.0)
    mask[:, 60:66] = 0  # two stroke widths
    mask[:, 120:160] = 0
    path = decode(mask, "stroke")
    bridged = (path.x_px > 61) & (path.x_px < 65)
    lost = (path.x_px > 123) & (path.x_px < 157)
    assert np.allclose(path.y_px[bridged], 20, atol=0.2)
    assert path.confidence[bridged].max() < 0.5 < path.confidence[20]
    assert np.isnan(path.y_px[lost]).all()
    assert (path.confidence[lost] == 0).all()


def test_false_islands_are_left_out() -> None:
    truth = drawn()
    probability = truth.mask.astype(np.float32) / 255
    clean = decode(probability, "stroke")
    probability[-12:-6, 100:118] = 0.9
    probability[5:9, 300:309] = 0.8
    path = decode(probability, "stroke")
    assert np.nanmax(np.abs(path.y_px - clean.y_px)) < 0.5


def test_known_row_chooses_between_two_traces() -> None:
    mask = np.maximum(
        line(100, [(5, 30), (95, 30)], 100, 3.0), line(100, [(5, 70), (95, 70)], 100, 3.0)
    )
    for row in (30.0, 70.0):
        assert row_at(decode(mask, "stroke", row_px=row), 50) == pytest.approx(row, abs=0.1)


def test_trace_that_keeps_off_the_edge_is_the_primary() -> None:
    mask = np.maximum(
        line(100, [(5, 60), (95, 60)], 100, 3.0), line(100, [(5, 0), (95, 0)], 100, 3.0)
    )
    assert row_at(decode(mask, "stroke"), 50) == pytest.approx(60, abs=0.1)


def test_fortune_drops_a_run_on_the_last_row_and_the_fixed_one_keeps_it() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[8:11] = 255
    mask[:, 15:] = 0
    mask[17:20, 15:] = 255
    assert np.isnan(decode(mask, "fortune").y_px[15:]).all()
    assert np.allclose(decode(mask, "fortune_fixed").y_px[15:], 18)


def test_centroid_takes_all_ink_of_a_column() -> None:
    mask = np.zeros((21, 5), np.uint8)
    mask[5, :] = mask[15, :] = 255
    assert np.allclose(decode(mask, "centroid").y_px, 10)


def test_viterbi_keeps_its_direction_at_a_crossing_of_level_runs() -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[10] = 255
    mask[20, 18:22] = 255  # a short stroke below: farther and a turn
    assert np.allclose(decode(mask, "viterbi").y_px, 10)


@pytest.mark.parametrize("decoder", DECODERS)
def test_empty_mask_gives_no_point(decoder: str) -> None:
    path = decode(np.zeros((20, 30), np.uint8), decoder)
    assert np.isnan(path.y_px).all()
    assert np.isnan(path.start_px)


@pytest.mark.parametrize("decoder", DECODERS)
def test_full_mask_is_no_crash(decoder: str) -> None:
    path = decode(np.full((20, 30), 255, np.uint8), decoder)
    assert len(path.x_px) == len(path.y_px) == len(path.sigma_px) == len(path.confidence)


def test_unknown_decoder_lists_the_choices() -> None:
    with pytest.raises(InputError, match="centroid"):
        decode(np.zeros((5, 5), np.uint8), "spline")


@pytest.mark.parametrize(
    "mask",
    [np.zeros((5, 5, 3), np.uint8), np.zeros((0, 5), np.uint8), np.zeros((5, 5), np.int32),
     np.full((5, 5), 3.0, np.float32), np.full((5, 5), np.nan, np.float32)],
)  # fmt: skip
def test_no_mask_is_refused(mask: NDArray) -> None:
    with pytest.raises(InputError):
        decode(mask)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_any_mask_gives_finite_points_within_the_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 60, 2))
    mask = (rng.random(shape) < rng.random()).astype(np.uint8) * rng.integers(0, 256)
    for decoder in DECODERS:
        path = decode(mask.astype(np.uint8), decoder)
        seen = np.isfinite(path.y_px)
        assert (path.y_px[seen] >= -3).all() and (path.y_px[seen] <= shape[0] + 2).all()
        assert (path.confidence[~seen] == 0).all()


def test_sigma_is_larger_where_the_stroke_is_steep() -> None:
    truth = drawn(beats(1.5))
    path = decode(truth.mask, "stroke")
    slope = np.abs(np.gradient(path.y_px))
    steep, level = slope > np.nanquantile(slope, 0.98), slope < np.nanquantile(slope, 0.5)
    assert np.nanmedian(path.sigma_px[steep]) > 2 * np.nanmedian(path.sigma_px[level])

"""Peaks of which the steep, faint flanks are no ink."""

import numpy as np
import pytest
from drawn import Drawn, drawn
from numpy.typing import NDArray

from data_gen.presets import load
from ecg_overlap.digitize.paths import decode
from ecg_overlap.digitize.paths.runs import find_runs
from ecg_overlap.digitize.paths.spikes import pieces
from ecg_overlap.digitize.pipeline import digitize_lead

PEN_PX = 2.8


def narrow_beats() -> Drawn:
    """R peaks of 2 mV, 160 px at 8 px/mm, and S waves of 0.9 mV, on a level line."""
    t = np.arange(1250) / 500
    signal = np.zeros_like(t)
    for at in (0.4, 1.2, 2.0):
        signal += 2.0 * np.exp(-(((t - at) / 0.004) ** 2) / 2)
        signal -= 0.9 * np.exp(-(((t - at - 0.02) / 0.004) ** 2) / 2)
    return drawn(signal, pen_px=PEN_PX)


TRUTH = narrow_beats()
LEVEL = float(TRUTH.calibration.baseline_px)
TIP = float(TRUTH.polyline_px[:, 1].min())
PIT = float(TRUTH.polyline_px[:, 1].max())


def without_flanks(tip_px: float) -> NDArray[np.uint8]:
    """The mask with `tip_px` of each peak, and the level line but for its two ends' flare."""
    mask = TRUTH.mask.copy()
    rows = np.arange(len(mask))
    level = np.abs(rows - LEVEL) < 3
    mask[~level & (rows > TIP + tip_px) & (rows < PIT - tip_px)] = 0
    # Where the pen is fast, the line itself is as faint as the flanks.
    away = np.abs(TRUTH.polyline_px[:, 1] - LEVEL) > 3
    for x in TRUTH.polyline_px[away, 0]:
        mask[np.ix_(level, [int(np.rint(x))])] = 0
    return mask


def test_tips_are_joined_where_the_trace_is_not_seen() -> None:
    path = decode(without_flanks(60))
    assert path.peak_doubtful and np.isfinite(path.y_px).all(where=_inside(path.x_px))
    for at in (0.4, 1.2, 2.0):
        near = np.abs(path.x_px - float(TRUTH.calibration.x_px(at))) < 12
        assert path.y_px[near].min() == pytest.approx(TIP, abs=2.0)
        assert path.y_px[near].max() == pytest.approx(PIT, abs=2.0)
    far = np.abs(path.y_px - LEVEL) < 1
    assert np.median(path.confidence[far & _inside(path.x_px)]) > 0.9
    assert path.confidence[np.abs(path.y_px - LEVEL) > 20].max() <= 0.5


def test_a_tip_too_far_away_is_left_and_said() -> None:
    path = decode(without_flanks(20))  # 20 px of ink, 130 px of paper
    assert path.peak_doubtful
    assert np.nanmin(path.y_px) > TIP + 60


def test_whole_peaks_are_not_doubtful() -> None:
    path = decode(TRUTH.mask)
    assert not path.peak_doubtful and np.nanmin(path.y_px) == pytest.approx(TIP, abs=1.0)


def test_a_tall_piece_over_an_unbroken_trace_is_another_things() -> None:
    mask = drawn(np.zeros(1250), pad_px=100.0).mask
    alone = decode(mask)
    row = round(float(np.nanmedian(alone.y_px)))
    mask[row - 60 : row - 20, 300:304] = 255
    path = decode(mask)
    assert not path.peak_doubtful
    np.testing.assert_allclose(path.y_px, alone.y_px, atol=1e-9)


def test_pieces_are_tall_and_narrow() -> None:
    cover = np.zeros((60, 60), np.float32)
    cover[5:30, 4:6] = 1  # 25 px tall, 2 px wide
    cover[40:43, :] = 1  # a level trace
    cover[5:30, 20:40] = 1  # a blot
    cover[10:14, 50] = 1  # a speck
    for k in range(12):  # a slanted stroke, its columns touching by their corners
        cover[10 + 2 * k : 12 + 2 * k, 44 + k // 3] = 1
    found = pieces(find_runs(cover), 2.0)
    assert found.column.tolist() == [[4, 5], [44, 47]]
    assert found.row_px[0].tolist() == [4.5, 29.5]


@pytest.mark.parametrize("index", range(6))
def test_clean_leads_have_no_doubtful_peak(index: int) -> None:
    sample = load("clean", signals="simulate").sample(index, split="train")
    assert "peak_doubtful" not in digitize_lead(sample.image, method="classical").flags


def test_the_lead_says_so() -> None:
    assert (
        "peak_doubtful" in digitize_lead(TRUTH.image, px_per_mm=8.0, mask=without_flanks(60)).flags
    )


def _inside(x: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (x > 40) & (x < 480)

"""Peaks of which the steep, faint flanks are no ink."""

import numpy as np
import pytest
from drawn import Drawn, drawn
from numpy.typing import NDArray

from data_gen.presets import load
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.paths.spikes import pieces, through_ink
from ecg_overlap.digitize.traces.runs import Runs, find_runs

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


@pytest.mark.parametrize("lower", [94, 96, 97])
def test_a_peak_that_ends_just_above_the_trace_is_joined(lower: int) -> None:
    mask = np.zeros((120, 200), np.uint8)
    mask[98:101] = 255
    mask[:, 100:106] = 0
    mask[20:lower, 102:104] = 255
    path = decode(mask)
    # Nearer than a stroke's width, it is followed as the trace's own ink, and nothing is in doubt.
    assert path.peak_doubtful == (lower < 96)
    assert np.nanmin(path.y_px) == pytest.approx(21, abs=1)


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


def test_a_line_between_the_flanks_is_no_short_cut() -> None:
    mask = np.zeros((120, 200), np.uint8)
    mask[98:101] = 255
    # Flanks that leave the level line, meet at the tip and leave a hole below it, …
    for k, (upper, lower) in enumerate(
        [(60, 101), (30, 75), (10, 45), (10, 40), (12, 50), (35, 80)]
    ):
        mask[:, 100 + k] = 0
        mask[upper:lower, 100 + k] = 255
    mask[62:101, 106] = 255
    broken = mask.copy()
    mask[99, [101, 105]] = 255  # … which rests of a line narrow.
    path = decode(mask)
    assert np.nanmin(path.y_px) < 14
    assert not path.peak_doubtful
    runs = find_runs(mask / np.float32(255))
    led = through_ink(runs, _level(runs, 99), 3.0)
    assert runs.row[led[100:107], 0].tolist() == [60, 30, 10, 10, 12, 35, 62]
    broken[:, 103] = 0  # without ink all the way, the pen's way is not known
    runs = find_runs(broken / np.float32(255))
    level = _level(runs, 99)
    assert through_ink(runs, level, 3.0).tolist() == level.tolist()


def _level(runs: Runs, row: int) -> NDArray[np.int64]:
    """The run over a row in each column, -1 for none."""
    chosen = np.full(len(runs.first) - 1, -1)
    over = (runs.row[:, 0] <= row) & (runs.row[:, 1] > row)
    chosen[runs.column[over]] = np.flatnonzero(over)
    return chosen


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

"""find_grid on close-ups, finer than is searched for, and on pixels that are not square."""

import cv2
import numpy as np
import pytest

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import GridSource, find_grid
from ecg_overlap.digitize.grid.finer import LargerBend, find_finer
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.lead import digitize_lead
from tests.digitize.drawn import beats, drawn, snr_db
from tests.digitize.test_grid import heartbeats, paper


@pytest.mark.parametrize("pitch", [27.0, 35.4, 47.25, 70.0])
def test_a_close_up_has_the_scale_that_its_big_boxes_say(pitch: float) -> None:
    """600 to 1,800 dpi."""
    image = paper(size=(700, 1500), pitch=(pitch, pitch), phase=(13.25, 25.5))
    grid = find_grid(heartbeats(image, pitch=pitch, period_px=20 * pitch, thickness=15))
    assert grid.source is GridSource.FIVE_TO_ONE
    assert grid.px_per_mm_x == pytest.approx(pitch, rel=2e-3)
    assert grid.px_per_mm_y == pytest.approx(pitch, rel=2e-3)
    # A crossing of two big boxes' lines.
    assert abs((grid.phase_x_px - 13.25 + 2.5 * pitch) % (5 * pitch) - 2.5 * pitch) < 0.05 * pitch
    assert abs((grid.phase_y_px - 25.5 + 2.5 * pitch) % (5 * pitch) - 2.5 * pitch) < 0.05 * pitch


def test_a_usual_picture_is_not_looked_at_in_another_size() -> None:
    """Its grid within the range is sure; half of it is no grid finer than that."""
    light = Illumination(heartbeats(paper(), pitch=8, period_px=160))
    assert find_finer(light, lambda copy, _: find_grid(copy.image, light=copy)) is None


def test_a_bend_of_a_smaller_copy_is_as_many_times_larger() -> None:
    class Slope:
        def at(self, points_px: np.ndarray) -> np.ndarray:
            return np.asarray(0.1 * points_px[:, 0])

        def over(self, shape: tuple[int, ...]) -> np.ndarray:
            raise NotImplementedError

    bend = LargerBend(Slope(), 4)
    # Pixel 5.5 of the picture lies in the middle of pixel 1 of the copy.
    assert bend.at(np.array([[5.5, 0.0]])).tolist() == pytest.approx([0.4])
    over = bend.over((2, 7))
    assert over.shape == (2, 7)
    assert over[1, 5] == pytest.approx(0.4 - 0.05)


def test_a_close_up_is_read_as_finely_as_is_worth_it() -> None:
    lead = drawn(px_per_mm=40.0, pen_px=14.0, pad_px=101.5)
    thick = lead.image.copy()
    for step, colour, width in ((40, (255, 225, 225), 5), (200, (235, 150, 150), 9)):
        lines = np.full_like(thick, 255)
        for x in range(0, thick.shape[1], step):
            lines[:, max(x - width // 2, 0) : x + width // 2 + 1] = colour
        for y in range(0, thick.shape[0], step):
            lines[max(y - width // 2, 0) : y + width // 2 + 1] = colour
        thick = np.minimum(thick, lines)
    read = digitize_lead(thick)
    assert read.calibration.px_per_mm_x == pytest.approx(40.0, rel=2e-3)
    assert "grid_low_confidence" not in read.flags
    n = min(len(read.signal_mv), len(lead.signal_mv))
    assert abs(len(read.signal_mv) - len(lead.signal_mv)) <= 5
    assert max(
        snr_db(lead.signal_mv[k : k + n - 5], read.signal_mv[: n - 5]) for k in range(5)
    ) > 20  # fmt: skip
    # The path is the picture's, not the smaller copy's.
    assert np.abs(read.path_px[0] - lead.polyline_px[0]).max() < 15


@pytest.mark.parametrize(
    "pitch", [(7.87, 3.94), (3.94, 7.87), (10.24, 7.87), (7.87, 10.24), (8.0, 8.6)]
)
def test_pitches_of_pixels_that_are_not_square_are_measured_apart(
    pitch: tuple[float, float],
) -> None:
    image = paper(size=(300, 700), pitch=pitch)
    grid = find_grid(heartbeats(image, pitch=min(pitch), period_px=20 * pitch[0], thickness=2))
    assert (grid.px_per_mm_x, grid.px_per_mm_y) == pytest.approx(pitch, rel=5e-3)
    assert grid.confidence > 0.5


def test_a_fax_is_read_as_the_lead_that_was_sent() -> None:
    """204 × 98 dpi: half as many rows as columns to the millimetre."""
    lead = drawn(px_per_mm=8.0, pen_px=3.2)
    height, width = lead.image.shape[:2]
    fax = cv2.resize(lead.image, (width, height // 2), interpolation=cv2.INTER_AREA)
    read = digitize_lead(np.asarray(fax, np.uint8))
    assert read.calibration.px_per_mm_x == pytest.approx(8.0, rel=5e-3)
    assert read.calibration.px_per_mm_y == pytest.approx(4.0, rel=1e-2)
    assert np.ptp(read.signal_mv) == pytest.approx(np.ptp(beats()), rel=0.05)


def test_one_family_that_is_hidden_keeps_the_others_pitch() -> None:
    """Without horizontal lines nothing says that pixels are not square."""
    image = paper(size=(300, 900))
    image[:] = image[2:3]
    grid = find_grid(image)
    assert grid.px_per_mm_y == pytest.approx(grid.px_per_mm_x, rel=0.05)


def test_a_close_up_of_a_blank_sheet_has_no_grid() -> None:
    noise = np.random.default_rng(3).normal(250, 2, (600, 900, 3))
    with pytest.raises(DigitizeError, match="grid"):
        find_grid(np.clip(noise, 0, 255).astype(np.uint8))

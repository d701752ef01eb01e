"""The size of a grid's boxes, where all its lines are alike, by the beats of the trace."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.heart import PACE, WIDTH, beats_of
from ecg_overlap.digitize.lead import digitize_lead
from tests.digitize.drawn import FS_HZ, beats, drawn


def boxes(box_mm: float, signal: NDArray[np.float64] | None = None) -> NDArray[np.uint8]:
    """A lead at 8 px/mm on boxes of one size."""
    lead = drawn(beats(6.0) if signal is None else signal, px_per_mm=8.0, grid=False)
    image, step = lead.image.copy(), round(8 * box_mm)
    for lines in (image[:, ::step], image[::step]):
        lines[lines.min(axis=-1) > 200] = (150, 150, 235)
    return image


def test_boxes_of_1_cm_are_seen_by_the_pace_of_the_heart() -> None:
    """At 5 mm it would beat 150 times a minute, with QRS complexes of half the width."""
    read = digitize_lead(boxes(10.0))
    assert read.calibration.px_per_mm_x == pytest.approx(8.0, rel=0.01)
    assert "grid_low_confidence" in read.flags


def test_boxes_of_5_mm_stay_so_and_sure() -> None:
    read = digitize_lead(boxes(5.0))
    assert read.calibration.px_per_mm_x == pytest.approx(8.0, rel=0.01)
    assert "grid_low_confidence" not in read.flags


def test_without_beats_nothing_tells_them_apart() -> None:
    x = np.arange(int(6 * FS_HZ)) / FS_HZ
    read = digitize_lead(boxes(10.0, 0.3 * np.sin(2 * np.pi * x / 6.0)))
    assert "grid_low_confidence" in read.flags


def test_beats_have_a_pace_and_a_width() -> None:
    found = beats_of(beats(6.0), FS_HZ)
    assert found is not None
    assert found.apart_s == pytest.approx(0.8, abs=0.01)
    assert 0.02 < found.wide_s < 0.1
    holes = beats(6.0)
    holes[100:110] = np.nan
    assert beats_of(holes, FS_HZ) is not None


@pytest.mark.parametrize("signal", [np.zeros(500), np.full(500, np.nan), beats(1.0)])
def test_less_than_three_beats_say_nothing(signal: NDArray[np.float64]) -> None:
    assert beats_of(signal, FS_HZ) is None


def test_the_usual_heart_is_the_likeliest() -> None:
    found = beats_of(beats(6.0), FS_HZ)
    assert found is not None
    usual = type(found)(PACE[0], WIDTH[0])
    assert usual.log_likelihood(1.0) == 0.0
    # Twice as slow: both by ln 2, in their spreads.
    expected = -0.5 * np.log(2) ** 2 * (1 / PACE[1] ** 2 + 1 / WIDTH[1] ** 2)
    assert usual.log_likelihood(2.0) == pytest.approx(expected)

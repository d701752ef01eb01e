"""The two published ways to find a grid, with their known limits."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.baselines.fortune import find_grid_fortune
from ecg_overlap.digitize.baselines.paper import find_grid_paper
from ecg_overlap.digitize.errors import DigitizeError

Image = NDArray[np.uint8]


def boxes(step_px: int, *, size: tuple[int, int] = (400, 800), thickness: int = 2) -> Image:
    """White paper with brownish lines every `step_px`, and a black level trace."""
    image = np.full((*size, 3), 255, np.uint8)
    for shift in range(thickness):
        image[10 + shift :: step_px] = image[:, 7 + shift :: step_px] = (190, 127, 127)
    image[size[0] // 2 - 2 : size[0] // 2 + 3] = 0
    return image


def test_paper_takes_wide_spacing_for_big_boxes() -> None:
    grid = find_grid_paper(boxes(40))
    assert grid.px_per_mm_x == pytest.approx(8.0, rel=0.02)
    assert grid.px_per_mm_y == pytest.approx(8.0, rel=0.02)
    assert grid.source == "paper"


def test_paper_takes_spacing_under_15_px_for_small_boxes() -> None:
    assert find_grid_paper(boxes(12)).px_per_mm_x == pytest.approx(12.0, rel=0.02)


def test_paper_is_wrong_where_small_boxes_are_15_px_and_more() -> None:
    # Its rule has no other way to tell boxes apart: 20 px small boxes become 4 px/mm.
    assert find_grid_paper(boxes(20)).px_per_mm_x == pytest.approx(4.0, rel=0.02)


def test_paper_refuses_plain_paper() -> None:
    with pytest.raises(DigitizeError, match="Hough"):
        find_grid_paper(np.full((200, 400, 3), 255, np.uint8))


def test_fortune_takes_the_first_period_for_a_big_box() -> None:
    grid = find_grid_fortune(boxes(40))
    assert grid.px_per_mm_x == pytest.approx(8.0, rel=0.01)
    assert grid.px_per_mm_y == grid.px_per_mm_x  # one axis only
    assert grid.angle_deg == 0.0


def test_fortune_takes_small_boxes_for_big_ones_too() -> None:
    assert find_grid_fortune(boxes(10)).px_per_mm_x == pytest.approx(2.0, rel=0.02)


def test_fortune_refuses_plain_paper() -> None:
    with pytest.raises(DigitizeError, match="does not repeat"):
        find_grid_fortune(np.full((200, 400, 3), 255, np.uint8))

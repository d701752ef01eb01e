"""A found grid drawn over its picture, to see whether it lies on the paper's lines."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.model import Grid

BOX_RGB = (0, 90, 255)
SMALL_RGB = (150, 190, 255)
LEAST_SPACING_PX = 6.0  # lines drawn closer than this would hide the picture
CHORD_PX = 20.0  # a bent line is drawn in straight pieces of this length


def draw_grid(image: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """The picture with the grid's 5 mm lines, and its 1 mm lines where they stand apart.

    Args:
        image: uint8 (H, W, 3), RGB.
        grid: As found in it.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    shown = image.copy()
    for step_mm, colour in ((1, SMALL_RGB), (5, BOX_RGB)):
        if step_mm * min(grid.px_per_mm_x, grid.px_per_mm_y) >= LEAST_SPACING_PX:
            for line in _lines(image.shape, grid, step_mm):
                points = np.rint(line * 16).astype(np.int32)
                cv2.polylines(shown, [points], False, colour, 1, cv2.LINE_AA, 4)
    return shown


def _lines(shape: tuple[int, ...], grid: Grid, step_mm: int) -> list[NDArray[np.float64]]:
    """All lines through the crossings of the grid that the picture can hold, (n, 2) px each."""
    height, width = shape[:2]
    edge = [(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height)]
    reach = grid.millimetres(np.array(edge, np.float64))
    low, high = reach.min(axis=0) - 1, reach.max(axis=0) + 1
    scale = np.array([grid.px_per_mm_x, grid.px_per_mm_y])
    crossing = grid.straighten(np.array([[grid.phase_x_px, grid.phase_y_px]]))
    lines = []
    for axis in (0, 1):
        n = max(int((high[1 - axis] - low[1 - axis]) * scale[1 - axis] / CHORD_PX), 1) + 1
        along = np.linspace(low[1 - axis], high[1 - axis], n if grid.is_bent else 2)
        for k in range(math.ceil(low[axis] / step_mm), math.floor(high[axis] / step_mm) + 1):
            millimetres = np.empty((len(along), 2))
            millimetres[:, axis], millimetres[:, 1 - axis] = k * step_mm, along
            lines.append(grid.unstraighten(crossing + millimetres * scale))
    return lines

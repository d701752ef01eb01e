"""A found grid drawn over its picture, to see whether it lies on the paper's lines."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid import Grid

BOX_RGB = (0, 90, 255)
SMALL_RGB = (150, 190, 255)
LEAST_SPACING_PX = 6.0  # lines drawn closer than this would hide the picture


def draw_grid(image: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """The picture with the grid's 5 mm lines, and its 1 mm lines where they stand apart.

    Args:
        image: uint8 (H, W, 3), RGB.
        grid: As found in it.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    shown = image.copy()
    for step, colour in ((1, SMALL_RGB), (5, BOX_RGB)):
        if step * min(grid.px_per_mm_x, grid.px_per_mm_y) >= LEAST_SPACING_PX:
            _draw_family(shown, grid, grid.px_per_mm_x * step, colour, upright=True)
            _draw_family(shown, grid, grid.px_per_mm_y * step, colour, upright=False)
    return shown


def _draw_family(
    shown: NDArray[np.uint8], grid: Grid, pitch_px: float, colour: tuple[int, ...], *, upright: bool
) -> None:
    """All lines of one direction through the crossing (phase_x, phase_y) and beyond."""
    height, width = shown.shape[:2]
    reach = math.hypot(height, width)
    cos, sin = math.cos(math.radians(grid.angle_deg)), math.sin(math.radians(grid.angle_deg))
    across = (cos, sin) if upright else (-sin, cos)
    along = (-across[1], across[0])
    for k in range(-math.ceil(reach / pitch_px), math.ceil(reach / pitch_px) + 1):
        x = grid.phase_x_px + k * pitch_px * across[0]
        y = grid.phase_y_px + k * pitch_px * across[1]
        ends = [
            (round((x + s * reach * along[0]) * 16), round((y + s * reach * along[1]) * 16))
            for s in (-1, 1)
        ]
        cv2.line(shown, ends[0], ends[1], colour, 1, cv2.LINE_AA, 4)

"""A grid finer than the search reaches, found on a smaller copy of the picture and taken back.

A close-up, or a scan at 1,200 dpi, has more pixels to the millimetre than the spectra are searched
for. Half as large, or a quarter, it is an ordinary picture.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.boxes import LARGEST_PX_PER_MM
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid, GridSource
from ecg_overlap.digitize.scale import Bend

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]
SHRINKS = (2, 4, 8)  # from 48 px/mm, 1,200 dpi, to a magnifying glass
LEAST_SIDE_PX = 64  # of the smaller copy: three big boxes at 4 px/mm
FINEST_TRACE_MM = 0.16  # a trace is 0.2 to 0.8 mm thick, and a little less where it is faint
SURE = 0.5  # least confidence: such a scale is far from the usual, and asks for clear lines


@dataclass(frozen=True, eq=False)
class LargerBend:
    """The bend of a smaller copy, in the picture that the copy was made of.

    Args:
        of_copy: The copy's bend.
        shrink: Pixels of the picture to one of the copy, along a side.
    """

    of_copy: Bend
    shrink: int

    def at(self, points_px: FloatArray) -> FloatArray:
        """Its values (n,) at points (n, 2)."""
        return self.shrink * self.of_copy.at(_in_copy(points_px, self.shrink))

    def over(self, shape: tuple[int, ...]) -> FloatArray:
        """Its values (height, width) at every pixel of a picture."""
        x, y = np.meshgrid(np.arange(float(shape[1])), np.arange(float(shape[0])))
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        return self.at(points).reshape(shape[0], shape[1])


def find_finer(light: Illumination, find: Callable[[Illumination, int], Grid]) -> Grid | None:
    """The grid of a picture of more than `LARGEST_PX_PER_MM`; None where there is none for sure.

    Only a grid of small and big boxes counts, and one on which the trace is not finer than a pen
    draws: lines that are all alike would be five times coarser or finer just as well.

    Args:
        light: Of the picture.
        find: Finds the grid of a copy, so many times smaller, or raises a DigitizeError.
    """
    for shrink in SHRINKS:
        if min(light.image.shape[:2]) < shrink * LEAST_SIDE_PX:
            break
        copy = Illumination(_smaller(light.image, shrink))
        try:
            grid = find(copy, shrink)
        except DigitizeError:
            continue
        pitch = max(grid.px_per_mm_x, grid.px_per_mm_y)
        sure = grid.source is GridSource.FIVE_TO_ONE and grid.confidence >= SURE
        drawn = not copy.stroke_px < FINEST_TRACE_MM * pitch  # NaN: there is no trace to ask
        if sure and drawn and shrink * pitch > LARGEST_PX_PER_MM:
            return _larger(grid, shrink)
    return None


def _smaller(image: Image, shrink: int) -> Image:
    """The picture with `shrink` by `shrink` of its pixels to one; a rest at its end is left out."""
    height, width = (side // shrink for side in image.shape[:2])
    whole = image[: height * shrink, : width * shrink]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _larger(grid: Grid, shrink: int) -> Grid:
    """The copy's grid, in the picture. The centre of its pixel 0 is that of a block of pixels."""
    x, y = (shrink * (place + 0.5) - 0.5 for place in (grid.phase_x_px, grid.phase_y_px))
    bends = (None if b is None else LargerBend(b, shrink) for b in (grid.bend_x, grid.bend_y))
    bend_x, bend_y = bends
    return replace(
        grid,
        px_per_mm_x=shrink * grid.px_per_mm_x,
        px_per_mm_y=shrink * grid.px_per_mm_y,
        phase_x_px=x,
        phase_y_px=y,
        residual_px=shrink * grid.residual_px,
        bend_x=bend_x,
        bend_y=bend_y,
    )


def _in_copy(points_px: FloatArray, shrink: int) -> FloatArray:
    """Points (n, 2) of the picture, in its smaller copy."""
    return np.asarray((points_px + 0.5) / shrink - 0.5)

"""Picture ↔ straight paper: the one map that grid, digitizer and oracles share."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration

FloatArray = NDArray[np.float64]
FloatMap = NDArray[np.float32]
_CELL_PX = 8  # a straight picture's map is exact so far apart, linear between
_INVERSION_STEPS = 30  # each brings it nearer by the bend's slope, which is under a third
_NEAR_ENOUGH_PX = 1e-4
UPRIGHT_DEG = 0.02  # a smaller angle moves no end of a 4,000 px trace by more than 0.7 px


class ScaleSource(StrEnum):
    """Where a picture's scale comes from."""

    GRID = "grid"
    PULSE = "pulse"  # a calibration pulse, on paper without a grid
    GIVEN = "given"


class Bend(Protocol):
    """A smooth function of a picture's points, px: how far they stand from their place."""

    def at(self, points_px: FloatArray) -> FloatArray:
        """Its values (n,) at points (n, 2)."""

    def over(self, shape: tuple[int, ...]) -> FloatArray:
        """Its values (height, width) at every pixel of a picture."""


@dataclass(frozen=True)
class PaperMap:
    """From a picture to straight paper, on which the grid is upright and even, and back.

    Straight paper has the picture's scale: points are turned about pixel (0, 0), then moved by
    the bends. Time runs along its x, amplitude falls along its y.

    Args:
        px_per_mm_x: Pixels to the millimetre along time, on straight paper.
        px_per_mm_y: The same along amplitude.
        angle_deg: Tilt of the picture's horizontal lines; positive is clockwise on the screen.
        scale_from: Where the scale comes from.
        confidence: 0–1; under 0.5 the scale may be that of another box size. NaN where given.
        bend_x: What to add along time after turning, px; None: nothing.
        bend_y: What to add along amplitude after turning, px; None: nothing.

    Example:
        >>> paper = PaperMap(8.0, 8.0, angle_deg=90.0)
        >>> paper.straighten(np.array([[0.0, 8.0]])).round(6).tolist()
        [[8.0, 0.0]]
        >>> paper.unstraighten(np.array([[8.0, 0.0]])).round(6).tolist()
        [[0.0, 8.0]]
    """

    px_per_mm_x: float
    px_per_mm_y: float
    angle_deg: float = 0.0
    scale_from: ScaleSource = ScaleSource.GIVEN
    confidence: float = math.nan
    bend_x: Bend | None = field(default=None, repr=False)
    bend_y: Bend | None = field(default=None, repr=False)

    @property
    def is_bent(self) -> bool:
        return self.bend_x is not None or self.bend_y is not None

    @property
    def is_straight(self) -> bool:
        """Whether the picture is straight paper as it is."""
        return not self.is_bent and self.angle_deg == 0

    def levelled(self) -> "PaperMap":
        """This map, its angle taken for 0 where it is too small to matter (`UPRIGHT_DEG`)."""
        upright = not self.is_bent and abs(self.angle_deg) < UPRIGHT_DEG
        return replace(self, angle_deg=0.0) if upright else self

    def calibration(self, mm_per_s: float, mm_per_mv: float) -> Calibration:
        """Pixels of straight paper to s and mV, at this speed and gain; its origin is (0, 0)."""
        return Calibration(self.px_per_mm_x, self.px_per_mm_y, mm_per_s, mm_per_mv)

    def turn(self) -> FloatArray:
        """The turn's matrix (2, 2): it takes (x, y) of the picture to upright axes."""
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        return np.array([[cos, sin], [-sin, cos]])

    def straighten(self, points_px: FloatArray) -> FloatArray:
        """Points float64 (n, 2), (x, y) in the picture, on straight paper."""
        straight = self._turned(self.turn(), points_px)
        for axis, bend in enumerate((self.bend_x, self.bend_y)):
            if bend is not None:
                straight[:, axis] += bend.at(points_px)
        return straight

    def unstraighten(self, straight_px: FloatArray) -> FloatArray:
        """The points (n, 2) of the picture that `straighten` takes to these."""
        back = self.turn().T  # a turn's inverse is its transpose
        points = self._turned(back, straight_px)
        if self.is_bent:
            for _ in range(_INVERSION_STEPS):
                step = self._turned(back, straight_px - self.straighten(points))
                points = points + step
                if np.abs(np.nan_to_num(step)).max(initial=0.0) < _NEAR_ENOUGH_PX:
                    break
        return points

    def source_of(
        self, origin_px: FloatArray, shape: tuple[int, int], factor: FloatArray
    ) -> tuple[FloatMap, FloatMap]:
        """Where in the picture each pixel of a straight one lies, as `cv2.remap` wants it.

        Args:
            origin_px: float64 (2,), (x, y) on straight paper of its pixel (0, 0).
            shape: (height, width) of the straight picture.
            factor: float64 (2,), its pixels to one of straight paper, in x and in y.

        Returns:
            Columns and rows of the picture, float32 (height, width) each.
        """
        height, width = shape
        # A ring of cells more than the picture needs: beyond its outer cells nothing is linear.
        n_x, n_y = (-(-length // _CELL_PX) + 2 for length in (width, height))
        x, y = ((np.arange(n) - 0.5) * _CELL_PX - 0.5 for n in (n_x, n_y))
        cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        source = self.unstraighten(cells / factor + origin_px).reshape(n_y, n_x, 2)
        full = (n_x * _CELL_PX, n_y * _CELL_PX)
        maps = cv2.resize(source.astype(np.float32), full, interpolation=cv2.INTER_LINEAR)
        inner = maps[_CELL_PX : _CELL_PX + height, _CELL_PX : _CELL_PX + width]
        return np.ascontiguousarray(inner[..., 0]), np.ascontiguousarray(inner[..., 1])

    def _turned(self, matrix: FloatArray, points: FloatArray) -> FloatArray:
        """Each point (n, 2) times the matrix."""
        if self.angle_deg == 0:
            return points.copy()  # so that a point without a row keeps its column
        x, y = points.T
        (xx, xy), (yx, yy) = matrix
        return np.stack([xx * x + xy * y, yx * x + yy * y], axis=1)

"""The grid of ECG paper as it was found, and the way from its picture to even paper."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.bend import Field
from ecg_overlap.digitize.scale import PaperMap, ScaleSource

FloatArray = NDArray[np.float64]
_INVERSION_STEPS = 30  # each brings it nearer by the field's slope, which is under a third
_NEAR_ENOUGH_PX = 1e-4


class GridSource(StrEnum):
    """What told the scale of a grid: which boxes, 1 mm or 5 mm, its lines are."""

    FIVE_TO_ONE = "lines 1:5"
    """Every fifth line is stronger: the weaker ones are 1 mm apart."""
    ALIKE_SCALE_GIVEN = "lines alike, scale as given"
    """All lines look the same; the caller's rough scale decided."""
    ALIKE_FAR_APART = "lines alike, too far apart for 1 mm"
    """All lines look the same, at a distance at which 1 mm would be out of range."""
    ALIKE_FINE_STROKE = "lines alike, fine stroke"
    """All lines look the same; the trace is so fine beside them that they are 5 mm apart."""
    ALIKE_BROAD_STROKE = "lines alike, broad stroke"
    """All lines look the same; the trace is so broad beside them that they are 1 mm apart."""
    FORTUNE = "fortune"
    """Autocorrelation, as Fortune et al. do (`digitize.baselines.fortune`)."""
    PAPER = "paper"
    """Hough lines, as arXiv 2506.10617 does (`digitize.baselines.paper`)."""


@dataclass(frozen=True)
class Grid:
    """Where the lines of the paper's grid stand.

    Pixel (i, j) has its centre at integer coordinates; y grows downward. Time runs along
    (cos angle, sin angle), amplitude falls along (−sin angle, cos angle). Where the lines are
    not straight or not evenly spaced, `bend_x` and `bend_y` tell by how much; the other
    numbers are then the mean over the picture.

    Args:
        px_per_mm_x: Spacing of 1 mm along time, measured at right angles to the lines.
        px_per_mm_y: Spacing of 1 mm along amplitude, measured at right angles to the lines.
        angle_deg: Tilt of the horizontal lines; positive is clockwise on the screen.
        phase_x_px: Column of a crossing of two lines near the picture's middle (of two
            major lines, where these are told from the minor ones).
        phase_y_px: Row of that crossing.
        confidence: 0 to 1; under 0.5 the scale may be that of another box size.
        source: What told the scale.
        residual_px: Robust spread of single lines about the fit; NaN where not measured.
        bend_x: What to add along time after turning, px; None: nothing.
        bend_y: What to add along amplitude after turning, px; None: nothing.
        square_pixels: The pitch of one family was taken from the other.
        other_lines_between: Lines as clear as its own stand between its lines.

    Example:
        >>> grid = Grid(8.0, 8.0, 0.0, 3.0, 5.0, 0.9, GridSource.FIVE_TO_ONE)
        >>> round(grid.drift_px(8.001, 2000), 3)
        0.25
        >>> grid.millimetres(np.array([[11.0, 45.0]])).tolist()
        [[1.0, 5.0]]
    """

    px_per_mm_x: float
    px_per_mm_y: float
    angle_deg: float
    phase_x_px: float
    phase_y_px: float
    confidence: float
    source: GridSource
    residual_px: float = math.nan
    bend_x: Field | None = field(default=None, repr=False)
    bend_y: Field | None = field(default=None, repr=False)
    square_pixels: bool = False
    other_lines_between: bool = False

    @property
    def source_text(self) -> str:
        """What told the scale, and with what reservations, for a reader."""
        reservations = {
            "square pixels": self.square_pixels,
            "other lines between": self.other_lines_between,
        }
        return ", ".join([self.source, *(text for text, holds in reservations.items() if holds)])

    def drift_px(self, true_px_per_mm_x: float, width_px: float) -> float:
        """How far the time axis has run off after `width_px`, px."""
        return abs(self.px_per_mm_x - true_px_per_mm_x) / true_px_per_mm_x * width_px

    @property
    def paper(self) -> PaperMap:
        return PaperMap(
            self.px_per_mm_x,
            self.px_per_mm_y,
            self.angle_deg,
            ScaleSource.GRID,
            self.confidence,
            self.bend_x,
            self.bend_y,
        )

    @property
    def is_bent(self) -> bool:
        return self.bend_x is not None or self.bend_y is not None

    def straighten(self, points_px: FloatArray) -> FloatArray:
        """Points of the picture on a straight, evenly spaced grid.

        Args:
            points_px: float64 (n, 2), (x, y) in the picture.

        Returns:
            float64 (n, 2): `px_per_mm_x` and `px_per_mm_y` to the millimetre, everywhere.
        """
        straight = points_px @ self._turn().T
        for axis, bend in enumerate((self.bend_x, self.bend_y)):
            if bend is not None:
                straight[:, axis] += bend.at(points_px)
        return np.asarray(straight)

    def unstraighten(self, straight_px: FloatArray) -> FloatArray:
        """The points (n, 2) of the picture, px, that `straighten` takes to these."""
        back = self._turn()  # a turn's inverse is its transpose
        points = straight_px @ back
        if self.is_bent:
            for _ in range(_INVERSION_STEPS):
                step = (straight_px - self.straighten(points)) @ back
                points = points + step
                if np.abs(np.nan_to_num(step)).max(initial=0.0) < _NEAR_ENOUGH_PX:
                    break
        return np.asarray(points)

    def millimetres(self, points_px: FloatArray) -> FloatArray:
        """Points (n, 2) of the picture in mm of paper, right and down from the crossing."""
        crossing = self.straighten(np.array([[self.phase_x_px, self.phase_y_px]]))
        return (self.straighten(points_px) - crossing) / (self.px_per_mm_x, self.px_per_mm_y)

    def millimetres_over(
        self, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for every pixel of a picture: two float32 (height, width)."""
        turn = self._turn()
        crossing = self.straighten(np.array([[self.phase_x_px, self.phase_y_px]]))[0]
        x, y = np.arange(float(shape[1]))[None, :], np.arange(float(shape[0]))[:, None]
        out = []
        for axis, bend in enumerate((self.bend_x, self.bend_y)):
            place = (turn[axis, 0] * x - crossing[axis]) + turn[axis, 1] * y
            if bend is not None:
                place += bend.over(shape)
            place /= self.px_per_mm_x if axis == 0 else self.px_per_mm_y
            out.append(place.astype(np.float32))
        return out[0], out[1]

    def _turn(self) -> FloatArray:
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        return np.array([[cos, sin], [-sin, cos]])

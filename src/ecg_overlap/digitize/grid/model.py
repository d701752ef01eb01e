"""The grid of ECG paper as it was found, and the way from its picture to even paper."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.scale import PaperMap, ScaleSource

FloatArray = NDArray[np.float64]


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
    ALIKE_BEATS = "lines alike, by the beats"
    """All lines look the same; at 5 mm between them, no heart would beat so."""
    FORTUNE = "fortune"
    """Autocorrelation, as Fortune et al. do (`digitize.baselines.fortune`)."""
    PAPER = "paper"
    """Hough lines, as arXiv 2506.10617 does (`digitize.baselines.paper`)."""


@dataclass(frozen=True, kw_only=True)
class Grid(PaperMap):
    """Where the lines of the paper's grid stand: the map to straight paper, and a crossing.

    Pixel (i, j) has its centre at integer coordinates; y grows downward. Time runs along
    (cos angle, sin angle), amplitude falls along (−sin angle, cos angle). Where the lines are
    not straight or not evenly spaced, `bend_x` and `bend_y` tell by how much; the other
    numbers are then the mean over the picture. 1 mm is measured at right angles to the lines.

    Args:
        phase_x_px: Column of a crossing of two lines near the picture's middle (of two
            major lines, where these are told from the minor ones).
        phase_y_px: Row of that crossing.
        source: What told the scale.
        residual_px: Robust spread of single lines about the fit; NaN where not measured.
        square_pixels: The pitch of one family was taken from the other.
        other_lines_between: Lines as clear as its own stand between its lines.

    Example:
        >>> grid = Grid(
        ...     px_per_mm_x=8.0, px_per_mm_y=8.0, phase_x_px=3.0, phase_y_px=5.0, confidence=0.9,
        ...     source=GridSource.FIVE_TO_ONE,
        ... )
        >>> round(grid.drift_px(8.001, 2000), 3)
        0.25
        >>> grid.millimetres(np.array([[11.0, 45.0]])).tolist()
        [[1.0, 5.0]]
    """

    phase_x_px: float
    phase_y_px: float
    source: GridSource
    scale_from: ScaleSource = ScaleSource.GRID
    residual_px: float = math.nan
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

    def millimetres(self, points_px: FloatArray) -> FloatArray:
        """Points (n, 2) of the picture in mm of paper, right and down from the crossing."""
        crossing = self.straighten(np.array([[self.phase_x_px, self.phase_y_px]]))
        return (self.straighten(points_px) - crossing) / (self.px_per_mm_x, self.px_per_mm_y)

    def millimetres_over(
        self, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for every pixel of a picture: two float32 (height, width)."""
        turn = self.turn()
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

"""The pen's centre line in pixels: what every decoder returns and calibration reads."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CONTESTED = 0.5  # factor of the confidence where two traces share their ink


@dataclass(frozen=True)
class Path:
    """Points of one trace's centre line, x ascending.

    Args:
        x_px: float64 (n,), columns; several points may stand within one pixel column.
        y_px: float64 (n,), rows; NaN where no trace was seen.
        sigma_px: float64 (n,), standard deviation of `y_px`; NaN where `y_px` is.
        confidence: float64 (n,), 0–1: how much ink stands under the point; 0 where none was seen.
        width_px: The stroke's width; NaN without any ink.
        start_px: Column of the trace's first point, half a stroke after its ink begins.
        end_px: Column of its last point.
        doubtful_px: float64 (m,), columns in which a peak was joined from pieces of ink, or may
            have been lost; of the picture in which the trace was decoded.
    """

    x_px: FloatArray
    y_px: FloatArray
    sigma_px: FloatArray
    confidence: FloatArray
    width_px: float
    start_px: float
    end_px: float
    doubtful_px: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def peak_doubtful(self) -> bool:
        """Whether a peak was joined from pieces of ink, or may have been lost."""
        return len(self.doubtful_px) > 0

    def in_sight(self, height: int) -> "Path":
        """The path of which the pen is in a picture of this height wherever it is known."""
        half = self.width_px / 2
        y = np.clip(self.y_px, -half, height - 1 + half)
        return self if np.array_equal(y, self.y_px, equal_nan=True) else replace(self, y_px=y)

    def along(self, picture: NDArray[Any]) -> NDArray[Any]:
        """What a picture (H, W) holds under each seen point, (m,)."""
        height, width = picture.shape
        seen = np.isfinite(self.y_px)
        row = np.rint(self.y_px[seen]).astype(int).clip(0, height - 1)
        column = np.rint(self.x_px[seen]).astype(int).clip(0, width - 1)
        under: NDArray[Any] = picture[row, column]
        return under


def stretches(points: FloatArray) -> list[tuple[int, int]]:
    """Where a line is seen without a gap: (first, one after the last) of each such stretch.

    Args:
        points: (n,) or (n, 2), NaN where it is not seen.

    Example:
        >>> stretches(np.array([1.0, 2.0, np.nan, 4.0]))
        [(0, 2), (3, 4)]
    """
    seen = np.isfinite(points).reshape(len(points), -1).all(axis=1)
    edge = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]]))).tolist()
    return list(zip(edge[::2], edge[1::2], strict=True))


def contested(path: Path, columns: NDArray[np.bool_]) -> Path:
    """The path, less sure where its ink is another trace's too: in `columns`, bool (W,)."""
    there = columns[np.rint(path.x_px).astype(int).clip(0, len(columns) - 1)]
    return replace(path, confidence=np.where(there, CONTESTED, 1.0) * path.confidence)

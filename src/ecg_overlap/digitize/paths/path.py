"""The pen's centre line in pixels: what every decoder returns and calibration reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError

FloatArray = NDArray[np.float64]
Coverage = NDArray[np.float32]


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
        peak_doubtful: Whether a peak was joined from pieces of ink, or may have been lost.
    """

    x_px: FloatArray
    y_px: FloatArray
    sigma_px: FloatArray
    confidence: FloatArray
    width_px: float
    start_px: float
    end_px: float
    peak_doubtful: bool = False


def as_coverage(mask: NDArray[Any]) -> Coverage:
    """Coverage or probability as float32 (H, W) in 0–1.

    Args:
        mask: (H, W): uint8 coverage 0–255, bool, or floating-point probability 0–1.

    Raises:
        InputError: Not two-dimensional, empty, of another type, or outside 0–1.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or 0 in mask.shape:
        raise InputError("mask", f"shape {mask.shape} is not (H, W)", "give one channel")
    if mask.dtype == np.uint8:
        return mask.astype(np.float32) / np.float32(255)
    if mask.dtype == np.bool_:
        return mask.astype(np.float32)
    if not np.issubdtype(mask.dtype, np.floating):
        raise InputError("mask", f"type {mask.dtype}", "give uint8 coverage or float probability")
    cover = np.asarray(mask, np.float32)
    if not (np.isfinite(cover).all() and cover.min() >= 0 and cover.max() <= 1):
        raise InputError("mask", "a probability outside 0 to 1", "apply the sigmoid first")
    return cover

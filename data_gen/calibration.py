"""The scale of an ECG on paper: pixels to seconds and millivolts, both ways."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from data_gen.arrays import F64
from data_gen.errors import InputError


@dataclass(frozen=True)
class Calibration:
    """Where a sample of a lead stands in an image.

    Pixel (i, j) has its centre at integer coordinates; y grows downward.

    Args:
        px_per_mm_x: Pixels per millimetre of paper along time.
        px_per_mm_y: Pixels per millimetre of paper along amplitude.
        mm_per_s: Paper speed.
        mm_per_mv: Gain.
        t0_px: Column (x) of the lead's first sample.
        baseline_px: Row (y) of 0 mV.

    Raises:
        InputError: A scale is not a positive finite number, or an origin is not finite.

    Example:
        >>> cal = Calibration(8.0, 8.0, t0_px=15.0, baseline_px=100.0)
        >>> float(cal.x_px(1.0)), float(cal.y_px(1.0))
        (215.0, 20.0)
    """

    px_per_mm_x: float
    px_per_mm_y: float
    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0
    t0_px: float = 0.0
    baseline_px: float = 0.0

    def __post_init__(self) -> None:
        for name in ("px_per_mm_x", "px_per_mm_y", "mm_per_s", "mm_per_mv"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(
                    f"calibration.{name}", f"{value} is no scale", "give a positive finite number"
                )
        for name in ("t0_px", "baseline_px"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"calibration.{name}", "not finite", "give a pixel coordinate")

    @property
    def px_per_s(self) -> float:
        return self.px_per_mm_x * self.mm_per_s

    @property
    def px_per_mv(self) -> float:
        return self.px_per_mm_y * self.mm_per_mv

    def x_px(self, time_s: ArrayLike) -> F64:
        """Column of each time (s), same shape."""
        return self.t0_px + np.asarray(time_s, np.float64) * self.px_per_s

    def y_px(self, signal_mv: ArrayLike) -> F64:
        """Row of each amplitude (mV), same shape."""
        return self.baseline_px - np.asarray(signal_mv, np.float64) * self.px_per_mv

    def time_s(self, x_px: ArrayLike) -> F64:
        """Time (s) of each column, same shape; the inverse of `x_px`."""
        return (np.asarray(x_px, np.float64) - self.t0_px) / self.px_per_s

    def signal_mv(self, y_px: ArrayLike) -> F64:
        """Amplitude (mV) of each row, same shape; the inverse of `y_px`."""
        return (self.baseline_px - np.asarray(y_px, np.float64)) / self.px_per_mv

    def moved(self, dx_px: float, dy_px: float) -> "Calibration":
        """The calibration after the image's content moved by (dx, dy); a crop moves by -origin."""
        return replace(self, t0_px=self.t0_px + dx_px, baseline_px=self.baseline_px + dy_px)

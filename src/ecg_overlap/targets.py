"""What a coordinate head is trained to give: the primary's row in each output column."""

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LeadSample

LONGEST_GAP = 3.0  # points further apart than this many median spacings have a gap between them


def trace_points(sample: LeadSample) -> NDArray[np.float64]:
    """The primary trace and, below or above each of its points, its baseline.

    Returns:
        float64 (2, n, 2): (x, y) px of the samples that are not missing, and of their 0 mV.

    Raises:
        InputError: The sample has no polyline, signal or calibration.
    """
    points, signal, scale = sample.polyline_px, sample.signal_mv, sample.calibration
    if points is None or signal is None or scale is None:
        raise InputError(
            f"sample {sample.record_id}",
            "training needs its polyline, signal and scale",
            "generate it anew",
        )
    known = np.isfinite(points).all(axis=1) & np.isfinite(signal)
    trace = points[known].astype(np.float64)
    baseline = trace.copy()
    baseline[:, 1] += signal[known] * scale.px_per_mv
    return np.stack([trace, baseline])


def centre_line(
    points_px: NDArray[np.float64], shape: tuple[int, int], columns_per_px: int
) -> NDArray[np.float32]:
    """Row of the trace in each output column.

    Args:
        points_px: float64 (n, 2), (x, y) along the trace.
        shape: (H, W) of the picture.
        columns_per_px: Output columns per column of the picture.

    Returns:
        float32 (W × columns_per_px,), px; NaN where the trace is not, or not in the picture.
    """
    height, width = shape
    columns = (np.arange(width * columns_per_px) + 0.5) / columns_per_px - 0.5
    rows = np.full(len(columns), np.nan, np.float32)
    if len(points_px) < 2:
        return rows
    x, y = points_px[np.argsort(points_px[:, 0], kind="stable")].T
    step = np.diff(x)
    joined = step <= LONGEST_GAP * max(float(np.median(step)), 1 / columns_per_px)
    before = (np.searchsorted(x, columns, side="right") - 1).clip(0, len(step) - 1)
    on = (columns >= x[0]) & (columns <= x[-1]) & joined[before]
    rows[on] = np.interp(columns[on], x, y)
    rows[~((rows >= -0.5) & (rows <= height - 0.5))] = np.nan
    return rows


def baseline_row(points_px: NDArray[np.float64], width: int) -> float | None:
    """Row of 0 mV: the median over the baseline's points (n, 2) inside the picture, px."""
    inside = (points_px[:, 0] >= 0) & (points_px[:, 0] <= width - 1)
    return float(np.median(points_px[inside, 1])) if inside.any() else None

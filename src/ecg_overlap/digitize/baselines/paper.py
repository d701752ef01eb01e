"""The grid as the overlap paper (arXiv 2506.10617) finds it, for comparison only."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.find import check_picture
from ecg_overlap.digitize.grid.model import Grid, GridSource

_HEDGES = np.arange(1.0, 0.59, -0.05)
_FEW_LINES = 4  # "few" is not stated; so many straight pieces a trace has at most
_SMALL_BOX_PX = 15  # spacings below are small boxes
_SAME_LINE_PX = 6.0  # Hough finds both edges of a line; not stated

FloatArray = NDArray[np.float64]


def find_grid_paper(image: NDArray[np.uint8]) -> Grid:
    """Otsu's threshold hedged until it holds no lines, then Hough on the gray band above it.

    1. Otsu's threshold × hedge, lowered from 1.0 to 0.6 in steps of 0.05, until what is
       darker holds few Hough lines: that is the trace.
    2. The darker band of the rest's histogram (its lower side of a second Otsu threshold)
       is the grid; HoughLinesP finds its lines, and the median spacing is a big box, or if
       under 15 px a small one.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.

    Raises:
        DigitizeError: Fewer than three lines in either direction.

    Source: arXiv 2506.10617, stage 2, as summarised for this project; the numbers that the
    summary leaves open are named constants above.
    """
    check_picture(image, "grid")
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    otsu, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    cut = otsu * _HEDGES[-1]
    for hedge in _HEDGES:
        if len(_hough(gray < otsu * hedge)) <= _FEW_LINES:
            cut = otsu * hedge
            break
    rest = gray[gray >= cut]
    band, _ = cv2.threshold(rest.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)
    lines = _hough((gray >= cut) & (gray <= band))
    run, rise = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    upright, level = np.abs(run) < 0.2 * np.abs(rise), np.abs(rise) < 0.2 * np.abs(run)
    box_x = _box_px((lines[upright, 0] + lines[upright, 2]) / 2)
    box_y = _box_px((lines[level, 1] + lines[level, 3]) / 2)
    if np.isnan(box_x) and np.isnan(box_y):
        raise DigitizeError("grid", "fewer than three Hough lines", "give px_per_mm")
    box_x, box_y = (box_y if np.isnan(box_x) else box_x), (box_x if np.isnan(box_y) else box_y)
    angles = np.degrees(np.arctan2(rise[level], run[level]))
    return Grid(
        px_per_mm_x=box_x / 5,
        px_per_mm_y=box_y / 5,
        angle_deg=float(np.median(angles)) if len(angles) else 0.0,
        phase_x_px=float(lines[upright][0, 0]) if upright.any() else 0.0,
        phase_y_px=float(lines[level][0, 1]) if level.any() else 0.0,
        # The method rates itself by nothing: an answer given is an answer believed.
        confidence=1.0,
        source=GridSource.PAPER,
    )


def _hough(mask: NDArray[np.bool_]) -> FloatArray:
    """Straight pieces (n, 4) as x1, y1, x2, y2, at least half the shorter side long."""
    side = min(mask.shape)
    found = cv2.HoughLinesP(
        mask.astype(np.uint8), 1, np.pi / 180, max(side // 3, 20), None, max(side // 2, 20), 5
    )
    return np.zeros((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)


def _box_px(places_px: FloatArray) -> float:
    """Big box from where lines stand: median spacing, five times it if under 15 px."""
    if len(places_px) == 0:
        return float("nan")
    ordered = np.sort(places_px)
    lines = np.split(ordered, np.flatnonzero(np.diff(ordered) > _SAME_LINE_PX) + 1)
    spacing = np.diff([line.mean() for line in lines])
    if len(spacing) < 2:
        return float("nan")
    median = float(np.median(spacing))
    return 5 * median if median < _SMALL_BOX_PX else median


def wander_mv(signal_mv: NDArray[np.float64], fs_hz: float) -> FloatArray:
    """The baseline's drift, float64 (n,).

    Two running medians: 0.2 s, which removes QRS and P, then 0.6 s, which removes T, after
    P. de Chazal et al., IEEE Trans Biomed Eng 2004.
    """
    seen = np.isfinite(signal_mv)
    at = np.arange(len(signal_mv))
    drift = np.interp(at, at[seen], signal_mv[seen])
    for window_s in (0.2, 0.6):
        drift = median_filter(drift, 2 * int(window_s * fs_hz / 2) + 1, mode="nearest")
    return drift

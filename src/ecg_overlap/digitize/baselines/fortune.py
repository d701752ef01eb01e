"""The threshold and the path of Fortune 2022 (`ecg-digitize`, Paper-ECG), for comparison.

As described in the literature; the details left open are our inference, ours is the code.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.columns import least_angle_chain, path_of_centres
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.runs import Runs, find_runs

HEDGES = np.arange(1.0, 0.59, -0.05)
FEW_LINES = 4
GRID_ANGLES_DEG = ((0, 5), (85, 95), (175, 180))  # of a line's normal


def fortune(cover: Coverage) -> Path:
    """As published: a run that touches the picture's last row is dropped."""
    runs = find_runs(cover)
    kept = runs.row[:, 1] < len(cover)
    return _path(cover, _subset(runs, kept, cover.shape[1]))


def fortune_fixed(cover: Coverage) -> Path:
    """The same with every run kept."""
    return _path(cover, find_runs(cover))


def _path(cover: Coverage, runs: Runs) -> Path:
    return path_of_centres(cover, runs, least_angle_chain(runs))


def _subset(runs: Runs, kept: NDArray[np.bool_], width: int) -> Runs:
    column = runs.column[kept]
    first = np.searchsorted(column, np.arange(width + 1)).astype(np.int64)
    return Runs(column, runs.top_px[kept], runs.bottom_px[kept], first, runs.row[kept])


def threshold_with_hedge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ink by a threshold that is lowered until few straight lines (the grid's) remain.

    Otsu's threshold times a hedge from 1.0 down to 0.6 in steps of 0.05.

    Args:
        image: uint8 (H, W, 3), RGB.

    Returns:
        uint8 (H, W), 0 or 255.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    otsu = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[0]
    ink: NDArray[np.uint8] = np.zeros(gray.shape, np.uint8)
    for hedge in HEDGES:
        ink = (gray < otsu * hedge).astype(np.uint8) * np.uint8(255)
        if _count_grid_lines(ink) <= FEW_LINES:
            break
    return ink


def _count_grid_lines(ink: NDArray[np.uint8]) -> int:
    """Hough lines that are upright or level; of other angles no grid has any, and they cost."""
    votes = max(int(0.6 * min(ink.shape)), 20)
    count = 0
    for lo, hi in GRID_ANGLES_DEG:
        lines = cv2.HoughLines(
            ink, 1, np.pi / 180, votes, min_theta=np.deg2rad(lo), max_theta=np.deg2rad(hi)
        )
        count += 0 if lines is None else len(lines)
    return count

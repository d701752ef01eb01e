"""A network's probability and the picture's ink, brought together.

A network sees the picture at its own, coarser scale. It tells which ink is the primary's; where
exactly the trace runs is read from the ink.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage

SURE = 0.5  # probability from which a trace is in a column, and from which a hole is its ink
RULED_OUT = 0.03  # in such a column, ink is another trace's if no probability near is higher
REACH_MM = 0.15  # what is near: the network's map is coarser than the ink
LOST_MM = 0.3  # from any ink: a network's sight of a trace so far from it is of a pale stroke
INK = 0.5  # coverage from which a pixel is ink


def likely_near(probability: Coverage, *, px_per_mm: float) -> Coverage:
    """Highest probability near each pixel, float32 (H, W): a network's map is coarser than ink."""
    reach = max(round(REACH_MM * px_per_mm), 1)
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(probability, around), np.float32)


def ink_and_maps(ink: NDArray[Any], maps: Coverage, *, px_per_mm: float) -> Coverage:
    """All ink, and what maps are sure of: strokes without any ink near, and holes in strokes.

    Binarization loses pale strokes that a network sees.

    Args:
        ink: (H, W), the picture's ink.
        maps: float32 (K, H, W), probability of each trace.
        px_per_mm: The picture's scale.

    Returns:
        float32 (H, W), 0–1.
    """
    cover = as_coverage(ink).copy()
    for of_trace in maps:
        fill_holes(cover, of_trace, SURE)
    reach = max(round(LOST_MM * px_per_mm), 1)
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    near_ink = cv2.dilate((cover >= INK).astype(np.uint8), around) > 0
    sure = np.where(near_ink | (maps < SURE), np.float32(0), maps).max(axis=0)
    return np.asarray(np.maximum(cover, sure), np.float32)


@njit(cache=True)
def fill_holes(cover: Coverage, probability: Coverage, least: float) -> None:
    """Fill a hole between two runs of a column where all of it is likely, in place.

    Args:
        cover: float32 (H, W), 0–1, of ink.
        probability: float32 (H, W), of ink.
        least: Probability from which it is likely.
    """
    height, width = cover.shape
    for c in range(width):
        last, likely = -1, False  # the last row of ink, and whether all since is likely
        for r in range(height):
            if cover[r, c] >= INK:
                if likely and last >= 0 and r - last > 1:
                    for hole in range(last + 1, r):
                        cover[hole, c] = max(cover[hole, c], probability[hole, c])
                last, likely = r, True
            elif probability[r, c] < least:
                likely = False

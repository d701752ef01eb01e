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

SURE = 0.5  # probability from which the primary is in a column, and from which a hole is its ink
# In such a column, ink is another trace's if no probability near it is higher than RULED_OUT. On 37
# overlapping leads of fold 9, with the true mask in the network's place, none fails; with 0.1 and
# 0.4 mm seven did, as ink beside the primary was fitted as its own.
RULED_OUT = 0.03
REACH_MM = 0.15  # what is near: the network's map is coarser than the ink
INK = 0.5  # coverage from which a pixel is ink


def ink_of_primary(ink: NDArray[Any], probability: Coverage, *, px_per_mm: float) -> Coverage:
    """The primary's coverage, as far as it is known before its path is.

    Ink that the network gives to another trace is cut off. Holes that binarization has left
    in a stroke are filled where the network sees the trace in them. Columns without ink get the
    network's probability.

    Args:
        ink: (H, W), the picture's ink, whatever trace it is of.
        probability: float32 (H, W), the network's, of the primary.
        px_per_mm: The picture's scale.

    Returns:
        float32 (H, W), 0–1.
    """
    cover = as_coverage(ink)
    reach = max(round(REACH_MM * px_per_mm), 1)
    near = cv2.dilate(probability, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    sure = probability.max(axis=0) >= SURE
    cover = np.where(sure & (near < RULED_OUT), np.float32(0), cover)
    _fill_holes(cover, probability, SURE)
    return np.where((cover >= INK).any(axis=0), cover, probability)


@njit(cache=True)
def _fill_holes(cover: Coverage, probability: Coverage, least: float) -> None:
    """Fill a hole between two runs of a column where all of it is likely, in place."""
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

"""A network's probability and the picture's ink, brought together.

A network sees the picture at its own, coarser scale: it tells which ink is the primary's, the ink
itself tells where that runs.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage

SURE = 0.5  # a probability from which a column holds the primary, and a hole is its ink
RULED_OUT = 0.03  # there, ink with nothing likelier than this around it is another's
REACH_MM = 0.15  # around it: the network's map is coarser than the ink


def ink_of_primary(ink: NDArray[Any], probability: Coverage, *, px_per_mm: float) -> Coverage:
    """The primary's coverage float32 (H, W), as far as one can tell before a path is sought.

    Ink that the network gives to another trace is cut off; holes that binarization has left
    in a stroke are filled where the network sees the trace in them; columns without ink keep the
    network's probability.

    Args:
        ink: (H, W), the picture's ink, whatever trace it is of.
        probability: float32 (H, W), the network's, of the primary.
        px_per_mm: The picture's scale.
    """
    cover = as_coverage(ink)
    reach = max(round(REACH_MM * px_per_mm), 1)
    near = cv2.dilate(probability, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    sure = probability.max(axis=0) >= SURE
    cover = np.where(sure & (near < RULED_OUT), np.float32(0), cover)
    _fill_holes(cover, probability, SURE)
    return np.where((cover >= 0.5).any(axis=0), cover, probability)


@njit(cache=True)
def _fill_holes(cover: Coverage, probability: Coverage, least: float) -> None:
    """Fill what lies between two runs of a column where all of it is likely, in place."""
    height, width = cover.shape
    for c in range(width):
        last, likely = -1, False  # the last row of ink, and whether all since is likely
        for r in range(height):
            if cover[r, c] >= 0.5:
                if likely and last >= 0 and r - last > 1:
                    for hole in range(last + 1, r):
                        cover[hole, c] = max(cover[hole, c], probability[hole, c])
                last, likely = r, True
            elif probability[r, c] < least:
                likely = False

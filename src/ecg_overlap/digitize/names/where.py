"""From the first network's answer to the words that may be names."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.names.views import CELL_PX, SEARCH_PX_PER_MM

FloatArray = NDArray[np.float64]

LETTER_MM = 2.5  # sizes are learnt as their logarithm over it
CELL_MM = CELL_PX / SEARCH_PX_PER_MM
LEAST = 0.1  # of a place's probability: the second network sees what is less of a name
MOST_WORDS = 300  # a page has at most 20 names: what is weaker than so many is none
_LETTERS_MM = (0.8, 8.0)  # heights that are believed
_WIDTHS_MM = (0.1, 20.0)
_OVERLAP = 0.3  # of the smaller of two words: they are one, seen twice


def words(answer: NDArray[np.float32]) -> FloatArray:
    """Places that may be names, float64 (n, 5): x, y, height, width in mm, and probability.

    x and y are 0 at the left and the upper edge of the page's first pixel; the likeliest is first.

    Args:
        answer: float32 (5, h, w), from `networks.where`.
    """
    chance = 1 / (1 + np.exp(-answer[0].astype(np.float64)))
    around = cv2.dilate(answer[0], np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((answer[0] >= around) & (chance > LEAST))
    likeliest = np.argsort(-chance[rows, columns], kind="stable")[:MOST_WORDS]
    rows, columns = rows[likeliest], columns[likeliest]
    of = answer[:, rows, columns].astype(np.float64)
    found = np.stack(
        [
            (columns + 0.5 + of[1]) * CELL_MM,
            (rows + 0.5 + of[2]) * CELL_MM,
            np.clip(np.exp(of[3]) * LETTER_MM, *_LETTERS_MM),
            np.clip(np.exp(of[4]) * LETTER_MM, *_WIDTHS_MM),
            chance[rows, columns],
        ],
        axis=1,
    )
    return found[_apart(found)]


def _apart(found: FloatArray) -> list[int]:
    """Which words stand free of all that are likelier."""
    # A bar has hardly any width: it is taken for as wide as half its height.
    size = np.stack([np.maximum(found[:, 3], found[:, 2] / 2), found[:, 2]], axis=1)
    low, high = found[:, :2] - size / 2, found[:, :2] + size / 2
    area = size.prod(axis=1)
    kept: list[int] = []
    for i in range(len(found)):
        shared = np.minimum(high[i], high[kept]) - np.maximum(low[i], low[kept])
        common = np.clip(shared, 0, None).prod(axis=1)
        if not (common > _OVERLAP * np.minimum(area[i], area[kept])).any():
            kept.append(i)
    return kept

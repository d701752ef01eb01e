"""From a probability map to the coverage of its one most probable trace.

A threshold column by column breaks where a network is in two minds between traces, and it is so
for whole beats at a time. The search here decides for the trace as a whole.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.paths.path import Coverage

IntArray = NDArray[np.int64]

STEP_COST_PER_MM = 0.15  # what a move of 1 mm between two columns costs, in columns without ink
LEAST_PROBABILITY = 0.1  # a column whose best is fainter holds no trace
INKED = 0.5  # coverage from which a pixel counts as ink
HALF_WIDTH_MM = 0.5  # how far from the ridge its height is looked for


@njit(cache=True)
def _ridge(probability: Coverage, step_cost: float) -> IntArray:
    """Row of the cheapest path per column: 1 − p per column, and |Δrow| × step_cost."""
    height, width = probability.shape
    cost = np.empty(height)
    back = np.empty((width, height), np.int32)
    for y in range(height):
        cost[y] = 1.0 - probability[y, 0]
    for x in range(1, width):
        came = back[x]
        for y in range(height):
            came[y] = y
        # The cheapest way down, then up: a lower envelope of cones in two sweeps.
        for y in range(1, height):
            if cost[y - 1] + step_cost < cost[y]:
                cost[y] = cost[y - 1] + step_cost
                came[y] = came[y - 1]
        for y in range(height - 2, -1, -1):
            if cost[y + 1] + step_cost < cost[y]:
                cost[y] = cost[y + 1] + step_cost
                came[y] = came[y + 1]
        for y in range(height):
            cost[y] += 1.0 - probability[y, x]
    rows = np.empty(width, np.int64)
    rows[width - 1] = np.argmin(cost)
    for x in range(width - 1, 0, -1):
        rows[x - 1] = back[x, rows[x]]
    return rows


@njit(cache=True)
def _kept(
    probability: Coverage, rows: IntArray, half_px: int, least: float, cover: Coverage
) -> None:
    """Fill `cover` with each column's run about the ridge, scaled to the ridge's height."""
    height, width = probability.shape
    for x in range(width):
        lo, hi = max(rows[x] - half_px, 0), min(rows[x] + half_px + 1, height)
        # A steep stroke leaves a column far from where it enters it.
        for near in (max(x - 1, 0), min(x + 1, width - 1)):
            lo, hi = min(lo, rows[near]), max(hi, rows[near] + 1)
        peak = probability[lo:hi, x].max()
        if peak < least:
            continue
        top, bottom = lo, hi
        while top > 0 and probability[top - 1, x] >= 0.5 * peak:
            top -= 1
        while bottom < height and probability[bottom, x] >= 0.5 * peak:
            bottom += 1
        for y in range(max(top - 2, 0), min(bottom + 2, height)):
            cover[y, x] = min(probability[y, x] / peak, 1.0)


def most_probable(probability: Coverage, px_per_mm: float) -> Coverage:
    """Coverage of the most probable single trace.

    Args:
        probability: float32 (H, W), 0–1.
        px_per_mm: Scale, which the cost of a move is told in.

    Returns:
        float32 (H, W), 0–1: in each column the run of ink about the path, scaled so that the
        path's own height is 1; 0 where no trace is probable.

    Example:
        >>> map_ = np.zeros((20, 40), np.float32)
        >>> map_[5], map_[15] = 0.4, 0.3      # in two minds, and never above a half
        >>> found = most_probable(map_, 8.0)
        >>> bool((found[5] == 1).all()), bool(found[15].any())
        (True, False)
    """
    probability = np.ascontiguousarray(probability, np.float32)
    rows = _ridge(probability, STEP_COST_PER_MM / px_per_mm)
    cover = np.zeros_like(probability)
    half_px = max(1, round(HALF_WIDTH_MM * px_per_mm))
    _kept(probability, rows, half_px, LEAST_PROBABILITY, cover)
    return cover


def sharpened(cover: Coverage, ink: NDArray[np.uint8]) -> Coverage:
    """The cover drawn with the picture's own ink: the network says which, the ink says where.

    A network sees the picture at its own, coarser scale, and its edges are blurred. Where ink
    lies under the trace, the ink's coverage is taken; a column in which none lies keeps the
    network's, as a faint or hidden stroke is not in the ink.

    Args:
        cover: float32 (H, W), 0–1, of one trace.
        ink: uint8 (H, W), coverage 0–255 of all ink, as `binarize` gives it.

    Returns:
        float32 (H, W), 0–1.

    Example:
        >>> blurred = np.array([[0.3], [0.9], [0.8], [0.2]], np.float32)
        >>> sharpened(blurred, np.array([[0], [255], [0], [0]], np.uint8)).ravel().tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    drawn = np.minimum(2 * cover, 1) * (ink.astype(np.float32) / 255)
    seen = (drawn >= INKED).any(axis=0)
    return np.where(seen, drawn, cover)

"""One point per column: the centroid of the ink, and the classical Viterbi path."""

import numpy as np
from numba import njit

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.traces.runs import IntArray, Runs, find_runs, stroke_width_px

FAINT = 0.1  # coverage below this is no ink: a network's floor would drag the centroid


def centroid(cover: Coverage) -> Path:
    """The usual decoder: each column's ink centroid, whatever the ink belongs to.

    Args:
        cover: float32 (H, W), 0–1.
    """
    ink = np.where(cover > FAINT, cover, 0).astype(np.float64)
    mass = ink.sum(axis=0)
    rows = np.arange(len(cover))[:, None]
    seen = mass >= 0.5
    y = np.full(cover.shape[1], np.nan)
    y[seen] = (ink * rows).sum(axis=0)[seen] / mass[seen]
    spread = np.sqrt((ink * (rows - np.where(seen, y, 0)) ** 2).sum(axis=0)[seen] / mass[seen])
    sigma = np.full_like(y, np.nan)
    sigma[seen] = spread
    return _column_path(cover, y, sigma, mass)


def viterbi(cover: Coverage) -> Path:
    """The classical path: run centres joined at the least distance and change of angle.

    A step costs ½·distance (px) + ½·change of direction (in parts of a half turn), after
    the vectorisers in use (see docs/architecture.md); ours keeps every run.

    Args:
        cover: float32 (H, W), 0–1.
    """
    runs = find_runs(cover)
    return path_of_centres(cover, runs, least_angle_chain(runs))


def path_of_centres(cover: Coverage, runs: Runs, chosen: IntArray) -> Path:
    """The chosen runs' centres as a path; `chosen` int64 (W,), -1 for none."""
    y = np.full(cover.shape[1], np.nan)
    height = np.full(cover.shape[1], np.nan)
    seen = chosen >= 0
    y[seen] = runs.centre_px[chosen[seen]]
    height[seen] = (runs.bottom_px - runs.top_px)[chosen[seen]]
    return _column_path(cover, y, height / np.sqrt(12), np.nan_to_num(height))


def _column_path(cover: Coverage, y: FloatArray, sigma: FloatArray, height: FloatArray) -> Path:
    """A path with one point per column, its stroke width and extent from the columns' ink."""
    seen = np.flatnonzero(np.isfinite(y))
    half = np.where(np.isfinite(y), height / 2, np.nan)
    width = stroke_width_px(y - half, y + half)
    confidence = np.zeros_like(y)
    confidence[seen] = cover[np.rint(y[seen]).astype(int).clip(0, len(cover) - 1), seen]
    start, end = extent_px(seen, width)
    return Path(np.arange(len(y), dtype=np.float64), y, sigma, confidence, width, start, end)


def extent_px(seen: IntArray, width_px: float) -> tuple[float, float]:
    """First and last column of the pen's centre, given the columns that hold ink.

    The round pen inks half its width before its first point and after its last.
    """
    if len(seen) == 0:
        return np.nan, np.nan
    start, end = seen[0] - 0.5 + width_px / 2, seen[-1] + 0.5 - width_px / 2
    return (float(start), float(end)) if start < end else (float(seen[0]), float(seen[-1]))


@njit(cache=True)
def _least_angle(centre: FloatArray, column: IntArray, first: IntArray) -> IntArray:
    """Viterbi over run centres; the direction of arrival is that of the best predecessor."""
    n = len(centre)
    cost = np.zeros(n)
    angle = np.zeros(n)
    back = np.full(n, -1, np.int64)
    before = -1
    for c in range(len(first) - 1):
        if first[c] == first[c + 1]:
            continue
        if before >= 0:
            for i in range(first[c], first[c + 1]):
                cost[i] = np.inf
                for j in range(first[before], first[before + 1]):
                    dx = float(c - before)
                    dy = centre[i] - centre[j]
                    turn = np.arctan2(dy, dx)
                    step = 0.5 * np.hypot(dx, dy)
                    if back[j] >= 0:
                        step += 0.5 * abs(turn - angle[j]) / np.pi
                    if cost[j] + step < cost[i]:
                        cost[i] = cost[j] + step
                        angle[i] = turn
                        back[i] = j
        before = c
    chosen = np.full(len(first) - 1, -1, np.int64)
    if before < 0:
        return chosen
    at = first[before] + np.argmin(cost[first[before] : first[before + 1]])
    while at >= 0:
        chosen[column[at]] = at
        at = back[at]
    return chosen


def least_angle_chain(runs: Runs) -> IntArray:
    """The classical search: int64 (W,), the run chosen in each column, -1 where none is."""
    return _least_angle(runs.centre_px, runs.column, runs.first)

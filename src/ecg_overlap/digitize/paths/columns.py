"""One point per column: the centroid of the ink, and the classical Viterbi path."""

import numpy as np
from numba import njit

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.runs import (
    IntArray,
    find_runs,
    part_of,
    stroke_width_px,
)

# Of `centroid`, set by hand.
FAINT = 0.1  # coverage below this is no ink: a network's low probabilities would move the centroid
LEAST_INK_PX = 0.5  # sum of a column's coverage from which the trace is in it
# Of `viterbi`: equal weights, as in the vectorisers in use (docs/architecture.md).
DISTANCE_WEIGHT = 0.5  # per px of distance
TURN_WEIGHT = 0.5  # per half turn of change of direction


def centroid(cover: Coverage) -> Path:
    """The usual decoder: the centroid of each column's ink, of whatever trace it is.

    Args:
        cover: float32 (H, W), 0–1.
    """
    ink = np.where(cover > FAINT, cover, 0).astype(np.float64)
    mass = ink.sum(axis=0)
    rows = np.arange(len(cover))[:, None]
    seen = mass >= LEAST_INK_PX
    y = np.full(cover.shape[1], np.nan)
    y[seen] = (ink * rows).sum(axis=0)[seen] / mass[seen]
    spread = np.sqrt((ink * (rows - np.where(seen, y, 0)) ** 2).sum(axis=0)[seen] / mass[seen])
    sigma = np.full_like(y, np.nan)
    sigma[seen] = spread
    return _column_path(cover, y, sigma, mass)


def path_of_centres(trace: TraceInk) -> Path:
    """The classical path: one point per column, the middle of the run chosen there."""
    top, bottom = trace.edges_px()
    height = bottom - top
    centre = np.full(len(height), np.nan)
    seen = trace.columns
    centre[seen] = trace.runs.centre_px[trace.run[seen]]
    return _column_path(trace.cover, centre, height / np.sqrt(12), np.nan_to_num(height))


def _column_path(cover: Coverage, y: FloatArray, sigma: FloatArray, height: FloatArray) -> Path:
    """A path with one point per column.

    Args:
        cover: float32 (H, W), 0–1.
        y: float64 (W,), rows; NaN where no trace is.
        sigma: float64 (W,), their standard deviations, px.
        height: float64 (W,), px of ink in each column, from which the stroke's width follows.
    """
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
def _chain_back_from(last: int, before: IntArray, column: IntArray, n_columns: int) -> IntArray:
    """The chain that ends in a run, int64 (W,), -1 in columns without one.

    Args:
        last: The run, -1 for an empty chain.
        before: int64 (m,), the run before each, -1 at a chain's start.
        column: int64 (m,), each run's column.
        n_columns: Of the picture.
    """
    chosen = np.full(n_columns, -1, np.int64)
    while last >= 0:
        chosen[column[last]] = last
        last = before[last]
    return chosen


@njit(cache=True)
def least_angle(centre: FloatArray, column: IntArray, first: IntArray) -> IntArray:
    """Viterbi over run centres; the direction of arrival is that of the best predecessor."""
    n = len(centre)
    cost = np.zeros(n)
    angle = np.zeros(n)  # radians
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
                    step = DISTANCE_WEIGHT * np.hypot(dx, dy)
                    if back[j] >= 0:
                        step += TURN_WEIGHT * abs(turn - angle[j]) / np.pi
                    if cost[j] + step < cost[i]:
                        cost[i] = cost[j] + step
                        angle[i] = turn
                        back[i] = j
        before = c
    last = -1
    if before >= 0:
        last = first[before] + np.argmin(cost[first[before] : first[before + 1]])
    return _chain_back_from(last, back, column, len(first) - 1)


def least_angle_chain(cover: Coverage, *, but_last_row: bool = False) -> TraceInk:
    """The classical choice: the runs that are joined at the least distance and change of angle.

    A step costs `DISTANCE_WEIGHT` · distance + `TURN_WEIGHT` · change of direction; a run is
    chosen in every column that has one.

    Args:
        cover: float32 (H, W), 0–1.
        but_last_row: Leave out runs that touch the picture's last row.
    """
    runs = find_runs(cover)
    if but_last_row:
        runs = part_of(runs, runs.row[:, 1] < len(cover))
    return TraceInk(cover, runs, least_angle(runs.centre_px, runs.column, runs.first))

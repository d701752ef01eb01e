"""The vertical runs of ink in each column."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOLE_PX = 2  # holes in a trace's ink of up to so many rows part no run; by hand
SOFT_EDGE_PX = 2  # how far outside of a run its partly covered pixels reach

# Of `stroke_width_px`, set by hand.
GENTLE_SLOPE = 0.5  # rows per column, under which a run is little taller than the pen
LEAST_GENTLE = 8  # columns; with fewer, all are taken
USUAL_QUANTILE = 0.3  # of the runs' heights: most of a trace is level, and letters are as thin
LEVEL_STROKES = 2.2  # of that height: a run that is taller is part of a steep stroke
STROKE_MM = 0.35  # usual thickness of a stroke
WIDTH_QUANTILE = 0.2  # of the columns' widths: neighbouring strokes that merge only widen


@dataclass(frozen=True)
class Runs:
    """Vertical runs of ink, ordered by column, then by row.

    Args:
        column: int64 (m,).
        top_px: float64 (m,), upper edge, sub-pixel from the edge pixels' coverage.
        bottom_px: float64 (m,), lower edge.
        first: int64 (W + 1,): the runs of column c are first[c] … first[c + 1].
        row: int64 (m, 2), first pixel row of the run and the one after its last.
    """

    column: IntArray
    top_px: FloatArray
    bottom_px: FloatArray
    first: IntArray
    row: IntArray

    @property
    def centre_px(self) -> FloatArray:
        centre: FloatArray = (self.top_px + self.bottom_px) / 2
        return centre


def find_runs(cover: Coverage, *, hole_px: int = 0) -> Runs:
    """Runs of ink: pixels of a column in succession, each at least half covered.

    Args:
        cover: float32 (H, W), 0–1.
        hole_px: Holes of up to this many rows do not part a run.
    """
    column, row, first = _scan(cover, hole_px)
    start, stop = row.T
    # The partly covered pixel beside the run, and the lack of its own edge pixel.
    before = np.where(start > 0, cover[start - 1, column], np.float32(0))
    own_first, own_last = cover[start, column], cover[stop - 1, column]
    below = np.minimum(stop, len(cover) - 1)
    after = np.where(stop < len(cover), cover[below, column], np.float32(0))
    top: FloatArray = start + 0.5 - before.astype(np.float64) - own_first
    bottom: FloatArray = stop - 1.5 + after.astype(np.float64) + own_last
    return Runs(column, top, bottom, first, row)


@njit(cache=True)
def _scan(cover: Coverage, hole_px: int) -> tuple[IntArray, IntArray, IntArray]:
    """`Runs.column`, `row` and `first`; row by row, as the picture lies in memory."""
    height, width = cover.shape
    never = -hole_px - 2
    last = np.full(width, never)  # the column's last row of ink
    first = np.zeros(width + 1, np.int64)
    for r in range(height):
        for c in range(width):
            if cover[r, c] >= 0.5:
                if r - last[c] > hole_px + 1:
                    first[c + 1] += 1
                last[c] = r
    first = np.cumsum(first)
    column = np.empty(first[-1], np.int64)
    row = np.empty((first[-1], 2), np.int64)
    last[:] = never
    stop = first[:-1].copy()  # of the column's runs so far
    for r in range(height):
        for c in range(width):
            if cover[r, c] >= 0.5:
                if r - last[c] > hole_px + 1:
                    column[stop[c]] = c
                    row[stop[c], 0] = r
                    stop[c] += 1
                row[stop[c] - 1, 1] = r + 1
                last[c] = r
    return column, row, first


def part_of(runs: Runs, kept: NDArray[np.bool_]) -> Runs:
    """Some of the runs, bool (m,)."""
    column = runs.column[kept]
    first = np.searchsorted(column, np.arange(len(runs.first))).astype(np.int64)
    return Runs(column, runs.top_px[kept], runs.bottom_px[kept], first, runs.row[kept])


def level_runs(runs: Runs) -> Runs:
    """The runs that are little taller than the pen's width: those of level strokes."""
    return part_of(runs, runs.bottom_px - runs.top_px < LEVEL_STROKES * usual_height_px(runs))


def usual_height_px(runs: Runs) -> float:
    """Height of a run in a level stroke, px: hardly more than the pen's width; 0 without runs."""
    height = runs.bottom_px - runs.top_px
    return float(np.quantile(height, USUAL_QUANTILE)) if len(height) else 0.0


def px_per_mm_of(cover: Coverage) -> float:
    """Scale of a picture of which only its strokes' thickness tells."""
    runs = find_runs(cover, hole_px=HOLE_PX)
    if not len(runs.column):
        return 1.0
    edges = np.full((2, cover.shape[1]), np.nan)
    uppermost = runs.first[:-1][np.diff(runs.first) > 0]
    edges[:, runs.column[uppermost]] = runs.top_px[uppermost], runs.bottom_px[uppermost]
    return max(min(usual_height_px(runs), stroke_width_px(*edges)) / STROKE_MM, 1.0)


def stroke_width_px(top_px: FloatArray, bottom_px: FloatArray) -> float:
    """The pen's width in px, NaN without any run.

    A vertical cut through a stroke of width w and slope s is w·√(1 + s²) tall, and taller where
    neighbouring strokes merge. So steep columns are left out, and a low quantile is taken.

    Args:
        top_px: float64 (W,), upper edge of each column's run; NaN where there is none.
        bottom_px: float64 (W,), lower edge.
    """
    height = bottom_px - top_px
    slope = np.gradient((top_px + bottom_px) / 2) if len(height) > 1 else np.zeros(1)
    width = height / np.sqrt(1 + slope**2)
    known = np.isfinite(width)
    gentle = known & (np.abs(slope) < GENTLE_SLOPE)
    kept = gentle if np.count_nonzero(gentle) >= LEAST_GENTLE else known
    if kept.any():
        return float(np.quantile(width[kept], WIDTH_QUANTILE))
    seen = height[np.isfinite(height)]  # lone columns have no slope
    return float(np.quantile(seen, WIDTH_QUANTILE)) if len(seen) else np.nan

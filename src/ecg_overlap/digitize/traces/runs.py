"""The vertical runs of ink in each column, and which of them belong to one trace."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import FloatArray

IntArray = NDArray[np.int64]

SKIP_COST_PX = 3.0  # what passing over one column costs, in pixels of vertical gap
FAR_PX = 5.0
LEVEL_COST = 0.03  # per pixel away from the trace's level, for every column …
MOST_LEVEL_COST_PX = 1.5  # … but less than passing the column over
LEVELS = 3  # levels that are tried
LEAST_LEVEL = 0.3  # of the fullest level: a level that fewer columns share is none
EDGE_COST_PX = 5.0  # a column in which the trace touches the picture's edge
UNLIKELY_COST_PX = 0.3  # a run that a network rules out, in a column where it is sure
ELSEWHERE_COST_PX = 1.0  # a run beside which other runs of its column hold all probability …
SURE = 0.5  # … where the column's highest is at least this
ABSENT_COST_PX = 1.0  # a run in a column where a network is sure that the trace is not
PRESENT = 0.2  # a column's highest probability from which it may hold the trace
LEAST_PRESENT = 0.1  # of the cost of passing over a column stays, however sure a network is
SHORT = 0.75  # of the picture's width; a lead cut out by its box takes 0.9
LOOK_BACK = 4  # non-empty columns that one step may look back over


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
    """Runs of ink, i.e. of pixels at least half covered.

    Args:
        cover: float32 (H, W), 0–1.
        hole_px: Holes of up to this many rows do not part a run.
    """
    column, row, first = _scan(cover, hole_px)
    start, stop = row.T
    padded = np.pad(cover, ((1, 1), (0, 0)))
    # The partly covered pixel beside the run, and the lack of its own edge pixel.
    before, own_first = padded[start, column], padded[start + 1, column]
    own_last, after = padded[stop, column], padded[stop + 1, column]
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


@njit(cache=True)
def _best_chain(
    column: IntArray,
    top: FloatArray,
    bottom: FloatArray,
    first: IntArray,
    level_px: float,
    level_cost: float,
    unlikely: FloatArray,
    passed: FloatArray,
) -> IntArray:
    """Index of the chosen run per column, -1 for none; see `track`."""
    n_columns = len(first) - 1
    n = len(column)
    cost = np.empty(n)
    back = np.full(n, -1, np.int64)
    filled = np.zeros(n_columns, np.int64)  # the non-empty columns seen so far
    n_filled = 0
    for c in range(n_columns):
        if first[c] == first[c + 1]:
            continue
        for i in range(first[c], first[c + 1]):
            centre = 0.5 * (top[i] + bottom[i])
            away = min(level_cost * abs(centre - level_px), MOST_LEVEL_COST_PX)
            best = passed[c]
            for k in range(1, min(LOOK_BACK, n_filled) + 1):
                before = filled[n_filled - k]
                skipped = passed[c] - passed[before + 1]
                for j in range(first[before], first[before + 1]):
                    gap = max(0.0, top[i] - bottom[j], top[j] - bottom[i])
                    # A faint stroke comes in pieces: farther costs hardly more than far.
                    gap = min(gap, FAR_PX + 0.1 * gap)
                    move = abs(centre - 0.5 * (top[j] + bottom[j]))
                    here = cost[j] + skipped + gap + min(0.05 * move, 1.0)
                    if here < best:
                        best = here
                        back[i] = j
            cost[i] = best + away + unlikely[i]
        filled[n_filled] = c
        n_filled += 1
    chosen = np.full(n_columns, -1, np.int64)
    if n_filled == 0:
        return chosen
    best_end = -1
    least = np.inf
    for i in range(n):
        end = cost[i] + passed[n_columns] - passed[column[i] + 1]
        if end < least:
            least = end
            best_end = i
    while best_end >= 0:
        chosen[column[best_end]] = best_end
        best_end = back[best_end]
    return chosen


def track(
    runs: Runs,
    height: int,
    *,
    row_px: float | None = None,
    evidence: Coverage | None = None,
    to_the_ends: bool = True,
) -> IntArray:
    """Choose the connected chain of runs that is one trace, the primary.

    A Viterbi search over the runs: a step costs the vertical gap between two runs (none
    where they overlap) and a little of their centres' distance; a column passed over costs
    `SKIP_COST_PX`, so that islands are left out and holes bridged; to stay away from the
    trace's level costs a little, so that the search returns to it after a crossing. Where
    the level is not known, each that many columns share is tried, and the chain that keeps
    off the picture's upper and lower edge is taken: a crop is cut around its primary trace.

    Args:
        runs: Of the whole mask.
        height: Of the mask.
        row_px: Where the trace's baseline is known to be; not asked for beside evidence.
        evidence: float32 (H, W), 0–1: a network's probability of the primary trace, instead of
            the level. A run costs for what is more probable elsewhere in its column.
        to_the_ends: Whether to follow the ink on where a network has lost the trace.

    Returns:
        int64 (W,): index of the run chosen in each column, -1 where none is.
    """
    everywhere = np.ones(len(runs.first) - 1)
    if evidence is None:
        tried = levels(runs, height) or [height / 2] if row_px is None else [float(row_px)]
        free = np.zeros(len(runs.column))
        passed = _passed(everywhere)
        chains = [_chain(runs, free, passed, level_px=level) for level in tried]
        return min(chains, key=lambda chain: _doubt(runs, chain, height, passed))
    most = np.asarray(evidence.max(axis=0), np.float64)
    present = np.minimum(most / PRESENT, 1)
    unlikely = _unlikely(runs, evidence, most)
    absent = ABSENT_COST_PX * (1 - present[runs.column])
    chain = _chain(runs, unlikely + absent, _passed(present))
    # A crop is as wide as its trace: one that ends early was lost by the network, not the pen.
    if to_the_ends and _reach(chain) < SHORT * len(chain):
        chain = _chain(runs, unlikely, _passed(everywhere))
    return chain


def _passed(present: FloatArray) -> FloatArray:
    """What it costs to pass over all columns before each, float64 (W + 1,)."""
    return np.concatenate([[0.0], np.cumsum(SKIP_COST_PX * np.maximum(present, LEAST_PRESENT))])


def _chain(
    runs: Runs, unlikely: FloatArray, passed: FloatArray, level_px: float | None = None
) -> IntArray:
    """The cheapest chain; beside a network without a level, which would cost peaks the most."""
    cost = 0.0 if level_px is None else LEVEL_COST
    return _best_chain(
        runs.column,
        runs.top_px,
        runs.bottom_px,
        runs.first,
        level_px or 0.0,
        cost,
        unlikely,
        passed,
    )


def _reach(chain: IntArray) -> int:
    """Columns from a chain's first to its last."""
    taken = np.flatnonzero(chain >= 0)
    return int(np.ptp(taken)) + 1 if len(taken) else 0


def _unlikely(runs: Runs, evidence: Coverage, most: FloatArray) -> FloatArray:
    """What each run costs (m,) for what the network sees elsewhere in its column.

    For being less probable than the column's likeliest row, and for the share of the column's
    probability that other runs hold: where the neighbour's peak ends in the trace's level, it
    is that share which says that the trace is at its own peak.
    """
    likeliest, mass = _probability(evidence, runs.column, runs.row)
    in_column = np.bincount(runs.column, mass, minlength=len(most))[runs.column]
    share = 1 - mass / np.maximum(in_column, 1e-6)
    cost: FloatArray = UNLIKELY_COST_PX * (most[runs.column] - likeliest)
    return cost + ELSEWHERE_COST_PX * np.minimum(most[runs.column] / SURE, 1) * share


@njit(cache=True)
def _probability(
    evidence: Coverage, column: IntArray, row: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Highest probability inside of each run, and its sum over the run's rows; float64 (m,)."""
    likeliest, mass = np.zeros(len(column)), np.zeros(len(column))
    for i in range(len(column)):
        for r in range(row[i, 0], row[i, 1]):
            likeliest[i] = max(likeliest[i], evidence[r, column[i]])
            mass[i] += evidence[r, column[i]]
    return likeliest, mass


def levels(runs: Runs, height: int) -> list[float]:
    """Rows that many runs' centres share, the fullest first."""
    centre = np.rint(runs.centre_px).astype(np.int64).clip(0, height - 1)
    count = np.bincount(centre, minlength=height).astype(np.float64)
    reach = max(height // 20, 3)
    full = np.convolve(count, np.ones(2 * reach + 1), mode="same")
    found: list[float] = []
    fullest = full.max(initial=0)
    while len(found) < LEVELS and full.max() >= max(LEAST_LEVEL * fullest, 1):
        at = int(np.argmax(full))
        near = slice(max(at - reach, 0), at + reach + 1)
        found.append(float(np.average(np.arange(height)[near], weights=count[near])))
        full[max(at - 3 * reach, 0) : at + 3 * reach + 1] = -1
    return found


def _doubt(runs: Runs, chain: IntArray, height: int, passed: FloatArray) -> float:
    """What speaks against a chain: columns without ink, and at the picture's edge."""
    row = runs.row[chain[chain >= 0]]
    at_edge = np.count_nonzero((row[:, 0] == 0) | (row[:, 1] == height))
    return float(np.diff(passed)[chain < 0].sum()) + EDGE_COST_PX * at_edge


def stroke_width_px(top_px: FloatArray, bottom_px: FloatArray) -> float:
    """Width of the pen from the run of each column, NaN where there is none.

    The chord of a stroke of width w and slope s is w·√(1 + s²), and more where neighbouring
    strokes merge: steep columns are left out, and a low quantile of the others is taken.
    """
    height = bottom_px - top_px
    slope = np.gradient((top_px + bottom_px) / 2) if len(height) > 1 else np.zeros(1)
    width = height / np.sqrt(1 + slope**2)
    known = np.isfinite(width)
    gentle = known & (np.abs(slope) < 0.5)
    kept = gentle if np.count_nonzero(gentle) >= 8 else known
    if kept.any():
        return float(np.quantile(width[kept], 0.2))
    seen = height[np.isfinite(height)]  # lone columns have no slope
    return float(np.quantile(seen, 0.2)) if len(seen) else np.nan

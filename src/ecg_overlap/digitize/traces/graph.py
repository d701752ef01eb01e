"""Where a pen can have gone: runs of ink, straight bridges over blank paper, and the steps between.

Every step leads to the next column. So a trace is a way through the graph, a gap is crossed in a
straight line, and nothing leaps over blank rows by more than a fast pen's flank has holes.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.costs import TraceCosts
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray, Runs

TOUCH_PX = 1.5  # runs of neighbouring columns that are so near touch: edges are noisy
MOST_STEPS = 8  # from one run, on average, at most; more are left out
OPENS, ENDS, AT_TOP, AT_BOTTOM = 1, 2, 4, 8  # of `Graph.gates`
EDGE_PX = 2.0  # ink that ends so near the picture's edge may go on beyond it


class Graph(NamedTuple):
    """Runs and the pieces of bridges, one per column, and the steps between them.

    A tuple, as compiled code takes it whole.

    Args:
        n_runs: The first so many nodes are the runs, in their order; the others are of bridges.
        column: int64 (n,).
        top_px: float64 (n,), upper edge; a bridge is as thick as the pen.
        bottom_px: float64 (n,), lower edge.
        own: float64 (n,), cost of a bridge's piece, 0 for a run.
        first: int64 (n + 1,): the steps from node i are first[i] … first[i + 1].
        after: int64 (s,), the node that a step leads to, in the next column.
        step: float64 (s,), its cost.
        gates: int64 (n,), bits: OPENS, a run that no run touches in the column before; ENDS, in the
            column after; AT_TOP, a run that reaches the picture's upper edge; AT_BOTTOM, its lower.
        by_column: int64 (n,), the nodes ordered by column.
        starts: int64 (W + 1,): the nodes of column c are by_column[starts[c]] … [starts[c + 1]].
    """

    n_runs: int
    column: IntArray
    top_px: FloatArray
    bottom_px: FloatArray
    own: FloatArray
    first: IntArray
    after: IntArray
    step: FloatArray
    gates: IntArray
    by_column: IntArray
    starts: IntArray


def graph_of(
    runs: Runs,
    limits: tuple[IntArray, IntArray],
    *,
    px_per_mm: float,
    pen_px: float,
    costs: TraceCosts,
) -> Graph:
    """The graph of a picture's runs.

    Args:
        runs: Of all ink.
        limits: First row of the picture in each column, and the one after its last, int64 (W,).
        px_per_mm: The picture's scale.
        pen_px: The strokes' usual width.
        costs: Of bridges and leaps.
    """
    n, n_columns = len(runs.column), len(runs.first) - 1
    leap = costs.leap_per_mm / px_per_mm
    before, after, gap = _near(
        runs.column, runs.top_px, runs.bottom_px, runs.first, costs.most_leap_mm * px_per_mm
    )
    opens, ends = np.ones(n, np.bool_), np.ones(n, np.bool_)
    ends[before[gap <= TOUCH_PX]] = False
    opens[after[gap <= TOUCH_PX]] = False
    jump, jump_gap = _jumps(runs, ends, opens, px_per_mm, costs)
    start, stop = _bridges(
        runs.column, runs.top_px, runs.bottom_px, runs.first, opens, ends,
        int(costs.reach_mm * px_per_mm), costs.blank_per_mm / px_per_mm, leap, costs.bridges,
    )  # fmt: skip
    column, middle, half, own, bridge_step = _pieces(
        runs.column, runs.top_px, runs.bottom_px, start, stop,
        n, pen_px, costs.blank_per_mm / px_per_mm, leap,
    )  # fmt: skip
    steps = np.concatenate([np.stack([before, after]), jump, bridge_step], axis=1)
    cost = np.concatenate(
        [leap * gap, 2 * costs.leave + leap * jump_gap, np.zeros(bridge_step.shape[1])]
    )
    order = np.argsort(steps[0], kind="stable")
    total = n + len(column)
    column = np.concatenate([runs.column, column])
    by_column = np.argsort(column, kind="stable")
    upper, lower = limits
    gates = OPENS * opens + ENDS * ends + AT_TOP * (runs.row[:, 0] < upper[runs.column] + EDGE_PX)
    gates += AT_BOTTOM * (runs.row[:, 1] > lower[runs.column] - EDGE_PX)
    return Graph(
        n_runs=n,
        column=column,
        top_px=np.concatenate([runs.top_px, middle - half]),
        bottom_px=np.concatenate([runs.bottom_px, middle + half]),
        own=np.concatenate([np.zeros(n), own]),
        first=np.searchsorted(steps[0][order], np.arange(total + 1)),
        after=steps[1][order],
        step=cost[order],
        gates=np.concatenate([gates, np.zeros(total - n, np.int64)]),
        by_column=by_column,
        starts=np.searchsorted(column[by_column], np.arange(n_columns + 1)),
    )


def _jumps(
    runs: Runs,
    ends: NDArray[np.bool_],
    opens: NDArray[np.bool_],
    px_per_mm: float,
    costs: TraceCosts,
) -> tuple[IntArray, FloatArray]:
    """Where a pen goes on in a stroke that has begun already, (2, s), and the rows between, px.

    One lead may end after the next has begun, as the pen is broad and both are steep. Into a stroke
    that begins a bridge leads, or absence.
    """
    reach, near = costs.most_jump_mm * px_per_mm, costs.most_leap_mm * px_per_mm
    if reach <= near:
        return np.empty((2, 0), np.int64), np.empty(0)
    before, after, gap = _near(runs.column, runs.top_px, runs.bottom_px, runs.first, reach)
    jumps = (gap > near) & ends[before] & ~opens[after]
    return np.stack([before[jumps], after[jumps]]), gap[jumps]


@njit(cache=True)
def _gap(top: FloatArray, bottom: FloatArray, i: int, j: int) -> float:
    """Blank rows between two runs, px; 0 where they overlap."""
    return float(max(0.0, top[i] - bottom[j], top[j] - bottom[i]))


@njit(cache=True)
def _near(
    column: IntArray, top: FloatArray, bottom: FloatArray, first: IntArray, most: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of runs in neighbouring columns, and the gap between them, up to `most`."""
    room = MOST_STEPS * len(column)
    before, after = np.empty(room, np.int64), np.empty(room, np.int64)
    gaps = np.empty(room)
    n = 0
    for i in range(len(column)):
        if column[i] + 2 >= len(first):
            break
        for j in range(first[column[i] + 1], first[column[i] + 2]):
            gap = _gap(top, bottom, i, j)
            if gap <= most and n < room:
                before[n], after[n], gaps[n] = i, j, gap
                n += 1
    return before[:n], after[:n], gaps[:n]


@njit(cache=True)
def _bridges(
    column: IntArray,
    top: FloatArray,
    bottom: FloatArray,
    first: IntArray,
    opens: NDArray[np.bool_],
    ends: NDArray[np.bool_],
    reach: int,
    blank: float,
    leap: float,
    most: int,
) -> tuple[IntArray, IntArray]:
    """First and last run of each bridge.

    From where ink ends, the cheapest lead to where ink begins; and one goes straight on to the
    next run at its height, whatever trace that is of, as one goes straight back from where ink
    begins: a trace may vanish under another's stroke.
    """
    starts, stops = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    n_columns = len(first) - 1
    cost, which = np.empty(most), np.empty(most, np.int64)
    for i in range(len(column)):
        if not ends[i]:
            continue
        cost[:] = np.inf
        met = False
        for c in range(column[i] + 2, min(n_columns, column[i] + reach + 1)):
            for j in range(first[c], first[c + 1]):
                gap = _gap(top, bottom, i, j)
                if gap == 0.0 and not met:
                    met = True
                    starts.append(np.int64(i))
                    stops.append(np.int64(j))
                elif opens[j]:
                    here = blank * (c - column[i] - 1) + leap * gap
                    worst = np.argmax(cost)
                    if here < cost[worst]:
                        cost[worst], which[worst] = here, j
        for k in range(most):
            if cost[k] < np.inf:
                starts.append(np.int64(i))
                stops.append(which[k])
    for j in range(len(column)):
        if not opens[j]:
            continue
        met = False
        for c in range(column[j] - 2, max(-1, column[j] - reach - 1), -1):
            for i in range(first[c], first[c + 1]):
                if not ends[i] and _gap(top, bottom, i, j) == 0.0:
                    starts.append(np.int64(i))
                    stops.append(np.int64(j))
                    met = True
            if met:
                break
    return np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64)


@njit(cache=True)
def _pieces(
    column: IntArray,
    top: FloatArray,
    bottom: FloatArray,
    start: IntArray,
    stop: IntArray,
    n_runs: int,
    pen: float,
    blank: float,
    leap: float,
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, IntArray]:
    """The bridges' pieces: column, middle row, half height and cost, and all their steps (2, s)."""
    total = int((column[stop] - column[start] - 1).sum()) if len(start) else 0
    at, own = np.empty(total, np.int64), np.empty(total)
    middle, half = np.empty(total), np.empty(total)
    steps = np.empty((2, total + len(start)), np.int64)
    n, s = 0, 0
    for b in range(len(start)):
        i, j = start[b], stop[b]
        length = column[j] - column[i] - 1
        here, there = _nearest_rows(top, bottom, i, j, pen)
        rise = (there - here) / (length + 1)
        last = i
        for m in range(length):
            at[n] = column[i] + 1 + m
            middle[n] = here + rise * (m + 1)
            half[n] = (pen + abs(rise)) / 2
            own[n] = blank + leap * abs(rise)
            steps[0, s], steps[1, s] = last, n_runs + n
            last = n_runs + n
            n, s = n + 1, s + 1
        steps[0, s], steps[1, s] = last, j
        s += 1
    return at, middle, half, own, steps


@njit(cache=True)
def _nearest_rows(
    top: FloatArray, bottom: FloatArray, i: int, j: int, pen: float
) -> tuple[float, float]:
    """The rows of the pen's centre in two runs between which a bridge is flattest."""
    low_i = min(top[i] + pen / 2, (top[i] + bottom[i]) / 2)
    high_i = max(bottom[i] - pen / 2, (top[i] + bottom[i]) / 2)
    low_j = min(top[j] + pen / 2, (top[j] + bottom[j]) / 2)
    high_j = max(bottom[j] - pen / 2, (top[j] + bottom[j]) / 2)
    if low_i > high_j:
        return low_i, high_j
    if low_j > high_i:
        return high_i, low_j
    both = (max(low_i, low_j) + min(high_i, high_j)) / 2
    return both, both

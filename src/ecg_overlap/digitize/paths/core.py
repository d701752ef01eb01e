"""Where the pen's centre can have been, and its shortest way through: the start for `redraw`.

Eroding the ink by a disc a little smaller than the pen leaves the *core*: all places where the
pen's centre can have been. Mostly it is a thin band about the centre line. Where up- and
downstroke have merged it is tall, and the pen went to that end of it without which some of the ink
would not have been drawn.
"""

import numpy as np
from numba import njit

from ecg_overlap.digitize.paths.path import FloatArray

# Set by hand with the first decoder; no measurement is kept.
TIP_PX = 2.0  # of a spike that would be missing, from which the way is led to its end
OFF_MIDDLE_PX = 1e-3  # cost of the core's ends against its middle: decides between equal ways


def core_rows(top: FloatArray, bottom: FloatArray, x: FloatArray, radius: float) -> FloatArray:
    """Highest, middle and lowest row at which the pen can have been; float64 (3, n).

    The ink of one column is one interval, so eroding it by a disc is a maximum over arcs. The
    edges are interpolated between the columns: a thin pen's disc is hardly wider than one column,
    and a single column of a steep stroke is as tall as its slope.

    Args:
        top: float64 (W,), upper edge of the ink in each column, NaN where there is none.
        bottom: float64 (W,), lower edge.
        x: float64 (n,), evenly spaced, ascending.
        radius: Of the eroding disc, px.
    """
    column = np.arange(len(top))
    inked = np.isfinite(top)
    here = inked[np.rint(x).astype(int).clip(0, len(top) - 1)]
    edges = (np.interp(x, column[inked], edge[inked]) for edge in (top, bottom))
    upper, lower = (np.where(here, edge, np.nan) for edge in edges)
    return _eroded(upper, lower, float(x[1] - x[0]), radius)


@njit(cache=True)
def _eroded(top: FloatArray, bottom: FloatArray, spacing: float, radius: float) -> FloatArray:
    """`core_rows` of edges at each point: float64 (n,), NaN where there is no ink."""
    n = len(top)
    reach = int(radius / spacing)
    core = np.full((3, n), np.nan)
    for i in range(n):
        if np.isnan(top[i]):
            continue
        upper, lower = -np.inf, np.inf
        for k in range(max(0, i - reach), min(n, i + reach + 1)):
            if np.isnan(top[k]):
                continue
            arc = np.sqrt(radius * radius - (spacing * (k - i)) ** 2)
            upper = max(upper, top[k] + arc)
            lower = min(lower, bottom[k] - arc)
        core[0, i], core[1, i], core[2, i] = upper, 0.5 * (upper + lower), lower
        if upper > lower:
            core[0, i] = core[2, i] = core[1, i]
    return core


@njit(cache=True)
def unexplained_px(core: FloatArray, x: FloatArray, radius: float) -> FloatArray:
    """Height of the ink that would be missing if the pen had kept to one line of the core.

    Args:
        core: float64 (3, n), from `core_rows`.
        x: float64 (n,), its columns.
        radius: Of the eroding disc, px.

    Returns:
        float64 (3, n), px: for the core's upper end, its middle and its lower end.
    """
    n = len(x)
    reach = int(np.ceil(radius / (x[1] - x[0])))
    missing = np.zeros((3, n))
    for i in range(n):
        if np.isnan(core[0, i]):
            continue
        for line in range(3):
            highest, lowest = core[line, i], core[line, i]
            for k in range(max(0, i - reach), min(n, i + reach + 1)):
                d2 = radius * radius - (x[k] - x[i]) ** 2
                if d2 < 0 or np.isnan(core[line, k]):
                    continue
                dip = radius - np.sqrt(d2)
                highest = min(highest, core[line, k] + dip)
                lowest = max(lowest, core[line, k] - dip)
            missing[line, i] = max(0.0, highest - core[0, i]) + max(0.0, core[2, i] - lowest)
    return missing


@njit(cache=True)
def shortest_way(core: FloatArray, missing: FloatArray) -> FloatArray:
    """The way through the core that is short and leaves little ink unexplained.

    Dynamic programming: in each column one of the core's three lines, at the cost of its
    unexplained ink; between columns, at the cost of the distance in rows.

    Args:
        core: float64 (3, n), from `core_rows`.
        missing: float64 (3, n), from `unexplained_px`, with its weight.

    Returns:
        float64 (n,), rows.
    """
    n = core.shape[1]
    y = np.full(n, np.nan)
    cost = np.zeros((3, n))
    back = np.full((3, n), -1, np.int64)
    for i in range(n):
        if np.isnan(core[0, i]):
            continue
        for line in range(3):
            cost[line, i] = missing[line, i] + (OFF_MIDDLE_PX if line != 1 else 0.0)
            if i > 0 and not np.isnan(core[0, i - 1]):
                best = np.inf
                for before in range(3):
                    way = cost[before, i - 1] + abs(core[line, i] - core[before, i - 1])
                    if way < best:
                        best = way
                        back[line, i] = before
                cost[line, i] += best
    line = -1
    for i in range(n - 1, -1, -1):
        if np.isnan(core[0, i]):
            line = -1
            continue
        if line < 0:
            line = int(np.argmin(cost[:, i]))
        y[i] = core[line, i]
        line = back[line, i]
    return y


@njit(cache=True)
def raise_tips(
    y: FloatArray, x: FloatArray, top: FloatArray, bottom: FloatArray, radius: float
) -> None:
    """Lead the way to the outer ends of spikes that are thinner than the pen, in place.

    A fast pen leaves a thinner line: the disc does not fit into such a spike, and the core ends
    before it.

    Args:
        y: float64 (n,), changed where more than `TIP_PX` of a spike would be missing.
        x: float64 (n,), ascending.
        top: float64 (W,), upper edge of the ink in each column.
        bottom: float64 (W,), lower edge.
        radius: Half the pen's width, px.
    """
    n, width = len(x), len(top)
    reach = int(np.ceil(radius / (x[1] - x[0])))
    columns = int(np.ceil(radius))
    before = y.copy()
    for i in range(n):
        c = min(width - 1, max(0, int(np.rint(x[i]))))
        if np.isnan(before[i]) or np.isnan(top[c]):
            continue
        highest, lowest = before[i], before[i]
        for k in range(max(0, i - reach), min(n, i + reach + 1)):
            if not np.isnan(before[k]):
                highest, lowest = min(highest, before[k]), max(lowest, before[k])
        outermost_up, outermost_down = True, True
        for k in range(max(0, c - columns), min(width, c + columns + 1)):
            outermost_up = outermost_up and not top[k] < top[c]
            outermost_down = outermost_down and not bottom[k] > bottom[c]
        if outermost_up and highest - (top[c] + radius) > TIP_PX:
            y[i] = top[c] + radius
        elif outermost_down and (bottom[c] - radius) - lowest > TIP_PX:
            y[i] = bottom[c] - radius

"""What strokes of straight lines would change of the misfit: drawn only where they are other ways.

Comparing lines by their corners takes less than half of the time that knot by knot does.
"""

import numpy as np
from numba import njit

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.drawn import draw_into, draw_over
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.paths.redraw import SOFTNESS_PX
from ecg_overlap.digitize.traces.runs import IntArray

AHEAD_PX = 0.3  # points in disorder are drawn so far apart


@njit(cache=True)
def line(
    x: FloatArray, y: FloatArray, first: int, last: int, points: FloatArray, count: int
) -> FloatArray:
    """A way (n,) as it is up to `first` and from `last` on, and straight between the points."""
    way = y.copy()
    ahead_x, ahead_y = x[first], y[first]
    i = first
    for p in range(count + 1):
        to_x = x[last] if p == count else points[p, 0]
        to_y = y[last] if p == count else points[p, 1]
        to_x = max(to_x, ahead_x + AHEAD_PX)
        while i < last and x[i] <= to_x:
            way[i] = ahead_y + (to_y - ahead_y) * (x[i] - ahead_x) / (to_x - ahead_x)
            i += 1
        ahead_x, ahead_y = to_x, to_y
    return way


@njit(cache=True)
def outline(
    x: FloatArray,
    y: FloatArray,
    first: int,
    last: int,
    points: FloatArray,
    count: int,
    to: FloatArray,
) -> int:
    """Write the corners of such a way to float64 (2, n + points), x and y; how many they are.

    No point may be nearer to the knot after `last` than `AHEAD_PX`.
    """
    n = first + 1
    to[0, :n], to[1, :n] = x[:n], y[:n]
    for p in range(count):
        to[0, n], to[1, n] = max(points[p, 0], to[0, n - 1] + AHEAD_PX), points[p, 1]
        n += 1
    after = len(x) - last
    to[0, n : n + after], to[1, n : n + after] = x[last:], y[last:]
    to[0, n] = max(to[0, n], to[0, n - 1] + AHEAD_PX)
    return n + after


@njit(cache=True)
def by_column(
    ink: Coverage, others: Coverage, outlines: FloatArray, counts: IntArray, pens: FloatArray
) -> FloatArray:
    """What strokes change of the difference to the ink in each column, drawn over others: (W,).

    Args:
        ink: float32 (H, W), 0–1.
        others: float32 (H, W), what other strokes have drawn.
        outlines: float64 (k, 2, m), corners, x and y, …
        counts: int64 (k,), … and how many each has.
        pens: float64 (k,), px.
    """
    drawn = others.copy()
    for k in range(len(outlines)):
        draw_into(drawn, outlines[k, 0, : counts[k]], outlines[k, 1, : counts[k]], pens[k])
    changes = np.zeros(ink.shape[1])
    for r in range(ink.shape[0]):
        for c in range(ink.shape[1]):
            if drawn[r, c] > others[r, c]:
                now, was = ink[r, c] - drawn[r, c], ink[r, c] - others[r, c]
                changes[c] += (now**2 - was**2) / 2
    return changes


@njit(cache=True)
def more_than_before(
    ink: Coverage,
    others: Coverage,
    before: FloatArray,
    n_before: IntArray,
    columns_before: FloatArray,
    after: FloatArray,
    n_after: IntArray,
    pens: FloatArray,
    under: Coverage,
    at: IntArray,
) -> float:
    """By how much strokes differ more from the ink than before, drawn over others.

    Args:
        ink: float32 (H, W), 0–1.
        others: float32 (H, W), what other strokes have drawn; changed on the way, and put back.
        before: float64 (k, 2, m), corners, x and y, …
        n_before: int64 (k,), … how many each has, …
        columns_before: float64 (W,), … and what `by_column` says of them.
        after: float64 (k or more, 2, m), likewise of the other ways; …
        n_after: … their counts.
        pens: float64 (k,), px.
        under: float32 (n,): room for what pixels were …
        at: int64 (n,): … and for which they are.
    """
    start, until = np.inf, -np.inf
    for k in range(len(before)):
        a, b = _differ(before[k], n_before[k], after[k], n_after[k])
        start, until = min(start, a), max(until, b)
    if until < start:
        return 0.0
    reach = pens.max() / 2 + SOFTNESS_PX / 2
    first = max(0, int(np.ceil(start - reach)))
    stop = min(ink.shape[1], int(until + reach) + 1)
    total, n = -float(columns_before[first:stop].sum()), 0
    for k in range(len(before)):
        x, y = after[k, 0, : n_after[k]], after[k, 1, : n_after[k]]
        more, n = draw_over(others, ink, x, y, pens[k], under, at, n, (first, stop))
        total += more
    pixels = others.reshape(-1)
    for i in range(n - 1, -1, -1):  # a pixel may have been drawn twice
        pixels[at[i]] = under[i]
    return total


@njit(cache=True)
def _differ(a: FloatArray, n_a: int, b: FloatArray, n_b: int) -> tuple[float, float]:
    """From which column to which two outlines differ; the first is the greater if nowhere."""
    same = 0
    while same < min(n_a, n_b) and a[0, same] == b[0, same] and a[1, same] == b[1, same]:
        same += 1
    if same == n_a and same == n_b:
        return np.inf, -np.inf
    left = 0  # corners alike from the end on
    while (
        left < min(n_a, n_b)
        and a[0, n_a - 1 - left] == b[0, n_b - 1 - left]
        and a[1, n_a - 1 - left] == b[1, n_b - 1 - left]
    ):
        left += 1
    return a[0, max(same - 1, 0)], a[0, min(n_a - left, n_a - 1)]

"""How several strokes go where they run together: the ways that, drawn, give the ink at a low cost.

A fit finds the nearest minimum only, and who has which peak is far away from it. So ways are tried:
a stroke is drawn straight between points that it goes through, and these are ends of the ink's
vertical runs. One point is added, left out or given to another stroke at a time, or a few points of
two strokes are exchanged; the drawings that give the ink best are fitted (`fit_together`), and a
few of the best go on.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.drawn import (
    bends,
    draw_over,
    drawn_but,
    fit_together,
    misfit,
)
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.traces.runs import IntArray

MOST_POINTS = 14  # of one stroke: three beats' worth
APART_PX = 0.6  # two points of one stroke are no nearer in x: one column has one
AHEAD_PX = 0.3  # points in disorder are drawn so far apart
EXCHANGED = 4  # points of two strokes, at most, that are exchanged at once
SPIKE = -2  # in their number's place: two points of one stroke are left out at once
STEPS = 12  # at most, and one more after the last that was better
KEPT = 2  # drawings that go on
FITTED = 8  # of each of them, the most promising changes that are fitted
QUICK = 6  # iterations of a fit that is to be compared only
LIKE = 0.02  # drawings whose misfits differ by less are the same
BETTER = 0.05  # misfit that one more point must save
_ROOM = KEPT * FITTED


@njit(cache=True)
def untangle(
    ink: Coverage,
    x: FloatArray,
    y: FloatArray,
    pens: FloatArray,
    beyond: FloatArray,
    free: NDArray[np.bool_],
    ends: FloatArray,
) -> tuple[FloatArray, float]:
    """The best ways that were found, float64 (K, n), and their misfit.

    Args:
        ink: float32 (H, W), 0–1, with margins.
        x: float64 (n,), evenly spaced columns.
        y: float64 (K, n), rows: right where they are not free, else a first guess.
        pens: float64 (K,), px.
        beyond: float64 (K,): how far outside of the ink's rows each may go.
        free: bool (n,): one stretch of knots, not to either end.
        ends: float64 (m, 2), (x, y): points that a stroke may go through.
    """
    n_strokes, n = y.shape
    inside = np.flatnonzero(free)
    first, last = inside[0] - 1, inside[-1] + 1
    state = (KEPT, n_strokes, MOST_POINTS, 2)
    points, counts = np.zeros(state), np.zeros((KEPT, n_strokes), np.int64)
    ways, costs = np.zeros((KEPT, n_strokes, n)), np.full(KEPT, np.inf)
    for k in range(n_strokes):
        counts[0, k] = _turning_points(x, y[k], inside, pens[k], points[0, k])
    kept = 2  # the turning points of the guess, and straight lines
    for b in range(kept):
        lines = _lines(x, y, first, last, points[b], counts[b])
        ways[b] = fit_together(ink, x, lines, pens, beyond, free, 1, QUICK)
        costs[b] = misfit(ink, x, ways[b], pens)
    best, least = ways[np.argmin(costs)].copy(), costs.min()
    new_points, new_counts = np.zeros((_ROOM, *state[1:])), np.zeros((_ROOM, n_strokes), np.int64)
    new_ways, new_costs = np.zeros((_ROOM, n_strokes, n)), np.full(_ROOM, np.inf)
    stale = False
    for _ in range(STEPS):
        found = 0
        for b in range(kept):
            found = _tried(
                ink, x, y, pens, first, last, ends, ways[b], points[b], counts[b],
                new_points, new_counts, found,
            )  # fmt: skip
        for i in range(found):
            lines = _lines(x, y, first, last, new_points[i], new_counts[i])
            new_ways[i] = fit_together(ink, x, lines, pens, beyond, free, 1, QUICK)
            new_costs[i] = misfit(ink, x, new_ways[i], pens)
        if found == 0:
            break
        kept = 0
        for i in np.argsort(new_costs[:found]):
            if kept == KEPT:
                break
            if kept == 0 or new_costs[i] - costs[kept - 1] > LIKE:
                points[kept], counts[kept] = new_points[i], new_counts[i]
                ways[kept], costs[kept] = new_ways[i], new_costs[i]
                kept += 1
        if costs[0] < least - BETTER:
            best, least, stale = ways[0].copy(), costs[0], False
        elif stale:
            break
        else:
            stale = True
    return best, least


@njit(cache=True)
def _turning_points(
    x: FloatArray, y: FloatArray, inside: IntArray, pen: float, points: FloatArray
) -> int:
    """Write where a way turns up or down by more than the pen's width; how many points."""
    count, heading, at = 0, 0, inside[0]
    start = y[at]
    for i in inside:
        if heading == 0:
            if abs(y[i] - start) > pen:
                heading, at = (1 if y[i] > start else -1), i
        elif heading * (y[i] - y[at]) > 0:
            at = i
        elif heading * (y[at] - y[i]) > pen:
            if count < len(points):
                points[count, 0], points[count, 1] = x[at], y[at]
                count += 1
            heading, at = -heading, i
    return count


@njit(cache=True)
def _line(
    x: FloatArray, y: FloatArray, first: int, last: int, points: FloatArray, count: int
) -> FloatArray:
    """A way (n,) as it is up to `first` and from `last` on, and straight between the points."""
    line = y.copy()
    ahead_x, ahead_y = x[first], y[first]
    i = first
    for p in range(count + 1):
        to_x = x[last] if p == count else points[p, 0]
        to_y = y[last] if p == count else points[p, 1]
        to_x = max(to_x, ahead_x + AHEAD_PX)
        while i < last and x[i] <= to_x:
            line[i] = ahead_y + (to_y - ahead_y) * (x[i] - ahead_x) / (to_x - ahead_x)
            i += 1
        ahead_x, ahead_y = to_x, to_y
    return line


@njit(cache=True)
def _lines(
    x: FloatArray, y: FloatArray, first: int, last: int, points: FloatArray, counts: IntArray
) -> FloatArray:
    """`_line` of all strokes, float64 (K, n)."""
    lines = np.empty_like(y)
    for k in range(len(y)):
        lines[k] = _line(x, y[k], first, last, points[k], counts[k])
    return lines


@njit(cache=True)
def _with(points: FloatArray, count: int, point: FloatArray, to: FloatArray) -> int:
    """Write the points with one more, in order of x, and without those in its column."""
    n, put = 0, False
    for p in range(count):
        if abs(points[p, 0] - point[0]) < APART_PX:
            continue
        if not put and points[p, 0] > point[0] and n < len(to):
            to[n], put, n = point, True, n + 1
        if n < len(to):
            to[n], n = points[p], n + 1
    if not put and n < len(to):
        to[n], n = point, n + 1
    return n


@njit(cache=True)
def _without(points: FloatArray, count: int, left_out: int, several: int, to: FloatArray) -> int:
    """Write the points but for several from one on."""
    n = 0
    for p in range(count):
        if not left_out <= p < left_out + several:
            to[n], n = points[p], n + 1
    return n


@njit(cache=True)
def _with_lines(
    ink: Coverage,
    others: Coverage,
    x: FloatArray,
    lines: FloatArray,
    pens: FloatArray,
    under: Coverage,
    at: IntArray,
) -> float:
    """What strokes (k, n), drawn over others, change of the misfit; the others stay as they are.

    `under` and `at` are room for what the pixels were before and which they are.
    """
    total, n = 0.0, 0
    for k in range(len(lines)):
        change, n = draw_over(others, ink, x, lines[k], pens[k], under, at, n)
        total += change + bends(lines[k])
    pixels = others.reshape(-1)
    for i in range(n - 1, -1, -1):  # a pixel may have been drawn twice
        pixels[at[i]] = under[i]
    return total


@njit(cache=True)
def _tried(
    ink: Coverage,
    x: FloatArray,
    y: FloatArray,
    pens: FloatArray,
    first: int,
    last: int,
    ends: FloatArray,
    ways: FloatArray,
    points: FloatArray,
    counts: IntArray,
    new_points: FloatArray,
    new_counts: IntArray,
    found: int,
) -> int:
    """Write what is worth a fit of all that differs from one drawing by a point or an exchange.

    Strokes that change are compared as lines, before and after: so all are judged alike.
    """
    n_strokes, n_ends = len(y), len(ends)
    lines = _lines(x, y, first, last, points, counts)
    # A change: of which stroke, which end (or point, from n_ends on), to which other stroke, and
    # how many points of the two are exchanged, from that point on; or the first point of a SPIKE.
    room = n_strokes * (n_ends + MOST_POINTS * (1 + n_strokes + 2 * EXCHANGED * n_strokes))
    change, promise = np.zeros((room, 4), np.int64), np.full(room, np.inf)
    changed, of_both = np.zeros((2, MOST_POINTS, 2)), np.zeros(2, np.int64)
    under, at = np.empty(4 * ink.size, np.float32), np.empty(4 * ink.size, np.int64)
    n = 0
    for k in range(n_strokes):
        others = drawn_but(ink.shape, x, ways, pens, k, -1)
        now = _with_lines(ink, others, x, lines[k : k + 1], pens[k : k + 1], under, at)
        for i in range(n_ends + counts[k]):
            count = _changed(points, counts, ends, k, i, changed[0])
            line = _line(x, y[k], first, last, changed[0], count)
            after = _with_lines(ink, others, x, line.reshape(1, -1), pens[k : k + 1], under, at)
            change[n, 0], change[n, 1], change[n, 2], promise[n] = k, i, k, after - now
            n += 1
        for p in range(counts[k] - 1):  # a spike: there and back
            count = _without(points[k], counts[k], p, 2, changed[0])
            line = _line(x, y[k], first, last, changed[0], count)
            after = _with_lines(ink, others, x, line.reshape(1, -1), pens[k : k + 1], under, at)
            change[n, 0], change[n, 1], change[n, 2], change[n, 3] = k, p, k, SPIKE
            promise[n] = after - now
            n += 1
        for other in range(n_strokes):  # a point to another stroke
            if other == k or counts[k] == 0:
                continue
            both = np.array([k, other])
            others = drawn_but(ink.shape, x, ways, pens, k, other)
            now = _with_lines(ink, others, x, lines[both], pens[both], under, at)
            for p in range(counts[k]):
                count = _without(points[k], counts[k], p, 1, changed[0])
                more = _with(points[other], counts[other], points[k, p], changed[1])
                two = np.empty((2, len(x)))
                two[0] = _line(x, y[k], first, last, changed[0], count)
                two[1] = _line(x, y[other], first, last, changed[1], more)
                after = _with_lines(ink, others, x, two, pens[both], under, at)
                change[n, 0], change[n, 1], change[n, 2] = k, n_ends + p, other
                promise[n] = after - now
                n += 1
        for other in range(k):  # points of both are exchanged
            if counts[k] + counts[other] == 0:
                continue
            both = np.array([k, other])
            others = drawn_but(ink.shape, x, ways, pens, k, other)
            now = _with_lines(ink, others, x, lines[both], pens[both], under, at)
            two = np.empty((2, len(x)))
            for p in range(counts[k] + counts[other]):
                for several in range(2, min(EXCHANGED, counts[k] + counts[other] - p) + 1):
                    _exchanged(points, counts, k, other, p, several, changed, of_both)
                    if of_both.max() == MOST_POINTS:
                        continue
                    two[0] = _line(x, y[k], first, last, changed[0], of_both[0])
                    two[1] = _line(x, y[other], first, last, changed[1], of_both[1])
                    after = _with_lines(ink, others, x, two, pens[both], under, at)
                    change[n, 0], change[n, 1], change[n, 2], change[n, 3] = k, p, other, several
                    promise[n] = after - now
                    n += 1
    for which in np.argsort(promise[:n])[:FITTED]:
        if found == _ROOM:
            break
        k, i, other, several = change[which]
        new_points[found], new_counts[found] = points, counts
        if several == SPIKE:
            new_counts[found, k] = _without(points[k], counts[k], i, 2, new_points[found, k])
            found += 1
            continue
        if several > 0:
            _exchanged(points, counts, k, other, i, several, changed, of_both)
            new_points[found, k], new_points[found, other] = changed[0], changed[1]
            new_counts[found, k], new_counts[found, other] = of_both
            found += 1
            continue
        new_counts[found, k] = _changed(points, counts, ends, k, i, new_points[found, k])
        if other != k:
            new_counts[found, other] = _with(
                points[other], counts[other], points[k, i - n_ends], new_points[found, other]
            )
        found += 1
    return found


@njit(cache=True)
def _exchanged(
    points: FloatArray,
    counts: IntArray,
    k: int,
    other: int,
    start: int,
    several: int,
    to: FloatArray,
    n_to: IntArray,
) -> None:
    """Write the points of two strokes, some of them to the other one.

    Args:
        points: float64 (K, MOST_POINTS, 2), of all strokes.
        counts: int64 (K,), how many each has.
        k: Number of the one.
        other: Of the other.
        start: Of the points of both, in order of x, the first that changes hands …
        several: … and how many do.
        to: float64 (2, MOST_POINTS, 2): `k`'s points then, and the other's.
        n_to: int64 (2,): how many.
    """
    i, j = 0, 0
    n_to[:] = 0
    for at in range(counts[k] + counts[other]):
        of_k = j >= counts[other] or (i < counts[k] and points[k, i, 0] <= points[other, j, 0])
        point = points[k, i] if of_k else points[other, j]
        i, j = (i + 1, j) if of_k else (i, j + 1)
        stays = not start <= at < start + several
        side = 0 if of_k == stays else 1
        # In place: points come in order of x, so that each is added at the end.
        n_to[side] = _with(to[side], n_to[side], point, to[side])


@njit(cache=True)
def _changed(
    points: FloatArray, counts: IntArray, ends: FloatArray, k: int, i: int, to: FloatArray
) -> int:
    """Write the points of stroke `k` with end `i`, or without point `i` − number of ends."""
    if i < len(ends):
        return _with(points[k], counts[k], ends[i], to)
    return _without(points[k], counts[k], i - len(ends), 1, to)

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
    BEND,
    bends,
    drawn_but,
    fit_together,
    misfit,
)
from ecg_overlap.digitize.paths.outlines import by_column, line, more_than_before, outline
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.traces.runs import IntArray

MOST_POINTS = 14  # of one stroke: three beats' worth
APART_PX = 0.6  # two points of one stroke are no nearer in x: one column has one
EXCHANGED = 4  # points of two strokes, at most, that are exchanged at once
# What is done to one stroke: it goes through one of the ends; a point is left out; two are at once.
ADDED, LEFT_OUT, SPIKE = 0, -1, -2
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
    bend: float,
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
        bend: As of `misfit`.
    """
    n_strokes, n = y.shape
    like, better = LIKE * bend / BEND, BETTER * bend / BEND
    inside = np.flatnonzero(free)
    first, last = inside[0] - 1, inside[-1] + 1
    state = (KEPT, n_strokes, MOST_POINTS, 2)
    points, counts = np.zeros(state), np.zeros((KEPT, n_strokes), np.int64)
    ways, costs = np.zeros((KEPT, n_strokes, n)), np.full(KEPT, np.inf)
    for k in range(n_strokes):
        counts[0, k] = _turning_points(x, y[k], inside, pens[k], points[0, k])
    once, quick = int(1), int(QUICK)  # noqa: UP018, RUF046 (data_gen.compiled)
    kept = 2  # the turning points of the guess, and straight lines
    for b in range(kept):
        lines = _lines(x, y, first, last, points[b], counts[b])
        ways[b] = fit_together(ink, x, lines, pens, beyond, free, bend, once, quick)
        costs[b] = misfit(ink, x, ways[b], pens, bend)
    best, least = ways[np.argmin(costs)].copy(), costs.min()
    new_points, new_counts = np.zeros((_ROOM, *state[1:])), np.zeros((_ROOM, n_strokes), np.int64)
    new_ways, new_costs = np.zeros((_ROOM, n_strokes, n)), np.full(_ROOM, np.inf)
    stale = False
    for _ in range(STEPS):
        found = int(0)  # noqa: UP018, RUF046
        for b in range(kept):
            found = _tried(
                ink, x, y, pens, first, last, ends, ways[b], points[b], counts[b],
                bend, new_points, new_counts, found,
            )  # fmt: skip
        for i in range(found):
            lines = _lines(x, y, first, last, new_points[i], new_counts[i])
            new_ways[i] = fit_together(ink, x, lines, pens, beyond, free, bend, once, quick)
            new_costs[i] = misfit(ink, x, new_ways[i], pens, bend)
        if found == 0:
            break
        kept = 0
        for i in np.argsort(new_costs[:found]):
            if kept == KEPT:
                break
            if kept == 0 or new_costs[i] - costs[kept - 1] > like:
                points[kept], counts[kept] = new_points[i], new_counts[i]
                ways[kept], costs[kept] = new_ways[i], new_costs[i]
                kept += 1
        if costs[0] < least - better:
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
def _lines(
    x: FloatArray, y: FloatArray, first: int, last: int, points: FloatArray, counts: IntArray
) -> FloatArray:
    """`line` of all strokes, float64 (K, n)."""
    lines = np.empty_like(y)
    for k in range(len(y)):
        lines[k] = line(x, y[k], first, last, points[k], counts[k])
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
    bend: float,
    new_points: FloatArray,
    new_counts: IntArray,
    found: int,
) -> int:
    """Write what is worth a fit of all that differs from one drawing by one change.

    Strokes that change are compared as lines, before and after: so all are judged alike.
    """
    changes = _changes(counts, len(ends))
    promise = np.empty(len(changes))
    room = (2, len(x) + MOST_POINTS)
    before, after = np.zeros((len(y), *room)), np.zeros((2, *room))
    n_before, n_after = np.zeros(len(y), np.int64), np.zeros(2, np.int64)
    bent = np.zeros(len(y))
    for k in range(len(y)):
        n_before[k] = outline(x, y[k], first, last, points[k], counts[k], before[k])
        bent[k] = bends(line(x, y[k], first, last, points[k], counts[k]), bend)
    under, at = np.empty(4 * ink.size, np.float32), np.empty(4 * ink.size, np.int64)
    to, n_to = np.zeros((2, MOST_POINTS, 2)), np.zeros(2, np.int64)
    of, others, now = np.zeros(0, np.int64), np.zeros_like(ink), np.zeros(0)
    for n in range(len(changes)):
        k, other = changes[n, 0], changes[n, 1]
        if n == 0 or k != changes[n - 1, 0] or other != changes[n - 1, 1]:
            of = np.array([k]) if other < 0 else np.array([k, other])
            others = drawn_but(ink.shape, x, ways, pens, k, other)
            now = by_column(ink, others, before[of], n_before[of], pens[of])
        _changed(points, counts, ends, changes[n], to, n_to)
        if other >= 0 and n_to.max() == MOST_POINTS:  # one may have lost a point
            promise[n] = np.inf
            continue
        promise[n] = -bent[of].sum()
        for i in range(len(of)):
            n_after[i] = outline(x, y[of[i]], first, last, to[i], n_to[i], after[i])
            promise[n] += bends(line(x, y[of[i]], first, last, to[i], n_to[i]), bend)
        promise[n] += more_than_before(
            ink, others, before[of], n_before[of], now, after, n_after, pens[of], under, at
        )
    for n in np.argsort(promise)[:FITTED]:
        if found == len(new_points) or promise[n] == np.inf:
            break
        _changed(points, counts, ends, changes[n], to, n_to)
        new_points[found], new_counts[found] = points, counts
        for i in range(1 if changes[n, 1] < 0 else 2):
            k = changes[n, i]
            new_points[found, k], new_counts[found, k] = to[i], n_to[i]
        found += 1
    return found


@njit(cache=True)
def _changes(counts: IntArray, n_ends: int) -> IntArray:
    """All that can be changed in strokes of so many points, int64 (n, 4), in order of the strokes.

    Of each: which stroke; the other one, if their points are exchanged, or -1; how many points go,
    or what is done to the one stroke: ADDED, LEFT_OUT, SPIKE; and the first point, or the end.
    """
    n_strokes = len(counts)
    changes = np.empty(
        (n_strokes * (n_ends + 2 * MOST_POINTS * (1 + n_strokes * EXCHANGED)), 4), np.int64
    )
    n = 0
    for k in range(n_strokes):
        for what, choices in ((ADDED, n_ends), (LEFT_OUT, counts[k]), (SPIKE, counts[k] - 1)):
            for i in range(choices):
                changes[n, 0], changes[n, 1], changes[n, 2], changes[n, 3] = k, -1, what, i
                n += 1
        for other in range(k):
            both = counts[k] + counts[other]
            for i in range(both):
                for several in range(1, min(EXCHANGED, both - i) + 1):
                    changes[n, 0], changes[n, 1] = k, other
                    changes[n, 2], changes[n, 3] = several, i
                    n += 1
    return changes[:n]


@njit(cache=True)
def _changed(
    points: FloatArray,
    counts: IntArray,
    ends: FloatArray,
    change: IntArray,
    to: FloatArray,
    n_to: IntArray,
) -> None:
    """Write the points of the one stroke and of the other after a change, as `_exchanged` does."""
    k, other, what, i = change
    if what == ADDED:
        n_to[0] = _with(points[k], counts[k], ends[i], to[0])
    elif other < 0:
        several = 1 if what == LEFT_OUT else 2
        n_to[0] = _without(points[k], counts[k], i, several, to[0])
    else:
        _exchanged(points, counts, k, other, i, what, to, n_to)


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

"""Each trace's own rows of runs that several traces go through."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.runs import IntArray

LEAST_STROKE = 0.6  # of the pen's width: what is left of a run at the least
LOOSE_STROKE = 0.7  # of the pen's width: less of a shared run may stay without a trace


def own_rows(
    chosen: IntArray, row: IntArray, pen_px: float, lettered: NDArray[np.bool_] | None = None
) -> IntArray:
    """First row and the one after the last of each trace in each column, int64 (K, W, 2).

    In a run of its own, a trace has all of it. In a shared one, it has what lies between its places
    to both sides, where it was alone last and will be alone next. Ink of the run that no trace has
    then goes to the one that moves most: steep strokes are what leaves ink over. Where a letter
    shares the run too, it goes to none.

    Args:
        chosen: int64 (K, W), each trace's run in each column; negative where it has none.
        row: int64 (m, 2), the runs' first row and the one after their last.
        pen_px: The strokes' usual width.
        lettered: bool (m,): runs that hold a printed letter beside traces; None: none.
    """
    with_letter = np.zeros(len(row), np.bool_) if lettered is None else lettered
    own: IntArray = _own_rows(chosen, row, pen_px, with_letter)
    return own


@njit(cache=True)
def _own_rows(
    chosen: IntArray, row: IntArray, pen_px: float, lettered: NDArray[np.bool_]
) -> IntArray:
    n_traces, width = chosen.shape
    own = np.full((n_traces, width, 2), -1)
    shared = np.zeros((n_traces, width), np.bool_)
    for c in range(width):
        for k in range(n_traces):
            if chosen[k, c] >= 0:
                own[k, c] = row[chosen[k, c]]
                shared[k, c] = lettered[chosen[k, c]]
                for other in range(n_traces):
                    if other != k and chosen[other, c] == chosen[k, c]:
                        shared[k, c] = True
    for k in range(n_traces):
        _between(own[k], chosen[k], shared[k], row, pen_px)
    for c in range(width):
        for k in range(n_traces):
            if not shared[k, c] or lettered[chosen[k, c]]:
                continue
            if not (chosen[:k, c] == chosen[k, c]).any():  # once for each run
                _hand_out(own[:, c], chosen[:, c], chosen[k, c], row[chosen[k, c]], pen_px)
    return own


@njit(cache=True)
def _between(own: IntArray, chosen: IntArray, shared: IntArray, row: IntArray, pen: float) -> None:
    """Narrow one trace's rows (W, 2) in shared columns to those between its places beside them."""
    width = len(own)
    least = LEAST_STROKE * pen
    following = np.full(width + 1, -1)  # the next column in which the trace is alone
    for c in range(width - 1, -1, -1):
        alone = chosen[c] >= 0 and not shared[c]
        following[c] = c if alone else following[c + 1]
    before = -1
    for c in range(width):
        if chosen[c] >= 0 and not shared[c]:
            before = c
        if not shared[c] or (before < 0 and following[c] < 0):
            continue
        first, last = row[chosen[c]]
        high, low = np.int64(1 << 40), np.int64(-1)
        for beside in (before, following[c]):
            if beside >= 0:
                high = min(high, row[chosen[beside], 0])
                low = max(low, row[chosen[beside], 1])
        a, b = max(first, high), min(last, low)
        if b - a < least:  # its place is outside of the run, or thinner than the pen
            whole = int(pen + 0.5)
            if high >= last:
                a, b = max(first, last - whole), last
            elif low <= first:
                a, b = first, min(last, first + whole)
            else:
                middle = (a + b) / 2
                a, b = max(first, int(middle - pen / 2)), min(last, int(middle + pen / 2 + 1))
        own[c, 0], own[c, 1] = a, b


@njit(cache=True)
def _hand_out(own: IntArray, chosen: IntArray, run: int, row: IntArray, pen: float) -> None:
    """Give a shared run's ink that no trace has to one of them: own rows (K, 2) of one column.

    Ink beyond all traces goes to the one that moves most, though it leads through another; ink
    between two to the one of them that moves more.
    """
    least = LOOSE_STROKE * pen
    mover = _mover(own, chosen, run)
    if own[chosen == run, 0].min() - row[0] > least:
        own[mover, 0] = row[0]
    if row[1] - own[chosen == run, 1].max() > least:
        own[mover, 1] = row[1]
    start = row[0]
    while start < row[1]:
        grown = True
        while grown:  # down to where no trace goes on
            grown = False
            for k in range(len(chosen)):
                if chosen[k] == run and own[k, 0] <= start + least and own[k, 1] > start:
                    start, grown = own[k, 1], True
        stop = row[1]
        for k in range(len(chosen)):
            if chosen[k] == run and own[k, 0] > start:
                stop = min(stop, own[k, 0])
        if stop == row[1]:
            return
        above = _mover(own, np.where(own[:, 1] == start, chosen, -1), run)
        below = _mover(own, np.where(own[:, 0] == stop, chosen, -1), run)
        if above >= 0 and _rows(own, above) >= _rows(own, below):
            own[above, 1] = stop
        else:
            own[below, 0] = start
        start = stop


@njit(cache=True)
def _rows(own: IntArray, k: int) -> int:
    """How many rows trace `k` has."""
    return int(own[k, 1] - own[k, 0])


@njit(cache=True)
def _mover(own: IntArray, chosen: IntArray, run: int) -> int:
    """The trace in a run that has most rows of its own; -1 where no trace is in it."""
    most = -1
    for k in range(len(chosen)):
        if chosen[k] == run and (most < 0 or _rows(own, k) > _rows(own, most)):
            most = k
    return most


def visited(chosen: IntArray, row: IntArray, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The runs that some traces go through, uint8 (H, W), 0 or 255.

    Args:
        chosen: int64 (K, W), each trace's run in each column; negative where it has none.
        row: int64 (m, 2), the runs' first row and the one after their last.
        shape: (H, W).
    """
    picture = np.zeros(shape, np.uint8)
    for of_trace in chosen:
        for c in np.flatnonzero(of_trace >= 0):
            picture[slice(*row[of_trace[c]]), c] = 255
    return picture

"""Two strokes that touch twice: whether they cross both times, or bounce off each other.

The ink is nearly the same either way. But both would have to turn just where they touch, twice: the
prior against bends tells. A search that moves single points hardly gets from the one to the other.
"""

import itertools

import numpy as np

from ecg_overlap.digitize.paths.meeting import MOST_TRACES, Window, fitted, misfit_of
from ecg_overlap.digitize.paths.path import FloatArray

LEAST = 0.01  # misfit that it must save: more than rounding
SAVES = 3.0  # misfit that a fit of changed ways saves, at the most (a guess)
MOST_TOUCHES = 6  # of two strokes, the nearest: a stroke that runs within another has many


def crossed(window: Window, ways: FloatArray) -> FloatArray:
    """The ways, two of them changed over between two touches wherever that gives the ink better.

    Args:
        window: Of a meeting.
        ways: float64 (K, n), as `fitted` leaves them.
    """
    least = misfit_of(window, ways)
    better = len(ways) <= MOST_TRACES
    while better:
        better = False
        for a, b in itertools.combinations(range(len(ways)), 2):
            for begin, end in itertools.combinations(_touches(window, ways, a, b), 2):
                if not window.seen[[a, b], begin:end].all():
                    continue
                other = ways.copy()
                other[[a, b], begin:end] = ways[[b, a], begin:end]
                if misfit_of(window, other) < least + SAVES:
                    other = fitted(window, other)
                    here = misfit_of(window, other)
                    if here < least - LEAST:
                        ways, least, better = other, here, True
    return ways


def _touches(window: Window, ways: FloatArray, a: int, b: int) -> list[int]:
    """The knots at which two strokes are nearest to each other, ascending."""
    apart = np.abs(ways[a] - ways[b])
    near = apart[1:-1] <= np.minimum(apart[:-2], apart[2:])
    # Of steep strokes the rows differ by more than the pen within one knot.
    steps = np.abs(np.diff(ways[[a, b]])).max(axis=0)
    reach = window.pens[[a, b]].mean() + np.maximum(steps[:-1], steps[1:])
    at = np.flatnonzero(near & (apart[1:-1] < reach) & window.free[1:-1]) + 1
    nearest = at[np.argsort(apart[at], kind="stable")[:MOST_TOUCHES]]
    return sorted(int(knot) for knot in nearest)

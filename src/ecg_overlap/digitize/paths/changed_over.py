"""Two strokes that meet twice: whether they cross, or bounce off each other, in both meetings.

What lies between the two meetings is the same ink either way, and so is a meeting by itself, as
the ways are held where it ends. Only both changes together make two crossings of two bounces.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from ecg_overlap.digitize.paths.meeting import (
    FREE_PX,
    MOST_TRACES,
    Meeting,
    Window,
    fitted,
    misfit_of,
    window_of,
    with_ways,
)
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.traces.joint import Traces

MOST_MM = 3.0  # of two meetings that are looked at together: the flanks of a QRS complex


def changed_over(traces: Traces, paths: Sequence[Path], meetings: Sequence[Meeting]) -> list[Path]:
    """The paths, two of them changed over between two meetings where that gives the ink better.

    Args:
        traces: Of the picture.
        paths: Of each of them, visitors too.
        meetings: Where they share ink, from left to right.
    """
    found = list(paths)
    most = round(MOST_MM * traces.px_per_mm)
    for i, first in enumerate(meetings):
        for second in meetings[i + 1 :]:
            if second.stop - first.first > most:
                break
            # All that share ink in either are drawn: with two alone, a third one's would be theirs.
            everyone = tuple(sorted({*first.traces, *second.traces}))
            both = [k for k, of in enumerate(everyone) if of in first.traces]
            both = [k for k in both if everyone[k] in second.traces]
            if len(everyone) > MOST_TRACES:
                continue
            whole = Meeting(first.first, second.stop, everyone)
            for pair in itertools.combinations(both, 2):
                window = window_of(traces, found, whole)
                if window is None:
                    break
                kept = fitted(window, window.y)
                other = fitted(window, _swapped(window, first, second, list(pair)))
                if misfit_of(window, other) < misfit_of(window, kept):
                    found = with_ways(found, window, other)
    return found


def _swapped(window: Window, first: Meeting, second: Meeting, pair: list[int]) -> FloatArray:
    """Ways (K, n) of which two are each other's between where they come nearest in two meetings."""
    apart = np.abs(window.y[pair[0]] - window.y[pair[1]])
    columns = window.x + window.left
    cuts = []
    for meeting in (first, second):
        there = (columns >= meeting.first - FREE_PX) & (columns < meeting.stop + FREE_PX)
        cuts.append(int(np.where(there, apart, np.inf).argmin()))
    ways = window.y.copy()
    between = slice(cuts[0] + 1, cuts[1])
    ways[pair, between] = window.y[pair[::-1], between]
    return ways

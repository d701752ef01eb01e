"""Two strokes that meet twice: whether they cross in both meetings, or bounce off each other.

The ink is the same either way. A meeting that is fitted alone cannot cross, as its strokes are held
on both sides of it. Only if both meetings change do two bounces become two crossings.
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
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.joint import Traces

# Of two meetings that are looked at together: the flanks of a QRS complex. Up to 8 mm, and with the
# two strokes drawn alone, 30 leads of fold 9 with a contact of .25 had 1.6 dB less than without.
MOST_MM = 3.0
LEAST = 0.01  # misfit that it must save: more than rounding


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
            # All that share ink in either are drawn, or a third one's ink would be these two's.
            everyone = tuple(sorted({*first.traces, *second.traces}))
            if len(everyone) > MOST_TRACES:
                continue
            both = [
                k for k, of in enumerate(everyone) if {of} <= {*first.traces} & {*second.traces}
            ]
            whole = Meeting(first.first, second.stop, everyone)
            for pair in itertools.combinations(both, 2):
                window = window_of(traces, found, whole)
                if window is None:
                    break
                begin, end = _cuts(window, first, second, *pair)
                if begin >= end:  # the one meeting lies within the other
                    continue
                if not all(_in_sight(found[everyone[k]], window, begin, end) for k in pair):
                    continue
                ways = window.y.copy()
                ways[list(pair), begin:end] = window.y[list(pair[::-1]), begin:end]
                kept, other = fitted(window, window.y), fitted(window, ways)
                if misfit_of(window, other) < misfit_of(window, kept) - LEAST:
                    found = with_ways(found, window, other)
    return found


def _cuts(window: Window, first: Meeting, second: Meeting, a: int, b: int) -> tuple[int, int]:
    """From which to before which knot two strokes change over: where they are nearest in each."""
    apart = np.abs(window.y[a] - window.y[b])
    columns = window.x + window.left
    cuts = []
    for meeting in (first, second):
        there = (columns >= meeting.first - FREE_PX) & (columns < meeting.stop + FREE_PX)
        cuts.append(int(np.where(there, apart, np.inf).argmin()))
    return cuts[0] + 1, cuts[1]


def _in_sight(path: Path, window: Window, begin: int, end: int) -> bool:
    """Whether a path is seen all the way between two knots, and not beyond the picture's edge."""
    x = path.x_px - window.left
    between = (x >= window.x[begin]) & (x <= window.x[end])
    return bool(np.isfinite(path.y_px[between]).all())

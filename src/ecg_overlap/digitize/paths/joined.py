"""Meetings near each other, drawn as one: what neither can mend while it is held at its ends."""

from collections.abc import Sequence

from ecg_overlap.digitize.paths.crossed import LEAST, crossed
from ecg_overlap.digitize.paths.meeting import (
    MOST_TRACES,
    Meeting,
    explained,
    fitted,
    misfit_of,
    window_of,
    with_ways,
)
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.searched import searched
from ecg_overlap.digitize.traces.joint import Traces

# Of two meetings that are looked at together: the flanks of a QRS complex. Up to 8 mm, and with the
# two strokes drawn alone, 30 leads of fold 9 with a contact of .25 had 1.6 dB less than without.
MOST_MM = 3.0


def joined(traces: Traces, paths: Sequence[Path], meetings: Sequence[Meeting]) -> list[Path]:
    """The paths, each two near meetings drawn together where that gives the ink better.

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
            if len(everyone) > MOST_TRACES or not {*first.traces} & {*second.traces}:
                continue
            window = window_of(traces, found, Meeting(first.first, second.stop, everyone))
            if window is None:
                continue
            way = fitted(window, window.y)
            other = way if explained(window, way) else searched(window, way)
            other = crossed(window, other)
            least = min(misfit_of(window, window.y), misfit_of(window, way))
            if misfit_of(window, other) < least - LEAST:
                found = with_ways(found, window, other)
    return found

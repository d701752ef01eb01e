"""All traces' strokes drawn together where they run together: who has which ink of a shared run.

Each trace was decoded from the ink that is likely its own. Where several are in one run of ink,
that was a guess. There the strokes are drawn into one picture, and go as they must to give the ink.
One beat is like the next: what was found in one meeting is tried in the others of the same traces.
"""

from collections.abc import Sequence

import numpy as np

from ecg_overlap.digitize.paths.crossed import crossed
from ecg_overlap.digitize.paths.drawn import difference, drawn_but
from ecg_overlap.digitize.paths.joined import joined
from ecg_overlap.digitize.paths.meeting import (
    BETTER,
    Window,
    explained,
    fitted,
    meetings,
    misfit_of,
    window_of,
    with_ways,
)
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.paths.searched import searched
from ecg_overlap.digitize.paths.visitor import visitor
from ecg_overlap.digitize.traces.joint import Traces

# Set by hand on 14 drawn pages of fold 9 (benchmarks/contacts.py --n 24), and on 6 finer ones.
WIDEST_MM = 8.0  # of a meeting in which ways are tried: a wide QRS complex; longer ones are fitted
PASSES = 2  # a meeting is held at its ends by its neighbours', which may be right the second time
TRIED = 2  # beats for each of which ways are looked for, and whose ways are then tried in others …
AS_GOOD = 1.3  # … where nothing is looked for if they are as good, up to this factor, there
SHIFTS_PX = np.arange(-3.0, 3.01, 0.5)  # by which another beat's ways are moved


def redrawn(traces: Traces, paths: Sequence[Path]) -> list[Path]:
    """The paths, drawn together where traces share their ink.

    Args:
        traces: Of the picture.
        paths: Of each of them, as decoded from its own ink.
    """
    height = len(traces.cover)
    return [path.in_sight(height) for path in redrawn_with_visitors(traces, paths)[: len(paths)]]


def redrawn_with_visitors(traces: Traces, paths: Sequence[Path]) -> list[Path]:
    """As `redrawn`, and further the paths of traces from above and from below the picture.

    Where a trace is beyond the edge, so is its path.
    """
    n = len(paths)
    pen = np.nanmedian([traces.pen_px, *(path.width_px for path in paths)])
    found = [*paths, *(visitor(traces, k, float(pen)) for k in (n, n + 1))]
    for _ in range(PASSES):
        found = _drawn_again(traces, found)
    return found


def _drawn_again(traces: Traces, paths: Sequence[Path]) -> list[Path]:
    """The paths, those of visitors too, as each meeting's ink has it; near meetings then as one."""
    windows = [window_of(traces, paths, meeting) for meeting in meetings(traces)]
    solved: list[tuple[Window, FloatArray]] = []
    for window in windows:
        if window is not None:
            solved.append((window, _ways(window, _alike(window, solved), traces.px_per_mm)))
    found = list(paths)
    for window, ways in solved:
        others = [other for other in _alike(window, solved) if other[0] is not window]
        found = with_ways(found, window, _of_beats(window, ways, others))
    return joined(traces, found, [window.meeting for window, _ in solved])


def _alike(
    window: Window, solved: Sequence[tuple[Window, FloatArray]]
) -> list[tuple[Window, FloatArray]]:
    """The meetings of the same traces."""
    return [each for each in solved if each[0].meeting.traces == window.meeting.traces]


def _ways(
    window: Window, alike: Sequence[tuple[Window, FloatArray]], px_per_mm: float
) -> FloatArray:
    """How the strokes of a meeting go, float64 (K, n)."""
    way = fitted(window, window.y)
    width_mm = (window.meeting.stop - window.meeting.first) / px_per_mm
    if explained(window, way) or width_mm > WIDEST_MM:
        return way
    way = _of_beats(window, way, alike)
    if len(alike) >= TRIED:
        usual = min(misfit_of(*other) for other in alike)
        if misfit_of(window, way) < AS_GOOD * usual:
            return way
    return crossed(window, searched(window, way))


def _of_beats(
    window: Window, way: FloatArray, alike: Sequence[tuple[Window, FloatArray]]
) -> FloatArray:
    """A meeting's ways, or those of another beat where they give its ink better."""
    least = misfit_of(window, way)
    for other in sorted(alike, key=lambda each: misfit_of(*each))[:TRIED]:
        moved = fitted(window, _moved(window, *other))
        here = misfit_of(window, moved)
        if here < least - BETTER:
            least, way = here, moved
    return way


def _moved(window: Window, other: Window, ways: FloatArray) -> FloatArray:
    """Another beat's ways in this window, at the shift at which they give its ink best."""
    inside = np.flatnonzero(window.free)
    # From the left edge of the one meeting to that of the other.
    offset = (other.meeting.first - other.left) - (window.meeting.first - window.left)
    best, least = window.y, np.inf
    for shift in SHIFTS_PX:
        y = window.y.copy()
        for k, way in enumerate(ways):
            there = window.x[inside] + offset - shift
            known = (there >= other.x[0]) & (there <= other.x[-1])
            raised = window.y[k, inside[0]] - np.interp(there[0], other.x, way)
            y[k, inside[known]] = np.interp(there[known], other.x, way) + raised
        drawn = drawn_but(window.ink.shape, window.x, y, window.pens, -1, -1)
        here = difference(window.ink, drawn)
        if here < least:
            best, least = y, here
    beyond = window.beyond[:, None]
    return np.clip(best, -beyond, len(window.ink) - 1 + beyond)

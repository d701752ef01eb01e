"""One beat is like the next: the ways that give most beats' ink are taken in the odd ones too.

Where several QRS complexes make one bar, what gives a beat's ink best need not be right, and it is
wrong in another way in each beat. The right ways give the ink of all beats. Beats that are cut off
by the picture's edge, look otherwise, or have another trace's ink in their meetings are left out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg_overlap.digitize.paths.meeting import (
    ANCHOR_PX,
    MOST_TRACES,
    Meeting,
    Window,
    fitted,
    meetings,
    misfit_of,
    window_of,
    with_ways,
)
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.traces.beats import AROUND_MM, LEAST_BEATS, find_beats
from ecg_overlap.digitize.traces.joint import Traces

# Misfit of the ways that most beats agree on, over that of a beat's own, up to which the beat has
# them. Of 1, 1.1 and 1.25, chosen on leads of fold 9 (experiments/joint_tracing).
AS_GOOD = 1.25
# What follows was set by hand once and is a guess.
HALF_MM = 4.0  # before and after a beat, at the most: its QRS complex
MOST_BEATS = 0.8  # of them, on each side, whose meetings are in the stretch that is looked at
OFTEN = 1 / 3  # of the beats in which any traces meet: so often one meets others to be drawn
LEVEL_MM, LEVEL_POINTS = 2.0, 12  # on each side of the stretch, where traces' heights are compared
TRIED = 3  # beats whose ways are tried in all others: the best explained; six give the same


@dataclass(frozen=True)
class _Beat:
    """One beat's stretch.

    Args:
        column: Of the beat.
        window: Its ink, and the traces' strokes in it.
        level_px: float64 (K,): the traces' rows beside it.
    """

    column: int
    window: Window
    level_px: FloatArray

    @property
    def ink(self) -> float:
        """How much of it there is, px."""
        return max(float(self.window.ink.sum()), 1.0)


def agreed(traces: Traces, paths: Sequence[Path]) -> list[Path]:
    """The paths; where a beat is drawn otherwise than most, it goes as they do, if its ink lets it.

    Args:
        traces: Of a picture in which each trace is one lead from end to end.
        paths: Of each of them, those of traces from beyond the edges too, drawn together.
    """
    beats = _beats(traces, paths)
    if len(beats) < LEAST_BEATS:
        return list(paths)
    # Fitted in the same stretch as other beats' ways, for comparison.
    own = np.array([misfit_of(beat.window, fitted(beat.window, beat.window.y)) for beat in beats])
    ink = np.array([beat.ink for beat in beats])
    best, least = np.full(len(beats), np.inf), np.inf
    ways: list[FloatArray] = []
    for i in np.argsort(own / ink, kind="stable")[:TRIED]:
        tried = [fitted(beat.window, _moved(beat, beats[i])) for beat in beats]
        costs = np.array([misfit_of(b.window, y) for b, y in zip(beats, tried, strict=True)])
        usual = float(np.median(costs / ink))
        if usual < least:
            ways, best, least = tried, costs, usual
    found = list(paths)
    for i in np.flatnonzero(best < AS_GOOD * own):
        found = with_ways(found, beats[i].window, ways[i])
    return found


def _beats(traces: Traces, paths: Sequence[Path]) -> list[_Beat]:
    """The stretches in which traces meet, as many columns before and after each beat."""
    scale, width = traces.px_per_mm, traces.where.shape[1]
    seen = find_beats(traces.runs, traces.pen_px, px_per_mm=scale)
    columns = seen.column[seen.alike]
    if len(columns) < LEAST_BEATS:
        return []
    of_beats: dict[int, list[Meeting]] = {}
    for meeting in meetings(traces):
        middle = (meeting.first + meeting.stop) / 2
        at = int(columns[np.abs(columns - middle).argmin()])
        reach = max(at - meeting.first, meeting.stop - at)
        if abs(middle - at) <= AROUND_MM * scale and reach <= HALF_MM * scale:
            of_beats.setdefault(at, []).append(meeting)
    if len(of_beats) < LEAST_BEATS:
        return []
    often = Counter(k for some in of_beats.values() for k in {k for m in some for k in m.traces})
    least = max(2.0, OFTEN * len(of_beats))
    together = tuple(sorted(k for k, count in often.items() if count >= least))
    if not 2 <= len(together) <= MOST_TRACES:
        return []
    before = [max(at - m.first for m in some) for at, some in of_beats.items()]
    after = [max(m.stop - at for m in some) for at, some in of_beats.items()]
    left, right = (max(int(np.quantile(n, MOST_BEATS)), 0) + 1 for n in (before, after))
    found = []
    for column in columns.tolist():
        first, stop = column - left, column + right
        if first <= ANCHOR_PX or stop >= width - ANCHOR_PX - 1:
            continue  # cut off by the picture's edge
        if _have_anothers_ink(traces, together, slice(first, stop)):
            continue  # drawn without it, its ink would be theirs
        window = window_of(traces, paths, Meeting(first, stop, together))
        if window is not None:
            found.append(_Beat(column, window, _level(traces, paths, window.meeting)))
    return found


def _have_anothers_ink(traces: Traces, together: tuple[int, ...], columns: slice) -> bool:
    """Whether some traces share a run with one that is not among them."""
    where = traces.where[:, columns]
    others = np.delete(where, together, axis=0)
    return bool(np.isin(others[others >= 0], where[list(together)]).any())


def _level(traces: Traces, paths: Sequence[Path], meeting: Meeting) -> FloatArray:
    """The traces' rows beside a stretch, float64 (K,); of visitors 0, as theirs are not known."""
    reach = LEVEL_MM * traces.px_per_mm
    x = np.concatenate(
        [
            np.linspace(meeting.first - reach, meeting.first, LEVEL_POINTS),
            np.linspace(meeting.stop, meeting.stop + reach, LEVEL_POINTS),
        ]
    )
    level = np.zeros(len(meeting.traces))
    for n, k in enumerate(meeting.traces):
        path = paths[k]
        known = np.isfinite(path.y_px)
        if k < len(traces.rows_px) and known.any():
            level[n] = np.median(np.interp(x, path.x_px[known], path.y_px[known]))
    return level


def _moved(beat: _Beat, other: _Beat) -> FloatArray:
    """Another beat's ways in this beat, float64 (K, n), each trace at its own level here."""
    here, there = beat.window, other.window
    x = here.x + here.left - beat.column
    known_x = there.x + there.left - other.column
    lower = beat.level_px - other.level_px + there.top - here.top
    y = np.stack([np.interp(x, known_x, way) for way in there.y]) + lower[:, None]
    beyond = here.beyond[:, None]
    inside = here.free & (x >= known_x[0]) & (x <= known_x[-1])
    return np.where(inside, y, here.y).clip(-beyond, len(here.ink) - 1 + beyond)

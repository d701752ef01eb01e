"""All traces' strokes drawn together where they run together: who has which ink of a shared run.

Each trace was decoded from the ink that is likely its own. Where several are in one run of ink,
that was a guess. There the strokes are drawn into one picture, and go as they must to give the ink.
One beat is like the next: what was found in one meeting is tried in the others of the same traces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.drawn import difference, drawn_but, fit_together, misfit
from ecg_overlap.digitize.paths.path import FloatArray, Path, stretches
from ecg_overlap.digitize.paths.stroke import POINTS_PER_PEN, SPACING_PX
from ecg_overlap.digitize.paths.untangle import untangle
from ecg_overlap.digitize.paths.visitor import BEYOND_PENS, visitor
from ecg_overlap.digitize.traces.joint import Traces
from ecg_overlap.digitize.traces.runs import LEVEL_STROKES, IntArray

# Set by hand on 14 drawn pages of fold 9 (benchmarks/contacts.py --n 24), and on 6 finer ones.
NEAR_MM = 0.4  # of paper: two contacts that are so near are one meeting
FREE_PX = 2  # columns beside a meeting in which its strokes may move too
ANCHOR_PX = 4  # columns beside a meeting that its window shows
MARGIN_PX = 6  # rows above and below the ink that it shows
EDGE_PX = 2  # how far outside of a run its partly covered pixels reach
WIDEST_MM = 8.0  # of a meeting in which ways are tried: a wide QRS complex; longer ones are fitted
MOST_TRACES = 6  # likewise
MOST_ENDS = 160  # likewise: of the ink's runs
EXPLAINED = 0.004  # misfit for each pixel of ink under which nothing else is tried
BETTER = 0.5  # misfit that another way must save
TRIED = 2  # beats for each of which ways are looked for, and whose ways are then tried in others …
AS_GOOD = 1.3  # … where nothing is looked for if they are as good, up to this factor, there
ROUNDS, ITERATIONS = 2, 12  # of a fit
SHIFTS_PX = np.arange(-3.0, 3.01, 0.5)  # by which another beat's ways are moved


@dataclass(frozen=True)
class Meeting:
    """A stretch of columns in which traces share runs of ink.

    Args:
        first: Column.
        stop: Column.
        traces: Their numbers.
    """

    first: int
    stop: int
    traces: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """A meeting's ink and its traces' strokes; columns and rows count from its corner.

    Args:
        meeting: Which.
        left: Its first column.
        top: Its first row.
        ink: float32 (H, W): of these traces, and of none.
        x: float64 (n,), evenly spaced columns.
        y: float64 (K, n), the strokes' rows as they were decoded.
        pens: float64 (K,), their widths.
        beyond: float64 (K,): how far outside of the ink's rows each may go.
        free: bool (n,): where they may go another way.
        ends: float64 (m, 2), (x, y): where runs of ink end, half a pen inward.
    """

    meeting: Meeting
    left: int
    top: int
    ink: Coverage
    x: FloatArray
    y: FloatArray
    pens: FloatArray
    beyond: FloatArray
    free: NDArray[np.bool_]
    ends: FloatArray


def redrawn(traces: Traces, paths: Sequence[Path]) -> list[Path]:
    """The paths, drawn together where traces share their ink.

    Args:
        traces: Of the picture.
        paths: Of each of them, as decoded from its own ink.
    """
    n = len(paths)
    pen = np.nanmedian([traces.pen_px, *(path.width_px for path in paths)])
    everyone = [*paths, *(visitor(traces, k, float(pen)) for k in (n, n + 1))]
    windows = [window_of(traces, everyone, meeting) for meeting in meetings(traces)]
    solved: list[tuple[Window, FloatArray]] = []
    for window in windows:
        if window is not None:
            solved.append((window, _ways(window, _alike(window, solved), traces.px_per_mm)))
    found = everyone
    for window, ways in solved:
        others = [other for other in _alike(window, solved) if other[0] is not window]
        best = _of_beats(window, ways, others)
        for k, y in zip(window.meeting.traces, best, strict=True):
            found[k] = _with(found[k], window, y)
    return found[:n]


def _alike(
    window: Window, solved: Sequence[tuple[Window, FloatArray]]
) -> list[tuple[Window, FloatArray]]:
    """The meetings of the same traces."""
    return [each for each in solved if each[0].meeting.traces == window.meeting.traces]


def meetings(traces: Traces) -> Iterator[Meeting]:
    """Where traces share runs, those too that come in over an edge, from left to right."""
    where = traces.where
    shared = np.stack([traces.shared(k) for k in range(len(where))])
    near = max(round(NEAR_MM * traces.px_per_mm), 1)
    touched = np.convolve(shared.any(axis=0), np.ones(2 * near + 1), mode="same") > 0
    for first, stop in stretches(np.where(touched, 0.0, np.nan)):
        for group in _groups(where[:, first:stop]):
            held = np.flatnonzero(shared[group, first:stop].any(axis=0))
            yield Meeting(first + int(held[0]), first + int(held[-1]) + 1, tuple(group))


def _groups(where: IntArray) -> list[list[int]]:
    """Traces that share a run, or both share one with a third; where is (K, columns)."""
    groups: list[set[int]] = []
    for column in where.T:
        for run in np.unique(column[column >= 0]):
            together = set(np.flatnonzero(column == run).tolist())
            if len(together) > 1:
                for other in [group for group in groups if group & together]:
                    groups.remove(other)
                    together |= other
                groups.append(together)
    return [sorted(group) for group in groups]


def window_of(traces: Traces, paths: Sequence[Path], meeting: Meeting) -> Window | None:
    """The ink and the strokes of a meeting; None where one of them is not seen all over it."""
    height, width = traces.cover.shape
    left, right = max(meeting.first - ANCHOR_PX, 0), min(meeting.stop + ANCHOR_PX, width)
    pens = np.array([paths[k].width_px for k in meeting.traces])
    if not np.isfinite(pens).all():
        return None
    spacing = float(np.clip(pens.min() / POINTS_PER_PEN, *SPACING_PX))
    x: FloatArray = np.arange(left - 0.5 + spacing / 2, right - 0.5, spacing, dtype=np.float64)
    y = np.stack([np.interp(x, paths[k].x_px, paths[k].y_px) for k in meeting.traces])
    if not np.isfinite(y).all():
        return None
    runs = traces.runs
    here = np.arange(runs.first[left], runs.first[right])
    at = traces.where[:, left:right]
    own = np.unique(at[list(meeting.traces)])
    others = np.setdiff1d(np.delete(at, meeting.traces, axis=0), own)
    mine = runs.row[own[own >= 0]]
    top = max(int(min(mine[:, 0].min(), y.min())) - MARGIN_PX, 0)
    bottom = min(int(max(mine[:, 1].max(), y.max() + 1)) + MARGIN_PX, height)
    row = runs.row[here]
    here = here[~np.isin(here, others) & (row[:, 1] > top) & (row[:, 0] < bottom)]
    ink = np.zeros((bottom - top, right - left), np.float32)
    for j in here:
        first, stop = runs.row[j]
        rows = slice(max(first - EDGE_PX, top), min(stop + EDGE_PX, bottom))
        column = runs.column[j]
        ink[rows.start - top : rows.stop - top, column - left] = traces.cover[rows, column]
    free = (x >= meeting.first - FREE_PX) & (x < meeting.stop + FREE_PX)
    free[[0, -1]] = False
    ends = _ends(traces, here, meeting) - (left, top)
    visits = np.array(meeting.traces) >= len(traces.rows_px)
    beyond = np.where(visits, 1 + BEYOND_PENS * pens, 0.0)
    return Window(meeting, left, top, ink, x - left, y - top, pens, beyond, free, ends)


def _ends(traces: Traces, here: IntArray, meeting: Meeting) -> FloatArray:
    """Where steep runs of a meeting end, half a pen inward: float64 (m, 2)."""
    runs, half = traces.runs, traces.pen_px / 2
    column, upper, lower = runs.column[here], runs.top_px[here], runs.bottom_px[here]
    tall = lower - upper >= LEVEL_STROKES * traces.pen_px
    tall &= (column >= meeting.first - 1) & (column <= meeting.stop)
    x = np.repeat(column[tall], 2).astype(np.float64)
    y = np.stack([upper[tall] + half, lower[tall] - half], axis=1).ravel()
    return np.stack([x, y], axis=1)


def _ways(
    window: Window, alike: Sequence[tuple[Window, FloatArray]], px_per_mm: float
) -> FloatArray:
    """How the strokes of a meeting go, float64 (K, n)."""
    way = _fitted(window, window.y)
    least = misfit_of(window, way)
    width_mm = (window.meeting.stop - window.meeting.first) / px_per_mm
    if least < EXPLAINED * float(window.ink.sum()) or not 0 < len(window.ends) <= MOST_ENDS:
        return way
    if width_mm > WIDEST_MM or len(window.pens) > MOST_TRACES:
        return way
    way = _of_beats(window, way, alike)
    least = misfit_of(window, way)
    if len(alike) >= TRIED and least < AS_GOOD * min(misfit_of(*other) for other in alike):
        return way
    guess = untangle(
        window.ink, window.x, window.y, window.pens, window.beyond, window.free, window.ends
    )[0]
    other = _fitted(window, guess)
    return other if misfit_of(window, other) < least - BETTER else way


def _of_beats(
    window: Window, way: FloatArray, alike: Sequence[tuple[Window, FloatArray]]
) -> FloatArray:
    """A meeting's ways, or those of another beat where they give its ink better."""
    least = misfit_of(window, way)
    for other in sorted(alike, key=lambda each: misfit_of(*each))[:TRIED]:
        moved = _fitted(window, _moved(window, *other))
        here = misfit_of(window, moved)
        if here < least - BETTER:
            least, way = here, moved
    return way


def _fitted(window: Window, y: FloatArray) -> FloatArray:
    """Ways near a guess that give the ink of a window, float64 (K, n)."""
    return fit_together(
        window.ink, window.x, y, window.pens, window.beyond, window.free, ROUNDS, ITERATIONS
    )


def misfit_of(window: Window, ways: FloatArray) -> float:
    """What speaks against a meeting's ways."""
    return float(misfit(window.ink, window.x, ways, window.pens))


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


def _with(path: Path, window: Window, y: FloatArray) -> Path:
    """A path that goes as it was found to go in a window."""
    x = path.x_px - window.left
    free = window.x[window.free]
    there = (x >= free[0]) & (x <= free[-1]) & np.isfinite(path.y_px)
    rows = np.where(there, np.interp(x, window.x, y) + window.top, path.y_px)
    return replace(path, y_px=rows)

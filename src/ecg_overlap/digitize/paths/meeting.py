"""A stretch in which traces share their ink: its window of the picture, and ways drawn into it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.drawn import BEND, fit_together, misfit
from ecg_overlap.digitize.paths.path import FloatArray, Path, stretches
from ecg_overlap.digitize.paths.stroke import POINTS_PER_PEN, SPACING_PX
from ecg_overlap.digitize.paths.visitor import BEYOND_PENS
from ecg_overlap.digitize.traces.joint import Traces
from ecg_overlap.digitize.traces.runs import LEVEL_STROKES, SOFT_EDGE_PX, IntArray
from ecg_overlap.digitize.traces.search import ABOVE, BELOW

# Set by hand on 14 drawn pages of fold 9 (benchmarks/contacts.py --n 24), and on 6 finer ones.
NEAR_MM = 0.4  # of paper: two contacts that are so near are one meeting
FREE_PX = 2  # columns beside a meeting in which its strokes may move too
ANCHOR_PX = 4  # columns beside a meeting that its window shows
MARGIN_PX = 6  # rows above and below the ink that it shows
SEEN = 0.5  # share of a window in which each of its traces must have a path (a guess)
MOST_TRACES = 6  # of a meeting in which other ways are tried
EXPLAINED = 0.004  # misfit for each pixel of ink under which nothing else is tried
BETTER = 0.5  # misfit that another way must save; both as set when bends cost a quarter
ROUNDS, ITERATIONS = 2, 12  # of a fit


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
        seen: bool (K, n): where they have a path, and are not beyond an edge.
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
    seen: NDArray[np.bool_]
    free: NDArray[np.bool_]
    ends: FloatArray


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
    """The ink and the strokes of a meeting; None where one is hardly seen in it, or no ink is."""
    height, width = traces.cover.shape
    left, right = max(meeting.first - ANCHOR_PX, 0), min(meeting.stop + ANCHOR_PX, width)
    pens = np.array([paths[k].width_px for k in meeting.traces])
    if not np.isfinite(pens).all():
        return None
    spacing = float(np.clip(pens.min() / POINTS_PER_PEN, *SPACING_PX))
    x: FloatArray = np.arange(left - 0.5 + spacing / 2, right - 0.5, spacing, dtype=np.float64)
    y = np.stack([np.interp(x, paths[k].x_px, paths[k].y_px) for k in meeting.traces])
    seen = np.isfinite(y)
    gone = _beyond_edges(traces, meeting, x, pens)
    y = np.where(np.isfinite(y), y, gone)
    if np.isfinite(y).mean(axis=1).min() < SEEN:
        return None
    y = np.stack([np.interp(x, x[np.isfinite(of)], of[np.isfinite(of)]) for of in y])
    runs = traces.runs
    here = np.arange(runs.first[left], runs.first[right])
    at = traces.where[:, left:right]
    own = np.unique(at[list(meeting.traces)])
    others = np.setdiff1d(np.delete(at, meeting.traces, axis=0), own)
    mine = runs.row[own[own >= 0]]
    if not len(mine):  # none of them has ink in it
        return None
    top = max(int(min(mine[:, 0].min(), y.min())) - MARGIN_PX, 0)
    bottom = min(int(max(mine[:, 1].max(), y.max() + 1)) + MARGIN_PX, height)
    row = runs.row[here]
    here = here[~np.isin(here, others) & (row[:, 1] > top) & (row[:, 0] < bottom)]
    ink = np.zeros((bottom - top, right - left), np.float32)
    for j in here:
        first, stop = runs.row[j]
        rows = slice(max(first - SOFT_EDGE_PX, top), min(stop + SOFT_EDGE_PX, bottom))
        column = runs.column[j]
        ink[rows.start - top : rows.stop - top, column - left] = traces.cover[rows, column]
    free = (x >= meeting.first - FREE_PX) & (x < meeting.stop + FREE_PX)
    free[[0, -1]] = False
    ends = _ends(traces, here, meeting) - (left, top)
    visits = np.array(meeting.traces) >= len(traces.rows_px)
    visits |= np.isfinite(gone).any(axis=1)
    beyond = np.where(visits, 1 + BEYOND_PENS * pens, 0.0)
    return Window(meeting, left, top, ink, x - left, y - top, pens, beyond, seen, free, ends)


def _beyond_edges(traces: Traces, meeting: Meeting, x: FloatArray, pens: FloatArray) -> FloatArray:
    """Rows out of sight where traces are beyond the picture's edges, (K, n); NaN elsewhere."""
    columns = np.rint(x).astype(int).clip(0, traces.where.shape[1] - 1)
    where = traces.where[list(meeting.traces)][:, columns]
    away = BEYOND_PENS * pens[:, None]
    rows = np.where(where == ABOVE, -1 - away, np.nan)
    return np.where(where == BELOW, len(traces.cover) + away, rows)


def _ends(traces: Traces, here: IntArray, meeting: Meeting) -> FloatArray:
    """Where steep runs of a meeting end, half a pen inward: float64 (m, 2)."""
    runs, half = traces.runs, traces.pen_px / 2
    column, upper, lower = runs.column[here], runs.top_px[here], runs.bottom_px[here]
    tall = lower - upper >= LEVEL_STROKES * traces.pen_px
    tall &= (column >= meeting.first - 1) & (column <= meeting.stop)
    x = np.repeat(column[tall], 2).astype(np.float64)
    y = np.stack([upper[tall] + half, lower[tall] - half], axis=1).ravel()
    return np.stack([x, y], axis=1)


def fitted(window: Window, y: FloatArray) -> FloatArray:
    """Ways near a guess that give the ink of a window, float64 (K, n)."""
    return fit_together(
        window.ink, window.x, y, window.pens, window.beyond, window.free, BEND, ROUNDS, ITERATIONS
    )


def misfit_of(window: Window, ways: FloatArray) -> float:
    """What speaks against a meeting's ways."""
    return float(misfit(window.ink, window.x, ways, window.pens, BEND))


def explained(window: Window, ways: FloatArray) -> bool:
    """Whether ways give the ink of a window so well that no others are looked for."""
    return misfit_of(window, ways) < EXPLAINED * float(window.ink.sum())


def with_ways(paths: Sequence[Path], window: Window, ways: FloatArray) -> list[Path]:
    """The paths, those of a window's traces with their ways in it."""
    found = list(paths)
    for k, y in zip(window.meeting.traces, ways, strict=True):
        found[k] = _with(found[k], window, y)
    return found


def _with(path: Path, window: Window, y: FloatArray) -> Path:
    """A path that goes as it was found to go in a window."""
    x = path.x_px - window.left
    free = window.x[window.free]
    there = (x >= free[0]) & (x <= free[-1]) & np.isfinite(path.y_px)
    rows = np.interp(x, window.x, y) + window.top
    return replace(path, y_px=np.where(there, rows, path.y_px))

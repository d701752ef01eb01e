"""Peaks that a chain of runs loses: flanks that left no ink, or a short cut below the peak.

A pen that rises by 3 cm in 40 ms hardly blackens the paper. Of such a QRS complex only the tip may
be ink, and a chain of runs passes over it. But a trace is in every column: a tall, narrow piece of
ink above or below columns in which the trace is missing is most likely its own.
"""

from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.traces.runs import IntArray, Runs, part_of

# Set by hand on pictures of faint QRS complexes; a *pen* is the stroke's width.
MOST_WIDTH = 4.0  # of a piece, in pens: two flanks and what is between them
LEAST_HEIGHT = 3.0  # of a piece, in pens: lower is a speck or a bit of the baseline
LEAST_SLENDER = 2.0  # height of a piece, in its widths
WIDEST_GAP = 8.0  # in the trace, in pens: a QRS complex of 0.12 s
LEAST_HOLE = 2  # columns; a single one passed over is bridged as it is
FLARE = 2  # columns on both sides of a hole in which a line's rest and a flank may be one run
MOST_APART = 2.5  # of a piece from the trace, in the piece's heights


@dataclass(frozen=True)
class Pieces:
    """Connected pieces of ink that may be a peak's.

    Args:
        label: int64 (m,), each run's piece; -1 where it is of no such piece.
        column: int64 (k, 2), first and last column.
        row_px: float64 (k, 2), highest and lowest row.
    """

    label: IntArray
    column: IntArray
    row_px: FloatArray


def pieces(runs: Runs, pen_px: float) -> Pieces:
    """The tall, narrow pieces among connected runs."""
    label, count = _connected(runs.column, runs.row, runs.first)
    column = np.stack([np.full(count, np.iinfo(np.int64).max), np.full(count, -1)], axis=1)
    row = np.stack([np.full(count, np.inf), np.full(count, -np.inf)], axis=1)
    np.minimum.at(column[:, 0], label, runs.column)
    np.maximum.at(column[:, 1], label, runs.column)
    np.minimum.at(row[:, 0], label, runs.top_px)
    np.maximum.at(row[:, 1], label, runs.bottom_px)
    width, height = column[:, 1] - column[:, 0] + 1, row[:, 1] - row[:, 0]
    kept = (width <= MOST_WIDTH * pen_px) & (height >= LEAST_HEIGHT * pen_px)
    kept &= height >= LEAST_SLENDER * width
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    return Pieces(number[label], column[kept], row[kept])


def _with_left_over(found: Pieces, runs: Runs, chosen: IntArray, pen_px: float) -> Pieces:
    """The pieces, and those that are left of a peak of which the chain has but one flank.

    With the flank, such a piece hangs together with the whole trace; without the chosen runs it is
    tall and narrow by itself.
    """
    free = np.ones(len(runs.column), np.bool_)
    free[chosen[chosen >= 0]] = False
    free &= found.label < 0
    more = pieces(part_of(runs, free), pen_px)
    label = found.label.copy()
    label[free] = np.where(more.label >= 0, more.label + len(found.column), -1)
    return Pieces(
        label,
        np.concatenate([found.column, more.column]),
        np.concatenate([found.row_px, more.row_px]),
    )


@njit(cache=True)
def _connected(column: IntArray, row: IntArray, first: IntArray) -> tuple[IntArray, int]:
    """A number for each run, the same for runs that touch over columns; how many there are."""
    parent = np.arange(len(column))
    for i in range(len(column)):
        c = column[i]
        if c == 0:
            continue
        for j in range(first[c - 1], first[c]):
            if row[j, 0] <= row[i, 1] and row[i, 0] <= row[j, 1]:  # corners touch too
                a, b = i, j
                while parent[a] != a:
                    a = parent[a]
                while parent[b] != b:
                    b = parent[b]
                parent[max(a, b)] = min(a, b)
    label = np.empty(len(column), np.int64)
    count = 0
    for i in range(len(column)):  # a root stands before all others of its piece
        if parent[i] == i:
            label[i] = count
            count += 1
        else:
            label[i] = label[parent[i]]
    return label, count


def through_ink(runs: Runs, chosen: IntArray, pen_px: float) -> IntArray:
    """The chain, led over a peak where it took a short cut between the peak's flanks.

    The rest of a grid line between the flanks, thinner than the pen, offers a short way. Where that
    way has empty columns, and unbroken ink as thick as the pen leads from its one end to the
    other, the pen went along that ink.

    Args:
        runs: Of the whole mask.
        chosen: int64 (W,), the run chosen in each column, -1 for none.
        pen_px: The stroke's width.

    Returns:
        int64 (W,), the changed chain.
    """
    thick = runs.bottom_px - runs.top_px >= pen_px
    solid = np.flatnonzero((chosen >= 0) & thick[chosen])
    led = chosen.copy()
    for before, after in pairwise(solid):
        if not LEAST_HOLE < after - before <= WIDEST_GAP * pen_px:
            continue
        if (chosen[before + 1 : after] >= 0).all():
            continue
        for wider in range(FLARE + 1):
            first, last = before - wider, after + wider
            if first < 0 or last >= len(chosen) or min(chosen[first], chosen[last]) < 0:
                break
            way = _unbroken(runs, thick, int(chosen[first]), int(chosen[last]))
            if len(way):
                led[first : last + 1] = way
                break
    return led


def _unbroken(runs: Runs, thick: NDArray[np.bool_], start: int, end: int) -> IntArray:
    """Thick runs that overlap from column to column, from `start` to `end`; empty without such.

    Where several do in a column, the tallest is taken.
    """
    reached = [np.array([start])]
    for c in range(runs.column[start] + 1, runs.column[end]):
        here = np.arange(runs.first[c], runs.first[c + 1])
        here = here[thick[here]]
        reached.append(here[_overlap(runs, here, reached[-1]).any(axis=1)])
    reached.append(np.array([end])[_overlap(runs, np.array([end]), reached[-1]).any(axis=1)])
    way = [end] if len(reached[-1]) else []
    for before in reached[-2::-1] if way else []:
        touching = before[_overlap(runs, before, np.array(way[-1:])).any(axis=1)]
        way.append(int(touching[np.argmax((runs.bottom_px - runs.top_px)[touching])]))
    return np.array(way[::-1], np.int64)


def _overlap(runs: Runs, some: IntArray, others: IntArray) -> NDArray[np.bool_]:
    """Whether rows are common to a run and another, (len(some), len(others))."""
    a, b = runs.row[some][:, None], runs.row[others][None]
    overlap: NDArray[np.bool_] = (a[..., 0] < b[..., 1]) & (b[..., 0] < a[..., 1])
    return overlap


@dataclass(frozen=True)
class Spikes:
    """Peaks that the chain of runs passed over or lost its way in.

    Args:
        column: int64 (n,), columns in which the trace was not seen and a piece is, or may be, its
            peak.
        run: int64 (k,), the runs of the joined pieces.
        joined: int64 (l,), columns whose way leads through a joined piece's tip.
        tip_px: float64 (t, 2), (x, y) of the pen's centre at each tip, x ascending.
    """

    column: IntArray
    run: IntArray
    joined: IntArray
    tip_px: FloatArray


def find_spikes(
    runs: Runs, chosen: IntArray, top_px: FloatArray, bottom_px: FloatArray, pen_px: float
) -> Spikes:
    """The pieces in columns where the trace is not seen.

    Args:
        runs: Of the whole mask.
        chosen: int64 (W,), the trace's run in each column, -1 for none.
        top_px: float64 (W,), upper edge of that run.
        bottom_px: float64 (W,), lower edge.
        pen_px: The stroke's width.
    """
    found = _with_left_over(pieces(runs, pen_px), runs, chosen, pen_px)
    trunk = np.flatnonzero((chosen >= 0) & (found.label[chosen] < 0))
    columns, own, joined = [], [], []
    tips: list[tuple[float, float]] = []
    after = np.searchsorted(trunk, found.column.mean(axis=1))
    for at in np.unique(after[(after > 0) & (after < len(trunk))]):
        gap = np.arange(trunk[at - 1] + 1, trunk[at])
        if not 0 < len(gap) < WIDEST_GAP * pen_px:
            continue
        ends = gap[[0, -1]] + (-1, 1)
        trace = float(top_px[ends].min()), float(bottom_px[ends].max())
        here = [
            _piece(runs, found, int(k), gap, trace, chosen, pen_px)
            for k in np.flatnonzero(after == at)
        ]
        if any(kind in (Kind.JOINED, Kind.DOUBTFUL) for kind, _ in here):
            columns.append(gap)
        if any(kind is Kind.JOINED for kind, _ in here):
            joined.append(gap)
            taken = [run for kind, run in here if kind in (Kind.JOINED, Kind.FOLLOWED)]
            own.extend(taken)
            tips.extend(_tip(runs, run, sum(trace) / 2, pen_px) for run in taken)
    none = np.zeros(0, np.int64)
    return Spikes(
        np.unique(np.concatenate([none, *columns])),
        np.concatenate([none, *own]),
        np.unique(np.concatenate([none, *joined])),
        np.array(sorted(tips), np.float64).reshape(-1, 2),
    )


class Kind(Enum):
    """What a piece of ink in a gap of the trace is."""

    FOLLOWED = auto()  # the chain of runs goes through it
    JOINED = auto()  # a peak that the chain passed over
    DOUBTFUL = auto()  # the same, but too far away to be joined
    OTHER = auto()  # mostly beside the gap


def _piece(
    runs: Runs,
    found: Pieces,
    k: int,
    gap: IntArray,
    trace_px: tuple[float, float],
    chosen: IntArray,
    pen_px: float,
) -> tuple[Kind, IntArray]:
    """What piece `k` is, and its runs in the gap's columns.

    Args:
        runs: Of the whole mask.
        found: Its pieces.
        k: The piece's number.
        gap: int64, columns of the gap.
        trace_px: Upper and lower edge of the trace beside the gap.
        chosen: int64 (W,), the trace's run in each column, -1 for none.
        pen_px: The stroke's width.
    """
    run = np.flatnonzero(found.label == k)
    inside = run[(runs.column[run] >= gap[0]) & (runs.column[run] <= gap[-1])]
    upper, lower = found.row_px[k]
    apart = max(trace_px[0] - lower, upper - trace_px[1])
    if apart < pen_px and np.isin(inside, chosen).any():
        return Kind.FOLLOWED, inside
    if 2 * len(np.unique(runs.column[inside])) <= np.ptp(found.column[k]):
        return Kind.OTHER, inside
    return (Kind.JOINED if apart <= MOST_APART * (lower - upper) else Kind.DOUBTFUL), inside


def _tip(runs: Runs, run: IntArray, trace_px: float, pen_px: float) -> tuple[float, float]:
    """Column and row of the pen's centre at the end of a piece that is farther from the trace."""
    top, bottom = runs.top_px[run], runs.bottom_px[run]
    if trace_px - top.min() > bottom.max() - trace_px:
        row, at_end = top.min() + pen_px / 2, top < top.min() + pen_px
    else:
        row, at_end = bottom.max() - pen_px / 2, bottom > bottom.max() - pen_px
    return float(runs.column[run[at_end]].mean()), float(row)


def through_tips(x: FloatArray, y: FloatArray, spikes: Spikes) -> FloatArray:
    """`y` (n,), leading straight from the trace to each tip and back in the joined columns."""
    inside = np.isin(np.rint(x), spikes.joined)
    seen = ~inside & np.isfinite(y)
    points = np.concatenate([np.stack([x[seen], y[seen]], axis=1), spikes.tip_px])
    points = points[np.argsort(points[:, 0], kind="stable")]
    # The knot next to a tip gets the tip itself: between two knots it would be lost.
    knots = np.abs(spikes.tip_px[:, None, 0] - x[None]).argmin(axis=1)
    led: FloatArray = np.where(inside, np.interp(x, points[:, 0], points[:, 1]), y)
    led[knots] = spikes.tip_px[:, 1]
    return led

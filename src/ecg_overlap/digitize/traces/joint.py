"""All traces of a picture, traced at once: all ink is explained, and by as few strokes as can be.

The cost that is minimised is written down in docs/architecture.md; `costs` has its numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.evidence import RULED_OUT, SURE, likely_near
from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.traces.beats import Expected, expected_by_beats, find_beats
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.costs import COSTS, TraceCosts
from ecg_overlap.digitize.traces.graph import Graph, graph_of
from ecg_overlap.digitize.traces.letters import Lettered, letters_in, without_letters
from ecg_overlap.digitize.traces.prices import Prices
from ecg_overlap.digitize.traces.rows import find_rows, presence
from ecg_overlap.digitize.traces.runs import (
    HOLE_PX,
    LEVEL_STROKES,
    SOFT_EDGE_PX,
    FloatArray,
    IntArray,
    Runs,
    find_runs,
    part_of,
    usual_height_px,
)
from ecg_overlap.digitize.traces.search import ABOVE, ABSENT, BELOW, NEVER, search
from ecg_overlap.digitize.traces.share import own_rows

VISITOR_MM = 2.0  # beyond the picture's edge: the row of traces of which only peaks come in
NO_DIVISION_BY_0 = 1e-6
LEAST_PROBABILITY = 0.02  # of a map, added before its logarithm is taken
UNSURE_MM = 1.5  # a run that is taller does not tell at which row its trace is
ROUNDS = 2  # in which the picture is traced again by what beats tell
# A peak may stand apart from its trace's ink, but not so far, and not by another's.
APART_MM, APART_TIMES = 4.0, 3.0
BRIDGE = -4  # in `Traces.where`: on a bridge over blank paper


@dataclass(frozen=True)
class Traces:
    """All traces of a picture.

    Args:
        cover: float32 (H, W), 0–1: all ink.
        runs: Its vertical runs.
        rows_px: float64 (K,): where the traces that stand in the picture return to, ascending; the
            mean of a row that is not level.
        at_row: float64 (K,): share of the columns that hold a level run at that row.
        where: int64 (K + 2, W): each trace's run in each column, or ABSENT, ABOVE, BELOW the
            picture, or on a BRIDGE. The last two are of traces from above and below, of which
            only peaks come in.
        own: int64 (K + 2, W, 2): of that run, the trace's first row and the one after its last.
        pen_px: The strokes' usual width.
        px_per_mm: The picture's scale.
        maps: float32 (K, H, W), a network's probability of each trace, or (K + 2, H, W), of those
            from above and below too; None without a network.
        known: Number of the trace that is known to be the primary.
        lettered: bool (m,): runs that are a printed letter's unless a trace goes through; None
            without letters.
        mixed: bool (m,): runs that hold a printed letter beside traces; None: none.
    """

    cover: Coverage
    runs: Runs
    rows_px: FloatArray
    at_row: FloatArray
    where: IntArray
    own: IntArray
    pen_px: float
    px_per_mm: float
    maps: NDArray[np.float32] | None = None
    known: int | None = None
    lettered: NDArray[np.bool_] | None = None
    mixed: NDArray[np.bool_] | None = None

    def shared(self, k: int) -> NDArray[np.bool_]:
        """The columns in which trace `k` is in one run with another, bool (W,)."""
        through = (self.where == self.where[k]).sum(axis=0)
        shared: NDArray[np.bool_] = (through > 1) & (self.where[k] >= 0)
        return shared

    def share_of(self, k: int, *states: int) -> float:
        """The share of the columns in which trace `k` is in one of certain states."""
        return float(np.isin(self.where[k], states).mean())

    def unclaimed(self) -> Coverage:
        """The ink of runs that no trace is in, float32 (H, W)."""
        left = self.cover.copy()
        claimed = np.unique(self.where[self.where >= 0])
        nothing = np.repeat(self.runs.row[claimed, :1], 2, axis=1)
        _erase(left, self.runs.column[claimed], self.runs.row[claimed], nothing)
        return left

    def ink(self, k: int) -> TraceInk:
        """The ink that trace `k` has, and what no trace has near it: a peak may stand apart.

        Where a network's map of it is known, shared runs are cut by that too.
        """
        columns = np.flatnonzero(self.where[k] >= 0)
        of_it = self.where[k, columns]
        whole, rows = self.runs.row[of_it], self.own[k, columns]
        if self.maps is not None and k < len(self.maps):
            likely = self.maps[k]
            rows = _with_sure(likely, columns, rows, whole)
            steep = np.ptp(rows, axis=1) >= LEVEL_STROKES * self.pen_px
            open_to_doubt = self.shared(k)[columns] | steep
            near = likely_near(likely, px_per_mm=self.px_per_mm)
            rows = np.where(open_to_doubt[:, None], _trimmed(near, columns, rows), rows)
        own = self.cover.copy()
        others = np.setdiff1d(self.where[self.where >= 0], of_it)
        others = np.union1d(others, self._anothers(k))
        if self.lettered is not None:
            others = np.union1d(others, np.setdiff1d(np.flatnonzero(self.lettered), of_it))
        nothing = np.repeat(self.runs.row[others, :1], 2, axis=1)
        _erase(own, self.runs.column[others], self.runs.row[others], nothing)
        _erase(own, columns, whole, rows)
        runs = find_runs(own, hole_px=HOLE_PX)
        return TraceInk(own, runs, _found_again(runs.row, runs.first, columns, rows))

    def _anothers(self, k: int) -> IntArray:
        """The runs that no trace is in and that stand by the ink of another trace than `k`."""
        free, far = self._far_px
        nearest = np.delete(far, k, axis=0).min(axis=0, initial=np.inf)
        there = (far[k] > APART_MM * self.px_per_mm) & (far[k] > APART_TIMES * nearest)
        found: IntArray = free[there]
        return found

    @cached_property
    def _far_px(self) -> tuple[IntArray, FloatArray]:
        """The runs that no trace is in, (m,), and how far each is from each trace's ink."""
        free = np.setdiff1d(np.arange(len(self.runs.column)), self.where)
        far = np.full((len(self.where), len(free)), np.inf)
        column, rows = self.runs.column[free], self.runs.row[free]
        for k, where in enumerate(self.where):
            columns = np.flatnonzero(where >= 0)
            if not len(columns) or not len(free):
                continue
            blank = np.ones(self.cover.shape, np.uint8)
            for x, (top, stop) in zip(columns, self.own[k, columns], strict=True):
                blank[top:stop, x] = 0
            away = cv2.distanceTransform(blank, cv2.DIST_L2, 3)
            far[k] = np.minimum(away[rows[:, 0], column], away[rows[:, 1] - 1, column])
        return free, far


@dataclass(frozen=True)
class _Picture:
    """What a search is told of the picture, or of a strip of it.

    Args:
        runs: Of its ink.
        limits: Its first row in each column, and the one after its last, int64 (W,) each.
        pen_px: The strokes' usual width.
        px_per_mm: Its scale.
        present: float64 (K, W), 0–1: how surely there is a trace.
        maps: As of `Traces`.
        lettered: What of the runs is printed letters'.
    """

    runs: Runs
    limits: tuple[IntArray, IntArray]
    pen_px: float
    px_per_mm: float
    present: FloatArray
    maps: NDArray[np.float32] | None
    lettered: Lettered


def trace_all(
    cover: Coverage,
    rows_px: Sequence[float] | FloatArray | None = None,
    *,
    px_per_mm: float,
    maps: NDArray[np.float32] | None = None,
    row_px: float | None = None,
    inside: NDArray[np.bool_] | None = None,
    repeating: bool = False,
    letters: Sequence[LetterBox] = (),
    costs: TraceCosts = COSTS,
) -> Traces:
    """Trace all of a picture's traces at once.

    Args:
        cover: float32 (H, W), coverage or probability of ink, 0–1, whatever trace it is of.
        rows_px: Where the traces return to, ascending: (K,), or (K, W) for rows that are not
            level, NaN where a trace is not expected, as beside its row's end; None: as `find_rows`
            says.
        px_per_mm: The picture's scale.
        maps: float32 (K, H, W), 0–1: a network's probability of each row's trace, or
            (K + 2, H, W), of those from above and below too.
        row_px: That of the primary, where it is known: the nearest of `rows_px` is meant.
        inside: bool (H, W): where the picture is; None: everywhere.
        repeating: Whether each trace is of one lead from end to end, as in a lead's crop: then it
            is traced again with what its other beats tell of it.
        letters: Where words are printed: what lies in them need not be explained.
        costs: Of the search.
    """
    height, width = cover.shape
    runs = find_runs(cover, hole_px=HOLE_PX)
    if rows_px is None:
        rows_px = [row.y_px for row in find_rows(runs, height, px_per_mm=px_per_mm)]
    if not len(rows_px):
        rows_px = [height / 2]  # a trace may be nowhere level
    given = np.asarray(rows_px, np.float64)
    rows = given if given.ndim == 1 else np.nanmean(given, axis=1)
    places, expected = over_columns(given, width)
    known = None if row_px is None else int(np.abs(places[:, width // 2] - row_px).argmin())
    at_row = presence(runs, given, px_per_mm=px_per_mm)
    present = np.minimum(at_row / max(min(costs.surely_present, at_row.max()), NO_DIVISION_BY_0), 1)
    upper, lower = limits_of(cover.shape, inside)
    pen = max(usual_height_px(runs), 1.0)
    lettered = letters_in(runs, cover, letters, pen_px=pen)
    if maps is not None:
        maps = without_letters(maps, runs, lettered)
    there = present[:, None] * expected
    picture = _Picture(runs, (upper, lower), pen, px_per_mm, there, maps, lettered)
    anywhere = np.full(places.shape, costs.off_row_mm * px_per_mm)
    where = _where(picture, places, Expected(places, anywhere), costs)
    if repeating and len(rows) > 1:
        beats = find_beats(runs, pen, px_per_mm=px_per_mm)
        for _ in range(ROUNDS):
            seen = _seen_at(where, picture)
            told = expected_by_beats(seen, beats, places, anywhere, px_per_mm=px_per_mm)
            if told is None:
                break
            before, where = where, _where(picture, places, told, costs)
            if (where == before).all():
                break
    own = own_rows(where, runs.row, pen, lettered.mixed)
    surely = lettered.surely if letters else None
    return Traces(
        cover, runs, rows, at_row, where, own, pen, px_per_mm, maps, known, surely, lettered.mixed
    )


def _where(
    picture: _Picture, places: FloatArray, expected: Expected, costs: TraceCosts
) -> IntArray:
    """`Traces.where`, of traces that return to rows (K, W) and are expected where that says."""
    n, width = places.shape
    runs, limits = picture.runs, picture.limits
    where = np.full((n + 2, width), ABSENT)
    for group, kept in _groups(n, costs.together):
        upper, lower = limits
        strip = (
            upper if group.start == 0 else np.maximum(upper, _whole(places[group.start - 1])),
            lower if group.stop == n else np.minimum(lower, _whole(places[group.stop])),
        )
        here = (runs.row[:, 1] > strip[0][runs.column]) & (runs.row[:, 0] < strip[1][runs.column])
        if not here.any():
            continue
        some = replace(
            picture,
            runs=part_of(runs, here),
            lettered=picture.lettered.of(here),
            limits=strip,
            present=picture.present[group],
            maps=None if picture.maps is None else _maps_of(picture.maps, group, n),
        )
        found = _searched(some, expected.of(group), costs)
        found = np.where(found >= 0, np.flatnonzero(here)[found.clip(0)], found)
        where[kept] = found[kept.start - group.start : kept.stop - group.start]
        if group.start == 0:
            where[-2] = found[-2]
        if group.stop == n:
            where[-1] = found[-1]
    return where


def _maps_of(maps: Coverage, group: slice, n: int) -> Coverage:
    """The maps of some of n traces, and of what comes in from above and below them, if known."""
    if len(maps) == n or (group.start, group.stop) == (0, n):
        return maps[group] if len(maps) == n else maps
    above = maps[: group.start].sum(axis=0) + maps[-2]
    below = maps[group.stop : n].sum(axis=0) + maps[-1]
    return np.concatenate([maps[group], above[None], below[None]])


def _seen_at(where: IntArray, picture: _Picture) -> FloatArray:
    """The rows at which traces were found, float64 (K, W); NaN where a tall run does not tell."""
    runs, (upper, lower) = picture.runs, picture.limits
    own = own_rows(where, runs.row, picture.pen_px, picture.lettered.mixed)[:-2]
    at = where[:-2]
    visitor = VISITOR_MM * picture.px_per_mm
    rows = np.where(at >= 0, (own[..., 0] + own[..., 1] - 1) / 2, np.nan)
    rows[np.ptp(own, axis=2) > UNSURE_MM * picture.px_per_mm] = np.nan
    rows = np.where(at == ABOVE, upper - visitor, rows)
    seen: FloatArray = np.where(at == BELOW, lower + visitor, rows)
    return seen


def over_columns(rows_px: FloatArray, width: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Rows (K,) or (K, W) in every column, float64 (K, W), and where they were known."""
    if rows_px.ndim == 1:
        return np.repeat(rows_px[:, None], width, axis=1), np.ones((len(rows_px), width), np.bool_)
    known = np.isfinite(rows_px)
    columns = np.arange(width)
    filled = [
        np.interp(columns, columns[of], row[of]) for row, of in zip(rows_px, known, strict=True)
    ]
    return np.stack(filled), known


def _whole(rows_px: FloatArray) -> IntArray:
    return np.rint(rows_px).astype(np.int64)


def _groups(n_rows: int, together: int) -> list[tuple[slice, slice]]:
    """Which rows are searched for together, and which of them are kept: each once."""
    if n_rows <= together:
        return [(slice(0, n_rows), slice(0, n_rows))]
    groups = []
    for k in range(n_rows):
        first = min(max(k - together // 2, 0), n_rows - together)
        groups.append((slice(first, first + together), slice(k, k + 1)))
    return groups


def limits_of(
    shape: tuple[int, ...], inside: NDArray[np.bool_] | None
) -> tuple[IntArray, IntArray]:
    """First row of the picture in each column, and the one after its last, int64 (W,)."""
    height, width = shape
    if inside is None:
        return np.zeros(width, np.int64), np.full(width, height)
    return inside.argmax(axis=0), height - inside[::-1].argmax(axis=0)


def _searched(picture: _Picture, expected: Expected, costs: TraceCosts) -> IntArray:
    """Each trace's run in each column, int64 (K + 2, W), or what else `Traces.where` holds."""
    px_per_mm, limits = picture.px_per_mm, picture.limits
    graph = graph_of(picture.runs, limits, px_per_mm=px_per_mm, pen_px=picture.pen_px, costs=costs)
    width = expected.rows_px.shape[1]
    visitor = VISITOR_MM * px_per_mm
    beyond = np.array([[limits[0].min() - visitor], [limits[1].max() + visitor]])
    with_visitors = Expected(
        np.concatenate([expected.rows_px, np.repeat(beyond, width, axis=1)]),
        np.concatenate([expected.spread_px, np.full((2, width), costs.off_row_mm * px_per_mm)]),
    )
    prices = _prices(graph, picture, with_visitors, costs)
    if picture.maps is not None:
        for k, of_trace in enumerate(picture.maps):
            prices.node[k] += _unlikely(graph, of_trace, px_per_mm, costs)
    found = search(graph, prices)
    return np.where(found < graph.n_runs, found, BRIDGE)


def _prices(graph: Graph, picture: _Picture, expected: Expected, costs: TraceCosts) -> Prices:
    """The costs per pixel of traces (K + 2) that are expected somewhere; the last two visit."""
    px_per_mm, pen_px, (upper, lower) = picture.px_per_mm, picture.pen_px, picture.limits

    def off_row(rows_px: NDArray[Any], spread_px: FloatArray) -> FloatArray:
        away = np.maximum(rows_px, 0) / spread_px
        cost: FloatArray = costs.off_row / px_per_mm * np.log1p(away)
        return cost

    middle = (graph.top_px + graph.bottom_px) / 2
    low = np.minimum(graph.top_px + pen_px / 2, middle)
    high = np.maximum(graph.bottom_px - pen_px / 2, middle)
    n = len(expected.rows_px)
    node, without = [], np.full((3, n, len(upper)), NEVER)
    for k, (y, spread) in enumerate(zip(expected.rows_px, expected.spread_px, strict=True)):
        visits = k >= n - 2
        here = y[graph.column]
        away_px = np.maximum(low - here, here - high)
        reachable = away_px <= costs.most_off_row_mm * px_per_mm
        node.append(np.where(reachable | visits, off_row(away_px, spread[graph.column]), NEVER))
        if visits:  # a visitor is beyond its edge when it is not in the picture
            without[1 + k - (n - 2), k] = 0
            continue
        without[0, k] = picture.present[k] * costs.absent_per_mm / px_per_mm
        beyond = (y - upper, lower - y)
        nearer = int(beyond[1].mean() < beyond[0].mean())
        outside = off_row(beyond[nearer], spread)
        without[1 + nearer, k] = costs.outside_per_mm / px_per_mm + outside
    strokes = (graph.bottom_px - graph.top_px) / pen_px
    tall = 1 - costs.tall_share + costs.tall_share * np.log1p(strokes)
    tall += costs.peak_share * np.maximum(strokes - costs.peak_strokes, 0)
    is_run = np.arange(len(strokes)) < graph.n_runs
    of_bridges = np.zeros(len(strokes) - graph.n_runs)
    lettered = np.concatenate([picture.lettered.share, of_bridges])
    mixed = np.concatenate([picture.lettered.mixed, of_bridges > 0])
    return Prices(
        node=np.stack(node) + costs.letter_per_mm / px_per_mm * lettered,
        without=without,
        height=strokes,
        unexplained=np.where(is_run, costs.unexplained_per_mm / px_per_mm * tall, 0.0)
        * (1 - np.maximum(lettered, mixed)),
        lettered=mixed,
        leave=costs.leave,
        cross=costs.cross_edge,
        edge=costs.edge_per_mm / px_per_mm,
        shared=costs.shared_per_mm / px_per_mm,
        turn=costs.turn,
        turn_px=costs.turn_mm * px_per_mm,
        along_px=costs.along_mm * px_per_mm,
        blend=1 / max(costs.slope_mm * px_per_mm, 1.0),
        pen_px=pen_px,
        hopeless=costs.hopeless,
        beam=costs.beam,
    )


def _unlikely(
    graph: Graph, probability: NDArray[np.float32], px_per_mm: float, costs: TraceCosts
) -> FloatArray:
    """What a map speaks against each node, float64 (n,), relative to its column's likeliest row."""
    near = likely_near(probability, px_per_mm=px_per_mm)
    most = probability.max(axis=0).astype(np.float64)[graph.column]
    rows = np.stack([np.rint(graph.top_px), np.rint(graph.bottom_px) + 1], axis=1).astype(np.int64)
    here = likeliest(near, graph.column, rows)
    odds = np.log((most + LEAST_PROBABILITY) / (here + LEAST_PROBABILITY))
    sure = np.minimum(most / costs.sure, 1)
    cost: FloatArray = sure * np.clip(odds, 0, costs.most_unlikely)
    return costs.unlikely_per_mm / px_per_mm * cost


@njit(cache=True)
def likeliest(probability: NDArray[np.float32], column: IntArray, rows: IntArray) -> FloatArray:
    """Highest probability in rows (n, 2), from a first to before a last, of columns (n,)."""
    found = np.zeros(len(column))
    for i in range(len(column)):
        for r in range(max(0, rows[i, 0]), min(len(probability), rows[i, 1])):
            found[i] = max(found[i], probability[r, column[i]])
    return found


@njit(cache=True)
def _with_sure(
    probability: NDArray[np.float32], columns: IntArray, rows: IntArray, runs: IntArray
) -> IntArray:
    """A trace's rows (n, 2), and all rows of its runs (n, 2) in which its map is sure of it."""
    wider = rows.copy()
    for i in range(len(columns)):
        for r in range(runs[i, 0], runs[i, 1]):
            if probability[r, columns[i]] >= SURE:
                wider[i, 0], wider[i, 1] = min(wider[i, 0], r), max(wider[i, 1], r + 1)
    return wider


@njit(cache=True)
def _trimmed(near: Coverage, columns: IntArray, rows: IntArray) -> IntArray:
    """Rows (n, 2) without those at both ends that a map, sure of the column, rules out.

    What it rules out in between stays: there the stroke goes through another trace.
    """
    trimmed = rows.copy()
    for i in range(len(columns)):
        c, first, stop = columns[i], rows[i, 0], rows[i, 1]
        if near[:, c].max() < SURE:
            continue
        while first < stop and near[first, c] < RULED_OUT:
            first += 1
        while stop > first and near[stop - 1, c] < RULED_OUT:
            stop -= 1
        if stop > first:
            trimmed[i, 0], trimmed[i, 1] = first, stop
    return trimmed


@njit(cache=True)
def _erase(own: Coverage, columns: IntArray, runs: IntArray, kept: IntArray) -> None:
    """Erase runs (n, 2) of columns (n,) and their soft edges, but for the rows `kept` (n, 2)."""
    for i in range(len(columns)):
        first = kept[i, 0] - (SOFT_EDGE_PX if kept[i, 0] == runs[i, 0] else 0)
        stop = kept[i, 1] + (SOFT_EDGE_PX if kept[i, 1] == runs[i, 1] else 0)
        for r in range(max(0, runs[i, 0] - SOFT_EDGE_PX), min(len(own), runs[i, 1] + SOFT_EDGE_PX)):
            if kept[i, 0] == kept[i, 1] or not first <= r < stop:
                own[r, columns[i]] = 0


@njit(cache=True)
def _found_again(row: IntArray, first: IntArray, columns: IntArray, rows: IntArray) -> IntArray:
    """The run in each column that has most of a trace's rows (n, 2), int64 (W,); -1 for none."""
    run = np.full(len(first) - 1, -1)
    for i in range(len(columns)):
        most = 0
        for j in range(first[columns[i]], first[columns[i] + 1]):
            common = min(row[j, 1], rows[i, 1]) - max(row[j, 0], rows[i, 0])
            if common > most:
                most, run[columns[i]] = common, j
    return run

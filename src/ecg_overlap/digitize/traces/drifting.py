"""Rows that are not level: of traces that wander, and of pages whose paper bends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.traces.rows import NEAR_MM as LEVEL_MM
from ecg_overlap.digitize.traces.rows import find_rows, independent, presence
from ecg_overlap.digitize.traces.runs import (
    HOLE_PX,
    FloatArray,
    Runs,
    find_runs,
    level_runs,
    part_of,
)

WINDOW_MM = 55.0  # rows are looked for in parts so wide: two beats, and hardly any drift
MOST_STEP_MM = 12.0  # between a row's places in two windows: leads of a row stand apart so much
STEP_COST = 0.03  # per mm of such a step, in shares of a window's columns
SKIP = 3  # a row may be missed in two windows in succession
LEAST_OF_BEST = 0.4  # of the columns that the clearest row has ink in, each row has this share
NEAR_MM = 3.0  # ink so near to a row, to its left and right, is of its trace
NARROW_MM = 25.0  # windows in which even a trace that wanders is nearly level
LEAST_LENGTH = 0.6  # of the picture's width, for a trace that wanders
LEAST_WAY_MM = 4.0  # of such a trace, up and down: what is more level is dense in a row (a guess)
SAME_MM = 3.5  # a row that is known and one that is found so near are one trace's


@dataclass(frozen=True)
class DriftingRow:
    """A row of traces.

    Args:
        y_px: float64 (W,): the row that the trace returns to, in each column.
        first: First column that holds its trace.
        stop: The one after its last.
        share: Of the columns, those in which ink is at the row.
    """

    y_px: FloatArray
    first: int
    stop: int
    share: float

    @property
    def expected_px(self) -> FloatArray:
        """`y_px`, NaN where the trace is not."""
        columns = np.arange(len(self.y_px))
        return np.where((columns >= self.first) & (columns < self.stop), self.y_px, np.nan)

    def between(self, first: int, stop: int) -> "DriftingRow":
        """The row without what is before or from these columns on."""
        return replace(self, first=max(self.first, first), stop=min(self.stop, stop))


def drifting_rows(
    cover: Coverage, *, px_per_mm: float, window_mm: float = WINDOW_MM
) -> list[DriftingRow]:
    """The rows of a picture, from top to bottom.

    In windows, as wide as two beats, rows are where level ink is densest (`rows`). A row of the
    picture is a way through the windows, of small steps, that has much ink: header text and the
    rests of grid lines have some in some windows.

    Args:
        cover: float32 (H, W), 0–1: all ink, of a page as `ink_of_traces` leaves it.
        px_per_mm: Its scale.
        window_mm: How wide the windows are.
    """
    height, width = cover.shape
    edges = np.linspace(0, width, max(round(width / px_per_mm / window_mm), 1) + 1).astype(int)
    places: list[FloatArray] = []
    shares: list[FloatArray] = []
    for left, right in pairwise(edges):
        runs = find_runs(np.ascontiguousarray(cover[:, left:right]), hole_px=HOLE_PX)
        y = np.array([row.y_px for row in find_rows(runs, height, px_per_mm=px_per_mm)])
        places.append(y)
        shares.append(presence(runs, y, px_per_mm=px_per_mm))
    most_step, step_cost = MOST_STEP_MM * px_per_mm, STEP_COST / px_per_mm
    free = [share.copy() for share in shares]
    ways: list[Way] = []
    most = 0.0
    while True:
        way = _heaviest(places, free, most_step, step_cost)
        share = float(sum(shares[w][k] for w, k in way)) / len(places)
        if not way or share < LEAST_OF_BEST * most:
            break
        ways.append(way)
        most = max(most, share)
        for w, k in way:
            free[w][k] = -np.inf  # taken
    middles = (edges[:-1] + edges[1:]) / 2
    rows = []
    for way in untangled(ways, places, most_step):
        way_px = [places[w][k] for w, k in way]
        y_px = np.interp(np.arange(width), [middles[w] for w, _ in way], way_px)
        first, stop = _extent(cover, y_px, NEAR_MM * px_per_mm)
        share = float(sum(shares[w][k] for w, k in way)) / len(places)
        rows.append(DriftingRow(y_px, first, stop, share))
    return sorted(rows, key=lambda row: float(row.y_px.mean()))


Way = list[tuple[int, int]]  # (window, row in it), ascending


def untangled(ways: Sequence[Way], places: list[FloatArray], most_step: float) -> list[Way]:
    """The same ink in as many ways of shorter steps.

    The heaviest way alone may change over to another row's ink, of which that one then lacks: two
    ways exchange all that is behind a window wherever their steps are shorter so.
    """
    found = [list(way) for way in ways]
    shorter = True
    while shorter:
        shorter = False
        for a, b in combinations(range(len(found)), 2):
            for window in range(1, len(places)):
                heads = [[at for at in found[way] if at[0] < window] for way in (a, b)]
                tails = [[at for at in found[way] if at[0] >= window] for way in (a, b)]
                others = [heads[0] + tails[1], heads[1] + tails[0]]
                if not all(others):
                    continue
                now, then = (
                    [np.abs(_steps(way, places)) for way in pair]
                    for pair in ((found[a], found[b]), others)
                )
                possible = all(step.max(initial=0.0) <= most_step for step in then)
                if possible and _total(then) < _total(now):
                    found[a], found[b] = others
                    shorter = True
    return found


def _steps(way: Way, places: list[FloatArray]) -> FloatArray:
    return np.diff([places[w][k] for w, k in way])


def _total(steps: Sequence[FloatArray]) -> float:
    return round(float(sum(step.sum() for step in steps)), 6)


def _heaviest(
    places: list[FloatArray], shares: list[FloatArray], most_step: float, step_cost: float
) -> list[tuple[int, int]]:
    """The way through the windows with most ink: (window, row in it) for each window it is in."""
    worth = [share.copy() for share in shares]
    before: dict[tuple[int, int], tuple[int, int]] = {}
    for w, here in enumerate(places):
        for k, y in enumerate(here):
            best = 0.0
            for v in range(max(w - SKIP, 0), w):
                step = np.abs(places[v] - y)
                gain = np.where(step <= most_step, worth[v] - step_cost * step, -np.inf)
                if len(gain) and gain.max() > best:
                    best, before[w, k] = float(gain.max()), (v, int(gain.argmax()))
            worth[w][k] += best
    ends = [(float(of.max()), w, int(of.argmax())) for w, of in enumerate(worth) if len(of)]
    if not ends or max(ends)[0] <= 0:
        return []
    _, w, k = max(ends)
    way = [(w, k)]
    while way[-1] in before:
        way.append(before[way[-1]])
    return way[::-1]


def _extent(cover: Coverage, y_px: FloatArray, reach: float) -> tuple[int, int]:
    """First column with ink near the row, and the one after its last."""
    height = len(cover)
    offsets = np.arange(-round(reach), round(reach) + 1)
    rows = (np.rint(y_px).astype(int)[None] + offsets[:, None]).clip(0, height - 1)
    held: NDArray[np.bool_] = (cover[rows, np.arange(len(y_px))[None]] >= 0.5).any(axis=0)
    columns = np.flatnonzero(held)
    return (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)


def rows_of(cover: Coverage, *, px_per_mm: float, row_px: float | None = None) -> FloatArray:
    """Rows to which the traces of a picture return, px, float64 (K, W), from top to bottom.

    A lone trace that is level nowhere has none, and is traced without.

    Args:
        cover: float32 (H, W), 0–1, its ink.
        px_per_mm: Its scale.
        row_px: One of the rows, where it is known, at the picture's middle: the nearest that is
            found is moved there. One that wanders over it elsewhere stays as it is.
    """
    height, width = cover.shape
    runs = find_runs(cover, hole_px=HOLE_PX)
    level = np.array([row.y_px for row in find_rows(runs, height, px_per_mm=px_per_mm)])
    rows = [np.full(width, row) for row in level]
    if rows:
        rows += _wandering(cover, runs, level, px_per_mm)
    if row_px is not None and not _wanders_over(rows, row_px, SAME_MM * px_per_mm):
        known = np.full(width, row_px)
        near = [row for row in rows if abs(row[width // 2] - row_px) <= SAME_MM * px_per_mm]
        if near:  # of a level one and one that wanders through it, the level one is meant
            it = min(near, key=lambda row: (np.ptp(row) > 0, abs(row[width // 2] - row_px)))
            rows = [row for row in rows if row is not it]
            known = it + (row_px - it[width // 2])
        rows.append(known)
    return np.array(sorted(rows, key=lambda row: float(row.mean()))).reshape(-1, width)


def _wanders_over(rows: Sequence[FloatArray], row_px: float, reach: float) -> bool:
    """Whether the row that is nearest to a known one at the middle wanders, and that far."""
    if not rows:
        return False
    nearest = min(rows, key=lambda row: abs(row[len(row) // 2] - row_px))
    wanders = np.ptp(nearest) > 0 and abs(nearest[len(nearest) // 2] - row_px) > reach
    return bool(wanders and nearest.min() - reach <= row_px <= nearest.max() + reach)


def _wandering(
    cover: Coverage, runs: Runs, rows_px: FloatArray, px_per_mm: float
) -> list[FloatArray]:
    """The rows (W,) of traces that wander by centimetres, and so are dense in no row.

    Their level ink is at no row that was found, and yet is as long and as clear as a row is. What
    one of the found traces leaves so, as its T waves, is there where that one is not at its row.
    """
    level = level_runs(runs)
    away = np.abs(level.centre_px[:, None] - rows_px[None]).min(axis=1)
    at_a_row = away < LEVEL_MM * px_per_mm
    left = cover.copy()
    for column, (top, stop) in zip(level.column[at_a_row], level.row[at_a_row], strict=True):
        left[top:stop, column] = 0
    inked = np.diff(runs.first) > 0
    clear = LEAST_OF_BEST * presence(runs, rows_px, px_per_mm=px_per_mm).max()
    holds = [_held(level, row, inked, LEVEL_MM * px_per_mm) for row in rows_px]
    others = part_of(level, ~at_a_row)
    found = []
    for row in drifting_rows(left, px_per_mm=px_per_mm, window_mm=NARROW_MM):
        if np.ptp(row.y_px) < LEAST_WAY_MM * px_per_mm:
            continue
        long = row.stop - row.first >= LEAST_LENGTH * len(inked)
        here = _held(others, row.y_px[others.column], inked, NEAR_MM * px_per_mm)
        if long and row.share >= clear and all(independent(here, one, inked) for one in holds):
            found.append(row.y_px)
            holds.append(here)
    return found


def _held(
    runs: Runs, y_px: FloatArray | float, inked: NDArray[np.bool_], reach: float
) -> NDArray[np.bool_]:
    """In which columns a run is near a row (m,), bool (W,)."""
    held = np.zeros_like(inked)
    held[runs.column[np.abs(runs.centre_px - y_px) < reach]] = True
    return held

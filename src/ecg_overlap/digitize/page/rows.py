"""The rows of a page: where its traces run from one side to the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.evidence import INK
from ecg_overlap.digitize.traces.rows import find_rows, presence
from ecg_overlap.digitize.traces.runs import HOLE_PX, FloatArray, find_runs

PIECE_MM = 8.0  # ink of a trace hangs together for so long; a letter is narrower
FRAME_MM = 100.0  # a line that is exactly straight for so long is a frame: no heart rests for 4 s
MOST_FRAMES = 4  # lines in one direction: a frame within another
FRAME_EDGE_MM = 0.25  # as far beyond such a line a network's map of it may reach: two of its pixels
WINDOW_MM = 55.0  # rows are looked for in parts so wide: two beats, and hardly any drift
MOST_STEP_MM = 12.0  # between a row's places in two windows: leads of a row stand apart so much
STEP_COST = 0.03  # per mm of such a step, in shares of a window's columns
SKIP = 3  # a row may be missed in two windows in succession
LEAST_OF_BEST = 0.4  # of the columns that the clearest row has ink in, each row has this share
NEAR_MM = 3.0  # ink so near to a row, to its left and right, is of its trace


@dataclass(frozen=True)
class PageRow:
    """One row of traces.

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

    def between(self, first: int, stop: int) -> "PageRow":
        """The row without what is before or from these columns on."""
        return replace(self, first=max(self.first, first), stop=min(self.stop, stop))


def ink_of_traces(cover: Coverage, *, px_per_mm: float) -> Coverage:
    """The ink that hangs together over `PIECE_MM` or more, without straight frames.

    Args:
        cover: float32 (H, W), 0–1.
        px_per_mm: Its scale.
    """
    cover = without_frames(cover, px_per_mm=px_per_mm)
    near = cv2.dilate((cover > 0.3).astype(np.uint8), np.ones((3, 3), np.uint8))
    _, piece, facts, _ = cv2.connectedComponentsWithStats(near)
    wide = facts[:, cv2.CC_STAT_WIDTH] >= PIECE_MM * px_per_mm
    wide[0] = False
    return np.where(wide[piece], cover, np.float32(0))


def without_frames(cover: Coverage, *, px_per_mm: float, dark: Coverage | None = None) -> Coverage:
    """The ink without level and upright lines of `FRAME_MM` or more, float32 (H, W).

    Args:
        cover: float32 (H, W), 0–1.
        px_per_mm: Its scale.
        dark: float32 (H, W), where `cover` is what a network sees of it: of a line, that may be
            dashes. Of more lines than frames have, it is a grid's rest, which the network knows.
    """
    length = round(FRAME_MM * px_per_mm)
    line = np.zeros(cover.shape, np.uint8)
    for along in (0, 1):
        line = np.maximum(line, _lines(cover, along, length))
        if dark is not None:
            dashed = _lines(dark, along, length)
            if _count(dashed, along) <= MOST_FRAMES:
                line = np.maximum(line, dashed)
    if not line.any():
        return cover
    edge = 2 * max(round(FRAME_EDGE_MM * px_per_mm), 1) + 1 if dark is not None else 3
    return np.where(cv2.dilate(line, np.ones((edge, edge), np.uint8)) > 0, np.float32(0), cover)


def _lines(cover: Coverage, along: int, length: int) -> NDArray[np.uint8]:
    """The straight lines of a length along an axis of a picture, uint8 (H, W)."""
    if not 1 <= length < cover.shape[along]:
        return np.zeros(cover.shape, np.uint8)
    return _upright_lines(cover, length) if along == 0 else _level_lines(cover, length)


@njit(cache=True)
def _kept(start: int, stop: int, side: int, length: int) -> tuple[int, int]:
    """First pixel and the one after the last that opening by a line keeps of a run of ink.

    As OpenCV does it: beyond the picture all is ink, and a line of even length moves it by one.
    """
    before = length // 2
    after = length - 1 - before
    first = 0 if start == 0 else start + before
    last = side - 1 if stop == side else stop - 1 - after
    if first > last:
        return 0, 0
    return max(first - after, 0), min(last + before, side - 1) + 1


@njit(cache=True)
def _level_lines(cover: Coverage, length: int) -> NDArray[np.uint8]:
    height, width = cover.shape
    line = np.zeros((height, width), np.uint8)
    for r in range(height):
        start = -1
        for c in range(width + 1):
            inked = c < width and cover[r, c] >= INK
            if inked and start < 0:
                start = c
            elif not inked and start >= 0:
                first, stop = _kept(start, c, width, length)
                line[r, first:stop] = 1
                start = -1
    return line


@njit(cache=True)
def _upright_lines(cover: Coverage, length: int) -> NDArray[np.uint8]:
    """Row by row, as the picture lies in memory."""
    height, width = cover.shape
    line = np.zeros((height, width), np.uint8)
    start = np.full(width, -1)
    for r in range(height + 1):
        for c in range(width):
            inked = r < height and cover[r, c] >= INK
            if inked and start[c] < 0:
                start[c] = r
            elif not inked and start[c] >= 0:
                first, stop = _kept(start[c], r, height, length)
                line[first:stop, c] = 1
                start[c] = -1
    return line


def _count(line: NDArray[np.uint8], along: int) -> int:
    """How many lines there are along an axis, side by side."""
    there = line.any(axis=along).astype(np.int8)
    return int((np.diff(there, prepend=0) > 0).sum())


def page_rows(cover: Coverage, *, px_per_mm: float, window_mm: float = WINDOW_MM) -> list[PageRow]:
    """The rows of a page, from top to bottom.

    In windows, as wide as two beats, rows are where level ink is densest (`traces.rows`). A page's
    row is a way through the windows, of small steps, that has much ink: header text and the rests
    of grid lines have some in some windows.

    Args:
        cover: float32 (H, W), 0–1: all ink, as `ink_of_traces` leaves it.
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
        rows.append(PageRow(y_px, first, stop, share))
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

"""How much of each run of ink is a printed letter's, from the boxes of words that were read.

A box is only roughly where its letters are, and a trace may lie along its upper or lower edge, or
go through it. So nothing is cut out beforehand: how deep a run lies in a box says how much of it is
a letter's, and the search weighs what it costs a trace to be there against all else. Where a
letter and a trace are one run, the letter is like another trace: the trace goes straight on.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.evidence import INK
from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.traces.runs import LEVEL_STROKES, SOFT_EDGE_PX, FloatArray, Runs
from ecg_overlap.digitize.traces.search import WIDE_STROKE

DEEP = 0.25  # of a box's height, from its edge: ink so deep in it is wholly a letter's
BEYOND = 0.4  # of a box's height: a piece of ink that ends within so much of it is a letter
SURELY = 0.5  # of a run: so much a letter's, it is none of the ink that traces leave over


class Lettered(NamedTuple):
    """What of a picture's runs is printed letters'.

    Args:
        share: float64 (m,), 0–1: how much a run is a letter's and no trace's.
        mixed: bool (m,): a letter may be in it beside a trace.
    """

    share: FloatArray
    mixed: NDArray[np.bool_]

    @property
    def surely(self) -> NDArray[np.bool_]:
        """The runs that are letters' unless a trace goes through them, bool (m,)."""
        found: NDArray[np.bool_] = self.share >= SURELY
        return found

    def of(self, kept: NDArray[np.bool_]) -> "Lettered":
        """The same of some of the runs, bool (m,)."""
        return Lettered(self.share[kept], self.mixed[kept])


def letters_in(
    runs: Runs, cover: Coverage, boxes: Sequence[LetterBox], *, pen_px: float
) -> Lettered:
    """What of the runs is letters'.

    A run's share is told by that of its ends which is nearest to the box's edge: a stroke along the
    edge, from which a letter hangs, is a trace's. What stands out of the box by more than a level
    stroke does is a steep stroke that goes through.

    Args:
        runs: Of all ink.
        cover: float32 (H, W), 0–1, the ink.
        boxes: Of all words.
        pen_px: The strokes' usual width.
    """
    column, top, bottom = runs.column, runs.top_px, runs.bottom_px
    share, mixed = np.zeros(len(column)), np.zeros(len(column), np.bool_)
    middle = (top + bottom) / 2
    low = np.minimum(top + pen_px / 2, middle)
    high = np.maximum(bottom - pen_px / 2, middle)
    thick = bottom - top >= WIDE_STROKE * pen_px
    for box in boxes:
        edge = DEEP * (box.bottom_px - box.top_px)
        here = (column >= box.left_px) & (column <= box.right_px)
        deep = np.clip(np.minimum(low - box.top_px, box.bottom_px - high) / edge, 0, 1)
        share = np.maximum(share, np.where(here, deep, 0.0))
        out = np.maximum(box.top_px - top, bottom - box.bottom_px)
        inner = (bottom > box.top_px) & (top < box.bottom_px)
        mixed |= here & inner & thick & (out < LEVEL_STROKES * pen_px)
        share[_in_pieces(runs, cover, box)] = 1.0
    return Lettered(share, mixed)


def without_letters(maps: Coverage, runs: Runs, lettered: Lettered) -> Coverage:
    """Maps of traces, float32 (K, H, W), without what they show of runs with letters in them.

    A network that took a letter for the trace would speak against the trace's own ink there.
    """
    of_letters = np.flatnonzero(lettered.surely | lettered.mixed)
    if not len(of_letters):
        return maps
    traces = maps.copy()
    for column, (top, bottom) in zip(runs.column[of_letters], runs.row[of_letters], strict=True):
        traces[:, max(top - SOFT_EDGE_PX, 0) : bottom + SOFT_EDGE_PX, column] = 0
    return traces


def _in_pieces(runs: Runs, cover: Coverage, box: LetterBox) -> NDArray[np.bool_]:
    """The runs of pieces of ink that begin in a box and end at or near it, bool (m,)."""
    beyond = BEYOND * (box.bottom_px - box.top_px)
    left, upper = (max(int(edge - beyond), 0) for edge in (box.left_px, box.top_px))
    right, lower = (int(edge + beyond) + 1 for edge in (box.right_px, box.bottom_px))
    window = np.ascontiguousarray(cover[upper:lower, left:right] >= INK, np.uint8)
    found = np.zeros(len(runs.column), np.bool_)
    if not window.any():
        return found
    _, piece = cv2.connectedComponents(window)
    height, width = window.shape
    cut = [
        *((piece[0],) if upper > 0 else ()),
        *((piece[-1],) if upper + height < cover.shape[0] else ()),
        *((piece[:, 0],) if left > 0 else ()),
        *((piece[:, -1],) if left + width < cover.shape[1] else ()),
    ]
    goes_on = np.unique(np.concatenate([np.zeros(1, piece.dtype), *cut]))
    rows = slice(max(int(box.top_px) - upper, 0), max(int(box.bottom_px) + 1 - upper, 0))
    columns = slice(max(int(box.left_px) - left, 0), max(int(box.right_px) + 1 - left, 0))
    letters = np.isin(piece, np.setdiff1d(np.unique(piece[rows, columns]), goes_on))
    y, x = runs.row[:, 0] - upper, runs.column - left
    here = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    found[here] = letters[y[here], x[here]]
    return found

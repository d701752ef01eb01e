"""The ink of a page's traces: what hangs together for long, and is no frame."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.evidence import INK

PIECE_MM = 8.0  # ink of a trace hangs together for so long; a letter is narrower
FRAME_MM = 100.0  # a line that is exactly straight for so long is a frame: no heart rests for 4 s
MOST_FRAMES = 4  # lines in one direction: a frame within another
FRAME_EDGE_MM = 0.25  # as far beyond such a line a network's map of it may reach: two of its pixels


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

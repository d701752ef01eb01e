"""A network's ink of a picture of any size: scaled, read in overlapping tiles, scaled back."""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.network import Image, Seen

TILE_PX = (640, 1024)  # at the network's scale; memory does not grow with the page
# Of a tile, so much at each side is read for context alone, in cells of the network's coarsest
# level. What a pixel of 16 px cells sees ends within 80 px, and hardly weighs beyond half of that.
MARGIN_CELLS = 3
COLOURS = 3  # of what a network sees
INK = 0  # of its layers; the others, grid and marks, are for training alone


Run = Callable[[NDArray[np.float32]], Seen]


def read_seen(
    image: Image, *, px_per_mm: float, run: Run, network_px_per_mm: float, multiple: int
) -> Seen:
    """What a network sees of a picture.

    Args:
        image: RGB uint8 (H, W, 3), a crop or a whole page.
        px_per_mm: Its scale.
        run: The network on one tile: colours as darkness, float32 (3, h, w), 0 paper to 1 black.
        network_px_per_mm: The scale that it wants.
        multiple: Of which h and w must be: a cell of its coarsest level.

    Returns:
        The ink in the picture's own pixels, the offsets in the network's.
    """
    factor = network_px_per_mm / px_per_mm
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    small = _resized(image, (height, width))
    ink = np.empty((height, width), np.float32)
    offsets: NDArray[np.float32] | None = None
    fold: int | None = None
    margin = min(MARGIN_CELLS * multiple, min(TILE_PX) // 4)  # or a tile would keep nothing
    for read, kept in _tiles((height, width), margin):
        (top, left), (rows, columns) = read[0], read[1]
        part = small[top : top + rows, left : left + columns]
        padded = np.zeros((COLOURS, *(-(-side // multiple) * multiple for side in read[1])), "f4")
        padded[:, :rows, :columns] = (255 - part).transpose(2, 0, 1) / np.float32(255)
        (first, last), (begin, end) = kept
        seen = run(padded)
        ink[first:last, begin:end] = seen.ink[first - top : last - top, begin - left : end - left]
        if seen.offsets is None:
            continue
        fold = padded.shape[1] // seen.offsets.shape[1]  # of which all tiles' edges are multiples
        if offsets is None:
            size = (len(seen.offsets), -(-height // fold), -(-width // fold))
            offsets = np.zeros(size, np.float32)
        here = offsets[:, first // fold : -(-last // fold), begin // fold : -(-end // fold)]
        down, across = (first - top) // fold, (begin - left) // fold
        here[:] = seen.offsets[:, down : down + here.shape[1], across : across + here.shape[2]]
    return Seen(_resized(ink, image.shape[:2]), offsets, None if fold is None else fold / factor)


Place = tuple[tuple[int, int], tuple[int, int]]


def _tiles(size: tuple[int, int], margin_px: int) -> Iterator[tuple[Place, Place]]:
    """((top, left), (rows, columns)) read, and ((first, last) row, … column) kept, of each tile.

    Example:
        >>> [kept for _, kept in _tiles((100, 1500), 48)]
        [((0, 100), (0, 976)), ((0, 100), (976, 1500))]
    """
    for top, rows, first, last in _stretches(size[0], TILE_PX[0], margin_px):
        for left, columns, begin, end in _stretches(size[1], TILE_PX[1], margin_px):
            yield ((top, left), (rows, columns)), ((first, last), (begin, end))


def _stretches(length: int, tile: int, margin: int) -> list[tuple[int, int, int, int]]:
    """(start, length) read, and (first, last) kept, of the tiles along one side."""
    if length <= tile:
        return [(0, length, 0, length)]
    found, first = [], 0
    while first < length:
        start = max(0, first - margin)
        stop = min(start + tile, length)
        last = length if stop == length else stop - margin
        found.append((start, stop - start, first, last))
        first = last
    return found


def _resized(values: NDArray[Any], size: tuple[int, ...]) -> NDArray[Any]:
    """Resized to (height, width), averaging where it shrinks."""
    shrinks = size[0] < values.shape[0] or size[1] < values.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (size[1], size[0]), interpolation=how))

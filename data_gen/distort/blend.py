"""Colours of a picture replaced by a table, or blended by weight, in 8-bit arithmetic."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from data_gen.distort.warp import Image

Colour = tuple[float, float, float]  # levels of R, G, B

_8 = np.uint32(8)  # with a plain 8, Numba would compute in 64 bits
_PAPER_PIXELS = 2048  # of a picture, whose median is the paper's colour


def paper_colour(image: Image) -> Colour:
    """The colour of the paper: the median of some pixels, since most show bare paper."""
    step = max(int((image.shape[0] * image.shape[1] / _PAPER_PIXELS) ** 0.5), 1)
    pixels = image[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
    middle = len(pixels) // 2
    red, green, blue = np.partition(pixels, middle, axis=0)[middle].tolist()
    return float(red), float(green), float(blue)


@njit(cache=True, nogil=True)
def looked_up(image: Image, tables: Image) -> Image:
    """Each level of a picture (H, W, 3) replaced by a table's, uint8 (256, 3).

    `cv2.LUT` takes half as long again where each channel has a table of its own.
    """
    levels = image.reshape(-1, 3)
    out = np.empty_like(levels)
    for i in range(len(levels)):
        for k in range(3):
            out[i, k] = tables[levels[i, k], k]
    return out.reshape(image.shape)


def lay(image: Image, weight: Image, colour: Colour) -> None:
    """Lay a colour on a picture, in place: image + (colour − image) · weight / 255.

    Args:
        image: uint8 (H, W, 3).
        weight: uint8 (H, W).
        colour: Laid on.
    """
    _lay(image, weight, colour)


@njit(cache=True, nogil=True)
def _lay(image: Image, weight: Image, colour: Colour) -> None:
    height, width, _ = image.shape
    added = np.empty((256, 3), np.uint32)
    for w in range(256):
        for k in range(3):
            added[w, k] = np.uint32(np.rint(w * colour[k] / 255))
    for y in range(height):
        for x in range(width):
            w = weight[y, x]
            if w:
                for k in range(3):
                    kept = np.uint32(image[y, x, k]) * np.uint32(255 - w) + np.uint32(128)
                    kept = (kept + (kept >> _8)) >> _8  # over 255, rounded
                    image[y, x, k] = min(kept + added[w, k], np.uint32(255))


def box_around(x: float, y: float, reach: float, shape: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of a picture within `reach` px of a point; may be empty."""
    (top, bottom), (left, right) = (
        (min(max(round(at - reach), 0), size), min(max(round(at + reach) + 1, 0), size))
        for at, size in ((y, shape[0]), (x, shape[1]))
    )
    return slice(top, bottom), slice(left, right)

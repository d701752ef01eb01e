"""Laying a colour on a picture by weight, in whole 8-bit arithmetic."""

from collections.abc import Sequence

import cv2
import numpy as np

from data_gen.distort.warp import Image

Colour = tuple[float, float, float]  # levels of R, G, B


def paper_colour(image: Image) -> Colour:
    """The colour of the paper: the median of some 2000 pixels, since most show bare paper."""
    step = max(int((image.shape[0] * image.shape[1] / 2048) ** 0.5), 1)
    pixels = image[step // 2 :: step, step // 2 :: step].reshape(-1, 3).T.copy()
    # Sorting bytes is ten times faster than np.median.
    red, green, blue = np.sort(pixels)[:, pixels.shape[1] // 2].tolist()
    return red, green, blue


def lay(image: Image, weight: Image, colour: Colour) -> Image:
    """Lay a colour: image + (colour − image) · weight / 255.

    Args:
        image: uint8 (H, W, 3).
        weight: uint8 (H, W).
        colour: Laid on.
    """
    levels = np.arange(256)
    added = [cv2.LUT(weight, np.round(levels * c / 255).astype(np.uint8)) for c in colour]
    kept = cv2.cvtColor(cv2.bitwise_not(weight), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.add(cv2.multiply(image, kept, scale=1 / 255), cv2.merge(added)), np.uint8)


def box_around(x: float, y: float, reach: float, shape: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of a picture within `reach` px of a point; may be empty."""
    height, width = shape[:2]
    top, bottom = np.clip([round(y - reach), round(y + reach) + 1], 0, height)
    left, right = np.clip([round(x - reach), round(x + reach) + 1], 0, width)
    return slice(int(top), int(bottom)), slice(int(left), int(right))

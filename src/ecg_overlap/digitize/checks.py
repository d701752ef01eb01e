"""What is given must be a picture, and a scale and a row that can be: checked before any work."""

import math
from typing import Any

import numpy as np

from data_gen.errors import InputError
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.network import Image

MIN_SIDE_PX = 16
LEAST_MM, MOST_MM = 10.0, 10_000.0  # of a picture's longer side: half a beat, and a long roll
BROADEST_PEN_MM = 0.8  # of a trace
LEAST_PX_PER_MM = 1.0  # below, no pen draws a line of even nearly a pixel


def checked_image(image: Any) -> Image:
    """The picture, if it is one that can be digitized.

    Raises:
        InputError: Not uint8 (H, W, 3).
        DigitizeError: Too small to hold a trace.
    """
    picture = np.asarray(image)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(
            "image",
            f"{picture.dtype} {picture.shape} is not RGB uint8 (H, W, 3)",
            "read it with ecg_overlap.digitize.read_image",
        )
    if min(picture.shape[:2]) < MIN_SIDE_PX:
        raise DigitizeError(
            "image",
            f"{picture.shape[1]}×{picture.shape[0]} px hold no lead",
            f"give a crop of at least {MIN_SIDE_PX} px a side",
        )
    return picture


def check_px_per_mm(image: Image, px_per_mm: float | None) -> None:
    """Refuse a scale that no picture has, before it ends in a division by zero or a full memory.

    Raises:
        InputError: It is no number, or says that the picture is too short, too long or too coarse.
    """
    if px_per_mm is None:
        return
    if not (math.isfinite(px_per_mm) and px_per_mm > 0):
        raise InputError("px_per_mm", f"{px_per_mm} is no scale", "give a positive finite number")
    long_mm = max(image.shape[:2]) / px_per_mm
    if not LEAST_MM <= long_mm <= MOST_MM:
        raise InputError(
            "px_per_mm", f"{px_per_mm:g} makes the picture {long_mm:.3g} mm long", "check it"
        )
    if px_per_mm < LEAST_PX_PER_MM:
        raise InputError(
            "px_per_mm",
            f"{px_per_mm:g} makes a pen's line {px_per_mm * BROADEST_PEN_MM:.2g} px wide at most",
            f"give {LEAST_PX_PER_MM:g} or more",
        )


def check_row(image: Image, row_px: float | None) -> None:
    """Refuse a row from which no trace reaches into the picture.

    Raises:
        InputError: It is no number, or farther outside than the picture is high.
    """
    height = image.shape[0]
    if row_px is not None and not -height <= row_px <= 2 * height:  # nor NaN
        raise InputError(
            "row_px",
            f"{row_px:g} is no row of a lead in a picture of {height} rows",
            "give the row of its 0 mV, counted from the picture's top",
        )

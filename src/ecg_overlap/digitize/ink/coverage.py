"""Coverage: how much of each pixel is ink, or how probably it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError

Coverage = NDArray[np.float32]


def as_coverage(mask: NDArray[Any]) -> Coverage:
    """Coverage or probability as float32 (H, W) in 0–1.

    Args:
        mask: (H, W): uint8 coverage 0–255, bool, or floating-point probability 0–1.

    Raises:
        InputError: Not two-dimensional, empty, of another type, or outside 0–1.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or 0 in mask.shape:
        raise InputError("mask", f"shape {mask.shape} is not (H, W)", "give one channel")
    if mask.dtype == np.uint8:
        return mask.astype(np.float32) / np.float32(255)
    if mask.dtype == np.bool_:
        return mask.astype(np.float32)
    if not np.issubdtype(mask.dtype, np.floating):
        raise InputError("mask", f"type {mask.dtype}", "give uint8 coverage or float probability")
    cover = np.asarray(mask, np.float32)
    if not (np.isfinite(cover).all() and cover.min() >= 0 and cover.max() <= 1):
        raise InputError("mask", "a probability outside 0 to 1", "apply the sigmoid first")
    return cover

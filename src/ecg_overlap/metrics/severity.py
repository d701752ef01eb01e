"""Into which subsets a sample falls by its overlap, and where the overlap is.

What intrusion and contact are, and how they are measured, stands in `data_gen.severity`; here
they make subsets, mark the samples in contact, or are estimated from the primary's mask alone.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_gen.errors import InputError
from data_gen.severity import CONTACT_BINS, CONTACT_GAP_PX, column_gaps, contact_bin
from ecg_overlap.metrics.segmentation import binary

__all__ = [
    "CLEAN_BELOW",
    "CONTACT_BINS",
    "contact_bin",
    "contact_columns",
    "estimated_intrusion",
    "samples_in_contact",
    "subsets",
]

CLEAN_BELOW = 0.002
"""`clean` = intrusion below 0.2 %; `overlap` = the rest."""

# Of the estimate (docs/metrics.md): what is ink, how much of it is an intruder, and how far
# from the primary's mask it stands.
INK_BELOW_GRAY = 100
STRAY_INK_PX = 3
MASK_MARGIN_PX = 4

Columns = NDArray[np.bool_]


def subsets(intrusion: NDArray[np.float64], contact: NDArray[np.float64]) -> dict[str, Columns]:
    """Which samples belong to which subset.

    Args:
        intrusion: float64 (n,), fractions; NaN where not known.
        contact: float64 (n,), likewise.

    Returns:
        bool (n,) by name: "all", "clean", "overlap", "contact:<bin>", and "intrusion:<bin>" of
        the samples whose contact is not known. A sample is in no subset that rests on what is
        not known of it; a subset without a sample is left out.

    Raises:
        InputError: A fraction outside 0–1.

    Source: docs/metrics.md.

    Example:
        >>> list(subsets(np.array([0.3]), np.array([0.04])))
        ['all', 'overlap', 'contact:(0,5]']
    """
    found = {
        "all": np.ones(len(intrusion), np.bool_),
        "clean": intrusion < CLEAN_BELOW,
        "overlap": intrusion >= CLEAN_BELOW,
    }
    for measure, values, counted in (
        ("contact", contact, np.isfinite(contact)),
        ("intrusion", intrusion, np.isnan(contact)),
    ):
        bins = np.array(["" if math.isnan(value) else contact_bin(value) for value in values])
        found |= {f"{measure}:{name}": (bins == name) & counted for name in CONTACT_BINS}
    return {name: mask for name, mask in found.items() if mask.any()}


def contact_columns(target_mask: NDArray[Any], other_mask: NDArray[Any]) -> Columns:
    """Columns in which another trace's ink touches the primary's (gap of at most 1 px).

    Args:
        target_mask: (H, W), the primary trace, as `segmentation.binary` takes it.
        other_mask: (H, W), the other traces.

    Returns:
        bool (W,).

    Raises:
        InputError: The shapes differ.

    Source: docs/metrics.md.
    """
    if target_mask.shape != other_mask.shape:
        raise InputError("masks", "the two differ in shape", "give masks of one image")
    target, other = (255 * binary(mask).view(np.uint8) for mask in (target_mask, other_mask))
    return np.asarray(column_gaps(target, other) <= CONTACT_GAP_PX)


def samples_in_contact(columns: Columns, x_px: ArrayLike) -> Columns:
    """Which samples of a signal stand in a marked column.

    Args:
        columns: bool (W,), `contact_columns`.
        x_px: (n,), the column of every sample: `polyline_px[:, 0]`, or `calibration.x_px`.

    Returns:
        bool (n,); False outside the image and where x is NaN.
    """
    x = np.asarray(x_px, np.float64)
    inside = (x >= -0.5) & (x < len(columns) - 0.5)  # False for NaN
    marked = np.zeros(x.shape, np.bool_)
    marked[inside] = columns[np.floor(x[inside] + 0.5).astype(np.int64)]
    return marked


def estimated_intrusion(image: NDArray[np.uint8], target_mask: NDArray[Any]) -> float:
    """Intrusion where only the primary's mask is known.

    The fraction of the primary's columns with more than 3 px of ink (gray < 100) outside its
    mask dilated by 4 px. Lead names and separator bars count as ink, so it is an upper bound;
    contact cannot be known this way, and a report says so.

    Args:
        image: uint8 (H, W, 3), RGB.
        target_mask: (H, W) as `segmentation.binary` takes it, without the white border that
            some published masks have (`data_gen.formats.LeadCrops` takes it off).

    Raises:
        InputError: The shapes differ, or the mask is empty.

    Source: docs/metrics.md.
    """
    if image.shape[:2] != target_mask.shape:
        raise InputError("mask", f"{target_mask.shape} for {image.shape}", "give its own mask")
    mask = binary(target_mask)
    columns = mask.any(axis=0)
    if not columns.any():
        raise InputError("mask", "no trace in it", "leave this image out")
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MASK_MARGIN_PX + 1,) * 2)
    near = cv2.dilate(mask.view(np.uint8), disc)
    stray = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) < INK_BELOW_GRAY) & (near == 0)
    intruded = np.count_nonzero(stray, axis=0) > STRAY_INK_PX
    return float(intruded[columns].mean())

"""Where the output follows another lead's trace, and how long until it returns to its own.

Distances are vertical, from the output's row to the nearest ink of a trace in that column, so
a steep QRS, which fills many rows of a column, is no swap.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_gen.errors import InputError
from ecg_overlap.metrics.align import FloatArray
from ecg_overlap.metrics.segmentation import binary


@dataclass(frozen=True)
class IdentitySwaps:
    """What share of the columns follows another trace.

    Args:
        rate: Fraction of the columns considered: those in which the primary has ink and the
            output a row.
        n_columns: How many those are.
        return_s: For each episode, the time from its first column until the output is at
            least as near to its own trace as to another, or ends.
    """

    rate: float
    n_columns: int
    return_s: tuple[float, ...]


def identity_swaps(
    y_px: ArrayLike,
    target_mask: NDArray[Any],
    other_mask: NDArray[Any],
    *,
    px_per_s: float,
    trace_width_px: float | None = None,
) -> IdentitySwaps:
    """Find the columns where the output is nearer to another trace by over a trace width.

    Args:
        y_px: (W,), the output's row in every column (`rows_at_columns`); NaN where none.
        target_mask: (H, W), the primary trace, amodal, as `segmentation.binary` takes it.
        other_mask: (H, W), the other traces.
        px_per_s: The image's scale along time.
        trace_width_px: Stroke width; measured on `target_mask` if not given.

    Raises:
        InputError: Shapes that do not fit, or no column has both the primary and the output
            (a refused lead has no swap rate; `failure_rate` counts it).

    Source: docs/metrics.md.
    """
    y = np.asarray(y_px, np.float64)
    if target_mask.shape != other_mask.shape or y.shape != target_mask.shape[1:]:
        raise InputError("identity", "masks and rows do not fit", "give (H, W), (H, W) and (W,)")
    target = binary(target_mask)
    own, other = distance_to_ink(y, target), distance_to_ink(y, binary(other_mask))
    column = np.flatnonzero(np.isfinite(own))
    if not len(column):
        raise InputError("identity", "the output has no column of the trace", "leave it out")
    width = trace_width(target) if trace_width_px is None else trace_width_px
    own, other = own[column], other[column]
    swapped = own - other > width
    back = np.append(np.flatnonzero(own <= other), len(column))
    episodes, start = [], 0
    swaps = np.flatnonzero(swapped)
    while (at := int(np.searchsorted(swaps, start))) < len(swaps):
        first = int(swaps[at])
        start = int(back[np.searchsorted(back, first)])
        end_px = column[start] if start < len(column) else column[-1] + 1
        episodes.append(float(end_px - column[first]) / px_per_s)
    return IdentitySwaps(float(swapped.mean()), len(column), tuple(episodes))


def rows_at_columns(x_px: ArrayLike, y_px: ArrayLike, n_columns: int) -> FloatArray:
    """A path's row in every image column, float64 (n_columns,); NaN beyond it and in its gaps.

    Args:
        x_px: (n,), increasing.
        y_px: (n,), NaN where nothing was found.
        n_columns: Width of the image.
    """
    x, y = np.asarray(x_px, np.float64), np.asarray(y_px, np.float64)
    if x.shape != y.shape or not len(x):
        raise InputError("path", f"shapes {x.shape} and {y.shape}", "give one row per column")
    rows: FloatArray = np.interp(np.arange(n_columns), x, y, left=np.nan, right=np.nan)
    return rows


def distance_to_ink(y_px: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Vertical distance from a row (W,) to the nearest ink of its column, (W,), px.

    inf where the column has no ink or the row is NaN.
    """
    distance = np.full(mask.shape[1], np.inf)
    # Flat indices: several times faster than np.nonzero of two axes.
    row, column = np.divmod(np.flatnonzero(mask).astype(np.int32), np.int32(mask.shape[1]))
    gap = np.abs(row - y_px[column])
    np.minimum.at(distance, column, np.where(np.isnan(gap), np.inf, gap))
    return distance


def trace_width(mask: NDArray[np.bool_]) -> float:
    """Stroke width of a trace, px: the lower quartile of its ink per column.

    Steep parts fill more of a column than the stroke is wide, none fill less.

    Raises:
        InputError: The mask is empty.
    """
    ink = np.count_nonzero(mask, axis=0)
    if not ink.any():
        raise InputError("mask", "no trace in it", "leave this image out")
    return float(np.percentile(ink[ink > 0], 25))

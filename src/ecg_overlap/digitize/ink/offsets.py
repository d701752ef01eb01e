"""Whose the ink is: how far each pixel lies from where its own trace returns to.

A network that sees ink may say, beside it, how far below its own trace's level a pixel is. That
needs no prompt and holds for any number of traces: set beside the rows of a picture, it says how
likely each of them is.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.ink.coverage import Coverage

# Offsets that the network chooses of, mm below the trace's level: finer where rows may be close.
# Round numbers; they were not varied, nor were the two below.
_BELOW_MM = (0.5, 1.2, 2.0, 3.0, 4.5, 6.5, 9.0, 12.0, 16.0, 22.0, 30.0)
OFFSETS_MM = (*(-mm for mm in reversed(_BELOW_MM)), 0.0, *_BELOW_MM)
_AT_MM = np.array(OFFSETS_MM)
LEAST_DENSITY = 1e-4  # per mm: of a row that the network holds impossible
BEYOND_MM = 10.0  # a trace that only comes into the picture returns to a row so near to it


def whose(
    offsets: NDArray[np.float32],
    ink: Coverage,
    rows_px: Sequence[float] | NDArray[np.floating],
    *,
    px_per_mm: float,
    cell_px: float | None = None,
) -> Coverage:
    """Probability of each trace, float32 (K + 2, H, W): there is ink, and it is the trace's.

    The last two are of traces whose levels are above and below the picture. By Bayes' rule; all
    levels are as likely beforehand, those beyond an edge anywhere within `BEYOND_MM` of it.

    Args:
        offsets: float32 (len(OFFSETS_MM), h, w), each pixel's probability of each offset, in
            pixels of a coarser picture.
        ink: float32 (H, W), of any trace.
        rows_px: The rows that the traces return to, (K,), in the picture's pixels.
        px_per_mm: The picture's scale.
        cell_px: Side of a pixel of `offsets` in the picture's pixels; None: so that they fill it.

    Raises:
        InputError: Offsets that are not those of `OFFSETS_MM`.
    """
    if len(offsets) != len(OFFSETS_MM):
        raise InputError(
            "network", f"it has {len(offsets)} offsets", f"give {len(OFFSETS_MM)}, `OFFSETS_MM`"
        )
    # A density, linear between the offsets; the ends stand for what is farther too.
    density = offsets / np.gradient(_AT_MM)[:, None, None].astype(np.float32)
    height, width = offsets.shape[1:]
    cell = ink.shape[0] / height if cell_px is None else cell_px
    y_px = (np.arange(height) + 0.5) * cell - 0.5
    found = np.empty((len(rows_px) + 2, height, width), np.float32)
    for k, row in enumerate(rows_px):
        found[k] = _at(density, (y_px - row) / px_per_mm)
    # Probability of a smaller offset.
    less = np.asarray(np.cumsum(offsets, axis=0) - offsets / 2, np.float32)
    below_top, below_bottom = (y_px + 0.5) / px_per_mm, (y_px - ink.shape[0] + 0.5) / px_per_mm
    for which, (low, high) in (
        (-2, (below_top, below_top + BEYOND_MM)),
        (-1, (below_bottom - BEYOND_MM, below_bottom)),
    ):
        found[which] = (_at(less, high) - _at(less, low)) / np.float32(BEYOND_MM)
    found += LEAST_DENSITY
    found /= found.sum(axis=0)
    return np.stack([ink * _on_picture(of, cell, ink.shape) for of in found])


def _on_picture(values: NDArray[np.float32], cell_px: float, shape: tuple[int, ...]) -> Coverage:
    """Values of cells in the pixels of a picture, which may end within the last cells."""
    height, width = shape
    size = (
        max(round(values.shape[1] * cell_px), width),
        max(round(values.shape[0] * cell_px), height),
    )
    on_cells = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(on_cells[:height, :width], np.float32)


def _at(values: NDArray[np.float32], offsets_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values (n, h, w) at each of `OFFSETS_MM`, at another offset in each row: float32 (h, w)."""
    where = np.clip(offsets_mm, _AT_MM[0], _AT_MM[-1])
    upper = np.clip(np.searchsorted(_AT_MM, where, side="right"), 1, len(_AT_MM) - 1)
    share = (where - _AT_MM[upper - 1]) / (_AT_MM[upper] - _AT_MM[upper - 1])
    share = share.astype(np.float32)[:, None]
    y = np.arange(len(offsets_mm))
    found: NDArray[np.float32] = values[upper - 1, y] * (1 - share) + values[upper, y] * share
    return found

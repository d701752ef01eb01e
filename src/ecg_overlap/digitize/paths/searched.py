"""Other ways through a meeting, looked for in a coarser picture of it.

Who has which peak is seen as well where the pen is two pixels wide, and a way is drawn and fitted
in a fraction of the time. What is found is then fitted in the picture itself.
"""

import cv2
import numpy as np

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.drawn import BEND
from ecg_overlap.digitize.paths.meeting import BETTER, MOST_TRACES, Window, fitted, misfit_of
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.paths.untangle import untangle

MOST_ENDS = 160  # of tall runs, upper and lower, in a meeting in which other ways are looked for
LEAST_PEN_PX = 2.0  # a finer pen is not told from a soft edge
# Of the coarser picture. Chosen on 100 `overlap` leads of fold 9: 27.8 dB, and 27.5 with four.
KNOTS_PER_PEN = 3.0


def searched(window: Window, ways: FloatArray) -> FloatArray:
    """The ways, or others that a search finds, where they give the ink of a window better."""
    if not 0 < len(window.ends) <= MOST_ENDS or len(window.pens) > MOST_TRACES:
        return ways
    factor = max(int(window.pens.min() / LEAST_PEN_PX), 1)
    other = fitted(window, _found(window, factor))
    return other if misfit_of(window, other) < misfit_of(window, ways) - BETTER else ways


def _found(window: Window, factor: int) -> FloatArray:
    """Ways in a window, float64 (K, n), found where px are so many times as large."""
    inside = window.x[window.free]
    first, last = _coarse(window.x[0], factor), _coarse(window.x[-1], factor)
    spacing = window.pens.min() / factor / KNOTS_PER_PEN
    x = np.linspace(first, last, max(int(np.ceil((last - first) / spacing)), 1) + 1)
    free = (x >= _coarse(inside[0], factor)) & (x <= _coarse(inside[-1], factor))
    if factor == 1 or not free.any():
        return untangle(
            window.ink, window.x, window.y, window.pens, window.beyond, window.free, window.ends,
            BEND,
        )[0]  # fmt: skip
    at = (x + 0.5) * factor - 0.5
    y = np.stack([_coarse(np.interp(at, window.x, of), factor) for of in window.y])
    # Of every so many columns, one has the ends that are tried.
    ends = window.ends[np.rint(window.ends[:, 0]).astype(int) % factor == 0]
    found, _ = untangle(
        _shrunk(window.ink, factor),
        x,
        y,
        window.pens / factor,
        window.beyond / factor + (1 - 1 / factor) / 2,  # as far beyond the edge as in the window
        free,
        _coarse(ends, factor),
        BEND / factor**2,
    )
    fine = np.stack([np.interp(window.x, at, (of + 0.5) * factor - 0.5) for of in found])
    return np.where(window.free, fine, window.y)


def _coarse(px: FloatArray, factor: int) -> FloatArray:
    """Columns or rows, in px that are so many times as large."""
    return (px + 0.5) / factor - 0.5


def _shrunk(ink: Coverage, factor: int) -> Coverage:
    """The mean of every factor × factor px; blank paper is added below and to the right."""
    height, width = ink.shape
    whole = np.pad(ink, ((0, -height % factor), (0, -width % factor)))
    size = (whole.shape[1] // factor, whole.shape[0] // factor)
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)

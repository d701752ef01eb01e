"""Other ways through a meeting, looked for in a coarser picture of it.

Who has which peak is seen as well where the pen is two pixels wide, and a way is drawn and fitted
in a fraction of the time. What is found is then fitted in the picture itself.
"""

from dataclasses import replace

import cv2
import numpy as np

from ecg_overlap.digitize.paths.drawn import BEND
from ecg_overlap.digitize.paths.meeting import BETTER, MOST_TRACES, Window, fitted, misfit_of
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.paths.untangle import untangle

MOST_ENDS = 160  # of the ink's runs in a meeting in which other ways are looked for
LEAST_PEN_PX = 2.0  # a finer pen is not told from a soft edge


def searched(window: Window, ways: FloatArray) -> FloatArray:
    """The ways, or others that a search finds, where they give the ink of a window better."""
    if not 0 < len(window.ends) <= MOST_ENDS or len(window.pens) > MOST_TRACES:
        return ways
    finer = max(int(window.pens.min() / LEAST_PEN_PX), 1)
    seen = _coarser(window, finer) if finer > 1 else window
    guess, _ = untangle(
        seen.ink, seen.x, seen.y, seen.pens, seen.beyond, seen.free, seen.ends, BEND / finer**2
    )
    if finer > 1:
        rows = [np.interp(window.x, _finer(seen.x, finer), _finer(y, finer)) for y in guess]
        guess = np.where(window.free, np.stack(rows), window.y)
    other = fitted(window, guess)
    return other if misfit_of(window, other) < misfit_of(window, ways) - BETTER else ways


def _coarser(window: Window, finer: int) -> Window:
    """A window in px that are so many times as large; its ends are of every so many columns."""
    height, width = window.ink.shape
    below, beside = -height % finer, -width % finer
    ink = np.pad(window.ink, ((0, below), (0, beside)))
    size = (ink.shape[1] // finer, ink.shape[0] // finer)
    some = np.rint(window.ends[:, 0]).astype(int) % finer == 0
    free = window.free[::finer].copy()
    free[-1] = False  # the ends are held
    return replace(
        window,
        ink=np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32),
        x=(window.x[::finer] + 0.5) / finer - 0.5,
        y=(window.y[:, ::finer] + 0.5) / finer - 0.5,
        pens=window.pens / finer,
        beyond=window.beyond / finer,
        seen=window.seen[:, ::finer],
        free=free,
        ends=(window.ends[some] + 0.5) / finer - 0.5,
    )


def _finer(coarse: FloatArray, finer: int) -> FloatArray:
    """Columns or rows of the coarser picture in px of the finer one."""
    fine: FloatArray = (coarse + 0.5) * finer - 0.5
    return fine

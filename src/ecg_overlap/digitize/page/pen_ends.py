"""Where on a page the pen was set down and lifted: its columns to a tenth of a millimetre."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.page.columns import Place
from ecg_overlap.digitize.page.layouts import GAP
from ecg_overlap.digitize.paths.path import Path

FloatArray = NDArray[np.float64]

# On 20 clean pages of fold 9, paths begin and end within 0.05 mm of their traces in the median;
# where ink is blurred or pale, less exactly.
SIGMA_MM = 0.1
STRAY = 0.5  # share of ends that are none of a lead's: a broken stroke's, a pulse's, a name's
REACH_MM = 2.5  # of a lead's end; the end of a pulse beside it is farther off
OFF_MM = 1.0  # standard deviation of a place that was found by the laws alone
UNUSUAL_WIDTH = 10.0  # nats: a page nearly as wide as usual that is not; a guess
STEP_MM, STEPS = 0.05, 40  # in which start, end and pitch are sought, and how many each way
ROUNDING_MM = 1e-6


@dataclass(frozen=True)
class PenEnds:
    """The ends of a page's strokes.

    Args:
        down_mm: float64 (n,): where the pen was set down.
        up_mm: float64 (m,): where it was lifted.
    """

    down_mm: FloatArray
    up_mm: FloatArray


def pen_ends(paths: Sequence[Path], blank: NDArray[np.bool_], *, px_per_mm: float) -> PenEnds:
    """The ends of rows, and of the blank paper in them.

    Args:
        paths: Of the rows, on the straight picture.
        blank: bool (K, W): columns in which a row leads over blank paper.
        px_per_mm: Its scale.
    """
    down, up = [], []
    for path, gaps in zip(paths, blank, strict=True):
        if not np.isfinite(path.y_px).any():
            continue
        down.append(path.start_px)
        up.append(path.end_px)
        half_pen = path.width_px / 2
        edge = np.flatnonzero(np.diff(gaps.astype(np.int8)))
        for column, begins in zip(edge, ~gaps[edge], strict=True):
            if not path.start_px < column < path.end_px:
                continue
            middle = column + 0.5  # of the last column on this side and the first on the other
            if begins:
                up.append(middle - half_pen)
            else:
                down.append(middle + half_pen)
    return PenEnds(np.array(down) / px_per_mm, np.array(up) / px_per_mm)


def sharpened(place: Place, n: int, ends: PenEnds, *, usual_width: bool) -> tuple[Place, float]:
    """The place at which its columns begin and end where the pen was set down and lifted.

    The likeliest near it: an end of a stroke is a column's, to `SIGMA_MM`, or a stray one. The
    place itself where no end is near. And by how much the ends are likelier there than if all
    were strays, nats.

    Args:
        place: Of the columns, to about a millimetre.
        n: How many there are.
        ends: Of the page's strokes.
        usual_width: Whether the place has the usual width, which columns seldom leave.
    """
    off = STEP_MM * np.arange(-STEPS, STEPS + 1, dtype=np.float64)
    other = off if n > 1 else off[STEPS : STEPS + 1]  # of pitches
    pitch = place.width + place.gap + other
    before = place.columns(n)
    down = _likely(ends.down_mm, before[:, 0], off, pitch)
    up = _likely(ends.up_mm, before[:, 1], off, pitch)
    # Of each pitch, and each place of where the first column begins, and of where it ends.
    wider = off - off[:, None]
    gap = pitch[:, None, None] - place.width - wider
    score = down[:, :, None] + up[:, None, :]
    if place.gap == 0:
        score -= GAP * (gap > ROUNDING_MM)
    score -= 0.5 * (off[:, None] ** 2 + wider**2 + other[:, None, None] ** 2) / OFF_MM**2
    if usual_width:
        score += UNUSUAL_WIDTH * np.eye(len(off))
    if n > 1:
        score = np.where(gap < -ROUNDING_MM, -np.inf, score)
    best, first, last = np.unravel_index(int(score.argmax()), score.shape)
    blank = float(gap[best, first, last])
    sharp = replace(
        place,
        start=float(place.start + off[first]),
        width=float(place.width + wider[first, last]),
        gap=blank if n > 1 and blank > ROUNDING_MM else 0.0,
    )
    return sharp, float(down[best, first] + up[best, last])


def _likely(at: FloatArray, was: FloatArray, off: FloatArray, pitch: FloatArray) -> FloatArray:
    """How much likelier ends are than strays, nats, (pitches, offsets) of the first column's."""
    now = was[0] + off[:, None] + np.arange(len(was)) * pitch[:, None, None]
    score = np.zeros(now.shape[:2])
    near = np.abs(at[:, None] - was).min(axis=1, initial=np.inf) <= REACH_MM
    for end in at[near]:
        far = np.abs(end - now).min(axis=2)
        of_lead = np.exp(-0.5 * (far / SIGMA_MM) ** 2) / (SIGMA_MM * np.sqrt(2 * np.pi))
        score += np.log1p((1 - STRAY) * of_lead / (STRAY / (2 * REACH_MM)))
    return score

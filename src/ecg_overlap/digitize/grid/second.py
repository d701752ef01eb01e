"""Lines that a grid leaves unexplained: as clear as its own, but between its small boxes."""

import math

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.boxes import Boxes
from ecg_overlap.digitize.grid.lines import Comb
from ecg_overlap.digitize.grid.strips import Aligned, tapered

FloatArray = NDArray[np.float64]
_PLACES = 32  # per small box at which the profile is read
_OWN_PX, _OWN_SHARE, _MOST_OWN = 1.5, 0.2, 0.35  # so near, px and boxes, it is the grid's own line
_AS_CLEAR = 0.25  # of the grid's own lines
_SOME = 0.15  # to a line of the grid: real ones show 0.03 at most, two over one another more


def alone(lines: tuple[Aligned, Aligned], boxes: Boxes) -> float:
    """How far the grid explains all lines that are seen, 0 to 1.

    A grid has lines at multiples of its small box only. Where others stand between them in
    both families, there is a second grid, or the one found is where two others meet. The
    trace and writing leave lines between as well, but not in both families. A second grid
    turned by more than a degree is not seen: no line of it stands at one place in all groups.

    Args:
        lines: Upright and level lines, at their tilt.
        boxes: The combs found in them.
    """
    found = []
    for family, comb in zip(lines, (boxes.upright, boxes.level), strict=True):
        if comb is not None:
            others = _others(family, comb, round(boxes.mm_per_line))
            if others is not None:
                found.append(others)
    return math.exp(-((min(found) / _SOME) ** 2)) if found else 1.0


def _others(lines: Aligned, comb: Comb, mm_per_line: int) -> float | None:
    """Lines between the small boxes' to one of the comb; None where that shows too few boxes.

    Each box is asked for one line at most.
    """
    pitch = comb.pitch_px / mm_per_line
    start = comb.phase_px + comb.slope * lines.centres_px
    last = lines.family.length_px - 1
    k = np.arange(math.ceil(-start.min() / pitch), math.floor((last - start.max()) / pitch))
    own = k % mm_per_line == 0
    if len(k) < 2 or not own.any():
        return None
    within = np.arange(_PLACES + 1) / _PLACES
    level = _levels(lines, start[:, None, None] + pitch * (k[:, None] + within))
    clear = _AS_CLEAR * float(np.median((level[:, 0] - level.min(axis=1))[own]))
    # How far a place stands above the lowest on either side, towards the box's two lines.
    left = np.minimum.accumulate(level, axis=1)
    right = np.minimum.accumulate(level[:, ::-1], axis=1)[:, ::-1]
    rise = level - np.maximum(left, right)
    off_px = np.minimum(within, 1 - within) * pitch
    between = off_px >= min(max(_OWN_PX, _OWN_SHARE * pitch), _MOST_OWN * pitch)
    return mm_per_line * float((rise[:, between].max(axis=1) > max(clear, 1e-6)).mean())


def _levels(lines: Aligned, place_px: FloatArray) -> FloatArray:
    """The profile at places (n_groups, …), the median over the groups: ink is not in all."""
    profiles = lines.family.profile(tapered(lines.groups))
    low = np.clip(place_px.astype(np.int64), 0, profiles.shape[1] - 2)
    part = place_px - low
    group = np.arange(len(profiles))[:, None, None]
    values = profiles[group, low] * (1 - part) + profiles[group, low + 1] * part
    return np.asarray(np.median(values, axis=0), np.float64)

"""Lines that a grid leaves unexplained: as clear as its own, but between its small boxes."""

import math

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.boxes import ScaledCombs
from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.strips import AlignedStrips, tapered

FloatArray = NDArray[np.float64]
_PLACES = 32  # per small box at which the profile is read
# Nearer than this a line is the grid's own: px, boxes, and boxes at the most.
_OWN_PX, _OWN_SHARE, _MOST_OWN_SHARE = 1.5, 0.2, 0.35
_AS_CLEAR = 0.25  # of the contrast of the grid's own lines, from which another one counts
# Other lines per line of the grid that bring `explained` down to 1/e: single grids show 0.03
# at most, two over one another more.
_SOME = 0.15


def explained(lines: tuple[AlignedStrips, AlignedStrips], combs: ScaledCombs) -> float:
    """How far the grid explains all lines that are seen, 0 to 1.

    A grid has lines at multiples of its small box only. Where others stand between them in
    both families, there is a second grid, or the one found is where two others meet. The
    trace and writing leave lines between as well, but not in both families. A second grid
    turned by more than a degree is not seen: its lines cross the groups at many places.

    Args:
        lines: Vertical and horizontal lines, at their tilt.
        combs: What was found in them.
    """
    found = []
    for family, comb in zip(lines, combs.both, strict=True):
        if comb is not None:
            others = _others(family, comb, round(combs.mm_per_line))
            if others is not None:
                found.append(others)
    return math.exp(-((min(found) / _SOME) ** 2)) if found else 1.0


def _others(lines: AlignedStrips, comb: Comb, mm_per_line: int) -> float | None:
    """Other lines per line of the comb; None where the comb shows fewer than two boxes.

    Between two lines of small boxes one other line is counted at most.
    """
    pitch = comb.pitch_px / mm_per_line
    start = comb.phase_px + comb.slope * lines.centres_px
    last = lines.strips.length_px - 1
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
    between = off_px >= min(max(_OWN_PX, _OWN_SHARE * pitch), _MOST_OWN_SHARE * pitch)
    return mm_per_line * float((rise[:, between].max(axis=1) > max(clear, 1e-6)).mean())


def _levels(lines: AlignedStrips, place_px: FloatArray) -> FloatArray:
    """The profile at places (n_groups, n_boxes, n), its median over the groups: ink is in few."""
    profiles = lines.strips.profile(tapered(lines.groups))
    low = np.clip(place_px.astype(np.int64), 0, profiles.shape[1] - 2)
    part = place_px - low
    group = np.arange(len(profiles))[:, None, None]
    values = profiles[group, low] * (1 - part) + profiles[group, low + 1] * part
    return np.asarray(np.median(values, axis=0), np.float64)

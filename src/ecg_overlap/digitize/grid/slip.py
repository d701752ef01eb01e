"""Whether a bend was followed a pitch amiss: straightened lines then slip along their comb."""

import numpy as np

from ecg_overlap.digitize.grid.comb import USUAL_PERCENT, Comb
from ecg_overlap.digitize.grid.lines import half_window_px, localise
from ecg_overlap.digitize.grid.straight_grid import StraightGrid
from ecg_overlap.digitize.grid.strips import Strips

_STRETCH_MM = 3.0  # over which lines followed amiss pass from one place to the next
_SIDE_BY_SIDE = 7  # lines: a trace runs along three or so
_MIDWAY = -0.25  # median contrast, of the usual one; about 0 where ink hides the lines


def slips(straightened: StraightGrid) -> bool:
    """Whether one family's lines stand midway between the comb's over a whole stretch.

    Where a bend was followed a pitch amiss, the straightened lines cross from one place
    of the comb to the next; ink hides lines, but leaves none midway.
    """
    # Windows were followed along the picture's longer side: there a pitch may be lost.
    longest = max(strips.length_px for strips in straightened.strips)
    mm_per_line = straightened.combs.mm_per_line
    return any(
        comb is not None and _crosses(strips, comb, mm_per_line, across=strips.length_px == longest)
        for strips, comb in zip(straightened.strips, straightened.combs.both, strict=True)
    )


def _crosses(strips: Strips, comb: Comb, mm_per_line: float, *, across: bool) -> bool:
    """Lines midway in one short group, or (followed across) over some lines side by side."""
    per_group = _STRETCH_MM * comb.pitch_px / mm_per_line
    along_px = float(np.ptp(strips.centres_px)) if len(strips.centres_px) > 1 else 0.0
    fine = strips.aligned(comb.slope, most_groups=max(int(along_px / per_group), 2))
    expected = comb.places(fine.centres_px)
    found = localise(strips.profile(fine.groups), expected, half_window_px(comb.pitch_px))
    contrast = np.nan_to_num(found[1])
    usual = float(np.percentile(np.median(contrast, axis=0), USUAL_PERCENT))
    if usual <= 0:
        return True
    level = np.clip(contrast / usual, -1.0, 1.0)
    if not across:
        groups = np.median(level, axis=1)
        # Lines too fine to be seen are nowhere in place: they have not slipped at one.
        return bool(groups.min() < _MIDWAY and np.median(groups) > -_MIDWAY)
    if level.shape[1] < _SIDE_BY_SIDE:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(np.median(level, axis=0), _SIDE_BY_SIDE)
    beside = np.median(windows, axis=1)
    least = int(np.argmin(beside))
    # Beyond the grid's own end nothing stands in place again.
    ends = (float(side.max(initial=0.0)) for side in (beside[:least], beside[least:]))
    return bool(beside[least] < _MIDWAY and min(ends) > -_MIDWAY)

"""Two combs, one of each family, made one grid."""

import math

import numpy as np

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.boxes import ScaledCombs
from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.model import Grid

REMEDY = "give px_per_mm"
MOST_OBLONG = 0.05  # pitches further apart (in log) are not one grid's
_SQUARE = 0.003  # relative difference of the two pitches that is usual on scans
_HERE = 0.2  # of the usual contrast, from which a line is there
# Scatter of the lines that lowers the trust in them to 1/e: mm, and px besides, as drawing on
# whole pixels alone costs a quarter px.
_SCATTER_MM, _SCATTER_PX = 0.07, 0.5
_LEAST_TRUST, _LEAST_TRUST_SECOND = 0.1, 0.2  # in the clearer family, and in the other
# Agreement where only one family speaks: its lines could be heartbeats, unless every fifth is
# stronger.
_ONE_FAMILY, _ONE_FAMILY_MAJORS = 0.65, 0.8
_LEAST_LINES = 4  # of the second family, for a pitch of its own
_LEAST_SLOPE_VARIANCE = 1e-10  # (px per px)²: drawn lines scatter less, yet none decides alone
_MANY_LINES = 6.0  # so many lines give 1 − 1/e of the confidence that many more give


def combined(combs: ScaledCombs, shape: tuple[int, ...], strength: float) -> Grid:
    """The two combs as one grid.

    Args:
        combs: Of both families.
        shape: (H, W) of the picture, px.
        strength: How clear the period is, 0 to 1.

    Raises:
        DigitizeError: No comb's lines stand where it says.
    """
    trust = [trusted(comb, combs.mm_per_line) for comb in combs.both]
    # The comb with more lines leads, unless its lines are badly off.
    rank = [
        t * math.sqrt(len(c.index)) if c else 0.0 for t, c in zip(trust, combs.both, strict=True)
    ]
    lead = int(np.argmax(rank))
    first, second = combs.both[lead], combs.both[1 - lead]
    if first is None or trust[lead] < _LEAST_TRUST:
        raise DigitizeError("grid", "no grid was found", REMEDY)
    pitch = pitch_across(first)
    other: float | None = None  # the second family's own pitch, where it shows one
    agree = _ONE_FAMILY_MAJORS if combs.majors_known else _ONE_FAMILY
    n_lines = len(first.index)
    if second is not None and trust[1 - lead] > _LEAST_TRUST_SECOND:
        own = pitch_across(second)
        if combs.apart or abs(math.log(own / pitch)) < MOST_OBLONG:
            agree = max(agree, math.sqrt(min(trust[1 - lead] / trust[lead], 1.0)))
            if len(second.index) >= _LEAST_LINES:
                other = _shrunk(own, second.pitch_sd_px, pitch)
            n_lines += len(second.index)
    scale = (pitch, other or pitch) if lead == 0 else (other or pitch, pitch)
    x, y = _crossing(combs, shape)
    enough = 1 - math.exp(-n_lines / _MANY_LINES)
    return Grid(
        px_per_mm_x=scale[0] / combs.mm_per_line,
        px_per_mm_y=scale[1] / combs.mm_per_line,
        angle_deg=_angle_deg(combs),
        phase_x_px=x,
        phase_y_px=y,
        confidence=combs.certainty * strength * trust[lead] * agree * enough,
        source=combs.source,
        residual_px=first.residual_px,
        square_pixels=other is None,
    )


def trusted(comb: Comb | None, mm_per_line: float) -> float:
    """How well a comb's lines are there, and in their place, 0 to 1."""
    if comb is None or len(comb.index) < 2:
        return 0.0
    here = comb.contrast > _HERE * comb.usual_contrast
    usual_px = _SCATTER_MM * comb.pitch_px / mm_per_line + _SCATTER_PX
    return float(here.mean()) * math.exp(-((comb.residual_px / usual_px) ** 2))


def pitch_across(comb: Comb) -> float:
    """A comb's pitch at right angles to its lines, px."""
    return comb.pitch_px / math.hypot(1, comb.slope)


def _angle_deg(combs: ScaledCombs) -> float:
    """Tilt, positive clockwise: both combs' slopes, each by its precision."""
    tilt, weight = np.zeros(2), np.zeros(2)
    for n, comb in enumerate(combs.both):
        if comb is not None:
            tilt[n] = comb.slope if n else -comb.slope
            weight[n] = 1 / (comb.slope_sd**2 + _LEAST_SLOPE_VARIANCE)
    return math.degrees(math.atan(float((tilt * weight).sum() / max(weight.sum(), 1e-12))))


def _shrunk(own_px: float, own_sd_px: float, other_px: float) -> float:
    """A pitch drawn to the other family's as far as its own error leaves open.

    Pixels are square to about 0.3 % on scans. Beyond that (a photo from the side) the
    difference seen is believed.
    """
    apart = own_px - other_px
    free = max(_SQUARE * other_px, abs(apart) - 2 * own_sd_px)
    return other_px + apart * free**2 / (free**2 + own_sd_px**2)


def _crossing(combs: ScaledCombs, shape: tuple[int, ...]) -> tuple[float, float]:
    """The crossing of two lines (major ones, where known) next to the picture's middle, px."""
    middle = ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    start, slope = [middle[0], middle[1]], [0.0, 0.0]
    for n, comb in enumerate(combs.both):
        if comb is None:
            continue
        k = (middle[n] - comb.phase_px - comb.slope * middle[1 - n]) / comb.pitch_px
        if combs.majors_known:
            k = combs.major[n] + 5 * round((k - combs.major[n]) / 5)
        start[n] = comb.phase_px + round(k) * comb.pitch_px
        slope[n] = comb.slope
    x = (start[0] + slope[0] * start[1]) / (1 - slope[0] * slope[1])
    return x, start[1] + slope[1] * x

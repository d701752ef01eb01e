"""From a straight grid to one that bends where its lines do."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.bend import FittedField, fit_field
from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.combine import MOST_OBLONG, pitch_across
from ecg_overlap.digitize.grid.illumination import PAPER_LEVEL
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.robust import MAD_TO_SD
from ecg_overlap.digitize.grid.straight_grid import StraightGrid
from ecg_overlap.digitize.grid.strips import Evidence
from ecg_overlap.digitize.grid.track import LinePoints, follow

FloatArray = NDArray[np.float64]
_GROUP_MM = 3.0  # lines are straight over so much; longer groups would blur them
_LEAST_GAIN = 1.3  # in squared error on lines left out: noise alone gives up to 1.1
_LEAST_BEND_PX = 0.15  # less moves no sample that can be seen
_SEEN = 0.8  # of the places where straight lines cross the groups, ink or not
# Scatter from which straight combs are not trusted to show a bend: pitches, px at the least.
_WILD, _WILD_PX = 0.06, 0.35
_LEAST_PLACES = 4  # along or across the lines, for a slow change to be told from scatter
_N_SPANS = 12  # that the places are averaged in
_OVER_SCATTER = 1.5  # standard errors by which a slow change must exceed the scatter
_SURELY_BENT = 0.03  # pitches: so slow a change is one whatever the scatter
_AS_MUCH = 0.9  # of the paper on which lines were seen before
_FAINT = 0.1  # of their contrast: lines of 1 mm have a fifth and more of those of 5 mm
_LEAST_LINES, _LEAST_POINTS = 2, 8  # for an axis to be fitted


@dataclass(frozen=True, eq=False)
class Axis:
    """Where one family's lines were seen in the picture, and how many mm each stands for.

    Args:
        points: n points.
        mm: float64 (n,), from the comb's line 0.
        area_mm2: Of the paper on which they were seen.
        contrast: Of its clearer lines, gray levels.
    """

    points: LinePoints
    mm: FloatArray
    area_mm2: float
    contrast: float

    def gradient(self) -> FloatArray:
        """Gradient (2,) of the lines' millimetres over the picture, mm per px."""
        xy, weight = self.points.xy_px, self.points.weight
        design = np.column_stack([xy - xy.mean(axis=0), np.ones(len(xy))])
        share = np.sqrt(weight)[:, None]
        return np.asarray(np.linalg.lstsq(design * share, self.mm * share[:, 0], rcond=None)[0][:2])


# Of the vertical lines, and of the horizontal ones; None where too few are seen.
Axes = tuple[Axis | None, Axis | None]


def may_bend(seen: StraightGrid, shape: tuple[int, ...]) -> bool:
    """Whether the lines leave their straight combs in a way that goes on from line to line."""
    wide = shape[1] >= shape[0]
    return any(
        comb is not None and _wanders(comb, across=vertical == wide)
        for comb, vertical in zip(seen.combs.both, (True, False), strict=True)
    )


def _wanders(comb: Comb, *, across: bool) -> bool:
    """Whether single lines leave the comb slowly, by more than they scatter, or scatter wildly."""
    few = float(np.isfinite(comb.rest_px).mean()) < _SEEN
    if few or comb.residual_px > max(_WILD * comb.pitch_px, _WILD_PX):
        return True
    rest = _medians(comb.rest_px.T if across else comb.rest_px)
    if len(rest) < _LEAST_PLACES:
        return False
    span = max(len(rest) // _N_SPANS, 1)
    slow = rest[: len(rest) // span * span].reshape(-1, span).mean(axis=1)
    scatter = MAD_TO_SD * float(np.median(np.abs(np.diff(rest)))) / math.sqrt(2 * span)
    extent = float(np.sqrt((slow**2).mean()))
    # A strong bend goes round whole pitches from group to group and looks like scatter.
    least = max(_OVER_SCATTER * scatter, 0.5 * _LEAST_BEND_PX)
    return extent > min(least, _SURELY_BENT * comb.pitch_px)


def _medians(table: FloatArray) -> FloatArray:
    """The median of each row's finite values; rows without one are left out."""
    ordered = np.sort(table, axis=1)  # NaN comes last
    count = np.isfinite(ordered).sum(axis=1)
    ordered, count = ordered[count > 0], count[count > 0]
    rows = np.arange(len(count))
    return np.asarray((ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2)


def flattened(evidence: Evidence, grid: Grid) -> tuple[Evidence, FloatArray]:
    """The evidence as it would be on a straight grid.

    Returns:
        The evidence, and float64 (2,), px: add it to the flat picture's points and
        `grid.unstraighten` gives those of the picture.
    """
    height, width = evidence.shape
    middle = np.array([[(width - 1) / 2, (height - 1) / 2]])
    origin = (grid.straighten(middle) - middle)[0]
    x, y = grid.source_of(origin, (height, width), np.ones(2))
    flat = cv2.remap(
        evidence.dark,
        x,
        y,
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=PAPER_LEVEL,
    )
    return Evidence(np.asarray(flat, np.uint8)), origin


def with_bend(
    seen: StraightGrid,
    shape: tuple[int, ...],
    flat: tuple[Grid, FloatArray] | None = None,
    before: Axes = (None, None),
) -> tuple[Grid, Axes]:
    """The grid that follows the lines, or the straight one if they do not bend.

    Args:
        seen: What was found in the picture, or in the picture flattened.
        shape: (height, width), px.
        flat: Of `flattened`: the grid by which the picture was, and its origin.
        before: The families' lines as that grid has them: a family of which less is seen in the
            picture flattened than before it was keeps these.
    """
    axes = (
        _more_seen(_axis(seen, shape, flat, vertical=True), before[0]),
        _more_seen(_axis(seen, shape, flat, vertical=False), before[1]),
    )
    grid = _mean_grid(seen.grid, [None if axis is None else axis.gradient() for axis in axes])
    scales = grid.px_per_mm_x, grid.px_per_mm_y
    fits: list[FittedField | None] = [None, None]
    origins = [0.0, 0.0]
    for n, axis in enumerate(axes):
        if axis is not None:
            points = axis.points
            value = axis.mm * scales[n] - grid.straighten(points.xy_px)[:, n]
            origins[n] = -float(np.median(value))
            fits[n] = fit_field(points, value + origins[n], shape=shape, px_per_mm=scales[n])
    bends = [f is not None and f.gain > _LEAST_GAIN and f.bend_px > _LEAST_BEND_PX for f in fits]
    if flat is None and not seen.of_part and not any(bends):
        return seen.grid, axes
    grid = replace(
        grid,
        bend_x=None if fits[0] is None else fits[0].field,
        bend_y=None if fits[1] is None else fits[1].field,
        residual_px=min((f.spread_px for f in fits if f is not None), default=math.nan),
    )
    known = [axis is not None for axis in axes]
    return _with_crossing(grid, seen, shape, origins, known), axes


def _more_seen(now: Axis | None, before: Axis | None) -> Axis | None:
    if now is None or before is None:
        return now or before
    as_much = now.area_mm2 >= _AS_MUCH * before.area_mm2
    return now if as_much and now.contrast >= _FAINT * before.contrast else before


def _axis(
    seen: StraightGrid,
    shape: tuple[int, ...],
    flat: tuple[Grid, FloatArray] | None,
    *,
    vertical: bool,
) -> Axis | None:
    """One family's lines followed; None where too few are seen, or none of this grid's."""
    n = 0 if vertical else 1
    comb, mm_per_line = seen.combs.both[n], seen.combs.mm_per_line
    scale = (seen.grid.px_per_mm_x, seen.grid.px_per_mm_y)[n] * mm_per_line
    if comb is None or abs(math.log(pitch_across(comb) / scale)) > MOST_OBLONG:
        return None  # two lines of a low crop may be one and the trace along the next
    along_px = shape[n]
    per_group = _GROUP_MM * comb.pitch_px / mm_per_line
    points = follow(
        seen.strips[n].aligned(comb.slope, most_groups=max(int(along_px / per_group), 2)),
        comb,
        mm_per_line=mm_per_line,
        vertical=vertical,
        across=vertical == (shape[1] >= shape[0]),
    )
    if len(np.unique(points.index)) < _LEAST_LINES or len(points.index) < _LEAST_POINTS:
        return None
    if flat is not None:
        grid, origin = flat
        points = replace(points, xy_px=grid.unstraighten(points.xy_px + origin))
    area_mm2 = float(points.weight.sum()) * mm_per_line * _GROUP_MM
    mm = points.index * np.float64(mm_per_line)
    return Axis(points, mm, area_mm2, comb.usual_contrast)


def _mean_grid(grid: Grid, gradients: list[FloatArray | None]) -> Grid:
    """Mean scale and tilt of the points' lines; time runs along the horizontal ones."""
    across, down = gradients
    x, y = (g if g is None else 1 / float(np.hypot(*g)) for g in (across, down))
    angle = grid.angle_deg
    if down is not None:
        angle = math.degrees(math.atan2(-down[0], down[1]))
    elif across is not None:
        angle = math.degrees(math.atan2(across[1], across[0]))
    scale_x, scale_y = x or y or grid.px_per_mm_x, y or x or grid.px_per_mm_y
    return replace(grid, px_per_mm_x=scale_x, px_per_mm_y=scale_y, angle_deg=angle)


def _with_crossing(
    grid: Grid,
    seen: StraightGrid,
    shape: tuple[int, ...],
    origins_px: list[float],
    known: list[bool],
) -> Grid:
    """The grid with the crossing of two lines (major ones, where known) near the middle.

    Args:
        grid: Without that crossing.
        seen: Which lines are major.
        shape: (height, width), px.
        origins_px: Where line 0 of each family stands on the straightened picture.
        known: Of which families that is known.
    """
    place = grid.straighten(np.array([[(shape[1] - 1) / 2, (shape[0] - 1) / 2]]))[0]
    majors = seen.combs.majors_known
    step_mm = 5.0 if majors else seen.combs.mm_per_line
    for n, scale in enumerate((grid.px_per_mm_x, grid.px_per_mm_y)):
        if known[n]:
            first = origins_px[n] + (seen.combs.major[n] * scale if majors else 0.0)
            step = step_mm * scale
            place[n] = first + round((place[n] - first) / step) * step
    x, y = grid.unstraighten(place[None])[0]
    return replace(grid, phase_x_px=float(x), phase_y_px=float(y))

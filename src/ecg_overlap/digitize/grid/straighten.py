"""From a straight grid to one that bends as its lines do, where they do."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.bend import Fitted, fit_field
from ecg_overlap.digitize.grid.lines import Comb
from ecg_overlap.digitize.grid.look import Look
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.track import Points, follow

FloatArray = NDArray[np.float64]
_GROUP_MM = 3.0  # lines are straight over so much; longer groups would blur them
_LEAST_GAIN = 1.3  # in foretelling lines left out: less is no evidence of a bend
_LEAST_BEND_PX = 0.15
_SEEN = 0.8  # of the places where straight lines cross the groups, ink or not
_PAPER = 64
_CELL_PX = 8


def may_bend(seen: Look, shape: tuple[int, ...]) -> bool:
    """Whether the lines leave their straight combs in a way that goes on from line to line."""
    boxes, wide = seen.boxes, shape[1] >= shape[0]
    return any(
        comb is not None and _wanders(comb, across=upright == wide)
        for comb, upright in ((boxes.upright, True), (boxes.level, False))
    )


def _wanders(comb: Comb, *, across: bool) -> bool:
    """A slow change in where single lines stand, beyond their scatter."""
    few = float(np.isfinite(comb.rest_px).mean()) < _SEEN
    if few or comb.residual_px > max(0.06 * comb.pitch_px, 0.35):
        return True
    rest = _medians(comb.rest_px.T if across else comb.rest_px)
    if len(rest) < 4:
        return False
    span = max(len(rest) // 12, 1)
    slow = rest[: len(rest) // span * span].reshape(-1, span).mean(axis=1)
    scatter = 1.4826 * float(np.median(np.abs(np.diff(rest)))) / math.sqrt(2 * span)
    extent = float(np.sqrt((slow**2).mean()))
    # A strong bend goes round whole pitches from group to group and looks like scatter.
    return extent > min(max(1.5 * scatter, 0.5 * _LEAST_BEND_PX), 0.03 * comb.pitch_px)


def _medians(table: FloatArray) -> FloatArray:
    """The median of each row's finite values; rows without one are left out."""
    ordered = np.sort(table, axis=1)  # NaN comes last
    count = np.isfinite(ordered).sum(axis=1)
    ordered, count = ordered[count > 0], count[count > 0]
    rows = np.arange(len(count))
    return np.asarray((ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2)


def flattened(dark: NDArray[np.uint8], grid: Grid) -> tuple[NDArray[np.uint8], FloatArray]:
    """The evidence as it would be on a straight grid.

    Returns:
        uint8 (H, W), and float64 (2,): add it to the flat picture's points and
        `grid.unstraighten` gives those of `dark`.
    """
    height, width = dark.shape
    middle = np.array([[(width - 1) / 2, (height - 1) / 2]])
    origin = (grid.straighten(middle) - middle)[0]
    size = -(-width // _CELL_PX), -(-height // _CELL_PX)
    x, y = ((np.arange(n) + 0.5) * _CELL_PX - 0.5 for n in size)
    cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    source = grid.unstraighten(cells + origin).reshape(size[1], size[0], 2).astype(np.float32)
    full = (size[0] * _CELL_PX, size[1] * _CELL_PX)
    maps = cv2.resize(source, full, interpolation=cv2.INTER_LINEAR)[:height, :width]
    flat = cv2.remap(
        dark,
        maps,
        np.empty(0),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_PAPER,
    )
    return np.asarray(flat, np.uint8), origin


def with_bend(
    seen: Look,
    shape: tuple[int, ...],
    flat: tuple[Grid, FloatArray] | None = None,
) -> Grid:
    """The grid that follows the lines, or the straight one if they do not bend.

    Args:
        seen: A look at the picture, or at the picture flattened.
        shape: (height, width).
        flat: Of `flattened`: the grid by which the picture was, and its origin.
    """
    axes = [_followed(seen, shape, upright=upright) for upright in (True, False)]
    if flat is not None:
        axes = [axis and _in_picture(axis, *flat) for axis in axes]
    lines: list[FloatArray | None] = [
        None if axis is None else axis.index * np.float64(seen.boxes.mm_per_line) for axis in axes
    ]
    affine = [
        None if axis is None or mm is None else _affine(axis, mm)
        for axis, mm in zip(axes, lines, strict=True)
    ]
    grid = _mean_grid(seen.grid, affine)
    fits: list[Fitted | None] = [None, None]
    origins = [0.0, 0.0]
    scales = grid.px_per_mm_x, grid.px_per_mm_y
    for n, (axis, mm) in enumerate(zip(axes, lines, strict=True)):
        if axis is None or mm is None:
            continue
        value = mm * scales[n] - grid.straighten(axis.xy_px)[:, n]
        origins[n] = -float(np.median(value))
        fits[n] = fit_field(axis, value + origins[n], shape=shape, px_per_mm=scales[n])
    bends = [f is not None and f.gain > _LEAST_GAIN and f.bend_px > _LEAST_BEND_PX for f in fits]
    if flat is None and not seen.of_part and not any(bends):
        return seen.grid
    grid = replace(
        grid,
        bend_x=None if fits[0] is None else fits[0].field,
        bend_y=None if fits[1] is None else fits[1].field,
        residual_px=min((f.spread_px for f in fits if f is not None), default=math.nan),
    )
    return _with_crossing(grid, seen, shape, origins, lines)


def _followed(seen: Look, shape: tuple[int, ...], *, upright: bool) -> Points | None:
    comb = seen.boxes.upright if upright else seen.boxes.level
    if comb is None:
        return None
    family = seen.families[0 if upright else 1]
    along_px = shape[0] if upright else shape[1]
    per_group = _GROUP_MM * comb.pitch_px / seen.boxes.mm_per_line
    points = follow(
        family.aligned(comb.slope, max_groups=max(int(along_px / per_group), 2)),
        comb,
        mm_per_line=seen.boxes.mm_per_line,
        upright=upright,
        across=upright == (shape[1] >= shape[0]),
    )
    return points if len(np.unique(points.index)) >= 2 and len(points.index) >= 8 else None


def _in_picture(points: Points, grid: Grid, origin: FloatArray) -> Points:
    """Points of the flattened picture where they stand in the picture itself."""
    return replace(points, xy_px=grid.unstraighten(points.xy_px + origin))


def _affine(points: Points, mm: FloatArray) -> FloatArray:
    """Gradient (2,) of the lines' millimetres over the picture."""
    design = np.column_stack([points.xy_px - points.xy_px.mean(axis=0), np.ones(len(mm))])
    share = np.sqrt(points.weight)[:, None]
    fit = np.linalg.lstsq(design * share, mm * share[:, 0], rcond=None)[0]
    return np.asarray(fit[:2])


def _mean_grid(grid: Grid, affine: list[FloatArray | None]) -> Grid:
    """Mean scale and tilt of the points' lines; time runs along the level ones."""
    across, down = affine
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
    seen: Look,
    shape: tuple[int, ...],
    origins: list[float],
    lines: list[FloatArray | None],
) -> Grid:
    """The grid with the crossing of two lines (major ones, where known) near the middle."""
    place = grid.straighten(np.array([[(shape[1] - 1) / 2, (shape[0] - 1) / 2]]))[0]
    majors = seen.boxes.source == "lines 1:5"
    step_mm = 5.0 if majors else seen.boxes.mm_per_line
    for n, scale in enumerate((grid.px_per_mm_x, grid.px_per_mm_y)):
        if lines[n] is not None:
            first = origins[n] + (seen.boxes.major[n] * scale if majors else 0.0)
            step = step_mm * scale
            place[n] = first + round((place[n] - first) / step) * step
    x, y = grid.unstraighten(place[None])[0]
    return replace(grid, phase_x_px=float(x), phase_y_px=float(y))

"""A page's margins: where its traces end, and what of the paper around them is gone or white."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_gen.arrays import F64, U8
from data_gen.crop import Frame
from data_gen.makeup import Makeup
from data_gen.sheet import Trace

_KEPT_MM = 1.0  # between the traces and a cut
_BOX_MM = (8.0, 4.0)  # of grid around the traces, to the sides and above and below
_LINE_MM = 5.0  # a box ends at a thick line


@dataclass(frozen=True)
class Extent:
    """The box of all traces, mm from the paper's upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def extent_mm(traces: Sequence[Trace], baselines_mm: F64) -> Extent:
    """The box of all traces of a page.

    Args:
        traces: All of them.
        baselines_mm: Height of each row's 0 mV.
    """
    heights = [
        (t.y_mm + float(baselines_mm[t.place.row]))[np.isfinite(t.y_mm)]
        for t in traces
        if np.isfinite(t.y_mm).any()
    ]
    tops, bottoms = [float(y.min()) for y in heights], [float(y.max()) for y in heights]
    return Extent(
        min(float(t.x_mm[0]) for t in traces),
        min(tops, default=float(baselines_mm[0])),
        max(float(t.x_mm[-1]) for t in traces),
        max(bottoms, default=float(baselines_mm[-1])),
    )


def kept_of(
    shape: tuple[int, int], lines_px: Sequence[F64], makeup: Makeup, *, px_per_mm: float
) -> tuple[slice, slice]:
    """The rows and columns of a picture that stay when its margins are cut off.

    Args:
        shape: (height, width) of the picture.
        lines_px: Of all traces as they stand in it, (n, 2) each, NaN where a sample is missing:
            they stay whole.
        makeup: How much of each margin is gone.
        px_per_mm: Of the picture.
    """
    height, width = shape
    points = np.concatenate(lines_px)
    if not np.isfinite(points).any(axis=0).all():
        return slice(0, height), slice(0, width)  # no sample says where a margin ends
    (x0, y0), (x1, y1) = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    left, top, right, bottom = (
        round(part * max(free - _KEPT_MM * px_per_mm, 0.0))
        for part, free in zip(makeup.cut_frac, (x0, y0, width - x1, height - y1), strict=True)
    )
    return slice(top, height - bottom), slice(left, width - right)


def blank_around(
    image: U8, frame: Frame, extent: Extent, origin_mm: tuple[float, float], *, blank: int = 255
) -> None:
    """Make a page white where its grid ends, in place.

    Args:
        image: uint8 (H, W, 3), the grid, or its coverage (H, W).
        frame: What is seen of the page.
        extent: Of the traces.
        origin_mm: A crossing of thick lines.
        blank: What blank paper is.
    """
    x0, x1 = _snapped(extent.left - _BOX_MM[0], extent.right + _BOX_MM[0], origin_mm[0])
    y0, y1 = _snapped(extent.top - _BOX_MM[1], extent.bottom + _BOX_MM[1], origin_mm[1])
    columns = frame.x_mm + np.arange(frame.width_px) / frame.px_per_mm
    rows = frame.y_mm + np.arange(frame.height_px) / frame.px_per_mm
    image[(rows < y0) | (rows > y1)] = blank
    image[:, (columns < x0) | (columns > x1)] = blank


def _snapped(low: float, high: float, origin: float) -> tuple[float, float]:
    """Out to the next thick lines, and half a line's width beyond."""
    first = math.floor((low - origin) / _LINE_MM) * _LINE_MM + origin
    last = math.ceil((high - origin) / _LINE_MM) * _LINE_MM + origin
    return first - 0.15, last + 0.15

"""Drawing in pixels: strokes, grid lines, text and ink on paper.

A stroke's coverage is that of a line of its width under a box filter of one pixel: 1 inside,
falling to 0 over one pixel at its edge, by the distance of the pixel's centre from the line. Any
width and any sub-pixel place are exact, and the ink lies under the polyline by construction.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_gen.arrays import F64, U8
from data_gen.compiled import njit

U32 = NDArray[np.uint32]

# Thinner strokes could vanish between two rows of pixels and leave columns without ink;
# printers and scanners do not resolve them either.
MIN_STROKE_PX = 1.25
# Samples within this distance of a straight line are drawn as one segment: a coverage changes by
# 10 of 255 levels at most.
STRAIGHT_PX = 0.04
# The most by which the pen's width (px) and darkness (0–1) may change along such a segment.
STEADY_PX, STEADY_DARK = 0.08, 0.03

_8 = np.uint32(8)  # with a plain 8, Numba would compute in 64 bits


@njit(cache=True, nogil=True)
def _straight(xy: F64, widths: F64, darks: F64, i: int) -> int:
    """The farthest point to which a straight line from point i passes all points between.

    Each point passed narrows the range of slopes that the line may have. The pen may change on
    it by no more than `STEADY_PX` and `STEADY_DARK`.
    """
    x0, y0 = xy[i, 0], xy[i, 1]
    low, high = -math.inf, math.inf
    j = i + 1
    for k in range(i + 1, len(xy)):
        dx, dy = xy[k, 0] - x0, xy[k, 1] - y0
        if not (math.isfinite(dy) and dx > 0.0 and low <= dy / dx <= high):
            break
        pen_moved = abs(widths[k] - widths[i]) > STEADY_PX or abs(darks[k] - darks[i]) > STEADY_DARK
        if pen_moved and k > i + 1:
            break
        j = k
        low, high = max(low, (dy - STRAIGHT_PX) / dx), min(high, (dy + STRAIGHT_PX) / dx)
    return j


@njit(cache=True, nogil=True)
def _stroke(canvas: U8, ink: U8 | None, xy: F64, widths: F64, darks: F64) -> None:
    n = len(xy)
    drawing = False  # the point before this one is inked up to this one
    i = 0
    while i < n:
        if not (math.isfinite(xy[i, 0]) and math.isfinite(xy[i, 1])):
            drawing = False
            i += 1
        elif i + 1 == n or not (math.isfinite(xy[i + 1, 0]) and math.isfinite(xy[i + 1, 1])):
            if not drawing:  # a lone sample is a dot
                _segment(canvas, ink, xy[i], xy[i], widths[i], darks[i])
            i += 1
        else:
            j = _straight(xy, widths, darks, i)
            width, dark = 0.5 * (widths[i] + widths[j]), 0.5 * (darks[i] + darks[j])
            _segment(canvas, ink, xy[i], xy[j], width, dark)
            drawing = True
            i = j


@njit(cache=True, nogil=True, fastmath=True)
def _segment(canvas: U8, ink: U8 | None, start: F64, stop: F64, width: float, dark: float) -> None:
    """A straight stroke with round ends: its coverage, and in `ink` that times `dark`.

    Every pixel of its box is computed, in single precision: without a branch the compiler
    vectorises the loop, which is three times as fast as skipping the pixels beyond the stroke.
    """
    (x0, y0), (x1, y1) = (start[0], start[1]), (stop[0], stop[1])
    reach = 0.5 * width + 0.5
    left = max(0, math.ceil(min(x0, x1) - reach))
    right = min(canvas.shape[1] - 1, math.floor(max(x0, x1) + reach))
    top = max(0, math.ceil(min(y0, y1) - reach))
    bottom = min(canvas.shape[0] - 1, math.floor(max(y0, y1) + reach))
    if right < left:
        return
    length = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
    per_px = 1.0 / max(length, 1e-9)
    ux, uy, end = np.float32((x1 - x0) * per_px), np.float32((y1 - y0) * per_px), np.float32(length)
    first_px, radius, full = np.float32(left - x0), np.float32(reach), np.float32(dark)
    for y in range(top, bottom + 1):
        row, py = canvas[y, left : right + 1], np.float32(y - y0)
        seen = row if ink is None else ink[y, left : right + 1]
        for k in range(len(row)):
            px = first_px + np.float32(np.int32(k))
            along = min(max(px * ux + py * uy, np.float32(0.0)), end)
            dx, dy = px - along * ux, py - along * uy
            level = (radius - math.sqrt(dx * dx + dy * dy)) * np.float32(255.0) + np.float32(0.5)
            level = min(max(level, np.float32(0.0)), np.float32(255.0))
            row[k] = max(row[k], np.uint8(np.int32(level)))
            if ink is not None:
                seen[k] = max(seen[k], np.uint8(np.int32(level * full)))


@njit(cache=True, nogil=True)
def _darken(image: U8, coverage: U8, factors: U32) -> None:
    """Darken (H, W, 3) by (H, W); most pixels are bare, and are passed eight at a time."""
    levels, covers = image.reshape(-1, 3), coverage.reshape(-1)
    eights = covers[: len(covers) // 8 * 8].view(np.uint64)
    for word in range(len(eights)):
        if eights[word]:
            _darken_all(levels[8 * word : 8 * word + 8], covers[8 * word : 8 * word + 8], factors)
    _darken_all(levels[8 * len(eights) :], covers[8 * len(eights) :], factors)


@njit(cache=True, nogil=True)
def _darken_all(levels: U8, covers: U8, factors: U32) -> None:
    for i in range(len(covers)):
        c = covers[i]
        if c:
            for k in range(3):
                product = np.uint32(levels[i, k]) * factors[c, k] + np.uint32(128)
                levels[i, k] = (product + (product >> _8)) >> _8  # over 255, rounded


def draw_stroke(
    canvas: U8,
    polyline_px: NDArray[np.floating],
    *,
    width_px: float | F64,
    dark: float | F64 = 1.0,
    ink: U8 | None = None,
) -> None:
    """Draw one polyline's coverage into a canvas, keeping the darker of old and new.

    Args:
        canvas: uint8 (H, W), changed in place.
        polyline_px: (n, 2), (x, y), x increasing or not; no ink where a point is NaN.
        width_px: Stroke width, of all or at every point (n,); never drawn thinner than
            `MIN_STROKE_PX`.
        dark: 0–1, what part of the full coverage the ink has, of all or at every point (n,).
        ink: uint8 (H, W), changed in place: the same stroke as dark as it is seen.
    """
    xy = np.ascontiguousarray(polyline_px, dtype=np.float64)
    widths, darks = np.empty(len(xy)), np.empty(len(xy))
    widths[:], darks[:] = np.maximum(width_px, MIN_STROKE_PX), dark
    _stroke(canvas, ink, xy, widths, darks)


def draw_bar(canvas: U8, *, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draw the coverage of a rectangle along the axes, its edges anywhere between pixels (px)."""
    _bar(canvas, float(x0), float(y0), float(x1), float(y1))


@njit(cache=True, nogil=True)
def _bar(canvas: U8, x0: float, y0: float, x1: float, y1: float) -> None:
    height, width = canvas.shape
    for y in range(max(0, math.ceil(y0 - 0.5)), min(height - 1, math.floor(y1 + 0.5)) + 1):
        down = min(y + 0.5, y1) - max(y - 0.5, y0)
        for x in range(max(0, math.ceil(x0 - 0.5)), min(width - 1, math.floor(x1 + 0.5)) + 1):
            across = min(x + 0.5, x1) - max(x - 0.5, x0)
            canvas[y, x] = max(canvas[y, x], int(down * across * 255.0 + 0.5))


@njit(cache=True, nogil=True)
def lines_coverage(
    n: int,
    first_px: float,
    step_px: float,
    width_px: float,
    snapped: bool = False,
    uneven: float = 0.0,
    phase: float = 0.0,
) -> F64:
    """Coverage of n pixels by lines at first + k·step, seen along their normal.

    Args:
        n: Number of pixels.
        first_px: Where one of the lines stands.
        step_px: Their distance.
        width_px: Their width; a line thinner than a pixel covers it in part.
        snapped: Each line is moved to the nearest whole pixel.
        uneven: The most that a line lacks of its coverage; its number decides how much.
        phase: With another phase, other lines lack it.

    Returns:
        float64 (n,), 0–1.
    """
    if snapped:
        width_px = max(1.0, round(width_px))
    covered = np.zeros(n)
    for x in range(n):
        number = round((x - first_px) / step_px)
        line = first_px + number * step_px
        if snapped:
            line = round(line)
        covered[x] = min(max(0.5 * width_px + 0.5 - abs(x - line), 0.0), min(1.0, width_px))
        if uneven > 0.0:
            # A pseudo-random number from the line's number: the digits behind the point of a large
            # multiple of its sine, a hash that is usual in computer graphics.
            digits = math.sin(12.9898 * number + phase) * 43758.5453
            covered[x] *= 1.0 - uneven * (digits - math.floor(digits))
    return covered


def draw_ink(image: U8, coverage: U8, ink_rgb: Sequence[int]) -> None:
    """Lay ink on paper: each pixel is darkened by its coverage, as a filter darkens light.

    Args:
        image: uint8 (H, W, 3), changed in place.
        coverage: uint8 (H, W).
        ink_rgb: Colour of the full ink on white paper.
    """
    c = np.arange(256)[:, None] / 255.0
    factors = 255.0 - c * (255.0 - np.asarray(ink_rgb, np.float64)[None, :])
    _darken(image, coverage, np.rint(factors).astype(np.uint32))


def stamp(canvas: U8, glyphs: U8, *, x_px: float, y_px: float) -> None:
    """Draw a small coverage picture, its upper left pixel at the nearest whole pixel."""
    x, y = round(x_px), round(y_px)
    height, width = canvas.shape
    h, w = glyphs.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if x0 < x1 and y0 < y1:
        box = canvas[y0:y1, x0:x1]
        np.maximum(box, glyphs[y0 - y : y1 - y, x0 - x : x1 - x], out=box)

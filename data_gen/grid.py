"""The printed grid."""

import numpy as np
from numba import njit

from data_gen.arrays import F64, U8
from data_gen.crop import Frame
from data_gen.render import lines_coverage
from data_gen.style import GridStyle, Rgb

_WHITE = (255, 255, 255)


def draw_grid(frame: Frame, style: GridStyle, origin_mm: tuple[float, float]) -> U8:
    """White paper with the printed grid, uint8 (H, W, 3).

    Args:
        frame: What is seen of the paper.
        style: The grid's look.
        origin_mm: (x, y) of a crossing of 5 mm lines on the paper.
    """
    (across, dots_across), (down, dots_down) = (
        (_coloured(minor, major, style), minor)
        for minor, major in _families(frame, style, origin_mm)
    )
    image = np.empty((frame.height_px, frame.width_px, 3), np.uint8)
    if style.snapped:
        image[:] = across[None]
        rows = (down != 255).any(axis=1)
        image[rows] = down[rows][:, None]
        return image
    # Both inks of the crossing lines are there: the darker one is seen.
    _compose(image, across, down)
    if style.dotted:
        _dot(image, dots_across, dots_down, style.minor_rgb or _WHITE)
    return image


def grid_coverage(frame: Frame, style: GridStyle, origin_mm: tuple[float, float]) -> U8:
    """How much of each pixel the grid's lines and dots cover, whatever their colour.

    Args:
        frame: What is seen of the paper.
        style: The grid's look.
        origin_mm: (x, y) of a crossing of 5 mm lines on the paper.

    Returns:
        uint8 (H, W).
    """
    (dots_across, major_across), (dots_down, major_down) = _families(frame, style, origin_mm)
    across, down = major_across, major_down
    thin = style.minor_rgb is not None
    if thin and not style.dotted:
        across, down = np.maximum(across, dots_across), np.maximum(down, dots_down)
    whole, part = _levels(across)[None, :], _levels(down)[:, None]
    cover: U8 = np.maximum(whole, part)
    if thin and style.dotted:
        np.maximum(cover, _levels(np.outer(dots_down, dots_across)), out=cover)
    return cover


def _levels(coverage: F64) -> U8:
    return np.rint(255 * coverage).astype(np.uint8)


def _families(
    frame: Frame, style: GridStyle, origin_mm: tuple[float, float]
) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
    """Coverage by the 1 mm and by the 5 mm lines: of columns (W,) twice, of rows (H,) twice."""
    x_mm, y_mm = origin_mm[0] - frame.x_mm, origin_mm[1] - frame.y_mm
    return (
        _lines(frame.width_px, x_mm, frame.px_per_mm, style),
        _lines(frame.height_px, y_mm, frame.px_per_mm, style),
    )


def _lines(n: int, origin_mm: float, px_per_mm: float, style: GridStyle) -> tuple[F64, F64]:
    """Coverage of n pixels across the lines of one direction, by the 1 mm and the 5 mm lines."""
    minor, major = (
        lines_coverage(
            n,
            first_px=origin_mm * px_per_mm,
            step_px=step_mm * px_per_mm,
            width_px=width_mm * px_per_mm,
            snapped=style.snapped,
            uneven=style.uneven,
            phase=style.uneven_phase,
        )
        for step_mm, width_mm in ((1.0, style.minor_mm), (5.0, style.major_mm))
    )
    return minor, np.zeros(n) if style.major_rgb is None else major


def _coloured(minor: F64, major: F64, style: GridStyle) -> U8:
    """The colours of n pixels across the lines of one direction (n, 3)."""
    lines = np.zeros(len(minor)) if style.dotted or style.minor_rgb is None else minor
    return _tinted(lines, style.minor_rgb or _WHITE, major, style.major_rgb or _WHITE)


@njit(cache=True, nogil=True)
def _tinted(minor: F64, minor_rgb: Rgb, major: F64, major_rgb: Rgb) -> U8:
    """White paper under thin lines under thick ones, (n,) coverages → uint8 (n, 3)."""
    colours = np.empty((len(minor), 3), np.uint8)
    for x in range(len(minor)):
        for k in range(3):
            level = 255.0 - minor[x] * (255 - minor_rgb[k])
            colours[x, k] = int(level + major[x] * (major_rgb[k] - level) + 0.5)
    return colours


@njit(cache=True, nogil=True)
def _compose(image: U8, across: U8, down: U8) -> None:
    height, width, _ = image.shape
    flat, line = image.reshape(height, 3 * width), across.reshape(3 * width)
    for y in range(height):
        for i in range(3 * width):
            flat[y, i] = line[i]
        r, g, b = down[y, 0], down[y, 1], down[y, 2]
        if r != 255 or g != 255 or b != 255:
            for x in range(width):
                image[y, x, 0] = min(r, across[x, 0])
                image[y, x, 1] = min(g, across[x, 1])
                image[y, x, 2] = min(b, across[x, 2])


@njit(cache=True, nogil=True)
def _dot(image: U8, across: F64, down: F64, rgb: Rgb) -> None:
    for y in range(len(down)):
        if down[y] > 0.0:
            for x in range(len(across)):
                if across[x] > 0.0:
                    for k in range(3):
                        dot = int(255.5 - down[y] * across[x] * (255 - rgb[k]))
                        image[y, x, k] = min(image[y, x, k], dot)

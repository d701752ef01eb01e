"""Traces apart from paper and grid, without a network: coverage of ink, 0 to 255."""

import cv2
import numpy as np
from numba import njit

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.find import check_picture, find_grid
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.ink.darkness import (
    FloatImage,
    Image,
    darkness,
    ink_level,
    line_darkness,
    line_share,
)
from ecg_overlap.digitize.ink.dials import DIALS, InkDials
from ecg_overlap.digitize.ink.pieces import connected_ink, without_line_rests

_NONE, _ONE = np.float32(0), np.float32(1)


def binarize(
    image: Image,
    *,
    px_per_mm: float | None = None,
    grid: Grid | None = None,
    light: Illumination | None = None,
    dials: InkDials = DIALS,
) -> Image:
    """Coverage of the ink of traces.

    Darkness is taken in the lightest channel, where a coloured grid fades, against the
    local paper. What ink is follows from the picture itself: a trace is in nearly every
    column, so a column's darkest pixel is ink. The grid's own darkness, folded over all
    boxes, is taken off, so that a gray grid goes and a trace that crosses it stays.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        px_per_mm: Scale, where known; sets what is a speck.
        grid: Where known; else it is sought where lines are dark enough to matter.
        light: Of the picture, where it was computed already.
        dials: What counts as ink.

    Returns:
        uint8 (H, W): 0 paper and grid, 255 full ink, between them partly covered pixels.

    Raises:
        DigitizeError: The picture is not uint8 RGB or gray, or nothing in it is ink.

    Example:
        >>> crop = np.full((60, 200, 3), 255, np.uint8)
        >>> crop[::8] = crop[:, ::8] = (255, 190, 190)
        >>> crop[30:32, :] = 0
        >>> np.flatnonzero(binarize(crop, px_per_mm=8).any(axis=1)).tolist()
        [30, 31]
    """
    check_picture(image, "binarize")
    light = light or Illumination(image)
    scale = grid.px_per_mm_x if grid is not None else px_per_mm
    if scale is None:
        scale = _guessed_scale(light, dials)
    dark = darkness(light.lightest, scale, dials)
    ink = ink_level(dark, scale, dials)
    if float(np.median(ink)) < dials.faintest:
        raise DigitizeError("binarize", "no ink on this paper", "give a crop with a trace")
    lines = line_share(dark, ink, dials)
    dark_lines = lines > dials.grid_matters
    if grid is None and dark_lines:
        grid = _grid_if_any(light, px_per_mm)
    if grid is not None:
        base: FloatImage | np.float32 = line_darkness(dark, grid, dials)
    else:
        base = np.float32(lines * float(np.median(ink)))
    least = np.maximum(dials.least_full * ink[None, :], dials.faintest)
    share = _share(dark, base, np.maximum(ink[None, :] - base, least))
    kept = connected_ink(share, scale, dials)
    if grid is not None and dark_lines:
        kept = without_line_rests(kept, grid, dials)
    cover = share * cv2.dilate(kept, np.ones((3, 3), np.uint8))
    # The rests of dark lines would become full ink too.
    fullest = np.float32(1) if dark_lines else _fullest_near(cover, scale, dials)
    return _coverage(cover, fullest, np.float32(dials.weak))


def _guessed_scale(light: Illumination, dials: InkDials) -> float:
    """px/mm of a picture of which only the trace's thickness tells."""
    least, most, unknown = dials.guessed_px_per_mm
    stroke = light.stroke_px
    return float(np.clip(stroke / dials.stroke_mm, least, most)) if np.isfinite(stroke) else unknown


def _grid_if_any(light: Illumination, px_per_mm: float | None) -> Grid | None:
    """A grid to take off; without one, a constant is taken off instead."""
    try:
        return find_grid(light.image, near_px_per_mm=px_per_mm, light=light)
    except DigitizeError:
        return None


@njit(cache=True)
def _share(dark: FloatImage, base: FloatImage | np.float32, full: FloatImage) -> FloatImage:
    """What the ink took of what full ink takes, 0 to 1."""
    share: FloatImage = np.minimum(np.maximum((dark - base) / full, _NONE), _ONE)
    return share


def _fullest_near(share: FloatImage, px_per_mm: float, dials: InkDials) -> FloatImage:
    """The highest share of the ink's darkness within a stroke's reach, float32 (H, W).

    A fast pen leaves a paler line: there, what is half as dark is the whole of its ink.
    """
    reach = max(round(dials.pale_reach_mm * px_per_mm), 1)
    return np.asarray(cv2.dilate(share, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)))


@njit(cache=True)
def _coverage(share: FloatImage, fullest: FloatImage | np.float32, weak: np.float32) -> Image:
    """The share of the fullest, 0 to 255; where there is ink, that is more than `weak`."""
    part = share / np.maximum(fullest, weak)
    return (np.float32(255) * part + np.float32(0.5)).astype(np.uint8)

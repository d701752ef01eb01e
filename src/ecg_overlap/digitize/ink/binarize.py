"""Traces apart from paper and grid, without a network: coverage of ink, 0 to 255."""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.boxes import stroke_px
from ecg_overlap.digitize.grid.find import check_picture, find_grid
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.strips import extremes

_STROKE_MM = 0.35  # usual thickness of a trace: gives a scale where none is known
_STRONG, _WEAK = 0.6, 0.2  # share of the ink's darkness: what is ink, what may belong to it
_FAINTEST = 0.06  # share of light that a trace takes away at the least
_GRID_MATTERS = 0.2  # darkness of lines, as a share of the ink's, from which they are modelled
_PALE_REACH_MM = 0.25  # how far apart the edge of a stroke and its fullest ink can be
_PALEST = np.float32(0.2)  # share of the ink's darkness that a fast pen leaves at the least
_SPIKE_HEIGHT_MM, _SPIKE_WIDTH_MM = 1.5, (0.7, 1.5)  # of two flanks; rests of lines are thinner
_SPIKE_SHARE = 0.33  # of the ink's darkness, on the average over such a piece
_BLACK = 16  # gray level; what is darker over 3 mm is no paper
_BINS_PER_MM = 12
_NONE, _ONE = np.float32(0), np.float32(1)

Image = NDArray[np.uint8]
FloatImage = NDArray[np.float32]


def binarize(
    image: Image,
    *,
    px_per_mm: float | None = None,
    grid: Grid | None = None,
) -> Image:
    """Coverage of the ink of traces.

    Darkness is taken in the lightest channel, where a coloured grid fades, against the
    local paper. What ink is follows from the picture itself: a trace stands in nearly every
    column, so a column's darkest pixel is ink. The grid's own darkness, folded over all
    boxes, is taken off; so a gray grid goes, and a trace that crosses it stays.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        px_per_mm: Scale, where known; sets what is a speck.
        grid: Where known; else it is sought where lines are dark enough to matter.

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
    scale = grid.px_per_mm_x if grid is not None else px_per_mm
    if scale is None:
        stroke = stroke_px(image)
        scale = float(np.clip(stroke / _STROKE_MM, 4, 24)) if np.isfinite(stroke) else 8.0
    dark = _darkness(image, scale)
    ink = _ink_level(dark, scale)
    if float(np.median(ink)) < _FAINTEST:
        raise DigitizeError("binarize", "no ink on this paper", "give a crop with a trace")
    lines = _line_darkness(dark, ink)
    if grid is None and lines > _GRID_MATTERS:
        grid = _grid_if_any(image, px_per_mm)
    base = _folded(dark, grid) if grid is not None else np.float32(lines * float(np.median(ink)))
    full = np.maximum(ink[None, :] - base, np.maximum(0.25 * ink[None, :], _FAINTEST))
    share = _share(dark, base, full)
    kept = _connected(share, scale)
    if grid is not None and lines > _GRID_MATTERS:
        kept = _without_line_rests(kept, grid)
    cover = share * cv2.dilate(kept, np.ones((3, 3), np.uint8))
    # The rests of dark lines would become full ink too.
    fullest = _fullest_near(cover, scale) if lines <= _GRID_MATTERS else np.float32(1)
    return _coverage(cover, fullest)


def _darkness(image: Image, px_per_mm: float) -> FloatImage:
    """Share of light that the lightest channel loses against the local paper, 0 to 1."""
    lightest = extremes(image)[1]
    h, w = lightest.shape
    small = cv2.resize(lightest, (max(w // 4, 1), max(h // 4, 1)), interpolation=cv2.INTER_AREA)
    # Paper shows within 3 mm of any ink, also in a small box of a dark grid.
    size = max(int(px_per_mm * 3 / 4), 2) | 1
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    paper = cv2.blur(closed, (2 * size + 1, 2 * size + 1))
    paper = cv2.resize(paper, (w, h), interpolation=cv2.INTER_LINEAR)
    return _light_lost(lightest, np.asarray(paper, np.float32))


@njit(cache=True)
def _light_lost(level: Image, paper: FloatImage) -> FloatImage:
    """Compiled, an expression is one pass over the picture, without pictures in between."""
    lost = _ONE - level / np.maximum(paper, _ONE)
    dark: FloatImage = np.maximum(lost, _NONE) * (paper >= _BLACK)
    return dark


@njit(cache=True)
def _share(dark: FloatImage, base: FloatImage | np.float32, full: FloatImage) -> FloatImage:
    """What the ink took of what full ink takes, 0 to 1."""
    share: FloatImage = np.minimum(np.maximum((dark - base) / full, _NONE), _ONE)
    return share


def _ink_level(dark: FloatImage, px_per_mm: float) -> NDArray[np.float32]:
    """Darkness of full ink along the crop, (W,): the columns' darkest pixels, smoothed.

    Steep strokes are thinner and paler; the level is a median over 20 mm, so it is that of
    the level parts, and follows a pen that fades.
    """
    darkest = cv2.GaussianBlur(dark, (3, 3), 0.6).max(axis=0)
    reach = int(min(px_per_mm * 10, (len(darkest) - 1) // 2))
    padded = np.pad(darkest, reach, mode="reflect") if reach else darkest
    step = max(reach // 16, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[::step, ::step]
    places = np.arange(len(darkest))[::step]
    level = np.interp(np.arange(len(darkest)), places, np.median(windows, axis=1))
    return np.asarray(level, np.float32)


def _line_darkness(dark: FloatImage, ink: NDArray[np.float32]) -> float:
    """Darkness of the grid's darker lines, as a share of the ink's."""
    share = dark[:, ::3] / np.maximum(ink[None, ::3], _FAINTEST)
    paler = share[share < 0.75]
    return float(np.clip(np.percentile(paler, 92), 0.0, 0.6)) if paler.size else 0.0


def _grid_if_any(image: Image, px_per_mm: float | None) -> Grid | None:
    """A grid to take off; without one, a constant is taken off instead."""
    try:
        found = find_grid(image, near_px_per_mm=px_per_mm)
    except DigitizeError:
        return None
    return found if found.confidence > 0.3 else None


def _folded(dark: FloatImage, grid: Grid) -> FloatImage:
    """The grid's darkness at every pixel, (H, W): that of its place within a big box.

    Over all boxes, ink covers few of the pixels that share a place, so their upper quartile
    is the grid's own darkness there, also where its lines are dashed.
    """
    along, across = grid.millimetres_over(dark.shape)
    n_bins, n_levels = 5 * _BINS_PER_MM, 128
    level = (dark * (n_levels - 1)).astype(np.int32)
    folds = []
    for mm, other in ((along, across), (across, along)):
        place = ((mm % 5) * _BINS_PER_MM).astype(np.int32) % n_bins
        off_line = np.abs(other - np.rint(other)) > 0.25  # lines of the other family aside
        counts = np.bincount((place * n_levels + level)[off_line], minlength=n_bins * n_levels)
        below = counts.reshape(n_bins, n_levels).cumsum(axis=1)
        quartile = (below < 0.75 * below[:, -1:]).sum(axis=1) / np.float32(n_levels - 1)
        folds.append(quartile.astype(np.float32)[place])
    return np.asarray(np.maximum(folds[0], folds[1]), np.float32)


def _connected(share: FloatImage, px_per_mm: float) -> Image:
    """Pieces that may be ink and hold some that surely is; specks are left out."""
    strong = share > _STRONG
    about = cv2.dilate(strong.astype(np.uint8), np.ones((7, 7), np.uint8))
    calm = share[::2, ::2][about[::2, ::2] == 0]
    weak = float(np.clip(1.5 * np.percentile(calm, 98), _WEAK, _STRONG)) if calm.size else _WEAK
    possible = share > weak
    kept = possible.view(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(kept)
    piece = label[possible]
    area = np.bincount(piece, minlength=count)
    sure = np.bincount(label[strong], minlength=count)
    ink = np.bincount(piece, share[possible], count)
    keep = (sure > 0.15 * area) | _steep(stats, ink, px_per_mm)
    keep &= area > max(0.25 * px_per_mm**2, 4)  # smaller is a speck
    kept[possible] = keep[piece]
    return kept


def _steep(stats: NDArray[Any], ink: NDArray[Any], px_per_mm: float) -> NDArray[np.bool_]:
    """Which pieces are a fast pen's steep strokes, surely ink nowhere, but tall and narrow.

    Args:
        stats: int32 (n, 5), of the pieces, as OpenCV counts them.
        ink: float64 (n,), sum of each piece's shares of the ink's darkness.
        px_per_mm: The picture's scale.
    """
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    least, most = _SPIKE_WIDTH_MM
    narrow = (width > least * px_per_mm) & (width < most * px_per_mm) & (height > 3 * width)
    tall = height > _SPIKE_HEIGHT_MM * px_per_mm
    return narrow & tall & (ink > _SPIKE_SHARE * stats[:, cv2.CC_STAT_AREA])


def _fullest_near(share: FloatImage, px_per_mm: float) -> FloatImage:
    """The fullest share of the ink's darkness within a stroke's reach.

    A fast pen leaves a paler line: what is half as dark there is the whole of its ink.
    """
    reach = max(round(_PALE_REACH_MM * px_per_mm), 1)
    return np.asarray(cv2.dilate(share, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)))


@njit(cache=True)
def _coverage(share: FloatImage, fullest: FloatImage | np.float32) -> Image:
    """The share of the fullest, 0 to 255."""
    part = share / np.maximum(fullest, _PALEST)
    return (np.float32(255) * part + np.float32(0.5)).astype(np.uint8)


def _without_line_rests(kept: Image, grid: Grid) -> Image:
    """Without thin pieces that lie along a major line, where it was darker than its fellows."""
    off = [np.abs(mm - 5 * np.rint(mm / 5)) for mm in grid.millimetres_over(kept.shape)]
    count, label, stats, _ = cv2.connectedComponentsWithStats(kept)
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    sides = stats[:, (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)] / grid.px_per_mm_x
    rest = np.zeros(count, bool)
    for n, far in enumerate(off):
        on_line = np.bincount(label.ravel(), (far.ravel() < 0.35), minlength=count) / area
        rest |= (on_line > 0.85) & (sides[:, n] < 0.8) & (sides[:, 1 - n] < 30)
    rest[0] = True
    return np.asarray(~rest[label], np.uint8)

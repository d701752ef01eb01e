"""How much light ink and the grid's lines take away at each pixel."""

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.ink.dials import DIALS, InkDials

Image = NDArray[np.uint8]
FloatImage = NDArray[np.float32]

BIG_BOX_MM = 5
SHRINK = 4  # paper is sought in a picture so many times smaller: it changes slowly
NOISE_SIGMA_PX = 0.6  # smoothing before a column's darkest pixel is taken
MEDIANS_PER_REACH = 16  # the ink's level is computed at so many places of its window
GRAYS = 128  # gray levels of the folded grid
_NONE, _ONE = np.float32(0), np.float32(1)


def darkness(lightest: Image, px_per_mm: float, dials: InkDials = DIALS) -> FloatImage:
    """Share of light lost against the local paper, float32 (H, W), 0–1.

    Args:
        lightest: uint8 (H, W), the highest of a pixel's channels, in which a coloured grid fades.
        px_per_mm: The picture's scale.
        dials: Of binarization.
    """
    h, w = lightest.shape
    shrunk = max(w // SHRINK, 1), max(h // SHRINK, 1)
    small = cv2.resize(lightest, shrunk, interpolation=cv2.INTER_AREA)
    size = max(int(px_per_mm * dials.paper_within_mm / SHRINK), 2) | 1
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    paper = cv2.blur(closed, (2 * size + 1, 2 * size + 1))
    paper = cv2.resize(paper, (w, h), interpolation=cv2.INTER_LINEAR)
    return _light_lost(lightest, np.asarray(paper, np.float32), np.float32(dials.black))


@njit(cache=True)
def _light_lost(level: Image, paper: FloatImage, black: np.float32) -> FloatImage:
    """Compiled, an expression is one pass over the picture, without pictures in between."""
    lost = _ONE - level / np.maximum(paper, _ONE)
    dark: FloatImage = np.maximum(lost, _NONE) * (paper >= black)
    return dark


def ink_level(dark: FloatImage, px_per_mm: float, dials: InkDials = DIALS) -> FloatImage:
    """Darkness of full ink along the crop, float32 (W,).

    A trace is in nearly every column, so a column's darkest pixel is ink. Steep strokes are
    thinner and paler; the running median is that of the flat parts, and follows a pen that fades.
    A column without anything as dark as the faintest ink tells nothing: beside a desk or a border
    that was blanked, the grid's lines would be as dark as the ink that they are measured by.

    Args:
        dark: float32 (H, W), from `darkness`.
        px_per_mm: The picture's scale.
        dials: Of binarization.
    """
    darkest = cv2.GaussianBlur(dark, (3, 3), NOISE_SIGMA_PX).max(axis=0)
    empty = darkest < dials.faintest
    if empty.mean() < 0.5:  # else the paper has no trace: its level is that of empty paper
        darkest[empty] = np.nan
    reach = int(min(px_per_mm * dials.level_reach_mm, (len(darkest) - 1) // 2))
    padded = np.pad(darkest, reach, mode="reflect") if reach else darkest
    step = max(reach // MEDIANS_PER_REACH, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[::step, ::step]
    places, told = np.arange(len(darkest))[::step], np.isfinite(windows).any(axis=1)
    medians = np.nanmedian(windows[told], axis=1)
    level = np.interp(np.arange(len(darkest)), places[told], medians)
    return np.asarray(level, np.float32)


def line_share(dark: FloatImage, ink: FloatImage, dials: InkDials = DIALS) -> float:
    """Darkness of the grid's darker lines, as a share of the ink's (`ink_level`, (W,)).

    Columns that hold nothing, as of a margin, have no lines either.
    """
    some = np.flatnonzero(dark.max(axis=0) >= dials.faintest)[::3]
    share = dark[:, some] / np.maximum(ink[None, some], dials.faintest)
    other = share[share < dials.other_than_ink]
    return float(np.percentile(other, dials.line_percentile)) if other.size else 0.0


def line_darkness(dark: FloatImage, grid: Grid, dials: InkDials = DIALS) -> FloatImage:
    """The grid's own darkness at every pixel, float32 (H, W): that of its place in a big box.

    Over all boxes, ink covers few of the pixels that share a place, so their upper quartile
    is the grid's own darkness there, also where its lines are dashed. In a crop one or two boxes
    high, a level trace covers most of a horizontal line: but both families of lines are printed
    with one ink, and a line is not taken to be much darker than the other family's at its place.

    Args:
        dark: float32 (H, W), from `darkness`.
        grid: Of the picture.
        dials: Of binarization.
    """
    along, across = grid.millimetres_over(dark.shape)
    n_bins = BIG_BOX_MM * dials.bins_per_mm
    level = (dark * (GRAYS - 1)).astype(np.int32)
    reach = math.ceil(dials.alike_within_mm * dials.bins_per_mm)
    places, usual, least, nearby = [], [], [], []
    for mm, other in ((along, across), (across, along)):
        place = ((mm % BIG_BOX_MM) * dials.bins_per_mm).astype(np.int32) % n_bins
        off_line = np.abs(other - np.rint(other)) > dials.beside_line_mm
        counts = np.bincount((place * GRAYS + level)[off_line], minlength=n_bins * GRAYS)
        below = counts.reshape(n_bins, GRAYS).cumsum(axis=1)
        places.append(place)
        usual.append(_quantile(below, dials.fold_quantile))
        least.append(_quantile(below, 1 - dials.fold_quantile))
        shifts = range(-reach, reach + 1)
        nearby.append(np.max([np.roll(usual[-1], shift) for shift in shifts], axis=0))
    folds = [
        np.minimum(usual[n], np.maximum(dials.families_alike * nearby[1 - n], least[n]))[places[n]]
        for n in (0, 1)
    ]
    return np.asarray(np.maximum(folds[0], folds[1]), np.float32)


def _quantile(below: NDArray[np.int64], share: float) -> NDArray[np.float32]:
    """Darkness at a quantile in each bin, float32 (n,), of cumulated counts (n, GRAYS)."""
    under = (below < share * below[:, -1:]).sum(axis=1)
    return np.asarray(under / np.float32(GRAYS - 1), np.float32)

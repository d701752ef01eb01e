"""How a picture is lit: its channels, paper, darkness and stroke, each computed once."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

PAPER_LEVEL = 64  # darkness of the paper's mean level: lighter paper must fit into uint8 too
# Share of pixels whose darkness is kept as it is; what is darker is cut to the same level.
_KEPT_SHARE_WITH_INK, _KEPT_SHARE_WITHOUT_INK = 0.94, 0.985
_LEAST_CUT = 6  # gray levels over the paper that are never cut
_CUT_STRIDE = 11  # every 11th pixel in reading order: odd, or lines on odd columns are missed
_PAPER_SHRINK = 8  # px: paper changes slowly, so a picture an eighth as large shows it
# Shrunk px: 120 px is a big box at 24 px/mm; 40 px do for small pictures.
_PAPER_WINDOW, _PAPER_WINDOW_SMALL = 15, 5
_INK_COLUMNS_PERCENT = 60  # over columns: a trace stands in nearly every one, a spike in few
_LEAST_INK_FALL = 25.0  # gray levels: paler is not told from noise and shade
_INK_CORE_SHARE = 0.5  # of the ink's darkness: half of it is where a blurred edge lies
_INK_STRIDE = 5  # every 5th pixel in reading order, odd for the same reason
_LINE_PERCENT = 85  # of the pixels without ink: the darkest 15 % stand for the lines
_LEAST_LINE_DARKNESS = 3.0  # gray levels over the paper
_MOST_LIGHTEST_FALL = 0.7  # of a line's darkness seen in the lightest channel: a gray line has 1
_MOST_INK_SHARE = 0.06  # of the picture: a dark grid covers more, traces less
_STROKE_COLUMNS = 400  # so many columns give the median stroke
_STROKE_PEAK_SHARE, _STROKE_PEAK_PERCENT = 0.6, 75  # columns whose peak is much paler hold no ink
_LEAST_STROKE_FALL = 40.0  # gray levels the lightest channel falls by: less is no trace
_MOST_HALF_STROKE_PX = 40  # no pen is broader at 24 px/mm (0.8 mm is 19 px)
_EDGE_SHARE = 0.5  # of the peak's darkness: where the stroke ends


@dataclass(frozen=True, eq=False)
class Illumination:
    """A picture's channels, paper, darkness and stroke, computed when asked for and kept.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
    """

    image: Image

    @cached_property
    def _extremes(self) -> tuple[Image, Image]:
        return extremes(self.image)

    @property
    def darkest(self) -> Image:
        """Least of R, G and B, uint8 (H, W): a coloured line shows best where it absorbs."""
        return self._extremes[0]

    @property
    def lightest(self) -> Image:
        """Greatest of R, G and B, uint8 (H, W): a coloured grid fades in it."""
        return self._extremes[1]

    @cached_property
    def stroke_px(self) -> float:
        """Thickness of the trace: the run of ink about each column's darkest pixel, px.

        The median over the columns that hold ink; NaN where none does.
        """
        return _stroke_px(self.lightest)

    @cached_property
    def darkness(self) -> Image:
        """Darkness of the darkest channel against the local paper, ink cut to grid level.

        Ink is far darker than most grids: its excess is cut away, so that a QRS weighs no
        more than a grid line. Ink that is clearly no grid is left out: a steady heart beats
        as regularly as a grid.

        Returns:
            uint8 (H, W); `PAPER_LEVEL` is the paper's local mean level, more is darker.
        """
        ink, is_clear = self._ink
        return _cut(self._uncut, ink if is_clear else None)

    @cached_property
    def darkness_without_ink(self) -> Image:
        """`darkness` without what is as dark as ink, even where that may be a dark grid."""
        ink, is_clear = self._ink
        return self.darkness if is_clear or ink is None else _cut(self._uncut, ink)

    @cached_property
    def colour_without_ink(self) -> Image:
        """How much more colour than the local paper there is, without the ink.

        Shade, folds and the paper's grain are gray: they hide pale coloured lines in `darkness`,
        not here.

        Returns:
            uint8 (H, W): the span of R, G and B; `PAPER_LEVEL` is the paper's, more is more
            coloured. All alike of a gray picture.
        """
        span = cv2.subtract(self.lightest, self.darkest)
        return _cut(_above(span, local_paper(np.asarray(span, np.uint8))), self._ink[0])

    @cached_property
    def _uncut(self) -> Image:
        return _above(local_paper(self.darkest), self.darkest)

    @cached_property
    def _ink(self) -> tuple[Mask | None, bool]:
        return _ink_and_whether_clear(self._uncut, self.lightest)


def extremes(image: Image) -> tuple[Image, Image]:
    """Least and greatest of R, G and B, (H, W) each; one and the same for a gray picture."""
    if image.ndim == 2:
        return image, image
    red, green, blue = cv2.split(image)
    least = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    return least, np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def local_paper(channel: Image) -> Image:
    """The local median level of a channel, uint8 (H, W): paper with the grid's mean share."""
    h, w = channel.shape
    size = max(w // _PAPER_SHRINK, 1), max(h // _PAPER_SHRINK, 1)
    small = cv2.resize(channel, size, interpolation=cv2.INTER_AREA)
    fits = min(small.shape) >= _PAPER_WINDOW
    paper = cv2.medianBlur(small, _PAPER_WINDOW if fits else _PAPER_WINDOW_SMALL)
    return np.asarray(cv2.resize(paper, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)


def _stroke_px(lightest: Image) -> float:
    fall = cv2.subtract(local_paper(lightest), lightest)
    step = max(fall.shape[1] // _STROKE_COLUMNS, 1)
    fall = np.ascontiguousarray(fall[:, ::step]).astype(np.float32)
    columns = np.arange(fall.shape[1])
    row = fall.argmax(axis=0)
    peak = fall[row, columns]
    usual = float(np.percentile(peak, _STROKE_PEAK_PERCENT))
    inky = peak > max(_STROKE_PEAK_SHARE * usual, _LEAST_STROKE_FALL)
    thickness = np.ones(fall.shape[1])
    for sign in (-1, 1):
        running = np.ones(fall.shape[1], bool)
        for step in range(1, _MOST_HALF_STROKE_PX):
            place = row + sign * step
            inside = (place >= 0) & (place < len(fall))
            value = fall[np.clip(place, 0, len(fall) - 1), columns]
            # The pixel in which the stroke ends counts in part.
            thickness += running * inside * np.clip(value / peak.clip(1), 0, 1)
            running &= inside & (value > _EDGE_SHARE * peak)
    return float(np.median(thickness[inky])) if inky.any() else math.nan


def _above(more: Any, less: Any) -> Image:
    """By how much one is above the other, from `PAPER_LEVEL`, uint8 (H, W)."""
    return np.asarray(cv2.addWeighted(more, 1.0, less, -1.0, PAPER_LEVEL), np.uint8)


def _cut(dark: Image, ink: Mask | None) -> Image:
    """Darkness without the ink (bool (H, W) or None) and cut where it is rare."""
    if ink is not None:
        dark = dark.copy()
        np.copyto(dark, np.uint8(PAPER_LEVEL), where=ink)
    count = np.bincount(dark.ravel()[::_CUT_STRIDE], minlength=256).cumsum()
    share = _KEPT_SHARE_WITH_INK if ink is None else _KEPT_SHARE_WITHOUT_INK
    cut = max(int(np.searchsorted(count, share * count[-1])), PAPER_LEVEL + _LEAST_CUT)
    return np.asarray(cv2.threshold(dark, cut, 0, cv2.THRESH_TRUNC)[1], np.uint8)


def _ink_and_whether_clear(dark: Image, lightest: Image) -> tuple[Mask | None, bool]:
    """Where ink stands, bool (H, W) or None for nowhere, and whether it is clearly no grid.

    It is clear where the grid has a colour, so that it fades in the lightest channel, and
    where little of the picture is as dark as the ink.
    """
    h, w = lightest.shape
    size = (max(w // 2, 1), max(h // 2, 1))  # half the resolution tells ink as well
    half = cv2.resize(lightest, size, interpolation=cv2.INTER_AREA)
    fall = cv2.subtract(local_paper(np.asarray(half, np.uint8)), half)
    ink_level = float(np.percentile(fall.max(axis=0), _INK_COLUMNS_PERCENT))
    if ink_level < _LEAST_INK_FALL:
        return None, False
    core = cv2.threshold(fall, _INK_CORE_SHARE * ink_level, 1, cv2.THRESH_BINARY)[1]
    ink = cv2.dilate(core, np.ones((3, 3), np.uint8))
    free = ink.ravel()[::_INK_STRIDE] == 0
    shrunk = cv2.resize(dark, size, interpolation=cv2.INTER_AREA)
    lines = shrunk.ravel()[::_INK_STRIDE][free] - float(PAPER_LEVEL)
    level = float(np.percentile(lines, _LINE_PERCENT)) if lines.size else 0.0
    strong = lines >= max(level, _LEAST_LINE_DARKNESS)
    grayness = 1.0  # of the lines: their darkness in the lightest channel, of that in the darkest
    if strong.any():
        grayness = float(np.median(fall.ravel()[::_INK_STRIDE][free][strong] / lines[strong]))
    is_clear = grayness < _MOST_LIGHTEST_FALL or float(core.mean()) < _MOST_INK_SHARE
    full = np.asarray(cv2.resize(ink, (w, h), interpolation=cv2.INTER_NEAREST))
    return full.view(np.bool_), is_clear

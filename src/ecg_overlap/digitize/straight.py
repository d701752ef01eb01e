"""A picture as it would be on straight paper: upright, even, at one scale.

Every stage after the scale works on it; only what is shown goes back to the picture.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Grid
from ecg_overlap.digitize.network import Image
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.scale import FloatArray, FloatMap, PaperMap

SQUARE = 0.02  # pitches that differ by less are taken for equal: a 5 px pen is 0.1 px off round
# A scale at 600 dpi: beyond, a picture is read at 406 dpi. Finer ones cost time and memory with the
# square, and tell hardly more.
FINEST_PX_PER_MM, ENOUGH_PX_PER_MM = 24.0, 16.0
EDGE_STEP_PX = 16  # along the picture's edges, to see how far it reaches on straight paper
MOST_SIDE_PX = 32_000  # of either side; OpenCV draws 32,766
MOST_LONGER = 1.5  # of its diagonal, to which a turn may take a picture; bends add little
BLANK_STRIDE = 4  # every fourth pixel tells the median colour
BLOCK_PX = 16  # side of a picture's blocks: those without ink of a mask are not asked for it
MARGIN_PX = 1.5  # the picture's outermost pixels are mixed with what lies outside of it


@dataclass(frozen=True, eq=False)
class StraightPicture:
    """A picture resampled onto straight paper.

    Args:
        paper: From the picture to straight paper.
        shape: (height, width) of the picture.
        origin_px: float64 (2,), (x, y) on straight paper of the straight picture's pixel (0, 0).
        factor: float64 (2,), its pixels to one of straight paper, in x and in y.
        source: float32 (H, W) each: column and row of each of its pixels in the picture; None:
            computed when needed. They take more memory than the picture.
        inside: bool (H, W): where the picture is; elsewhere it is blank.
    """

    paper: PaperMap
    shape: tuple[int, int]
    origin_px: FloatArray
    factor: FloatArray
    source: tuple[FloatMap, FloatMap] | None
    inside: NDArray[np.bool_]

    def without_source(self) -> "StraightPicture":
        """The same, for what is seldom resampled again."""
        return replace(self, source=None)

    @property
    def px_per_mm(self) -> float:
        return float(self.paper.px_per_mm_y * self.factor[1])

    def image(self, image: Image) -> Image:
        """The picture (h, w, 3), here: uint8 (H, W, 3)."""
        blank = np.median(image[::BLANK_STRIDE, ::BLANK_STRIDE], axis=(0, 1))
        fewer = float(1 / self.factor.max())  # of its pixels there is one here, along a side
        if fewer > 1:  # a thin line must not fall between the pixels that are taken
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), math.sqrt(fewer**2 - 1) / 2))
        return self._sampled(image, cv2.INTER_LANCZOS4, blank.tolist())

    def mask(self, mask: NDArray[Any]) -> NDArray[Any]:
        """A mask of the picture (h, w), here: (H, W)."""
        return self._sampled(mask, cv2.INTER_LINEAR, 0)

    def _sampled(self, values: NDArray[Any], how: int, blank: Any) -> NDArray[Any]:
        x, y = self.source or self.paper.source_of(self.origin_px, self.inside.shape, self.factor)
        edge = cv2.BORDER_CONSTANT
        return np.asarray(cv2.remap(values, x, y, how, borderMode=edge, borderValue=blank))

    def mask_of_picture(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask (H, W) from here, as one of the picture (h, w)."""
        found = np.zeros(self.shape, np.uint8)
        near = np.flatnonzero(self._near_ink(mask))
        for first in range(0, len(near), MOST_SIDE_PX):  # to OpenCV a picture of one column
            some = near[first : first + MOST_SIDE_PX]
            rows, columns = np.divmod(some, self.shape[1])
            points = np.stack([columns, rows], axis=1).astype(np.float64)
            x, y = self.from_picture(points).astype(np.float32).T[..., None]
            found.flat[some] = cv2.remap(mask, x, y, cv2.INTER_LINEAR)[:, 0]
        return found

    def _near_ink(self, mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Where the picture may have ink of a mask that is here, bool (h, w): in whole blocks.

        A block lies between its corners, give or take its own size: bends are less steep.
        """
        tops, lefts = (range(0, side, BLOCK_PX) for side in self.shape)
        x, y = np.meshgrid((*lefts, lefts.stop), (*tops, tops.stop))
        points = self.from_picture(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64))
        corners = points.reshape(*x.shape, 2)
        around = [corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]]
        beside, end = BLOCK_PX * self.factor, mask.shape[::-1]
        low = np.clip(np.floor(np.min(around, axis=0) - beside), 0, end).astype(int)
        high = np.clip(np.ceil(np.max(around, axis=0) + beside) + 1, 0, end).astype(int)
        ink = cv2.integral((mask > 0).astype(np.uint8))
        n = ink[high[..., 1], high[..., 0]] - ink[low[..., 1], high[..., 0]]
        n += ink[low[..., 1], low[..., 0]] - ink[high[..., 1], low[..., 0]]
        blocks = (n > 0).repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
        return np.asarray(blocks[: self.shape[0], : self.shape[1]])

    def from_picture(self, points_px: FloatArray) -> FloatArray:
        """Points (n, 2) of the picture, here."""
        return (self.paper.straighten(points_px) - self.origin_px) * self.factor

    def on_paper(self, path: Path) -> Path:
        """A path from here, in px of straight paper."""
        x, y = self.origin_px
        along, across = self.factor
        return replace(
            path,
            x_px=path.x_px / along + x,
            y_px=path.y_px / across + y,
            sigma_px=path.sigma_px / across,
            width_px=path.width_px / across,
            start_px=path.start_px / along + x,
            end_px=path.end_px / along + x,
        )

    def grid(self, grid: Grid) -> Grid:
        """The picture's grid, here: upright and of one pitch."""
        crossing = self.from_picture(np.array([[grid.phase_x_px, grid.phase_y_px]]))[0]
        return replace(
            grid,
            px_per_mm_x=self.px_per_mm,
            px_per_mm_y=self.px_per_mm,
            angle_deg=0.0,
            bend_x=None,
            bend_y=None,
            phase_x_px=float(crossing[0]),
            phase_y_px=float(crossing[1]),
        )


def is_straight(paper: PaperMap) -> bool:
    """Whether a picture is straight paper as it is: upright, even, its pixels square."""
    return paper.levelled().is_straight and abs(paper.px_per_mm_x / paper.px_per_mm_y - 1) < SQUARE


def straight_if_need_be(shape: tuple[int, ...], paper: PaperMap) -> StraightPicture | None:
    """How to resample a lead's picture; None where it is straight, and not too fine, as it is.

    Raises:
        DigitizeError: As for `straightened`.
    """
    fine = max(paper.px_per_mm_x, paper.px_per_mm_y) > FINEST_PX_PER_MM * (1 + SQUARE)
    if is_straight(paper) and not fine:
        return None
    return straightened(shape, paper, most_px_per_mm=ENOUGH_PX_PER_MM if fine else math.inf)


def straightened(
    shape: tuple[int, ...], paper: PaperMap, *, most_px_per_mm: float = math.inf
) -> StraightPicture:
    """How to resample a picture onto straight paper, at the finer of its two pitches.

    Args:
        shape: (height, width, …) of the picture.
        paper: From the picture to straight paper.
        most_px_per_mm: A finer picture is made coarser.

    Raises:
        DigitizeError: The map takes the picture far beyond its size, or to more than can be drawn.
    """
    low, high = _reach(shape, paper)
    pitch = np.array([paper.px_per_mm_x, paper.px_per_mm_y])
    factor = min(pitch.max(), most_px_per_mm) / pitch
    width, height = (np.ceil((high - low) * factor).astype(int) + 1).tolist()
    if max((high - low).tolist()) > MOST_LONGER * math.hypot(*shape[:2]):
        raise DigitizeError("grid", "its lines bend beyond reason", "give px_per_mm")
    if max(width, height) > MOST_SIDE_PX:
        what = f"the picture would have {width}×{height} px once it is straight"
        raise DigitizeError("straight paper", what, "cut the lead out of it, or reduce it")
    x, y = source = paper.source_of(low, (height, width), factor)
    inside = (x > MARGIN_PX) & (x < shape[1] - 1 - MARGIN_PX)
    inside &= (y > MARGIN_PX) & (y < shape[0] - 1 - MARGIN_PX)
    return StraightPicture(paper, (shape[0], shape[1]), low, factor, source, inside)


def _reach(shape: tuple[int, ...], paper: PaperMap) -> tuple[FloatArray, FloatArray]:
    """Least and greatest (x, y) of the picture's edges on straight paper, whole px."""
    height, width = shape[0] - 1.0, shape[1] - 1.0
    x, y = (np.append(np.arange(0, length, EDGE_STEP_PX), length) for length in (width, height))
    edges = np.concatenate(
        [np.stack([x, np.full_like(x, row)], axis=1) for row in (0.0, height)]
        + [np.stack([np.full_like(y, column), y], axis=1) for column in (0.0, width)]
    )
    straight = paper.straighten(edges)
    return np.floor(straight.min(axis=0)), np.ceil(straight.max(axis=0))

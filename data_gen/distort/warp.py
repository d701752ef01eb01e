"""Where the points of a page go: one coordinate map for image, masks and polylines.

The backward map, from a point q of the picture to the point p of the flat page that is seen
there, is a formula: p = u + d(u) with u = H⁻¹ q. H is a homography (rotation, perspective); d
is a sum of ridges: displacements that vary along one direction only, as curl, uneven feed,
creases and wrinkles do. The forward map solves u = p − d(u) by fixed-point iteration, which
converges since the slope of d is kept below `STEEPEST`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_gen.arrays import F64, U8, Bools

Image = U8
Points = NDArray[np.floating]  # float64; float32 where a map is made, which is enough there
Box = tuple[slice, slice]  # rows, columns
Maps = tuple[NDArray[np.int16], NDArray[np.uint16]]

STEEPEST = 0.5  # sum of the ridges' slopes: below 1 the page never folds over itself
_SOLVED_PX = 1e-3  # the iteration ends at smaller steps
_MAX_ROUNDS = 60  # STEEPEST^60: the tolerance ends it long before
_IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
MAX_STEP_PX = 8  # cell of the coarse grid on which the map is computed


@dataclass(frozen=True)
class Ridge:
    """A displacement that varies along one direction: shift_px · profile(s / width_px).

    Args:
        normal: Unit vector (x, y) along which it varies.
        offset_px: s = normal · u − offset_px.
        width_px: Length of one radian of the wave, or standard deviation of the bump.
        shift_px: Displacement (x, y) at the profile's maximum.
        wave: A sine wave; otherwise a single Gaussian bump.
    """

    normal: tuple[float, float]
    offset_px: float
    width_px: float
    shift_px: tuple[float, float]
    wave: bool

    @property
    def slope(self) -> float:
        """Largest derivative of the displacement."""
        steepest = 1.0 if self.wave else float(np.exp(-0.5))  # of sin s; of exp(−s²/2)
        return float(np.hypot(*self.shift_px)) * steepest / self.width_px

    def since(self, x: float, y: float) -> "Ridge":
        """The same ridge, its points counted from (x, y)."""
        return replace(self, offset_px=self.offset_px - self.normal[0] * x - self.normal[1] * y)


@dataclass(frozen=True)
class Warp:
    """The coordinate map of one picture.

    Args:
        shape: (height, width) of the picture.
        homography: float64 (3, 3), from the flat page to the picture.
        ridges: Displacements from the picture's side back to the page.
        creases: Those of the ridges that are folds, to be made visible.
        wrinkled: Some of the ridges are wrinkles, to be made visible.
        step_px: Cell of the grid on which `maps` computes the map exactly.
    """

    shape: tuple[int, int]
    homography: Points
    ridges: tuple[Ridge, ...] = ()
    creases: tuple[Ridge, ...] = ()
    wrinkled: bool = False
    step_px: int = MAX_STEP_PX

    @cached_property
    def is_identity(self) -> bool:
        return not self.ridges and self.homography.tolist() == _IDENTITY

    @cached_property
    def _stacked(self) -> tuple[Points, Points, Points, int]:
        """Of all ridges, waves first: normals / width (2, k), offsets / width, shifts (k, 2)."""
        ridges = sorted(self.ridges, key=lambda ridge: not ridge.wave)
        width = np.array([ridge.width_px for ridge in ridges])
        normals = np.array([ridge.normal for ridge in ridges]).reshape(-1, 2).T / width
        offsets = np.array([ridge.offset_px for ridge in ridges]) / width
        shifts = np.array([ridge.shift_px for ridge in ridges]).reshape(-1, 2)
        return normals, offsets, shifts, sum(ridge.wave for ridge in ridges)

    def _displacement(self, points: Points) -> Points:
        if not self.ridges:
            return np.zeros_like(points)
        normals, offsets, shifts, waves = self._stacked
        profiles = points @ normals.astype(points.dtype) - offsets.astype(points.dtype)
        wave, bump = profiles[..., :waves], profiles[..., waves:]
        np.sin(wave, out=wave)
        np.exp(-0.5 * bump * bump, out=bump)
        return np.asarray(profiles @ shifts.astype(points.dtype))

    def project(self, points: Points) -> Points:
        """The homography alone: points (..., 2) after their displacement, into the picture."""
        return _project(self.homography, points)

    def backward(self, points_px: Points) -> Points:
        """Points (..., 2) of the flat page that are seen at these points of the picture."""
        u = _project(np.linalg.inv(self.homography), points_px)
        return u + self._displacement(u)

    def forward(self, points_px: NDArray[np.floating]) -> F64:
        """Points (n, 2) of the picture at which these points of the page are seen.

        They are solved fastest in an order in which each is near the one before it. A point
        without y gets its x as if its y lay between its neighbours'; without x it is NaN.
        """
        page = np.ascontiguousarray(points_px, dtype=np.float64)
        missing = np.isnan(page[:, 1])
        if missing.any():
            page = np.column_stack((page[:, 0], _y_filled(page, missing)))
        moved = _solved(page, self.homography, *self._stacked)
        moved[missing, 1] = np.nan
        return moved

    def part(self, page: Box, picture: Box) -> "Warp":
        """The same map between a part of the page and a part of the picture.

        Args:
            page: Where points of the page are then counted from.
            picture: What is seen.
        """
        (down, right), (y, x) = ((box[0].start, box[1].start) for box in (page, picture))
        onto, off = np.eye(3), np.eye(3)
        onto[:2, 2], off[:2, 2] = (right, down), (-x, -y)
        return replace(
            self,
            shape=(picture[0].stop - y, picture[1].stop - x),
            homography=off @ self.homography @ onto,
            ridges=tuple(ridge.since(right, down) for ridge in self.ridges),
            creases=tuple(ridge.since(right, down) for ridge in self.creases),
        )

    def seen_in(self, picture: Box) -> Box:
        """The box of the page that is seen in a box of the picture, and 2 px around it."""
        (top, bottom), (left, right) = ((box.start - 1, box.stop) for box in picture)
        # The map is continuous, so what is inside stays inside what the edges become.
        xs, ys = (
            np.linspace(lo, hi, 2 + int(hi - lo) // self.step_px)
            for lo, hi in ((left, right), (top, bottom))
        )
        edges = [
            np.stack(np.broadcast_arrays(x, y), axis=-1)
            for x, y in ((xs, top), (xs, bottom), (left, ys), (right, ys))
        ]
        seen = self.backward(np.concatenate(edges).astype(np.float64))
        x0, y0 = np.floor(seen.min(axis=0)).astype(int).tolist()
        x1, y1 = np.ceil(seen.max(axis=0)).astype(int).tolist()
        return slice(y0 - 2, y1 + 3), slice(x0 - 2, x1 + 3)

    def maps(self) -> Maps:
        """`cv2.remap`'s fixed-point maps for the whole picture."""
        (height, width), step = self.shape, self.step_px
        xs, ys = (np.arange(-(-n // step) + 1, dtype=np.float32) * step for n in (width, height))
        coarse = self.backward(np.stack(np.meshgrid(xs, ys), axis=-1))
        whole, part = np.empty((height, width), np.int32), np.empty((height, width), np.uint16)
        _fill_maps(coarse, step, whole, part)
        return whole.view(np.int16).reshape(height, width, 2), part

    def box(self, x: int, y: int, width: int, height: int) -> Box:
        """Rows and columns of the picture that can show this box of the page.

        No displacement exceeds the sum of the shifts, and a homography maps a box to a convex
        quadrangle, so its corners bound it.
        """
        reach_x, reach_y = (2 + np.abs(self._stacked[2]).sum(axis=0)).tolist()
        left, right, top, bottom = (
            x - reach_x,
            x + width + reach_x,
            y - reach_y,
            y + height + reach_y,
        )
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        xs, ys = self.project(corners).T.tolist()
        (first_y, last_y), (first_x, last_x) = (
            (min(max(math.floor(min(seen)), 0), size), min(max(math.ceil(max(seen)) + 1, 0), size))
            for seen, size in zip((ys, xs), self.shape, strict=True)
        )
        return slice(first_y, last_y), slice(first_x, last_x)


def _y_filled(points: Points, missing: Bools) -> Points:
    """Their y (n,), interpolated along the order of the points where it is missing."""
    if missing.all():
        return np.zeros(len(points))
    at = np.arange(len(points))
    return np.asarray(np.interp(at, at[~missing], points[~missing, 1]))


@njit(cache=True, nogil=True)
def _solved(
    page: F64, h: Points, normals: Points, offsets: Points, shifts: Points, waves: int
) -> F64:
    """H u of u = p − d(u) for every point, each from the displacement of the one before it."""
    out = np.full_like(page, np.nan)
    dx = dy = 0.0
    for i in range(len(page)):
        x, y = page[i, 0], page[i, 1]
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        for _ in range(_MAX_ROUNDS):
            last_x, last_y = dx, dy
            dx = dy = 0.0
            for k in range(len(offsets)):
                at = (x - last_x) * normals[0, k] + (y - last_y) * normals[1, k] - offsets[k]
                if k < waves:
                    profile = math.sin(at)
                else:
                    profile = math.exp(-0.5 * at * at) if abs(at) < 6.0 else 0.0
                dx += profile * shifts[k, 0]
                dy += profile * shifts[k, 1]
            if max(abs(dx - last_x), abs(dy - last_y)) < _SOLVED_PX:
                break
        x, y = x - dx, y - dy
        depth = h[2, 0] * x + h[2, 1] * y + h[2, 2]
        out[i, 0] = (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / depth
        out[i, 1] = (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / depth
    return out


@njit(cache=True, nogil=True)
def _fill_maps(
    coarse: Points, step: int, whole: NDArray[np.int32], part: NDArray[np.uint16]
) -> None:
    """Interpolate a map on cells of `step` px to every pixel, in 32nds of a pixel.

    Both whole coordinates of a pixel are written as the halves of one number, x the lower:
    so the compiler makes vectors of it.
    """
    height, width = part.shape
    rows = np.empty((len(coarse), 2, width), np.float32)  # in 32nds; the half is for rounding
    for cell in range(len(coarse)):
        for axis in range(2):
            for k in range(coarse.shape[1] - 1):
                start = coarse[cell, k, axis] * np.float32(32.0) + np.float32(0.5)
                rise = (coarse[cell, k + 1, axis] - coarse[cell, k, axis]) * np.float32(32.0 / step)
                for x in range(k * step, min((k + 1) * step, width)):
                    rows[cell, axis, x] = start + rise * np.float32(x - k * step)
    for y in range(height):
        above, below = rows[y // step], rows[y // step + 1]
        share = np.float32(y % step) / np.float32(step)
        for x in range(width):
            at_x = np.int32(above[0, x] + (below[0, x] - above[0, x]) * share)
            at_y = np.int32(above[1, x] + (below[1, x] - above[1, x]) * share)
            whole[y, x] = ((at_y >> 5) << 16) | ((at_x >> 5) & 0xFFFF)
            part[y, x] = ((at_y & 31) << 5) | (at_x & 31)


def _project(homography: Points, points: Points) -> Points:
    homography = homography.astype(points.dtype)
    affine = points @ homography[:2, :2].T + homography[:2, 2]
    if not homography[2, :2].any():
        return np.asarray(affine / homography[2, 2])
    return np.asarray(affine / (points @ homography[2, :2] + homography[2, 2])[..., None])


def warp_image(image: Image, maps: Maps, *, outside: Sequence[float]) -> Image:
    """The picture of a flat page (H, W, 3); `outside` is the colour beyond the page."""
    border = cv2.BORDER_CONSTANT
    warped = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=border, borderValue=outside)
    return np.asarray(warped, np.uint8)


def warp_mask(mask: Image, warp: Warp, maps: Maps) -> Image:
    """The picture of a mask (H, W); 0 beyond the page. Only its bounding box is computed."""
    warped = np.zeros(warp.shape, np.uint8)  # not zeros_like: untouched memory costs nothing
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return warped
    rows, cols = warp.box(x, y, width, height)
    part = warped[rows, cols]
    if part.size:
        part[...] = cv2.remap(
            mask,
            maps[0][rows, cols],
            maps[1][rows, cols],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
    return warped

"""Where the points of a page go: one coordinate map for image, masks and polylines.

The way back, from a point q of the picture to the point p of the flat page that is seen there,
is a formula: p = u + d(u) with u = H⁻¹ q. H is a homography (rotation, perspective); d is a
sum of ridges: displacements that vary along one direction only, as curl, uneven feed, creases
and wrinkles do. The way forth solves u = p − d(u) by fixed-point iteration, which converges
since the slope of d is kept below `STEEPEST`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.floating]  # float64; float32 where a map is made, which is enough there
Maps = tuple[NDArray[np.int16], NDArray[np.uint16]]

STEEPEST = 0.5  # sum of the ridges' slopes: below 1 the page never folds over itself
_SOLVED_PX = 1e-3
_MAX_ROUNDS = 60  # STEEPEST^60: the tolerance ends it long before
MAX_STEP_PX = 8  # cell of the coarse grid on which the map is computed


@dataclass(frozen=True)
class Ridge:
    """A displacement that varies along one direction: shift_px · profile(s / width_px).

    Args:
        normal: Unit vector (x, y) along which it varies.
        offset_px: s = normal · u − offset_px.
        width_px: Radian of the wave, or standard deviation of the bump.
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


@dataclass(frozen=True)
class Warp:
    """The coordinate map of one picture.

    Args:
        shape: (height, width) of the page and of the picture.
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

    @property
    def is_identity(self) -> bool:
        return not self.ridges and bool(np.array_equal(self.homography, np.eye(3)))

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

    def forward(self, points_px: NDArray[np.floating]) -> Points:
        """Points (n, 2) of the picture at which these points of the page are seen; NaN stays."""
        target = np.asarray(points_px, np.float64)
        moved: Points = np.full_like(target, np.nan)
        seen = np.isfinite(target).all(axis=1)
        page = target[seen]
        u = page - self._displacement(page)
        for _ in range(_MAX_ROUNDS):
            following = page - self._displacement(u)
            change = np.abs(following - u).max(initial=0.0)
            u = following
            if change < _SOLVED_PX:
                break
        moved[seen] = self.project(u)
        return moved

    def maps(self) -> Maps:
        """`cv2.remap`'s fixed-point maps for the whole picture."""
        (height, width), step = self.shape, self.step_px
        # One cell more on every side, since cv2.resize does not extrapolate.
        ys, xs = (
            ((np.arange(-1, -(-size // step) + 1) + 0.5) * step - 0.5).astype(np.float32)
            for size in (height, width)
        )
        coarse = self.backward(np.stack(np.meshgrid(xs, ys), axis=-1))
        dense = cv2.resize(coarse, (len(xs) * step, len(ys) * step))
        whole, part = cv2.convertMaps(
            dense[step : step + height, step : step + width],
            None,  # type: ignore[call-overload]
            cv2.CV_16SC2,
        )
        return np.asarray(whole, np.int16), np.asarray(part, np.uint16)

    def box(self, x: int, y: int, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns of the picture that can show this box of the page.

        No displacement exceeds the sum of the shifts, and a homography keeps a box convex.
        """
        reach = 2 + np.abs(self._stacked[2]).sum(axis=0)
        lo, hi = np.array((x, y)) - reach, np.array((x + width, y + height)) + reach
        corners = np.array([lo, (hi[0], lo[1]), hi, (lo[0], hi[1])])
        seen = self.project(corners)
        limit = self.shape[::-1]
        first = np.clip(np.floor(seen.min(axis=0)), 0, limit).astype(int).tolist()
        last = np.clip(np.ceil(seen.max(axis=0)) + 1, 0, limit).astype(int).tolist()
        return slice(first[1], last[1]), slice(first[0], last[0])


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
    warped = np.zeros(mask.shape, np.uint8)  # not zeros_like: untouched memory costs nothing
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

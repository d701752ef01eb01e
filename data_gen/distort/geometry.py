"""Drawing a warp from the dials: rotation, perspective, curl, feed, creases, wrinkles."""

import math
from dataclasses import replace

import cv2
import numpy as np

from data_gen.dials import count, happens, uniform
from data_gen.distort.distortion import Distortion
from data_gen.distort.warp import MAX_STEP_PX, STEEPEST, Points, Ridge, Warp

# Of a page, not of a crop: a crop shows a part of the wave.
_CURL_WAVE_MM = (180.0, 500.0)
_FEED_WAVE_MM = (25.0, 200.0)
_WRINKLE_WAVE_MM = (12.0, 45.0)
_FOLD_MM = (2.0, 5.0)  # half width of the paper's bend at a crease


def draw_warp(
    shape: tuple[int, int], *, dials: Distortion, px_per_mm: float, rng: np.random.Generator
) -> Warp:
    """The coordinate map of one picture of (height, width)."""
    if dials.is_none:
        return Warp(shape, np.eye(3))
    homography = _homography(shape, dials, rng)
    ridges: list[Ridge] = []
    if happens(rng, dials.curl_p):
        ridges.append(_curl(uniform(rng, dials.curl_mm) * px_per_mm, px_per_mm, rng))
    if happens(rng, dials.feed_p):
        ridges += _feed(uniform(rng, dials.feed_frac), px_per_mm, rng)
    wrinkled = happens(rng, dials.wrinkle_p)
    if wrinkled:
        ridges += _wrinkles(uniform(rng, dials.wrinkle_mm) * px_per_mm, px_per_mm, rng)
    creases: list[Ridge] = []
    if happens(rng, dials.crease_p):
        for _ in range(count(rng, dials.crease_count)):
            shift_px = uniform(rng, dials.crease_mm) * px_per_mm
            creases.append(_crease(shape, shift_px, px_per_mm, rng))
    slope = sum(ridge.slope for ridge in ridges + creases)
    shrink = min(1.0, STEEPEST / slope) if slope else 1.0
    return Warp(
        shape,
        homography,
        tuple(_weaker(ridge, shrink) for ridge in ridges + creases),
        tuple(creases),
        wrinkled,
        # A cell of 1 mm follows the narrowest fold within 0.01 mm.
        step_px=int(np.clip(px_per_mm, 2, MAX_STEP_PX)),
    )


def _weaker(ridge: Ridge, factor: float) -> Ridge:
    x, y = ridge.shift_px
    return replace(ridge, shift_px=(x * factor, y * factor))


def _homography(shape: tuple[int, int], dials: Distortion, rng: np.random.Generator) -> Points:
    """Rotation about the centre after a shift of the four corners."""
    height, width = shape
    matrix = np.eye(3)
    if happens(rng, dials.perspective_p):
        reach_px = uniform(rng, dials.perspective_frac) * min(shape)
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32) - 0.5
        shift_px = reach_px * rng.uniform(-1, 1, (4, 2)).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(corners, corners + shift_px).astype(np.float64)
    if happens(rng, dials.rotation_p):
        angle_deg = uniform(rng, dials.rotation_deg)
        centre = ((width - 1) / 2, (height - 1) / 2)
        rotation = np.eye(3)
        rotation[:2] = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
        matrix = rotation @ matrix
    return matrix


def _wave(
    angle_rad: float, wave_mm: float, shift_px: tuple[float, float], px_per_mm: float, phase: float
) -> Ridge:
    radian_px = wave_mm * px_per_mm / (2 * math.pi)
    normal = (math.cos(angle_rad), math.sin(angle_rad))
    return Ridge(normal, phase * radian_px, radian_px, shift_px, wave=True)


def _curl(bow_px: float, px_per_mm: float, rng: np.random.Generator) -> Ridge:
    """Paper that does not lie flat: its rows bow, and its columns crowd a little."""
    tilt, crowd = rng.normal(0, 0.2), rng.uniform(-0.2, 0.2)
    phase = rng.uniform(0, 2 * math.pi)
    return _wave(tilt, uniform(rng, _CURL_WAVE_MM), (crowd * bow_px, bow_px), px_per_mm, phase)


def _feed(frac: float, px_per_mm: float, rng: np.random.Generator) -> list[Ridge]:
    """Paper that runs unevenly: the scale along x drifts by up to ± frac."""
    ridges = []
    for share in rng.dirichlet((1.0, 1.0, 1.0)):
        wave_mm, phase = uniform(rng, _FEED_WAVE_MM), rng.uniform(0, 2 * math.pi)
        shift_px = frac * share * wave_mm * px_per_mm / (2 * math.pi)  # slope = frac · share
        ridges.append(_wave(0.0, wave_mm, (shift_px, 0.0), px_per_mm, phase))
    return ridges


def _wrinkles(shift_px: float, px_per_mm: float, rng: np.random.Generator) -> list[Ridge]:
    ridges = []
    for _ in range(4):
        across, along = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
        wave_mm, phase = uniform(rng, _WRINKLE_WAVE_MM), rng.uniform(0, 2 * math.pi)
        shift = (0.5 * shift_px * math.cos(along), 0.5 * shift_px * math.sin(along))
        ridges.append(_wave(across, wave_mm, shift, px_per_mm, phase))
    return ridges


def _crease(
    shape: tuple[int, int], shift_px: float, px_per_mm: float, rng: np.random.Generator
) -> Ridge:
    """A fold, nearly vertical or nearly horizontal, through a random point of the page."""
    angle = rng.normal(0, 0.12) + (math.pi / 2 if rng.random() < 0.5 else 0.0)
    normal = (math.cos(angle), math.sin(angle))
    height, width = shape
    through = (rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.95) * height)
    towards = rng.uniform(0, 2 * math.pi)
    return Ridge(
        normal,
        normal[0] * through[0] + normal[1] * through[1],
        uniform(rng, _FOLD_MM) * px_per_mm,
        (shift_px * math.cos(towards), shift_px * math.sin(towards)),
        wave=False,
    )

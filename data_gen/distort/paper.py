"""The sheet itself: tint, texture, stains, wrinkles, creases."""

import math
from functools import cache

import cv2
import numpy as np

from data_gen.dials import count, happens, uniform
from data_gen.distort.blend import Colour, lay
from data_gen.distort.distortion import Distortion
from data_gen.distort.field import Cells, Gain
from data_gen.distort.warp import Image, Points, Ridge, Warp

# Tints seen on photographed and scanned pages: cream, ivory, pink, gray, lilac, green, blue.
_TINTS = (
    (248, 232, 210),
    (252, 244, 228),
    (255, 226, 230),
    (226, 226, 222),
    (226, 214, 224),
    (226, 238, 206),
    (226, 232, 244),
)
# What a stain takes from R, G, B: coffee, water, rust, blue ink.
_STAINS = ((0.35, 0.6, 1.0), (0.5, 0.5, 0.6), (0.2, 0.7, 1.0), (1.0, 0.7, 0.25))

_TILE_PX = 512  # side of the tile of paper grain
_GRAIN_LEVELS = 20  # its standard deviation


def paper_gain(cells: Cells, warp: Warp, *, dials: Distortion, rng: np.random.Generator) -> Gain:
    """What the sheet reflects, float32 (rows, cols, 3), or (1, 1, 3) where it is even."""
    gain: Gain = np.ones((1, 1, 3), np.float32)
    if happens(rng, dials.tint_p):
        tint: Gain = np.array(_TINTS[rng.integers(len(_TINTS))], np.float32) / np.float32(255)
        gain = gain * (1 - np.float32(uniform(rng, dials.tint_frac)) * (1 - tint))
    if happens(rng, dials.stain_p):
        for _ in range(count(rng, dials.stain_count)):
            gain = gain * _stain(cells, uniform(rng, dials.stain_frac), rng)
    if warp.wrinkled:
        gain = gain * _crumple(cells, uniform(rng, dials.wrinkle_frac), rng)
    for fold in warp.creases:
        depth = 0.4 * uniform(rng, dials.crease_frac)
        gain = gain * _fold_shade(cells, _fold_ends(fold, warp), depth)
    return gain


def _stain(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """A dried drop: an uneven disc with a darker rim."""
    height_mm, width_mm = cells.size_mm
    x = cells.x_mm - rng.uniform(0, 1) * width_mm
    y = cells.y_mm - rng.uniform(0, 1) * height_mm
    angle = np.arctan2(y, x)
    edge_mm = uniform(rng, (3.0, 22.0))
    for order in (2, 3, 5):
        edge_mm = edge_mm * (1 + rng.normal(0, 0.1) / order * np.sin(order * angle + order))
    beyond = np.hypot(x, y) - edge_mm
    body = 0.5 - 0.5 * np.tanh(beyond / 0.6)
    rim = np.exp(-0.5 * (beyond / uniform(rng, (0.4, 1.2))) ** 2)
    depth = frac * (uniform(rng, (0.2, 0.6)) * body + 0.5 * rim)
    takes = np.array(_STAINS[rng.integers(len(_STAINS))], np.float32)
    return np.asarray(1 - depth[..., None] * takes, np.float32)


def _crumple(cells: Cells, frac: float, rng: np.random.Generator) -> Gain:
    """Crumpled paper: a surface of sharp ridges, lit from one side."""
    surface = np.zeros((cells.y_mm.shape[0], cells.x_mm.shape[1]), np.float32)
    for wave_mm in (36.0, 18.0, 9.0):
        # |noise| bends sharply where the noise changes sign.
        surface += wave_mm * np.abs(cells.noise(wave_mm * rng.uniform(0.7, 1.4), rng))
    angle = rng.uniform(0, 2 * math.pi)
    towards = np.array([[0, math.sin(angle), 0], [-math.cos(angle), 0, math.cos(angle)], [0] * 3])
    towards[2, 1] = -towards[0, 1]
    slope = cv2.filter2D(surface, -1, towards, borderType=cv2.BORDER_REPLICATE)
    shading = np.clip(slope / (slope.std() + 1e-6), -2.5, 2.5)
    return np.asarray(1 + frac * (0.7 * shading - 0.5), np.float32)[..., None]


def draw_creases(
    image: Image,
    warp: Warp,
    *,
    paper: Colour,
    dials: Distortion,
    px_per_mm: float,
    rng: np.random.Generator,
) -> None:
    """Make the folds of a warp visible, in place: dark, or white where the ink broke off."""
    red, green, blue = paper
    for fold in warp.creases:
        depth, white = uniform(rng, dials.crease_frac), rng.random() < 0.35
        width_px = uniform(rng, (0.12, 0.3)) * px_per_mm
        colour = paper if white else (0.3 * red, 0.3 * green, 0.3 * blue)
        _draw_fold(image, _fold_ends(fold, warp), width_px, depth, colour)


def _fold_ends(fold: Ridge, warp: Warp) -> Points:
    """Two points of the picture, outside it, between which a fold is straight."""
    normal = np.array(fold.normal)
    along = np.array([-normal[1], normal[0]]) * sum(warp.shape)
    # A ridge stands between the displacement and the homography.
    middle = normal * fold.offset_px
    return warp.project(np.array([middle - along, middle + along]))


def _draw_fold(image: Image, ends: Points, width_px: float, depth: float, colour: Colour) -> None:
    """A soft straight line, in place; only its bounding box is touched."""
    margin = math.ceil(width_px) + 3
    rows, cols = _line_box(ends, margin, image.shape)
    part = image[rows, cols]
    if not part.size:
        return
    weight = np.zeros(part.shape[:2], np.uint8)
    first, last = np.round((ends - (cols.start, rows.start)) * 16).astype(int).tolist()
    cv2.line(weight, first, last, 255 * depth, max(round(width_px), 1), cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(weight, (0, 0), max(0.35 * width_px, 0.5))
    lay(part, np.asarray(soft, np.uint8), colour)


def _line_box(ends: Points, margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the part of a picture that a straight line crosses."""
    height, width = shape[:2]
    seen, first, last = cv2.clipLine(
        (-margin, -margin, width + 2 * margin, height + 2 * margin),
        *np.round(ends).astype(int).tolist(),
    )
    if not seen:
        return slice(0, 0), slice(0, 0)
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, last, strict=True))
    return (
        slice(max(top - margin, 0), max(min(bottom + margin, height), 0)),
        slice(max(left - margin, 0), max(min(right + margin, width), 0)),
    )


def _fold_shade(cells: Cells, ends: Points, depth: float) -> Gain:
    """Beside a fold the paper turns from the light, on one side."""
    (x0, y0), (x1, y1) = ends / cells.px_per_mm
    length = math.hypot(x1 - x0, y1 - y0)
    off_mm = ((cells.x_mm - x0) * (y1 - y0) - (cells.y_mm - y0) * (x1 - x0)) / length
    side = 0.5 + 0.5 * np.tanh(off_mm / 0.5)
    return np.asarray(1 - depth * side * np.exp(-np.maximum(off_mm, 0) / 8), np.float32)[..., None]


@cache
def _fibres() -> Image:
    """Paper grain of mean 128 and `_GRAIN_LEVELS` of deviation, for tiles that start anywhere.

    uint8 (2 · _TILE_PX, 2 · _TILE_PX, 3): four times the same periodic tile.
    """
    white = np.random.default_rng(1).standard_normal((2, _TILE_PX, _TILE_PX), np.float32)
    fine, cloudy = _blurred_round(white[0], 0.9), _blurred_round(white[1], 4.0)
    grain = fine / fine.std() + 0.6 * cloudy / cloudy.std()
    coded = np.clip(np.round(128 + _GRAIN_LEVELS * grain / grain.std()), 0, 255).astype(np.uint8)
    return np.tile(coded[..., None], (2, 2, 3))


def _blurred_round(field: Gain, sigma_px: float) -> Gain:
    """Blurred as if it repeated itself on every side."""
    margin = math.ceil(4 * sigma_px)
    around = cv2.copyMakeBorder(field, margin, margin, margin, margin, cv2.BORDER_WRAP)
    blurred = cv2.GaussianBlur(around, (0, 0), sigma_px)
    return np.asarray(blurred[margin:-margin, margin:-margin], np.float32)


def roughen(image: Image, *, dials: Distortion, rng: np.random.Generator) -> Image:
    """The picture with the grain of the paper, from a tile at a random place."""
    if not happens(rng, dials.texture_p):
        return image
    share = uniform(rng, dials.texture_levels) / _GRAIN_LEVELS
    rough = np.empty_like(image)
    down, right = rng.integers(0, _TILE_PX, 2).tolist()
    tile = _fibres()[down : down + _TILE_PX, right : right + _TILE_PX]
    for top in range(0, image.shape[0], _TILE_PX):
        for left in range(0, image.shape[1], _TILE_PX):
            part = image[top : top + _TILE_PX, left : left + _TILE_PX]
            grain = tile[: part.shape[0], : part.shape[1]]
            rough[top : top + _TILE_PX, left : left + _TILE_PX] = cv2.addWeighted(
                part, 1.0, grain, share, -128 * share
            )
    return rough

"""What happens to ink on the flat page: a paling grid, fading traces, gaps, scribbles."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numba import njit

from data_gen.arrays import F64
from data_gen.dials import count, happens, uniform
from data_gen.distort.blend import Colour, box_around, lay, looked_up
from data_gen.distort.distortion import Distortion
from data_gen.distort.warp import Image, Points

# Contrast to the paper (levels): up to the first it is the grid's, from the second on it is ink's.
_GRID_CONTRAST, _INK_CONTRAST = 100, 170
# Ballpoints: blue, black, red, green.
_PENS = ((35, 50, 140), (30, 30, 35), (190, 30, 40), (20, 110, 60))


def wear(
    image: Image,
    masks: Sequence[Image],
    polylines: Sequence[Points],
    *,
    paper: Colour,
    dials: Distortion,
    px_per_mm: float,
    rng: np.random.Generator,
    marks: Image | None = None,
) -> Image:
    """The page (H, W, 3) with worn ink; masks and polylines only say where ink is.

    The image given may be written to; what is scribbled on it is added to `marks` (H, W).
    """
    if happens(rng, dials.grid_fade_p):
        image = _pale_grid(image, paper, uniform(rng, dials.grid_fade_frac))
    if happens(rng, dials.fading_p):
        _fade(image, masks, paper, uniform(rng, dials.fading_frac), px_per_mm, rng)
    if happens(rng, dials.gap_p):
        for line in polylines:
            for _ in range(count(rng, dials.gap_count)):
                length_px = uniform(rng, dials.gap_mm) * px_per_mm
                _skip(image, masks, line, paper, length_px, rng)
    if happens(rng, dials.scribble_p):
        for _ in range(count(rng, dials.scribble_count)):
            _scribble(image, uniform(rng, dials.scribble_mm) * px_per_mm, px_per_mm, rng, marks)
    return image


def _pale_grid(image: Image, paper: Colour, frac: float) -> Image:
    """What is less than `_GRID_CONTRAST` levels darker than the paper pales; ink stays."""
    tables = []
    for level in paper:
        contrast = np.maximum(level - np.arange(256), 0)
        grid = np.clip((_INK_CONTRAST - contrast) / (_INK_CONTRAST - _GRID_CONTRAST), 0, 1)
        tables.append(np.where(contrast > 0, level - contrast * (1 - frac * grid), np.arange(256)))
    table = np.round(np.stack(tables, axis=-1)).astype(np.uint8)
    return looked_up(image, table)


def _fade(
    image: Image,
    masks: Sequence[Image],
    paper: Colour,
    frac: float,
    px_per_mm: float,
    rng: np.random.Generator,
) -> None:
    """The traces pale in place by up to `frac`, more here and less there along the paper."""
    if not masks:
        return
    ink = np.zeros_like(masks[0])
    for mask in masks:
        x, y, width, height = cv2.boundingRect(mask)
        rows, cols = slice(y, y + height), slice(x, x + width)
        np.maximum(ink[rows, cols], mask[rows, cols], out=ink[rows, cols])
    x_mm = np.arange(image.shape[1]) / px_per_mm
    slow, fast = (
        np.sin(x_mm / uniform(rng, radian_mm) + rng.uniform(0, 2 * math.pi))
        for radian_mm in ((10, 40), (2, 8))
    )
    strength = (frac * (0.7 + 0.2 * slow + 0.1 * fast)).astype(np.float32)
    lay(image, (ink * strength).astype(np.uint8), paper)


def _skip(
    image: Image,
    masks: Sequence[Image],
    line: Points,
    paper: Colour,
    length_px: float,
    rng: np.random.Generator,
) -> None:
    """The pen leaves the paper for a moment: in place, all traces' ink in a small disc."""
    at = int(rng.integers(len(line))) if len(line) else 0
    if not (masks and len(line)) or not np.isfinite(line[at]).all():
        return
    x, y = (float(value) for value in line[at])
    rows, cols = box_around(x, y, length_px / 2 + 1, image.shape)
    if rows.start == rows.stop or cols.start == cols.stop:
        return
    weight = masks[0][rows, cols].copy()
    for mask in masks[1:]:
        np.maximum(weight, mask[rows, cols], out=weight)
    _keep_disc(weight, x - cols.start, y - rows.start, length_px / 2 + 0.5)
    lay(image[rows, cols], weight, paper)


@njit(cache=True, nogil=True)
def _keep_disc(weight: Image, x: float, y: float, radius: float) -> None:
    """Leave a disc of ink alone, doubled: the ink's half-covered rim goes with it."""
    for row in range(weight.shape[0]):
        for column in range(weight.shape[1]):
            inside = min(max(radius - math.hypot(column - x, row - y), 0.0), 1.0)
            weight[row, column] = int(min(2.0 * weight[row, column], 255.0) * inside)


def _scribble(
    image: Image,
    size_px: float,
    px_per_mm: float,
    rng: np.random.Generator,
    marks: Image | None,
) -> None:
    """A written word, a ring, or an underline in ballpoint, in place; it darkens only."""
    height, width = image.shape[:2]
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    rows, cols = box_around(x, y, size_px, image.shape)
    stroke = _stroke(size_px, rng) + np.array((x - cols.start, y - rows.start))
    weight = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint8)
    thickness = max(round(uniform(rng, (0.3, 0.7)) * px_per_mm), 1)
    fixed = np.round(stroke * 16).astype(np.int32)
    cv2.polylines(weight, [fixed], False, uniform(rng, (170, 250)), thickness, cv2.LINE_AA, 4)
    part, written = image[rows, cols], image[rows, cols].copy()
    lay(written, weight, _PENS[rng.integers(len(_PENS))])
    np.minimum(part, written, out=part)
    if marks is not None:
        np.maximum(marks[rows, cols], weight, out=marks[rows, cols])


def _stroke(size_px: float, rng: np.random.Generator) -> F64:
    """A hand's path around (0, 0), float64 (n, 2), within ± size_px."""
    t = np.linspace(0, 1, 160)
    turn, kind = rng.uniform(-0.3, 0.3), rng.integers(3)
    if kind == 0:  # a word: loops that advance
        loops = 2 * math.pi * rng.uniform(3, 8) * t
        tall = np.interp(t, np.linspace(0, 1, 8), rng.uniform(0.06, 0.3, 8))
        x, y = 1.5 * (t - 0.5) + 0.08 * np.cos(loops), tall * np.sin(loops)
    elif kind == 1:  # a ring that does not quite close
        around = 2 * math.pi * (1.05 * t + rng.random())
        swell = 1 + 0.1 * (t - 0.5)
        x, y = 0.6 * swell * np.cos(around), 0.4 * swell * np.sin(around)
    else:  # an underline
        x, y = 1.6 * (t - 0.5), 0.04 * np.sin(rng.uniform(2, 6) * t)
    cos, sin = math.cos(turn), math.sin(turn)
    return size_px * np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)

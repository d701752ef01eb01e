"""A trace in colour drawn as if its ink were black, so that what knows black traces reads it.

A coloured ink lets light of its own colour through: in the lightest channel, where a coloured grid
fades, it fades too. But it takes away most of another. What the grid takes away at each place of
its boxes is known; what is gone beside that, in nearly every column, is the trace's, and has its
colour. Of every pixel's light, the share that this ink took is then taken from all channels.
"""

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.illumination import Illumination, local_paper
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.ink.darkness import darkness, line_darkness
from ecg_overlap.digitize.ink.dials import DIALS

Image = NDArray[np.uint8]
Colour = NDArray[np.float32]

# Light lost in the lightest channel as a share of that lost in the darkest: black ink has 1. Blue,
# red and magenta pens have 0.15 to 0.4; a green one has 0.5 and is read as it is.
COLOURED = 0.45
EVERY = 3  # every third column tells
ALIKE = 0.25  # of the ink's strength, that a pixel's colour may differ by to be its
LEAST_TAKEN = 0.25  # of the light, in the channel that the ink takes most of: paler is no trace


def with_black_ink(light: Illumination, *, px_per_mm: float, grid: Grid | None) -> Illumination:
    """The picture with its coloured trace drawn black; as it is, where the trace has no colour.

    Args:
        light: Of the picture, RGB uint8 (H, W, 3).
        px_per_mm: Its scale.
        grid: Its grid, where it has one.
    """
    if not may_be_coloured(light):
        return light
    taken = _taken(light.image, px_per_mm)
    lines = np.zeros_like(taken) if grid is None else _of_grid(taken, grid)
    rest = np.maximum(taken - lines, np.float32(0))
    ink = _colour(taken, rest)
    if ink.max() < LEAST_TAKEN or ink.min() > COLOURED * ink.max():
        return light
    # Over a line the ink adds less: of what it takes there, it is the same share.
    room = np.maximum(ink - lines, np.float32(0))
    full = np.maximum((room**2).sum(axis=2), np.float32(DIALS.least_full) * (ink**2).sum())
    share = np.minimum((room * rest).sum(axis=2) / full, np.float32(1))
    black = light.image * (1 - share[..., None])
    return Illumination(np.rint(black).astype(np.uint8))


def with_black_strokes(light: Illumination) -> Illumination:
    """As `with_black_ink` before the grid is known: only what has the very colour turns black.

    For the search of the grid alone: the colour is that of what takes most light in the columns,
    which may be the grid. A coloured trace hides a grid, which is sought in the channel in which
    lines show best; a black one is known for what it is.
    """
    if not may_be_coloured(light):
        return light
    channels = [np.ascontiguousarray(light.image[..., c]) for c in range(3)]
    level = [np.maximum(local_paper(channel), 1).astype(np.float32) for channel in channels]
    lost = [1 - channel / paper for channel, paper in zip(channels, level, strict=True)]
    taken = np.stack(lost, axis=2).astype(np.float32)
    ink = _colour(taken, taken)
    alike = np.linalg.norm(taken - ink, axis=2) < ALIKE * np.linalg.norm(ink)
    return Illumination(np.where(alike[..., None], np.uint8(0), light.image))


def may_be_coloured(light: Illumination) -> bool:
    """Whether what takes away most light in the columns is coloured, be it trace or grid."""
    dark = light.darkest[:, ::EVERY]
    rows, columns = dark.argmin(axis=0), np.arange(0, light.darkest.shape[1], EVERY)
    lost = [
        np.maximum(local_paper(channel)[rows, columns].astype(float) - channel[rows, columns], 0)
        for channel in (light.lightest, light.darkest)
    ]
    return bool(np.median(lost[0] / np.maximum(lost[1], 1)) < COLOURED)


def _taken(image: Image, px_per_mm: float) -> Colour:
    """The share of each channel's light that is lost, float32 (H, W, 3)."""
    channels = (np.ascontiguousarray(image[..., c]) for c in range(3))
    return np.stack([darkness(channel, px_per_mm) for channel in channels], axis=2)


def _of_grid(taken: Colour, grid: Grid) -> Colour:
    """The same, of the grid's lines alone."""
    channels = (np.ascontiguousarray(taken[..., c]) for c in range(3))
    return np.stack([line_darkness(channel, grid) for channel in channels], axis=2)


def _colour(taken: Colour, rest: Colour) -> Colour:
    """What the trace's ink takes of each channel's light, float32 (3,): of the median column."""
    rows = rest.sum(axis=2)[:, ::EVERY].argmax(axis=0)
    columns = np.arange(0, taken.shape[1], EVERY)
    return np.asarray(np.median(taken[rows, columns], axis=0), np.float32)

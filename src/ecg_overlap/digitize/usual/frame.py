"""A frame round a lead: the axes of a plotting program, a line drawn round a picture.

Four lines, straight along the pixels and as dark as ink, each over more than half of the picture,
that meet at their ends, with no more between them than a trace: its strokes may be as straight
and as long, but a grid has more level lines.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.illumination import Illumination

Mask = NDArray[np.bool_]

LONG = 0.5  # of the picture's side, that a frame's line runs over at the least
INK_SHARE = 0.5  # of the lightness of paper: what is darker in all channels is a frame's line
PAPER_PERCENT = 75
EVERY = 3  # every third row and column tells what paper is
MOST_LEVEL = 3  # a frame's two and a trace that rests; a grid in a crop of 20 mm has five
# Of the longer side, that a frame's line is broad at the most, and that two lines may miss each
# other by where they meet.
NEAR = 0.02


@dataclass(frozen=True)
class _Line:
    """A straight line along the pixels: its rows (or columns), and from where to where it runs."""

    first: int
    last: int
    start: int
    stop: int


def outside_frame(light: Illumination) -> Mask | None:
    """What a frame is and what lies outside of it, bool (H, W); None: there is no frame.

    Args:
        light: Of the picture.
    """
    lightest = light.lightest
    dark = (lightest < INK_SHARE * np.percentile(lightest[::EVERY, ::EVERY], PAPER_PERCENT)).astype(
        np.uint8
    )
    near = max(round(NEAR * max(dark.shape)), 2)
    level, upright = _lines(dark, near), _lines(dark.T, near)
    if not 2 <= len(level) <= MOST_LEVEL or len(upright) < 2:
        return None
    (top, bottom), (left, right) = (level[0], level[-1]), (upright[0], upright[-1])
    meet = all(
        abs(line.start - before.first) <= near and abs(line.stop - after.last) <= near
        for lines, before, after in (((top, bottom), left, right), ((left, right), top, bottom))
        for line in lines
    )
    if not meet:
        return None
    outside = np.ones(dark.shape, np.bool_)
    soft = 1  # px: the line's edge
    outside[
        top.last + 1 + soft : bottom.first - soft, left.last + 1 + soft : right.first - soft
    ] = False
    return outside


def _lines(dark: NDArray[np.uint8], most_px: int) -> list[_Line]:
    """The level lines of bool (H, W) from top to bottom; broader ones are none."""
    length = max(round(LONG * dark.shape[1]), 2)
    found = cv2.morphologyEx(np.ascontiguousarray(dark), cv2.MORPH_OPEN, np.ones((1, length), "u1"))
    rows = np.flatnonzero(found.any(axis=1))
    if not rows.size:
        return []
    lines = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        columns = np.flatnonzero(found[group].any(axis=0))
        lines.append(_Line(int(group[0]), int(group[-1]), int(columns[0]), int(columns[-1])))
    return [line for line in lines if line.last - line.first < most_px]

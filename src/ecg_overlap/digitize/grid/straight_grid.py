"""A grid whose lines are straight: both families searched, and what they say together."""

import math
from dataclasses import dataclass, replace

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.apart import pitches_apart
from ecg_overlap.digitize.grid.boxes import ScaledCombs, read_boxes
from ecg_overlap.digitize.grid.combine import REMEDY, combined
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.second import explained
from ecg_overlap.digitize.grid.spectrum import period, tilt
from ecg_overlap.digitize.grid.strips import Evidence, Strips

_LEAST_SCORE = 3.0  # fold's peak over its noise; pictures without a grid stay below
_LEAST_EXPLAINED = 0.5  # less: other lines stand between the grid's …
_MOST_IF_UNEXPLAINED = 0.45  # … and the confidence is no greater: an unsure grid stays as it is


@dataclass(frozen=True)
class StraightGrid:
    """A straight grid, and what it was read from.

    Args:
        grid: The grid.
        combs: Of both families.
        strips: Of the evidence, across the vertical lines and across the horizontal ones.
        of_part: Only a part of the picture was looked at.
    """

    grid: Grid
    combs: ScaledCombs
    strips: tuple[Strips, Strips]
    of_part: bool = False


def find_straight(
    light: Illumination, evidence: Evidence, near_px_per_mm: float | None = None
) -> StraightGrid:
    """Search both families for tilt and period, and fit a comb to the lines of each.

    Args:
        light: Of the picture: its stroke settles the size of lines all alike.
        evidence: Darkness of the picture, as it is or straightened.
        near_px_per_mm: The scale, where roughly known.

    Raises:
        DigitizeError: No grid, or one of which the box size stays open.
    """
    vertical, horizontal = evidence.strips
    tan_tilt = tilt(vertical, horizontal)
    lines = vertical.aligned(-tan_tilt), horizontal.aligned(tan_tilt)
    period_px, score = period(*lines, near_px_per_mm)
    if score < _LEAST_SCORE:
        raise DigitizeError("grid", "no grid was found", REMEDY)
    combs = pitches_apart(lines, read_boxes(light, lines, period_px, near_px_per_mm))
    grid = combined(combs, evidence.shape, 1 - math.exp(-score / _LEAST_SCORE))
    if explained(lines, combs) < _LEAST_EXPLAINED:
        confidence = min(grid.confidence, _MOST_IF_UNEXPLAINED)
        grid = replace(grid, other_lines_between=True, confidence=confidence)
    return StraightGrid(grid, combs, evidence.strips)

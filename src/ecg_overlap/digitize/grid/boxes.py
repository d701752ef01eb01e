"""Small boxes told from big ones: every fifth line of an ECG grid is stronger."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.lines import Comb, fit_comb
from ecg_overlap.digitize.grid.spectrum import finer, phase
from ecg_overlap.digitize.grid.strips import Aligned, extremes, local_paper

LARGEST_PX_PER_MM, SMALLEST_PX_PER_MM = 24.0, 4.0
_MINOR_Z, _MAJOR_Z = 4.0, 5.0
_LEAST_INK = 40.0  # fall of the lightest channel, gray levels: less is no trace


@dataclass(frozen=True)
class Boxes:
    """One reading of the lines: the combs of both families, and what 1 mm is.

    Args:
        upright: The upright lines, or None where fewer than two were found.
        level: The level lines, likewise.
        mm_per_line: 1 where the combs are small boxes, 5 where they are big ones.
        major: Residues of k modulo 5 of the major lines, upright and level.
        certainty: Of the box size, 0 to 1.
        source: How the box size was decided.
    """

    upright: Comb | None
    level: Comb | None
    mm_per_line: float
    major: tuple[int, int]
    certainty: float
    source: str


@dataclass(frozen=True)
class _FifthLine:
    """What a comb's contrasts say of a 1:5 structure, in standard errors."""

    major: int  # residue of k modulo 5 with the strongest lines
    minor_z: float  # how surely lines stand at the other residues (the least sure of them)
    major_z: float  # how surely the strongest residue stands out


def _fifth_line(comb: Comb | None) -> _FifthLine | None:
    """Compare the contrasts of the five residues of k; None where one has fewer than two."""
    if comb is None or len(comb.index) < 10:
        return None
    residue = comb.index % 5
    groups = [comb.contrast[residue == r] for r in range(5)]
    level = np.array([np.median(g) for g in groups])
    major = int(np.argmax(level))
    minors = [r for r in range(5) if r != major]
    # One spread for the four minor residues: each alone may have two lines only.
    scatter = np.concatenate([groups[r] - level[r] for r in minors])
    spread = 2.1 * float(np.median(np.abs(scatter))) + 0.02 * abs(level[major]) + 1e-6
    error = [1.25 * spread / math.sqrt(len(g)) for g in groups]
    own = 1.4826 * float(np.median(np.abs(groups[major] - level[major])))
    apart = level[major] - float(np.median(np.concatenate([groups[r] for r in minors])))
    of_major = 1.25 * max(own, spread) / math.sqrt(len(groups[major]))
    return _FifthLine(
        major=major,
        minor_z=float(min(level[r] / error[r] for r in minors)),
        # Noise-free lines differ a little too, by where they fall on the pixels.
        major_z=float(apart / math.hypot(of_major, max(error)))
        if apart > 0.12 * level[major]
        else 0.0,
    )


def _fit(lines: Aligned, period_px: float) -> Comb | None:
    refined, start = phase(lines, period_px)
    return fit_comb(lines, pitch_px=refined, phase_px=start)


def stroke_px(image: NDArray[np.uint8]) -> float:
    """Thickness of the trace: the run of ink about each column's darkest pixel, px.

    Returns:
        The median over the columns that hold ink; NaN where none does.
    """
    lightest = extremes(image)[1]
    fall = cv2.subtract(local_paper(lightest), lightest)
    fall = np.ascontiguousarray(fall[:, :: max(fall.shape[1] // 400, 1)]).astype(np.float32)
    columns = np.arange(fall.shape[1])
    row = fall.argmax(axis=0)
    peak = fall[row, columns]
    inky = peak > max(0.6 * float(np.percentile(peak, 75)), _LEAST_INK)
    thickness = np.ones(fall.shape[1])
    for sign in (-1, 1):
        running = np.ones(fall.shape[1], bool)
        for step in range(1, 40):
            place = row + sign * step
            inside = (place >= 0) & (place < len(fall))
            value = fall[np.clip(place, 0, len(fall) - 1), columns]
            # The pixel in which half of the darkness is reached counts in part.
            thickness += running * inside * np.clip(value / peak.clip(1), 0, 1)
            running &= inside & (value > 0.5 * peak)
    return float(np.median(thickness[inky])) if inky.any() else math.nan


def read_boxes(
    image: NDArray[np.uint8],
    families: tuple[Aligned, Aligned],
    period_px: float,
    near_px_per_mm: float | None,
) -> Boxes:
    """Decide what the period is: five small boxes, one of them, or one big box.

    Args:
        image: uint8 (H, W, 3) or (H, W): its stroke settles the size of lines all alike.
        families: Upright and level lines, at their tilt.
        period_px: From `grid_search.period`.
        near_px_per_mm: The scale, where roughly known.

    Raises:
        DigitizeError: The lines are all alike, and nothing says which boxes they are.
    """
    period_px = finer(*families, period_px)
    # A period of several big boxes comes of beats in step with the grid.
    for pitch in (period_px / 5, period_px, period_px / 10, period_px / 15, period_px / 20):
        near = near_px_per_mm is None or abs(math.log(pitch / near_px_per_mm)) < 0.3
        if not near or not 3 < pitch < 1.1 * LARGEST_PX_PER_MM:
            continue
        combs = (_fit(families[0], pitch), _fit(families[1], pitch))
        said = [_fifth_line(comb) for comb in combs]
        small = math.hypot(*(max(s.minor_z, 0.0) if s else 0.0 for s in said))
        big = math.hypot(*(max(s.major_z, 0.0) if s else 0.0 for s in said))
        # A fifth of the period: that five of them differ is why the period was chosen.
        if small > _MINOR_Z and (big > _MAJOR_Z or pitch == period_px / 5):
            major = (said[0].major if said[0] else 0, said[1].major if said[1] else 0)
            certainty = 1 - math.exp(-small / _MINOR_Z)
            return Boxes(*combs, 1.0, major, certainty, "lines 1:5")
    combs = (_fit(families[0], period_px), _fit(families[1], period_px))
    mm, certainty, source = _lines_alike(image, period_px, near_px_per_mm)
    return Boxes(*combs, mm, (0, 0), certainty, source)


def _lines_alike(
    image: NDArray[np.uint8], period_px: float, near_px_per_mm: float | None
) -> tuple[float, float, str]:
    """Millimetres per line, certainty and source, where all lines look the same.

    Beyond 24 px a small box is out of range. Below, the trace decides: it is drawn 0.2 to
    0.8 mm thick, so a fifth of a small box at the least and a sixth of a big one at most.
    """
    if near_px_per_mm is not None:
        mm = 1.0 if abs(math.log(period_px / near_px_per_mm)) < 0.8 else 5.0
        return mm, 0.9, "lines alike, scale as given"
    if period_px > 1.05 * LARGEST_PX_PER_MM:
        return 5.0, 0.8, "lines alike, too far apart for 1 mm"
    share = stroke_px(image) / period_px
    # Fewer than 4 px/mm, or more than 20, are scales that are seldom met.
    usual = period_px > 4.5 * SMALLEST_PX_PER_MM
    if share < 0.16:
        return 5.0, 0.7 if usual else 0.5, "lines alike, fine stroke"
    # A blurred stroke looks broad too: it proves nothing where 5 mm is the likelier reading.
    if share > 0.22 and not usual:
        return 1.0, 0.6, "lines alike, broad stroke"
    raise DigitizeError(
        "grid",
        f"lines {period_px:.1f} px apart, all alike, could be 1 mm or 5 mm boxes",
        "give px_per_mm",
    )

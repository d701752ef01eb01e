"""The grid of ECG paper: its pitch in x and y, tilt, phase and bend, fitted over all its lines."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.checks import LEAST_PX_PER_MM
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.bent_grid import flattened, may_bend, with_bend
from ecg_overlap.digitize.grid.boxes import LARGEST_PX_PER_MM
from ecg_overlap.digitize.grid.combine import REMEDY
from ecg_overlap.digitize.grid.finer import find_finer
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid, GridSource
from ecg_overlap.digitize.grid.parts import Part, in_whole, parts
from ecg_overlap.digitize.grid.slip import slips
from ecg_overlap.digitize.grid.straight_grid import StraightGrid, find_straight
from ecg_overlap.digitize.grid.strips import Evidence

Image = NDArray[np.uint8]
_SMALLEST_PX = 24  # of either side: a big box at 4 px/mm, and a little
_SURE = 0.5  # confidence from which no other candidate is sought
_LEAST_CONFIDENCE = 0.2  # of answers below, nine in ten are wrong (benchmarks/grid_drift.py)
_MOST_CANDIDATES = 3  # that are followed, where the first one is not sure
_MOST_ROUNDS = 3  # of straightening and looking again
_MOST_TILT_DEG = 5.0  # within a strip of 8 px, lines move 0.7 px: beyond, the tilt is not exact
_WORTH_A_ROUND = 0.01  # of confidence gained
_KEPT_IF_SLIPPED = 0.45  # of the confidence: under half of it, so that no such grid is sure


def find_grid(
    image: Image, *, near_px_per_mm: float | None = None, light: Illumination | None = None
) -> Grid:
    """Find the grid of an ECG crop or page.

    Both families of lines are searched for their tilt and period in the spectra of short
    strips; then every line is localised on its own and one comb per family is fitted to
    all of them, so that the error does not grow along the crop. Where the lines leave their
    combs, they are followed; the picture is straightened, and looked at again. A picture finer
    than 24 px/mm is looked at on a smaller copy of it.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        near_px_per_mm: The scale to about 20 %, where it is known: settles which boxes the
            lines are, when the picture alone does not.
        light: Of the picture, where it was computed already.

    Returns:
        The grid. Where one family shows too few lines, its pitch is taken from the other
        (`square_pixels`).

    Raises:
        DigitizeError: No grid, none that is clear, or one of which the box size stays open.

    Example:
        >>> paper = np.full((200, 400, 3), 255, np.uint8)
        >>> paper[:, ::8] = paper[::8] = (255, 200, 200)
        >>> paper[:, ::40] = paper[::40] = (255, 120, 120)
        >>> round(find_grid(paper).px_per_mm_x, 2)
        8.0
    """
    check_picture(image, "grid")
    if min(image.shape[:2]) < _SMALLEST_PX:
        height, width = image.shape[:2]
        raise DigitizeError("grid", f"{width}×{height} px is too small for a grid", REMEDY)
    light = light or Illumination(image)
    try:
        best = _clear(light, near_px_per_mm)
    except DigitizeError:
        finer = _finer(light, near_px_per_mm)
        if finer is None:
            raise
        return finer
    if best.source is GridSource.FIVE_TO_ONE and best.confidence >= _SURE:
        return best
    return _finer(light, near_px_per_mm) or best


def _finer(light: Illumination, near_px_per_mm: float | None) -> Grid | None:
    """The grid of a picture of more pixels to the millimetre than are searched for."""
    if near_px_per_mm is not None and near_px_per_mm <= LARGEST_PX_PER_MM:
        return None

    def of_copy(copy: Illumination, shrink: int) -> Grid:
        return _clear(copy, None if near_px_per_mm is None else near_px_per_mm / shrink)

    return find_finer(light, of_copy)


def _clear(light: Illumination, near_px_per_mm: float | None) -> Grid:
    """The surest grid.

    Raises:
        DigitizeError: None, or none that is clear.
    """
    best = _surest(light, near_px_per_mm)
    coarsest = min(best.px_per_mm_x, best.px_per_mm_y)
    if coarsest < LEAST_PX_PER_MM:
        raise DigitizeError("grid", f"no grid is clear, at best of {coarsest:.2g} px/mm", REMEDY)
    if best.confidence < _LEAST_CONFIDENCE:
        raise DigitizeError("grid", f"no grid is clear, at best {_told(best)}", REMEDY)
    return best


def _told(grid: Grid) -> str:
    return f"{grid.px_per_mm_x:.2f} px/mm ({grid.source_text}) at confidence {grid.confidence:.2f}"


def _surest(light: Illumination, near_px_per_mm: float | None) -> Grid:
    """The first sure grid, or else the surest of those that were followed.

    Raises:
        DigitizeError: Of the first attempt, where none finds a grid.
    """
    whole = Evidence(light.darkness)
    grids: list[Grid] = []
    refused: DigitizeError | None = None
    try:
        first = find_straight(light, whole, near_px_per_mm)
        grids.append(_followed(light, whole, first, near_px_per_mm))
        if grids[0].confidence >= _SURE:
            return grids[0]
    except DigitizeError as error:
        refused = error
    pieces = [(part, Illumination(light.image[part])) for part in parts(whole.shape)]
    tries = [(whole, pieces[1:])]
    if not np.array_equal(whole.dark, light.darkness_without_ink):
        tries.append((Evidence(light.darkness_without_ink), pieces))
    grids += _of_candidates(light, tries, near_px_per_mm)
    if all(grid.confidence < _SURE for grid in grids):
        grids += _sure_in_colour(light, pieces, near_px_per_mm)
    if not grids:
        assert refused is not None
        raise refused
    return max(grids, key=lambda found: found.confidence)


_Pieces = list[tuple[Part, Illumination]]


def _sure_in_colour(
    light: Illumination, pieces: _Pieces, near_px_per_mm: float | None
) -> list[Grid]:
    """The sure grids that the picture's colour shows.

    Where there is no grid, chance finds one in colour too, but no sure one.
    """
    colour = light.colour_without_ink
    if colour.min() == colour.max():  # a gray picture
        return []
    found = _of_candidates(light, [(Evidence(colour), pieces)], near_px_per_mm)
    return [grid for grid in found if grid.confidence >= _SURE]


def _of_candidates(
    light: Illumination, tries: list[tuple[Evidence, _Pieces]], near_px_per_mm: float | None
) -> list[Grid]:
    """What is found in pieces of evidence and then followed, the surest first, up to a sure one.

    In parts of a picture lines that bend are still straight; the ink is left out even if a dark
    grid may go with it.
    """
    seen: list[tuple[StraightGrid, Evidence]] = []
    for evidence, pieces in tries:
        for part, part_light in pieces:
            try:
                found = find_straight(part_light, Evidence(evidence.dark[part]), near_px_per_mm)
            except DigitizeError:
                continue
            seen.append((in_whole(found, evidence, part), evidence))
    seen.sort(key=lambda pair: -pair[0].grid.confidence)
    grids: list[Grid] = []
    for first, evidence in seen[:_MOST_CANDIDATES]:
        grids.append(_followed(light, evidence, first, near_px_per_mm))
        if grids[-1].confidence >= _SURE:
            break
    return grids


def _followed(
    light: Illumination, evidence: Evidence, first: StraightGrid, near_px_per_mm: float | None
) -> Grid:
    """A straight grid followed through the whole picture where its lines bend.

    The picture is straightened by what was followed and searched again: minor lines that
    the bend had smeared are then seen, and more of the bend.
    """
    tilted = abs(first.grid.angle_deg) > _MOST_TILT_DEG
    if not (first.of_part or tilted or may_bend(first, evidence.shape)):
        return first.grid
    grid, axes = with_bend(first, evidence.shape)
    if not (grid.is_bent or first.of_part or tilted):
        return first.grid
    sure, slipped = 0.0 if first.of_part else first.grid.confidence, False
    for _ in range(_MOST_ROUNDS):
        flat, origin = flattened(evidence, grid)
        try:
            again = find_straight(light, flat, near_px_per_mm)
        except DigitizeError:
            break
        slipped = slips(again)
        gained = again.grid.confidence - sure
        sure = max(sure, again.grid.confidence)
        if gained < _WORTH_A_ROUND or None in again.combs.both:
            break
        grid, axes = with_bend(again, evidence.shape, (grid, origin), axes)
    return replace(grid, confidence=sure * (_KEPT_IF_SLIPPED if slipped else 1.0))


def check_picture(image: Image, stage: str) -> None:
    """Refuse what is no picture.

    Raises:
        DigitizeError: Not uint8, or neither (H, W, 3) nor (H, W), or empty.
    """
    fits = image.dtype == np.uint8 and image.ndim in (2, 3) and image.shape[2:] in ((), (3,))
    if not fits or image.size == 0:
        raise DigitizeError(
            stage,
            f"{image.dtype} {image.shape} is no picture",
            "give uint8 (H, W, 3) RGB or (H, W)",
        )

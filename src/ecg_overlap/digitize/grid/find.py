"""The grid of ECG paper: its pitch in x and y, tilt, phase and bend, fitted over all its lines."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.look import REMEDY, SURE, Look, look, parts
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.straighten import flattened, may_bend, with_bend
from ecg_overlap.digitize.grid.strips import darkness

__all__ = ["Grid", "check_picture", "find_grid"]

Image = NDArray[np.uint8]
_SMALLEST_PX = 24
_LEAST_CONFIDENCE = 0.2  # of answers below, nine in ten are wrong (benchmarks/grid_drift.py)
_MOST_LOOKS = 3  # candidates followed, where the first look is not sure
_MOST_ROUNDS = 3
_WORTH_A_ROUND = 0.01  # of confidence gained
_IF_LOST = 0.45  # of the confidence, where straightened lines pass to the next place of their comb


def find_grid(image: Image, *, near_px_per_mm: float | None = None) -> Grid:
    """Find the grid of an ECG crop or page.

    Both families of lines are searched for their tilt and period in the spectra of short
    strips; then every line is localised on its own and one comb per family is fitted to
    all of them, so that the error does not grow along the crop. Where the lines leave their
    combs, they are followed; the picture is straightened, and looked at again.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        near_px_per_mm: The scale to about 20 %, where it is known: settles which boxes the
            lines are, when the picture alone does not.

    Returns:
        The grid. Where one family shows too few lines, its pitch is taken from the other
        (`source` then ends in "square pixels").

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
    best = _surest(image, near_px_per_mm)
    if best.confidence < _LEAST_CONFIDENCE:
        raise DigitizeError("grid", f"no grid is clear, at best {_told(best)}", REMEDY)
    return best


def _told(grid: Grid) -> str:
    return f"{grid.px_per_mm_x:.2f} px/mm ({grid.source}) at confidence {grid.confidence:.2f}"


def _surest(image: Image, near_px_per_mm: float | None) -> Grid:
    """The first sure grid, or else the surest of those that were followed.

    Raises:
        DigitizeError: Of the first look, where none finds a grid.
    """
    dark = darkness(image)
    grids: list[Grid] = []
    refused: DigitizeError | None = None
    try:
        grids.append(_followed(image, dark, look(image, dark, near_px_per_mm), near_px_per_mm))
        if grids[0].confidence >= SURE:
            return grids[0]
    except DigitizeError as error:
        refused = error
    inkless = darkness(image, without_ink=True)
    darks = [dark] if np.array_equal(dark, inkless) else [dark, inkless]
    for seen, evidence in _looks(image, darks, near_px_per_mm)[:_MOST_LOOKS]:
        grids.append(_followed(image, evidence, seen, near_px_per_mm))
        if grids[-1].confidence >= SURE:
            break
    if not grids:
        assert refused is not None
        raise refused
    return max(grids, key=lambda found: found.confidence)


def _looks(
    image: Image, darks: list[Image], near_px_per_mm: float | None
) -> list[tuple[Look, Image]]:
    """What else can be seen, the surest first, and in which evidence.

    Looked at are parts of the picture, in which lines that bend are still straight, and all
    again with the ink left out, also where the grid might go with it.
    """
    seen: list[tuple[Look, Image]] = []
    for n, dark in enumerate(darks):
        for part in parts(dark.shape)[n == 0 :]:
            try:
                found = look(image[part], dark[part], near_px_per_mm)
            except DigitizeError:
                continue
            seen.append((found.in_whole(dark, part), dark))
    return sorted(seen, key=lambda pair: -pair[0].grid.confidence)


def _followed(image: Image, dark: Image, first: Look, near_px_per_mm: float | None) -> Grid:
    """The grid of a look, followed through the whole picture where its lines bend.

    The picture is straightened by what was followed and looked at again: minor lines that
    the bend had smeared are then seen, and more of the bend.
    """
    if not first.of_part and not may_bend(first, dark.shape):
        return first.grid
    grid = with_bend(first, dark.shape)
    if not grid.is_bent and not first.of_part:
        return first.grid
    sure, lost = 0.0 if first.of_part else first.grid.confidence, False
    for _ in range(_MOST_ROUNDS):
        flat, origin = flattened(dark, grid)
        try:
            again = look(image, flat, near_px_per_mm)
        except DigitizeError:
            break
        lost = again.lost
        gained = again.grid.confidence - sure
        sure = max(sure, again.grid.confidence)
        if gained < _WORTH_A_ROUND or again.boxes.upright is None or again.boxes.level is None:
            break
        grid = with_bend(again, dark.shape, (grid, origin))
    return replace(grid, confidence=sure * (_IF_LOST if lost else 1.0))


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

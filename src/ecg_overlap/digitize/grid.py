"""The grid of ECG paper: its pitch in x and y, tilt and phase, fitted over all its lines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid_boxes import Boxes, read_boxes
from ecg_overlap.digitize.grid_evidence import darkness, family
from ecg_overlap.digitize.grid_lines import Comb
from ecg_overlap.digitize.grid_search import period, tilt

_SMALLEST_PX = 24
_LEAST_SCORE = 3.0  # fold's peak over its noise; pictures without a grid stay below
_MOST_OBLONG = 0.05  # pitches further apart (in log) are not one grid's
_SQUARE = 0.003  # relative difference of the two pitches that is usual on scans
_REMEDY = "give px_per_mm"


@dataclass(frozen=True)
class Grid:
    """Where the lines of the paper's grid stand.

    Pixel (i, j) has its centre at integer coordinates; y grows downward. Time runs along
    (cos angle, sin angle), amplitude falls along (−sin angle, cos angle).

    Args:
        px_per_mm_x: Spacing of 1 mm along time, measured at right angles to the lines.
        px_per_mm_y: Spacing of 1 mm along amplitude, measured at right angles to the lines.
        angle_deg: Tilt of the level lines; positive is clockwise on the screen.
        phase_x_px: Column of a crossing of two lines near the picture's middle (of two
            major lines, where these are told from the minor ones).
        phase_y_px: Row of that crossing.
        confidence: 0 to 1; under 0.5 the scale may be that of another box size.
        source: How it was found ("lines 1:5", "lines major", "lines uniform", "paper", …).
        residual_px: Robust spread of single lines about the fit; NaN where not measured.

    Example:
        >>> round(Grid(8.0, 8.0, 0.0, 3.0, 5.0, 0.9, "lines 1:5").drift_px(8.001, 2000), 3)
        0.25
    """

    px_per_mm_x: float
    px_per_mm_y: float
    angle_deg: float
    phase_x_px: float
    phase_y_px: float
    confidence: float
    source: str
    residual_px: float = math.nan

    def drift_px(self, true_px_per_mm_x: float, width_px: float) -> float:
        """How far the time axis has run off after `width_px`, px."""
        return abs(self.px_per_mm_x - true_px_per_mm_x) / true_px_per_mm_x * width_px


def find_grid(image: NDArray[np.uint8], *, near_px_per_mm: float | None = None) -> Grid:
    """Find the grid of an ECG crop or page.

    Both families of lines are searched for their tilt and period in the spectra of short
    strips; then every line is localised on its own and one comb per family is fitted to
    all of them, so that the error does not grow along the crop.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        near_px_per_mm: The scale to about 20 %, where it is known: settles which boxes the
            lines are, when the picture alone does not.

    Returns:
        The grid. Where one family shows too few lines, its pitch is taken from the other
        (`source` then ends in "square pixels").

    Raises:
        DigitizeError: No grid, or one of which the box size stays open.

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
        raise DigitizeError("grid", f"{width}×{height} px is too small for a grid", _REMEDY)
    dark = darkness(image)
    upright, level = family(dark, upright=True), family(dark, upright=False)
    tan_tilt = tilt(upright, level)
    lines = upright.aligned(-tan_tilt), level.aligned(tan_tilt)
    period_px, score = period(*lines, near_px_per_mm)
    if score < _LEAST_SCORE:
        raise DigitizeError("grid", "no grid was found", _REMEDY)
    boxes = read_boxes(image, lines, period_px, near_px_per_mm)
    return _as_grid(boxes, image.shape[:2], 1 - math.exp(-score / _LEAST_SCORE))


def check_picture(image: NDArray[np.uint8], stage: str) -> None:
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


def _trusted(comb: Comb | None, mm_per_line: float) -> float:
    """How well a comb's lines are there, and in their place, 0 to 1."""
    if comb is None or len(comb.index) < 2:
        return 0.0
    here = comb.contrast > 0.2 * float(np.percentile(comb.contrast, 75))
    # A quarter px is what drawing on whole pixels costs.
    in_place = math.exp(-((comb.residual_px / (0.09 * comb.pitch_px / mm_per_line + 0.5)) ** 2))
    return float(here.mean()) * in_place


def _as_grid(boxes: Boxes, shape: tuple[int, ...], strength: float) -> Grid:
    """The two combs as one grid.

    Raises:
        DigitizeError: No comb's lines stand where it says.
    """
    combs = (boxes.upright, boxes.level)
    trust = [_trusted(comb, boxes.mm_per_line) for comb in combs]
    # The comb with more lines leads, unless its lines are badly off.
    rank = [t * math.sqrt(len(c.index)) if c else 0.0 for t, c in zip(trust, combs, strict=True)]
    lead = int(np.argmax(rank))
    first, second = combs[lead], combs[1 - lead]
    if first is None or trust[lead] < 0.1:
        raise DigitizeError("grid", "no grid was found", _REMEDY)
    pitch = first.pitch_px / math.hypot(1, first.slope)
    other, source = pitch, boxes.source + ", square pixels"
    # Lines of one family alone could be heartbeats, unless every fifth is another.
    agree = 0.8 if boxes.source == "lines 1:5" else 0.65
    n_lines = len(first.index)
    if second is not None and trust[1 - lead] > 0.2:
        own = second.pitch_px / math.hypot(1, second.slope)
        if abs(math.log(own / pitch)) < _MOST_OBLONG:
            agree = max(agree, math.sqrt(min(trust[1 - lead] / trust[lead], 1.0)))
            if len(second.index) >= 4:
                other, source = _shrunk(own, second.pitch_sd_px, pitch), boxes.source
            n_lines += len(second.index)
    tilts = np.array(
        [0.0 if c is None else s * c.slope for s, c in zip((-1, 1), combs, strict=True)]
    )
    weight = np.array([0.0 if c is None else 1 / (c.slope_sd**2 + 1e-10) for c in combs])
    scale = (pitch, other) if lead == 0 else (other, pitch)
    x, y = _crossing(boxes, shape)
    confidence = boxes.certainty * strength * trust[lead] * agree * (1 - math.exp(-n_lines / 6))
    return Grid(
        px_per_mm_x=scale[0] / boxes.mm_per_line,
        px_per_mm_y=scale[1] / boxes.mm_per_line,
        angle_deg=math.degrees(math.atan(float((tilts * weight).sum() / max(weight.sum(), 1e-12)))),
        phase_x_px=x,
        phase_y_px=y,
        confidence=confidence,
        source=source,
        residual_px=first.residual_px,
    )


def _shrunk(own_px: float, own_sd_px: float, other_px: float) -> float:
    """A pitch drawn to the other family's as far as its own error leaves open.

    Pixels are square to about 0.3 % on scans. Beyond that (a photo from the side) the
    difference seen is believed.
    """
    apart = own_px - other_px
    free = max(_SQUARE * other_px, abs(apart) - 2 * own_sd_px)
    return other_px + apart * free**2 / (free**2 + own_sd_px**2)


def _crossing(boxes: Boxes, shape: tuple[int, ...]) -> tuple[float, float]:
    """The crossing of two lines (major ones, where known) next to the picture's middle."""
    middle = ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    start, slope = [middle[0], middle[1]], [0.0, 0.0]
    for n, comb in enumerate((boxes.upright, boxes.level)):
        if comb is None:
            continue
        k = (middle[n] - comb.phase_px - comb.slope * middle[1 - n]) / comb.pitch_px
        if boxes.source == "lines 1:5":
            k = boxes.major[n] + 5 * round((k - boxes.major[n]) / 5)
        start[n] = comb.phase_px + round(k) * comb.pitch_px
        slope[n] = comb.slope
    x = (start[0] + slope[0] * start[1]) / (1 - slope[0] * slope[1])
    return x, start[1] + slope[1] * x

"""One look for a grid whose lines are straight: both combs, and what they say together."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.boxes import Boxes, read_boxes
from ecg_overlap.digitize.grid.lines import Comb, localise
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.grid.second import alone
from ecg_overlap.digitize.grid.spectrum import period, tilt
from ecg_overlap.digitize.grid.strips import Family, family

_LEAST_SCORE = 3.0  # fold's peak over its noise; pictures without a grid stay below
_MOST_OBLONG = 0.05  # pitches further apart (in log) are not one grid's
_SQUARE = 0.003  # relative difference of the two pitches that is usual on scans
_LEAST_PART_PX = 180  # of a part of the picture that is looked at alone
_STRETCH_MM = 3.0  # in which lines followed amiss pass from one place to the next
_BESIDE = 7  # lines side by side: a trace runs along three or so
_MIDWAY = -0.25  # median contrast, of the usual one; about 0 where ink hides the lines
_SOLE = 0.5  # less: other lines stand between the grid's …
_AT_MOST = 0.45  # … which leaves an unsure grid as it is, but none sure
SURE = 0.5
REMEDY = "give px_per_mm"

Part = tuple[slice, slice]


@dataclass(frozen=True)
class Look:
    """A straight grid, and what it was read from.

    Args:
        grid: The grid.
        boxes: The combs of both families.
        families: Upright and level strips of the evidence.
        of_part: Only a part of the picture was looked at.
    """

    grid: Grid
    boxes: Boxes
    families: tuple[Family, Family]
    of_part: bool = False

    @property
    def lost(self) -> bool:
        """Whether one family's lines stand midway between the comb's over a whole stretch.

        Where a bend was followed a pitch amiss, the straightened lines cross from one place
        of the comb to the next; ink hides lines, but leaves none midway.
        """
        # From window to window along the picture's longer side: there a pitch may be lost.
        pairs = zip(self.families, (self.boxes.upright, self.boxes.level), strict=True)
        longest = max(family.length_px for family in self.families)
        return any(
            comb is not None
            and _crosses(family, comb, self.boxes.mm_per_line, across=family.length_px == longest)
            for family, comb in pairs
        )

    def in_whole(self, dark: NDArray[np.uint8], part: Part) -> "Look":
        """The same look at a part of the evidence, told from the whole of it."""
        y, x = (piece.start or 0 for piece in part)
        upright = _moved(self.boxes.upright, across_px=x, along_px=y)
        level = _moved(self.boxes.level, across_px=y, along_px=x)
        phase = self.grid.phase_x_px + x, self.grid.phase_y_px + y
        return Look(
            replace(self.grid, phase_x_px=phase[0], phase_y_px=phase[1]),
            replace(self.boxes, upright=upright, level=level),
            (family(dark, upright=True), family(dark, upright=False)),
            of_part=part != parts(dark.shape)[0],
        )


def _crosses(lines: Family, comb: Comb, mm_per_line: float, *, across: bool) -> bool:
    """Lines midway in one short group, or (followed across) over some lines side by side."""
    per_group = _STRETCH_MM * comb.pitch_px / mm_per_line
    along_px = float(np.ptp(lines.centres_px)) if len(lines.centres_px) > 1 else 0.0
    fine = lines.aligned(comb.slope, max_groups=max(int(along_px / per_group), 2))
    start = comb.phase_px + comb.slope * fine.centres_px
    expected = start[:, None] + comb.pitch_px * comb.index[None, :].astype(np.float64)
    half_px = min(comb.pitch_px, 16.0)
    contrast = np.nan_to_num(localise(lines.profile(fine.groups), expected, half_px)[1])
    usual = float(np.percentile(np.median(contrast, axis=0), 75))
    if usual <= 0:
        return True
    level = np.clip(contrast / usual, -1.0, 1.0)
    if not across:
        return float(np.median(level, axis=1).min()) < _MIDWAY
    if level.shape[1] < _BESIDE:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(np.median(level, axis=0), _BESIDE)
    beside = np.median(windows, axis=1)
    least = int(np.argmin(beside))
    # Beyond the grid's own end nothing stands in place again.
    ends = (float(side.max(initial=0.0)) for side in (beside[:least], beside[least:]))
    return bool(beside[least] < _MIDWAY and min(ends) > -_MIDWAY)


def _moved(comb: Comb | None, *, across_px: float, along_px: float) -> Comb | None:
    if comb is None:
        return None
    return replace(comb, phase_px=comb.phase_px + across_px - comb.slope * along_px)


def parts(shape: tuple[int, ...]) -> list[Part]:
    """The whole picture, then pieces along its longer side that overlap."""
    out: list[Part] = [(slice(None), slice(None))]
    long_px = max(shape)
    for share, starts in ((0.5, (0.25, 0.0, 0.5)), (0.25, (0.375, 0.125, 0.625))):
        if share * long_px < _LEAST_PART_PX:
            break
        for start in starts:
            piece = slice(int(start * long_px), int((start + share) * long_px))
            out.append((slice(None), piece) if shape[1] >= shape[0] else (piece, slice(None)))
    return out


def look(
    image: NDArray[np.uint8], dark: NDArray[np.uint8], near_px_per_mm: float | None = None
) -> Look:
    """Search both families for tilt and period, and fit a comb to the lines of each.

    Args:
        image: uint8 (H, W, 3) or (H, W): its stroke settles the size of lines all alike.
        dark: uint8 (H, W), from `darkness`.
        near_px_per_mm: The scale, where roughly known.

    Raises:
        DigitizeError: No grid, or one of which the box size stays open.
    """
    families = family(dark, upright=True), family(dark, upright=False)
    tan_tilt = tilt(*families)
    lines = families[0].aligned(-tan_tilt), families[1].aligned(tan_tilt)
    period_px, score = period(*lines, near_px_per_mm)
    if score < _LEAST_SCORE:
        raise DigitizeError("grid", "no grid was found", REMEDY)
    boxes = read_boxes(image, lines, period_px, near_px_per_mm)
    strength = 1 - math.exp(-score / _LEAST_SCORE)
    sole = alone(lines, boxes)
    grid = _as_grid(boxes, dark.shape, strength)
    if sole < _SOLE:
        source = grid.source + ", other lines between"
        grid = replace(grid, source=source, confidence=min(grid.confidence, _AT_MOST))
    return Look(grid, boxes, families)


def _trusted(comb: Comb | None, mm_per_line: float) -> float:
    """How well a comb's lines are there, and in their place, 0 to 1."""
    if comb is None or len(comb.index) < 2:
        return 0.0
    here = comb.contrast > 0.2 * float(np.percentile(comb.contrast, 75))
    # A quarter px is what drawing on whole pixels costs.
    in_place = math.exp(-((comb.residual_px / (0.07 * comb.pitch_px / mm_per_line + 0.5)) ** 2))
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
        raise DigitizeError("grid", "no grid was found", REMEDY)
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

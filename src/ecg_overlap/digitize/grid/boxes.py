"""Small boxes told from big ones: every fifth line of an ECG grid is stronger."""

import math
from dataclasses import dataclass

import numpy as np

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.comb import Comb, fit_comb
from ecg_overlap.digitize.grid.fold import least_period, refined_period
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import GridSource
from ecg_overlap.digitize.grid.robust import MAD_TO_SD
from ecg_overlap.digitize.grid.strips import AlignedStrips

LARGEST_PX_PER_MM, SMALLEST_PX_PER_MM = 24.0, 4.0  # scales that are read: 600 and 100 dpi
# What one period of the lines is divided by for a candidate of 1 mm. A period of several big
# boxes comes of beats in step with the grid.
_PARTS_OF_PERIOD = (5, 1, 10, 15, 20)
LEAST_CANDIDATE_PX, _MOST_CANDIDATE = 3.0, 1.1  # px per mm; times the largest scale
_NEAR = 0.3  # log of the ratio to a rough scale: good to 20 %, it leaves one candidate
# Standard errors by which the minor lines must be there, and the major ones stand out.
_LEAST_MINOR_Z, _LEAST_MAJOR_Z = 4.0, 5.0
_LEAST_LINES = 10  # two of each residue modulo 5
_SCATTER_TO_SD = 2.1  # 1.4826 made larger, as few lines stand too near to their own median
_LEAST_SCATTER = 0.02  # of the strongest lines' contrast: drawn lines have none
_MEDIAN_SD = 1.25  # standard error of a median, of that of a mean: √(π/2)
_LEAST_APART = 0.12  # of the strongest contrast: less is how noise-free lines fall on the pixels
# Of lines all alike: certainty of the box size, by what decided.
_GIVEN, _FAR_APART, _FINE_STROKE, _FINE_STROKE_SMALL, _BROAD_STROKE = 0.9, 0.8, 0.7, 0.5, 0.6
_HALFWAY = 0.8  # log of the ratio that lies midway between 1 mm and 5 mm: log(5) / 2
_TOO_FAR = 1.05  # times the largest scale
# Shares of the lines' spacing. A trace is 0.2 to 0.8 mm thick: a fifth of a small box at the
# least, a sixth of a big one at the most.
_FINE, _BROAD = 0.16, 0.22
_USUAL_SPACING_PX = 4.5 * SMALLEST_PX_PER_MM  # under it, big boxes would be of a scale seldom met


@dataclass(frozen=True)
class ScaledCombs:
    """One reading of the lines: the combs of both families, and what 1 mm is.

    Args:
        vertical: The comb of the vertical lines, or None where fewer than two were found.
        horizontal: That of the horizontal lines, likewise.
        mm_per_line: 1 where the combs are small boxes, 5 where they are big ones.
        major: Residues of k modulo 5 of the major lines, vertical and horizontal.
        certainty: Of the box size, 0 to 1.
        source: What decided the box size.
        apart: Each comb has a pitch of its own: the pixels are not square.
    """

    vertical: Comb | None
    horizontal: Comb | None
    mm_per_line: float
    major: tuple[int, int]
    certainty: float
    source: GridSource
    apart: bool = False

    @property
    def both(self) -> tuple[Comb | None, Comb | None]:
        """The vertical lines' comb and the horizontal lines', in the order of x and y."""
        return self.vertical, self.horizontal

    @property
    def majors_known(self) -> bool:
        """Whether every fifth line was seen to be stronger."""
        return self.source is GridSource.FIVE_TO_ONE


@dataclass(frozen=True)
class FifthLine:
    """What a comb's contrasts say of a 1:5 structure, in standard errors."""

    major: int  # residue of k modulo 5 with the strongest lines
    minor_z: float  # how surely lines stand at the other residues (the least sure of them)
    major_z: float  # how surely the strongest residue stands out


def fifth_line(comb: Comb | None) -> FifthLine | None:
    """Compare the contrasts of the five residues of k; None where one has fewer than two."""
    if comb is None or len(comb.index) < _LEAST_LINES:
        return None
    residue = comb.index % 5
    groups = [comb.contrast[residue == r] for r in range(5)]
    level = np.array([np.median(g) for g in groups])
    major = int(np.argmax(level))
    minors = [r for r in range(5) if r != major]
    # One spread for the four minor residues: each alone may have two lines only.
    scatter = float(np.median(np.abs(np.concatenate([groups[r] - level[r] for r in minors]))))
    spread = _SCATTER_TO_SD * scatter + _LEAST_SCATTER * abs(level[major]) + 1e-6
    error = [_MEDIAN_SD * spread / math.sqrt(len(g)) for g in groups]
    own = MAD_TO_SD * float(np.median(np.abs(groups[major] - level[major])))
    apart = level[major] - float(np.median(np.concatenate([groups[r] for r in minors])))
    of_major = _MEDIAN_SD * max(own, spread) / math.sqrt(len(groups[major]))
    stands_out = apart > _LEAST_APART * level[major]
    return FifthLine(
        major=major,
        minor_z=float(min(level[r] / error[r] for r in minors)),
        major_z=float(apart / math.hypot(of_major, max(error))) if stands_out else 0.0,
    )


def fitted(lines: AlignedStrips, period_px: float) -> Comb | None:
    """The comb of one family's lines at about this period."""
    refined, start = refined_period(lines, period_px)
    return fit_comb(lines, pitch_px=refined, phase_px=start)


def read_boxes(
    light: Illumination,
    families: tuple[AlignedStrips, AlignedStrips],
    period_px: float,
    near_px_per_mm: float | None,
) -> ScaledCombs:
    """Decide what the period is: five small boxes, one of them, or one big box.

    Args:
        light: Of the picture: its stroke settles the size of lines all alike.
        families: Vertical and horizontal lines, at their tilt.
        period_px: From `spectrum.period`.
        near_px_per_mm: The scale, where roughly known.

    Raises:
        DigitizeError: The lines are all alike, and nothing says which boxes they are.
    """
    period_px = least_period(*families, period_px)
    for parts in _PARTS_OF_PERIOD:
        found = _small_boxes(families, period_px / parts, near_px_per_mm)
        if found is not None and found.major_z > _LEAST_MAJOR_Z:
            return found.combs
        if found is not None and parts == 5:
            # That five of them differ is why the period was chosen; or they are big boxes that
            # are all alike, and beats in step with five of them are why.
            finer = _small_boxes(families, period_px / 25, near_px_per_mm)
            if finer is not None and finer.major_z > _LEAST_MAJOR_Z:
                return finer.combs
            return found.combs
    combs = (fitted(families[0], period_px), fitted(families[1], period_px))
    mm, certainty, source = _lines_alike(light, period_px, near_px_per_mm)
    return ScaledCombs(*combs, mm, (0, 0), certainty, source)


@dataclass(frozen=True)
class _SmallBoxes:
    """A pitch taken for 1 mm, and how surely the major lines stand out of the others."""

    combs: ScaledCombs
    major_z: float


def _small_boxes(
    families: tuple[AlignedStrips, AlignedStrips], pitch_px: float, near_px_per_mm: float | None
) -> _SmallBoxes | None:
    """The lines at a pitch, if it may be 1 mm and lines stand at the other four fifths too."""
    near = near_px_per_mm is None or abs(math.log(pitch_px / near_px_per_mm)) < _NEAR
    if not near or not LEAST_CANDIDATE_PX < pitch_px < _MOST_CANDIDATE * LARGEST_PX_PER_MM:
        return None
    combs = (fitted(families[0], pitch_px), fitted(families[1], pitch_px))
    said = [fifth_line(comb) for comb in combs]
    minor_z = math.hypot(*(max(s.minor_z, 0.0) if s else 0.0 for s in said))
    major_z = math.hypot(*(max(s.major_z, 0.0) if s else 0.0 for s in said))
    if minor_z <= _LEAST_MINOR_Z:
        return None
    major = (said[0].major if said[0] else 0, said[1].major if said[1] else 0)
    certainty = 1 - math.exp(-minor_z / _LEAST_MINOR_Z)
    scaled = ScaledCombs(*combs, 1.0, major, certainty, GridSource.FIVE_TO_ONE)
    return _SmallBoxes(scaled, major_z)


def _lines_alike(
    light: Illumination, period_px: float, near_px_per_mm: float | None
) -> tuple[float, float, GridSource]:
    """Millimetres per line, certainty and source, where all lines look the same.

    Beyond 24 px a small box is out of range. Below, the trace's thickness decides.
    """
    if near_px_per_mm is not None:
        mm = 1.0 if abs(math.log(period_px / near_px_per_mm)) < _HALFWAY else 5.0
        return mm, _GIVEN, GridSource.ALIKE_SCALE_GIVEN
    if period_px > _TOO_FAR * LARGEST_PX_PER_MM:
        return 5.0, _FAR_APART, GridSource.ALIKE_FAR_APART
    share = light.stroke_px / period_px
    usual = period_px > _USUAL_SPACING_PX
    if share < _FINE:
        return 5.0, _FINE_STROKE if usual else _FINE_STROKE_SMALL, GridSource.ALIKE_FINE_STROKE
    # A blurred stroke looks broad too: it proves nothing where 5 mm is the likelier reading.
    if share > _BROAD and not usual:
        return 1.0, _BROAD_STROKE, GridSource.ALIKE_BROAD_STROKE
    raise DigitizeError(
        "grid",
        f"lines {period_px:.1f} px apart, all alike, could be 1 mm or 5 mm boxes",
        "give px_per_mm",
    )

"""A page on straight paper: its scale from its grid, and the way back to the picture."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid import Illumination, find_grid
from ecg_overlap.digitize.lead import straight_scaled
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.page.pace import BOXES
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.scale import PaperMap
from ecg_overlap.digitize.stages import Scale, ScaledPicture, scale_beside_colour, scale_of_grid
from ecg_overlap.digitize.straight import (
    ENOUGH_PX_PER_MM,
    StraightPicture,
    is_straight,
    straightened,
)

# Longer than A3 and its margins: what is wider was measured in the wrong boxes.
MOST_WIDE_MM = 600.0


@dataclass(frozen=True)
class PagePicture:
    """A page's picture, on straight paper.

    Args:
        picture: The straight picture with its scale.
        scale: Of the picture as it was given.
        straight: From the one to the other; None where they are the same.
    """

    picture: ScaledPicture
    scale: Scale
    straight: StraightPicture | None

    @property
    def px_per_mm(self) -> float:
        """Of straight paper."""
        return self.picture.px_per_mm

    @property
    def inside(self) -> NDArray[np.bool_] | None:
        """Where the picture is, bool (H, W); None: everywhere."""
        return None if self.straight is None else self.straight.inside

    def on_paper(self, path: Path) -> Path:
        """A path of the straight picture, in px of straight paper."""
        return path if self.straight is None else self.straight.on_paper(path)

    def row_on_paper(self, row_px: float) -> float:
        """A row of the straight picture, in px of straight paper."""
        if self.straight is None:
            return row_px
        return float(row_px / self.straight.factor[1] + self.straight.origin_px[1])

    def in_picture(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A mask (H, W) of the straight picture, as one of the picture."""
        return mask if self.straight is None else self.straight.mask_of_picture(mask)


def page_scale(
    light: Illumination,
    *,
    px_per_mm: float | None,
    mm_per_s: float,
    mm_per_mv: float,
    near_px_per_mm: float | None = None,
) -> Scale:
    """A page's scale: as given, of its grid, or of a calibration pulse.

    Where all lines of a grid are alike, they may be 1 or 5 mm apart. A page is not wider than
    `MOST_WIDE_MM`; or the scale is known roughly.

    Raises:
        DigitizeError: There is neither a grid nor a pulse.
    """
    if px_per_mm is not None:
        paper = PaperMap(px_per_mm, px_per_mm)
        return Scale(paper, paper.calibration(mm_per_s, mm_per_mv))
    if near_px_per_mm is None:
        scale = scale_beside_colour(lambda seen: scale_of_grid(seen, mm_per_s, mm_per_mv), light)
        wide = max(light.image.shape[:2]) / scale.paper.px_per_mm_x
        if wide <= MOST_WIDE_MM or scale.grid is None:
            return scale
        near_px_per_mm = BOXES * scale.paper.px_per_mm_x
    grid = find_grid(light.image, near_px_per_mm=near_px_per_mm, light=light)
    return Scale(grid, grid.calibration(mm_per_s, mm_per_mv), grid=grid)


def straight_page(light: Illumination, scale: Scale, network: Network | None) -> PagePicture:
    """The page on straight paper.

    Raises:
        DigitizeError: The grid's lines bend beyond reason.
    """
    # What was computed of the picture to find its grid is not needed again.
    picture = ScaledPicture(Illumination(light.image), scale, None, network)
    if is_straight(scale.paper) and scale.paper.px_per_mm_y <= ENOUGH_PX_PER_MM:
        return PagePicture(picture, scale, None)
    straight = straightened(light.image.shape, scale.paper, most_px_per_mm=ENOUGH_PX_PER_MM)
    return PagePicture(straight_scaled(picture, straight), scale, straight.without_source())


def with_speed_and_gain(page: PagePicture, mm_per_s: float, mm_per_mv: float) -> PagePicture:
    """The page at another speed and gain."""
    calibration = replace(page.scale.calibration, mm_per_s=mm_per_s, mm_per_mv=mm_per_mv)
    return replace(page, scale=replace(page.scale, calibration=calibration))

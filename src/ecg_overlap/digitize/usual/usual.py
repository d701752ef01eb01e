"""A picture as the stages expect it: polarity first, then what lies round the paper."""

from dataclasses import dataclass

import numpy as np

from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.usual.frame import outside_frame
from ecg_overlap.digitize.usual.polarity import is_inverted
from ecg_overlap.digitize.usual.surround import Mask, blanked, surround_of


@dataclass(frozen=True)
class Usual:
    """A picture with dark ink on light paper, and blank paper where none was.

    Args:
        light: Of that picture; the one that was given where nothing was changed.
        inverted: Whether the ink was lighter than its paper.
        outside: bool (H, W): what is blank paper now; None: nothing.
    """

    light: Illumination
    inverted: bool = False
    outside: Mask | None = None

    @property
    def width_px(self) -> int:
        """Columns that hold paper of the picture's own."""
        if self.outside is None:
            return int(self.light.image.shape[1])
        return int((~self.outside).any(axis=0).sum())


def as_usual(light: Illumination, *, frames: bool = True) -> Usual:
    """The picture as the stages expect it.

    Args:
        light: Of the picture, RGB uint8 (H, W, 3).
        frames: Whether a frame ends the paper: round a lead it does; on a page, what is printed
            beside it is needed.
    """
    inverted = is_inverted(light)
    if inverted:
        light = Illumination(255 - light.image)
    outside = None
    for find in (_surround, outside_frame) if frames else (_surround,):
        found = find(light)
        if found is None or found.all():  # of nothing but a border, all is tried
            continue
        light = Illumination(blanked(light.image, found))
        outside = found if outside is None else np.asarray(outside | found, np.bool_)
    return Usual(light, inverted, outside)


def _surround(light: Illumination) -> Mask | None:
    return surround_of(light.lightest)

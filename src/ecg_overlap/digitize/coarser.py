"""Pictures of more pixels than a reading has use for, made coarser before anything else.

Whatever is looked for in a picture costs time and memory by its pixels. A lead of 300 by 100 mm has
16 px/mm when it has 8 million of them, and finer leads are read at that too (`straight`). Twice as
many took a lead of 10 s beyond 20 s.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Image

ENOUGH_PIXELS = 8_000_000


@dataclass(frozen=True)
class Coarser:
    """How a picture was made coarser.

    Args:
        shape: (height, width) of the picture.
        factor: Its pixels to one of the coarser one, along x and along y.
    """

    shape: tuple[int, int]
    factor: tuple[float, float]

    def row(self, row_px: float | None) -> float | None:
        """A row of the picture, in the coarser one."""
        return None if row_px is None else (row_px + 0.5) / self.factor[1] - 0.5

    def px_per_mm(self, px_per_mm: float | None) -> float | None:
        """A scale of the picture, of the coarser one."""
        return None if px_per_mm is None else px_per_mm / self.factor[1]

    def back(self, lead: LeadSignal) -> LeadSignal:
        """What was read in the coarser picture, as it is in the picture."""
        along, across = self.factor
        if lead.turned_deg % 180:  # the calibration is of the turned picture
            along, across = across, along
        found = lead.calibration
        stages = {name: self._picture(shown) for name, shown in lead.stage_images.items()}
        return replace(
            lead,
            calibration=Calibration(
                found.px_per_mm_x * along,
                found.px_per_mm_y * across,
                found.mm_per_s,
                found.mm_per_mv,
                # The centre of the coarser picture's pixel 0 is that of a block of pixels.
                float((found.t0_px + 0.5) * along - 0.5),
                float((found.baseline_px + 0.5) * across - 0.5),
            ),
            path_px=(lead.path_px + 0.5) * np.array(self.factor) - 0.5,
            stage_images=stages,
        )

    def _picture(self, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = self.shape
        larger = cv2.resize(shown, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(larger, np.uint8)


def coarser(image: Image) -> tuple[Image, Coarser | None]:
    """The picture with at most `ENOUGH_PIXELS`, and how it was made so; None: it is as it was.

    Args:
        image: uint8 (H, W, 3).
    """
    height, width = image.shape[:2]
    shrink = (height * width / ENOUGH_PIXELS) ** 0.5
    if shrink <= 1:
        return image, None
    # A side may be a few pixels long.
    size = max(int(width / shrink), 1), max(int(height / shrink), 1)
    fewer = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return fewer, Coarser((height, width), (width / size[0], height / size[1]))

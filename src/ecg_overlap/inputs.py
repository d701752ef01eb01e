"""From a picture to what a network sees: one scale, whole height, and where the crop ends.

Training and inference both pass through here, so that a network is never shown
anything in use that it was not shown in training.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError

CHANNELS = 5  # red, green, blue, inside the crop, height in the crop
INSIDE = 3  # the plane that is 1 inside the crop
TARGET, OTHER = 0, 1  # mask channels: the primary trace, the intruders (multilabel, amodal)


@dataclass(frozen=True)
class InputSpec:
    """How a network wants its pictures.

    Args:
        px_per_mm: Scale that pictures are resized to; None with `size_px`.
        size_px: (height, width) that pictures are squashed to instead, the way of
            arXiv 2506.10617; None with `px_per_mm`.
        multiple: Both sides are padded up to a multiple of this (the encoder's stride).
    """

    px_per_mm: float | None = 8.0
    size_px: tuple[int, int] | None = None
    multiple: int = 32

    def __post_init__(self) -> None:
        if (self.px_per_mm is None) == (self.size_px is None):
            raise InputError("model input", "px_per_mm or size_px, not both", "set one to null")

    def size_of(self, height: int, width: int, px_per_mm: float) -> tuple[int, int]:
        """(height, width) px that a picture of this size and scale is resized to."""
        if self.size_px is not None:
            return self.size_px
        assert self.px_per_mm is not None
        factor = self.px_per_mm / px_per_mm
        return max(1, round(height * factor)), max(1, round(width * factor))


def resize(picture: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W[, C]) to (height, width), averaging where it shrinks."""
    height, width = size_px
    shrinks = height < picture.shape[0] or width < picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def pad_to(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pad (H, W[, C]) with zeros at the bottom and on the right."""
    missing = [(0, height - picture.shape[0]), (0, width - picture.shape[1])]
    return np.pad(picture, missing + [(0, 0)] * (picture.ndim - 2))


def round_up(length: int, multiple: int) -> int:
    """The smallest multiple that is no less than `length`."""
    return math.ceil(length / multiple) * multiple


def stack(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Network input float32 (5, height, width) of a picture uint8 (H, W, 3).

    Colours run from 0 (paper white, and everything outside the crop) to 1 (black), so that
    padding looks like blank paper. A crop is cut around its primary trace, so where the crop
    ends tells which trace that is: the fourth plane is 1 inside it, the fifth runs from -1 at
    its upper edge to 1 at its lower one.
    """
    planes = np.zeros((CHANNELS, height, width), np.float32)
    rows, columns = image.shape[:2]
    planes[:3, :rows, :columns] = (255 - image).transpose(2, 0, 1) / np.float32(255)
    planes[INSIDE, :rows, :columns] = 1
    planes[4, :rows, :columns] = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    return planes

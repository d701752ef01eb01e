"""From a picture to what a network sees: one scale, whole height, and where the crop ends.

Training and inference both pass through here, so that a network sees pictures in use exactly
as it saw them in training.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.dials import as_number
from data_gen.errors import InputError

# Input channels: red, green, blue, inside the crop, height in the crop, row prompt.
CHANNELS = 6
INSIDE, HEIGHT, ROW = 3, 4, 5
TARGET, OTHER = 0, 1  # mask channels: the primary trace, the intruders (multilabel, amodal)
ROW_REACH_PX = 128  # distance over which the row prompt falls from 1 to 0: 16 mm at 8 px/mm


@dataclass(frozen=True)
class InputSpec:
    """What pictures a network takes, and what it answers with.

    Args:
        px_per_mm: Scale that pictures are resized to; None with `size_px`.
        size_px: (height, width) that pictures are squashed to instead, the way of
            arXiv 2506.10617; None with `px_per_mm`.
        multiple: Both sides are padded up to a multiple of this (the encoder's stride).
        columns_per_px: Columns of its coordinate head per input column; 0 without one.
        masks: What each channel of its mask is of; a network may give the first ones alone.
        offsets: Whether it says whose the ink is, by offsets from the traces' levels.
    """

    px_per_mm: float | None = 8.0
    size_px: tuple[int, int] | None = None
    multiple: int = 32
    columns_per_px: int = 0
    masks: tuple[str, ...] = ("target", "other")
    offsets: bool = False

    def __post_init__(self) -> None:
        if (self.px_per_mm is None) == (self.size_px is None):
            raise InputError("model input", "px_per_mm or size_px, not both", "set one to null")
        if self.px_per_mm is not None:
            as_number("model.px_per_mm", self.px_per_mm, lowest=1, highest=100)
        for side in self.size_px or ():
            as_number("model.size_px", side, lowest=16, highest=16_384)

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


def resize_points(
    points_px: NDArray[np.float64], before: tuple[int, ...], after: tuple[int, int]
) -> NDArray[np.float64]:
    """Where the points (…, 2) of a picture of (height, width) `before` are in the resized one."""
    factor = np.array([after[1] / before[1], after[0] / before[0]])
    moved: NDArray[np.float64] = (points_px + 0.5) * factor - 0.5
    return moved


def round_up(length: int, multiple: int) -> int:
    """The smallest multiple that is no less than `length`."""
    return math.ceil(length / multiple) * multiple


def stack(
    image: NDArray[np.uint8], height: int, width: int, *, row_px: float | None = None
) -> NDArray[np.float32]:
    """Network input float32 (6, height, width) of a picture uint8 (H, W, 3).

    Colours run from 0 (paper white, and everything outside the crop) to 1 (black), so that
    padding looks like blank paper. A crop is cut around its primary trace, so its edges say
    which trace is the primary: the fourth channel is 1 inside the crop, the fifth runs from -1
    at its upper edge to 1 at its lower one. The sixth is the prompt: where the row of the
    primary's baseline is known, it rises to 1 there; else it is 0.

    Args:
        image: The crop.
        height: Of the input, px; at least H.
        width: Of the input, px; at least W.
        row_px: Row of the primary's baseline, where it is known.
    """
    channels = np.zeros((CHANNELS, height, width), np.float32)
    rows, columns = image.shape[:2]
    channels[:3, :rows, :columns] = (255 - image).transpose(2, 0, 1) / np.float32(255)
    channels[INSIDE, :rows, :columns] = 1
    channels[HEIGHT, :rows, :columns] = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    if row_px is not None:
        away = np.abs(np.arange(rows) - row_px) / ROW_REACH_PX
        channels[ROW, :rows, :columns] = np.maximum(1 - away, 0)[:, None]
    return channels

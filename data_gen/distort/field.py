"""Smooth fields over a picture: computed on coarse cells, applied to every pixel."""

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from data_gen.arrays import F32
from data_gen.distort.blend import looked_up
from data_gen.distort.warp import Image

Gain = F32

_CELL_PX = 4  # side of a cell: shading is smooth over it
_ONE = 200  # the byte that stands for a gain of 1: up to 1.27 in steps of 0.5 %


@dataclass(frozen=True)
class Cells:
    """The coarse cells of a picture.

    Args:
        shape: (height, width) of the picture, px.
        px_per_mm: Its resolution.
    """

    shape: tuple[int, int]
    px_per_mm: float

    @property
    def size_mm(self) -> tuple[float, float]:
        """(height, width)."""
        return self.shape[0] / self.px_per_mm, self.shape[1] / self.px_per_mm

    @cached_property
    def y_mm(self) -> Gain:
        """Centres of the cells' rows, float32 (rows, 1)."""
        return self._centres_mm(self.shape[0])[:, None]

    @cached_property
    def x_mm(self) -> Gain:
        """Centres of the cells' columns, float32 (1, cols)."""
        return self._centres_mm(self.shape[1])[None]

    def _centres_mm(self, size_px: int) -> Gain:
        cells = np.arange(-(-size_px // _CELL_PX), dtype=np.float32)
        return np.asarray((cells + 0.5) * (_CELL_PX / self.px_per_mm), np.float32)

    def noise(self, wave_mm: float, rng: np.random.Generator) -> Gain:
        """Smooth noise of about unit variance that changes over `wave_mm`; (rows, cols)."""
        cell_mm = _CELL_PX / self.px_per_mm
        rows, cols = self.y_mm.shape[0], self.x_mm.shape[1]
        nodes = [math.ceil(cells * cell_mm / wave_mm) + 3 for cells in (rows, cols)]
        per_node = max(wave_mm / cell_mm, 1.0)
        coarse = rng.standard_normal(nodes, dtype=np.float32)
        # Three spare nodes: the start may lie anywhere in the first one.
        start_x, start_y = rng.uniform(0.5, 1.5, 2)
        scale = np.array([[1 / per_node, 0, start_x], [0, 1 / per_node, start_y]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        field = cv2.warpAffine(
            coarse, scale, (cols, rows), flags=flags, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(1.4 * field, np.float32)


def shade(image: Image, gain: Gain) -> Image:
    """The picture (H, W, 3) times a gain (rows, cols, 3) or (1, 1, 3) on its cells."""
    if (gain == 1).all():
        return image
    if gain.shape[:2] == (1, 1):
        levels = np.arange(256)[:, None]
        table = np.clip(np.round(levels * gain[0]), 0, 255).astype(np.uint8)
        return looked_up(np.ascontiguousarray(image), table)
    coded = np.clip(np.round(gain * _ONE), 0, 255).astype(np.uint8)
    rows, cols = coded.shape[:2]
    full = cv2.resize(coded, (cols * _CELL_PX, rows * _CELL_PX))
    full = full[: image.shape[0], : image.shape[1]]
    return np.asarray(cv2.multiply(image, full, scale=1 / _ONE), np.uint8)

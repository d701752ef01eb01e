"""What the networks of lead names look at: ink and darkness, the whole page and single words."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.illumination import extremes
from ecg_overlap.digitize.ink.darkness import darkness
from ecg_overlap.digitize.network import Image

MOST_PX_PER_MM = 8.0  # finer pictures are shrunk first: the smallest names are then 10 px high
SEARCH_PX_PER_MM = 4.0  # of the page that is searched for names
CELL_PX = 4  # of the searched page, to one place of the answer: 1 mm
WORD_SHAPE_PX = (32, 80)  # (height, width) of a word's view
WORD_LETTER_PX = 16.0  # height to which a word's letters are brought
_FULL_INK = 200  # coverage from which a pixel shows how dark full ink is
_LEAST_LEVEL = 0.1  # of light lost in full ink: paler is noise


@dataclass(frozen=True, eq=False)
class PageView:
    """A page as the networks see it.

    Args:
        layers: uint8 (H, W, 2): coverage of ink with the grid taken off, and darkness with all
            that is printed, 255 that of full ink. Where a grid is as dark as the ink, strokes on
            its lines are lost to the first and kept in the second.
        px_per_mm: Of the layers.
    """

    layers: NDArray[np.uint8]
    px_per_mm: float

    def searched(self) -> NDArray[np.uint8]:
        """The page at `SEARCH_PX_PER_MM`, uint8 (h, w, 2)."""
        height, width = self.layers.shape[:2]
        factor = SEARCH_PX_PER_MM / self.px_per_mm
        size = max(round(width * factor), CELL_PX), max(round(height * factor), CELL_PX)
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(self.layers, size, interpolation=how), np.uint8)

    def word(self, x_mm: float, y_mm: float, letter_mm: float) -> NDArray[np.uint8]:
        """What stands about a place, uint8 (32, 80, 2), its letters 16 px high.

        Args:
            x_mm: Centre of the word; 0 is the left edge of the page's first pixel.
            y_mm: Likewise, from above.
            letter_mm: Height of its letters.
        """
        height, width = WORD_SHAPE_PX
        half = np.array((width, height)) / WORD_LETTER_PX * letter_mm / 2
        low = np.floor((np.array((x_mm, y_mm)) - half) * self.px_per_mm).astype(int)
        high = np.ceil((np.array((x_mm, y_mm)) + half) * self.px_per_mm).astype(int)
        part = _part(self.layers, low, np.maximum(high, low + 1))
        how = cv2.INTER_AREA if len(part) > height else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)


def page_view(
    image: Image, ink: Image, *, px_per_mm: float, inside: NDArray[np.bool_] | None = None
) -> PageView:
    """A page as the networks see it.

    Args:
        image: uint8 (H, W, 3) RGB, on straight paper.
        ink: uint8 (H, W), coverage, from `ink.binarize`.
        px_per_mm: Of both.
        inside: bool (H, W), where there is picture; all of it if None.
    """
    lightest = extremes(image)[1]
    scale = min(MOST_PX_PER_MM / px_per_mm, 1.0)
    if scale < 1:
        size = max(round(ink.shape[1] * scale), 1), max(round(ink.shape[0] * scale), 1)
        lightest, ink = (
            np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.uint8)
            for layer in (lightest, ink)
        )
    dark = darkness(lightest, px_per_mm * scale)
    full = dark[ink >= _FULL_INK]
    level = max(float(np.median(full)) if full.size else 1.0, _LEAST_LEVEL)
    share = cv2.convertScaleAbs(dark, alpha=255 / level)
    layers = np.stack([ink, np.asarray(share, np.uint8)], axis=2)
    if inside is not None:
        kept = cv2.resize(inside.astype(np.uint8), ink.shape[::-1], interpolation=cv2.INTER_NEAREST)
        layers *= np.asarray(kept, np.uint8)[..., None]
    return PageView(layers, px_per_mm * scale)


def _part(
    layers: NDArray[np.uint8], low: NDArray[np.int_], high: NDArray[np.int_]
) -> NDArray[np.uint8]:
    """A rectangle [low, high) of (x, y) px, blank beyond the page."""
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    height, width = layers.shape[:2]
    part = np.zeros((bottom - top, right - left, layers.shape[2]), np.uint8)
    x0, x1, y0, y1 = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
    if x0 < x1 and y0 < y1:
        part[y0 - top : y1 - top, x0 - left : x1 - left] = layers[y0:y1, x0:x1]
    return part

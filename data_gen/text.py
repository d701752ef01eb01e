"""Printed text as coverage: DejaVu from matplotlib, and the strokes of Hershey's plotter fonts."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from data_gen.arrays import U8

_TRUETYPE = {
    "sans": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "mono": "DejaVuSansMono.ttf",
}
_HERSHEY = {
    "plotter": cv2.FONT_HERSHEY_SIMPLEX,
    "plotter_serif": cv2.FONT_HERSHEY_COMPLEX,
}
FONTS = (*_TRUETYPE, *_HERSHEY)


@lru_cache(maxsize=8)
def _face(font: str) -> FT2Font:
    return FT2Font(str(Path(get_data_path()) / "fonts" / "ttf" / _TRUETYPE[font]))


@lru_cache(maxsize=2048)
def text_coverage(text: str, *, font: str, em_px: int) -> tuple[U8, int]:
    """A line of text.

    Args:
        text: Latin letters and digits.
        font: One of `FONTS`.
        em_px: Font size; capitals are about 0.73 of it high.

    Returns:
        uint8 (h, w) coverage, read-only, and the row of its baseline.
    """
    cover, baseline = (_truetype if font in _TRUETYPE else _hershey)(text, font, em_px)
    cover.flags.writeable = False
    return cover, baseline


def _truetype(text: str, font: str, em_px: int) -> tuple[U8, int]:
    face = _face(font)
    face.set_size(em_px, 72)  # at 72 dpi a point is a pixel
    face.set_text(text, 0.0)
    face.draw_glyphs_to_bitmap(antialiased=True)
    cover = np.array(face.get_image(), dtype=np.uint8)
    return cover, cover.shape[0] - round(face.get_descent() / 64)


def _hershey(text: str, font: str, em_px: int) -> tuple[U8, int]:
    face, pen = _HERSHEY[font], max(1, round(em_px / 14))
    scale = cv2.getFontScaleFromHeight(face, max(2, round(0.73 * em_px)), pen)
    (width, height), below = cv2.getTextSize(text, face, scale, pen)
    cover = np.zeros((height + below + 2 * pen, width + 2 * pen), np.uint8)
    cv2.putText(cover, text, (pen, height + pen), face, scale, 255, pen, cv2.LINE_AA)
    return cover, height + pen

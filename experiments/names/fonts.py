"""Fonts of a folder, those for training and those held out; words drawn with them."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HELD_OUT = (
    "B612", "Carlito", "Courier Prime", "Gentium", "Hack", "Lato", "Linux Libertine",
    "Old Standard", "Open Sans", "URW Bookman", "FreeSans", "Liberation Serif",
)  # fmt: skip
_NO_PRINTER = (
    "Symbol", "D05", "Z003", "Math", "Keyboard", "Initials", "Hairline", "Thin", "Dunhill",
    "Caps", "ExtraLight", "Black",
)  # fmt: skip
_HERSHEY = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)  # fmt: skip


def faces(folder: Path, *, held_out: bool) -> list[list[str]]:
    """Font files by family; in training also "hershey:N", OpenCV's plotter fonts."""
    families: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.[to]tf")):
        family, style = ImageFont.truetype(str(file), 20).getname()
        name = f"{family} {style}"
        if any(word in name for word in _NO_PRINTER):
            continue
        if any(name.startswith(word) for word in HELD_OUT) == held_out:
            families.setdefault(str(family), []).append(str(file))
    chosen = [families[name] for name in sorted(families)]
    return chosen if held_out else [*chosen, [f"hershey:{n}" for n in range(len(_HERSHEY))]]


def any_face(families: list[list[str]], rng: np.random.Generator) -> str:
    """A face of any family, upright ones thrice as often."""
    family = families[int(rng.integers(len(families)))]
    upright = [f for f in family if not any(w in f for w in ("Italic", "Oblique", "oblique"))]
    pool = upright if upright and rng.random() < 0.75 else family
    return pool[int(rng.integers(len(pool)))]


@lru_cache(maxsize=512)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(face, size)


def drawn(text: str, face: str, em_px: float, spacing_em: float = 0.0) -> tuple[np.ndarray, int]:
    """Coverage of a word, uint8 (h, w), cut to its ink, and the row of its baseline."""
    if face.startswith("hershey:"):
        cover, line = _hershey(text, int(face[8:]), em_px, spacing_em)
    else:
        font = _font(face, max(6, round(em_px)))
        pieces = list(text) if spacing_em else [text]
        width = int(font.getlength(text) + em_px * (1 + spacing_em * len(text))) + 8
        canvas = Image.new("L", (width, int(3 * em_px) + 8))
        pen, x, line = ImageDraw.Draw(canvas), em_px / 2, round(1.8 * em_px)
        for piece in pieces:
            pen.text((x, line), piece, fill=255, font=font, anchor="ls")
            x += font.getlength(piece) + spacing_em * em_px
        cover = np.asarray(canvas)
    rows, columns = np.flatnonzero(cover.max(axis=1)), np.flatnonzero(cover.max(axis=0))
    if not len(rows):
        return np.zeros((1, 1), np.uint8), 0
    cut = cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut.copy(), int(line - rows[0])


def _hershey(text: str, n: int, em_px: float, spacing_em: float) -> tuple[np.ndarray, int]:
    face, pen = _HERSHEY[n], max(1, round(em_px / 14))
    scale = cv2.getFontScaleFromHeight(face, max(2, round(0.73 * em_px)), pen)
    canvas = np.zeros(
        (int(3 * em_px) + 8, int((len(text) + 2) * em_px * (1 + spacing_em))), np.uint8
    )
    x, line = em_px / 2, round(1.8 * em_px)
    for piece in list(text) if spacing_em else [text]:
        cv2.putText(canvas, piece, (round(x), line), face, scale, 255, pen, cv2.LINE_AA)
        x += cv2.getTextSize(piece, face, scale, pen)[0][0] + spacing_em * em_px
    return canvas, line

"""Parts of drawn pages with more words stamped on them: what the networks are trained on."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from data_gen.sample import LEADS
from experiments.names.fonts import any_face, drawn

LETTER_MM = (1.3, 4.8)  # height of a name's capitals
OTHER_WORDS = (
    "mm/s", "25 mm/s", "25mm/s", "10 mm/mV", "10mm/mV", "Hz", "150", "40", "bpm", "ms", "HR",
    "PR", "QRS", "QT", "QTc", "P", "R", "T", "axis", "ID", "Name", "Age", "Sex", "M", "F",
    "Normal", "ECG", "Abnormal", "sinus", "rhythm", "Rate", "Limb:", "Chest:", "V4r", "V7", "V8",
    "V9", "V3R", "V4R", "Vx", "X", "Y", "Z", "ms", "mV", "A", "B", "C", "N", "*", "?", "->",
    "60~", "50", "100Hz", "0.05", "Page", "of", "Dr.", "Room", "157", "98", "61", "7", "3",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Canvas:
    """A part of a page.

    Args:
        layers: uint8 (H, W, 2), as `PageView.layers`.
        px_per_mm: Of it.
        boxes: float64 (n, 4), mm: centre x, y, width, height of the names wholly in it.
        names: int (n,), index in `LEADS`.
        cut: float64 (m, 4), mm: names of which only a part is seen.
    """

    layers: np.ndarray
    px_per_mm: float
    boxes: np.ndarray
    names: np.ndarray
    cut: np.ndarray


class Pages:
    """The pages of a folder (`pages.py`), and parts of them with stamps."""

    def __init__(self, folder: Path, families: list[list[str]]) -> None:
        self.families = families
        self.pages = []
        for file in sorted(folder.glob("*.npz")):
            with np.load(file) as stored:
                self.pages.append({k: stored[k] for k in stored.files})

    def canvas(self, rng: np.random.Generator, *, side_mm: float = 80.0, stamps: int = 7) -> Canvas:
        page = self.pages[int(rng.integers(len(self.pages)))]
        scale = float(page["px_per_mm"])
        height, width = page["layers"].shape[:2]
        side = round(side_mm * scale)
        left = int(rng.integers(-side // 8, max(width - side * 7 // 8, 1)))
        top = int(rng.integers(-side // 8, max(height - side * 7 // 8, 1)))
        layers = np.zeros((side, side, 2), np.uint8)
        y0, x0 = max(top, 0), max(left, 0)
        part = page["layers"][y0 : top + side, x0 : left + side]
        layers[y0 - top : y0 - top + part.shape[0], x0 - left : x0 - left + part.shape[1]] = part
        boxes = page["boxes"] - [left / scale, top / scale, 0, 0]
        names = page["names"]
        paper_mm = (-left / scale, -top / scale, (width - left) / scale, (height - top) / scale)
        low, high = np.maximum(paper_mm[:2], 0), np.minimum(paper_mm[2:], side_mm)
        ends = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
        whole = ((ends[0] >= low) & (ends[1] <= high)).all(axis=1)
        seen = ((ends[1] > low) & (ends[0] < high)).all(axis=1)
        canvas = Canvas(layers, scale, boxes[whole], names[whole], boxes[seen & ~whole])
        return _stamped(canvas, self.families, rng, stamps) if stamps else canvas


def _stamped(canvas: Canvas, families: list[list[str]], rng: np.random.Generator, n: int) -> Canvas:
    boxes, names, taken = list(canvas.boxes), list(canvas.names), list(canvas.boxes)
    taken += list(canvas.cut)
    side_mm = len(canvas.layers) / canvas.px_per_mm
    inked = np.argwhere(canvas.layers[::7, ::7, 0] > 128) * 7 / canvas.px_per_mm
    for _ in range(n):
        letter = float(np.exp(rng.uniform(*np.log(LETTER_MM))))
        name, cover = _any_word(families, rng, letter * canvas.px_per_mm)
        size = np.array(cover.shape[::-1]) / canvas.px_per_mm
        centre = rng.uniform(0, side_mm, 2)
        if len(inked) and rng.random() < 0.6:  # at a trace
            centre = inked[int(rng.integers(len(inked)))][::-1] + rng.normal(0, 4, 2)
        box = np.array([*centre, *size])
        low, high = box[:2] - size / 2, box[:2] + size / 2
        if (low < 0.5).any() or (high > side_mm - 0.5).any() or _touches(box, taken):
            continue
        shift = np.round(low * canvas.px_per_mm).astype(int)
        _print(canvas.layers, cover, shift, rng)
        box[:2] = (shift + np.array(cover.shape[::-1]) / 2) / canvas.px_per_mm
        taken.append(box)
        if name is not None:
            boxes.append(box)
            names.append(name)
    stacked = np.array(boxes).reshape(-1, 4)
    return Canvas(canvas.layers, canvas.px_per_mm, stacked, np.array(names, int), canvas.cut)


def _touches(box: np.ndarray, others: list[np.ndarray]) -> bool:
    return any(
        (np.abs(box[:2] - o[:2]) < (box[2:] + o[2:]) / 2 + 0.25 * max(box[3], o[3])).all()
        for o in others
    )


def _any_word(
    families: list[list[str]], rng: np.random.Generator, letter_px: float
) -> tuple[int | None, np.ndarray]:
    """A name (its index) or another word, or a bar (None), and its coverage."""
    u = rng.random()
    if u < 0.1:  # a separator or another upright stroke
        height = max(round(letter_px * rng.uniform(0.6, 3.0)), 3)
        return None, np.full(
            (height, max(1, round(letter_px * rng.uniform(0.06, 0.22)))), 255, np.uint8
        )
    if u < 0.17:
        return None, _pulse(letter_px, rng)
    face = any_face(families, rng)
    spacing = float(rng.uniform(0.05, 0.7)) if rng.random() < 0.3 else 0.0
    name = int(rng.integers(12)) if u < 0.67 else int(rng.integers(3)) if u < 0.8 else None
    word = LEADS[name] if name is not None else OTHER_WORDS[int(rng.integers(len(OTHER_WORDS)))]
    if name is not None and rng.random() < 0.25:
        word = word.upper()
    tall, _ = drawn("V", face, letter_px * 1.4)
    em = letter_px * 1.4 * letter_px / max(len(tall), 1)
    cover, _ = drawn(word, face, em, spacing)
    if rng.random() < 0.5:
        cover = _turned(cover, float(rng.normal(0, 1.5)))
    return name, cover


def _pulse(letter_px: float, rng: np.random.Generator) -> np.ndarray:
    """A calibration pulse, from narrow to square; its feet may be missing."""
    height, width = (max(round(letter_px * rng.uniform(*r)), 4) for r in ((0.8, 4.0), (0.4, 2.0)))
    foot, pen = (
        round(width * rng.uniform(0, 0.6)),
        max(1, round(letter_px * rng.uniform(0.06, 0.2))),
    )
    cover = np.zeros((height + pen, width + 2 * foot + pen), np.uint8)
    cover[:, foot : foot + pen] = cover[:, foot + width : foot + width + pen] = 255
    cover[:pen, foot : foot + width] = 255
    cover[-pen:, :foot] = cover[-pen:, foot + width :] = 255
    return cover


def _turned(cover: np.ndarray, degrees: float) -> np.ndarray:
    pad = 2
    padded = cv2.copyMakeBorder(cover, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    height, width = padded.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += np.random.default_rng(height * width).uniform(-0.5, 0.5, 2)
    return cv2.warpAffine(padded, turn, (width, height))


def _print(layers: np.ndarray, cover: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> None:
    """Print coverage with its top left corner at (x, y), as a pale or blurred print would be."""
    pad = 3
    ink = (
        cv2.copyMakeBorder(cover, pad, pad, pad, pad, cv2.BORDER_CONSTANT).astype(np.float32) / 255
    )
    if rng.random() < 0.7:
        ink = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 1.1)))
    ink *= float(rng.uniform(0.5, 1.0))
    if rng.random() < 0.3:
        ink *= 1 - rng.uniform(0, 0.8) * (rng.random(ink.shape) < 0.2).astype(np.float32)
    x, y = int(at[0]) - pad, int(at[1]) - pad
    y0, x0 = max(y, 0), max(x, 0)
    under = layers[y0 : y + ink.shape[0], x0 : x + ink.shape[1]]
    ink = ink[y0 - y : y0 - y + under.shape[0], x0 - x : x0 - x + under.shape[1]]
    before = under.astype(np.float32) / 255
    grid = np.where(before[..., 0] < 0.3, before[..., 1], 0)
    dark = 1 - (1 - before[..., 1]) * (1 - ink)
    seen = ink / max(float(ink.max()), 0.3) if rng.random() < 0.5 else ink
    seen = seen * (grid < rng.uniform(0.25, 1.3))  # strokes on dark lines are lost
    if rng.random() < 0.3:
        seen = (seen > rng.uniform(0.25, 0.6)).astype(np.float32)
    under[..., 0] = np.maximum(before[..., 0], seen) * 255
    under[..., 1] = dark * 255

"""A lead's picture with what was read of it: its path, 0 mV, a scale, and how far to trust it."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.paths.path import stretches

FloatArray = NDArray[np.float64]
Picture = NDArray[np.uint8]
Rgb = tuple[int, int, int]

TRACE_RGB: Rgb = (220, 20, 60)
DOUBTFUL_RGB: Rgb = (20, 80, 230)
MARKS_RGB: Rgb = (0, 120, 90)  # of 0 mV, the scale and the words
MOST_PIXELS, MOST_SIDE_PX = 32_000_000, 32_000  # of it: what a viewer opens at once
DOUBTFUL = 0.5  # confidence, 0–1: below it a sample is as likely wrong as right
SCALE_MV, SCALE_S = 1.0, 0.2  # of the scale's two legs: a big box wide, two high, as a rule
LETTER_MM, LEAST_LETTER_PX = 1.5, 9.0  # height of a capital
EDGE_MM = 1.0  # of paper between the picture's edge and the words
MOST_WORDS = 0.25  # of the picture's height that words may take before they are made smaller
LINE = 1.7  # of a capital's height: from line to line
_SHIFT = 4  # fractional bits of OpenCV's coordinates
_FONT, _CAPITAL_PX = cv2.FONT_HERSHEY_SIMPLEX, 21.0


def overlay(lead: LeadSignal, image: Picture, *, scale: float = 2) -> Picture:
    """The picture, enlarged and in pale colours, with the path and its scale on it.

    The path is red, and blue where its confidence is under `DOUBTFUL`; in green the row of 0 mV, a
    scale of 1 mV and 0.2 s, quality, mean confidence and flags, where the path leaves most room.

    Args:
        lead: What `digitize_lead` returned.
        image: What it was given, uint8 (H, W, 3), RGB.
        scale: By how much it is enlarged; less where it would have over `MOST_PIXELS`.

    Returns:
        uint8 (H · scale, W · scale, 3), RGB.
    """
    height, width = image.shape[:2]
    scale = min(scale, math.sqrt(MOST_PIXELS / (height * width)), MOST_SIDE_PX / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_CUBIC if scale >= 1 else cv2.INTER_AREA
    shown = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    np.subtract(255, shown, out=shown)
    shown //= 2
    np.subtract(255, shown, out=shown)
    points = (lead.path_px + 0.5) * scale - 0.5
    _draw(shown, (zero_px(lead) + 0.5) * scale - 0.5, MARKS_RGB)
    _draw(shown, points, TRACE_RGB)
    doubtful = _near(lead.confidence < DOUBTFUL)
    _draw(shown, np.where(doubtful[:, None], points, np.nan), DOUBTFUL_RGB)
    _explain(shown, lead, points, scale)
    return shown


def zero_px(lead: LeadSignal) -> FloatArray:
    """Where 0 mV is under each sample, float64 (n, 2), (x, y) in the picture; NaN where unseen."""
    down = _axes(lead)[1]
    mv = lead.signal_mv[:, None] * lead.calibration.px_per_mv
    return np.asarray(lead.path_px + mv * down, np.float64)


def _axes(lead: LeadSignal) -> tuple[FloatArray, FloatArray]:
    """Unit vectors (x, y) of the picture along which time runs, and mV fall."""
    turn = math.radians(lead.angle_deg - lead.turned_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([cos, sin]), np.array([-sin, cos])


def _near(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Samples of the mask, and one to either side, so that a single one is a line too."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    return wide


def _draw(shown: Picture, points: FloatArray, colour: Rgb) -> None:
    for start, stop in stretches(points):
        fixed = np.rint(points[start:stop].clip(-1e4, 1e5) * 2**_SHIFT).astype(np.int32)
        cv2.polylines(shown, [fixed], False, colour, 1, cv2.LINE_AA, _SHIFT)


def _explain(shown: Picture, lead: LeadSignal, points: FloatArray, scale: float) -> None:
    """The words, and the scale at their right, above the path or beneath it."""
    height, width = shown.shape[:2]
    mm = scale * (lead.calibration.px_per_mm_x + lead.calibration.px_per_mm_y) / 2
    edge = round(min(EDGE_MM * mm, height / 8)) + 1
    right, down = _axes(lead)
    legs = (
        right * SCALE_S * lead.calibration.px_per_s * scale,
        -down * SCALE_MV * lead.calibration.px_per_mv * scale,
    )
    corner = (
        np.array([width - edge, height - edge]) - np.maximum(legs[0], 0) - np.maximum(legs[1], 0)
    )
    corner = np.maximum(corner, edge - np.minimum(legs[0], 0) - np.minimum(legs[1], 0))
    _draw(shown, np.stack([corner + legs[1], corner, corner + legs[0]]), MARKS_RGB)
    words = [f"{SCALE_MV:g} mV, {SCALE_S:g} s", *_words(lead)]
    room = width - 2 * edge - (abs(legs[0][0]) + abs(legs[1][0])) - edge
    lines, capital = _fitted(words, max(room, width / 2), MOST_WORDS * height, LETTER_MM * mm)
    line = round(LINE * capital)
    y = points[np.isfinite(points).all(axis=1), 1]
    block = edge + line * len(lines)
    above = int((y < block).sum()) <= int((y > height - block).sum())
    first = edge + round(capital) if above else height - block + round(capital)
    for k, text in enumerate(lines):
        _write(shown, text, (edge, first + k * line), capital)


def _words(lead: LeadSignal) -> list[str]:
    mean = float(lead.confidence.mean()) if len(lead.confidence) else 0.0
    stated = [f"quality {lead.quality:.2f}"] if math.isfinite(lead.quality) else []
    return [*stated, f"confidence {mean:.2f}", *lead.flags]


def _fitted(words: list[str], room: float, most: float, capital: float) -> tuple[list[str], float]:
    """Lines of words, and how high their capitals are so that the lines are not, px."""
    while True:
        lines = _wrapped(words, room, capital)
        if capital <= LEAST_LETTER_PX or LINE * capital * len(lines) <= most:
            return lines, max(capital, LEAST_LETTER_PX)
        capital *= 0.9


def _wrapped(words: list[str], room: float, capital: float) -> list[str]:
    """Lines of as many words as fit, apart by two blanks; a longer one has its own."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]}  {word}"
        if cv2.getTextSize(longer, _FONT, capital / _CAPITAL_PX, 1)[0][0] <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _write(shown: Picture, text: str, at: tuple[int, int], capital: float) -> None:
    size, thick = capital / _CAPITAL_PX, max(1, round(capital / 12))
    cv2.putText(shown, text, at, _FONT, size, (255, 255, 255), thick + 3, cv2.LINE_AA)
    cv2.putText(shown, text, at, _FONT, size, MARKS_RGB, thick, cv2.LINE_AA)

"""The calibration pulse: a rectangle 1 mV high and 0.2 s wide, drawn beside a row's traces."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError

_LEAST_STROKE_PX = 16  # a side of the rectangle; 1 mV at 4 px/mm is 40 px, at 5 mm/mV 20 px
_DEV = 0.2  # relative deviation of the aspect ratio that passes

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pulse:
    """Where the rectangle stands, and what it says of the scale.

    Args:
        left_px: Column of the rising side's middle.
        right_px: Column of the falling side's middle.
        top_px: Row of the top's middle.
        baseline_px: Row of 0 mV.
        px_per_mm_x: Pixels per millimetre along time, at the paper speed given.
        px_per_mm_y: Pixels per millimetre along amplitude, at the gain given.
    """

    left_px: float
    right_px: float
    top_px: float
    baseline_px: float
    px_per_mm_x: float
    px_per_mm_y: float


def find_pulse(
    mask: NDArray[np.uint8], *, mm_per_s: float = 25.0, mm_per_mv: float = 10.0
) -> Pulse:
    """Measure a calibration pulse, so that a picture without a grid has a scale.

    Two upright strokes of one height are sought whose tops are joined by a level stroke,
    with nothing between them below it; pixels are taken to be square within 20 %.

    Args:
        mask: uint8 (H, W), coverage of ink.
        mm_per_s: Paper speed: the pulse lasts 0.2 s.
        mm_per_mv: Gain: the pulse is 1 mV high.

    Raises:
        DigitizeError: There is none.

    Example:
        >>> mask = np.zeros((150, 200), np.uint8)
        >>> corners = np.array([(10, 120), (30, 120), (30, 40), (70, 40), (70, 120), (190, 120)])
        >>> _ = cv2.polylines(mask, [corners.astype(np.int32)], False, 255, 2)
        >>> round(find_pulse(mask).px_per_mm_y)
        8
    """
    ink = (mask > 127).astype(np.uint8)
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((_LEAST_STROKE_PX, 1), np.uint8))
    count, _, stats, centres = cv2.connectedComponentsWithStats(upright)
    sides = [
        (centres[n][0], stats[n][cv2.CC_STAT_TOP], stats[n][cv2.CC_STAT_HEIGHT])
        for n in np.argsort(centres[:, 0])
        if n != 0 and stats[n][cv2.CC_STAT_WIDTH] < 0.4 * stats[n][cv2.CC_STAT_HEIGHT]
    ]
    aspect = 0.2 * mm_per_s / mm_per_mv
    best: tuple[float, Pulse] | None = None
    for place, (left, top, height) in enumerate(sides[: min(count, 200)]):
        for right, other_top, other_height in sides[place + 1 :]:
            width = right - left
            if width > (1 + _DEV) * aspect * height:
                break
            off = abs(width / (aspect * height) - 1)
            level = abs(other_top - top) <= 3 and abs(other_height - height) <= 0.15 * height
            if off > _DEV or not level:
                continue
            pulse = _measured(mask, (left, right, top, top + height - 1), mm_per_s, mm_per_mv)
            if pulse is not None and (best is None or off < best[0]):
                best = off, pulse
    if best is None:
        raise DigitizeError("pulse", "no calibration pulse was found", "give px_per_mm")
    return best[1]


def _measured(
    mask: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    mm_per_s: float,
    mm_per_mv: float,
) -> Pulse | None:
    """The rectangle's sides to a fraction of a pixel, or None where it is no rectangle."""
    left, right, top, bottom = box
    inner = slice(int(left + 0.2 * (right - left)), int(right - 0.2 * (right - left)) + 1)
    band = slice(max(int(top) - 3, 0), int(top + 0.2 * (bottom - top)) + 1)
    below = slice(band.stop, int(bottom - 0.2 * (bottom - top)))
    roof = mask[band, inner].astype(np.float64)
    if not roof.size or (roof.max(axis=0) > 127).mean() < 0.9:
        return None
    if (mask[below, inner] > 127).any(axis=0).mean() > 0.1:
        return None
    top_px = _middle(roof.sum(axis=1)) + band.start
    reach = max(int(0.25 * (right - left)), 3)
    left_px, right_px = (
        _middle(mask[below, max(int(x) - reach, 0) : int(x) + reach].sum(axis=0, dtype=np.float64))
        + max(int(x) - reach, 0)
        for x in (left, right)
    )
    # The feet: ink just outside the rectangle, at the height of the sides' lower ends.
    foot = slice(int(bottom) - reach, int(bottom) + 3)
    outside = [
        mask[foot, max(int(left) - 3 * reach, 0) : max(int(left) - reach, 0)],
        mask[foot, int(right) + reach : int(right) + 3 * reach],
    ]
    rows = [_middle(part.sum(axis=1, dtype=np.float64)) for part in outside if part.any()]
    half_stroke = 0.5 * float(roof.sum() / 255 / roof.shape[1])
    baseline_px = foot.start + float(np.mean(rows)) if rows else bottom - half_stroke + 0.5
    return Pulse(
        left_px=left_px,
        right_px=right_px,
        top_px=top_px,
        baseline_px=baseline_px,
        px_per_mm_x=(right_px - left_px) / (0.2 * mm_per_s),
        px_per_mm_y=(baseline_px - top_px) / mm_per_mv,
    )


def _middle(weight: FloatArray) -> float:
    """Weighted mean index."""
    return float((np.arange(len(weight)) * weight).sum() / max(float(weight.sum()), 1e-9))

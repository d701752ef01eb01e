"""The calibration pulse: a rectangle 1 mV high and 0.2 s wide, drawn beside a row's traces."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError

_LEAST_STROKE_PX = 16  # a side of the rectangle; 1 mV at 4 px/mm is 40 px, at 5 mm/mV 20 px
MOST_SIDES = 200  # of which pairs are tried
PULSE_S = 0.2
_DEV = 0.2  # relative deviation of the aspect ratio that passes
# mm/s and mm/mV, the likeliest first. Where two give one shape, as 50 and 10 do and 25 and 5, it
# does not matter for the signal which is taken.
OFFERED = ((25.0, 10.0), (50.0, 10.0), (25.0, 20.0), (25.0, 5.0), (50.0, 5.0), (50.0, 20.0))
LEAST_PX_PER_MM = 4.0  # 100 dpi: what is smaller is a letter, if its shape is not the usual one
_FOOT_SHARE = 0.08  # of a pulse's height, under 1 mm: its foot is at least so long
_EDGE_PX = 2  # what comes so near to the picture's edge is cut off there

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


def measure_pulse(
    mask: NDArray[np.uint8], *, mm_per_s: float | None = None, mm_per_mv: float | None = None
) -> tuple[Pulse, float, float]:
    """A pulse with the speed and gain that make its pixels square.

    Its shape, 0.2 s by 1 mV, is another at 50 mm/s or at 5 mm/mV than at the usual speed and
    gain. Those are tried first, then others that electrocardiographs offer; last a pulse of which
    the picture's edge cuts one side off.

    Args:
        mask: uint8 (H, W), coverage of ink.
        mm_per_s: Paper speed, where known.
        mm_per_mv: Gain, where known.

    Returns:
        The pulse, mm/s and mm/mV.

    Raises:
        DigitizeError: There is none.
    """
    offered = [
        (speed, gain)
        for speed, gain in OFFERED
        if mm_per_s in (None, speed) and mm_per_mv in (None, gain)
    ] or [(mm_per_s or OFFERED[0][0], mm_per_mv or OFFERED[0][1])]
    refused: DigitizeError | None = None
    for n, (speed, gain) in enumerate(offered):
        try:
            pulse = find_pulse(mask, mm_per_s=speed, mm_per_mv=gain)
        except DigitizeError as error:
            refused = refused or error
            continue
        if n == 0 or pulse.px_per_mm_y >= LEAST_PX_PER_MM:
            return pulse, speed, gain
        refused = refused or DigitizeError("pulse", "as small as a letter", "give px_per_mm")
    cut = _cut_pulse(mask, offered)
    if cut is None:
        assert refused is not None  # something is offered
        raise refused
    return cut


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
    sides = _sides(mask)
    aspect = PULSE_S * mm_per_s / mm_per_mv
    best: tuple[float, Pulse] | None = None
    for place, (left, top, height) in enumerate(sides[:MOST_SIDES]):
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


def _sides(mask: NDArray[np.uint8]) -> list[tuple[float, int, int]]:
    """Upright strokes, from left to right: column, top row and height, px."""
    ink = (mask > 127).astype(np.uint8)
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((_LEAST_STROKE_PX, 1), np.uint8))
    _, _, stats, centres = cv2.connectedComponentsWithStats(upright)
    return [
        (
            float(centres[n][0]),
            int(stats[n][cv2.CC_STAT_TOP]),
            int(stats[n][cv2.CC_STAT_HEIGHT]),
        )
        for n in np.argsort(centres[:, 0])
        if n != 0 and stats[n][cv2.CC_STAT_WIDTH] < 0.4 * stats[n][cv2.CC_STAT_HEIGHT]
    ]


def _cut_pulse(
    mask: NDArray[np.uint8], offered: list[tuple[float, float]]
) -> tuple[Pulse, float, float] | None:
    """A pulse of which one side is beyond the picture's left or right edge.

    Its height tells the scale, its pixels are taken for square, and its roof, which is cut, says
    how wide it is at the least: the first speed and gain of those offered is taken at which it is.
    """
    width = mask.shape[1]
    for mirrored in (False, True):
        seen = np.ascontiguousarray(mask[:, ::-1]) if mirrored else mask
        for right, top, height in _sides(seen)[:1]:
            box = (0.0, right, top, top + height - 1)
            pulse = _measured(seen, box, 1.0, 1.0)
            foot = _foot(seen, right, top, height)
            if pulse is None or foot is None or not _reaches_edge(seen, pulse):
                continue
            pulse = replace(pulse, baseline_px=foot)
            high = pulse.baseline_px - pulse.top_px
            for speed, gain in offered:
                scale = high / gain
                if scale < LEAST_PX_PER_MM or pulse.right_px > PULSE_S * speed * scale:
                    continue
                left, right = pulse.right_px - PULSE_S * speed * scale, pulse.right_px
                if mirrored:
                    left, right = width - 1 - right, width - 1 - left
                found = replace(
                    pulse, left_px=left, right_px=right, px_per_mm_x=scale, px_per_mm_y=scale
                )
                return found, speed, gain
    return None


def _foot(mask: NDArray[np.uint8], side_px: float, top: int, height: int) -> float | None:
    """Row of the level ink behind a falling side, at its lower end; None if there is more."""
    first = int(side_px) + 1 + _EDGE_PX
    beside = slice(first, max(int(side_px + _FOOT_SHARE * height), first + 1))
    band = slice(int(top + 0.9 * height), int(top + 1.1 * height) + 1)
    level = mask[band, beside]
    others = mask[: band.start, beside], mask[band.stop :, beside]
    inked = level.size > 0 and bool((level > 127).any(axis=0).all())
    if not inked or any((other > 127).any() for other in others):
        return None
    return _middle(level.sum(axis=1, dtype=np.float64)) + band.start


def _reaches_edge(mask: NDArray[np.uint8], pulse: Pulse) -> bool:
    """Whether the roof, and nothing below it, touches the picture's left edge."""
    touching = np.flatnonzero((mask[:, :_EDGE_PX] > 127).any(axis=1))
    return len(touching) > 0 and bool(np.abs(touching - pulse.top_px).max() <= 3 + _EDGE_PX)


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
        px_per_mm_x=(right_px - left_px) / (PULSE_S * mm_per_s),
        px_per_mm_y=(baseline_px - top_px) / mm_per_mv,
    )


def _middle(weight: FloatArray) -> float:
    """Weighted mean index."""
    return float((np.arange(len(weight)) * weight).sum() / max(float(weight.sum()), 1e-9))

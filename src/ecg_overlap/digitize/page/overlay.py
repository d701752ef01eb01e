"""The picture of a page with what was read of it drawn on it, and a thumbnail of that."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.page.page_signal import PageSignal, Strip
from ecg_overlap.digitize.paths.path import stretches
from ecg_overlap.digitize.quality import LOW_QUALITY

Rgb = tuple[int, int, int]
Picture = NDArray[np.uint8]

# Dark enough for pale paper, far from red, and no two alike that stand beside each other.
LEAD_RGB: dict[str, Rgb] = {
    "I": (31, 88, 180),
    "II": (20, 132, 60),
    "III": (123, 74, 30),
    "aVR": (118, 58, 180),
    "aVL": (0, 128, 132),
    "aVF": (128, 112, 0),
    "V1": (0, 102, 204),
    "V2": (72, 120, 16),
    "V3": (180, 102, 0),
    "V4": (176, 40, 140),
    "V5": (104, 76, 200),
    "V6": (96, 96, 24),
}
UNEXPLAINED_RGB: Rgb = (222, 30, 30)
PX_PER_MM = 8.0  # of the drawing: finer pictures are shrunk to it
MAX_ENLARGED = 2.0  # coarser ones are enlarged, so that lines do not hide what they are drawn on
PALE = 0.45  # of the picture's darkness is left
LINE_MM = 0.25
TICK_MM = 4.0
LETTER_MM = 2.6
NAME_MM = 4.0  # above 0 mV, and above what the trace has there
THUMB_PX = 320  # width
MIN_PX_PER_MM_LETTERS = 2.0  # below it they would be blots
STEP = 6  # of the paled shades: in fewer shades the file has half the size, and looks alike
_PALED = np.asarray(255 - np.rint((255 - np.arange(256)) * PALE / STEP) * STEP, np.uint8)
_SHIFT = 4  # fractional bits of OpenCV's coordinates


def picture_of(page: PageSignal, image: Picture) -> Picture:
    """The picture in which a page's paths are: as it was read, turned upright.

    Args:
        page: A digitized page.
        image: What was given to the reader, uint8 (H, W, 3), RGB.
    """
    seen = page.stage_images.get("image")
    return np.rot90(image, -page.turned_deg // 90) if seen is None else seen


def draw_overlay(page: PageSignal, image: Picture) -> Picture:
    """The page, paled, with every strip's path, name and 0 mV, and in red what none explains.

    Behind the name of a lead of less than `LOW_QUALITY` stands its quality.

    Args:
        page: A digitized page.
        image: What was given to the reader, uint8 (H, W, 3), RGB.

    Returns:
        uint8 (H, W, 3), RGB, at `PX_PER_MM`.
    """
    scale = min(MAX_ENLARGED, PX_PER_MM / float(np.mean(page.px_per_mm)))
    return _drawn(page, picture_of(page, image), scale)


def draw_thumbnail(page: PageSignal, image: Picture) -> Picture:
    """The same, 320 px wide and without letters."""
    image = picture_of(page, image)
    return _drawn(page, image, min(1.0, THUMB_PX / image.shape[1]))


def _drawn(page: PageSignal, image: Picture, scale: float) -> Picture:
    shown = _resized(image, scale)
    shown = np.asarray(cv2.LUT(shown, _PALED), np.uint8)
    unexplained = page.stage_images.get("unexplained")
    if unexplained is not None:
        share = _resized(unexplained, scale)
        some = share > 0
        weight = share[some, None] / 255.0
        shown[some] = np.rint(shown[some] * (1 - weight) + weight * UNEXPLAINED_RGB)
    for strip in page.strips:
        _draw_strip(shown, page, strip, scale)
    return shown


def zero_rows_px(page: PageSignal, strip: Strip) -> NDArray[np.float64]:
    """Row of 0 mV under each sample of a strip, in the picture; float64 (n,), NaN where unseen.

    From where the path runs and what it was read as, so it holds on tilted and bent paper too.
    """
    px_per_mv = page.px_per_mm[1] * strip.signal.calibration.mm_per_mv
    return np.asarray(strip.signal.path_px[:, 1] + strip.signal.signal_mv * px_per_mv, np.float64)


def _resized(image: Picture, scale: float) -> Picture:
    if scale == 1:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _draw_strip(shown: Picture, page: PageSignal, strip: Strip, scale: float) -> None:
    colour = LEAD_RGB.get(strip.lead_name, (60, 60, 60))
    mm = float(np.mean(page.px_per_mm)) * scale
    points = (strip.signal.path_px + 0.5) * scale - 0.5
    seen = np.isfinite(points).all(axis=1)
    if not seen.any():
        return
    width = max(1, round(LINE_MM * mm))
    for start, stop in stretches(points):
        cv2.polylines(
            shown, [_fixed(points[start:stop])], False, colour, width, cv2.LINE_AA, _SHIFT
        )
    if mm < MIN_PX_PER_MM_LETTERS:
        return
    top = float(points[seen][: max(1, len(points) // 8), 1].min()) - 1.5 * mm
    zero = (zero_rows_px(page, strip) + 0.5) * scale - 0.5
    for ends, inwards in ((np.flatnonzero(seen), -1), (np.flatnonzero(seen)[::-1], 1)):
        row = float(np.nanmedian(zero[ends[: max(1, len(ends) // 20)]]))
        top = min(top, row - NAME_MM * mm)
        _draw_tick(shown, (float(points[ends[0], 0]), row), inwards * TICK_MM * mm, colour, width)
    doubtful = f" q {strip.quality:.2f}" if strip.quality < LOW_QUALITY else ""
    _write(shown, strip.lead_name + doubtful, (float(points[seen][0, 0]), top), colour, mm)


def _draw_tick(
    shown: Picture, at: tuple[float, float], length: float, colour: Rgb, width: int
) -> None:
    """A short line beside the trace, at 0 mV."""
    ends = _fixed(np.array([at, (at[0] + length, at[1])]))
    cv2.polylines(shown, [ends], False, colour, width, cv2.LINE_AA, _SHIFT)


def _write(shown: Picture, text: str, at: tuple[float, float], colour: Rgb, mm: float) -> None:
    """Letters on a white edge, inside of the picture."""
    font, thick = cv2.FONT_HERSHEY_DUPLEX, max(1, round(0.16 * mm))
    size = LETTER_MM * mm / 21  # of this font's capitals, which are 21 px high
    (wide, high), _ = cv2.getTextSize(text, font, size, thick)
    x = int(np.clip(at[0], 1, max(1, shown.shape[1] - wide - 1)))
    y = int(np.clip(at[1], high + 1, max(high + 1, shown.shape[0] - 2)))
    edge = thick + max(2, round(0.5 * mm))
    cv2.putText(shown, text, (x, y), font, size, (255, 255, 255), edge, cv2.LINE_AA)
    cv2.putText(shown, text, (x, y), font, size, colour, thick, cv2.LINE_AA)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Coordinates as OpenCV takes them with fractional bits."""
    return np.asarray(np.rint(points.clip(-1e4, 1e5) * 2**_SHIFT), np.int32)

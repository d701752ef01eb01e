"""Pages made by hand, with their pictures: what the reader of pages would return, known to a digit.

`read` stands for `digitize_page`: it returns the same page for any picture.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.layout import LAYOUTS
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.page_signal import PageSignal, Residual, Source, Strip

PX_PER_MM = 2.0
FS_HZ = 250.0
QUALITY = 0.94  # of each lead
ROW_MM, TOP_MM, LEFT_MM = 28.0, 22.0, 12.0


def heart(start_s: float, duration_s: float, k: int) -> NDArray[np.float64]:
    """Beats whose height tells the lead, float64 (n,), mV."""
    t = start_s + np.arange(round(duration_s * FS_HZ)) / FS_HZ
    mv = np.zeros_like(t)
    for beat in np.arange(0.4, 10, 0.8):
        for at, height, width in (
            (-0.16, 0.12, 0.02), (0, 1.0, 0.012), (0.03, -0.3, 0.01), (0.25, 0.3, 0.045),
        ):  # fmt: skip
            mv += height * np.exp(-(((t - beat - at) / width) ** 2) / 2)
    return mv * (0.4 + 0.1 * k) * (-1 if k == 3 else 1)


def made_page(layout: str = "3x4+1R", flags: tuple[str, ...] = ("gain_assumed",)) -> PageSignal:
    """A page of a layout, ten seconds long."""
    strips = []
    for row, names in enumerate(LAYOUTS[layout].rows):
        duration = 10 / len(names)
        for column, name in enumerate(names):
            start = column * duration
            mv = heart(start, duration, len(strips))
            mv[20:30] = np.nan  # a gap
            strips.append(_strip(name, row, column, start, mv, rhythm=len(names) == 1))
    page = PageSignal(
        strips=tuple(strips),
        fs_hz=FS_HZ,
        duration_s=10.0,
        layout=layout,
        layout_from=Source.READ,
        mm_per_s=25.0,
        speed_from=Source.READ,
        mm_per_mv=10.0,
        gain_from=Source.ASSUMED,
        px_per_mm=(PX_PER_MM, PX_PER_MM),
        angle_deg=0.1,
        grid_confidence=0.93,
        consistency=(
            Residual("I + III = II", ("I", "II", "III"), 0.0, 2.5, 0.021, 18.4),
            Residual("aVR + aVL + aVF = 0", ("aVR", "aVL", "aVF"), 2.5, 5.0, 0.035, 14.2),
        ),
        unexplained=0.031,
        flags=flags,
        method="classical",
    )
    image, unexplained = draw(page)
    return replace(page, stage_images={"image": image, "unexplained": unexplained})


def _strip(
    name: str, row: int, column: int, start_s: float, mv: NDArray[np.float64], *, rhythm: bool
) -> Strip:
    left = (LEFT_MM + start_s * 25) * PX_PER_MM
    zero = (TOP_MM + row * ROW_MM) * PX_PER_MM
    calibration = Calibration(PX_PER_MM, PX_PER_MM, t0_px=left, baseline_px=zero)
    x = calibration.x_px(np.arange(len(mv)) / FS_HZ)
    seen = np.isfinite(mv)
    signal = LeadSignal(
        signal_mv=mv,
        fs_hz=FS_HZ,
        calibration=calibration,
        confidence=np.where(seen, 0.9, 0.0),
        interval_mv=np.where(seen, 0.02, np.nan),
        baseline_known=False,
        flags=("gap",),
        quality=QUALITY,
        evidence={"confidence": 0.9, "law_db": np.nan},
        path_px=np.stack([np.where(seen, x, np.nan), calibration.y_px(mv)], axis=1),
    )
    box = (left, zero - 10 * PX_PER_MM, float(x[-1]), zero + 10 * PX_PER_MM)
    source = Source.READ if row < 3 else Source.ASSUMED
    return Strip(name, source, row, column, start_s, box, rhythm, signal)


def draw(page: PageSignal) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The page's picture, uint8 (H, W, 3), and what of it is in no trace, uint8 (H, W)."""
    rows = 1 + max(strip.row for strip in page.strips)
    height = round((TOP_MM + rows * ROW_MM) * PX_PER_MM)
    image = np.full((height, round(275 * PX_PER_MM), 3), 255, np.uint8)
    for k in range(0, max(image.shape), round(PX_PER_MM)):
        shade = (250, 205, 205) if k % round(5 * PX_PER_MM) else (240, 160, 160)
        image[k : k + 1], image[:, k : k + 1] = shade, shade
    text = np.zeros(image.shape[:2], np.uint8)
    cv2.putText(text, "25 mm/s  10 mm/mV", (30, height - 6), 0, 0.5, 255, 2, cv2.LINE_AA)
    image[text > 100] = 40
    for strip in page.strips:
        points = strip.signal.path_px[np.isfinite(strip.signal.path_px).all(axis=1)]
        cv2.polylines(
            image, [np.rint(points).astype(np.int32)], False, (30, 30, 30), 1, cv2.LINE_AA
        )
    return image, text


PAGE = made_page()


def with_qualities(page: PageSignal, **of: float) -> PageSignal:
    """The page with other qualities of some of its leads, printed once or twice."""
    strips = (
        replace(strip, signal=replace(strip.signal, quality=of.get(strip.lead_name, QUALITY)))
        for strip in page.strips
    )
    return replace(page, strips=tuple(strips))


def read(image: NDArray[np.uint8], **options: Any) -> PageSignal:
    """A reader that knows one page only, and refuses a picture that is black in its corner."""
    if image[0, 0].max() == 0:
        raise InputError("layout", "no trace was found", "check that it is an ECG")
    return PAGE


def read_slowly(image: NDArray[np.uint8], **options: Any) -> PageSignal:
    time.sleep(0.3)
    return PAGE


def read_for_ever(image: NDArray[np.uint8], **options: Any) -> PageSignal:
    time.sleep(120)
    return PAGE


def read_with_a_defect(image: NDArray[np.uint8], **options: Any) -> PageSignal:
    raise IndexError("index 3 is out of bounds")


def save(path: Path, *, bad: bool = False, mark: int = 0) -> Path:
    """The page's picture as a file; `mark` makes it another one."""
    image = PAGE.stage_images["image"].copy()
    image[0, 0] = 0 if bad else 255
    image[1, 1] = mark
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(path.suffix, image[..., ::-1])
    assert ok
    path.write_bytes(data.tobytes())
    return path

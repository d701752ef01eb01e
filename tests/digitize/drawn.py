"""Pictures for the digitizer's tests: a drawn lead on a grid, its mask and its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.render import draw_stroke

PX_PER_MM = 8.0
FS_HZ = 500.0


@dataclass(frozen=True)
class Drawn:
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    signal_mv: NDArray[np.float64]
    calibration: Calibration
    polyline_px: NDArray[np.float64]


def beats(seconds: float = 2.5, *, fs_hz: float = FS_HZ) -> NDArray[np.float64]:
    """P, QRS and T waves as Gaussians: a lead whose every feature is known."""
    t = np.arange(int(seconds * fs_hz)) / fs_hz
    signal = np.zeros_like(t)
    for beat in np.arange(0.4, seconds, 0.8):
        for at, height, width in (
            (-0.16, 0.12, 0.02), (-0.025, -0.12, 0.008), (0.0, 1.2, 0.010),
            (0.03, -0.25, 0.009), (0.25, 0.3, 0.045),
        ):  # fmt: skip
            signal += height * np.exp(-(((t - beat - at) / width) ** 2) / 2)
    return signal


def drawn(
    signal_mv: NDArray[np.float64] | None = None,
    *,
    px_per_mm: float = PX_PER_MM,
    pen_px: float = 2.8,
    pad_px: float = 20.3,
    grid: bool = True,
) -> Drawn:
    """The signal drawn in black on a red grid, `pad_px` of paper around it."""
    signal = beats() if signal_mv is None else signal_mv
    scale = Calibration(px_per_mm, px_per_mm, t0_px=pad_px)
    scale = scale.moved(0.0, pad_px - float(scale.y_px(signal).min()))
    points = np.stack([scale.x_px(np.arange(len(signal)) / FS_HZ), scale.y_px(signal)], axis=1)
    width, height = (int(points[:, k].max() + pad_px) + 1 for k in (0, 1))
    mask = np.zeros((height, width), np.uint8)
    draw_stroke(mask, points, width_px=pen_px)
    image = np.full((height, width, 3), 255, np.uint8)
    if grid:
        for step, colour in ((px_per_mm, (255, 225, 225)), (5 * px_per_mm, (235, 150, 150))):
            image[:, np.rint(np.arange(0, width, step)).astype(int).clip(0, width - 1)] = colour
            image[np.rint(np.arange(0, height, step)).astype(int).clip(0, height - 1)] = colour
    image = (image * (1 - mask[..., None] / 255.0)).astype(np.uint8)
    return Drawn(image, mask, signal, scale, points)


def snr_db(truth: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Both at the same times; means removed."""
    error = (truth - truth.mean()) - (found - found.mean())
    return float(10 * np.log10(((truth - truth.mean()) ** 2).sum() / (error**2).sum()))

"""The grid as Fortune et al. 2022 (ecg-digitize, Paper-ECG) find it, for comparison only."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.find import check_picture
from ecg_overlap.digitize.grid.model import Grid, GridSource

_HEDGE = 0.6  # of Otsu's threshold: darker is trace
_PROMINENCE = 0.05  # of the correlation, by which a peak stands above noise


def find_grid_fortune(image: NDArray[np.uint8]) -> Grid:
    """First peak of the column density's autocorrelation, taken as a 5 mm box.

    One axis only, one period, no tilt: what it says of y is what it saw in x. Its fault
    stands as described: lines 1 mm apart are taken for 5 mm boxes as well.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.

    Raises:
        DigitizeError: The autocorrelation has no peak.

    Source: Fortune et al. 2022, as summarised for this project.
    """
    check_picture(image, "grid")
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    otsu, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    rest = gray[gray >= _HEDGE * otsu]  # without the trace
    level, _ = cv2.threshold(rest.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)
    dark = (gray <= level) & (gray >= _HEDGE * otsu)
    density = dark.sum(axis=0) - dark.sum(axis=0).mean()
    n_fft = 2 * len(density)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(density, n_fft)) ** 2)[: len(density)]
    correlation /= max(float(correlation[0]), 1e-9)
    peaks, _ = find_peaks(correlation, prominence=_PROMINENCE)
    if len(peaks) == 0:
        raise DigitizeError("grid", "the column density does not repeat", "give px_per_mm")
    left, top, right = correlation[peaks[0] - 1 : peaks[0] + 2]
    box_px = float(peaks[0] + 0.5 * (left - right) / (left - 2 * top + right))
    return Grid(
        px_per_mm_x=box_px / 5,
        px_per_mm_y=box_px / 5,
        angle_deg=0.0,
        phase_x_px=float(np.argmax(density)),
        phase_y_px=float(np.argmax(dark.sum(axis=1))),
        # The method rates itself by nothing; the peak's height is all that it knows.
        confidence=float(np.clip(correlation[peaks[0]], 0, 1)),
        source=GridSource.FORTUNE,
    )

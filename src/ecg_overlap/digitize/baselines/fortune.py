"""Fortune 2022 (`ecg-digitize`, Paper-ECG): its threshold and its grid, for comparison.

As described in the literature; the details left open are our inference, ours is the code. Its path
is `paths.columns`: the straightest chain of runs.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.find import check_picture
from ecg_overlap.digitize.grid.model import Grid, GridSource

HEDGES = np.arange(1.0, 0.59, -0.05)  # of Otsu's threshold, tried in turn; as described
LEAST_HEDGE = 0.6  # what is darker is trace, and no line of the grid
# Not stated in the description, set by hand:
FEW_LINES = 4  # Hough lines that a trace has at the most
GRID_ANGLES_DEG = ((0, 5), (85, 95), (175, 180))  # of a line's normal
PROMINENCE = 0.05  # of the correlation, by which a peak stands above noise


def threshold_with_hedge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ink by a threshold that is lowered until few straight lines (the grid's) remain.

    Otsu's threshold times a hedge from 1.0 down to 0.6 in steps of 0.05.

    Args:
        image: uint8 (H, W, 3), RGB.

    Returns:
        uint8 (H, W), 0 or 255.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    otsu = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[0]
    ink: NDArray[np.uint8] = np.zeros(gray.shape, np.uint8)
    for hedge in HEDGES:
        ink = (gray < otsu * hedge).astype(np.uint8) * np.uint8(255)
        if _count_grid_lines(ink) <= FEW_LINES:
            break
    return ink


def _count_grid_lines(ink: NDArray[np.uint8]) -> int:
    """Hough lines that are upright or level; of other angles no grid has any, and they cost."""
    votes = max(int(0.6 * min(ink.shape)), 20)
    count = 0
    for lo, hi in GRID_ANGLES_DEG:
        lines = cv2.HoughLines(
            ink, 1, np.pi / 180, votes, min_theta=np.deg2rad(lo), max_theta=np.deg2rad(hi)
        )
        count += 0 if lines is None else len(lines)
    return count


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
    rest = gray[gray >= LEAST_HEDGE * otsu]  # without the trace
    level, _ = cv2.threshold(rest.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)
    dark = (gray <= level) & (gray >= LEAST_HEDGE * otsu)
    density = dark.sum(axis=0) - dark.sum(axis=0).mean()
    n_fft = 2 * len(density)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(density, n_fft)) ** 2)[: len(density)]
    correlation /= max(float(correlation[0]), 1e-9)
    from scipy.signal import find_peaks  # half a second, for this method alone

    peaks, _ = find_peaks(correlation, prominence=PROMINENCE)
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

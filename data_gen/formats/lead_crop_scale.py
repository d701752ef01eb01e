"""What a lead crop's picture, mask and signal imply of its scale: the layout states none."""

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError

FS_HZ = 100.0
PAD_PX = 15  # paper on each side of the lead's own extent
MASK_THRESHOLD = 100  # the masks have passed through JPEG


def implied_calibration(
    width_px: int, n_samples: int, *, fs_hz: float = FS_HZ, baseline_px: float = 0.0
) -> Calibration:
    """The calibration that a crop's width implies (25 mm/s, 10 mm/mV).

    The crop is the lead's own extent and 15 px on each side, and a big box is as many pixels
    along time as along amplitude: px per 0.2 s = (width − 30) / ((n − 1) / fs / 0.2).

    The publishers cut to whole pixels, so this is a little short: where the true signals, drawn
    again, cover the published masks best, the extent is 0.5–0.7 px longer and begins 0.4 px
    before to 0.3 px after column 15 (`fitted` in benchmarks/oracles.py, which is worth 4 dB to
    an exact decoder). Without the mask nobody knows better, so this stays the definition.

    Raises:
        InputError: Fewer than two samples, or a crop no wider than its padding.

    Example:
        >>> round(implied_calibration(1003, 250).px_per_mm_x * 5, 2)
        78.15
    """
    if n_samples < 2 or width_px <= 2 * PAD_PX:
        raise InputError(
            f"crop {width_px} px wide with {n_samples} samples",
            "its width implies no scale",
            f"a crop has 2 samples or more and is wider than {2 * PAD_PX} px",
        )
    px_per_mm = (width_px - 2 * PAD_PX) / ((n_samples - 1) / fs_hz) / 25.0
    return Calibration(px_per_mm, px_per_mm, t0_px=float(PAD_PX), baseline_px=baseline_px)


def clean_mask(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The trace in a stored mask, 0 or 255, uint8 (H, W).

    A stored mask is JPEG-noisy, or 0/1 (some BMPs), and where a tall lead's crop reaches beyond
    the drawing it is white: full rows at the top or bottom, which no trace draws, since it keeps
    15 px from both sides.
    """
    ink = stored > (MASK_THRESHOLD if stored.max(initial=0) > 1 else 0)
    white = ink.mean(axis=1) > 0.98 if ink.shape[1] else np.zeros(len(ink), bool)
    inside = np.flatnonzero(~white)
    first, last = (inside[0], inside[-1] + 1) if len(inside) else (0, 0)
    trace = np.zeros(stored.shape, np.uint8)
    trace[first:last][ink[first:last]] = 255
    return trace


def fit_baseline(
    mask: NDArray[np.uint8],
    signal_mv: NDArray[np.float32],
    calibration: Calibration,
    *,
    fs_hz: float = FS_HZ,
) -> tuple[float, float]:
    """The row of 0 mV, which the layout does not state, and how well it fits.

    Each column of the mask has a centre, and the signal says how far above 0 mV it lies; the
    baseline is the median of centre + amplitude over the columns where the trace rises or falls
    by less than one pixel a column (over all where there is none), since the centre of a steep
    column depends on the pen. On the published look this holds to 0.2 px.

    Returns:
        (baseline_px, median |residual| px); NaN, NaN where the mask is empty.
    """
    coverage = mask.astype(np.float64)
    columns = np.flatnonzero(coverage.any(axis=0))
    rows = np.arange(len(mask), dtype=np.float64)
    centre_px = rows @ coverage[:, columns] / coverage[:, columns].sum(axis=0)
    time_s = calibration.time_s(columns)
    sample_s = np.arange(len(signal_mv)) / fs_hz
    mv = np.interp(time_s, sample_s, signal_mv, left=np.nan, right=np.nan)
    baseline_px = centre_px + mv * calibration.px_per_mv
    known = np.isfinite(baseline_px)
    columns, baseline_px = columns[known], baseline_px[known]
    if len(columns) < 2:
        return float("nan"), float("nan")
    rise = np.abs(np.gradient(mv[known] * calibration.px_per_mv, columns))
    flat = baseline_px[rise < 1] if (rise < 1).any() else baseline_px
    middle = float(np.median(flat))
    return middle, float(np.median(np.abs(flat - middle)))

"""From the path in pixels to a signal in seconds and millivolts."""

import math
from dataclasses import replace

import numpy as np

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.paths.path import FloatArray, Path

INTERVAL_SIGMAS = 1.645  # ± of 90 % of normal errors: `lead_signal.INTERVAL_LEVEL`
# What `benchmarks/intervals.py --fit --n 15` prints: a factor of the path's own σ, and an error of
# the columns (drift of the grid, lag, width of the pen), which on a steep stroke is one of the
# amplitude.
SIGMA_SCALE = 0.75
TIME_SIGMA_PX = 0.5
INK_ERROR = 1.1  # errors on binarized ink, in those on a drawn mask: its edge is no model's
MAX_SAMPLES = 10_000_000


def to_signal(
    path: Path,
    calibration: Calibration,
    *,
    fs_hz: float = 500.0,
    t0_known: bool = False,
    baseline_known: bool = False,
    end_px: float | None = None,
    error_factor: float = 1.0,
) -> LeadSignal:
    """Resample a path to a signal of even samples.

    Args:
        path: In the calibration's pixels.
        calibration: Scale and, where known, origins.
        fs_hz: Of the result.
        t0_known: Whether `calibration.t0_px` is the first sample's column; otherwise it is
            where the pen was set down (half a stroke after the ink begins).
        baseline_known: Whether `calibration.baseline_px` is the row of 0 mV; otherwise it is
            estimated as the isoelectric line, and the result says so.
        end_px: Column of the last sample, where known; otherwise where the pen was lifted.
        error_factor: How much wider the intervals are than on a drawn mask (`INK_ERROR`).

    Raises:
        InputError: `fs_hz` is no frequency, or the path holds no point.

    Example:
        >>> from ecg_overlap.digitize.decoders import decode
        >>> mask = np.zeros((40, 120), np.uint8)
        >>> mask[18:21, 10:110] = 255
        >>> lead = to_signal(decode(mask), Calibration(4.0, 4.0), fs_hz=100.0)
        >>> round(lead.t0_px), lead.baseline_known, round(float(lead.signal_mv[50]), 3)
        (11, False, 0.0)
    """
    if not (math.isfinite(fs_hz) and fs_hz > 0):
        raise InputError("fs_hz", f"{fs_hz} is no frequency", "give a positive number of Hz")
    seen = np.isfinite(path.y_px)
    if not seen.any():
        raise InputError("path", "holds no point", "give a mask that holds the trace")
    t0_px = calibration.t0_px if t0_known else path.start_px
    last_px = path.end_px if end_px is None else end_px
    scale = replace(calibration, t0_px=t0_px)
    n = math.floor(float(scale.time_s(last_px)) * fs_hz + 1e-6) + 1
    if not 1 <= n <= MAX_SAMPLES:
        raise InputError(
            "path", f"{n} samples at {fs_hz} Hz", "check t0_px, px_per_mm, mm_per_s and fs_hz"
        )
    x = scale.x_px(np.arange(n) / fs_hz)
    y, sigma, confidence = _resampled(path, x)
    if not np.isfinite(y).any():
        raise InputError("path", f"no sample of {fs_hz:g} Hz falls on it", "give a longer trace")
    if not baseline_known:
        scale = replace(scale, baseline_px=isoelectric_px(y))
    signal = scale.signal_mv(y)
    return LeadSignal(
        signal_mv=signal,
        fs_hz=fs_hz,
        calibration=scale,
        confidence=confidence,
        interval_mv=INTERVAL_SIGMAS * error_factor * sigma / scale.px_per_mv,
        baseline_known=baseline_known,
        flags=_flags(signal, baseline_known),
        path_px=np.stack([x, y], axis=1),
    )


def _resampled(path: Path, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows, their standard deviations and confidences at the columns `x`; NaN and 0 in gaps."""
    seen = np.isfinite(path.y_px)
    y = np.interp(x, path.x_px[seen], path.y_px[seen])
    sigma = np.interp(x, path.x_px[seen], path.sigma_px[seen])
    confidence = np.interp(x, path.x_px[seen], path.confidence[seen])
    step = float(np.median(np.diff(path.x_px))) if len(path.x_px) > 1 else 1.0
    # A sample is unseen between two path points of which one is. Their distance tells nothing: a
    # tilt of 1° parts the points of a steep stroke. The path's first and last points reach as
    # far as the stroke's own ends.
    after = np.searchsorted(path.x_px, x).clip(0, len(path.x_px) - 1)
    before = (after - 1).clip(0)
    reach = 0.5 + step
    first, last = path.x_px[seen][[0, -1]]
    unseen = ~(seen[before] & seen[after]) & (x > first) & (x < last)
    unseen |= (x < path.start_px - reach) | (x > path.end_px + reach)
    unseen |= (x < first - reach) | (x > last + reach)
    if len(path.x_px) > 1:
        slope = np.abs(np.gradient(y)) / max(float(x[1] - x[0]), 1e-9) if len(x) > 1 else 0.0
        sigma = np.hypot(SIGMA_SCALE * sigma, TIME_SIGMA_PX * slope)
    y[unseen] = np.nan
    sigma[unseen] = np.nan
    confidence[unseen] = 0.0
    return y, sigma, confidence.clip(0, 1)


def isoelectric_px(y_px: FloatArray) -> float:
    """Row of the isoelectric line: where the gentle part of the trace is densest.

    The half-sample mode of the rows whose slope is below the median (T, P and baseline
    stretches; the QRS is not), after D. R. Bickel and R. Frühwirth, 2006.
    """
    y = y_px[np.isfinite(y_px)]
    if len(y) < 4:
        return float(np.median(y))
    slope = np.abs(np.gradient(y))
    rows = np.sort(y[slope <= np.median(slope)])
    while len(rows) > 3:
        half = (len(rows) + 1) // 2
        span = rows[half - 1 :] - rows[: len(rows) - half + 1]
        at = int(np.argmin(span))
        rows = rows[at : at + half]
        if rows[-1] - rows[0] < 0.25:  # finer than the pen draws
            break
    return float(np.median(rows))


def _flags(signal_mv: FloatArray, baseline_known: bool) -> tuple[str, ...]:
    seen = np.flatnonzero(np.isfinite(signal_mv))
    flags = [] if baseline_known else ["baseline_unknown"]
    if len(seen) and not np.isfinite(signal_mv[seen[0] : seen[-1] + 1]).all():
        flags.append("gap")
    return tuple(flags)

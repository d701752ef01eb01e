"""How well a page's simultaneous leads obey what must hold of them: truth without truth."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.page.page_signal import Residual, Strip

FloatArray = NDArray[np.float64]

LAWS: dict[str, dict[str, float]] = {
    "I + III = II": {"I": 1.0, "III": 1.0, "II": -1.0},
    "aVR + aVL + aVF = 0": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
    "aVR = -(I + II) / 2": {"aVR": 1.0, "I": 0.5, "II": 0.5},
    "aVL = (I - III) / 2": {"aVL": 1.0, "I": -0.5, "III": 0.5},
    "aVF = (II + III) / 2": {"aVF": 1.0, "II": -0.5, "III": -0.5},
}
MOST_LATE_S = 0.04  # 1 mm
LEAST_S = 0.5  # leads that are simultaneous for less tell nothing


def residuals(strips: Sequence[Strip], fs_hz: float) -> tuple[Residual, ...]:
    """The residual of every law that speaks of leads which are simultaneous on a page.

    A lead that is printed twice must be the same twice, within `MOST_LATE_S`: where its column
    begins on the strip's time is known to some ms, and QRS complexes are steep. Each lead's mean is
    removed, as a page tells 0 mV only where it has calibration pulses.

    Args:
        strips: The page's leads.
        fs_hz: Their sampling frequency.
    """
    found = []
    for law, weights in LAWS.items():
        together = _simultaneous([s for s in strips if not s.rhythm], tuple(weights))
        found += [_residual(law, of, list(weights.values()), fs_hz) for of in together]
    for strip in strips:
        if not strip.rhythm:
            continue
        for short in strips:
            if short is not strip and short.lead_name == strip.lead_name and not short.rhythm:
                law = f"{strip.lead_name} = rhythm strip"
                most = round(MOST_LATE_S * fs_hz)
                late = [
                    replace(short, start_s=short.start_s + k / fs_hz)
                    for k in range(-most, most + 1)
                ]
                of_lags = (_residual(law, (one, strip), [1.0, -1.0], fs_hz) for one in late)
                found.append(max(filter(None, of_lags), key=lambda r: r.snr_db, default=None))
    return tuple(residual for residual in found if residual is not None)


def _simultaneous(strips: Sequence[Strip], names: tuple[str, ...]) -> Iterator[tuple[Strip, ...]]:
    """The strips of these leads that stand in one column, where all of them do."""
    for column in sorted({strip.column for strip in strips}):
        here = {strip.lead_name: strip for strip in strips if strip.column == column}
        if all(name in here for name in names):
            yield tuple(here[name] for name in names)


def _residual(
    law: str, strips: Sequence[Strip], weights: Sequence[float], fs_hz: float
) -> Residual | None:
    start = max(strip.start_s for strip in strips)
    stop = min(strip.start_s + len(strip.signal.signal_mv) / fs_hz for strip in strips)
    n = round((stop - start) * fs_hz)
    if n < LEAST_S * fs_hz:
        return None
    parts = []
    for strip in strips:
        first = round((start - strip.start_s) * fs_hz)
        parts.append(strip.signal.signal_mv[first : first + n])
    n = min(len(part) for part in parts)
    signals = np.stack([part[:n] for part in parts])
    signals = signals[:, np.isfinite(signals).all(axis=0)]
    if signals.shape[1] < LEAST_S * fs_hz:
        return None
    signals = signals - signals.mean(axis=1, keepdims=True)
    wrong: FloatArray = np.asarray(weights) @ signals
    power = float((signals**2).mean())
    error = float((wrong**2).mean())
    return Residual(
        law=law,
        leads=tuple(dict.fromkeys(strip.lead_name for strip in strips)),
        start_s=start,
        stop_s=stop,
        rmse_mv=float(np.sqrt(error)),
        snr_db=float(10 * np.log10(power / max(error, 1e-10 * power, 1e-12))),
    )

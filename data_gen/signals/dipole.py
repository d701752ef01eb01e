"""From Gaussian waves of a dipole to a dipole in time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from data_gen.arrays import F32, F64

_REACH = 4.0  # standard deviations; what is cut off is 0.03 % of the wave

# Lead vectors of I, II, V1–V6 on the body's axes x (left), y (down), z (back): Dower 1980.
LEAD_VECTORS = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)


@dataclass(frozen=True)
class Waves:
    """Gaussian waves, one row per beat and one column per kind of wave.

    Args:
        centre_s: float64 (n_beats, n_waves), in the record.
        before_s: float64, standard deviation before the wave's peak.
        after_s: float64, standard deviation after it.
        dipole_mv: float64 (n_beats, n_waves, 3), on the axes x (left), y (down), z (back).
    """

    centre_s: F64
    before_s: F64
    after_s: F64
    dipole_mv: F64


def trace(waves: Waves, *, fs_hz: float, n_samples: int) -> F32:
    """The dipole in time: the sum of all waves.

    Args:
        waves: The waves.
        fs_hz: Sampling frequency.
        n_samples: Length.

    Returns:
        float32 (n_samples, 3), mV; each axis lies together in memory.
    """
    dipole_mv = np.zeros((3, n_samples), np.float32)
    _add_waves(
        dipole_mv, waves.centre_s * fs_hz, waves.before_s * fs_hz, waves.after_s * fs_hz,
        np.ascontiguousarray(waves.dipole_mv),
    )  # fmt: skip
    return dipole_mv.T


@njit(cache=True, nogil=True)
def _add_waves(out: F32, centres: F64, befores: F64, afters: F64, sizes: F64) -> None:
    """Add Gaussian waves, each as far as `_REACH`; places and widths in samples."""
    for beat in range(centres.shape[0]):
        for kind in range(centres.shape[1]):
            size = sizes[beat, kind]
            if size[0] == 0.0 and size[1] == 0.0 and size[2] == 0.0:
                continue
            centre = centres[beat, kind]
            peak = math.ceil(centre)  # the first sample that is not before the wave's peak
            _add_half(out, centre, peak - 1, -1, befores[beat, kind], size)
            _add_half(out, centre, peak, 1, afters[beat, kind], size)


@njit(cache=True, nogil=True)
def _add_half(out: F32, centre: float, first: int, way: int, deviation: float, size: F64) -> None:
    """Add one half of a wave, from the sample next to its peak outward.

    Each value of exp(-z²/2) follows from the one before it by two products: its ratio to the
    next one falls by the same factor from step to step.
    """
    step = 1.0 / deviation
    z = abs(first - centre) * step
    value, ratio = math.exp(-0.5 * z * z), math.exp(-step * (z + 0.5 * step))
    falls = math.exp(-step * step)
    for k in range(int((_REACH - z) * deviation) + 1 if z <= _REACH else 0):
        i = first + way * k
        if 0 <= i < out.shape[1]:
            out[0, i] += value * size[0]
            out[1, i] += value * size[1]
            out[2, i] += value * size[2]
        value *= ratio
        ratio *= falls


def turned(dipole_mv: F64, plane: Sequence[int], angle_deg: float) -> F64:
    """Dipoles (..., 3) turned in the plane of two axes, from the first to the second."""
    out = dipole_mv.copy()
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    a, b = plane
    out[..., a] = cos * dipole_mv[..., a] - sin * dipole_mv[..., b]
    out[..., b] = sin * dipole_mv[..., a] + cos * dipole_mv[..., b]
    return out

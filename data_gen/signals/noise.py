"""What recording adds: baseline wander, muscle noise, mains hum."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_gen.arrays import F32, F64
from data_gen.dials import Range, as_choices, as_probability, as_range, choose, log_uniform

# The eight independent leads from the potentials of nine electrodes RA, LA, LL, V1–V6:
# I = LA − RA, II = LL − RA, a chest lead against the mean of the three (Wilson's terminal).
_LEADS_FROM_ELECTRODES = np.zeros((8, 9), np.float32)
_LEADS_FROM_ELECTRODES[0, :3] = -1, 1, 0
_LEADS_FROM_ELECTRODES[1, :3] = -1, 0, 1
_LEADS_FROM_ELECTRODES[2:, :3] = -1 / 3
_LEADS_FROM_ELECTRODES[range(2, 8), range(3, 9)] = 1

_SWELL_STEP = 32  # samples between which the swelling of muscle noise is interpolated
_EVEN_BYTES, _LOW_HALF = np.uint32(0x00FF00FF), np.uint32(0xFFFF)
_8, _16 = np.uint32(8), np.uint32(16)


@dataclass(frozen=True)
class Noise:
    """Dials of the noise, each an amplitude at the electrode (mV, log-uniform) and how often.

    NeuroKit2's `signal_distort` is not used: it takes 3 ms a lead, scales the noise by the
    lead's own deviation, and at 500 Hz silently adds no hum of 60 Hz.

    Args:
        wander_probability: Records with baseline wander.
        wander_mv: Its standard deviation.
        wander_hz: Range of its frequencies.
        emg_probability: Records with muscle noise.
        emg_mv: Its standard deviation, before it comes and goes.
        hum_probability: Records with mains hum.
        hum_mv: Its standard deviation.
        hum_hz: Mains frequencies to choose from; one above half the sampling frequency is
            taken as filtered by the recorder.

    Raises:
        InputError: An impossible value.
    """

    wander_probability: float = 0.7
    wander_mv: Range = (0.003, 0.15)
    wander_hz: Range = (0.05, 0.5)
    emg_probability: float = 0.6
    emg_mv: Range = (0.001, 0.03)
    hum_probability: float = 0.2
    hum_mv: Range = (0.001, 0.03)
    hum_hz: tuple[float, ...] = (50.0, 60.0)

    def __post_init__(self) -> None:
        for name in ("wander", "emg", "hum"):
            key = f"{name}_probability"
            as_probability(f"noise.{key}", getattr(self, key))
            key = f"{name}_mv"
            value = as_range(f"noise.{key}", getattr(self, key), lowest=1e-6, highest=5)
            object.__setattr__(self, key, value)
        wander_hz = as_range("noise.wander_hz", self.wander_hz, lowest=0.01, highest=1)
        object.__setattr__(self, "wander_hz", wander_hz)
        object.__setattr__(self, "hum_hz", as_choices("noise.hum_hz", self.hum_hz, (50, 60)))

    def draw(self, rng: np.random.Generator, *, fs_hz: float, n_samples: int) -> F32:
        """The noise of the eight independent leads, float32 (n_samples, 8), mV.

        It arises at the electrodes, so it obeys the identities between the limb leads too.
        """
        noise = np.zeros((9, n_samples), np.float32)
        if rng.random() < self.wander_probability:
            low, high = self.wander_hz
            slow_hz = rng.uniform(low, high, 4)
            noise += _tones(rng, log_uniform(rng, self.wander_mv), slow_hz, fs_hz, n_samples)
        if rng.random() < self.emg_probability:
            _add_muscle(rng, noise, log_uniform(rng, self.emg_mv), fs_hz)
        if rng.random() < self.hum_probability:
            mains_hz = choose(rng, self.hum_hz)
            tones_hz = np.array([f for f in (mains_hz, 3 * mains_hz) if f < fs_hz / 2])
            if tones_hz.size:
                noise += _tones(rng, log_uniform(rng, self.hum_mv), tones_hz, fs_hz, n_samples)
        return (_LEADS_FROM_ELECTRODES @ noise).T


def _tones(
    rng: np.random.Generator,
    deviation_mv: float,
    tones_hz: F64,
    fs_hz: float,
    n_samples: int,
) -> F32:
    """Sums of tones of that deviation in expectation, float32 (9, n).

    Each electrode has sizes and phases of its own; the k-th tone is 1/k as large as the first.
    """
    sizes = rng.standard_normal((9, 1, len(tones_hz), 2), np.float32).view(np.complex64)[..., 0]
    weight = 1 / np.arange(1, len(tones_hz) + 1, dtype=np.float32)
    sizes *= deviation_mv * weight / max(float(np.linalg.norm(weight)), 1e-9)
    # exp(a + b) = exp(a) · exp(b): every 64th sample and 64 steps make all samples.
    turn = 2j * np.pi / fs_hz * tones_hz
    coarse = sizes * np.exp(turn * np.arange(0, n_samples, 64)[:, None]).astype(np.complex64)
    fine = np.exp(turn * np.arange(64)[:, None]).astype(np.complex64)
    real = np.concatenate([coarse.real, -coarse.imag], axis=2)
    tones = real.reshape(-1, 2 * len(tones_hz)) @ np.concatenate([fine.real, fine.imag], axis=1).T
    return np.asarray(tones.reshape(9, -1)[:, :n_samples], np.float32)


def _add_muscle(rng: np.random.Generator, noise: F32, deviation_mv: float, fs_hz: float) -> None:
    """Add noise of that deviation that comes and goes, to float32 (9, n) in place.

    White, then smoothed as recorders do: a mean over up to 16 ms passes about 30 Hz.
    """
    width = 1 + int(rng.uniform(0, 0.016) * fs_hz)
    swell_hz, phase = 0.3 * rng.random(9), 2 * np.pi * rng.random(9)
    n = noise.shape[1]
    # Cheaper than normal numbers, which took as long as the rest of a record: the sum of the
    # four bytes of 32 bits has the bell's shape up to 3.4 deviations.
    bits = rng.bit_generator.random_raw((9, (n + width + 1) // 2)).view(np.uint32)
    _add_swelling(noise, bits, width, deviation_mv, 2 * np.pi * swell_hz / fs_hz, phase)


@njit(cache=True, nogil=True)
def _add_swelling(
    noise: F32, bits: NDArray[np.uint32], width: int, deviation: float, turns: F64, phases: F64
) -> None:
    """Add running means of white noise times 1 + 0.6 sin; four bytes of bits are a number."""
    white_deviation = math.sqrt(4 * (256**2 - 1) / 12)
    # 1 + 0.6 sin has the mean square 1.18.
    scale = deviation / (white_deviation * math.sqrt(1.18 * width))
    n = noise.shape[1]
    white, totals = np.empty(bits.shape[1], np.int32), np.empty(n, np.int32)
    for row in range(len(noise)):
        for i in range(len(white)):
            pairs = (bits[row, i] & _EVEN_BYTES) + ((bits[row, i] >> _8) & _EVEN_BYTES)
            white[i] = np.int32((pairs & _LOW_HALF) + (pairs >> _16)) - np.int32(510)
        later, total = white[width:], np.int32(0)
        for i in range(width):
            total += white[i]
        for i in range(n):
            totals[i] = total
            total = np.int32(total + later[i] - white[i])
        for start in range(0, n, _SWELL_STEP):
            stop = min(start + _SWELL_STEP, n)
            size = scale * (1.0 + 0.6 * math.sin(turns[row] * start + phases[row]))
            next_size = scale * (1.0 + 0.6 * math.sin(turns[row] * stop + phases[row]))
            first, grows = np.float32(size), np.float32((next_size - size) / (stop - start))
            part, of = noise[row, start:stop], totals[start:stop]
            for k in range(len(part)):
                part[k] += (first + grows * np.float32(np.int32(k))) * np.float32(of[k])

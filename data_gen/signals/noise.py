"""What recording adds: baseline wander, muscle noise, mains hum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.dials import Range, as_choices, as_range, choose
from data_gen.signals.draws import as_number, log_uniform

# The eight independent leads from the potentials of nine electrodes RA, LA, LL, V1–V6:
# I = LA − RA, II = LL − RA, a chest lead against the mean of the three (Wilson's terminal).
_LEADS_FROM_ELECTRODES = np.zeros((8, 9), np.float32)
_LEADS_FROM_ELECTRODES[0, :3] = -1, 1, 0
_LEADS_FROM_ELECTRODES[1, :3] = -1, 0, 1
_LEADS_FROM_ELECTRODES[2:, :3] = -1 / 3
_LEADS_FROM_ELECTRODES[range(2, 8), range(3, 9)] = 1


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
            as_number(f"noise.{key}", getattr(self, key), lowest=0, highest=1)
            key = f"{name}_mv"
            value = as_range(f"noise.{key}", getattr(self, key), lowest=1e-6, highest=5)
            object.__setattr__(self, key, value)
        wander_hz = as_range("noise.wander_hz", self.wander_hz, lowest=0.01, highest=1)
        object.__setattr__(self, "wander_hz", wander_hz)
        object.__setattr__(self, "hum_hz", as_choices("noise.hum_hz", self.hum_hz, (50, 60)))

    def draw(
        self, rng: np.random.Generator, *, fs_hz: float, n_samples: int
    ) -> NDArray[np.float32]:
        """The noise of the eight independent leads, float32 (n_samples, 8), mV.

        It arises at the electrodes, so it obeys the identities between the limb leads too.
        """
        time_s = np.arange(n_samples, dtype=np.float32) / np.float32(fs_hz)
        noise = np.zeros((n_samples, 9), np.float32)
        if rng.random() < self.wander_probability:
            low, high = self.wander_hz
            slow_hz = rng.uniform(low, high, 4)
            noise += log_uniform(rng, self.wander_mv) * _tones(rng, time_s, slow_hz)
        if rng.random() < self.emg_probability:
            noise += log_uniform(rng, self.emg_mv) * _muscle(rng, time_s, fs_hz)
        if rng.random() < self.hum_probability:
            mains_hz = choose(rng, self.hum_hz)
            tones_hz = np.array([f for f in (mains_hz, 3 * mains_hz) if f < fs_hz / 2])
            noise += log_uniform(rng, self.hum_mv) * _tones(rng, time_s, tones_hz)
        leads: NDArray[np.float32] = noise @ _LEADS_FROM_ELECTRODES.T
        return leads


def _tones(
    rng: np.random.Generator, time_s: NDArray[np.float32], tones_hz: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sums of tones, unit deviation in expectation, float32 (n, 9).

    Each electrode has sizes and phases of its own; the k-th tone is 1/k as large as the first.
    """
    turn = time_s[:, None] * (2 * np.pi * tones_hz).astype(np.float32)
    basis = np.concatenate([np.sin(turn), np.cos(turn)], axis=1)
    weight = 1 / np.arange(1, len(tones_hz) + 1, dtype=np.float32)
    weight /= max(float(np.linalg.norm(weight)), 1e-9)
    sizes = rng.standard_normal((basis.shape[1], 9), np.float32) * np.tile(weight, 2)[:, None]
    tones: NDArray[np.float32] = (basis @ sizes).astype(np.float32, copy=False)
    return tones


def _muscle(
    rng: np.random.Generator, time_s: NDArray[np.float32], fs_hz: float
) -> NDArray[np.float32]:
    """Noise of unit deviation that comes and goes, float32 (n, 9).

    White, then smoothed as recorders do: a mean over up to 16 ms passes about 30 Hz.
    """
    width = 1 + int(rng.uniform(0, 0.016) * fs_hz)
    white = rng.standard_normal((len(time_s) + width, 9), np.float32)
    running = np.cumsum(white, axis=0, dtype=np.float32)
    smooth = (running[width:] - running[:-width]) / np.sqrt(np.float32(width))
    turn = 2 * np.pi * rng.random((2, 9), np.float32)
    swell = np.sin(np.float32(0.3) * turn[0] * time_s[:, None] + turn[1])  # up to 0.3 Hz
    # 1 + 0.6 sin has the mean square 1.18.
    noise: NDArray[np.float32] = smooth * (1 + np.float32(0.6) * swell) / np.float32(1.18**0.5)
    return noise

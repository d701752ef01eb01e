"""Simulated signals by NeuroKit2's `ecg_simulate`: a source independent of our own."""

import math
from dataclasses import dataclass

import numpy as np

from data_gen.arrays import F64
from data_gen.dials import Range, as_number, as_probability, as_range, log_uniform, uniform
from data_gen.sample import LEADS, Record
from data_gen.signals.dipole import LEAD_VECTORS
from data_gen.signals.leads import INDEPENDENT, complete
from data_gen.signals.splits import of_split

# Waves P, Q, R, S, T of the dipole along x (left), y (down), z (back), in ECGSYN's terms: its
# wave is as tall as ai · bi². Centres are in degrees of the beat, widths in radians.
_HEIGHTS = {
    "x": np.array([0.06, -0.15, 1.20, -0.15, 0.25]),
    "y": np.array([0.11, -0.05, 0.55, -0.12, 0.10]),
    "z": np.array([0.02, -0.30, 0.35, 0.65, -0.25]),
}
_CENTRES_DEG = np.array([-66.0, -13.0, 0.0, 12.0, 105.0])
# Narrower ones than 0.08 the package's solver steps over now and then: a beat is lost.
_WIDTHS_RAD = np.array([0.16, 0.08, 0.09, 0.085, 0.36])
_SETTLE_S = 3.0  # ECGSYN starts off its baseline and decays to it with a time constant of 1 s
_PHASE_S = 1.0  # and at an R peak; the stretch handed on starts anywhere in a beat


@dataclass(frozen=True)
class NeuroKit:
    """ECGSYN (McSharry et al. 2003) as NeuroKit2 solves it, about 1 s a record.

    `method="multileads"` scales every lead on its own to 1.6 mV, so that its limb leads do not
    obey the identities. Here "ecgsyn" gives the three components of the dipole, from the
    same seed and so on the same beats; their sizes are restored, and the leads are projections.
    Noise is NeuroKit2's `signal_distort` on the eight independent leads.

    Args:
        duration_s: Length of a record.
        fs_hz: Sampling frequency.
        rate_bpm: Mean heart rate.
        rate_std_bpm: Its standard deviation.
        amplitude: Factor on all waves, log-uniform.
        wave_jitter: Standard deviation of each wave's height, relative to its own.
        chest_gain: Factor on each of V1–V6, log-uniform.
        noise: Noise over the lead's own standard deviation.
        hum: The same of the mains' 50 Hz.

    Raises:
        InputError: An impossible value.
    """

    duration_s: float = 10.0
    fs_hz: float = 500.0
    rate_bpm: Range = (45.0, 130.0)
    rate_std_bpm: Range = (0.5, 4.0)
    amplitude: Range = (0.7, 1.4)
    wave_jitter: float = 0.25
    chest_gain: Range = (0.7, 1.5)
    noise: Range = (0.0, 0.05)
    hum: Range = (0.0, 0.03)

    def __post_init__(self) -> None:
        as_number("duration_s", self.duration_s, lowest=1, highest=600)
        as_number("fs_hz", self.fs_hz, lowest=100, highest=2000)
        as_probability("wave_jitter", self.wave_jitter)
        for name, lowest, highest in (
            ("rate_bpm", 30, 220),
            ("rate_std_bpm", 0.01, 10),  # at 0 NeuroKit2 divides by it
            ("amplitude", 0.05, 10),
            ("chest_gain", 0.05, 10),
            ("noise", 0, 1),
            ("hum", 0, 1),
        ):
            value = as_range(name, getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A new record; the same of `rng` and `split`, and never one of another split."""
        rng = of_split(rng, split)
        record_id = f"neurokit-{rng.integers(2**63):016x}"
        vectors = LEAD_VECTORS.copy()
        low, high = (math.log(gain) for gain in self.chest_gain)
        vectors[2:] *= np.exp(rng.uniform(low, high, (6, 1)))
        signal_mv = self._dipole(rng) @ vectors.T * log_uniform(rng, self.amplitude)
        for k in range(len(INDEPENDENT)):
            signal_mv[:, k] = self._distorted(rng, signal_mv[:, k])
        return Record(complete(signal_mv), self.fs_hz, LEADS, record_id, None, split)

    def _dipole(self, rng: np.random.Generator) -> F64:
        """The dipole in time, float64 (n, 3), mV."""
        n = round(self.duration_s * self.fs_hz)
        common: dict[str, float] = {
            "duration": self.duration_s + _SETTLE_S + _PHASE_S,
            "sampling_rate": round(self.fs_hz),
            "heart_rate": uniform(rng, self.rate_bpm),
            "heart_rate_std": uniform(rng, self.rate_std_bpm),
            "noise": 0,
            "random_state": int(rng.integers(2**31)),
        }
        axes = [self._axis(rng, heights, common) for heights in _HEIGHTS.values()]
        settled = len(axes[0]) - n - round(_SETTLE_S * self.fs_hz)
        first = len(axes[0]) - n - int(rng.integers(max(settled, 0) + 1))
        return np.stack([axis[first : first + n] for axis in axes], axis=1)

    def _axis(self, rng: np.random.Generator, heights: F64, common: dict[str, float]) -> F64:
        """One component of the dipole, float64 (n,), mV."""
        import neurokit2 as nk  # 2 s to import: only where it is used

        heights = heights * (1 + self.wave_jitter * rng.standard_normal(5))
        lead = nk.ecg_simulate(
            method="ecgsyn",
            ti=_CENTRES_DEG,
            bi=_WIDTHS_RAD,
            ai=heights / _WIDTHS_RAD**2,
            **common,
        )
        lead = np.asarray(lead, np.float64) - np.median(lead)
        # NeuroKit2 scales its result to a span of 1.6 mV: restore the span that was asked for.
        size: F64 = lead / np.ptp(lead) * (max(heights.max(), 0) - min(heights.min(), 0))
        return size

    def _distorted(self, rng: np.random.Generator, lead_mv: F64) -> F64:
        import neurokit2 as nk

        distorted: F64 = nk.signal_distort(
            lead_mv,
            sampling_rate=round(self.fs_hz),
            noise_amplitude=uniform(rng, self.noise),
            noise_frequency=[5, 10, 50],
            powerline_amplitude=uniform(rng, self.hum),
            powerline_frequency=50,  # 60 Hz it cannot add under 600 Hz, and says nothing
            random_state=int(rng.integers(2**31)),
            silent=True,
        )
        return distorted

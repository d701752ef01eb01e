"""Simulated 12-lead signals, in milliseconds and without any data."""

from dataclasses import dataclass, field

import numpy as np

from data_gen.dials import as_number
from data_gen.sample import LEADS, Record
from data_gen.signals.dipole import trace
from data_gen.signals.heart import Heart
from data_gen.signals.leads import complete
from data_gen.signals.noise import Noise
from data_gen.signals.rhythm import Rhythm
from data_gen.signals.splits import of_split
from data_gen.streams import parted


@dataclass(frozen=True)
class Simulate:
    """A cardiac dipole, beat by beat, seen by 12 leads.

    The limb leads obey Einthoven's and Goldberger's identities to float32's last bit.

    Args:
        duration_s: Length of a record.
        fs_hz: Sampling frequency.
        rhythm: When the heart beats.
        heart: What a beat looks like.
        noise: What recording adds.

    Raises:
        InputError: An impossible value.

    Example:
        >>> record = Simulate().draw(np.random.default_rng(0))
        >>> record.signal_mv.shape, record.fs_hz
        ((5000, 12), 500.0)
    """

    duration_s: float = 10.0
    fs_hz: float = 500.0
    rhythm: Rhythm = field(default_factory=Rhythm)
    heart: Heart = field(default_factory=Heart)
    noise: Noise = field(default_factory=Noise)

    def __post_init__(self) -> None:
        as_number("duration_s", self.duration_s, lowest=0.5, highest=3600)
        as_number("fs_hz", self.fs_hz, lowest=100, highest=4000)

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A new record; the same of `rng` and `split`, and never one of another split."""
        rng = of_split(rng, split)
        record_id = f"simulate-{rng.integers(2**63):016x}"
        n = round(self.duration_s * self.fs_hz)
        # A stream for each part: a dial of the one leaves the others as they were.
        rhythm, heart, atria, leads, noise = parted(rng, 5)
        beats = self.rhythm.beats(rhythm, duration_s=self.duration_s)
        dipole_mv = trace(self.heart.waves(heart, beats), fs_hz=self.fs_hz, n_samples=n)
        if beats.fibrillation:
            dipole_mv += self.heart.flutter(atria, fs_hz=self.fs_hz, n_samples=n)
        signal_mv = (self.heart.lead_vectors(leads).astype(np.float32) @ dipole_mv.T).T
        signal_mv += self.noise.draw(noise, fs_hz=self.fs_hz, n_samples=n)
        return Record(complete(signal_mv), self.fs_hz, LEADS, record_id, None, split)

"""When the heart beats: rate, variability, fibrillation, ectopic beats and their pauses."""

import math
from dataclasses import dataclass

import numpy as np

from data_gen.arrays import F64, Bools
from data_gen.dials import Range, as_number, as_probability, as_range, triangular, uniform

SHORTEST_RR_S = 0.22  # no ventricle follows faster than about 270 a minute
_LEAD_IN_S, _LEAD_OUT_S = 1.5, 1.0  # beats whose waves reach into the record from outside


@dataclass(frozen=True)
class Beats:
    """The beats of one record.

    Args:
        time_s: float64 (n,), R peak of each beat; the first stand before the record.
        rr_s: float64 (n,), the interval before each beat.
        ectopic: bool (n,), ventricular ectopic beats.
        fibrillation: No P waves and no regularity.
        respiration_hz: Sways the intervals and the heart's axis.
    """

    time_s: F64
    rr_s: F64
    ectopic: Bools
    fibrillation: bool
    respiration_hz: float


@dataclass(frozen=True)
class Rhythm:
    """Dials of the rhythm.

    Args:
        rate_bpm: Mean heart rate; drawn from a triangle over log(rate).
        rate_typical_bpm: Where that triangle peaks.
        rr_variability: Standard deviation of the sinus intervals over their mean.
        fibrillation_probability: Records in atrial fibrillation.
        fibrillation_variability: Standard deviation of their intervals over the mean.
        ectopic_probability: Records with ventricular ectopic beats.
        ectopic_fraction: Fraction of ectopic beats in such a record; never two in a row.
        ectopic_coupling: Interval before an ectopic beat over the regular one. The next
            beat comes when it would have come anyway: a full compensatory pause.

    Raises:
        InputError: An impossible value.
    """

    rate_bpm: Range = (30.0, 220.0)
    rate_typical_bpm: float = 70.0
    rr_variability: Range = (0.0, 0.06)
    fibrillation_probability: float = 0.1
    fibrillation_variability: Range = (0.12, 0.3)
    ectopic_probability: float = 0.12
    ectopic_fraction: Range = (0.05, 0.4)
    ectopic_coupling: Range = (0.5, 0.8)

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            ("rate_bpm", 20, 270),
            ("rr_variability", 0, 0.3),
            ("fibrillation_variability", 0, 0.5),
            ("ectopic_fraction", 0, 0.5),
            ("ectopic_coupling", 0.3, 1),
        ):
            value = as_range(f"rhythm.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        as_number("rhythm.rate_typical_bpm", self.rate_typical_bpm, lowest=20, highest=270)
        for name in ("fibrillation_probability", "ectopic_probability"):
            as_probability(f"rhythm.{name}", getattr(self, name))

    def beats(self, rng: np.random.Generator, *, duration_s: float) -> Beats:
        """Draw the beats of a record of this length."""
        log_rate = [math.log(rate) for rate in self.rate_bpm]
        mean_s = 60.0 / math.exp(triangular(rng, log_rate, math.log(self.rate_typical_bpm)))
        fibrillation = bool(rng.random() < self.fibrillation_probability)
        respiration_hz = float(rng.uniform(0.15, 0.35))
        n = math.ceil((duration_s + _LEAD_IN_S + _LEAD_OUT_S) / mean_s * 1.2) + 6
        if fibrillation:
            shape = max(uniform(rng, self.fibrillation_variability), 1e-3) ** -2
            rr_s = mean_s * rng.gamma(shape, 1 / shape, n)
        else:
            sd = uniform(rng, self.rr_variability)
            rr_s = mean_s * (1 + sd * _sinus_sway(rng, n, mean_s, respiration_hz))
        rr_s = np.maximum(rr_s, SHORTEST_RR_S)
        time_s = np.cumsum(rr_s) - _LEAD_IN_S - rng.random() * mean_s
        ectopic = self._ectopic(rng, n)
        early_s = (1 - uniform(rng, self.ectopic_coupling)) * rr_s
        time_s = time_s - np.where(ectopic, np.minimum(early_s, rr_s - SHORTEST_RR_S), 0)
        rr_s[1:] = time_s[1:] - time_s[:-1]
        keep = (time_s > -_LEAD_IN_S) & (time_s < duration_s + _LEAD_OUT_S)
        return Beats(time_s[keep], rr_s[keep], ectopic[keep], fibrillation, respiration_hz)

    def _ectopic(self, rng: np.random.Generator, n: int) -> Bools:
        affected = rng.random() < self.ectopic_probability
        ectopic = rng.random(n) < uniform(rng, self.ectopic_fraction) * bool(affected)
        for k in np.flatnonzero(ectopic[1:]) + 1:
            ectopic[k] = not ectopic[k - 1]
        return ectopic


def _sinus_sway(rng: np.random.Generator, n: int, mean_s: float, respiration_hz: float) -> F64:
    """Relative sway of the sinus intervals, (n,), about unit variance.

    A slow (Mayer) wave near 0.1 Hz and respiration, half the power each, and a little of
    neither: the two bands of McSharry et al. 2003, on which NeuroKit2's RR process rests too
    (that one is private to the package and made for minutes, not for ten beats).
    """
    time_s = np.arange(n) * mean_s
    slow_hz = rng.normal(0.1, 0.01)
    phase = rng.uniform(0, 2 * np.pi, 2)
    slow = np.sin(2 * np.pi * slow_hz * time_s + phase[0])
    breath = np.sin(2 * np.pi * respiration_hz * time_s + phase[1])
    sway: F64 = 0.95 * (slow + breath) + 0.3 * rng.standard_normal(n)
    return sway

"""What a beat looks like: the waves of a cardiac dipole, and how the leads see it."""

import math
from dataclasses import dataclass

import numpy as np

from data_gen.arrays import F32, F64, Bools
from data_gen.dials import Range, as_probability, as_range, log_uniform, triangular, uniform
from data_gen.signals.dipole import LEAD_VECTORS, Waves, turned
from data_gen.signals.rhythm import Beats

# A wave: centre from the R peak (s), standard deviation before and after its peak (s), dipole
# (mV on x, y, z). Read off the median beats of PTB-XL records brought back to the dipole.
_WAVES = {
    "p_right": (-0.168, 0.018, 0.018, (0.030, 0.075, -0.045)),
    "p_left": (-0.138, 0.020, 0.020, (0.055, 0.050, 0.040)),
    "q": (-0.021, 0.0075, 0.0075, (-0.15, -0.04, -0.30)),
    "r": (0.0, 0.0095, 0.0095, (1.20, 0.55, 0.32)),
    "s": (0.017, 0.008, 0.009, (-0.18, -0.12, 0.62)),
    "late": (0.033, 0.007, 0.009, (-0.14, -0.08, 0.08)),
    "st": (0.140, 0.040, 0.055, (0.0, 0.0, 0.0)),
    "t": (0.280, 0.056, 0.038, (0.23, 0.09, -0.23)),
    "u": (0.450, 0.030, 0.035, (0.0, 0.0, 0.0)),
    "spike": (-0.045, 0.0006, 0.0008, (0.0, 0.0, 0.0)),
}
_Q, _R, _S, _LATE, _ST, _T, _U, _SPIKE = range(2, 10)
_P, _QRS, _AFTER_QRS = slice(0, _Q), slice(_Q, _ST), slice(_ST, _SPIKE)
_TYPICAL = tuple(np.array([wave[k] for wave in _WAVES.values()]) for k in range(4))
_TYPICAL_LENGTH = np.linalg.norm(_TYPICAL[3], axis=1, keepdims=True)
_PR_TYPICAL_S = 0.168 + 2 * 0.018  # from the start of the first P wave to the R peak
_AXIS_TYPICAL_DEG = math.degrees(math.atan2(0.55, 1.20))


@dataclass(frozen=True)
class Heart:
    """Dials of the beat's shape and of how the chest leads see it.

    Args:
        amplitude: Factor on all waves.
        axis_deg: Electrical axis in the frontal plane (0 = left, 90 = down), from a triangle.
        rotation_deg: Turn about the body's long axis: moves the transition along V1–V6.
        wave_jitter: Standard deviation of each wave's dipole, relative to its length.
        lead_jitter: The same of each lead vector: electrodes not quite in place.
        chest_gain: Factor on each of V1–V6, log-uniform.
        huge_probability: Records with huge chest leads (what makes leads overlap).
        huge_gain: Further factor on V1–V6 there.
        p_gain: Factor on the P waves.
        pr_s: P onset to R peak, about.
        wide_probability: Records with bundle-branch-like QRS (left, right or neither, evenly).
        wide_stretch: Factor on the QRS width there.
        ectopic_mv: Dipole of an ectopic beat.
        paced_probability: Records paced in the ventricle.
        spike_mv: Dipole of the pacing spike.
        st_probability: Records with a shifted ST segment.
        st_mv: Dipole of the shift.
        t_gain: Factor on the T wave.
        t_inversion_probability: Records whose T wave is turned over.
        u_probability: Records with a U wave.
        u_mv: Dipole of the U wave.
        f_wave_mv: Dipole of the flutter of the atria in fibrillation.

    Raises:
        InputError: An impossible value.
    """

    amplitude: Range = (0.7, 1.4)
    axis_deg: Range = (-60.0, 120.0)
    rotation_deg: Range = (-25.0, 25.0)
    wave_jitter: float = 0.15
    lead_jitter: float = 0.1
    chest_gain: Range = (0.9, 1.8)
    huge_probability: float = 0.06
    huge_gain: Range = (1.4, 2.2)
    p_gain: Range = (0.4, 1.8)
    pr_s: Range = (0.13, 0.23)
    wide_probability: float = 0.12
    wide_stretch: Range = (1.2, 1.8)
    ectopic_mv: Range = (0.8, 2.5)
    paced_probability: float = 0.03
    spike_mv: Range = (0.3, 3.0)
    st_probability: float = 0.15
    st_mv: Range = (0.05, 0.35)
    t_gain: Range = (0.3, 1.7)
    t_inversion_probability: float = 0.08
    u_probability: float = 0.15
    u_mv: Range = (0.02, 0.08)
    f_wave_mv: Range = (0.03, 0.15)

    def __post_init__(self) -> None:
        limits = {
            "amplitude": (0.05, 10),
            "axis_deg": (-180, 180),
            "rotation_deg": (-180, 180),
            "chest_gain": (0.05, 10),
            "huge_gain": (0.05, 10),
            "pr_s": (0.08, 0.4),
            "wide_stretch": (1, 3),
        } | dict.fromkeys(("p_gain", "t_gain"), (0, 10))
        limits |= dict.fromkeys(("ectopic_mv", "spike_mv", "st_mv", "u_mv", "f_wave_mv"), (0, 10))
        for name, (lowest, highest) in limits.items():
            value = as_range(f"heart.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        for name in ("huge", "wide", "paced", "st", "t_inversion", "u"):
            key = f"{name}_probability"
            as_probability(f"heart.{key}", getattr(self, key))
        for name in ("wave_jitter", "lead_jitter"):
            as_probability(f"heart.{name}", getattr(self, name))

    def waves(self, rng: np.random.Generator, beats: Beats) -> Waves:
        """Draw the shape of a heart's beats: one shape, swaying from beat to beat."""
        rr_s = np.clip(beats.rr_s, 0.25, 2.0)[:, None]
        breath = np.sin(2 * np.pi * beats.respiration_hz * beats.time_s)
        n = len(beats.time_s)
        sway = 1 + uniform(rng, (0.0, 0.08)) * breath + 0.015 * rng.standard_normal(n)
        shape = self._shape(rng, fibrillation=beats.fibrillation)
        centre = np.repeat(shape.centre_s[None], n, axis=0)
        before = np.repeat(shape.before_s[None], n, axis=0)
        after = np.repeat(shape.after_s[None], n, axis=0)
        # QT goes with the cube root of RR (Fridericia), here against RR = 0.86 s; PR less so.
        late = np.cbrt(rr_s / 0.86)
        for array in (centre, before, after):
            array[:, _AFTER_QRS] *= late
        centre[:, _P] *= np.clip(rr_s / 0.6, 0.4, 1.0) ** 0.4
        dipole = shape.dipole_mv[None] * sway[:, None, None]
        waves = Waves(centre, before, after, dipole)
        self._make_ectopic(rng, waves, beats.ectopic)
        return Waves(centre + beats.time_s[:, None], before, after, dipole)

    def _shape(self, rng: np.random.Generator, *, fibrillation: bool) -> Waves:
        centre, before, after, dipole = (array.copy() for array in _TYPICAL)
        dipole += self.wave_jitter * _TYPICAL_LENGTH * rng.standard_normal(dipole.shape)
        stretch = math.exp(rng.normal(0, 0.1))
        for array in (centre, before, after):
            array[_QRS] *= stretch
        dipole[_P] *= 0.0 if fibrillation else uniform(rng, self.p_gain)
        centre[_P] += _PR_TYPICAL_S - uniform(rng, self.pr_s)
        dipole[_T] *= uniform(rng, self.t_gain)
        centre[_T] *= uniform(rng, (0.88, 1.12))
        if rng.random() < self.paced_probability:
            self._pace(rng, centre, before, after, dipole)
        elif rng.random() < self.wide_probability:
            self._widen(rng, centre, before, after, dipole)
        if rng.random() < self.t_inversion_probability:
            dipole[_T] *= -1
        self._turn(rng, dipole)
        size = log_uniform(rng, self.amplitude)
        dipole[_QRS] *= size
        dipole[_T] *= size
        dipole[_ST] = uniform(rng, (0.0, 0.25)) * dipole[_T]  # ST runs up into T
        if rng.random() < self.st_probability:
            dipole[_ST] += uniform(rng, self.st_mv) * _direction(rng)
        if rng.random() < self.u_probability:
            dipole[_U] = uniform(rng, self.u_mv) * _unit(dipole[_T])
        return Waves(centre, before, after, dipole)

    def _turn(self, rng: np.random.Generator, dipole: F64) -> None:
        turn_deg = triangular(rng, self.axis_deg, _AXIS_TYPICAL_DEG) - _AXIS_TYPICAL_DEG
        dipole[_QRS] = turned(dipole[_QRS], (0, 1), turn_deg)
        dipole[_T] = turned(dipole[_T], (0, 1), 0.4 * turn_deg)  # T follows the QRS, not as far
        rotation_deg = uniform(rng, self.rotation_deg)
        dipole[_QRS] = turned(dipole[_QRS], (2, 0), rotation_deg)
        dipole[_T] = turned(dipole[_T], (2, 0), 0.4 * rotation_deg)

    def _widen(self, rng: np.random.Generator, *shape: F64) -> None:
        """Make the QRS that of a bundle branch block, or wide without being either."""
        centre, before, after, dipole = shape
        stretch = uniform(rng, self.wide_stretch)
        kind = rng.integers(3)
        if kind == 0:  # right: a normal start, then the right ventricle alone, late and slow
            r_s = 0.040 + 0.025 * stretch
            centre[_LATE], before[_LATE], after[_LATE] = r_s, 0.010 * stretch, 0.011 * stretch
            dipole[_LATE] = uniform(rng, (0.5, 1.1)) * np.array([-0.60, -0.10, -0.80])
            return
        for array in (centre, before, after):
            array[_QRS] *= stretch
        if kind == 1:
            self._left_block(dipole)

    def _left_block(self, dipole: F64) -> None:
        dipole[_Q] = (0.25, 0.05, 0.10)  # no septal q: the septum is activated from the right
        dipole[_R] = dipole[_R] * 0.7 + np.array([0.0, 0.0, 0.3])
        dipole[_S] = dipole[_R] * 0.45 + np.array([0.0, 0.0, 0.3])
        dipole[_LATE] = dipole[_R] * 0.55  # the notch on the plateau
        dipole[_T] = -0.3 * dipole[_QRS].sum(axis=0) / 2  # T opposes a QRS of this kind

    def _pace(self, rng: np.random.Generator, *shape: F64) -> None:
        centre, before, after, dipole = shape
        dipole[_P] = 0
        for array in (centre, before, after):
            array[_QRS] *= uniform(rng, (1.6, 2.2))
        self._left_block(dipole)
        dipole[_QRS] = turned(dipole[_QRS], (0, 1), -90)  # from the apex upwards
        dipole[_SPIKE] = uniform(rng, self.spike_mv) * _direction(rng)
        centre[_SPIKE] = centre[_Q] - 2.5 * before[_Q]

    def _make_ectopic(self, rng: np.random.Generator, waves: Waves, ectopic: Bools) -> None:
        """Turn beats into ventricular ones: early is the rhythm's work; wide, tall, T opposed."""
        direction, size_mv = _direction(rng), uniform(rng, self.ectopic_mv)
        second = _unit(direction + 0.7 * _direction(rng))
        width_s = uniform(rng, (0.020, 0.030))
        rows = np.flatnonzero(ectopic)
        if not rows.size:
            return
        waves.dipole_mv[rows] = 0
        for wave, at_s, spread, size, along in (
            (_R, 0.0, 1.0, 1.0, direction),
            (_S, 0.055, 1.1, 0.6, -second),
            (_T, 0.30, 2.4, -0.35, direction),
        ):
            waves.centre_s[rows, wave] = at_s
            waves.before_s[rows, wave] = waves.after_s[rows, wave] = spread * width_s
            waves.dipole_mv[rows, wave] = size * size_mv * along

    def lead_vectors(self, rng: np.random.Generator) -> F64:
        """Draw how the eight independent leads see the dipole, float64 (8, 3)."""
        length = np.linalg.norm(LEAD_VECTORS, axis=1, keepdims=True)
        vectors: F64 = LEAD_VECTORS + self.lead_jitter * length * rng.standard_normal((8, 3))
        low, high = (math.log(gain) for gain in self.chest_gain)
        vectors[2:] *= np.exp(rng.uniform(low, high, (6, 1)))
        if rng.random() < self.huge_probability:
            vectors[2:] *= log_uniform(rng, self.huge_gain)
        return vectors

    def flutter(self, rng: np.random.Generator, *, fs_hz: float, n_samples: int) -> F32:
        """The f waves of fibrillating atria, float32 (n_samples, 3), mV; largest in V1."""
        time_s = np.arange(n_samples, dtype=np.float32) / np.float32(fs_hz)
        wander = np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * time_s + rng.uniform(0, 6))
        phase = 2 * np.pi * (rng.uniform(4.5, 8) * time_s) + 1.5 * wander
        # A saw-toothed wave whose size comes and goes.
        wave = (np.sin(phase) + 0.35 * np.sin(2 * phase + 0.6)) * (1 + 0.4 * wander)
        direction = _unit(np.array([-0.4, 0.35, -0.85]) + 0.3 * rng.standard_normal(3))
        size_mv = 0.5 * uniform(rng, self.f_wave_mv) * direction
        return np.asarray(np.multiply.outer(size_mv.astype(np.float32), wave).T)


def _unit(vector: F64) -> F64:
    unit: F64 = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit


def _direction(rng: np.random.Generator) -> F64:
    return _unit(rng.standard_normal(3))

"""What a cardiologist would measure, on the reference and on the estimate, with NeuroKit2.

Beats are found and delineated on each signal on its own; what matters is whether both give
the same answer. About 0.1 s a lead, so a report scores a stated subset by default.

Of NeuroKit2's delineators "prominence" is used: it alone works on leads of 2.5 s, and a little
noise moves its QT by milliseconds where that of the default (dwt) jumps by tens of them. It takes
the Q and S points for the ends of the QRS, so durations come out short: in both signals alike.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from data_gen.errors import InputError
from ecg_overlap.metrics.align import Aligned, FloatArray

R_TOLERANCE_S = 0.050
ST_AFTER_J_S = 0.060
QRS_REACH_S = 0.060  # to each side of R: the whole QRS, no T wave
PR_LEVEL_S = (0.040, 0.010)  # the level before the QRS onset that ST is measured from

MEASURES = ("heart_rate_bpm", "qrs_amplitude_mv", "qrs_duration_ms", "qt_ms", "st_level_mv")


@dataclass(frozen=True)
class ClinicalMeasures:
    """Medians over the beats of one signal; None where NeuroKit2 could not measure.

    Args:
        r_peaks_s: float64 (beats,), times of the R peaks.
        heart_rate_bpm: From the median RR interval; needs two beats.
        qrs_amplitude_mv: Highest minus lowest value within 60 ms of R.
        qrs_duration_ms: QRS onset to offset (J).
        qt_ms: QRS onset to T offset.
        st_level_mv: Level 60 ms after J, from the median 40–10 ms before the QRS onset.
    """

    r_peaks_s: FloatArray
    heart_rate_bpm: float | None
    qrs_amplitude_mv: float | None
    qrs_duration_ms: float | None
    qt_ms: float | None
    st_level_mv: float | None


@dataclass(frozen=True)
class ClinicalScore:
    """The estimate's measures against the reference's.

    Args:
        r_peak_f1: F1 of the R peaks, matched one to one within ±50 ms; 0 for a failed lead.
        r_peak_error_s: Mean |timing error| of the matched peaks; None without any.
        n_beats: R peaks of the reference.
        failed: The lead was refused, or less than half of it recovered.
        ref: Measures of the reference.
        est: Measures of the estimate; None for a failed lead.
    """

    r_peak_f1: float
    r_peak_error_s: float | None
    n_beats: int
    failed: bool
    ref: ClinicalMeasures
    est: ClinicalMeasures | None

    def pairs(self) -> dict[str, tuple[float, float]]:
        """(ref, est) of every measure that both have, for a Bland-Altman plot."""
        both = {name: (getattr(self.ref, name), getattr(self.est, name, None)) for name in MEASURES}
        return {
            name: (ref, est)
            for name, (ref, est) in both.items()
            if ref is not None and est is not None
        }


def clinical_score(pair: Aligned) -> ClinicalScore:
    """Compare the clinical measures of one lead; gaps are bridged by a straight line.

    Args:
        pair: The lead, aligned; with "offset" a constant delay counts as timing error.

    Raises:
        InputError: No beat is found in the reference.

    Source: docs/metrics.md.
    """
    ref, fs_hz = pair.reference_mv, pair.fs_hz
    every = np.arange(len(ref))
    if not pair.failed:
        every = np.arange(pair.index[0], pair.index[-1] + 1)
    known = np.flatnonzero(np.isfinite(ref))
    truth = measure(np.interp(every, known, ref[known]), fs_hz)
    if not len(truth.r_peaks_s):
        raise InputError("reference", "no beat was found in it", "leave this lead out")
    if pair.failed:
        return ClinicalScore(0.0, None, len(truth.r_peaks_s), True, truth, None)
    found = measure(np.interp(every, pair.index, pair.est_mv), fs_hz)
    f1, error_s = match_peaks(truth.r_peaks_s, found.r_peaks_s)
    return ClinicalScore(f1, error_s, len(truth.r_peaks_s), False, truth, found)


def match_peaks(
    ref_s: ArrayLike, est_s: ArrayLike, *, tolerance_s: float = R_TOLERANCE_S
) -> tuple[float, float | None]:
    """F1 and mean |timing error| (s) of peaks matched one to one, the nearest pairs first.

    Args:
        ref_s: (a,), s.
        est_s: (b,), s.
        tolerance_s: Farthest match.

    Returns:
        F1, and the error or None without a match.

    Raises:
        InputError: The reference has no peak.

    Example:
        >>> match_peaks([1.0, 2.0], [1.25])
        (0.0, None)
    """
    ref, est = np.asarray(ref_s, np.float64), np.asarray(est_s, np.float64)
    if not len(ref):
        raise InputError("r_peaks", "the reference has none", "leave this lead out")
    distance = np.abs(ref[:, None] - est[None, :])
    # Half a microsecond more: 1.05 − 1.0 is a little over 0.05 in floating point.
    a, b = np.nonzero(distance <= tolerance_s + 5e-7)
    errors: list[float] = []
    used_a: set[int] = set()
    used_b: set[int] = set()
    for i in np.argsort(distance[a, b], kind="stable"):
        if a[i] not in used_a and b[i] not in used_b:
            used_a.add(int(a[i]))
            used_b.add(int(b[i]))
            errors.append(float(distance[a[i], b[i]]))
    f1 = 2 * len(errors) / (len(ref) + len(est))
    return f1, float(np.mean(errors)) if errors else None


def measure(signal_mv: FloatArray, fs_hz: float) -> ClinicalMeasures:
    """Measure one signal.

    Args:
        signal_mv: float64 (n,), mV, without gaps.
        fs_hz: Sampling frequency.

    Returns:
        The measures; without R peaks where NeuroKit2 finds no beat.
    """
    peaks, waves = _delineated(signal_mv, fs_hz)
    rr_s = np.diff(peaks) / fs_hz
    reach = round(QRS_REACH_S * fs_hz)
    amplitude = [float(np.ptp(signal_mv[max(0, p - reach) : p + reach + 1])) for p in peaks]
    onset, j, t_end = (
        _beats(waves, name, len(peaks))
        for name in ("ECG_R_Onsets", "ECG_R_Offsets", "ECG_T_Offsets")
    )
    ms = 1000 / fs_hz
    return ClinicalMeasures(
        r_peaks_s=peaks / fs_hz,
        heart_rate_bpm=_median(60 / rr_s),
        qrs_amplitude_mv=_median(np.array(amplitude)),
        qrs_duration_ms=_median((j - onset) * ms),
        qt_ms=_median((t_end - onset) * ms),
        st_level_mv=_median(_st_levels(signal_mv, fs_hz, onset, j)),
    )


def _delineated(signal_mv: FloatArray, fs_hz: float) -> tuple[np.ndarray, dict[str, Any]]:
    """R peaks (beats,) in samples, and NeuroKit2's waves per beat; empty where it gives up."""
    import neurokit2 as nk  # here, as it takes 2 s to import

    rate = round(fs_hz)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # NeuroKit2 raises whatever its arithmetic raises on a signal without beats.
        try:
            clean = nk.ecg_clean(signal_mv, sampling_rate=rate)
            peaks = np.asarray(nk.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"], np.int64)
        except Exception:
            return np.zeros(0, np.int64), {}
        try:
            waves = nk.ecg_delineate(clean, peaks, sampling_rate=rate, method="prominence")[1]
        except Exception:
            return peaks, {}
    return peaks, waves


def _beats(waves: dict[str, Any], name: str, n: int) -> FloatArray:
    """One point of every beat, float64 (n,), samples; NaN where it was not found."""
    points = np.full(n, np.nan)
    given = np.asarray(waves.get(name, ()), np.float64)[:n]
    points[: len(given)] = given
    return points


def _st_levels(signal_mv: FloatArray, fs_hz: float, onset: FloatArray, j: FloatArray) -> FloatArray:
    """ST level of every beat, (beats,), mV; NaN where it cannot be measured."""
    levels = np.full(len(j), np.nan)
    early, late = (round(s * fs_hz) for s in PR_LEVEL_S)
    for beat, (start, end) in enumerate(zip(onset, j, strict=True)):
        at = end + round(ST_AFTER_J_S * fs_hz)
        if np.isfinite(start + end) and start >= early and at < len(signal_mv):
            before = signal_mv[int(start) - early : int(start) - late + 1]
            levels[beat] = signal_mv[int(at)] - np.median(before)
    return levels


def _median(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None

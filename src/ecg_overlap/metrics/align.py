"""Bring an estimated lead and its reference onto the same samples before they are scored.

Which alignment was used is part of a score's name:

* `raw`: calibrated time and amplitude zero, nothing is moved. Only for methods that
  claim to know the row of 0 mV.
* `offset`: calibrated time, both means removed.
* `aligned`: the estimate moved by the lag within ±0.2 s that maximises Pearson's ρ, found
  in steps of 1 ms by interpolation, then both means removed on the overlapping span.
  In integer samples at 100 Hz the lag alone would cost 10 dB.

Samples that the reference lacks (NaN) are left out. Samples that the estimate lacks inside
its own span are filled with its mean, so that abstaining cannot raise a score.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from data_gen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ALIGNMENTS = ("raw", "offset", "aligned")
MAX_LAG_S = 0.2
LAG_STEP_S = 0.001
MIN_RECOVERED = 0.5
"""A lead of which less than this fraction is recovered, or overlaps, has failed."""

_ROUNDING = 1e-12  # a variance below this share of the power is rounding: a constant signal
_TIE = 1e-9  # ρ that differ by less are equal (FFT rounding); the smallest of their lags is taken


@dataclass(frozen=True)
class Aligned:
    """One lead's reference and estimate, sample against sample.

    The signal scores take this pair, so that the lag is searched once however many they are.

    Args:
        reference_mv: float64 (n,), the whole reference, NaN where unknown.
        fs_hz: Its sampling frequency.
        est_fs_hz: That of the estimate.
        alignment: One of `ALIGNMENTS`.
        ref_mv: float64 (k,), the reference at `index`; its mean removed unless raw.
        est_mv: float64 (k,), the estimate there; its mean removed unless raw.
        index: int64 (k,), the samples of the reference that are compared.
        lag_s: By how much the estimate came late; 0 unless aligned.
        coverage: Fraction of the reference's known samples for which the estimate had a value.
        failed: The lead was refused, or less than half of it recovered or overlapping. Then the
            pair is the reference at all its known samples, mean removed, against a flat line at
            0 mV, and `coverage` is 0.
    """

    reference_mv: FloatArray
    fs_hz: float
    est_fs_hz: float
    alignment: str
    ref_mv: FloatArray
    est_mv: FloatArray
    index: IntArray
    lag_s: float = 0.0
    coverage: float = 0.0
    failed: bool = False

    @property
    def position(self) -> FloatArray:
        """Where the estimate was read: float64 (k,), in samples of the estimate."""
        at = (self.index + self.lag_s * self.fs_hz) * (self.est_fs_hz / self.fs_hz)
        return np.asarray(at, np.float64)


def checked_reference(
    ref_mv: ArrayLike, fs_hz: float, *, allow_constant: bool = False
) -> FloatArray:
    """The reference as float64 (n,), NaN where unknown, fit to be compared with.

    Args:
        ref_mv: (n,), mV.
        fs_hz: Its sampling frequency.
        allow_constant: For scores that a constant lead still has.

    Raises:
        InputError: It is not one lead, has fewer than two known samples, or is constant:
            then neither ρ nor an SNR is defined.
    """
    ref = np.array(ref_mv, np.float64)
    if not (math.isfinite(fs_hz) and fs_hz > 0):
        raise InputError("fs_hz", f"{fs_hz} is no sampling frequency", "give a positive number")
    if ref.ndim != 1:
        raise InputError("reference", f"shape {ref.shape} is not (n,)", "score one lead at a time")
    known = np.isfinite(ref)
    if known.sum() < 2:
        raise InputError("reference", "fewer than two known samples", "leave this lead out")
    ref[~known] = np.nan
    if np.ptp(ref[known]) == 0 and not allow_constant:
        raise InputError("reference", "it is constant, no SNR is defined", "leave this lead out")
    return ref


def checked_estimate(est_mv: ArrayLike | None) -> FloatArray:
    """The estimate as float64 (m,), NaN where missing; None (refused) becomes (0,).

    Raises:
        InputError: It is not one lead.
    """
    est = np.zeros(0) if est_mv is None else np.array(est_mv, np.float64)
    if est.ndim != 1:
        raise InputError("estimate", f"shape {est.shape} is not (m,)", "score one lead at a time")
    est[~np.isfinite(est)] = np.nan
    return est


def recovered_fraction(ref: FloatArray, est: FloatArray, rate: float) -> float:
    """Fraction of the reference's known samples at whose time the estimate has a value.

    Args:
        ref: float64 (n,), NaN where unknown.
        est: float64 (m,), NaN where missing.
        rate: Samples of the estimate per sample of the reference.
    """
    nearest = np.rint(np.flatnonzero(np.isfinite(ref)) * rate).astype(np.int64)
    inside = nearest[nearest < len(est)]
    return float(np.isfinite(est[inside]).sum() / len(nearest))


def align(
    ref_mv: ArrayLike,
    est_mv: ArrayLike | None,
    fs_hz: float,
    *,
    alignment: str = "aligned",
    est_fs_hz: float | None = None,
) -> Aligned:
    """Align an estimated lead to its reference; sample 0 of both stands at the same time.

    Between samples the estimate is a cubic spline. Only the span that both arrays cover is
    compared; what an estimate lacks at its ends lowers `coverage`.

    Args:
        ref_mv: (n,), mV, NaN where unknown.
        est_mv: (m,), mV, NaN where no trace was seen; None where the method refused.
        fs_hz: Sampling frequency of the reference.
        alignment: One of `ALIGNMENTS`.
        est_fs_hz: Sampling frequency of the estimate, where it is another.

    Returns:
        The aligned pair; `failed` says that the failure rule was applied.

    Raises:
        InputError: Unknown alignment, or a reference that nothing can be compared with.

    Source: docs/metrics.md.
    """
    if alignment not in ALIGNMENTS:
        raise InputError(f"alignment {alignment}", "unknown", f"use one of {', '.join(ALIGNMENTS)}")
    ref, est = checked_reference(ref_mv, fs_hz), checked_estimate(est_mv)
    rate = _rate(fs_hz, est_fs_hz)
    facts = (ref, fs_hz, fs_hz if est_fs_hz is None else est_fs_hz, alignment)
    coverage = recovered_fraction(ref, est, rate)
    if coverage < MIN_RECOVERED or np.isfinite(est).sum() < 2:
        index = np.flatnonzero(np.isfinite(ref))
        centred = (ref - np.nanmean(ref))[index]
        return Aligned(*facts, centred, np.zeros(len(index)), index, failed=True)
    _fill(est)
    if alignment == "aligned":
        index, moved, lag_s = _best_lag(ref, est, fs_hz, rate)
    else:
        index, moved = _unmoved(ref, est, rate)
        lag_s = 0.0
    fixed = ref[index]
    if alignment != "raw":
        fixed, moved = fixed - fixed.mean(), moved - moved.mean()
    return Aligned(*facts, fixed, moved, index, lag_s, coverage)


def resampled(est_mv: ArrayLike | None, fs_hz: float, *, est_fs_hz: float | None) -> FloatArray:
    """The estimate at the reference's sampling frequency, float64 (m',), mV; gaps stay NaN.

    For scorers that are defined on one common frequency.
    """
    est, rate = checked_estimate(est_mv), _rate(fs_hz, est_fs_hz)
    if rate == 1.0 or np.isfinite(est).sum() < 2:
        return est
    position = np.arange(math.floor((len(est) - 1) / rate + 1e-9) + 1) * rate
    gap = np.isnan(est[np.minimum(np.rint(position).astype(np.int64), len(est) - 1)])
    _fill(est)
    out = _spline(est)(np.minimum(position, len(est) - 1))
    out[gap] = np.nan
    return out


def _rate(fs_hz: float, est_fs_hz: float | None) -> float:
    if est_fs_hz is None:
        return 1.0
    if not (math.isfinite(est_fs_hz) and est_fs_hz > 0):
        raise InputError("est_fs_hz", f"{est_fs_hz} is no frequency", "give a positive number")
    return est_fs_hz / fs_hz


def _fill(est: FloatArray) -> None:
    """Put the mean into the gaps, in place."""
    mean = float(np.nanmean(est))
    est[np.isnan(est)] = mean
    # A constant estimate and the mean of it differ by rounding, which would correlate.
    if np.ptp(est) <= _ROUNDING * abs(mean):
        est[:] = mean


def _spline(est: FloatArray) -> Callable[[FloatArray], FloatArray]:
    curve: Callable[[FloatArray], FloatArray] = CubicSpline(np.arange(len(est)), est)
    return curve


def _unmoved(ref: FloatArray, est: FloatArray, rate: float) -> tuple[IntArray, FloatArray]:
    index = np.flatnonzero(np.isfinite(ref))
    index = index[index * rate <= len(est) - 1 + 1e-9]
    if rate == 1.0:
        return index, est[index]
    return index, _spline(est)(np.minimum(index * rate, len(est) - 1))


def _best_lag(
    ref: FloatArray, est: FloatArray, fs_hz: float, rate: float
) -> tuple[IntArray, FloatArray, float]:
    """Known samples of ref in the best overlap, the estimate there, and its lag (s)."""
    # The finest common raster: 1 ms where that divides the sample interval, else a little
    # finer, so that every (sample, lag) falls on a point of it.
    up = max(1, math.ceil(1 / (LAG_STEP_S * fs_hz) - 1e-9))
    max_lag = math.floor(MAX_LAG_S * fs_hz * up + 1e-9)
    point = np.arange(-max_lag, (len(ref) - 1) * up + max_lag + 1)
    position = point * rate / up
    inside = (position >= 0) & (position <= len(est) - 1 + 1e-9)
    curve = np.zeros(len(point))
    centre = est.mean()
    curve[inside] = _spline(est - centre)(np.minimum(position[inside], len(est) - 1))
    rho = _correlations(ref, curve, inside, up, 2 * max_lag + 1)
    lags = np.arange(-max_lag, max_lag + 1)
    best = np.flatnonzero(rho >= rho.max() - _TIE)
    lag = int(lags[best[np.argmin(np.abs(lags[best]))]])
    index = np.flatnonzero(np.isfinite(ref))
    index = index[inside[index * up + lag + max_lag]]
    return index, curve[index * up + lag + max_lag] + centre, lag / (fs_hz * up)


def _correlations(
    ref: FloatArray, curve: FloatArray, inside: NDArray[np.bool_], up: int, n_lags: int
) -> FloatArray:
    """Pearson's ρ of ref with curve[k::up], for k < n_lags, on the span inside; (n_lags,).

    The sums that ρ is made of come for all lags at once: those of the reference from
    running sums, those with the estimate from an FFT correlation with the reference
    spread onto the fine raster.
    """
    known = np.isfinite(ref)
    r = np.where(known, ref - ref[known].mean(), 0.0)
    first, last = np.flatnonzero(inside)[[0, -1]]
    k = np.arange(n_lags)
    lo = np.clip(-((k - first) // up), 0, len(ref))
    hi = np.clip((last - k) // up + 1, lo, len(ref))
    running = np.zeros((3, len(ref) + 1))
    np.cumsum([known, r, r * r], axis=1, out=running[:, 1:])
    n, sum_r, sum_rr = running[:, hi] - running[:, lo]

    size = scipy.fft.next_fast_len(len(curve), real=True)
    spread = np.zeros((2, size))
    spread[0, : len(ref) * up : up], spread[1, : len(ref) * up : up] = known, r
    fixed = scipy.fft.rfft(spread).conj()
    powers = np.stack([curve, curve * curve])
    e, ee = scipy.fft.rfft(powers, size)
    sums = scipy.fft.irfft(np.stack([fixed[0] * e, fixed[0] * ee, fixed[1] * e]), size)
    sum_e, sum_ee, sum_re = sums[:, :n_lags]

    var_r, var_e = n * sum_rr - sum_r**2, n * sum_ee - sum_e**2
    # (Sums, not dot products: BLAS would start its threads, in every worker.)
    fine = (var_r > _ROUNDING * n * running[2, -1]) & (var_e > _ROUNDING * n * powers[1].sum())
    rho = np.zeros(n_lags)  # where one of the two is constant
    # Two roots: the product of the variances of a tiny signal may underflow.
    spread_re = np.sqrt(var_r[fine]) * np.sqrt(var_e[fine])
    rho[fine] = (n * sum_re - sum_r * sum_e)[fine] / spread_re
    rho[n < MIN_RECOVERED * known.sum()] = -np.inf
    return rho

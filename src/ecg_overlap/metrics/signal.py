"""How well one lead's signal was recovered, with the failure rule.

A lead that a method refuses, or of which less than half is recovered, is scored as a flat
line and marked `failed`: ρ 0, SNR 0 dB, MSE the variance of the reference. Otherwise
abstaining would raise every score. Definitions: docs/metrics.md.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_gen.errors import InputError
from ecg_overlap.metrics.align import Aligned, FloatArray, align

SCORES = ("mse_mv2", "rmse_mv", "mae_mv", "pearson_r", "snr_db")


@dataclass(frozen=True)
class LeadScore:
    """The scores of one lead under one alignment.

    Args:
        alignment: One of `align.ALIGNMENTS`.
        n: Samples scored; those that the reference lacks are left out.
        lag_s: By how much the estimate came late; 0 unless aligned.
        coverage: Fraction of the reference's known samples that were recovered. Gaps were filled
            with the estimate's mean; what it lacks at its ends is not scored.
        failed: The failure rule was applied.
        mse_mv2: Mean squared error, mV².
        rmse_mv: Its root, mV.
        mae_mv: Mean absolute error, mV.
        pearson_r: Pearson's ρ; 0 for a constant estimate.
        snr_db: Signal-to-noise ratio, dB; +inf for a perfect estimate.
    """

    alignment: str
    n: int
    lag_s: float
    coverage: float
    failed: bool
    mse_mv2: float
    rmse_mv: float
    mae_mv: float
    pearson_r: float
    snr_db: float

    def scores(self) -> dict[str, float]:
        """The five scores by their names in results.json."""
        return {name: value for name, value in asdict(self).items() if name in SCORES}


def score_lead(
    ref_mv: ArrayLike,
    est_mv: ArrayLike | None,
    fs_hz: float,
    *,
    alignment: str,
    est_fs_hz: float | None = None,
) -> LeadScore:
    """Align one lead and score it.

    Args:
        ref_mv: (n,), mV; NaN samples are left out of the score.
        est_mv: (m,), mV; NaN samples are filled with its mean; None where refused.
        fs_hz: Sampling frequency of the reference.
        alignment: "raw", "offset" or "aligned"; part of the score's name.
        est_fs_hz: Sampling frequency of the estimate, where it is another.

    Raises:
        InputError: Unknown alignment, or a reference that is constant or has fewer than two
            known samples.

    Example:
        >>> import numpy as np
        >>> beat = np.array([0.0, 0.1, 1.0, -0.2, 0.0, 0.1])
        >>> score_lead(beat, beat + 0.5, 500.0, alignment="offset").mse_mv2 < 1e-30
        True
        >>> score_lead(beat, None, 500.0, alignment="aligned").failed
        True

    Source: docs/metrics.md.
    """
    return score_aligned(align(ref_mv, est_mv, fs_hz, alignment=alignment, est_fs_hz=est_fs_hz))


def score_aligned(pair: Aligned) -> LeadScore:
    """Score one lead that has been aligned; a failed one scores as a flat line."""
    return _score(pair, np.ones(len(pair.index), np.bool_))


def score_split(pair: Aligned, inside: NDArray[np.bool_]) -> dict[str, LeadScore]:
    """Score a lead's samples in contact with another trace apart from the others.

    Lag and offsets are those of the whole lead; ρ uses each part's own means, the SNR's
    signal power is taken about the mean of the whole lead.

    Args:
        pair: The aligned lead.
        inside: bool (n,), the reference's samples whose column is in contact
            (`severity.samples_in_contact`).

    Returns:
        "inside" and "outside"; a part of fewer than two samples, or without any variation
        of the reference, is left out.

    Raises:
        InputError: `inside` is not one bool per sample of the reference.
    """
    shape = pair.reference_mv.shape
    if inside.shape != shape or inside.dtype != np.bool_:
        raise InputError("inside", f"{inside.dtype} {inside.shape}", f"give bool {shape}")
    parts = {"inside": inside[pair.index], "outside": ~inside[pair.index]}
    return {
        name: _score(pair, chosen)
        for name, chosen in parts.items()
        if chosen.sum() >= 2 and np.ptp(pair.ref_mv[chosen]) > 0
    }


def mse_mv2(ref_mv: ArrayLike, est_mv: ArrayLike) -> float:
    """Mean squared error of two aligned signals (k,), mV².

    Raises:
        InputError: They are empty, differ in shape, or hold NaN: align them first.
    """
    ref, est = _pair(ref_mv, est_mv)
    return float(np.mean((ref - est) ** 2))


def rmse_mv(ref_mv: ArrayLike, est_mv: ArrayLike) -> float:
    """Root mean squared error of two aligned signals (k,), mV; errors as `mse_mv2`."""
    return math.sqrt(mse_mv2(ref_mv, est_mv))


def mae_mv(ref_mv: ArrayLike, est_mv: ArrayLike) -> float:
    """Mean absolute error of two aligned signals (k,), mV; errors as `mse_mv2`."""
    ref, est = _pair(ref_mv, est_mv)
    return float(np.mean(np.abs(ref - est)))


def pearson_r(ref_mv: ArrayLike, est_mv: ArrayLike) -> float:
    """Pearson's ρ of two aligned signals (k,); 0 where the estimate is constant.

    Raises:
        InputError: As `mse_mv2`, or the reference is constant.
    """
    ref, est = _pair(ref_mv, est_mv)
    _require_variation(ref)
    if np.ptp(est) == 0:
        return 0.0
    r, e = ref - ref.mean(), est - est.mean()
    # Scaled before they are multiplied, so that tiny signals do not underflow.
    r, e = r / np.abs(r).max(), e / np.abs(e).max()
    return float(np.clip((r * e).sum() / math.sqrt((r * r).sum() * (e * e).sum()), -1.0, 1.0))


def snr_db(ref_mv: ArrayLike, est_mv: ArrayLike, *, ref_mean_mv: float | None = None) -> float:
    """Signal-to-noise ratio of two aligned signals (k,): 10·log10(Σ(ref−mean)²/Σ(ref−est)²).

    Args:
        ref_mv: (k,), mV.
        est_mv: (k,), mV.
        ref_mean_mv: The mean, where it is not that of these samples.

    Returns:
        dB; +inf where the two are equal (`bootstrap.CEILING_DB` says how that enters a mean).

    Raises:
        InputError: As `mse_mv2`, or the reference is constant.

    Source: docs/metrics.md.
    """
    ref, est = _pair(ref_mv, est_mv)
    _require_variation(ref)
    mean = ref.mean() if ref_mean_mv is None else ref_mean_mv
    noise = float(np.sum((ref - est) ** 2))
    return 10 * math.log10(float(np.sum((ref - mean) ** 2)) / noise) if noise > 0 else math.inf


def _score(pair: Aligned, chosen: NDArray[np.bool_]) -> LeadScore:
    ref, est = pair.ref_mv[chosen], pair.est_mv[chosen]
    mse = mse_mv2(ref, est)
    return LeadScore(
        alignment=pair.alignment,
        n=len(ref),
        lag_s=pair.lag_s,
        coverage=pair.coverage,
        failed=pair.failed,
        mse_mv2=mse,
        rmse_mv=math.sqrt(mse),
        mae_mv=mae_mv(ref, est),
        pearson_r=pearson_r(ref, est),
        # By the rule, not computed: rounding would leave some 1e-15 dB.
        snr_db=0.0 if pair.failed else snr_db(ref, est, ref_mean_mv=float(pair.ref_mv.mean())),
    )


def _pair(ref_mv: ArrayLike, est_mv: ArrayLike) -> tuple[FloatArray, FloatArray]:
    ref, est = np.asarray(ref_mv, np.float64), np.asarray(est_mv, np.float64)
    if ref.shape != est.shape or ref.ndim != 1:
        raise InputError("signals", f"shapes {ref.shape} and {est.shape}", "align them first")
    if not len(ref):
        raise InputError("signals", "no samples to score", "leave this lead out")
    if not (np.isfinite(ref).all() and np.isfinite(est).all()):
        raise InputError("signals", "missing samples", "align them first, or use score_lead")
    return ref, est


def _require_variation(ref: FloatArray) -> None:
    if np.ptp(ref) == 0:
        raise InputError("reference", "it is constant, no SNR or ρ is defined", "leave it out")

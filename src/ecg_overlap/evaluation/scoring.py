"""One outcome against one sample's truth: every metric that the sample's truth allows."""

import math
import time
import traceback
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.sample import LeadSample, Severity
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.evaluation.aggregate import KAGGLE
from ecg_overlap.evaluation.columns import FOUND, TRUE, column
from ecg_overlap.evaluation.methods import Method, Outcome
from ecg_overlap.evaluation.test_sets import TestSet, sample_sha256
from ecg_overlap.metrics import segmentation, severity
from ecg_overlap.metrics.align import Aligned, FloatArray, align, checked_reference
from ecg_overlap.metrics.challenge2024 import challenge2024_snr_db
from ecg_overlap.metrics.clinical import clinical_score
from ecg_overlap.metrics.grid import grid_drift_px
from ecg_overlap.metrics.identity import identity_swaps, rows_at_columns
from ecg_overlap.metrics.interval import interval_coverage
from ecg_overlap.metrics.kaggle2025 import lead_snr_db
from ecg_overlap.metrics.signal import score_aligned, score_split

Scores = dict[str, Any]  # the columns of one row of per_sample.parquet

CHALLENGE, CHALLENGE_HZ = "challenge2024_snr_db", 100.0  # at 500 Hz a lead costs 0.4 s


def rows_of(test_set: TestSet, index: int, methods: list[Method], *, costly: bool) -> list[Scores]:
    """One row per method for one sample of a set.

    Args:
        test_set: The set.
        index: Of the sample in it.
        methods: All that are to be tried on it.
        costly: Whether the Challenge's score and the clinical measures are wanted too.

    Returns:
        One row per method that the sample has the truths for.

    Raises:
        InputError: The sample cannot be read.
    """
    started = time.perf_counter()
    sample = test_set.sample(index)
    load_ms = 1000 * (time.perf_counter() - started)
    facts = facts_of(sample, test_set, index) | {"load_ms": load_ms}
    inside = _inside(sample)
    rows = []
    for method in methods:
        if any(getattr(sample, truth) is None for truth in method.needs):
            continue
        started = time.perf_counter()
        outcome = _try(method, sample)
        ended = time.perf_counter()
        found = score(sample, outcome, method, inside=inside, costly=costly)
        row = {**facts, "method": method.name, **found}
        row["time_ms"] = 1000 * (ended - started)
        row["score_ms"] = 1000 * (time.perf_counter() - ended)
        rows.append(row)
    return rows


def _try(method: Method, sample: LeadSample) -> Outcome:
    try:
        return method.digitize(sample)
    except Exception as error:  # one defect must not lose the other samples' scores
        return Outcome(None, reason=defect_of(error))


def defect_of(error: Exception) -> str:
    """What went wrong in a method that neither answered nor refused, and where."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(at.filename).name}:{at.lineno}"
    return f"defect: {type(error).__name__}: {error} ({place})"


def facts_of(sample: LeadSample, test_set: TestSet, index: int) -> Scores:
    """What is known of the sample itself: names, size, severity, hash."""
    known = severity_of(sample)
    layout = sample.meta.get("layout")
    return {
        "test_set": test_set.name,
        "index": index,
        "sample_id": test_set.sample_id(index),
        "record_id": sample.record_id,
        "lead": sample.lead_name,
        "layout": None if layout is None else str(layout),
        "height_px": sample.image.shape[0],
        "width_px": sample.image.shape[1],
        "fs_hz": sample.fs_hz,
        "has_mask": sample.target_mask is not None,
        "has_signal": sample.signal_mv is not None,
        "severity_estimated": sample.severity is None and known is not None,
        "intrusion": known.intrusion if known else math.nan,
        "contact": known.contact if known else math.nan,
        "crossings": float(known.crossings) if known else math.nan,
        "longest_contact_px": float(known.longest_contact_px) if known else math.nan,
        "smallest_gap_px": known.smallest_gap_px if known else math.nan,
        "sha256": sample_sha256(sample),
    }


def severity_of(sample: LeadSample) -> Severity | None:
    """The sample's severity; where only the primary's mask is known, its intrusion estimated."""
    if sample.severity is not None or sample.target_mask is None or not sample.target_mask.any():
        return sample.severity
    intrusion = severity.estimated_intrusion(sample.image, sample.target_mask)
    return Severity(intrusion, math.nan, 0, 0, math.nan)


def score(
    sample: LeadSample,
    outcome: Outcome,
    method: Method,
    *,
    inside: NDArray[np.bool_] | None = None,
    costly: bool = False,
) -> Scores:
    """Every metric of one outcome; a refusal counts by the failure rule.

    Args:
        sample: With whatever truth it has.
        outcome: What the method made of it.
        method: Which scores it may claim.
        inside: bool (n,), the signal's samples in contact with another trace, where known.
        costly: Whether the Challenge's score and the clinical measures are wanted too.

    Returns:
        "failed", "reason" and a column per metric and alignment.
    """
    row: Scores = {"failed": outcome.signal is None, "reason": outcome.reason}
    if sample.target_mask is not None and method.makes_mask:
        row |= mask_scores(sample, outcome, method)
    if sample.signal_mv is not None:
        row |= signal_scores(sample, outcome, method, inside, costly=costly)
    return row


def mask_scores(sample: LeadSample, outcome: Outcome, method: Method) -> Scores:
    """IoU and Dice at the picture's own resolution, and IoU at the network's."""
    truth = sample.target_mask
    assert truth is not None
    counts = segmentation.count(outcome.mask, truth)
    if counts.both + counts.only_pred + counts.only_true == 0:
        return {}
    row: Scores = {
        column("iou"): counts.iou,
        column("dice"): counts.dice,
        "common_px": float(counts.both),
        "found_px": float(counts.both + counts.only_pred),
        "true_px": float(counts.both + counts.only_true),
    }
    scale = outcome.signal.calibration if outcome.signal else sample.calibration
    if method.size_of is not None and scale is not None:
        height, width = method.size_of(truth.shape[0], truth.shape[1], scale.px_per_mm_y)
        small = [
            None
            if mask is None
            else cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
            for mask in (outcome.mask, truth)
        ]
        assert small[1] is not None
        if small[1].max(initial=0) >= 128:
            row[column("iou_net")] = segmentation.iou(small[0], small[1])
    return row


def signal_scores(
    sample: LeadSample,
    outcome: Outcome,
    method: Method,
    inside: NDArray[np.bool_] | None,
    *,
    costly: bool,
) -> Scores:
    """Every signal metric under every alignment that the method may claim."""
    ref, fs_hz = sample.signal_mv, sample.fs_hz
    assert ref is not None and fs_hz is not None
    try:
        checked_reference(ref, fs_hz)
    except InputError as error:
        # Nothing can be compared with it: no score, but the lead stays in the count of failures.
        return {"reason": outcome.reason or f"not scored: {error.what}"}
    est = placed_mv(outcome.signal, sample.calibration)
    rate = outcome.signal.fs_hz if outcome.signal else None
    row: Scores = {}
    for alignment in ("raw", "offset", "aligned") if method.claims_zero else ("offset", "aligned"):
        pair = align(ref, est, fs_hz, alignment=alignment, est_fs_hz=rate)
        row |= {column(n, alignment): value for n, value in score_aligned(pair).scores().items()}
    row["failed"] = pair.failed
    if outcome.signal is not None and math.isfinite(outcome.signal.quality):
        row[column("quality")] = outcome.signal.quality
    row[column("coverage")] = pair.coverage
    row[column(KAGGLE)] = lead_snr_db(ref, est, fs_hz, est_fs_hz=rate)
    if pair.failed and outcome.signal is not None:
        row["reason"] = "less than half of the lead was recovered"
    if not pair.failed:
        row[column("lag_s", "aligned")] = abs(pair.lag_s)
        row |= recovered_scores(sample, outcome, method, pair)
    if inside is not None and inside.any():
        for region, part in score_split(pair, inside).items():
            row |= {column(n, "aligned", region): value for n, value in part.scores().items()}
    if costly:
        row |= costly_scores(pair, est)
    return row


def recovered_scores(sample: LeadSample, outcome: Outcome, method: Method, pair: Aligned) -> Scores:
    """What can be said only of a lead that was recovered: grid, identity, its own error bars."""
    lead, true = outcome.signal, sample.calibration
    assert lead is not None and sample.signal_mv is not None and sample.fs_hz is not None
    row: Scores = {}
    if true is not None and method.finds_grid:
        length_px = (len(sample.signal_mv) - 1) / sample.fs_hz * true.px_per_s
        row[column("grid_drift_px")] = grid_drift_px(
            lead.calibration.px_per_mm_x, true.px_per_mm_x, width_px=length_px
        )
    row |= swap_scores(sample, lead)
    if np.isfinite(lead.interval_mv).any():
        bars = interval_coverage(pair, lead.interval_mv, first=samples_late(lead, true))
        if bars is not None:
            row[column("interval_coverage", "aligned")] = bars.coverage
            row[column("interval_half_width_mv", "aligned")] = bars.mean_half_width_mv
    return row


def swap_scores(sample: LeadSample, lead: LeadSignal) -> Scores:
    """How much of the output follows another trace, where there is one to follow."""
    own, other, true = sample.target_mask, sample.other_mask, sample.calibration
    if own is None or other is None or true is None or not len(lead.path_px):
        return {}
    if not ((own >= 128).any() and (other >= 128).any()):
        return {}
    y_px = rows_at_columns(lead.path_px[:, 0], lead.path_px[:, 1], own.shape[1])
    try:
        swaps = identity_swaps(y_px, own, other, px_per_s=true.px_per_s)
    except InputError:  # the output has no column in common with the trace
        return {}
    row: Scores = {column("identity_swap_rate"): swaps.rate}
    if swaps.return_s:
        row[column("longest_swap_s")] = max(swaps.return_s)
    return row


def costly_scores(pair: Aligned, est_mv: FloatArray | None) -> Scores:
    """The Challenge's SNR at 100 Hz, and what a cardiologist would measure on both signals.

    Args:
        pair: The lead under `aligned`.
        est_mv: (m,), the estimate itself: the Challenge aligns by a way of its own.
    """
    row: Scores = {}
    try:
        row[column(CHALLENGE)] = challenge2024_snr_db(
            pair.reference_mv, est_mv, pair.fs_hz, est_fs_hz=pair.est_fs_hz, at_hz=CHALLENGE_HZ
        )
        found = clinical_score(pair)
    except InputError:  # no beat is found in the reference
        return row
    row[column("r_peak_f1")] = found.r_peak_f1
    if found.r_peak_error_s is not None:
        row[column("r_peak_error_s")] = found.r_peak_error_s
    for name, (true, measured) in found.pairs().items():
        row |= {TRUE + name: true, FOUND + name: measured}
        row[column(f"{name}_error")] = abs(measured - true)
    return row


def samples_late(lead: LeadSignal, true: Calibration | None) -> float:
    """How many of its own samples after the lead's true beginning the digitizer saw it begin.

    Negative where it began too early; 0 where nothing tells: without a calibration, or with
    fewer than two samples.
    """
    if true is None or np.isfinite(lead.signal_mv).sum() < 2:
        return 0.0
    late = (lead.t0_px - true.t0_px) / lead.calibration.px_per_s * lead.fs_hz
    return late if abs(late) >= 1e-6 else 0.0


def placed_mv(lead: LeadSignal | None, true: Calibration | None) -> FloatArray | None:
    """The recovered lead from the true first sample's column on, at its own frequency.

    A digitizer's sample 0 stands where it saw the trace begin; a score needs it where the lead
    begins. Between samples the lead is a cubic spline; gaps and what was not seen stay NaN.

    Args:
        lead: As digitized; None where refused.
        true: The sample's calibration; without it the first sample seen is taken as the lead's.
    """
    if lead is None:
        return None
    signal = np.asarray(lead.signal_mv, np.float64)
    late = samples_late(lead, true)
    if late == 0:
        return signal
    seen = np.isfinite(signal)
    position = np.arange(math.ceil(len(signal) - 1 + late - 1e-6) + 1) - late
    nearest = np.clip(np.rint(position).astype(np.int64), 0, len(signal) - 1)
    curve = CubicSpline(np.arange(len(signal)), np.where(seen, signal, signal[seen].mean()))
    placed: FloatArray = curve(np.clip(position, 0, len(signal) - 1))
    # Half a sample beyond the ends is still the end; farther was never seen.
    beyond = (position < -0.5) | (position > len(signal) - 0.5)
    placed[~seen[nearest] | beyond] = np.nan
    return placed


def _inside(sample: LeadSample) -> NDArray[np.bool_] | None:
    """Which of the signal's samples stand in contact; None where the drawing does not tell."""
    if sample.target_mask is None or sample.other_mask is None or sample.signal_mv is None:
        return None
    if sample.polyline_px is None:
        return None
    columns = severity.contact_columns(sample.target_mask, sample.other_mask)
    return severity.samples_in_contact(columns, sample.polyline_px[:, 0])

"""Scores of digitized leads against the truth: pure functions of NumPy arrays.

Each docstring defines its score, as docs/metrics.md does. The alignment is part of a signal
score's name. A metric over nothing raises.
"""

from ecg_overlap.metrics.align import ALIGNMENTS, Aligned, align
from ecg_overlap.metrics.bootstrap import Difference, Draws, paired_difference
from ecg_overlap.metrics.challenge2024 import challenge2024_snr_db
from ecg_overlap.metrics.clinical import ClinicalScore, clinical_score
from ecg_overlap.metrics.grid import grid_drift_px
from ecg_overlap.metrics.identity import IdentitySwaps, identity_swaps, rows_at_columns
from ecg_overlap.metrics.interval import IntervalScore, interval_coverage
from ecg_overlap.metrics.reliability import auc, brier, calibration_error, reliability
from ecg_overlap.metrics.segmentation import MaskCounts, count, dice, iou
from ecg_overlap.metrics.severity import (
    contact_bin,
    contact_columns,
    estimated_intrusion,
    samples_in_contact,
    subsets,
)
from ecg_overlap.metrics.signal import (
    LeadScore,
    mae_mv,
    mse_mv2,
    pearson_r,
    rmse_mv,
    score_aligned,
    score_lead,
    score_split,
    snr_db,
)

__all__ = [
    "ALIGNMENTS",
    "Aligned",
    "ClinicalScore",
    "Difference",
    "Draws",
    "IdentitySwaps",
    "IntervalScore",
    "LeadScore",
    "MaskCounts",
    "align",
    "auc",
    "brier",
    "calibration_error",
    "challenge2024_snr_db",
    "clinical_score",
    "contact_bin",
    "contact_columns",
    "count",
    "dice",
    "estimated_intrusion",
    "grid_drift_px",
    "identity_swaps",
    "interval_coverage",
    "iou",
    "mae_mv",
    "mse_mv2",
    "paired_difference",
    "pearson_r",
    "reliability",
    "rmse_mv",
    "rows_at_columns",
    "samples_in_contact",
    "score_aligned",
    "score_lead",
    "score_split",
    "snr_db",
    "subsets",
]

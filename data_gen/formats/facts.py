"""What is known of a sample beside its arrays, as JSON and back."""

import math
from dataclasses import asdict
from typing import Any

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.sample import LeadSample, Severity


def facts(sample: LeadSample) -> dict[str, Any]:
    """Everything but the arrays; None where not known.

    Example:
        >>> import numpy as np
        >>> facts(LeadSample(np.zeros((1, 1, 3), np.uint8), lead_name="II"))["lead_name"]
        'II'
    """
    severity: dict[str, float | None] | None = None
    if sample.severity is not None:
        # JSON has neither NaN (contact not known) nor infinity (no other trace there).
        stored = asdict(sample.severity)
        severity = {k: v if math.isfinite(v) else None for k, v in stored.items()}
    return {
        "lead_name": sample.lead_name,
        "record_id": sample.record_id,
        "fs_hz": sample.fs_hz,
        "calibration": sample.calibration and asdict(sample.calibration),
        "severity": severity,
        "meta": sample.meta,
    }


def from_facts(stored: Any, where: object) -> dict[str, Any]:
    """The keyword arguments of `LeadSample` that `facts` stored.

    Raises:
        InputError: The value is not what `facts` writes.
    """
    try:
        severity = stored["severity"]
        if severity is not None:
            missing: dict[str, Any] = {"contact": math.nan, "smallest_gap_px": math.inf}
            severity = Severity(**{k: missing[k] if v is None else v for k, v in severity.items()})
        calibration = stored["calibration"]
        return {
            "lead_name": stored["lead_name"],
            "record_id": stored["record_id"],
            "fs_hz": stored["fs_hz"],
            "calibration": None if calibration is None else Calibration(**calibration),
            "severity": severity,
            "meta": stored["meta"],
        }
    except (KeyError, TypeError) as error:
        raise InputError(
            where, f"does not hold the facts of a sample ({error!r})", "write the set anew"
        ) from None

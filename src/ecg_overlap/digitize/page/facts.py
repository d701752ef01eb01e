"""What a page's JSON file says, and the line of it that tables show."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ecg_overlap.digitize.page.page_signal import PageSignal, Source, Strip
from ecg_overlap.digitize.write import versions

KIND = "page"  # told apart from the JSON file of a lead


def description(page: PageSignal) -> dict[str, Any]:
    """A page's facts, as values that JSON can hold: NaN is None."""
    facts: dict[str, Any] = _plain(
        {
            "kind": KIND,
            "layout": page.layout,
            "layout_from": page.layout_from,
            "fs_hz": page.fs_hz,
            "duration_s": page.duration_s,
            "n_samples": page.n_samples,
            "scale": {
                "px_per_mm": page.px_per_mm,
                "mm_per_s": page.mm_per_s,
                "speed_from": page.speed_from,
                "mm_per_mv": page.mm_per_mv,
                "gain_from": page.gain_from,
                "chest_mm_per_mv": page.chest_mm_per_mv,
                "chest_gain_from": page.chest_gain_from,
                "angle_deg": page.angle_deg,
                "grid_confidence": page.grid_confidence,
            },
            "turned_deg": page.turned_deg,
            "flags": page.flags,
            "unexplained": page.unexplained,
            "quality": {
                "least": page.quality,
                "lead": None if page.worst is None else page.worst.lead_name,
                "mean": page.mean_quality,
            },
            "consistency": [asdict(residual) for residual in page.consistency],
            "strips": [_strip(page, strip) for strip in page.strips],
            "method": page.method,
            "weights_sha256": page.weights_sha256,
            "versions": versions(),
        }
    )
    return facts


def _strip(page: PageSignal, strip: Strip) -> dict[str, Any]:
    signal = strip.signal
    known = np.isfinite(signal.interval_mv)
    return {
        "lead_name": strip.lead_name,
        "name_from": strip.name_from,
        "row": strip.row,
        "column": strip.column,
        "start_s": strip.start_s,
        "duration_s": len(signal.signal_mv) / signal.fs_hz,
        "box_px": strip.box_px,
        "rhythm": strip.rhythm,
        "in_record": page.strip(strip.lead_name) is strip,
        "calibration": asdict(signal.calibration),
        "baseline_known": signal.baseline_known,
        "coverage": signal.coverage,
        "mean_confidence": float(signal.confidence.mean()) if len(signal.confidence) else 0.0,
        "median_interval_mv": np.median(signal.interval_mv[known]) if known.any() else None,
        "contested": signal.contested,
        "invented": signal.invented,
        "quality": strip.quality,
        "evidence": signal.evidence,
        "flags": signal.flags,
    }


def _plain(value: Any) -> Any:
    """Tuples to lists, NumPy's numbers to Python's, what is not finite to None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value) if isinstance(value, str) else value  # a StrEnum is a str


def worst(consistency: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The law of simultaneous leads that is kept worst, as its facts; None: there is none."""
    known = [residual for residual in consistency if residual.get("snr_db") is not None]
    return min(known, key=lambda residual: float(residual["snr_db"]), default=None)


def names_from(strips: list[dict[str, Any]]) -> str:
    """Where the names of a page's leads come from.

    Example:
        >>> names_from([{"name_from": "read"}] * 7 + [{"name_from": "assumed"}] * 6)
        '7 read, 6 assumed'
    """
    counted = Counter(strip.get("name_from") for strip in strips)
    return ", ".join(f"{counted[source]} {source}" for source in Source if counted[source])


@dataclass(frozen=True)
class PageRow:
    """One page's line of summary.csv; what is not known is None.

    Args:
        path: The picture, and its page from the second on.
        record: Folder and name of the record, from the folder of the results.
        status: "ok"; "unchanged", where an earlier command has done it; or "failed".
        reason: Why it failed.
        chest_mm_per_mv: Of the chest leads, where they have another gain.
        quality: Of the page's worst lead.
        quality_lead: Which that is.
        mean_quality: The share of its leads that is to be expected at 10 dB or more.
    """

    path: str
    record: str
    status: str
    reason: str = ""
    layout: str = ""
    layout_from: str = ""
    names: str = ""
    leads: int | None = None
    fs_hz: float | None = None
    duration_s: float | None = None
    px_per_mm_x: float | None = None
    px_per_mm_y: float | None = None
    mm_per_s: float | None = None
    speed_from: str = ""
    mm_per_mv: float | None = None
    gain_from: str = ""
    chest_mm_per_mv: float | None = None
    chest_gain_from: str | None = None
    grid_confidence: float | None = None
    consistency_law: str = ""
    consistency_mv: float | None = None
    consistency_db: float | None = None
    unexplained: float | None = None
    quality: float | None = None
    quality_lead: str | None = None
    mean_quality: float | None = None
    flags: str = ""
    method: str = ""
    weights_sha256: str | None = None


def row_of(path: str, record: str, status: str, facts: Mapping[str, Any]) -> PageRow:
    """The line of a page, from what its JSON file says.

    Raises:
        KeyError: It says less than `description` does.
    """
    scale, law = facts["scale"], worst(facts["consistency"]) or {}
    x, y = scale["px_per_mm"]
    return PageRow(
        path=path,
        record=record,
        status=status,
        layout=facts["layout"],
        layout_from=facts["layout_from"],
        names=names_from(facts["strips"]),
        leads=len({strip["lead_name"] for strip in facts["strips"]}),
        fs_hz=facts["fs_hz"],
        duration_s=_rounded(facts["duration_s"], 4),
        px_per_mm_x=_rounded(x, 5),
        px_per_mm_y=_rounded(y, 5),
        mm_per_s=scale["mm_per_s"],
        speed_from=scale["speed_from"],
        mm_per_mv=scale["mm_per_mv"],
        gain_from=scale["gain_from"],
        chest_mm_per_mv=scale.get("chest_mm_per_mv"),  # records of earlier versions have none
        chest_gain_from=scale.get("chest_gain_from"),
        grid_confidence=_rounded(scale["grid_confidence"], 3),
        consistency_law=law.get("law", ""),
        consistency_mv=_rounded(law.get("rmse_mv"), 5),
        consistency_db=_rounded(law.get("snr_db"), 2),
        unexplained=_rounded(facts["unexplained"], 4),
        quality=_rounded(facts["quality"]["least"], 3),
        quality_lead=facts["quality"]["lead"],
        mean_quality=_rounded(facts["quality"]["mean"], 3),
        flags=" ".join(facts["flags"]),
        method=facts["method"],
        weights_sha256=facts["weights_sha256"],
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)

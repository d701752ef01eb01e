"""A digitized lead as files: WFDB, CSV, JSON and a PNG that shows it on its picture.

Every file is either whole or not there, and as readable as the umask says.
"""

import csv
import math
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.whole_file import whole_file
from ecg_overlap.digitize.lead_signal import INTERVAL_LEVEL, LeadSignal
from ecg_overlap.digitize.overlay import overlay
from ecg_overlap.digitize.record_files import OVERLAY
from ecg_overlap.digitize.record_names import PictureSource, claim, record_name, write_facts
from ecg_overlap.digitize.wfdb_record import write_record


def write_lead(
    lead: LeadSignal,
    directory: str | Path,
    name: str,
    *,
    image: NDArray[np.uint8] | None = None,
    lead_name: str = "lead",
    source: PictureSource | None = None,
) -> tuple[Path, ...]:
    """Write all the files of one lead: NAME.hea, .dat, .csv, .json; NAME_overlay.png.

    Args:
        lead: What `digitize_lead` returned.
        directory: Made if it is not there.
        name: The record's name; a WFDB name has letters, digits, "-" and "_" only, others
            are replaced.
        image: The picture, uint8 (H, W, 3), RGB, for the overlay; None: none is drawn.
        lead_name: As the WFDB header shall call the signal.
        source: Of which picture it is, for the JSON, which is written last and says that the
            record is complete.

    Raises:
        InputError: The signal is empty or over ±1,000,000 mV, or a file cannot be written.
    """
    folder = Path(directory)
    name = record_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if source is not None:
            claim(folder / name, source)
        written = [
            write_csv(lead, folder / f"{name}.csv"),
            *write_wfdb(lead, folder, name, lead_name=lead_name),
        ]
        if image is not None:
            written.append(write_png(overlay(lead, image), folder / f"{name}{OVERLAY}"))
        facts = {"complete": True, "source": source and source.facts()} | description(lead)
        written.append(write_facts(folder / name, facts))
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "choose another --out"
        ) from error
    return tuple(written)


def write_wfdb(
    lead: LeadSignal, folder: Path, name: str, *, lead_name: str = "lead"
) -> tuple[Path, Path]:
    """NAME.hea and NAME.dat."""
    signal = np.asarray(lead.signal_mv, np.float64)[:, None]
    return write_record(signal, lead.fs_hz, [lead_name], folder / name)


def write_csv(lead: LeadSignal, path: Path) -> Path:
    """time_s, lead_mv, confidence; an empty cell where no trace was seen."""
    with whole_file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("time_s", "lead_mv", "confidence"))
        for k, (mv, sure) in enumerate(zip(lead.signal_mv, lead.confidence, strict=True)):
            shown = f"{mv:.5f}" if math.isfinite(mv) else ""
            rows.writerow((f"{k / lead.fs_hz:.6f}", shown, f"{sure:.3f}"))
    return path


def description(lead: LeadSignal) -> dict[str, Any]:
    """The calibration as found (in the box's pixels), flags, quality, weights and versions."""
    known = np.isfinite(lead.interval_mv)
    interval = float(np.median(lead.interval_mv[known])) if known.any() else None
    return {
        "method": lead.method,
        "weights_sha256": lead.weights_sha256,
        "calibration": asdict(lead.calibration),
        "angle_deg": lead.angle_deg,
        "turned_deg": lead.turned_deg,
        "grid_confidence": _known(lead.grid_confidence),
        "baseline_known": lead.baseline_known,
        "fs_hz": lead.fs_hz,
        "n_samples": len(lead.signal_mv),
        "coverage": lead.coverage,
        "mean_confidence": float(lead.confidence.mean()) if len(lead.confidence) else 0.0,
        "quality": _known(lead.quality),
        "evidence": {name: _known(value) for name, value in lead.evidence.items()},
        "interval_level": INTERVAL_LEVEL,
        "median_interval_mv": interval,
        "flags": list(lead.flags),
        "versions": versions(),
    }


def _known(value: float) -> float | None:
    """A number as JSON can hold it."""
    return value if math.isfinite(value) else None


def versions() -> dict[str, str | None]:
    """Of what made a result; None for ours where it is run from a checkout."""
    return {name: version_of(name) for name in ("ecg-overlap", "numpy", "wfdb")}


def version_of(package: str) -> str | None:
    """A package's version; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_png(image: NDArray[np.uint8], path: Path) -> Path:
    """RGB uint8 (H, W, 3) to a PNG file."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise InputError(path, "OpenCV could not encode the picture", "report this")
    with whole_file(path) as made:
        made.write_bytes(data.tobytes())
    return path

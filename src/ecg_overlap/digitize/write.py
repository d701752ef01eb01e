"""A digitized lead as files: WFDB, CSV, JSON and a PNG that shows it on its picture.

Every file is either whole or not there, and as readable as the umask says.
"""

import csv
import json
import math
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import wfdb
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.whole_file import whole_file, whole_files
from ecg_overlap.digitize.lead_signal import INTERVAL_LEVEL, LeadSignal

FORMATS = (("16", 2**15 - 1), ("24", 2**23 - 1), ("32", 2**31 - 1))  # WFDB format, full scale
UNITS_PER_MV = 2000.0  # 0.5 µV a unit: rounding stays within 0.25 µV
OVERLAY = "_overlay.png"  # behind the name, so that NAME.png can be the picture itself
TRACE_RGB = (220, 20, 60)


def write_lead(
    lead: LeadSignal,
    directory: str | Path,
    name: str,
    *,
    image: NDArray[np.uint8] | None = None,
    lead_name: str = "lead",
    box_px: tuple[int, int, int, int] | None = None,
) -> tuple[Path, ...]:
    """Write all the files of one lead: NAME.hea, .dat, .csv, .json; NAME_overlay.png.

    Args:
        lead: What `digitize_lead` returned.
        directory: Made if it is not there.
        name: The record's name; a WFDB name has letters, digits, "-" and "_" only, others
            are replaced.
        image: The picture, uint8 (H, W, 3), RGB, for the overlay; None: none is drawn.
        lead_name: As the WFDB header shall call the signal.
        box_px: (x, y, width, height) of the lead's picture in a larger one, for the JSON.

    Raises:
        InputError: The signal is empty or over ±1,000,000 mV, or a file cannot be written.
    """
    folder = Path(directory)
    name = record_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [
            *write_wfdb(lead, folder, name, lead_name=lead_name),
            write_csv(lead, folder / f"{name}.csv"),
            write_json(lead, folder / f"{name}.json", box_px=box_px),
        ]
        if image is not None:
            written.append(write_png(overlay(lead, image), folder / f"{name}{OVERLAY}"))
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "choose another --out"
        ) from error
    return tuple(written)


def record_name(name: str) -> str:
    """A name that WFDB allows.

    Example:
        >>> record_name("scan 3 (V1)")
        'scan_3__V1_'
    """
    allowed = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)
    return allowed or "lead"


def write_wfdb(
    lead: LeadSignal, folder: Path, name: str, *, lead_name: str = "lead"
) -> tuple[Path, Path]:
    """NAME.hea and NAME.dat: mV within 1 µV, NaN as WFDB's missing value."""
    signal = np.asarray(lead.signal_mv, np.float64)
    code, gain = _format_for(signal)
    # The header last: a record is complete once its header is there.
    data, header = folder / f"{name}.dat", folder / f"{name}.hea"
    with whole_files(data, header) as made:
        wfdb.wrsamp(
            name,
            fs=lead.fs_hz,
            units=["mV"],
            sig_name=[lead_name],
            p_signal=signal[:, None],
            fmt=[code],
            adc_gain=[gain],
            baseline=[0],
            write_dir=str(made),
        )
    return header, data


def _format_for(signal_mv: NDArray[np.float64]) -> tuple[str, float]:
    """The smallest WFDB format that holds the signal at 0.5 µV a unit, and its gain."""
    if signal_mv.size == 0:
        raise InputError("signal", "holds no sample", "give at least one")
    seen = signal_mv[np.isfinite(signal_mv)]
    if np.isinf(signal_mv).any():
        raise InputError("signal", "holds an infinite value", "mark what is missing as NaN")
    largest = float(np.abs(seen).max(initial=0.0)) * UNITS_PER_MV
    for code, full_scale in FORMATS:
        if largest < full_scale - 1:
            return code, UNITS_PER_MV
    raise InputError(
        "signal", f"reaches {largest / UNITS_PER_MV:g} mV", "check px_per_mm and mm_per_mv"
    )


def write_csv(lead: LeadSignal, path: Path) -> Path:
    """time_s, lead_mv, confidence; an empty cell where no trace was seen."""
    with whole_file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("time_s", "lead_mv", "confidence"))
        for k, (mv, sure) in enumerate(zip(lead.signal_mv, lead.confidence, strict=True)):
            shown = f"{mv:.5f}" if math.isfinite(mv) else ""
            rows.writerow((f"{k / lead.fs_hz:.6f}", shown, f"{sure:.3f}"))
    return path


def write_json(
    lead: LeadSignal, path: Path, *, box_px: tuple[int, int, int, int] | None = None
) -> Path:
    """The calibration as found (in the box's pixels), flags, quality, weights and versions."""
    facts = description(lead) | {"box_px": list(box_px) if box_px else None}
    text = json.dumps(facts, indent=2, allow_nan=False)
    with whole_file(path) as made:
        made.write_text(text + "\n", encoding="utf-8")
    return path


def description(lead: LeadSignal) -> dict[str, Any]:
    """The facts for the JSON file, as values that JSON can hold."""
    known = np.isfinite(lead.interval_mv)
    interval = float(np.median(lead.interval_mv[known])) if known.any() else None
    return {
        "method": lead.method,
        "weights_sha256": lead.weights_sha256,
        "calibration": asdict(lead.calibration),
        "angle_deg": lead.angle_deg,
        "grid_confidence": lead.grid_confidence if math.isfinite(lead.grid_confidence) else None,
        "baseline_known": lead.baseline_known,
        "fs_hz": lead.fs_hz,
        "n_samples": len(lead.signal_mv),
        "coverage": lead.coverage,
        "mean_confidence": float(lead.confidence.mean()) if len(lead.confidence) else 0.0,
        "interval_level": INTERVAL_LEVEL,
        "median_interval_mv": interval,
        "flags": list(lead.flags),
        "versions": {name: _version(name) for name in ("ecg-overlap", "numpy", "wfdb")},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout
        return None


def overlay(lead: LeadSignal, image: NDArray[np.uint8], *, scale: int = 2) -> NDArray[np.uint8]:
    """The picture, enlarged and in pale colours, with the path on it; uint8 (H, W, 3), RGB."""
    height, width = image.shape[:2]
    size = (width * scale, height * scale)
    shown = 255 - (255 - cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)) // 2
    points = (lead.path_px + 0.5) * scale - 0.5
    seen = np.isfinite(points).all(axis=1)
    edge = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    for start, stop in zip(edge[::2], edge[1::2], strict=True):
        stretch = np.rint(points[start:stop].clip(-1e4, 1e5) * 16).astype(np.int32)
        cv2.polylines(shown, [stretch], False, TRACE_RGB, 1, cv2.LINE_AA, 4)
    return np.asarray(shown, np.uint8)


def write_png(image: NDArray[np.uint8], path: Path) -> Path:
    """RGB uint8 (H, W, 3) to a PNG file."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not ok:
        raise InputError(path, "OpenCV could not encode the picture", "report this")
    with whole_file(path) as made:
        made.write_bytes(data.tobytes())
    return path

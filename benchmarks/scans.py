"""Real scans with digital truth: leads cut by hand-drawn boxes, digitized.

    python benchmarks/scans.py --data DIR --json scans.json --pictures FOLDER
    python benchmarks/scans.py --methods ink+stroke unet+stroke classical

DIR holds the scans and the records that `mapping.csv` names. The reference is the 100 Hz
record (`_lr`), which is what was printed; scores are `aligned` (docs/metrics.md). The grid is
found once on the whole page, as a user would do, and its scale is given to every box.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import wfdb

from data_gen.errors import InputError
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Both, Network
from ecg_overlap.digitize.overlay import overlay
from ecg_overlap.digitize.plans import Needs, plan_for
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.digitize.write import write_png
from ecg_overlap.metrics.signal import score_lead
from ecg_overlap.network import load_model
from ecg_overlap.onnx_network import load_ink

FS_HZ = 500.0
COLUMN_S = 2.5
COLUMN = {
    "I": 0, "II": 0, "III": 0, "aVR": 1, "aVL": 1, "aVF": 1,
    "V1": 2, "V2": 2, "V3": 2, "V4": 3, "V5": 3, "V6": 3,
}  # fmt: skip
# x, y, width, height in px, drawn by hand on the scans.
BOXES = {
    "90036.png": {
        "I": (79, 577, 454, 95),
        "aVR": (543, 613, 447, 80),
        "V1": (1000, 613, 447, 80),
        "V4": (1459, 540, 453, 175),
        "II": (79, 868, 454, 73),
        "aVL": (543, 846, 447, 73),
        "V2": (1000, 868, 447, 87),
        "V5": (1459, 766, 453, 197),
        "III": (79, 1137, 454, 73),
        "aVF": (543, 1137, 447, 66),
        "V3": (1000, 1130, 447, 131),
        "V6": (1459, 1050, 453, 153),
        "II rhythm": (79, 1370, 1833, 73),
    },
    "90043.png": {
        "I": (68, 569, 453, 102),
        "aVR": (533, 613, 444, 83),
        "V1": (990, 609, 445, 102),
        "V4": (1448, 467, 451, 255),
        "II": (68, 839, 453, 124),
        "aVL": (533, 831, 444, 109),
        "V2": (990, 882, 445, 99),
        "V5": (1448, 788, 451, 167),
        "III": (68, 1108, 453, 146),
        "aVF": (533, 1108, 444, 138),
        "V3": (990, 991, 445, 277),
        "V6": (1448, 1093, 451, 98),
        "II rhythm": (68, 1341, 1831, 138),
    },
    "90055.png": {
        "I": (118, 562, 443, 102),
        "aVR": (572, 620, 445, 73),
        "V1": (1029, 609, 445, 227),
        "V4": (1489, 606, 451, 163),
        "II": (118, 868, 443, 76),
        "aVL": (572, 824, 445, 109),
        "V2": (1029, 860, 445, 284),
        "V5": (1489, 812, 451, 143),
        "III": (118, 1137, 443, 116),
        "aVF": (572, 1144, 445, 99),
        "V3": (1029, 1118, 445, 277),
        "V6": (1489, 1098, 451, 108),
        "II rhythm": (118, 1374, 1823, 90),
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/scans_with_truth"))
    parser.add_argument("--methods", nargs="+", default=["classical", "viterbi", "fortune_fixed"])
    parser.add_argument(
        "--checkpoint", help="of the network for methods with one; else the package's"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for overlays of the first method")
    parser.add_argument("--px-per-mm", type=float, help="given, instead of the grid's")
    arguments = parser.parse_args()
    networks = {method: network_for(method, arguments.checkpoint) for method in arguments.methods}
    with (arguments.data / "mapping.csv").open(encoding="utf-8") as file:
        records = {row["image"]: row["record"] for row in csv.DictReader(file)}
    table: list[dict[str, object]] = []
    for name, boxes in BOXES.items():
        page = read_image(arguments.data / name)
        record = wfdb.rdrecord(str(arguments.data / f"{records[name]}_lr"))
        px_per_mm = arguments.px_per_mm or _scale(page, name)
        for lead, (x, y, w, h) in boxes.items():
            crop = np.ascontiguousarray(page[y : y + h, x : x + w])
            reference = reference_mv(record, lead)
            row: dict[str, object] = {"scan": name, "lead": lead, "px_per_mm": round(px_per_mm, 4)}
            for method in arguments.methods:
                found = read(crop, px_per_mm=px_per_mm, network=networks[method], method=method)
                row[method] = round(_snr_db(found, reference, record.fs), 2)
                if found and arguments.pictures and method == arguments.methods[0]:
                    file = f"{name}-{lead}.png".replace(" ", "_")
                    write_png(overlay(found, crop), arguments.pictures / file)
            table.append(row)
            print("  ".join(f"{value}" for value in row.values()))
    for method in arguments.methods:
        scores = np.array([row[method] for row in table], np.float64)
        print(f"{method}: median {np.median(scores):.2f} dB, mean {scores.mean():.2f} dB")
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def network_for(method: str, checkpoint: str | None) -> Network | None:
    """What the method needs: `checkpoint`, or what comes with the package."""
    needs = plan_for(method).network
    file = None if checkpoint in (None, "package") else checkpoint
    if needs is Needs.INK and (file is None or file.endswith(".onnx")):
        return load_ink(file)
    if needs is None:
        return None
    return Both(load_model(file), load_ink()) if needs is Needs.BOTH else load_model(file)


def reference_mv(record: wfdb.Record, lead: str) -> np.ndarray:
    """The part of the record that was printed in this lead's place."""
    names = [name.upper() for name in record.sig_name]
    signal = record.p_signal[:, names.index(lead.split()[0].upper())]
    if "rhythm" in lead:
        return np.asarray(signal)
    start = round(COLUMN[lead] * COLUMN_S * record.fs)
    return np.asarray(signal[start : start + round(COLUMN_S * record.fs)])


def _scale(page: np.ndarray, name: str) -> float:
    grid = find_grid(page)
    print(f"{name}: {grid.px_per_mm_x:.4f} × {grid.px_per_mm_y:.4f} px/mm, ", end="")
    print(f"confidence {grid.confidence:.2f} ({grid.source_text})")
    return (grid.px_per_mm_x + grid.px_per_mm_y) / 2


def read(crop: np.ndarray, **options: Any) -> LeadSignal | None:
    """The crop's lead; None, and the reason printed, where it is refused."""
    try:
        return digitize_lead(crop, fs_hz=FS_HZ, **options)
    except InputError as error:
        print(error)
        return None


def _snr_db(found: LeadSignal | None, reference: np.ndarray, fs_hz: float) -> float:
    signal = None if found is None else found.signal_mv
    score = score_lead(reference, signal, fs_hz, alignment="aligned", est_fs_hz=FS_HZ)
    return score.snr_db


if __name__ == "__main__":
    main()

"""What a lead's `quality` is worth: the probability of 10 dB or more that the digitizer states.

    python benchmarks/quality.py --readings readings.json
    python benchmarks/quality.py --readings readings.json --fit
    python benchmarks/quality.py --readings readings.json --leave-out scan page_scan page_tight

Leads of PTB-XL's fold 9 are drawn in the looks of `SETS` and read by each method; half of the
patients are for the weights of `digitize/quality.py`, which `--fit` prints, and half to measure on.
Per method: leads, how many are under 5 and 10 dB (`aligned`; a refusal is no lead), AUC for both,
Brier's score beside that of the good leads' share alone, and what was stated and what happened in
ten bins, with the expected calibration error that they make. `--leave-out` fits without some sets,
and measures on these alone. Reading them takes 20 minutes of one core.

    python benchmarks/quality.py --source ludb --n 10
    python benchmarks/quality.py --source real

measure on leads of another hospital, drawn likewise, and on 78 leads cut from 6 pages whose record
is known: 3 scans, by the boxes of `scans.py`, and 3 pages of ecg-image-kit, 1 mm beside and 2 mm
above and below each trace (`--true-scale` tells these pages' own scale instead of the grid's that
is found on them). Nothing is fitted to these. `--readings FILE` keeps what was read.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
import wfdb
from numpy.typing import NDArray
from scans import BOXES, network_for, reference_mv
from scipy.optimize import minimize
from validation import Trembling

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.presets import load
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.quality import NAMES, Evidence, doubts, quality
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.evaluation.page_sets import pages
from ecg_overlap.evaluation.scoring import placed_mv
from ecg_overlap.metrics.reliability import (
    GOOD_DB,
    POOR_DB,
    auc,
    brier,
    calibration_error,
    reliability,
)
from ecg_overlap.metrics.signal import score_lead

METHODS = ("unet+stroke", "classical", "ink+stroke")
FS_HZ = 500.0
TOLD_ERROR = 0.0005  # of a scale that is told: what a grid found on a whole page is off by
TRUE_PX_PER_MM = 200 / 25.4  # of ecg-image-kit's pages at hand
L2 = 0.0003  # of the weights' squares, beside the mean of the log loss


@dataclass(frozen=True)
class Look:
    """How a set of leads is drawn.

    Args:
        preset: Of data_gen.
        seed: Of the set.
        options: Other files for the preset's groups.
        values: Dials, by group.
        told: Of how many leads one is read with its scale told, as one cut from a page is; 0: none.
    """

    preset: str
    seed: int
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: int = 2


PAGE = {"overlap": "page"}  # rows as far apart as on pages; the crop is one lead's box
TIGHT = {
    "page": {"layout": ["3x4+1R"], "dpi": [110, 200], "mm_per_s": 25, "mm_per_mv": 10},
    "overlap": {"row_pitch_mm": [12, 22]},
    "crop": {"box_pad_x_mm": [-1, 2], "box_pad_y_mm": [-1, 3], "box_height_mm": [6, 25]},
}
SETS = {
    "page_scan": Look("scan", 7101, PAGE, {"page": {"layout": ["3x4+1R", "3x4", "3x4+3R"]}}),
    "page_real": Look("scan", 7102, PAGE | {"page": "real"}, told=0),
    "page_clean": Look("clean", 7103, PAGE, {"page": {"layout": ["3x4+1R", "3x4"]}}),
    "page_tight": Look("scan", 7111, PAGE, TIGHT),
    "scan": Look("scan", 7104, told=6),
    "photo": Look("photo", 7105, told=0),
    "overlap": Look("overlap", 7106),
    "contact": Look("overlap", 7107, values={"overlap": {"contact": [0.1, 0.4]}}),
    "clean": Look("clean", 7108),
    "tremor": Look("clean", 7109),
    "paper": Look("paper", 7110),
}


@dataclass(frozen=True)
class Lead:
    """A picture of a lead, and what was printed.

    Args:
        image: uint8 (H, W, 3), RGB.
        signal_mv: (n,), mV.
        fs_hz: Of it.
        record: Which.
        told: Of `digitize_lead`.
        calibration: Where the signal begins; None: its beginning is sought within ± 0.2 s.
    """

    image: NDArray[np.uint8]
    signal_mv: NDArray[Any]
    fs_hz: float
    record: str
    told: dict[str, float]
    calibration: Calibration | None = None


def drawn(name: str, n: int, source: str, data: Path) -> Iterator[Lead]:
    look = SETS[name]
    facts: dict[str, Any] = {"root": str(data / source)}
    facts |= {"fractions": [0, 0, 1]} if source == "ludb" else {}
    generator = load(
        look.preset,
        values=look.values | {"signals": facts},
        signals="wfdb" if source == "ludb" else "ptbxl",
        **look.options,
    )
    if name == "tremor":
        generator.signals = Trembling(generator.signals)
    for index in range(n):
        split = "test" if source == "ludb" else "val"  # PTB-XL's fold 9
        sample = generator.sample(index, seed=look.seed, split=split)
        scale = sample.calibration
        told = {"mm_per_s": scale.mm_per_s, "mm_per_mv": scale.mm_per_mv}
        if look.told and index % look.told == 0:
            off = TOLD_ERROR * np.random.default_rng([index, look.seed]).normal()
            told["px_per_mm"] = (scale.px_per_mm_x + scale.px_per_mm_y) / 2 * (1 + off)
        yield Lead(sample.image, sample.signal_mv, sample.fs_hz, sample.record_id, told, scale)


def scans(folder: Path) -> Iterator[Lead]:
    """The grid is found on the page, as a user would do, and told for each box."""
    with (folder / "mapping.csv").open(encoding="utf-8") as file:
        records = {row["image"]: row["record"] for row in csv.DictReader(file)}
    for name, boxes in BOXES.items():
        page, record = read_image(folder / name), wfdb.rdrecord(str(folder / f"{records[name]}_lr"))
        told = scale_of(page)
        for lead, (x, y, w, h) in boxes.items():
            crop = np.ascontiguousarray(page[y : y + h, x : x + w])
            yield Lead(crop, reference_mv(record, lead), record.fs, records[name], told)


def kit_pages(folder: Path, *, true_scale: bool = False) -> Iterator[Lead]:
    found = pages(folder)
    for index in range(len(found)):
        page = found.page(index)
        told = scale_of(page.image)
        if true_scale:
            told = {"px_per_mm": TRUE_PX_PER_MM}
        beside, above = told["px_per_mm"], 2 * told["px_per_mm"]
        for trace in page.traces:
            assert trace.polyline_px is not None
            at = trace.polyline_px[np.isfinite(trace.polyline_px).all(axis=1)]
            left, top = np.floor(at.min(axis=0) - np.array([beside, above])).astype(int).clip(0)
            right, bottom = np.ceil(at.max(axis=0) + np.array([beside, above])).astype(int)
            crop = np.ascontiguousarray(page.image[top:bottom, left:right])
            yield Lead(crop, trace.signal_mv, trace.fs_hz, page.record_id, told)


def scale_of(page: NDArray[np.uint8]) -> dict[str, float]:
    grid = find_grid(page)
    return {"px_per_mm": (grid.px_per_mm_x + grid.px_per_mm_y) / 2}


def leads(arguments: argparse.Namespace) -> Iterator[tuple[str, Lead]]:
    if arguments.source == "real":
        for lead in scans(arguments.data / "scans_with_truth"):
            yield "scans", lead
        for lead in kit_pages(arguments.data / "ecg_image_kit", true_scale=arguments.true_scale):
            yield "kit", lead
        return
    for name in arguments.sets:
        for lead in drawn(name, arguments.n, arguments.source, arguments.data):
            yield name, lead


def reading(lead: Lead, method: str, network: Network | None) -> dict[str, Any]:
    """SNR in dB, None where the lead is refused, and what the reading shows."""
    try:
        found = digitize_lead(lead.image, method=method, network=network, fs_hz=FS_HZ, **lead.told)
    except InputError as refusal:
        return {"method": method, "snr_db": None, "evidence": None, "reason": str(refusal)}
    signal = placed_mv(found, lead.calibration)
    score = score_lead(lead.signal_mv, signal, lead.fs_hz, alignment="aligned", est_fs_hz=FS_HZ)
    return {"method": method, "snr_db": score.snr_db, "evidence": dict(found.evidence)}


def readings(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    file: Path | None = arguments.readings
    if file and file.is_file():
        kept: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    networks = {method: network_for(method, None) for method in arguments.methods}
    rows = []
    for name, lead in leads(arguments):
        for method, network in networks.items():
            rows.append({"set": name, "record": lead.record} | reading(lead, method, network))
        print(name, lead.record, *(row["snr_db"] for row in rows[-len(networks) :]), flush=True)
    if file:
        file.write_text(json.dumps(rows, indent=0) + "\n", encoding="utf-8")
    return rows


def is_for_fit(record: str, patients: dict[str, str]) -> bool:
    """Half of the patients, whatever else is drawn."""
    patient = patients.get(record, record)
    return hashlib.md5(patient.encode()).digest()[-1] % 2 == 0


def patients_of(root: Path) -> dict[str, str]:
    table = pd.read_csv(root / "ptbxl_database.csv")
    return {name: str(int(p)) for name, p in zip(table.filename_hr, table.patient_id, strict=True)}


def table_of(rows: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The doubts of each reading, float64 (n, D), and whether it is good, bool (n,)."""
    each = [doubts(Evidence(**row["evidence"])) for row in rows]
    values = np.array([[of[name] for name in NAMES] for of in each])
    return values, np.array([row["snr_db"] >= GOOD_DB for row in rows])


def fitted(values: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Log odds without a doubt, and each doubt's weight, none of which is negative.

    Of the doubts of each reading, (n, D), and whether it is good, (n,).
    """

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = at[0] - values @ at[1:]
        missed = (1 / (1 + np.exp(-odds)) - good) / len(good)
        slope = np.concatenate([[missed.sum()], 2 * L2 * at[1:] - values.T @ missed])
        likely = np.logaddexp(0, np.where(good, -odds, odds)).mean()
        return float(likely + L2 * (at[1:] ** 2).sum()), slope

    bounds = [(None, None)] + [(0, None)] * values.shape[1]
    start = np.zeros(1 + values.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def stated_by(weights: NDArray[np.float64] | None, rows: list[dict[str, Any]]) -> list[float]:
    """The quality of each reading, by these weights; None: the digitizer's."""
    if weights is None:
        return [quality(Evidence(**row["evidence"])) for row in rows]
    odds = weights[0] - table_of(rows)[0] @ weights[1:]
    return [float(p) for p in 1 / (1 + np.exp(-odds))]


def measured(rows: list[dict[str, Any]], stated: list[float]) -> dict[str, Any]:
    snr = np.array([row["snr_db"] for row in rows])
    good, usable = snr >= GOOD_DB, snr >= POOR_DB
    share = float(good.mean())
    found: dict[str, Any] = {
        "n": len(rows),
        "under_5_db": int((~usable).sum()),
        "under_10_db": int((~good).sum()),
        "mean_quality": round(float(np.mean(stated)), 3),
        "brier": round(brier(stated, good), 3),
        "brier_of_share": round(share * (1 - share), 3),
    }
    for name, event in (("auc_under_5_db", usable), ("auc_under_10_db", good)):
        known = event.any() and not event.all()
        found[name] = round(auc(stated, event), 3) if known else None
    bins = reliability(stated, good)
    found["calibration_error"] = round(calibration_error(bins), 3)
    found["bins"] = [{key: round(value, 3) for key, value in asdict(one).items()} for one in bins]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--source", choices=("ptbxl", "ludb", "real"), default="ptbxl")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--n", type=int, default=40, help="leads of each set")
    parser.add_argument("--readings", type=Path, help="kept here, and taken from here if there")
    parser.add_argument("--true-scale", action="store_true", help="tell that of the kit's pages")
    parser.add_argument("--fit", action="store_true", help="print the weights of one half")
    parser.add_argument("--leave-out", nargs="+", choices=list(SETS), default=[])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows = [row for row in readings(arguments) if row["snr_db"] is not None]
    weights = None
    if arguments.source == "ptbxl":
        patients = patients_of(arguments.data / "ptbxl")
        half = [row for row in rows if is_for_fit(row["record"], patients)]
        rows = [row for row in rows if not is_for_fit(row["record"], patients)]
        if arguments.fit or arguments.leave_out:
            left = [row for row in half if row["set"] not in arguments.leave_out]
            weights = fitted(*table_of(left))
            print(json.dumps(dict(zip(("SURE", *NAMES), weights.round(2).tolist(), strict=True))))
        if arguments.leave_out:
            rows = [row for row in rows if row["set"] in arguments.leave_out]
    table = {}
    for method in arguments.methods:
        of = [row for row in rows if row["method"] == method]
        if of:
            table[method] = measured(of, stated_by(weights, of))
            print(method, json.dumps(table[method]))
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The records that it learns from, and those that it is tried on."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample_poly

# Of ptbxl_more: the records that the published crops and ecg-image-kit's pages show.
SHOWN = ("02920", "02922", "02928", "02935", "02938", "02963", "00504", "00514")


def records(ptbxl: Path, more: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Signals in mV, float32 (records, 2500, 12): of `strat_fold` 1–8 and `more`, and of 9."""
    with (ptbxl / "ptbxl_database.csv").open(newline="") as file:
        folds = {row["filename_hr"]: int(float(row["strat_fold"])) for row in csv.DictReader(file)}
    learnt = [ptbxl / name for name, fold in folds.items() if fold <= 8]
    learnt += [p.with_suffix("") for p in sorted(more.glob("*.hea")) if p.name[:5] not in SHOWN]
    return _read(learnt), _read([ptbxl / name for name, fold in folds.items() if fold == 9])


def _read(files: Iterable[Path]) -> NDArray[np.float32]:
    found = []
    for file in files:
        record = wfdb.rdrecord(str(file))
        signals = record.p_signal
        if record.fs == 500 and signals.shape == (5000, 12) and np.isfinite(signals).all():
            found.append(resample_poly(signals, 1, 2, axis=0).astype(np.float32))
    return np.stack(found)

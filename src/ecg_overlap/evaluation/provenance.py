"""Where numbers come from: code, versions, machine, and what a reader must know of the sets."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ecg_overlap.evaluation.methods import Method
from ecg_overlap.evaluation.page_sets import AnySet, PageSet

PACKAGES = ("ecg-overlap", "numpy", "scipy", "opencv-python-headless", "neurokit2", "torch")


def git() -> str:
    """The commit of these sources, with "-dirty" where the tree differs; "" outside a clone."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def versions() -> dict[str, str]:
    """Version of Python and of the packages that numbers depend on, as installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Processor and number of cores, in words."""
    name = platform.processor() or platform.machine()
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.is_file():
        for line in cpu_info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"CPU {name}, {os.cpu_count()} cores"


def set_facts(name: str, rows: pd.DataFrame) -> tuple[str, list[str]]:
    """Hash of a whole set, from its samples' own, and what it lacks, in words."""
    part = rows[rows["test_set"] == name].drop_duplicates("index")
    digest = hashlib.sha256("".join(part["sha256"]).encode()).hexdigest()
    notes = []
    for column, what in (("has_mask", "mask"), ("has_signal", "signal")):
        without = int((~part[column].astype(bool)).sum())
        if without:
            notes.append(f"{without} of {len(part)} have no {what}: only the rest is scored by it")
    if part["severity_estimated"].astype(bool).any():
        notes.append("intrusion is estimated from ink outside the mask, contact is not known")
    return digest, notes


def notes(
    rows: pd.DataFrame, methods: Sequence[Method], test_sets: Sequence[AnySet]
) -> tuple[str, ...]:
    """What a reader must know before using a number."""
    found = [
        "Intervals are percentile bootstraps over whole records, since leads of one record are "
        "alike; sets whose samples name no record are drawn lead by lead."
    ]
    for test_set in test_sets:
        tried = set(rows.loc[rows["test_set"] == test_set.name, "method"])
        missing = [method.name for method in methods if method.name not in tried]
        if missing:
            why = (
                "is of whole pages"
                if isinstance(test_set, PageSet)
                else "lacks the truth they are given"
            )
            found.append(f"Not tried on {test_set.name}, which {why}: {', '.join(missing)}.")
    defects = rows[rows["reason"].str.startswith("defect")]
    if len(defects):
        found.append(f"{len(defects)} leads failed by a defect of the program, not by a refusal.")
    return tuple(found)

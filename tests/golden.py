"""Fingerprints of what the generator draws and the digitizer reads, to compare two checkouts.

    python tests/golden.py before.json            # in the one
    python tests/golden.py after.json             # in the other, on the same machine
    python tests/golden.py --compare before.json after.json

Beside each file, NAME.npz keeps the signals, so that a difference comes with its size in mV.
Bits differ between machines, so no fingerprint is kept in the repository.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import data_gen
from data_gen.presets import PRESETS
from ecg_overlap import digitize_lead, load_model
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.test_sets import crops

SHARED = Path(__file__).parents[2] / "shared" / "data"
SEED = 1
N_SAMPLES = 40  # of every preset
N_LEADS = {"clean": 10, "overlap": 20, "scan": 20, "photo": 10}  # that are digitized
WITHOUT_NETWORK = ("classical", "viterbi", "fortune", "fortune_fixed")
WITH_NETWORK = ("unet+stroke", "unet_coord", "unet+viterbi", "unet+centroid", "paper")
ORACLES = ("stroke@mask", "centroid@mask", "viterbi@mask", "stroke@mask@grid", "unet+stroke@row")


def fingerprint(*parts: Any) -> str:
    """SHA-256 of arrays by type, shape and bytes, and of everything else by its repr."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode() + part.tobytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()[:16]


def samples() -> Iterator[tuple[str, str]]:
    """Every preset's first samples: pictures, masks, polylines, signals, severity."""
    for preset in PRESETS:
        for index in range(N_SAMPLES):
            s = data_gen.make_sample(index, seed=SEED, config=preset)
            truths = (s.image, s.target_mask, s.other_mask, s.polyline_px, s.signal_mv)
            yield f"sample {preset} {index}", fingerprint(*truths)
            yield f"facts {preset} {index}", fingerprint(s.calibration, s.severity, s.lead_name)


def read(lead: Any) -> dict[str, str]:
    """Fingerprints of one digitized lead."""
    return {
        "signal": fingerprint(lead.signal_mv),
        "path": fingerprint(lead.path_px),
        "flags": fingerprint(lead.flags),
        "bars": fingerprint(lead.confidence, lead.interval_mv),
        "scale": fingerprint(lead.calibration, lead.angle_deg, lead.grid_confidence),
    }


def pictures() -> Iterator[tuple[str, Any]]:
    """Real crops: pictures without truth."""
    for file in sorted((SHARED / "lead_crops").glob("*.png")):
        yield file.stem, read_image(file)


def leads(signals: dict[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """All methods on published, real and generated crops; oracles where the truth is known."""
    network = load_model()
    plain = [*WITHOUT_NETWORK, *WITH_NETWORK]
    for name, image in pictures():
        for method in plain:
            told = network if method in WITH_NETWORK else None
            try:
                lead = digitize_lead(image, method=method, network=told)
                signals[f"{name} {method}"] = lead.signal_mv
                found = read(lead)
            except data_gen.InputError as error:
                found = {"refused": str(error)}
            for part, value in found.items():
                yield f"{name} {method} {part}", value
    networks = dict.fromkeys(("unet", "unet_paper", "unet_coord"), network)
    built = [build_method(name, networks) for name in (*plain, *ORACLES)]
    for name, sample in truths():
        for method in built:
            outcome = method.digitize(sample)
            read_lead = outcome.signal
            found = {"refused": outcome.reason} if read_lead is None else read(read_lead)
            if read_lead is not None:
                signals[f"{name} {method.name}"] = read_lead.signal_mv
            for part, value in found.items():
                yield f"{name} {method.name} {part}", value
            yield f"{name} {method.name} mask", fingerprint(outcome.mask)


def truths() -> Iterator[tuple[str, Any]]:
    """Crops whose truth is known: the published format's, and generated ones."""
    published = crops(SHARED / "lead_crop_format")
    for index in range(len(published)):
        yield published.sample_id(index), published.sample(index)
    for preset, n in N_LEADS.items():
        for index in range(n):
            yield f"{preset} {index}", data_gen.make_sample(index, seed=SEED + 1, config=preset)


def compare(before: Path, after: Path) -> int:
    """Print what differs; the number of differences is the exit status, at most 1."""
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in (before, after))
    differing = [key for key in old.keys() | new.keys() if old.get(key) != new.get(key)]
    then, now = (np.load(file.with_suffix(".npz")) for file in (before, after))
    for key in sorted(differing):
        lead = key.removesuffix(" signal")
        by = difference(then[lead], now[lead]) if {lead} <= {*then.files} & {*now.files} else ""
        print(f"{key}: {old.get(key)} → {new.get(key)}{by}")
    print(f"{len(old.keys() & new.keys()) - len(differing)} equal, {len(differing)} different")
    return int(bool(differing))


def difference(then: np.ndarray, now: np.ndarray) -> str:
    """How far two signals are apart, in words."""
    if then.shape != now.shape or (np.isnan(then) != np.isnan(now)).any():
        return f"; {np.isfinite(then).sum()} → {np.isfinite(now).sum()} samples"
    return f"; {np.nanmax(np.abs(then - now), initial=0.0):.1e} mV"


def main() -> int:
    """See the module's first lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--only", choices=("samples", "leads"))
    arguments = parser.parse_args()
    if arguments.compare:
        return compare(*arguments.files)
    torch.set_num_threads(1)
    found: dict[str, str] = {}
    signals: dict[str, np.ndarray] = {}
    for name, part in (("samples", samples()), ("leads", leads(signals))):
        if arguments.only in (None, name):
            found |= part
    np.savez_compressed(arguments.files[0].with_suffix(".npz"), **signals)
    arguments.files[0].write_text(json.dumps(found, indent=0), encoding="utf-8")
    print(f"{len(found)} fingerprints in {arguments.files[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

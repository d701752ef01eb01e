"""Methods on drawn leads of the validation split, to choose by: PTB-XL's fold 9, never the tests.

    python benchmarks/validation.py --records ../shared/data/ptbxl --n 80 40 60
    python benchmarks/validation.py --methods classical ink+stroke --sets scan --n 60

Sets: `overlap` and `scan` are the presets, `contact` is `overlap` with a contact of .25, `tremor`
is `clean` with 5 to 30 µV (σ) of noise in each sample of the record, `paper` the published format,
of records with a chest lead over 2.5 mV. Scores are `aligned`, the failure rule in force
(docs/metrics.md); networks are the package's.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from data_gen.errors import InputError
from data_gen.presets import load
from data_gen.sample import Record
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Both, Network
from ecg_overlap.digitize.plans import Needs, plan_for
from ecg_overlap.metrics.signal import LeadScore, score_lead
from ecg_overlap.network import load_model
from ecg_overlap.onnx_network import load_ink

SETS: dict[str, tuple[str, dict[str, Any], int]] = {  # preset, values, seed
    "overlap": ("overlap", {}, 101),
    "contact": ("overlap", {"overlap": {"contact": 0.25}}, 103),
    "scan": ("scan", {}, 104),
    "tremor": ("clean", {}, 105),
    "paper": ("paper", {}, 106),
}
POOR_R = 0.9
TREMOR_MV = (0.005, 0.03)
TALL_MV = 2.5
MOST_DRAWS = 500  # for one such record


@dataclass(frozen=True)
class Trembling:
    """Records of another source, each with muscle noise: every sample for itself."""

    source: Any

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        record: Record = self.source.draw(rng, split=split)
        own = np.random.default_rng(list(record.record_id.encode()))
        noise = own.normal(0, own.uniform(*TREMOR_MV), record.signal_mv.shape)
        return replace(record, signal_mv=record.signal_mv + noise.astype(np.float32))


@dataclass(frozen=True)
class Tall:
    """Records of another source that have a tall chest lead."""

    source: Any

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        for _ in range(MOST_DRAWS):
            record: Record = self.source.draw(rng, split=split)
            chest = [name.startswith("V") for name in record.lead_names]
            if np.nanmax(np.abs(record.signal_mv[:, chest])) > TALL_MV:
                return record
        raise InputError("signals", f"{MOST_DRAWS} have no chest lead over {TALL_MV} mV", "others")


SOURCES = {"tremor": Trembling, "paper": Tall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="PTB-XL's folder; else simulated records")
    methods = ["classical", "unet+stroke", "ink+stroke", "ink+unet+stroke"]
    parser.add_argument("--methods", nargs="+", default=methods)
    parser.add_argument(
        "--sets", nargs="+", choices=list(SETS), default=["overlap", "contact", "scan"]
    )
    parser.add_argument(
        "--n", type=int, nargs="+", default=[40], help="leads of each set, or of all"
    )
    parser.add_argument("--seed", type=int, help="other leads: of all sets, in place of their own")
    parser.add_argument("--ink", type=Path, help="a network of ink, .onnx; else the package's")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    networks = {method: network_for(method, arguments.ink) for method in arguments.methods}
    counts = arguments.n * len(arguments.sets) if len(arguments.n) == 1 else arguments.n
    print("set      method           n     ρ    SNR median  mean  ρ<.9  failed  MSE mV²     s")
    for name, n in zip(arguments.sets, counts, strict=True):
        seed = SETS[name][2] if arguments.seed is None else arguments.seed
        generator = generator_of(name, arguments.records)
        samples = [generator.sample(index, seed=seed, split="val") for index in range(n)]
        for method, network in networks.items():
            start = time.process_time()
            scores = [scored(sample, method, network) for sample in samples]
            seconds = (time.process_time() - start) / n
            print(f"{name:8} {method:16} {n:3} {told(scores)} {seconds:5.2f}", flush=True)


def generator_of(name: str, records: Path | None) -> Any:
    """What draws a set's leads."""
    preset, values, _ = SETS[name]
    if records:
        values = values | {"signals": {"root": str(records)}}
    generator = load(preset, values=values, signals="ptbxl" if records else "simulate")
    if name in SOURCES:
        generator.signals = SOURCES[name](generator.signals)
    return generator


def network_for(method: str, ink: Path | None) -> Network | None:
    """What the method needs, of the package but for the ink's network."""
    needs = plan_for(method).network
    if needs is None:
        return None
    if needs is Needs.INK:
        return load_ink(ink)
    return Both(load_model(), load_ink(ink)) if needs is Needs.BOTH else load_model()


def scored(sample: Any, method: str, network: Network | None) -> LeadScore:
    """Speed and gain are given, as a user gives them."""
    scale = sample.calibration
    try:
        signal = digitize_lead(
            sample.image,
            mm_per_s=scale.mm_per_s,
            mm_per_mv=scale.mm_per_mv,
            fs_hz=sample.fs_hz,
            network=network,
            method=method,
        ).signal_mv
    except DigitizeError:
        signal = None
    return score_lead(sample.signal_mv, signal, sample.fs_hz, alignment="aligned")


def told(scores: list[LeadScore]) -> str:
    r, snr, mse = (
        np.array([getattr(s, name) for s in scores]) for name in ("pearson_r", "snr_db", "mse_mv2")
    )
    failed = np.mean([s.failed for s in scores])
    mean = np.clip(snr, 0, 60).mean()  # one lead of −20 dB would tell most
    return (
        f"{r.mean():.4f} {np.median(snr):8.2f} {mean:8.2f} {(r < POOR_R).mean():5.3f} {failed:6.3f}"
        f" {mse.mean():8.5f}"
    )


if __name__ == "__main__":
    main()

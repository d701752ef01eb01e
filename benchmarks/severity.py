"""How well a lead is read, by how much of it other traces touch.

    python benchmarks/severity.py --records ../shared/data/ptbxl --n 200 --out FOLDER
    python benchmarks/severity.py --records ../shared/data/ptbxl --before OTHER/severity.json

Draws leads of the preset overlap whose contact (docs/metrics.md) is asked for evenly in `ASKED`,
from PTB-XL's fold 9, and reads them by classical and by unet+stroke with the package's network;
their speed and gain are given. Prints the scores (`aligned`) over bins of the contact that was
drawn. FOLDER gets severity.json, with every lead's scores, written after each lead, and the figure
severity.png; with --before, another run's lines are dashed in it.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure

from data_gen.errors import InputError
from data_gen.presets import load
from data_gen.sample import LeadSample
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network
from ecg_overlap.evaluation.plots import COLOURS, MARKERS
from ecg_overlap.metrics.bootstrap import CEILING_DB
from ecg_overlap.metrics.signal import score_lead
from ecg_overlap.network import load_model

METHODS = ("classical", "unet+stroke")
ASKED = [0.0, 0.4]
FS_HZ = 500.0
POOR_R = 0.9
# Labels and greatest contact; what was drawn may be a little over what was asked.
BINS = {"0": 0.0, "0–5": 0.05, "5–15": 0.15, "15–40": 1.0}


@dataclass(frozen=True)
class Read:
    """One lead as one method read it.

    Args:
        index: Of the drawn lead.
        lead: Its record and name.
        contact: The fraction of its columns that other traces touch.
        intrusion: The fraction in which other traces stand.
        method: Which read it.
        failed: Whether the failure rule was applied.
        snr_db: At most `CEILING_DB`.
        pearson_r: Pearson's r.
        mse_mv2: Mean squared error, mV².
    """

    index: int
    lead: str
    contact: float
    intrusion: float
    method: str
    failed: bool
    snr_db: float
    pearson_r: float
    mse_mv2: float


SCORES: dict[str, Callable[[list[Read]], float]] = {
    "SNR median, dB": lambda reads: float(np.median([read.snr_db for read in reads])),
    "SNR mean, dB": lambda reads: float(np.mean([read.snr_db for read in reads])),
    f"share r < {POOR_R}": lambda reads: float(
        np.mean([read.pearson_r < POOR_R for read in reads])
    ),
    "r mean": lambda reads: float(np.mean([read.pearson_r for read in reads])),
    "MSE mean, mV²": lambda reads: float(np.mean([read.mse_mv2 for read in reads])),
}
DRAWN = tuple(SCORES)[:3]  # in the figure
Binned = dict[str, list[list[Read]]]  # of each method, the leads in each bin


def read_by(method: str, index: int, sample: LeadSample, network: Network) -> Read:
    """One lead, read and scored."""
    truth, fs_hz, scale, severity = (
        sample.signal_mv,
        sample.fs_hz,
        sample.calibration,
        sample.severity,
    )
    assert truth is not None and fs_hz is not None and scale is not None and severity is not None
    try:
        signal = digitize_lead(
            sample.image,
            mm_per_s=scale.mm_per_s,
            mm_per_mv=scale.mm_per_mv,
            method=method,
            fs_hz=FS_HZ,
            network=network,
        ).signal_mv
    except InputError:
        signal = None
    score = score_lead(truth, signal, fs_hz, alignment="aligned", est_fs_hz=FS_HZ)
    return Read(
        index=index,
        lead=f"{sample.record_id} {sample.lead_name}",
        contact=severity.contact,
        intrusion=severity.intrusion,
        method=method,
        failed=score.failed,
        snr_db=min(score.snr_db, CEILING_DB),
        pearson_r=score.pearson_r,
        mse_mv2=score.mse_mv2,
    )


def binned(reads: Sequence[Read]) -> Binned:
    """The leads of each method by their contact."""
    found: Binned = {}
    for read in reads:
        in_bin = next(i for i, most in enumerate(BINS.values()) if read.contact <= most)
        found.setdefault(read.method, [[] for _ in BINS])[in_bin].append(read)
    return found


def show(name: str, reads: Binned) -> None:
    """A line for each method and bin."""
    print(f"{name:28} {'n':>4}", *(f"{score:>14}" for score in SCORES))
    for method, bins in reads.items():
        for label, chosen in zip(BINS, bins, strict=True):
            values = [f"{of(chosen):14.4g}" if chosen else f"{'–':>14}" for of in SCORES.values()]
            print(f"{method:14} {label + ' %':13} {len(chosen):4}", *values)


def drawing(runs: dict[str, tuple[str, Binned]]) -> Figure:
    """Each score over contact, a line per method.

    Args:
        runs: By what is put after the methods' names: the line's style, and the leads.
    """
    figure = Figure(figsize=(3.6 * len(DRAWN), 3.4), layout="constrained")
    for axes, score in zip(figure.subplots(1, len(DRAWN)), DRAWN, strict=True):
        for name, (style, reads) in runs.items():
            for number, (method, bins) in enumerate(reads.items()):
                at = [i for i, chosen in enumerate(bins) if chosen]
                axes.plot(
                    at,
                    [SCORES[score](bins[i]) for i in at],
                    label=method + name,
                    linestyle=style,
                    color=COLOURS[number % len(COLOURS)],
                    marker=MARKERS[number % len(MARKERS)],
                    markersize=4.5,
                    linewidth=1.4,
                )
        axes.set_xticks(range(len(BINS)), BINS)
        axes.set_xlim(-0.3, len(BINS) - 0.7)
        axes.set_ylim(bottom=0 if score.startswith("share") else None)
        axes.set_xlabel("contact, % of the columns", fontsize=9)
        axes.set_title(score, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#8a9099", alpha=0.25, linewidth=0.6)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def read_json(path: Path) -> list[Read]:
    """The leads of a run's severity.json."""
    return [Read(**read) for read in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="PTB-XL's folder; else simulated records")
    parser.add_argument("--n", type=int, default=200, help="leads")
    parser.add_argument("--out", type=Path, default=Path("outputs/severity"))
    parser.add_argument("--before", type=Path, help="severity.json of another run, drawn dashed")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    network, records = load_model(), arguments.records
    before = binned(read_json(arguments.before)) if arguments.before else {}
    values: dict[str, dict[str, Any]] = {"overlap": {"contact": ASKED}}
    if records:
        values["signals"] = {"root": str(records)}
    generator = load("overlap", values=values, signals="ptbxl" if records else "simulate")
    arguments.out.mkdir(parents=True, exist_ok=True)
    reads: list[Read] = []
    for index in range(arguments.n):
        sample = generator.sample(index, split="val")
        reads += [read_by(method, index, sample, network) for method in METHODS]
        text = json.dumps([asdict(read) for read in reads], indent=1)
        (arguments.out / "severity.json").write_text(text + "\n", encoding="utf-8")
    now = binned(reads)
    runs = {"": ("-", now)} | ({", before": ("--", before)} if before else {})
    drawing(runs).savefig(arguments.out / "severity.png", dpi=150)
    show("now", now)
    if before:
        show("before", before)


if __name__ == "__main__":
    main()

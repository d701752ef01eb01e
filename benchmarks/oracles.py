"""What each stage of the digitizer costs: decoders on true masks, with and without the true grid.

    python benchmarks/oracles.py --crops DIR --records DIR --n 200 --json oracles.json

Two sets: crops in the lead-crop format (DIR holds image/, mask-png/, signal-json/), and leads
generated at 8 px/mm from 500 Hz records (a WFDB folder, or simulated ones without --records).
All scores are `aligned` (docs/metrics.md); the digitized signal has 500 Hz.

A crop's width is a whole number of pixels, so that the scale and the first column it implies
are off by up to a pixel over the crop. `@grid fitted` uses the true calibration found by
drawing the true signal again and moving it until it covers the true mask; no decoder is in it.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.formats.lead_crops import LeadCrops
from data_gen.presets import load
from data_gen.render import draw_stroke
from data_gen.sample import LeadSample
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.metrics.severity import estimated_intrusion
from ecg_overlap.metrics.signal import score_lead

PX_PER_MM = 8.0
FS_HZ = 500.0
CLEAN = 0.002
ROWS = {
    "lead-crop format": (
        ("stroke@mask", "mask"),
        ("stroke@mask@grid", "mask grid"),
        ("stroke@mask@grid", "mask grid fitted"),
        ("viterbi@mask@grid", "mask grid fitted"),
        ("centroid@mask", "mask"),
        ("centroid@mask@grid", "mask grid"),
        ("centroid@mask@grid", "mask grid fitted"),
        ("classical", ""),
        ("viterbi", ""),
        ("fortune", ""),
        ("fortune_fixed", ""),
    ),
    "generated, 8 px/mm": (
        ("stroke@mask@grid", "mask grid"),
        ("stroke@mask", "mask"),
        ("viterbi@mask@grid", "mask grid"),
        ("centroid@mask@grid", "mask grid"),
        ("centroid@mask", "mask"),
        ("classical", ""),
    ),
}


@dataclass(frozen=True)
class Score:
    """One lead by one method."""

    clean: bool
    pearson_r: float
    snr_db: float
    mse_mv2: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=Path, default=Path("../shared/data/lead_crop_format"))
    parser.add_argument("--records", type=Path, help="folder of WFDB records; else simulated")
    parser.add_argument("--n", type=int, default=200, help="generated leads")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sets: dict[str, Callable[[], Iterator[LeadSample]]] = {
        "generated, 8 px/mm": lambda: generated(arguments.n, arguments.records)
    }
    if arguments.crops.is_dir():
        sets = {"lead-crop format": lambda: iter(LeadCrops(arguments.crops))} | sets
    else:
        print(f"{arguments.crops}: no such folder, its table is left out")
    table = [row for name, samples in sets.items() for row in _table(name, samples)]
    for row in table:
        print(
            f"{row['set']:20} {row['method']:18} {row['truth']:17} {row['subset']:8}"
            f"n {row['n']:4}  rho {row['rho_mean']:.4f}  SNR median {row['snr_median']:5.2f} dB"
            f"  MSE {row['mse_mean']:.1e} mV²"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def generated(n: int, records: Path | None) -> Iterator[LeadSample]:
    """Clean leads as drawn, 8 px/mm, from 500 Hz signals."""
    page = {"dpi": PX_PER_MM * 25.4, "grid": "standard", "mm_per_s": 25, "mm_per_mv": 10}
    values = {"page": page} | ({"signals": {"root": str(records)}} if records else {})
    generator = load(
        "clean", values=values, crop="extent", signals="wfdb" if records else "simulate"
    )
    for index in range(n):
        yield generator.sample(index, split="train")


def _table(name: str, samples: Callable[[], Iterator[LeadSample]]) -> Iterator[dict[str, object]]:
    scores: dict[tuple[str, str], list[Score]] = {row: [] for row in ROWS[name]}
    for sample in samples():
        fitted = fitted_calibration(sample) if name == "lead-crop format" else sample.calibration
        for method, truth in ROWS[name]:
            calibration = fitted if "fitted" in truth else sample.calibration
            scores[method, truth].append(_score(sample, method, truth, calibration))
    for (method, truth), found in scores.items():
        for subset in ("all", "clean"):
            kept = [s for s in found if s.clean or subset == "all"]
            if not kept or (subset == "clean" and len(kept) == len(found)):
                continue
            yield {
                "set": name,
                "method": method,
                "truth": truth or "none",
                "subset": subset,
                "n": len(kept),
                "rho_mean": float(np.mean([s.pearson_r for s in kept])),
                "snr_median": float(np.median([s.snr_db for s in kept])),
                "mse_mean": float(np.mean([s.mse_mv2 for s in kept])),
            }


def _score(sample: LeadSample, method: str, truth: str, calibration: Calibration | None) -> Score:
    assert sample.signal_mv is not None and sample.fs_hz is not None
    assert sample.target_mask is not None
    try:
        estimate = digitize_lead(
            sample.image,
            method=method,
            fs_hz=FS_HZ,
            mask=sample.target_mask if "mask" in truth else None,
            calibration=calibration if "grid" in truth else None,
        ).signal_mv
    except InputError:
        estimate = None
    found = score_lead(
        sample.signal_mv, estimate, sample.fs_hz, alignment="aligned", est_fs_hz=FS_HZ
    )
    clean = estimated_intrusion(sample.image, sample.target_mask) < CLEAN
    return Score(clean, found.pearson_r, found.snr_db, found.mse_mv2)


def fitted_calibration(sample: LeadSample) -> Calibration:
    """The calibration at which the true signal, drawn again, covers the true mask best.

    Searched around the implied one: first and last column each within a pixel, the row of
    0 mV, the gain, and the pen; simplex search of the mean squared difference.
    """
    cal, signal, mask = sample.calibration, sample.signal_mv, sample.target_mask
    assert cal is not None and signal is not None and mask is not None and sample.fs_hz
    times = np.arange(len(signal)) / sample.fs_hz
    known = np.isfinite(signal)
    pen = decode(mask, "centroid").width_px

    def moved(p: np.ndarray) -> Calibration:
        stretch = 1 + p[1] / (times[-1] * cal.px_per_s)
        return replace(
            cal,
            px_per_mm_x=cal.px_per_mm_x * stretch,
            px_per_mm_y=cal.px_per_mm_y * (1 + p[3] / 100),
            t0_px=cal.t0_px + p[0],
            baseline_px=cal.baseline_px + p[2],
        )

    def miss(p: np.ndarray) -> float:
        there = moved(p)
        drawn = np.zeros_like(mask)
        line = np.stack([there.x_px(times[known]), there.y_px(signal[known])], axis=1)
        draw_stroke(drawn, line, width_px=pen + p[4])
        return float(np.mean((drawn.astype(np.float32) - mask) ** 2))

    simplex = np.vstack([np.zeros(5), np.eye(5) * [0.4, 0.6, 0.5, 0.3, 0.4]])
    best = minimize(
        miss,
        np.zeros(5),
        method="Nelder-Mead",
        options={"maxfev": 150, "initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-3},
    )
    return moved(best.x)


if __name__ == "__main__":
    main()

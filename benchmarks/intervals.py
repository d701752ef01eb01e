"""How many samples the digitizer's own 90 % intervals hold.

    python benchmarks/intervals.py --data ../shared/data --n 40 --json intervals.json

Per set and method: leads, coverage of ± interval_mv and of ± 1.19 · interval_mv (what 95 % of
normal errors would take), the median lead's coverage, and the median half width. Scores are
`aligned`. A lead of ρ < 0.9 has followed something else than its trace for a while, of which an
interval does not speak: such leads are counted (`swapped`), and the coverage is given with and
without them. The sets scored are LUDB and the lead crops.

    python benchmarks/intervals.py --fit --data ../shared/data --n 40

fits the constants of `digitize/calibrate.py` on other records (PTB-XL's training split, simulated
ones): `SIGMA_SCALE` and `TIME_SIGMA_PX` on true masks, then `INK_ERROR` on binarized ink. In five
bins of slope, of equal size, the coverage shall be 90 %: the sum of squares of what is missing in
each is least. Leads of ρ < 0.9 are left out.

`unet+stroke` is run with the true mask, reduced to 8 px/mm, in the network's place: it shows what
reading ink under evidence costs, not a trained network's errors.
"""

import argparse
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen import presets
from data_gen.formats.lead_crops import LeadCrops
from data_gen.sample import LeadSample
from ecg_overlap.digitize.calibrate import (
    INK_ERROR,
    INTERVAL_SIGMAS,
    SIGMA_SCALE,
    TIME_SIGMA_PX,
)
from ecg_overlap.digitize.lead_signal import INTERVAL_LEVEL
from ecg_overlap.digitize.plans import plan_for
from ecg_overlap.evaluation.methods import run_plan
from ecg_overlap.metrics.align import align
from ecg_overlap.metrics.interval import interval_coverage
from ecg_overlap.metrics.signal import score_aligned

METHODS = ("stroke@mask@grid", "stroke@mask", "classical", "unet+stroke")
TO_95 = 1.96 / 1.645
FOLLOWED = 0.9
NETWORK_PX_PER_MM = 8.0


class TrueMap:
    """The true mask as a network at 8 px/mm would show it."""

    def __init__(self, mask: NDArray[np.uint8]) -> None:
        self.mask = mask.astype(np.float32) / 255

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        height, width = self.mask.shape
        factor = NETWORK_PX_PER_MM / px_per_mm
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        by = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        small = cv2.resize(self.mask, size, interpolation=by)
        return np.asarray(cv2.resize(small, (width, height)).clip(0, 1), np.float32)


def generated(
    preset: str, root: Path | None, signals: str, split: str, n: int
) -> Iterable[LeadSample]:
    values = {"signals": {"root": str(root)}} if root else None
    generator = presets.load(preset, values=values, signals=signals)
    return (generator.sample(index, split=split) for index in range(n))


def scored(samples: Iterable[LeadSample], name: str) -> list[dict[str, object]]:
    rows: dict[str, list[tuple[float, float, float, float]]] = {m: [] for m in METHODS}
    for sample in samples:
        signal, fs_hz = sample.signal_mv, sample.fs_hz
        assert sample.target_mask is not None and signal is not None and fs_hz is not None
        for method in METHODS:
            network = TrueMap(sample.target_mask)
            lead = run_plan(sample, plan=plan_for(method), network=network).signal
            if lead is None:
                continue
            pair = align(signal, lead.signal_mv, fs_hz, est_fs_hz=lead.fs_hz)
            found = score_aligned(pair)
            at = [interval_coverage(pair, k * lead.interval_mv) for k in (1.0, TO_95)]
            if at[0] is not None and at[1] is not None:
                width = float(np.nanmedian(lead.interval_mv))
                rows[method].append((found.pearson_r, at[0].coverage, at[1].coverage, width))
    return [summary(name, method, np.array(kept)) for method, kept in rows.items() if kept]


def errors_of(samples: Iterable[LeadSample], method: str) -> NDArray[np.float64]:
    """Per sample of leads that were followed: |error| px, the path's own σ px, slope; (3, n)."""
    found = []
    for sample in samples:
        assert sample.signal_mv is not None and sample.fs_hz is not None
        lead = run_plan(sample, plan=plan_for(method), network=None).signal
        if lead is None:
            continue
        pair = align(sample.signal_mv, lead.signal_mv, sample.fs_hz, est_fs_hz=lead.fs_hz)
        if score_aligned(pair).pearson_r < FOLLOWED:
            continue
        factor = INK_ERROR if method == "classical" else 1.0
        px_per_mv = lead.calibration.px_per_mv
        slope = np.abs(np.gradient(lead.signal_mv * px_per_mv))
        slope /= lead.calibration.px_per_s / lead.fs_hz
        whole = lead.interval_mv * px_per_mv / (INTERVAL_SIGMAS * factor)
        own = np.sqrt(np.maximum(whole**2 - (TIME_SIGMA_PX * slope) ** 2, 0)) / SIGMA_SCALE
        error = (pair.ref_mv - pair.est_mv) * px_per_mv
        places = np.arange(len(own))
        rows = [np.abs(error - np.median(error))]
        rows += [np.interp(pair.position, places, values) for values in (own, slope)]
        found.append(np.stack(rows))
    every = np.concatenate(found, axis=1)
    return every[:, np.isfinite(every).all(axis=0)]


def uneven(errors: NDArray[np.float64], scale: float, time_px: float, factor: float) -> float:
    """How far the coverage is from its level, over five bins of slope."""
    error, own, slope = errors
    half = INTERVAL_SIGMAS * factor * np.hypot(scale * own, time_px * slope)
    order = np.argsort(slope)
    bins = [(error[part] <= half[part]).mean() for part in np.array_split(order, 5)]
    return float(np.sum((np.array(bins) - INTERVAL_LEVEL) ** 2))


def fit(sets: list[Iterable[LeadSample]]) -> dict[str, float]:
    """The constants of `digitize/calibrate.py`, by search over a grid of values."""
    samples = [sample for one in sets for sample in one]
    drawn, ink = (errors_of(samples, method) for method in ("stroke@mask", "classical"))
    tried = [(a, t) for a in np.arange(0.5, 8.01, 0.25) for t in np.arange(0, 1.01, 0.05)]
    scale, time_px = min(tried, key=lambda at: uneven(drawn, *at, 1.0))
    factors = np.arange(0.5, 5.01, 0.1)
    factor = min(factors, key=lambda f: uneven(ink, scale, time_px, f))
    return {
        "SIGMA_SCALE": round(float(scale), 2),
        "TIME_SIGMA_PX": round(float(time_px), 2),
        "INK_ERROR": round(float(factor), 1),
    }


def summary(name: str, method: str, kept: NDArray[np.float64]) -> dict[str, object]:
    followed = kept[kept[:, 0] >= FOLLOWED]
    best = followed if len(followed) else np.full((1, 4), np.nan)
    return {
        "set": name,
        "method": method,
        "n": len(kept),
        "level": INTERVAL_LEVEL,
        "swapped": len(kept) - len(followed),
        "coverage_all": round(float(kept[:, 1].mean()), 3),
        "coverage": round(float(best[:, 1].mean()), 3),
        "coverage_at_95": round(float(best[:, 2].mean()), 3),
        "coverage_median_lead": round(float(np.median(best[:, 1])), 3),
        "half_width_mv": round(float(np.median(best[:, 3])), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--n", type=int, default=40, help="leads of each set")
    parser.add_argument("--fit", action="store_true", help="fit the constants, instead of scoring")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    n = arguments.n
    if arguments.fit:
        at = arguments.data / "ptbxl"
        kinds = ("clean", "scan", "overlap")
        sets_fit = [generated(kind, at, "ptbxl", "train", n) for kind in kinds]
        sets_fit += [generated(kind, None, "simulate", "train", n) for kind in kinds]
        print(json.dumps(fit(sets_fit), indent=1))
        return
    sets = {
        f"{preset}/ludb": generated(preset, arguments.data / "ludb", "wfdb", "test", n)
        for preset in ("clean", "scan", "overlap")
    }
    sets["lead-crop format"] = itertools.islice(LeadCrops(arguments.data / "lead_crop_format"), n)
    table = []
    for name, samples in sets.items():
        for row in scored(samples, name):
            table.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

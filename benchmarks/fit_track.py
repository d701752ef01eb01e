"""Which numbers of the search for the trace and of binarization matter: each halved and doubled.

    python benchmarks/fit_track.py --records ../shared/data/ptbxl --n 60 --json fit_track.json

Prints, for every field of `TrackCosts` and `InkDials` (the parts of a tuple one by one), the mean
and the median SNR (`aligned`, docs/metrics.md) and the share of failed leads at half and at double
its value, beside the row "as they are". Of a percentile or a share above one half, the distance
from the whole is halved and doubled. Leads are drawn by the presets overlap and scan from PTB-XL's
fold 9. Methods: classical, unet+stroke with the package's network, and for the costs of the search
stroke@mask, on the true mask.

The picture gives the scale, the sample its speed and gain. To save time, the grid is found once a
lead; a network's answer to a row prompt is used again for prompts within `SAME_ROW_PX`; and a
result is used again where the ink or the chosen runs are the same. The JSON file is written after
every lead, so that a run can be looked at or stopped early.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.presets import load
from data_gen.sample import LeadSample
from ecg_overlap.digitize.calibrate import to_signal
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.dials import DIALS, InkDials
from ecg_overlap.digitize.ink.evidence import ink_of_primary
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.primary import which_trace
from ecg_overlap.digitize.straight import is_straight, straightened
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.track import COSTS, TrackCosts, track
from ecg_overlap.metrics.signal import score_lead
from ecg_overlap.network import load_model

PRESETS = ("overlap", "scan")
FACTORS = (0.5, 2.0)
AS_THEY_ARE = "as they are"
WHOLES = {  # of which a field is a share above one half
    "noise_percentile": 100.0,
    "line_percentile": 100.0,
    "strong": 1.0,
    "other_than_ink": 1.0,
    "fold_quantile": 1.0,
    "rest_on_line": 1.0,
    "short_share": 1.0,
}
SAME_ROW_PX = 3.0
Scores = dict[str, tuple[float, bool]]  # of each method: SNR in dB, and whether it failed


@dataclass(frozen=True)
class Setting:
    """All numbers, of which one was changed."""

    name: str
    costs: TrackCosts = COSTS
    dials: InkDials = DIALS


def settings() -> list[Setting]:
    """As they are, then each field halved and doubled."""
    found = [Setting(AS_THEY_ARE)]
    for whole, key in ((COSTS, "costs"), (DIALS, "dials")):
        for field in fields(whole):
            value = getattr(whole, field.name)
            parts = value if isinstance(value, tuple) else (value,)
            for at, part in enumerate(parts):
                for factor in FACTORS:
                    whole_share = WHOLES.get(field.name, 0.0)
                    moved = type(part)(whole_share + (part - whole_share) * factor)
                    new = (*parts[:at], moved, *parts[at + 1 :]) if parts is value else moved
                    name = field.name + (f"[{at}]" if parts is value else "") + f" × {factor:g}"
                    changed: Any = {key: replace(whole, **{field.name: new})}
                    found.append(Setting(name, **changed))
    return found


class Lead:
    """One lead under any setting, with what need not be computed twice."""

    def __init__(self, sample: LeadSample, network: Callable[..., Any]) -> None:
        self.sample = sample
        self.network = network
        image, mask, grid = sample.image, np.asarray(sample.target_mask), find_grid(sample.image)
        if not is_straight(grid):
            straight = straightened(image.shape, grid)
            image, mask, grid = straight.image(image), straight.mask(mask), straight.grid(grid)
        self.image, self.mask, self.grid = image, as_coverage(mask), grid
        self.ink = self._ink(DIALS)
        self.answers: dict[float | None, Coverage] = {}
        self.of_ink: dict[tuple[bytes, TrackCosts], Scores] = {}
        self.of_chain: dict[tuple[str, bytes, bytes], tuple[float, bool]] = {}

    def scores(self, setting: Setting) -> Scores:
        """Of every method that the setting can change."""
        found: Scores = {}
        if setting.dials is DIALS:
            found["stroke@mask"] = self._score("stroke@mask", b"", self.mask, None, setting.costs)
        ink = self.ink if setting.dials is DIALS else self._ink(setting.dials)
        if ink is None:
            return found | dict.fromkeys(("classical", "unet+stroke"), (0.0, True))
        digest = hashlib.blake2b(ink.tobytes()).digest()
        key = digest, setting.costs
        if key not in self.of_ink:
            self.of_ink[key] = self._of_ink(ink, digest, setting.costs)
        return found | self.of_ink[key]

    def _ink(self, dials: InkDials) -> NDArray[np.uint8] | None:
        px_per_mm = self.grid.px_per_mm_y
        try:
            return binarize(self.image, px_per_mm=px_per_mm, grid=self.grid, dials=dials)
        except DigitizeError:
            return None

    def _of_ink(self, ink: NDArray[np.uint8], digest: bytes, costs: TrackCosts) -> Scores:
        px_per_mm = self.grid.px_per_mm_y
        evidence = which_trace(self._ask, ink, px_per_mm=px_per_mm, costs=costs)
        own = ink_of_primary(ink, evidence, px_per_mm=px_per_mm)
        which = str([answer is evidence for answer in self.answers.values()])
        return {
            "classical": self._score("classical", digest, as_coverage(ink), None, costs),
            "unet+stroke": self._score("unet+stroke" + which, digest, own, evidence, costs),
        }

    def _ask(self, row_px: float | None) -> Coverage:
        for row, answer in self.answers.items():
            if row == row_px or (row and row_px and abs(row - row_px) <= SAME_ROW_PX):
                return answer
        told = self.network(self.image, px_per_mm=self.grid.px_per_mm_y, row_px=row_px)
        return self.answers.setdefault(row_px, as_coverage(told))

    def _score(
        self,
        method: str,
        ink: bytes,
        cover: Coverage,
        evidence: Coverage | None,
        costs: TrackCosts,
    ) -> tuple[float, bool]:
        trace = track(cover, evidence=evidence, costs=costs)
        key = (method, ink, trace.run.tobytes())
        if key not in self.of_chain:
            self.of_chain[key] = self._snr(self._signal(trace))
        return self.of_chain[key]

    def _signal(self, trace: TraceInk) -> NDArray[np.float64] | None:
        """The signal at 500 Hz, as `digitize_lead` gives it; None where it refuses."""
        path = stroke(trace)
        if not np.isfinite(path.y_px).any():
            return None
        assert self.sample.calibration is not None
        scale = replace(
            self.sample.calibration,
            px_per_mm_x=self.grid.px_per_mm_x,
            px_per_mm_y=self.grid.px_per_mm_y,
        )
        try:
            return to_signal(path, scale, fs_hz=500.0).signal_mv
        except InputError:
            return None

    def _snr(self, signal: NDArray[np.float64] | None) -> tuple[float, bool]:
        truth, fs_hz = self.sample.signal_mv, self.sample.fs_hz
        assert truth is not None and fs_hz is not None
        found = score_lead(truth, signal, fs_hz, alignment="aligned", est_fs_hz=500.0)
        return found.snr_db, found.failed


def leads(preset: str, records: Path | None, n: int) -> Iterator[LeadSample]:
    """Of fold 9 (the validation split) of PTB-XL, or simulated ones."""
    values = {"signals": {"root": str(records)}} if records else None
    generator = load(preset, values=values, signals="ptbxl" if records else "simulate")
    return (generator.sample(index, split="val") for index in range(n))


def table(found: dict[tuple[str, str, str], list[tuple[float, bool]]]) -> list[dict[str, Any]]:
    """One row for each preset, method and setting."""
    rows = []
    for (preset, method, setting), scores in found.items():
        snr = np.array([s for s, _ in scores])
        rows.append(
            {
                "preset": preset,
                "method": method,
                "setting": setting,
                "n": len(scores),
                "snr_mean": float(np.clip(snr, 0, 60).mean()),  # one lead of −20 dB would tell most
                "snr_median": float(np.median(snr)),
                "failing": float(np.mean([failed for _, failed in scores])),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="PTB-XL's folder; else simulated records")
    parser.add_argument("--n", type=int, default=60, help="leads of each preset")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    network = load_model()
    found: dict[tuple[str, str, str], list[tuple[float, bool]]] = {}
    for samples in zip(*(leads(p, arguments.records, arguments.n) for p in PRESETS), strict=True):
        for preset, sample in zip(PRESETS, samples, strict=True):
            try:
                lead = Lead(sample, network)
            except DigitizeError:
                continue  # no grid: no setting changes that
            for setting in settings():
                for method, score in lead.scores(setting).items():
                    found.setdefault((preset, method, setting.name), []).append(score)
        if arguments.json:
            text = json.dumps(table(found), indent=1)
            arguments.json.write_text(text + "\n", encoding="utf-8")
    show(table(found))


def show(rows: list[dict[str, Any]]) -> None:
    """A line for each setting: mean SNR, median SNR and share failing of each preset and method."""
    columns = list(dict.fromkeys((row["preset"], row["method"]) for row in rows))
    print(" " * 30, *(f"{preset + ' ' + method:>20}" for preset, method in columns))
    by = {(row["setting"], row["preset"], row["method"]): row for row in rows}
    for setting in dict.fromkeys(row["setting"] for row in rows):
        cells = [by.get((setting, *column)) for column in columns]
        shown = [
            f"{c['snr_mean']:6.2f} {c['snr_median']:6.2f} {c['failing']:6.3f}" if c else " " * 20
            for c in cells
        ]
        print(f"{setting:30}", *shown)


if __name__ == "__main__":
    main()

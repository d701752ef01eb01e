"""Which numbers of the search for all traces and of binarization matter: each halved and doubled.

    python benchmarks/fit_traces.py --records ../shared/data/ptbxl --n 60 --json fit_traces.json
    python benchmarks/fit_traces.py --only shared_per_mm,turn --preset overlap

Prints, for every field of `TraceCosts` and `InkDials` (the parts of a tuple one by one), the mean
and the median SNR (`aligned`, docs/metrics.md), the share of failed leads, the mean of Pearson's r
and the share of leads below r 0.9, at half and at double its value, beside the row "as they are".
Of a percentile or a share above one half, the distance from the whole is halved and doubled; a
count is halved to one at the least. Leads are drawn from PTB-XL's fold 9. Methods: classical,
unet+stroke with the package's network, and for the costs of the search stroke@mask, on the true
mask.

The picture gives the scale, the sample its speed and gain. To save time, the grid is found once a
lead; a network's answer to a row prompt is used again for prompts within `SAME_ROW_PX`; and a
result is used again where the ink or all traces' runs are the same. The JSON file is written after
every lead, so that a run can be looked at or stopped early.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.presets import PRESETS, load
from data_gen.sample import LeadSample
from ecg_overlap.digitize.calibrate import to_signal
from ecg_overlap.digitize.decoders import strokes
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination, find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.dials import DIALS, InkDials
from ecg_overlap.digitize.ink.evidence import ink_and_maps
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.paths.path import Path as PenPath
from ecg_overlap.digitize.straight import is_straight, straightened
from ecg_overlap.digitize.traces.costs import COSTS, TraceCosts
from ecg_overlap.digitize.traces.drifting import rows_of
from ecg_overlap.digitize.traces.joint import trace_all
from ecg_overlap.metrics.signal import LeadScore, score_lead
from ecg_overlap.network import load_model

FACTORS = (0.5, 2.0)
AS_THEY_ARE = "as they are"
WHOLES = {  # of which a field is a share above one half
    "surely_present": 1.0,
    "noise_percentile": 100.0,
    "line_percentile": 100.0,
    "strong": 1.0,
    "other_than_ink": 1.0,
    "fold_quantile": 1.0,
    "rest_on_line": 1.0,
}
SAME_ROW_PX = 3.0
POOR_R = 0.9
COLUMNS = {  # of the table, with their formats
    "snr_mean": "9.2f",
    "snr_median": "11.2f",
    "failing": "8.3f",
    "r_mean": "7.4f",
    "r_poor": "7.3f",
}
Scores = dict[str, LeadScore]  # of each method


@dataclass(frozen=True)
class Setting:
    """All numbers, of which one was changed."""

    name: str
    costs: TraceCosts = COSTS
    dials: InkDials = DIALS


def settings(only: Sequence[str] = ()) -> list[Setting]:
    """As they are, then each field halved and doubled, or only those that are named."""
    found = [Setting(AS_THEY_ARE)]
    numbers: dict[str, Any] = {"costs": COSTS, "dials": DIALS}
    for key, whole in numbers.items():
        for field in fields(whole):
            if only and field.name not in only:
                continue
            value = getattr(whole, field.name)
            parts = value if isinstance(value, tuple) else (value,)
            for at, part in enumerate(parts):
                for factor in FACTORS:
                    moved = scaled(part, factor, WHOLES.get(field.name, 0.0))
                    new = (*parts[:at], moved, *parts[at + 1 :]) if parts is value else moved
                    name = field.name + (f"[{at}]" if parts is value else "") + f" × {factor:g}"
                    found.append(Setting(name, **{key: replace(whole, **{field.name: new})}))
    return found


def scaled(value: float, factor: float, whole: float) -> float:
    """A number's distance from the whole, taken so many times; a count stays one, at least one."""
    moved = whole + (value - whole) * factor
    return max(1, int(moved)) if isinstance(value, int) else moved


class Lead:
    """One lead under any setting, with what need not be computed twice."""

    def __init__(self, sample: LeadSample, network: Network) -> None:
        self.sample = sample
        self.network = network
        image, mask, grid = sample.image, np.asarray(sample.target_mask), find_grid(sample.image)
        self.inside: NDArray[np.bool_] | None = None
        if not is_straight(grid):
            straight = straightened(image.shape, grid)
            image, mask, grid = straight.image(image), straight.mask(mask), straight.grid(grid)
            self.inside = straight.inside
        self.light, self.grid = Illumination(image), grid
        self.drawn = Ink(mask, px_per_mm=grid.px_per_mm_y)
        self.answers: dict[float | None, Coverage] = {}
        self.of_ink: dict[tuple[bytes, TraceCosts], Scores] = {}
        self.of_traces: dict[tuple[str, bytes, bytes], LeadScore] = {}
        self.binarized = self._binarized(DIALS)
        self.inks = self._inks(self.binarized)

    def scores(self, setting: Setting) -> Scores:
        """Of every method that the setting can change."""
        found: Scores = {}
        same = setting.dials == DIALS
        if same:
            found["stroke@mask"] = self._score("stroke@mask", b"", self.drawn, setting.costs)
        binarized = self.binarized if same else self._binarized(setting.dials)
        digest = b"" if binarized is None else hashlib.blake2b(binarized.tobytes()).digest()
        key = digest, setting.costs
        if key not in self.of_ink:
            inks = self.inks if same else self._inks(binarized)
            self.of_ink[key] = {
                method: self._score(method, digest, ink, setting.costs)
                for method, ink in inks.items()
            }
        return found | self.of_ink[key]

    def _binarized(self, dials: InkDials) -> NDArray[np.uint8] | None:
        """The picture's ink, None where there is none."""
        image, px_per_mm = self.light.image, self.grid.px_per_mm_y
        try:
            return binarize(
                image, px_per_mm=px_per_mm, grid=self.grid, light=self.light, dials=dials
            )
        except DigitizeError:
            return None

    def _inks(self, binarized: NDArray[np.uint8] | None) -> dict[str, Ink | None]:
        """What classical and unet+stroke read, as `digitize_lead` has it of `stages`."""
        px_per_mm = self.grid.px_per_mm_y
        if binarized is None:
            seen = Ink(self._ask(None), px_per_mm=px_per_mm)
            return {"classical": None, "unet+stroke": self._within(seen)}
        ink = seen = Ink(binarized, px_per_mm=px_per_mm)
        cover = as_coverage(binarized)
        rows = rows_of(cover, px_per_mm=px_per_mm)
        if len(rows) and not np.ptp(rows, axis=1).any():
            maps = np.stack([self._ask(float(row[0])) for row in rows])
            cover = ink_and_maps(cover, maps, px_per_mm=px_per_mm)
            seen = replace(ink, mask=cover, rows_px=rows, maps=maps)
        return {"classical": self._within(ink), "unet+stroke": self._within(seen)}

    def _within(self, ink: Ink) -> Ink:
        return ink if self.inside is None else ink.within(self.inside)

    def _ask(self, row_px: float | None) -> Coverage:
        """The network's map, prompted with a row or not."""
        for row, answer in self.answers.items():
            if row == row_px or (row and row_px and abs(row - row_px) <= SAME_ROW_PX):
                return answer
        told = self.network(self.light.image, px_per_mm=self.grid.px_per_mm_y, row_px=row_px)
        return self.answers.setdefault(row_px, as_coverage(told))

    def _score(self, method: str, digest: bytes, ink: Ink | None, costs: TraceCosts) -> LeadScore:
        """Of one method on its ink, which the digest of the binarized picture stands for."""
        if ink is None:
            return self._compared(None)
        cover, px_per_mm = as_coverage(ink.mask), self.grid.px_per_mm_y
        rows = rows_of(cover, px_per_mm=px_per_mm) if ink.rows_px is None else ink.rows_px
        traces = trace_all(
            cover, rows, px_per_mm=px_per_mm, maps=ink.maps, inside=ink.inside, costs=costs
        )
        key = (method, digest, traces.where.tobytes())
        if key not in self.of_traces:
            self.of_traces[key] = self._compared(self._signal(strokes(traces).path))
        return self.of_traces[key]

    def _signal(self, path: PenPath) -> NDArray[np.float64] | None:
        """The signal at 500 Hz, as `digitize_lead` gives it; None where it refuses."""
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

    def _compared(self, signal: NDArray[np.float64] | None) -> LeadScore:
        truth, fs_hz = self.sample.signal_mv, self.sample.fs_hz
        assert truth is not None and fs_hz is not None
        return score_lead(truth, signal, fs_hz, alignment="aligned", est_fs_hz=500.0)


def leads(preset: str, records: Path | None, n: int) -> Iterator[LeadSample]:
    """Of fold 9 (the validation split) of PTB-XL, or simulated ones."""
    values = {"signals": {"root": str(records)}} if records else None
    generator = load(preset, values=values, signals="ptbxl" if records else "simulate")
    return (generator.sample(index, split="val") for index in range(n))


def table(found: dict[tuple[str, str, str], list[LeadScore]]) -> list[dict[str, Any]]:
    """One row for each preset, method and setting."""
    rows = []
    for (preset, method, setting), scores in found.items():
        snr = np.array([score.snr_db for score in scores])
        r = np.array([score.pearson_r for score in scores])
        rows.append(
            {
                "preset": preset,
                "method": method,
                "setting": setting,
                "n": len(scores),
                "snr_mean": float(np.clip(snr, 0, 60).mean()),  # one lead of −20 dB would tell most
                "snr_median": float(np.median(snr)),
                "failing": float(np.mean([score.failed for score in scores])),
                "r_mean": float(r.mean()),
                "r_poor": float((r < POOR_R).mean()),
            }
        )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """A table of each preset and method, a line for each setting."""
    widths = {name: int(shown.split(".")[0]) for name, shown in COLUMNS.items()}
    heads = " ".join(f"{name:>{width}}" for name, width in widths.items())
    for preset, method in dict.fromkeys((row["preset"], row["method"]) for row in rows):
        chosen = [row for row in rows if (row["preset"], row["method"]) == (preset, method)]
        print(f"\n{preset} {method}, n {chosen[0]['n']}".ljust(31), heads)
        for row in chosen:
            print(f"{row['setting']:30}", *(f"{row[name]:{how}}" for name, how in COLUMNS.items()))


def main() -> None:
    arguments = parsed()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    network = load_model()
    tried = settings(arguments.only)
    found: dict[tuple[str, str, str], list[LeadScore]] = {}
    drawn = [leads(preset, arguments.records, arguments.n) for preset in arguments.preset]
    for samples in zip(*drawn, strict=True):
        for preset, sample in zip(arguments.preset, samples, strict=True):
            try:
                lead = Lead(sample, network)
            except DigitizeError:
                continue  # no grid: no setting changes that
            for setting in tried:
                for method, score in lead.scores(setting).items():
                    found.setdefault((preset, method, setting.name), []).append(score)
        if arguments.json:
            text = json.dumps(table(found), indent=1)
            arguments.json.write_text(text + "\n", encoding="utf-8")
    show(table(found))


def parsed() -> argparse.Namespace:
    """The command line; `only` and `preset` as lists of known names."""
    numbers = [field.name for whole in (COSTS, DIALS) for field in fields(whole)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="PTB-XL's folder; else simulated records")
    parser.add_argument("--n", type=int, default=60, help="leads of each preset")
    parser.add_argument("--preset", default="overlap,scan", help="presets, with commas")
    parser.add_argument("--only", default="", help="fields to change, with commas; else all")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    for name, known in (("preset", list(PRESETS)), ("only", numbers)):
        names = [part.strip() for part in getattr(arguments, name).split(",") if part.strip()]
        unknown = [part for part in names if part not in known]
        if unknown or (name == "preset" and not names):
            parser.error(f"--{name} {', '.join(unknown)}: take of {', '.join(known)}")
        setattr(arguments, name, names)
    return arguments


if __name__ == "__main__":
    main()

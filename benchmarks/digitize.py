"""How long the digitizer takes: a 10 s lead at 200 dpi, on one core.

    python benchmarks/digitize.py --json digitize.json

The last rows are what a user waits for once the weights are loaded: from a picture's file to its
WFDB record, with the package's networks and without one. All are the process's CPU time, the best
of several runs on one generated lead: on an idle core it is the clock's. The pure-Python Viterbi
that ours is compared with does the same search on the same runs of ink.
"""

import argparse
import json
import math
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from data_gen.errors import InputError
from data_gen.presets import load
from ecg_overlap.digitize.calibrate import to_signal
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network, info_of
from ecg_overlap.digitize.paths.columns import least_angle
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.digitize.traces.runs import Runs, find_runs
from ecg_overlap.digitize.write import write_png, write_wfdb
from ecg_overlap.network import load_model
from ecg_overlap.onnx_network import load_both

DPI = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--checkpoint", type=Path, help="a network instead of the package's")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    page = {"dpi": DPI, "grid": "standard", "layout": "3x1", "mm_per_s": 25, "mm_per_mv": 10}
    sample = load("clean", crop="extent", values={"page": page}).sample(1)
    assert sample.target_mask is not None and sample.calibration is not None
    image, mask, scale = sample.image, sample.target_mask, sample.calibration
    runs = find_runs(as_coverage(mask))
    path = decode(mask, "stroke")

    def best_ms(work: Callable[[], object]) -> float:
        work()  # compiles, warms the caches
        took = []
        for _ in range(arguments.repeats):
            start = time.process_time()
            work()
            took.append(time.process_time() - start)
        return min(took) * 1e3

    ms = {
        "grid": best_ms(lambda: find_grid(image)),
        "binarize": best_ms(lambda: binarize(image, px_per_mm=scale.px_per_mm_y)),
        "path: stroke": best_ms(lambda: decode(mask, "stroke")),
        "path: viterbi": best_ms(lambda: decode(mask, "viterbi")),
        "path: centroid": best_ms(lambda: decode(mask, "centroid")),
        "calibrate": best_ms(lambda: to_signal(path, scale)),
        "digitize_lead, classical": best_ms(lambda: digitize_lead(image)),
        "viterbi search alone": best_ms(
            lambda: least_angle(runs.centre_px, runs.column, runs.first)
        ),
        "viterbi search alone, pure Python": best_ms(lambda: python_chain(runs)),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = write_png(image, folder / "lead.png")

        def whole_way(network: Network | None = None) -> None:
            lead = digitize_lead(read_image(picture), network=network)
            write_wfdb(lead, folder, "lead")

        ms["file to WFDB, classical"] = best_ms(whole_way)
        try:
            file = arguments.checkpoint
            trained: Network = load_model(file) if file else load_both()
        except InputError as error:
            print(f"without the package's network: {error}", file=sys.stderr)
        else:
            info = info_of(trained)
            named = info.checkpoint if file else "the package's networks"
            row = f"file to WFDB, with {named} ({info.method})"
            ms[row] = best_ms(lambda: whole_way(trained))
            ms["the network of traces alone"] = best_ms(
                lambda: trained(image, px_per_mm=scale.px_per_mm_y)
            )
    result = {
        "picture_px": [image.shape[1], image.shape[0]],
        "seconds": float(len(sample.signal_mv) / sample.fs_hz),  # type: ignore[arg-type, operator]
        "dpi": DPI,
        "cpu": platform.processor() or platform.machine(),
        "ms": {name: round(value, 3) for name, value in ms.items()},
        "grid_and_path_ms": round(ms["grid"] + ms["path: stroke"], 2),
        "viterbi_times_faster": round(
            ms["viterbi search alone, pure Python"] / ms["viterbi search alone"], 1
        ),
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def python_chain(runs: Runs) -> list[int]:
    """The search of `least_angle` in plain Python; the same result."""
    centre, first = runs.centre_px.tolist(), runs.first.tolist()
    cost, angle, back = [0.0] * len(centre), [0.0] * len(centre), [-1] * len(centre)
    before = -1
    for c in range(len(first) - 1):
        if first[c] == first[c + 1]:
            continue
        if before >= 0:
            for i in range(first[c], first[c + 1]):
                cost[i] = math.inf
                for j in range(first[before], first[before + 1]):
                    dx, dy = c - before, centre[i] - centre[j]
                    turn = math.atan2(dy, dx)
                    step = 0.5 * math.hypot(dx, dy)
                    if back[j] >= 0:
                        step += 0.5 * abs(turn - angle[j]) / math.pi
                    if cost[j] + step < cost[i]:
                        cost[i], angle[i], back[i] = cost[j] + step, turn, j
        before = c
    chosen = [-1] * (len(first) - 1)
    if before < 0:
        return chosen
    at = min(range(first[before], first[before + 1]), key=cost.__getitem__)
    while at >= 0:
        chosen[int(runs.column[at])] = at
        at = back[at]
    assert np.array_equal(chosen, least_angle(runs.centre_px, runs.column, runs.first))
    return chosen


if __name__ == "__main__":
    main()

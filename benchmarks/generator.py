"""How fast the generator is on one core, and how much memory it takes.

    python benchmarks/generator.py --json generator.json

Writes samples and pages per second, clean and scan-distorted (drawing the record included):
crops are the training windows of 256×512 px at 8 px/mm, pages 3×4+1R at 200 dpi with the masks
of all 13 traces. The seconds are those of the processor, the best of several short runs, since
others may share the machine; on an idle one they are the clock's.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy is imported

import cv2  # noqa: E402

from data_gen import presets  # noqa: E402

CROP_RUN, CROP_RUNS = 40, 12  # samples in a run, runs
PAGE_RUN, PAGE_RUNS = 6, 4
PAGE = {"layout": "3x4+1R", "dpi": 200, "paper": "a4"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    figures: dict[str, Any] = {}
    for kind in ("clean", "scan"):
        crops = presets.load(kind, crop="window", overlap="default")
        pages = presets.load(kind, values={"page": PAGE})
        figures[f"crops_per_s_{kind}"] = per_second(crops.sample, CROP_RUN, CROP_RUNS)
        figures[f"pages_per_s_{kind}"] = per_second(pages.page, PAGE_RUN, PAGE_RUNS)
    per_mib = 1024 if sys.platform == "linux" else 1024**2
    figures["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mib)
    text = json.dumps(figures, indent=2)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def per_second(draw: Callable[[int], Any], run: int, runs: int) -> float:
    """The best rate of several runs over the same things to draw, after a first unmeasured one.

    Samples differ in cost, so every run draws the same ones.
    """
    for i in range(run):
        draw(i)
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        for i in range(run):
            draw(i)
        best = min(best, time.process_time() - start)
    return round(run / best, 1)


if __name__ == "__main__":
    main()

"""How well all traces' ink is found: IoU, recall and precision on drawn leads; seconds for a page.

    python benchmarks/ink.py --records ../shared/data/ludb --preset scan --n 30
    python benchmarks/ink.py --network best.ckpt ink.onnx        # instead of the package's

Ink is what at least half of a pixel is covered by, of any trace, amodal; the scale is the true one.
Leads are drawn of a plain folder of WFDB records, all held back, or of simulated ones. Printed
are means over the leads, of `binarize` and of each network.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.presets import PRESETS, load
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.network import InkNetwork, with_ink
from ecg_overlap.metrics.segmentation import iou
from ecg_overlap.network import load_model
from ecg_overlap.onnx_network import load_ink

INK = 0.5
PAGE_PX, PAGE_DPI = (1700, 2200), 200  # a letter page
Find = Callable[[NDArray[np.uint8], float], NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="a folder of WFDB records; else simulated")
    parser.add_argument("--preset", default="scan", choices=list(PRESETS))
    parser.add_argument("--n", type=int, default=30, help="leads")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--network", type=Path, nargs="+", default=[None], help="else the package's"
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    networks = {str(file or "package"): opened(file) for file in arguments.network}
    finders: dict[str, Find] = {"binarize": without_network}
    finders |= {name: seen_by(network) for name, network in networks.items()}
    signals = {"root": str(arguments.records), "fractions": [0, 0, 1]}
    generator = (
        load(arguments.preset, signals="wfdb", values={"signals": signals})
        if arguments.records
        else load(arguments.preset)
    )
    scores: dict[str, list[tuple[float, float, float]]] = {name: [] for name in finders}
    for index in range(arguments.n):
        sample = generator.sample(index, seed=arguments.seed, split="test")
        assert sample.calibration is not None
        true = np.maximum(np.asarray(sample.target_mask), np.asarray(sample.other_mask)) > 127
        for name, find in finders.items():
            found = find(sample.image, sample.calibration.px_per_mm_y) >= INK
            both = float((found & true).sum())
            share = (both / max(float(side.sum()), 1.0) for side in (true, found))
            scores[name].append((iou(found, true), *share))
    print(f"{arguments.preset}, n {arguments.n}   IoU recall precision")
    for name, rows in scores.items():
        print(f"{name:20} ", *(f"{value:.3f}" for value in np.mean(rows, axis=0)))
    for name, network in networks.items():
        print(f"{name}: {page_seconds(network):.1f} s of CPU time for a page")


def opened(file: Path | None) -> InkNetwork:
    """By ONNX Runtime, unless it is a checkpoint or a .safetensors."""
    if file is None or file.suffix == ".onnx":
        return load_ink(file)
    return with_ink(load_model(file), where=str(file))


def without_network(image: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.float32]:
    try:
        return as_coverage(binarize(image, px_per_mm=px_per_mm))
    except DigitizeError:
        return np.zeros(image.shape[:2], np.float32)


def seen_by(network: InkNetwork) -> Find:
    def find(image: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.float32]:
        return network.ink(image, px_per_mm=px_per_mm)

    return find


def page_seconds(network: InkNetwork) -> float:
    page = np.random.default_rng(0).integers(0, 256, (*PAGE_PX, 3), dtype=np.uint8)
    network.ink(page, px_per_mm=PAGE_DPI / 25.4)  # the first call takes longer
    start = time.process_time()
    network.ink(page, px_per_mm=PAGE_DPI / 25.4)
    return time.process_time() - start


if __name__ == "__main__":
    main()

"""Whether a lead is the same by ONNX Runtime as by torch, and what each costs.

    python benchmarks/runtimes.py --n 40

On freshly drawn leads, the package's network by both: the largest difference of the map of the
primary, of the signal, and of the signal where torch's own map is changed by 1e-7 of itself, which
shows how near to a tie the search for traces is. CPU seconds are of the map alone, of one thread.
"""

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import data_gen
from data_gen.errors import InputError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network, info_of
from ecg_overlap.network import load_model
from ecg_overlap.onnx_network import load_onnx

PRESETS = ("clean", "overlap", "scan")
TIE = 1e-7  # relative change of a map that nobody could call wrong


class Watched:
    """A network that keeps its maps and its time, and may change a map a little."""

    def __init__(self, network: Network, *, noise: float = 0) -> None:
        self.network, self.info = network, info_of(network)
        self.maps: list[NDArray[np.float32]] = []
        self.cpu_s, self.noise = 0.0, noise
        self.rng = np.random.default_rng(0)

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """The network's map."""
        begun = time.process_time()
        found = self.network(image, px_per_mm=px_per_mm, row_px=row_px)
        self.cpu_s += time.process_time() - begun
        self.maps.append(found)
        if not self.noise:
            return found
        return np.asarray(found * (1 + self.rng.normal(0, self.noise, found.shape)), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=4, help="leads of each preset")
    parser.add_argument("--seed", type=int, default=40_001)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    makers: dict[str, Callable[[], Watched]] = {
        "torch": lambda: Watched(load_model()),
        "onnx": lambda: Watched(load_onnx()),
        "noise": lambda: Watched(load_model(), noise=TIE),
    }
    networks = {name: make() for name, make in makers.items()}
    for preset in PRESETS:
        maps, onnx_mv, noise_mv, refused = 0.0, [], [], 0
        for i in range(arguments.n):
            image = data_gen.make_sample(i, seed=arguments.seed, config=preset).image
            try:
                lead = {name: digitize_lead(image, network=n) for name, n in networks.items()}
            except InputError:
                refused += 1
                continue
            ours = [networks[name].maps for name in ("torch", "onnx")]
            maps = max(maps, *(float(np.abs(a - b).max()) for a, b in zip(*ours, strict=True)))
            of_torch = lead["torch"].signal_mv
            onnx_mv.append(largest_difference(lead["onnx"].signal_mv, of_torch))
            noise_mv.append(largest_difference(lead["noise"].signal_mv, of_torch))
            for each in networks.values():
                each.maps.clear()
        print(
            f"{preset}: {len(onnx_mv)} leads ({refused} refused), maps differ by {maps:.1e}; "
            f"beyond 1 µV: {said(onnx_mv)} by ONNX Runtime, {said(noise_mv)} by noise of {TIE:.0e}"
        )
    for name in ("torch", "onnx"):
        print(f"{name}: {networks[name].cpu_s:.1f} CPU-s for all maps")


def largest_difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """In mV; infinite where one signal is longer."""
    if len(one) != len(other):
        return np.inf
    return float(np.abs(np.nan_to_num(one) - np.nan_to_num(other)).max())


def said(differences: list[float]) -> str:
    """How many leads differ, and the largest difference."""
    beyond = [d for d in differences if d > 1e-3]
    return f"{len(beyond)} (at most {max(differences, default=0):.4f} mV)"


if __name__ == "__main__":
    main()

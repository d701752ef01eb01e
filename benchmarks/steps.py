"""What a step of the decoder gives: leads read without and with it, one by one.

    python benchmarks/steps.py --step identity --records ../shared/data/ptbxl --sets overlap --n 60
    python benchmarks/steps.py --step agreed --sets paper scan --n 100 60 --seed 9921 --list

Steps: `identity` asks the signals who is who, `agreed` draws odd beats as most others are.

Sets and scores are those of `validation.py`, the means of SNR of values clipped to 0–60 dB; the
interval is the paired bootstrap's of the difference.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray
from validation import POOR_R, SETS, generator_of, network_for, scored

from ecg_overlap.digitize import decoders
from ecg_overlap.digitize.identity import settle
from ecg_overlap.digitize.network import Network

# Of a step: where it is called, its name there, and what stands in its place without it.
WITHOUT: dict[str, tuple[ModuleType, str, Callable[..., list[Any]]]] = {
    "identity": (settle, "_changes", lambda seen: []),
    "agreed": (decoders, "agreed", lambda traces, paths: list(paths)),
}
NOTICEABLE_DB = 0.3
DRAWS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", choices=list(WITHOUT), required=True)
    parser.add_argument("--records", type=Path, help="PTB-XL's folder; else simulated records")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["overlap", "contact"])
    parser.add_argument("--n", type=int, nargs="+", default=[60], help="of each set, or of all")
    parser.add_argument("--seed", type=int, help="in place of each set's own")
    parser.add_argument("--method", default="surest")
    parser.add_argument("--list", action="store_true", help="each lead that changes")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    network = network_for(arguments.method, None)
    counts = arguments.n * len(arguments.sets) if len(arguments.n) == 1 else arguments.n
    print("set        n  ρ            MSE mV²          SNR median  mean         (95 %)       ρ<.9")
    for name, n in zip(arguments.sets, counts, strict=True):
        seed = SETS[name][2] if arguments.seed is None else arguments.seed
        found = both_ways(name, n, seed, arguments, network)
        table(name, found)
        if arguments.list:
            for i in np.flatnonzero(np.abs(np.diff(found[:, :, 0])[:, 0]) > NOTICEABLE_DB):
                print(f"    lead {i}: {found[i, 0, 0]:.1f} → {found[i, 1, 0]:.1f} dB")


def both_ways(
    name: str, n: int, seed: int, arguments: argparse.Namespace, network: Network | None
) -> NDArray[np.float64]:
    """SNR, ρ, MSE and seconds of each lead, without and with: (n, 2, 4)."""
    generator = generator_of(name, arguments.records)
    where, step, without = WITHOUT[arguments.step]
    found = np.empty((n, 2, 4))
    for i in range(n):
        sample = generator.sample(i, seed=seed, split="val")
        for k, used in enumerate((without, getattr(where, step))):
            with mock.patch.object(where, step, used):
                start = time.process_time()
                score = scored(sample, arguments.method, network)
                seconds = time.process_time() - start
            found[i, k] = score.snr_db, score.pearson_r, score.mse_mv2, seconds
    return found


def table(name: str, found: NDArray[np.float64]) -> None:
    """One line: without → with."""
    snr, r, mse, seconds = (found[:, :, k] for k in range(4))
    clipped = snr.clip(0, 60)
    gain = np.diff(clipped)[:, 0]
    drawn = np.random.default_rng(0).integers(0, len(gain), (DRAWS, len(gain)))
    low, high = np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975])

    def both(values: NDArray[np.float64], digits: int) -> str:
        return " → ".join(f"{value:.{digits}f}" for value in values)

    print(
        f"{name:8} {len(gain):3}  {both(r.mean(axis=0), 4)}  {both(mse.mean(axis=0), 5)}  "
        f"{both(np.median(snr, axis=0), 1)}  {both(clipped.mean(axis=0), 2)} "
        f"({low:+.2f} to {high:+.2f})  {both(100 * (r < POOR_R).mean(axis=0), 1)} %  "
        f"better {(gain > NOTICEABLE_DB).sum()}, worse {(gain < -NOTICEABLE_DB).sum()}; "
        f"{both(seconds.mean(axis=0), 2)} s",
        flush=True,
    )


if __name__ == "__main__":
    main()

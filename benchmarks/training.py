"""Speed of training: the network alone, the loader alone, and the real loop of both.

    python benchmarks/training.py --json outputs/benchmarks/training.json [OVERRIDE …]

The network alone: forward, loss, backward, clipping and optimizer on batches that were drawn
before. The loader alone: the same data module, nothing trained. The loop: the real Trainer with
its callbacks, averaging included, from the first batch's start to the last one's end. Overrides
are train.py's: `data.num_workers=8 trainer=gpu`. The three take turns, and each gives its best
round, as other work on the machine can only slow one down.

Where network and loader share the cores (num_workers=0) the loop can at best reach
1 / (1/model + 1/loader); with workers of its own, the slower of the two: `bound_samples_per_s`.
On a machine that others use, `--clock cpu` counts the seconds that this process was given
(with OMP_NUM_THREADS=1, as the seconds of all its threads are added up).
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback

from ecg_overlap.evaluation.run import device_name
from ecg_overlap.training import build, fit, make_trainer

CONF = Path(__file__).parents[1] / "conf"


def configuration(overrides: list[str], folder: str, batches: int) -> DictConfig:
    # No validation: how often one validates is a choice, and it is timed by its own figures.
    quiet = ["callbacks.signal_validation=null", "callbacks.pictures=null"]
    quiet += ["callbacks.progress=null", "trainer.enable_progress_bar=false"]
    quiet += ["callbacks.checkpoint=null", "+trainer.limit_val_batches=0", "trainer.max_epochs=1"]
    quiet += [f"+trainer.limit_train_batches={batches}", f"run_dir={folder}"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [*quiet, *overrides])


class Stopwatch(Callback):
    """From the start of batch `first` to the end of training."""

    def __init__(self, first: int, clock: str) -> None:
        self.first, self.clock, self.began, self.seconds = first, clock, 0.0, 0.0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == self.first - 1:
            self.began = read(self.clock)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.seconds = read(self.clock) - self.began


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def read(clock: str) -> float:
    """Seconds, when all that was asked of the device is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return CLOCKS[clock]()


class Rounds:
    """The three measurements, each in samples per second."""

    def __init__(self, overrides: list[str], batches: int, warm_up: int, clock: str) -> None:
        self.overrides, self.batches, self.warm_up = overrides, batches, warm_up
        self.clock = clock
        with tempfile.TemporaryDirectory() as folder:
            cfg = configuration(overrides, folder, batches + warm_up)
            _, self.data, self.task = build(cfg)
            self.trainer = make_trainer(cfg)
        self.size = cfg.data.batch_size
        # The very batches that the loop will be given first.
        self.fixed = list(islice(self.data.train_dataloader(), batches + warm_up))
        device = self.trainer.strategy.root_device
        self.task.to(device).train()
        self.optimizer = self.task.make_optimizer(self.task.model.parameters())
        self.fixed = [{k: v.to(device) for k, v in batch.items()} for batch in self.fixed]

    def model(self) -> float:
        precision, clip = self.trainer.precision_plugin, self.trainer.gradient_clip_val
        began = 0.0
        for i, batch in enumerate(self.fixed):
            if i == self.warm_up:
                began = read(self.clock)
            self.optimizer.zero_grad()
            with precision.forward_context():
                loss = self.task.loss(self.task(batch["image"]), batch)
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(self.task.model.parameters(), clip)
            self.optimizer.step()
        return self.size * self.batches / (read(self.clock) - began)

    def loader(self) -> float:
        batches: Iterator[Any] = iter(self.data.train_dataloader())
        for _ in islice(batches, self.warm_up):
            pass
        began = read(self.clock)
        for _ in islice(batches, self.batches):
            pass
        return self.size * self.batches / (read(self.clock) - began)

    def loop(self) -> float:
        stopwatch = Stopwatch(self.warm_up, self.clock)
        with tempfile.TemporaryDirectory() as folder:
            cfg = configuration(self.overrides, folder, self.batches + self.warm_up)
            _, data, task = build(cfg)
            trainer = make_trainer(cfg)
            trainer.callbacks.insert(0, stopwatch)
            fit(trainer, task, data, None)
        return self.size * self.batches / stopwatch.seconds


def peak_memory_gib() -> float:
    """Of the device where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(
    overrides: list[str], *, batches: int, warm_up: int, rounds: int, clock: str
) -> dict[str, Any]:
    bench = Rounds(overrides, batches, warm_up, clock)
    found: dict[str, list[float]] = {"model": [], "loader": [], "loop": []}
    for _ in range(rounds):
        for name, values in found.items():
            values.append(getattr(bench, name)())
    best = {name: max(values) for name, values in found.items()}
    shared = bench.data.num_workers == 0
    bound = (
        1 / (1 / best["model"] + 1 / best["loader"])
        if shared
        else min(best["model"], best["loader"])
    )
    return {
        **{f"{name}_samples_per_s": round(value, 3) for name, value in best.items()},
        "bound_samples_per_s": round(bound, 3),
        "loop_of_bound": round(best["loop"] / bound, 3),
        "peak_memory_gib": round(peak_memory_gib(), 3),
        "device": device_name(bench.trainer.strategy.root_device),
        "precision": str(bench.trainer.precision),
        "clock": clock,
        "batch_size": bench.size,
        "num_workers": bench.data.num_workers,
        "rounds": {name: [round(v, 3) for v in values] for name, values in found.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--batches", type=int, default=8, help="in each measurement")
    parser.add_argument("--warm-up", type=int, default=2, help="batches before it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments, overrides = parser.parse_known_args()
    figures = measure(
        overrides,
        batches=arguments.batches,
        warm_up=arguments.warm_up,
        rounds=arguments.rounds,
        clock=arguments.clock,
    )
    for name, value in figures.items():
        print(f"{name:22} {value}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Callbacks that play the operator and the witness: kill at a step, keep, write down."""

import os
import signal
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Checkpoint


class KillAt(Callback):
    """Sends this process a signal while a given optimizer step, or a batch of it, is under way.

    `at_batch` counts batches from 0, accumulated ones included.
    """

    def __init__(self, at_batch: int, number: int = signal.SIGTERM) -> None:
        self.at_batch, self.number, self.batch = at_batch, number, -1

    def on_before_backward(self, trainer: pl.Trainer, *args: Any) -> None:
        self.batch += 1
        if self.batch == self.at_batch:
            os.kill(os.getpid(), self.number)


class KeepAt(Checkpoint):
    """Keeps a checkpoint of a given step."""

    def __init__(self, step: int, path: str) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)


class WriteDownIndices(Callback):
    """Appends the indices of each batch that this rank trains on to `rank<n>.txt`."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        with (self.folder / f"rank{trainer.global_rank}.txt").open("a") as file:
            file.write(" ".join(map(str, batch["index"].tolist())) + "\n")

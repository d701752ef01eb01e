"""Stops training at a loss that is NaN or infinite, and keeps the batch that gave it."""

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from data_gen.errors import InputError
from data_gen.whole_file import whole_file
from ecg_overlap.data import Example, StreamDataModule


class FiniteLoss(Callback):
    """Stops before a loss that is NaN or infinite reaches the weights; `last.ckpt` stays sound.

    Args:
        dirpath: Folder for the offending batch.
    """

    def __init__(self, dirpath: str) -> None:
        self.dirpath = Path(dirpath)
        self._batch: Example = {}

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Example, batch_idx: int
    ) -> None:
        self._batch = batch

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """Check the loss.

        Raises:
            InputError: It is NaN or infinite; names the file that holds the batch.
        """
        if math.isfinite(value := float(loss.detach())):
            return
        file = self._write(trainer, value)
        raise InputError(
            f"training step {trainer.global_step}",
            f"the loss is {value}",
            f"its batch, indices and seed are in {file}; "
            "lower optimizer.lr, or give trainer.precision=32-true",
        )

    def _write(self, trainer: pl.Trainer, loss: float) -> Path:
        """The batch for `torch.load`; `train_set[index]` with the same seed draws it again."""
        facts: dict[str, Any] = {
            "batch": {name: tensor.cpu() for name, tensor in self._batch.items()},
            "loss": loss,
            "step": trainer.global_step,
            "rank": trainer.global_rank,
        }
        data = trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, StreamDataModule):
            facts["seed"] = data.train_set.seed
        name = f"bad_batch_step{trainer.global_step:06d}_rank{trainer.global_rank}.pt"
        with whole_file(self.dirpath / name) as part:
            torch.save(facts, part)
        return self.dirpath / name

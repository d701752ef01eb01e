"""`last.ckpt`: a checkpoint to resume from exactly, whatever ended the process."""

import signal
import time
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from data_gen.whole_file import whole_file

# SIGUSR1 is what Slurm sends ahead of a time limit (`sbatch --signal=USR1@120`).
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class TrainingInterrupt(Exception):
    """Training stopped on a signal, after its state was saved."""

    def __init__(self, signal_number: int, saved: Path) -> None:
        super().__init__(signal_number, saved)
        self.signal_number, self.saved = signal_number, saved


class LastCheckpoint(Checkpoint):
    """Keeps `last.ckpt`: after every validation, every few minutes, at the end, and on a signal.

    It is written only where an optimizer step has ended, as gradients that are still being
    accumulated are in no checkpoint; so a resumed run equals an uninterrupted one. A first
    SIGINT, SIGTERM or SIGUSR1 lets the step in hand finish; a second ends the process at once.
    Derived from `Checkpoint`, so that Lightning runs it after the averaging of weights and
    after the best checkpoint, whose states it saves.

    Args:
        dirpath: Folder of the checkpoints.
        every_n_minutes: Longest time between two saves: what a SIGKILL or a power cut can cost.
        every_n_steps: The same in optimizer steps; None: only the time counts.
    """

    def __init__(self, dirpath: str, every_n_minutes: float, every_n_steps: int | None) -> None:
        self.path = Path(dirpath) / "last.ckpt"
        self.every_n_minutes, self.every_n_steps = every_n_minutes, every_n_steps
        self.received = 0
        self._saved_at_s, self._step, self._saved_step = 0.0, 0, -1

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._saved_at_s = time.monotonic()
        # Not earlier: Lightning sets a handler of its own after `on_fit_start`, which would end
        # training within an accumulated step. It also restores what was there before.
        for number in SIGNALS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, signal.SIG_DFL)

    def on_train_batch_start(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        if trainer.global_step > self._step:
            due = self.every_n_steps is not None and trainer.global_step % self.every_n_steps == 0
            late = time.monotonic() - self._saved_at_s > 60 * self.every_n_minutes
            self._save(trainer, due or late)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.sanity_checking:
            self._save(trainer, True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # `max_steps` may end a run within an epoch, where no validation is.
        self._save(trainer, trainer.global_step > self._saved_step)

    def _save(self, trainer: pl.Trainer, due: bool) -> None:
        received, due = agreed(trainer, self.received, due)
        if not (received or due):
            return
        # Lightning alone would copy the file to its place where /tmp is another disk. All ranks
        # must call `save_checkpoint`, but only the first one writes.
        with whole_file(self.path) if trainer.is_global_zero else nullcontext(self.path) as part:
            trainer.save_checkpoint(part)
        self._saved_at_s, self._saved_step = time.monotonic(), trainer.global_step
        if received:
            raise TrainingInterrupt(received, self.path)


def agreed(trainer: pl.Trainer, received: int, due: bool) -> tuple[int, bool]:
    """The signal that any rank received, or 0, and whether any rank is due to save.

    All ranks must save in the same step, but signals and timers reach them at different steps.
    """
    if trainer.world_size == 1:
        return received, due
    flags = torch.tensor([received, int(due)], device=trainer.strategy.root_device)
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    number, any_due = flags.tolist()
    return int(number), bool(any_due)

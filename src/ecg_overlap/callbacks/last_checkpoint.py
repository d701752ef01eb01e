"""`last.ckpt`: always there to resume from, exactly, whatever ends the process."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

# SIGUSR1 is what Slurm sends ahead of a time limit (`sbatch --signal=USR1@120`).
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class TrainingInterrupt(Exception):
    """Training stopped on a signal, after its state was saved."""

    def __init__(self, signal_number: int, saved: Path) -> None:
        super().__init__(signal_number, saved)
        self.signal_number, self.saved = signal_number, saved


class LastCheckpoint(Checkpoint):
    """Keeps `last.ckpt`: after every validation, every few minutes, and on a signal.

    It is written only where an optimizer step has ended, as gradients that are still being
    accumulated are in no checkpoint; so a resumed run equals an uninterrupted one. A first
    SIGINT, SIGTERM or SIGUSR1 lets the step in hand finish; a second ends the process at once.
    Derived from `Checkpoint`, so that Lightning runs it after the averaging of weights and
    after the best checkpoint, whose states it saves.

    Args:
        dirpath: Folder of the checkpoints.
        every_n_minutes: How much work a SIGKILL or a power cut may cost at most.
        every_n_steps: The same in optimizer steps; None for none.
    """

    def __init__(self, dirpath: str, every_n_minutes: float, every_n_steps: int | None) -> None:
        self.path = Path(dirpath) / "last.ckpt"
        self.every_n_minutes, self.every_n_steps = every_n_minutes, every_n_steps
        self.received = 0
        self._saved_at_s, self._step = 0.0, 0

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

    def _save(self, trainer: pl.Trainer, due: bool) -> None:
        received, due = agreed(trainer, self.received, due)
        if not (received or due):
            return
        # Renamed when whole: Lightning's own way copies where /tmp is another disk.
        part = self.path.with_name(self.path.name + ".part")
        trainer.save_checkpoint(part)
        if trainer.is_global_zero:
            part.replace(self.path)
        self._saved_at_s = time.monotonic()
        if received:
            raise TrainingInterrupt(received, self.path)


def agreed(trainer: pl.Trainer, received: int, due: bool) -> tuple[int, bool]:
    """What any rank has received, and whether any rank's clock says it is time.

    Saving takes all ranks, and neither signals nor clocks reach them in the same step.
    """
    if trainer.world_size == 1:
        return received, due
    flags = torch.tensor([received, int(due)], device=trainer.strategy.root_device)
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    number, any_due = flags.tolist()
    return int(number), bool(any_due)

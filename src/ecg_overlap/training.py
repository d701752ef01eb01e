"""`train.py`: signals → samples → model → test, as the configuration says."""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import WandbLogger

from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from ecg_overlap.callbacks import TrainingInterrupt
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.run import (
    command_line,
    device_name,
    generated_sets,
    newest_checkpoint,
)
from ecg_overlap.evaluation.wording import results_table
from ecg_overlap.network import load_model
from ecg_overlap.task import SegmentationTask


def train(cfg: DictConfig, *, callbacks: Sequence[pl.Callback] = ()) -> dict[str, float]:
    """Train, then test the best checkpoint.

    Args:
        cfg: `conf/train.yaml`, composed.
        callbacks: Further ones, which no configuration can name.

    Returns:
        The last validation's scores by name.

    Raises:
        InputError: The configuration or its data cannot be used.
    """
    run_dir = writable(Path(cfg.run_dir))
    resume_from = checkpoint_path(cfg.ckpt)
    torch.manual_seed(cfg.seed)
    generator = LeadGenerator(
        **{group: make(cfg[group]) for group in ("signals", "page", "overlap", "crop")}
    )
    model = make(cfg.model)
    augmentation, loss = make(cfg.aug), make(cfg.loss)
    # Partial first: Hydra would turn dataclasses among its own arguments into dictionaries.
    data = make(cfg.data, _partial_=True)(
        source=generator,
        spec=model.input_spec,
        augmentation=augmentation,
        seed=cfg.seed,
    )
    task = SegmentationTask(
        model, loss, make(cfg.optimizer), max_lr=cfg.optimizer.lr, seed=cfg.seed
    )
    trainer = make_trainer(cfg, callbacks)
    OmegaConf.save(cfg, run_dir / "config.yaml", resolve=False)
    try:
        fit(trainer, task, data, resume_from)
    finally:
        close(trainer)
    scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
    if cfg.test is not None and trainer.is_global_zero:
        test(cfg, trainer, generator, run_dir)
    return scores


def close(trainer: pl.Trainer) -> None:
    """End what the loggers hold open: under `-m`, the next job would log into this one's run."""
    if any(isinstance(logger, WandbLogger) for logger in trainer.loggers):
        import wandb

        wandb.finish()


def make(node: DictConfig, **more: Any) -> Any:
    """Instantiate a `_target_` with plain Python values in place of OmegaConf's containers."""
    try:
        return hydra.utils.instantiate(node, _convert_="all", **more)
    except hydra.errors.InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise


def make_trainer(cfg: DictConfig, callbacks: Sequence[pl.Callback] = ()) -> pl.Trainer:
    """The trainer with its callbacks and loggers."""
    precision = cfg.trainer.precision
    if precision == "auto":
        precision = "bf16-mixed" if has_bfloat16(cfg.trainer.accelerator) else "32-true"
    try:
        trainer: pl.Trainer = make(
            cfg.trainer,
            precision=precision,
            callbacks=[
                *(make(node) for node in cfg.callbacks.values() if node is not None),
                *callbacks,
            ],
            logger=[make(node) for node in cfg.logger.values()],
        )
    except hydra.errors.InstantiationException as error:
        # Lightning's own words for a device that is not there, in one line.
        words = " ".join(str(error.__cause__).split())
        raise InputError("trainer", words, "choose trainer=cpu or other devices") from error
    return trainer


def has_bfloat16(accelerator: str) -> bool:
    """Whether the device multiplies in bfloat16 by hardware; elsewhere it is emulated, slowly."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpu: Any = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def fit(
    trainer: pl.Trainer, task: SegmentationTask, data: pl.LightningDataModule, ckpt: Path | None
) -> None:
    """Fit; a signal ends the process after the state was saved, with the usual exit status."""
    with warnings.catch_warnings():
        # Both are choices explained in conf/data/drawn.yaml.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*smaller than the logging interval.*")
        # Ours is: its sampler goes on from the step count (data.LeadDataModule.samples_seen).
        warnings.filterwarnings("ignore", ".*your dataloader is not resumable.*")
        try:
            trainer.fit(task, data, ckpt_path=ckpt, weights_only=True)
        except TrainingInterrupt as stop:
            print(f"stopped at step {trainer.global_step}; resume with ckpt={stop.saved}")
            sys.exit(128 + stop.signal_number)


def test(cfg: DictConfig, trainer: pl.Trainer, generator: LeadGenerator, run_dir: Path) -> None:
    """Digitize held-back leads with the best checkpoint and the baselines; print the table."""
    checkpoint: Any = trainer.checkpoint_callback
    network = load_model(checkpoint.best_model_path, device=str(trainer.strategy.root_device))
    names = [network.method if name == "default" else name for name in cfg.test.methods]
    results = evaluate(
        [build_method(name, {network.name: network}) for name in names],
        generated_sets(cfg.test.sets, signals=generator.signals, n=cfg.test.n, seed=cfg.test.seed),
        out=run_dir,
        jobs=cfg.test.jobs,
        seed=cfg.test.seed,
        command=command_line(),
        device=device_name(network.device),
    )
    print(results_table(results))


def checkpoint_path(ckpt: str | None) -> Path | None:
    """The checkpoint that `ckpt=` names.

    Raises:
        InputError: It is not there, or `last` was asked for and no run has left one.
    """
    if ckpt is None:
        return None
    if ckpt == "last":
        last = newest_checkpoint(name="last.ckpt")
        if last is None:
            raise InputError("ckpt=last", "no run under outputs/train left one", "give its path")
        return last
    if not Path(ckpt).is_file():
        raise InputError(f"ckpt={ckpt}", "no such file", "give the path of a .ckpt, or `last`")
    return Path(ckpt)


def writable(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: Nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "choose another folder"
        ) from error
    return folder

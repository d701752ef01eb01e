"""`train.py`: signals → samples → model → test, as the configuration says."""

import logging
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger
from torch import nn

from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from data_gen.presets import GROUPS, make
from ecg_overlap.callbacks import LastCheckpoint, TrainingInterrupt
from ecg_overlap.contract import Model, as_model, stored_spec
from ecg_overlap.data import LeadDataModule
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.provenance import git, versions
from ecg_overlap.evaluation.run import (
    command_line,
    device_name,
    generated_sets,
    newest_checkpoint,
)
from ecg_overlap.evaluation.wording import results_table
from ecg_overlap.network import load_model
from ecg_overlap.task import SegmentationTask, other_model

RESUMED = {"state_dict", "optimizer_states", "loops", "global_step"}  # what a run goes on from


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
    if not isinstance(cfg.test, DictConfig | None):
        raise InputError(f"test={cfg.test}", "is no test's settings", "give test=null for none")
    run_dir = writable(Path(cfg.run_dir))
    resume_from = checkpoint_path(cfg.ckpt, run_dir)
    generator, data, task = build(cfg)
    with quiet():
        trainer = make_trainer(cfg, callbacks)
    if trainer.is_global_zero:
        OmegaConf.save(cfg, run_dir / "config.yaml", resolve=False)
        keep_log(run_dir / "logs" / "metrics.csv")
        log_settings(trainer, cfg, task)
    try:
        with quiet():
            fit(trainer, task, data, resume_from)
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(cfg) from error
        raise
    finally:
        close(trainer)
    scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
    if cfg.test is not None and trainer.is_global_zero:
        test(cfg, trainer, task.model, generator, run_dir)
    if trainer.is_global_zero:
        print(what_next(trainer, run_dir))
    return scores


def what_next(trainer: pl.Trainer, run_dir: Path) -> str:
    """Where everything is, and the commands that use it."""
    try:
        best = shlex.quote(best_checkpoint(trainer))
    except InputError:  # no callback keeps one
        return f"run: {run_dir}"
    return (
        f"run: {run_dir}\ncheckpoint: {best}\n"
        f"next: ecg-overlap eval ckpt={best}\n"
        f"      ecg-overlap digitize lead.png --out out --checkpoint {best}"
    )


def build(cfg: DictConfig) -> tuple[LeadGenerator, LeadDataModule, SegmentationTask]:
    """What draws samples, what makes batches of them, and what is trained on these.

    Raises:
        InputError: The configuration or its data cannot be used.
    """
    torch.manual_seed(cfg.seed)
    generator = LeadGenerator(**{group: make(cfg[group]) for group in GROUPS})
    model = as_model(make(cfg.model), where="model")
    if cfg.weights is not None:
        start_from(cfg.weights, model)
    augmentation, loss = make(cfg.aug), make(cfg.loss)
    # Partial first: Hydra would turn dataclasses among its own arguments into dictionaries.
    data = make(cfg.data, _partial_=True)(
        source=generator,
        spec=model.input_spec,
        augmentation=augmentation,
        seed=cfg.seed,
    )
    if cfg.compile:
        cast(nn.Module, model).compile()  # in place: a checkpoint's names stay as they are
    task = SegmentationTask(
        model, loss, make(cfg.optimizer), scheduler=make(cfg.scheduler), seed=cfg.seed
    )
    return generator, data, task


def start_from(weights: str, model: Model) -> None:
    """Fill a model with trained weights; unlike resuming, the schedule starts anew.

    Raises:
        InputError: No such file, or weights of another model.
    """
    path = None if weights == "package" else weights
    trained = load_model(path, network=type(model)).model
    found, wanted = stored_spec(trained), stored_spec(model)
    if found != wanted:
        raise other_model(f"weights={weights}", found, wanted)
    model.load_state_dict(trained.state_dict())


def keep_log(log: Path) -> None:
    """Rename the log of a run that is resumed in its own folder: Lightning would delete it."""
    if log.is_file():
        before = len(list(log.parent.glob(f"{log.stem}_*{log.suffix}")))
        log.replace(log.with_name(f"{log.stem}_{before}{log.suffix}"))


def log_settings(trainer: pl.Trainer, cfg: DictConfig, task: SegmentationTask) -> None:
    """Hand the whole configuration, code, versions and number of parameters to every logger.

    Not by `save_hyperparameters`, which would put them into the checkpoints: a run is resumed
    with `weights_only`, and that reads plain values alone.
    """
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    params = sum(parameter.numel() for parameter in task.model.parameters())
    for logger in trainer.loggers:
        logger.log_hyperparams(settings | {"git": git(), "versions": versions(), "params": params})


def close(trainer: pl.Trainer) -> None:
    """End what the loggers hold open: under `-m`, the next job would log into this one's run."""
    if any(isinstance(logger, WandbLogger) for logger in trainer.loggers):
        import wandb

        wandb.finish()


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
    except InstantiationException as error:
        # Lightning's own words, in one line: of a device that is not there, or a value it refuses.
        words = " ".join(str(error.__cause__).split())
        remedy = "change the trainer's dial; without that device, choose trainer=cpu"
        raise InputError("trainer", words, remedy) from error
    except OmegaConfBaseException as error:
        words = str(error).splitlines()[0]
        raise InputError("trainer", words, "trainer=slurm wants a job that srun started") from error
    return trainer


@contextmanager
def quiet() -> Iterator[None]:
    """Without what the libraries say of themselves, and nobody who trains can do anything about."""
    log = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    log.addFilter(_no_advertisement)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
            warnings.filterwarnings("ignore", ".*weights_only.* was not set.*")
            yield
    finally:
        log.removeFilter(_no_advertisement)


def _no_advertisement(record: logging.LogRecord) -> bool:
    return "Tip:" not in record.getMessage()


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
        # It is: its sampler goes on from the step count (data.LeadDataModule.samples_seen).
        warnings.filterwarnings("ignore", ".*your dataloader is not resumable.*")
        try:
            trainer.fit(task, data, ckpt_path=ckpt, weights_only=True)
        except TrainingInterrupt as stop:
            if trainer.is_global_zero:
                print(f"stopped at step {trainer.global_step}; resume with ckpt={stop.saved}")
            sys.exit(128 + stop.signal_number)


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: the device's, this process's, or a loader worker's."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # What the allocator of the CPU, and a loader whose worker the kernel has killed, say.
    signs = ("can't allocate memory", "out of memory", "killed by signal: Killed")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


def out_of_memory(cfg: DictConfig) -> InputError:
    """Which settings to turn, with their values of this run."""
    data = cfg.data
    return InputError(
        "training",
        "out of memory",
        f"halve data.batch_size (now {data.batch_size}) and double "
        f"trainer.accumulate_grad_batches (now {cfg.trainer.accumulate_grad_batches}), lower "
        f"data.window_px (now {data.window_px}) or data.max_height_px (now {data.max_height_px}), "
        f"give trainer.precision=bf16-mixed (now {cfg.trainer.precision}), or fewer "
        f"data.num_workers (now {data.num_workers})",
    )


def best_checkpoint(trainer: pl.Trainer) -> str:
    """The best by the monitored score; the last where nothing is monitored."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
            return callback.best_model_path
    lasts = [str(c.path) for c in trainer.checkpoint_callbacks if isinstance(c, LastCheckpoint)]
    if not lasts:
        raise InputError("test", "no callback keeps checkpoints", "give test=null")
    return lasts[0]


def test(
    cfg: DictConfig, trainer: pl.Trainer, model: Model, generator: LeadGenerator, run_dir: Path
) -> None:
    """Digitize held-back leads with the best checkpoint and the baselines; print the table."""
    device = str(trainer.strategy.root_device)
    network = load_model(best_checkpoint(trainer), device=device, network=type(model))
    names = [network.info.method if name == "default" else name for name in cfg.test.methods]
    results = evaluate(
        [build_method(name, {network.info.name: network}) for name in names],
        generated_sets(cfg.test.sets, signals=generator.signals, n=cfg.test.n, seed=cfg.test.seed),
        out=run_dir,
        jobs=cfg.test.jobs,
        seed=cfg.test.seed,
        command=command_line(),
        device=device_name(network.device),
    )
    print(results_table(results))


def checkpoint_path(ckpt: str | None, run_dir: Path) -> Path | None:
    """The checkpoint that `ckpt=` names.

    Raises:
        InputError: It is not there, or `last` was asked for and no run has left one.
    """
    if ckpt is None:
        return None
    if ckpt == "auto":
        own = run_dir / "checkpoints" / "last.ckpt"
        return own if own.is_file() else None
    if ckpt == "last":
        last = newest_checkpoint(name="last.ckpt")
        if last is None:
            raise InputError("ckpt=last", "no run under outputs/train left one", "give its path")
        return last
    if not Path(ckpt).is_file():
        raise InputError(
            f"ckpt={ckpt}", "no such file", "give the path of a .ckpt, or `last`, or `auto`"
        )
    return resumable(Path(ckpt))


def resumable(ckpt: Path) -> Path:
    """The checkpoint, if a run can go on from it; no code of the file is run to know.

    Raises:
        InputError: It is no checkpoint of a run, or one without the state of its optimizer.
    """
    try:
        stored = torch.load(ckpt, map_location="cpu", weights_only=True)
        lacks = RESUMED.difference(stored)
    except Exception as error:  # torch.load raises a dozen types on a foreign file
        raise InputError(
            f"ckpt={ckpt}",
            f"not a checkpoint of train.py ({type(error).__name__})",
            "give the path of a .ckpt, or `last`, or `auto`",
        ) from error
    if lacks:
        raise InputError(
            f"ckpt={ckpt}",
            f"a run cannot go on from it: it has no {', '.join(sorted(lacks))}",
            "to start from its weights alone give weights=",
        )
    return ckpt


def writable(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: Nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another rank may have been here
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "choose another folder"
        ) from error
    return folder

"""A trial: `train.py` with the trial's own overrides, which the pruner may end early."""

import difflib
import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from hydra import compose
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from optuna.exceptions import TrialPruned
from optuna.trial import Trial
from pytorch_lightning.callbacks import Callback

from data_gen.errors import InputError
from ecg_overlap.evaluation.results import write_text
from ecg_overlap.sweep.space import Space, corners, suggest
from ecg_overlap.sweep.study import SweepError
from ecg_overlap.training import train

FOLDER, OVERRIDES = "folder", "overrides"
# What draws the validation set: scores of trials that differ in it do not compare.
DRAWS_VALIDATION = ("signals", "page", "overlap", "crop", "data.n_val", "data.val_seed")


class ReportToStudy(Callback):
    """Reports each validation's score to the study, and ends the trial if the pruner says so.

    Optuna's own callback would need another package, optuna-integration.

    Args:
        trial: The trial that is running.
        metric: Name of the score, as the training logs it.
    """

    def __init__(self, trial: Trial, metric: str) -> None:
        self.trial, self.metric = trial, metric

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
        # Reported by epoch: an epoch has equally many samples in all trials, a step has not.
        epoch = trainer.current_epoch
        if (
            epoch
            not in self.trial.study.get_trials(deepcopy=False)[
                self.trial.number
            ].intermediate_values
        ):
            self.trial.report(finite_score(scores, self.metric), epoch)
        if self.trial.should_prune():
            raise TrialPruned


def finite_score(scores: Mapping[str, float], metric: str) -> float:
    """The score of this name.

    Raises:
        SweepError: The training logs no such score.
        InputError: It, or the loss, is not finite.
    """
    if metric not in scores:
        known = ", ".join(sorted(name for name in scores if name.startswith("val/")))
        raise SweepError(f"optimized_metric={metric}", "no such score", f"choose one of {known}")
    for name in ("train/loss", metric):
        if not math.isfinite(scores.get(name, 0.0)):
            raise InputError(name, f"is {scores[name]}", "lower optimizer.lr")
    return scores[metric]


class TrainTrial:
    """The objective: trains in the trial's own folder and returns its score.

    Args:
        space: What is searched.
        overrides: For every trial, before its own.
        folder: Where the trials' folders are made.
        metric: Name of the score.
    """

    def __init__(self, space: Space, overrides: Sequence[str], folder: Path, metric: str) -> None:
        self.space, self.overrides, self.folder, self.metric = space, overrides, folder, metric

    def __call__(self, trial: Trial) -> float:
        overrides = [*self.overrides, *suggest(trial, self.space)]
        folder = self.folder / f"{trial.number:04d}"
        begun = self._begun(trial, overrides)
        trial.set_user_attr(FOLDER, str(folder))
        trial.set_user_attr(OVERRIDES, overrides)
        cfg = compose("train", overrides)
        cfg.run_dir = str(folder)
        if begun is not None:
            cfg.ckpt = str(begun)
        try:
            scores = train(cfg, callbacks=[ReportToStudy(trial, self.metric)])
        except (TrialPruned, InputError):
            raise
        except Exception:
            write_text(folder / "error.txt", traceback.format_exc())
            raise
        finally:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        if begun is not None and self.metric not in scores:
            # The earlier process died after its last validation, before it returned the score.
            reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
            scores[self.metric] = reported[max(reported)]
        write_text(folder / "scores.yaml", yaml.safe_dump(scores))
        return finite_score(scores, self.metric)

    def _begun(self, trial: Trial, overrides: list[str]) -> Path | None:
        """The last checkpoint of the earlier trial that this one repeats, if there is one."""
        earlier = trial.user_attrs.get(FOLDER)
        if earlier is None or trial.user_attrs.get(OVERRIDES) != overrides:
            return None
        last = Path(earlier) / "checkpoints" / "last.ckpt"
        return last if last.is_file() else None


def check_trials(space: Space, overrides: Sequence[str]) -> None:
    """Compose configurations as the trials will, with each choice and end of a range once.

    Raises:
        InputError: A key or option that `conf/train.yaml` does not have, one that would make
            trials incomparable, or a trial that wants several devices.
    """
    base = _composed(overrides, where="trial_overrides")
    for key in space:
        where = f"hparams_search.space: {key}"
        if any(f"{key}.".startswith(f"{node}.") for node in DRAWS_VALIDATION):
            what = "draws the validation set too, so that trials would not compare"
            raise InputError(where, what, "leave it out; compare such runs by eval.py")
        if "." in key and OmegaConf.select(base, key, default=key) == key:
            close = difflib.get_close_matches(key, _keys(OmegaConf.to_container(base)), n=3)
            listed = f"did you mean {', '.join(close)}?" if close else "see conf/train.yaml"
            raise InputError(where, "train.py has no such setting", listed)
    for corner in corners(space):
        cfg = _composed([*overrides, *corner], where="hparams_search.space")
        if (devices := cfg.trainer.get("devices")) != 1 or cfg.trainer.get("num_nodes", 1) != 1:
            what = "a trial takes one device of one machine"
            remedy = "start one sweep.py for each device instead: they share the study"
            raise InputError(f"trainer.devices={devices}", what, remedy)


def _composed(overrides: Sequence[str], *, where: str) -> DictConfig:
    try:
        return compose("train", list(overrides))
    except MissingConfigException as error:
        what, _, rest = str(error).partition("\n")
        options = rest.partition("Available options")[2].partition("Config search path")[0]
        choices = ", ".join(options.split("\n\t")[1:]).strip() or "the options in conf/"
        raise InputError(where, what.rstrip("."), f"choose one of {choices}") from error
    except HydraException as error:
        what = str(error).splitlines()[0].rstrip(".")
        raise InputError(where, what, "see conf/train.yaml") from error


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from _keys(value, f"{prefix}{key}.")

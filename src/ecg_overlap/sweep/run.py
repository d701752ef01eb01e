"""`sweep.py`: which study, over what, how many trials, as the configuration says."""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from data_gen.errors import InputError
from data_gen.presets import make
from ecg_overlap.evaluation.wording import number
from ecg_overlap.sweep.best import best_trial, rerun_command, write_best
from ecg_overlap.sweep.objective import TrainTrial, check_trials
from ecg_overlap.sweep.report import write_report
from ecg_overlap.sweep.space import Space, parse_space
from ecg_overlap.sweep.storage import open_storage, open_study
from ecg_overlap.sweep.study import Interrupted, conduct, counted, ending

# Settings of conf/sweep.yaml; every other override is passed on to train.py.
OWN = (
    *("hparams_search", "n_trials", "study_name", "storage"),
    *("heartbeat_s", "retries", "trial_overrides"),
)


def run_sweep(cfg: DictConfig) -> None:
    """Search until the study has its trials, and report on it.

    Args:
        cfg: `conf/sweep.yaml`, composed.

    Raises:
        InputError: The space, the storage or an override cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # `trial_line` says it shorter
    if cfg.n_trials < 1:
        raise InputError(f"n_trials={cfg.n_trials}", "is no number of trials", "give 1 or more")
    folder = Path(HydraConfig.get().runtime.output_dir)
    space = parse_space(OmegaConf.to_container(cfg.hparams_search.space))  # type: ignore[arg-type]
    given = train_overrides(HydraConfig.get().overrides.task)
    overrides = [*cfg.trial_overrides, *given]
    check_trials(space, overrides)
    study = the_study(cfg, space)
    objective = TrainTrial(space, overrides, folder / "trials", cfg.optimized_metric)

    def on_end(study: Study, trial: FrozenTrial) -> None:
        print(trial_line(study, trial, cfg.optimized_metric), flush=True)
        write_report(study, folder)

    try:
        conduct(
            study,
            objective,
            n_trials=cfg.n_trials,
            heartbeat_s=cfg.heartbeat_s,
            on_end=on_end,
        )
    except Interrupted as stop:
        print(f"{summary(study, folder)}\nstopped; the same command goes on")
        sys.exit(stop.status)
    print(summary(study, folder))
    if best_trial(study) is None:
        sys.exit(1)


def train_overrides(task: Sequence[str]) -> list[str]:
    """The overrides of the command line that are meant for train.py."""
    roots = {text: text.lstrip("+~").partition("=")[0].partition(".")[0] for text in task}
    return [text for text, root in roots.items() if root.partition("@")[0] not in OWN]


def the_study(cfg: DictConfig, space: Space) -> Study:
    """The study that the configuration names, created or resumed."""
    storage = open_storage(cfg.storage, heartbeat_s=cfg.heartbeat_s, retries=cfg.retries)
    return open_study(
        storage,
        cfg.study_name,
        space=space,
        metric=cfg.optimized_metric,
        direction=cfg.hparams_search.direction,
        sampler=part(cfg, "sampler"),
        pruner=part(cfg, "pruner"),
    )


def part(cfg: DictConfig, name: str) -> Any:
    """The sampler or the pruner.

    Raises:
        InputError: There is none of this name, or it does not take these options.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return make(cfg.hparams_search[name])
        except InstantiationException as error:
            where = f"hparams_search.{name}"
            words = str(error.__cause__ or error).splitlines()[0]
            words = words.partition(", set env var")[0].rstrip(".")
            raise InputError(where, words, f"see optuna.{name}s") from error


def trial_line(study: Study, trial: FrozenTrial, metric: str) -> str:
    """One line on how a trial ended."""
    if trial.state != TrialState.COMPLETE:
        return f"trial {trial.number}: {ending(trial, study)}"
    assert trial.value is not None
    best = best_trial(study)
    mark = "the best so far" if best is None or best.number == trial.number else ""
    mark = mark or f"best: {number(study.best_value, metric)} of trial {study.best_trial.number}"
    return f"trial {trial.number}: {metric} {number(trial.value, metric)} ({mark})"


def summary(study: Study, folder: Path) -> str:
    """How many trials ended how, why some failed, the best one; writes the report too."""
    trials = counted(study)
    states = [trial.state for trial in trials]
    counts = ", ".join(
        f"{states.count(state)} {state.name.lower()}" for state in TrialState if state in states
    )
    lines = [f"study {study.study_name}: {len(trials)} trials ({counts})"]
    lines += [
        f"trial {trial.number} failed: {ending(trial, study)}"
        for trial in trials
        if trial.state == TrialState.FAIL
    ]
    best = best_trial(study)
    if best is not None:
        lines += [f"best: trial {best.number}, {best.value:g}", f"  {rerun_command(best)}"]
        write_best(study, best, folder)
    lines.append(f"report: {write_report(study, folder)}")
    return "\n".join(lines)

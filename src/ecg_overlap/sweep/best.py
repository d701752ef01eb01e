"""The best trial and the command that runs it again."""

import shlex
from pathlib import Path

import yaml
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ecg_overlap.evaluation.results import write_text
from ecg_overlap.sweep.space import override


def best_trial(study: Study) -> FrozenTrial | None:
    """The completed trial of the best score; None where none has completed."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    return study.best_trial


def rerun_command(trial: FrozenTrial) -> str:
    """`ecg-overlap train …` with the trial's settings, and with the test at the end."""
    return shlex.join(["ecg-overlap", "train", *rerun_overrides(trial)])


def rerun_overrides(trial: FrozenTrial) -> list[str]:
    """The trial's overrides, without the `test=null` by which a search leaves the test sets out."""
    overrides = trial.user_attrs.get("overrides")
    if overrides is None:  # the study's objective was not a training
        overrides = [override(key, value) for key, value in trial.params.items()]
    return [text for text in overrides if text != "test=null"]


def write_best(study: Study, trial: FrozenTrial, folder: Path) -> Path:
    """Write `best.yaml`: the trial's score, settings and folder."""
    facts = {
        "study": study.study_name,
        "trial": trial.number,
        str(study.user_attrs.get("metric", "value")): trial.value,
        "overrides": rerun_overrides(trial),
        "folder": trial.user_attrs.get("folder"),
    }
    text = f"# {rerun_command(trial)}\n{yaml.safe_dump(facts, sort_keys=False)}"
    return write_text(folder / "best.yaml", text)

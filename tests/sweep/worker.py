"""A process of a study with a quick objective: `worker.py STORAGE N_TRIALS HANG_AT FOLDER`.

The trial of number HANG_AT says in FOLDER/hanging that it began, and then never ends.
"""

import sys
import time
from pathlib import Path

from optuna.trial import Trial

from ecg_overlap.sweep.space import Space, parse_space, suggest
from ecg_overlap.sweep.storage import open_storage, open_study
from ecg_overlap.sweep.study import conduct

SPACE: Space = parse_space({"x": {"float": [-1.0, 1.0]}, "kind": {"choice": ["a", "b"]}})


def study_in(storage: str, retries: int = 3):
    kept = open_storage(storage, heartbeat_s=1, retries=retries)
    return open_study(kept, "s", space=SPACE, metric="score", direction="maximize")


def score(trial: Trial) -> float:
    suggest(trial, SPACE)
    return -(trial.params["x"] ** 2)


def main(storage: str, n_trials: str, hang_at: str, folder: str) -> None:
    def objective(trial: Trial) -> float:
        value = score(trial)
        time.sleep(0.15)
        if trial.number == int(hang_at):
            Path(folder, "hanging").touch()
            time.sleep(600)
        return value

    conduct(study_in(storage), objective, n_trials=int(n_trials), heartbeat_s=1)


if __name__ == "__main__":
    main(*sys.argv[1:])

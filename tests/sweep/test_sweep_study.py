"""A study outlives its processes, shares its budget among them, and marks what fails."""

import os
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
import worker
from optuna.exceptions import TrialPruned
from optuna.study import Study
from optuna.trial import Trial, TrialState

from data_gen.errors import InputError
from ecg_overlap.sweep.space import parse_space
from ecg_overlap.sweep.storage import HeartbeatJournal, fail_dead, history, open_storage, open_study
from ecg_overlap.sweep.study import (
    Interrupted,
    SweepError,
    _Attempt,
    _run_one,
    conduct,
    counted,
    ending,
)

KINDS = ["sqlite", "journal"]


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/study.db"
    return url if request.param == "sqlite" else f"{tmp_path}/study.journal"


@pytest.fixture
def study() -> Study:
    kept = optuna.storages.InMemoryStorage()
    return open_study(kept, "s", space=worker.SPACE, metric="score", direction="maximize")


def start(storage: str, n_trials: int, tmp_path: Path, hang_at: int = -1) -> subprocess.Popen[str]:
    script = Path(worker.__file__)
    command = [sys.executable, str(script), storage, str(n_trials), str(hang_at), str(tmp_path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.05)


def test_a_killed_study_goes_on_and_tries_the_dead_trial_again(
    storage: str, tmp_path: Path
) -> None:
    process = start(storage, 6, tmp_path, hang_at=2)
    try:
        wait_for(tmp_path / "hanging", process)
    finally:
        process.kill()  # SIGKILL: nothing is told to anyone
        process.wait()

    study = worker.study_in(storage)
    assert study.get_trials()[2].state == TrialState.RUNNING
    conduct(study, worker.score, n_trials=6, heartbeat_s=1)
    trials = counted(study)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    dead = study.get_trials()[2]
    again = next(trial for trial in trials if history(trial) == [2])
    assert dead.state == TrialState.FAIL
    assert again.params == dead.params
    assert ending(dead, study) == f"its process died; tried again as trial {again.number}"


def test_processes_share_the_trials_of_one_study(storage: str, tmp_path: Path) -> None:
    processes = [start(storage, 6, tmp_path) for _ in range(2)]
    for process in processes:
        assert process.wait(60) == 0, process.stderr and process.stderr.read()
    study = worker.study_in(storage)
    assert [trial.state for trial in counted(study)] == [TrialState.COMPLETE] * 6


def test_of_trials_asked_for_at_once_only_those_within_the_budget_run(study: Study) -> None:
    ahead = [study.ask() for _ in range(3)]  # other processes were quicker by a moment

    def objective(trial: Trial) -> float:
        raise AssertionError("one too many")

    conduct(study, objective, n_trials=3, heartbeat_s=0)
    for trial in ahead:
        study.tell(trial, 0.0)
    assert len(counted(study)) == 3


def test_a_trial_beyond_the_budget_is_no_trial(study: Study) -> None:
    for _ in range(3):
        study.tell(study.ask(), 0.0)
    _run_one(study, _Attempt(worker.score, n_trials=3), lambda study, trial: None)
    assert len(study.get_trials()) == 4
    assert [trial.number for trial in counted(study)] == [0, 1, 2]


def test_an_interrupted_trial_is_queued_again_and_the_status_kept(study: Study) -> None:
    def stopped(trial: Trial) -> float:
        worker.score(trial)
        raise SystemExit(143)  # what train.py's fit leaves with after SIGTERM

    with pytest.raises(Interrupted) as stop:
        conduct(study, stopped, n_trials=2, heartbeat_s=1)
    assert stop.value.status == 143
    conduct(study, worker.score, n_trials=2, heartbeat_s=1)
    assert [trial.state for trial in counted(study)] == [TrialState.COMPLETE] * 2
    assert study.get_trials()[1].params == study.get_trials()[0].params
    assert ending(study.get_trials()[0], study) == "interrupted; tried again as trial 1"


def test_ctrl_c_between_validations_ends_with_the_shells_status(study: Study) -> None:
    def pressed(trial: Trial) -> float:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stop:
        conduct(study, pressed, n_trials=1, heartbeat_s=1)
    assert stop.value.status == 130


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("ckpt", "is not there", "give another"), "ckpt: is not there; give another"),
        (RuntimeError("CUDA out of memory. Tried\nmore"), "out of memory; lower data.batch_size"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_failing_trial_keeps_its_reason_and_the_rest_go_on(
    error: Exception, reason: str, study: Study
) -> None:
    def objective(trial: Trial) -> float:
        if trial.number == 1:
            raise error
        return worker.score(trial)

    conduct(study, objective, n_trials=3, heartbeat_s=1)
    first, failed, last = study.get_trials()
    assert first.state == last.state == TrialState.COMPLETE
    assert failed.state == TrialState.FAIL
    assert ending(failed, study).startswith(reason)
    assert "\n" not in ending(failed, study)


def test_what_is_wrong_with_the_whole_sweep_ends_it(study: Study) -> None:
    def objective(trial: Trial) -> float:
        raise SweepError("optimized_metric=x", "no such score", "choose another")

    with pytest.raises(SweepError, match="no such score"):
        conduct(study, objective, n_trials=5, heartbeat_s=1)
    assert len(study.get_trials()) == 1


def test_bad_trials_are_pruned() -> None:
    storage = optuna.storages.InMemoryStorage()
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1)
    study = open_study(
        storage, "s", space=worker.SPACE, metric="m", direction="maximize", pruner=pruner
    )

    def objective(trial: Trial) -> float:
        for epoch in range(3):
            trial.report(-trial.number, epoch)
            if trial.should_prune():
                raise TrialPruned
        return -trial.number

    conduct(study, objective, n_trials=3, heartbeat_s=1)
    assert [trial.state for trial in study.get_trials()] == [
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.PRUNED,
    ]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_trial_whose_process_dies_each_time_is_given_up(tmp_path: Path) -> None:
    study = worker.study_in(f"{tmp_path}/study.journal", retries=1)
    storage = study._storage
    assert isinstance(storage, HeartbeatJournal)
    for _ in range(2):
        trial = study.ask()
        storage.record_heartbeat(trial._trial_id)
        beat = tmp_path / "study.journal.beats" / str(trial._trial_id)
        os.utime(beat, (0, 0))  # the last sign of life was long ago
        fail_dead(study)
    assert [trial.state for trial in study.get_trials()] == [TrialState.FAIL] * 2
    assert [trial.number for trial in counted(study)] == [1]


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_living_trial_of_another_process_is_left_alone(tmp_path: Path) -> None:
    study = worker.study_in(f"{tmp_path}/study.journal")
    trial = study.ask()
    storage = study._storage
    assert isinstance(storage, HeartbeatJournal)
    storage.record_heartbeat(trial._trial_id)
    fail_dead(study)
    assert study.get_trials()[0].state == TrialState.RUNNING


def test_a_study_begun_over_another_space_is_refused(storage: str) -> None:
    worker.study_in(storage)
    other = parse_space({"x": {"float": [-2.0, 1.0]}, "kind": {"choice": ["a", "b"]}})
    with pytest.raises(InputError, match="begun with another space; choose another study_name"):
        open_study(open_storage(storage), "s", space=other, metric="score", direction="maximize")
    with pytest.raises(InputError, match="another direction"):
        open_study(
            open_storage(storage), "s", space=worker.SPACE, metric="score", direction="minimize"
        )


@pytest.mark.parametrize(
    "where", ["nonsense", "nosuchbase://host/x", "sqlite:////proc/none/study.db", "study.db"]
)
def test_an_unknown_storage_is_one_line_with_the_remedy(where: str) -> None:
    with pytest.raises(InputError) as error:
        open_storage(where)
    assert str(error.value).startswith(f"storage={where}: ")
    assert "FILE.journal" in str(error.value) and "\n" not in str(error.value)

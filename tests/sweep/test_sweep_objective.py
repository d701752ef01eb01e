"""Trials are `train.py`: checked before the first, pruned while they run, kept when they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import ThresholdPruner
from optuna.trial import TrialState

from data_gen.errors import InputError
from ecg_overlap.sweep.objective import ReportToStudy, TrainTrial, check_trials, finite_score
from ecg_overlap.sweep.run import train_overrides
from ecg_overlap.sweep.space import parse_space
from ecg_overlap.sweep.storage import history, open_study
from ecg_overlap.sweep.study import Interrupted, SweepError, conduct, counted

ROOT = Path(__file__).parents[2]
# Seconds a trial: the smallest pictures, judged by masks alone.
TINY = [
    *("test=null", "debug=fast", "crop=window", "crop.size_px=[96,128]", "model.encoder=resnet18"),
    *("callbacks.signal_validation=null", "callbacks.pictures=null"),
    *("callbacks.checkpoint.monitor=val/iou_target", "optimized_metric=val/iou_target"),
]
RATE = {"optimizer.lr": {"float": [1e-4, 1e-2], "log": True}}


@pytest.fixture
def hydra_conf() -> Iterator[None]:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        yield


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "conf/hparams_search").iterdir()))
def test_every_search_composes_in_all_its_choices(name: str, hydra_conf: None) -> None:
    node = compose("sweep", [f"hparams_search={name}"]).hparams_search
    space = parse_space(OmegaConf.to_container(node.space))  # type: ignore[arg-type]
    check_trials(space, ["test=null"])
    assert isinstance(OmegaConf.to_container(node.sampler), dict)


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"optimizer.lrr": {"float": [0, 1]}}, "no such setting; did you mean optimizer.lr"),
        ({"model": {"choice": ["unet", "nonsense"]}}, "choose one of ink, ink_whose, unet, unet_"),
        ({"nonsense": {"choice": ["a"]}}, "Could not override 'nonsense'"),
        ({"overlap.pen_mm": {"choice": ["[0.1,0.2]"]}}, "draws the validation set too"),
        ({"trainer.devices": {"int": [1, 2]}}, "trainer.devices=2: a trial takes one device"),
    ],
)
def test_what_trials_could_not_compose_is_one_line_before_any_runs(
    tree: dict[str, Any], line: str, hydra_conf: None
) -> None:
    with pytest.raises(InputError) as error:
        check_trials(parse_space(tree), [])
    assert line in str(error.value) and "\n" not in str(error.value)


def test_overrides_of_the_sweep_stay_and_those_of_the_training_go_on() -> None:
    given = [
        "hparams_search=overlap",
        "n_trials=3",
        "storage=x",
        "hparams_search.direction=minimize",
    ]
    own = ["debug=fast", "+optimizer.eps=1e-6", "~callbacks.pictures", "data.batch_size=4"]
    assert train_overrides([*given, *own]) == own


def test_a_score_that_is_missing_ends_the_sweep_and_one_that_is_nan_the_trial() -> None:
    scores = {"val/snr_db": float("nan"), "val/iou": 0.5, "train/loss": 1.0}
    assert finite_score(scores, "val/iou") == 0.5
    with pytest.raises(SweepError, match=r"choose one of val/iou, val/snr_db"):
        finite_score(scores, "val/nonsense")
    with pytest.raises(InputError, match="val/snr_db: is nan"):
        finite_score(scores, "val/snr_db")
    with pytest.raises(InputError, match="train/loss: is inf"):
        finite_score({"val/iou": 0.5, "train/loss": float("inf")}, "val/iou")


def test_pruned_and_failed_trials_end_their_own_wandb_run(
    hydra_conf: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    monkeypatch.setenv("WANDB_SILENT", "true")
    space = parse_space(RATE)
    study = open_study(
        optuna.storages.InMemoryStorage(),
        "s",
        space=space,
        metric="val/iou_target",
        direction="maximize",
        pruner=ThresholdPruner(lower=2.0),  # no IoU reaches it
    )
    objective = TrainTrial(space, [*TINY, "logger=wandb"], tmp_path, "val/iou_target")
    runs = []

    def on_end(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        runs.append(wandb.run)

    conduct(study, objective, n_trials=1, heartbeat_s=1, on_end=on_end)
    broken = TrainTrial(
        space, [*TINY, "logger=wandb", "optimizer.lr=1"], tmp_path, "val/iou_target"
    )
    broken.overrides.append("+callbacks.stopper={_target_: breaker.Break}")
    conduct(study, broken, n_trials=2, heartbeat_s=1, on_end=on_end)
    assert [t.state for t in study.get_trials()] == [TrialState.PRUNED, TrialState.FAIL]
    assert runs == [None, None]
    assert len(list(tmp_path.glob("000[01]/wandb/offline-run-*"))) == 2
    assert "RuntimeError: broken" in (tmp_path / "0001" / "error.txt").read_text()


def test_a_trial_tried_again_goes_on_from_its_last_checkpoint(
    hydra_conf: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stopped(cfg: DictConfig, callbacks: Sequence[ReportToStudy]) -> dict[str, float]:
        callbacks[0].trial.report(0.25, 0)
        last = Path(cfg.run_dir) / "checkpoints" / "last.ckpt"
        last.parent.mkdir(parents=True)
        last.touch()
        raise SystemExit(143)

    def resumed(cfg: DictConfig, callbacks: Sequence[ReportToStudy]) -> dict[str, float]:
        asked.append(cfg.ckpt)
        return {}  # all epochs were done: nothing is left to validate

    space = parse_space(RATE)
    study = open_study(
        optuna.storages.InMemoryStorage(), "s", space=space, metric="m", direction="maximize"
    )
    objective = TrainTrial(space, ["test=null"], tmp_path, "m")
    monkeypatch.setattr("ecg_overlap.sweep.objective.train", stopped)
    with pytest.raises(Interrupted):
        conduct(study, objective, n_trials=1, heartbeat_s=1)
    monkeypatch.setattr("ecg_overlap.sweep.objective.train", resumed)
    conduct(study, objective, n_trials=1, heartbeat_s=1)
    assert asked == [str(tmp_path / "0000" / "checkpoints" / "last.ckpt")]
    assert study.best_trial.number == 1 and study.best_value == 0.25


@pytest.mark.timeout(900)  # two processes and six trainings, on a machine that may be busy
def test_a_search_killed_in_the_middle_goes_on_to_its_six_trials(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [
        *(sys.executable, "sweep.py", "hparams_search=optimizer", "n_trials=6", "heartbeat_s=1"),
        # An epoch holds one step of the largest batch that may be drawn, or all six could fail.
        *(*TINY[1:], "data.samples_per_epoch=16", f"hydra.run.dir={out}"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 400
            while not (out / "trials/0001/config.yaml").is_file():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=450
    )
    assert done.returncode == 0, done.stderr
    study = optuna.load_study(study_name="optimizer", storage=f"sqlite:///{out}/study.db")
    trials = counted(study)
    assert len(trials) == 6
    assert [1] in [history(trial) for trial in trials]  # what was in hand is tried again
    assert "ecg-overlap train debug=fast" in done.stdout
    for trial in trials:
        folder = Path(trial.user_attrs["folder"])
        kept = yaml.safe_load((folder / "config.yaml").read_text())
        assert kept["optimizer"]["lr"] == trial.params["optimizer.lr"]
        if trial.state == TrialState.COMPLETE:
            scores = yaml.safe_load((folder / "scores.yaml").read_text())
            assert scores["val/iou_target"] == trial.value
    assert yaml.safe_load((out / "best.yaml").read_text())["trial"] == study.best_trial.number
    assert f"Trial {study.best_trial.number}:" in (out / "index.html").read_text()

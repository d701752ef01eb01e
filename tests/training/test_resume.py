"""A run that was stopped and resumed equals one that was not, to the last bit."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from train_process import ROOT, SMALL, train_process

from ecg_overlap.training import train

Compose = Callable[..., DictConfig]
# Two epochs of three steps, each of two accumulated batches; an average that is not the weights.
BUDGET = [
    *("test=null", "trainer.max_epochs=2", "data.samples_per_epoch=12", "seed=3"),
    *("trainer.accumulate_grad_batches=2", "callbacks.pictures=null"),
]


def last(run: Path) -> dict[str, object]:
    saved: dict[str, object] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return saved


def assert_equal(found: object, expected: object, where: str) -> None:
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, torch.Tensor) and torch.equal(found, expected), where
    elif isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_equal(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list | tuple):
        for i, (one, other) in enumerate(zip(found, expected, strict=True)):  # type: ignore[call-overload]
            assert_equal(one, other, f"{where}[{i}]")
    else:
        assert found == expected, where


def assert_same_run(found: Path, expected: Path) -> None:
    # The averaged weights, those that training goes on with, and the optimizer's state.
    for part in ("state_dict", "current_model_state", "averaging_state", "optimizer_states"):
        assert_equal(last(found)[part], last(expected)[part], part)
    assert last(found)["global_step"] == last(expected)["global_step"] == 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hydra import compose, initialize_config_dir

    folder = tmp_path_factory.mktemp("whole")
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        train(compose("train", [*SMALL, *BUDGET, f"run_dir={folder}"]))
    return folder


def test_the_average_is_another_than_the_weights(whole: Path) -> None:
    saved = last(whole)
    average, current = saved["state_dict"], saved["current_model_state"]
    assert isinstance(average, dict) and isinstance(current, dict)
    assert any(not torch.equal(average[name], current[name]) for name in average)


@pytest.mark.parametrize("batch", [2, 9])  # the first half of a step; the second half
def test_stopped_by_sigterm_within_an_epoch(
    batch: int, whole: Path, config: Compose, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    killer = f"+callbacks.killer={{_target_: operator_hand.KillAt, at_batch: {batch}}}"
    with pytest.raises(SystemExit) as stop:
        train(config(*BUDGET, f"run_dir={stopped}", killer))
    assert stop.value.code == 128 + signal.SIGTERM
    # The step in hand was finished, and its two batches are in it.
    assert last(stopped)["global_step"] == batch // 2 + 1

    resumed = tmp_path / "resumed"
    train(config(*BUDGET, f"run_dir={resumed}", f"ckpt={stopped}/checkpoints/last.ckpt"))
    assert_same_run(resumed, whole)


def test_killed_outright_and_called_again_with_the_same_command(
    whole: Path, config: Compose, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    killer = "+callbacks.killer={_target_: operator_hand.KillAt, at_batch: 9, number: 9}"
    done = train_process(run, *BUDGET, killer, "callbacks.last.every_n_steps=2")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert last(run)["global_step"] == 4  # the kill came in the fifth step

    before = (run / "logs" / "metrics.csv").read_text()
    train(config(*BUDGET, f"run_dir={run}", "ckpt=auto"))
    assert_same_run(run, whole)
    assert (run / "logs" / "metrics_0.csv").read_text() == before


def test_auto_starts_anew_where_there_is_nothing_to_resume(config: Compose, tmp_path: Path) -> None:
    assert "val/snr_db" in train(config("test=null", "ckpt=auto", "callbacks.pictures=null"))

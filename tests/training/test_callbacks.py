"""Averaged weights are what is judged; a bad loss leaves its batch; early stopping."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from torch import nn
from torch.optim.swa_utils import AveragedModel

from data_gen.errors import InputError
from ecg_overlap.callbacks.averaging import warmed_up_average
from ecg_overlap.network import load_model
from ecg_overlap.training import build, train

Compose = Callable[..., DictConfig]
QUIET = ["test=null", "callbacks.pictures=null"]


def test_the_average_starts_with_a_short_memory_and_ends_with_the_decay() -> None:
    model = nn.Linear(1, 1, bias=False)
    averaged = AveragedModel(model, multi_avg_fn=warmed_up_average(0.25))
    values = []
    for weight in (0.0, 11.0, 0.0):
        nn.init.constant_(model.weight, weight)
        averaged.update_parameters(model)
        values.append(float(next(averaged.parameters())))
    # The first update copies; then decay (1 + 1) / (10 + 1), 0 · 2/11 + 11 · 9/11 = 9; then
    # (1 + 2) / (10 + 2) = 0.25, the decay itself: 9 / 4.
    assert values == pytest.approx([0.0, 9.0, 2.25])


def test_what_is_validated_and_kept_as_the_best_is_the_average(config: Compose) -> None:
    cfg = config(*QUIET, "trainer.precision=32-true", "data.samples_per_epoch=8")
    scores = train(cfg)
    best = f"{cfg.run_dir}/checkpoints/best.ckpt"
    saved = torch.load(best, weights_only=True)
    name = next(iter(saved["state_dict"]))
    assert not torch.equal(saved["state_dict"][name], saved["current_model_state"][name])
    _, data, task = build(cfg)
    (batch,) = data.val_dataloader()
    with torch.inference_mode():
        loss = task.loss(load_model(best).model(batch["image"]), batch)
    assert float(loss) == pytest.approx(scores["val/loss"], rel=1e-5)


def test_a_loss_that_is_no_number_stops_before_it_reaches_the_weights(
    config: Compose, tmp_path: Path
) -> None:
    cfg = config(*QUIET, "loss.masks.bce_weight=inf", "seed=5")
    with pytest.raises(InputError, match=r"step 0: the loss is inf; .*bad_batch\S+\.pt"):
        train(cfg)
    (file,) = (tmp_path / "run").glob("bad_batch_*.pt")
    left = torch.load(file, weights_only=True)
    assert left["seed"] == 5 and left["batch"]["index"].tolist() == [0, 1]
    # Redrawn by seed and index, the batch is the one that was left.
    again = build(cfg)[1].train_set[1]["image"]
    rows, columns = again.shape[1:]
    assert torch.equal(left["batch"]["image"][1, :, :rows, :columns], again)


def test_memory_that_runs_out_is_one_line_with_the_settings_to_turn(
    config: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr("ecg_overlap.task.SegmentationTask.training_step", exhausted)
    with pytest.raises(InputError) as error:
        train(config(*QUIET))
    for word in (
        *("data.batch_size (now 2)", "trainer.accumulate_grad_batches (now 1)"),
        *("data.window_px (now 128)", "data.max_height_px (now 192)", "trainer.precision"),
    ):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_another_error_is_not_taken_for_a_lack_of_memory(
    config: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("ecg_overlap.task.SegmentationTask.training_step", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(config(*QUIET))


def test_training_stops_early_when_the_signals_get_no_better(config: Compose) -> None:
    cfg = config(
        *(*QUIET, "callbacks=early_stopping", "trainer.max_epochs=6"),
        *("callbacks.early_stopping.patience=1", "callbacks.early_stopping.min_delta=1000"),
    )
    train(cfg)
    saved = torch.load(f"{cfg.run_dir}/checkpoints/last.ckpt", weights_only=True)
    assert saved["epoch"] == 1  # the first sets the mark, the second misses it by 1000 dB


def test_a_run_that_ends_within_an_epoch_leaves_its_last_step(
    config: Compose, tmp_path: Path
) -> None:
    train(config("test=null", "data.samples_per_epoch=400", "trainer.max_steps=1"))
    saved = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == 1

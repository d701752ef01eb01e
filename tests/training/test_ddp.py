"""Two real processes (`trainer=ddp`, gloo): disjoint streams, one score, exact resume."""

import csv
from pathlib import Path

import pytest
import torch
from train_process import train_process

BUDGET = [
    *("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=2"),
    *("callbacks.pictures=null", "callbacks.progress=null", "trainer.enable_progress_bar=false"),
    *("data.samples_per_epoch=6", "data.n_val=3", "callbacks.signal_validation.n=3"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs of three steps, which keeps its second step, and is tested."""
    folder = tmp_path_factory.mktemp("whole")
    done = train_process(
        folder,
        *BUDGET,
        f"+callbacks.witness={{_target_: operator_hand.WriteDownIndices, folder: '{folder}'}}",
        f"+callbacks.keep={{_target_: operator_hand.KeepAt, step: 2, path: '{folder}/step2.ckpt'}}",
        "test.methods=[unet+stroke]",
        "test.sets=[clean]",
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_processes_see_disjoint_samples_and_together_the_whole_stream(whole: Path) -> None:
    seen = [
        [int(word) for word in (whole / f"rank{rank}.txt").read_text().split()] for rank in (0, 1)
    ]
    assert not set(seen[0]) & set(seen[1])
    # 2 processes × 2 epochs × 3 steps × batches of 2, no sample twice and none left out.
    assert sorted(seen[0] + seen[1]) == list(range(24))


def test_rank_zero_alone_tests_and_writes_after_training(whole: Path) -> None:
    assert (whole / "results.json").is_file() and (whole / "config.yaml").is_file()
    with (whole / "logs" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    # One score over the three leads, of which one process digitized two and the other one.
    assert all(float(row["val/failure_rate"]) * 3 == pytest.approx(2) for row in rows)


def test_resumed_equals_uninterrupted_to_the_last_bit(whole: Path, tmp_path: Path) -> None:
    done = train_process(tmp_path, *BUDGET, "test=null", f"ckpt={whole}/step2.ckpt")
    assert done.returncode == 0, done.stderr
    expected, found = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        for folder in (whole, tmp_path)
    )
    for part in ("state_dict", "current_model_state"):
        for name, value in expected[part].items():
            assert torch.equal(value, found[part][name]), f"{part}.{name}"

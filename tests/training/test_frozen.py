"""Training from shards: every sample once a pass, orders by seed, resume as with drawn samples."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from data_gen import presets
from data_gen.errors import InputError
from data_gen.write_set import SetPlan, write_set
from ecg_overlap.frozen import FrozenSamples
from ecg_overlap.training import train

Compose = Callable[..., DictConfig]


def write(folder: Path, split: str, n: int = 7) -> Path:
    plan = SetPlan(n=n, format="shards", seed=0, split=split, samples_per_shard=3, dials={})
    write_set(presets.load("clean"), folder, plan, progress=False)
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("shards") / "train", "train")


def numbers(frozen: FrozenSamples, indices: range, seed: int = 0) -> list[int]:
    known = {frozen.shards[i].record_id or "": i for i in range(len(frozen))}
    return [known[frozen.sample(i, seed=seed).record_id or ""] for i in indices]


def test_every_pass_holds_every_sample_once_in_an_order_of_its_own(shards: Path) -> None:
    frozen = FrozenSamples(shards, split="train")
    first, second = numbers(frozen, range(7)), numbers(frozen, range(7, 14))
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second
    assert numbers(frozen, range(7), seed=1) != first
    assert numbers(FrozenSamples(shards, split="train"), range(3, 7)) == first[3:]


def test_validation_takes_the_samples_as_they_lie(shards: Path) -> None:
    frozen = FrozenSamples(shards, split="train", shuffle=False)
    assert numbers(frozen, range(7)) == list(range(7))


def test_training_resumes_in_the_middle_of_a_pass(
    shards: Path, config: Compose, tmp_path: Path
) -> None:
    common = [
        *("data=shards", f"data.root={shards}", "test=null", "data.samples_per_epoch=8"),
        *("callbacks.pictures=null", "seed=2"),
    ]
    kept = tmp_path / "step3.ckpt"
    keep = f"+callbacks.keep={{_target_: operator_hand.KeepAt, step: 3, path: '{kept}'}}"
    train(config(*common, f"run_dir={tmp_path}/whole", keep))
    train(config(*common, f"run_dir={tmp_path}/resumed", f"ckpt={kept}"))
    expected, found = (
        torch.load(tmp_path / run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for run in ("whole", "resumed")
    )
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_validation_may_come_from_shards_too(shards: Path, config: Compose, tmp_path: Path) -> None:
    val = write(tmp_path / "val", "val", n=2)
    cfg = config("data=shards", f"data.root={shards}", f"data.val_root={val}", "test=null")
    assert "val/snr_db" in train(cfg)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.root=null"], "give data.root=FOLDER"),
        (["data.root=https://example.org/shards"], "from a local folder only"),
        (["data.root=nowhere"], "nowhere: holds no manifest.json"),
        (["data.root={shards}", "data.val_root={shards}"], "a set of the split train, wanted val"),
    ],
)
def test_sets_that_cannot_be_trained_on_are_refused(
    overrides: list[str], message: str, shards: Path, config: Compose
) -> None:
    with pytest.raises(InputError, match=message):
        train(config("data=shards", *(o.format(shards=shards) for o in overrides)))

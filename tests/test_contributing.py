"""CONTRIBUTING.md, word for word: its code is put where it says, and used as it says."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

import data_gen.signals
import ecg_overlap
from data_gen.sample import LEADS
from ecg_overlap import augment, load_model
from ecg_overlap.digitize import plans
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.export import export
from ecg_overlap.training import build, make, train

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```(?:python|yaml)\n(# ([\w/]+\.(?:py|yaml))\b.*?)```", re.DOTALL)
SMALL = ["debug=fast", "crop=window", "crop.size_px=[96,128]", "callbacks.pictures=null"]


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DictConfig]:
    """A repository in which all was added that the page adds; composes its train.yaml."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    blocks = [(name, text) for text, name in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())]
    for name, text in blocks:
        if name == "src/ecg_overlap/augment.py":
            names: dict[str, type] = {}
            exec(text, vars(augment), names)
            for added, value in names.items():
                monkeypatch.setattr(augment, added, value, raising=False)
            continue
        if name == "src/ecg_overlap/digitize/plans.py":
            plan = eval(text.partition("\n")[2], vars(plans))
            monkeypatch.setitem(plans.METHODS, plan.name, plan)
            continue
        assert not (ROOT / name).exists(), f"{name} is there already"
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    packages = {"src/ecg_overlap": ecg_overlap, "data_gen/signals": data_gen.signals}
    for folder, package in packages.items():
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / folder)])

    def composed(*overrides: str) -> DictConfig:
        with initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
            return compose("train", [*SMALL, f"run_dir={tmp_path / 'run'}", *overrides])

    return composed


def test_any_architecture_of_smp_needs_a_file_only(followed: Callable[..., DictConfig]) -> None:
    model = build(followed("model=unetpp"))[2].model
    assert type(model.net).__name__ == "UnetPlusPlus"


def test_a_model_an_augmentation_and_a_source_are_trained_kept_and_used(
    followed: Callable[..., DictConfig], tmp_path: Path
) -> None:
    cfg = followed("model=tiny", "aug=smudge", "signals=triangles", "test.sets=[clean]")
    assert "val/snr_db" in train(cfg)
    assert (tmp_path / "run" / "results.json").is_file()  # tested by the method that it fits

    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    network = load_model(best)
    assert type(network.model).__name__ == "Tiny" and network.model.spec["width"] == 16
    assert (network.info.name, network.info.method) == ("unet", "unet+stroke")

    sample = data_gen.make_sample(0, config="clean")
    read = digitize_lead(sample.image, network=network, method="unet+centroid")
    assert read.weights_sha256 == network.info.sha256

    for suffix in ("safetensors", "onnx"):
        made = export(best, to=suffix, out=tmp_path / f"tiny.{suffix}")
        assert "Tiny, width 16" in made.card.read_text()
    image = sample.image
    np.testing.assert_array_equal(
        load_model(tmp_path / "tiny.safetensors")(image, px_per_mm=6.0),
        network(image, px_per_mm=6.0),
    )


def test_the_augmentation_darkens_a_stripe_and_leaves_the_masks(
    followed: Callable[..., DictConfig],
) -> None:
    chain = make(followed("aug=smudge").aug)
    image, mask = np.full((40, 60, 3), 200, np.uint8), np.zeros((40, 60), np.uint8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        (out, *masks), _ = chain(
            [image, mask, mask], np.empty((0, 2)), px_per_mm=6.0, donor=None, rng=rng
        )
        assert not np.any(masks)
        if (out != image).any():
            assert ((out == 100).all(axis=(0, 2))).sum() == 6
            return
    raise AssertionError("in 20 draws at p = 0.3 no stripe")


def test_the_source_draws_twelve_leads_by_its_generator_and_split(
    followed: Callable[..., DictConfig],
) -> None:
    source = make(followed("signals=triangles").signals)
    records = [
        source.draw(np.random.default_rng(3), split=split) for split in ("train", "train", "test")
    ]
    assert records[0].lead_names == LEADS and records[0].signal_mv.shape == (5000, 12)
    np.testing.assert_array_equal(records[0].signal_mv, records[1].signal_mv)
    assert records[0].record_id != records[2].record_id


def test_a_method_is_known_by_its_name_everywhere(followed: Callable[..., DictConfig]) -> None:
    followed()
    sample, network = data_gen.make_sample(0, config="clean"), load_model()
    lead = digitize_lead(sample.image, network=network, method="unet+straight")
    assert lead.method == "unet+straight"
    assert lead.weights_sha256 == network.info.sha256
    for name in ("unet+straight", "unet+straight@grid"):
        outcome = build_method(name, {network.info.name: network}).digitize(sample)
        assert outcome.signal is not None and outcome.mask is not None
    with pytest.raises(data_gen.InputError, match="no network 'unet'"):
        build_method("unet+straight")
    assert "unet+straight" in plans.choices()

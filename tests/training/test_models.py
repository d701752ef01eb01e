"""Models: any smp architecture by name, loaded only where the weights fit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data_gen.errors import InputError
from ecg_overlap.losses import BceDice
from ecg_overlap.models import ModelNetwork, SegmentationModel, load_model


@pytest.fixture(scope="module")
def model() -> SegmentationModel:
    torch.manual_seed(0)
    return SegmentationModel(encoder="resnet18", options={"decoder_channels": [32, 16, 16, 8, 8]})


@pytest.mark.parametrize("architecture", ["Unet", "FPN"])
def test_any_architecture_gives_two_masks_of_the_inputs_size(architecture: str) -> None:
    net = SegmentationModel(architecture=architecture, encoder="resnet18").eval()
    assert net(torch.zeros(1, 5, 64, 96)).shape == (1, 2, 64, 96)


def test_folding_keeps_the_pictures_resolution() -> None:
    net = SegmentationModel(encoder="resnet18", fold=2).eval()
    assert net(torch.zeros(1, 5, 64, 128)).shape == (1, 2, 64, 128)
    assert net.input_spec.multiple == 64


def test_an_unknown_architecture_lists_the_choices() -> None:
    with pytest.raises(InputError, match="unet"):
        SegmentationModel(architecture="Vnet")


def test_an_unknown_encoder_lists_the_choices() -> None:
    with pytest.raises(InputError, match="resnet34"):
        SegmentationModel(encoder="resnet19")


def test_an_unknown_option_of_an_architecture_is_named() -> None:
    with pytest.raises(InputError, match="decoder_chanels"):
        SegmentationModel(options={"decoder_chanels": [8]})


def test_the_network_maps_a_picture_to_probabilities_of_the_pictures_size(
    model: SegmentationModel,
) -> None:
    image = np.full((101, 333, 3), 255, np.uint8)
    probability = ModelNetwork(model)(image, px_per_mm=12.0)
    assert probability.shape == (101, 333) and probability.dtype == np.float32
    assert probability.min() >= 0 and probability.max() <= 1


def checkpoint(model: SegmentationModel, path: Path) -> Path:
    state = {f"model.{k}": v for k, v in model.state_dict().items()}
    torch.save({"network": model.spec, "state_dict": state}, path)
    return path


def test_a_checkpoint_brings_back_the_same_network(
    model: SegmentationModel, tmp_path: Path
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    loaded = load_model(checkpoint(model, tmp_path / "a.ckpt"))
    expected = ModelNetwork(model)(image, px_per_mm=6.0)
    np.testing.assert_array_equal(loaded(image, px_per_mm=6.0), expected)


def test_weights_of_another_model_say_which_keys(model: SegmentationModel, tmp_path: Path) -> None:
    path = checkpoint(model, tmp_path / "a.ckpt")
    content = torch.load(path, weights_only=True)
    content["state_dict"]["model.net.extra"] = content["state_dict"].popitem()[1]
    torch.save(content, path)
    with pytest.raises(InputError, match=r"net\.extra"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_foreign_file_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a checkpoint"):
        load_model(path)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such checkpoint"):
        load_model(tmp_path / "none.ckpt")


def test_the_loss_is_near_zero_for_a_perfect_mask_and_large_for_its_inverse() -> None:
    masks = (torch.rand(2, 2, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    logits = (masks * 2 - 1) * 20
    loss = BceDice()
    assert float(loss(logits, masks)) < 1e-3
    assert float(loss(-logits, masks)) > 1.0


def test_without_other_weight_the_intruders_do_not_count() -> None:
    loss = BceDice(other_weight=0.0)
    masks = torch.zeros(1, 2, 8, 8)
    logits = torch.full((1, 2, 8, 8), -20.0)
    changed = logits.clone()
    changed[:, 1] = 20.0
    assert float(loss(logits, masks)) == float(loss(changed, masks))

"""Models: any smp architecture by name, loaded only where the weights fit."""

import socket
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from data_gen.errors import InputError
from ecg_overlap.inputs import INSIDE
from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import ModelNetwork, load_model
from ecg_overlap.reading import TILE_PX, tiles


@pytest.fixture(scope="module")
def model() -> SegmentationModel:
    torch.manual_seed(0)
    return SegmentationModel(encoder="resnet18", options={"decoder_channels": [32, 16, 16, 8, 8]})


@pytest.mark.parametrize("architecture", ["Unet", "FPN"])
def test_any_architecture_gives_two_masks_of_the_inputs_size(architecture: str) -> None:
    net = SegmentationModel(architecture=architecture, encoder="resnet18").eval()
    assert net(torch.zeros(1, 6, 64, 96))["mask"].shape == (1, 2, 64, 96)


@pytest.mark.parametrize("fine_channels", [0, 8])
def test_folding_keeps_the_pictures_resolution(fine_channels: int) -> None:
    net = SegmentationModel(encoder="resnet18", fold=4, fine_channels=fine_channels).eval()
    assert net(torch.zeros(1, 6, 128, 256))["mask"].shape == (1, 2, 128, 256)
    assert net.input_spec.multiple == 128


def test_an_odd_fold_has_no_half_resolution() -> None:
    with pytest.raises(InputError, match="fold 1 is odd"):
        SegmentationModel(encoder="resnet18", fine_channels=8)


@pytest.mark.parametrize(
    "options", [{"columns_per_px": -1}, {"fine_channels": -3, "fold": 2}, {"masks": 3}, {"fold": 0}]
)
def test_a_number_that_makes_no_sense_is_named(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match=rf"model\.{next(iter(options))}"):
        SegmentationModel(encoder="resnet18", **options)


def test_a_network_of_colours_alone_cannot_see_the_prompt() -> None:
    net = SegmentationModel(encoder="resnet18", planes=3, masks=1).eval()
    channels = torch.zeros(1, 6, 32, 32)
    prompted = channels.clone()
    prompted[:, 3:] = 1
    assert net(channels)["mask"].shape == (1, 1, 32, 32)
    assert torch.equal(net(channels)["mask"], net(prompted)["mask"])


@pytest.fixture(scope="module")
def coord() -> SegmentationModel:
    torch.manual_seed(0)
    return SegmentationModel(encoder="resnet18", fold=2, fine_channels=8, columns_per_px=2).eval()


def test_a_coordinate_head_gives_the_rows_of_two_columns_per_pixel(
    coord: SegmentationModel,
) -> None:
    channels = torch.zeros(2, 6, 64, 128)
    channels[:, INSIDE, :50] = 1  # 14 rows of padding
    outputs = coord(channels)
    assert outputs["rows"].shape == (2, 64, 256) and outputs["presence"].shape == (2, 256)
    where = outputs["rows"].softmax(dim=1)
    assert float(where[:, 50:].detach().max()) < 1e-6  # no trace runs in the padding


def test_output_columns_stand_side_by_side_within_their_pixel(coord: SegmentationModel) -> None:
    outputs = torch.arange(4.0)[None, :, None, None] * torch.ones(1, 4, 64, 64)
    outputs[:, :2] += 10 * torch.arange(64.0)  # the input column
    rows = coord._columns(outputs, torch.ones(1, 64, 64))["rows"]
    assert rows[0, 0, :6].tolist() == [0, 1, 10, 11, 20, 21]


def test_a_coordinate_network_reads_columns_in_the_pictures_pixels(
    coord: SegmentationModel,
) -> None:
    image = np.full((60, 300, 3), 255, np.uint8)
    reading = ModelNetwork(coord).columns(image, px_per_mm=16.0)
    assert reading.mask.shape == (60, 300)
    assert reading.rows.shape == (30, 300) and len(reading.x_px) == 300
    np.testing.assert_allclose(reading.rows.sum(axis=0), 1, atol=1e-5)
    # 150 columns at 8 px/mm, two outputs each: one per column of the picture; rows of 2 px.
    np.testing.assert_allclose(reading.x_px[[0, -1]], [0, 299], atol=1e-9)
    np.testing.assert_allclose(reading.y_px[[0, -1]], [0.5, 58.5], atol=1e-9)


def test_tiles_cover_every_column_once() -> None:
    for width in (1, 4096, 4097, 9000, 40_000):
        parts = tiles(width)
        kept = [column for *_, first, last in parts for column in (first, last)]
        assert kept[0] == 0 and kept[-1] == width and kept[1:-1:2] == kept[2::2]
        assert all(left <= first < last <= right for left, right, first, last in parts)
        assert all(right - left <= TILE_PX for left, right, *_ in parts)


def test_a_picture_in_tiles_is_read_as_a_whole_one(
    coord: SegmentationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(200, 256, (32, 1500, 3), dtype=np.uint8)
    whole = ModelNetwork(coord).columns(image, px_per_mm=8.0)
    monkeypatch.setattr("ecg_overlap.reading.TILE_PX", 1024)
    tiled = ModelNetwork(coord).columns(image, px_per_mm=8.0)
    assert tiled.rows.shape == whole.rows.shape and tiled.mask.shape == whole.mask.shape
    # Away from where the tiles meet, only what the network takes from far away is missing.
    np.testing.assert_allclose(tiled.mask[:, :400], whole.mask[:, :400], atol=0.05)


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


@pytest.mark.parametrize("encoder", ["resnet18", "tu-regnety_002"])
def test_weights_that_cannot_be_fetched_are_one_line_with_the_way_round(
    encoder: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between the fetcher's retries
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"model\.encoder_weights=null") as error:
        SegmentationModel(encoder=encoder, encoder_weights="imagenet")
    assert "\n" not in str(error.value)
    (line,) = capsys.readouterr().err.splitlines()
    assert "fetching" in line and encoder in line


def test_unknown_encoder_weights_list_the_choices() -> None:
    with pytest.raises(InputError, match=r"encoder_weights=nonsense: .*'imagenet'"):
        SegmentationModel(encoder="resnet18", encoder_weights="nonsense")

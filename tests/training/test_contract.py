"""Which classes a file of weights may name, and what is no model."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from data_gen.errors import InputError
from ecg_overlap.contract import as_model, build, class_path, output_shapes, stored_spec
from ecg_overlap.export import export
from ecg_overlap.inputs import InputSpec
from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import load_model
from ecg_overlap.weights.files import SPEC, write_safetensors


class Elsewhere(nn.Module):
    """A model of a module that is not this package's."""

    def __init__(self, *, width: int = 4) -> None:
        super().__init__()
        self.spec = {"width": width}
        self.input_spec = InputSpec(px_per_mm=4.0, multiple=1)
        self.net = nn.Conv2d(6, width, 1)

    def forward(self, channels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"mask": self.net(channels)[:, :1]}


def saved(model: Any, file: Path) -> Path:
    """The checkpoint that the training task leaves of it."""
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    torch.save({"network": stored_spec(model), "state_dict": state, "global_step": 1}, file)
    return file


def test_a_class_from_elsewhere_must_be_given(tmp_path: Path) -> None:
    file = saved(Elsewhere(width=3), tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"test_contract\.Elsewhere, which is none .*network=…"):
        load_model(file)
    model = load_model(file, network=Elsewhere).model
    assert isinstance(model, Elsewhere) and model.spec == {"width": 3}


def test_its_export_loads_as_the_same_class(tmp_path: Path) -> None:
    files = [saved(Elsewhere(width=3), tmp_path / f"{name}.ckpt") for name in "ab"]
    out = tmp_path / "m.safetensors"
    made = export(*files, to="safetensors", out=out, network=Elsewhere)
    assert made.largest_difference == 0 and "Elsewhere, width 3" in made.card.read_text()
    loaded = load_model(out, network=Elsewhere)
    assert isinstance(loaded.model, Elsewhere) and not loaded.info.has_columns


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "torch.nn.Linear",  # a module, and imported, but none of ours
        "ecg_overlap.models.nn.Linear",
        "ecg_overlap.task.BinaryJaccardIndex",  # imported by one of ours, not defined there
        "ecg_overlap.inputs.InputSpec",  # ours, but no torch module
        "ecg_overlap.nowhere.Network",
        "ecg_overlap.sweep",
        "",
    ],
)
def test_other_classes_are_refused(path: str) -> None:
    with pytest.raises(InputError, match="none of ecg_overlap's"):
        build({"_target_": path}, {}, where="a.ckpt")


def test_our_torch_modules_that_are_no_models_are_refused() -> None:
    with pytest.raises(InputError, match="FineBranch lacks input_spec and spec"):
        sizes = {"channels_in": 6, "channels": 4, "up": 2, "channels_out": 2}
        build({"_target_": "ecg_overlap.models.FineBranch", **sizes}, {}, where="a.ckpt")


def test_a_spec_that_its_class_does_not_take_is_one_line() -> None:
    with pytest.raises(InputError, match=r"a\.ckpt: its network cannot be made .*'depth'"):
        build({"depth": 3}, {}, where="a.ckpt")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to reach another machine, none of which succeeds."""
    tried: list[object] = []

    def refuse(*address: object, **_: object) -> None:
        tried.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.mark.parametrize("weights", ["imagenet", "ssl", True])
def test_loading_never_fetches_weights(
    tmp_path: Path, no_network: list[object], weights: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = SegmentationModel(encoder="resnet18")
    file = tmp_path / "m.safetensors"
    spec = stored_spec(model) | {"encoder_weights": weights}
    write_safetensors(file, {SPEC: json.dumps(spec)}, model.state_dict())
    assert load_model(file).info.params
    assert not no_network and "fetching" not in capsys.readouterr().err


@pytest.mark.parametrize("encoder", ["tu-hf-hub:timm/resnet18.a1_in1k", "tu-local-dir:/tmp/x"])
def test_an_encoder_that_names_a_place_is_refused(encoder: str, no_network: list[object]) -> None:
    with pytest.raises(InputError, match="names a place"):
        build({"encoder": encoder}, {}, where="a.ckpt")
    assert not no_network


@pytest.mark.parametrize(
    "spec",
    [{"architecture": 3}, {"encoder": None}, {"encoder": ["resnet18"]}, {"options": 3},
     {"options": {"decoder_channels": "abc"}}, {"options": {"encoder_weights": "imagenet"}},
     {"px_per_mm": 0}, {"px_per_mm": "8"}, {"px_per_mm": float("inf")}, {"size_px": 5},
     {"px_per_mm": None, "size_px": [0, 1]}, {"px_per_mm": None, "size_px": ["a", "b"]},
     {"fold": 2**70}, {"_target_": "ecg_overlap.ink_net.InkNet", "channels": 3, "px_per_mm": 8},
     {"_target_": "ecg_overlap.ink_net.InkNet", "channels": ["a", {}], "px_per_mm": 8}],
)  # fmt: skip
def test_values_that_no_network_has_are_one_line(spec: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        build(spec, {}, where="a.ckpt")
    assert len(str(refused.value).splitlines()) == 1


def test_the_default_class_is_not_named() -> None:
    model = SegmentationModel(encoder="resnet18", fold=2, columns_per_px=2, masks=1)
    assert stored_spec(model) == model.spec
    assert class_path(SegmentationModel) == "ecg_overlap.models.SegmentationModel"
    rebuilt = build(stored_spec(model), model.state_dict(), where="a.ckpt")
    assert isinstance(rebuilt, SegmentationModel) and rebuilt.spec == model.spec


def test_outputs_are_named_with_their_shapes() -> None:
    model = SegmentationModel(encoder="resnet18", columns_per_px=2, masks=1).eval()
    assert output_shapes(model) == {
        "mask": "(B, 1, H, W)",
        "rows": "(B, H, 2·W)",
        "presence": "(B, 2·W)",
    }


@pytest.mark.parametrize("made", [nn.Conv2d(6, 2, 1), object()])
def test_what_is_no_model_says_what_it_lacks(made: object) -> None:
    with pytest.raises(InputError, match="lacks input_spec and spec; see `Add a model`"):
        as_model(made, where="model")


@pytest.mark.parametrize(
    ("spec", "state"), [([1], {}), (3, {}), ({}, [1]), ({}, {"net.encoder.conv1.weight": 3})]
)
def test_what_is_no_spec_or_no_weights_is_one_line(spec: Any, state: Any) -> None:
    with pytest.raises(InputError, match=r"a\.ckpt: "):
        build(spec, state, where="a.ckpt")

"""Networks by ONNX Runtime: as by torch, and clear where they cannot be read."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from untrained import checkpoint_of

import data_gen
from data_gen import presets
from data_gen.errors import InputError
from data_gen.presets import load
from ecg_overlap import reading, weights
from ecg_overlap.cli import main
from ecg_overlap.digitize.ink.offsets import OFFSETS_MM
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.evaluation import run as evaluation
from ecg_overlap.export import export
from ecg_overlap.ink_net import InkNet
from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import load_model
from ecg_overlap.onnx_graph import Graph
from ecg_overlap.onnx_network import OnnxNetwork, load_ink, load_onnx


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small untrained network: its checkpoint and its graph."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("ink")
    checkpoint = checkpoint_of(InkNet(channels=[8, 12, 16], px_per_mm=8.0), folder / "run")
    out = folder / "graph" / "ink.onnx"
    export(checkpoint, to="onnx", out=out)
    return checkpoint, out


@pytest.fixture
def packaged(tiny: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny network in the package's place."""
    monkeypatch.setattr(weights, "PACKAGED_INK", tiny[1])
    return tiny[1]


def picture(height: int = 90, width: int = 130) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained network that tells traces apart, with rows: the folder of its files."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("apart")
    options = {"decoder_channels": [32, 16, 8, 8, 8]}
    model = SegmentationModel(encoder="resnet18", fold=2, columns_per_px=1, options=options)
    checkpoint = checkpoint_of(model, folder)
    for name in ("unet.safetensors", "unet.onnx"):
        export(checkpoint, to=Path(name).suffix[1:], out=folder / name)
    weights = folder / "unet.safetensors"
    export(weights, to="onnx", out=folder / "graph" / "unet.onnx", weights=weights)
    return folder


def whole_and_graph(folder: Path) -> list[OnnxNetwork]:
    """The network with its weights in the graph, and with them beside it."""
    beside = Graph(folder / "graph" / "unet.onnx", weights=folder / "unet.safetensors")
    return [load_onnx(folder / "unet.onnx"), OnnxNetwork(beside)]


@pytest.mark.parametrize("tile_px", [reading.TILE_PX, 1024])
def test_a_network_that_tells_traces_apart_says_the_same_by_both_runtimes(
    apart: Path, tile_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "TILE_PX", tile_px)
    image, asked = picture(70, 1500), {"px_per_mm": 7.0, "row_px": 31.0}
    assert len(reading.tiles(round(1500 * 8 / 7))) == (1 if tile_px > 1714 else 3)
    by_torch = load_model(apart / "unet.safetensors")
    expected = by_torch.columns(image, **asked)
    assert np.ptp(expected.mask) > 0.01
    for network in whole_and_graph(apart):
        found = network.columns(image, **asked)
        for name in ("mask", "rows", "presence", "x_px", "y_px"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5)
        np.testing.assert_array_equal(network(image, **asked), found.mask)
        facts = ("name", "method", "has_columns", "has_ink", "has_masks")
        assert all(getattr(network.info, f) == getattr(by_torch.info, f) for f in facts)


def test_a_network_of_one_size_is_read_as_by_torch(tmp_path: Path) -> None:
    """As `unet_paper`, whatever the picture's own size."""
    options = {"decoder_channels": [32, 16, 8, 8, 8]}
    model = SegmentationModel(
        encoder="resnet18", px_per_mm=None, size_px=(64, 128), planes=3, masks=1, options=options
    )
    checkpoint = checkpoint_of(model, tmp_path)
    export(checkpoint, to="onnx", out=tmp_path / "m.onnx")
    by_torch, by_onnx = load_model(checkpoint), load_onnx(tmp_path / "m.onnx")
    assert by_onnx.info.name == by_torch.info.name == "unet_paper"
    expected = by_torch(picture(), px_per_mm=8.0)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(by_onnx(picture(), px_per_mm=8.0), expected, atol=1e-5)


def test_a_graph_without_weights_is_their_small_companion(apart: Path) -> None:
    file = apart / "unet.safetensors"
    graph = whole_and_graph(apart)[1]
    assert graph.info.sha256 == load_model(file).info.sha256
    assert (apart / "graph" / "unet.onnx").stat().st_size < file.stat().st_size / 50


def test_a_graph_without_weights_takes_no_others(apart: Path, tmp_path: Path) -> None:
    file = tmp_path / "unet.onnx"
    shutil.copy(apart / "graph" / "unet.onnx", file)
    with pytest.raises(InputError, match="no graph that can be run"):
        Graph(file)  # nothing lies beside it
    shutil.copy(apart / "unet.safetensors", tmp_path)
    with pytest.raises(InputError, match="its weights are in another file; export it anew"):
        Graph(file)
    other = tmp_path / "other.safetensors"
    content = bytearray(other.write_bytes(b"") or (tmp_path / "unet.safetensors").read_bytes())
    content[-1] ^= 1
    other.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"in another file than other\.safetensors"):
        Graph(file, weights=other)


def test_weights_that_lack_what_the_graph_needs_are_refused(
    apart: Path, tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"unet\.safetensors: holds no first"):
        export(tiny[0], to="onnx", out=tmp_path / "g.onnx", weights=apart / "unet.safetensors")
    with pytest.raises(InputError, match="give --to onnx"):
        out = tmp_path / "g.safetensors"
        export(tiny[0], to="safetensors", out=out, weights=apart / "unet.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not weights.PACKAGED.is_file(), reason="no weights in this checkout")
def test_signals_are_those_of_torch_to_a_microvolt(monkeypatch: pytest.MonkeyPatch) -> None:
    by_torch, by_onnx = load_model(), load_onnx()
    assert by_onnx.info.sha256 == by_torch.info.sha256
    for preset, index, tile_px in (("clean", 1, 4096), ("overlap", 0, 1024), ("overlap", 1, 4096)):
        monkeypatch.setattr(reading, "TILE_PX", tile_px)
        image = data_gen.make_sample(index, seed=7, config=preset).image
        expected = digitize_lead(image, network=by_torch)
        found = digitize_lead(image, network=by_onnx)
        assert found.method == expected.method == "unet+stroke" and found.coverage > 0.9
        np.testing.assert_allclose(found.signal_mv, expected.signal_mv, rtol=0, atol=1e-3)


@pytest.mark.parametrize("px_per_mm", [8.0, 6.3, 11.8])
def test_both_runtimes_say_the_same(tiny: tuple[Path, Path], px_per_mm: float) -> None:
    by_torch, by_onnx = load_model(tiny[0]), load_ink(tiny[1])
    for image in (picture(), picture(700, 1100)):
        found = by_onnx.ink(image, px_per_mm=px_per_mm)
        expected = by_torch.ink(image, px_per_mm=px_per_mm)
        assert found.shape == image.shape[:2] and np.ptp(expected) > 0.01
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.array_equal(by_onnx(image, px_per_mm=px_per_mm), found)


def test_both_runtimes_say_the_same_of_whose_the_ink_is(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = InkNet(channels=[8, 12, 16], px_per_mm=8.0, offsets=True)
    checkpoint = checkpoint_of(model, tmp_path / "run")
    export(checkpoint, to="onnx", out=tmp_path / "graph" / "whose.onnx")
    by_onnx = load_ink(tmp_path / "graph" / "whose.onnx").seen(picture(), px_per_mm=6.3)
    by_torch = load_model(checkpoint).seen(picture(), px_per_mm=6.3)
    assert by_onnx.offsets is not None and by_torch.offsets is not None
    assert by_onnx.offsets.shape == (len(OFFSETS_MM), 57, 83)  # half of 8 px/mm
    np.testing.assert_allclose(by_onnx.offsets, by_torch.offsets, atol=1e-4)
    np.testing.assert_allclose(by_onnx.offsets.sum(axis=0), 1, atol=1e-4)


def test_a_lead_is_read_with_a_network_that_says_whose_the_ink_is(tmp_path: Path) -> None:
    """Untrained, it may be wrong of every pixel: there is a signal all the same."""
    torch.manual_seed(0)
    model = InkNet(channels=[8, 12, 16], px_per_mm=8.0, offsets=True)
    sample = load("overlap").sample(0, seed=3)
    assert sample.calibration is not None
    network = load_model(checkpoint_of(model, tmp_path))
    found = digitize_lead(sample.image, px_per_mm=sample.calibration.px_per_mm_y, network=network)
    assert found.method == "ink+stroke" and found.coverage > 0.5


def test_a_network_says_what_it_is_read_by(tiny: tuple[Path, Path]) -> None:
    for network in (load_model(tiny[0]), load_ink(tiny[1])):
        info = network.info
        assert (info.name, info.method, info.has_ink) == ("ink", "ink+stroke", True)
        assert not info.has_masks and info.sha256 is not None


def test_a_network_that_tells_traces_apart_does_not_see_ink(tmp_path: Path) -> None:
    model = SegmentationModel(encoder="resnet18", options={"decoder_channels": [32, 16, 8, 8, 8]})
    network = load_model(checkpoint_of(model, tmp_path))
    with pytest.raises(InputError, match="does not see ink"):
        network.ink(picture(), px_per_mm=8.0)


def test_a_session_stays_in_its_process(tiny: tuple[Path, Path]) -> None:
    with pytest.raises(TypeError, match="load the file again"):
        pickle.dumps(OnnxNetwork(Graph(tiny[1])))


def test_another_process_opens_the_file_of_a_network_itself(tiny: tuple[Path, Path]) -> None:
    network = load_ink(tiny[1])
    there = pickle.loads(pickle.dumps(network))
    assert (there.info.sha256, there.info.checkpoint) == (network.info.sha256, tiny[1].name)


def test_each_file_is_opened_once(packaged: Path) -> None:
    assert load_ink() is load_ink()
    assert load_ink().info.checkpoint.startswith("package: ink.onnx (sha256 ")  # type: ignore[union-attr]


@pytest.mark.parametrize(("told", "threads"), [("3", 3), (" 4 , 2", 4), ("", 0), ("many", 0)])
def test_threads_are_bounded_as_openmp_is_told(
    tiny: tuple[Path, Path], told: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert Graph(tiny[1]).session.get_session_options().intra_op_num_threads == threads


def test_a_damaged_graph_is_one_line(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "ink.onnx"
    content = bytearray(tiny[1].read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    shutil.copy(tiny[1].with_name("ink.onnx.sha256"), tmp_path)
    with pytest.raises(InputError, match=r"damaged: its SHA-256"):
        load_ink(file)
    (tmp_path / "ink.onnx.sha256").unlink()
    file.write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"is no graph that can be run .*; export it anew"):
        load_ink(file)


def test_a_graph_of_another_network_is_refused(tmp_path: Path) -> None:
    model = SegmentationModel(encoder="resnet18", options={"decoder_channels": [32, 16, 8, 8, 8]})
    out = tmp_path / "unet.onnx"
    export(checkpoint_of(model, tmp_path), to="onnx", out=out)
    with pytest.raises(InputError, match="model=ink"):
        load_ink(out)


def test_without_onnxruntime_it_says_what_to_install(
    tiny: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnxruntime"):
        Graph(tiny[1])


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Where ONNX Runtime reports its use, it first writes an identity below the home folder."""
    read = "load_ink().ink(np.zeros((64, 64, 3), np.uint8), px_per_mm=8.0)"
    code = f"import numpy as np; from ecg_overlap.onnx_network import load_ink; {read}"
    quiet = ("CI", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
    env = {name: value for name, value in os.environ.items() if name not in quiet}
    subprocess.run([sys.executable, "-c", code], env=env | {"HOME": str(tmp_path)}, check=True)
    assert [file.name for file in tmp_path.rglob("*") if "onnx" in file.name.lower()] == []


def test_without_weights_the_package_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PACKAGED_INK", tmp_path / "ink.onnx")
    with pytest.raises(InputError, match="missing from this install"):
        load_ink()


def test_the_command_line_reads_a_lead_by_it(
    packaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = presets.load("clean", values={"page": {"dpi": 150, "layout": "3x4"}}).sample(1).image
    cv2.imwrite(str(tmp_path / "lead.png"), image[..., ::-1])
    argv = ["digitize", str(tmp_path / "lead.png"), "--px-per-mm", "6"]
    checkpoint, method = ["--checkpoint", str(packaged)], ["--method", "ink+stroke"]
    for k, extra in enumerate((method, [*method, *checkpoint], checkpoint)):
        out = tmp_path / f"o{k}"
        status = main([*argv, "--out", str(out), *extra])
        assert "not a checkpoint" not in capsys.readouterr().err
        if status == 0:  # an untrained network may see no trace at all
            facts = json.loads((out / "lead.json").read_text())
            assert facts["method"] == "ink+stroke"
            assert facts["weights_sha256"] == load_ink(packaged).info.sha256


def test_evaluation_has_it_beside_the_package(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    networks = evaluation.networks_of({"ink": str(packaged)})
    names = [m.name for m in evaluation.chosen_methods(["ink+stroke", "classical"], networks)]
    assert names == ["ink+stroke", "classical"]


@pytest.mark.skipif(not weights.PACKAGED_INK.is_file(), reason="no weights in this checkout")
def test_the_graph_that_comes_with_the_package_is_whole_and_small() -> None:
    network = load_ink()
    assert weights.PACKAGED_INK.stat().st_size <= 1.5e6
    card = (weights.PACKAGED_INK.parent / "INK_CARD.md").read_text(encoding="utf-8")
    assert network.info.sha256 is not None and network.info.sha256 in card


def test_its_card_says_what_it_sees(tiny: tuple[Path, Path]) -> None:
    card = tiny[1].with_name("ink.onnx.md").read_text(encoding="utf-8")
    assert "the ink of all traces" in card and "| best read by | `ink+stroke` |" in card
    assert "--row" not in card  # it knows of no primary


def test_evaluation_gives_both_of_the_packages_networks_as_one(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = SegmentationModel(encoder="resnet18", options={"decoder_channels": [32, 16, 8, 8, 8]})
    out = tmp_path / "weights" / "unet.safetensors"
    export(checkpoint_of(model, tmp_path), to="safetensors", out=out)
    monkeypatch.setattr(weights, "PACKAGED", out)
    networks = evaluation.networks_of("package")
    assert set(networks) == {"unet", "ink", "ink+unet"}
    methods = {m.name: m for m in evaluation.chosen_methods(None, networks)}
    assert {"unet+stroke", "ink+stroke", "ink+unet+stroke", "classical"} < set(methods)
    digests = methods["ink+unet+stroke"].weights_sha256
    assert digests == f"{networks['unet'].info.sha256}+{networks['ink'].info.sha256}"

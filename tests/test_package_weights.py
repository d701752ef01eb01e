"""The network in the package: found without a network connection, checked, and used by default."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import cv2
import pytest
import torch

import data_gen
import ecg_overlap
from data_gen import presets
from data_gen.errors import InputError
from data_gen.formats.files import sha256
from ecg_overlap import weights
from ecg_overlap.cli import main
from ecg_overlap.digitize import packaged as needed_files
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.evaluation import run as evaluation
from ecg_overlap.export import export
from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import load_model

# What a fresh process runs: the command line, with every way out of the machine closed.
OFFLINE = """
import socket, sys
def refused(*a, **k): raise AssertionError("the network was asked")
for name in ("connect", "connect_ex"): setattr(socket.socket, name, refused)
socket.getaddrinfo = socket.create_connection = refused
from ecg_overlap.cli import main
if __name__ == "__main__":
    status = main(sys.argv[1:])
    # What the extra `train` brings, and digitizing does without:
    brought = {"torch", "pytorch_lightning", "torchmetrics", "segmentation_models_pytorch", "timm",
               "albumentations", "hydra", "omegaconf", "neurokit2", "pydantic"}
    print(*brought & {*sys.modules}, "end")
    sys.exit(status)
"""
NO_EXTRA = "end"  # what it says where none of them was loaded


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exported weights of a small untrained network, best read by its mask."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    model = SegmentationModel(
        encoder="resnet18",
        fold=4,
        columns_per_px=1,
        options={"decoder_channels": [32, 16, 8, 8, 8]},
    )
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    checkpoint = folder / "run" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    torch.save({"network": model.spec, "state_dict": state, "global_step": 1}, checkpoint)
    out = folder / "weights" / "unet.safetensors"
    export(checkpoint, to="safetensors", out=out, method="unet+stroke")
    export(out, to="onnx", out=out.with_suffix(".onnx"), weights=out)
    return out.parent


@pytest.fixture
def packaged(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny network in the package's place."""
    monkeypatch.setattr(weights, "PACKAGED", tiny / "unet.safetensors")
    monkeypatch.setattr(weights, "PACKAGED_INK", tiny / "none.onnx")
    return weights.PACKAGED


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network in the package's place."""
    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "none" / "unet.safetensors")
    monkeypatch.setattr(weights, "PACKAGED_INK", tmp_path / "none" / "ink.onnx")
    return weights.PACKAGED


@pytest.fixture(scope="session")
def lead_png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "lead.png"
    page = {"dpi": 150, "layout": "3x4"}
    image = presets.load("clean", values={"page": page}).sample(1).image
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def installed(folder: Path, shipped: Path | None) -> dict[str, str]:
    """A copy of the packages, with these weights or none, and the environment that finds it."""
    skip = shutil.ignore_patterns("*.safetensors*", "unet.onnx*", "*.md")
    for package in (ecg_overlap, data_gen):
        root = Path(package.__path__[0])
        shutil.copytree(root, folder / root.name, ignore=skip)
    shutil.copytree(Path(__file__).parents[1] / "conf", folder / "data_gen" / "conf")
    for file in shipped.iterdir() if shipped else ():
        shutil.copy(file, folder / "ecg_overlap" / "weights")
    return {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


def fresh(
    environment: dict[str, str], folder: Path, *argv: str
) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, from a file, so that it can spawn others."""
    script = folder / "offline.py"
    script.write_text(OFFLINE)
    command = [sys.executable, str(script), *argv]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_load_model_takes_the_packages_network_without_a_connection(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    network = load_model()
    digest = sha256(packaged)
    assert network.info.checkpoint == f"package: unet.safetensors (sha256 {digest[:12]})"
    assert (network.info.sha256, network.info.name, network.info.method) == (
        digest,
        "unet_coord",
        "unet+stroke",
    )


def test_a_result_says_which_weights_made_it(packaged: Path) -> None:
    image = data_gen.make_sample(0, config="clean").image
    network = load_model()
    read = digitize_lead(image, network=network, px_per_mm=8)
    assert (read.method, read.weights_sha256) == ("unet+stroke", network.info.sha256)
    for options in ({"method": "classical", "network": network}, {}):
        plain = digitize_lead(image, px_per_mm=8, **options)  # type: ignore[arg-type]
        assert (plain.method, plain.weights_sha256) == ("classical", None)


def test_damaged_weights_are_one_line(
    tiny: Path, lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(tiny, tmp_path / "weights")
    file = tmp_path / "weights" / "unet.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    monkeypatch.setattr(weights, "PACKAGED", file)
    with pytest.raises(InputError, match=r"damaged: its SHA-256 .* anew"):
        load_model()
    assert main(["digitize", str(lead_png), "--out", str(tmp_path / "o")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "damaged" in line and not (tmp_path / "o").exists()


def test_weights_without_their_digest_are_not_trusted(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(tiny / "unet.safetensors", tmp_path)
    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "unet.safetensors")
    with pytest.raises(InputError, match=r"unet\.safetensors\.sha256: is missing"):
        load_model()


def test_missing_weights_are_said_with_every_way_on(bare: Path) -> None:
    with pytest.raises(InputError, match=r"missing from this install.*anew.*checkpoint.*classical"):
        load_model()


@pytest.mark.parametrize("method", [[], ["--method", "unet+stroke"]])
def test_without_weights_no_other_method_steps_in(
    bare: Path, lead_png: Path, tmp_path: Path, method: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "o"
    assert main(["digitize", str(lead_png), "--out", str(out), *method]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "missing from this install" in line and not out.exists()


@pytest.mark.parametrize("command", ["digitize", "page"])
@pytest.mark.parametrize("name", needed_files.NEEDED)
def test_a_network_that_every_picture_needs_is_missed_before_the_first(
    lead_png: Path, tmp_path: Path, command: str, name: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    kept = tmp_path / "weights"
    shutil.copytree(needed_files.WEIGHTS, kept)
    (kept / f"{name}.onnx").unlink()
    monkeypatch.setattr(needed_files, "WEIGHTS", kept)
    out = tmp_path / "o"
    assert main([command, str(lead_png), "--out", str(out), "--method", "classical"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}.onnx: is missing from this install" in line and not out.exists()


def test_a_checkpoint_goes_before_the_package(
    bare: Path, tiny: Path, lead_png: Path, tmp_path: Path
) -> None:
    file = tiny / "unet.safetensors"
    argv = ["digitize", str(lead_png), "--out", str(tmp_path), "--px-per-mm", "6"]
    assert main([*argv, "--checkpoint", str(file)]) == 0
    assert json.loads((tmp_path / "lead.json").read_text())["weights_sha256"] == sha256(file)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--checkpoint", "none.ckpt"], "no such checkpoint"),
        (["--method", "paper"], "not made for it"),
    ],
)
def test_a_network_that_cannot_serve_fails_once(
    packaged: Path, lead_png: Path, tmp_path: Path, extra: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["digitize", str(lead_png), "--out", str(tmp_path / "o"), *extra]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and not (tmp_path / "o").exists()


def test_a_fresh_install_digitizes_offline_with_its_own_network(
    tiny: Path, lead_png: Path, tmp_path: Path
) -> None:
    environment = installed(tmp_path / "site", tiny)
    second = tmp_path / "second.png"
    shutil.copy(lead_png, second)
    done = fresh(environment, tmp_path, "digitize", str(lead_png), "--out", "one")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, NO_EXTRA), done.stderr
    facts = json.loads((tmp_path / "one" / "lead.json").read_text())
    # By default the network of ink reads first, and of this lead it is sure.
    ink = ("ink+stroke", sha256(weights.PACKAGED_INK))
    assert (facts["method"], facts["weights_sha256"]) == ink
    argv = ["digitize", str(lead_png), str(second), "--out", "two", "--jobs", "2"]
    done = fresh(environment, tmp_path, *argv)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, NO_EXTRA), done.stderr
    rows = list(csv.DictReader((tmp_path / "two" / "summary.csv").open()))
    assert [(row["method"], row["weights_sha256"]) for row in rows] == [ink] * 2


def test_a_stripped_install_says_so_and_classical_needs_neither_weights_nor_torch(
    lead_png: Path, tmp_path: Path
) -> None:
    environment = installed(tmp_path / "site", None)
    refused = fresh(environment, tmp_path, "digitize", str(lead_png), "--out", "o")
    assert refused.returncode == 1 and "missing from this install" in refused.stderr
    argv = ["digitize", str(lead_png), "--out", "o", "--method", "classical"]
    done = fresh(environment, tmp_path, *argv)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, NO_EXTRA), done.stderr
    facts: dict[str, Any] = json.loads((tmp_path / "o" / "lead.json").read_text())
    assert (facts["method"], facts["weights_sha256"]) == ("classical", None)


def test_evaluation_takes_the_newest_run_then_the_package_and_says_which(
    packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for ckpt in (None, "package", {"unet+stroke": "package"}):
        (network,) = evaluation.networks_of(ckpt).values()
        assert network.info.sha256 == sha256(packaged)
    assert capsys.readouterr().out.count("network: package: unet.safetensors") == 2
    run = tmp_path / "outputs" / "train" / "mine"
    shutil.copytree(tiny.parent / "run", run)
    networks = evaluation.networks_of(None)
    assert networks["unet_coord"].info.checkpoint == "outputs/train/mine/checkpoints/best.ckpt"
    assert "network: outputs/train/mine" in capsys.readouterr().out
    assert evaluation.networks_of("package")["unet_coord"].info.sha256 == sha256(packaged)


def test_evaluation_reads_a_network_by_its_kind_and_by_its_own_method(packaged: Path) -> None:
    methods = {
        m.name: m for m in evaluation.chosen_methods(None, evaluation.networks_of("package"))
    }
    assert {"unet+stroke", "unet_coord"} < set(methods)
    assert methods["unet+stroke"].weights_sha256 == sha256(packaged)


def test_evaluation_without_any_network_warns(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evaluation.networks_of(None) == {}
    assert "no checkpoint" in capsys.readouterr().out


@pytest.mark.skipif(not weights.PACKAGED.is_file(), reason="no weights in this checkout")
def test_the_weights_that_come_with_the_package_are_whole_and_small() -> None:
    network = load_model()
    held = [f for f in weights.PACKAGED.parent.iterdir() if f.suffix in (".onnx", ".safetensors")]
    assert sum(file.stat().st_size for file in held) <= 16e6
    card = (weights.PACKAGED.parent / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert network.info.sha256 is not None and network.info.sha256 in card
    assert sha256(weights.PACKAGED.with_suffix(".onnx")) in card

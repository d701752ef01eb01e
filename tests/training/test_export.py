"""Exported weights give what the checkpoint gives, load back, and say what they are."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from untrained import checkpoint_of

from data_gen.errors import InputError
from ecg_overlap import export as module
from ecg_overlap.cli import main
from ecg_overlap.digitize.silent_runtime import silent_runtime
from ecg_overlap.export import export, largest_difference, pictures, run_torch
from ecg_overlap.models import SegmentationModel
from ecg_overlap.network import load_model
from ecg_overlap.training import train
from ecg_overlap.weights.files import SPEC, write_safetensors

Compose = Callable[..., DictConfig]


@pytest.fixture(params=["masks", "rows too"])
def checkpoint(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of a small network, as train.py stores it, without the training."""
    torch.manual_seed(0)
    head = {} if request.param == "masks" else {"fold": 2, "fine_channels": 8, "columns_per_px": 2}
    options = {"decoder_channels": [32, 16, 8, 8, 8]}
    model = SegmentationModel(encoder="resnet18", options=options, **head)
    return checkpoint_of(model, tmp_path / "run", step=12)


def test_safetensors_load_back_as_the_same_network(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "m.safetensors"
    arguments = ["export", "--ckpt", str(checkpoint), "--to", "safetensors", "--out", str(out)]
    before = os.umask(0o027)
    try:
        assert main(arguments) == 0
    finally:
        os.umask(before)
    assert {stat.S_IMODE(p.stat().st_mode) for p in out.parent.iterdir()} == {0o640}
    assert "largest difference 0.0e+00" in capsys.readouterr().out
    assert {p.name for p in out.parent.iterdir()} == {
        *("m.safetensors", "m.safetensors.md", "m.safetensors.sha256")
    }
    ours, theirs = load_model(checkpoint).model, load_model(out).model
    assert theirs.spec == ours.spec
    assert largest_difference(ours, run_torch(theirs)) == 0


def test_onnx_takes_pictures_of_any_size_and_carries_the_spec(
    checkpoint: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    made = export(checkpoint, to="onnx", out=tmp_path / "m.onnx")
    assert 0 < made.largest_difference <= 1e-4
    model = load_model(checkpoint).model
    properties = {p.key: p.value for p in onnx.load(made.weights).metadata_props}
    assert json.loads(properties[SPEC]) == json.loads(json.dumps(model.spec))
    assert b'.py", line ' not in made.weights.read_bytes()  # no path of the machine that wrote it
    session = silent_runtime().InferenceSession(made.weights)
    names = [output.name for output in session.get_outputs()]
    for channels in (torch.rand(3, 6, 64, 192), torch.rand(1, 6, 128, 64)):
        found = session.run(None, {"channels": channels.numpy()})
        with torch.inference_mode():
            expected = model(channels)
        assert names == list(expected)
        for name, output in zip(names, found, strict=True):
            torch.testing.assert_close(torch.from_numpy(output), expected[name], atol=1e-4, rtol=0)


def test_outputs_that_differ_are_refused_and_nothing_is_left(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worse(model: SegmentationModel, file: Path, facts: dict[str, str], _: None) -> None:
        with torch.no_grad():
            next(model.net.segmentation_head.parameters()).add_(0.01)
        write_safetensors(file, facts, model.state_dict())
        with torch.no_grad():
            next(model.net.segmentation_head.parameters()).sub_(0.01)

    monkeypatch.setitem(module.FORMATS, "safetensors", (worse, module.from_safetensors))
    out = tmp_path / "new" / "m.safetensors"
    with pytest.raises(InputError, match="would differ by"):
        export(checkpoint, to="safetensors", out=out)
    assert list(out.parent.iterdir()) == []


def test_the_card_says_what_it_was_trained_on_and_how_good_it_is(
    config: Compose, tmp_path: Path
) -> None:
    cfg = config("test.methods=[unet+stroke]", "test.sets=[clean]", "callbacks.pictures=null")
    train(cfg)
    best = Path(cfg.run_dir) / "checkpoints" / "best.ckpt"
    card = export(best, to="safetensors", out=tmp_path / "m.safetensors").card.read_text()
    for said in (
        *(
            "architecture Unet, encoder resnet18",
            "fold 4",
            "8 px/mm",
            "2 steps of 2 samples per process, seed 0",
        ),
        *("encoder: from scratch", "| clean | all | `unet+stroke` | 2 |"),
        *(
            "Apache-2.0",
            "no terms",
            "No medical device",
            "100% signals (`data_gen.signals.simulate",
        ),
    ):
        assert said in card, said


MIXED = """
paths: {data: /somewhere/data}
signals:
  weights: {ptbxl: 3, more: 1, neurokit: 0}
  ptbxl: {_target_: data_gen.signals.ptbxl.Ptbxl, root: /somewhere/data/ptbxl}
  more: {_target_: data_gen.signals.wfdb_folder.Wfdb, root: "${paths.data}/ptbxl_more"}
  neurokit: {_target_: data_gen.signals.neurokit.NeuroKit}
model: {encoder_weights: null}
data: {batch_size: 8}
trainer: {accumulate_grad_batches: 2}
seed: 7
weights: /somewhere/first.ckpt
"""


def results_of(folder: Path, params: int, sha256: str | None) -> Path:
    """A results.json of two methods on LUDB, with hand-made numbers."""
    metrics = [
        ("failure_rate", "none", 0.0125),
        ("iou", "none", 0.75),
        ("snr_db", "aligned", 17.25),
    ]
    facts = {
        "command": "python eval.py ckpt=best.ckpt",
        "git": "0123456789ab",
        "test_sets": {"overlap_ludb": {}},
        "methods": {
            "unet+stroke": {"kind": "model", "params": params, "weights_sha256": sha256},
            "classical": {"kind": "baseline"},
            "stroke@mask": {"kind": "oracle"},
        },
        "scores": [
            {
                **{"method": method, "test_set": "overlap_ludb", "subset": "all", "n": 80},
                **{"metric": metric, "alignment": aligned, "mean": value, "median": value},
            }
            for method in ("unet+stroke", "classical", "stroke@mask")
            for metric, aligned, value in metrics
        ],
    }
    file = folder / "scored.json"
    file.write_text(json.dumps(facts))
    return file


def test_the_card_names_the_data_the_command_and_the_scores_given(
    checkpoint: Path, tmp_path: Path
) -> None:
    (checkpoint.parent.parent / "config.yaml").write_text(MIXED)
    network = load_model(checkpoint)
    made = export(
        checkpoint,
        to="safetensors",
        out=tmp_path / "m.safetensors",
        method="unet+stroke",
        card=tmp_path / "MODEL_CARD.md",
        results=[results_of(tmp_path, network.info.params, network.info.sha256)],
        trained_by="python train.py experiment=best",
    )
    assert (
        made.card.name == "MODEL_CARD.md" and load_model(made.weights).info.method == "unet+stroke"
    )
    card = made.card.read_text()
    for said in (
        *("python train.py experiment=best", "12 steps of 16 samples", "seed 7: 192 samples"),
        *("75% ptbxl (`", "25% more (`", "CC BY 4.0: P. Wagner", "Apache-2.0, as the code"),
        *(
            "Only tested on: LUDB",
            "The patients of more are not known",
            "started from `first.ckpt`",
        ),
        "python eval.py ckpt=best.ckpt",
        "| overlap_ludb | all | `unet+stroke` | 80 | 0.750 | · | · | 17.2 | 1.2% |",
        "| overlap_ludb | all | `classical` | 80 |",
        *(f"| parameters | {network.info.params:,} |", f"`{load_model(made.weights).info.sha256}`"),
    ):
        assert said in card, said
    for unsaid in ("stroke@mask", "neurokit (", "/somewhere"):
        assert unsaid not in card, unsaid


@pytest.mark.parametrize(("params", "sha256"), [(1, None), (None, "0" * 64)])
def test_scores_of_other_weights_are_refused(
    checkpoint: Path, tmp_path: Path, params: int | None, sha256: str | None
) -> None:
    scored = results_of(tmp_path, params or load_model(checkpoint).info.params, sha256)
    out = tmp_path / "new" / "m.safetensors"
    with pytest.raises(InputError, match=r"unet\+stroke was scored with other weights"):
        export(checkpoint, to="safetensors", out=out, results=[scored])
    assert list(out.parent.iterdir()) == []


def other_of(checkpoint: Path, run: str, config: str = "") -> Path:
    """A checkpoint of the same network in a run of its own, every weight and mean 0.01 higher."""
    stored = torch.load(checkpoint, weights_only=True)
    stored["state_dict"] = {
        name: value + 0.01 if value.is_floating_point() else value
        for name, value in stored["state_dict"].items()
    }
    file = checkpoint.parent.parent.parent / run / "checkpoints" / "last.ckpt"
    file.parent.mkdir(parents=True)
    torch.save(stored, file)
    (file.parent.parent / "config.yaml").write_text(config)
    return file


def test_of_several_checkpoints_the_weights_are_averaged(checkpoint: Path, tmp_path: Path) -> None:
    other = other_of(checkpoint, "further", MIXED)
    out = tmp_path / "m.safetensors"
    argv = ["export", "--ckpt", str(checkpoint), str(other), "--shares", "3", "1"]
    assert main([*argv, "--to", "safetensors", "--out", str(out)]) == 0
    first, made = load_model(checkpoint).model.state_dict(), load_model(out).model.state_dict()
    for name, value in first.items():
        expected = value + 0.0025 if value.is_floating_point() else value
        torch.testing.assert_close(made[name], expected, msg=name)
    card = out.with_name("m.safetensors.md").read_text()
    for said in ("the average of 75% best.ckpt", "25% last.ckpt", "75% ptbxl (`", "### last.ckpt"):
        assert said in card, said
    scored = results_of(tmp_path, load_model(out).info.params, load_model(out).info.sha256)
    again = export(checkpoint, other, shares=[3, 1], to="safetensors", out=out, results=[scored])
    assert "| overlap_ludb | all | `unet+stroke` | 80" in again.card.read_text()


@pytest.mark.parametrize(
    ("shares", "said"),
    [([1.0], "1 of 2 checkpoints"), ([1.0, 0.0], "shares"), ([], "not the network")],
)
def test_checkpoints_that_make_no_average_are_refused(
    checkpoint: Path, tmp_path: Path, shares: list[float], said: str
) -> None:
    other = other_of(checkpoint, "further")
    if not shares:
        model = SegmentationModel(encoder="resnet18", options={"decoder_channels": [16] * 5})
        state = {f"model.{name}": value for name, value in model.state_dict().items()}
        torch.save({"network": model.spec, "state_dict": state, "global_step": 1}, other)
    with pytest.raises(InputError, match=said):
        export(checkpoint, other, shares=shares, to="safetensors", out=tmp_path / "m.safetensors")
    assert not list(tmp_path.glob("m.*"))


def test_an_average_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give at least one"):
        export(to="safetensors", out=tmp_path / "m.safetensors")


def test_nothing_unknown_is_in_the_card(checkpoint: Path, tmp_path: Path) -> None:
    card = export(checkpoint, to="safetensors", out=tmp_path / "m.safetensors").card.read_text()
    assert "## Scores" not in card and "Apache-2.0" not in card and "not known" in card


def test_a_method_that_cannot_read_the_network_is_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.safetensors"
    argv = ["export", "--ckpt", str(checkpoint), "--to", "safetensors", "--out", str(out)]
    assert main([*argv, "--method", "classical"]) == 1
    assert "choose of unet+stroke" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "torchscript", "--out", "m.pt"], "choose one of safetensors, onnx"),
        (["--to", "onnx", "--out", "m.safetensors"], "does not end in .onnx"),
        (["--to", "onnx", "--out", "m.onnx", "--ckpt", "none.ckpt"], "none.ckpt: no such"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], message: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--ckpt", str(checkpoint), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_without_the_packages_of_onnx_the_extra_is_named(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"ecg-overlap\[export\]"):
        export(checkpoint, to="onnx", out=tmp_path / "m.onnx")


def test_damaged_and_foreign_safetensors_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    out = export(checkpoint, to="safetensors", out=tmp_path / "m.safetensors").weights
    content = bytearray(out.read_bytes())
    content[-1] ^= 1
    out.write_bytes(bytes(content))
    with pytest.raises(InputError, match="SHA-256"):
        load_model(out)
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"not weights")
    with pytest.raises(InputError, match="not weights of ecg-overlap"):
        load_model(foreign)


def test_pictures_for_comparison_come_in_several_sizes() -> None:
    sizes = {tuple(p.shape[2:]) for p in pictures(SegmentationModel(encoder="resnet18"))}
    assert sizes == {(32, 128), (64, 96), (96, 64), (128, 32)}


def test_the_command_line_needs_no_torch_for_its_help() -> None:
    code = "import sys, ecg_overlap.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The main job in small: train, test, results; resume to the last bit; bad input in one line."""

import inspect
import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from hydra.errors import ConfigCompositionException, MissingConfigException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from train_process import ENVIRONMENT, ROOT, train_command

from data_gen.errors import InputError
from ecg_overlap.evaluation.provenance import git, versions
from ecg_overlap.evaluation.run import newest_checkpoint
from ecg_overlap.network import load_model
from ecg_overlap.training import train

Compose = Callable[..., DictConfig]


def test_training_ends_with_results_checkpoints_log_and_pictures(
    config: Compose, tmp_path: Path
) -> None:
    scores = train(config())
    run = tmp_path / "run"
    assert {"val/snr_db", "val/iou_target", "val/failure_rate", "train/loss"} <= scores.keys()
    for name in ("results.json", "per_sample.parquet", "config.yaml", "logs/metrics.csv"):
        assert (run / name).is_file(), name
    assert (run / "checkpoints" / "best.ckpt").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert list((run / "pictures").glob("step*.png"))
    results = json.loads((run / "results.json").read_text())
    assert set(results["methods"]) == {"unet+stroke", "viterbi"}
    assert set(results["test_sets"]) == {"clean", "overlap"}
    kinds = {(s["method"], s["metric"]) for s in results["scores"]}
    for method in ("unet+stroke", "viterbi"):
        assert {(method, m) for m in ("iou", "mse_mv2", "failure_rate")} <= kinds


@pytest.mark.parametrize(
    ("model", "method"), [("unet_coord", "unet_coord"), ("unet_paper", "paper")]
)
def test_every_model_is_trained_and_tested_by_its_own_method(
    model: str, method: str, config: Compose, tmp_path: Path
) -> None:
    scores = train(config(f"model={model}", "loss=snr"))
    assert scores["val/loss"] < 1e6  # finite
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert set(results["methods"]) == {method, "viterbi"}
    assert results["methods"][method]["params"] > 1e6


def test_a_loss_that_leaves_the_rows_untrained_is_refused(config: Compose) -> None:
    with pytest.raises(InputError, match="loss=rows"):
        train(config("model=unet_coord", "loss=bce_dice"))


@pytest.mark.parametrize(
    ("logger", "left"),
    [("tensorboard", "tensorboard/events.out.*"), ("wandb", "wandb/offline-run-*/*.wandb")],
)
def test_settings_pictures_and_scores_reach_every_logger(
    logger: str, left: str, config: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    train(config(f"logger={logger}", "test=null", "optimizer.lr=1.25e-3"))
    run = tmp_path / "run"
    assert (run / "logs" / "metrics.csv").is_file()  # always, whatever else there is
    logged = yaml.safe_load((run / "logs" / "hparams.yaml").read_text())
    assert logged["optimizer"]["lr"] == 1.25e-3 and logged["model"]["encoder"] == "resnet18"
    assert logged["trainer"]["default_root_dir"] == str(run)  # resolved
    assert logged["git"] == git() and logged["versions"] == versions()
    model = load_model(run / "checkpoints" / "last.ckpt").model
    assert logged["params"] == sum(p.numel() for p in model.parameters())
    (file,) = run.glob(left)

    def complete() -> bool:
        written = file.read_bytes()
        words = (b"prediction_0", b"val/snr_db", b"resnet18", b"samples_per_epoch", b"params")
        return all(word in written for word in words)

    deadline = time.monotonic() + 60  # wandb's own process may write after it said that it ended
    while not complete() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert complete()


@pytest.mark.parametrize(
    "name",
    # `ink` has windows of its own: test_ink_windows.py.
    sorted({p.stem for p in (ROOT / "conf/experiment").glob("*.yaml")} - {"ink"}),
)
def test_every_experiment_runs(name: str, config: Compose) -> None:
    cfg = config(f"experiment={name}", "test=null")
    sources = [cfg.signals, *(v for v in cfg.signals.values() if isinstance(v, DictConfig))]
    for root in (source.get("root") for source in sources):
        if root is not None and not (ROOT / root).is_dir():
            pytest.skip(f"needs the records of {root}")
    train(cfg)


def test_a_killed_process_leaves_a_checkpoint_to_resume_from(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = train_command(run, "test=null", "data.samples_per_epoch=100000")
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        log = run / "logs" / "metrics.csv"
        deadline = time.monotonic() + 120
        while not log.is_file() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0].decode()
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGINT, output
    assert "resume with ckpt=" in output
    saved = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] > 0


@pytest.mark.parametrize(
    "group",
    [
        "model",
        "aug",
        "signals",
        "trainer",
        "logger",
        "loss",
        "page",
        "data",
        "callbacks",
        "scheduler",
    ],
)
def test_an_unknown_option_lists_the_choices(group: str, config: Compose) -> None:
    options = {p.stem for p in (ROOT / "conf" / group).glob("*.yaml")}
    with pytest.raises(MissingConfigException) as error:
        config(f"{group}=nonsense")
    assert all(option in str(error.value) for option in options)


def test_an_unknown_setting_is_named(config: Compose) -> None:
    with pytest.raises(ConfigCompositionException, match="nonsense"):
        config("model.nonsense=1")


def test_every_option_opens_with_a_comment_that_says_what_it_is_for() -> None:
    for path in (ROOT / "conf").rglob("*.yaml"):
        lines = path.read_text().splitlines()
        first = lines[1] if lines[0].startswith("# @package") else lines[0]
        assert first.startswith("# ") and len(first) > 15, path


def test_a_checkpoint_of_another_model_says_what_differs(config: Compose, tmp_path: Path) -> None:
    train(config("test=null", f"run_dir={tmp_path / 'a'}"))
    saved = tmp_path / "a" / "checkpoints" / "last.ckpt"
    with pytest.raises(InputError, match="resnet18 there, resnet34 here"):
        train(config("test=null", "model.encoder=resnet34", f"ckpt={saved}"))


def test_training_starts_from_trained_weights_with_a_schedule_of_its_own(
    config: Compose, tmp_path: Path
) -> None:
    small = ("test=null", "callbacks.ema=null", "callbacks.checkpoint=null")
    train(config(*small, f"run_dir={tmp_path / 'a'}"))
    saved = tmp_path / "a" / "checkpoints" / "last.ckpt"
    first = torch.load(saved, weights_only=True)
    train(config(*small, f"run_dir={tmp_path / 'b'}", f"weights={saved}", "optimizer.lr=1e-12"))
    second = torch.load(tmp_path / "b" / "checkpoints" / "last.ckpt", weights_only=True)
    assert second["global_step"] == first["global_step"]
    for name, parameter in load_model(saved).model.named_parameters():
        torch.testing.assert_close(second["state_dict"][f"model.{name}"], parameter.data)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("package", "weights=package: weights of another model .*tu-regnety_002 there, resnet18"),
        ("nowhere.safetensors", r"nowhere\.safetensors: no such checkpoint"),
    ],
)
def test_weights_that_do_not_fit_are_named(config: Compose, weights: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(config(f"weights={weights}"))


def test_a_missing_checkpoint_is_named(config: Compose) -> None:
    with pytest.raises(InputError, match=r"nowhere\.ckpt"):
        train(config("ckpt=nowhere.ckpt"))


def test_the_newest_run_is_none_that_only_tried_the_machinery(tmp_path: Path) -> None:
    for k, (name, overrides) in enumerate((("a", "- seed=1\n"), ("b", "- debug=fast\n"))):
        for file in (".hydra/overrides.yaml", "checkpoints/last.ckpt"):
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(overrides)
        os.utime(tmp_path / name / "checkpoints" / "last.ckpt", (k, k))
    found = newest_checkpoint(tmp_path, name="last.ckpt")
    assert found == tmp_path / "a" / "checkpoints" / "last.ckpt"


def test_training_ends_with_what_to_do_next_and_no_false_alarm(
    config: Compose, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.INFO):
        warnings.simplefilter("always")
        cfg = config("test=null")
        train(cfg)
    best = Path(cfg.run_dir) / "checkpoints" / "best.ckpt"
    *_, run, checkpoint, evaluate, digitize = capsys.readouterr().out.splitlines()
    assert run == f"run: {cfg.run_dir}" and checkpoint == f"checkpoint: {best}" and best.is_file()
    assert evaluate == f"next: ecg-overlap eval ckpt={best}"
    assert digitize.endswith(f"--checkpoint {best}")
    said = [str(each.message) for each in warned] + caplog.messages
    assert not [text for text in said if "LeafSpec" in text or "Tip:" in text]


class _Malicious:
    """What a pickle can carry: a call."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("kind", ["pickle", "text", "weights"])
def test_what_no_run_can_go_on_from_is_one_line_and_runs_nothing(
    config: Compose, tmp_path: Path, kind: str
) -> None:
    file, ran = tmp_path / "a.ckpt", tmp_path / "ran"
    if kind == "text":
        file.write_text("no checkpoint")
    else:
        state = _Malicious(ran) if kind == "pickle" else {}
        torch.save({"state_dict": state, "global_step": 1}, file)
    what = "has no loops, optimizer_states" if kind == "weights" else r"not a checkpoint of train"
    with pytest.raises(InputError, match=rf"ckpt=.*a\.ckpt: .*{what}"):
        train(config(f"ckpt={file}"))
    assert not ran.exists()


def test_an_unwritable_folder_is_named_before_anything_runs(
    config: Compose, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        train(config(f"run_dir={blocked}/run"))


def test_a_missing_signal_root_is_one_line_and_an_exit_status(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "train.py", "signals=wfdb", f"signals.root={tmp_path}/none"),
        f"hydra.run.dir={tmp_path}/run",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("error: ") and "none" in lines[0]


def test_outside_a_job_the_slurm_trainer_says_what_it_wants(
    config: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE", raising=False)
    with pytest.raises(InputError, match=r"SLURM_\w+.*srun"):
        train(config("trainer=slurm"))


def test_an_epoch_shorter_than_a_step_is_refused(config: Compose) -> None:
    with pytest.raises(InputError, match=r"4 do not fill one step of 2 × 3"):
        train(config("trainer.accumulate_grad_batches=3"))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("test=false", r"^test=False: .*test=null"),
        ("data.batch_size=0", r"^data\.batch_size: 0"),
        ("data.num_workers=-1", r"^data\.num_workers: -1"),
        ("trainer.max_steps=0", r"^trainer\.max_steps: 0"),
    ],
)
def test_settings_that_train_nothing_are_one_line(
    override: str, line: str, config: Compose
) -> None:
    with pytest.raises(InputError, match=line):
        train(config(override))


def test_a_compiled_model_in_half_precision_leaves_a_checkpoint_like_any_other(
    config: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced: list[object] = []

    def eager(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., object]:
        traced.append(graph)  # Inductor would take a minute to write its C++
        return graph.forward

    in_place = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: in_place(self, backend=eager))
    overrides = ("test=null", "trainer.precision=bf16-mixed", "trainer.deterministic=true")
    # At fold 4, windows of 128 px would be computed in float32.
    train(config(*overrides, "compile=true", "callbacks.pictures=null", "model.fold=1"))
    assert traced
    saved = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    plain = load_model(tmp_path / "run" / "checkpoints" / "best.ckpt").model
    assert {f"model.{name}" for name in plain.state_dict()} == set(saved["state_dict"])


def test_what_every_configuration_sets_has_no_second_default_in_code(config: Compose) -> None:
    """But for a model: a file of conf/model need not name all of its arguments."""
    nodes: dict[str, list[set[str]]] = {}

    def collect(tree: object) -> None:
        if isinstance(tree, dict):
            if str(tree.get("_target_")).startswith("ecg_overlap."):
                nodes.setdefault(tree["_target_"], []).append(set(tree))
            collect(list(tree.values()))
        elif isinstance(tree, list):
            for item in tree:
                collect(item)

    for group in ("data", "loss", "aug", "callbacks"):
        for path in (ROOT / "conf" / group).glob("*.yaml"):
            collect(OmegaConf.to_container(config(f"{group}={path.stem}"))[group])
    assert len(nodes) > 10
    for target, given in nodes.items():
        for name, parameter in inspect.signature(get_object(target)).parameters.items():
            if all(name in arguments for arguments in given):
                assert parameter.default is inspect.Parameter.empty, f"{target}: {name}"

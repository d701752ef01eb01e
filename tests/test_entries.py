"""`ecg-overlap train` and its kin: as the scripts of a clone, and one line where an extra lacks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_gen.errors import InputError
from data_gen.extras import needs_extra

ROOT = Path(__file__).parents[1]
# What a fresh process runs: a command of an install without some packages.
WITHOUT = """
import sys
lacking = sys.argv.pop(1).split(",")
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in lacking:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Lacking())
from ecg_overlap.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""
TRAIN = "torch,pytorch_lightning,segmentation_models_pytorch,albumentations,hydra,omegaconf"


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    called = [sys.executable, *command]
    return subprocess.run(called, cwd=cwd, capture_output=True, text=True, timeout=250, check=False)


@pytest.mark.parametrize(
    ("lacking", "command", "said"),
    [
        (TRAIN, "train", "ecg-overlap train: hydra is not installed; {train}"),
        (TRAIN, "eval n=1", "ecg-overlap eval: hydra is not installed; {train}"),
        (TRAIN, "generate out=o", "ecg-overlap generate: hydra is not installed; {train}"),
        (TRAIN, "sweep", "ecg-overlap sweep: hydra is not installed; {sweep}"),
        ("torch", "train debug=fast", "ecg-overlap train: torch is not installed; {train}"),
        ("torch", "eval n=1", "ecg-overlap eval: torch is not installed; {train}"),
        ("optuna", "sweep", "ecg-overlap sweep: optuna is not installed; {sweep}"),
        (
            TRAIN,
            "export --ckpt a.ckpt --to onnx --out a.onnx",
            "ecg-overlap export: torch is not installed; {export}",
        ),
        (
            "torch",
            "digitize a.png --out o --checkpoint a.safetensors",
            "--checkpoint a.safetensors: torch is not installed; {train}",
        ),
    ],
)
def test_without_an_extra_a_command_says_in_one_line_which(
    lacking: str, command: str, said: str, tmp_path: Path
) -> None:
    script = tmp_path / "without.py"
    script.write_text(WITHOUT)
    for name in ("a.png", "a.safetensors"):
        (tmp_path / name).touch()
    done = run(str(script), lacking, *command.split(), cwd=tmp_path)
    remedies = {e: f'pip install "ecg-overlap[{e}]"' for e in ("train", "sweep", "export")}
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.partition(": ")[2]) == (1, said.format(**remedies))


def test_a_module_of_ours_that_is_missing_is_a_defect_and_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError), needs_extra("train", "x"):
        import ecg_overlap.no_such_module  # noqa: F401
    with pytest.raises(InputError, match=r'pip install "ecg-overlap\[train\]"'):  # noqa: SIM117
        with needs_extra("train", "x"):
            import no_such_package  # noqa: F401


def test_a_command_and_the_script_of_a_clone_write_the_same(tmp_path: Path) -> None:
    plan = ["n=2", "page=clean", "crop=box", "hydra.run.dir=run"]
    ways = {"command": ["-m", "ecg_overlap.cli", "generate"], "script": [f"{ROOT}/generate.py"]}
    for name, way in ways.items():
        done = run(*way, f"out={name}", *plan, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    first, second = (tmp_path / name / "shard-000000.tar" for name in ways)
    assert first.read_bytes() == second.read_bytes()


def test_a_training_writes_below_the_working_folder_and_names_its_command(tmp_path: Path) -> None:
    typed = ["train", "debug=fast", "test.methods=[viterbi]"]
    done = run("-m", "ecg_overlap.cli", *typed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs" / "train").iterdir()
    results = json.loads((folder / "results.json").read_text())
    assert results["command"] == "ecg-overlap train debug=fast 'test.methods=[viterbi]'"
    assert f"next: ecg-overlap eval ckpt={folder}/checkpoints/best.ckpt" in done.stdout


def test_the_help_is_hydras(tmp_path: Path) -> None:
    done = run("-m", "ecg_overlap.cli", "eval", "--help", cwd=tmp_path)
    assert done.returncode == 0 and "held_back:" in done.stdout

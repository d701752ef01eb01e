"""Under `-m` one failing job is marked and the rest go on, whatever launches them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from ecg_overlap.entry import with_path_quoted

ROOT = Path(__file__).parents[1]
APP = """
import hydra
from data_gen.errors import InputError
from ecg_overlap.entry import run

def job(cfg):
    if cfg.x == 1:
        raise InputError("x=1", "is refused", "give another")
    if cfg.x == 2:
        raise ZeroDivisionError("a defect")

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    run(job, cfg)

main()
"""


def launched(tmp_path: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """Run a small app that has the Hydra settings of our entries."""
    settings = {"searchpath": [f"file://{ROOT}/conf"]}
    config = {"defaults": [{"hydra": "default"}, "_self_"], "x": 0, "y": "..", "hydra": settings}
    OmegaConf.save(config, tmp_path / "app.yaml")
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "app.py", *overrides, f"hydra.sweep.dir={tmp_path}/grid"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local"])
def test_failed_jobs_are_marked_and_listed_and_the_rest_go_on(
    launcher: str, tmp_path: Path
) -> None:
    if launcher != "basic":
        pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    # A value with a slash must not send the jobs into one folder.
    done = launched(tmp_path, "-m", "x=0,1,2,3", "y=../z", f"hydra/launcher={launcher}")
    assert done.returncode == 1
    grid = tmp_path / "grid"
    assert sorted(path.parent.name for path in grid.rglob("failed.txt")) == ["1", "2"]
    listed = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert listed == [
        f"failed: {grid}/1 (x=1): x=1: is refused; give another",
        f"failed: {grid}/2 (x=2): ZeroDivisionError: a defect",
    ]
    assert "Traceback" in (grid / "2" / "failed.txt").read_text()
    assert (grid / "3" / ".hydra").is_dir() and not (grid / "3" / "failed.txt").exists()


def test_a_grid_run_again_without_failures_ends_well(tmp_path: Path) -> None:
    assert launched(tmp_path, "-m", "x=0,1").returncode == 1
    done = launched(tmp_path, "-m", "x=0,3")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("grid/*/failed.txt"))


@pytest.mark.parametrize("entry", ["train", "eval", "generate", "sweep"])
def test_every_entry_marks_failed_jobs_and_writes_into_a_folder_of_its_own(entry: str) -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        settings = compose(entry, ["hydra.job.num=7"], return_hydra_config=True).hydra
    assert settings.callbacks.failed_jobs._target_ == "ecg_overlap.entry.MarkFailedJobs"
    assert re.match(rf"multirun/{entry}/\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d", settings.sweep.dir)
    assert settings.sweep.subdir == "7" and not settings.job.chdir
    # The newest checkpoint is looked for in outputs/train.
    assert OmegaConf.to_container(settings.run)["dir"].startswith(
        ("outputs/${", f"outputs/{entry}/")
    )


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("ckpt=a=b/c.ckpt", "ckpt='a=b/c.ckpt'"),
        ("ckpt=it's=b.ckpt", r"ckpt='it\'s=b.ckpt'"),
        ("ckpt='a=b.ckpt'", "ckpt='a=b.ckpt'"),
        ("ckpt={unet: a=b.ckpt}", "ckpt={unet: a=b.ckpt}"),
        ("x=range(start=1,stop=3)", "x=range(start=1,stop=3)"),
        ("x=[a,b]", "x=[a,b]"),
        ("x=a,b", "x=a,b"),
        ("~x", "~x"),
        ("--config-name=a", "--config-name=a"),
        ("x=", "x="),
    ],
)
def test_a_path_is_taken_as_typed(typed: str, taken: str) -> None:
    assert with_path_quoted(typed) == taken


def test_a_path_with_an_equals_sign_is_found(tmp_path: Path) -> None:
    strange = tmp_path / "lr=0.1,seed=0 (2)"
    strange.mkdir()
    (tmp_path / "app.py").write_text(
        'import hydra\nfrom ecg_overlap import entry\n'
        '@hydra.main(version_base="1.3", config_path=None)\n'
        "def main(cfg):\n    print('got', cfg.x)\n"
        "entry.main(main)\n"
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "app.py", f"+x={strange}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == f"got {strange}\n", done.stderr

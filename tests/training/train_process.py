"""`train.py` in a process of its own, on the configuration that the tests share."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Drawn small: the tests are about the machinery, not about what is learnt.
SMALL = ["debug=fast", "crop=window", "crop.size_px=[96,128]", "model.encoder=resnet18"]
ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join(["src", ".", str(Path(__file__).parent)]),  # operator_hand
}


def train_command(folder: Path, *overrides: str) -> list[str]:
    """The command line that trains into a folder."""
    folders = [f"run_dir={folder}", f"hydra.run.dir={folder}"]
    return [sys.executable, "train.py", *SMALL, *folders, *overrides]


def train_process(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    """Train into a folder and wait for the end."""
    return subprocess.run(
        train_command(folder, *overrides),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=290,
    )

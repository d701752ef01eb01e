"""Compose the real configuration, as `train.py` does, shrunk to seconds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from train_process import ROOT, SMALL


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., DictConfig]:
    """Composes train.yaml with overrides into a folder of the test's own."""

    def composed(*overrides: str) -> DictConfig:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return compose("train", [*SMALL, f"run_dir={tmp_path / 'run'}", *overrides])

    return composed

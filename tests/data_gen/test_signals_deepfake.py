"""The generative source, with a stand-in for its package."""

import sys
from importlib import import_module

import numpy as np
import pytest
import torch

from data_gen.errors import InputError
from data_gen.signals import Deepfake, deepfake

STAND_IN = """
import torch
class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.zeros(1))
    def forward(self, noise):
        return noise * self.gain
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the same shape: its network multiplies the noise by a stored 0.5."""
    for name in [name for name in sys.modules if name.startswith("deepfakeecg")]:
        monkeypatch.delitem(sys.modules, name)
    root = tmp_path / "deepfakeecg"
    (root / "checkpoints").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "deepfakeecg.py").write_text(STAND_IN)
    torch.save({"stat_dict": {"gain": torch.tensor([0.5])}}, root / "checkpoints" / "g_stat.pt")
    monkeypatch.syspath_prepend(tmp_path)
    deepfake._network.cache_clear()
    yield root
    deepfake._network.cache_clear()
    for name in [name for name in sys.modules if name.startswith("deepfakeecg")]:
        sys.modules.pop(name)


def test_eight_leads_in_units_of_6_mv_become_twelve(package):
    record = Deepfake().draw(np.random.default_rng(0), split="val")
    assert record.signal_mv.shape == (5000, 12)
    assert (record.fs_hz, record.split) == (500.0, "val")
    # Noise is uniform in ±1, the stand-in halves it, full scale is 6 mV: uniform in ±3 mV.
    assert np.ptp(record.signal_mv[:, 6]) == pytest.approx(6, abs=0.05)
    i, ii, iii = record.signal_mv[:, :3].T
    np.testing.assert_array_equal(iii, ii - i)


def test_the_same_generator_gives_the_same_bytes_and_leaves_torchs_own_alone(package):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    drawn = [Deepfake().draw(np.random.default_rng(7)).signal_mv.tobytes() for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert torch.equal(torch.rand(3), expected)


def test_missing_weights_are_named_with_the_remedy(package):
    (package / "checkpoints" / "g_stat.pt").unlink()
    with pytest.raises(InputError, match=r"g_stat\.pt.*reinstall"):
        Deepfake()


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    deepfake._network.cache_clear()
    monkeypatch.setitem(sys.modules, "deepfakeecg", None)
    with pytest.raises(InputError, match=r"not installed; pip install 'ecg-overlap\[deepfake\]'"):
        Deepfake()
    assert import_module("data_gen.signals").Deepfake is Deepfake  # importing it needs no package

"""`python generate.py` as a user runs it: in a process of its own, with small overrides."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from data_gen.formats import EcgImageKit, Shards
from data_gen.formats.kit_page import write_page
from data_gen.presets import load

ROOT = Path(__file__).parents[2]
# At scale the jobs are submitit's; where it is not installed, Hydra's own run one by one.
SUBMITIT = importlib.util.find_spec("submitit") is not None
LAUNCHER = ["hydra/launcher=submitit_local"] if SUBMITIT else []
SMALL = ["n=3", "samples_per_shard=2", "page=clean", "crop=box", "seed=3"]


def generate(out: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    folders = [f"hydra.run.dir={out.parent}/run", f"hydra.sweep.dir={out.parent}/sweep"]
    command = [sys.executable, str(ROOT / "generate.py"), *overrides, f"out={out}", *folders]
    return subprocess.run(command, capture_output=True, text=True, cwd=out.parent, check=False)


def shard_bytes(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(root.glob("shard-*.tar"))]


def test_one_command_writes_a_set_and_its_jobs_write_the_same(tmp_path):
    done = generate(tmp_path / "whole", *SMALL)
    assert done.returncode == 0, done.stderr
    samples = Shards(tmp_path / "whole")
    assert len(samples) == 3
    assert samples[2].severity is not None
    card = (tmp_path / "whole" / "README.md").read_text()
    assert "n=3 samples_per_shard=2 page=clean" in card

    done = generate(tmp_path / "jobs", "-m", "shard=range(0,2)", *LAUNCHER, *SMALL)
    assert done.returncode == 0, done.stderr
    assert shard_bytes(tmp_path / "jobs") == shard_bytes(tmp_path / "whole")
    assert Shards(tmp_path / "jobs").manifest == samples.manifest


def test_pages_of_the_generator_in_the_kit_s_schema(tmp_path):
    drawn = load("clean").page(0, seed=3)
    write_page(drawn, tmp_path, "x")
    read = EcgImageKit(tmp_path).page(0)
    for ours, theirs in zip(read.traces, drawn.traces, strict=True):
        known = np.isfinite(theirs.polyline_px).all(axis=1)
        assert np.abs(ours.polyline_px - theirs.polyline_px)[known].max() < 1e-3
        assert ours.lead_name == theirs.lead_name


def test_bad_input_is_one_line_and_status_1(tmp_path):
    done = generate(tmp_path / "set", *SMALL, "shard=9")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "error: shard=9: the set has 2 shards (n=3, 2 in each); "
        "give shard=range(0,2) or another samples_per_shard"
    ]


def test_every_source_is_described_in_plain_yaml():
    for path in (ROOT / "conf" / "source").glob("*.yaml"):
        tree = yaml.safe_load(path.read_text())
        assert tree["_target_"].startswith("data_gen."), path
        assert tree["signals"] == "${signals}", path

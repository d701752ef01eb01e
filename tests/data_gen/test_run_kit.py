import sys
from pathlib import Path

import numpy as np
import pytest

from data_gen.errors import InputError
from data_gen.formats import Shards
from data_gen.run_kit import SCRIPT, draw_with_kit
from data_gen.sample import LEADS, Record
from data_gen.write_set import SetPlan, write_set

# Stands in for the kit: reads the records given by -i, and writes a page of 12 leads for each
# to -o, in the kit's schema. It runs as the kit does, as a script of its own.
STAND_IN = """
import argparse, json, pathlib
import cv2, numpy as np, wfdb
parser = argparse.ArgumentParser()
parser.add_argument("-i"), parser.add_argument("-o"), parser.add_argument("-se", type=int)
parser.add_argument("--store_config", type=int), parser.add_argument("-c", type=float)
for flag in ("--lead_bbox", "--lead_name_bbox", "--fail"):
    parser.add_argument(flag, action="store_true")
args = parser.parse_args()
if args.fail:
    raise RuntimeError("no module named imgaug")
out = pathlib.Path(args.o)
out.mkdir()
(out / "asked.json").write_text(json.dumps([args.se, args.store_config, args.c]))
for header in sorted(pathlib.Path(args.i).glob("*.hea")):
    record = wfdb.rdrecord(str(header.with_suffix("")))
    image, leads = np.full((1000, 500, 3), 255, np.uint8), []
    for row, name in enumerate(record.sig_name):
        signal = record.p_signal[:, row]
        x = 20 + np.arange(len(signal)) / record.fs * 100
        y = 60 + 75 * row - signal * 40
        points = np.rint(np.column_stack([x - 0.5, y - 0.5]) * 16).astype(np.int32)
        cv2.polylines(image, [points], False, (0, 0, 0), 2, cv2.LINE_AA, 4)
        leads.append({"lead_name": name, "start_sample": 0, "end_sample": len(signal),
                      "plotted_pixels": np.column_stack([y, x]).round(2).tolist()})
    notes = {"width": 500, "height": 1000, "sampling_frequency": record.fs, "x_grid": 20.0,
             "y_grid": 20.0, "resolution": 102, "leads": leads}
    cv2.imwrite(str(out / f"{header.stem}-0.png"), image)
    (out / f"{header.stem}-0.json").write_text(json.dumps(notes))
    for suffix in (".hea", ".dat"):
        (out / header.with_suffix(suffix).name).write_bytes(header.with_suffix(suffix).read_bytes())
"""


class Waves:
    """A source of records: sines of their own frequency and phase."""

    def __repr__(self) -> str:
        return "Waves()"

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        t = np.arange(400)[:, None] / 100
        signal = 0.4 * np.sin(2 * np.pi * (t * rng.uniform(1, 2, 12) + rng.uniform(size=12)))
        return Record(signal.astype(np.float32), 100.0, LEADS, "wave")


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    script = tmp_path / "checkout" / "codes" / "ecg-image-generator" / SCRIPT
    script.parent.mkdir(parents=True)
    script.write_text(STAND_IN)
    return tmp_path / "checkout"


def draw(kit: Path, out: Path, **options):
    values = {"python": sys.executable, "n": 14, "out": str(out)} | options
    return draw_with_kit(Waves(), kit=str(kit), **values)


def test_the_kit_s_pages_become_a_set(kit, tmp_path):
    pages = draw(kit, tmp_path / "kit", seed=5)
    sample = pages.sample(13)
    assert (sample.record_id, sample.lead_name) == ("00001", "II")
    assert sample.calibration.px_per_mm_x == 4.0
    write_set(pages, tmp_path / "set", SetPlan(n=14, samples_per_shard=7), progress=False)
    stored = Shards(tmp_path / "set")
    assert np.array_equal(stored[13].image, sample.image)
    drawn = np.random.default_rng([5, 1])
    assert np.abs(stored[13].signal_mv - Waves().draw(drawn).lead_mv("II")).max() < 1e-3
    assert (tmp_path / "kit" / "pages" / "asked.json").read_text() == "[5, 2, 0.0]"


def test_what_is_drawn_is_not_drawn_again(kit, tmp_path):
    draw(kit, tmp_path / "kit")
    (kit / "codes" / "ecg-image-generator" / SCRIPT).write_text("raise SystemExit(3)")
    assert draw(kit, tmp_path / "kit").sample(0).lead_name == "I"
    with pytest.raises(InputError, match="ended with status 3"):
        draw(kit, tmp_path / "kit", seed=1)


def test_the_last_line_of_what_the_kit_said(kit, tmp_path):
    with pytest.raises(InputError, match="status 1: RuntimeError: no module named imgaug; make"):
        draw(kit, tmp_path / "kit", options=["--fail"])


def test_no_interpreter(kit, tmp_path):
    with pytest.raises(InputError, match="cannot be run"):
        draw(kit, tmp_path / "kit", python=str(tmp_path / "python"))


def test_no_checkout(tmp_path):
    with pytest.raises(InputError, match=f"holds no {SCRIPT}"):
        draw(tmp_path, tmp_path / "kit")
    with pytest.raises(InputError, match="give kit=CHECKOUT kit_python=PYTHON"):
        draw_with_kit(Waves(), kit=None, python=None, out=str(tmp_path / "kit"), n=1)


def test_too_few_pages(kit, tmp_path):
    script = kit / "codes" / "ecg-image-generator" / SCRIPT
    script.write_text(STAND_IN.replace('glob("*.hea"))', 'glob("*.hea"))[:1]'))
    with pytest.raises(InputError, match="drew 12 of 14 wanted"):
        draw(kit, tmp_path / "kit")

"""Files: WFDB within 1 µV and with its missing value, CSV, JSON, PNG; never half a file."""

import csv
import json
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import wfdb
from drawn import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from ecg_overlap.digitize import write
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.overlay import overlay
from ecg_overlap.digitize.record_names import PictureSource, record_name
from ecg_overlap.digitize.wfdb_record import write_record


def lead_of(signal: NDArray[np.float64], fs_hz: float = 500.0) -> LeadSignal:
    seen = np.isfinite(signal)
    return LeadSignal(
        signal_mv=signal,
        fs_hz=fs_hz,
        calibration=Calibration(8, 8, t0_px=15.25, baseline_px=90),
        confidence=np.where(seen, 0.9, 0.0),
        interval_mv=np.where(seen, 0.01, np.nan),
        baseline_known=False,
        flags=("baseline_unknown",),
        path_px=np.stack([np.arange(len(signal)) * 1.0, np.full(len(signal), 9.0)], axis=1),
    )


def read_back(folder: Path, name: str) -> NDArray[np.float64]:
    return np.asarray(wfdb.rdrecord(str(folder / name)).p_signal[:, 0])


@given(
    exponent=st.floats(-3, 2),
    parts=st.lists(st.one_of(st.floats(-1, 1), st.just(np.nan)), min_size=1, max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_wfdb_is_within_a_microvolt_from_1_microvolt_to_100_millivolts(
    exponent: float, parts: list[float]
) -> None:
    signal = 10.0**exponent * np.array(parts)
    with tempfile.TemporaryDirectory() as folder:
        write.write_wfdb(lead_of(signal), Path(folder), "rec")
        back = read_back(Path(folder), "rec")
    assert np.array_equal(np.isnan(back), np.isnan(signal))
    assert np.abs(np.nan_to_num(back - signal)).max() <= 0.001


@pytest.mark.parametrize("amplitude", [0.0, 16.3, 16.4, 4000.0, 1e5])
def test_wfdb_is_within_a_microvolt_in_every_format(tmp_path: Path, amplitude: float) -> None:
    signal = np.random.default_rng(3).uniform(-amplitude, amplitude, 50)
    signal[[3, 17]] = np.nan
    write.write_wfdb(lead_of(signal), tmp_path, "rec")
    back = read_back(tmp_path, "rec")
    assert np.nanmax(np.abs(back - signal)) <= 0.001
    assert np.array_equal(np.isnan(back), np.isnan(signal))


@pytest.mark.parametrize("amplitude", [1.0, 1000.0, 1e5])  # formats 16, 24 and 32
@pytest.mark.parametrize("fs_hz", [500.0, 360.5])
def test_wfdb_is_what_its_own_package_writes(
    tmp_path: Path, amplitude: float, fs_hz: float
) -> None:
    names, units = ["I", "aVR", "V6"], ["mV"] * 3
    signal = np.random.default_rng(5).uniform(-amplitude, amplitude, (50, 3))
    signal[:9, 1], signal[-4:, 2] = np.nan, np.nan
    header, data = write_record(signal, fs_hz, names, tmp_path / "rec")
    bits = (data.stat().st_size // 150) * 8
    (tmp_path / "theirs").mkdir()
    wfdb.wrsamp(
        "rec", fs=fs_hz, units=units, sig_name=names, p_signal=signal.copy(),
        fmt=[str(bits)] * 3, adc_gain=[2000.0] * 3, baseline=[0] * 3,
        write_dir=str(tmp_path / "theirs"),
    )  # fmt: skip
    for file in (header, data):
        assert file.read_bytes() == (tmp_path / "theirs" / file.name).read_bytes()


def test_wfdb_of_nothing_seen_is_all_missing(tmp_path: Path) -> None:
    write.write_wfdb(lead_of(np.full(20, np.nan)), tmp_path, "rec")
    assert np.isnan(read_back(tmp_path, "rec")).all()


def test_wfdb_states_its_units_and_rate(tmp_path: Path) -> None:
    write.write_wfdb(lead_of(np.zeros(20), fs_hz=360.0), tmp_path, "rec", lead_name="V3")
    header = wfdb.rdheader(str(tmp_path / "rec"))
    assert (header.fs, header.units, header.sig_name) == (360.0, ["mV"], ["V3"])


@pytest.mark.parametrize("bad", [np.array([0.0, np.inf]), np.zeros(0), np.array([3e6])])
def test_what_wfdb_cannot_hold_is_refused(tmp_path: Path, bad: NDArray[np.float64]) -> None:
    with pytest.raises(InputError):
        write.write_wfdb(lead_of(bad), tmp_path, "rec")
    assert list(tmp_path.iterdir()) == []


def test_csv_has_its_columns_and_empty_cells_where_nothing_was_seen(tmp_path: Path) -> None:
    write.write_csv(lead_of(np.array([0.5, np.nan, -0.25]), 100.0), tmp_path / "a.csv")
    rows = list(csv.reader((tmp_path / "a.csv").open()))
    assert rows == [
        ["time_s", "lead_mv", "confidence"],
        ["0.000000", "0.50000", "0.900"],
        ["0.010000", "", "0.000"],
        ["0.020000", "-0.25000", "0.900"],
    ]


def test_json_is_valid_also_where_values_are_not_known(tmp_path: Path) -> None:
    source = PictureSource("../a.png", 1, (1, 2, 3, 4), "ab", 9, 1)
    write.write_lead(lead_of(np.full(3, np.nan)), tmp_path, "a", source=source)
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["complete"] is True and found["source"]["path"] == "../a.png"
    assert found["calibration"]["t0_px"] == 15.25
    assert found["flags"] == ["baseline_unknown"]
    assert found["interval_level"] == 0.9
    assert found["grid_confidence"] is None and found["median_interval_mv"] is None
    assert found["coverage"] == 0.0 and found["source"]["box_px"] == [1, 2, 3, 4]
    assert "ecg-overlap" in found["versions"]
    assert found["quality"] is None and found["evidence"] == {}


def test_json_tells_the_quality_and_what_it_was_judged_by(tmp_path: Path) -> None:
    evidence = {"confidence": 0.9, "grid": np.nan}
    lead = replace(lead_of(np.zeros(3)), quality=0.25, evidence=evidence)
    write.write_lead(lead, tmp_path, "a")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["quality"] == 0.25
    assert found["evidence"] == {"confidence": 0.9, "grid": None}


def test_overlay_draws_on_the_trace() -> None:
    truth = drawn()
    lead = digitize_lead(truth.image, px_per_mm=8.0)
    shown = overlay(lead, truth.image, scale=2)
    assert shown.shape == (2 * truth.image.shape[0], 2 * truth.image.shape[1], 3)
    red = (shown[..., 0].astype(int) - shown[..., 1]) > 100
    ink = cv2.resize(truth.mask, None, fx=2, fy=2) > 0
    assert red.sum() > truth.image.shape[1]
    assert (red & cv2.dilate(ink.astype(np.uint8), np.ones((5, 5))).astype(bool)).sum() > 0.97 * (
        red.sum()
    )


def test_all_files_of_a_lead(tmp_path: Path) -> None:
    truth = drawn()
    lead = digitize_lead(truth.image, px_per_mm=8.0)
    files = write.write_lead(lead, tmp_path / "new" / "folder", "my lead", image=truth.image)
    names = sorted(p.name for p in (tmp_path / "new" / "folder").iterdir())
    assert names == [f"my_lead{s}" for s in (".csv", ".dat", ".hea", ".json", "_overlay.png")]
    assert sorted(p.name for p in files) == names
    back = read_back(tmp_path / "new" / "folder", "my_lead")
    assert np.nanmax(np.abs(back - lead.signal_mv)) <= 0.001


@pytest.mark.skipif(os.name != "posix", reason="no umask elsewhere")
@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o027, 0o640)])
def test_every_file_is_as_readable_as_the_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        image = np.full((120, 200, 3), 255, np.uint8)
        files = write.write_lead(lead_of(np.zeros(50)), tmp_path / "o", "a", image=image)
    finally:
        os.umask(before)
    assert len(files) == 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {mode}


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out"):
        write.write_lead(lead_of(np.zeros(5)), tmp_path / "file", "a")


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("a b", "a_b"), ("é", "e"), ("e\u0301", "e"), ("Größe", "Grosse"),
        ("Łukasz_Sørensen", "Lukasz_Sorensen"), ("Ж", "_"), ("½", "1_2"),
        ("", "lead"), ("\u0301", "lead"), ("x-1", "x-1"),
    ],
)  # fmt: skip
def test_record_names_are_what_wfdb_allows(name: str, record: str) -> None:
    assert record_name(name) == record

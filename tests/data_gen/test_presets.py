"""Generators by name, read from conf/ by Hydra."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

import data_gen
from data_gen.conf_folder import conf_dir
from data_gen.errors import InputError
from data_gen.presets import (
    GROUPS,
    PRESETS,
    _composed,
    check_given,
    load,
    load_part,
    make,
)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_draws_a_sample(name: str) -> None:
    sample = load(name).sample(1, split="test")
    assert sample.image.shape[:2] == sample.target_mask.shape
    assert sample.target_mask.max() > 127 and sample.severity is not None


@pytest.mark.parametrize(
    "path",
    [p for group in GROUPS[1:] for p in sorted((conf_dir() / group).glob("*.yaml"))],
    ids=lambda p: f"{p.parent.name}={p.stem}",
)
def test_every_option_says_what_it_is_for_and_is_built(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ") and first.endswith(".")
    assert type(load_part(path.parent.name, path.stem)).__name__.endswith("Dials")


def test_the_paper_preset_has_the_geometry_of_the_published_crops() -> None:
    for index in range(6):
        sample = load("paper").sample(index)
        cal = sample.calibration
        assert cal.px_per_mm_x == pytest.approx(15.74, abs=0.12)
        assert cal.t0_px == pytest.approx(15, abs=0.2)
        assert sample.fs_hz == 100
        widths = {250: 1003, 1000: 3967}
        assert sample.image.shape[1] == pytest.approx(widths[len(sample.signal_mv)], rel=0.012)


def test_a_group_and_a_value_can_be_chosen() -> None:
    made = load("overlap", crop="window", values={"crop": {"size_px": [64, 128]}})
    assert made.sample(0).image.shape == (64, 128, 3)


def test_the_door_for_other_programs() -> None:
    a, b = data_gen.make_sample(2, seed=1, config="clean"), load("clean").sample(2, seed=1)
    assert (a.image == b.image).all()


def test_the_clean_preset_has_no_overlap() -> None:
    for index in range(8):
        assert load("clean").sample(index).severity.intrusion < 0.002


def test_a_generator_travels_to_a_worker() -> None:
    made = load("scan", crop="window")
    copy = pickle.loads(pickle.dumps(made))
    assert (copy.sample(3).image == made.sample(3).image).all()


def test_wrong_names_list_the_right_ones() -> None:
    with pytest.raises(InputError, match="preset foo: not known; take one of clean"):
        load("foo")
    with pytest.raises(InputError, match=r"page=foo: no such option; take one of clean, fax"):
        load("clean", page="foo")
    with pytest.raises(InputError, match="group pages"):
        load("clean", pages="scan")
    with pytest.raises(InputError, match=r"overlap=none: .*'contacts'"):
        load("clean", values={"overlap": {"contacts": 0.1}})


def test_what_only_the_user_can_know_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"signals=wfdb: root is not given; give signals\.root"):
        load("clean", signals="wfdb")
    whole = OmegaConf.create({"signals": {"ptbxl": {"root": "???"}}})
    with pytest.raises(InputError, match=r"signals\.ptbxl: root .* give signals\.ptbxl\.root"):
        check_given(whole.signals)


def test_values_are_merged_into_the_file_s_own() -> None:
    photo = load("photo", values={"page": {"distortion": {"rotation_p": 0.25}}}).look
    assert photo.distortion.rotation_p == 0.25
    assert photo.distortion.curl_p == load("photo").look.distortion.curl_p > 0
    assert load("photo").look.distortion.rotation_p != 0.25  # the next one is not touched


def test_targets_are_made_from_the_inside_out() -> None:
    distortion = {"_target_": "data_gen.distort.Distortion", "rotation_p": 0.5}
    page = {"_target_": "data_gen.style.PageDials", "dpi": [100, 200], "distortion": distortion}
    dials = make(page)
    assert dials.dpi == (100.0, 200.0) and dials.distortion.rotation_p == 0.5
    with pytest.raises(InputError, match=r"there: PageDials.* 'dpis'; see data_gen\.style\.Page"):
        make(
            {"_target_": "data_gen.generate.LeadGenerator", "page": page | {"dpis": 1}},
            where="there",
        )
    with pytest.raises(InputError, match=r"^distortion\.rotation_q: no such dial"):
        make(page | {"distortion": distortion | {"rotation_q": 1}})


def test_a_running_hydra_application_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: ${hydra.job.name}")
    with initialize_config_dir(str(tmp_path), job_name="my_job", version_base="1.2"):
        _composed.cache_clear()
        assert load_part("page", "fax").dpi == (150, 250)
        mine = compose("mine", return_hydra_config=True)
    assert mine.name == "my_job" and mine.hydra.runtime.version_base == "1.2"
    assert mine.hydra.runtime.config_sources[1].path == str(tmp_path)
    _composed.cache_clear()
    load_part("page", "fax")
    assert not GlobalHydra.instance().is_initialized()


def test_importing_the_generator_loads_neither_hydra_nor_torch() -> None:
    code = "import sys, data_gen.presets; print({'hydra', 'omegaconf', 'torch'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""Test sets are frozen: known length, names and a hash that any change would change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_set import sample_of

from data_gen import presets
from data_gen.errors import InputError
from data_gen.formats.lead_crops import write_lead_crop
from ecg_overlap.evaluation.test_sets import GeneratorSet, crops, eik, sample_sha256, shards, spread


@given(st.integers(1, 200), st.integers(1, 200))
def test_spread_indices_are_distinct_ordered_and_inside(total: int, n: int) -> None:
    found = spread(total, n, where="set")
    assert len(found) == min(n, total)
    assert list(found) == sorted(set(found))
    assert found[0] >= 0
    assert found[-1] < total


def test_all_are_taken_without_n() -> None:
    assert spread(3, None, where="set") == (0, 1, 2)


@pytest.mark.parametrize(("total", "n"), [(0, None), (0, 5), (5, 0), (5, -1)])
def test_an_empty_set_is_an_error(total: int, n: int | None) -> None:
    with pytest.raises(InputError, match="test set crops"):
        spread(total, n, where="crops")


def test_the_hash_tells_any_change() -> None:
    sample = sample_of(0)
    image = sample.image.copy()
    image[0, 0, 0] ^= 1
    signal = sample.signal_mv.copy()  # type: ignore[union-attr]
    signal[7] += 1e-6
    others = [
        replace(sample, image=image),
        replace(sample, signal_mv=signal),
        replace(sample, target_mask=None),
        replace(sample, fs_hz=101.0),
    ]
    hashes = [sample_sha256(one) for one in (sample, *others)]
    assert len(set(hashes)) == len(hashes)
    assert sample_sha256(sample_of(0)) == hashes[0]


def test_generated_sets_come_from_the_test_split() -> None:
    made = GeneratorSet("clean", presets.load("clean"), 2, seed=5)
    first, again = made.sample(0), made.sample(0)
    np.testing.assert_array_equal(first.image, again.image)
    assert first.meta["split"] == "test"
    assert [made.sample_id(i) for i in range(2)] == ["clean/00000", "clean/00001"]
    assert made.identity() != GeneratorSet("clean", presets.load("clean"), 2, seed=6).identity()
    with pytest.raises(InputError, match="n = 0"):
        GeneratorSet("clean", presets.load("clean"), 0)


def write_crops(root: Path, n: int = 3) -> None:
    for index in range(n):
        write_lead_crop(sample_of(index), root, f"{index}_3by1_lead_1")


def test_crops_are_named_by_their_files(tmp_path: Path) -> None:
    write_crops(tmp_path)
    found = crops(tmp_path)
    assert len(found) == 3
    assert found.sample_id(2) == "crops/2_3by1_lead_1"
    assert found.sample(2).record_id is not None
    thinned = crops(tmp_path, n=2)
    assert [thinned.sample_id(i) for i in range(2)] == [found.sample_id(i) for i in (0, 2)]


def test_identity_tells_a_file_that_was_changed(tmp_path: Path) -> None:
    write_crops(tmp_path)
    before = crops(tmp_path).identity()
    next((tmp_path / "signal-json").iterdir()).write_text("[0.0, 1.0, 0.5]")
    assert crops(tmp_path).identity() != before


def test_masks_and_signals_are_optional(tmp_path: Path) -> None:
    write_crops(tmp_path)
    for kind in ("mask-png", "signal-json", "truth-json"):
        next((tmp_path / kind).glob("0_*")).unlink()
    first, second = crops(tmp_path).sample(0), crops(tmp_path).sample(1)
    assert first.target_mask is None
    assert first.signal_mv is None
    assert second.target_mask is not None
    assert second.signal_mv is not None


@pytest.mark.parametrize("opened", [crops, eik, shards])
def test_a_folder_that_is_not_there_is_named(opened: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        opened(str(tmp_path / "nowhere"))  # type: ignore[operator]

"""Whatever is given as a picture is read, or refused in one line; more by `fuzzed.py`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fuzzed import fuzzed, outcome

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import find, find_grid
from ecg_overlap.digitize.scale import PaperMap
from ecg_overlap.digitize.straight import straightened
from tests.digitize.test_grid import paper


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_ten_fuzzed_pictures_are_read_or_refused_in_one_line(tmp_path: Path, first: int) -> None:
    ends = [outcome(fuzzed(seed), tmp_path) for seed in range(first, first + 10)]
    assert 0 < ends.count("read") < 10  # some of each, or it is no test


def test_a_grid_that_no_pen_can_draw_on_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As damaged pictures of a few pixels once gave."""
    flat = replace(find_grid(paper()), px_per_mm_y=0.2)
    monkeypatch.setattr(find, "_surest", lambda *_: flat)
    with pytest.raises(DigitizeError, match=r"no grid is clear, at best of 0\.2 px/mm"):
        find_grid(paper())


def test_a_picture_that_would_be_too_large_once_straight_is_refused() -> None:
    with pytest.raises(DigitizeError, match=r"4\d{4}×\d+ px once it is straight; cut the lead"):
        straightened((31_000, 31_000, 3), PaperMap(8.0, 8.0, 40.0))


def test_the_same_seed_gives_the_same_file() -> None:
    assert fuzzed(7).content == fuzzed(7).content and np.isfinite(fuzzed(7).asked["fs_hz"])

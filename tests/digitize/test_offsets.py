"""Whose the ink is, by each pixel's offset from its own trace's level."""

import numpy as np
import pytest

from ecg_overlap.digitize.ink.offsets import OFFSETS_MM, whose

PX_PER_MM = 8.0


def saying(mm: float, height: int = 400, width: int = 4) -> np.ndarray:
    """A network that holds every pixel to be so far below its trace's level."""
    said = np.zeros((len(OFFSETS_MM), height, width), np.float32)
    upper = int(np.searchsorted(OFFSETS_MM, mm, side="right"))
    share = (mm - OFFSETS_MM[upper - 1]) / (OFFSETS_MM[upper] - OFFSETS_MM[upper - 1])
    said[upper - 1], said[upper] = 1 - share, share
    return said


@pytest.mark.parametrize("mm", [-9.0, -3.4, 0.0, 0.7, 12.0])
def test_a_pixel_is_the_traces_whose_level_is_where_it_says(mm: float) -> None:
    ink = np.ones((400, 4), np.float32)
    at = 200
    own, other = at - mm * PX_PER_MM, at - (mm + 6) * PX_PER_MM
    maps = whose(saying(mm), ink, [own, other], px_per_mm=PX_PER_MM)
    assert maps.shape == (4, 400, 4) and maps.dtype == np.float32
    assert maps[0, at].min() > 0.95
    np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-5)


def test_where_it_cannot_be_told_rows_are_as_likely() -> None:
    undecided = np.full((len(OFFSETS_MM), 100, 4), 1 / len(OFFSETS_MM), np.float32)
    # 4 mm above and below: the same place in the symmetric offsets.
    maps = whose(undecided, np.ones((100, 4), np.float32), [18.0, 82.0], px_per_mm=PX_PER_MM)
    np.testing.assert_allclose(maps[0, 50], maps[1, 50], rtol=0.05)


@pytest.mark.parametrize(("mm", "at_px", "visitor"), [(12.0, 40, 1), (-12.0, 360, 2)])
def test_what_has_its_level_beyond_an_edge_is_a_visitors(
    mm: float, at_px: int, visitor: int
) -> None:
    maps = whose(saying(mm), np.ones((400, 4), np.float32), [200.0], px_per_mm=PX_PER_MM)
    assert maps[visitor, at_px].min() > 0.9


def test_blank_paper_is_nobodys() -> None:
    maps = whose(saying(0.0), np.zeros((400, 4), np.float32), [200.0], px_per_mm=PX_PER_MM)
    assert not maps.any()


def test_offsets_of_a_coarser_picture_are_set_in_their_place() -> None:
    ink = np.ones((800, 8), np.float32)
    maps = whose(saying(-3.0), ink, [440.0, 540.0], px_per_mm=PX_PER_MM)
    assert maps[0, 440 - 24].min() > 0.9 and maps[1, 540 - 24].min() > 0.9

"""Whose the ink is, by each pixel's offset from its own trace's level."""

import numpy as np
import pytest

from data_gen.errors import InputError
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


@pytest.mark.parametrize("sure_mm", [12.0, 16.0])
def test_a_row_near_the_edge_and_a_visitor_beyond_it_are_weighed_alike(sure_mm: float) -> None:
    """A network sure of one offset, its density falling to nothing at those beside it."""
    at_px = 160  # 20 mm below the upper edge
    level_mm = (at_px + 0.5) / PX_PER_MM - sure_mm  # below the edge
    own, above, _ = whose(
        saying(sure_mm), np.ones((400, 4), np.float32), [level_mm * PX_PER_MM], px_per_mm=PX_PER_MM
    )[:, at_px, 0]
    assert own > 0.9 and above < 0.1


def test_a_visitor_is_no_farther_beyond_the_edge_than_it_may_be() -> None:
    """30 mm of offset at 2 mm below the edge: the level would be 28 mm beyond."""
    maps = whose(saying(22.0), np.ones((400, 4), np.float32), [200.0], px_per_mm=PX_PER_MM)
    near, far = maps[1, 15 * 8, 0], maps[1, 2 * 8, 0]  # 7 mm and 20 mm beyond
    assert near > 0.9 and far < 0.6


def test_other_offsets_are_refused() -> None:
    with pytest.raises(InputError, match="5 offsets"):
        whose(np.ones((5, 4, 4), np.float32), np.ones((4, 4), np.float32), [1.0], px_per_mm=8.0)


def test_cells_that_reach_beyond_the_picture_are_not_squeezed_into_it() -> None:
    """57 cells of 2 px on 113 rows: the last one ends a pixel below them."""
    ink = np.ones((113, 4), np.float32)
    said = saying(0.0, height=57, width=2)
    maps = whose(said, ink, [112.0, 20.0], px_per_mm=PX_PER_MM, cell_px=2.0)
    assert maps.shape == (4, 113, 4)
    assert maps[0, 112].min() > 0.9 and maps[1, 20].min() > 0.9


def test_blank_paper_is_nobodys() -> None:
    maps = whose(saying(0.0), np.zeros((400, 4), np.float32), [200.0], px_per_mm=PX_PER_MM)
    assert not maps.any()


def test_offsets_of_a_coarser_picture_are_set_in_their_place() -> None:
    ink = np.ones((800, 8), np.float32)
    maps = whose(saying(-3.0), ink, [440.0, 540.0], px_per_mm=PX_PER_MM)
    assert maps[0, 440 - 24].min() > 0.9 and maps[1, 540 - 24].min() > 0.9

"""Runs of ink in the columns of a mask."""

import numpy as np
import pytest

from ecg_overlap.digitize.traces.runs import find_runs


def column(ink: list[float]) -> np.ndarray:
    return np.array(ink, np.float32)[:, None]


def test_runs_stand_by_column_then_by_row() -> None:
    cover = np.zeros((9, 3), np.float32)
    cover[1:3, 0] = cover[6:8, 0] = cover[4:6, 2] = 1
    runs = find_runs(cover)
    assert runs.column.tolist() == [0, 0, 2]
    assert runs.row.tolist() == [[1, 3], [6, 8], [4, 6]]
    assert runs.first.tolist() == [0, 2, 2, 3]


@pytest.mark.parametrize(("hole_px", "rows"), [(1, [[1, 2], [4, 5]]), (2, [[1, 5]])])
def test_a_small_hole_parts_no_run(hole_px: int, rows: list[list[int]]) -> None:
    assert find_runs(column([0, 1, 0, 0, 1, 0]), hole_px=hole_px).row.tolist() == rows


def test_paper_between_ink_and_the_pictures_edge_is_no_hole() -> None:
    assert find_runs(column([0, 1, 1, 0]), hole_px=2).row.tolist() == [[1, 3]]


def test_edges_are_sub_pixel_from_what_is_partly_covered() -> None:
    # Rows 1.2 … 3.9 of ink, pixel r reaching from r - 0.5 to r + 0.5.
    runs = find_runs(column([0, 0.3, 1, 1, 0.4, 0]))
    assert runs.top_px[0] == pytest.approx(1.2, abs=1e-6)
    assert runs.bottom_px[0] == pytest.approx(3.9, abs=1e-6)


def test_an_edge_pixel_over_half_covered_counts_by_its_share() -> None:
    runs = find_runs(column([0, 0.7, 1, 0.6, 0]))
    assert (runs.top_px[0], runs.bottom_px[0]) == pytest.approx((0.8, 3.1), abs=1e-6)

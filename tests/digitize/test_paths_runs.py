"""Runs of ink in the columns of a mask."""

import numpy as np
import pytest

from ecg_overlap.digitize.traces.runs import find_runs, track


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


def test_ink_is_followed_to_the_ends_where_a_network_sees_half_of_the_trace() -> None:
    cover = np.zeros((60, 200), np.float32)
    cover[29:32] = 1
    cover[50:53, 100:] = 1  # another trace, farther from what the network sees
    evidence = np.zeros_like(cover)
    evidence[29:32, :90] = 1
    runs = find_runs(cover)
    chosen = track(runs, 60, evidence=evidence)
    assert (chosen >= 0).all() and (runs.row[chosen, 0] == 29).all()
    as_seen = track(runs, 60, evidence=evidence, to_the_ends=False)
    assert np.flatnonzero(as_seen >= 0).max() < 100


def test_a_trace_that_a_network_sees_in_most_columns_may_end() -> None:
    cover = np.zeros((60, 200), np.float32)
    cover[29:32] = 1
    evidence = np.where(np.arange(200) < 170, cover, np.float32(0))
    chosen = track(find_runs(cover), 60, evidence=evidence)
    assert np.flatnonzero(chosen >= 0).max() < 180

"""The choice among runs of ink, on masks drawn here."""

import numpy as np
import pytest

from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.runs import find_runs
from ecg_overlap.digitize.traces.track import TrackCosts, baseline_rows, track


def two_traces() -> np.ndarray:
    """Two flat traces of 3 px, rows 10 to 12 in all and 50 to 52 in all but every fifth column."""
    cover = np.zeros((80, 200), np.float32)
    cover[10:13] = cover[50:53] = 1
    cover[50:53, ::5] = 0
    return cover


def test_baseline_rows_come_with_the_fullest_first() -> None:
    assert baseline_rows(find_runs(two_traces()), 80) == [11.0, 51.0]


@pytest.mark.parametrize(("least", "found"), [(0.7, [11.0, 51.0]), (0.9, [11.0])])
def test_a_row_that_few_runs_share_is_no_baseline(least: float, found: list[float]) -> None:
    costs = TrackCosts(least_baseline=least)  # the lower trace is in 0.8 of the columns
    assert baseline_rows(find_runs(two_traces()), 80, costs) == found


def top_rows(trace: TraceInk) -> list[int]:
    """First pixel row of the run chosen in each column that has one."""
    return [int(row) for row in trace.runs.row[trace.run[trace.columns], 0]]


@pytest.mark.parametrize(("row_px", "top"), [(None, 10), (15.0, 10), (48.0, 50)])
def test_a_row_chooses_between_traces(row_px: float | None, top: int) -> None:
    assert set(top_rows(track(two_traces(), row_px=row_px))) == {top}


@pytest.mark.parametrize(("edge_px", "top"), [(5.0, 50), (0.0, 0)])
def test_a_trace_along_the_pictures_edge_is_not_the_primary(edge_px: float, top: int) -> None:
    cover = two_traces()
    cover[0:3], cover[10:13] = 1, 0
    assert set(top_rows(track(cover, costs=TrackCosts(edge_px=edge_px)))) == {top}


def test_ink_is_followed_to_the_ends_where_a_network_sees_half_of_the_trace() -> None:
    cover = np.zeros((60, 200), np.float32)
    cover[29:32] = 1
    cover[50:53, 100:] = 1  # another trace, farther from what the network sees
    evidence = np.zeros_like(cover)
    evidence[29:32, :90] = 1
    whole = track(cover, evidence=evidence)
    assert len(whole.columns) == 200 and set(top_rows(whole)) == {29}
    as_seen = track(cover, evidence=evidence, to_the_ends=False)
    assert as_seen.columns.max() < 100


def test_a_trace_that_a_network_sees_in_most_columns_may_end() -> None:
    cover = np.zeros((60, 200), np.float32)
    cover[29:32] = 1
    evidence = np.where(np.arange(200) < 170, cover, np.float32(0))
    assert track(cover, evidence=evidence).columns.max() < 180


def test_the_pictures_edge_is_where_the_picture_ends() -> None:
    cover = two_traces()
    inside = np.ones(cover.shape, bool)
    inside[:10] = False  # the picture begins at the first trace: it is cut by the crop
    assert set(top_rows(track(cover, inside=inside))) == {50}
    assert set(top_rows(track(cover))) == {10}

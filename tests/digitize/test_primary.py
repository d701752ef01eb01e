"""Which of several traces in a crop is the primary: at 8 px/mm, in crops of 100 rows 0 … 99."""

from dataclasses import replace

import numpy as np
import pytest
from lines import PX_PER_MM, WIDTH, Polyline, inked, level, peak
from numpy.typing import NDArray

from ecg_overlap.digitize.decoders import all_traces, strokes
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.paths.path import CONTESTED, Path, contested
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.primary import chances_of, primary_of, whole
from ecg_overlap.digitize.traces.joint import Traces, trace_all
from ecg_overlap.digitize.traces.search import ABSENT

HEIGHT = 100


def traced(cover: NDArray[np.float32], *rows: float) -> tuple[Traces, list[Path]]:
    traces = trace_all(cover, rows, px_per_mm=PX_PER_MM)
    return traces, [stroke(traces.ink(k)) for k in range(len(rows))]


def two(upper: float, lower: float) -> tuple[Traces, list[Path]]:
    return traced(inked(HEIGHT, level(upper), level(lower)), upper, lower)


def block(first: int, stop: int, start: int = 0, end: int = WIDTH) -> NDArray[np.float32]:
    """A network's map that is sure of some rows in some columns."""
    drawn = np.zeros((HEIGHT, WIDTH), np.float32)
    drawn[first:stop, start:end] = 0.9
    return drawn


def test_one_trace_is_the_primary() -> None:
    assert primary_of(*traced(inked(HEIGHT, level(20)), 20)) == 0


@pytest.mark.parametrize(("rows", "primary"), [((50, 90), 0), ((10, 50), 1), ((35, 70), 0)])
def test_a_crop_leaves_alike_above_and_below_its_trace(
    rows: tuple[float, float], primary: int
) -> None:
    # Of the last two, row 35 leaves 35 and 64, 29 of difference; row 70 leaves 70 and 29, 41.
    assert primary_of(*two(*rows)) == primary


def test_the_margins_are_a_peaks_and_not_only_a_baselines() -> None:
    # The lower's baseline is far from the middle, but its peaks go up to row 19: 19 rows above and
    # below. The upper leaves 40 above and 59 below.
    peaks: list[tuple[float, float]] = [(0, 80)]
    for at in (60, 160, 260):
        peaks += [(at - 25, 80), (at - 10, 19), (at + 10, 19), (at + 25, 80)]
    traces, paths = traced(inked(HEIGHT, [*peaks, (319, 80)], level(40)), 40, 80)
    assert primary_of(traces, paths) == 1


def test_who_cuts_a_lead_out_leaves_something_free() -> None:
    # One leaves 5 rows above and 12 below, the other 24 and 36: the first two are more alike.
    traces, paths = two(40, 60)
    reaches = ((5, 87), (24, 63))
    for k, (top, bottom) in enumerate(reaches):
        y = paths[k].y_px.copy()
        y[100], y[200] = top, bottom
        paths[k] = replace(paths[k], y_px=y)
    assert primary_of(traces, paths) == 1


def test_a_trace_along_the_edge_is_not_the_primary() -> None:
    # Its one peak leaves alike above and below, as the other does not: 30 rows and 69.
    edge: Polyline = [(0, 1), (140, 1), (155, 94), (165, 94), (180, 1), (319, 1)]
    traces, paths = traced(inked(HEIGHT, edge, level(30)), 1, 30)
    assert np.nanmax(paths[0].y_px) > 92
    assert primary_of(traces, paths) == 1


def test_a_trace_that_is_absent_in_a_part_is_not_the_primary() -> None:
    # The other trace leaves 10 rows above and 89 below: 2 · 0.15 · 79 / 8 mm = 3 against it.
    whole = inked(HEIGHT, level(50), level(10))
    assert primary_of(*traced(whole, 10, 50)) == 1
    # Absence of 15 % is 50 · 0.15 = 7.5 against the middle one, of 4 % it is 2.
    long = inked(HEIGHT, level(50, stop=WIDTH - 49), level(10))
    traces, paths = traced(long, 10, 50)
    assert traces.share_of(1, ABSENT) == pytest.approx(0.15, abs=0.01)
    assert primary_of(traces, paths) == 0
    assert primary_of(*traced(inked(HEIGHT, level(50, stop=WIDTH - 13), level(10)), 10, 50)) == 1


def test_a_row_without_ink_is_not_the_primary_though_it_is_in_the_middle() -> None:
    traces, paths = traced(inked(HEIGHT, level(90)), 50, 90)
    assert not np.isfinite(paths[0].y_px).any()
    assert primary_of(traces, paths) == 1


def test_no_ink_at_all_leaves_one_trace() -> None:
    traces = trace_all(np.zeros((HEIGHT, WIDTH), np.float32), px_per_mm=PX_PER_MM)
    assert primary_of(traces, [stroke(traces.ink(0))]) == 0


@pytest.mark.parametrize("seen", [0, 1])
def test_a_map_that_sees_a_traces_path_tells_more_than_the_margins(seen: int) -> None:
    traces, paths = two(50, 80)  # by the margins, the first: 1 row of difference against 61
    maps = np.zeros((2, HEIGHT, WIDTH), np.float32)
    maps[seen] = block(*((48, 53), (78, 83))[seen])
    assert primary_of(replace(traces, maps=maps), paths) == seen


def test_maps_that_see_both_alike_leave_it_to_the_margins() -> None:
    for rows, middle in (((50, 80), 0), ((20, 50), 1)):
        traces, paths = two(*rows)
        maps = np.stack([block(row - 2, row + 3) for row in rows])
        for sight in (1.0, 0.5):  # sure, and not
            assert primary_of(replace(traces, maps=sight * maps), paths) == middle


@pytest.mark.parametrize("peaked", [0, 1])
def test_a_maps_margins_count_where_the_paths_do_not_tell(peaked: int) -> None:
    # Both paths leave 30 rows on one side and 69 on the other. Of one of them the map shows a wave
    # that binarization has lost, and this leaves 30 on both.
    traces, paths = two(30, 69)
    maps = np.stack([block(28, 33), block(67, 72)])
    maps[peaked, 30:70, 150:180] = 0.9
    assert primary_of(replace(traces, maps=maps), paths) == peaked


def test_a_known_row_is_the_primarys_whatever_the_margins_say() -> None:
    ink = Ink(inked(HEIGHT, level(20), level(50)), px_per_mm=PX_PER_MM)
    for row_px, primary in ((None, 50), (20.0, 20), (50.0, 50)):
        path = strokes(all_traces(ink, row_px)).path
        assert np.nanmedian(path.y_px) == pytest.approx(primary, abs=0.1)


def test_rows_that_were_looked_for_already_are_kept() -> None:
    mask = inked(HEIGHT, level(50))
    rows = np.array([[50.0], [80.0]]).repeat(mask.shape[1], axis=1)
    ink = Ink(mask, px_per_mm=PX_PER_MM, rows_px=rows)
    traces = all_traces(ink, None)
    assert traces.rows_px.tolist() == [50, 80] and traces.known is None
    assert all_traces(ink, 78.0).known == 1


def test_a_contested_path_is_less_sure_in_its_columns_and_the_same_elsewhere() -> None:
    x = np.array([0.0, 0.4, 0.6, 1.0, 2.0])  # columns 0, 0, 1, 1, 2
    path = Path(x, 10 + x, np.full(5, 0.2), np.full(5, 0.8), 3.0, 0.0, 2.0)
    shared = contested(path, np.array([False, True, False]))
    there = np.array([False, False, True, True, False])
    assert np.allclose(shared.confidence, np.where(there, 0.8 * CONTESTED, 0.8))
    assert np.array_equal(shared.y_px, path.y_px) and CONTESTED < 1


def test_a_primary_is_less_sure_of_itself_where_another_trace_crosses_it() -> None:
    ink = Ink(inked(HEIGHT, level(50), peak(90, 20)), px_per_mm=PX_PER_MM)
    path = strokes(all_traces(ink, 50.0)).path
    # The flanks are in row 50 at 160 ± 12·30/70: 154.9 and 165.1.
    crossed = (abs(path.x_px - 154.9) < 0.6) | (abs(path.x_px - 165.1) < 0.6)
    alone = (path.x_px > 20) & (path.x_px < 140)
    assert np.nanmedian(path.confidence[crossed]) < 0.6 < np.nanmin(path.confidence[alone])


@pytest.mark.parametrize(
    ("rows", "clear"), [((50, 90), True), ((35, 66), False), ((20, 50, 80), True)]
)
def test_a_choice_between_traces_that_leave_alike_above_and_below_is_not_clear(
    rows: tuple[float, ...], clear: bool
) -> None:
    chances = chances_of(*traced(inked(HEIGHT, *map(level, rows)), *rows))
    assert chances.sum() == pytest.approx(1)
    assert (chances.max() > 0.75) == clear


def test_a_trace_is_whole_that_is_there_and_touches_no_edge() -> None:
    inside, over, short = peak(60, 20), peak(60, -10), [(0.0, 60.0), (150.0, 60.0)]
    for points, is_whole in ((inside, True), (over, False), (short, False)):
        traces, paths = traced(inked(HEIGHT, points), 60)
        assert whole(traces, 0, paths[0]) == is_whole

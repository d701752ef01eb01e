"""All traces of a picture at once: drawn ones keep who they are."""

from dataclasses import replace

import numpy as np
import pytest
from lines import (
    PEN_PX,
    PX_PER_MM,
    WIDTH,
    Polyline,
    inked,
    level,
    peak,
    rows_of_trace,
)
from numpy.typing import NDArray

from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.costs import COSTS
from ecg_overlap.digitize.traces.joint import BRIDGE, Traces, _maps_of, limits_of, trace_all
from ecg_overlap.digitize.traces.search import ABOVE, ABSENT, BELOW

HEIGHT = 240
OFF_PX = 2.0  # of the pen's centre, where a steep stroke's run is joined to a line's


def path_rows(traces: Traces, k: int, at: list[float]) -> NDArray[np.float64]:
    """Rows of trace `k`'s decoded path at some columns."""
    path = stroke(traces.ink(k))
    seen = np.isfinite(path.y_px)
    rows: NDArray[np.float64] = np.interp(at, path.x_px[seen], path.y_px[seen])
    return rows


def true_rows(points: Polyline, at: list[float]) -> NDArray[np.float64]:
    x, y = np.array(points, np.float64).T
    rows: NDArray[np.float64] = np.interp(at, x, y)
    return rows


def test_level_traces_are_found_each_in_its_row_and_in_all_columns() -> None:
    traces = trace_all(inked(HEIGHT, level(60), level(150)), px_per_mm=PX_PER_MM)
    assert traces.rows_px.tolist() == [60, 150]
    assert (rows_of_trace(traces, 0) == 60).all() and (rows_of_trace(traces, 1) == 150).all()
    assert traces.pen_px == pytest.approx(PEN_PX, abs=0.2)
    assert traces.where.shape == (4, WIDTH)  # two more for what comes in over the edges
    assert (traces.where[2] == ABOVE).all() and (traces.where[3] == BELOW).all()


def test_an_r_wave_goes_through_the_neighbours_line_and_comes_back() -> None:
    wave, line = peak(180, 30), level(100)
    traces = trace_all(inked(HEIGHT, wave, line), px_per_mm=PX_PER_MM)
    at = [100.0, 150, 153, 156, 164, 167, 170, 250]
    assert np.allclose(path_rows(traces, 1, at), true_rows(wave, at), atol=OFF_PX)
    assert np.allclose(path_rows(traces, 0, at), 100, atol=0.5)
    assert path_rows(traces, 1, [160])[0] == pytest.approx(30, abs=OFF_PX)


def test_in_an_x_of_an_s_wave_and_an_r_wave_each_goes_on_to_its_own_tip() -> None:
    # They slant through each other, and lie to both sides of the X in their own rows.
    s_wave, r_wave = peak(80, 200, at=150, half=16), peak(160, 40, at=170, half=16)
    traces = trace_all(inked(HEIGHT, s_wave, r_wave), px_per_mm=PX_PER_MM)
    at = [100.0, 140, 145, 150, 170, 175, 180, 250]
    assert np.allclose(path_rows(traces, 0, at), true_rows(s_wave, at), atol=OFF_PX)
    assert np.allclose(path_rows(traces, 1, at), true_rows(r_wave, at), atol=OFF_PX)


def test_a_crossing_is_shared_and_the_rest_is_not() -> None:
    traces = trace_all(inked(HEIGHT, peak(180, 30), level(100)), px_per_mm=PX_PER_MM)
    for k in (0, 1):
        columns = np.flatnonzero(traces.shared(k))
        # The flanks are in row 100 at 160 ± 12·(100 − 30)/150 = 154.4 and 165.6.
        off = np.abs(columns[:, None] - [154.4, 165.6])
        assert (off.min(axis=1) < 2).all() and (off.min(axis=0) < 1).all()


@pytest.mark.parametrize(("blank", "neighbour"), [(24, 116), (24, 130), (56, 112)])
def test_a_gap_is_bridged_straight_though_another_line_is_near(blank: int, neighbour: int) -> None:
    # 3 mm, and 7 mm along which the way over to the other line, 9 rows, would cost less than the
    # paper: but that line is another trace's.
    cover = inked(HEIGHT, level(100), level(neighbour))
    cover[95:106, 148 : 148 + blank] = 0
    traces = trace_all(cover, [100.0, float(neighbour)], px_per_mm=PX_PER_MM)
    assert np.flatnonzero(traces.where[0] == BRIDGE).tolist() == list(range(148, 148 + blank))
    rows = rows_of_trace(traces, 0)
    assert (rows[np.isfinite(rows)] == 100).all()
    assert (rows_of_trace(traces, 1) == neighbour).all()
    assert not traces.shared(0).any()


def test_a_trace_is_absent_where_a_gap_is_too_long_to_bridge() -> None:
    cover = inked(HEIGHT, level(100), level(200))
    cover[95:106, 150:222] = 0  # 9 mm
    traces = trace_all(cover, px_per_mm=PX_PER_MM)
    assert np.flatnonzero(traces.where[0] == ABSENT).tolist() == list(range(150, 222))
    assert traces.share_of(0, ABSENT) == pytest.approx(72 / WIDTH)
    assert traces.share_of(0, ABSENT, BRIDGE) == traces.share_of(0, ABSENT)
    assert (rows_of_trace(traces, 1) == 200).all()


def test_a_trace_whose_peaks_leave_the_picture_over_the_edge_comes_back() -> None:
    # Three peaks from row 60 to 60 px above the picture: it is beyond the edge for 10 columns each.
    beyond: list[tuple[float, float]] = [(0, 60)]
    for at in (60, 150, 240):
        beyond += [(at - 10, 60), (at, -60), (at + 10, 60)]
    traces = trace_all(inked(HEIGHT, [*beyond, (319, 60)], level(150)), px_per_mm=PX_PER_MM)
    gone = np.flatnonzero(traces.where[0] == ABOVE)
    assert (np.min(np.abs(gone[:, None] - [60, 150, 240]), axis=1) <= 5).all()
    assert {60, 150, 240} <= set(gone.tolist())
    rows = rows_of_trace(traces, 0)
    assert (rows[[20, 45, 75, 105, 135, 165, 200, 225, 255, 300]] == 60).all()
    assert (rows_of_trace(traces, 1) == 150).all()


@pytest.mark.parametrize(("tip", "half"), [(200, 20), (150, 20), (150, 60)])
def test_a_visitors_peak_from_below_does_not_take_the_trace_along(tip: float, half: float) -> None:
    # From 60 px below the picture's lower edge to 20 px below the trace, or 30 px above it.
    slope = half / 120
    visit = [(160 - slope * (300 - tip), 300.0), (160.0, tip), (160 + slope * (300 - tip), 300.0)]
    traces = trace_all(inked(HEIGHT, level(180), visit), px_per_mm=PX_PER_MM)
    assert traces.rows_px.tolist() == [180]
    assert (rows_of_trace(traces, 0) == 180).all()
    rows = rows_of_trace(traces, -1)
    assert np.nanmin(rows) == pytest.approx(tip, abs=6)  # the tip's run reaches down its flanks
    assert set(np.unique(traces.where[-1, [0, 100, 220, 319]])) == {BELOW}
    assert (traces.where[-2] == ABOVE).all()


@pytest.mark.parametrize("tip", [50, 70])
def test_ink_at_the_edge_is_of_a_trace_that_goes_over_it(tip: float) -> None:
    s_wave = [(0.0, 120.0), (155.0, 120.0), (160.0, 180.0), (165.0, 120.0), (400.0, 120.0)]
    r_wave = [(153.0, HEIGHT + 40.0), (158.0, tip), (163.0, HEIGHT + 40.0)]
    cover = inked(HEIGHT, s_wave, r_wave)
    free = replace(COSTS, edge_per_mm=0.0)
    seen = trace_all(cover, [120.0], px_per_mm=PX_PER_MM).where[2] >= 0
    without = trace_all(cover, [120.0], px_per_mm=PX_PER_MM, costs=free).where[2] >= 0
    assert seen[154:163].all() and not seen[:150].any() and not seen[168:].any()
    assert without.sum() < 5  # the trace's own S wave is taken for all of it


def test_the_pictures_edge_is_where_inside_says() -> None:
    # The peak leaves a picture that begins in row 20: above is another's ink, or none.
    cover = inked(HEIGHT, peak(80, 5, half=15))
    inside = np.ones(cover.shape, np.bool_)
    inside[:20] = inside[230:] = False
    upper, lower = limits_of(cover.shape, inside)
    assert set(upper) == {20} and set(lower) == {230}
    cover[~inside] = 0
    cut = trace_all(cover, px_per_mm=PX_PER_MM, inside=inside)
    assert cut.where[0, 160] == ABOVE
    assert trace_all(cover, px_per_mm=PX_PER_MM).where[0, 160] != ABOVE


# Two traces come together, run on as one line for 60 columns, and part again.
UPPER = [(0, 100), (100, 100), (130, 120), (190, 120), (220, 100), (319, 100)]
LOWER = [(0, 140), (100, 140), (130, 120), (190, 120), (220, 140), (319, 140)]


@pytest.mark.parametrize("across", [False, True])
def test_a_networks_map_decides_between_two_alike_traces_at_a_meeting(across: bool) -> None:
    upper, lower = inked(HEIGHT, UPPER), inked(HEIGHT, LOWER)
    first = np.arange(WIDTH) < 160
    maps = np.stack(
        [np.where(first, upper, lower if across else upper),
         np.where(first, lower, upper if across else lower)]
    )  # fmt: skip
    traces = trace_all(np.maximum(upper, lower), [100, 140], px_per_mm=PX_PER_MM, maps=maps)
    before_and_after = [rows_of_trace(traces, k)[[50, 280]].tolist() for k in (0, 1)]
    assert before_and_after == ([[100, 140], [140, 100]] if across else [[100, 100], [140, 140]])


@pytest.mark.parametrize("everywhere", [None, 0.0, 0.5])
def test_without_a_map_that_tells_each_returns_to_its_row(everywhere: float | None) -> None:
    cover = inked(HEIGHT, UPPER, LOWER)
    maps = None if everywhere is None else np.full((2, *cover.shape), everywhere, np.float32)
    traces = trace_all(cover, [100, 140], px_per_mm=PX_PER_MM, maps=maps)
    assert [rows_of_trace(traces, k)[280] for k in (0, 1)] == [100, 140]


def test_maps_tell_of_two_lines_that_cross_for_good() -> None:
    down: Polyline = [(0, 80), (100, 80), (220, 160), (319, 160)]
    up: Polyline = [(0, 160), (100, 160), (220, 80), (319, 80)]
    maps = np.stack([inked(HEIGHT, down), inked(HEIGHT, up)])
    traces = trace_all(maps.max(axis=0), [80, 160], px_per_mm=PX_PER_MM, maps=maps)
    at = [50.0, 130, 150, 170, 190, 280]
    assert np.allclose(path_rows(traces, 0, at), true_rows(down, at), atol=0.5)
    assert np.allclose(path_rows(traces, 1, at), true_rows(up, at), atol=0.5)


@pytest.mark.parametrize(("turn", "tips"), [(6.0, [140, 76]), (0.0, [76, 140])])
def test_the_dearer_a_turn_the_straighter_are_traces_through_a_crossing(
    turn: float, tips: list[float]
) -> None:
    # Two slow waves cross on their way and on their way back: 1 row per column. Who turns back
    # where they meet stays 16 rows nearer to its own row.
    cover = inked(HEIGHT, peak(100, 140, half=40), peak(116, 76, half=40))
    costs = replace(COSTS, turn=turn, along_mm=np.inf)  # the turn alone
    traces = trace_all(cover, [100, 116], px_per_mm=PX_PER_MM, costs=costs)
    assert [rows_of_trace(traces, k)[160] for k in (0, 1)] == pytest.approx(tips, abs=OFF_PX)
    assert [rows_of_trace(traces, k)[300] for k in (0, 1)] == [100, 116]


def test_more_rows_than_are_searched_together_are_all_found() -> None:
    rows = list(range(50, 500, 80))
    assert len(rows) == 6 > COSTS.together
    traces = trace_all(inked(500, *map(level, rows)), px_per_mm=PX_PER_MM)
    assert traces.rows_px.tolist() == rows
    for k, row in enumerate(rows):
        assert (rows_of_trace(traces, k) == row).all()


def test_maps_of_traces_beyond_a_group_are_of_its_visitors() -> None:
    """Six rows, four searched together: what is above a group comes in from above it."""
    maps = np.arange(1.0, 9.0, dtype=np.float32)[:, None, None] * np.ones((1, 4, 5), np.float32)
    some = _maps_of(maps, slice(1, 5), 6)
    assert some[:, 0, 0].tolist() == [2, 3, 4, 5, 1 + 7, 6 + 8]
    assert _maps_of(maps, slice(0, 6), 6) is maps  # all of them: their visitors are their own
    assert _maps_of(maps[:6], slice(1, 5), 6)[:, 0, 0].tolist() == [2, 3, 4, 5]


def test_more_rows_than_are_searched_together_keep_their_peaks() -> None:
    # Each peak goes through the line above it; the uppermost leaves the picture.
    rows = list(range(50, 500, 80))
    cover = inked(500, *(peak(row, row - 120, at=40 + 45 * k) for k, row in enumerate(rows)))
    traces = trace_all(cover, [float(row) for row in rows], px_per_mm=PX_PER_MM)
    assert traces.where[0, 40] == ABOVE
    for k, row in enumerate(rows):
        x = 40 + 45 * k
        if k:
            assert path_rows(traces, k, [x])[0] == pytest.approx(row - 120, abs=OFF_PX)
        beside = [q + 22.0 for q in range(0, WIDTH, 45) if q + 22 < WIDTH]
        assert np.allclose(path_rows(traces, k, beside), row, atol=0.5)


def test_rows_may_be_too_many_for_the_ink() -> None:
    # Nothing is at row 180: its trace is absent, and the other keeps its ink.
    traces = trace_all(inked(HEIGHT, level(60)), [60, 180], px_per_mm=PX_PER_MM)
    assert traces.share_of(1, ABSENT) == 1
    assert (rows_of_trace(traces, 0) == 60).all()


def test_a_traces_ink_is_its_own_and_what_nobody_has() -> None:
    cover = inked(HEIGHT, level(60), level(150))
    cover[100:104, 100:110] = 1  # a speck that no trace goes through, between both
    cover[190:194, 100:110] = 1  # and one 4 mm from the lower, 16 from the upper
    traces = trace_all(cover, [60, 150], px_per_mm=PX_PER_MM)
    ink = traces.ink(0)
    assert np.array_equal(ink.cover[40:120], cover[40:120])
    assert (ink.cover[130:] == 0).all()
    assert (traces.ink(1).cover[100:104, 100:110] == 1).all()
    assert (traces.ink(1).cover[190:194, 100:110] == 1).all()
    assert len(ink.columns) == WIDTH and np.allclose(ink.edges_px()[0], 58.5, atol=0.1)


def test_the_flank_of_a_peak_is_cut_off_the_lines_ink() -> None:
    # With and without maps of both.
    wave, line = inked(HEIGHT, peak(180, 30)), inked(HEIGHT, level(100))
    cover = np.maximum(wave, line)
    bare = trace_all(cover, [100, 180], px_per_mm=PX_PER_MM)
    for traces in (bare, replace(bare, maps=np.stack([line, wave]))):
        ink = traces.ink(0).cover
        assert ink[:96].max() < 0.5 and ink[105:].max() < 0.5  # faint edges are no ink
        assert (ink[99:102] == 1).all()


@pytest.mark.parametrize("shape", [(60, 80), (60, 1), (1, 60), (1, 1)])
def test_a_blank_picture_has_one_trace_that_is_nowhere(shape: tuple[int, int]) -> None:
    traces = trace_all(np.zeros(shape, np.float32), px_per_mm=PX_PER_MM)
    assert len(traces.rows_px) == 1
    assert traces.share_of(0, ABSENT) == 1
    assert (traces.ink(0).cover == 0).all()


@pytest.mark.parametrize("shape", [(60, 80), (60, 1), (1, 60), (1, 1)])
def test_a_picture_all_of_ink_is_one_trace_in_every_column(shape: tuple[int, int]) -> None:
    traces = trace_all(np.ones(shape, np.float32), px_per_mm=PX_PER_MM)
    assert len(traces.rows_px) == 1
    assert traces.own[0].tolist() == [[0, shape[0]]] * shape[1]


def test_a_known_row_decodes_the_trace_there_through_its_neighbour() -> None:
    cover = inked(HEIGHT, peak(180, 30), level(100))
    for row, tip in ((180.0, 30.0), (100.0, 100.0)):
        path = decode(cover, "stroke", row_px=row, px_per_mm=PX_PER_MM)
        assert np.nanmin(path.y_px) == pytest.approx(tip, abs=OFF_PX)


def test_a_gap_is_not_filled_from_farther_than_any_lead_swings() -> None:
    # A row that stops and goes on, and a piece of ink above the gap, 65 mm away.
    gap = [level(600, stop=120), level(600, start=200), level(80, start=128, stop=192)]
    cover = inked(640, *gap)
    near = replace(COSTS, most_off_row_mm=100.0)
    for costs, filled in ((COSTS, False), (near, True)):
        traces = trace_all(cover, [600.0], px_per_mm=PX_PER_MM, costs=costs)
        assert (traces.where[0, 140:180] >= 0).all() == filled


def test_where_a_lead_ends_after_the_next_has_begun_the_row_goes_on_with_that() -> None:
    ends: Polyline = [(0, 60), (95, 60), (100, 22)]
    begins: Polyline = [(97, 100), (101, 130), (106, 60), (WIDTH - 1, 60)]
    cover = inked(HEIGHT, ends, begins, level(200))
    rows = np.array([60.0, 200.0])
    for jump_mm, followed in ((30.0, True), (0.0, False)):
        costs = replace(COSTS, most_jump_mm=jump_mm)
        traces = trace_all(cover, rows, px_per_mm=PX_PER_MM, costs=costs)
        assert (rows_of_trace(traces, 0)[120:] == 60).all()
        assert (rows_of_trace(traces, 1) == 200).all()
        at = traces.where[0, 90:101]  # where the first lead ends
        to_its_end = bool((at >= 0).all()) and traces.runs.top_px[at[-1]] < 22
        assert to_its_end == followed

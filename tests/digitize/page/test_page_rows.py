"""The rows of a page: what is one, and what only looks like one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.page.columns import ends_of
from ecg_overlap.digitize.page.trace import trace_page, within_common_ends
from ecg_overlap.digitize.page.trace_ink import ink_of_traces, without_frames
from ecg_overlap.digitize.traces.drifting import drifting_rows, untangled

PX_PER_MM = 6.0
HEIGHT, WIDTH = 480, 1500  # 80 × 250 mm


def drawn(*lines: NDArray[np.float64]) -> NDArray[np.float32]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for line in lines:
        draw_stroke(mask, line, width_px=2.4)
    return mask.astype(np.float32) / 255


def beats(row: float, *, up: float = 60.0, first: int = 60, last: int = 1440, drift: float = 0.0):
    """A trace with a narrow peak every 120 px, (n, 2)."""
    x = np.arange(first, last + 1.0)
    phase = np.abs((x - first) % 120 - 60)
    y = row - up * np.clip(1 - phase / 8, 0, 1) + drift * (x - first) / (last - first)
    return np.stack([x, y], axis=1)


def rows_of(cover: NDArray[np.float32]) -> list[float]:
    found = drifting_rows(ink_of_traces(cover, px_per_mm=PX_PER_MM), px_per_mm=PX_PER_MM)
    return [float(row.y_px.mean()) for row in found]


def test_each_row_is_found_and_where_it_ends() -> None:
    cover = drawn(beats(120), beats(300, first=100, last=1300))
    found = drifting_rows(ink_of_traces(cover, px_per_mm=PX_PER_MM), px_per_mm=PX_PER_MM)
    assert [round(float(row.y_px.mean())) for row in found] == pytest.approx([120, 300], abs=2)
    assert [(row.first, row.stop - 1) for row in found] == [
        pytest.approx((60, 1440), abs=8),
        pytest.approx((100, 1300), abs=8),
    ]
    assert np.isnan(found[1].expected_px[[0, -1]]).all()


def test_a_drift_is_followed() -> None:
    found = drifting_rows(drawn(beats(200, drift=-90)), px_per_mm=PX_PER_MM)
    assert len(found) == 1
    assert found[0].y_px[200] - found[0].y_px[1300] == pytest.approx(90 * 1100 / 1380, abs=12)


def test_letters_are_no_row() -> None:
    letters = [np.array([(x, 40.0), (x, 52.0)]) for x in range(100, 900, 14)]
    assert rows_of(drawn(beats(250), *letters)) == pytest.approx([250], abs=2)


def test_a_frame_is_no_row() -> None:
    corners = np.array([(10, 10), (1490, 10), (1490, 470), (10, 470), (10, 10)], float)
    cover = drawn(beats(250), corners)
    assert rows_of(cover) == pytest.approx([250], abs=2)
    left = without_frames(cover, px_per_mm=PX_PER_MM)
    assert left[12:468, 12:1488].sum() == pytest.approx(cover[12:468, 12:1488].sum(), rel=1e-6)
    assert left[:8].sum() == 0


def test_a_frame_of_which_a_network_sees_dashes_is_no_row() -> None:
    corners = np.array([(10, 10), (1490, 10), (1490, 470), (10, 470), (10, 10)], float)
    dark = drawn(beats(250), corners)
    seen = dark.copy()
    seen[:12, ::40] = seen[:12, 1::40] = 0
    left = without_frames(seen, px_per_mm=PX_PER_MM, dark=dark)
    assert left[:14].sum() == 0
    assert left[14:460, 16:1484].sum() == pytest.approx(dark[14:460, 16:1484].sum(), rel=1e-6)


def test_a_dark_grid_takes_nothing_from_what_a_network_sees() -> None:
    cover = drawn(beats(252.0))
    lines = [np.array([(0.0, y), (WIDTH - 1.0, y)]) for y in range(60, HEIGHT, 60)]
    dark = np.maximum(drawn(*lines), cover)
    kept = without_frames(cover, px_per_mm=PX_PER_MM, dark=dark)
    np.testing.assert_array_equal(kept, cover)


def test_a_row_that_drifts_among_others_is_found_in_what_they_leave() -> None:
    level = [beats(60, up=30), beats(420, up=30), beats(450, up=30)]
    drifting = beats(100, up=30, drift=230)
    cover = drawn(*level, drifting)
    assert len(rows_of(cover)) == 3
    traced = trace_page(cover, px_per_mm=PX_PER_MM)
    assert len(traced.rows) == 4
    path = traced.paths[1]
    y = np.interp(np.arange(100, 1400), path.x_px, path.y_px)
    true = np.interp(np.arange(100, 1400), *drifting.T)
    assert np.abs(y - true).mean() < 1


def test_rests_of_a_line_that_look_like_a_row_are_given_up() -> None:
    # Pieces of a grid line under the only trace: not half of the row's length.
    rests = [np.array([(x, 330.0), (x + 60.0, 330.0)]) for x in (150, 420, 640, 980)]
    traced = trace_page(drawn(beats(250), *rests), px_per_mm=PX_PER_MM)
    assert [round(float(row.y_px.mean())) for row in traced.rows] == pytest.approx([250], abs=2)


def dashes(row: float, first: int, last: int, *, length: int = 60, every: int = 70):
    """A straight line with gaps, as a scan leaves of a grid's."""
    return [np.array([(x, row), (x + length, row)], float) for x in range(first, last, every)]


def trembling(row: float) -> NDArray[np.float64]:
    """A row of beats that is level in about half of its columns."""
    trace = beats(row)
    trace[:, 1] += 12 * np.sin(trace[:, 0] / 9)
    return trace


def test_a_row_does_not_change_over_to_a_line_that_is_clearer_for_a_while() -> None:
    """In the first 90 mm a line 9 mm below has more level ink than the trace, and then less."""
    line = [*dashes(254, 60, 600, every=66), *dashes(254, 620, 1400, every=150)]
    cover = drawn(trembling(200), *line)
    assert min(abs(y - 200) for y in rows_of(cover)) < 12  # as far as it trembles


@pytest.mark.parametrize(("most_step", "crossed"), [(80.0, False), (5.0, True)])
def test_two_ways_exchange_what_makes_their_steps_shorter(most_step: float, crossed: bool) -> None:
    places = [np.array([100.0, 160.0]), np.array([100.0, 160.0]), np.array([110.0, 150.0])]
    ways = [[(0, 0), (1, 0), (2, 1)], [(0, 1), (1, 1), (2, 0)]]
    level = [[(0, 0), (1, 0), (2, 0)], [(0, 1), (1, 1), (2, 1)]]
    assert untangled(ways, places, most_step) == (ways if crossed else level)


def test_what_is_left_of_a_grids_lines_is_no_row() -> None:
    """Two lines 10 mm apart, of which the one has what the other lacks."""
    lines = [
        *dashes(390, 60, 1370, length=72, every=120),
        *dashes(450, 120, 1370, length=72, every=120),
    ]
    traced = trace_page(drawn(beats(120), beats(250), *lines), px_per_mm=PX_PER_MM)
    assert [round(float(row.y_px.mean())) for row in traced.rows] == pytest.approx(
        [120, 250], abs=3
    )


def test_a_heart_at_rest_is_a_row() -> None:
    level = np.stack(
        [np.arange(60.0, 1441), 400 + 2.5 * np.sin(np.arange(60.0, 1441) / 90)], axis=1
    )
    traced = trace_page(drawn(beats(120), beats(250), level), px_per_mm=PX_PER_MM)
    assert len(traced.rows) == 3


def test_a_page_without_traces_is_refused() -> None:
    letters = [np.array([(x, 40.0), (x, 52.0)]) for x in range(100, 900, 14)]
    with pytest.raises(DigitizeError, match="no row of traces"):
        trace_page(drawn(*letters), px_per_mm=PX_PER_MM)


def test_a_page_begins_where_its_traces_do_though_they_come_from_far_below_their_rows() -> None:
    rising = [beats(row, up=20) for row in (90.0, 230.0, 350.0)]
    for trace in rising:
        trace[:, 1] += np.clip((260 - trace[:, 0]) / 2, 0, 100)
    cover = drawn(*rising)
    traced = trace_page(cover, px_per_mm=PX_PER_MM)
    assert min(row.first for row in traced.rows) > 150
    first, last = ends_of(cover, traced.rows, traced.paths, None, px_per_mm=PX_PER_MM)
    assert (first, last) == (pytest.approx(60, abs=2), pytest.approx(1440, abs=2))


def test_no_row_reaches_beyond_where_most_end() -> None:
    cover = drawn(beats(100), beats(240), beats(380, last=1495))
    found = drifting_rows(cover, px_per_mm=PX_PER_MM)
    assert max(row.stop for row in found) > 1480
    cut = within_common_ends(found, PX_PER_MM)
    assert max(row.stop for row in cut) < 1441 + 4 * PX_PER_MM

"""Other ways through a meeting are found in a coarser picture; changes are judged as if drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.paths.drawn import difference, draw_into, drawn_but
from ecg_overlap.digitize.paths.meeting import Meeting, Window, misfit_of
from ecg_overlap.digitize.paths.outlines import by_column, line, more_than_before, outline
from ecg_overlap.digitize.paths.searched import searched


def swapped_tips(finer: float) -> tuple[Window, NDArray[np.float64]]:
    """Two strokes whose peaks cross, each with the other's tip; and as they are."""
    x = np.arange(0.0, 40.0 * finer, 0.375 * finer)
    peak = np.maximum(1 - np.abs(x / finer - 20) / 6, 0)
    true = finer * np.stack([20 + 40 * peak, 60 - 50 * peak])
    pens = np.full(2, 3.0 * finer)
    shape = (round(72 * finer), round(40 * finer))
    ink = drawn_but(shape, x, true, pens, -1, -1)
    y = np.stack([np.minimum(*true), np.maximum(*true)])
    free = (x > 12 * finer) & (x < 28 * finer)
    columns = np.arange(18 * finer, 22 * finer)
    ends = np.array([(c, row * finer) for c in columns for row in (10.0, 60.0)])
    meeting = Meeting(round(14 * finer), round(26 * finer), (0, 1))
    seen = np.ones(y.shape, np.bool_)
    return Window(meeting, 0, 0, ink, x, y, pens, np.zeros(2), seen, free, ends), true


@pytest.mark.parametrize("finer", [1.0, 2.0, 3.5])
def test_ways_are_found_at_any_scale(finer: float) -> None:
    window, true = swapped_tips(finer)
    found = searched(window, window.y)
    assert np.abs(window.y - true).max() > 15 * finer
    assert np.abs(found - true).max() < 4 * finer
    assert misfit_of(window, found) < misfit_of(window, window.y)
    assert found[:, ~window.free] == pytest.approx(window.y[:, ~window.free], abs=1e-3)


@pytest.mark.parametrize("pen", [4.0, 8.0, 13.0, 20.0])
@pytest.mark.parametrize("columns", [1, 2, 5, 9])
@pytest.mark.parametrize("at_edge", [False, True])
def test_a_narrow_meeting_of_thick_pens_is_searched(
    pen: float, columns: int, at_edge: bool
) -> None:
    """Its free knots may lie between those of a coarser picture."""
    margin = 0 if at_edge else 4
    x = np.arange(-0.25, margin + columns + 4, min(pen / 8, 1.0))
    y = np.stack([np.full(len(x), 40.0), np.full(len(x), 40.0 + pen)])
    ink = drawn_but((97, margin + columns + 4), x, y, np.full(2, pen), -1, -1)
    free = (x > margin - 2) & (x < margin + columns + 2)
    free[[0, -1]] = False
    ends = np.array([(margin + c, row) for c in range(columns) for row in (20.0, 70.0)])
    meeting, seen = Meeting(margin, margin + columns, (0, 1)), np.ones(y.shape, np.bool_)
    beyond = np.array([0.0, 1 + 2 * pen])
    window = Window(meeting, 0, 0, ink, x, y, np.full(2, pen), beyond, seen, free, ends)
    assert np.abs(searched(window, y) - y).max() < 1


def test_a_window_without_ends_is_left_as_it_is() -> None:
    window, _ = swapped_tips(2.0)
    blank = Window(**{**vars(window), "ends": np.zeros((0, 2))})
    assert searched(blank, window.y) is window.y


@pytest.mark.parametrize("seed", range(6))
def test_a_change_is_what_the_whole_drawings_differ_by(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.arange(0.0, 40.0, 0.5)
    y, first, last = np.full(len(x), 20.0), 10, 70
    ink = rng.random((48, 40)).astype(np.float32)
    others = np.zeros_like(ink)
    draw_into(others, x, np.full(len(x), 24.0), 3.0)
    pens, room = np.full(1, 3.0), (1, 2, len(x) + 14)
    points = np.column_stack(
        [np.sort(rng.choice(np.arange(6, 34), 4, False)), rng.uniform(2, 46, 4)]
    )
    corners, counts = np.zeros((2, *room)), np.zeros((2, 1), np.int64)
    for i, kept in enumerate((points, np.delete(points, rng.integers(4), axis=0))):
        counts[i, 0] = outline(x, y, first, last, kept, len(kept), corners[i, 0])
    own = by_column(ink, others, corners[0], counts[0], pens)
    whole = []
    for i in range(2):
        drawing = others.copy()
        draw_into(drawing, *corners[i, 0, :, : counts[i, 0]], 3.0)
        whole.append(difference(ink, drawing))
    under, at, before = np.empty(9999, np.float32), np.empty(9999, np.int64), others.copy()
    more = more_than_before(
        ink, others, corners[0], counts[0], own, corners[1], counts[1], pens, under, at
    )
    assert more == pytest.approx(whole[1] - whole[0], abs=1e-3)
    assert own.sum() == pytest.approx(whole[0] - difference(ink, others), abs=1e-3)
    assert np.array_equal(others, before)


def test_an_outline_goes_where_the_line_goes() -> None:
    x = np.arange(0.0, 40.0, 0.5)
    y = np.where(x < 20, 12.0, 30.0)
    points = np.array([[10.0, 3.0], [10.1, 40.0], [25.0, 20.0]])
    corners = np.zeros((2, len(x) + 14))
    n = outline(x, y, 8, 60, points, 3, corners)
    assert (np.diff(corners[0, :n]) > 0).all()
    along = np.interp(x, corners[0, :n], corners[1, :n])
    near = np.min([np.abs(x - column) for column in points[:, 0]], axis=0) < 1
    assert along[~near] == pytest.approx(line(x, y, 8, 60, points, 3)[~near])

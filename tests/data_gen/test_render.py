"""Strokes, lines, bars, text and ink in pixels; the printed grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.crop import Frame
from data_gen.grid import draw_grid
from data_gen.render import draw_bar, draw_ink, draw_stroke, lines_coverage, stamp
from data_gen.style import GridStyle
from data_gen.text import FONTS, text_coverage

PAPER = GridStyle((191, 127, 127), (255, 237, 237), 0.318, 0.318, snapped=True)


def stroke(points: list[tuple[float, float]], width_px: float, size: int = 20) -> np.ndarray:
    canvas = np.zeros((size, size), np.uint8)
    draw_stroke(canvas, np.array(points), width_px=width_px)
    return canvas


@pytest.mark.parametrize("y", [8.0, 8.25, 8.5, 8.9])
@pytest.mark.parametrize("width_px", [1.5, 2.0, 4.85])
def test_a_level_stroke_covers_its_width_wherever_it_lies(y: float, width_px: float) -> None:
    column = stroke([(-5, y), (25, y)], width_px)[:, 10] / 255
    assert column.sum() == pytest.approx(width_px, abs=0.01)
    # An area filter's centroid is off by up to an eighth of a pixel at an edge.
    assert (column * np.arange(20)).sum() / column.sum() == pytest.approx(y, abs=0.126)


def test_a_stroke_ends_round_and_has_no_seams() -> None:
    whole = stroke([(5, 10), (15, 10)], 4)
    parts = stroke([(5, 10), (7.3, 10), (11, 10), (15, 10)], 4)
    assert np.array_equal(whole, parts)
    assert whole[10, 3] == 128  # its centre lies on the edge of the cap, 2 px from the end
    assert whole[8, 3] == 0  # 2.8 px from the end


@pytest.mark.parametrize("width_px", [0.3, 1.0])
@given(y=st.floats(5, 15), slope=st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_the_thinnest_stroke_leaves_ink_in_every_column(
    width_px: float, y: float, slope: float
) -> None:
    canvas = stroke([(-5, y - 15 * slope), (25, y + 15 * slope)], width_px, size=20)
    inside = np.abs((np.arange(20) - 10) * slope + y - 10) < 9
    assert (canvas.max(axis=0)[inside] >= 128).all()


def test_missing_samples_leave_no_ink_and_a_lone_sample_is_a_dot() -> None:
    nan = float("nan")
    canvas = stroke([(1, 5), (4, 5), (5, nan), (9, nan), (10, 5), (11, nan), (16, 5), (19, 5)], 2)
    assert canvas[5, 3] == 255 and canvas[5, 10] == 255 and canvas[5, 17] == 255
    assert not canvas[:, 6:9].any() and not canvas[:, 12:15].any()


def test_drawing_again_or_elsewhere_never_lightens() -> None:
    once = stroke([(0, 10), (20, 10)], 3)
    twice = once.copy()
    draw_stroke(twice, np.array([(0, 10.4), (20, 10.4)]), width_px=3)
    assert (twice >= once).all()


def test_lines_stand_where_they_should() -> None:
    lines = lines_coverage(12, first_px=3.0, step_px=5.0, width_px=1.0)
    assert np.flatnonzero(lines == 1).tolist() == [3, 8]
    assert lines_coverage(12, first_px=-1.5, step_px=4.0, width_px=0.5).sum() == pytest.approx(
        3 * 0.5, abs=0.01
    )
    snapped = lines_coverage(12, first_px=3.3, step_px=5.0, width_px=1.2, snapped=True)
    assert np.flatnonzero(snapped).tolist() == [3, 8]


def test_uneven_lines_lack_ink_each_by_its_number_and_wherever_it_is_seen() -> None:
    even = lines_coverage(200, first_px=3.0, step_px=5.0, width_px=1.0)
    worn = lines_coverage(200, first_px=3.0, step_px=5.0, width_px=1.0, uneven=0.6, phase=1.0)
    lacks = 1 - worn[3::5]
    assert not worn[even == 0].any() and (worn <= even).all()
    assert 0 <= lacks.min() < 0.15 and 0.45 < lacks.max() <= 0.6
    moved = lines_coverage(100, first_px=-97.0, step_px=5.0, width_px=1.0, uneven=0.6, phase=1.0)
    assert np.array_equal(worn[100:], moved)  # the same paper, seen from its 100th pixel on


def test_a_bar_covers_its_area() -> None:
    canvas = np.zeros((12, 12), np.uint8)
    draw_bar(canvas, x0=2.25, y0=3.0, x1=4.75, y1=9.5)
    assert canvas.sum() / 255 == pytest.approx(2.5 * 6.5, abs=0.05)
    draw_bar(canvas, x0=-9, y0=-9, x1=-3, y1=-3)  # out of sight: nothing happens
    assert canvas[0, 0] == 0


def test_ink_darkens_by_its_coverage_and_keeps_its_colour() -> None:
    image = np.full((1, 3, 3), 200, np.uint8)
    draw_ink(image, np.array([[0, 128, 255]], np.uint8), (0, 0, 255))
    assert image[0].tolist() == [[200, 200, 200], [100, 100, 200], [0, 0, 200]]


def test_a_stamp_is_cut_at_the_edge() -> None:
    canvas = np.zeros((4, 4), np.uint8)
    stamp(canvas, np.full((3, 3), 9, np.uint8), x_px=-1, y_px=2)
    assert canvas.tolist() == [[0] * 4, [0] * 4, [9, 9, 0, 0], [9, 9, 0, 0]]


@pytest.mark.parametrize("font", FONTS)
def test_capitals_have_the_height_of_their_font(font: str) -> None:
    cover, baseline = text_coverage("V1", font=font, em_px=40)
    rows = np.flatnonzero((cover > 127).any(axis=1))
    assert rows[-1] + 1 == pytest.approx(baseline, abs=3)
    assert rows[-1] + 1 - rows[0] == pytest.approx(0.73 * 40, abs=3)


def test_grid_lines_stand_at_every_millimetre_of_the_paper() -> None:
    frame = Frame(x_mm=100.0, y_mm=50.0, width_px=101, height_px=61, px_per_mm=10.0)
    image = draw_grid(frame, GridStyle((200, 0, 0), (250, 200, 200), 0.1, 0.1), (0.0, 0.0))
    assert image[55, 50].tolist() == [200, 0, 0]  # x = 105 mm
    assert image[55, 60].tolist() == [250, 200, 200]  # x = 106 mm
    assert image[55, 55].tolist() == [255, 255, 255]
    assert image[50, 60].tolist() == [200, 0, 0]  # y = 55 mm hides the lighter line


def test_a_window_shows_the_same_grid_as_the_page() -> None:
    page = Frame(0.0, 0.0, 200, 150, 8.0)
    window = Frame(40 / 8, 24 / 8, 90, 70, 8.0)
    for style in (GridStyle((200, 0, 0), (250, 200, 200)), PAPER):
        whole = draw_grid(page, style, (1.31, 0.77))[24:94, 40:130].astype(int)
        assert np.abs(whole - draw_grid(window, style, (1.31, 0.77))).max() <= 1


def test_dots_stand_where_the_lines_would_cross() -> None:
    frame = Frame(0.0, 0.0, 50, 50, 10.0)
    image = draw_grid(frame, GridStyle(None, (100, 100, 100), 0.2, 0.1, dotted=True), (0.0, 0.0))
    assert image[10, 10].tolist() == [100, 100, 100]
    assert image[10, 15].tolist() == [255, 255, 255]


def test_the_papers_level_lines_hide_its_upright_ones() -> None:
    frame = Frame(0.0, 0.0, 200, 200, 15.74)
    image = draw_grid(frame, PAPER, (0.0, 0.0))
    assert image[round(15.74), 79].tolist() == [255, 237, 237]  # minor level over major upright
    assert image[79, round(15.74)].tolist() == [191, 127, 127]

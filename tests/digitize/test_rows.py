"""How many traces stand in a picture, and the rows that they return to."""

import numpy as np
import pytest
from drawn import beats, drawn
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.traces.drifting import rows_of
from ecg_overlap.digitize.traces.rows import Row, find_rows, presence
from ecg_overlap.digitize.traces.runs import find_runs

PX_PER_MM = 8.0
HEIGHT, WIDTH = 240, 320


def levels(*rows: int) -> NDArray[np.float32]:
    """Level lines of 3 px around some rows, in all columns."""
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    for row in rows:
        cover[row - 1 : row + 2] = 1
    return cover


def found(cover: NDArray[np.float32]) -> list[Row]:
    return find_rows(find_runs(cover), len(cover), px_per_mm=PX_PER_MM)


def test_one_trace_has_one_row_from_its_first_column_to_its_last() -> None:
    cover = levels(120)
    cover[:, :40] = cover[:, 280:] = 0
    assert found(cover) == [Row(120.0, 40, 279)]


def test_rows_of_three_traces_come_from_top_to_bottom() -> None:
    assert [row.y_px for row in found(levels(200, 40, 120))] == [40.0, 120.0, 200.0]


def test_beats_have_the_row_of_their_baseline_and_none_of_their_peaks() -> None:
    truth = drawn(beats())
    row = float(truth.calibration.y_px(np.zeros(1))[0])
    # The T waves are level at their tops too, but for a few columns only.
    found_rows = rows_of(as_coverage(truth.mask), px_per_mm=PX_PER_MM)
    assert found_rows.shape == (1, truth.mask.shape[1])
    assert found_rows == pytest.approx(row, abs=2)


def test_a_trace_that_wanders_has_one_row_where_two_traces_have_two() -> None:
    both = levels(80, 150)
    wandering = both.copy()
    wandering[140:, :160] = wandering[:100, 160:] = 0  # first in the one row, then in the other
    assert len(found(wandering)) == 1
    assert [row.y_px for row in found(both)] == [80.0, 150.0]


def test_two_traces_that_are_seldom_level_have_two_rows() -> None:
    """Each is at its row in a third of the columns, and both are as often as chance has it."""
    rng = np.random.default_rng(0)
    cover = levels(80, 150)
    for rows in (slice(0, 110), slice(110, HEIGHT)):
        cover[rows, np.repeat(rng.random(WIDTH // 8) > 1 / 3, 8)] = 0
    cover[10:13] = 1  # the name of a lead, all along: every column holds ink
    assert [row.y_px for row in found(cover)][1:] == [80.0, 150.0]


@pytest.mark.parametrize(("columns", "rows"), [(40, [120.0]), (60, [30.0, 120.0])])
def test_a_short_piece_of_ink_is_no_row(columns: int, rows: list[float]) -> None:
    # A word above the trace: a row is in at least 15 % of the picture's columns, here in 48.
    cover = levels(30, 120)
    cover[:60, 20 + columns :] = cover[:60, :20] = 0
    assert [row.y_px for row in found(cover)] == rows


def test_a_blank_picture_has_no_row() -> None:
    assert found(levels()) == []
    assert rows_of(levels(), px_per_mm=PX_PER_MM).shape == (0, WIDTH)


@pytest.mark.parametrize(
    ("known", "rows"),
    [
        (None, [40.0, 120.0]),
        (131.0, [40.0, 131.0]),  # 1.4 mm off: the same trace
        (80.0, [40.0, 80.0, 120.0]),  # 5 mm from both: another
    ],
)
def test_a_known_row_takes_the_place_of_the_one_that_is_found_there(
    known: float | None, rows: list[float]
) -> None:
    found_rows = rows_of(levels(120, 40), px_per_mm=PX_PER_MM, row_px=known)
    assert found_rows.tolist() == [[row] * WIDTH for row in rows]


def test_a_known_row_is_the_only_one_of_a_blank_picture() -> None:
    found_rows = rows_of(levels(), px_per_mm=PX_PER_MM, row_px=50.0)
    assert found_rows.tolist() == [[50.0] * WIDTH]


def test_presence_is_the_share_of_the_columns_with_level_ink_near_the_row() -> None:
    cover = levels(40, 120)
    cover[110:130, 240:] = 0  # the lower trace ends after three quarters
    # 9 px are within 1.2 mm of its row, 10 px are not.
    shares = presence(find_runs(cover), np.array([40, 120, 129, 130.0]), px_per_mm=PX_PER_MM)
    assert shares.tolist() == [1.0, 0.75, 0.75, 0.0]


def test_steep_strokes_and_blank_paper_are_no_presence() -> None:
    cover = levels(120)
    cover[110:131, :80] = 1  # seven pens high
    shares = presence(find_runs(cover), np.array([120.0]), px_per_mm=PX_PER_MM)
    assert shares.tolist() == [0.75]
    blank = presence(find_runs(levels()), np.array([120.0]), px_per_mm=PX_PER_MM)
    assert blank.tolist() == [0.0]


def wandering_over(lower: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A level trace, and one that wanders over 2 cm within 20; the picture, and its row."""
    x = np.arange(5 * WIDTH)
    wandering = 40 + 150 * x / len(x)
    cover = np.zeros((HEIGHT + 60, len(x)), np.float32)
    for row in (-1, 0, 1):
        cover[round(lower) + row] = 1
        cover[np.rint(wandering).astype(int) + row, x] = 1
    return cover, wandering


def test_a_trace_that_wanders_by_centimetres_has_a_row_that_wanders() -> None:
    cover, wandering = wandering_over(270)
    found_rows = rows_of(cover, px_per_mm=PX_PER_MM)
    assert len(found_rows) == 2
    assert np.abs(found_rows[0] - wandering).mean() < 4
    assert np.ptp(found_rows[1]) == 0


def test_a_known_row_that_wanders_goes_on_wandering() -> None:
    cover, wandering = wandering_over(270)
    found_rows = rows_of(cover, px_per_mm=PX_PER_MM, row_px=120.0)
    assert len(found_rows) == 2 and found_rows[0][5 * WIDTH // 2] == 120
    assert np.abs(found_rows[0] - wandering - 5).mean() < 4


def test_a_row_that_wanders_over_a_known_one_elsewhere_stays() -> None:
    cover, wandering = wandering_over(270)
    found_rows = rows_of(cover, px_per_mm=PX_PER_MM, row_px=70.0)  # 5.6 mm above its middle
    assert len(found_rows) == 2
    assert np.abs(found_rows[0] - wandering).mean() < 4


def test_of_a_level_row_and_one_that_wanders_through_it_the_level_one_is_known() -> None:
    cover, wandering = wandering_over(120)
    found_rows = rows_of(cover, px_per_mm=PX_PER_MM, row_px=117.0)
    level = np.ptp(found_rows, axis=1) == 0
    assert found_rows[level][:, 0].tolist() == [117]
    assert np.abs(found_rows[~level] - wandering).mean() < 6


def test_t_waves_of_a_trace_that_drifts_make_no_row() -> None:
    """They are there where the trace is not at its own row, and drift as it does."""
    x = np.arange(5 * WIDTH)
    cover = np.zeros((HEIGHT, len(x)), np.float32)
    t_wave = x % 50 < 20
    for at in (60 + 6 * np.sin(x / 100), 200 + 6 * np.cos(x / 100)):
        rows = np.rint(at + 36 * np.sin(x / 250) * t_wave).astype(int)
        for row in (-1, 0, 1):
            cover[rows + row, x] = 1
    assert len(rows_of(cover, px_per_mm=PX_PER_MM)) == 2

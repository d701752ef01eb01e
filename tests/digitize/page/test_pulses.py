"""The calibration pulses of a page: at which side, how high and wide, and where 0 mV is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.page.trace_ink import ink_of_traces
from ecg_overlap.digitize.pulse.printed import PagePulse, find_pulses
from ecg_overlap.digitize.traces.drifting import drifting_rows

PX_PER_MM = 6.0
HEIGHT_MM, WIDTH_MM = 100.0, 200.0
ROWS_MM = (30.0, 56.0, 82.0)
FIRST_MM, LAST_MM = 20.0, 180.0  # of the traces
FREE_MM = 2.5  # between a pulse's foot and the trace
FOOT_MM = 0.75

Line = NDArray[np.float64]


def trace(row_mm: float) -> Line:
    """Beats with a sharp R wave of 12 mm, (n, 2), mm; the first of them 4 mm behind the start."""
    x = np.arange(FIRST_MM, LAST_MM, 0.1)
    phase = np.abs((x - FIRST_MM + 6) % 20 - 10)
    return np.stack([x, row_mm - 12 * np.clip(1 - phase / 1.2, 0, 1)], axis=1)


def pulse(zero_mm: float, *, high: float = 10.0, wide: float = 5.0, left: float = 11.0) -> Line:
    """A pulse with its feet, (6, 2), mm, whose rising side is at `left`."""
    x = [left - FOOT_MM, left, left, left + wide, left + wide, left + wide + FOOT_MM]
    y = [zero_mm, zero_mm, zero_mm - high, zero_mm - high, zero_mm, zero_mm]
    return np.array([x, y]).T


def found_on(
    *pulses: Line,
    rows_mm: tuple[float, ...] = ROWS_MM,
    px_per_mm: float = PX_PER_MM,
    part_mm: tuple[float, float] = (0.0, WIDTH_MM),
) -> PagePulse | None:
    """What is found on a part of a page of some rows, three unless told, and these pulses."""
    mask = np.zeros([round(mm * px_per_mm) for mm in (HEIGHT_MM, WIDTH_MM)], np.uint8)
    for line in (*map(trace, rows_mm), *pulses):
        draw_stroke(mask, line * px_per_mm - 0.5, width_px=0.35 * px_per_mm)
    first, stop = (round(x * px_per_mm) for x in part_mm)
    cover = np.ascontiguousarray(mask[:, first:stop]).astype(np.float32) / 255
    rows = drifting_rows(ink_of_traces(cover, px_per_mm=px_per_mm), px_per_mm=px_per_mm)
    assert len(rows) == len(rows_mm)
    return find_pulses(cover, rows, px_per_mm=px_per_mm)


def mm(px: float | Line, px_per_mm: float = PX_PER_MM) -> Line:
    return (np.asarray(px) + 0.5) / px_per_mm


@pytest.mark.parametrize("px_per_mm", [4.0, 6.0, 13.0])
def test_pulses_before_the_traces(px_per_mm: float) -> None:
    found = found_on(*map(pulse, ROWS_MM), px_per_mm=px_per_mm)
    assert found is not None
    assert (found.after, found.mm_per_mv, found.width_mm) == (False, 10.0, 5.0)
    assert float(mm(found.left_px, px_per_mm)) == pytest.approx(11.0, abs=0.3)
    assert float(mm(found.right_px, px_per_mm)) == pytest.approx(16.0, abs=0.3)
    assert mm(found.zero_px, px_per_mm).tolist() == pytest.approx(list(ROWS_MM), abs=0.15)


def test_pulses_behind_the_traces() -> None:
    left = LAST_MM + FREE_MM + FOOT_MM
    found = found_on(*(pulse(row, left=left) for row in ROWS_MM))
    assert found is not None
    assert (found.after, found.mm_per_mv) == (True, 10.0)
    assert float(mm(found.left_px)) == pytest.approx(left, abs=0.3)


@pytest.mark.parametrize("other", [10.0, 5.0])
def test_pulses_at_both_sides_tell_both_gains(other: float) -> None:
    """As where chest leads, at the right, are printed at half the gain of limb leads."""
    behind = [pulse(row, high=other, left=LAST_MM + FREE_MM) for row in ROWS_MM]
    found = found_on(*map(pulse, ROWS_MM), *behind)
    assert found is not None
    assert {found.mm_per_mv, found.other_mm_per_mv} == {10.0, other}
    alone = found_on(*map(pulse, ROWS_MM))
    assert alone is not None and alone.other_mm_per_mv is None


@pytest.mark.parametrize("whole", [True, False])
def test_pulses_that_touch_are_read_one_by_one(whole: bool) -> None:
    rows = (40.0, 49.0, 58.0, 67.0)
    pulses = [pulse(row) for row in rows]
    pulses[0] = pulses[0] if whole else pulses[0][:3]  # or of the first only the rising side
    found = found_on(*pulses, rows_mm=rows)
    assert found is not None
    assert (found.mm_per_mv, found.width_mm) == (10.0, 5.0)
    assert mm(found.zero_px)[1:].tolist() == pytest.approx(list(rows[1:]), abs=0.15)


def test_the_boxes_of_a_grid_are_no_pulses() -> None:
    """Where a picture's edge is dark, lines are left of it, 5 mm apart."""
    lines = [np.array([(x, 2.0), (x, 98.0)]) for x in (6.0, 11.0)]
    for y in np.arange(2.0, HEIGHT_MM, 5.0):
        lines += [np.array([(1.0, y), (6.0, y)]), np.array([(11.0, y), (18.0, y)])]
    for row in ROWS_MM:
        lines += [np.array([(6.0, y), (11.0, y)]) for y in (row, row - 20.0)]
    assert found_on(*lines) is None


@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("wide", [3.2, 5.0, 10.0])
def test_the_gain_is_how_high_they_are(gain: float, wide: float) -> None:
    left = FIRST_MM - FREE_MM - FOOT_MM - wide
    found = found_on(*(pulse(row, high=gain, wide=wide, left=left) for row in ROWS_MM))
    assert found is not None
    assert (found.mm_per_mv, found.width_mm) == (gain, wide)


def test_0_mv_is_the_pulses_foot_and_not_the_rows() -> None:
    """A lead may keep to another height than 0 mV: 2 mm below it here, and 1.5 mm above."""
    feet = [ROWS_MM[0] - 2.0, ROWS_MM[1] + 1.5, ROWS_MM[2]]
    found = found_on(*map(pulse, feet))
    assert found is not None
    assert mm(found.zero_px).tolist() == pytest.approx(feet, abs=0.3)


def test_r_waves_are_no_pulses() -> None:
    assert found_on() is None


def test_one_pulse_of_three_rows_is_none() -> None:
    assert found_on(pulse(ROWS_MM[1])) is None


def test_a_row_without_its_pulse_has_no_0_mv() -> None:
    found = found_on(pulse(ROWS_MM[0]), pulse(ROWS_MM[2]))
    assert found is not None
    assert np.isnan(found.zero_px).tolist() == [False, True, False]
    assert np.isnan(found.like).tolist() == [False, True, False]


@pytest.mark.parametrize(("other", "alike"), [(11.0, True), (LAST_MM + 3.0, False)])
def test_pulses_of_one_page_stand_above_each_other(other: float, alike: bool) -> None:
    """With the third row bare, both pulses are needed to be of most rows."""
    found = found_on(pulse(ROWS_MM[0]), pulse(ROWS_MM[1], left=other))
    assert (found is not None) is alike


@pytest.mark.parametrize(
    ("from_mm", "to_mm", "left"), [(11.0, WIDTH_MM, 11.0), (0.0, LAST_MM + 8.0, LAST_MM + 3.0)]
)
def test_pulses_at_the_pictures_edge(from_mm: float, to_mm: float, left: float) -> None:
    """The cut goes through the middle of their outer side's stroke."""
    found = found_on(*(pulse(row, left=left) for row in ROWS_MM), part_mm=(from_mm, to_mm))
    assert found is not None
    assert (found.after, found.mm_per_mv) == (from_mm == 0, 10.0)
    assert float(mm(found.left_px)) == pytest.approx(left - from_mm, abs=0.3)

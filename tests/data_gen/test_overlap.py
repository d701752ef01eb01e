"""Overlap severity against a count by hand and by brute force; the dials."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.crop import Frame
from data_gen.errors import InputError
from data_gen.overlap import OverlapDials, solve_pitch_px
from data_gen.severity import (
    expected_severities,
    ink_spans,
    page_contacts,
    pen_spans,
    severity,
)
from data_gen.sheet import Line, draw_traces


def picture(rows: list[str]) -> np.ndarray:
    """'#' is ink, '+' is coverage just below the definition's, '.' is paper."""
    levels = {"#": 255, "o": 128, "+": 127, ".": 0}
    return np.array([[levels[c] for c in row] for row in rows], np.uint8)


def test_counted_by_hand() -> None:
    target = picture([
        "......",
        "######",
        "......",
        "......",
        "......",
    ])  # fmt: skip
    others = picture([
        "......",
        ".#....",  # column 1: on it
        "..#...",  # column 2: gap 0
        "...#..",  # column 3: gap 1
        "....#.",  # column 4: gap 2; column 5: nothing
    ])  # fmt: skip
    found = severity(target, others)
    assert found.intrusion == pytest.approx(4 / 6)
    assert found.contact == pytest.approx(3 / 6)
    assert found.longest_contact_px == 3
    assert found.smallest_gap_px == 0


def test_on_a_page_each_trace_meets_all_others() -> None:
    first, second, third = picture(["####", "....", "...."]), picture([
        "....", "##..", "...."]), picture(["....", "....", "..##"])  # fmt: skip
    assert page_contacts([first, second, third]) == [1.0, 1.0, 1.0]
    assert page_contacts([first, second]) == [0.5, 1.0]
    assert page_contacts([first]) == [0.0]


def test_ink_begins_at_half_coverage() -> None:
    target = picture(["oooo"])
    assert severity(target, picture(["o+.."])).contact == 0.25
    assert severity(picture(["+#"]), picture(["#."])).intrusion == 0.0


def test_without_neighbours_or_without_a_primary_nothing_overlaps() -> None:
    target = picture(["..##", "##.."])
    alone = severity(target, None)
    assert (alone.intrusion, alone.contact, alone.smallest_gap_px) == (0.0, 0.0, math.inf)
    assert severity(np.zeros_like(target), target).intrusion == 0.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_agrees_with_a_brute_force_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 25, 2))
    density = rng.uniform(0, 0.4, 2)
    target, others = (
        np.where(rng.random(shape) < d, rng.integers(1, 256, shape), 0).astype(np.uint8)
        for d in density
    )
    columns = intruded = touched = 0
    gaps = []
    for x in range(shape[1]):
        own = [y for y in range(shape[0]) if target[y, x] >= 128]
        other = [y for y in range(shape[0]) if others[y, x] >= 128]
        columns += bool(own)
        if own and other:
            gap = max(0, min(abs(a - b) for a in own for b in other) - 1)
            intruded, touched = intruded + 1, touched + (gap <= 1)
            gaps.append(gap)
    found = severity(target, others)
    assert found.intrusion == pytest.approx(intruded / max(columns, 1))
    assert found.contact == pytest.approx(touched / max(columns, 1))
    assert found.smallest_gap_px == min(gaps, default=math.inf)


def test_crossings_are_counted_in_the_picture_only() -> None:
    x = np.linspace(-5, 45, 101)
    level = np.column_stack((x, np.full(101, 10.0)))
    zigzag = np.column_stack((x, 10 + 8 * np.sin(x / 40 * 2 * np.pi * 2.5)))  # 4 within 0…39
    mask = np.zeros((20, 40), np.uint8)
    mask[10] = 255
    found = severity(mask, None, polyline_px=level, other_polylines_px=[zigzag])
    assert found.crossings == 4
    far = zigzag + np.array((0, 100))
    assert severity(mask, None, polyline_px=level, other_polylines_px=[far]).crossings == 0


def test_the_longest_contact_is_the_longest_run_of_touching_columns() -> None:
    target = picture(["########"])
    assert severity(target, picture(["##.###.#"])).longest_contact_px == 3
    assert severity(target, picture(["....####"])).longest_contact_px == 4
    broken = picture(["##.#####"])  # a column without the primary ends a run too
    assert severity(broken, target).longest_contact_px == 5
    assert severity(target, picture(["........"])).longest_contact_px == 0


def test_the_ink_of_a_drawn_trace_spans_what_the_pen_covers() -> None:
    x = np.arange(-3.0, 103.0, 0.5)
    wave = np.column_stack((x, 40 + 15 * np.sin(x / 9)))
    drawn = draw_traces(Frame(0, 0, 100, 80, 1.0), [Line(0, wave, 0, 80)], pen_mm=4.0)
    assert np.abs(ink_spans(drawn) - pen_spans(wave, 100, 4.0)).max() < 1.0
    assert np.isnan(ink_spans(np.zeros_like(drawn))).all()


def test_severities_are_expected_for_every_place_of_the_others() -> None:
    own = np.array([[9.5, 12.5]] * 3 + [[np.nan, np.nan]])  # rows 10–12 of three columns
    other = np.array([[[-0.5, 1.5]] * 2 + [[4.5, 6.5]] * 2])  # rows 0–1, or 5–6
    shifts = np.array([[0.0], [3.0], [7.0], [8.0], [-9.0]])
    found = expected_severities(own, other, shifts, 40)
    # At first the gaps are 8, 8 and 3 rows; at the last place nothing is left in the picture.
    np.testing.assert_allclose(found[:, 0], [0, 1 / 3, 1, 1, 0])
    np.testing.assert_allclose(found[:, 1], [1, 1, 1, 1, 0])


@pytest.mark.parametrize("asked", [0.1, 0.2, 0.35])
def test_the_pitch_that_is_solved_gives_the_contact_that_was_asked(asked: float) -> None:
    x = np.arange(0, 400, 0.5)
    own = np.column_stack((x, 100 + 30 * np.sin(x / 40)))
    other = own - np.column_stack((0 * x, x / 20))  # it comes down on the primary slowly
    dials = OverlapDials(contact=asked)
    pitch, miss = solve_pitch_px(
        dials, [own, other], np.array([1]), np.zeros(1),
        bounds_px=(1, 90), shape=(220, 400), pen_px=3.0, pick=0.5,
    )  # fmt: skip
    frame = Frame(0, 0, 400, 220, 1.0)
    found = severity(
        draw_traces(frame, [Line(0, own, 0, 220)], pen_mm=3.0),
        draw_traces(frame, [Line(0, other + np.array((0, pitch)), 0, 220)], pen_mm=3.0),
    )
    assert found.contact == pytest.approx(asked, abs=0.05)
    assert miss < 0.02


@pytest.mark.parametrize(
    "dials",
    [
        {"contact": float("nan")},
        {"contact": 1.2},
        {"contact": [0.4, 0.1]},
        {"intrusion": "much"},
        {"row_pitch_mm": [20, 10]},
        {"row_pitch_mm": "wide"},
        {"pen_mm": 0},
        {"jitter_mm": [0, float("nan")]},
        {"above": -1},
        {"tries": 0},
    ],
)
def test_impossible_dials_are_named(dials: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"overlap.{next(iter(dials))}"):
        OverlapDials(**dials)

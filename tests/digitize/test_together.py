"""Strokes that run together: drawn together, they must go as the pens went."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.paths.crossed import crossed
from ecg_overlap.digitize.paths.drawn import BEND, draw_into, drawn_but, fit_together, misfit
from ecg_overlap.digitize.paths.joined import joined
from ecg_overlap.digitize.paths.meeting import Window, fitted, meetings, misfit_of, window_of
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.paths.together import redrawn
from ecg_overlap.digitize.paths.untangle import untangle
from ecg_overlap.digitize.paths.visitor import visitor
from ecg_overlap.digitize.traces.joint import Traces, trace_all

PEN, PX_PER_MM = 2.4, 8.0
X = np.arange(0.0, 400.0, 0.5)


def beats(row: float, peaks: list[tuple[float, float, float]]) -> NDArray[np.float64]:
    """A level line with triangles: (x, height, half width) each; up is negative."""
    y = np.full(len(X), row)
    for at, height, half in peaks:
        y = y + height * np.maximum(1 - np.abs(X - at) / half, 0)
    return y


def drawn(rows: list[NDArray[np.float64]], height: int) -> NDArray[np.float32]:
    mask = np.zeros((height, 400), np.uint8)
    for y in rows:
        draw_stroke(mask, np.stack([X[10:-10], y[10:-10]], axis=1), width_px=PEN)
    return (mask / np.float32(255)).astype(np.float32)


def traced(rows: list[NDArray[np.float64]], height: int) -> tuple[Traces, list[Path]]:
    levels = [float(np.median(y)) for y in rows]
    traces = trace_all(drawn(rows, height), levels, px_per_mm=PX_PER_MM)
    return traces, [stroke(traces.ink(k)) for k in range(len(rows))]


def errors(paths: list[Path], rows: list[NDArray[np.float64]]) -> list[float]:
    """Root mean square error of each path, px."""
    found = []
    for path, y in zip(paths, rows, strict=True):
        seen = np.isfinite(path.y_px) & (path.x_px > 8) & (path.x_px < 190)
        true = np.interp(path.x_px[seen], X, y)
        found.append(float(np.sqrt(np.mean((path.y_px[seen] - true) ** 2))))
    return found


# The R of the lower trace and the S of the upper one cross each other within 6 columns.
CROSSING = [
    beats(40, [(100, -25, 4), (106, 95, 4), (180, -25, 4), (186, 95, 4)]),
    beats(140, [(104, -85, 5), (184, -85, 5)]),
]


def test_peaks_that_cross_are_told_apart() -> None:
    traces, paths = traced(CROSSING, 200)
    apart, together = errors(paths, CROSSING), errors(redrawn(traces, paths), CROSSING)
    assert min(apart) > 3  # each for itself they are not: so the test can fail
    assert max(together) < 0.6


def test_traces_that_do_not_meet_are_left_as_they_are() -> None:
    rows = [beats(40, [(100, -25, 4)]), beats(140, [(100, -50, 5)])]
    traces, paths = traced(rows, 200)
    assert not list(meetings(traces))
    assert all(a is b for a, b in zip(redrawn(traces, paths), paths, strict=True))


def test_only_the_columns_of_a_meeting_change() -> None:
    traces, paths = traced(CROSSING, 200)
    (first, second) = meetings(traces)
    assert first.traces == second.traces == (0, 1)
    assert 90 < first.first < first.stop < 120 and 170 < second.first < second.stop < 200
    for before, after in zip(paths, redrawn(traces, paths), strict=True):
        far = (before.x_px < first.first - 3) | (before.x_px > second.stop + 3)
        assert np.array_equal(before.y_px[far], after.y_px[far], equal_nan=True)


def test_a_stroke_that_ends_in_a_meeting_stays() -> None:
    traces, paths = traced(CROSSING, 200)
    meeting = next(iter(meetings(traces)))
    cut = np.where(paths[0].x_px < meeting.first + 2, paths[0].y_px, np.nan)
    ends = [Path(**{**vars(paths[0]), "y_px": cut}), paths[1]]
    assert window_of(traces, ends, meeting) is None
    assert np.array_equal(redrawn(traces, ends)[0].y_px, cut, equal_nan=True)


def test_other_traces_ink_is_not_in_the_window() -> None:
    rows = [*CROSSING, beats(170, [])]
    traces, paths = traced(rows, 220)
    window = window_of(traces, paths, next(iter(meetings(traces))))
    assert window is not None and len(window.y) == 2
    assert not window.ink[168 - window.top :].any()


# R waves of a row beyond the lower edge that come in beside a trace's own.
ROW = beats(80, [(100, -60, 4), (180, -60, 4), (260, -60, 4)])
BELOW_EDGE = beats(240, [(101, -190, 5), (181, -190, 5), (261, -190, 5)])


def test_a_neighbours_peak_from_beyond_the_edge_is_told_from_the_traces_own() -> None:
    traces = trace_all(drawn([ROW, BELOW_EDGE], 200), [80.0], px_per_mm=PX_PER_MM)
    assert [meeting.traces for meeting in meetings(traces)] == [(0, 2)] * 3
    apart = [stroke(traces.ink(0))]
    assert min(errors(apart, [ROW])) > 1.5  # by itself it is not: so the test can fail
    assert max(errors(redrawn(traces, apart), [ROW])) < 0.5


def test_a_visitor_is_beyond_the_edge_where_it_is_not_in() -> None:
    traces = trace_all(drawn([ROW, BELOW_EDGE], 200), [80.0], px_per_mm=PX_PER_MM)
    path = visitor(traces, 2, PEN)
    assert np.isfinite(path.y_px).all() and path.width_px == PEN
    far = np.abs(path.x_px - 101) > 8
    assert (path.y_px[far & (path.x_px < 150)] > 200 + PEN).all()
    assert path.y_px[~far].min() == pytest.approx(50, abs=2)  # the tip of the peak
    nobody = visitor(traces, 1, PEN)  # none comes from above
    assert (nobody.y_px < -PEN).all()


def one_line(slope: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = np.arange(0.0, 30.0, 0.5)
    return x, 12 + slope * x


def test_a_drawing_is_what_the_generator_draws() -> None:
    x, y = one_line(0.7)
    mask = np.zeros((48, 30), np.uint8)
    draw_stroke(mask, np.stack([x, y], axis=1), width_px=3.0)
    picture = np.zeros((48, 30), np.float32)
    draw_into(picture, x, y, 3.0)
    assert np.abs(picture - mask / 255)[:, 3:-3].max() < 0.12  # the softer edge of SOFTNESS_PX


def test_two_strokes_leave_what_a_third_has_drawn() -> None:
    x, y = one_line(0.0)
    ways, pens = np.stack([y, y + 10, y + 20]), np.full(3, 3.0)
    all_three = drawn_but((48, 30), x, ways, pens, -1, -1)
    without = drawn_but((48, 30), x, ways, pens, 0, 2)
    assert all_three[12].max() == all_three[32].max() == 1
    assert without[22].max() == 1 and without[12].max() == without[32].max() == 0


def test_what_gives_the_ink_costs_nothing_and_a_bend_a_little() -> None:
    x, y = one_line(0.0)
    pens = np.full(1, 3.0)
    ink = drawn_but((48, 30), x, y[None], pens, -1, -1)
    assert misfit(ink, x, y[None], pens, BEND) == pytest.approx(0)
    bent = y + np.where(x > 15, 3 * (x - 15), 0)
    own = drawn_but((48, 30), x, bent[None], pens, -1, -1)
    assert 0 < misfit(own, x, bent[None], pens, BEND) < BEND
    assert misfit(ink, x, bent[None], pens, BEND) > 10


def test_a_hidden_stroke_is_held_by_its_ends_alone() -> None:
    x, y = one_line(0.0)
    pens = np.full(2, 3.0)
    ink = drawn_but((48, 30), x, y[None], pens[:1], -1, -1)
    free = (x > 5) & (x < 25)
    guess = np.stack([y, y + np.where(free, 0.4, 0.0)])
    fitted = fit_together(ink, x, guess, pens, np.zeros(2), free, BEND, 3, 20)
    assert np.abs(fitted - y).max() < 0.4
    assert np.abs(fitted[:, ~free] - guess[:, ~free]).max() < 1e-4


def test_a_guess_without_its_peak_finds_it() -> None:
    x = np.arange(0.0, 40.0, 0.5)
    true = 30 - 24 * np.maximum(1 - np.abs(x - 20) / 5, 0)
    pens = np.full(1, 3.0)
    ink = drawn_but((40, 40), x, true[None], pens, -1, -1)
    free = (x > 14) & (x < 26)
    ends = np.array([[19.0, 7.0], [20.0, 6.0], [21.0, 7.0], [17.0, 20.0]])
    found, least = untangle(ink, x, np.full((1, len(x)), 30.0), pens, np.zeros(1), free, ends, BEND)
    assert np.abs(found[0] - true).max() < 2.5
    assert least < 2


# An S wave and an R wave at the same time: their flanks cross twice, 14 columns apart, with each
# stroke's own ink between.
TWICE = [beats(40, [(100, 80, 20)]), beats(150, [(100, -90, 20)])]


def bouncing(rows: list[NDArray[np.float64]]) -> list[Path]:
    """Two strokes that cross, as paths of which one is the upper throughout."""
    nothing = np.zeros(len(X))
    ways = (np.minimum(*rows), np.maximum(*rows))
    return [Path(X, y, nothing, nothing + 1, PEN, 0.0, 399.0) for y in ways]


def test_two_bounces_become_two_crossings() -> None:
    traces, _ = traced(TWICE, 190)
    bounced = bouncing(TWICE)
    assert min(errors(bounced, TWICE)) > 5
    found = joined(traces, bounced, list(meetings(traces)))
    assert max(errors(found, TWICE)) < 2.5


def test_two_crossings_stay() -> None:
    traces, _ = traced(TWICE, 190)
    nothing = np.zeros(len(X))
    true = [Path(X, y, nothing, nothing + 1, PEN, 0.0, 399.0) for y in TWICE]
    found = joined(traces, true, list(meetings(traces)))
    assert max(errors(found, TWICE)) < 1


# Likewise, but so narrow that both crossings are one meeting.
NARROW = [beats(40, [(100, 80, 6)]), beats(150, [(100, -90, 6)])]


def bounced_window() -> Window:
    """Their one meeting, in which the paths bounce."""
    traces, _ = traced(NARROW, 190)
    (meeting,) = meetings(traces)
    window = window_of(traces, bouncing(NARROW), meeting)
    assert window is not None
    return window


def test_strokes_that_bounce_twice_in_one_meeting_cross() -> None:
    window = bounced_window()
    true = np.stack([np.interp(window.x + window.left, X, y) for y in NARROW]) - window.top
    start = fitted(window, window.y)
    assert np.abs(start - true)[:, window.free].max() > 20
    found = crossed(window, start)
    assert np.abs(found - true)[:, window.free].max() < 4
    assert misfit_of(window, found) < misfit_of(window, start)
    assert np.array_equal(crossed(window, found), found)


def test_what_is_beyond_the_edge_is_not_changed_over() -> None:
    window = bounced_window()
    start = fitted(window, window.y)
    unseen = replace(window, seen=window.seen & (np.arange(2) > 0)[:, None])
    assert np.array_equal(crossed(unseen, start), start)


def test_a_guess_that_goes_to_and_fro_on_a_flank_becomes_straight() -> None:
    x = np.arange(0.0, 40.0, 0.5)
    true = (20 + 50 * np.clip((x - 18) / 4, 0, 1))[None]
    pens = np.full(1, 3.0)
    ink = drawn_but((90, 40), x, true, pens, -1, -1)
    guess = true.copy()
    guess[0, (x >= 19) & (x < 20)] = 60
    guess[0, (x >= 20) & (x < 21)] = 30
    free = (x > 12) & (x < 28)
    ends = np.array([[18.0, 20.0], [22.0, 70.0]])
    found, _ = untangle(ink, x, guess, pens, np.zeros(1), free, ends, BEND)
    assert (np.diff(found[0]) > -0.5).all()
    assert np.abs(found - true).max() < 4


def test_a_trace_that_goes_below_the_picture_is_in_the_window_of_its_meeting() -> None:
    """Its line sinks below the edge; then a peak of it crosses the other trace."""
    above, below = beats(40, [(150, 60, 8)]), beats(100, [(154, -100, 9)])
    below = below + 30 * np.clip((X - 60) / 40, 0, 1)
    traces = trace_all(drawn([above, below], 120), [40.0, 100.0], px_per_mm=PX_PER_MM)
    paths = [stroke(traces.ink(k)) for k in range(2)]
    sunk = (paths[1].x_px > 120) & (paths[1].x_px < 140)
    assert np.isnan(paths[1].y_px[sunk]).all()
    everyone = [*paths, visitor(traces, 2, PEN), visitor(traces, 3, PEN)]
    (meeting,) = (each for each in meetings(traces) if each.first > 120)
    assert {0, 1} <= set(meeting.traces)
    assert window_of(traces, everyone, meeting) is not None


def test_points_of_two_strokes_may_be_exchanged() -> None:
    """Each has the other's tip: no single point is better elsewhere, both together are."""
    x = np.arange(0.0, 40.0, 0.5)
    peak = np.maximum(1 - np.abs(x - 20) / 6, 0)
    true = np.stack([20 + 40 * peak, 60 - 50 * peak])
    pens = np.full(2, 3.0)
    ink = drawn_but((72, 40), x, true, pens, -1, -1)
    guess = np.stack([np.minimum(*true), np.maximum(*true)])
    free = (x > 12) & (x < 28)
    ends = np.array([[19.0, 10.0], [20.0, 10.0], [20.0, 60.0], [21.0, 60.0]])
    found, _ = untangle(ink, x, guess, pens, np.zeros(2), free, ends, BEND)
    assert np.abs(found - true).max() < 4

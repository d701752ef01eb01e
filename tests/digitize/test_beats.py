"""What the other beats of a trace tell of one."""

import numpy as np
import pytest
from lines import PEN_PX, PX_PER_MM, Polyline, inked
from numpy.typing import NDArray

from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.beats import Beats, expected_by_beats, find_beats
from ecg_overlap.digitize.traces.joint import trace_all
from ecg_overlap.digitize.traces.runs import find_runs

HEIGHT, GAP, WIDTH = 240, 160, 960  # a beat each 20 mm
BEATS = np.arange(80, WIDTH, GAP)


def found(*polylines: Polyline) -> Beats:
    runs = find_runs(inked(HEIGHT, *polylines, width=WIDTH))
    return find_beats(runs, PEN_PX, px_per_mm=PX_PER_MM)


def with_peaks(row: float, tips: dict[int, float], *, half: float = 6) -> Polyline:
    """A level trace with a peak at each of some columns."""
    points = [(0.0, row)]
    for at, tip in tips.items():
        points += [(at - half, row), (at, tip), (at + half, row)]
    return [*points, (WIDTH - 1.0, row)]


def test_beats_are_where_ink_is_steep() -> None:
    upper = with_peaks(60, {int(at): 20.0 for at in BEATS})
    lower = with_peaks(160, {int(at) + 3: 200.0 for at in BEATS})
    beats = found(upper, lower)
    assert np.abs(beats.column - BEATS).max() <= 3 and beats.alike.all()
    assert np.ptp(np.diff(beats.column)) <= 1  # the same phase of each


def test_an_ectopic_beat_is_not_like_the_others() -> None:
    usual = with_peaks(100, {int(at): 20.0 for at in BEATS}, half=12)
    odd = float(BEATS[3])
    ectopic = [(x, y) for x, y in usual if abs(x - odd) > 12]
    ectopic += [(odd - 34, 100.0), (odd - 28, 15.0), (odd + 28, 220.0), (odd + 34, 100.0)]
    beats = found(sorted(ectopic))
    at_ectopic = np.abs(beats.column - odd) < GAP / 3
    assert not beats.alike[at_ectopic].any()
    assert beats.alike[~at_ectopic].all()


@pytest.mark.parametrize("polyline", [with_peaks(100, {}), with_peaks(100, {80: 20.0, 240: 20.0})])
def test_without_three_beats_nothing_is_expected(polyline: Polyline) -> None:
    beats = found(polyline)
    rows = np.full((1, WIDTH), 100.0)
    assert expected_by_beats(rows, beats, rows, rows, px_per_mm=PX_PER_MM) is None


def waves() -> NDArray[np.float64]:
    """Rows of two traces: one with a wave after each beat, and one that is level and drifts."""
    x = np.arange(WIDTH)
    wave = 40 * np.exp(-((((x - 80) % GAP) - 60) ** 2) / 400)
    return np.stack([100 + wave, 120 + x / 100.0])


def test_a_beat_in_which_traces_were_swapped_is_expected_as_the_others_are() -> None:
    true = waves()
    seen = true.copy()
    third = slice(BEATS[2] - 40, BEATS[2] + 90)
    seen[:, third] = true[::-1, third]
    seen[:, ::7] = np.nan
    rows = np.repeat([[100.0], [120.0]], WIDTH, axis=1)
    beats = Beats(BEATS, np.ones(len(BEATS), np.bool_))
    told = expected_by_beats(seen, beats, rows, np.full(rows.shape, 16.0), px_per_mm=PX_PER_MM)
    assert told is not None
    assert np.abs(told.rows_px - true).max() < 3
    assert np.median(told.spread_px) == pytest.approx(0.3 * PX_PER_MM)


def test_where_no_beat_tells_a_trace_is_expected_at_its_row_as_before() -> None:
    rows = np.repeat([[100.0], [120.0]], WIDTH, axis=1)
    seen = rows.copy()
    seen[0] = np.nan
    beats = Beats(BEATS, np.ones(len(BEATS), np.bool_))
    usual = np.full(rows.shape, 16.0)
    told = expected_by_beats(seen, beats, rows, usual, px_per_mm=PX_PER_MM)
    assert told is not None
    assert (told.rows_px[0] == 100).all() and (told.spread_px[0] == 16).all()


def wave(row: float, low: float, *, odd: int) -> Polyline:
    """A trace that goes down to its neighbour's line after each beat, through it, and back.

    In one beat it goes along the neighbour for half a millimetre before it leaves it.
    """
    points = [(0.0, row)]
    for b, at in enumerate(BEATS.astype(float)):
        points += [(at - 6, row), (at, row - 60), (at + 6, row), (at + 20, row)]
        points += (
            [(at + 40, row + 16), (at + 44, row + 16), (at + 54, low), (at + 64, low)]
            if b == odd
            else [(at + 50, low), (at + 60, low)]
        )
        points += [(at + 90, row)]
    return [*points, (WIDTH - 1.0, row)]


def neighbour(row: float, *, odd: int) -> Polyline:
    """A level trace, but that it comes to meet the other in one beat, where that leaves it."""
    points = [(0.0, row)]
    for b, at in enumerate(BEATS.astype(float)):
        points += [(at - 6, row), (at, row + 50), (at + 6, row)]
        if b == odd:
            points += [(at + 44, row), (at + 54, row - 6), (at + 74, row - 6), (at + 84, row)]
    return [*points, (WIDTH - 1.0, row)]


@pytest.mark.parametrize("repeating", [False, True])
def test_who_goes_on_as_which_is_told_by_the_other_beats(repeating: bool) -> None:
    odd, low = 2, 140.0
    cover = inked(HEIGHT, wave(100, low, odd=odd), neighbour(116, odd=odd), width=WIDTH)
    traces = trace_all(cover, [100, 116], px_per_mm=PX_PER_MM, repeating=repeating)
    path = stroke(traces.ink(0))
    at = BEATS + np.where(np.arange(len(BEATS)) == odd, 59, 55)
    is_low = np.abs(np.interp(at, path.x_px, path.y_px) - low) < 2
    assert np.delete(is_low, odd).all()
    assert is_low[odd] == repeating  # alone, it turns back where they meet

"""Ways that most beats agree on, taken in the beats that were drawn otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.paths.agreed import _beats, agreed
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.joint import BRIDGE, Traces, trace_all

PEN, PX_PER_MM, WIDTH, HEIGHT = 2.4, 8.0, 700, 200
X = np.arange(0.0, WIDTH, 0.5)
AT = (100, 225, 350, 475, 600)


def row(
    level: float, peaks: list[tuple[float, float, float]], wander: float = 0
) -> NDArray[np.float64]:
    """A line with triangles at every beat: (columns after it, height, half width); up is < 0."""
    y = level + wander * np.sin(X / 90)
    for at in AT:
        for after, height, half in peaks:
            y = y + height * np.maximum(1 - np.abs(X - at - after) / half, 0)
    return y


# Both have a QRS complex at once, and their flanks cross.
UPPER = row(50, [(0, 90, 6)], wander=3)
LOWER = row(140, [(0, -100, 6)], wander=-4)


def cover_of(rows: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for y in rows:
        draw_stroke(mask, np.stack([X[10:-10], y[10:-10]], axis=1), width_px=PEN)
    return (mask / np.float32(255)).astype(np.float32)


def path_of(y: NDArray[np.float64]) -> Path:
    return Path(X, y, 0 * X + 0.2, 0 * X + 1, PEN, 0.0, WIDTH - 1.0)


@pytest.fixture(scope="module")
def traces() -> Traces:
    return trace_all(cover_of([UPPER, LOWER]), [50.0, 140.0], px_per_mm=PX_PER_MM)


def with_visitors(*rows: NDArray[np.float64]) -> list[Path]:
    return [*map(path_of, rows), path_of(0 * X - 9), path_of(0 * X + HEIGHT + 9)]


def worst(paths: list[Path]) -> float:
    """The greatest error of both, px."""
    return max(
        float(np.abs(path.y_px - true).max())
        for path, true in zip(paths, (UPPER, LOWER), strict=False)
    )


def bounced(beats: tuple[int, ...]) -> list[Path]:
    """Both, but in these beats neither crosses the other, and each has only half of its peak."""
    there = np.any([np.abs(X - at) < 8 for at in beats], axis=0)
    half = (UPPER + LOWER) / 2
    return with_visitors(
        np.where(there, np.minimum(UPPER, half), UPPER),
        np.where(there, np.maximum(LOWER, half), LOWER),
    )


@pytest.mark.parametrize("beats", [(350,), (225, 600)])
def test_odd_beats_go_as_the_others_do(traces: Traces, beats: tuple[int, ...]) -> None:
    odd = bounced(beats)
    assert worst(odd) > 40  # so the test can fail
    assert worst(agreed(traces, odd)) < 3


def test_what_most_beats_have_right_stays(traces: Traces) -> None:
    true = with_visitors(UPPER, LOWER)
    assert len(_beats(traces, true)) == len(AT)
    assert worst(agreed(traces, true)) < 2  # a fit rounds the tips


def test_a_beat_unlike_the_others_stays() -> None:
    """Its peaks are less high: no other beat's ways give its ink."""
    weak = np.abs(X - 350) < 10
    upper = np.where(weak, 50 + (UPPER - 50) * 0.7, UPPER)
    lower = np.where(weak, 140 + (LOWER - 140) * 0.7, LOWER)
    traces = trace_all(cover_of([upper, lower]), [50.0, 140.0], px_per_mm=PX_PER_MM)
    assert len(_beats(traces, with_visitors(upper, lower))) == len(AT)
    found = agreed(traces, with_visitors(upper, lower))
    for path, true in zip(found, (upper, lower), strict=False):
        assert np.abs(path.y_px - true).max() < 2


def test_a_beat_that_stands_elsewhere_goes_as_the_others_do() -> None:
    """It comes 5 columns late, and the traces have sunk there, by 24 rows and by 16."""
    late = np.abs(X - 350) < 40
    sunk = np.interp(X, [290, 320, 380, 410], [0, 1, 1, 0])
    moved = [
        np.where(late, np.interp(X - 5, X, y), y) + rows * sunk
        for y, rows in ((UPPER, 24), (LOWER, 16))
    ]
    traces = trace_all(cover_of(moved), [50.0, 140.0], px_per_mm=PX_PER_MM)
    half = (moved[0] + moved[1]) / 2
    there = np.abs(X - 355) < 8
    odd = with_visitors(
        np.where(there, np.minimum(moved[0], half), moved[0]),
        np.where(there, np.maximum(moved[1], half), moved[1]),
    )
    found = agreed(traces, odd)
    for before, after, true in zip(odd, found, moved, strict=False):
        assert np.abs(before.y_px - true).max() > 40
        assert np.abs(after.y_px - true).max() < 3


def test_a_beat_with_a_third_traces_ink_stays() -> None:
    """A trace from below meets them in one beat alone: its ink is neither's."""
    third = 190 - 110 * np.maximum(1 - np.abs(X - 353) / 7, 0)
    traces = trace_all(cover_of([UPPER, LOWER, third]), [50.0, 140.0, 190.0], px_per_mm=PX_PER_MM)
    paths = [path_of(UPPER), path_of(LOWER), path_of(third), *with_visitors()]
    beats = _beats(traces, paths)
    assert beats and all(2 not in beat.window.meeting.traces for beat in beats)
    found = agreed(traces, paths)
    there = np.abs(X - 350) < 10
    for path, true in zip(found, (UPPER, LOWER), strict=False):
        assert np.array_equal(path.y_px[there], true[there])


def test_of_two_beats_none_is_odd(traces: Traces) -> None:
    cut = 300
    few = trace_all(cover_of([UPPER, LOWER])[:, :cut], [50.0, 140.0], px_per_mm=PX_PER_MM)
    odd = bounced((100,))
    assert all(a is b for a, b in zip(agreed(few, odd), odd, strict=True))


def test_traces_that_do_not_meet_stay() -> None:
    rows = [row(50, [(0, -30, 6)]), row(140, [(0, -30, 6)])]
    traces = trace_all(cover_of(rows), [50.0, 140.0], px_per_mm=PX_PER_MM)
    paths = with_visitors(*rows)
    assert all(a is b for a, b in zip(agreed(traces, paths), paths, strict=True))


def test_a_path_that_is_nowhere_known_stays(traces: Traces) -> None:
    nothing = replace(path_of(np.full(len(X), np.nan)), width_px=np.nan)
    paths = [path_of(UPPER), nothing, *with_visitors(UPPER, LOWER)[2:]]
    found = agreed(traces, paths)
    assert np.isnan(found[1].y_px).all()
    assert np.array_equal(found[0].y_px, UPPER)


def test_a_beat_of_which_no_trace_has_ink_stays() -> None:
    """Its ink is another's: both traces lead over blank paper there."""
    traces = trace_all(cover_of([UPPER, LOWER]), [50.0, 140.0], px_per_mm=PX_PER_MM)
    where = traces.where.copy()
    where[:, 325:375] = BRIDGE
    odd = bounced((225,))
    found = agreed(replace(traces, where=where), odd)
    there = np.abs(X - 350) < 10
    assert np.array_equal(found[0].y_px[there], odd[0].y_px[there])
    assert worst(found) < 3

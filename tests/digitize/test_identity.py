"""Traces that were changed over between two touches: found, asked about, changed back."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as PathOf

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.files import sha256
from data_gen.presets import load_part
from data_gen.render import draw_stroke
from ecg_overlap.digitize import packaged
from ecg_overlap.digitize.identity import network, settle
from ecg_overlap.digitize.identity.settle import settled
from ecg_overlap.digitize.identity.stretches import (
    PER_MM,
    Stretch,
    alike,
    beats_of,
    changed_over,
    question,
    stretches_of,
    within,
)
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.together import redrawn_with_visitors
from ecg_overlap.digitize.traces.joint import Traces, trace_all

T = np.arange(0, 600) / PER_MM  # mm


def wave(at: float, height: float, half: float) -> NDArray[np.float64]:
    return height * np.maximum(1 - np.abs(T - at) / half, 0)


def test_traces_that_cross_twice_have_a_stretch_between() -> None:
    one, other = wave(30, 0, 5), wave(30, 20, 8) - 5
    first, between, last = stretches_of(one, other, touch_mm=0.5)
    assert (first.first, last.stop) == (0, len(T))
    assert first.stop == between.first and between.stop == last.first
    assert between.first == pytest.approx(24 * PER_MM, abs=2)
    assert between.stop == pytest.approx(36 * PER_MM, abs=2)


def test_traces_that_never_touch_have_none() -> None:
    assert stretches_of(wave(30, 5, 3), wave(30, 5, 3) - 10, touch_mm=0.5) == []


def test_what_is_alike_whoever_is_who_is_not_asked() -> None:
    one, other = wave(30, 0.4, 5), wave(30, 1.4, 8) - 0.6
    assert len(stretches_of(one, other + 0.3, touch_mm=0.1)) == 0
    assert len(stretches_of(3 * one, 3 * other, touch_mm=0.1)) > 0


def test_where_a_trace_is_not_known_nothing_is_asked() -> None:
    one, other = wave(30, 0, 5), wave(30, 20, 8) - 5
    one[270:330] = np.nan
    found = stretches_of(one, other, touch_mm=0.5)
    assert all(np.isfinite(one[each.first : each.stop]).all() for each in found)
    assert stretches_of(np.full(600, np.nan), other, touch_mm=0.5) == []


def test_a_trace_that_begins_alone_is_not_changed_over_from_there() -> None:
    one, other = wave(30, 0, 5), wave(30, 20, 8) - 5
    both = stretches_of(one, other, touch_mm=0.5)
    other[:100] = np.nan
    assert stretches_of(one, other, touch_mm=0.5) == both[1:]
    one[:95] = np.nan  # now both begin
    assert stretches_of(one, other, touch_mm=0.5) == [Stretch(100, both[0].stop), *both[1:]]


def test_a_leap_is_no_crossing() -> None:
    one, other = wave(30, 0, 5), np.where(T < 30, 5.0, -5.0)
    assert stretches_of(one, other, touch_mm=0.5) == []


def test_stretches_at_the_same_phase_of_beats_are_alike() -> None:
    beats = np.array([100, 350])
    stretches = [Stretch(120, 150), Stretch(200, 260), Stretch(371, 402)]
    assert alike(stretches, beats).tolist() == [0, 1, 0]
    assert alike(stretches, np.array([], np.int64)).tolist() == [0, 1, 2]
    assert alike([], beats).tolist() == []


def test_beats_are_where_all_traces_are_steep() -> None:
    both = np.stack([wave(10, 12, 1) + wave(35, 12, 1) + wave(45, 3, 5), wave(10, -8, 1)])
    assert beats_of(both) / PER_MM == pytest.approx([10, 35], abs=1)


def test_a_question_shows_both_as_they_are_and_changed_over() -> None:
    one, other = wave(30, 10, 5), wave(30, 4, 5) - 6
    there = within([Stretch(250, 350)], np.array([True]), len(T))
    levels = (0.0, -6.0)
    seen = question(one, other, levels, there)
    assert seen.shape == (2, 2, 4, len(T)) and seen.dtype == np.float32
    assert seen[0, 0, 0, 300] == pytest.approx(1.0)  # 10 mm above its level, as 1 cm
    assert seen[1, 0, 0, 300] == pytest.approx((4 - 6) / 10)
    assert np.allclose(seen[0, 0, 2], -seen[0, 1, 2])
    back = question(*changed_over(one, other, there), levels, there)
    assert np.array_equal(back[::-1], seen)


PX_PER_MM, PEN = 8.0, 3.0


def two_leads(lower_mm: float) -> NDArray[np.float64]:
    """Rows in px of two simulated leads, II over V5, at every half column: (2, n)."""
    record = load_part("signals", "simulate").draw(np.random.default_rng(1), split="train")
    time = np.arange(0, 25 * 7, 0.5 / PX_PER_MM) / 25  # s
    at = np.arange(len(record.signal_mv)) / record.fs_hz
    mv = [np.interp(time, at, record.lead_mv(name)) for name in ("II", "V5")]
    return PX_PER_MM * (35 - 10 * np.array(mv) + np.array([[0], [lower_mm]]))


def traced(ways: NDArray[np.float64], height: int) -> tuple[Traces, list[Path]]:
    """The traces of two strokes, and their paths as they were drawn."""
    x = np.arange(ways.shape[1]) / 2
    mask = np.zeros((height, int(x[-1]) + 1), np.uint8)
    for way in ways:
        draw_stroke(mask, np.stack([x, way], axis=1), width_px=PEN)
    levels = [float(np.median(way)) for way in ways]
    traces = trace_all((mask / np.float32(255)), levels, px_per_mm=PX_PER_MM)
    nothing = np.zeros(len(x))
    return traces, [Path(x, way, nothing, nothing + 1, PEN, 0.0, float(x[-1])) for way in ways]


def errors_mm(paths: list[Path], ways: NDArray[np.float64]) -> list[float]:
    """The greatest deviation of each path from its stroke."""
    x = np.arange(ways.shape[1]) / 2
    found = []
    for path, way in zip(paths, ways, strict=True):
        seen = np.isfinite(path.y_px)
        away = np.interp(x, path.x_px[seen], path.y_px[seen]) - way
        found.append(float(np.abs(away).max()) / PX_PER_MM)
    return found


def read_as_other(ways: NDArray[np.float64], mm: float) -> NDArray[np.float64]:
    """The strokes, changed over wherever they touch at both sides of so long a stretch."""
    at = np.arange(0, ways.shape[1], 2 * PX_PER_MM / PER_MM).astype(int)
    one, other = -ways[:, at] / PX_PER_MM
    found = stretches_of(one, other, touch_mm=0.5)
    long = np.array([each.stop - each.first for each in found])
    there = within(found, np.abs(long - mm * PER_MM) < PER_MM, len(one))
    columns = np.interp(np.arange(ways.shape[1]), at, there) > 0.5
    return np.stack(changed_over(ways[0], ways[1], columns))


def test_t_waves_that_make_a_lens_are_told_by_what_leads_are_like() -> None:
    """In each of the beats, V5 has the T wave of II, and the ink is the same."""
    ways = two_leads(3.0)
    bounced = read_as_other(ways, 5.0)
    traces, paths = traced(ways, 600)
    _, wrong = traced(bounced, 600)
    beats = 5
    assert min(errors_mm(wrong, ways)) > 6  # so the test can fail
    assert (np.abs(bounced - ways).max(axis=0) > 4 * PX_PER_MM).sum() > beats * PX_PER_MM
    together = redrawn_with_visitors
    assert max(errors_mm(settled(traces, together(traces, wrong))[1], ways)) < 3
    kept, stayed = settled(traces, together(traces, paths))
    assert max(errors_mm(stayed, ways)) < 3 and kept is traces  # they touch, and nothing is changed


def test_traces_that_do_not_touch_are_not_copied() -> None:
    traces, paths = traced(two_leads(40.0), 800)
    found = settled(traces, redrawn_with_visitors(traces, paths))[1]
    assert all(a is b for a, b in zip(found, paths, strict=True))


def always(questions: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
    """A network that is sure of whatever it is asked first."""
    return np.array([10.0 if k == 0 else -10.0 for k, _ in enumerate(questions)])


def test_a_change_is_of_path_ink_and_map_from_the_first_column_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two lines that cross once, with a margin: the first stretch is from where they begin."""
    x = np.arange(0, 400, 0.5)
    ways = np.stack([100 + 0.4 * (x - 200), 100 - 0.4 * (x - 200)])
    traces, _ = traced(ways, 200)
    maps = np.stack([np.full(traces.cover.shape, k, np.float32) for k in range(2)])
    traces = replace(traces, maps=maps)
    begin = x >= 8.3
    nothing = np.zeros(begin.sum())
    paths = [Path(x[begin], y[begin], nothing, nothing + 1, PEN, 8.3, 399.0) for y in ways]
    nobody = [replace(paths[0], y_px=nothing + row) for row in (-9, 209)]  # comes in
    monkeypatch.setattr(settle, "changed_logits", always)
    monkeypatch.setattr(settle, "MOST_ROUNDS", 1)
    changed, (one, other) = settled(traces, [*paths, *nobody])
    expected = np.where(x[begin] < 200, ways[1, begin], ways[0, begin])
    away = np.abs(x[begin] - 200) > 5
    assert np.array_equal(one.y_px[away], expected[away])
    assert (np.diff(one.x_px) >= 0).all() and len(one.x_px) == len(other.x_px)
    assert changed.maps is not None
    assert (changed.maps[0, :, :190] == 1).all() and (changed.maps[0, :, 210:] == 0).all()
    assert np.array_equal(changed.where[0, :190], traces.where[1, :190])
    assert np.array_equal(changed.own[1, :190], traces.own[0, :190])


def test_a_network_that_is_unsure_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    traces, wrong = traced(read_as_other(two_leads(3.0), 5.0), 600)
    for logit in (np.nan, settle.SURE - 0.1):
        monkeypatch.setattr(
            settle, "changed_logits", lambda asked, z=logit: np.array([z for _ in asked])
        )
        assert settled(traces, redrawn_with_visitors(traces, wrong))[0] is traces


@pytest.mark.parametrize("width", [1, 2, 5, 20])
def test_a_picture_of_few_columns_is_left_as_it_is(width: int) -> None:
    traces, paths = traced(two_leads(3.0)[:, : 2 * width], 600)
    assert len(settled(traces, redrawn_with_visitors(traces, paths))[1]) == 2


def test_weights_that_are_missing_or_damaged_are_one_line(
    tmp_path: PathOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = packaged.WEIGHTS
    monkeypatch.setattr(packaged, "WEIGHTS", tmp_path)
    one = question(*np.zeros((2, 64)), (0.0, 0.0), np.ones(64, np.bool_))
    network._opened.cache_clear()
    with pytest.raises(InputError, match="missing from this install"):
        network.changed_logits([one])
    for name in ("identity.onnx", "identity.onnx.sha256"):
        (tmp_path / name).write_bytes((here / name).read_bytes())
    (tmp_path / "identity.onnx").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"identity\.onnx"):
        network.changed_logits([one])
    network._opened.cache_clear()


def test_nobody_asked_gives_no_answer() -> None:
    assert network.changed_logits([]).shape == (0,)


def test_the_card_is_of_the_network_in_the_package() -> None:
    card = (packaged.WEIGHTS / "IDENTITY_CARD.md").read_text(encoding="utf-8")
    assert sha256(packaged.WEIGHTS / "identity.onnx") in card

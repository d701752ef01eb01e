"""Printed letters at a trace: they are no signal, and the trace under them stays whole."""

import cv2
import numpy as np
import pytest
from lines import PEN_PX, PX_PER_MM, WIDTH, inked, level, peak
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.names.letters import letter_boxes
from ecg_overlap.digitize.names.seen import NAMES, NameSeen
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.joint import trace_all
from ecg_overlap.digitize.traces.letters import letters_in
from ecg_overlap.digitize.traces.runs import find_runs
from ecg_overlap.digitize.traces.share import own_rows

HEIGHT, ROW = 160, 60
LEFT, CAP = 120, 30  # px: of a name, and the height of its letters
Cover = NDArray[np.float32]


def named(cover: Cover, top: int) -> tuple[Cover, LetterBox]:
    """The ink with a V and a bar from a row on, and their box."""
    low = top + CAP
    strokes = [((0, 0), (10, CAP)), ((10, CAP), (20, 0)), ((34, 0), (34, CAP))]
    drawn = np.rint(cover * 255).astype(np.uint8)
    for (x0, y0), (x1, y1) in strokes:
        cv2.line(drawn, (LEFT + x0, top + y0), (LEFT + x1, top + y1), 255, 5, cv2.LINE_AA)
    box = LetterBox(LEFT - 4.0, top - 2.0, LEFT + 38.0, low + 2.0)
    return (drawn / np.float32(255)).astype(np.float32), box


def path_of(cover: Cover, *boxes: LetterBox) -> NDArray[np.float64]:
    """Rows of the one trace in the ink, in columns 10 px from both edges."""
    traces = trace_all(cover, [ROW], px_per_mm=PX_PER_MM, letters=boxes)
    path = stroke(traces.ink(0))
    seen = np.isfinite(path.y_px)
    rows: NDArray[np.float64] = np.interp(
        np.arange(10, WIDTH - 10), path.x_px[seen], path.y_px[seen]
    )
    return rows


@pytest.mark.parametrize("gap", [0, -8, -14])
def test_a_trace_passes_a_name_that_touches_it_or_lies_over_it(gap: int) -> None:
    cover, box = named(inked(HEIGHT, level(ROW)), ROW + gap)
    off = np.abs(path_of(cover, box) - ROW)
    assert off.max() < 2 * PEN_PX and off.mean() < 0.2
    assert np.abs(path_of(cover) - ROW).mean() > 4 * off.mean()  # without knowing of it


def test_a_network_that_takes_a_name_for_the_trace_is_not_believed() -> None:
    """At a crop's beginning, where nothing says yet in which row the trace is."""
    line = inked(HEIGHT, level(ROW))[:, LEFT:]
    cover, box = named(inked(HEIGHT, level(ROW)), ROW + 3)
    cover = cover[:, LEFT:]
    there = LetterBox(0, box.top_px, box.right_px - LEFT, box.bottom_px)
    letters = np.maximum(cover - line, 0)
    maps = np.where((letters > 0.5).any(axis=0), letters, cover)[None]

    def off(*boxes: LetterBox) -> float:
        traces = trace_all(cover, [ROW], px_per_mm=PX_PER_MM, letters=boxes, maps=maps)
        path = stroke(traces.ink(0))
        return float(np.nanmax(np.abs(path.y_px - ROW)[path.x_px < 20]))

    assert off(there) < 2 * PEN_PX
    assert off() > 4 * PEN_PX  # without knowing of it


def test_an_s_wave_beside_a_name_keeps_its_depth() -> None:
    wave = inked(HEIGHT, peak(ROW, ROW + 50, at=LEFT + 80))
    cover, box = named(wave, ROW + 2)
    assert path_of(cover, box).max() == pytest.approx(path_of(wave).max(), abs=1)


def test_a_name_far_from_the_trace_changes_nothing() -> None:
    cover, box = named(inked(HEIGHT, level(ROW)), ROW + 40)
    assert (path_of(cover, box) == path_of(cover)).all()


def test_a_word_where_a_trace_alone_is_costs_nothing_of_it() -> None:
    wave = inked(HEIGHT, peak(ROW, ROW - 50, at=160))
    box = LetterBox(140, ROW - 40, 180, ROW + 4)
    assert np.abs(path_of(wave, box) - path_of(wave)).max() < 1


def test_a_stroke_along_a_boxs_edge_is_no_letter_and_what_is_deep_in_it_is() -> None:
    cover, box = named(inked(HEIGHT, level(ROW)), ROW + 6)
    runs = find_runs(cover)
    found = letters_in(runs, cover, [box], pen_px=PEN_PX)
    trace = np.abs(runs.centre_px - ROW) < 1
    assert not found.surely[trace].any() and found.surely[~trace].all()
    assert not found.mixed[trace].any()


def test_a_letter_that_stands_out_of_its_box_is_one_as_a_whole() -> None:
    cover, box = named(np.zeros((HEIGHT, WIDTH), np.float32), ROW)
    runs = find_runs(cover)
    short = box._replace(top_px=box.top_px + 8)
    assert letters_in(runs, cover, [short], pen_px=PEN_PX).surely.all()


def test_in_a_run_with_a_letter_a_trace_has_what_lies_between_its_places() -> None:
    row = np.array([(20, 23), (20, 60), (20, 60), (21, 24)])
    chosen = np.arange(4)[None]
    mixed = np.array([False, True, True, False])
    assert own_rows(chosen, row, 3.0)[0].tolist() == row.tolist()
    assert own_rows(chosen, row, 3.0, mixed)[0, :, 1].tolist() == [23, 24, 24, 24]


def test_only_words_that_surely_are_names_are_letters() -> None:
    def word(sure: float) -> NameSeen:
        likely = np.zeros(len(NAMES))
        likely[0], likely[-1] = sure, 1 - sure
        return NameSeen(50.0, 40.0, 2.0, 20.0, likely)

    assert letter_boxes([word(0.85)]) == ()
    # A bar is hardly wide: it is taken for half as wide as it is high.
    assert letter_boxes([word(0.95)]) == (LetterBox(45, 30, 55, 50),)

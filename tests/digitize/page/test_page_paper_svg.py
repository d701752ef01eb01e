"""Signals drawn on ECG paper: to scale, at their time, small, and safe."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from made_pages import FS_HZ, PAGE, made_page

from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.page.paper_svg import LIMIT_MV, TOLERANCE_MM, draw_paper

SVG = "{http://www.w3.org/2000/svg}"


def lines(page: PageSignal) -> list[list[np.ndarray]]:
    """The points of each trace's stretches, mm, pulses left out."""
    found = ElementTree.fromstring(str(draw_paper(page)))
    paths = [p.get("d", "") for p in found.iter(f"{SVG}path") if p.get("class") == "trace"]
    traces = []
    for d in paths:
        if "h" in d:
            continue
        stretches = []
        for part in d.split("M")[1:]:
            start, steps = part.split("l")
            moves = np.array([int(v) for v in steps.split()]).reshape(-1, 2)
            first = np.array([int(v) for v in start.split()])
            stretches.append(np.vstack([first, first + np.cumsum(moves, axis=0)]) / 100)
        traces.append(stretches)
    return traces


def distances(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """How far each point is from a line of straight pieces."""
    first, step = line[:-1], np.diff(line, axis=0)
    along = ((points[:, None] - first) * step).sum(axis=2) / (step**2).sum(axis=1)
    nearest = first + along.clip(0, 1)[..., None] * step
    return np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)


def test_the_drawing_has_the_size_that_its_millimetres_say() -> None:
    found = ElementTree.fromstring(str(draw_paper(PAGE)))
    width, height = (float(found.get(side, "").removesuffix("mm")) for side in ("width", "height"))
    assert found.get("viewBox") == f"0 0 {100 * width:g} {100 * height:g}"
    assert width == 5 + 10 + 250 + 5  # edges, pulse, ten seconds


def test_traces_are_25_mm_per_s_and_10_mm_per_mv() -> None:
    strip = PAGE.strips[2]  # V1, from 5 s
    trace = np.vstack(lines(PAGE)[2])
    mv = strip.signal.signal_mv
    times = 15 + (5 + np.array([0, len(mv) - 1]) / FS_HZ) * 25
    assert (trace[0, 0], trace[-1, 0]) == pytest.approx(times, abs=0.01)
    height = np.ptp(trace[:, 1])
    assert height == pytest.approx(10 * np.ptp(mv[np.isfinite(mv)]), abs=2 * TOLERANCE_MM + 0.02)


def test_what_is_left_out_of_a_line_is_not_seen_and_gaps_stay() -> None:
    strip = PAGE.strips[0]
    stretches = lines(PAGE)[0]
    assert len(stretches) == 2  # before and after the gap
    x = 15 + np.arange(len(strip.signal.signal_mv)) / FS_HZ * 25
    for stretch, part in zip(stretches, (slice(0, 20), slice(30, None)), strict=True):
        zero = 15.0  # mm: the first row's 0 mV, on a strong line
        samples = np.stack([x[part], zero - strip.signal.signal_mv[part] * 10], axis=1)
        assert distances(samples, stretch).max() < TOLERANCE_MM + 0.01


def test_a_pages_drawing_is_small() -> None:
    assert len(str(draw_paper(PAGE))) < 40_000


@pytest.mark.parametrize(("layout", "rows"), [("3x4+1R", 4), ("12x1", 12), ("6x2", 6)])
def test_every_row_has_its_pulse(layout: str, rows: int) -> None:
    assert len(re.findall(r"h\d+v-1000h500v1000", str(draw_paper(made_page(layout))))) == rows


def test_strips_of_one_row_that_share_a_time_do_not_cover_each_other() -> None:
    strips = tuple(replace(strip, start_s=0.0) for strip in PAGE.strips[:2])
    first, second = lines(replace(PAGE, strips=strips))
    assert np.vstack(first)[:, 1].max() < np.vstack(second)[:, 1].min()


def test_a_wild_peak_is_cut_off_and_marked() -> None:
    strip = PAGE.strips[0]
    mv = strip.signal.signal_mv.copy()
    mv[100] = 900.0
    page = replace(PAGE, strips=(replace(strip, signal=replace(strip.signal, signal_mv=mv)),))
    assert np.ptp(np.vstack(lines(page)[0])[:, 1]) < 10 * LIMIT_MV + 10
    assert "I (cut off at 4 mV)" in str(draw_paper(page))


def test_nothing_seen_draws_nothing() -> None:
    strip = PAGE.strips[0]
    signal = replace(strip.signal, signal_mv=np.full(625, np.nan))
    assert lines(replace(PAGE, strips=(replace(strip, signal=signal),))) == [[]]
    assert "<svg" in str(draw_paper(replace(PAGE, strips=())))


def test_a_name_cannot_leave_the_drawing() -> None:
    strip = replace(PAGE.strips[0], lead_name='"><script>alert(1)</script>')
    assert "<script" not in str(draw_paper(replace(PAGE, strips=(strip,))))

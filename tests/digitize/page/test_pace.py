"""Beats tell small boxes from large ones."""

from dataclasses import replace

import pytest
from made_pages import made_page

from ecg_overlap.digitize.page.pace import boxes_by_beats
from ecg_overlap.digitize.page.page_signal import PageSignal


def at(page: PageSignal, times: float) -> PageSignal:
    """The page as it would be read at so many times its px per mm."""
    fs = page.fs_hz * times
    strips = tuple(replace(s, signal=replace(s.signal, fs_hz=fs)) for s in page.strips)
    return replace(page, fs_hz=fs, strips=strips)


@pytest.mark.parametrize(("read_at", "more"), [(1.0, 1.0), (5.0, 0.2), (0.2, 5.0)])
def test_a_page_read_at_the_wrong_boxes_says_which_they_are(read_at: float, more: float) -> None:
    assert boxes_by_beats(at(made_page(), read_at)) == pytest.approx(more)


def test_a_page_without_beats_says_nothing() -> None:
    page = made_page()
    flat = tuple(
        replace(s, signal=replace(s.signal, signal_mv=0 * s.signal.signal_mv)) for s in page.strips
    )
    assert boxes_by_beats(replace(page, strips=flat)) == 1.0

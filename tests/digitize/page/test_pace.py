"""Beats tell small boxes from large ones."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from made_pages import made_page

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.page import read
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


def test_where_no_grid_has_the_boxes_that_beats_ask_for_the_scale_is_doubted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_grid(*_: Any, **__: Any) -> Any:
        raise DigitizeError("grid", "no grid is clear", "give px_per_mm")

    monkeypatch.setattr(read, "_read_at", lambda *_: at(made_page(), 5.0))
    monkeypatch.setattr(read, "paper_of", no_grid)
    scale = SimpleNamespace(paper=SimpleNamespace(px_per_mm_x=10.0))
    paper: Any = SimpleNamespace(image=None, page=SimpleNamespace(scale=scale))
    asked: Any = SimpleNamespace(px_per_mm=None)
    assert "grid_low_confidence" in read.read_page(paper, asked).flags

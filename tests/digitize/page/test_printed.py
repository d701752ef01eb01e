"""Paper speed and gain as a page prints them."""

import sys

import numpy as np
import pytest

from data_gen.text import text_coverage
from ecg_overlap.digitize.page import printed
from ecg_overlap.digitize.page.printed import printed_scale, scale_in


@pytest.mark.parametrize(
    ("lines", "scale"),
    [
        (["25mm/s  10mm/mV  100Hz"], (25.0, 10.0)),
        (["Speed: 50 mm / sec", "12,5 MM/MV"], (50.0, None)),  # no device has that gain
        (["2", "5 mm/s"], (None, None)),  # a line found in two parts
        (["12,5 mm/s"], (12.5, None)),
        (["Limb: 10 mm/mV", "Chest: 5 mm/mV", "25 mm/s"], (25.0, None)),  # which of both?
        (["10 mm/mV", "10mm/mV"], (None, 10.0)),
        (["Vent. rate 61 BPM", "25 mm/st"], (None, None)),
        ([], (None, None)),
    ],
)
def test_what_lines_say(lines: list[str], scale: tuple[float | None, float | None]) -> None:
    assert scale_in(lines) == scale


def test_without_the_extra_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    printed.reader.cache_clear()
    assert printed_scale(np.full((100, 100, 3), 255, np.uint8)) == (None, None)
    printed.reader.cache_clear()


def test_a_printed_line_is_read() -> None:
    pytest.importorskip("rapidocr")
    cover, _ = text_coverage("25 mm/s   10 mm/mV", font="sans", em_px=32)
    image = np.full((600, 800, 3), 255, np.uint8)
    image[300 : 300 + cover.shape[0], 100 : 100 + cover.shape[1]] -= cover[..., None]
    assert printed_scale(image) == (25.0, 10.0)

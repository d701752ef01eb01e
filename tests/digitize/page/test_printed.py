"""Paper speed and gain as a page prints them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from data_gen.errors import InputError
from data_gen.text import text_coverage
from ecg_overlap.digitize.page import text_lines
from ecg_overlap.digitize.page.printed import Gains, printed_scale, scale_in


@pytest.mark.parametrize(
    ("lines", "scale"),
    [
        (["25mm/s  10mm/mV  100Hz"], (25.0, Gains(10.0))),
        (["Speed: 50 mm / sec", "12,5 MM/MV"], (50.0, Gains())),  # no device has that gain
        (["2", "5 mm/s"], (None, Gains())),  # a line found in two parts
        (["12,5 mm/s"], (12.5, Gains())),
        (["Limb: 10 mm/mV", "Chest: 5 mm/mV", "25 mm/s"], (25.0, Gains(10.0, 5.0))),
        (["Chest: 20 mm/mV  Limb: 10 mm/mV"], (None, Gains(10.0, 20.0))),
        (["Limb: 10 mm/mV  Chest: 10 mm/mV"], (None, Gains(10.0))),
        (["10/5 mm/mV", "25-50 mm/s"], (50.0, Gains(10.0, 5.0))),
        (["10 mm/mV", "5mm/mV"], (None, Gains(unclear=(5.0, 10.0)))),  # of which leads?
        (["10/5 mm/mV", "20 mm/mV"], (None, Gains(unclear=(5.0, 10.0, 20.0)))),
        (["10/5 mm/mV", "10/5 mm/mV"], (None, Gains(10.0, 5.0))),  # header and footer
        (["10/5/10 mm/mV"], (None, Gains())),
        (["40/10 mm/mV"], (None, Gains(unclear=(10.0, 40.0)))),  # of a filter, and a gain
        (["Extremitäten 10 mm/mV", "Brustwand 5 mm/mV"], (None, Gains(10.0, 5.0))),
        (["Chest leads: 5 mm/mV  Limb leads: 10 mm/mV"], (None, Gains(10.0, 5.0))),
        (["10 mm/mV  V1-V6 5 mm/mV"], (None, Gains(10.0, 5.0))),
        (["5 mm/mV (chest) 10 mm/mV (limb)"], (None, Gains(unclear=(5.0, 10.0)))),
        (["Chest: 5 mm/mV"], (None, Gains(None, 5.0))),  # of the limb leads nothing is read
        (["Limb: 10 mm/mV Chest: 10 mm/mV", "Rhythm: 5 mm/mV"], (None, Gains(unclear=(5.0, 10.0)))),
        (["10 mm/mV", "10mm/mV"], (None, Gains(10.0))),
        (["Vent. rate 61 BPM", "25 mm/st"], (None, Gains())),
        ([], (None, Gains())),
    ],
)
def test_what_lines_say(lines: list[str], scale: tuple[float | None, Gains]) -> None:
    assert scale_in(lines) == scale


def test_without_the_extra_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    text_lines._networks.cache_clear()
    assert printed_scale(np.full((100, 100, 3), 255, np.uint8), px_per_mm=8) == (None, Gains())
    text_lines._networks.cache_clear()


def page_with(cover: np.ndarray) -> np.ndarray:
    """A blank page of 600 × 800 px with ink in its middle."""
    image = np.full((600, 800, 3), 255, np.uint8)
    top, left = (600 - cover.shape[0]) // 2, (800 - cover.shape[1]) // 2
    image[top : top + cover.shape[0], left : left + cover.shape[1]] -= cover[..., None]
    return image


@pytest.mark.parametrize("px_per_mm", [4.0, 8.0, 12.0])  # letters of 6, 3 and 2 mm
@pytest.mark.parametrize("from_above", [False, True])
def test_a_printed_line_is_read(px_per_mm: float, from_above: bool) -> None:
    pytest.importorskip("rapidocr")
    cover, _ = text_coverage("25 mm/s   10 mm/mV", font="sans", em_px=32)
    image = page_with(np.rot90(cover, -1 if from_above else 0))
    assert printed_scale(image, px_per_mm=px_per_mm) == (25.0, Gains(10.0))


def test_what_is_too_short_for_a_scale_is_not_read() -> None:
    pytest.importorskip("rapidocr")
    cover, _ = text_coverage("aVR", font="sans", em_px=32)
    found = [text_lines.lines_of(page_with(cover), px_per_mm=8, longer=n) for n in (1.0, 2.0)]
    assert [[text for text, _ in lines or []] for lines in found] == [["aVR"], []]


def test_a_wheel_without_its_networks_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = tmp_path / "rapidocr" / "__init__.py"
    wheel.parent.mkdir()
    wheel.touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rapidocr", raising=False)
    text_lines._networks.cache_clear()
    with pytest.raises(InputError, match=r"models: lacks RapidOCR's networks"):
        printed_scale(page_with(np.zeros((1, 1), np.uint8)), px_per_mm=8)
    text_lines._networks.cache_clear()

"""Lead names read off a page: where they stand, which they are, and how likely."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.files import sha256
from data_gen.sample import LEADS
from data_gen.text import text_coverage
from ecg_overlap.digitize import packaged
from ecg_overlap.digitize.names import networks
from ecg_overlap.digitize.names.seen import NAMES, NameSeen, names_on
from ecg_overlap.digitize.names.views import WORD_SHAPE_PX, page_view
from ecg_overlap.digitize.names.where import LETTER_MM, words

PX_PER_MM = 8
COLUMNS_MM, ROWS_MM = (10.0, 45.0, 80.0, 115.0), (12.0, 32.0, 52.0)
LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
U8 = NDArray[np.uint8]


def page(*, font: str = "sans", em_mm: float = 3.5, drop_mm: float = 6.0) -> tuple[U8, U8]:
    """A page of 150 × 65 mm, twelve leads and their names: its picture and its ink."""
    ink = np.zeros((65 * PX_PER_MM, 150 * PX_PER_MM), np.uint8)
    x = np.arange(8 * PX_PER_MM, 147 * PX_PER_MM)
    for row, names in zip(ROWS_MM, LAYOUT, strict=True):
        beat = 6 * np.exp(-(((x / PX_PER_MM) % 20 - 12) ** 2) / 0.3)
        y = (row - beat + 0.3 * np.sin(x / 15)) * PX_PER_MM
        cv2.polylines(ink, [np.stack([x, y], axis=1).round().astype(np.int32)], False, 255, 3)
        for left, name in zip(COLUMNS_MM, names, strict=True):
            write(ink, name, left, row + drop_mm, font=font, em_mm=em_mm)
    return picture(ink), ink


def write(ink: U8, text: str, x_mm: float, y_mm: float, *, font: str, em_mm: float) -> None:
    """Print a word whose lower left corner is at (x, y)."""
    cover, line = text_coverage(text, font=font, em_px=round(em_mm * PX_PER_MM))
    top, left = round(y_mm * PX_PER_MM) - line, round(x_mm * PX_PER_MM)
    part = ink[top : top + cover.shape[0], left : left + cover.shape[1]]
    np.maximum(part, cover, out=part)


def picture(ink: U8) -> U8:
    """Black ink on white paper with a red grid."""
    image = np.full((*ink.shape, 3), 255, np.uint8)
    image[::PX_PER_MM] = image[:, ::PX_PER_MM] = (255, 190, 190)
    dark = image * (1 - ink[..., None] / 255)
    return np.asarray(dark.round(), np.uint8)


def nearest(seen: list[NameSeen], x_mm: float, y_mm: float, px_per_mm: float) -> NameSeen | None:
    """Of the words within 3.5 mm of a place, the one that is the likeliest to be a name."""
    far = [np.hypot(n.x_px / px_per_mm - x_mm, n.y_px / px_per_mm - y_mm) for n in seen]
    near = [n for n, d in zip(seen, far, strict=True) if d < 3.5]
    return max(near, key=lambda n: 1 - n.probability[-1]) if near else None


def read_layout(seen: list[NameSeen], px_per_mm: float, drop_mm: float = 6.0) -> list[str | None]:
    found = [
        nearest(seen, x + 1.2 * len(name), y + drop_mm - 1.3, px_per_mm)
        for y, row in zip(ROWS_MM, LAYOUT, strict=True)
        for x, name in zip(COLUMNS_MM, row, strict=True)
    ]
    return [word.name if word is not None else None for word in found]


PRINTED = [name for row in LAYOUT for name in row]


@pytest.mark.parametrize("font", ["serif", "mono", "plotter_serif"])
def test_names_are_read_where_they_stand(font: str) -> None:
    image, ink = page(font=font)
    seen = names_on(image, ink, px_per_mm=PX_PER_MM)
    assert read_layout(seen, PX_PER_MM) == PRINTED
    assert sum(n.name is not None for n in seen) == 12


@pytest.mark.parametrize("font", ["sans", "bold"])
def test_a_bare_bar_is_rather_i_than_any_other_name(font: str) -> None:
    image, ink = page(font=font)
    seen = names_on(image, ink, px_per_mm=PX_PER_MM)
    assert read_layout(seen, PX_PER_MM)[1:] == PRINTED[1:]
    bar = nearest(seen, 10.5, 16.7, PX_PER_MM)
    assert bar is not None
    assert NAMES[int(bar.probability[:-1].argmax())] == "I"


def test_names_that_a_trace_crosses() -> None:
    image, ink = page(font="serif", em_mm=4.0, drop_mm=1.5)
    seen = names_on(image, ink, px_per_mm=PX_PER_MM)
    read = read_layout(seen, PX_PER_MM, drop_mm=1.5)
    assert sum(a == b for a, b in zip(read, PRINTED, strict=True)) >= 8


def test_the_scale_of_the_picture_does_not_matter() -> None:
    image, ink = page(font="serif")
    seen = names_on(image, ink, px_per_mm=PX_PER_MM)
    for factor in (0.6, 2.0):
        size = round(ink.shape[1] * factor), round(ink.shape[0] * factor)
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        other, its_ink = (
            np.asarray(cv2.resize(a, size, interpolation=how), np.uint8) for a in (image, ink)
        )
        found = names_on(other, its_ink, px_per_mm=PX_PER_MM * factor)
        assert read_layout(found, PX_PER_MM * factor) == PRINTED
        v6, same = (next(n for n in each if n.name == "V6") for each in (seen, found))
        assert same.x_px / factor == pytest.approx(v6.x_px, abs=0.7 * PX_PER_MM)
        assert same.height_px / factor == pytest.approx(v6.height_px, rel=0.25)


def test_other_words_bars_and_pulses_are_no_names() -> None:
    ink = np.zeros((60 * PX_PER_MM, 150 * PX_PER_MM), np.uint8)
    for k, text in enumerate(("Vent. rate  61 BPM", "25 mm/s   10 mm/mV", "Abnormal ECG")):
        write(ink, text, 10, 10 + 8 * k, font="serif", em_mm=3.2)
    for x in (30, 70):  # separators and a pulse
        cv2.line(ink, (x * PX_PER_MM, 320), (x * PX_PER_MM, 400), 255, 5)
    cv2.rectangle(ink, (800, 320), (840, 400), 255, 3)
    seen = names_on(picture(ink), ink, px_per_mm=PX_PER_MM)
    assert [n.name for n in seen if n.name is not None] == []


def test_a_blank_page_has_no_names() -> None:
    ink = np.zeros((300, 400), np.uint8)
    assert names_on(picture(ink), ink, px_per_mm=PX_PER_MM) == []


def test_nothing_is_read_beyond_the_picture() -> None:
    image, ink = page(font="serif")
    inside = np.zeros(ink.shape, bool)
    inside[:, : 75 * PX_PER_MM] = True
    seen = names_on(image, ink, px_per_mm=PX_PER_MM, inside=inside)
    assert {n.name for n in seen} - {None} == {"I", "II", "III", "aVR", "aVL", "aVF"}


def test_probabilities_are_of_the_names_and_of_none() -> None:
    image, ink = page()
    seen = names_on(image, ink, px_per_mm=PX_PER_MM)
    assert (*LEADS, "none") == NAMES
    for name in seen:
        assert name.probability.shape == (13,)
        assert name.probability.sum() == pytest.approx(1)


def test_a_word_is_brought_to_one_height() -> None:
    # A block 4 mm high and 2 mm wide about (20, 10) mm: 16 px high and 8 px wide in the view.
    ink = np.zeros((20 * PX_PER_MM, 40 * PX_PER_MM), np.uint8)
    ink[8 * PX_PER_MM : 12 * PX_PER_MM, 19 * PX_PER_MM : 21 * PX_PER_MM] = 255
    view = page_view(picture(ink), ink, px_per_mm=PX_PER_MM).word(20.0, 10.0, 4.0)
    assert view.shape == (*WORD_SHAPE_PX, 2)
    rows, columns = np.nonzero(view[..., 0] > 127)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (8, 24, 36, 44)


def test_a_word_at_the_edge_is_blank_beyond_it() -> None:
    ink = np.full((10 * PX_PER_MM, 10 * PX_PER_MM), 255, np.uint8)
    view = page_view(picture(ink), ink, px_per_mm=PX_PER_MM).word(0.0, 5.0, 2.0)
    assert view[:, :40, 0].max() == 0
    assert view[:, 40:, 0].min() == 255


def answer(shape: tuple[int, int]) -> NDArray[np.float32]:
    silent = np.zeros((5, *shape), np.float32)
    silent[0] = -9
    return silent


def test_a_place_becomes_a_word_in_mm() -> None:
    # Row 3, column 5: its centre is (5.5, 3.5) mm; moved by (0.2, −0.3); letters e^0.1 · 2.5 mm.
    of = answer((8, 12))
    of[:, 3, 5] = (2, 0.2, -0.3, 0.1, np.log(2))
    assert words(of)[0] == pytest.approx(
        (5.7, 3.2, np.exp(0.1) * LETTER_MM, 2 * LETTER_MM, 1 / (1 + np.exp(-2))), rel=1e-5
    )


def test_of_words_that_overlap_the_likelier_is_kept() -> None:
    of = answer((8, 20))
    of[0, 4, [5, 7, 14]] = (1, 2, 0)
    of[4] = np.log(2)  # 5 mm wide: those at 5.5 and 7.5 mm share 3 mm
    found = words(of)
    assert found[:, 0] == pytest.approx([7.5, 14.5])


def test_networks_are_small_and_damaged_ones_are_refused(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(packaged.WEIGHTS.glob("names_*.onnx"))
    card = (packaged.WEIGHTS / "NAMES_CARD.md").read_text(encoding="utf-8")
    assert all(sha256(file) in card for file in files)
    assert sum(file.stat().st_size for file in files) <= 300_000
    for file in files:
        (tmp_path / file.name).write_bytes(file.read_bytes()[:-1] + b"x")
        digest = file.with_name(file.name + ".sha256")
        (tmp_path / digest.name).write_bytes(digest.read_bytes())
    monkeypatch.setattr(packaged, "WEIGHTS", tmp_path)
    networks._stored.cache_clear()
    with pytest.raises(InputError, match="damaged"):
        networks.where(np.zeros((40, 40, 2), np.uint8))
    monkeypatch.setattr(packaged, "WEIGHTS", tmp_path / "nowhere")
    with pytest.raises(InputError, match="missing"):
        networks.where(np.zeros((40, 40, 2), np.uint8))

"""The make-up of real pages: each part is seen where it belongs, and nothing of it when off."""

from typing import Any

import numpy as np
import pytest

from data_gen import presets
from data_gen.distort.beside import Beside, lay_beside
from data_gen.errors import InputError
from data_gen.makeup import Makeup, MakeupDials, draw_makeup
from data_gen.margins import kept_of
from data_gen.sample import Page

PX_PER_MM = 4.0
PLAIN: dict[str, Any] = {
    "layout": "3x4+1R", "paper": "a4", "dpi": PX_PER_MM * 25.4, "grid": "standard",
    "ink": "black", "lead_names": "above", "font": "sans", "name_mm": 3, "name_drop_mm": 6,
    "separator": "none", "pulse": "left", "column_gap_mm": 0, "header": 1, "footer": 0,
    "mm_per_s": 25, "mm_per_mv": 10,
}  # fmt: skip


def page(*, distortion: dict[str, Any] | None = None, **changed: Any) -> Page:
    dials = {k: changed.pop(k) for k in tuple(changed) if k in MakeupDials.__dataclass_fields__}
    look = PLAIN | changed
    if dials:
        look["makeup"] = {"_target_": "data_gen.makeup.MakeupDials", **dials}
    if distortion:
        look["distortion"] = {"_target_": "data_gen.distort.Distortion", **distortion}
    return presets.load("clean", overlap="page", values={"page": look}).page(3, seed=2)


def text_box(of: Page, lead_name: str | None) -> np.ndarray:
    """The corners (4, 2) of the first text of a lead, or of the header."""
    texts = [t for t in of.meta["texts"] if t["lead_name"] == lead_name]
    return np.array(texts[0]["box_px"], float)


def is_dark(of: Page) -> np.ndarray:
    return of.image.max(axis=2) < 100


def test_off_it_draws_nothing_from_the_stream() -> None:
    rng, untouched = np.random.default_rng(5), np.random.default_rng(5)
    assert draw_makeup(MakeupDials(), rng) == Makeup()
    assert rng.random() == untouched.random()
    assert "cut_frac" not in page().meta


@pytest.mark.parametrize(
    ("pulse", "left", "right"),
    [("none", 0, 0), ("left", 1, 0), ("right", 0, 1), ("both", 1, 1)],
)
def test_pulses_stand_left_right_or_both(pulse: str, left: int, right: int) -> None:
    drawn = page(pulse=pulse, lead_names="none")
    dark = is_dark(drawn)
    rhythm = drawn.traces[-1]
    first, last = rhythm.polyline_px[[0, -1], 0].round().astype(int)
    row = round(rhythm.calibration.baseline_px)
    # Beside the trace, in the upper part of 1 mV.
    heights = slice(row - round(11 * PX_PER_MM), row - round(5 * PX_PER_MM))
    beside = (dark[heights, : first - 4].any(), dark[heights, last + 4 :].any())
    assert beside == (bool(left), bool(right))


def test_a_name_stands_right_of_where_its_trace_begins() -> None:
    moved = text_box(page(name_right_mm=5), "V2") - text_box(page(), "V2")
    assert moved == pytest.approx(np.tile([5 * PX_PER_MM, 0], (4, 1)), abs=1)


def test_roman_numerals_may_be_spaced() -> None:
    names = {t["lead_name"]: t["text"] for t in page(name_spaced=1).meta["texts"]}
    assert (names["III"], names["II"], names["aVF"], names["V1"]) == ("I I I", "I I", "aVF", "V1")


def test_a_tick_stands_before_a_name() -> None:
    changed = (page(name_tick=1).image != page().image).any(axis=2)
    box = text_box(page(), "V2")
    before = changed[
        int(box[0, 1]) : int(box[2, 1]), int(box[0, 0] - 2 * PX_PER_MM) : int(box[0, 0])
    ]
    assert before.any()
    assert not changed[:, int(box[0, 0]) : int(box[1, 0])].any()


def test_a_header_may_be_printed_over_the_traces() -> None:
    top = min(np.nanmin(t.polyline_px[:, 1]) for t in page().traces if t.row == 0)
    assert text_box(page(), None)[2, 1] < top
    last = [t for t in page(header_over=1).meta["texts"] if t["lead_name"] is None][2]
    assert np.array(last["box_px"])[2, 1] > top


def test_the_grid_may_end_around_the_rows() -> None:
    whole, boxed = page(header=0), page(header=0, grid_box=1)
    assert (boxed.image[:8] == 255).all()
    assert (boxed.image[:, -8:] == 255).all()
    assert not (whole.image[:8] == 255).all()
    x, y = whole.traces[5].polyline_px[100].round().astype(int)
    near = np.s_[y - 20 : y + 20, x - 20 : x + 20]
    assert (whole.image[near] == boxed.image[near]).all()


@pytest.mark.parametrize("distortion", [None, {"rotation_p": 1, "rotation_deg": [3, 3]}])
def test_margins_are_cut_off_and_traces_are_not(distortion: dict[str, Any] | None) -> None:
    whole, cut = page(), page(cut=1, cut_frac=1, distortion=distortion)
    assert cut.image.shape[0] < whole.image.shape[0] - 20
    assert cut.image.shape[1] < whole.image.shape[1] - 60
    points = np.concatenate([t.polyline_px for t in cut.traces])
    assert (points >= 0).all()
    assert (points <= np.array(cut.image.shape[1::-1])).all()
    for trace in cut.traces:
        assert trace.mask is not None
        x, y = np.rint(trace.polyline_px[5:-5]).astype(int).T
        assert (trace.mask[y, x] > 60).all()


def test_a_lead_without_a_sample_does_not_say_what_is_cut_off() -> None:
    seen = np.array([[50.0, 30], [150, np.nan], [250, 60]])
    missing = np.full((3, 2), np.nan)
    cut = Makeup(cut_frac=(1.0, 1.0, 1.0, 1.0))
    kept = kept_of((100, 300), [seen, missing], cut, px_per_mm=10.0)
    assert kept == (slice(20, 70), slice(40, 260))  # 1 mm beside the traces stays
    assert kept_of((100, 300), [missing], cut, px_per_mm=10.0) == (slice(0, 100), slice(0, 300))


def test_another_page_lies_on_the_table_on_one_side_alone() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    beyond = np.full((200, 300), 255, np.uint8)
    image[40:160, 60:240], beyond[40:160, 60:240] = 200, 0
    before = image.copy()
    beside = Beside(2, gap_mm=2, turn_deg=1, pitch_mm=20, beat_mm=20, height_mm=8, phase_mm=(0, 0))
    lay_beside(image, beyond, beside, px_per_mm=PX_PER_MM)
    changed = (image != before).any(axis=2)
    assert not changed[:, :150].any()
    assert not changed[beyond == 0].any()
    assert changed[:, 260:].mean() > 0.95
    assert (image[100, 240:246] <= 90).all()  # the gap: table in the page's shadow
    assert np.median(image[:, 260:, 0]) > 220


def test_chest_leads_may_be_printed_at_half_the_gain() -> None:
    whole, half = (page(pulse="both", half_chest=p) for p in (0, 1))
    for before, after in zip(whole.traces, half.traces, strict=True):
        factor = 2 if before.lead_name.startswith("V") else 1
        assert before.calibration.mm_per_mv == factor * after.calibration.mm_per_mv
        heights = [
            trace.calibration.baseline_px - trace.polyline_px[:, 1] for trace in (before, after)
        ]
        np.testing.assert_allclose(heights[0], factor * heights[1], atol=1e-3)
        np.testing.assert_array_equal(before.signal_mv, after.signal_mv)


def test_another_page_is_seen_only_where_there_is_a_table() -> None:
    table: dict[str, Any] = {"desk_p": 1, "desk_mm": [10, 10]}
    alone, two = page(distortion=table), page(distortion=table | {"beside_p": 1})
    assert alone.image.shape == two.image.shape
    assert (alone.image != two.image).any()
    same = page(distortion={"beside_p": 1})
    assert (same.image == page().image).all()


@pytest.mark.parametrize("dial", [{"cut": 1.5}, {"cut_frac": [0.2, 1.2]}, {"name_right_mm": -1}])
def test_impossible_dials_are_refused(dial: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"makeup\.{next(iter(dial))}"):
        MakeupDials(**dial)

"""The pen: steep strokes thinner and paler, a width that wavers; nothing of it when off."""

from typing import Any

import numpy as np
import pytest

from data_gen import presets
from data_gen.conf_folder import conf_dir
from data_gen.crop import Frame
from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from data_gen.render import draw_stroke
from data_gen.sample import LeadSample
from data_gen.sheet import Line, draw_traces
from data_gen.style import PageDials, PenStyle, draw_style

FRAME = Frame(0.0, 0.0, 400, 200, 8.0)  # 50 × 25 mm
OFF: dict[str, Any] = {"pen_thin": 0, "pen_pale": 0, "pen_waver": 0}
ON: dict[str, Any] = {"pen_thin": 0.5, "pen_pale": 0.5, "pen_waver": 0.3}


def pen(thin: float = 0.0, pale: float = 0.0, waver: float = 0.0) -> PenStyle:
    return PenStyle(thin, pale, waver, (10.0, 20.0, 40.0), (0.0, 0.3, 0.6))


def line(slope: float, row: int = 0) -> Line:
    """Straight through the middle of the picture; its points are 0.4 px apart in x."""
    x = np.arange(0.0, 400.0, 0.4)
    return Line(0, np.column_stack((x, 100.0 + slope * (x - 200.0))), 0.0, 200.0, row)


def across_px(coverage: np.ndarray, slope: float) -> float:
    """Width of a straight stroke at column 200, seen along its normal."""
    return float(coverage[:, 200].sum() / 255.0 / np.sqrt(1.0 + slope**2))


def made(**pen_dials: Any) -> LeadGenerator:
    return presets.load("clean", crop="window", overlap="default", values={"page": pen_dials})


def same(a: LeadSample, b: LeadSample) -> bool:
    names = ("image", "target_mask", "other_mask", "polyline_px")
    return a.meta == b.meta and all(
        np.array_equal(getattr(a, n), getattr(b, n), equal_nan=n == "polyline_px") for n in names
    )


@pytest.mark.parametrize("slope", [0.0, 0.75, 4 / 3, 12 / 5])
def test_a_stroke_is_thinner_and_paler_by_the_cosine_of_its_angle(slope: float) -> None:
    lacks = 1 - {0.0: 1.0, 0.75: 0.8, 4 / 3: 0.6, 12 / 5: 5 / 13}[slope]
    ink = np.zeros((200, 400), np.uint8)
    mask = draw_traces(FRAME, [line(slope)], pen_mm=0.5, pen=pen(thin=0.6, pale=0.4), ink=ink)
    assert across_px(mask, slope) == pytest.approx(4.0 * (1 - 0.6 * lacks), abs=0.1)
    assert mask.max() == 255  # a mask knows of no paleness
    assert int(ink[:, 200].max()) == pytest.approx(255 * (1 - 0.4 * lacks), abs=2)
    assert np.array_equal(ink > 1, mask > 1)


def test_a_peak_where_the_pen_turns_is_as_wide_and_dark_as_a_level_stroke() -> None:
    x = np.arange(0.0, 400.0, 0.4)
    peak = Line(0, np.column_stack((x, 40.0 + 5.0 * np.abs(x - 200.0))), 0.0, 200.0)
    ink = np.zeros((200, 400), np.uint8)
    draw_traces(FRAME, [peak], pen_mm=0.5, pen=pen(pale=0.5), ink=ink)
    assert ink[40:44, 200].max() > 200 > 160 > ink[130].max()


def test_tremor_finer_than_the_pen_makes_no_thin_stroke() -> None:
    x = np.arange(0.0, 400.0, 0.4)
    tremor = np.where(np.arange(len(x)) % 2, 0.4, -0.4)  # of slope 2 from point to point
    level = Line(0, np.column_stack((x, 100.0 + tremor)), 0.0, 200.0)
    factors = [
        draw_traces(FRAME, [level], pen_mm=0.5, pen=pen(thin=t))[:, 100:300].sum() for t in (0, 0.8)
    ]
    assert factors[1] > 0.9 * factors[0]


def test_the_width_wavers_slowly_by_row_and_place_alone() -> None:
    drawn = draw_traces(FRAME, [line(0.0)], pen_mm=0.5, pen=pen(waver=0.3))
    width = drawn.sum(axis=0)[5:-5] / 255.0
    assert 4.0 * 0.7 <= width.min() < 3.7 and 4.3 < width.max() <= 4.0 * 1.3
    assert np.abs(np.diff(width)).max() < 0.2
    moved = Frame(5.0, 0.0, 360, 200, 8.0)  # 40 px to the right, the same paper
    there = Line(0, line(0.0).xy_px[100:] - (40.0, 0.0), 0.0, 200.0)
    again = draw_traces(moved, [there], pen_mm=0.5, pen=pen(waver=0.3))
    assert np.abs(again[:, 5:-5].sum(axis=0) / 255.0 - width[40:]).max() < 0.1
    below = draw_traces(FRAME, [line(0.0, row=1)], pen_mm=0.5, pen=pen(waver=0.3))
    assert np.abs(below.sum(axis=0)[5:-5] / 255.0 - width).max() > 0.3


def test_missing_samples_stay_bare_and_their_neighbours_inked() -> None:
    gap = line(2.0)
    gap.xy_px[450:500, 1] = np.nan
    drawn = draw_traces(FRAME, [gap], pen_mm=0.5, pen=pen(thin=0.5, waver=0.3))
    assert not drawn[:, 184:196].any()
    assert drawn[:, 178].max() == drawn[:, 202].max() == 255


def test_a_width_at_every_point_is_drawn_there() -> None:
    canvas = np.zeros((40, 200), np.uint8)
    x = np.arange(200.0)
    xy = np.column_stack((x, np.full(200, 20.0)))
    draw_stroke(canvas, xy, width_px=2.0 + x / 50.0)
    assert np.abs(canvas.sum(axis=0) / 255.0 - (2.0 + x / 50.0))[5:-5].max() < 0.1


def test_turning_it_on_moves_nothing_else() -> None:
    """An effect too small to be seen leaves the picture as it was, but for rounding."""
    for index in range(3):
        off, least = made(**OFF).sample(index), made(pen_waver=1e-9).sample(index)
        for name in ("target_mask", "other_mask", "image"):
            was, now = (getattr(sample, name).astype(int) for sample in (off, least))
            assert np.abs(was - now).max() <= 1
        assert off.polyline_px is not None and least.polyline_px is not None
        assert np.array_equal(off.polyline_px, least.polyline_px, equal_nan=True)


def test_off_is_as_if_there_were_no_such_dials() -> None:
    """No draw is used up, no fact is noted, no byte differs."""
    before, after = np.random.default_rng(5), np.random.default_rng(5)
    assert draw_style(PageDials(), before).pen is None
    assert draw_style(PageDials(**ON), after).pen is not None
    style = np.random.default_rng(5)
    draw_style(PageDials(**OFF), style)
    assert before.random() == style.random() != after.random()
    for index in range(3):
        plain = made().sample(index)
        assert same(plain, made(**OFF).sample(index))
        assert not [name for name in plain.meta if name.startswith("pen_") and name != "pen_mm"]


def test_only_scans_photos_and_what_is_trained_on_have_it() -> None:
    groups = {p.stem for p in (conf_dir() / "page").glob("*.yaml")}
    on = {g for g in groups if presets.load("clean", page=g).look.pen_thin[1] > 0}
    assert on == {"scan", "photo", "mixed", "real"}


def test_a_page_has_it_in_every_mask_and_in_its_picture() -> None:
    page = {"layout": "3x4", "dpi": 200, "grid": "none", "ink": "black", "lead_names": "none"}
    thick, thin = (
        presets.load("clean", values={"page": page | dials}).page(0)
        for dials in (OFF, {"pen_thin": 0.6, "pen_pale": 0.5})
    )
    for a, b in zip(thick.traces, thin.traces, strict=True):
        assert a.mask is not None and b.mask is not None
        assert 0 < b.mask.sum() < a.mask.sum()
        assert np.array_equal(a.polyline_px, b.polyline_px, equal_nan=True)
        pale = (b.mask == 255) & (thin.image[..., 0] > 60)
        assert pale.any() and not ((a.mask == 255) & (thick.image[..., 0] > 0)).any()


@pytest.mark.parametrize("dials", [{"pen_thin": 1.5}, {"pen_pale": [0.5, 0.1]}, {"pen_waver": "x"}])
def test_an_impossible_dial_is_an_error_that_names_it(dials: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"page.{next(iter(dials))}"):
        PageDials(**dials)

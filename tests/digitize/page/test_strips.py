"""Stretches of a row's path: where a lead begins and ends, which way up, and where 0 mV is."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.page.paper import PagePicture
from ecg_overlap.digitize.page.strips import Stretch, between, lead_of, row_signals, without_edges
from ecg_overlap.digitize.page.trace import trace_page
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.scale import PaperMap
from ecg_overlap.digitize.stages import Scale, ScaledPicture

PX_PER_MM = 6.0
WIDTH = 1200  # 200 mm
ROW_PX = 150.0
FS_HZ = 250.0

FloatArray = NDArray[np.float64]


def page_of(px_per_mm: float = PX_PER_MM) -> PagePicture:
    """A page that is straight paper, at 25 mm/s and 10 mm/mV."""
    paper = PaperMap(px_per_mm, px_per_mm)
    scale = Scale(paper, paper.calibration(25.0, 10.0))
    blank = np.full((20, 20, 3), 255, np.uint8)
    return PagePicture(ScaledPicture(Illumination(blank), scale, None, None), scale, None)


def path_of(y_px: FloatArray, *, start_px: float = 0.0, end_px: float = WIDTH - 1.0) -> Path:
    x = np.arange(len(y_px), dtype=float)
    return Path(x, y_px, np.full_like(x, 0.2), np.ones_like(x), 2.4, start_px, end_px)


def wave(x_px: FloatArray) -> FloatArray:
    """1 mV up and down over 20 mm."""
    return ROW_PX - 10 * PX_PER_MM * np.sin(2 * np.pi * x_px / (20 * PX_PER_MM))


LEVEL = path_of(np.full(WIDTH, ROW_PX))
WAVE = path_of(wave(np.arange(float(WIDTH))))


def test_a_part_of_a_path_ends_where_the_next_begins() -> None:
    left, right = between(WAVE, 100.5, 400.0), between(WAVE, 400.0, 700.0)
    assert left.x_px.tolist() == list(range(101, 400))
    assert right.x_px[0] == 400
    assert (left.start_px, left.end_px, right.start_px) == (100.5, 400.0, 400.0)
    assert left.y_px.tolist() == WAVE.y_px[101:400].tolist()


def test_a_doubtful_peak_is_the_leads_in_which_it_stands() -> None:
    path = replace(WAVE, doubtful_px=np.array([230.0]))
    for first, flagged in ((100.0, True), (400.0, False)):
        stretch = Stretch(first, first + 300, np.nan, upside_down=False)
        signal = lead_of(path, stretch, page_of(), fs_hz=FS_HZ, error_factor=1)
        assert signal is not None and ("peak_doubtful" in signal.flags) == flagged


def test_what_is_left_out_of_a_part_is_unseen_and_not_cut() -> None:
    part = between(WAVE, 100.0, 400.0, seen_px=(110.0, 390.0))
    assert len(part.x_px) == 300
    seen = np.isfinite(part.y_px)
    assert part.x_px[seen][[0, -1]].tolist() == [110, 390]
    assert (np.isfinite(part.sigma_px) == seen).all()
    assert ((part.confidence > 0) == seen).all()


def test_a_path_is_unseen_where_its_ink_has_ended() -> None:
    part = between(replace(WAVE, end_px=300.0), 100.0, 400.0)
    assert part.x_px[np.isfinite(part.y_px)][-1] == 301  # half a stroke
    assert part.end_px == 400.0


def test_a_lead_begins_and_ends_where_it_is_said_to() -> None:
    """62.5 mm are 2.5 s: 625 samples, the first of them at the stretch's own column."""
    first = 30.0 * PX_PER_MM
    lead = lead_of(
        WAVE,
        Stretch(first, first + 62.5 * PX_PER_MM, ROW_PX, upside_down=False),
        page_of(),
        fs_hz=FS_HZ,
        error_factor=1.0,
    )
    assert lead is not None
    assert len(lead.signal_mv) == 625
    assert lead.t0_px == first
    assert lead.path_px[[0, -1], 0].tolist() == pytest.approx([180.0, 180.0 + 624 * 0.6])
    expected = np.sin(2 * np.pi * (30.0 + np.arange(625) * 25 / FS_HZ) / 20)
    # The last sample stands 0.4 px behind the part's last column.
    assert lead.signal_mv == pytest.approx(expected, abs=0.02)
    assert lead.signal_mv[:-1] == pytest.approx(expected[:-1], abs=0.005)


def test_a_lead_that_is_printed_upside_down_is_turned() -> None:
    stretch = Stretch(180.0, 480.0, ROW_PX, upside_down=False)
    upright, turned = (
        lead_of(WAVE, replace(stretch, upside_down=down), page_of(), fs_hz=FS_HZ, error_factor=1.0)
        for down in (False, True)
    )
    assert upright is not None
    assert turned is not None
    assert np.ptp(upright.signal_mv) == pytest.approx(2.0, abs=0.01)
    assert turned.signal_mv.tolist() == (-upright.signal_mv).tolist()
    assert turned.path_px.tolist() == upright.path_px.tolist()  # on the paper it stays


@pytest.mark.parametrize(("zero_px", "mv", "known"), [(180.0, 0.5, True), (np.nan, 0.0, False)])
def test_0_mv_is_the_pulses_else_the_leads_own(zero_px: float, mv: float, known: bool) -> None:
    """A level lead 5 mm above the pulse's foot."""
    stretch = Stretch(180.0, 480.0, zero_px, upside_down=False)
    lead = lead_of(LEVEL, stretch, page_of(), fs_hz=FS_HZ, error_factor=1.0)
    assert lead is not None
    assert lead.baseline_known is known
    assert ("baseline_unknown" in lead.flags) is not known
    assert lead.signal_mv == pytest.approx(np.full(len(lead.signal_mv), mv), abs=1e-6)


def test_a_row_that_ends_early_leaves_nan_and_not_less_time() -> None:
    short = replace(LEVEL, y_px=np.where(LEVEL.x_px <= 330, ROW_PX, np.nan), end_px=330.0)
    stretch = Stretch(180.0, 480.0, ROW_PX, upside_down=False)
    lead = lead_of(short, stretch, page_of(), fs_hz=FS_HZ, error_factor=1.0)
    assert lead is not None
    assert len(lead.signal_mv) == 500  # 50 mm
    seen = np.flatnonzero(np.isfinite(lead.signal_mv))
    assert seen[0] == 0
    assert seen[-1] == pytest.approx(250, abs=4)


def test_a_stretch_without_ink_is_no_lead() -> None:
    short = replace(LEVEL, y_px=np.where(LEVEL.x_px <= 330, ROW_PX, np.nan), end_px=330.0)
    stretch = Stretch(600.0, 900.0, ROW_PX, upside_down=False)
    assert lead_of(short, stretch, page_of(), fs_hz=FS_HZ, error_factor=1.0) is None


def steep_at(*columns: int) -> NDArray[np.bool_]:
    steep = np.zeros(WIDTH, bool)
    steep[list(columns)] = True
    return steep


@pytest.mark.parametrize("off", [0.0, 0.4, -0.4])  # columns seldom meet at a whole pixel
@pytest.mark.parametrize(
    ("steep", "first", "last"),
    [
        ((), 180, 479),
        ((180, 181, 182), 183, 479),
        ((478, 479), 180, 477),
        ((184, 476), 185, 475),  # what is before a separator is the other lead's
        ((187, 472), 180, 479),  # 1.2 mm are 7 px
        ((210, 450), 180, 479),
    ],
)
def test_steep_strokes_are_left_out_only_right_at_the_ends(
    steep: tuple[int, ...], first: int, last: int, off: float
) -> None:
    stretch = Stretch(180 + off, 480 + off, ROW_PX, upside_down=False)
    seen_px = without_edges(stretch, steep_at(*steep), px_per_mm=PX_PER_MM).seen_px
    part = between(LEVEL, stretch.first_px, stretch.stop_px, seen_px=seen_px)
    seen = part.x_px[np.isfinite(part.y_px)]
    # Where nothing is left out, the part's own ends are a pixel more or less.
    assert seen[0] == pytest.approx(first, abs=0 if first > 180 else 1)
    assert seen[-1] == pytest.approx(last, abs=0 if last < 479 else 1)


def test_a_steep_stroke_at_the_pictures_edge_is_left_out_too() -> None:
    stretch = Stretch(-3.0, 4.0, ROW_PX, upside_down=False)
    seen = without_edges(stretch, steep_at(0), px_per_mm=PX_PER_MM).seen_px
    assert seen is not None
    assert seen[0] == 1.0


@pytest.mark.parametrize(("first", "stop"), [(-4.0, 300.0), (900.0, WIDTH + 5.0)])
def test_a_stretch_may_reach_beyond_the_picture(first: float, stop: float) -> None:
    stretch = without_edges(
        Stretch(first, stop, ROW_PX, upside_down=False), steep_at(), px_per_mm=PX_PER_MM
    )
    assert stretch.seen_px == (first, stop)
    lead = lead_of(LEVEL, stretch, page_of(), fs_hz=FS_HZ, error_factor=1.0)
    assert lead is not None
    assert len(lead.signal_mv) == pytest.approx((stop - first) / PX_PER_MM / 25 * FS_HZ, abs=1)


def test_a_separator_is_no_part_of_a_lead_and_an_r_wave_near_it_is() -> None:
    """Ink, rows and traces as on a page: a bar at 100 mm, R waves 5 mm from it at either side."""
    x = np.arange(60.0, 1140.0)
    peaks = np.array([570.0, 630.0])
    y = ROW_PX - 60 * np.clip(1 - np.abs(x[:, None] - peaks) / 6, 0, 1).sum(axis=1)
    mask = np.zeros((300, WIDTH), np.uint8)
    draw_stroke(mask, np.stack([x, y], axis=1), width_px=2.4)
    draw_stroke(mask, np.array([(600.0, ROW_PX - 24), (600.0, ROW_PX + 24)]), width_px=2.4)
    traced = trace_page(mask.astype(np.float32) / 255, px_per_mm=PX_PER_MM)
    (steep,) = traced.steep()
    left, right = (
        without_edges(Stretch(first, stop, ROW_PX, upside_down=False), steep, px_per_mm=PX_PER_MM)
        for first, stop in ((300.0, 600.0), (600.0, 900.0))
    )
    leads = [
        lead_of(traced.paths[0], part, page_of(), fs_hz=FS_HZ, error_factor=1.0)
        for part in (left, right)
    ]
    assert leads[0] is not None
    assert leads[1] is not None
    unseen = [np.flatnonzero(np.isnan(lead.signal_mv)) for lead in leads if lead is not None]
    assert 1 <= len(unseen[0]) <= 12  # 1.2 mm
    assert unseen[0][-1] == 499
    assert 1 <= len(unseen[1]) <= 12
    assert unseen[1][0] == 0
    for lead, peak in zip(leads, (450, 50), strict=True):
        assert lead is not None
        assert np.nanargmax(lead.signal_mv) == pytest.approx(peak, abs=2)
        assert np.nanmax(lead.signal_mv) == pytest.approx(1.0, abs=0.08)


def test_rows_are_as_high_as_they_are_drawn_and_nan_beside_their_ink() -> None:
    ended = replace(LEVEL, y_px=LEVEL.y_px - 60, start_px=300.0, end_px=900.0)
    empty = replace(LEVEL, y_px=np.full(WIDTH, np.nan))
    heights = row_signals((LEVEL, ended, empty), WIDTH, px_per_mm=PX_PER_MM)
    assert heights.shape == (3, 200 * 4)
    assert heights[0] == pytest.approx(np.full(800, -25.0))
    held = np.flatnonzero(np.isfinite(heights[1]))
    assert held[[0, -1]].tolist() == [200, 600]  # 50 and 150 mm
    assert np.nanmedian(heights[1]) == pytest.approx(-15.0)
    assert np.isnan(heights[2]).all()

"""A page from its picture to its leads: drawn pages whose truth is known, turned ones, and none."""

import weakref
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen import presets
from data_gen.errors import InputError
from data_gen.sample import LEADS
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.page import digitize
from ecg_overlap.digitize.page.digitize import digitize_page
from ecg_overlap.digitize.page.page_signal import PAGE_FLAGS, PageSignal, Source, in_record
from ecg_overlap.digitize.page.quality import quality
from ecg_overlap.digitize.page.strip_evidence import NAMES, StripEvidence
from ecg_overlap.digitize.quality import LOW_QUALITY
from ecg_overlap.evaluation.page_sets import drawn_pages
from ecg_overlap.evaluation.pages import TruePage, beside_truth, true_page
from ecg_overlap.onnx_network import load_both, load_ink

DPI = 150.0
PX_PER_MM = DPI / 25.4
SEED = 4  # its page 0 has names, a grid, and pulses of 10 mm/mV at the left
BY_LAYOUT = {
    "3x4+1R": 13,
    "6x2": 12,
    "12x1": 12,
    "6x2 (Cabrera)": 12,
    "6x1 (limb)": 6,
    "6x1 (chest)": 6,
}

Image = NDArray[np.uint8]


def truth_of(layout: str) -> TruePage:
    signals = presets.load_part("signals", "simulate")
    weights = {layout: 1.0}
    drawn = drawn_pages("clean", signals, n=1, seed=SEED, weights=weights, dpi=(DPI, DPI))
    return true_page(drawn.drawn(0))


@pytest.fixture(scope="module")
def usual() -> TruePage:
    """A page of the usual layout."""
    return truth_of("3x4+1R")


@pytest.fixture(scope="module")
def as_read(usual: TruePage) -> PageSignal:
    return digitize_page(usual.image, method="classical")


def check(truth: TruePage, page: PageSignal) -> None:
    """Layout, names and signals are those that were printed."""
    beside = beside_truth(truth, page)
    assert beside.layout_right
    assert (beside.missed, beside.invented) == ((), ())
    assert all(lead.named for lead in beside.leads)
    assert float(np.median([lead.aligned().snr_db for lead in beside.leads])) > 20
    assert set(page.flags) <= set(PAGE_FLAGS)


@pytest.mark.parametrize("layout", list(BY_LAYOUT)[1:])
def test_pages_of_other_layouts(layout: str) -> None:
    truth = truth_of(layout)
    page = digitize_page(truth.image, method="classical")
    assert len(page.strips) == BY_LAYOUT[layout]
    check(truth, page)


def test_leads_beside_the_twelve_are_left_out_and_said() -> None:
    page = digitize_page(truth_of("3x4").image, method="classical", layout="3x5")
    assert {strip.lead_name for strip in page.strips} == set(LEADS)
    assert all(strip.column < 4 for strip in page.strips)
    assert "leads_left_out" in page.flags


def test_a_usual_page(usual: TruePage, as_read: PageSignal) -> None:
    check(usual, as_read)
    assert (as_read.layout_from, as_read.gain_from) == (Source.READ, Source.MEASURED)
    assert as_read.flags == ()
    assert as_read.turned_deg == 0
    assert as_read.px_per_mm == pytest.approx((PX_PER_MM, PX_PER_MM), rel=2e-3)
    assert 0 <= as_read.unexplained < 0.2
    assert min(law.snr_db for law in as_read.consistency) > 15


def test_leads_are_nan_where_they_are_not_printed(as_read: PageSignal) -> None:
    """Lead k of a column of 2.5 s; II in the rhythm strip's full length."""
    signal = as_read.signal_mv
    assert signal.shape == (as_read.n_samples, 12)
    seconds = np.isfinite(signal).sum(axis=0) / as_read.fs_hz
    expected = np.where(np.array(LEADS) == "II", 10.0, 2.5)
    assert seconds == pytest.approx(expected, abs=0.25)
    for name, column in (("I", 0), ("aVR", 1), ("V1", 2), ("V6", 3)):
        seen = np.flatnonzero(np.isfinite(as_read.lead_mv(name))) / as_read.fs_hz
        # Columns stand apart by 0.6 to 2 mm.
        assert seen[[0, -1]].tolist() == pytest.approx(
            [2.5 * column, 2.5 * (column + 1)], abs=0.08 * column + 0.12
        )


def test_boxes_hold_their_leads_and_are_in_the_picture(
    as_read: PageSignal, usual: TruePage
) -> None:
    height, width = usual.image.shape[:2]
    for strip in as_read.strips:
        left, top, right, bottom = strip.box_px
        assert 0 <= left < right <= width - 1
        assert 0 <= top < bottom <= height - 1
        mm = (right - left) / PX_PER_MM
        assert mm == pytest.approx(250 if strip.rhythm else 62.5, abs=6)


def test_each_lead_of_a_clean_page_states_a_high_quality(as_read: PageSignal) -> None:
    for strip in as_read.strips:
        assert strip.quality > 0.9
        assert tuple(strip.signal.evidence) == NAMES
        assert quality(StripEvidence(**strip.signal.evidence)) == strip.quality
    assert as_read.quality == min(strip.quality for strip in in_record(as_read.strips))
    assert "low_quality" not in as_read.flags


def test_leads_of_a_second_page_beside_the_first_are_said_to_be_in_none(
    usual: TruePage, as_read: PageSignal
) -> None:
    both = digitize_page(np.hstack([usual.image, usual.image]), px_per_mm=PX_PER_MM)
    assert "ink_unexplained" in both.flags and both.unexplained > 0.4
    assert "ink_unexplained" not in as_read.flags


def test_a_lead_that_was_pasted_over_has_a_low_one_and_the_others_not(usual: TruePage) -> None:
    """V1 of the page: half of it is covered with white paper, piece by piece."""
    image = usual.image.copy()
    (lead,) = (trace for trace in usual.traces if trace.lead_name == "V1")
    assert lead.polyline_px is not None
    left, top = np.floor(lead.polyline_px.min(axis=0)).astype(int)
    right, bottom = np.ceil(lead.polyline_px.max(axis=0)).astype(int)
    for x in range(left, right, (right - left) // 8):
        image[top - 3 : bottom + 4, x : x + (right - left) // 16] = 255
    page = digitize_page(image, method="classical")
    assert page.worst is not None and page.worst.lead_name == "V1"
    assert page.quality < LOW_QUALITY
    assert "low_quality" in page.flags
    assert page.mean_quality > 0.8


@pytest.mark.parametrize(("quarters", "turned_deg"), [(2, 180), (1, 90)])
def test_a_turned_page_is_turned_back(
    usual: TruePage, as_read: PageSignal, quarters: int, turned_deg: int
) -> None:
    page = digitize_page(np.ascontiguousarray(np.rot90(usual.image, quarters)), method="classical")
    assert page.turned_deg == turned_deg  # clockwise; np.rot90 turns the other way
    assert page.flags == ("turned", *as_read.flags)
    np.testing.assert_allclose(page.signal_mv, as_read.signal_mv, atol=1e-6)


def test_a_page_of_light_ink_is_read_as_if_it_were_dark(
    usual: TruePage, as_read: PageSignal
) -> None:
    page = digitize_page(255 - usual.image, method="classical", stages=True)
    assert page.flags == ("inverted", *as_read.flags)
    np.testing.assert_allclose(page.signal_mv, as_read.signal_mv, atol=1e-6)
    assert np.array_equal(page.stage_images["image"], 255 - usual.image)


def test_a_gain_that_is_told_goes_before_the_pulses(usual: TruePage, as_read: PageSignal) -> None:
    page = digitize_page(usual.image, method="classical", mm_per_mv=5.0, px_per_mm=PX_PER_MM)
    assert page.flags == ("gain_contradicted",)
    assert (page.mm_per_mv, page.gain_from) == (5.0, Source.TOLD)
    ratio = np.nanmax(page.lead_mv("II")) / np.nanmax(as_read.lead_mv("II"))
    assert ratio == pytest.approx(2.0, abs=0.05)
    # The scale was told as well: there is no grid that one could trust or not.
    assert page.px_per_mm == (PX_PER_MM, PX_PER_MM)
    assert np.isnan(page.grid_confidence)
    assert len(page.strips) == 13


def test_chest_leads_of_half_the_gain_are_read_at_theirs() -> None:
    makeup = {"_target_": "data_gen.makeup.MakeupDials", "half_chest": 1}
    look = {"dpi": DPI, "pulse": "both", "mm_per_mv": 10, "layout": "3x4+1R", "makeup": makeup}
    truth = true_page(presets.load("clean", overlap="page", values={"page": look}).page(SEED))
    page = digitize_page(truth.image, method="classical")
    check(truth, page)
    assert (page.mm_per_mv, page.chest_mm_per_mv) == (10.0, 5.0)
    assert page.flags == ("chest_gain_differs",)
    for strip in page.strips:
        gain = 5.0 if strip.lead_name.startswith("V") else 10.0
        assert strip.signal.calibration.mm_per_mv == gain
    for lead in beside_truth(truth, page).leads:  # an estimate of half the height has 6 dB
        assert lead.aligned().snr_db > 15


def test_a_gain_of_the_chest_leads_that_is_told_is_theirs_alone(
    usual: TruePage, as_read: PageSignal
) -> None:
    page = digitize_page(usual.image, method="classical", chest_mm_per_mv=5.0)
    ratio = np.nanmax(page.signal_mv, axis=0) / np.nanmax(as_read.signal_mv, axis=0)
    np.testing.assert_allclose(ratio[:6], 1.0)
    np.testing.assert_allclose(ratio[6:], 2.0)


def test_a_layout_with_other_rows_is_refused_with_both(usual: TruePage) -> None:
    with pytest.raises(DigitizeError) as refused:
        digitize_page(usual.image, method="classical", layout="6x2", px_per_mm=PX_PER_MM)
    assert str(refused.value) == "layout: 6x2 has 6 rows, 4 were found; check it"


def test_pictures_of_readings_that_failed_are_not_held(
    usual: TruePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[Any]] = []

    def fails(*_: object) -> PageSignal:
        assert all(each() is None for each in held)
        ink = np.zeros((2, 2))
        held.append(weakref.ref(ink))
        raise DigitizeError("rows", f"none in {ink.size} px", "look at it")

    monkeypatch.setattr(digitize, "read_page", fails)
    told = {"px_per_mm": PX_PER_MM, "mm_per_s": 25.0, "mm_per_mv": 10.0}
    with pytest.raises(DigitizeError, match="none in 4 px"):
        digitize_page(usual.image, method="classical", **told)
    assert len(held) == 4  # one in each turn


def test_a_method_that_reads_no_pages_is_refused_with_those_that_do(usual: TruePage) -> None:
    with pytest.raises(InputError, match=r"'viterbi': reads no pages; choose of classical, ink\+"):
        digitize_page(usual.image, method="viterbi")


def test_the_packages_network_reads_the_same_page(usual: TruePage, as_read: PageSignal) -> None:
    page = digitize_page(usual.image, network=load_both())  # of both, the one that reads pages
    assert page.method == "ink+stroke"
    check(usual, page)
    assert page.layout == as_read.layout
    # Its ink is that of traces; the pulses are measured nevertheless.
    assert (page.mm_per_mv, page.gain_from) == (as_read.mm_per_mv, Source.MEASURED)
    assert len(page.strips) >= len(as_read.strips)
    assert page.weights_sha256 == load_ink().info.sha256
    assert as_read.weights_sha256 is None


def blank() -> Image:
    return np.full((600, 800, 3), 255, np.uint8)


def noise() -> Image:
    """Soft blots of all colours, as a photo out of focus."""
    rough = np.random.default_rng(0).uniform(0, 255, (600, 800, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(rough, (0, 0), 6)
    return np.asarray(cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX), np.uint8)


@pytest.mark.parametrize("picture", [blank, noise])
def test_a_picture_without_paper_is_refused_for_its_scale(picture: Callable[[], Image]) -> None:
    with pytest.raises(DigitizeError, match=r"^grid: no grid was found; give px_per_mm$"):
        digitize_page(picture(), method="classical")


def letter() -> Image:
    """A page of close-set lines; what their pitch is taken for is a grid."""
    page = np.full((800, 700, 3), 255, np.uint8)
    for y in range(60, 760, 24):
        line = "Dear colleague, the patient was seen today in our ward"
        cv2.putText(page, line, (40, y), 0, 0.6, (20, 20, 20), 1, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("px_per_mm", [None, 6.0])
def test_a_letter_has_no_rows(px_per_mm: float | None) -> None:
    """Without a scale its 41 lines are rows; to trace them all would take minutes."""
    with pytest.raises(DigitizeError, match=r"^rows: .*; check that it is an ECG"):
        digitize_page(letter(), method="classical", px_per_mm=px_per_mm)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"fs_hz": 0.0}, "fs_hz: 0.0 is no frequency; give a positive number of Hz"),
        ({"fs_hz": np.nan}, "fs_hz: nan is no frequency; give a positive number of Hz"),
        ({"px_per_mm": 0.0}, "px_per_mm: 0.0 is no scale; give a positive finite number"),
        ({"px_per_mm": np.nan}, "px_per_mm: nan is no scale; give a positive finite number"),
        ({"px_per_mm": 1e9}, "px_per_mm: 1e+09 makes the picture 8e-07 mm long; check it"),
        ({"px_per_mm": 1e-9}, "px_per_mm: 1e-09 makes the picture 8e+11 mm long; check it"),
        (
            {"method": "ink+stroke"},
            "method 'ink+stroke': needs network; give it, or choose classical",
        ),
    ],
)
def test_an_argument_that_cannot_be_used_is_one_line(options: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as refused:
        digitize_page(blank(), **options)
    assert str(refused.value) == line


@pytest.mark.parametrize(
    "options", [{"mm_per_s": np.nan}, {"mm_per_mv": -3.0}, {"chest_mm_per_mv": 0.0}]
)
def test_a_speed_or_gain_that_is_none_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"is no scale; give a positive finite number$"):
        digitize_page(letter(), method="classical", px_per_mm=6.0, **options)


def test_an_empty_layout_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"layout '': not known; choose of 3x4, .*12x1"):
        digitize_page(blank(), method="classical", layout="")


def test_a_picture_that_is_grey_or_tiny_is_refused() -> None:
    with pytest.raises(InputError, match=r"^image: uint8 \(600, 800\) is not RGB uint8"):
        digitize_page(blank()[..., 0], method="classical")
    with pytest.raises(DigitizeError, match=r"^grid: 17×17 px is too small for a grid"):
        digitize_page(blank()[:17, :17], method="classical")

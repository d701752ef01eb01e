"""A page beside its truth: a late page, wrong names and places, what is missed or invented."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from page_oracle import read_by_truth, renamed, strip_of, without
from PIL import Image
from tiny_set import beat_mv, method

from data_gen.errors import InputError
from data_gen.sample import LEADS, Record
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.evaluation.page_pictures import draw_page
from ecg_overlap.evaluation.pages import ReadPage, TruePage, beside_truth, printed_record

BLANK = np.full((60, 90, 3), 255, np.uint8)


def record() -> Record:
    """Twelve leads of 10 s at 100 Hz, no two alike."""
    signal = np.stack([beat_mv(1000, seed=k) for k in range(12)], axis=1)
    return Record(signal, 100.0, LEADS, "known")


def printed(layout: str = "3x4+1R") -> TruePage:
    return printed_record(BLANK, record(), layout)


def with_places(page: TruePage) -> TruePage:
    """The same page, which knows where its traces stand: row by row, 20 px a second."""
    traces = []
    for k, trace in enumerate(page.traces):
        x = 20 * (trace.record_s + np.arange(len(trace.signal_mv)) / trace.fs_hz)
        y = 40.0 * min(k // 4, 3) - 5 * trace.signal_mv
        line = np.stack([x, y], axis=1).astype(np.float32)
        traces.append(replace(trace, polyline_px=line))
    return replace(page, traces=tuple(traces))


def snr_db(page: ReadPage) -> dict[str, float]:
    return {lead.truth.lead_name: lead.aligned().snr_db for lead in page.leads}


def named(page: ReadPage) -> set[str]:
    return {lead.truth.lead_name for lead in page.leads if lead.named}


def moved(page: PageSignal, name: str, by_s: float) -> PageSignal:
    strips = (replace(s, start_s=s.start_s + by_s * (s.lead_name == name)) for s in page.strips)
    return replace(page, strips=tuple(strips))


@pytest.mark.parametrize("layout", ["3x4+1R", "3x4", "3x4+3R", "6x2", "6x2+1R", "12x1"])
def test_a_perfect_reading_is_perfect(layout: str) -> None:
    truth = printed(layout)
    page = beside_truth(truth, read_by_truth(truth))
    assert page.layout_right
    assert named(page) == set(LEADS)
    assert (page.missed, page.invented) == ((), ())
    assert min(snr_db(page).values()) > 25  # 100 Hz, read at 500: what linear interpolation leaves


def test_a_lead_is_scored_over_the_longest_that_is_printed_of_it() -> None:
    seconds = {lead.lead_name: len(lead.signal_mv) / lead.fs_hz for lead in printed().leads}
    assert seconds == dict.fromkeys(LEADS, 2.5) | {"II": 10.0}


def test_the_page_as_a_whole_may_be_late() -> None:
    truth = printed()
    page = beside_truth(truth, read_by_truth(truth, late_s=0.3))
    assert page.lag_s == pytest.approx(0.3)
    assert min(snr_db(page).values()) > 25


def test_not_by_more_than_half_a_second() -> None:
    truth = printed()
    assert min(snr_db(beside_truth(truth, read_by_truth(truth, late_s=1.0))).values()) < 5


def test_a_lead_in_a_wrong_column_fails_alone() -> None:
    truth = printed()
    found = snr_db(beside_truth(truth, moved(read_by_truth(truth), "aVR", 2.5)))
    assert found.pop("aVR") == 0.0
    assert min(found.values()) > 25


def test_a_lead_that_is_a_little_off_is_whole() -> None:
    """`aligned` moves it; no part of it is then taken for missing."""
    truth = printed()
    for by_s in (-0.15, 0.15):
        page = beside_truth(truth, moved(read_by_truth(truth), "V4", by_s))
        assert snr_db(page)["V4"] > 25
        assert page.lag_s == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("lost", [slice(0, 300), slice(-300, None)])
def test_what_is_lost_at_an_end_is_not_compared_and_lowers_the_coverage(lost: slice) -> None:
    """A fill with the mean would cost as much as a wrong reading of it."""
    truth = printed()
    strips = list(read_by_truth(truth).strips)
    at = next(k for k, s in enumerate(strips) if s.lead_name == "V5")
    signal = strips[at].signal.signal_mv.copy()
    signal[lost] = np.nan
    strips[at] = replace(strips[at], signal=replace(strips[at].signal, signal_mv=signal))
    page = beside_truth(truth, replace(read_by_truth(truth), strips=tuple(strips)))
    v5 = page.leads[LEADS.index("V5")]
    assert v5.coverage == pytest.approx(950 / 1250, abs=0.01)
    assert v5.aligned().snr_db > 25


@pytest.mark.parametrize("knows_places", [False, True])
def test_swapped_names_are_wrong_and_neither_missed_nor_invented(knows_places: bool) -> None:
    truth = with_places(printed()) if knows_places else printed()
    page = beside_truth(truth, renamed(read_by_truth(truth), {"I": "III", "III": "I"}))
    assert named(page) == set(LEADS) - {"I", "III"}
    assert (page.missed, page.invented) == ((), ())
    assert page.layout_right
    assert snr_db(page)["I"] < 5


def test_where_the_truth_knows_its_places_a_name_does_not_depend_on_the_signal() -> None:
    truth = with_places(printed())
    strips = (
        replace(s, signal=replace(s.signal, signal_mv=np.zeros_like(s.signal.signal_mv)))
        for s in read_by_truth(truth).strips
    )
    page = beside_truth(truth, replace(read_by_truth(truth), strips=tuple(strips)))
    assert named(page) == set(LEADS)
    assert set(snr_db(page).values()) == {0.0}


def test_a_short_lead_does_not_stand_for_its_rhythm_strip() -> None:
    truth = printed()
    found = read_by_truth(truth)
    found = replace(found, layout="3x4", strips=tuple(s for s in found.strips if not s.rhythm))
    page = beside_truth(truth, found)
    assert page.missed == ("II",)
    assert not page.layout_right
    assert snr_db(page)["II"] == 0.0  # 2.5 s of 10: less than half


def test_a_missing_lead_is_a_flat_line() -> None:
    truth = printed("3x4")
    page = beside_truth(truth, without(read_by_truth(truth), "V6"))
    assert page.missed == ("V6",)
    assert (snr_db(page)["V6"], named(page)) == (0.0, set(LEADS) - {"V6"})


def test_a_trace_of_nothing_is_invented() -> None:
    truth = printed("3x4")
    found = read_by_truth(truth)
    page = beside_truth(truth, replace(found, strips=(*found.strips, strip_of(truth.traces[0]))))
    assert (page.missed, page.invented) == ((), ("I",))


def test_a_refused_page_has_twelve_flat_lines() -> None:
    page = beside_truth(printed(), None)
    assert snr_db(page) == dict.fromkeys(LEADS, 0.0)
    assert len(page.missed) == 13
    assert (page.layout_right, named(page)) == (False, set())


@pytest.mark.parametrize("axis", ["record_s", "paper_s"])
def test_blank_paper_between_columns_is_on_the_time_axis_or_not(axis: str) -> None:
    """V4 begins 7.5 s after I in the record, and 7.95 s right of it on the paper."""
    truth = printed()
    apart = (replace(t, paper_s=t.record_s + 0.06 * t.record_s) for t in truth.traces)
    truth = replace(truth, traces=tuple(apart))
    as_read = replace(
        truth, traces=tuple(replace(t, paper_s=getattr(t, axis)) for t in truth.traces)
    )
    assert min(snr_db(beside_truth(truth, read_by_truth(as_read))).values()) > 25


def drawn(found: PageSignal, image: NDArray[np.uint8], path: Path) -> NDArray[np.int_]:
    """The report's picture of a page that was read so."""
    draw_page(replace(printed(), image=image), method("refuse", read_page=lambda _: found), path)
    return np.asarray(Image.open(path).convert("RGB"), int)


def test_the_picture_of_a_turned_page_is_that_of_the_page_turned_back(tmp_path: Path) -> None:
    image = np.full((120, 1600, 3), 255, np.uint8)
    image[:, ::80] = (255, 0, 0)
    found = read_by_truth(with_places(printed("3x4")))
    upright = drawn(found, image, tmp_path / "upright.png")
    assert upright.shape[1] > upright.shape[0]
    for deg in (90, 180, 270):
        turned = np.ascontiguousarray(np.rot90(image, deg // 90))  # np.rot90 turns to the left
        shown = drawn(replace(found, turned_deg=deg), turned, tmp_path / f"{deg}.png")
        assert np.array_equal(shown, upright)


def test_the_picture_of_a_refused_page_is_the_page(tmp_path: Path) -> None:
    def refuse(image: NDArray[np.uint8]) -> PageSignal:
        raise InputError("page", "no grid was found", "give px_per_mm")

    draw_page(printed(), method("refuse", read_page=refuse), tmp_path / "a.png")
    assert (np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) == 255).all()

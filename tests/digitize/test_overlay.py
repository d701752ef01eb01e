"""What a lead's overlay shows beside its path."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn import drawn
from numpy.typing import NDArray

from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import FLAGS, LeadSignal
from ecg_overlap.digitize.overlay import DOUBTFUL_RGB, MARKS_RGB, TRACE_RGB, overlay, zero_px

TRUTH = drawn()


@pytest.fixture(scope="module")
def lead() -> LeadSignal:
    row = float(TRUTH.calibration.baseline_px)
    return digitize_lead(TRUTH.image, px_per_mm=8.0, row_px=row)


def of_colour(shown: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Pixels that a line of the colour tints: its edges are mixed with what is beneath."""
    red, green, blue = np.moveaxis(shown.astype(int), 2, 0)
    if colour == TRACE_RGB:
        return np.asarray(red - green > 100)
    if colour == DOUBTFUL_RGB:
        return np.asarray((blue - red > 40) & (blue - green > 40))
    return np.asarray((green - red > 40) & (green > blue))


def test_the_row_of_0_mv_is_drawn_where_it_is(lead: LeadSignal) -> None:
    row = float(TRUTH.calibration.baseline_px)
    assert np.abs(zero_px(lead)[:, 1] - row).max() < 0.1
    marks = of_colour(overlay(lead, TRUTH.image), MARKS_RGB)
    drawn_rows = np.flatnonzero(marks.mean(axis=1) > 0.3)
    assert drawn_rows.size and np.abs((drawn_rows + 0.5) / 2 - 0.5 - row).max() <= 1


def test_0_mv_of_a_turned_and_tilted_lead_is_along_its_own_axes(lead: LeadSignal) -> None:
    height = TRUTH.image.shape[0]
    x, y = lead.path_px.T
    # The picture turned by 90° against the clock: what was at (x, y) is at (y, W - 1 - x).
    width = TRUTH.image.shape[1]
    given = replace(lead, path_px=np.stack([y, width - 1 - x], axis=1), turned_deg=90)
    row = float(TRUTH.calibration.baseline_px)
    assert np.abs(zero_px(given)[:, 0] - row).max() < 0.1
    shown = overlay(given, np.rot90(TRUTH.image).copy())
    assert shown.shape == (2 * width, 2 * height, 3) and of_colour(shown, MARKS_RGB).any()


def test_the_scale_is_1_mv_high_and_two_tenths_of_a_second_wide(lead: LeadSignal) -> None:
    paper = np.full((400, 900, 3), 255, np.uint8)
    bare = replace(lead, path_px=lead.path_px * np.nan, flags=())
    marks = of_colour(overlay(bare, paper, scale=1), MARKS_RGB)
    rows, columns = np.nonzero(marks[200:, 700:])  # the words are at the left
    assert np.ptp(rows) == pytest.approx(8 * 10, abs=2)  # px/mm, mm/mV
    assert np.ptp(columns) == pytest.approx(8 * 25 * 0.2, abs=2)


def test_doubtful_parts_have_another_colour(lead: LeadSignal) -> None:
    assert not of_colour(overlay(lead, TRUTH.image), DOUBTFUL_RGB).any()
    confidence = lead.confidence.copy()
    confidence[400:500], confidence[700] = 0.2, 0.0
    shown = overlay(replace(lead, confidence=confidence), TRUTH.image)
    blue = np.flatnonzero(of_colour(shown, DOUBTFUL_RGB).any(axis=0)) / 2
    ends = lead.path_px[[399, 500], 0]
    assert ((blue > ends[0] - 1) & (blue < ends[1] + 1)).sum() > 50
    assert (np.abs(blue - lead.path_px[700, 0]) < 2).any()
    assert of_colour(shown, TRACE_RGB).any()


@pytest.mark.parametrize("shape", [(16, 16), (40, 700), (700, 40), (300, 300)])
def test_words_stay_within_any_picture(lead: LeadSignal, shape: tuple[int, int]) -> None:
    paper = np.full((*shape, 3), 255, np.uint8)
    flagged = replace(lead, flags=tuple(FLAGS), path_px=lead.path_px % min(shape))
    assert overlay(flagged, paper).shape == (2 * shape[0], 2 * shape[1], 3)


def test_flags_quality_and_confidence_are_written(
    lead: LeadSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    put = cv2.putText

    def listen(shown: object, text: str, *rest: object) -> object:
        said.append(text)
        return put(shown, text, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(cv2, "putText", listen)
    overlay(replace(lead, flags=("gap", "ink_shared"), quality=0.375), TRUTH.image)
    words = " ".join(said)
    assert "gap" in words and "ink_shared" in words and "1 mV, 0.2 s" in words
    assert f"quality 0.38  confidence {lead.confidence.mean():.2f}" in words
    said.clear()
    overlay(replace(lead, quality=np.nan), TRUTH.image)
    assert "quality" not in " ".join(said)

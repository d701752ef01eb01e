"""Unusual pictures made usual: light ink, borders, frames; usual ones are left as they are."""

import cv2
import numpy as np
import pytest
from drawn import drawn, snr_db
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.usual import as_usual

U8 = NDArray[np.uint8]
TRUTH = drawn()
BORDER_PX = 60


def score(lead: LeadSignal) -> float:
    """The best SNR over shifts of up to a box: what is left and right of the trace differs."""
    n = len(TRUTH.signal_mv)
    signal = np.pad(lead.signal_mv, n, constant_values=np.nan)
    first = n - round(lead.fs_hz * 0.2)
    parts = (signal[k : k + n] for k in range(first, first + round(lead.fs_hz * 0.4)))
    scores = []
    for part in parts:
        seen = np.isfinite(part)
        if seen.mean() > 0.9:
            scores.append(snr_db(TRUTH.signal_mv[seen], part[seen]))
    return max(scores)


def with_border(level: int) -> U8:
    edge = cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.copyMakeBorder(TRUTH.image, *(BORDER_PX,) * 4, edge, value=(level,) * 3), np.uint8
    )


def framed() -> U8:
    """As axes of a plotting program: white round them, with ticks and a label."""
    shown = with_border(255).copy()
    height, width = TRUTH.image.shape[:2]
    low, right, bottom = BORDER_PX, BORDER_PX + width - 1, BORDER_PX + height - 1
    cv2.rectangle(shown, (low, low), (right, bottom), (0, 0, 0), 2)
    for x in range(low, right, 90):
        cv2.line(shown, (x, bottom), (x, bottom + 6), (0, 0, 0), 2)
    cv2.putText(shown, "time (s)", (low + 90, bottom + 40), 0, 0.7, (0, 0, 0), 2)
    return shown


def test_a_usual_picture_is_left_as_it_is() -> None:
    light = Illumination(TRUTH.image)
    usual = as_usual(light)
    assert usual.light is light and not usual.inverted
    assert usual.width_px == TRUTH.image.shape[1]


def test_light_ink_on_dark_paper_is_read_and_said() -> None:
    lead = digitize_lead(255 - TRUTH.image)
    usual = digitize_lead(TRUTH.image)
    assert np.array_equal(lead.signal_mv, usual.signal_mv, equal_nan=True)
    assert lead.flags == ("inverted", *usual.flags)


def test_light_ink_without_a_grid_needs_its_scale() -> None:
    truth = drawn(grid=False)
    with pytest.raises(DigitizeError, match="px_per_mm"):
        digitize_lead(255 - truth.image)
    lead = digitize_lead(255 - truth.image, px_per_mm=8.0)
    assert "inverted" in lead.flags and score(lead) > 15


@pytest.mark.parametrize("level", [0, 30, 90])
def test_a_border_is_no_trace(level: int) -> None:
    image = with_border(level)
    usual = as_usual(Illumination(image))
    assert usual.outside is not None
    inside = ~usual.outside[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    assert inside.mean() > 0.9 and usual.outside[:BORDER_PX].all()
    lead = digitize_lead(image)
    assert score(lead) > 15 and "trace_short" not in lead.flags


def test_a_shadow_is_paper() -> None:
    shape = TRUTH.image.shape[:2]
    away = np.hypot(*np.meshgrid(np.arange(shape[1]) / 250, np.arange(shape[0]) / 250))
    shade = 0.35 + 0.65 * np.clip(away, 0, 1)
    image = (TRUTH.image * shade[..., None]).astype(np.uint8)
    light = Illumination(image)
    assert as_usual(light).light is light


def test_axes_round_a_lead_are_no_trace() -> None:
    lead = digitize_lead(framed())
    assert score(lead) > 15 and "path_invented" not in lead.flags


def test_what_is_printed_beside_a_frame_stays_on_a_page() -> None:
    light = Illumination(framed())
    assert as_usual(light, frames=False).light is light
    assert as_usual(light).outside is not None


def test_a_grid_as_dark_as_ink_is_no_frame() -> None:
    image = np.full_like(TRUTH.image, 255)
    image[::40] = image[:, ::40] = image[1::40] = image[:, 1::40] = 40
    image[TRUTH.mask > 128] = 0
    light = Illumination(image)
    assert as_usual(light).light is light

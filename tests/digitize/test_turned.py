"""Leads upside down and on their side: which way time runs, and names that are read one way up."""

import numpy as np
import pytest
from drawn import FS_HZ, beats, drawn, snr_db
from numpy.typing import NDArray

from data_gen.text import text_coverage
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.upright import log_odds_upright

TRUTH = drawn(pad_px=60.3)


def named(name: str) -> NDArray[np.uint8]:
    """The drawn lead with its name under it."""
    image = TRUTH.image.copy()
    letters, _ = text_coverage(name, em_px=34, font="sans")
    height, width = letters.shape
    part = image[-height - 8 : -8, 30 : 30 + width]
    part[...] = (part * (1 - letters[..., None] / 255.0)).astype(np.uint8)
    return image


def score(lead: LeadSignal) -> float:
    n = min(len(lead.signal_mv), len(TRUTH.signal_mv))
    return snr_db(TRUTH.signal_mv[:n], np.nan_to_num(lead.signal_mv[:n]))


@pytest.mark.parametrize("sign", [1, -1])
def test_time_has_a_direction_whatever_the_polarity(sign: int) -> None:
    signal = sign * beats(5.0)
    assert log_odds_upright(signal, FS_HZ) > 3
    assert log_odds_upright(-signal[::-1], FS_HZ) == pytest.approx(
        -log_odds_upright(signal, FS_HZ), abs=0.5
    )


@pytest.mark.parametrize(
    "signal",
    [np.zeros(1250), np.full(1250, np.nan), np.zeros(3), np.sin(np.arange(1250) / 40)],
    ids=["flat", "unseen", "short", "sine"],
)
def test_without_beats_nothing_is_said(signal: NDArray[np.float64]) -> None:
    assert abs(log_odds_upright(signal, FS_HZ)) < 2.2


def test_gaps_are_bridged() -> None:
    signal = beats(5.0)
    signal[300:340] = np.nan
    assert log_odds_upright(signal, FS_HZ) > 3


def test_a_lead_upside_down_without_a_name_is_flagged() -> None:
    lead = digitize_lead(TRUTH.image[::-1, ::-1])
    assert "maybe_upside_down" in lead.flags and lead.turned_deg == 0
    assert "maybe_upside_down" not in digitize_lead(TRUTH.image).flags


def test_a_lead_upside_down_with_a_name_is_turned() -> None:
    upright = digitize_lead(named("aVL"))
    assert upright.turned_deg == 0
    lead = digitize_lead(named("aVL")[::-1, ::-1])
    assert lead.turned_deg == 180 and "turned" in lead.flags
    assert np.allclose(lead.signal_mv, upright.signal_mv, atol=1e-6, equal_nan=True)
    height, width = TRUTH.image.shape[:2]
    back = np.array([width - 1, height - 1]) - upright.path_px
    assert np.allclose(lead.path_px, back, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_lead_on_its_side_is_turned(quarters: int) -> None:
    image = np.rot90(TRUTH.image, quarters)
    lead = digitize_lead(image, stages=True)
    assert lead.turned_deg == 90 * quarters and "turned" in lead.flags
    assert score(lead) > 15
    assert lead.stage_images["mask"].shape == image.shape[:2]
    ink = np.rot90(TRUTH.mask, quarters)
    column, row = np.rint(lead.path_px[20:-20]).astype(int).T
    assert (ink[row, column] > 0).mean() > 0.9


def test_who_knows_the_row_knows_which_way_up() -> None:
    image = TRUTH.image[::-1, ::-1]
    row_px = image.shape[0] - 1 - TRUTH.calibration.baseline_px
    assert "maybe_upside_down" not in digitize_lead(image, row_px=row_px).flags

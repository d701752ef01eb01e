"""What a page shows of how well each lead was read: on ink that is drawn for it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.render import draw_stroke
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.page_signal import Residual, Source, Strip
from ecg_overlap.digitize.page.strip_evidence import (
    MOST_NATS,
    PageShown,
    StripEvidence,
    evidence_of_strip,
    territory,
)
from ecg_overlap.digitize.page.strips import between
from ecg_overlap.digitize.page.trace import PageTraces, trace_page

PX_PER_MM = 6.0
HEIGHT, WIDTH = 480, 1500
PX_PER_S = 25 * PX_PER_MM
FS_HZ = 100.0
T_S = np.arange(500) / FS_HZ
MV = np.sin(2 * np.pi * 2 * T_S)  # of power 1/2

FloatArray = NDArray[np.float64]


def ink(*rows_px: float, later_px: float = 0.0) -> NDArray[np.float32]:
    """Rows with a narrow peak every 120 px, 1 mV high, from column 60 to 1440.

    Each row's are so much later than those of the row above.
    """
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x = np.arange(60.0, 1441.0)
    for k, row in enumerate(rows_px):
        peak = 60 * np.clip(1 - np.abs((x - k * later_px) % 120 - 60) / 8, 0, 1)
        draw_stroke(mask, np.stack([x, row - peak], axis=1), width_px=2.4)
    return mask.astype(np.float32) / 255


@pytest.fixture(scope="module")
def traced() -> PageTraces:
    return trace_page(ink(120, 260), px_per_mm=PX_PER_MM)


def shown(traced: PageTraces, *laws: Residual) -> PageShown:
    return PageShown((), traced, laws, PX_PER_S)


def strip(name: str = "V1", *, row: int = 0, rhythm: bool = False) -> Strip:
    signal = LeadSignal(
        MV, FS_HZ, Calibration(PX_PER_MM, PX_PER_MM), np.ones(500), np.full(500, 0.1645), False
    )
    return Strip(name, Source.READ, row, 0, 0.0, (0, 0, 1, 1), rhythm, signal)


def evidence(
    traced: PageTraces, of: Strip, page: PageShown | None = None, *, margin: float = 5.0
) -> StripEvidence:
    part = between(traced.paths[of.row], 100.0, 700.0)
    return evidence_of_strip(of, part, page or shown(traced), margin=margin)


def test_a_row_has_the_paper_up_to_half_way_to_its_neighbours(traced: PageTraces) -> None:
    above, below = (territory(traced, row, HEIGHT) for row in (0, 1))
    assert above[1] == pytest.approx(below[0])
    assert above[1].mean() == pytest.approx(190, abs=3)
    # Nobody stands beyond the first and the last: as far as to the other side.
    assert above[0].mean() == pytest.approx(50, abs=3)
    assert below[1].mean() == pytest.approx(330, abs=3)


def test_a_row_alone_has_all_of_the_paper() -> None:
    alone = trace_page(ink(240), px_per_mm=PX_PER_MM)
    upper, lower = territory(alone, 0, HEIGHT)
    assert (upper == 0).all() and (lower == HEIGHT).all()


def test_a_strip_that_is_read_well_shows_it(traced: PageTraces) -> None:
    found = evidence(traced, strip())
    assert found.confidence > 0.9
    assert found.agreement_db > 12
    assert found.fast < 0.1
    assert found.shared_power == 0


def test_a_strip_that_goes_over_to_the_next_row_disagrees_with_its_ink(traced: PageTraces) -> None:
    """Its second reading stays in the row's own half of the paper."""
    of = strip(row=0)
    own, other = (between(traced.paths[k], 100.0, 700.0) for k in (0, 1))
    there = (own.x_px > 330) & (own.x_px < 345)  # a level part, where the other row is 140 px off
    wrong = replace(
        own, y_px=np.where(there, np.interp(own.x_px, other.x_px, other.y_px), own.y_px)
    )
    found = evidence_of_strip(of, wrong, shown(traced), margin=5.0)
    assert found.agreement_db < evidence(traced, of).agreement_db - 10


def test_laws_are_told_in_db_and_the_pages_by_their_median(traced: PageTraces) -> None:
    """III is a tenth of II short of what it must be beside I, of no power: 20 dB."""
    second, third, first = strip("II"), strip("III"), strip("I")
    third = replace(third, signal=replace(third.signal, signal_mv=0.9 * MV))
    first = replace(first, signal=replace(first.signal, signal_mv=0.0 * MV))
    laws = [
        Residual("I + III = II", ("I", "III", "II"), 0.0, 5.0, 0.1, db) for db in (2.0, 15.0, 20.0)
    ]
    page = replace(shown(traced, *laws), strips=(first, second, third))
    assert evidence(traced, second, page).law_db == pytest.approx(20.0)
    assert evidence(traced, second, page).laws_db == 15.0


def test_a_chest_lead_has_no_law_and_a_page_may_have_none(traced: PageTraces) -> None:
    chest, limb = strip("V1"), strip("I")
    found = evidence(traced, chest, replace(shown(traced), strips=(chest, limb)))
    assert np.isnan(found.law_db) and np.isnan(found.laws_db)


def test_a_layout_that_was_told_is_as_sure_as_can_be(traced: PageTraces) -> None:
    assert evidence(traced, strip(), margin=np.inf).margin == MOST_NATS
    assert evidence(traced, strip(), margin=2.0).margin == 2.0


def test_a_page_is_named_by_the_share_of_its_strips_that_are(traced: PageTraces) -> None:
    assumed = replace(strip("V2"), name_from=Source.ASSUMED)
    page = replace(shown(traced), strips=(strip(), assumed, assumed, assumed))
    assert evidence(traced, page.strips[1], page).names == 0.25


def test_peaks_in_shared_ink_are_doubtful_by_their_power() -> None:
    """Peaks of the lower row that reach the upper one's stroke."""
    met = trace_page(ink(200, 262, later_px=60), px_per_mm=PX_PER_MM)
    columns = met.traces.shared(1)[100:700].mean()
    assert 0 < columns < 0.2
    assert evidence(met, strip(row=1)).shared_power > 3 * columns


def test_rows_that_change_places_on_a_tight_page_leave_no_second_reading(
    traced: PageTraces,
) -> None:
    """Between a row and the one above it, which is below it here, there is no paper."""
    crossed = replace(traced, rows=traced.rows[::-1])
    assert np.isnan(evidence(crossed, strip()).agreement_db)

"""Where each lead stands on the paper."""

import math

import numpy as np
import pytest

from data_gen import presets
from data_gen.errors import InputError
from data_gen.layout import LAYOUTS, column_seconds, find_layout, paper_size_mm, place
from data_gen.sample import LEADS, Record


@pytest.mark.parametrize("name", ["3x4", "6x2", "12x1", "4x3", "6x2 (Cabrera)"])
def test_a_layout_without_rhythm_strip_shows_each_lead_once(name: str) -> None:
    shown = [lead.removeprefix("-") for row in LAYOUTS[name].rows for lead in row]
    assert sorted(shown) == sorted(LEADS)


def test_rows_and_columns_are_what_the_name_says() -> None:
    shapes = {name: (len(layout.rows), layout.columns) for name, layout in LAYOUTS.items()}
    assert shapes == {
        "3x4": (3, 4),
        "3x4+1R": (4, 4),
        "3x4+2R": (5, 4),
        "3x4+3R": (6, 4),
        "6x2": (6, 2),
        "6x2+1R": (7, 2),
        "4x3": (4, 3),
        "3x4+1R (Cabrera)": (4, 4),
        "6x2 (Cabrera)": (6, 2),
        "12x1": (12, 1),
        "6x1 (limb)": (6, 1),
        "6x1 (chest)": (6, 1),
        "3x1": (3, 1),
        "single": (1, 1),
    }


def test_leads_stand_in_columns_of_limb_and_chest_leads() -> None:
    assert LAYOUTS["3x4"].rows[0] == ("I", "aVR", "V1", "V4")
    assert LAYOUTS["6x2"].rows[5] == ("aVF", "V6")
    assert LAYOUTS["3x4+1R"].rows[3] == ("II",)
    assert LAYOUTS["4x3"].rows[0] == ("I", "aVL", "V3")


def test_cabreras_order_goes_round_the_frontal_plane() -> None:
    limb = [row[0] for row in LAYOUTS["6x2 (Cabrera)"].rows]
    assert limb == ["aVL", "I", "-aVR", "II", "aVF", "III"]
    assert [row[0] for row in LAYOUTS["3x4+1R (Cabrera)"].rows] == ["aVL", "I", "-aVR", "II"]


def test_a_lead_may_be_printed_upside_down() -> None:
    signal = np.arange(24, dtype=np.float32).reshape(2, 12)
    record = Record(signal, 500.0, LEADS, "known")
    assert record.lead_mv("-aVR").tolist() == [-3.0, -15.0]
    page = presets.load("clean", values={"page": {"layout": "6x2 (Cabrera)", "dpi": 75}}).page(1)
    avr = next(trace for trace in page.traces if trace.lead_name == "-aVR")
    beside = {trace.lead_name: trace for trace in page.traces}
    # −aVR = (I + II) / 2, of leads that are simultaneous.
    expected = (beside["I"].signal_mv + beside["II"].signal_mv) / 2
    assert avr.signal_mv == pytest.approx(expected, abs=1e-4)


def test_leads_that_may_be_any_wrap_round() -> None:
    assert find_layout("3x1", first_lead=11).rows == (("V6",), ("I",), ("II",))
    assert find_layout("3x4", first_lead=11) is LAYOUTS["3x4"]


def test_a_ten_second_record_gives_columns_of_two_and_a_half_seconds() -> None:
    layout = LAYOUTS["3x4+1R"]
    seconds = column_seconds(layout, record_s=10, width_mm=277, mm_per_s=25, gap_mm=0)
    places = place(layout, seconds=seconds, left_mm=10, mm_per_s=25, gap_mm=0)
    v2 = next(p for p in places if p.lead_name == "V2")
    rhythm = places[-1]
    assert (v2.row, v2.column, v2.start_s, v2.duration_s, v2.x_mm) == (1, 2, 5.0, 2.5, 135.0)
    assert (rhythm.row, rhythm.start_s, rhythm.duration_s) == (3, 0.0, 10.0)


def test_a_gap_moves_columns_but_not_their_time() -> None:
    places = place(LAYOUTS["3x4"], seconds=2.5, left_mm=0, mm_per_s=25, gap_mm=2)
    fourth = places[3]
    assert (fourth.start_s, fourth.x_mm) == (7.5, 3 * 64.5)


def test_what_does_not_fit_on_the_paper_is_not_drawn() -> None:
    layout = LAYOUTS["12x1"]
    assert column_seconds(layout, record_s=10, width_mm=250, mm_per_s=50, gap_mm=0) == 5.0
    assert column_seconds(layout, record_s=10, width_mm=math.inf, mm_per_s=50, gap_mm=0) == 10.0


def test_too_little_paper_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="fit on 50 mm at 50 mm/s"):
        column_seconds(LAYOUTS["3x4"], record_s=10, width_mm=50, mm_per_s=50, gap_mm=0)


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(InputError, match=r"layout 4x4: not known; take one of 3x4"):
        find_layout("4x4")
    with pytest.raises(InputError, match="take one of a4, letter, roll"):
        paper_size_mm("a5")

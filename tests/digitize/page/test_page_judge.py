"""Which speed and gain a page is taken to have, and what is said of it."""

import numpy as np

from ecg_overlap.digitize.page.judge import printed_of
from ecg_overlap.digitize.page.page_signal import Source
from ecg_overlap.digitize.page.pulses import PagePulse

NOTHING = (None, None)


def pulse(mm_per_mv: float = 10.0, width_mm: float = 5.0) -> PagePulse:
    return PagePulse(0.0, 40.0, mm_per_mv, width_mm, np.zeros(3), np.ones(3), after=False)


def test_the_usual_is_assumed_and_the_gain_said_so() -> None:
    printed = printed_of(NOTHING, NOTHING, None)
    assert (printed.mm_per_s, printed.mm_per_mv) == (25.0, 10.0)
    assert (printed.speed_from, printed.gain_from) == (Source.ASSUMED, Source.ASSUMED)
    assert printed.flags == ("gain_assumed",)


def test_a_pulse_measures_the_gain_and_a_wide_one_the_speed() -> None:
    printed = printed_of(NOTHING, NOTHING, pulse(5.0, 10.0))
    assert (printed.mm_per_mv, printed.gain_from) == (5.0, Source.MEASURED)
    assert (printed.mm_per_s, printed.speed_from) == (50.0, Source.MEASURED)
    assert set(printed.flags) == {"gain_unusual", "speed_unusual"}


def test_what_is_printed_counts_where_nothing_measures_it() -> None:
    printed = printed_of(NOTHING, (50.0, 20.0), None)
    assert (printed.mm_per_s, printed.speed_from) == (50.0, Source.READ)
    assert (printed.mm_per_mv, printed.gain_from) == (20.0, Source.READ)


def test_sources_that_disagree_are_flagged_and_the_pulse_goes_before_the_text() -> None:
    printed = printed_of(NOTHING, (25.0, 10.0), pulse(5.0))
    assert (printed.mm_per_mv, printed.gain_from) == (5.0, Source.MEASURED)
    assert "gain_contradicted" in printed.flags


def test_what_is_told_goes_before_all() -> None:
    printed = printed_of((12.5, 20.0), (25.0, 10.0), pulse(10.0))
    assert (printed.mm_per_s, printed.mm_per_mv) == (12.5, 20.0)
    assert (printed.speed_from, printed.gain_from) == (Source.TOLD, Source.TOLD)
    assert printed.flags == ("gain_contradicted",)

"""Which speed and gain a page is taken to have, how sure its layout is, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_overlap.digitize.page.arrangements import arrangement_named
from ecg_overlap.digitize.page.columns import Place
from ecg_overlap.digitize.page.judge import Told, laws_tell, margin_nats, printed_of
from ecg_overlap.digitize.page.layouts import Fit
from ecg_overlap.digitize.page.page_signal import Residual, Source
from ecg_overlap.digitize.page.printed import Gains
from ecg_overlap.digitize.pulse.printed import PagePulse

NOTHING = Told()
UNREAD = (None, Gains())


def pulse(mm_per_mv: float = 10.0, width_mm: float = 5.0) -> PagePulse:
    return PagePulse(0.0, 40.0, mm_per_mv, width_mm, np.zeros(3), np.ones(3), after=False)


def test_the_usual_is_assumed_and_the_gain_said_so() -> None:
    printed = printed_of(NOTHING, UNREAD, None)
    assert (printed.mm_per_s, printed.mm_per_mv) == (25.0, 10.0)
    assert (printed.speed_from, printed.gain_from) == (Source.ASSUMED, Source.ASSUMED)
    assert printed.flags == ("gain_assumed",)


def test_a_pulse_measures_the_gain_and_a_wide_one_the_speed() -> None:
    printed = printed_of(NOTHING, UNREAD, pulse(5.0, 10.0))
    assert (printed.mm_per_mv, printed.gain_from) == (5.0, Source.MEASURED)
    assert (printed.mm_per_s, printed.speed_from) == (50.0, Source.MEASURED)
    assert set(printed.flags) == {"gain_unusual", "speed_unusual"}


def test_what_is_printed_counts_where_nothing_measures_it() -> None:
    printed = printed_of(NOTHING, (50.0, Gains(20.0)), None)
    assert (printed.mm_per_s, printed.speed_from) == (50.0, Source.READ)
    assert (printed.mm_per_mv, printed.gain_from) == (20.0, Source.READ)


def test_sources_that_disagree_are_flagged_and_the_pulse_goes_before_the_text() -> None:
    printed = printed_of(NOTHING, (25.0, Gains(10.0)), pulse(5.0))
    assert (printed.mm_per_mv, printed.gain_from) == (5.0, Source.MEASURED)
    assert "gain_contradicted" in printed.flags


BEHIND = replace(pulse(5.0), after=True)
BOTH_SIDES = replace(pulse(10.0), other_mm_per_mv=5.0)  # 10 mm before the traces, 5 behind


@pytest.mark.parametrize(
    ("told", "read", "pulses"),
    [
        (NOTHING, (25.0, Gains(10.0, 5.0)), None),
        (NOTHING, (25.0, Gains(10.0, 5.0)), pulse(10.0)),
        (NOTHING, (25.0, Gains(10.0, 5.0)), BOTH_SIDES),
        (NOTHING, UNREAD, BOTH_SIDES),
        (NOTHING, UNREAD, replace(pulse(5.0), other_mm_per_mv=10.0, after=True)),
        (Told(None, 10.0, 5.0), UNREAD, pulse(10.0)),
        (Told(None, None, 5.0), UNREAD, pulse(10.0)),
        (Told(None, 10.0, 5.0), (None, Gains(unclear=(5.0, 10.0))), None),  # as it was told
        (NOTHING, (None, Gains(unclear=(5.0, 10.0))), BOTH_SIDES),
        (NOTHING, (None, Gains(None, 5.0)), pulse(10.0)),
        (NOTHING, (None, Gains(10.0, 5.0)), BEHIND),
        (Told(None, 10.0, 5.0), UNREAD, BEHIND),
    ],
)
def test_chest_leads_have_the_gain_that_is_theirs(
    told: Told, read: tuple[float | None, Gains], pulses: PagePulse | None
) -> None:
    printed = printed_of(told, read, pulses)
    assert (printed.gain_of("aVL"), printed.gain_of("V1")) == (10.0, 5.0)
    assert printed.chest_mm_per_mv == 5.0
    assert printed.flags == ("chest_gain_differs",)


def test_each_gain_has_its_source() -> None:
    printed = printed_of(NOTHING, (None, Gains(10.0, 5.0)), pulse(10.0))
    assert (printed.gain_from, printed.chest_gain_from) == (Source.MEASURED, Source.READ)
    printed = printed_of(Told(None, None, 5.0), UNREAD, None)
    assert (printed.gain_from, printed.chest_gain_from) == (Source.ASSUMED, Source.TOLD)
    assert printed_of(NOTHING, UNREAD, pulse(10.0)).chest_gain_from is None


def test_pulses_behind_the_traces_alone_are_of_all_leads_where_nothing_says_else() -> None:
    printed = printed_of(NOTHING, (None, Gains(5.0)), BEHIND)
    assert (printed.mm_per_mv, printed.chest_mm_per_mv) == (5.0, None)
    assert printed.flags == ("gain_unusual",)


@pytest.mark.parametrize(
    ("told", "read", "pulses", "gains"),
    [
        (NOTHING, (None, Gains(unclear=(5.0, 10.0))), pulse(10.0), (10.0, 10.0)),
        (NOTHING, (None, Gains(10.0)), BOTH_SIDES, (10.0, 5.0)),  # one gain, two pulses
        (NOTHING, (None, Gains(20.0, 10.0)), pulse(10.0), (10.0, 10.0)),
        (NOTHING, (None, Gains(10.0, 20.0)), BOTH_SIDES, (10.0, 5.0)),
        (Told(None, 10.0), UNREAD, BOTH_SIDES, (10.0, 10.0)),  # told of all leads
        (Told(None, None, 20.0), UNREAD, BOTH_SIDES, (10.0, 20.0)),
    ],
)
def test_gains_that_cannot_all_be_right_are_said(
    told: Told,
    read: tuple[float | None, Gains],
    pulses: PagePulse | None,
    gains: tuple[float, float],
) -> None:
    printed = printed_of(told, read, pulses)
    assert "gain_contradicted" in printed.flags
    assert (printed.gain_of("II"), printed.gain_of("V6")) == gains


def test_what_is_told_goes_before_all() -> None:
    printed = printed_of(Told(12.5, 20.0), (25.0, Gains(10.0)), pulse(10.0))
    assert (printed.mm_per_s, printed.mm_per_mv) == (12.5, 20.0)
    assert (printed.speed_from, printed.gain_from) == (Source.TOLD, Source.TOLD)
    assert printed.flags == ("gain_contradicted",)


@pytest.mark.parametrize(
    ("snr_db", "tell"),
    [
        ((18.4, 14.2), True),
        ((16.2, 18.2, 27.0, 3.0), True),  # one lead that was read badly
        ((18.4,), False),  # may be by chance
        ((4.0, 0.9, 12.9, 9.5, 2.6), False),  # as of a page that is upside down
        ((18.4, 14.2, 2.0, 2.0), False),
        ((), False),
    ],
)
def test_leads_that_obey_most_laws_are_the_right_ones(
    snr_db: tuple[float, ...], tell: bool
) -> None:
    laws = [Residual("I + III = II", ("I", "II", "III"), 0.0, 2.5, 0.02, snr) for snr in snr_db]
    assert laws_tell(laws) is tell


def fit(name: str, score: float, *, width: float) -> Fit:
    """A layout on 250 mm, with so many nats by its names and its rarity."""
    known = arrangement_named(name)
    return Fit(known, Place(0.0, width), 0.0, score + known.rarity, 0.0, True)


def test_a_layout_is_as_sure_as_the_best_that_has_another_lead_there() -> None:
    usual = fit("3x4", 20.0, width=62.5)
    cabrera = fit("3x4 (Cabrera)", 15.0, width=62.5)
    other = fit("3x1", 4.0, width=250.0)
    fits = [usual, cabrera, other]
    assert margin_nats(fits, 0, 0) == 5.0  # I or aVL
    assert margin_nats(fits, 0, 2) == 16.0  # V1 in both, and I in the third
    assert margin_nats(fits, 1, 1) == 5.0  # aVL or aVF
    assert margin_nats(fits[:1], 0, 0) == np.inf  # it was told


def test_a_rhythm_strip_is_as_sure_as_its_own_name() -> None:
    best, rival = fit("3x4+1R", 9.0, width=62.5), fit("4x3", 2.0, width=250 / 3)
    assert margin_nats([best, rival], 3, 0) == 7.0  # II, or the middle of aVR, V3 … V6
    same = fit("3x4+1R (Cabrera)", 8.0, width=62.5)
    assert margin_nats([best, same], 3, 0) == np.inf

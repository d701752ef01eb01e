"""A page's leads' quality: a probability, never raised by a doubt, stated with its reasons."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pages import PAGE

from ecg_overlap.digitize.page.quality import ENOUGH_DB, WEIGHTS, doubts, quality, with_quality
from ecg_overlap.digitize.page.strip_evidence import GUESSED, NAMES, StripEvidence
from ecg_overlap.digitize.quality import LOW_QUALITY

GOOD = StripEvidence(1.0, 0.0, 20.0, 0.0, 20.0, 1.0, 20.0, 30.0, 1.0)
POOR = StripEvidence(0.5, 0.5, -3.0, 0.9, -6.0, 0.1, -5.0, 0.0, 0.0, GUESSED)
MORE_IS_BETTER = {name: getattr(GOOD, name) > getattr(POOR, name) for name in NAMES}
SHARE, DB = st.floats(0, 1), st.floats(-90, 90) | st.just(math.nan)
ANY = st.builds(
    StripEvidence,
    confidence=SHARE,
    fast=SHARE,
    agreement_db=DB,
    shared_power=SHARE,
    law_db=DB,
    explained=SHARE | st.just(math.nan),
    laws_db=DB,
    margin=st.floats(0, 30),
    names=SHARE,
)


@given(ANY)
def test_it_is_a_probability(evidence: StripEvidence) -> None:
    assert 0 <= quality(evidence) <= 1


@given(ANY, st.sampled_from(NAMES), st.floats(0, 50))
def test_more_doubt_never_gives_more_quality(
    evidence: StripEvidence, name: str, more: float
) -> None:
    value = getattr(evidence, name)
    if math.isnan(value):
        return
    worse = value - more if MORE_IS_BETTER[name] else value + more
    assert quality(replace(evidence, **{name: worse})) <= quality(evidence)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "explained"])
def test_each_kind_of_evidence_counts(name: str) -> None:
    assert quality(replace(GOOD, **{name: getattr(POOR, name)})) < quality(GOOD)


def test_each_doubt_has_a_weight_that_is_not_negative() -> None:
    assert list(doubts(GOOD)) == list(WEIGHTS)
    assert min(WEIGHTS.values()) > 0
    assert max(doubts(GOOD).values()) == 0


def test_a_chest_lead_is_told_by_what_the_others_explain_and_a_limb_lead_by_law() -> None:
    half = replace(GOOD, explained=0.5)
    assert doubts(half)["told"] == 0  # 20 dB by law
    chest = replace(half, law_db=math.nan)
    assert doubts(chest)["told"] == pytest.approx((ENOUGH_DB - 10 * math.log10(2)) / 10)
    assert doubts(replace(chest, explained=math.nan))["told"] == 0


def test_what_is_not_known_is_no_doubt_but_a_second_reading_that_fails_is() -> None:
    assert doubts(replace(GOOD, laws_db=math.nan))["laws"] == 0
    none = doubts(replace(GOOD, agreement_db=math.nan))
    assert none["agreement"] == doubts(POOR)["agreement"] > 0


def test_a_guessed_name_is_as_likely_another() -> None:
    assert quality(replace(GOOD, named=GUESSED)) == pytest.approx(quality(GOOD) / 2)


def test_a_strip_states_it_with_its_evidence_and_flags_a_low_one() -> None:
    good, poor = (with_quality(PAGE.strips[0], evidence) for evidence in (GOOD, POOR))
    assert (good.quality, poor.quality) == (quality(GOOD), quality(POOR))
    assert poor.quality < LOW_QUALITY < 0.9 < good.quality
    assert StripEvidence(**good.signal.evidence) == GOOD
    assert tuple(poor.signal.evidence) == tuple(asdict(POOR))
    assert "low_quality" in poor.signal.flags and "low_quality" not in good.signal.flags
    np.testing.assert_array_equal(good.signal.signal_mv, PAGE.strips[0].signal.signal_mv)

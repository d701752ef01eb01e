"""A lead's quality: a probability, never raised by a doubt, high where a lead is read well."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data_gen
from data_gen.sample import LeadSample
from ecg_overlap.digitize.decoders import Decoded
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.paths.leftover import Leftover
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.quality import (
    AGREED_DB,
    DISAGREED_DB,
    LOW_QUALITY,
    NAMES,
    WEIGHTS,
    Evidence,
    agreement_db,
    doubts,
    evidence_of,
    quality,
)

GOOD = Evidence(1.0, 0.0, 1.0, 1.0, 40.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
POOR = Evidence(0.5, 5.0, 0.1, 0.5, -10.0, 0.0, 1.0, 1.0, 0.2, 1.0, 1.0)
MORE_IS_BETTER = {name: getattr(GOOD, name) > getattr(POOR, name) for name in NAMES}
ANY = st.builds(
    Evidence,
    confidence=st.floats(0, 1),
    unexplained=st.floats(0, 100),
    chance=st.floats(0, 1),
    seen=st.floats(0, 1) | st.just(math.nan),
    agreement_db=st.floats(-60, 99) | st.just(math.nan),
    alike=st.floats(-1, 1),
    fast=st.floats(0, 1),
    trend=st.floats(0, 1),
    grid=st.floats(0, 1) | st.just(math.nan),
    at_edge=st.sampled_from([0.0, 1.0]),
    peak_doubtful=st.sampled_from([0.0, 1.0]),
)
PX_PER_S = 200.0


@pytest.fixture(scope="module")
def clean() -> LeadSample:
    return data_gen.make_sample(0, config="clean")


@pytest.fixture(scope="module")
def read(clean: LeadSample) -> LeadSignal:
    return digitize_lead(clean.image)


@given(ANY)
def test_it_is_a_probability(evidence: Evidence) -> None:
    assert 0 <= quality(evidence) <= 1


@given(ANY, st.sampled_from(NAMES), st.floats(0, 50))
def test_more_doubt_never_gives_more_quality(evidence: Evidence, name: str, more: float) -> None:
    value = getattr(evidence, name)
    if math.isnan(value):
        return
    worse = value - more if MORE_IS_BETTER[name] else value + more
    assert quality(replace(evidence, **{name: worse})) <= quality(evidence)


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_of_evidence_counts(name: str) -> None:
    assert getattr(WEIGHTS, name) > 0
    assert quality(replace(GOOD, **{name: getattr(POOR, name)})) < quality(GOOD)


def test_what_is_not_known_is_no_doubt_but_a_second_reading_that_fails_is() -> None:
    assert doubts(replace(POOR, grid=math.nan))["grid"] == 0
    none = doubts(replace(GOOD, agreement_db=math.nan))
    assert none["agreement_db"] == doubts(POOR)["agreement_db"] > 0


@pytest.mark.parametrize("index", range(3))
def test_a_clean_lead_has_much(index: int) -> None:
    lead = digitize_lead(data_gen.make_sample(index, config="clean").image)
    assert lead.quality > 0.9
    assert "low_quality" not in lead.flags


def test_a_lead_whose_trace_is_hidden_has_little(clean: LeadSample) -> None:
    image = clean.image.copy()
    width = image.shape[1]
    for k in range(0, width, width // 12):  # half of it is pasted over with its own grid
        part = image[:3, k : k + width // 24]
        image[:, k : k + width // 24] = np.broadcast_to(
            part.max(axis=0), (len(image), *part.shape[1:])
        )
    hidden = digitize_lead(image, px_per_mm=clean.calibration.px_per_mm_y)
    assert hidden.quality < LOW_QUALITY
    assert "low_quality" in hidden.flags


def test_it_is_the_same_whatever_else_is_read(clean: LeadSample, read: LeadSignal) -> None:
    digitize_lead(data_gen.make_sample(1, config="overlap").image)
    again = digitize_lead(clean.image)
    assert again.quality == read.quality
    assert again.evidence == read.evidence


def test_it_does_not_depend_on_the_rate_that_is_asked_for(
    clean: LeadSample, read: LeadSignal
) -> None:
    assert digitize_lead(clean.image, fs_hz=100.0).quality == read.quality


def test_its_evidence_is_told_by_name(read: LeadSignal) -> None:
    assert tuple(read.evidence) == NAMES
    assert quality(Evidence(**read.evidence)) == read.quality
    assert math.isnan(read.evidence["seen"])  # `classical` asks no network


def test_a_method_that_traces_no_others_states_none(clean: LeadSample) -> None:
    for lead in (
        digitize_lead(clean.image, method="viterbi"),
        digitize_lead(clean.image, mask=clean.target_mask, method="stroke@mask"),
    ):
        assert math.isnan(lead.quality)
        assert not lead.evidence
        assert "low_quality" not in lead.flags


def path_of(y_px: np.ndarray) -> Path:
    n = len(y_px)
    known = np.isfinite(y_px)
    return Path(
        np.arange(n, dtype=float), y_px, np.full(n, 0.1), known.astype(float), 2.0, 0.0, n - 1.0
    )


def test_a_path_agrees_with_itself_wherever_its_rows_are() -> None:
    y = 10 * np.sin(np.arange(400) / 10)
    assert agreement_db(path_of(y), path_of(y + 30)) > AGREED_DB


def test_a_path_of_a_tenth_more_swing_agrees_to_20_db() -> None:
    y = 10 * np.sin(2 * np.pi * np.arange(400) / 100)
    assert agreement_db(path_of(y), path_of(1.1 * y)) == pytest.approx(20.0)


def test_a_path_of_less_than_half_of_the_columns_disagrees() -> None:
    y = 10 * np.sin(np.arange(400) / 10)
    part = np.where(np.arange(400) < 190, y, np.nan)
    assert agreement_db(path_of(y), path_of(part)) == DISAGREED_DB


def evidence(y_px: np.ndarray, *, unexplained_px: int = 0) -> Evidence:
    left = np.zeros((20, 50), np.bool_)
    left.flat[:unexplained_px] = True
    path = path_of(y_px)
    read = Decoded(path, 0.0, Leftover(left, left, 0.0, 0.0), chance=0.8, seen=0.9)
    return evidence_of(read, path, px_per_s=PX_PER_S, grid_confidence=0.7)


def test_a_rhythm_is_like_itself_a_beat_later_and_noise_is_not() -> None:
    t_s = np.arange(500) / PX_PER_S
    assert evidence(np.exp(-(((t_s % 0.8) - 0.4) ** 2) / 0.001)).alike > 0.99
    assert evidence(np.random.default_rng(0).normal(size=500)).alike < 0.4


def test_what_is_faster_than_a_heart_is_seen() -> None:
    t_s = np.arange(500) / PX_PER_S
    slow, fast = 10 * np.sin(2 * np.pi * 3 * t_s), 10 * np.sin(2 * np.pi * 70 * t_s)
    assert evidence(slow).fast < 0.05
    assert evidence(slow + fast).fast > 0.4  # 0.7 but for what the columns take of it


def test_a_slope_is_a_trend_and_a_rhythm_is_none() -> None:
    t_s = np.arange(500) / PX_PER_S
    assert evidence(10 * t_s).trend == pytest.approx(1.0)
    assert evidence(np.sin(2 * np.pi * 4 * t_s)).trend < 0.1


def test_gaps_are_no_confidence_and_ink_is_counted_in_strokes() -> None:
    y = 10 * np.sin(np.arange(401) / 10)
    found = evidence(np.where(np.arange(401) % 100 < 75, y, np.nan), unexplained_px=400)
    assert found.confidence == pytest.approx(0.75, abs=0.02)
    assert found.unexplained == 0.5  # 400 px of a stroke of 400 · 2 px
    assert (found.chance, found.seen, found.grid) == (0.8, 0.9, 0.7)


def test_a_path_of_a_point_is_judged_too() -> None:
    found = evidence(np.array([3.0, 3.0]))
    assert 0 <= quality(found) < LOW_QUALITY
    assert all(math.isfinite(value) for value in asdict(found).values())

"""Stated probabilities against what happened, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_gen.errors import InputError
from ecg_overlap.metrics.reliability import Bin, auc, brier, calibration_error, reliability


def test_auc_is_the_share_of_pairs_in_order() -> None:
    # Events .9 and .4 against .5 and .2: three of four pairs are in order.
    assert auc([0.9, 0.4, 0.5, 0.2], [True, True, False, False]) == 0.75


def test_a_tie_is_half_a_pair() -> None:
    assert auc([0.5, 0.5], [True, False]) == 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_auc_turns_over_with_the_score(cases: list[tuple[float, bool]]) -> None:
    score, event = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    if event.all() or not event.any():
        return
    assert auc(-score, event) == pytest.approx(1 - auc(score, event))


def test_brier_of_the_usual_share_is_its_variance() -> None:
    assert brier([0.25] * 4, [True, False, False, False]) == pytest.approx(0.25 * 0.75)


def test_bins_hold_equal_numbers_in_order() -> None:
    first, second = reliability([0.9, 0.1, 0.8, 0.3], [True, False, False, True], bins=2)
    assert (first.n, first.stated, first.happened) == (2, pytest.approx(0.2), 0.5)
    assert (second.n, second.stated, second.happened) == (2, pytest.approx(0.85), 0.5)


def test_fewer_cases_are_fewer_bins() -> None:
    assert len(reliability([0.5, 0.6], [True, False])) == 2


def test_the_calibration_error_counts_a_bin_by_its_cases() -> None:
    """Nine cases that are 0.1 off and one that is 0.5 off, in the other direction."""
    off = calibration_error([Bin(9, 0.6, 0.5), Bin(1, 0.5, 1.0)])
    assert off == pytest.approx((9 * 0.1 + 0.5) / 10)
    assert calibration_error(reliability([1.0, 0.0], [True, False], bins=2)) == 0
    with pytest.raises(InputError, match="none"):
        calibration_error([])


@pytest.mark.parametrize(
    ("score", "event"), [([0.1], [True]), ([], []), ([np.nan, 0.2], [True, False]), ([0.1], [])]
)
def test_what_cannot_be_ranked_is_refused(score: list[float], event: list[bool]) -> None:
    with pytest.raises(InputError):
        auc(score, event)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="0 and 1"):
        brier([1.2], [True])

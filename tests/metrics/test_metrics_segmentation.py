import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_gen.errors import InputError
from ecg_overlap.metrics.segmentation import MaskCounts, binary, count, dice, iou

TRUTH = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], bool)
PRED = np.array([[0, 1, 1, 1], [0, 0, 0, 1]], bool)  # 2 shared, 2 too many, 1 missed


def test_iou_and_dice_by_hand():
    assert count(PRED, TRUTH) == MaskCounts(both=2, only_pred=2, only_true=1)
    assert iou(PRED, TRUTH) == 2 / 5
    assert dice(PRED, TRUTH) == 4 / 7


def test_perfect_disjoint_and_refused():
    assert (iou(TRUTH, TRUTH), dice(TRUTH, TRUTH)) == (1, 1)
    assert (iou(~TRUTH, TRUTH), dice(~TRUTH, TRUTH)) == (0, 0)
    assert (iou(None, TRUTH), dice(None, TRUTH)) == (0, 0)


def test_coverage_counts_from_128_and_probability_from_one_half():
    coverage = np.array([[0, 127, 128, 255]], np.uint8)
    np.testing.assert_array_equal(binary(coverage), [[False, False, True, True]])
    probability = np.array([[0.0, 0.4999, 0.5, 1.0]], np.float32)
    np.testing.assert_array_equal(binary(probability), [[False, False, True, True]])


@given(
    hnp.arrays(bool, (5, 7), elements=st.booleans()),
    hnp.arrays(bool, (5, 7), elements=st.booleans()),
)
def test_counts_are_those_of_a_loop_over_the_pixels(pred, truth):
    both = only_pred = only_true = 0
    for p, t in zip(pred.ravel(), truth.ravel(), strict=True):
        both += p and t
        only_pred += p and not t
        only_true += t and not p
    assert count(pred, truth) == MaskCounts(both, only_pred, only_true)
    if both + only_pred + only_true:
        # Dice is a function of IoU.
        assert dice(pred, truth) == pytest.approx(2 * iou(pred, truth) / (1 + iou(pred, truth)))


@pytest.mark.parametrize("metric", [iou, dice])
def test_two_empty_masks_have_no_score(metric):
    with pytest.raises(InputError, match="no pixel"):
        metric(np.zeros((3, 3), bool), np.zeros((3, 3), np.uint8))


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        (np.zeros((2, 2, 3), np.uint8), r"not \(H, W\)"),
        (np.eye(2, dtype=np.uint8), "0 and 1"),
        (np.eye(2, dtype=np.int64), "int64"),
        (np.full((2, 2), 3.0), "logits"),
        (np.full((2, 2), -0.1), "logits"),
        (np.array([[0.5, np.nan]]), "0–1"),
    ],
)
def test_what_is_no_mask_is_an_error(mask, names):
    with pytest.raises(InputError, match=names):
        binary(mask)


def test_masks_of_different_size_are_an_error():
    with pytest.raises(InputError, match="resize"):
        count(np.zeros((2, 3), bool), np.zeros((3, 2), bool))

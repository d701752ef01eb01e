"""The picture's ink and a network's sight of it: who is believed where, at 8 px/mm."""

import numpy as np
import pytest

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.seen import seen_ink

SCALE = 8.0
STROKE = slice(38, 41)  # rows of a level trace, 3 px thick, over the whole picture


def blank() -> Coverage:
    return np.zeros((80, 200), np.float32)


def trace() -> Coverage:
    cover = blank()
    cover[STROKE] = 1
    return cover


def seen(own: Coverage, probability: Coverage) -> Coverage:
    before = own.copy(), probability.copy()
    found = seen_ink(own, probability, px_per_mm=SCALE)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    assert np.array_equal(own, before[0]) and np.array_equal(probability, before[1])
    return found


def test_where_both_agree_the_pictures_own_edges_are_kept() -> None:
    own = trace()
    own[37] = 0.4  # the stroke covers part of this row
    blurred = trace() * 0.8
    blurred[36:43] = np.maximum(blurred[36:43], 0.3)
    np.testing.assert_array_equal(seen(own, blurred), own)


def test_a_letter_goes_as_a_whole() -> None:
    own, probability = trace(), trace()
    own[60:70, 20:23] = own[60:63, 20:30] = 1
    probability[60:70, 20:23] = 0.6  # an upright that the network takes for a peak
    probability[60:63, 23:30] = 0.0
    letter = np.s_[58:72, 18:32]
    half_seen = probability[letter].sum() / own[letter].sum()
    assert 0.3 < half_seen < 0.5
    assert not seen(own, probability)[letter].any()


def test_a_stretch_of_a_stroke_that_the_network_misses_stays() -> None:
    probability = trace()
    probability[:, 100:104] = 0  # 0.5 mm of it
    np.testing.assert_array_equal(seen(trace(), probability), trace())


def test_a_stroke_under_a_letter_stays_whole() -> None:
    own, probability = trace(), trace()
    own[41:70, 100:103] = 1  # a narrow S wave that the network does not see, as a letter is there
    np.testing.assert_array_equal(seen(own, probability), own)


def test_a_pale_stroke_that_the_network_alone_sees_is_ink() -> None:
    probability = trace()
    probability[10:13, 50:150] = 0.9
    found = seen(trace(), probability)
    assert found[10:13, 50:150] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("rows", "columns", "likely"),
    [(slice(10, 12), slice(50, 54), 0.9), (slice(10, 13), slice(50, 150), 0.6)],
    ids=["a speck", "unsure"],
)
def test_what_the_network_alone_sees_must_be_sure_and_no_speck(
    rows: slice, columns: slice, likely: float
) -> None:
    probability = trace()
    probability[rows, columns] = likely
    np.testing.assert_array_equal(seen(trace(), probability), trace())


def test_a_hole_in_a_stroke_is_filled_where_the_network_sees_ink() -> None:
    own, probability = trace(), trace()
    own[39, 80:90] = 0
    found = seen(own, probability)
    assert (found[STROKE] == 1).all()
    probability[39, 80:90] = 0.2  # between two flanks there is paper
    assert not seen(own, probability)[39, 80:90].any()


def test_a_hole_that_is_narrower_than_the_networks_pixel_stays_paper() -> None:
    own, probability = blank(), blank()
    own[20:60, 100:109] = probability[20:60, 100:109] = 1  # two flanks at 16 px/mm …
    own[22:58, 104] = 0  # … with 0.06 mm of paper between them, closed at both ends
    found = seen_ink(own, probability, px_per_mm=2 * SCALE)
    np.testing.assert_array_equal(found, own)
    own[22:58, 103:106] = 0  # 0.19 mm: the network can tell
    assert (seen_ink(own, probability, px_per_mm=2 * SCALE)[20:60, 100:109] == 1).all()


def test_a_pale_stroke_is_added_up_to_the_ink_that_it_goes_on_from() -> None:
    probability = trace()
    probability[8:38, 100:103] = 0.6  # likely, …
    probability[8:30, 100:103] = 0.8  # … and sure somewhere
    found = seen(trace(), probability)
    np.testing.assert_array_equal(found, np.maximum(trace(), probability))


def test_a_small_stroke_that_hangs_on_ink_is_no_speck() -> None:
    probability = trace()
    probability[33:38, 100:102] = 0.8  # 0.16 mm²
    assert (seen(trace(), probability)[33:38, 100:102] >= 0.8).all()
    probability[36:38] = 0  # apart from the ink
    np.testing.assert_array_equal(seen(trace(), probability), trace())
    probability[33:36], probability[35:38, 100:101] = 0, 0.8  # hangs on it, in 3 px
    np.testing.assert_array_equal(seen(trace(), probability), trace())


def test_the_maps_soft_edge_makes_no_stroke_thicker() -> None:
    probability = trace()
    probability[37] = probability[41] = 0.8
    np.testing.assert_array_equal(seen(trace(), probability), trace())


def dipping(letter: bool = False) -> tuple[Coverage, Coverage]:
    """A trace with a slow wave that the network misses, parted by a grid line; or a letter."""
    own, probability = trace(), trace()
    own[STROKE, 90:130] = probability[STROKE, 90:130] = 0
    for x in range(90, 130):
        row = 39 + round(8 * np.sin((x - 90) / 40 * np.pi))
        own[row - 1 : row + 2, x] = 1
    own[:, 110] = 0
    if letter:
        own[STROKE, 90:130] = probability[STROKE, 90:130] = 1
        own[42:44, 90:130] = 0  # 0.25 mm above it
    return own, probability


def test_a_wave_that_the_network_misses_is_kept_where_it_joins_what_it_sees() -> None:
    own, probability = dipping()
    np.testing.assert_array_equal(seen(own, probability) >= 0.5, own >= 0.5)


def test_what_hangs_below_a_line_is_not_kept_for_that() -> None:
    own, probability = dipping(letter=True)
    assert not seen(own, probability)[45:].any()

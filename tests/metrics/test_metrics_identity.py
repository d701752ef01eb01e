import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap.metrics.identity import (
    distance_to_ink,
    identity_swaps,
    rows_at_columns,
    trace_width,
)


def line(row, *, width=100, height=60, thickness=3):
    """A horizontal stroke, centred on `row`."""
    mask = np.zeros((height, width), np.uint8)
    mask[row - thickness // 2 : row + thickness // 2 + 1] = 255
    return mask


OWN, OTHER = line(20), line(40)


def swaps(y_px, own=OWN, other=OTHER, **options):
    return identity_swaps(np.asarray(y_px, float), own, other, px_per_s=100, **options)


def test_following_ones_own_trace_is_no_swap():
    found = swaps(np.full(100, 20.0))
    assert (found.rate, found.n_columns, found.return_s) == (0, 100, ())


def test_following_another_for_a_while():
    y = np.full(100, 20.0)
    y[30:55] = 40
    found = swaps(y)
    assert found.rate == 0.25
    assert found.return_s == (0.25,)


def test_never_coming_back_lasts_to_the_end():
    y = np.full(100, 20.0)
    y[[10, 11]] = 40
    y[80:] = 40
    assert swaps(y).return_s == (0.02, 0.20)


@pytest.mark.parametrize(("y", "swapped"), [(31.5, False), (31.6, True), (28.5, False)])
def test_nearer_means_by_more_than_a_trace_width(y, swapped):
    # Ink in rows 19–21 and 39–41: at 31.5 the distances are 10.5 and 7.5, exactly 3 apart.
    assert swaps(np.full(100, y)).rate == float(swapped)
    assert trace_width(OWN > 0) == 3


def test_a_given_trace_width_is_used():
    assert swaps(np.full(100, 31.6), trace_width_px=4).rate == 0


def test_an_episode_lasts_until_the_own_trace_is_as_near_as_the_other():
    # Back over 4 columns: 35 is still nearer to the other but not by a width; 30 is even.
    y = np.full(100, 20.0)
    y[10:20] = 40
    y[20:24] = [35, 31, 30, 25]
    found = swaps(y)
    assert found.rate == 0.11
    assert found.return_s == (0.12,)


def test_a_steep_stroke_of_the_own_trace_is_no_swap():
    # In columns 50–52 the own trace runs from row 5 to row 45, past the other one.
    own = OWN.copy()
    own[5:46, 50:53] = 255
    y = np.full(100, 20.0)
    y[50:53] = 44
    assert swaps(y, own=own).rate == 0


def test_columns_without_output_or_trace_are_not_counted():
    own = OWN.copy()
    own[:, :10] = 0
    y = np.full(100, 20.0)
    y[90:] = np.nan
    y[50:60] = 40
    found = swaps(y, own=own)
    assert (found.n_columns, found.rate) == (80, 10 / 80)


def test_without_other_traces_nothing_is_swapped():
    assert swaps(np.full(100, 55.0), other=np.zeros_like(OWN)).rate == 0


def test_an_output_of_nothing_has_no_rate():
    with pytest.raises(InputError, match="no column"):
        swaps(np.full(100, np.nan))
    with pytest.raises(InputError, match="do not fit"):
        swaps(np.full(99, 20.0))
    with pytest.raises(InputError, match="no trace"):
        trace_width(np.zeros((3, 3), bool))


def test_distances_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    mask, y = rng.random((30, 50)) < 0.1, rng.uniform(0, 29, 50)
    y[3] = np.nan
    mask[:, 4] = False
    expected = [
        min((abs(row - y[x]) for row in range(30) if mask[row, x] and x != 3), default=np.inf)
        for x in range(50)
    ]
    np.testing.assert_allclose(distance_to_ink(y, mask), expected)


def test_a_path_is_read_at_whole_columns():
    rows = rows_at_columns([1.5, 2.5, 3.5, 4.5, 5.5], [10, 20, np.nan, 40, 50], 8)
    np.testing.assert_array_equal(rows, [np.nan, np.nan, 15, np.nan, np.nan, 45, np.nan, np.nan])
    with pytest.raises(InputError, match="path"):
        rows_at_columns([], [], 8)

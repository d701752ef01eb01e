"""A probability map is read as one trace: decided for the whole, drawn where the ink is."""

import numpy as np

from ecg_overlap.digitize.paths.ridge import most_probable, sharpened

PX_PER_MM = 8.0


def level_map(rows: dict[int, float], width: int = 60, height: int = 40) -> np.ndarray:
    """Level traces 3 px wide, each with its probability."""
    found = np.zeros((height, width), np.float32)
    for row, probability in rows.items():
        found[row - 1 : row + 2] = probability
    return found


def test_the_more_probable_of_two_traces_is_kept_alone() -> None:
    cover = most_probable(level_map({10: 0.4, 30: 0.3}), PX_PER_MM)
    assert (cover[9:12] == 1).all()  # scaled to its own height …
    assert not cover[28:33].any()  # … and the other is gone


def test_a_trace_is_decided_for_as_a_whole() -> None:
    # The lower trace is likelier over a few columns; changing over twice costs more.
    found = level_map({10: 0.6, 30: 0.3})
    found[29:32, 28:32] = 0.7
    cover = most_probable(found, PX_PER_MM)
    assert (cover[10] == 1).all() and not cover[30].any()


def test_a_steep_stroke_is_followed() -> None:
    found = np.zeros((100, 60), np.float32)
    found[80, :30] = found[20, 30:] = 0.9
    found[20:81, 30] = 0.9
    cover = most_probable(found, PX_PER_MM)
    assert (cover[20:81, 30] == 1).all()
    assert (cover[80, :30] == 1).all() and (cover[20, 31:] == 1).all()


def test_columns_without_a_probable_trace_stay_empty() -> None:
    found = level_map({10: 0.9})
    found[:, 20:30] = 0.05
    cover = most_probable(found, PX_PER_MM)
    assert not cover[:, 20:30].any()
    assert (cover[10, :20] == 1).all() and (cover[10, 30:] == 1).all()


def test_the_ink_says_where_the_trace_runs() -> None:
    blurred = np.zeros((20, 30), np.float32)
    blurred[6:13] = np.array([0.2, 0.6, 0.9, 1.0, 0.9, 0.6, 0.2], np.float32)[:, None]
    ink = np.zeros((20, 30), np.uint8)
    ink[8:11] = 255
    ink[15:18] = 255  # an intruder
    drawn = sharpened(blurred, ink)
    assert (drawn[8:11] == 1).all()
    assert not drawn[:8].any() and not drawn[11:].any()


def test_where_no_ink_lies_the_networks_own_cover_stays() -> None:
    blurred = np.zeros((20, 30), np.float32)
    blurred[9] = 0.8
    ink = np.zeros((20, 30), np.uint8)
    ink[9, :15] = 255
    drawn = sharpened(blurred, ink)
    assert (drawn[9, :15] == 1).all()
    np.testing.assert_allclose(drawn[9, 15:], 0.8)

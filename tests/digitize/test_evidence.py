"""A network's probability and the picture's ink, brought together."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.evidence import ink_and_maps, likely_near

PX_PER_MM = 8.0


def picture(*rows: slice) -> NDArray[np.float32]:
    drawn = np.zeros((60, 20), np.float32)
    for part in rows:
        drawn[part] = 1
    return drawn


def test_a_hole_is_filled_only_where_a_map_sees_the_trace_in_all_of_it() -> None:
    ink = picture(slice(10, 20), slice(24, 30))
    whole = ink_and_maps(ink, 0.9 * picture(slice(10, 30))[None], px_per_mm=PX_PER_MM)
    assert (whole[10:30] >= 0.9).all() and (whole[:10] == 0).all() and (whole[30:] == 0).all()
    parted = picture(slice(10, 22), slice(23, 30))[None]
    assert (ink_and_maps(ink, parted, px_per_mm=PX_PER_MM)[20:24] == 0).all()


def test_where_there_is_no_ink_near_a_sure_map_is_ink() -> None:
    # A pale stroke in rows 40 … 42 is lost: only the second trace's map has it.
    maps = np.stack([picture(slice(10, 13)), 0.8 * picture(slice(40, 43))])
    found = ink_and_maps(picture(slice(10, 13)), maps, px_per_mm=PX_PER_MM)
    assert (found[10:13] == 1).all() and np.allclose(found[40:43], 0.8)
    assert found.sum() == pytest.approx(20 * (3 + 3 * 0.8))


def test_a_map_beside_ink_adds_nothing() -> None:
    # 0.3 mm are 2 rows: of a map that is broader than the stroke, only rows farther off count.
    ink = picture(slice(20, 23))
    near = ink_and_maps(ink, picture(slice(18, 25))[None], px_per_mm=PX_PER_MM)
    assert np.array_equal(near, ink)
    beyond = ink_and_maps(ink, picture(slice(18, 27))[None], px_per_mm=PX_PER_MM)
    assert np.array_equal(beyond, picture(slice(20, 23), slice(25, 27)))


def test_a_map_that_is_not_sure_is_no_ink() -> None:
    maps = 0.49 * picture(slice(40, 43))[None]
    assert (ink_and_maps(picture(), maps, px_per_mm=PX_PER_MM) == 0).all()


def test_a_hole_in_a_stroke_is_filled_by_the_map_as_far_as_it_is_from_ink() -> None:
    # Columns 5 … 14 are lost; those 2 px from the ink to both sides are left to a bridge.
    ink = picture(slice(30, 33))
    ink[:, 5:15] = 0
    found = ink_and_maps(ink, picture(slice(30, 33))[None], px_per_mm=PX_PER_MM)
    there = np.flatnonzero(found[31]).tolist()
    assert there == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19]


def test_the_surest_of_several_maps_counts_and_bytes_are_ink_too() -> None:
    maps = np.stack([0.6 * picture(slice(40, 43)), 0.9 * picture(slice(40, 43))])
    ink = (255 * picture(slice(10, 13))).astype(np.uint8)
    found = ink_and_maps(ink, maps, px_per_mm=PX_PER_MM)
    assert found.dtype == np.float32
    assert np.allclose(found[10:13], 1) and np.allclose(found[40:43], 0.9)


def test_what_is_likely_near_reaches_as_far_as_a_maps_pixel() -> None:
    # 0.15 mm are 1 px.
    near = likely_near(picture(slice(30, 33)), px_per_mm=PX_PER_MM)
    assert np.array_equal(near, picture(slice(29, 34)))

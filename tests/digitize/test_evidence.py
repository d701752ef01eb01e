"""A network's probability and the picture's ink, brought together."""

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.evidence import ink_of_primary

PX_PER_MM = 8.0


def picture(*rows: slice) -> NDArray[np.float32]:
    drawn = np.zeros((60, 20), np.float32)
    for part in rows:
        drawn[part] = 1
    return drawn


def test_ink_that_the_network_gives_to_another_trace_is_cut_off_within_a_run() -> None:
    # One run: the primary's stroke and, below it, another's.
    found = ink_of_primary(picture(slice(10, 40)), picture(slice(10, 20)), px_per_mm=PX_PER_MM)
    assert (found[10:20] == 1).all() and (found[22:] == 0).all()


def test_where_the_network_is_not_sure_all_ink_stays() -> None:
    ink = picture(slice(10, 40))
    found = ink_of_primary(ink, 0.4 * picture(slice(10, 20)), px_per_mm=PX_PER_MM)
    assert np.array_equal(found, ink)


def test_a_hole_is_filled_only_where_the_network_sees_the_trace_in_all_of_it() -> None:
    ink = picture(slice(10, 20), slice(24, 30))
    whole = ink_of_primary(ink, 0.9 * picture(slice(10, 30)), px_per_mm=PX_PER_MM)
    assert (whole[10:30] >= 0.9).all() and (whole[:10] == 0).all() and (whole[30:] == 0).all()
    parted = picture(slice(10, 22), slice(23, 30))
    assert (ink_of_primary(ink, parted, px_per_mm=PX_PER_MM)[20:24] == 0).all()


def test_columns_without_ink_keep_the_probability() -> None:
    probability = 0.7 * picture(slice(10, 20))
    found = ink_of_primary(np.zeros_like(probability), probability, px_per_mm=PX_PER_MM)
    assert np.array_equal(found, probability)

"""Summits that stand apart: what SciPy finds, without SciPy's start."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import find_peaks

from ecg_overlap.digitize.traces.summits import summits


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.floats(1, 12))
def test_summits_are_those_of_scipy(heights: list[int], apart: float) -> None:
    profile = np.array(heights, np.float64)
    np.testing.assert_array_equal(summits(profile, apart), find_peaks(profile, distance=apart)[0])

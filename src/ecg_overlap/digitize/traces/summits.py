"""The summits of a profile that stand apart."""

import math

import numpy as np

from ecg_overlap.digitize.traces.runs import FloatArray, IntArray


def summits(profile: FloatArray, apart: float) -> IntArray:
    """Where a profile is highest, each summit at least so far from any higher one that stands.

    What `scipy.signal.find_peaks(profile, distance=apart)[0]` gives; importing that alone takes
    half a second of every start.

    Args:
        profile: (n,), finite.
        apart: In samples, 1 or more.

    Returns:
        int64, rising; of a level summit the middle.

    Example:
        >>> summits(np.array([0.0, 2, 0, 3, 3, 3, 0, 1, 0]), 1).tolist()
        [1, 4, 7]
        >>> summits(np.array([0.0, 2, 0, 3, 3, 3, 0, 1, 0]), 4).tolist()
        [4]
    """
    begins = np.append(0, np.flatnonzero(np.diff(profile)) + 1)  # of stretches of one height
    ends = np.append(begins[1:], len(profile)) - 1
    height = profile[begins]
    higher = np.diff(height) > 0
    is_summit = np.append(higher[:-1] & ~higher[1:], False)  # of the stretches from the second on
    at = ((begins[1:] + ends[1:]) // 2)[is_summit[: len(begins) - 1]]
    stands = np.ones(len(at), np.bool_)
    least = math.ceil(apart)
    for i in np.argsort(profile[at])[::-1]:  # as SciPy: of equal ones the later first
        if stands[i]:
            stands[np.abs(at - at[i]) < least] = False
            stands[i] = True
    return np.asarray(at[stands], np.int64)

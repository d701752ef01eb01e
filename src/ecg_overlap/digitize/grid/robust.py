"""Least squares that outliers do not move: Tukey's biweight, compiled."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
MAD_TO_SD = 1.4826  # a normal distribution's standard deviation, of its median absolute deviation
TUKEY_SD = 4.7  # standard deviations from which the biweight is 0: 95 % efficient (4.685, Tukey)


@njit(cache=True)
def biweight(rest: FloatArray, cutoff: float) -> FloatArray:
    """Tukey's biweight (n,): 1 where the rest is 0, falling to 0 at the cutoff."""
    weight = np.zeros(len(rest))
    for i in range(len(rest)):
        scaled = abs(rest[i]) / cutoff
        if scaled < 1:
            weight[i] = (1 - scaled**2) ** 2
    return weight


@njit(cache=True)
def weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """The least value up to which half of the weight lies; found by quickselect.

    A sort and a cumulative sum would be shorter, and take several times as long.
    """
    value, share = values.copy(), weight.copy()
    low, high, wanted = 0, len(value), 0.5 * weight.sum()
    while high - low > 1:
        pivot = value[(low + high) // 2]
        less, at, more = low, low, high
        below = equal = 0.0
        while at < more:
            v, w = value[at], share[at]
            if v < pivot:
                value[at], share[at] = value[less], share[less]
                value[less], share[less] = v, w
                below += w
                less += 1
                at += 1
            elif v > pivot:
                more -= 1
                value[at], share[at] = value[more], share[more]
                value[more], share[more] = v, w
            else:
                equal += w
                at += 1
        if below >= wanted and less > low:
            high = less
        elif below + equal >= wanted or more == high:
            return float(pivot)
        else:
            wanted -= below + equal
            low = more
    return float(value[low])


@njit(cache=True)
def normal_equations(design: FloatArray, value: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted normal equations, float64 (n_columns, n_columns + 1), the right side last."""
    n = design.shape[1]
    out = np.zeros((n, n + 1))
    for row in range(len(value)):
        if weight[row] == 0.0:
            continue
        for i in range(n):
            part = weight[row] * design[row, i]
            for j in range(n):
                out[i, j] += part * design[row, j]
            out[i, n] += part * value[row]
    return out

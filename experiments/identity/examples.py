"""What the network learns from: two leads of a record, changed over between some touches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.identity.stretches import (
    PER_MM,
    BoolArray,
    FloatArray,
    alike,
    beats_of,
    changed_over,
    question,
    stretches_of,
    within,
)

SHORTEST, LONGEST = 500, 1250  # samples: 2 to 5 s at 25 mm/s


@dataclass(frozen=True)
class Example:
    """A question and its answer: whether the two were changed over where it asks."""

    seen: NDArray[np.float32]
    changed: bool


def example(rng: np.random.Generator, signals_mv: NDArray[np.float32], n: int) -> Example:
    """One example of `n` samples.

    Args:
        rng: What it is drawn from.
        signals_mv: float32 (records, samples, leads), 250 a second.
        n: Its samples.
    """
    while True:
        made = _tried(rng, signals_mv, n)
        if made is not None:
            return made


def _tried(rng: np.random.Generator, signals_mv: NDArray[np.float32], n: int) -> Example | None:
    mm_per_mv = 10 * float(np.exp(rng.normal(0, 0.3))) * rng.choice([0.5, 1, 2], p=[0.1, 0.8, 0.1])
    record = signals_mv[rng.integers(len(signals_mv))]
    if rng.random() < 0.1 and 2 * len(record) >= n:  # 50 mm/s
        record = np.repeat(record, 2, axis=0)[:-1]
        record[1::2] = (record[::2][:-1] + record[::2][1:]) / 2
    first = rng.integers(len(record) - n + 1)
    heights = mm_per_mv * record[first : first + n].T.astype(np.float64)
    if rng.random() < 0.25:  # a page's rows: other leads from some column on
        last = rng.integers(n // 4, n)
        heights[:, last:] = heights[rng.permutation(len(heights)), last:]
    a, b = rng.choice(len(heights), 2, replace=False)
    upside_down = rng.random() < 0.1
    one, other = (-heights[a], -heights[b]) if upside_down else (heights[a], heights[b])
    lower = rng.uniform(1.5, 10) if rng.random() < 0.5 else rng.uniform(4, 30)
    other = other - lower
    levels = np.array([0.0, -lower]) + rng.normal(0, 0.4, 2)
    # An edge of the picture beyond which the other trace's row is, so that only peaks come in.
    if rng.random() < 0.25:
        edge = -lower * rng.uniform(0.1, 0.95)
        one, other = np.maximum(one, edge), np.maximum(other, edge)
        levels[1] = edge
        if rng.random() < 0.5:  # the same at the upper edge
            one, other, levels = -one, -other, -levels
    found = stretches_of(one, other, touch_mm=rng.uniform(0.4, 1.2))
    if not found:
        return None
    group = alike(found, beats_of(heights))
    # What was changed over: mostly alike in all beats, as whatever misled did so in each.
    changed = (rng.random(group.max() + 1) < rng.choice([0.1, 0.3, 0.5]))[group]
    changed ^= rng.random(len(found)) < rng.choice([0, 0.1])
    one, other = (_worn(rng, each, one - other) for each in (one, other))
    asked = rng.integers(len(found))
    if rng.random() < 0.75:
        there = (group == group[asked]) & (changed == changed[asked])
    else:
        there = np.arange(len(found)) == asked
    one, other = changed_over(one, other, within(found, changed, n))
    seen = question(one, other, (levels[0], levels[1]), within(found, there, n))
    return Example(seen, bool(changed[asked]))


def _worn(rng: np.random.Generator, height: FloatArray, apart: FloatArray) -> FloatArray:
    """A trace as it is read: unsure to a fraction of the pen, and where it touches, bridged."""
    read = height + rng.normal(0, rng.uniform(0.02, 0.15), len(height))
    if rng.random() < 0.5:
        near: BoolArray = np.abs(apart) < 0.6
        edges = np.flatnonzero(np.diff(near.astype(np.int8), prepend=0, append=0))
        for first, stop in edges.reshape(-1, 2):
            if 2 < stop - first < 6 * PER_MM and rng.random() < 0.4:
                a, b = max(first - 2, 0), min(stop + 1, len(read) - 1)
                read[a : b + 1] = np.interp(np.arange(a, b + 1), [a, b], read[[a, b]])
    return read

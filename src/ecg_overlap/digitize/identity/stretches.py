"""Where two traces touch, and the stretches between, in which they may have been changed over.

Heights are float64 (n,), in mm upward, `PER_MM` of them to a mm of paper.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.summits import summits

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

PER_MM = 10  # 250 samples a second at 25 mm/s
# What follows was set by hand once, and each is a guess but for what its sentence says.
LONGEST_MM = 75.0  # 3 s: of a longer stretch, its level tells the tracing whose it is
LEAST_APART_MM = 1.2  # two pens and more: nearer traces are alike whoever is who
# A stroke that climbs by 3 mV in 20 ms is so near another that it crosses, at the nearest sample;
# a path that leaps farther was not seen there.
CROSSING_MM = 3.0
BEAT_MM = 7.5  # 0.3 s: no two beats are nearer
STEEP_MM = 2.0  # 80 ms: a QRS complex
CLEAR = 0.35  # of the steepness of most beats, from which on there is a beat
ALIKE_MM = 1.0  # 40 ms: by which alike stretches of two beats may differ, at either end


class Stretch(NamedTuple):
    """Samples between two touches: the first, and the one after the last."""

    first: int
    stop: int


def beats_of(heights_mm: FloatArray) -> NDArray[np.int64]:
    """Where beats are, ascending: where traces (K, n) are steep, all at once.

    As `traces.beats` finds them in ink; the network learns where there are signals alone.
    """
    steep = np.abs(np.diff(heights_mm, axis=1)).sum(axis=0)
    steep = np.convolve(steep, np.hanning(round(STEEP_MM * PER_MM)), "same")
    least = CLEAR * float(np.quantile(steep, 0.99, method="nearest"))
    at = summits(steep, round(BEAT_MM * PER_MM))
    return at[steep[at] >= least]


def stretches_of(one_mm: FloatArray, other_mm: FloatArray, *, touch_mm: float) -> list[Stretch]:
    """The stretches between the touches of two traces, and from these to their ends.

    Args:
        one_mm: (n,), NaN where it is not known.
        other_mm: Likewise.
        touch_mm: So near each other's height they touch; they do as well where they cross.
    """
    apart = one_mm - other_mm
    known = np.isfinite(apart)
    if not known.any():
        return []
    begin, end = _common_ends(one_mm, other_mm)
    cuts = [*begin, *_touches(apart, touch_mm), *end]
    return [
        Stretch(first, stop)
        for first, stop in pairwise(cuts)
        if 2 < stop - first <= LONGEST_MM * PER_MM
        and (first, stop) != (*begin, *end)
        and known[first:stop].all()
        and np.abs(apart[first:stop]).max() > LEAST_APART_MM
    ]


def _common_ends(one_mm: FloatArray, other_mm: FloatArray) -> tuple[list[int], list[int]]:
    """Where both begin, and one after where both end; nothing where one of them does so alone."""
    of_both = [np.flatnonzero(np.isfinite(each))[[0, -1]].tolist() for each in (one_mm, other_mm)]
    (first, last), (others_first, others_last) = of_both
    most = ALIKE_MM * PER_MM
    begin = [max(first, others_first)] if abs(first - others_first) <= most else []
    end = [min(last, others_last) + 1] if abs(last - others_last) <= most else []
    return begin, end


def _touches(apart_mm: FloatArray, touch_mm: float) -> list[int]:
    """Where two traces are nearest each other, in each stretch in which they touch."""
    near = np.abs(apart_mm) < touch_mm  # NaN is not near
    nearest = np.fmin(np.abs(apart_mm[1:]), np.abs(apart_mm[:-1]))
    near[:-1] |= (apart_mm[1:] * apart_mm[:-1] <= 0) & (nearest < CROSSING_MM)
    edges = np.flatnonzero(np.diff(near.astype(np.int8), prepend=0, append=0))
    return [int(a + np.abs(apart_mm[a:b]).argmin()) for a, b in edges.reshape(-1, 2)]


def alike(stretches: list[Stretch], beats: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each stretch's group, int64 (m,): those that lie alike in their beats.

    Args:
        stretches: m of them.
        beats: Samples at which beats are, ascending, from `beats_of`.
    """
    ends = np.array(stretches, np.int64).reshape(-1, 2)
    if len(beats) and len(ends):
        nearest = np.abs(beats - ends.mean(axis=1)[:, None]).argmin(axis=1)
        ends = ends - beats[nearest][:, None]
    group = np.full(len(ends), -1)
    for i in range(len(ends)):
        if group[i] < 0:
            same = (np.abs(ends - ends[i]) <= ALIKE_MM * PER_MM).all(axis=1)
            group[same & (group < 0)] = group.max(initial=-1) + 1
    return group


def within(stretches: list[Stretch], some: BoolArray, n: int) -> BoolArray:
    """The samples of some of the stretches, bool (n,); `some` is bool, one for each of them."""
    found = np.zeros(n, np.bool_)
    for (first, stop), taken in zip(stretches, some, strict=True):
        if taken:
            found[first:stop] = True
    return found


def changed_over(
    one: FloatArray, other: FloatArray, there: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Two traces, (n,) each, that have changed places where bool (n,) `there` says."""
    return np.where(there, other, one), np.where(there, one, other)


def question(
    one_mm: FloatArray,
    other_mm: FloatArray,
    levels_mm: tuple[float, float],
    there: BoolArray,
    around: int | None = None,
) -> NDArray[np.float32]:
    """What the network sees of two traces and of a question: are they who they are `there`?

    Of each of the two, as they are and changed over: its height and the other's over the level
    to which each returns, how far it is above the other, and where the question is.

    Args:
        one_mm: (n,), finite.
        other_mm: Likewise.
        levels_mm: To which each of the two returns.
        there: bool (n,).
        around: Only so many samples, those around the question; None: all.

    Returns:
        float32 (2, 2, 4, n or `around`): as they are and changed over; of the one and the other;
        layers, in cm of paper, which are mV at 10 mm/mV.
    """
    if around is not None and around < len(one_mm):
        middle = int(np.flatnonzero(there)[[0, -1]].mean())
        first = min(max(middle - around // 2, 0), len(one_mm) - around)
        some = slice(first, first + around)
        return question(one_mm[some], other_mm[some], levels_mm, there[some])
    seen = np.empty((2, 2, 4, len(one_mm)), np.float32)
    for h, (a, b) in enumerate(((one_mm, other_mm), changed_over(one_mm, other_mm, there))):
        over = a - levels_mm[0], b - levels_mm[1]
        seen[h, 0, :3] = over[0], over[1], a - b
        seen[h, 1, :3] = over[1], over[0], b - a
    seen[:, :, :3] /= 10
    seen[:, :, 3] = there
    return seen

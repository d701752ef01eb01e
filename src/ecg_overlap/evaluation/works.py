"""An evaluation cut into works, and how long they will take, as the first ones tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ecg_overlap.evaluation.methods import Method
from ecg_overlap.evaluation.page_sets import AnySet

CHUNK = 8  # samples between two files: what a kill can lose


@dataclass(frozen=True)
class Work:
    """Some samples of one set, for methods that run in the same process."""

    name: str
    test_set: int
    indices: tuple[int, ...]
    in_workers: bool

    @property
    def is_first(self) -> bool:
        """Whether it is a set's first sample, which tells how long the others will take."""
        return self.indices == (0,)


def plan(methods: Sequence[Method], test_sets: Sequence[AnySet]) -> list[Work]:
    """All chunks, apart for workers and this process: each set's first sample, then the rest."""
    works = []
    for number, test_set in enumerate(test_sets):
        starts = sorted({0, 1, *range(0, len(test_set), CHUNK)})
        for start, stop in zip(starts, [*starts[1:], len(test_set)], strict=True):
            indices = tuple(range(start, min(stop, len(test_set))))
            for in_workers in sorted({m.in_workers for m in methods}, reverse=True):
                place = "workers" if in_workers else "networks"
                name = f"{number:02d}-{start:07d}-{place}"
                works.append(Work(name, number, indices, in_workers))
    works = [work for work in works if work.indices]
    return sorted(works, key=lambda work: not work.is_first)


def seconds_left(
    rows: pd.DataFrame,
    works: Sequence[Work],
    methods: Sequence[Method],
    test_sets: Sequence[AnySet],
    *,
    jobs: int,
) -> float:
    """What the works will take by the clock, s, if each set's samples cost what those done did.

    Args:
        rows: Of all samples that were scored, with the columns `*_ms`.
        works: Still to be done.
        methods: All of them.
        test_sets: Likewise.
        jobs: Processes, beside this one where networks run here; 1: all is done in this one.

    Returns:
        NaN where nothing was scored yet.
    """
    if rows.empty:
        return math.nan
    in_workers = rows["method"].map({m.name: m.in_workers for m in methods})
    total = {True: 0.0, False: 0.0}
    for work in works:
        name = test_sets[work.test_set].name
        own = rows[(rows["test_set"] == name) & (in_workers == work.in_workers)]
        spent = own[["time_ms", "score_ms"]].to_numpy().sum()
        # A sample is drawn once for all methods; a page's share of that is in each lead's row.
        spent += own.drop_duplicates("sample_id")["load_ms"].sum()
        total[work.in_workers] += len(work.indices) * spent / max(own["index"].nunique(), 1) / 1000
    return sum(total.values()) if jobs <= 1 else max(total[False], total[True] / jobs)


def in_words(seconds: float) -> str:
    """A stretch of time, to what matters of it.

    Example:
        >>> in_words(40), in_words(700), in_words(9000)
        ('1 min', '12 min', '2.5 h')
    """
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{math.ceil(seconds / 60)} min"

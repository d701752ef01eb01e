"""Methods × test sets → `per_sample.parquet`, pictures and `results.json`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from data_gen.errors import InputError
from ecg_overlap.evaluation import aggregate, partial, pictures, provenance
from ecg_overlap.evaluation.methods import Method
from ecg_overlap.evaluation.page_scoring import page_rows_of
from ecg_overlap.evaluation.page_sets import AnySet, PageSet
from ecg_overlap.evaluation.results import (
    PER_SAMPLE_NAME,
    MethodInfo,
    Results,
    TestSetInfo,
    unique,
    write,
    write_table,
)
from ecg_overlap.evaluation.scoring import rows_of
from ecg_overlap.evaluation.side_by_side import side_by_side
from ecg_overlap.evaluation.test_sets import spread
from ecg_overlap.evaluation.works import Work, in_words, plan, seconds_left

N_COSTLY = 32  # leads per set for the costly scores without `full`
PAGE_LEADS = 12  # leads of a page, roughly: so many fewer pages than leads are scored so


def evaluate(
    methods: Sequence[Method],
    test_sets: Sequence[AnySet],
    *,
    out: Path,
    jobs: int = 1,
    seed: int = 0,
    full: bool = False,
    command: str = "",
    device: str = "",
    progress: bool = True,
    n_costly: int = N_COSTLY,
) -> Results:
    """Try every method on every sample, and score it against the truth.

    A kill or crash loses at most a chunk: the same call goes on where it stopped. Methods
    without a network run in `jobs` processes; networks run in this one, beside them.

    Args:
        methods: As `build_method` makes them.
        test_sets: What they are tried on.
        out: Folder for `results.json`, `per_sample.parquet` and `pictures/`.
        jobs: Processes; 1 does everything in this one.
        seed: Of the bootstrap.
        full: Challenge 2024 and clinical scores on all leads instead of `n_costly` per set (or
            as many pages as hold about that many).
        command: The command line, for the record.
        device: What the networks run on, for the record.
        progress: Show a bar.
        n_costly: See `full`.

    Raises:
        InputError: Nothing to do, a name twice, `out` not writable, or a sample not readable.
    """
    methods, test_sets = list(methods), list(test_sets)
    unique((m.name for m in methods), where="methods")
    unique((t.name for t in test_sets), where="test sets")
    for test_set in test_sets:
        spread(len(test_set), None, where=test_set.name)
    settings: dict[str, Any] = {"seed": seed, "full": full, "n_costly": n_costly}
    kept = partial.Partial(out, partial.fingerprint(methods, test_sets, **settings))
    works = [work for work in plan(methods, test_sets) if not kept.done(work.name)]
    job = Job(methods, test_sets, kept.folder, None if full else n_costly)
    if progress:
        tqdm.write(_told(methods, test_sets))
    _run(job, works, kept, jobs=jobs, progress=progress)

    rows = in_order(kept.rows(), methods, test_sets)
    settings["jobs"] = jobs
    results = _results(rows, methods, test_sets, settings, command=command, device=device)
    pictures.draw_all(rows, results, methods, test_sets, out, jobs=jobs, progress=progress)
    write_table(rows, out / PER_SAMPLE_NAME)
    write(results, out)
    kept.remove()
    return results


def _told(methods: Sequence[Method], test_sets: Sequence[AnySet]) -> str:
    """What is about to be done, in words."""
    sizes = sorted({len(test_set) for test_set in test_sets})
    n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return (
        f"{len(test_sets)} test sets of {n} samples × {len(methods)} methods; "
        "the first of each set tells how long it takes"
    )


def _results(
    rows: pd.DataFrame,
    methods: Sequence[Method],
    test_sets: Sequence[AnySet],
    settings: dict[str, Any],
    *,
    command: str,
    device: str,
) -> Results:
    return Results(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        git=provenance.git(),
        versions=provenance.versions(),
        device=device or provenance.machine(),
        test_sets={t.name: _set_info(t, rows) for t in test_sets},
        methods={
            m.name: MethodInfo(m.kind, m.checkpoint, m.params, m.weights_sha256) for m in methods
        },
        scores=aggregate.scores(rows, seed=settings["seed"]),
        settings=settings,
        notes=provenance.notes(rows, methods, test_sets),
    )


@dataclass(frozen=True)
class Job:
    """What a process needs to do any of the works.

    Args:
        methods: All of them.
        test_sets: All of them.
        folder: Where the chunks go.
        n_costly: On how many leads of a set the costly scores are made; None: on all.
    """

    methods: list[Method]
    test_sets: list[AnySet]
    folder: Path
    n_costly: int | None

    def do(self, work: Work) -> int:
        """Score a chunk and write its file; returns the number of samples."""
        test_set = self.test_sets[work.test_set]
        methods = [m for m in self.methods if m.in_workers == work.in_workers]
        costly = self._costly(test_set)
        rows = []
        for index in work.indices:
            if isinstance(test_set, PageSet):
                rows += page_rows_of(test_set, index, methods, costly=index in costly)
            else:
                rows += rows_of(test_set, index, methods, costly=index in costly)
        partial.write_chunk(self.folder / f"{work.name}.parquet", rows)
        return len(work.indices)

    def _costly(self, test_set: AnySet) -> set[int]:
        """On which samples the costly scores are made."""
        n = self.n_costly
        if n is not None and isinstance(test_set, PageSet):
            n = max(1, n // PAGE_LEADS)
        return set(spread(len(test_set), n, where=test_set.name))

    def for_workers(self) -> "Job":
        methods = [m for m in self.methods if m.in_workers]
        return Job(methods, self.test_sets, self.folder, self.n_costly)


def _run(job: Job, works: list[Work], kept: partial.Partial, *, jobs: int, progress: bool) -> None:
    """All works: the sets' first samples, what they tell of the time, then the rest."""
    firsts = [work for work in works if work.is_first]
    rest = [work for work in works if not work.is_first]
    total = sum(len(work.indices) for work in works)
    with (
        tqdm(total=total, disable=not progress, unit="sample", desc="evaluate") as bar,
        side_by_side(job.do, job.for_workers().do, jobs, bar) as do,
    ):
        do(firsts)
        if progress and rest:
            left_s = seconds_left(kept.rows(), rest, job.methods, job.test_sets, jobs=jobs)
            if math.isfinite(left_s):
                tqdm.write(f"about {in_words(left_s)} to go, by the first of each set")
        do(rest)


def in_order(
    rows: pd.DataFrame, methods: Sequence[Method], test_sets: Sequence[AnySet]
) -> pd.DataFrame:
    """The rows by set, sample and method as they were given, whoever made them when.

    Raises:
        InputError: There is none: no sample has the truths that the methods are given.
    """
    if rows.empty:
        raise InputError(
            "evaluation", "no method could be tried on any sample", "name other methods=[…]"
        )
    rank_set = {t.name: i for i, t in enumerate(test_sets)}
    rank_method = {m.name: i for i, m in enumerate(methods)}
    order = pd.DataFrame(
        {
            "test_set": rows["test_set"].map(rank_set),
            "index": rows["index"],
            "method": rows["method"].map(rank_method),
        }
    ).sort_values(["test_set", "index", "method"], kind="stable")
    return rows.loc[order.index].reset_index(drop=True)


def _set_info(test_set: AnySet, rows: pd.DataFrame) -> TestSetInfo:
    digest, notes = provenance.set_facts(test_set.name, rows)
    note = "; ".join(part for part in (test_set.note, *notes) if part)
    return TestSetInfo(len(test_set), test_set.kind, digest, note)

"""How long an evaluation takes, and what part of it the metrics are.

    python benchmarks/evaluation.py [--n 1000] [--jobs 2]

Ten-second leads (layout 3x1 of the preset overlap) with four classical methods, without `full`.
With fewer than 1,000 leads the time is also scaled up, without the start of the processes.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd

from data_gen import presets
from ecg_overlap.evaluation.evaluate import N_COSTLY, evaluate
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.test_sets import GeneratorSet

METHODS = ("fortune", "fortune_fixed", "viterbi", "classical")
GOAL_N, GOAL_S, GOAL_METRICS = 1000, 600.0, 0.15


def ten_second_leads(n: int) -> GeneratorSet:
    generator = presets.load("overlap", values={"page": {"layout": ["3x1"]}})
    return GeneratorSet("overlap-10s", generator, n)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=GOAL_N)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    test_set = ten_second_leads(given.n)
    # As many leads are scored at full cost as their share in the goal.
    n_costly = max(1, round(N_COSTLY * given.n / GOAL_N))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        started = time.perf_counter()
        evaluate(
            [build_method(name) for name in METHODS],
            [test_set],
            out=out,
            jobs=given.jobs,
            n_costly=n_costly,
        )
        wall_s = time.perf_counter() - started
        report(pd.read_parquet(out / "per_sample.parquet"), wall_s, given.n, given.jobs)


def report(rows: pd.DataFrame, wall_s: float, n: int, jobs: int) -> None:
    per_lead = rows.groupby("index")
    load_s = per_lead["load_ms"].first().sum() / 1000
    digitize_s, metrics_s = rows["time_ms"].sum() / 1000, rows["score_ms"].sum() / 1000
    work_s = load_s + digitize_s + metrics_s
    print(f"{n} leads × {len(METHODS)} methods, {jobs} processes: {wall_s:.0f} s")
    print(f"  drawing the leads   {load_s / n * 1000:7.1f} ms a lead")
    for name, part in rows.groupby("method", sort=False):
        print(
            f"  {name:18s} {part['time_ms'].mean():7.1f} ms a lead, "
            f"metrics {part['score_ms'].mean():5.1f} ms"
        )
    share = metrics_s / work_s
    print(f"metrics: {100 * share:.1f} % of the work (goal: < {100 * GOAL_METRICS:.0f} %)")
    if n < GOAL_N:
        scaled = work_s / n * GOAL_N / jobs
        print(f"scaled to {GOAL_N} leads: {scaled:.0f} s", end=" ")
    else:
        scaled = wall_s
    print(f"(goal: ≤ {GOAL_S:.0f} s)")


if __name__ == "__main__":
    main()

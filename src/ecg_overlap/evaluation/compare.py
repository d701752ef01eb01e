"""Two evaluations, sample against sample: `python -m ecg_overlap.evaluation.compare A B`."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from data_gen.errors import InputError
from ecg_overlap.evaluation.aggregate import subsets_of
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.document import Row, Table, group
from ecg_overlap.evaluation.results import Results, read, read_per_sample
from ecg_overlap.evaluation.wording import SUBSET_WORDS, in_order, number, wording
from ecg_overlap.metrics.bootstrap import paired_difference

METRICS = (
    ("snr_db", "aligned"),
    ("pearson_r", "aligned"),
    ("mse_mv2", "aligned"),
    ("iou", "none"),
)
SUBSETS = ("clean", "overlap")


def compare(a: Path, b: Path) -> Table:
    """How much better or worse every method of run b is than in run a, on the same samples.

    Args:
        a: Folder of one evaluation.
        b: Folder of another one.

    Returns:
        A table of b − a; differences whose 95 % interval does not hold 0 are bold.

    Raises:
        InputError: A folder that cannot be read, or two that share no method, no test set, or
            none with the very same samples (by its SHA-256).
    """
    first, second = read(a), read(b)
    rows_a, rows_b = _rows(a, first), _rows(b, second)
    where = f"{a} and {b}"
    methods = [name for name in in_order(first) if name in second.methods]
    if not methods:
        raise InputError(
            where,
            f"no method in common ({', '.join(first.methods)}; {', '.join(second.methods)})",
            "evaluate one method in both",
        )
    lines: list[Row] = []
    for test_set in _same_sets(first, second, where):
        for method in methods:
            found = _lines(
                rows_a[(rows_a["test_set"] == test_set) & (rows_a["method"] == method)],
                rows_b[(rows_b["test_set"] == test_set) & (rows_b["method"] == method)],
            )
            lines += group(f"`{test_set}`, {method}", found)
    return Table(
        f"B minus A, lead by lead, with the 95 % interval of the mean difference. A: `{a}` "
        f"({first.created}, {first.git or 'no git'}); B: `{b}` ({second.created}, "
        f"{second.git or 'no git'}).",
        ("Subset", "Metric", "n", "A", "B", "B − A", "B better, %"),
        tuple(lines),
        text_columns=2,
    )


def _rows(folder: Path, results: Results) -> pd.DataFrame:
    rows = read_per_sample(folder, results)
    if rows is None:
        raise InputError(folder, "names no per-sample table", "run eval.py on it")
    return rows


def _same_sets(first: Results, second: Results, where: str) -> list[str]:
    common = [name for name in first.test_sets if name in second.test_sets]
    same = [n for n in common if first.test_sets[n].sha256 == second.test_sets[n].sha256]
    if not same:
        what = f"{', '.join(common)} hold other samples" if common else "no test set in common"
        raise InputError(where, what, "evaluate both on the same set, seed and n")
    return same


def _lines(a: pd.DataFrame, b: pd.DataFrame) -> list[Row]:
    """One line per subset and metric of one method on one set."""
    lines = []
    a, b = a.set_index("sample_id"), b.set_index("sample_id")
    b = b.reindex(a.index)
    found = subsets_of(a)
    for subset in [name for name in SUBSETS if name in found] or ["all"]:
        for metric, alignment in METRICS:
            name = column(metric, alignment)
            if name in a and name in b:
                line = _line(a[found[subset]], b[found[subset]], subset, metric, name)
                lines += [line] if line else []
    return lines


def _line(a: pd.DataFrame, b: pd.DataFrame, subset: str, metric: str, name: str) -> Row | None:
    before, after = a[name].to_numpy(np.float64), b[name].to_numpy(np.float64)
    difference = paired_difference(
        after,
        before,
        a["record_id"].to_numpy(object),
        rng=np.random.default_rng(0),
        larger_is_better=wording(metric).larger_is_better,
    )
    if difference is None:
        return None
    low, high = difference.ci95
    text = number(difference.mean, metric)
    text = f"**{text}**" if low > 0 or high < 0 else text
    return Row(
        (
            SUBSET_WORDS[subset],
            wording(metric).label,
            str(difference.n),
            number(difference.mean_b, metric),
            number(difference.mean_a, metric),
            f"{text}\t{number(low, metric)} … {number(high, metric)}",
            f"{100 * difference.better:.0f}",
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; prints the table as Markdown and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ecg_overlap.evaluation.compare")
    parser.add_argument("a", type=Path, help="folder of the first evaluation")
    parser.add_argument("b", type=Path, help="folder of the second")
    given = parser.parse_args(arguments)
    try:
        sys.stdout.write(f"{compare(given.a, given.b).markdown()}\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Error against severity out of several results: `python -m ecg_overlap.evaluation.by_severity …`.

Each file is given as LABEL=FILE. Files of one label are repetitions of a training: their means
are averaged, and the range of them is shown instead of the interval of one.
"""

import argparse
import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_gen.errors import InputError
from ecg_overlap.evaluation import plots
from ecg_overlap.evaluation.document import Row, Table
from ecg_overlap.evaluation.results import Results, Score, read, write_text
from ecg_overlap.evaluation.wording import NOTHING, SUBSET_WORDS, number, wording
from ecg_overlap.metrics.severity import CONTACT_BINS

BINS = tuple(f"{m}:{name}" for m in ("contact", "intrusion") for name in CONTACT_BINS)
MEASURES = {
    "contact": "contact: part of the trace's columns that another trace touches",
    "intrusion": "intrusion: part of the trace's columns with other ink in them",
}
ALIGNED = ("snr_db", "pearson_r", "mse_mv2", "rmse_mv", "mae_mv", "interval_coverage")
# An SVG file takes no colour from the page that shows it; this grey is legible on white and black.
GREY = "#768390"


@dataclass(frozen=True)
class Point:
    """A method's mean in one subset, with its interval.

    Args:
        n: Leads.
        mean: Over them, and over the repetitions.
        low: Of the 95 % interval; of several repetitions, the least of their means.
        high: Likewise.
    """

    n: int
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[Score]) -> "Point":
        means = [score.mean for score in scores]
        low, high = scores[0].ci95 if len(scores) == 1 else (min(means), max(means))
        return cls(scores[0].n, sum(means) / len(means), low, high)


Lines = dict[str, dict[str, Point]]


def by_severity(
    runs: Sequence[tuple[str, Results]], *, methods: Sequence[str], metric: str = "snr_db"
) -> Lines:
    """One line per label and method, one point per subset that has a score.

    Args:
        runs: Label and results of each; all have evaluated the same one test set.
        methods: Whose scores.
        metric: Of `results.json`; signals' are taken `aligned`.

    Returns:
        Points by line and by subset: "all" and each "contact:<bin>" or "intrusion:<bin>".

    Raises:
        InputError: Nothing given, other sets or several, or a method or metric that none has.
    """
    _same_set(runs)
    by_label: dict[str, list[Results]] = {}
    for label, results in runs:
        by_label.setdefault(label, []).append(results)
    (test_set,) = runs[0][1].test_sets
    several = [len(by_label) > 1, len(methods) > 1]
    lines = {
        ", ".join(itertools.compress((label, method), several)) or method: line_of(
            repeated, test_set, method, metric, ("all", *BINS)
        )
        for label, repeated in by_label.items()
        for method in methods
    }
    lines = {name: line for name, line in lines.items() if line}
    if not lines:
        raise InputError(
            "results", f"none has {metric} of {', '.join(methods)}", "name what eval.py scored"
        )
    return lines


def line_of(
    repeated: Sequence[Results], test_set: str, method: str, metric: str, subsets: Iterable[str]
) -> dict[str, Point]:
    """A method's points in those of the subsets in which any repetition has its score."""
    alignment = "aligned" if metric in ALIGNED else "none"
    found = {
        subset: [
            score
            for results in repeated
            if (
                score := results.score(method, test_set, metric, alignment=alignment, subset=subset)
            )
        ]
        for subset in subsets
    }
    return {subset: Point.of(scores) for subset, scores in found.items() if scores}


def subsets_in(lines: Lines) -> list[str]:
    """The subsets in which any line has a point, in order; by intrusion only without contact."""
    found = [name for name in ("all", *BINS) if any(name in line for line in lines.values())]
    if any(name.startswith("contact") for name in found):
        return [name for name in found if not name.startswith("intrusion")]
    return found


def _same_set(runs: Sequence[tuple[str, Results]]) -> None:
    for label, results in runs:
        if len(results.test_sets) != 1:
            raise InputError(
                f"results of {label}",
                f"hold {len(results.test_sets)} test sets",
                "evaluate one alone: eval.py shards=… or crops=…",
            )
    if len({info.sha256 for _, results in runs for info in results.test_sets.values()}) > 1:
        raise InputError("results", "are of different test sets", "evaluate all on the same one")


def table(lines: Lines, metric: str) -> Table:
    """The lines as a table: means, with interval or range, by subset."""
    subsets = subsets_in(lines)
    heads = [f"{SUBSET_WORDS[name]} (n = {_n(lines, name)})" for name in subsets]
    rows = [
        Row((name, *(_text(line.get(subset), metric) for subset in subsets)))
        for name, line in lines.items()
    ]
    caption = f"{wording(metric).label}, by {_measure(subsets)}."
    return Table(caption, ("", *heads), tuple(rows))


def _n(lines: Lines, subset: str) -> int:
    return max(line[subset].n for line in lines.values() if subset in line)


def _text(point: Point | None, metric: str) -> str:
    if point is None:
        return NOTHING
    return (
        f"{number(point.mean, metric)}\t{number(point.low, metric)} … {number(point.high, metric)}"
    )


def figure(lines: Lines, metric: str) -> str:
    """The lines against severity, as SVG text that takes the page's colours."""
    subsets = [name for name in subsets_in(lines) if name != "all"]
    return plots.intervals(
        [f"{SUBSET_WORDS[name]}\nn = {_n(lines, name)}" for name in subsets],
        {
            name: [
                (line[s].mean, line[s].low, line[s].high) if s in line else None for s in subsets
            ]
            for name, line in lines.items()
        },
        x_label=_measure(subsets),
        y_label=wording(metric).label,
    )


def _measure(subsets: Sequence[str]) -> str:
    """By what the samples are binned, in words."""
    by_intrusion = any(name.startswith("intrusion") for name in subsets)
    return MEASURES["intrusion" if by_intrusion else "contact"]


def main(arguments: list[str] | None = None) -> int:
    """The command line; prints the table as Markdown and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ecg_overlap.evaluation.by_severity")
    parser.add_argument(
        "runs", nargs="+", metavar="LABEL=FILE", help="a results.json, under a name"
    )
    parser.add_argument("--method", action="append", required=True, help="again for each further")
    parser.add_argument("--metric", default="snr_db", help="as in results.json (snr_db)")
    parser.add_argument("--out", type=Path, help="write the figure here, as SVG")
    given = parser.parse_args(arguments)
    try:
        lines = by_severity(
            [_run(text) for text in given.runs], methods=given.method, metric=given.metric
        )
        if given.out is not None:
            write_text(given.out, figure(lines, given.metric).replace("currentColor", GREY))
        sys.stdout.write(f"{table(lines, given.metric).markdown()}\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(text: str) -> tuple[str, Results]:
    label, found, path = text.partition("=")
    if not found:
        raise InputError(text, "has no label", "give LABEL=FILE")
    return label, read(Path(path))


if __name__ == "__main__":
    sys.exit(main())
